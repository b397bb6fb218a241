//! Background work in slices: making a table of a frozen memtable, and merging tables. A job reads and writes files of its
//! own; the tree does not know of it until it is finished, and then the manifest changes in one step.

use std::sync::Arc;

use bytes::Bytes;
use seedbed_sim::{Disk, FileHandle};

use super::memtable::Memtable;
use super::options::{Compression, LsmOptions};
use super::policy::Task;
use super::table::{Reader, RunAscent, Stepping, Table, TableBuilder};
use super::tombstones::{Fragment, Tombstones};
use super::version::{Run, Version};
use super::{Sequence, TableId};
use crate::storage::{EngineError, Planted};

/// Makes the files of tables.
#[derive(Clone, Debug)]
pub(super) struct TableMaker {
    pub(super) prefix: String,
    pub(super) options: Arc<LsmOptions>,
    pub(super) planted: Planted,
}

impl TableMaker {
    pub(super) fn name(&self, id: TableId) -> String {
        format!("{}lsm-{:08}.table", self.prefix, id.0)
    }

    fn begin(
        &self,
        disk: &mut dyn Disk,
        id: TableId,
        level: u32,
    ) -> Result<TableBuilder, EngineError> {
        let compression = match level >= self.options.compression_from_level {
            true => self.options.compression,
            false => Compression::None,
        };
        let name = self.name(id);
        TableBuilder::new(disk, name, id, &self.options, compression, self.planted)
    }
}

/// Which versions must stay. A live snapshot sees of each key the newest version that is not newer than it; so snapshots
/// cut the numbers into stripes, and of each key one version in a stripe is enough: the newest.
#[derive(Clone, Debug)]
pub(super) struct Retention {
    /// Of the live snapshots, the oldest first.
    snapshots: Vec<Sequence>,
    /// The stripe of the version of this key that was looked at last.
    last_stripe: Option<usize>,
}

impl Retention {
    pub(super) fn new(snapshots: impl Iterator<Item = Sequence>, planted: Planted) -> Self {
        let mut snapshots: Vec<_> = match planted {
            Planted::LsmForgetsSnapshots => Vec::new(),
            _ => snapshots.collect(),
        };
        snapshots.sort_unstable();
        snapshots.dedup();
        Self {
            snapshots,
            last_stripe: None,
        }
    }

    fn stripe(&self, sequence: Sequence) -> usize {
        match self.snapshots.is_empty() {
            true => 0,
            false => self
                .snapshots
                .partition_point(|&snapshot| snapshot < sequence),
        }
    }

    /// The versions of another key begin.
    #[inline]
    fn begin_key(&mut self) {
        self.last_stripe = None;
    }

    /// Whether the next older version of the key must stay. A delete may go where `is_bottom`: nothing older is below; and
    /// no snapshot is older than it, since then nothing older is kept here either.
    #[inline]
    fn keeps(
        &mut self,
        key: &[u8],
        sequence: Sequence,
        tombstones: &Tombstones,
        is_delete_at_bottom: bool,
    ) -> bool {
        let stripe = self.stripe(sequence);
        if self.last_stripe.replace(stripe) == Some(stripe) {
            return false;
        }
        if !tombstones.is_empty()
            && let Some(delete) = tombstones.oldest_over_after(key, sequence)
            && self.stripe(delete) == stripe
        {
            return false;
        }
        !(is_delete_at_bottom && stripe == 0)
    }

    /// The range deletes that must stay: of each stripe the newest, and none where nothing is left to delete.
    fn kept_tombstones(
        &self,
        tombstones: &Tombstones,
        is_bottom: impl Fn(&Fragment) -> bool,
    ) -> Tombstones {
        let mut last: Option<(Bytes, usize)> = None;
        tombstones.retain(|fragment, sequence| {
            let stripe = self.stripe(sequence);
            let here = (fragment.from.clone(), stripe);
            if last.as_ref() == Some(&here) {
                return false;
            }
            last = Some(here);
            !(stripe == 0 && is_bottom(fragment))
        })
    }
}

/// How far a step got.
#[derive(Debug)]
pub(super) enum Step<T> {
    /// There is more to do.
    More,
    /// This came of it.
    Done(T),
}

/// A frozen memtable on its way to a table.
#[derive(Clone, Debug)]
pub(super) struct FlushJob {
    builder: TableBuilder,
    retention: Retention,
    /// The last key that was written.
    after: Option<Bytes>,
}

