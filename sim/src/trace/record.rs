//! One event of the trace.

use crate::{EventId, Instant, NodeId};

/// What an event was. Numbers are part of the digest and never change their meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum RecordKind {
    /// A node began to boot. `detail`: its incarnation.
    Boot = 1,
    /// A message was handed to the network. `peer`: the receiver; `detail`: when it leaves, in nanoseconds.
    Send = 2,
    /// A message was handled. `peer`: the sender; `detail`: its size in bytes.
    Deliver = 3,
    /// A message was lost. `node`: the receiver; `peer`: the sender; `detail`: a [`DropReason`].
    Drop = 4,
    /// A timer fired. `detail`: its number.
    Timer = 5,
    /// A sync completed. `detail`: its ticket.
    Synced = 6,
    /// A user asked. `detail`: the request's number.
    Invoke = 7,
    /// A request was handled by the node. `detail`: the request's number.
    Request = 8,
    /// A request was answered. `peer`: a [`ReplyKind`] as a number; `detail`: the request's number.
    Reply = 9,
    /// A node marked a meaning.
    Note = 10,
    /// A node crashed. `detail`: the instant, in nanoseconds; it may lie ahead, at the end of the handler it fell in.
    Crash = 11,
    /// A process stopped itself. `detail`: as for a crash.
    Halt = 12,
    /// A fault was injected. `node`: the first it touches; `detail`: the fault's number.
    Fault = 13,
    /// A fault was lifted. `node` and `detail` as for [`RecordKind::Fault`].
    Lift = 14,
    /// A message waits for a cut to be lifted. `node`: the receiver; `peer`: the sender.
    Hold = 15,
    /// A node went on after a pause.
    Resume = 16,
    /// A message was damaged on its way, and no checksum saw it. `node`: the receiver; `peer`: the sender.
    Damage = 17,
}

impl RecordKind {
    /// A short stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Boot => "boot",
            Self::Send => "send",
            Self::Deliver => "deliver",
            Self::Drop => "drop",
            Self::Timer => "timer",
            Self::Synced => "synced",
            Self::Invoke => "invoke",
            Self::Request => "request",
            Self::Reply => "reply",
            Self::Note => "note",
            Self::Crash => "crash",
            Self::Halt => "halt",
            Self::Fault => "fault",
            Self::Lift => "lift",
            Self::Hold => "hold",
            Self::Resume => "resume",
            Self::Damage => "damage",
        }
    }
}

/// Why a message was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum DropReason {
    /// The network lost it (a datagram), or gave up sending it again (a connection).
    Loss = 1,
    /// The link was cut.
    Cut = 2,
    /// The receiver was down.
    ReceiverDown = 3,
    /// The receiver crashed, and its connections with it, while the message was on its way.
    ConnectionReset = 4,
    /// The receiver's inbox was full.
    InboxFull = 5,
    /// The sender crashed before the message had left.
    Unsent = 6,
    /// The receiver crashed while the message waited in its inbox.
    Unhandled = 7,
    /// It was damaged on its way, and the transport's checksum saw it.
    Corrupted = 8,
    /// The queue in front of a link of limited rate was full.
    QueueFull = 9,
}

impl DropReason {
    /// The reason in words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Loss => "lost",
            Self::Cut => "link cut",
            Self::ReceiverDown => "receiver down",
            Self::ConnectionReset => "connection reset",
            Self::InboxFull => "inbox full",
            Self::Unsent => "sender crashed before it left",
            Self::Unhandled => "receiver crashed before it was handled",
            Self::Corrupted => "damaged, as its checksum showed",
            Self::QueueFull => "queue of the link full",
        }
    }

    /// The reason with this number in a record's `detail`.
    pub const fn from_detail(detail: u64) -> Option<Self> {
        Some(match detail {
            1 => Self::Loss,
            2 => Self::Cut,
            3 => Self::ReceiverDown,
            4 => Self::ConnectionReset,
            5 => Self::InboxFull,
            6 => Self::Unsent,
            7 => Self::Unhandled,
            8 => Self::Corrupted,
            9 => Self::QueueFull,
            _ => return None,
        })
    }
}

/// How a request was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ReplyKind {
    /// It happened.
    Ok = 0,
    /// It surely did not.
    Fail = 1,
    /// Nobody knows.
    Info = 2,
}

/// One event: 40 bytes. What `peer` and `detail` mean depends on the [`RecordKind`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// When the world came to it. Records are in this order.
    pub at: Instant,
    /// The event that caused it.
    pub cause: EventId,
    /// See [`RecordKind`].
    pub detail: u64,
    /// The node it happened at.
    pub node: NodeId,
    /// The other node, where there is one.
    pub peer: NodeId,
    /// The number of the datum's kind: [`Trace::kind_of`](super::Trace::kind_of) names it.
    pub(super) label: u16,
    /// What it was.
    pub kind: RecordKind,
}

impl Record {
    /// A record without a peer or detail.
    #[inline]
    pub(crate) fn new(kind: RecordKind, at: Instant, node: NodeId, cause: EventId) -> Self {
        Self {
            at,
            cause,
            detail: 0,
            node,
            peer: node,
            label: 0,
            kind,
        }
    }

    /// With `detail`.
    #[inline]
    pub(crate) fn detail(self, detail: u64) -> Self {
        Self { detail, ..self }
    }

    /// With `peer`.
    #[inline]
    pub(crate) fn peer(self, peer: NodeId) -> Self {
        Self { peer, ..self }
    }
}
