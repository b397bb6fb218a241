//! Background work: which job is next, its slices, and how the tree changes in one step when it is done.

use std::sync::Arc;

use seedbed_sim::{Disk, DiskError, FileHandle};

use super::jobs::{FlushJob, MergeJob, Retention, Step};
use super::manifest::{Manifest, ManifestError};
use super::memtable::Memtable;
use super::policy::{Task, TaskKind, merge_all};
use super::table::{Reader, Table};
use super::version::Version;
use super::wal::Wal;
use super::{FileNumber, Frozen, LsmEngine, Sequence, TableId};
use crate::storage::{EngineError, Lsn, Planted, Progress};

/// Jobs under way, and what was done.
#[derive(Clone, Default)]
pub(super) struct Work {
    pub(super) flush: Option<FlushJob>,
    pub(super) merge: Option<MergeJob>,
    /// Whether the policy has said that there is nothing to do with this version.
    pub(super) is_settled: bool,
    pub(super) flushes: u64,
    pub(super) merges: u64,
    pub(super) moves: u64,
    /// Writes that had to wait for a flush or for compaction, and the bytes that were read and written meanwhile.
    pub(super) stalls: u64,
    pub(super) stalled_bytes: u64,
    pub(super) flushed_bytes: u64,
    pub(super) merged_bytes: u64,
}

impl LsmEngine {
    /// Works until about `budget` bytes were read and written.
    pub(super) fn work_for(
        &mut self,
        disk: &mut dyn Disk,
        budget: u64,
    ) -> Result<Progress, EngineError> {
        let budget = budget.max(1);
        let mut bytes = 0;
        while bytes < budget {
            if !self.step_flush(disk, budget, &mut bytes)?
                && !self.step_merge(disk, budget, &mut bytes)?
            {
                return Ok(Progress {
                    bytes,
                    is_idle: true,
                });
            }
        }
        Ok(Progress {
            bytes,
            is_idle: false,
        })
    }

    /// Before a write: freezes a full memtable. If too many wait already, or too many runs are there, the writer does the
    /// work first.
    #[inline]
    pub(super) fn make_room(&mut self, disk: &mut dyn Disk) -> Result<(), EngineError> {
        if self.active.bytes < self.options.memtable_bytes {
            return Ok(());
        }
        self.make_room_by_work(disk)
    }

    fn make_room_by_work(&mut self, disk: &mut dyn Disk) -> Result<(), EngineError> {
        let mut waited = 0;
        while self.frozen.len() >= self.options.frozen_max.max(1) {
            self.step_flush(disk, u64::MAX, &mut waited)?;
        }
        while self.version.runs.len() >= self.options.stall_runs.max(2) {
            if !self.step_merge(disk, u64::MAX, &mut waited)? {
                break;
            }
        }
        if waited > 0 {
            self.work.stalls += 1;
            self.work.stalled_bytes += waited;
        }
        self.freeze(disk)
    }

    /// Freezes the memtable and begins another one, with a log of its own.
    pub(super) fn freeze(&mut self, disk: &mut dyn Disk) -> Result<(), EngineError> {
        let number = FileNumber(self.next_file);
        self.next_file += 1;
        let name = Self::log_name(&self.prefix, number);
        let begin = self.wal.successor(self.sequence);
        let wal = match Wal::create(disk, &name, number, begin, self.frame_options) {
            Ok(wal) => wal,
            Err(error) => {
                let left = [name.clone(), format!("{name}.new")];
                return Err(self.given_up(disk, error, &[], &left));
            }
        };
        let memtable = Arc::new(std::mem::take(&mut self.active));
        let wal = std::mem::replace(&mut self.wal, wal);
        self.frozen.push(Frozen {
            memtable,
            wal,
            sequence: self.sequence,
        });
        Ok(())
    }

