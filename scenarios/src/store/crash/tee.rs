//! A real directory beside the simulated disk: the same operations on both, with the same results.
//!
//! So the crash images of the simulated disk are those of what a real directory was asked to do, and can be put into
//! another real directory and opened there.

use seedbed_sim::{
    Disk, DiskCounters, DiskError, FileHandle, OpenMode, RecordingDisk, SimDisk, Spent, SyncTicket,
};

use super::{Stage, slow_disk};

/// Both disks.
pub struct TeeDisk {
    simulated: RecordingDisk,
    real: Box<dyn Disk>,
    /// Handles of the one with those of the other.
    handles: Vec<(FileHandle, FileHandle)>,
}

impl TeeDisk {
    /// An empty disk beside `real`, which is empty too.
    pub fn new(real: Box<dyn Disk>) -> Self {
        Self {
            simulated: RecordingDisk::new(slow_disk()),
            real,
            handles: Vec::new(),
        }
    }

    fn real_of(&self, file: FileHandle) -> FileHandle {
        let found = self
            .handles
            .iter()
            .find(|(simulated, _)| *simulated == file);
        found.expect("a handle of both disks").1
    }
}

/// Writes the files of a simulated disk to another one.
///
/// # Errors
/// What either disk says.
pub fn put_into(disk: &mut SimDisk, real: &mut dyn Disk) -> Result<(), DiskError> {
    for name in disk.list()? {
        let file = disk.open(&name, OpenMode::Existing)?;
        let mut bytes = vec![0; usize::try_from(disk.len(file)?).expect("a short file")];
        disk.read_at(file, 0, &mut bytes)?;
        disk.close(file)?;
        let file = real.open(&name, OpenMode::CreateNew)?;
        real.append(file, &bytes)?;
        real.close(file)?;
    }
    Ok(())
}

impl Stage for TeeDisk {
    fn recording(&mut self) -> &mut RecordingDisk {
        &mut self.simulated
    }

    fn as_disk(&mut self) -> &mut dyn Disk {
        self
    }
}

/// Both did the same.
fn same<T: PartialEq + std::fmt::Debug>(
    simulated: Result<T, DiskError>,
    real: &Result<T, DiskError>,
) -> Result<T, DiskError> {
    assert_eq!(simulated, *real, "the simulated disk and the real one");
    simulated
}

impl Disk for TeeDisk {
    fn open(&mut self, name: &str, mode: OpenMode) -> Result<FileHandle, DiskError> {
        let simulated = self.simulated.open(name, mode);
        let real = self.real.open(name, mode);
        match (simulated, real) {
            (Ok(simulated), Ok(real)) => {
                self.handles.push((simulated, real));
                Ok(simulated)
            }
            (simulated, real) => {
                assert_eq!(
                    simulated.err(),
                    real.as_ref().err().cloned(),
                    "opening {name:?}"
                );
                real
            }
        }
    }

    fn close(&mut self, file: FileHandle) -> Result<(), DiskError> {
        let real = self.real_of(file);
        self.handles.retain(|(simulated, _)| *simulated != file);
        same(self.simulated.close(file), &self.real.close(real))
    }

    fn append(&mut self, file: FileHandle, bytes: &[u8]) -> Result<u64, DiskError> {
        let real = self.real_of(file);
        same(
            self.simulated.append(file, bytes),
            &self.real.append(real, bytes),
        )
    }

    fn write_at(&mut self, file: FileHandle, offset: u64, bytes: &[u8]) -> Result<(), DiskError> {
        let real = self.real_of(file);
        same(
            self.simulated.write_at(file, offset, bytes),
            &self.real.write_at(real, offset, bytes),
        )
    }

    fn read_at(
        &mut self,
        file: FileHandle,
        offset: u64,
        buffer: &mut [u8],
    ) -> Result<usize, DiskError> {
        let real = self.real_of(file);
        let mut of_real = vec![0; buffer.len()];
        let got = same(
            self.simulated.read_at(file, offset, buffer),
            &self.real.read_at(real, offset, &mut of_real),
        )?;
        assert_eq!(buffer[..got], of_real[..got], "the bytes of both disks");
        Ok(got)
    }

    fn len(&mut self, file: FileHandle) -> Result<u64, DiskError> {
        let real = self.real_of(file);
        same(self.simulated.len(file), &self.real.len(real))
    }

    fn truncate(&mut self, file: FileHandle, len: u64) -> Result<(), DiskError> {
        let real = self.real_of(file);
        same(
            self.simulated.truncate(file, len),
            &self.real.truncate(real, len),
        )
    }

    fn sync(&mut self, file: FileHandle) -> Result<(), DiskError> {
        let real = self.real_of(file);
        same(self.simulated.sync(file), &self.real.sync(real))
    }

    fn sync_later(&mut self, file: FileHandle) -> Result<SyncTicket, DiskError> {
        let real = self.real_of(file);
        self.real.sync(real)?;
        self.simulated.sync_later(file)
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<(), DiskError> {
        same(self.simulated.rename(from, to), &self.real.rename(from, to))
    }

    fn remove(&mut self, name: &str) -> Result<(), DiskError> {
        same(self.simulated.remove(name), &self.real.remove(name))
    }

    fn list(&mut self) -> Result<Vec<String>, DiskError> {
        same(self.simulated.list(), &self.real.list())
    }

    fn sync_dir(&mut self) -> Result<(), DiskError> {
        same(self.simulated.sync_dir(), &self.real.sync_dir())
    }

    fn spent(&self) -> Spent {
        self.simulated.spent()
    }

    fn counters(&self) -> DiskCounters {
        self.simulated.counters()
    }
}
