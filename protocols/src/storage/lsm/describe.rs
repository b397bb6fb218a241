//! What an LSM tree lets people see: its numbers, its shape, and its files as text.

use seedbed_sim::Disk;

use super::table::{Reader, RunAscent, Stepping, Table};
use super::version::Run;
use super::wal::{self, Payload};
use super::{LsmEngine, policy};
use crate::storage::batch::{self, ChangeView};
use crate::storage::frame::FILE_HEADER_BYTES;
use crate::storage::{EngineError, EngineStats, Inspection, Structure, text};

/// What an LSM tree is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LsmShape {
    /// The compaction policy's name.
    pub policy: &'static str,
    /// The memtables, the newest first: the one that is written to, then the frozen ones.
    pub memtables: Vec<LsmMemtable>,
    /// The levels, from 0 on.
    pub levels: Vec<LsmLevel>,
    /// Snapshots that are held: the number of the last change that each sees.
    pub snapshots: Vec<u64>,
    /// The number of the last change.
    pub sequence: u64,
    /// Bytes of blocks in the cache, and its bound.
    pub cache_held_bytes: u64,
    /// The cache's bound.
    pub cache_bytes: u64,
    /// How often a block was in the cache, and how often it had to be read.
    pub cache_hits: u64,
    /// Blocks that had to be read.
    pub block_reads: u64,
    /// How often a filter was asked.
    pub filter_asked: u64,
    /// How often it said no, and saved a read.
    pub filter_denied: u64,
    /// How often it did not say no, and the key was not there.
    pub filter_misled: u64,
    /// Tables made of memtables.
    pub flushes: u64,
    /// Bytes of them.
    pub flushed_bytes: u64,
    /// Merges of tables.
    pub merges: u64,
    /// Bytes that merges read.
    pub merge_read_bytes: u64,
    /// Bytes that they wrote.
    pub merged_bytes: u64,
    /// Tables that changed their level as they were.
    pub moves: u64,
    /// Writes that had to wait for background work.
    pub stalls: u64,
    /// Bytes of background work that they waited for.
    pub stalled_bytes: u64,
    /// Whether a memtable is on its way to a table.
    pub is_flushing: bool,
    /// The tables that are being merged.
    pub merging: Vec<u64>,
}

/// A memtable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LsmMemtable {
    /// Its log.
    pub log: String,
    /// Bytes of its log.
    pub log_bytes: u64,
    /// Keys in it.
    pub keys: u64,
    /// Bytes put into it.
    pub bytes: u64,
    /// Pieces of range deletes.
    pub range_deletes: u64,
}

/// A level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LsmLevel {
    /// Its number.
    pub level: u32,
    /// Its runs, the newest first; from level 1 on levelled compaction has one.
    pub runs: Vec<Vec<LsmTable>>,
}

/// A table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LsmTable {
    /// Its number.
    pub id: u64,
    /// Its file.
    pub file: String,
    /// Bytes of its file.
    pub bytes: u64,
    /// Data blocks.
    pub blocks: u64,
    /// Versions in it.
    pub entries: u64,
    /// How many of them are tombstones.
    pub tombstones: u64,
    /// Pieces of range deletes.
    pub range_deletes: u64,
    /// Bytes of its Bloom filter.
    pub filter_bytes: u64,
    /// The keys it covers, as text.
    pub smallest: String,
    /// The largest.
    pub largest: String,
    /// The numbers of its oldest and its newest change.
    pub oldest: u64,
    /// The newest.
    pub newest: u64,
}

fn describe_table(table: &Table) -> LsmTable {
    let range = table.range();
    LsmTable {
        id: table.id.0,
        file: table.name.to_string(),
        bytes: table.file_bytes,
        blocks: table.block_count() as u64,
        entries: table.properties.entries,
        tombstones: table.properties.tombstones,
        range_deletes: table.tombstones.count(),
        filter_bytes: table.filter_bytes() as u64,
        smallest: text(&range.smallest),
        largest: match range.end {
            policy::RangeEnd::Inclusive => text(&range.largest),
            policy::RangeEnd::Exclusive => format!("before {}", text(&range.largest)),
            policy::RangeEnd::Unbounded => "past the last".to_owned(),
        },
        oldest: table.properties.oldest.0,
        newest: table.properties.newest.0,
    }
}

