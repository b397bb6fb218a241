//! Storage engines: how one node keeps keys and values on its disk.
//!
//! Every engine meets one contract, [`Engine`]; any engine runs under any protocol, on a simulated disk or on a real
//! directory, with the same bytes. Calls take the disk as an argument, since a process is lent its disk for the
//! length of a handler only.
//!
//! ```text
//!   memory   an ordered map, cheap to copy; nothing survives        what the others are measured against
//!   log      append, and scan back from the end                     the simplest thing that survives a crash
//!   hash     append, and keep in memory where each key is           one read for a get; all keys in memory
//!   lsm      memtables, sorted tables, compaction                   writes as cheap as a log's, and reads too
//!   btree    pages changed in place, and a log that mends them      reads are quick, small writes cost pages later
//!   cow      pages copied, and a root that moves                    no recovery, free snapshots, whole pages at each sync
//! ```
//!
//! Files of engines and of replicated logs are framed alike: [`frame`] says how, and how recovery tells a write that a
//! crash tore from damage to what was promised. A new engine is a folder with its chapter and one line in the
//! [`CATALOG`]; it must pass the shared golden scripts, the model test and the crash tests (`tests/src/engines`) before its
//! own.

mod batch;
pub mod btree;
mod catalog;
pub mod cow;
pub mod frame;
pub mod hash;
mod inspection;
mod keyed;
pub mod log;
pub mod lsm;
pub mod memory;
pub mod pages;
mod planted;
mod positions;
mod shipping;
mod snapshots;
mod stats;
#[cfg(test)]
mod tests;

pub use btree::BTreeOptions;
pub use catalog::{
    CATALOG, Durability, EngineEntry, EngineKind, EngineOptions, Opened, open_engine,
};
pub use cow::CowOptions;
pub use hash::HashOptions;
pub use inspection::{
    Inspection, LogFile, LogShape, PageKind, PageShape, PoolShape, SegmentView, Structure,
    TreeShape,
};
pub use planted::Planted;
pub use shipping::LogSlice;
pub use stats::EngineStats;

use bytes::Bytes;
use seedbed_sim::{Disk, DiskError, SyncTicket};

/// The longest key, in bytes. The empty key is legal.
pub const KEY_BYTES_MAX: usize = 64 * 1024;
/// The longest value, in bytes. The empty value is legal.
pub const VALUE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A position in an engine's log: how much of it comes before. Zero is the beginning. What is counted (batches, bytes)
/// is the engine's to say; positions of two engines can be compared when one was made from the other's log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lsn(pub u64);

impl Change {
    /// Whether what `key` held before is gone after it.
    pub fn touches(&self, key: &[u8]) -> bool {
        match self {
            Self::Put(put, _) => put == key,
            Self::Delete(deleted) => deleted == key,
            Self::DeleteRange { from, to } => range_bounds(from, to.as_ref()).contains(key),
        }
    }
}

/// The bounds of a range that is deleted.
fn range_bounds<'a>(from: &'a [u8], to: Option<&'a Bytes>) -> Bounds<'a> {
    Bounds {
        from: Some(from),
        to: to.map(|to| &to[..]),
    }
}

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
    /// Remove every key within bounds, however many there are; an empty range is fine.
    DeleteRange {
        /// The smallest key, inclusive; the empty key is the first.
        from: Bytes,
        /// The largest key, exclusive; `None`: past the last.
        to: Option<Bytes>,
    },
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

/// How far a slice of background work got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes that were read and written.
    pub bytes: u64,
    /// Whether there is nothing left to do, until more is written.
    pub is_idle: bool,
}

impl Progress {
    /// Nothing was to be done.
    pub const IDLE: Self = Self {
        bytes: 0,
        is_idle: true,
    };
}

/// What opening an engine found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Records read back.
    pub records: u64,
    /// Bytes read for it.
    pub read_bytes: u64,
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
    /// The engine keeps no log that could be shipped.
    #[error("this engine keeps no log; it can't ship or take one")]
    NoLog,
    /// The log's beginning is gone: background work has dropped it. A copy must begin with a snapshot.
    #[error("the log begins at {}; what came after {} is gone", oldest.0, from.0)]
    LogGone {
        /// What was asked for.
        from: Lsn,
        /// Where the log begins now.
        oldest: Lsn,
    },
    /// The slice begins past the end of the log it should be appended to.
    #[error("the log ends at {}; a slice from {} leaves a gap", end.0, from.0)]
    LogGap {
        /// Where the log ends.
        end: Lsn,
        /// Where the slice begins.
        from: Lsn,
    },
    /// The slice is of another engine or of another version.
    #[error("the slice is {found}; this engine takes {expected}")]
    LogForeign {
        /// What it is.
        found: String,
        /// What it should be.
        expected: String,
    },
    /// The slice is not what was shipped.
    #[error("the slice of the log fails its checksum or is not well formed")]
    LogDamaged,
    /// A bulk load needs something that it was not given.
    #[error("a bulk load needs {0}")]
    BulkLoad(&'static str),
    /// No such snapshot; it was released, or never taken.
    #[error("there is no snapshot {number}", number = .0.0)]
    NoSnapshot(SnapshotId),
    /// An earlier sync failed: what is on the disk is unknown until the engine is opened again.
    #[error("an earlier sync failed; open the engine again")]
    Poisoned,
}

