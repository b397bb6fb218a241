//! Storage engines put to the test, whichever they are: what is done to one here is done to all.
//!
//! ```text
//!   workload ──► engine ──► recording disk ──► every state a crash may leave ──► engine ──► the model's content?
//!      │                                                                                          ▲
//!      └────────────────────────────► model: a map of the standard library ───────────────────────┘
//! ```
//!
//! - `crash`: every kind of state that a crash may leave, at every operation of a history and of each recovery.
//! - `errors`: input and output errors, and no space, at each operation: once, and for good.
//! - `flips`: one flipped bit in every byte of a small store.
//! - `agree`: long random runs of all engines, compared with a map and with each other.
//! - `tee`: a real directory beside the simulated disk, with the same operations.
//!
//! Each returns a [`Violation`] that says what was found and where, so that a planted bug can be shown to be caught. An
//! engine takes part as a [`Subject`]; its tiny options are drawn in [`workload`].

pub mod agree;
pub mod crash;
pub mod errors;
pub mod flips;
pub mod tee;
pub mod workload;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use seedbed_protocols::storage::{
    Bounds, CATALOG, Engine, EngineEntry, EngineError, EngineKind, EngineOptions, Planted, Row,
    ScanDirection, SnapshotId, open_engine,
};
use seedbed_sim::Disk;

/// What an engine should hold.
pub type Model = BTreeMap<Bytes, Bytes>;

/// An engine to be put to the test.
#[derive(Clone, Debug)]
pub struct Subject {
    /// Which one.
    pub kind: EngineKind,
    /// How it is opened.
    pub options: EngineOptions,
}

impl Subject {
    /// The engines whose content is on their disk.
    pub fn durable() -> impl Iterator<Item = &'static EngineEntry> {
        let on_disk = |entry: &&EngineEntry| entry.kind != EngineKind::Memory;
        CATALOG.iter().filter(on_disk)
    }

    /// This engine with a bug.
    #[must_use]
    pub fn with(mut self, planted: Planted) -> Self {
        self.options.planted = planted;
        self
    }

    /// Opens it.
    ///
    /// # Errors
    /// What the engine says.
    pub fn open(&self, disk: &mut dyn Disk) -> Result<Box<dyn Engine>, EngineError> {
        open_engine(self.kind, disk, &self.options).map(|(engine, _)| engine)
    }
}

/// What must not happen, with a word on where.
#[derive(Clone, Debug)]
pub struct Violation(pub String);

impl Violation {
    /// The same, and where it was.
    #[must_use]
    pub fn at(self, place: &str) -> Self {
        Self(format!("{place}: {}", self.0))
    }
}

impl From<EngineError> for Violation {
    fn from(error: EngineError) -> Self {
        Self(error.to_string())
    }
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

/// The content of an engine, by a scan in pages of `page` rows.
///
/// # Errors
/// What the engine says.
pub fn content(
    engine: &mut dyn Engine,
    disk: &mut dyn Disk,
    at: Option<SnapshotId>,
    page: usize,
) -> Result<Model, EngineError> {
    let mut rows: Vec<Row> = Vec::new();
    let mut from: Option<Bytes> = None;
    loop {
        let bounds = Bounds {
            from: from.as_deref(),
            to: None,
        };
        from = engine.scan(disk, at, bounds, ScanDirection::Forward, page, &mut rows)?;
        if from.is_none() {
            return Ok(rows.into_iter().map(|row| (row.key, row.value)).collect());
        }
    }
}

/// How the first few rows differ, in words.
fn difference(found: &Model, expected: &Model) -> String {
    let missing = expected
        .iter()
        .filter(|(key, value)| found.get(*key) != Some(value));
    let invented = found.keys().filter(|key| !expected.contains_key(*key));
    let missing: Vec<_> = missing.map(|(key, _)| key).take(3).collect();
    let invented: Vec<_> = invented.take(3).collect();
    format!("wrong or missing {missing:?}, invented {invented:?}")
}
