//! What users ask of a replicated key-value store, whatever its protocol: the one interface between a client process
//! and the workloads and histories outside.

use bytes::Bytes;
use seedbed_sim::{Datum, Kind, NodeId};

/// One operation on one key. Keys and values are bytes; both may be empty.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Read the key's value.
    Get {
        /// The key.
        key: Bytes,
    },
    /// Set the key's value.
    Put {
        /// The key.
        key: Bytes,
        /// The value.
        value: Bytes,
    },
    /// Remove the key.
    Delete {
        /// The key.
        key: Bytes,
    },
}

impl Operation {
    /// The key it is about.
    pub fn key(&self) -> &Bytes {
        match self {
            Self::Get { key } | Self::Put { key, .. } | Self::Delete { key } => key,
        }
    }

    /// Whether it only reads.
    pub fn is_read(&self) -> bool {
        matches!(self, Self::Get { .. })
    }
}

/// What a workload asks of a client process.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Request {
    /// The operation.
    pub operation: Operation,
    /// Ask this replica, whatever the client's routing says: how a scripted step says "read at follower 2".
    pub at: Option<NodeId>,
}

impl Datum for Request {
    fn kind(&self) -> Kind {
        match self.operation {
            Operation::Get { .. } => Kind("get"),
            Operation::Put { .. } => Kind("put"),
            Operation::Delete { .. } => Kind("delete"),
        }
    }
}

/// What a client process answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reply {
    /// The value read; `None` where the key is absent, and for writes.
    pub value: Option<Bytes>,
    /// The replica that answered.
    pub by: NodeId,
    /// The position in the replicated log: of the write itself, or how far the replica that was read had applied.
    pub position: u64,
}

impl Datum for Reply {
    fn kind(&self) -> Kind {
        Kind("reply")
    }
}
