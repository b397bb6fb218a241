//! A disk that fails as it is told.

use seedbed_sim::{
    Disk, DiskCounters, DiskError, FileHandle, OpenMode, SimDisk, Spent, SyncTicket,
};

/// A simulated disk whose calls fail before they reach it.
pub(crate) struct FailingDisk {
    pub(crate) disk: SimDisk,
    /// Whether there is no room: an append writes half of it, and fails.
    pub(crate) fails_appends: bool,
    /// After how many more syncs, of files and of the directory, all fail.
    pub(crate) syncs_left: usize,
}

impl FailingDisk {
    /// One that does not fail yet.
    pub(crate) fn sound(disk: SimDisk) -> Self {
        Self {
            disk,
            fails_appends: false,
            syncs_left: usize::MAX,
        }
    }

    fn may_sync(&mut self) -> Result<(), DiskError> {
        self.syncs_left = self
            .syncs_left
            .checked_sub(1)
            .ok_or_else(|| DiskError::Sync {
                file: "it".to_owned(),
                reason: "input/output error".to_owned(),
            })?;
        Ok(())
    }
}

impl Disk for FailingDisk {
    fn open(&mut self, name: &str, mode: OpenMode) -> Result<FileHandle, DiskError> {
        self.disk.open(name, mode)
    }

    fn close(&mut self, file: FileHandle) -> Result<(), DiskError> {
        self.disk.close(file)
    }

    fn append(&mut self, file: FileHandle, bytes: &[u8]) -> Result<u64, DiskError> {
        if self.fails_appends {
            self.disk.append(file, &bytes[..bytes.len() / 2])?;
            return Err(DiskError::Full("it".to_owned()));
        }
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