impl LsmEngine {
    pub(super) fn describe_stats(&self) -> EngineStats {
        let frozen = self.frozen.iter().map(|frozen| &frozen.wal);
        let logs: Vec<_> = self.kept.iter().chain(frozen).chain([&self.wal]).collect();
        let log_bytes: u64 = logs.iter().map(|wal| wal.frames.end()).sum();
        let log_written: u64 = logs.iter().map(|wal| wal.frames.written_bytes()).sum();
        let log_read: u64 = logs.iter().map(|wal| wal.frames.read_bytes()).sum();
        let table_bytes: u64 = self.version.tables().map(|table| table.file_bytes).sum();
        let table_memory: usize = self
            .version
            .tables()
            .map(|table| table.memory_bytes())
            .sum();
        let frozen_memory = self
            .frozen
            .iter()
            .map(|frozen| frozen.memtable.memory_bytes());
        EngineStats {
            durability: self.durability,
            written: self.positions.end(),
            durable: self.positions.durable(),
            keys: None,
            live_bytes: None,
            user_bytes: self.user_bytes,
            written_bytes: self.written_bytes + log_written,
            stored_bytes: log_bytes + table_bytes,
            read_bytes: self.counts.read_bytes + log_read,
            answered_bytes: self.counts.answered_bytes,
            files: 1 + (logs.len() + self.version.tables().count()) as u64,
            memory_bytes: self.active.memory_bytes()
                + frozen_memory.sum::<u64>()
                + (table_memory + self.cache.memory_bytes()) as u64,
        }
    }

    pub(super) fn describe(&self) -> Inspection {
        Inspection {
            engine: "lsm",
            stats: self.describe_stats(),
            structure: Structure::Lsm(Box::new(self.shape())),
        }
    }

    fn shape(&self) -> LsmShape {
        let memtable = |memtable: &super::Memtable, wal: &super::Wal| LsmMemtable {
            log: wal.frames.name().to_owned(),
            log_bytes: wal.frames.end(),
            keys: memtable.key_count() as u64,
            bytes: memtable.bytes,
            range_deletes: memtable.tombstones.count(),
        };
        let frozen = self.frozen.iter().rev();
        let frozen = frozen.map(|frozen| memtable(&frozen.memtable, &frozen.wal));
        let merging = self.work.merge.iter().flat_map(|job| &job.task.inputs);
        LsmShape {
            policy: self.options.policy.name(),
            memtables: std::iter::once(memtable(&self.active, &self.wal))
                .chain(frozen)
                .collect(),
            levels: self.levels(),
            snapshots: self
                .snapshots
                .contents()
                .map(|sequence| sequence.0)
                .collect(),
            sequence: self.sequence.0,
            cache_held_bytes: self.cache.held_bytes() as u64,
            cache_bytes: self.options.cache_bytes as u64,
            cache_hits: self.counts.cache_hits,
            block_reads: self.counts.block_reads,
            filter_asked: self.counts.filter_asked,
            filter_denied: self.counts.filter_denied,
            filter_misled: self.counts.filter_misled,
            flushes: self.work.flushes,
            flushed_bytes: self.work.flushed_bytes,
            merges: self.work.merges,
            merge_read_bytes: self.counts.background_read_bytes,
            merged_bytes: self.work.merged_bytes,
            moves: self.work.moves,
            stalls: self.work.stalls,
            stalled_bytes: self.work.stalled_bytes,
            is_flushing: self.work.flush.is_some(),
            merging: merging.map(|id| id.0).collect(),
        }
    }

    fn levels(&self) -> Vec<LsmLevel> {
        let deepest = self.version.runs.iter().map(|run| run.level).max();
        let level = |level: u32| LsmLevel {
            level,
            runs: self
                .version
                .runs
                .iter()
                .filter(|run| run.level == level)
                .map(|run| {
                    run.tables
                        .iter()
                        .map(|table| describe_table(table))
                        .collect()
                })
                .collect(),
        };
        (0..=deepest.unwrap_or(0)).map(level).collect()
    }

