//! What the nodes of a single-leader cluster send each other.

use std::sync::Arc;

use bytes::Bytes;
use seedbed_sim::{Datum, Kind, Payload, Reason};

use crate::kv::Operation;
use crate::replication::log::{Entry, Epoch, LogIndex};

/// A message.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// Client to replica: do this. `session` and `sequence` name the request among all of the client's lives.
    Request {
        /// The client's life.
        session: u64,
        /// How many-th request of it.
        sequence: u64,
        /// What to do.
        operation: Operation,
    },
    /// Replica to client: it is done, or it is refused and surely has no effect.
    Response {
        /// As in the request.
        session: u64,
        /// As in the request.
        sequence: u64,
        /// The result.
        result: Result<Answer, Reason>,
    },
    /// Leader to follower: the entries after `after`.
    Append {
        /// The leader's reign.
        epoch: Epoch,
        /// The entry before the first.
        after: LogIndex,
        /// The entries, in order; all of them durable at the leader. Shared by all followers' messages.
        entries: Arc<[Entry]>,
    },
    /// Follower to leader: all entries up to this one are durable here.
    AppendOk {
        /// The last durable entry.
        durable: LogIndex,
    },
    /// Leader to follower: I live, and have shipped so far to you.
    Heartbeat {
        /// The leader's reign.
        epoch: Epoch,
        /// The last entry shipped to this follower.
        shipped: LogIndex,
    },
    /// Follower to leader: I have so much; ship me the rest.
    Want {
        /// The last entry written here.
        have: LogIndex,
    },
}

/// The result of a request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Answer {
    /// What was read; `None` where the key is absent, and for writes.
    pub value: Option<Bytes>,
    /// The entry that the write became; for reads, how far the replica had applied the log.
    pub position: LogIndex,
}

/// Bytes of a message besides what it carries: kind, lengths, numbers, checksum.
const ENVELOPE_BYTES: usize = 40;

impl Datum for Message {
    fn kind(&self) -> Kind {
        Kind(match self {
            Self::Request {
                operation: Operation::Get { .. },
                ..
            } => "get",
            Self::Request {
                operation: Operation::Put { .. },
                ..
            } => "put",
            Self::Request {
                operation: Operation::Delete { .. },
                ..
            } => "delete",
            Self::Response { .. } => "response",
            Self::Append { .. } => "append",
            Self::AppendOk { .. } => "append-ok",
            Self::Heartbeat { .. } => "heartbeat",
            Self::Want { .. } => "want",
        })
    }
}

impl Payload for Message {
    fn size_bytes(&self) -> u32 {
        let carried = match self {
            Self::Request {
                operation: Operation::Put { key, value },
                ..
            } => key.len() + value.len(),
            Self::Request { operation, .. } => operation.key().len(),
            Self::Response {
                result: Ok(answer), ..
            } => answer.value.as_ref().map_or(0, Bytes::len),
            Self::Append { entries, .. } => entries.iter().map(Entry::size_bytes).sum(),
            Self::Response { .. }
            | Self::AppendOk { .. }
            | Self::Heartbeat { .. }
            | Self::Want { .. } => 0,
        };
        u32::try_from(ENVELOPE_BYTES + carried).unwrap_or(u32::MAX)
    }
}

/// What a node tells itself later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// A leader should send heartbeats.
    Heartbeat,
    /// A client has waited long enough for this request.
    Timeout {
        /// How many-th request of this life.
        sequence: u64,
    },
}

impl Datum for Timer {
    fn kind(&self) -> Kind {
        Kind(match self {
            Self::Heartbeat => "heartbeat-due",
            Self::Timeout { .. } => "timeout",
        })
    }
}
