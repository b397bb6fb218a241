//! The least disk that files of frames need, until the simulated one is there.

use std::collections::BTreeMap;

use seedbed_sim::{Disk, DiskCounters, DiskError, FileHandle, OpenMode, Spent, SyncTicket};

#[derive(Clone, Default)]
pub(crate) struct FakeDisk {
    pub(crate) files: Vec<Vec<u8>>,
    names: BTreeMap<String, usize>,
}

impl FakeDisk {
    pub(crate) fn bytes_of(&mut self, name: &str) -> &mut Vec<u8> {
        &mut self.files[self.names[name]]
    }
}

impl Disk for FakeDisk {
    fn open(&mut self, name: &str, mode: OpenMode) -> Result<FileHandle, DiskError> {
        let known = self.names.get(name).copied();
        let id = match (known, mode) {
            (None, OpenMode::Existing) => return Err(DiskError::NotFound(name.to_owned())),
            (Some(_), OpenMode::CreateNew) => {
                return Err(DiskError::AlreadyExists(name.to_owned()));
            }
            (Some(id), _) => id,
            (None, _) => {
                self.files.push(Vec::new());
                self.files.len() - 1
            }
        };
        self.names.insert(name.to_owned(), id);
        Ok(FileHandle(id as u32))
    }
    fn close(&mut self, _: FileHandle) -> Result<(), DiskError> {
        Ok(())
    }
    fn append(&mut self, file: FileHandle, bytes: &[u8]) -> Result<u64, DiskError> {
        let content = &mut self.files[file.0 as usize];
        content.extend_from_slice(bytes);
        Ok((content.len() - bytes.len()) as u64)
    }
    fn write_at(&mut self, _: FileHandle, _: u64, _: &[u8]) -> Result<(), DiskError> {
        unreachable!("frames are appended")
    }
    fn read_at(
        &mut self,
        file: FileHandle,
        offset: u64,
        buffer: &mut [u8],
    ) -> Result<usize, DiskError> {
        let content = &self.files[file.0 as usize];
        let rest = &content[(offset as usize).min(content.len())..];
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }
    fn len(&mut self, file: FileHandle) -> Result<u64, DiskError> {
        Ok(self.files[file.0 as usize].len() as u64)
    }
    fn truncate(&mut self, file: FileHandle, len: u64) -> Result<(), DiskError> {
        self.files[file.0 as usize].truncate(len as usize);
        Ok(())
    }
    fn sync(&mut self, _: FileHandle) -> Result<(), DiskError> {
        Ok(())
    }
    fn sync_later(&mut self, _: FileHandle) -> Result<SyncTicket, DiskError> {
        Ok(SyncTicket(1))
    }
    fn rename(&mut self, from: &str, to: &str) -> Result<(), DiskError> {
        let id = self.names.remove(from).expect("it is there");
        self.names.insert(to.to_owned(), id);
        Ok(())
    }
    fn remove(&mut self, name: &str) -> Result<(), DiskError> {
        let removed = self.names.remove(name);
        removed
            .map(|_| ())
            .ok_or(DiskError::NotFound(name.to_owned()))
    }
    fn list(&mut self) -> Result<Vec<String>, DiskError> {
        Ok(self.names.keys().cloned().collect())
    }
    fn sync_dir(&mut self) -> Result<(), DiskError> {
        Ok(())
    }
    fn spent(&self) -> Spent {
        Spent::default()
    }
    fn counters(&self) -> DiskCounters {
        DiskCounters::default()
    }
}
