//! What an LSM tree must do besides what every engine must.
//!
//! - `cases`: nasty cases by name.
//! - `life`: opening, damage, poison, bounds and shipping.
//! - `planted`: bugs that are found otherwise.
//! - `released`: files of every version there ever was.

mod cases;
mod life;
mod planted;
mod released;

use std::sync::Arc;

use bytes::Bytes;
use seedbed_sim::{
    Disk, DiskCounters, DiskError, FileHandle, OpenMode, SimDisk, Spent, SyncTicket,
};

use super::*;
use crate::storage::EngineOptions;
use crate::storage::tests::{scan_all, tiny};

/// A disk whose syncs, of files and of the directory, fail after so many.
struct FailsSync<'a> {
    disk: &'a mut SimDisk,
    left: usize,
}

impl FailsSync<'_> {
    fn may_sync(&mut self) -> Result<(), DiskError> {
        self.left = self.left.checked_sub(1).ok_or_else(|| DiskError::Sync {
            file: "it".to_owned(),
            reason: "input/output error".to_owned(),
        })?;
        Ok(())
    }
}

impl Disk for FailsSync<'_> {
    fn open(&mut self, name: &str, mode: OpenMode) -> Result<FileHandle, DiskError> {
        self.disk.open(name, mode)
    }

    fn close(&mut self, file: FileHandle) -> Result<(), DiskError> {
        self.disk.close(file)
    }

    fn append(&mut self, file: FileHandle, bytes: &[u8]) -> Result<u64, DiskError> {
        self.disk.append(file, bytes)
    }

    fn write_at(&mut self, file: FileHandle, at: u64, bytes: &[u8]) -> Result<(), DiskError> {
        self.disk.write_at(file, at, bytes)
    }

    fn read_at(
        &mut self,
        file: FileHandle,
        at: u64,
        buffer: &mut [u8],
    ) -> Result<usize, DiskError> {
        self.disk.read_at(file, at, buffer)
    }

    fn len(&mut self, file: FileHandle) -> Result<u64, DiskError> {
        self.disk.len(file)
    }

    fn truncate(&mut self, file: FileHandle, len: u64) -> Result<(), DiskError> {
        self.disk.truncate(file, len)
    }

    fn sync(&mut self, file: FileHandle) -> Result<(), DiskError> {
        self.may_sync()?;
        self.disk.sync(file)
    }

    fn sync_later(&mut self, file: FileHandle) -> Result<SyncTicket, DiskError> {
        self.may_sync()?;
        self.disk.sync_later(file)
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<(), DiskError> {
        self.disk.rename(from, to)
    }

    fn remove(&mut self, name: &str) -> Result<(), DiskError> {
        self.disk.remove(name)
    }

    fn list(&mut self) -> Result<Vec<String>, DiskError> {
        self.disk.list()
    }

    fn sync_dir(&mut self) -> Result<(), DiskError> {
        self.may_sync()?;
        self.disk.sync_dir()
    }

    fn spent(&self) -> Spent {
        self.disk.spent()
    }

    fn counters(&self) -> DiskCounters {
        self.disk.counters()
    }
}
