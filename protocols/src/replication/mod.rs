//! Replication: how several nodes hold the same data.
//!
//! ```text
//!   log         the replicated log: the order of all changes, durable on every replica
//!   state       what the log's changes add up to: an engine, the position it stands at, and what each client did last
//!   …           one folder for each protocol
//! ```
//!
//! A protocol is a [`Process`](seedbed_sim::Process) whose nodes are replicas and clients alike: where a client sends a
//! read is part of what a protocol promises. All protocols answer the requests of [`kv`](crate::kv) and let themselves
//! be seen by [`Inspect`](crate::inspect::Inspect).

pub mod log;
pub mod single_leader;
pub mod state;

#[cfg(test)]
mod harness;

use crate::storage::EngineError;
use seedbed_sim::Halt;

/// Replicas are fail-stop: what the disk or the engine refuses stops the node.
impl From<EngineError> for Halt {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Disk(error) => Self::Disk(error),
            other => Self::Corrupt(other.to_string()),
        }
    }
}
