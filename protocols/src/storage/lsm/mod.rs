//! The LSM tree: writes go to a log and to memory, and reach the disk as sorted files that are merged behind the scenes.
//!
//! A hash-indexed log must hold every key in memory and can't scan a range. The log-structured merge-tree (O'Neil and
//! others, *The Log-Structured Merge-Tree*, 1996; in the form of Bigtable, LevelDB and RocksDB) keeps the writes as
//! sequential as a log's and gives up neither. A write is appended to a log, for safety, and put into a sorted tree in
//! memory, the *memtable*. A full memtable is frozen and becomes a *sorted table*, a file that is never changed again.
//! Reads look into the memtables and then into the tables, newest first, until they meet the key. *Compaction* merges
//! tables, so that there are few to look into, and drops what was overwritten or deleted.
//!
//! ```text
//!   write ──► log (frames)                      get ──► memtable ──► frozen ──► level 0, newest first ──► 1 ──► 2 …
//!     └─────► memtable ──full──► frozen memtables            each table:  range? ─► Bloom filter ─► index ─► one block
//!                                   │ flush
//!                                   ▼
//!                level 0   [table] [table] [table]     each flush a run of its own
//!                                   │ compaction: a policy picks, a job merges
//!                level 1   [table|table|table]         one run: no two tables overlap
//!                level 2   [table|table|table|table|table|table|…]
//! ```
//!
//! # The files
//!
//! | file | what | bytes |
//! |---|---|---|
//! | `PREFIXlsm.manifest` | which tables there are, and which logs are still needed | `manifest.rs` |
//! | `PREFIXlsm-NNNNNNNN.log` | the log of one memtable | `wal.rs` |
//! | `PREFIXlsm-NNNNNNNN.table` | a sorted table | `table/mod.rs`, its blocks `block.rs`, its filter `bloom.rs` |
//! | `….new` | the next manifest or log on its way to its name | |
//!
//! Numbers are given out once, whatever the kind of file.
//!
//! # Sequence numbers
//!
//! Each change has a number, one greater than the change before it. A table keeps of a key every version that somebody may
//! see, with its number; a delete is a version without a value, a *tombstone*, and a range delete is one record over many
//! keys (`tombstones.rs`). A snapshot is a number: it sees of each key the newest version that is not greater. So snapshots
//! cost nothing when they are taken, and hold back only what compaction would have dropped.
//!
//! # Invariants
//!
//! - Runs are ordered by age: of one key, all versions in a newer run are newer than all versions in an older one, range
//!   deletes too; and memtables are newer than runs.
//! - Tables of one run do not overlap, and all versions of one key in a run are in one table.
//! - A tombstone is dropped only where nothing older of its key is below, and no snapshot is older than it.
//! - The files that are there are those that the manifest names, the logs from its oldest on, and those of jobs under way.
//! - Order of durability: the table's data, the directory, the manifest beside the old one, its name, the directory again;
//!   and only then are logs and tables removed that are needed no more. After a failed sync everything is refused until
//!   the engine is opened again.
//!
//! # Recovery
//!
//! The manifest says which tables there are; each must be there and be the one it says. Files that it does not name are left
//! over from a job that was cut short, and are removed. The logs from the oldest that is needed on are read back into
//! memtables; `wal.rs` says how a torn end is told from damage across logs. What is lost with a salvage is only what is
//! damaged itself: frames of logs, and tables that can't be opened.
//!
//! # Who does the work
//!
//! Nothing happens behind the caller's back: background work is done in [`Engine::maintain`], in slices. If nobody calls
//! it, or not often enough, writers do the work themselves as soon as too many memtables wait or too many runs have
//! gathered: they *stall*, instead of letting memory or reads grow without bound.
//!
//! # What it costs
//!
//! | operation | disk |
//! |---|---|
//! | write | one append; later about once for a flush and T/2 times for each level (T: growth) |
//! | get | a block for each run whose filter does not say no: about one, or 0.01 for an absent key |
//! | scan | a block for each run, then blocks in order |
//! | open | the logs; of each table the filter and the index |
//! | space | 1 + 1/T of the live data with levelled compaction, up to twice with size-tiered |
//!
//! A value that was read keeps its block in memory as long as somebody holds it.
//!
//! What real systems do and this does not: compaction in several threads at once, merge operators, separation of large
//! values (WiscKey), prefix filters, partitioned indexes and filters that can leave memory, rate limits, column families.

mod block;
mod bloom;
mod cache;
mod describe;
mod jobs;
mod manifest;
mod memtable;
mod merge;
mod options;
mod recover;
mod table;
mod tombstones;
mod varint;
mod verify;
mod version;
mod wal;
mod work;

