//! What leader and follower have in common: a log, a state, and reads.

use bytes::Bytes;
use seedbed_sim::{Context, Disk, Halt, NodeId, Reason, SyncTicket};

use super::Node;
use super::config::{Part, Planted, ReplicaConfig};
use super::follower::Follower;
use super::leader::Leader;
use super::message::{Answer, Message, Timer};
use super::note::Note;
use crate::inspect::{Positions, Role, Status};
use crate::kv::Operation;
use crate::replication::halt;
use crate::replication::log::{Epoch, LogIndex, ReplicatedLog};
use crate::replication::state::State;
use crate::storage::SnapshotId;

/// The one reign there is.
pub(super) const EPOCH: Epoch = Epoch(1);

/// A replica.
#[derive(Clone)]
pub struct Replica {
    role: RoleState,
    store: Store,
}

#[derive(Clone)]
enum RoleState {
    Leader(Leader),
    Follower(Follower),
}

/// A replica's log and what came of applying it.
#[derive(Clone)]
pub(super) struct Store {
    pub(super) log: ReplicatedLog,
    pub(super) state: State,
    pub(super) planted: Planted,
    /// What [`Planted::StaleLeaderReads`] reads from.
    pub(super) stale: Option<SnapshotId>,
    /// What [`Planted::SkipEntryAfterReconnect`] leaves out.
    pub(super) skipped: Option<LogIndex>,
}

impl Store {
    /// Applies what is durable.
    pub(super) fn apply(&mut self, cx: &mut Context<'_, Node>) -> Result<(), Halt> {
        self.state
            .apply(cx.disk(), &self.log, self.skipped)
            .map_err(halt)
    }

    /// Begins a sync of the log if one is needed and none is under way.
    pub(super) fn sync_later(&mut self, cx: &mut Context<'_, Node>) -> Result<(), Halt> {
        self.log.sync_later(cx.disk()).map_err(halt)
    }

    /// Answers a read from what is applied.
    fn read(&mut self, key: &[u8], cx: &mut Context<'_, Node>) -> Result<Answer, Halt> {
        let value = self.state.get(cx.disk(), key, self.stale).map_err(halt)?;
        Ok(Answer {
            value,
            position: self.state.applied(),
        })
    }
}

impl Replica {
    pub(super) fn boot(config: &ReplicaConfig, cx: &mut Context<'_, Node>) -> Result<Self, Halt> {
        let (log, recovered) = ReplicatedLog::open(cx.disk()).map_err(halt)?;
        let state = State::open(config.engine, cx.disk()).map_err(halt)?;
        if state.applied() > log.durable() {
            return Err(Halt::Corrupt(format!(
                "the engine holds entry {}, and the log ends at {}",
                state.applied().0,
                log.durable().0
            )));
        }
        cx.note(Note::Recovered {
            last: log.durable(),
            torn_bytes: recovered.torn_bytes,
        });
        let mut store = Store {
            log,
            state,
            planted: config.planted,
            stale: None,
            skipped: None,
        };
        if store.planted != Planted::ServeBeforeReplay {
            store.apply(cx)?;
        }
        let role = match &config.part {
            Part::Leader {
                followers,
                heartbeat,
            } => RoleState::Leader(Leader::boot(followers, *heartbeat, &mut store, cx)),
            Part::Follower { leader } => RoleState::Follower(Follower::boot(*leader, &store, cx)),
        };
        Ok(Self { role, store })
    }

    pub(super) fn on_message(
        &mut self,
        from: NodeId,
        message: Message,
        cx: &mut Context<'_, Node>,
    ) -> Result<(), Halt> {
        match (&mut self.role, message) {
            (
                role,
                Message::Request {
                    session,
                    sequence,
                    operation,
                },
            ) => {
                let store = &mut self.store;
                let result = match (role, operation) {
                    (_, Operation::Get { key }) => Some(Ok(store.read(&key, cx)?)),
                    (RoleState::Leader(leader), change) => leader
                        .on_write((from, session, sequence), change, store, cx)?
                        .map(Err),
                    (RoleState::Follower(_), _) => {
                        cx.note(Note::RefusedWrite);
                        Some(Err(Reason::WrongNode))
                    }
                };
                if let Some(result) = result {
                    cx.send(
                        from,
                        Message::Response {
                            session,
                            sequence,
                            result,
                        },
                    );
                }
                Ok(())
            }
            (RoleState::Leader(leader), Message::AppendOk { durable }) => {
                leader.on_append_ok(from, durable, &self.store, cx);
                Ok(())
            }
            (RoleState::Leader(leader), Message::Want { have }) => {
                leader.on_want(from, have, &self.store, cx);
                Ok(())
            }
            (
                RoleState::Follower(follower),
                Message::Append {
                    epoch,
                    after,
                    entries,
                },
            ) => follower.on_append((epoch, after), &entries, &mut self.store, cx),
            (RoleState::Follower(follower), Message::Heartbeat { epoch, shipped }) => {
                follower.on_heartbeat(epoch, shipped, &mut self.store, cx)
            }
            // Not for this part: only a scenario that is wrong, or another protocol's node, would send it.
            (_, message) => Err(Halt::Stopped(format!(
                "{from} sent {message:?} to a replica that can't take it"
            ))),
        }
    }

    pub(super) fn on_timer(
        &mut self,
        timer: Timer,
        cx: &mut Context<'_, Node>,
    ) -> Result<(), Halt> {
        if let (RoleState::Leader(leader), Timer::Heartbeat) = (&mut self.role, timer) {
            leader.on_heartbeat_due(&mut self.store, cx);
        }
        Ok(())
    }

    pub(super) fn on_synced(
        &mut self,
        ticket: SyncTicket,
        cx: &mut Context<'_, Node>,
    ) -> Result<(), Halt> {
        if !self.store.log.on_synced(ticket) {
            return Ok(());
        }
        // What was written while the sync was under way goes into the next one.
        self.store.sync_later(cx)?;
        self.store.apply(cx)?;
        match &mut self.role {
            RoleState::Leader(leader) => leader.on_durable(&self.store, cx),
            RoleState::Follower(follower) => follower.on_durable(&self.store, cx),
        }
        Ok(())
    }

    pub(super) fn positions(&self) -> Positions {
        Positions {
            written: self.store.log.written().0,
            durable: self.store.log.durable().0,
            applied: self.store.state.applied().0,
        }
    }

    pub(super) fn status(&self) -> Status {
        let (role, doing) = match &self.role {
            RoleState::Leader(leader) => (Role::Leader, leader.doing()),
            RoleState::Follower(follower) => (Role::Follower, follower.doing()),
        };
        Status {
            role,
            keys: self.store.state.keys(),
            doing,
        }
    }

    pub(super) fn contents(&mut self, disk: &mut dyn Disk) -> Option<Vec<(Bytes, Bytes)>> {
        self.store.state.contents(disk).ok()
    }
}
