//! A real directory as a disk. This is the one module of the crate that touches the operating system.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::handles::HandleTable;
use super::names::{LOCK_NAME, check_name};
use super::{Disk, DiskCounters, DiskError, OpenMode, Spent};
use crate::{FileHandle, Span, SyncTicket};

/// A real directory as a disk: the same engine writes the same bytes to it as to a [`SimDisk`](super::SimDisk).
///
/// One disk has the directory at a time; the operating system lets go of the lock when the disk is dropped or the
/// process dies. A sync is an fsync of the file, a sync of the directory an fsync of the directory. An ordered sync
/// is done at once, and its ticket waits in [`take_completed`](Self::take_completed). No virtual time is spent.
///
/// Files whose names are not UTF-8, and whatever is not a file, are not listed. On Windows a directory can't be
/// synced, so names are as durable as its file system makes them.
#[derive(Debug)]
pub struct FileDisk {
    directory: PathBuf,
    /// Held for its lock.
    _lock: File,
    handles: HandleTable<OpenFile>,
    counters: DiskCounters,
    operations: u32,
    tickets: u64,
    completed: Vec<SyncTicket>,
}

#[derive(Debug)]
struct OpenFile {
    file: File,
    /// The name it was last known by, for error messages.
    name: Arc<str>,
}

impl FileDisk {
    /// The file that keeps a second process away. No other file may have this name.
    pub const LOCK_NAME: &str = LOCK_NAME;

    /// Takes the directory `path`, and makes it if it is not there. A directory that another disk has, in this
    /// process or another, is refused with [`DiskError::InUse`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, DiskError> {
        let directory = path.as_ref().to_owned();
        let shown = directory.display().to_string();
        let refused = |error| write_error(&shown, &error);
        make_directory(&directory).map_err(refused)?;
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(directory.join(LOCK_NAME))
            .map_err(refused)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(DiskError::InUse(shown)),
            Err(TryLockError::Error(error)) => return Err(refused(error)),
        }
        Ok(Self {
            directory,
            _lock: lock,
            handles: HandleTable::default(),
            counters: DiskCounters::default(),
            operations: 0,
            tickets: 0,
            completed: Vec::new(),
        })
    }

    /// A handler begins: [`Disk::spent`] counts operations from here.
    pub fn begin_handler(&mut self) {
        self.operations = 0;
    }

    /// Moves the tickets of syncs that were ordered since the last call to the end of `out`. They are done.
    pub fn take_completed(&mut self, out: &mut Vec<SyncTicket>) {
        out.append(&mut self.completed);
    }

    fn path(&self, name: &str) -> Result<PathBuf, DiskError> {
        check_name(name)?;
        Ok(self.directory.join(name))
    }

    fn existing_path(&self, name: &str) -> Result<PathBuf, DiskError> {
        let path = self.path(name)?;
        match fs::symlink_metadata(&path) {
            Ok(_) => Ok(path),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                Err(DiskError::NotFound(name.to_owned()))
            }
            Err(error) => Err(read_error(name, &error)),
        }
    }

    /// The files in the directory, with their sizes, in no particular order.
    fn entries(&self) -> Result<Vec<(String, u64)>, DiskError> {
        let failed = |error| read_error(".", &error);
        let mut entries = Vec::new();
        for entry in fs::read_dir(&self.directory).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let metadata = entry.metadata().map_err(failed)?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            if metadata.is_file() && check_name(&name).is_ok() {
                entries.push((name, metadata.len()));
            }
        }
        Ok(entries)
    }

    /// Writes all of `bytes` at `offset`, or at the end for `None`; returns where. When that fails, a file that has grown is
    /// cut back to what it was.
    fn write_all(
        &mut self,
        file: FileHandle,
        offset: Option<u64>,
        bytes: &[u8],
    ) -> Result<u64, DiskError> {
        let OpenFile { file, name } = self.handles.get(file)?;
        let len_before = len_of(file, name)?;
        let offset = offset.unwrap_or(len_before);
        if let Err(error) = positioned::write_all_at(file, offset, bytes) {
            if len_of(file, name)? > len_before {
                file.set_len(len_before)
                    .map_err(|error| write_error(name, &error))?;
            }
            return Err(write_error(name, &error));
        }
        self.counters.writes += 1;
        self.counters.written_bytes += bytes.len() as u64;
        Ok(offset)
    }
}

