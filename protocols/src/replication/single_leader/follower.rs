//! A follower: appends what it is sent, in order, makes it durable, and applies it.

use seedbed_sim::{Halt, LocalInstant, NodeId};

use super::Cx;
use super::config::Planted;
use super::message::Message;
use super::note::Note;
use super::replica::Core;
use crate::replication::log::{Entries, Epoch, Limit, LogIndex};

/// What a follower keeps besides its log and state.
#[derive(Clone, Debug)]
pub(super) struct Follower {
    leader: NodeId,
    /// The latest reign it has heard of.
    epoch: Epoch,
    standing: Standing,
    /// With a planted bug: the next entry is never applied.
    skips: Option<LogIndex>,
}

/// How a follower stands to its leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// It lacks nothing but what is on its way.
    InStep,
    /// It has asked for what it lacks after an entry.
    Asked { after: LogIndex, at: LocalInstant },
    /// It is being sent what it was found to lack.
    CatchingUp { to: LogIndex },
}

impl Follower {
    /// Says how much it has, so that the leader goes on from there. One with an empty log has nothing to say: if it has
    /// missed anything, it will find out.
    pub(super) fn boot(core: &Core, leader: NodeId, cx: &mut Cx<'_>) -> Self {
        let mut follower = Self {
            leader,
            epoch: core.config.epoch.max(core.log.last_epoch()),
            standing: Standing::InStep,
            skips: None,
        };
        if core.log.written() > LogIndex::ZERO {
            follower.ask(core, cx);
        }
        follower
    }

    /// The leader ships entries. `end` is how far its own log is durable.
    pub(super) fn on_append(
        &mut self,
        core: &mut Core,
        (epoch, end): (Epoch, LogIndex),
        entries: &Entries,
        cx: &mut Cx<'_>,
    ) -> Result<(), Halt> {
        if self.is_stale(epoch, cx) {
            return Ok(());
        }
        let written = core.log.written();
        let (first, last) = (entries.first(), entries.last());
        // A repetition: sent again since an answer was lost or late. The leader is told where this follower stands.
        if last <= written {
            cx.note(Note::IgnoredRepeatedEntries { last });
            self.acknowledge(core, cx);
            return Ok(());
        }
        // A gap: what comes between was lost, or is still on its way behind this.
        if first > written.next() {
            self.ask_unless_asked(core, cx);
            return Ok(());
        }
        // What overlaps is here already; entries never change.
        let entries = entries.part(written.next(), Limit::NONE);
        self.is_sent(core, entries.first(), end, cx);
        core.log.append_all(cx.disk(), entries)?;
        core.log.begin_sync(cx.disk())?;
        Ok(())
    }

    /// What it asked for begins to come.
    fn is_sent(&mut self, core: &Core, first: LogIndex, end: LogIndex, cx: &mut Cx<'_>) {
        if !matches!(self.standing, Standing::Asked { .. }) {
            return;
        }
        self.standing = Standing::CatchingUp { to: end };
        let from = first.before();
        cx.note(Note::CatchingUp { from, to: end });
        if core.config.planted == Planted::SkipEntryAfterReconnect {
            self.skips = Some(first);
        }
    }

    /// The leader has had nothing to send for a while, takes this follower to have everything up to `shipped`, and its
    /// own log is durable up to `end`.
    pub(super) fn on_heartbeat(
        &mut self,
        core: &Core,
        epoch: Epoch,
        (shipped, end): (LogIndex, LogIndex),
        cx: &mut Cx<'_>,
    ) {
        if self.is_stale(epoch, cx) {
            return;
        }
        if shipped > core.log.written() {
            self.ask_unless_asked(core, cx);
            return;
        }
        let lacks_nothing = core.log.written() >= end;
        if lacks_nothing && matches!(self.standing, Standing::Asked { .. }) {
            self.standing = Standing::InStep;
        }
        // The answer tells a leader that has restarted where to go on, and makes good for lost acknowledgements.
        self.acknowledge(core, cx);
    }

    /// More of the log is durable: the leader is told, and what is new is applied.
    ///
    /// Only what is durable here is applied, so that what a client has read from this follower is there after its crash.
    pub(super) fn on_durable(&mut self, core: &mut Core, cx: &mut Cx<'_>) -> Result<(), Halt> {
        self.acknowledge(core, cx);
        if let Some(skipped) = self.skips.take_if(|skipped| *skipped <= core.log.durable()) {
            core.skip(skipped, cx.disk())?;
        }
        core.apply_durable(cx.disk())?;
        if let Standing::CatchingUp { to } = self.standing
            && core.log.durable() >= to
        {
            self.standing = Standing::InStep;
            cx.note(Note::CaughtUp { at: to });
        }
        Ok(())
    }

    /// What an earlier reign says is stale, and a later one is heard of.
    fn is_stale(&mut self, epoch: Epoch, cx: &mut Cx<'_>) -> bool {
        if epoch < self.epoch {
            cx.note(Note::IgnoredStaleLeader { epoch });
            return true;
        }
        self.epoch = epoch;
        false
    }

    fn acknowledge(&self, core: &Core, cx: &mut Cx<'_>) {
        let durable = core.log.durable();
        cx.send(self.leader, Message::AppendOk { durable });
    }

    /// Asks for what is missing, unless it was asked for a short while ago: the answer may be on its way behind a long
    /// queue of what can't be used.
    fn ask_unless_asked(&mut self, core: &Core, cx: &mut Cx<'_>) {
        if let Standing::Asked { after, at } = self.standing
            && after == core.log.written()
            && cx.clock().since(at) < core.config.ask_again_after
        {
            return;
        }
        let after = core.log.written();
        cx.note(Note::AskedForMissing { after });
        self.ask(core, cx);
    }

    fn ask(&mut self, core: &Core, cx: &mut Cx<'_>) {
        let after = core.log.written();
        let at = cx.clock();
        self.standing = Standing::Asked { after, at };
        cx.send(self.leader, Message::Want { have: after });
    }

    /// One short line on what it is doing.
    pub(super) fn doing(&self) -> String {
        match self.standing {
            Standing::InStep => String::new(),
            Standing::Asked { after, .. } => format!("asking for entries after {after}"),
            Standing::CatchingUp { to } => format!("catching up to {to}"),
        }
    }
}
