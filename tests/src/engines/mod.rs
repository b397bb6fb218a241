//! Storage engines put to the test, whichever they are: what is done to one here is done to all.
//!
//! ```text
//!   workload ──► engine ──► recording disk ──► every state a crash may leave ──► engine ──► the model's content?
//!      │                                                                                          ▲
//!      └────────────────────────────► model: a map of the standard library ───────────────────────┘
//! ```
//!
//! - `crash`: every kind of state that a crash may leave, at every operation of a history and of each recovery. What it is
//!   made of stands in `seedbed_scenarios::store::crash`, since the command `seedbed store crash` needs it too: histories,
//!   their checks, the workload with tiny options, and a real directory beside the simulated disk.
//! - `errors`: input and output errors, and no space, at each operation: once, and for good.
//! - `flips`: one flipped bit in every byte of a small store.
//! - `agree`: long random runs of all engines, compared with a map and with each other.
//!
//! Each returns a [`Violation`] that says what was found and where, so that a planted bug can be shown to be caught. An
//! engine takes part as a [`Subject`]; its tiny options are drawn in [`workload`].

pub mod agree;
pub mod crash;
pub mod errors;
pub mod flips;

use std::panic::{AssertUnwindSafe, catch_unwind};

use seedbed_protocols::storage::{CATALOG, EngineEntry, EngineKind};

pub use seedbed_scenarios::store::crash::{
    Model, Subject, Violation, content, difference, workload,
};

/// The engines whose content is on their disk.
pub fn durable() -> impl Iterator<Item = &'static EngineEntry> {
    let on_disk = |entry: &&EngineEntry| entry.kind != EngineKind::Memory;
    CATALOG.iter().filter(on_disk)
}

/// Runs `body`; a panic in it is a violation too: engines assert what must hold.
///
/// # Errors
/// What `body` found, or what it panicked with.
pub fn caught<T>(body: impl FnOnce() -> Result<T, Violation>) -> Result<T, Violation> {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Err(Violation(format!("a panic: {}", text.unwrap_or_default())))
    })
}