impl Disk for FileDisk {
    fn open(&mut self, name: &str, mode: OpenMode) -> Result<FileHandle, DiskError> {
        self.operations += 1;
        let path = self.path(name)?;
        let mut options = OpenOptions::new();
        options.read(true).write(true);
        match mode {
            OpenMode::Existing => {}
            OpenMode::CreateNew => {
                options.create_new(true);
            }
            OpenMode::OpenOrCreate => {
                options.create(true).truncate(false);
            }
        }
        let file = options.open(path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => DiskError::NotFound(name.to_owned()),
            ErrorKind::AlreadyExists => DiskError::AlreadyExists(name.to_owned()),
            _ => write_error(name, &error),
        })?;
        let name = name.into();
        Ok(self.handles.insert(OpenFile { file, name }))
    }

    fn close(&mut self, file: FileHandle) -> Result<(), DiskError> {
        self.operations += 1;
        self.handles.remove(file).map(drop)
    }

    fn append(&mut self, file: FileHandle, bytes: &[u8]) -> Result<u64, DiskError> {
        self.operations += 1;
        self.write_all(file, None, bytes)
    }

    fn write_at(&mut self, file: FileHandle, offset: u64, bytes: &[u8]) -> Result<(), DiskError> {
        self.operations += 1;
        self.write_all(file, Some(offset), bytes).map(drop)
    }

    fn read_at(
        &mut self,
        file: FileHandle,
        offset: u64,
        buffer: &mut [u8],
    ) -> Result<usize, DiskError> {
        self.operations += 1;
        let OpenFile { file, name } = self.handles.get(file)?;
        let count =
            positioned::read_at(file, offset, buffer).map_err(|error| read_error(name, &error))?;
        self.counters.reads += 1;
        self.counters.read_bytes += count as u64;
        Ok(count)
    }

    fn len(&mut self, file: FileHandle) -> Result<u64, DiskError> {
        self.operations += 1;
        let OpenFile { file, name } = self.handles.get(file)?;
        len_of(file, name)
    }

    fn truncate(&mut self, file: FileHandle, len: u64) -> Result<(), DiskError> {
        self.operations += 1;
        let OpenFile { file, name } = self.handles.get(file)?;
        file.set_len(len).map_err(|error| write_error(name, &error))
    }

    fn sync(&mut self, file: FileHandle) -> Result<(), DiskError> {
        self.operations += 1;
        let OpenFile { file, name } = self.handles.get(file)?;
        self.counters.syncs += 1;
        file.sync_all().map_err(|error| sync_error(name, &error))
    }

    fn sync_later(&mut self, file: FileHandle) -> Result<SyncTicket, DiskError> {
        self.sync(file)?;
        self.tickets += 1;
        let ticket = SyncTicket(self.tickets);
        self.completed.push(ticket);
        Ok(ticket)
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<(), DiskError> {
        self.operations += 1;
        let (source, target) = (self.existing_path(from)?, self.path(to)?);
        fs::rename(source, target).map_err(|error| write_error(from, &error))?;
        let new_name: Arc<str> = to.into();
        for open in self.handles.iter_mut().filter(|open| &*open.name == from) {
            open.name = Arc::clone(&new_name);
        }
        Ok(())
    }

    fn remove(&mut self, name: &str) -> Result<(), DiskError> {
        self.operations += 1;
        let path = self.existing_path(name)?;
        fs::remove_file(path).map_err(|error| write_error(name, &error))
    }

    fn list(&mut self) -> Result<Vec<String>, DiskError> {
        self.operations += 1;
        let mut names: Vec<String> = self.entries()?.into_iter().map(|(name, _)| name).collect();
        names.sort_unstable();
        Ok(names)
    }

    fn sync_dir(&mut self) -> Result<(), DiskError> {
        self.operations += 1;
        self.counters.dir_syncs += 1;
        positioned::sync_directory(&self.directory).map_err(|error| sync_error(".", &error))
    }

    fn spent(&self) -> Spent {
        Spent {
            time: Span::ZERO,
            operations: self.operations,
        }
    }

    /// `stored_bytes` counts the files that have names; 0 if the directory can't be read.
    fn counters(&self) -> DiskCounters {
        let entries = self.entries().unwrap_or_default();
        DiskCounters {
            stored_bytes: entries.iter().map(|(_, len)| len).sum(),
            ..self.counters
        }
    }
}