impl FlushJob {
    pub(super) fn begin(
        disk: &mut dyn Disk,
        maker: &TableMaker,
        id: TableId,
        retention: Retention,
    ) -> Result<Self, EngineError> {
        Ok(Self {
            builder: maker.begin(disk, id, 0)?,
            retention,
            after: None,
        })
    }

    /// Writes about `budget` bytes.
    pub(super) fn step(
        &mut self,
        disk: &mut dyn Disk,
        memtable: &Memtable,
        budget: u64,
        spent: &mut u64,
    ) -> Result<Step<()>, EngineError> {
        let range = match &self.after {
            Some(after) => memtable.range_after(after),
            None => memtable.range(crate::storage::Bounds::default()),
        };
        for (key, versions) in range {
            if *spent >= budget {
                return Ok(Step::More);
            }
            self.retention.begin_key();
            for (sequence, value) in versions.iter() {
                if self
                    .retention
                    .keeps(key, *sequence, &memtable.tombstones, false)
                {
                    self.builder.add(disk, key, *sequence, value.as_deref())?;
                    *spent += (key.len() + value.as_ref().map_or(0, Bytes::len)) as u64;
                }
            }
            *spent += 1;
            self.after = Some(key.clone());
        }
        Ok(Step::Done(()))
    }

    /// Finishes the table: synced, and its name not yet.
    pub(super) fn finish(
        self,
        disk: &mut dyn Disk,
        memtable: &Memtable,
    ) -> Result<Table, EngineError> {
        let kept = self
            .retention
            .kept_tombstones(&memtable.tombstones, |_| false);
        let (table, _) = self.builder.finish(disk, kept)?;
        Ok(table)
    }

    /// The file it was writing.
    pub(super) fn files(&self) -> Vec<(String, FileHandle)> {
        vec![(self.builder.name().to_owned(), self.builder.file())]
    }
}

/// Tables on their way to be merged.
#[derive(Clone, Debug)]
pub(super) struct MergeJob {
    pub(super) task: Task,
    /// The inputs, a run each, the newest first.
    sources: Vec<RunAscent>,
    /// The range deletes of all inputs, as they were and as far as they stay.
    tombstones: Tombstones,
    kept: Tombstones,
    /// The runs older than all inputs.
    older: Vec<Run>,
    retention: Retention,
    maker: TableMaker,
    builder: Option<TableBuilder>,
    /// The smallest key that may be in the table that is being written; `None`: the first.
    from: Option<Bytes>,
    outputs: Vec<Arc<Table>>,
    /// The files of all tables it has begun.
    files: Vec<(String, FileHandle)>,
    /// The key that was looked at last.
    key: Vec<u8>,
    has_key: bool,
}

impl MergeJob {
    /// Opens the inputs.
    pub(super) fn begin(
        reader: &mut Reader<'_>,
        maker: &TableMaker,
        version: &Version,
        task: Task,
        retention: Retention,
    ) -> Result<Self, EngineError> {
        let mut sources = Vec::new();
        let mut tombstones = Tombstones::default();
        for run in &version.runs {
            let inputs = run
                .tables
                .iter()
                .filter(|table| task.inputs.contains(&table.id));
            let inputs: Vec<_> = inputs.cloned().collect();
            for table in &inputs {
                tombstones.insert_all(&table.tombstones);
            }
            if !inputs.is_empty() {
                let stepping = Stepping::ahead(maker.options.transfer_bytes);
                sources.push(RunAscent::new(inputs.into(), None, stepping, reader)?);
            }
        }
        let older = version.older_than(&task);
        let kept = retention.kept_tombstones(&tombstones, |fragment| {
            maker.planted == Planted::LsmDropsTombstonesEarly || !is_over(&older, fragment)
        });
        Ok(Self {
            task,
            sources,
            tombstones,
            kept,
            older,
            retention,
            maker: maker.clone(),
            builder: None,
            from: None,
            outputs: Vec::new(),
            files: Vec::new(),
            key: Vec::new(),
            has_key: false,
        })
    }