    /// Makes tables of all memtables. Returns how many bytes were read and written.
    pub(super) fn flush_all(&mut self, disk: &mut dyn Disk) -> Result<u64, EngineError> {
        let mut bytes = 0;
        if !self.active.is_empty() {
            self.freeze(disk)?;
        }
        while self.step_flush(disk, u64::MAX, &mut bytes)? {}
        Ok(bytes)
    }

    /// Makes tables of all memtables and merges everything into one run.
    pub(super) fn compact_all(&mut self, disk: &mut dyn Disk) -> Result<u64, EngineError> {
        let mut bytes = self.finish_begun(disk)?;
        bytes += self.flush_all(disk)?;
        if let Some(task) = merge_all(&self.version.shape()) {
            bytes += self.run_task(disk, task)?;
        }
        Ok(bytes)
    }

    /// Merges what a task says, from its beginning to its end.
    pub(super) fn run_task(&mut self, disk: &mut dyn Disk, task: Task) -> Result<u64, EngineError> {
        self.begin_merge(disk, task)?;
        self.finish_begun(disk)
    }

    /// Finishes the merge that is under way, if one is.
    fn finish_begun(&mut self, disk: &mut dyn Disk) -> Result<u64, EngineError> {
        let mut bytes = 0;
        while self.work.merge.is_some() {
            self.step_merge(disk, u64::MAX, &mut bytes)?;
        }
        Ok(bytes)
    }

    fn retention(&self) -> Retention {
        Retention::new(self.snapshots.contents().copied(), self.maker.planted)
    }

    /// A slice of making a table of the oldest frozen memtable; false if there is none.
    fn step_flush(
        &mut self,
        disk: &mut dyn Disk,
        budget: u64,
        bytes: &mut u64,
    ) -> Result<bool, EngineError> {
        let Some(oldest) = self.frozen.first() else {
            return Ok(false);
        };
        let memtable = Arc::clone(&oldest.memtable);
        if self.work.flush.is_none() {
            let id = TableId(self.next_file);
            self.next_file += 1;
            let retention = self.retention();
            let begun = FlushJob::begin(disk, &self.maker, id, retention);
            let left = [self.maker.name(id)];
            self.work.flush = Some(begun.map_err(|error| self.given_up(disk, error, &[], &left))?);
        }
        let Some(job) = &mut self.work.flush else {
            return Ok(false);
        };
        match job.step(disk, &memtable, budget, bytes) {
            Ok(Step::More) => Ok(true),
            Ok(Step::Done(())) => self.finish_flush(disk, &memtable, bytes).map(|()| true),
            Err(error) => Err(self.give_up_flush(disk, error)),
        }
    }

    fn give_up_flush(&mut self, disk: &mut dyn Disk, error: EngineError) -> EngineError {
        let files = self.work.flush.take().map(|job| job.files());
        self.given_up(disk, error, &files.unwrap_or_default(), &[])
    }

    fn finish_flush(
        &mut self,
        disk: &mut dyn Disk,
        memtable: &Memtable,
        bytes: &mut u64,
    ) -> Result<(), EngineError> {
        let Some(job) = self.work.flush.take() else {
            return Ok(());
        };
        let files = job.files();
        if self.maker.planted == Planted::LsmLogRemovedEarly {
            disk.remove(self.frozen[0].wal.frames.name())?;
        }
        let finished = job.finish(disk, memtable);
        let table = finished.map_err(|error| self.given_up(disk, error, &files, &[]))?;
        let table = Arc::new(table);
        let version = self.version.with_flushed(Arc::clone(&table));
        let flushed = (self.frozen[0].sequence, self.frozen[0].wal.end());
        let next = self.frozen.get(1).map_or(&self.wal, |frozen| &frozen.wal);
        let oldest_log = next.number;
        self.install(disk, version, oldest_log, flushed)
            .map_err(|error| self.given_up(disk, error, &files, &[]))?;
        *bytes += table.file_bytes;
        self.written_bytes += table.file_bytes;
        self.work.flushes += 1;
        self.work.flushed_bytes += table.file_bytes;
        self.positions.durable_at_least(flushed.1);
        let frozen = self.frozen.remove(0);
        self.let_go_of(disk, frozen.wal)
    }