/// What operating systems spell differently.
mod positioned {
    use std::fs::File;
    use std::io;
    use std::path::Path;

    /// Fills `buffer` as far as the file reaches.
    pub(super) fn read_at(file: &File, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match read_some_at(
                file,
                offset.saturating_add(filled as u64),
                &mut buffer[filled..],
            ) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    pub(super) fn write_all_at(file: &File, offset: u64, mut bytes: &[u8]) -> io::Result<()> {
        let mut offset = offset;
        while !bytes.is_empty() {
            match write_some_at(file, offset, bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    bytes = &bytes[count..];
                    offset += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    #[cfg(unix)]
    fn read_some_at(file: &File, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        // The system call takes a signed offset; nothing can be stored behind the largest one.
        if i64::try_from(offset).is_err() {
            return Ok(0);
        }
        std::os::unix::fs::FileExt::read_at(file, buffer, offset)
    }

    #[cfg(unix)]
    fn write_some_at(file: &File, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        std::os::unix::fs::FileExt::write_at(file, bytes, offset)
    }

    #[cfg(unix)]
    pub(super) fn sync_directory(path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    #[cfg(windows)]
    fn read_some_at(file: &File, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_read(file, buffer, offset)
    }

    #[cfg(windows)]
    fn write_some_at(file: &File, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_write(file, bytes, offset)
    }

    /// A directory can't be opened as a file here; the file system journals names by itself.
    #[cfg(windows)]
    pub(super) fn sync_directory(_path: &Path) -> io::Result<()> {
        Ok(())
    }
}

/// Makes the directory, and those above it, if they are not there; whatever is made is durable.
fn make_directory(directory: &Path) -> io::Result<()> {
    let above = directory
        .ancestors()
        .filter(|path| !path.as_os_str().is_empty());
    let missing: Vec<&Path> = above.take_while(|path| !path.exists()).collect();
    fs::create_dir_all(directory)?;
    for path in missing {
        let parent = path.parent().filter(|p| !p.as_os_str().is_empty());
        positioned::sync_directory(parent.unwrap_or(Path::new(".")))?;
    }
    Ok(())
}

fn len_of(file: &File, name: &str) -> Result<u64, DiskError> {
    let metadata = file.metadata().map_err(|error| read_error(name, &error))?;
    Ok(metadata.len())
}

fn read_error(name: &str, error: &io::Error) -> DiskError {
    DiskError::Read {
        file: name.to_owned(),
        reason: error.to_string(),
    }
}

fn sync_error(name: &str, error: &io::Error) -> DiskError {
    DiskError::Sync {
        file: name.to_owned(),
        reason: error.to_string(),
    }
}

fn write_error(name: &str, error: &io::Error) -> DiskError {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => DiskError::Full(name.to_owned()),
        _ => DiskError::Write {
            file: name.to_owned(),
            reason: error.to_string(),
        },
    }
}
