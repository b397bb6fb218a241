//! The leader's part: accept writes, make them durable, ship them.

use std::collections::VecDeque;
use std::sync::Arc;

use seedbed_sim::{Context, Halt, NodeId, Reason, Span};

use super::Node;
use super::config::Planted;
use super::message::{Answer, Message, Timer};
use super::replica::{EPOCH, Store};
use crate::kv::Operation;
use crate::replication::halt;
use crate::replication::log::{Change, Entry, LogIndex};
use crate::replication::state::{USER_KEY_BYTES_MAX, engine_key};
use crate::storage::VALUE_BYTES_MAX;

/// How many entries the leader ships to a follower beyond what that has confirmed.
pub const WINDOW_ENTRIES: u64 = 512;
/// How many entries go into one message at the most.
const MESSAGE_ENTRIES_MAX: u64 = 128;
/// How many bytes of entries go into one message, unless the first alone is larger.
const MESSAGE_BYTES_MAX: usize = 256 * 1024;

/// Who waits for a write: the client, its life, and the number of its request.
type Asker = (NodeId, u64, u64);

/// The leader's part of a replica.
#[derive(Clone)]
pub(super) struct Leader {
    followers: Vec<Progress>,
    heartbeat: Span,
    /// Writes that are not durable yet, in the order of their entries.
    waiting: VecDeque<(LogIndex, Asker)>,
}

/// How far one follower is, as the leader knows it.
#[derive(Clone, Copy, Debug)]
struct Progress {
    node: NodeId,
    /// The last entry shipped to it.
    shipped: LogIndex,
    /// It surely has everything up to here, or is taken to until it says otherwise.
    confirmed: LogIndex,
}

impl Leader {
    pub(super) fn boot(
        followers: &[NodeId],
        heartbeat: Span,
        store: &mut Store,
        cx: &mut Context<'_, Node>,
    ) -> Self {
        // A follower that has less finds out by the first heartbeat and says so.
        let at = store.log.durable();
        let progress = |node: &NodeId| Progress {
            node: *node,
            shipped: at,
            confirmed: at,
        };
        let mut leader = Self {
            followers: followers.iter().map(progress).collect(),
            heartbeat,
            waiting: VecDeque::new(),
        };
        leader.on_heartbeat_due(store, cx);
        leader
    }

    /// A client wants to write. Returns why it is refused, if it is.
    pub(super) fn on_write(
        &mut self,
        asker: Asker,
        operation: Operation,
        store: &mut Store,
        cx: &mut Context<'_, Node>,
    ) -> Result<Option<Reason>, Halt> {
        let change = match operation {
            Operation::Put { key, value } if is_acceptable(&key, &value) => Change::Put {
                key: engine_key(&key),
                value,
            },
            Operation::Delete { key } if is_acceptable(&key, &[]) => Change::Delete {
                key: engine_key(&key),
            },
            _ => return Ok(Some(Reason::Refused)),
        };
        let index = LogIndex(store.log.written().0 + 1);
        let entry = Entry {
            index,
            epoch: EPOCH,
            change,
        };
        store
            .log
            .append(cx.disk(), std::slice::from_ref(&entry))
            .map_err(halt)?;
        if store.planted == Planted::AckBeforeSync {
            acknowledge(asker, index, cx);
        } else {
            self.waiting.push_back((index, asker));
        }
        store.sync_later(cx)?;
        Ok(None)
    }

    /// More of the log is durable, and applied: acknowledges and ships it.
    pub(super) fn on_durable(&mut self, store: &Store, cx: &mut Context<'_, Node>) {
        let durable = store.log.durable();
        while self
            .waiting
            .front()
            .is_some_and(|(index, _)| *index <= durable)
        {
            let (index, asker) = self.waiting.pop_front().expect("it is there");
            acknowledge(asker, index, cx);
        }
        self.ship_to_all(store, cx);
    }