    /// Reads and writes about `budget` bytes. `next_file` gives numbers for new tables.
    pub(super) fn step(
        &mut self,
        reader: &mut Reader<'_>,
        next_file: &mut u64,
        budget: u64,
        spent: &mut u64,
    ) -> Result<Step<()>, EngineError> {
        while let Some(index) = self.least() {
            if *spent >= budget {
                return Ok(Step::More);
            }
            let source = &self.sources[index];
            let (key, sequence) = (source.key().unwrap_or_default(), source.sequence());
            let value = source.value_bytes();
            let bytes = (key.len() + value.map_or(0, <[u8]>::len)) as u64;
            *spent += bytes + 1;
            let is_new_key = !self.has_key || self.key != key;
            if is_new_key {
                self.retention.begin_key();
                self.key.clear();
                self.key.extend_from_slice(key);
                self.has_key = true;
            }
            let may_drop = value.is_none()
                && (self.maker.planted == Planted::LsmDropsTombstonesEarly
                    || !has(&self.older, key));
            if self
                .retention
                .keeps(key, sequence, &self.tombstones, may_drop)
            {
                // A table ends between keys only: all versions of a key are in one table of a run.
                if is_new_key && self.is_full() {
                    self.end_table(reader.disk)?;
                }
                if self.builder.is_none() {
                    self.begin_table(reader.disk, next_file)?;
                }
                if let Some(builder) = &mut self.builder {
                    let value = self.sources[index].value_bytes();
                    builder.add(reader.disk, &self.key, sequence, value)?;
                }
                *spent += bytes;
            }
            self.sources[index].advance(reader)?;
        }
        Ok(Step::Done(()))
    }

    /// The source with the least key; of several the newest.
    #[inline]
    fn least(&self) -> Option<usize> {
        let mut least: Option<(usize, &[u8])> = None;
        for (index, source) in self.sources.iter().enumerate() {
            if let Some(key) = source.key()
                && least.is_none_or(|(_, held)| key < held)
            {
                least = Some((index, key));
            }
        }
        least.map(|(index, _)| index)
    }

    fn is_full(&self) -> bool {
        let full = |builder: &TableBuilder| builder.file_bytes() >= self.maker.options.table_bytes;
        self.builder.as_ref().is_some_and(full)
    }

    /// Finishes the table that is being written, before the key that was looked at last.
    fn end_table(&mut self, disk: &mut dyn Disk) -> Result<(), EngineError> {
        if let Some(builder) = self.builder.take() {
            let to = Bytes::copy_from_slice(&self.key);
            let kept = self.kept.clipped(self.from.as_ref(), Some(&to));
            let (table, _) = builder.finish(disk, kept)?;
            self.outputs.push(Arc::new(table));
            self.from = Some(to);
        }
        Ok(())
    }

    /// Finishes the last table. All are synced when this returns, and their names are not.
    pub(super) fn finish(
        &mut self,
        disk: &mut dyn Disk,
        next_file: &mut u64,
    ) -> Result<Vec<Arc<Table>>, EngineError> {
        let kept = self.kept.clipped(self.from.as_ref(), None);
        if self.builder.is_none() && !kept.is_empty() {
            self.begin_table(disk, next_file)?;
        }
        if let Some(builder) = self.builder.take() {
            let (table, _) = builder.finish(disk, kept)?;
            self.outputs.push(Arc::new(table));
        }
        Ok(self.outputs.clone())
    }

    fn begin_table(&mut self, disk: &mut dyn Disk, next_file: &mut u64) -> Result<(), EngineError> {
        let id = TableId(*next_file);
        *next_file += 1;
        let builder = self.maker.begin(disk, id, self.task.target.level())?;
        self.files.push((builder.name().to_owned(), builder.file()));
        self.builder = Some(builder);
        Ok(())
    }

    /// The files of the tables it has begun.
    pub(super) fn files(&self) -> Vec<(String, FileHandle)> {
        self.files.clone()
    }
}

/// Whether a table of `runs` may have `key`: what is below it, as far as the ranges of tables and their filters tell.
fn has(runs: &[Run], key: &[u8]) -> bool {
    runs.iter().any(|run| run.table_of(key).is_some())
}

/// Whether a table of `runs` has keys under a range delete.
fn is_over(runs: &[Run], fragment: &Fragment) -> bool {
    let tables = runs.iter().flat_map(|run| run.tables.iter());
    let mut ranges = tables.map(|table| table.range());
    ranges.any(|range| {
        !range.is_before(&fragment.from)
            && fragment.to.as_ref().is_none_or(|to| range.smallest < *to)
    })
}