    /// A log whose memtable is a table: kept for log shipping, or removed.
    fn let_go_of(&mut self, disk: &mut dyn Disk, wal: Wal) -> Result<(), EngineError> {
        if self.options.kept_log_bytes > 0 {
            self.kept.push(wal);
            let mut bytes: u64 = self.kept.iter().map(|wal| wal.frames.end()).sum();
            while bytes > self.options.kept_log_bytes && !self.kept.is_empty() {
                let oldest = self.kept.remove(0);
                bytes -= oldest.frames.end();
                self.remove_log(disk, oldest)?;
            }
            return Ok(());
        }
        self.remove_log(disk, wal)
    }

    fn remove_log(&mut self, disk: &mut dyn Disk, wal: Wal) -> Result<(), EngineError> {
        self.written_bytes += wal.frames.written_bytes();
        if self.maker.planted == Planted::LsmLogRemovedEarly {
            return Ok(());
        }
        removed(wal.remove(disk))
    }

    /// A slice of compaction; false if there is nothing to do.
    fn step_merge(
        &mut self,
        disk: &mut dyn Disk,
        budget: u64,
        bytes: &mut u64,
    ) -> Result<bool, EngineError> {
        if self.work.merge.is_none() {
            if self.work.is_settled {
                return Ok(false);
            }
            let Some(task) = self.options.policy.pick(&self.version.shape()) else {
                self.work.is_settled = true;
                return Ok(false);
            };
            if task.kind == TaskKind::Move {
                *bytes += 1;
                return self.move_tables(disk, &task).map(|()| true);
            }
            self.begin_merge(disk, task)?;
        }
        let Some(job) = &mut self.work.merge else {
            return Ok(false);
        };
        let mut reader = Reader {
            disk,
            cache: &mut self.cache,
            counts: &mut self.counts,
        };
        let stepped = job.step(&mut reader, &mut self.next_file, budget, bytes);
        match stepped {
            Ok(Step::More) => Ok(true),
            Ok(Step::Done(())) => self.finish_merge(disk).map(|()| true),
            Err(error) => Err(self.give_up_merge(disk, error)),
        }
    }

    fn begin_merge(&mut self, disk: &mut dyn Disk, task: Task) -> Result<(), EngineError> {
        let retention = self.retention();
        let mut reader = Reader {
            disk,
            cache: &mut self.cache,
            counts: &mut self.counts,
        };
        let job = MergeJob::begin(&mut reader, &self.maker, &self.version, task, retention)?;
        self.work.merge = Some(job);
        Ok(())
    }

    fn give_up_merge(&mut self, disk: &mut dyn Disk, error: EngineError) -> EngineError {
        let files = self.work.merge.take().map(|job| job.files());
        self.given_up(disk, error, &files.unwrap_or_default(), &[])
    }

    fn finish_merge(&mut self, disk: &mut dyn Disk) -> Result<(), EngineError> {
        let Some(job) = &mut self.work.merge else {
            return Ok(());
        };
        let outputs = match job.finish(disk, &mut self.next_file) {
            Ok(outputs) => outputs,
            Err(error) => return Err(self.give_up_merge(disk, error)),
        };
        let task = job.task.clone();
        let inputs = self
            .version
            .tables()
            .filter(|table| task.inputs.contains(&table.id));
        let inputs: Vec<_> = inputs.cloned().collect();
        if self.maker.planted == Planted::LsmInputsRemovedEarly {
            self.remove_tables(disk, &inputs)?;
        }
        let version = self.version.after(&task, outputs.clone());
        let (oldest_log, flushed) = self.unchanged();
        if let Err(error) = self.install(disk, version, oldest_log, flushed) {
            return Err(self.give_up_merge(disk, error));
        }
        let written: u64 = outputs.iter().map(|table| table.file_bytes).sum();
        self.written_bytes += written;
        self.work.merged_bytes += written;
        self.work.merges += 1;
        self.work.merge = None;
        if self.maker.planted == Planted::LsmInputsRemovedEarly {
            return Ok(());
        }
        self.remove_tables(disk, &inputs)
    }