    /// All files as text: the manifest, the logs, and the tables with every entry.
    pub(super) fn dump_all(
        &mut self,
        disk: &mut dyn Disk,
        line: &mut dyn FnMut(&str),
    ) -> Result<(), EngineError> {
        let manifest = &self.manifest;
        line(&format!(
            "{}: edition {}, logs from {}, tables hold what came before change {} and batch {}",
            Self::manifest_name(&self.prefix),
            manifest.edition,
            manifest.oldest_log.0,
            manifest.flushed.0 + 1,
            manifest.flushed_lsn.0 + 1,
        ));
        for (i, run) in manifest.runs.iter().enumerate() {
            let tables: Vec<_> = run
                .tables
                .iter()
                .map(|table| table.id.0.to_string())
                .collect();
            line(&format!(
                "  run {i}, level {}: tables {}",
                run.level,
                tables.join(" ")
            ));
        }
        let frozen = self.frozen.iter_mut().map(|frozen| &mut frozen.wal);
        for wal in frozen.chain([&mut self.wal]) {
            dump_log(wal, disk, line)?;
        }
        let version = self.version.clone();
        for run in &version.runs {
            for table in run.tables.iter() {
                self.dump_table(disk, run, table, line)?;
            }
        }
        Ok(())
    }

    fn dump_table(
        &mut self,
        disk: &mut dyn Disk,
        run: &Run,
        table: &std::sync::Arc<Table>,
        line: &mut dyn FnMut(&str),
    ) -> Result<(), EngineError> {
        let shown = describe_table(table);
        line(&format!(
            "{}: a table of level {}, {} bytes, {} blocks, {} entries, {} tombstones, from {} to {}",
            shown.file,
            run.level,
            shown.bytes,
            shown.blocks,
            shown.entries,
            shown.tombstones,
            shown.smallest,
            shown.largest
        ));
        for fragment in table.tombstones.iter() {
            let to = fragment
                .to
                .as_ref()
                .map_or("the end".to_owned(), |to| text(to));
            let numbers: Vec<_> = fragment
                .sequences
                .iter()
                .map(|number| format!("#{}", number.0))
                .collect();
            line(&format!(
                "  delete from {} to {to} {}",
                text(&fragment.from),
                numbers.join(" ")
            ));
        }
        let mut reader = Reader {
            disk,
            cache: &mut self.cache,
            counts: &mut self.counts,
        };
        let stepping = Stepping::ahead(self.options.transfer_bytes);
        let tables = [std::sync::Arc::clone(table)].into();
        let mut ascent = RunAscent::new(tables, None, stepping, &mut reader)?;
        while let Some(key) = ascent.key() {
            let number = ascent.sequence().0;
            line(&match ascent.value_bytes() {
                Some(value) => format!("  put {} = {} #{number}", text(key), text(value)),
                None => format!("  delete {} #{number}", text(key)),
            });
            ascent.advance(&mut reader)?;
        }
        Ok(())
    }

    /// Of so many absent keys, how many the filter of each table does not deny: for measuring filters against theory.
    #[cfg(test)]
    pub(super) fn filters_misled(&self, keys: &[Vec<u8>]) -> u64 {
        let misled = |table: &std::sync::Arc<Table>| {
            let passed = keys
                .iter()
                .filter(|key| table.may_contain(super::bloom::KeyHash::of(key)));
            passed.count() as u64
        };
        self.version.tables().map(misled).sum()
    }
}

fn dump_log(
    wal: &mut super::Wal,
    disk: &mut dyn Disk,
    line: &mut dyn FnMut(&str),
) -> Result<(), EngineError> {
    line(&format!(
        "{}: a log from batch {}",
        wal.frames.name(),
        wal.begin.lsn.0 + 1
    ));
    let bad = wal.frames.walk(
        disk,
        FILE_HEADER_BYTES,
        |offset, payload| match dump_payload(offset, payload, line) {
            Ok(()) => std::ops::ControlFlow::Continue(()),
            Err(what) => std::ops::ControlFlow::Break((offset, what)),
        },
    )?;
    match bad {
        None => Ok(()),
        Some((offset, what)) => Err(wal.frames.corrupt(offset, &what)),
    }
}

fn dump_payload(offset: u64, payload: &[u8], line: &mut dyn FnMut(&str)) -> Result<(), String> {
    match wal::decode(payload)? {
        Payload::Begin(begin) => line(&format!(
            "  {offset}: follows log {}, which ends at {}",
            begin.before.0, begin.before_end
        )),
        Payload::Batch(first, changes) => {
            line(&format!("  {offset}: a batch from #{}", first.0));
            for change in batch::changes(changes) {
                line(&match change? {
                    ChangeView::Put(key, value) => {
                        format!("    put {} = {}", text(key), text(value))
                    }
                    ChangeView::Delete(key) => format!("    delete {}", text(key)),
                    ChangeView::DeleteRange(from, to) => {
                        let to = to.map_or("the end".to_owned(), text);
                        format!("    delete from {} to {to}", text(from))
                    }
                });
            }
        }
    }
    Ok(())
}
