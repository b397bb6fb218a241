//! A disk that remembers how it was before each operation that could matter to a crash.

use crate::disk::{Disk, DiskCounters, DiskError, OpenMode, SimDisk, Spent};
use crate::{FileHandle, SyncTicket};

/// A [`SimDisk`] that keeps itself as it was before each operation that changes something: every place where a crash
/// could make a difference, for tests that crash a program at all of them.
///
/// Reading leaves no boundary, nor does what is refused. The copies share what they have in common.
#[derive(Clone, Debug)]
pub struct RecordingDisk {
    disk: SimDisk,
    /// `None` while nothing is recorded.
    boundaries: Option<Vec<SimDisk>>,
}

impl RecordingDisk {
    /// Records from now on.
    pub fn new(disk: SimDisk) -> Self {
        Self {
            disk,
            boundaries: Some(Vec::new()),
        }
    }

    /// Records no more, until it is made anew.
    pub fn silent(disk: SimDisk) -> Self {
        Self {
            disk,
            boundaries: None,
        }
    }

    /// The disk as it is now.
    pub fn disk(&self) -> &SimDisk {
        &self.disk
    }

    /// The disk as it is now, for what hosts do with it. What is done here leaves no boundary.
    pub fn disk_mut(&mut self) -> &mut SimDisk {
        &mut self.disk
    }

    /// The disk as it was before each operation since the last call, oldest first.
    pub fn take_boundaries(&mut self) -> Vec<SimDisk> {
        let boundaries = self.boundaries.as_mut();
        boundaries.map(std::mem::take).unwrap_or_default()
    }

    fn changing<T>(
        &mut self,
        operation: impl FnOnce(&mut SimDisk) -> Result<T, DiskError>,
    ) -> Result<T, DiskError> {
        let Some(boundaries) = &mut self.boundaries else {
            return operation(&mut self.disk);
        };
        let before = self.disk.clone();
        let result = operation(&mut self.disk)?;
        boundaries.push(before);
        Ok(result)
    }
}

impl Disk for RecordingDisk {
    fn open(&mut self, name: &str, mode: OpenMode) -> Result<FileHandle, DiskError> {
        match mode {
            OpenMode::Existing => self.disk.open(name, mode),
            OpenMode::CreateNew | OpenMode::OpenOrCreate => {
                self.changing(|disk| disk.open(name, mode))
            }
        }
    }

    fn close(&mut self, file: FileHandle) -> Result<(), DiskError> {
        self.disk.close(file)
    }

    fn append(&mut self, file: FileHandle, bytes: &[u8]) -> Result<u64, DiskError> {
        self.changing(|disk| disk.append(file, bytes))
    }

    fn write_at(&mut self, file: FileHandle, offset: u64, bytes: &[u8]) -> Result<(), DiskError> {
        self.changing(|disk| disk.write_at(file, offset, bytes))
    }

    fn read_at(
        &mut self,
        file: FileHandle,
        offset: u64,
        buffer: &mut [u8],
    ) -> Result<usize, DiskError> {
        self.disk.read_at(file, offset, buffer)
    }

    fn len(&mut self, file: FileHandle) -> Result<u64, DiskError> {
        self.disk.len(file)
    }

    fn truncate(&mut self, file: FileHandle, len: u64) -> Result<(), DiskError> {
        self.changing(|disk| disk.truncate(file, len))
    }

    fn sync(&mut self, file: FileHandle) -> Result<(), DiskError> {
        self.changing(|disk| disk.sync(file))
    }

    fn sync_later(&mut self, file: FileHandle) -> Result<SyncTicket, DiskError> {
        self.changing(|disk| disk.sync_later(file))
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<(), DiskError> {
        self.changing(|disk| disk.rename(from, to))
    }

    fn remove(&mut self, name: &str) -> Result<(), DiskError> {
        self.changing(|disk| disk.remove(name))
    }

    fn list(&mut self) -> Result<Vec<String>, DiskError> {
        self.disk.list()
    }

    fn sync_dir(&mut self) -> Result<(), DiskError> {
        self.changing(Disk::sync_dir)
    }

    fn spent(&self) -> Spent {
        self.disk.spent()
    }

    fn counters(&self) -> DiskCounters {
        self.disk.counters()
    }
}
