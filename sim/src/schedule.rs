//! Schedules: the fate of single messages, named by what they are.
//!
//! What a link does to a message is drawn by the message's path (see [`fate`](crate::fate)), which is right for exploring
//! and useless for telling a story: change the code a little, and the paths are others. A schedule names a message as a
//! person would: *the third `append` from n0 to n2*, or *the first one sent after 350 ms*. What it says of that message
//! comes in the place of what is drawn for it, and touches no other.
//!
//! ```text
//!   append  n0 ► n2     1    2    3    4    5          counted as they are sent, over all lives of both nodes
//!                                 │
//!                                 └─ delay 2 s         arrives 2 s after it left, whatever the link would have done
//! ```
//!
//! - **What is counted** are messages of one kind from one node to another, in the order in which their sending is ordered,
//!   from those that leave at or after [`MessageName::after`] on. One that is lost, or sent into a cut, counts as well.
//! - **What a fate can't do** is to overrule a fault's cut, a receiver that is down, or the order of a connection: what
//!   was sent after a late message on the same connection waits behind it, as it does in TCP.
//! - **A world without a schedule** pays one look at a pointer for each message.
//!
//! The same bookkeeping can write down what became of every message ([`MessageSent`]), which is how a drawn run is made
//! into one that is written down.

use std::collections::BTreeMap;

use crate::{ChunkedVec, EventId, Instant, Kind, NodeId, Span};

/// A message, named by what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageName {
    /// Who sends it.
    pub from: NodeId,
    /// Who is to get it.
    pub to: NodeId,
    /// What it is.
    pub kind: Kind,
    /// Counted from those that leave then or later on.
    pub after: Instant,
    /// How many-th of these it is, from 1. There is no message 0.
    pub number: u32,
}

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessageFate {
    /// It travels for so long, and is not lost on the way.
    Delay(Span),
    /// It is lost, on a connection too (which gives it up).
    Lose,
    /// It arrives at this instant, or when it would have without this, whichever is later.
    HoldUntil(Instant),
    /// It arrives as it would have, and once more so long after that.
    Duplicate(Span),
}

/// A message, and what becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ScheduledMessage {
    /// Which one.
    pub message: MessageName,
    /// What becomes of it.
    pub fate: MessageFate,
}

/// What a link did to one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageSent {
    /// Its name, counted from the beginning of the run.
    pub name: MessageName,
    /// When it left.
    pub left_at: Instant,
    /// How long it was to travel, but for the order of its connection and for cuts; `None`: it was lost.
    pub travels: Option<Span>,
    /// The event of its sending.
    pub sent_by: EventId,
}

/// The messages of one kind on one link.
#[derive(Clone, Debug, Default)]
struct Line {
    count: u32,
    /// Fates that have not come true, and how many messages each still lets pass.
    fates: Vec<(Instant, u32, MessageFate)>,
}

/// A schedule, as far as a run has come in it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Schedule {
    lines: BTreeMap<(NodeId, NodeId, Kind), Line>,
    log: Option<ChunkedVec<MessageSent>>,
}

impl Schedule {
    pub(crate) fn add(&mut self, scheduled: &ScheduledMessage) {
        let ScheduledMessage { message, fate } = scheduled;
        let line = (message.from, message.to, message.kind);
        let line = self.lines.entry(line).or_default();
        line.fates.push((message.after, message.number, *fate));
    }

    pub(crate) fn begin_log(&mut self) {
        self.log.get_or_insert_default();
    }

    pub(crate) fn log(&self) -> Option<&ChunkedVec<MessageSent>> {
        self.log.as_ref()
    }

    /// A message is about to leave: how many-th of its kind on its link it is, and what the schedule says of it. Where
    /// several names mean it, the first that was added holds.
    pub(crate) fn next(
        &mut self,
        (from, to): (NodeId, NodeId),
        kind: Kind,
        left_at: Instant,
    ) -> (u32, Option<MessageFate>) {
        let line = self.lines.entry((from, to, kind)).or_default();
        line.count += 1;
        let mut chosen = None;
        line.fates.retain_mut(|(after, left, fate)| {
            if left_at < *after {
                return true;
            }
            *left -= 1;
            if *left == 0 {
                chosen = chosen.or(Some(*fate));
            }
            *left > 0
        });
        (line.count, chosen)
    }

    pub(crate) fn note(&mut self, sent: impl FnOnce() -> MessageSent) {
        if let Some(log) = &mut self.log {
            log.push(sent());
        }
    }
}