impl EngineError {
    /// Whether it is unknown from now on what the disk holds, so that the engine must be opened again.
    fn poisons(&self) -> bool {
        matches!(self, Self::Disk(DiskError::Sync { .. }) | Self::Poisoned)
    }
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

    /// Does a slice of the background work that is due (merging, compaction, checkpoints): one step at least if there is
    /// any, and no further step once about `budget_bytes` were read and written. The caller schedules it: by a timer in
    /// a simulation, in its own loop on a real machine. What is read through it before, during and after is the same. An
    /// error leaves the work undone and the content as it was.
    fn maintain(&mut self, disk: &mut dyn Disk, budget_bytes: u64)
    -> Result<Progress, EngineError>;

    /// Does all the background work that there can be, due or not, so that reads have the shortest way and nothing takes
    /// space that need not: for who can wait for it. Returns how many bytes were read and written.
    ///
    /// # Errors
    /// As [`Engine::maintain`].
    fn compact(&mut self, disk: &mut dyn Disk) -> Result<u64, EngineError> {
        let mut bytes = 0;
        loop {
            let progress = self.maintain(disk, u64::MAX)?;
            bytes += progress.bytes;
            if progress.is_idle {
                return Ok(bytes);
            }
        }
    }

    /// The log from `from` on, for [`Engine::apply_log`] elsewhere: whole batches, at least one if there is one, and no
    /// more once they take `max_bytes`. What is shipped may not be durable here yet: compare with [`EngineStats`]'s
    /// `durable`. Log shipping needs a log: an engine without one refuses.
    ///
    /// # Errors
    /// [`EngineError::NoLog`]; [`EngineError::LogGone`] when background work has dropped that part;
    /// [`EngineError::LogGap`] when `from` is past the end.
    fn log_since(
        &mut self,
        disk: &mut dyn Disk,
        from: Lsn,
        max_bytes: usize,
    ) -> Result<LogSlice, EngineError> {
        let _ = (disk, from, max_bytes);
        Err(EngineError::NoLog)
    }

    /// Makes the writes of a slice that are new here, in their order, each batch whole; what was applied before is passed
    /// over, so a slice may come twice. Returns the log's end. An engine whose own clients write too has a log of its
    /// own, and must not be given another's.
    ///
    /// # Errors
    /// [`EngineError::NoLog`], [`EngineError::LogForeign`], [`EngineError::LogGap`], [`EngineError::LogDamaged`].
    fn apply_log(&mut self, disk: &mut dyn Disk, slice: &LogSlice) -> Result<Lsn, EngineError> {
        let _ = (disk, slice);
        Err(EngineError::NoLog)
    }

    /// How it has fared.
    fn stats(&self) -> EngineStats;

    /// Its insides, for people.
    fn inspect(&self) -> Inspection;

    /// Reads every byte it has and checks it against every invariant.
    fn verify(&mut self, disk: &mut dyn Disk) -> Result<(), EngineError>;

    /// Its files as text for people, line by line, with what is in each place.
    fn dump(&mut self, disk: &mut dyn Disk, line: &mut dyn FnMut(&str)) -> Result<(), EngineError>;

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
            Change::DeleteRange { from, to } => {
                check_row(from, 0)? + to.as_ref().map_or(Ok(0), |to| check_row(to, 0))?
            }
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

/// Keys and values for people: what is not printable is escaped, and long ones are cut short with their length.
fn text(bytes: &[u8]) -> String {
    const SHOWN_BYTES_MAX: usize = 64;
    match bytes.get(..SHOWN_BYTES_MAX) {
        Some(head) if bytes.len() > SHOWN_BYTES_MAX => {
            format!("\"{}…\" ({} bytes)", head.escape_ascii(), bytes.len())
        }
        _ => format!("\"{}\"", bytes.escape_ascii()),
    }
}