pub mod policy;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use bytes::Bytes;
use seedbed_sim::{Disk, SyncTicket};

pub use describe::{LsmLevel, LsmMemtable, LsmShape, LsmTable};
pub use manifest::MANIFEST_KIND;
pub use options::{Compression, LsmOptions};
pub use table::TABLE_KIND;
pub use wal::LOG_KIND;

use super::frame::FrameOptions;
use super::positions::Positions;
use super::shipping::Payloads;
use super::snapshots::Snapshots;
use super::{
    Bounds, Change, Durability, Engine, EngineError, EngineStats, Inspection, LogSlice, Lsn,
    Planted, Progress, Row, ScanDirection, SnapshotId, batch, check_batch,
};
use cache::BlockCache;
use jobs::TableMaker;
use manifest::Manifest;
use memtable::Memtable;
use merge::{Merge, Plan};
use table::Reader;
use version::Version;
use wal::Wal;
use work::Work;

/// The number of a table, which is part of its file's name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableId(pub u64);

/// The number of a change: one greater than that of the change before it. Zero is before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequence(pub u64);

impl Sequence {
    const MAX: Self = Self(u64::MAX);
}

/// The number of a log's file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct FileNumber(u64);

/// What reads have cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ReadCounts {
    /// Tables that a read of one key looked at.
    tables_asked: u64,
    /// Filters that were asked, that said no, and that did not say no though the key was not there.
    filter_asked: u64,
    filter_denied: u64,
    filter_misled: u64,
    cache_hits: u64,
    block_reads: u64,
    read_bytes: u64,
    answered_bytes: u64,
    /// Bytes that compaction read.
    background_read_bytes: u64,
}

/// A frozen memtable and its log.
#[derive(Clone)]
struct Frozen {
    memtable: Arc<Memtable>,
    wal: Wal,
    /// The number of its last change.
    sequence: Sequence,
}

/// The LSM tree engine. See the [module](self).
#[derive(Clone)]
pub struct LsmEngine {
    prefix: String,
    options: Arc<LsmOptions>,
    durability: Durability,
    frame_options: FrameOptions,
    maker: TableMaker,
    /// The newest log, and the memtable that it makes durable.
    wal: Wal,
    active: Memtable,
    /// The oldest first.
    frozen: Vec<Frozen>,
    /// Logs whose memtables are tables, kept for log shipping. The oldest first.
    kept: Vec<Wal>,
    version: Version,
    manifest: Manifest,
    /// The number of the last change.
    sequence: Sequence,
    /// In batches.
    positions: Positions,
    /// Each snapshot is the number of the last change it sees.
    snapshots: Snapshots<Sequence>,
    next_file: u64,
    cache: BlockCache,
    work: Work,
    counts: ReadCounts,
    user_bytes: u64,
    /// Bytes written to files that are gone, to tables and to manifests.
    written_bytes: u64,
    poisoned: bool,
}

impl LsmEngine {
    fn log_name(prefix: &str, number: FileNumber) -> String {
        format!("{prefix}lsm-{:08}.log", number.0)
    }

    fn manifest_name(prefix: &str) -> String {
        format!("{prefix}lsm.manifest")
    }

    fn check_poison(&self) -> Result<(), EngineError> {
        let frozen = self.frozen.iter().map(|frozen| &frozen.wal);
        let mut logs = self.kept.iter().chain(frozen);
        let is_poisoned = self.poisoned
            || self.wal.frames.is_poisoned()
            || logs.any(|wal| wal.frames.is_poisoned());
        match is_poisoned {
            true => Err(EngineError::Poisoned),
            false => Ok(()),
        }
    }

    /// The number of the last change that is seen.
    fn most_at(&self, at: Option<SnapshotId>) -> Result<Sequence, EngineError> {
        match at {
            None => Ok(self.sequence),
            Some(id) => self.snapshots.get(id).copied(),
        }
    }

    fn newest_snapshot(&self) -> Sequence {
        self.snapshots.contents().copied().max().unwrap_or_default()
    }

    /// The log took a batch: it goes to the memtable.
    fn insert(&mut self, batch: impl Iterator<Item = Change>) {
        let newest_snapshot = self.newest_snapshot();
        for change in batch {
            self.sequence.0 += 1;
            apply(&mut self.active, change, self.sequence, newest_snapshot);
        }
    }

