//! What leader and follower have in common: a log, what it adds up to, and answers to reads.

use bytes::Bytes;
use seedbed_sim::{Disk, Halt, NodeId, Reason, SyncTicket};

use super::Cx;
use super::config::{Part, Planted, ReplicaConfig};
use super::follower::Follower;
use super::leader::Leader;
use super::message::{Message, Timer};
use super::note::Note;
use crate::inspect::{Positions, Role, Status};
use crate::replication::log::{Call, LogIndex, ReplicatedLog};
use crate::replication::state::State;
use crate::storage::EngineError;

/// How many heartbeats late the planted bug [`Planted::ServeBeforeReplay`] applies the log.
const LATE_REPLAY_HEARTBEATS: u64 = 20;

/// A replica.
#[derive(Clone)]
pub struct Replica {
    pub(super) core: Core,
    part: PartState,
}

/// What a replica holds, whatever its part.
#[derive(Clone)]
pub(super) struct Core {
    pub(super) config: ReplicaConfig,
    pub(super) log: ReplicatedLog,
    pub(super) state: State,
    /// With a planted bug: the log was not applied at boot, and is not yet.
    owes_replay: bool,
}

/// A replica's part, with what only this part needs.
#[derive(Clone)]
enum PartState {
    Leader(Leader),
    Follower(Follower),
}

impl Replica {
    pub(super) fn boot(config: &ReplicaConfig, cx: &mut Cx<'_>) -> Result<Self, Halt> {
        let mut core = Core::recover(config, cx)?;
        let part = match &config.part {
            Part::Leader { followers } => PartState::Leader(Leader::boot(&core, followers, cx)),
            Part::Follower { leader } => {
                if core.owes_replay {
                    let late = config.heartbeat.saturating_mul(LATE_REPLAY_HEARTBEATS);
                    cx.set_timer(late, Timer::LateReplay);
                }
                PartState::Follower(Follower::boot(&core, *leader, cx))
            }
        };
        core.owes_replay &= matches!(part, PartState::Follower(_));
        Ok(Self { core, part })
    }

    pub(super) fn on_message(
        &mut self,
        from: NodeId,
        message: Message,
        cx: &mut Cx<'_>,
    ) -> Result<(), Halt> {
        let core = &mut self.core;
        match (&mut self.part, message) {
            (PartState::Leader(leader), Message::Read { call, key }) => {
                let value = leader.read(core, &key, cx)?;
                core.answer_read(from, call, value, cx);
            }
            (PartState::Follower(_), Message::Read { call, key }) => {
                let value = core.state.get(cx.disk(), &key, None)?;
                core.answer_read(from, call, value, cx);
            }
            (PartState::Leader(leader), Message::Write(proposal)) => {
                leader.on_write(core, proposal, cx)?;
            }
            (PartState::Follower(_), Message::Write(proposal)) => {
                cx.note(Note::RefusedWrite { client: from });
                let call = proposal.origin.call;
                let reason = Reason::WrongNode;
                cx.send(from, Message::Refused { call, reason });
            }
            (PartState::Leader(leader), Message::AppendOk { durable }) => {
                leader.on_append_ok(core, from, durable, cx)?;
            }
            (PartState::Leader(leader), Message::Want { have }) => {
                leader.on_want(core, from, have, cx)?;
            }
            (
                PartState::Follower(follower),
                Message::Append {
                    epoch,
                    entries,
                    end,
                },
            ) => {
                follower.on_append(core, (epoch, end), &entries, cx)?;
            }
            (
                PartState::Follower(follower),
                Message::Heartbeat {
                    epoch,
                    shipped,
                    end,
                },
            ) => {
                follower.on_heartbeat(core, epoch, (shipped, end), cx);
            }
            // What only the other part is sent was meant for a replica that had this node before; it is nothing to us.
            (PartState::Leader(_), Message::Append { .. } | Message::Heartbeat { .. })
            | (PartState::Follower(_), Message::AppendOk { .. } | Message::Want { .. }) => {}
            (_, Message::WriteOk { .. } | Message::ReadOk { .. } | Message::Refused { .. }) => {
                unreachable!("{from} answers a replica, which never asks");
            }
        }
        Ok(())
    }

