//! What travels between nodes, and what a node tells itself later.

use std::sync::Arc;

use bytes::Bytes;
use seedbed_sim::{Datum, Kind, Payload, Reason};

use crate::replication::log::{Call, Entries, Epoch, LogIndex, Proposal};
use crate::storage::Change;

/// A message.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// Client to leader: do this, and tell me when it is durable.
    Write(Arc<Proposal>),
    /// Client to replica: what is the value of this user's key?
    Read {
        /// Which call of the client.
        call: Call,
        /// The key.
        key: Bytes,
    },
    /// Leader to client: it is done.
    WriteOk {
        /// Which call.
        call: Call,
        /// Its place in the log.
        index: LogIndex,
    },
    /// Replica to client: this is the value.
    ReadOk {
        /// Which call.
        call: Call,
        /// The value; `None` where the key is absent.
        value: Option<Bytes>,
        /// How far the replica had applied.
        applied: LogIndex,
    },
    /// Replica to client: it is not done, and never will be.
    Refused {
        /// Which call.
        call: Call,
        /// Why.
        reason: Reason,
    },
    /// Leader to follower: the next entries. They follow, each upon the one before it.
    Append {
        /// The leader's epoch.
        epoch: Epoch,
        /// The entries.
        entries: Entries,
        /// How far the leader's log is durable.
        end: LogIndex,
    },
    /// Leader to follower: I am here, and nothing else was to be said for a while.
    Heartbeat {
        /// The leader's epoch.
        epoch: Epoch,
        /// Up to where it takes the follower to have been sent everything.
        shipped: LogIndex,
        /// How far its log is durable.
        end: LogIndex,
    },
    /// Follower to leader: my log is durable to here.
    AppendOk {
        /// The last durable entry.
        durable: LogIndex,
    },
    /// Follower to leader: I have so much; send me the rest.
    Want {
        /// The last entry written here.
        have: LogIndex,
    },
}

impl Message {
    /// All kinds of messages, the clients' first. Schedules name messages by them, so a kind never changes its name.
    pub const KINDS: &'static [&'static str] = &[
        "put",
        "delete",
        "get",
        "write-ok",
        "get-ok",
        "refused",
        "append",
        "heartbeat",
        "append-ok",
        "want",
    ];
}

impl Datum for Message {
    fn kind(&self) -> Kind {
        let number = match self {
            Self::Write(proposal) => match proposal.change {
                Change::Put(..) => 0,
                Change::Delete(_) | Change::DeleteRange { .. } => 1,
            },
            Self::Read { .. } => 2,
            Self::WriteOk { .. } => 3,
            Self::ReadOk { .. } => 4,
            Self::Refused { .. } => 5,
            Self::Append { .. } => 6,
            Self::Heartbeat { .. } => 7,
            Self::AppendOk { .. } => 8,
            Self::Want { .. } => 9,
        };
        Kind(Self::KINDS[number])
    }
}

/// Bytes of a message besides what it carries: addresses, kind, checksum.
const ENVELOPE_BYTES: u32 = 24;
/// Bytes of a call on the wire.
const CALL_BYTES: u32 = 12;

impl Payload for Message {
    /// What a plain binary encoding would take. Values are at most 16 MiB and batches are bounded, so it fits.
    fn size_bytes(&self) -> u32 {
        ENVELOPE_BYTES
            + match self {
                Self::Write(proposal) => proposal.size_bytes(),
                Self::Read { key, .. } => CALL_BYTES + key.len() as u32,
                Self::WriteOk { .. } => CALL_BYTES + 8,
                Self::ReadOk { value, .. } => {
                    CALL_BYTES + 9 + value.as_ref().map_or(0, |value| value.len() as u32)
                }
                Self::Refused { .. } => CALL_BYTES + 1,
                Self::Append { entries, .. } => 16 + entries.size_bytes() as u32,
                Self::Heartbeat { .. } => 24,
                Self::AppendOk { .. } | Self::Want { .. } => 8,
            }
    }
}

/// What a node tells itself later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// Leader: it is time for heartbeats.
    Heartbeat,
    /// Client: the call has taken too long.
    GiveUp(Call),
    /// Client: the call may have been lost.
    Retry(Call),
    /// Follower with a planted bug: now apply what the log holds.
    #[doc(hidden)]
    LateReplay,
}

impl Datum for Timer {
    fn kind(&self) -> Kind {
        Kind(match self {
            Self::Heartbeat => "heartbeat-due",
            Self::GiveUp(_) => "timeout",
            Self::Retry(_) => "retry-due",
            Self::LateReplay => "late-replay",
        })
    }
}