    /// Appends a batch to the log and puts it into the memtable.
    fn append(
        &mut self,
        disk: &mut dyn Disk,
        batch: &[Change],
        user_bytes: u64,
    ) -> Result<Lsn, EngineError> {
        self.make_room(disk)?;
        let first = Sequence(self.sequence.0 + 1);
        let appended = self.wal.append(disk, first, batch);
        self.poisoned |= self.wal.frames.is_poisoned();
        appended?;
        self.insert(batch.iter().cloned());
        self.user_bytes += user_bytes;
        self.positions.advance(1);
        if self.durability == Durability::EachWrite {
            self.sync_logs(disk)?;
        }
        Ok(self.positions.end())
    }

    /// Makes all logs durable, the oldest first.
    fn sync_logs(&mut self, disk: &mut dyn Disk) -> Result<(), EngineError> {
        self.sync_older_logs(disk)?;
        let synced = self.wal.frames.sync(disk);
        self.poisoned |= self.wal.frames.is_poisoned();
        synced?;
        self.positions.synced();
        Ok(())
    }

    fn sync_older_logs(&mut self, disk: &mut dyn Disk) -> Result<(), EngineError> {
        if self.maker.planted == Planted::LsmSyncsNewestLogOnly {
            return Ok(());
        }
        for frozen in &mut self.frozen {
            if !frozen.wal.is_durable() {
                let synced = frozen.wal.frames.sync(disk);
                self.poisoned |= frozen.wal.frames.is_poisoned();
                synced?;
            }
        }
        Ok(())
    }

    /// The log that has the batch after `from`.
    fn log_with(&mut self, from: Lsn) -> Option<&mut Wal> {
        let frozen = self.frozen.iter_mut().map(|frozen| &mut frozen.wal);
        let logs = self.kept.iter_mut().chain(frozen).chain([&mut self.wal]);
        let mut logs = logs.filter(|wal| wal.begin.lsn <= from && from < wal.end());
        logs.next()
    }

    /// Where the logs that are still there begin.
    fn oldest_lsn(&self) -> Lsn {
        let kept = self.kept.first();
        let frozen = self.frozen.first().map(|frozen| &frozen.wal);
        kept.or(frozen).unwrap_or(&self.wal).begin.lsn
    }
}

/// Puts a change into a memtable.
fn apply(memtable: &mut Memtable, change: Change, sequence: Sequence, newest_snapshot: Sequence) {
    match change {
        Change::Put(key, value) => memtable.add(key, sequence, Some(value), newest_snapshot),
        Change::Delete(key) => memtable.add(key, sequence, None, newest_snapshot),
        Change::DeleteRange { from, to } => {
            memtable.add_tombstone(&from, to.as_ref(), sequence);
        }
    }
}

impl Engine for LsmEngine {
    fn get(
        &mut self,
        disk: &mut dyn Disk,
        key: &[u8],
        at: Option<SnapshotId>,
    ) -> Result<Option<Bytes>, EngineError> {
        self.check_poison()?;
        let most = self.most_at(at)?;
        let frozen = self.frozen.iter().rev().map(|frozen| &*frozen.memtable);
        for memtable in std::iter::once(&self.active).chain(frozen) {
            let covered = memtable.tombstones.newest_over(key, most);
            let version = memtable.get(key, most);
            if let Some((_, value)) = version.filter(|(sequence, _)| *sequence > covered) {
                self.counts.answered_bytes +=
                    value.as_ref().map_or(0, |value| key.len() + value.len()) as u64;
                return Ok(value.clone());
            }
            // What is older than this memtable is older than the delete.
            if version.is_some() || covered > Sequence(0) {
                return Ok(None);
            }
        }
        let mut reader = Reader {
            disk,
            cache: &mut self.cache,
            counts: &mut self.counts,
        };
        let value = self.version.get(&mut reader, key, most)?;
        self.counts.answered_bytes +=
            value.as_ref().map_or(0, |value| key.len() + value.len()) as u64;
        Ok(value)
    }

    fn scan(
        &mut self,
        disk: &mut dyn Disk,
        at: Option<SnapshotId>,
        bounds: Bounds<'_>,
        direction: ScanDirection,
        limit: usize,
        out: &mut Vec<Row>,
    ) -> Result<Option<Bytes>, EngineError> {
        self.check_poison()?;
        let most = self.most_at(at)?;
        if bounds.is_empty() {
            return Ok(None);
        }
        let plan = Plan {
            bounds,
            direction,
            most,
            limit,
        };
        let mut reader = Reader {
            disk,
            cache: &mut self.cache,
            counts: &mut self.counts,
        };
        let frozen = self.frozen.iter().rev().map(|frozen| &*frozen.memtable);
        let memtables = std::iter::once(&self.active).chain(frozen);
        let merge = Merge::new(memtables, &self.version, plan, &mut reader)?;
        let before = out.len();
        let read = merge.read(&mut reader, out);
        if read.is_err() {
            out.truncate(before);
        }
        let bytes = out[before..]
            .iter()
            .map(|row| row.key.len() + row.value.len());
        self.counts.answered_bytes += bytes.sum::<usize>() as u64;
        read
    }

