//! Replication protocols: how several nodes keep copies of the same data.
//!
//! Each protocol is a folder, and its `mod.rs` is its chapter. What several of them need stands beside them: the
//! durable [replicated log](log) and the [state] that is made by applying it.

pub mod log;
pub mod single_leader;
pub mod state;

use seedbed_sim::Halt;

use crate::storage::EngineError;

/// An engine that can't go on stops its node: fail-stop is the one answer that breaks no promise.
fn halt(error: EngineError) -> Halt {
    match error {
        EngineError::Disk(error) => Halt::Disk(error),
        other => Halt::Corrupt(other.to_string()),
    }
}
