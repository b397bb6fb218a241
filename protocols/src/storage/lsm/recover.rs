//! Opening an LSM tree: the manifest, the tables it names, the logs that came after.

use std::sync::Arc;

use bytes::Bytes;
use seedbed_sim::Disk;

use super::cache::BlockCache;
use super::jobs::TableMaker;
use super::manifest::{Manifest, ManifestError};
use super::memtable::Memtable;
use super::table::{Expected, Table};
use super::version::{Run, Version};
use super::wal::{self, LogBegin, Wal};
use super::work::Work;
use super::{FileNumber, Frozen, LsmEngine, ReadCounts, Sequence, TableId, apply};
use crate::storage::batch::{self, ChangeView};
use crate::storage::frame::{OnCorruption, remove_if_there};
use crate::storage::positions::Positions;
use crate::storage::snapshots::Snapshots;
use crate::storage::{Change, EngineError, EngineOptions, Recovery};

/// The files in the directory that are ours, by number.
#[derive(Default)]
struct Files {
    logs: Vec<FileNumber>,
    tables: Vec<TableId>,
    /// Files on their way to their name.
    unfinished: Vec<String>,
}

/// A log that was read back.
struct Replayed {
    wal: Wal,
    memtable: Memtable,
    /// The number of its last change.
    sequence: Sequence,
}

struct Opening<'a> {
    disk: &'a mut dyn Disk,
    options: &'a EngineOptions,
    recovery: Recovery,
}

impl LsmEngine {
    /// Opens the tree on this disk, or makes an empty one. All that was found is durable when this returns.
    ///
    /// # Errors
    /// [`EngineError::Corrupt`] and [`EngineError::Format`] where a file is not what was written; nothing is changed then.
    pub fn open(
        disk: &mut dyn Disk,
        options: &EngineOptions,
    ) -> Result<(Self, Recovery), EngineError> {
        let mut opening = Opening {
            disk,
            options,
            recovery: Recovery::default(),
        };
        let files = opening.files()?;
        let manifest = opening.manifest(&files)?;
        let version = opening.version(&manifest)?;
        let highest = files.logs.iter().map(|log| log.0);
        let highest = highest
            .chain(files.tables.iter().map(|table| table.0))
            .max();
        let mut next_file = manifest
            .next_file
            .max(highest.map_or(1, |highest| highest + 1));
        let (mut logs, lost) = opening.logs(&manifest, &files)?;
        let kept = opening.kept_logs(&manifest, &files)?;
        opening.remove_leftovers(&manifest, &files, &kept, &lost)?;
        let active = match logs.pop() {
            Some(newest) => newest,
            None => opening.first_log(&manifest, &mut next_file)?,
        };
        let recovery = opening.recovery;
        let mut engine = Self::assemble(options, version, manifest, active, logs, next_file);
        engine.kept = kept;
        if engine.manifest.newest_log < engine.manifest.oldest_log {
            engine.name_first_log(disk)?;
        }
        if recovery.corrupt_bytes > 0 {
            // The logs no longer follow each other as they say: a table of each, and a new log.
            engine.flush_all(disk)?;
        }
        Ok((engine, recovery))
    }

    fn assemble(
        options: &EngineOptions,
        version: Version,
        manifest: Manifest,
        active: Replayed,
        logs: Vec<Replayed>,
        next_file: u64,
    ) -> Self {
        let lsm = Arc::new(options.lsm.clone());
        let maker = TableMaker {
            prefix: options.file_prefix.clone(),
            options: Arc::clone(&lsm),
            planted: options.planted,
        };
        let frozen = logs.into_iter().map(|log| Frozen {
            memtable: Arc::new(log.memtable),
            wal: log.wal,
            sequence: log.sequence,
        });
        let end = active.wal.end();
        Self {
            prefix: options.file_prefix.clone(),
            cache: BlockCache::new(lsm.cache_bytes),
            options: lsm,
            durability: options.durability,
            frame_options: options.into(),
            maker,
            active: active.memtable,
            sequence: active.sequence,
            wal: active.wal,
            frozen: frozen.collect(),
            kept: Vec::new(),
            version,
            manifest,
            positions: Positions::durable_to(end),
            snapshots: Snapshots::default(),
            next_file,
            work: Work::default(),
            counts: ReadCounts::default(),
            user_bytes: 0,
            written_bytes: 0,
            poisoned: false,
        }
    }

    /// A tree was just made: the manifest is to say that there is a log, lest its loss looks like an empty tree.
    fn name_first_log(&mut self, disk: &mut dyn Disk) -> Result<(), EngineError> {
        self.manifest.edition += 1;
        self.manifest.newest_log = self.wal.number;
        self.manifest.oldest_log = self.wal.number;
        self.manifest.next_file = self.next_file;
        let name = Self::manifest_name(&self.prefix);
        written(self.manifest.write(disk, &name, self.maker.planted))
    }
}

