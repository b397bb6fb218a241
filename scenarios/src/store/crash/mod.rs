//! Crash images of what an engine asked of its disk: every state that a crash may leave, opened and checked.
//!
//! ```text
//!   workload ──► engine ──► recording disk ──► every state a crash may leave ──► engine ──► the model's content?
//!      │             └────► a real directory beside it (`tee`)                                    ▲
//!      └────────────────────────────► model: a map of the standard library ───────────────────────┘
//! ```
//!
//! - `history`: a random history, the states a crash may leave at each of its operations, and what must hold on them.
//! - `workload`: random batches, and random tiny options, under which a few dozen writes reach every part of an engine.
//! - `tee`: a real disk beside the simulated one, with the same operations.
//! - `trial`: all of it on a real directory, as `seedbed store crash` does it.
//!
//! It is a harness for any engine and serves the tests of this project too. Each part returns a [`Violation`] that says
//! what was found and where. An engine takes part as a [`Subject`].

mod history;
mod tee;
mod trial;
pub mod workload;

use std::collections::BTreeMap;

use bytes::Bytes;
use seedbed_protocols::storage::{
    Bounds, Engine, EngineError, EngineKind, EngineOptions, Planted, Row, ScanDirection,
    SnapshotId, open_engine,
};
use seedbed_sim::Disk;

pub use history::{History, Stage, check_image, check_opened, slow_disk};
pub use seedbed_sim::Syncs;
pub use tee::{TeeDisk, put_into};
pub use trial::{Report, Trial};

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
#[derive(Clone, Debug, PartialEq, Eq)]
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
pub fn difference(found: &Model, expected: &Model) -> String {
    let missing = expected
        .iter()
        .filter(|(key, value)| found.get(*key) != Some(value));
    let invented = found.keys().filter(|key| !expected.contains_key(*key));
    let missing: Vec<_> = missing.map(|(key, _)| key).take(3).collect();
    let invented: Vec<_> = invented.take(3).collect();
    format!("wrong or missing {missing:?}, invented {invented:?}")
}
