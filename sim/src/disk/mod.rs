//! The disk: named files in one directory for each node.
//!
//! What was *written* is kept apart from what is *durable*. A write is visible to reads at once and may be gone after
//! a crash; a sync makes a file's content durable at the instant it **completes**, not when it is called; names
//! (created, renamed, removed) become durable with [`Disk::sync_dir`] only. This is what POSIX promises and no more,
//! so a protocol that is safe here does not lean on the kindness of one file system.
//!
//! Two disks meet the contract: [`SimDisk`] lives in memory under virtual time and can crash, and [`FileDisk`] is a
//! real directory. The same engine writes the same bytes to either.
//!
//! ```text
//!   append ─► written ──sync──► (time passes) ──► durable
//!                │                                   │
//!              crash                               crash
//!                ▼                                   ▼
//!         may be gone                             survives
//! ```
//!
//! # How the simulated disk remembers
//!
//! The live copy of a file is what was *written*; an **undo log** for each file, and one for the directory, leads back
//! to what is *durable*. A write pushes one small record, a sync remembers how far it reaches, its completion drops
//! the records it covers, and a crash takes the rest back, the newest first.
//!
//! ```text
//!   changes     1    2    3    4    5        (numbered over the whole disk, each with its instant)
//!   undo log  [──────────────][──────]
//!              covered by a     not covered: taken back by a crash
//!              sync that will
//!              complete at T:
//!              dropped from T on, taken back by a crash before T
//! ```
//!
//! Invariants:
//! - Undoing the whole log gives the state at the last completed sync, whatever was changed since.
//! - The device does one sync at a time, so that syncs complete in the order in which they were begun.
//! - A handler runs at one point of the host's program but covers a stretch of virtual time, and a crash may fall
//!   into that stretch. So nothing is settled that a crash could still come before.
//! - A removed or replaced file is kept while a handle is open on it, or while a crash could bring its name back.
//!
//! What a crash leaves of the rest is the [`CrashPolicy`]'s to say: nothing, as if left out, or any state that is
//! legal. [`images`] is the chapter about them.
//!
//! What real disks do and this one does not: keep what was read in a cache (reads are always charged as coming from
//! the device); and the names of a directory are one sync's work however many there are.

mod chunks;
mod config;
mod crash;
mod directory;
#[cfg(not(target_family = "wasm"))]
mod file_disk;
mod handles;
pub mod images;
mod inode;
mod names;
mod sim_disk;
mod trouble;

pub use config::{DiskConfig, FILE_BYTES_MAX, FailedSync, Syncs};
#[cfg(not(target_family = "wasm"))]
pub use file_disk::FileDisk;
pub use images::{CrashImages, CrashPolicy, RecordingDisk};
pub use sim_disk::SimDisk;

use crate::{FileHandle, Span, SyncTicket};

/// How to open a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenMode {
    /// The file must exist.
    Existing,
    /// The file must not exist; it is made, empty.
    CreateNew,
    /// The file is made, empty, if it does not exist.
    OpenOrCreate,
}

/// What a disk has cost since the running handler began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Virtual time the node has waited for its disk. Always zero on a real directory.
    pub time: Span,
    /// Operations begun.
    pub operations: u32,
}

/// What a disk has done since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct DiskCounters {
    /// Read operations.
    pub reads: u64,
    /// Bytes read.
    pub read_bytes: u64,
    /// Append and write operations.
    pub writes: u64,
    /// Bytes appended and written.
    pub written_bytes: u64,
    /// Syncs of files, waited for or not.
    pub syncs: u64,
    /// Syncs of the directory.
    pub dir_syncs: u64,
    /// Bytes in files now.
    pub stored_bytes: u64,
}

/// Why a disk operation did not work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DiskError {
    /// No file of this name, or its handle is not open.
    #[error("no file {0:?}")]
    NotFound(String),
    /// A file of this name is there already.
    #[error("the file {0:?} exists already")]
    AlreadyExists(String),
    /// The name is empty, too long (255 bytes), reserved, or holds a path separator or NUL.
    #[error("{0:?} can't be a file name")]
    BadName(String),
    /// Reading failed.
    #[error("reading {file:?} failed: {reason}")]
    Read {
        /// The file's name.
        file: String,
        /// What the operating system or the fault said.
        reason: String,
    },
    /// Writing failed; the content of the file is as the crash rules allow.
    #[error("writing {file:?} failed: {reason}")]
    Write {
        /// The file's name.
        file: String,
        /// What the operating system or the fault said.
        reason: String,
    },
    /// A sync failed; what was not yet durable must be taken as lost, and the sync must not be tried again.
    #[error("syncing {file:?} failed: {reason}")]
    Sync {
        /// The file's name, or `.` for the directory.
        file: String,
        /// What the operating system or the fault said.
        reason: String,
    },
    /// Another disk, in this process or another, has the directory.
    #[error("the directory {0:?} is in use; stop the process that has it open")]
    InUse(String),
    /// No space is left.
    #[error("no space left for {0:?}")]
    Full(String),
    /// The node was killed in this operation. Return at once; nothing after it happens.
    #[error("the node was killed in a disk operation")]
    Killed,
}

/// Named files in one directory. See the [module](self) for what survives a crash.
///
/// Handles stay good when their file is renamed or removed, as on POSIX. Offsets and lengths are in bytes.
pub trait Disk: Send + Sync {
    /// Opens the file `name`.
    fn open(&mut self, name: &str, mode: OpenMode) -> Result<FileHandle, DiskError>;

    /// Gives the handle back. What was written stays written.
    fn close(&mut self, file: FileHandle) -> Result<(), DiskError>;

    /// Writes `bytes` at the end and returns the offset where they begin.
    fn append(&mut self, file: FileHandle, bytes: &[u8]) -> Result<u64, DiskError>;

    /// Writes `bytes` at `offset`; a gap behind the end is filled with zeros.
    fn write_at(&mut self, file: FileHandle, offset: u64, bytes: &[u8]) -> Result<(), DiskError>;

    /// Fills `buffer` from `offset` and returns how many bytes there were; fewer than asked only at the end.
    fn read_at(
        &mut self,
        file: FileHandle,
        offset: u64,
        buffer: &mut [u8],
    ) -> Result<usize, DiskError>;

    /// The length of the file.
    fn len(&mut self, file: FileHandle) -> Result<u64, DiskError>;

    /// Makes the file `len` bytes long, by cutting it or by adding zeros.
    fn truncate(&mut self, file: FileHandle, len: u64) -> Result<(), DiskError>;

    /// Makes the file's content durable, and waits for it.
    fn sync(&mut self, file: FileHandle) -> Result<(), DiskError>;

    /// Begins to make the content the file has now durable, and goes on; the host brings the ticket back.
    fn sync_later(&mut self, file: FileHandle) -> Result<SyncTicket, DiskError>;

    /// Renames `from` to `to`, replacing what was there, in one step.
    fn rename(&mut self, from: &str, to: &str) -> Result<(), DiskError>;

    /// Removes the name.
    fn remove(&mut self, name: &str) -> Result<(), DiskError>;

    /// The names in the directory, in byte order.
    fn list(&mut self) -> Result<Vec<String>, DiskError>;

    /// Makes the directory's names durable, and waits for it.
    fn sync_dir(&mut self) -> Result<(), DiskError>;

    /// What the running handler has cost so far.
    fn spent(&self) -> Spent;

    /// The node dies here, in the middle of its handler: no operation after this happens. A disk that is not simulated has
    /// no such fate.
    fn die(&mut self) {}

    /// What was done since the disk was made.
    fn counters(&self) -> DiskCounters;
}
