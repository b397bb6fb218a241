//! The follower's part: take the log in order, make it durable, and notice what is missing.

use seedbed_sim::{Context, Halt, NodeId};

use super::Node;
use super::config::Planted;
use super::message::Message;
use super::note::Note;
use super::replica::{EPOCH, Store};
use crate::replication::halt;
use crate::replication::log::{Entry, Epoch, LogIndex};

/// The follower's part of a replica.
#[derive(Clone)]
pub(super) struct Follower {
    leader: NodeId,
    /// What it had when it last asked for more, while the answer is out: one gap is asked for once.
    asked: Option<LogIndex>,
    /// The last entry that it knew to exist when it found out that it lacks some.
    catching_up_to: Option<LogIndex>,
}

impl Follower {
    /// Greets the leader with what it has.
    pub(super) fn boot(leader: NodeId, store: &Store, cx: &mut Context<'_, Node>) -> Self {
        let have = store.log.durable();
        cx.send(leader, Message::Want { have });
        Self {
            leader,
            asked: Some(have),
            catching_up_to: None,
        }
    }

    /// Entries have come.
    pub(super) fn on_append(
        &mut self,
        (epoch, after): (Epoch, LogIndex),
        entries: &[Entry],
        store: &mut Store,
        cx: &mut Context<'_, Node>,
    ) -> Result<(), Halt> {
        // From a reign that is over.
        if epoch < EPOCH {
            return Ok(());
        }
        let written = store.log.written();
        // Entries between are missing: lost on the way, or overtaken by these.
        if after > written {
            self.ask(LogIndex(after.0 + entries.len() as u64), store, cx);
            return Ok(());
        }
        // The first ones are here already: they were sent twice.
        let known = usize::try_from(written.0 - after.0).unwrap_or(usize::MAX);
        let new = entries.get(known..).unwrap_or_default();
        if new.is_empty() {
            return Ok(());
        }
        if store.planted == Planted::SkipEntryAfterReconnect
            && self.asked.is_some()
            && written > LogIndex(0)
        {
            store.skipped = Some(new[0].index);
        }
        self.asked = None;
        store.log.append(cx.disk(), new).map_err(halt)?;
        store.sync_later(cx)
    }

    /// The leader says how far it has shipped. On a connection all of that has come before this.
    pub(super) fn on_heartbeat(
        &mut self,
        epoch: Epoch,
        shipped: LogIndex,
        store: &mut Store,
        cx: &mut Context<'_, Node>,
    ) -> Result<(), Halt> {
        // From a reign that is over.
        if epoch < EPOCH {
            return Ok(());
        }
        if shipped > store.log.written() {
            // Whatever it asked for before is lost by now, or still on its way: asking again does no harm.
            self.asked = None;
            self.ask(shipped, store, cx);
        }
        // A planted bug has put this off until now.
        store.apply(cx)
    }

    /// More of the log is durable, and applied: tells the leader.
    pub(super) fn on_durable(&mut self, store: &Store, cx: &mut Context<'_, Node>) {
        let durable = store.log.durable();
        cx.send(self.leader, Message::AppendOk { durable });
        if self
            .catching_up_to
            .take_if(|target| *target <= durable)
            .is_some()
        {
            cx.note(Note::CaughtUp { at: durable });
        }
    }

    /// Asks for what is missing, once.
    fn ask(&mut self, known: LogIndex, store: &Store, cx: &mut Context<'_, Node>) {
        let have = store.log.written();
        if self.catching_up_to.is_none() {
            cx.note(Note::CatchingUp { have, known });
        }
        self.catching_up_to = self.catching_up_to.max(Some(known));
        if self.asked != Some(have) {
            self.asked = Some(have);
            cx.send(self.leader, Message::Want { have });
        }
    }

    /// What it is doing, for onlookers.
    pub(super) fn doing(&self) -> String {
        self.catching_up_to
            .map(|target| format!("catching up to {}", target.0))
            .unwrap_or_default()
    }
}