    fn move_tables(&mut self, disk: &mut dyn Disk, task: &Task) -> Result<(), EngineError> {
        let moved = self
            .version
            .tables()
            .filter(|table| task.inputs.contains(&table.id));
        let mut moved: Vec<_> = moved.cloned().collect();
        moved.sort_by(|a, b| a.range().smallest.cmp(&b.range().smallest));
        self.work.moves += moved.len() as u64;
        let version = self.version.after(task, moved);
        let (oldest_log, flushed) = self.unchanged();
        self.install(disk, version, oldest_log, flushed)
            .map_err(|error| self.given_up(disk, error, &[], &[]))
    }

    /// What the manifest says of logs, where that does not change.
    fn unchanged(&self) -> (FileNumber, (Sequence, Lsn)) {
        let manifest = &self.manifest;
        (
            manifest.oldest_log,
            (manifest.flushed, manifest.flushed_lsn),
        )
    }

    /// Puts another version in the place of this one, on the disk and in memory.
    fn install(
        &mut self,
        disk: &mut dyn Disk,
        version: Version,
        oldest_log: FileNumber,
        (flushed, flushed_lsn): (Sequence, Lsn),
    ) -> Result<(), EngineError> {
        if let Some(what) = version.disorder() {
            panic!("{what}");
        }
        if self.maker.planted != Planted::SkipsDirectorySync {
            disk.sync_dir()?;
        }
        let manifest = Manifest {
            edition: self.manifest.edition + 1,
            next_file: self.next_file,
            oldest_log,
            newest_log: self.wal.number,
            flushed,
            flushed_lsn,
            runs: version.records(),
        };
        let name = Self::manifest_name(&self.prefix);
        match manifest.write(disk, &name, self.maker.planted) {
            Ok(bytes) => self.written_bytes += bytes,
            Err(ManifestError::Unchanged(error)) => return Err(error.into()),
            Err(ManifestError::Unknown(error)) => {
                self.poisoned = true;
                return Err(error.into());
            }
        }
        self.manifest = manifest;
        self.version = version;
        self.work.is_settled = false;
        Ok(())
    }

    fn remove_tables(
        &mut self,
        disk: &mut dyn Disk,
        tables: &[Arc<Table>],
    ) -> Result<(), EngineError> {
        for table in tables {
            self.cache.forget(table.id);
            removed(disk.close(table.file).map_err(EngineError::from))?;
            removed(disk.remove(&table.name).map_err(EngineError::from))?;
        }
        Ok(())
    }

    /// A job has failed: what it has made is removed, as far as that is possible. After a failed sync nothing is touched.
    fn given_up(
        &mut self,
        disk: &mut dyn Disk,
        error: EngineError,
        files: &[(String, FileHandle)],
        names: &[String],
    ) -> EngineError {
        match &error {
            EngineError::Disk(DiskError::Killed) => return error,
            EngineError::Disk(DiskError::Sync { .. }) => self.poisoned = true,
            _ => {}
        }
        if self.poisoned {
            return error;
        }
        let open = files.iter().map(|(name, file)| (name, Some(*file)));
        for (name, file) in open.chain(names.iter().map(|name| (name, None))) {
            let closed = file.map_or(Ok(()), |file| disk.close(file));
            // What can't be removed now is removed when the engine is opened again.
            if closed == Err(DiskError::Killed) || disk.remove(name) == Err(DiskError::Killed) {
                return DiskError::Killed.into();
            }
        }
        error
    }
}

/// A file that could not be removed is left over: opening the engine removes it.
fn removed(outcome: Result<(), EngineError>) -> Result<(), EngineError> {
    match outcome {
        Err(EngineError::Disk(DiskError::Killed)) => outcome,
        _ => Ok(()),
    }
}
