//! The leader: takes writes in, makes them durable in groups, acknowledges and ships them.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use seedbed_sim::{Halt, NodeId};

use super::Cx;
use super::config::{Planted, ReplicaConfig};
use super::message::{Message, Timer};
use super::note::Note;
use super::replica::Core;
use crate::replication::log::{Limit, LogIndex, Proposal};
use crate::replication::state::Standing;
use crate::storage::SnapshotId;

/// What a leader keeps besides its log and state.
#[derive(Clone, Debug)]
pub(super) struct Leader {
    followers: Vec<FollowerProgress>,
    /// Up to where writes are applied, acknowledged and shipped.
    served: LogIndex,
    /// With a planted bug: what reads are answered from.
    stale: Option<SnapshotId>,
}

/// What the leader knows of one follower, or takes for granted until it hears otherwise.
#[derive(Clone, Debug)]
struct FollowerProgress {
    node: NodeId,
    /// Whether anything was sent to it since the last heartbeat was due.
    was_sent_something: bool,
    /// The next entry to send.
    next: LogIndex,
    /// Its log is durable to here.
    acknowledged: LogIndex,
    /// What was sent and not acknowledged, oldest first.
    in_flight: VecDeque<Batch>,
    in_flight_bytes: u64,
}

/// A batch on its way.
#[derive(Clone, Copy, Debug)]
struct Batch {
    last: LogIndex,
    size_bytes: u64,
}

impl Leader {
    /// Takes it that the followers have everything: those that have not will find a gap, at the first heartbeat or at the
    /// first entry, and say so.
    pub(super) fn boot(core: &Core, followers: &[NodeId], cx: &mut Cx<'_>) -> Self {
        let durable = core.log.durable();
        let progress = |node: &NodeId| FollowerProgress::at(*node, durable);
        let mut leader = Self {
            followers: followers.iter().map(progress).collect(),
            served: durable,
            stale: None,
        };
        leader.send_heartbeats(core, cx);
        leader
    }

    /// A client wants something done.
    pub(super) fn on_write(
        &mut self,
        core: &mut Core,
        proposal: Arc<Proposal>,
        cx: &mut Cx<'_>,
    ) -> Result<(), Halt> {
        let origin = proposal.origin;
        let (client, call) = (origin.client, origin.call);
        match core.state.standing(origin) {
            Standing::Stale => {
                cx.note(Note::IgnoredStaleWrite { client, call });
                return Ok(());
            }
            // A retry. If it is not durable yet, the acknowledgement comes when it is.
            Standing::Repeated(index) => {
                cx.note(Note::RecognisedRetry { client, index });
                if index <= self.served {
                    cx.send(client, Message::WriteOk { call, index });
                }
                return Ok(());
            }
            Standing::New => {}
        }
        let index = core.log.append(cx.disk(), core.config.epoch, proposal)?;
        core.state.accept(origin, index);
        if core.config.planted == Planted::AckBeforeSync {
            cx.send(client, Message::WriteOk { call, index });
        }
        core.log.begin_sync(cx.disk())?;
        Ok(())
    }

    /// More of the log is durable: what is new is applied, acknowledged and shipped, in this order.
    ///
    /// Applying first is what makes a client that was answered, and reads from the leader, see its own write. Shipping
    /// comes last, and of durable entries only: else a leader that crashes would know less than its followers.
    pub(super) fn on_durable(&mut self, core: &mut Core, cx: &mut Cx<'_>) -> Result<(), Halt> {
        let (served, durable) = (self.served, core.log.durable());
        // The entries are in memory still: what lets go of them comes after all use of them.
        core.state
            .apply(cx.disk(), core.log.recent(served, durable))?;
        if core.config.planted != Planted::AckBeforeSync {
            for entry in core.log.recent(served, durable) {
                let origin = entry.proposal.origin;
                let (call, index) = (origin.call, entry.index);
                cx.send(origin.client, Message::WriteOk { call, index });
            }
        }
        self.served = durable;
        self.ship_to_all(core, cx)?;
        core.log.forget_applied(durable);
        core.state
            .checkpoint(cx.disk(), core.config.checkpoint_every)?;
        Ok(())
    }

    pub(super) fn read(
        &mut self,
        core: &mut Core,
        key: &Bytes,
        cx: &mut Cx<'_>,
    ) -> Result<Option<Bytes>, Halt> {
        Ok(core.state.get(cx.disk(), key, self.stale)?)
    }

    /// A follower's log is durable to here.
    pub(super) fn on_append_ok(
        &mut self,
        core: &mut Core,
        from: NodeId,
        durable: LogIndex,
        cx: &mut Cx<'_>,
    ) -> Result<(), Halt> {
        check_not_ahead(core, from, durable)?;
        let Some(follower) = self.followers.iter_mut().find(|it| it.node == from) else {
            return Ok(());
        };
        // An older acknowledgement that was overtaken by a newer one; or the first one after a restart of this leader,
        // which has taken too much for granted: the follower will find out.
        if durable < follower.acknowledged {
            return Ok(());
        }
        follower.acknowledged = durable;
        follower.next = follower.next.max(durable.next());
        while let Some(batch) = follower.in_flight.front()
            && batch.last <= durable
        {
            follower.in_flight_bytes -= batch.size_bytes;
            follower.in_flight.pop_front();
        }
        ship(follower, core, cx)
    }