    pub(super) fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_>) -> Result<(), Halt> {
        match (&mut self.part, timer) {
            (PartState::Leader(leader), Timer::Heartbeat) => {
                leader.on_heartbeat_due(&mut self.core, cx);
            }
            (PartState::Follower(_), Timer::LateReplay) => {
                self.core.owes_replay = false;
                self.core.state.replay(cx.disk(), &mut self.core.log)?;
            }
            (_, timer) => unreachable!("no replica sets {timer:?} in this part"),
        }
        Ok(())
    }

    pub(super) fn on_synced(&mut self, ticket: SyncTicket, cx: &mut Cx<'_>) -> Result<(), Halt> {
        let core = &mut self.core;
        if !core.log.on_synced(ticket) {
            core.state.on_synced(ticket);
            return Ok(());
        }
        // What came while the sync was under way goes with the next one, which need not wait for what follows here.
        core.log.begin_sync(cx.disk())?;
        match &mut self.part {
            PartState::Leader(leader) => leader.on_durable(core, cx),
            PartState::Follower(follower) => follower.on_durable(core, cx),
        }
    }

    pub(super) fn positions(&self) -> Positions {
        Positions {
            written: self.core.log.written().0,
            durable: self.core.log.durable().0,
            applied: self.core.state.applied().0,
        }
    }

    pub(super) fn status(&self) -> Status {
        let (role, doing) = match &self.part {
            PartState::Leader(leader) => (Role::Leader, leader.doing(&self.core.config)),
            PartState::Follower(follower) => (Role::Follower, follower.doing()),
        };
        Status {
            role,
            keys: self.core.state.key_count(),
            doing,
        }
    }

    pub(super) fn contents(
        &mut self,
        disk: &mut dyn Disk,
    ) -> Result<Vec<(Bytes, Bytes)>, EngineError> {
        self.core.state.contents(disk)
    }
}

impl Core {
    /// Opens the log and the engine, and applies what the log holds and the engine does not.
    fn recover(config: &ReplicaConfig, cx: &mut Cx<'_>) -> Result<Self, Halt> {
        let (mut log, found) = ReplicatedLog::open(cx.disk())?;
        if found.torn_bytes > 0 {
            let bytes = found.torn_bytes;
            cx.note(Note::DroppedTornTail { bytes });
        }
        let mut state = State::open(config.engine, cx.disk(), &mut log)?;
        let lacked = log.durable().since(state.applied());
        let is_follower = matches!(config.part, Part::Follower { .. });
        let owes_replay = config.planted == Planted::ServeBeforeReplay && is_follower && lacked > 0;
        if !owes_replay {
            state.replay(cx.disk(), &mut log)?;
        }
        cx.note(Note::Recovered {
            last: log.durable(),
            replayed: if owes_replay { 0 } else { lacked },
        });
        Ok(Self {
            config: config.clone(),
            log,
            state,
            owes_replay,
        })
    }

    /// Applies what is durable and not applied.
    pub(super) fn apply_durable(&mut self, disk: &mut dyn Disk) -> Result<(), EngineError> {
        let (applied, durable) = (self.state.applied(), self.log.durable());
        if self.owes_replay || applied == durable {
            return Ok(());
        }
        self.state.apply(disk, self.log.recent(applied, durable))?;
        self.log.forget_applied(durable);
        self.state.checkpoint(disk, self.config.checkpoint_every)
    }

    /// With a planted bug: counts an entry as applied that is not. What comes before it must be applied first.
    pub(super) fn skip(
        &mut self,
        skipped: LogIndex,
        disk: &mut dyn Disk,
    ) -> Result<(), EngineError> {
        let applied = self.state.applied();
        self.state
            .apply(disk, self.log.recent(applied, skipped.before()))?;
        self.state.skip_next(disk)
    }

    fn answer_read(&self, client: NodeId, call: Call, value: Option<Bytes>, cx: &mut Cx<'_>) {
        let applied = self.state.applied();
        cx.send(
            client,
            Message::ReadOk {
                call,
                value,
                applied,
            },
        );
    }
}
