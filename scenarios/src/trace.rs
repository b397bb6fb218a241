//! The events of a run as data: what trace files, timelines and space-time diagrams are made of.
//!
//! The world's own records are small and know their nodes by number; a session adds what it heard beside them (how
//! long each handler took, how long each message waited for it) and hands out one [`TraceEvent`] after the other. It
//! is a graph of causes: each event names the one it followed from, which always came before it.

use seedbed_sim::{DropReason, EventId, FaultId, Instant, NodeId, RequestId, Span};

/// One event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceEvent {
    /// Which one; numbers run from 1, without gaps.
    pub event: EventId,
    /// When. Events are in this order.
    pub at: Instant,
    /// The event that caused it; [`EventId::OUTSIDE`] for none.
    pub cause: EventId,
    /// The node it happened at; for a fault, the first that it touches.
    pub node: NodeId,
    /// The kind of what it is about, in the protocol's words: of a message, a timer, a request, a note or a fault.
    pub about: &'static str,
    /// What happened.
    pub what: What,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The node began to boot.
    Boot {
        /// How many-th life this is, from 0.
        life: u64,
        /// How long it took, recovery included.
        took: Span,
    },
    /// The node ordered a message to be sent.
    Send {
        /// To whom.
        to: NodeId,
        /// When it leaves: the place of the order in its handler.
        leaves_at: Instant,
    },
    /// The node began to handle a message.
    Deliver {
        /// Who sent it.
        from: NodeId,
        /// Its size.
        size_bytes: u64,
        /// When it had come to the node; until now it waited there for its turn.
        arrived_at: Instant,
        /// How long handling it took.
        took: Span,
    },
    /// A message to the node was lost.
    Drop {
        /// Who sent it.
        from: NodeId,
        /// Why.
        reason: DropReason,
    },
    /// A message was damaged on its way, and no checksum saw it.
    Damage {
        /// The sender.
        from: NodeId,
    },
    /// A message to the node waits for a cut to be lifted.
    Hold {
        /// Who sent it.
        from: NodeId,
    },
    /// A timer of the node fired.
    Timer {
        /// Which one of the node's.
        number: u64,
        /// How long handling it took.
        took: Span,
    },
    /// A sync of the node's disk was completed.
    Synced {
        /// Which one of the node's.
        ticket: u64,
        /// How long handling it took.
        took: Span,
    },
    /// A user asked the node for something.
    Invoke {
        /// Which request.
        request: RequestId,
    },
    /// The node began to handle a request.
    Request {
        /// Which one.
        request: RequestId,
        /// How long handling it took.
        took: Span,
    },
    /// A request was answered.
    Reply {
        /// Which one.
        request: RequestId,
        /// How.
        outcome: Ending,
    },
    /// The node marked a meaning.
    Note,
    /// The node crashed.
    Crash {
        /// When: it may lie ahead, at the end of the handler it fell in.
        dies_at: Instant,
    },
    /// The node stopped itself.
    Halt {
        /// When, as for a crash.
        dies_at: Instant,
    },
    /// The node went on after a pause.
    Resume,
    /// A fault began.
    Fault {
        /// Which one.
        fault: FaultId,
    },
    /// A fault ended.
    Lift {
        /// Which one.
        fault: FaultId,
    },
}

/// How a request was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It happened.
    Ok,
    /// It surely did not.
    Fail,
    /// Nobody knows.
    Info,
}

impl TraceEvent {
    /// How long the node's handler for this event took; `None` where the event calls no handler.
    pub fn took(&self) -> Option<Span> {
        match self.what {
            What::Boot { took, .. }
            | What::Deliver { took, .. }
            | What::Timer { took, .. }
            | What::Synced { took, .. }
            | What::Request { took, .. } => Some(took),
            _ => None,
        }
    }
}
