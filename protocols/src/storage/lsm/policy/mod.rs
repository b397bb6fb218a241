//! Compaction policies: which tables to merge next. Pure: a description of the runs in, a task out.
//!
//! A *run* is a set of tables in key order without overlap: a search in it looks at one table. Runs are ordered by age: a
//! version of a key in a newer run is newer than every version of it in an older one. Every flush adds a run, so without
//! compaction a read would look into ever more of them, and what was overwritten or deleted would take space for ever.
//!
//! ```text
//!   levelled                                      size-tiered
//!   level 0   [t] [t] [t]     flushes              [t][t][t]          runs of about the same size …
//!   level 1   [t|t|t|t]       one run              [  t  ][  t  ]     … are merged into one of the next size
//!   level 2   [t|t|t|t|t|t|t|t|t|t|t|t]  ×10       [          t          ]
//!
//!   few runs, little space, many rewrites          few rewrites, more runs, up to twice the space
//! ```
//!
//! There is no best policy: of reads, writes and space one pays for the other two (Athanassoulis and others, *Designing
//! Access Methods: The RUM Conjecture*, EDBT 2016). [`simulate`](fn@simulate) measures a policy without any disk.
//!
//! # Invariants
//!
//! - A task leaves the order by age as it is: what lies in age between two inputs and in keys overlaps them is an input.
//! - A policy that has nothing to do says so until something is written: it never goes round in circles.

mod levelled;
mod simulate;
mod tiered;

#[cfg(test)]
mod tests;

pub use levelled::Levelled;
pub use simulate::{Pattern, Sample, Simulation, SimulationOptions, simulate};
pub use tiered::Tiered;

pub use super::table::{KeyRange, RangeEnd};

use bytes::Bytes;

use super::TableId;

/// A table as a policy sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableShape {
    /// Which.
    pub id: TableId,
    /// Bytes of its file.
    pub bytes: u64,
    /// Versions in it, range deletes too.
    pub entries: u64,
    /// How many of them delete.
    pub tombstones: u64,
    /// The keys it covers.
    pub range: KeyRange,
}

/// A sorted run: tables in key order without overlap.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunShape {
    /// Its level: 0 for what was flushed.
    pub level: u32,
    /// Its tables.
    pub tables: Vec<TableShape>,
}

impl RunShape {
    /// Bytes of its files.
    pub fn bytes(&self) -> u64 {
        self.tables.iter().map(|table| table.bytes).sum()
    }
}

/// The tree as a policy sees it: its runs, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// The runs.
    pub runs: Vec<RunShape>,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// The tables to merge.
    pub inputs: Vec<TableId>,
    /// Where what comes of them goes.
    pub target: Target,
    /// How: by rewriting, or by changing the manifest alone.
    pub kind: TaskKind,
}

/// Where the tables that come of a task go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Into the one run of a level.
    Level(u32),
    /// A run of their own, in the place of the oldest run of the inputs, with this level.
    Run(u32),
}

impl Target {
    /// The level of what comes of it.
    pub fn level(self) -> u32 {
        match self {
            Self::Level(level) | Self::Run(level) => level,
        }
    }
}

/// How a task is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskKind {
    /// The inputs are merged into new tables.
    Merge,
    /// The inputs overlap nothing: they stay as they are and change their level.
    Move,
}

/// A compaction policy with its settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// One run in each level, each level some times as large as the one before.
    Levelled(Levelled),
    /// Runs of about the same size are merged.
    Tiered(Tiered),
    /// Nothing is ever merged: what the others are measured against.
    Never,
}

impl Default for Policy {
    fn default() -> Self {
        Self::Levelled(Levelled::default())
    }
}

impl Policy {
    /// Levels of a few kibibytes, for tests and simulated worlds.
    pub fn tiny_levelled() -> Self {
        Self::Levelled(Levelled {
            level0_runs: 3,
            base_bytes: 4096,
            growth: 4,
        })
    }

    /// What to do next; `None`: nothing, until something is written.
    pub fn pick(&self, shape: &Shape) -> Option<Task> {
        match self {
            Self::Levelled(levelled) => levelled.pick(shape),
            Self::Tiered(tiered) => tiered.pick(shape),
            Self::Never => None,
        }
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Levelled(_) => "levelled",
            Self::Tiered(_) => "size-tiered",
            Self::Never => "never",
        }
    }
}

/// The task that merges everything into one run.
pub(super) fn merge_all(shape: &Shape) -> Option<Task> {
    let inputs: Vec<_> = shape.runs.iter().flat_map(ids).collect();
    let level = shape.runs.iter().map(|run| run.level).max()?.max(1);
    Some(Task {
        inputs,
        target: Target::Level(level),
        kind: TaskKind::Merge,
    })
}

fn ids(run: &RunShape) -> impl Iterator<Item = TableId> {
    run.tables.iter().map(|table| table.id)
}

/// Something that stands in a run: the tree's tables, and a simulation's.
pub(super) trait InRun {
    fn id(&self) -> TableId;
    fn smallest(&self) -> &Bytes;
}

impl InRun for TableShape {
    fn id(&self) -> TableId {
        self.id
    }

    fn smallest(&self) -> &Bytes {
        &self.range.smallest
    }
}

/// Runs, newest first, as (level, tables) after a task: without its inputs, and with `tables` where its target is.
pub(super) fn replace<T: InRun>(
    runs: Vec<(u32, Vec<T>)>,
    task: &Task,
    tables: Vec<T>,
) -> Vec<(u32, Vec<T>)> {
    let is_input = |table: &T| task.inputs.contains(&table.id());
    let oldest = runs
        .iter()
        .rposition(|(_, tables)| tables.iter().any(is_input));
    let target = task.target.level();
    let mut out = Vec::with_capacity(runs.len() + 1);
    let mut tables = Some(tables).filter(|tables| !tables.is_empty());
    for (i, (level, mut held)) in runs.into_iter().enumerate() {
        held.retain(|table| !is_input(table));
        let is_past = match task.target {
            Target::Level(_) => level > target,
            Target::Run(_) => oldest.is_none_or(|oldest| i > oldest),
        };
        if is_past && let Some(tables) = tables.take() {
            out.push((target, tables));
        }
        if matches!(task.target, Target::Level(target) if level == target)
            && let Some(tables) = tables.take()
        {
            held.extend(tables);
            held.sort_by(|a, b| a.smallest().cmp(b.smallest()));
        }
        if !held.is_empty() {
            out.push((level, held));
        }
    }
    out.extend(tables.map(|tables| (target, tables)));
    out
}
