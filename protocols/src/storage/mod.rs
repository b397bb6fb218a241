//! Storage engines: how one node keeps keys and values on its disk.
//!
//! Every engine meets one contract, [`Engine`]; any engine runs under any protocol, on a simulated disk or on a real
//! directory, with the same bytes. Calls take the disk as an argument, since a process is lent its disk for the
//! length of a handler only.
//!
//! ```text
//!   memory   an ordered map, cheap to copy; nothing survives        what the others are measured against
//!   log      append, and scan back from the end                     the simplest thing that survives a crash
//! ```
//!
//! Files of engines and of replicated logs are framed alike: [`frame`] says how, and how recovery tells a write that a
//! crash tore from damage to what was promised. A new engine is a folder with its chapter and one line in the
//! [`CATALOG`]; it must pass the shared golden scripts, the model test and the crash test before its own.

mod catalog;
pub mod frame;
pub mod log;
pub mod memory;
#[cfg(test)]
pub(crate) mod planted;
mod snapshots;
#[cfg(test)]
mod tests;

pub use catalog::{CATALOG, EngineEntry, EngineKind, EngineOptions, Opened, open_engine};

use bytes::Bytes;
use seedbed_sim::{Disk, DiskError, SyncTicket};

/// The longest key, in bytes. The empty key is legal.
pub const KEY_BYTES_MAX: usize = 64 * 1024;
/// The longest value, in bytes. The empty value is legal.
pub const VALUE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A position in an engine's log: bytes of log before it. Zero is the beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lsn(pub u64);

/// A snapshot, until it is released. Snapshots are named by number: nothing hangs on who still holds one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SnapshotId(pub u64);

/// A key and its value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Row {
    /// The key.
    pub key: Bytes,
    /// The value.
    pub value: Bytes,
}

/// One change in a batch.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// Set a key.
    Put(Bytes, Bytes),
    /// Remove a key; removing an absent one is fine.
    Delete(Bytes),
}

/// Which way a scan goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScanDirection {
    /// From the smallest key up.
    Forward,
    /// From the largest key down.
    Backward,
}

/// The keys a scan covers: from `from` (inclusive; `None`: the first) to `to` (exclusive; `None`: past the last),
/// whichever way it goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounds<'a> {
    /// The smallest key, inclusive.
    pub from: Option<&'a [u8]>,
    /// The largest key, exclusive.
    pub to: Option<&'a [u8]>,
}

impl Bounds<'_> {
    /// Whether `key` is within them.
    pub fn contains(&self, key: &[u8]) -> bool {
        self.from.is_none_or(|from| from <= key) && self.to.is_none_or(|to| key < to)
    }

    /// Whether no key can be within them.
    pub fn is_empty(&self) -> bool {
        self.to
            .is_some_and(|to| self.from.unwrap_or_default() >= to)
    }
}

/// How an engine has fared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EngineStats {
    /// Live keys, where the engine knows them without a scan.
    pub keys: Option<u64>,
    /// Bytes of keys and values given to it by writes.
    pub user_bytes: u64,
    /// Bytes it wrote to its files for them.
    pub written_bytes: u64,
    /// Bytes its files hold.
    pub stored_bytes: u64,
    /// Bytes it read from its files to answer reads.
    pub read_bytes: u64,
    /// Files.
    pub files: u64,
}

/// What opening an engine found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Records read back.
    pub records: u64,
    /// Bytes cut off the end of the log: a write that a crash had torn.
    pub torn_bytes: u64,
    /// Bytes of damaged records that a salvage left out.
    pub corrupt_bytes: u64,
}

/// Why an engine can't do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// The disk refused.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// A file holds what this engine never wrote there. Not a torn tail: refused, nothing changed.
    #[error("{file:?} is corrupt at byte {offset}: {what}")]
    Corrupt {
        /// The file.
        file: String,
        /// Where in it.
        offset: u64,
        /// What is wrong.
        what: String,
    },
    /// A file is of another format or version.
    #[error("{file:?} is {found}; this engine reads {expected}")]
    Format {
        /// The file.
        file: String,
        /// What it is.
        found: String,
        /// What it should be.
        expected: String,
    },
    /// The key is longer than [`KEY_BYTES_MAX`].
    #[error("a key of {0} bytes is longer than the most, {KEY_BYTES_MAX}")]
    KeyTooLong(usize),
    /// The value is longer than [`VALUE_BYTES_MAX`].
    #[error("a value of {0} bytes is longer than the most, {VALUE_BYTES_MAX}")]
    ValueTooLong(usize),
    /// The changes of one batch take more bytes than one record of the log may have.
    #[error("a batch of {0} bytes is longer than the most, {max}", max = frame::PAYLOAD_BYTES_MAX)]
    BatchTooLong(usize),
    /// No such snapshot; it was released, or never taken.
    #[error("there is no snapshot {number}", number = .0.0)]
    NoSnapshot(SnapshotId),
    /// An earlier sync failed: what is on the disk is unknown until the engine is opened again.
    #[error("an earlier sync failed; open the engine again")]
    Poisoned,
}