    fn write(&mut self, disk: &mut dyn Disk, batch: &[Change]) -> Result<Lsn, EngineError> {
        self.check_poison()?;
        let user_bytes = check_batch(batch)?;
        if batch.is_empty() {
            return Ok(self.positions.end());
        }
        self.append(disk, batch, user_bytes)
    }

    fn sync(&mut self, disk: &mut dyn Disk) -> Result<(), EngineError> {
        self.check_poison()?;
        match self.durability {
            Durability::Never => Ok(()),
            _ => self.sync_logs(disk),
        }
    }

    fn sync_later(&mut self, disk: &mut dyn Disk) -> Result<Option<SyncTicket>, EngineError> {
        self.check_poison()?;
        if self.durability == Durability::Never {
            return Ok(None);
        }
        self.sync_older_logs(disk)?;
        let ticket = self.wal.frames.sync_later(disk);
        self.poisoned |= self.wal.frames.is_poisoned();
        match ticket? {
            Some(ticket) => {
                self.positions.sync_begun(ticket);
                Ok(Some(ticket))
            }
            None => {
                self.positions.synced();
                Ok(None)
            }
        }
    }

    fn on_synced(&mut self, ticket: SyncTicket) -> Lsn {
        self.wal.on_synced(ticket);
        for frozen in &mut self.frozen {
            frozen.wal.on_synced(ticket);
        }
        self.positions.on_synced(ticket);
        self.positions.durable()
    }

    fn snapshot(&mut self) -> SnapshotId {
        self.snapshots.take(self.sequence)
    }

    fn release(&mut self, snapshot: SnapshotId) {
        self.snapshots.release(snapshot);
    }

    fn maintain(
        &mut self,
        disk: &mut dyn Disk,
        budget_bytes: u64,
    ) -> Result<Progress, EngineError> {
        self.check_poison()?;
        self.work_for(disk, budget_bytes)
    }

    fn compact(&mut self, disk: &mut dyn Disk) -> Result<u64, EngineError> {
        self.check_poison()?;
        self.compact_all(disk)
    }

    fn log_since(
        &mut self,
        disk: &mut dyn Disk,
        from: Lsn,
        max_bytes: usize,
    ) -> Result<LogSlice, EngineError> {
        self.check_poison()?;
        self.positions.check_from(from, self.oldest_lsn())?;
        let mut payloads = Payloads::default();
        let mut to = from;
        while let Some(wal) = self.log_with(to) {
            if !wal.ship(disk, &mut to, &mut payloads, max_bytes)? {
                break;
            }
        }
        Ok(LogSlice::new(&LOG_KIND, from, to, payloads.into_bytes()))
    }

    fn apply_log(&mut self, disk: &mut dyn Disk, slice: &LogSlice) -> Result<Lsn, EngineError> {
        self.check_poison()?;
        let end = self.positions.end();
        slice.check(&LOG_KIND, end)?;
        let known = end.0 - slice.from.0;
        for payload in Payloads::iter(&slice.bytes).skip(known as usize) {
            let changes = batch::changes(payload?);
            let changes =
                changes.map(|change| change.map(|change| recover::owned(change, &slice.bytes)));
            let changes: Result<Vec<Change>, String> = changes.collect();
            let changes = changes.map_err(|_| EngineError::LogDamaged)?;
            let user_bytes = check_batch(&changes)?;
            self.append(disk, &changes, user_bytes)?;
        }
        Ok(self.positions.end())
    }

    fn stats(&self) -> EngineStats {
        self.describe_stats()
    }

    fn inspect(&self) -> Inspection {
        self.describe()
    }

    fn verify(&mut self, disk: &mut dyn Disk) -> Result<(), EngineError> {
        self.check_poison()?;
        self.verify_all(disk)
    }

    fn dump(&mut self, disk: &mut dyn Disk, line: &mut dyn FnMut(&str)) -> Result<(), EngineError> {
        self.check_poison()?;
        self.dump_all(disk, line)
    }

    fn clone_box(&self) -> Box<dyn Engine> {
        Box::new(self.clone())
    }
}