impl Opening<'_> {
    fn files(&mut self) -> Result<Files, EngineError> {
        let prefix = format!("{}lsm", self.options.file_prefix);
        let mut files = Files::default();
        for name in self.disk.list()? {
            let Some(rest) = name.strip_prefix(&prefix) else {
                continue;
            };
            let numbered = rest.strip_prefix('-').and_then(|rest| rest.split_once('.'));
            let number = numbered.and_then(|(number, _)| number.parse::<u64>().ok());
            match (number, numbered.map(|(_, kind)| kind)) {
                (Some(number), Some("log")) => files.logs.push(FileNumber(number)),
                (Some(number), Some("table")) => files.tables.push(TableId(number)),
                (Some(_), Some("log.new")) => files.unfinished.push(name),
                _ if rest == ".manifest.new" => files.unfinished.push(name),
                _ => {}
            }
        }
        files.logs.sort_unstable();
        Ok(files)
    }

    /// Reads the manifest, or makes the first one where there is nothing yet.
    fn manifest(&mut self, files: &Files) -> Result<Manifest, EngineError> {
        let name = LsmEngine::manifest_name(&self.options.file_prefix);
        let planted = self.options.planted;
        if let Some((manifest, bytes)) = Manifest::read(self.disk, &name, planted)? {
            self.recovery.read_bytes += bytes;
            return Ok(manifest);
        }
        if !files.logs.is_empty() || !files.tables.is_empty() {
            return Err(corrupt(
                &name,
                0,
                "the manifest is gone, and there are tables or logs",
            ));
        }
        let manifest = Manifest {
            edition: 1,
            next_file: 1,
            oldest_log: FileNumber(1),
            ..Manifest::default()
        };
        written(manifest.write(self.disk, &name, planted))?;
        Ok(manifest)
    }

    fn is_salvage(&self) -> bool {
        self.options.on_corruption == OnCorruption::Salvage
    }

    /// Opens the tables that the manifest names. A salvage leaves out those that can't be opened.
    fn version(&mut self, manifest: &Manifest) -> Result<Version, EngineError> {
        let mut version = Version::default();
        for run in &manifest.runs {
            let mut tables = Vec::new();
            for record in &run.tables {
                let name = format!("{}lsm-{:08}.table", self.options.file_prefix, record.id.0);
                let expected = Expected {
                    id: record.id,
                    file_bytes: record.file_bytes,
                    footer_crc: record.footer_crc,
                };
                match Table::open(self.disk, &name, expected, self.options.planted) {
                    Ok(table) => tables.push(Arc::new(table)),
                    Err(EngineError::Corrupt { .. } | EngineError::Format { .. })
                        if self.is_salvage() =>
                    {
                        self.recovery.corrupt_bytes += record.file_bytes;
                    }
                    Err(error) => return Err(error),
                }
            }
            if !tables.is_empty() {
                version.runs.push(Run {
                    level: run.level,
                    tables: tables.into(),
                });
            }
        }
        match version.disorder() {
            Some(what) => {
                let name = LsmEngine::manifest_name(&self.options.file_prefix);
                Err(corrupt(&name, 0, &what))
            }
            None => Ok(version),
        }
    }

    /// Reads the logs that are needed back, and says which of those that are there hold nothing any more.
    fn logs(
        &mut self,
        manifest: &Manifest,
        files: &Files,
    ) -> Result<(Vec<Replayed>, Vec<FileNumber>), EngineError> {
        let prefix = &self.options.file_prefix;
        let needed = files.logs.iter().filter(|log| **log >= manifest.oldest_log);
        let needed: Vec<_> = needed.copied().collect();
        if manifest.newest_log >= manifest.oldest_log && !self.is_salvage() {
            for named in [manifest.oldest_log, manifest.newest_log] {
                if !needed.contains(&named) {
                    let name = LsmEngine::log_name(prefix, named);
                    return Err(corrupt(
                        &name,
                        0,
                        "the manifest names this log, and it is gone",
                    ));
                }
            }
        }
        let mut logs: Vec<Replayed> = Vec::new();
        let mut lost = Vec::new();
        for number in needed {
            match self.log(manifest, number, logs.last(), &lost)? {
                Some(log) => logs.push(log),
                None => lost.push(number),
            }
        }
        Ok((logs, lost))
    }

    /// Reads one log back.
    fn log(
        &mut self,
        manifest: &Manifest,
        number: FileNumber,
        before: Option<&Replayed>,
        lost: &[FileNumber],
    ) -> Result<Option<Replayed>, EngineError> {
        let name = LsmEngine::log_name(&self.options.file_prefix, number);
        let mut memtable = Memtable::default();
        let mut sequence = before.map_or(manifest.flushed, |before| before.sequence);
        let mut records = 0;
        let mut on_batch = |first: Sequence, changes: &[u8]| {
            if first <= sequence {
                return Err("sequence numbers go back".to_owned());
            }
            sequence = Sequence(first.0 - 1);
            let bytes = Bytes::copy_from_slice(changes);
            for change in batch::changes(&bytes) {
                sequence.0 += 1;
                records += 1;
                apply(&mut memtable, owned(change?, &bytes), sequence, Sequence(0));
            }
            Ok(())
        };
        let found = wal::recover(
            self.disk,
            &name,
            number,
            before.map(|before| &before.wal),
            lost,
            self.options.into(),
            &mut on_batch,
        )?;
        self.recovery.records += records;
        self.recovery.torn_bytes += found.torn_bytes;
        self.recovery.corrupt_bytes += found.corrupt_bytes;
        self.recovery.read_bytes += found.read_bytes;
        let Some(wal) = found.wal else {
            return Ok(None);
        };
        let follows = before.map_or(manifest.flushed_lsn, |before| before.wal.end());
        if wal.begin.lsn != follows && !self.is_salvage() {
            return Err(corrupt(
                &name,
                16,
                "the log does not follow what came before it",
            ));
        }
        Ok(Some(Replayed {
            wal,
            memtable,
            sequence,
        }))
    }

    /// Logs whose memtables are tables, as far as they are to be kept for log shipping.
    fn kept_logs(&mut self, manifest: &Manifest, files: &Files) -> Result<Vec<Wal>, EngineError> {
        let mut kept: Vec<Wal> = Vec::new();
        let mut room = self.options.lsm.kept_log_bytes;
        let mut end = manifest.flushed_lsn;
        let older = files
            .logs
            .iter()
            .rev()
            .filter(|log| **log < manifest.oldest_log);
        for &number in older {
            let name = LsmEngine::log_name(&self.options.file_prefix, number);
            if room == 0 {
                break;
            }
            let mut nothing = |_, _: &[u8]| Ok(());
            let options = self.options.into();
            let found = wal::recover(self.disk, &name, number, None, &[], options, &mut nothing);
            // What is not as it was is of no use for shipping, and nothing is lost with it.
            let Ok(Some(wal)) = found.map(|found| found.wal) else {
                break;
            };
            if wal.end() != end || wal.frames.end() > room {
                break;
            }
            room -= wal.frames.end();
            end = wal.begin.lsn;
            kept.push(wal);
        }
        kept.reverse();
        Ok(kept)
    }

    /// Removes what nothing names: files of jobs that were cut short, and files that were to be removed.
    fn remove_leftovers(
        &mut self,
        manifest: &Manifest,
        files: &Files,
        kept: &[Wal],
        lost: &[FileNumber],
    ) -> Result<(), EngineError> {
        let prefix = &self.options.file_prefix;
        let named = |id: &TableId| {
            let mut tables = manifest.runs.iter().flat_map(|run| &run.tables);
            tables.any(|table| table.id == *id)
        };
        for name in &files.unfinished {
            remove_if_there(self.disk, name)?;
        }
        for id in files.tables.iter().filter(|id| !named(id)) {
            remove_if_there(self.disk, &format!("{prefix}lsm-{:08}.table", id.0))?;
        }
        // The newest first: a log must not be there without the one it follows.
        for log in files.logs.iter().rev() {
            let is_kept = kept.iter().any(|wal| wal.number == *log);
            let is_needed = *log >= manifest.oldest_log && !lost.contains(log);
            // What the manifest names stays, if only as an empty file: else its absence would look like damage.
            let is_named = [manifest.oldest_log, manifest.newest_log].contains(log);
            if !is_kept && !is_needed && !is_named {
                remove_if_there(self.disk, &LsmEngine::log_name(prefix, *log))?;
            }
        }
        Ok(())
    }

    /// The log of a tree that has none yet, or whose only log was torn before its first frame.
    fn first_log(
        &mut self,
        manifest: &Manifest,
        next_file: &mut u64,
    ) -> Result<Replayed, EngineError> {
        let number = manifest.oldest_log;
        *next_file = (*next_file).max(number.0 + 1);
        let name = LsmEngine::log_name(&self.options.file_prefix, number);
        let begin = LogBegin {
            lsn: manifest.flushed_lsn,
            sequence: manifest.flushed,
            before: FileNumber(0),
            before_end: 0,
        };
        Ok(Replayed {
            wal: Wal::create(self.disk, &name, number, begin, self.options.into())?,
            memtable: Memtable::default(),
            sequence: manifest.flushed,
        })
    }
}

/// A change whose bytes are parts of `bytes`.
pub(super) fn owned(change: ChangeView<'_>, bytes: &Bytes) -> Change {
    let part = |part: &[u8]| bytes.slice_ref(part);
    match change {
        ChangeView::Put(key, value) => Change::Put(part(key), part(value)),
        ChangeView::Delete(key) => Change::Delete(part(key)),
        ChangeView::DeleteRange(from, to) => Change::DeleteRange {
            from: part(from),
            to: to.map(part),
        },
    }
}

fn written(outcome: Result<u64, ManifestError>) -> Result<(), EngineError> {
    match outcome {
        Ok(_) => Ok(()),
        Err(ManifestError::Unchanged(error) | ManifestError::Unknown(error)) => Err(error.into()),
    }
}

fn corrupt(file: &str, offset: u64, what: &str) -> EngineError {
    EngineError::Corrupt {
        file: file.to_owned(),
        offset,
        what: what.to_owned(),
    }
}