/// What every storage engine does. A write is visible at once and durable once a sync that began after it is done.
///
/// `disk` must be the same disk at every call. Errors leave the engine as it was, but for [`EngineError::Poisoned`].
pub trait Engine: Send + Sync {
    /// The value of `key` now, or as it was at a snapshot.
    fn get(
        &mut self,
        disk: &mut dyn Disk,
        key: &[u8],
        at: Option<SnapshotId>,
    ) -> Result<Option<Bytes>, EngineError>;

    /// Pushes to `out` at most `limit` rows within `bounds`, in the direction's order. Returns the key of the first
    /// row that was left out because of the limit: a forward scan goes on with it as `from`; a backward scan goes on
    /// with it as its inclusive upper end, that is with `to` set to this key followed by a zero byte.
    fn scan(
        &mut self,
        disk: &mut dyn Disk,
        at: Option<SnapshotId>,
        bounds: Bounds<'_>,
        direction: ScanDirection,
        limit: usize,
        out: &mut Vec<Row>,
    ) -> Result<Option<Bytes>, EngineError>;

    /// Makes all changes in their order, all or none of them after a crash. Returns the log's end after them.
    fn write(&mut self, disk: &mut dyn Disk, batch: &[Change]) -> Result<Lsn, EngineError>;

    /// Makes all writes so far durable, and waits for it.
    fn sync(&mut self, disk: &mut dyn Disk) -> Result<(), EngineError>;

    /// Begins to make all writes so far durable. `None`: they are already, or never will be (an engine in memory).
    fn sync_later(&mut self, disk: &mut dyn Disk) -> Result<Option<SyncTicket>, EngineError>;

    /// A sync that [`Engine::sync_later`] began is done. Returns how far the log is now known to be durable; a ticket
    /// that is not the engine's changes nothing.
    fn on_synced(&mut self, ticket: SyncTicket) -> Lsn;

    /// A view of the content as it is now, until it is released.
    fn snapshot(&mut self) -> SnapshotId;

    /// Gives a snapshot back. An unknown one is no error.
    fn release(&mut self, snapshot: SnapshotId);

    /// How it has fared.
    fn stats(&self) -> EngineStats;

    /// Reads every byte it has and checks it against every invariant.
    fn verify(&mut self, disk: &mut dyn Disk) -> Result<(), EngineError>;

    /// A copy for a fork of the world.
    fn clone_box(&self) -> Box<dyn Engine>;

    /// Sets one key.
    fn put(&mut self, disk: &mut dyn Disk, key: Bytes, value: Bytes) -> Result<Lsn, EngineError> {
        self.write(disk, &[Change::Put(key, value)])
    }

    /// Removes one key.
    fn delete(&mut self, disk: &mut dyn Disk, key: Bytes) -> Result<Lsn, EngineError> {
        self.write(disk, &[Change::Delete(key)])
    }
}

impl Clone for Box<dyn Engine> {
    fn clone(&self) -> Self {
        self.clone_box()
    }
}

/// Checks every key and value of a batch against its bound, before anything is changed. Returns their bytes.
fn check_batch(batch: &[Change]) -> Result<u64, EngineError> {
    let mut user_bytes = 0;
    for change in batch {
        user_bytes += match change {
            Change::Put(key, value) => check_row(key, value.len())?,
            Change::Delete(key) => check_row(key, 0)?,
        };
    }
    Ok(user_bytes)
}

/// Checks a key and the length of its value. Returns their bytes.
fn check_row(key: &[u8], value_bytes: usize) -> Result<u64, EngineError> {
    if key.len() > KEY_BYTES_MAX {
        return Err(EngineError::KeyTooLong(key.len()));
    }
    if value_bytes > VALUE_BYTES_MAX {
        return Err(EngineError::ValueTooLong(value_bytes));
    }
    Ok((key.len() + value_bytes) as u64)
}