    /// A follower says how much it has: it has booted, or it has missed something. Ships from there on.
    pub(super) fn on_want(
        &mut self,
        core: &mut Core,
        from: NodeId,
        have: LogIndex,
        cx: &mut Cx<'_>,
    ) -> Result<(), Halt> {
        check_not_ahead(core, from, have)?;
        let Some(follower) = self.followers.iter_mut().find(|it| it.node == from) else {
            return Ok(());
        };
        let entries = core.log.durable().since(have);
        if entries > 0 {
            cx.note(Note::FollowerBehind {
                follower: from,
                entries,
            });
        }
        // It may stand before what it has acknowledged: when this was overtaken on its way, or its disk was replaced.
        // Sending an entry twice does no harm.
        *follower = FollowerProgress::at(from, have);
        if entries == 0 {
            follower.send_heartbeat(core, cx);
            return Ok(());
        }
        ship(follower, core, cx)
    }

    pub(super) fn on_heartbeat_due(&mut self, core: &mut Core, cx: &mut Cx<'_>) {
        if core.config.planted == Planted::StaleLeaderReads {
            self.stale = Some(core.state.renew_snapshot(self.stale));
        }
        self.send_heartbeats(core, cx);
    }

    /// Sends heartbeats to those that were sent nothing of late, and sets the timer for the next.
    fn send_heartbeats(&mut self, core: &Core, cx: &mut Cx<'_>) {
        for follower in &mut self.followers {
            if !std::mem::take(&mut follower.was_sent_something) {
                follower.send_heartbeat(core, cx);
            }
        }
        cx.set_timer(core.config.heartbeat, Timer::Heartbeat);
    }

    fn ship_to_all(&mut self, core: &mut Core, cx: &mut Cx<'_>) -> Result<(), Halt> {
        for follower in &mut self.followers {
            ship(follower, core, cx)?;
        }
        Ok(())
    }

    /// One short line on what it is doing.
    pub(super) fn doing(&self, config: &ReplicaConfig) -> String {
        let is_full = |follower: &&FollowerProgress| !follower.has_room(config.window);
        match self.followers.iter().filter(is_full).count() {
            0 => String::new(),
            1 => "waits for 1 follower".to_owned(),
            count => format!("waits for {count} followers"),
        }
    }
}

impl FollowerProgress {
    /// The follower has everything up to `have`.
    fn at(node: NodeId, have: LogIndex) -> Self {
        Self {
            node,
            was_sent_something: false,
            next: have.next(),
            acknowledged: have,
            in_flight: VecDeque::new(),
            in_flight_bytes: 0,
        }
    }

    fn send_heartbeat(&self, core: &Core, cx: &mut Cx<'_>) {
        let heartbeat = Message::Heartbeat {
            epoch: core.config.epoch,
            shipped: self.next.before(),
            end: core.log.durable(),
        };
        cx.send(self.node, heartbeat);
    }

    fn in_flight_entries(&self) -> u64 {
        self.next.before().since(self.acknowledged)
    }

    /// Whether more may be sent ahead of its acknowledgements. What is longer than the whole window goes alone.
    fn has_room(&self, window: Limit) -> bool {
        let fits = self.in_flight_entries() < window.entries && self.in_flight_bytes < window.bytes;
        fits || self.in_flight.is_empty()
    }
}

/// Sends a follower what it lacks, as far as the window allows.
fn ship(follower: &mut FollowerProgress, core: &mut Core, cx: &mut Cx<'_>) -> Result<(), Halt> {
    let end = core.log.durable();
    let (epoch, window, batch) = (core.config.epoch, core.config.window, core.config.batch);
    while follower.next <= end && follower.has_room(window) {
        let left = Limit {
            entries: window.entries.saturating_sub(follower.in_flight_entries()),
            bytes: window.bytes.saturating_sub(follower.in_flight_bytes),
        };
        let limit = Limit {
            entries: left.entries.min(batch.entries),
            bytes: left.bytes.min(batch.bytes),
        };
        let entries = core.log.read(cx.disk(), follower.next, limit)?;
        follower.next = entries.last().next();
        follower.in_flight_bytes += entries.size_bytes();
        follower.in_flight.push_back(Batch {
            last: entries.last(),
            size_bytes: entries.size_bytes(),
        });
        follower.was_sent_something = true;
        let append = Message::Append {
            epoch,
            entries,
            end,
        };
        cx.send(follower.node, append);
    }
    Ok(())
}

/// A follower can't have what its leader has not: only durable entries are shipped, and they survive the leader's
/// crashes. If one is ahead all the same, a disk has broken its promise, or somebody has mixed two clusters; going on
/// would let the two logs differ for ever.
fn check_not_ahead(core: &Core, follower: NodeId, its_end: LogIndex) -> Result<(), Halt> {
    if its_end <= core.log.durable() {
        return Ok(());
    }
    Err(Halt::Corrupt(format!(
        "{follower} has entry {its_end}, and its leader's log ends with entry {}",
        core.log.durable()
    )))
}