    /// A follower has made entries durable: there is room in its window again.
    pub(super) fn on_append_ok(
        &mut self,
        from: NodeId,
        durable: LogIndex,
        store: &Store,
        cx: &mut Context<'_, Node>,
    ) {
        if let Some(progress) = self
            .followers
            .iter_mut()
            .find(|progress| progress.node == from)
        {
            progress.confirmed = progress.confirmed.max(durable);
            progress.shipped = progress.shipped.max(durable);
            ship(progress, store, &mut None, cx);
        }
    }

    /// A follower says how much it has: ships from there on.
    pub(super) fn on_want(
        &mut self,
        from: NodeId,
        have: LogIndex,
        store: &Store,
        cx: &mut Context<'_, Node>,
    ) {
        assert!(
            have <= store.log.durable(),
            "{from} has entry {have:?}, which was never shipped"
        );
        if let Some(progress) = self
            .followers
            .iter_mut()
            .find(|progress| progress.node == from)
        {
            (progress.shipped, progress.confirmed) = (have, have);
            ship(progress, store, &mut None, cx);
        }
    }

    /// Tells every follower how far it has been shipped to.
    pub(super) fn on_heartbeat_due(&mut self, store: &mut Store, cx: &mut Context<'_, Node>) {
        if store.planted == Planted::StaleLeaderReads {
            store.stale = Some(store.state.renew_snapshot(store.stale));
        }
        for progress in &self.followers {
            cx.send(
                progress.node,
                Message::Heartbeat {
                    epoch: EPOCH,
                    shipped: progress.shipped,
                },
            );
        }
        cx.set_timer(self.heartbeat, Timer::Heartbeat);
    }

    fn ship_to_all(&mut self, store: &Store, cx: &mut Context<'_, Node>) {
        // Followers that are equally far get the same entries: they are gathered once.
        let mut last = None;
        for progress in &mut self.followers {
            ship(progress, store, &mut last, cx);
        }
    }

    /// What it is doing, for onlookers.
    pub(super) fn doing(&self) -> String {
        match self.waiting.len() {
            0 => String::new(),
            writes => format!("syncing {writes} writes"),
        }
    }
}

/// Whether a key and a value are within what every engine takes.
fn is_acceptable(key: &[u8], value: &[u8]) -> bool {
    key.len() <= USER_KEY_BYTES_MAX && value.len() <= VALUE_BYTES_MAX
}

fn acknowledge((client, session, sequence): Asker, position: LogIndex, cx: &mut Context<'_, Node>) {
    let result = Ok(Answer {
        value: None,
        position,
    });
    cx.send(
        client,
        Message::Response {
            session,
            sequence,
            result,
        },
    );
}

/// Entries gathered for one follower, after which entry: the next may want the same.
type Gathered = Option<(LogIndex, Arc<[Entry]>)>;

/// Ships what a follower lacks, as far as its window goes.
fn ship(
    progress: &mut Progress,
    store: &Store,
    gathered: &mut Gathered,
    cx: &mut Context<'_, Node>,
) {
    loop {
        let open = progress.confirmed.0.saturating_add(WINDOW_ENTRIES);
        let last = LogIndex(store.log.durable().0.min(open));
        if progress.shipped >= last {
            return;
        }
        let after = progress.shipped;
        let entries = match gathered {
            Some((known, entries))
                if *known == after && after.0 + entries.len() as u64 <= last.0 =>
            {
                Arc::clone(entries)
            }
            _ => gather(store, after, last),
        };
        progress.shipped = LogIndex(after.0 + entries.len() as u64);
        *gathered = Some((after, Arc::clone(&entries)));
        cx.send(
            progress.node,
            Message::Append {
                epoch: EPOCH,
                after,
                entries,
            },
        );
    }
}

/// The entries after `after` up to `last`, as many as go into one message, at least one.
fn gather(store: &Store, after: LogIndex, last: LogIndex) -> Arc<[Entry]> {
    let last = LogIndex(last.0.min(after.0 + MESSAGE_ENTRIES_MAX));
    let mut bytes = 0;
    let fits = |entry: &&Entry| {
        let is_first = bytes == 0;
        bytes += entry.size_bytes();
        is_first || bytes <= MESSAGE_BYTES_MAX
    };
    store
        .log
        .after(after, last)
        .take_while(fits)
        .cloned()
        .collect()
}
