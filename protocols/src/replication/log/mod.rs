//! The replicated log: one order of all changes, kept on the disk of every replica.
//!
//! An entry is a change, the client call it came from, and its place. The log is the truth: an engine is only what the
//! log's changes add up to, and can be made again from it. A replica stands at three positions, each at most the one
//! before it:
//!
//! ```text
//!      1   2   3   4   5   6   7   8   9
//!    ┌───┬───┬───┬───┬───┬───┬───┬───┬───┐
//!    │   │   │   │   │   │   │   │   │   │
//!    └───┴───┴───┴───┴───┴───┴───┴───┴───┘
//!              ▲           ▲           ▲
//!           applied     durable     written        applied is kept by the engine: see `state`
//! ```
//!
//! # The bytes
//!
//! One file, [`FILE_NAME`], framed as [`frame`](crate::storage::frame) says, with the magic `seedrepl` and version 1. The
//! payload of a frame is one or more entries: what a leader takes in singly, its followers write in batches as they come,
//! so the files of two replicas differ where their logs do not. Numbers are little-endian:
//!
//! ```text
//!   0..8    u64   index                      32..33   u8    1: put, 0: delete
//!   8..16   u64   epoch                      33..37   u32   length of the key
//!   16..20  u32   the client's node          37..41   u32   length of the value (put only)
//!   20..24  u32   its session                then     key · value
//!   24..32  u64   its call in the session
//! ```
//!
//! # Memory
//!
//! The latest entries stay in memory, in batches that messages share; how many is bounded ([`RECENT`]). Older ones are
//! read back from the file, by a sparse index of one mark for every [`MARK_EVERY_BYTES`]. So a follower that is far behind
//! costs the leader reads, and no memory.
//!
//! # Invariants
//!
//! - Places are consecutive from 1, in the file too; opening refuses a file in which they are not.
//! - One sync is under way at most. What is appended meanwhile goes with the next one (*group commit*).
//! - An entry is durable here only once a sync that began after it was written is done.
//!
//! What real systems do and this does not: cut the log into segments and drop old ones once every follower has them,
//! compress entries, write the log of the engine and that of replication as one (PostgreSQL's WAL).

mod codec;
mod entry;
mod recent;
#[cfg(test)]
mod tests;

use std::ops::ControlFlow;
use std::sync::Arc;

use seedbed_sim::{Disk, SyncTicket};

pub use entry::{Call, Entries, Entry, Epoch, Limit, LogIndex, Origin, Proposal};
use recent::Recent;

use crate::storage::EngineError;
use crate::storage::frame::{FILE_HEADER_BYTES, FileKind, FrameLog, OnCorruption, RecoveredLog};

/// The log's file on a replica's disk.
pub const FILE_NAME: &str = "replicated.log";

/// What the header of the log's file says.
pub const FILE_KIND: FileKind = FileKind {
    magic: *b"seedrepl",
    version: 1,
    name: "a replicated log",
};

/// How much is kept in memory at the most, besides what is not applied yet. It is little, since entries are shipped as
/// they become durable: only a follower that comes back is sent older ones. (In a simulation with many replicas it is
/// also what keeps their logs in the processor's cache.)
pub const RECENT: Limit = Limit {
    entries: 256,
    bytes: 1 << 20,
};

/// How many bytes of the file lie between two marks of the sparse index, at least.
pub const MARK_EVERY_BYTES: u64 = 16 * 1024;

/// The replicated log of one replica. See the [module](self).
///
/// The disk is an argument of every call that needs it, and must be the same each time.
#[derive(Clone, Debug)]
pub struct ReplicatedLog {
    frames: FrameLog,
    written: LogIndex,
    durable: LogIndex,
    last_epoch: Epoch,
    marks: Vec<Mark>,
    recent: Recent,
    syncing: Option<Syncing>,
}

/// The frame at `offset` begins with the entry `first`.
#[derive(Clone, Copy, Debug)]
struct Mark {
    first: LogIndex,
    offset: u64,
}

/// A sync that is under way.
#[derive(Clone, Copy, Debug)]
struct Syncing {
    ticket: SyncTicket,
    covers: LogIndex,
}

impl ReplicatedLog {
    /// Opens the log's file, or makes it, and checks every entry in it. A torn tail is cut off and reported; damage
    /// before it is refused. All that was found is durable when this returns.
    pub fn open(disk: &mut dyn Disk) -> Result<(Self, RecoveredLog), EngineError> {
        let mut marks = Vec::new();
        let (mut written, mut last_epoch) = (LogIndex::ZERO, Epoch::default());
        let mut check = |offset, payload: &[u8]| {
            note_mark(&mut marks, written.next(), offset);
            let mut rest = payload;
            while let Some(entry) = codec::next(&mut rest)? {
                if entry.index != written.next() {
                    return Err(format!("entry {} follows entry {written}", entry.index));
                }
                if entry.epoch < last_epoch {
                    return Err(format!("epoch {} follows epoch {last_epoch}", entry.epoch));
                }
                (written, last_epoch) = (entry.index, entry.epoch);
            }
            Ok(())
        };
        let (frames, found) = FrameLog::open(
            disk,
            FILE_NAME,
            &FILE_KIND,
            OnCorruption::Refuse,
            &mut check,
        )?;
        let log = Self {
            frames,
            written,
            durable: written,
            last_epoch,
            marks,
            recent: Recent::after(written),
            syncing: None,
        };
        Ok((log, found))
    }

    /// The last entry in the file.
    #[inline]
    pub fn written(&self) -> LogIndex {
        self.written
    }

    /// The last entry that is known to be durable.
    #[inline]
    pub fn durable(&self) -> LogIndex {
        self.durable
    }

    /// The epoch of the last entry.
    pub fn last_epoch(&self) -> Epoch {
        self.last_epoch
    }

    /// Appends one entry at the end, and returns its place.
    pub fn append(
        &mut self,
        disk: &mut dyn Disk,
        epoch: Epoch,
        proposal: Arc<Proposal>,
    ) -> Result<LogIndex, EngineError> {
        let entry = Entry {
            index: self.written.next(),
            epoch,
            proposal,
        };
        self.write_frame(disk, std::slice::from_ref(&entry))?;
        let index = entry.index;
        self.recent.push(entry);
        Ok(index)
    }

    /// Appends entries that were shipped, in one frame.
    ///
    /// # Panics
    /// When they do not follow the last one.
    pub fn append_all(&mut self, disk: &mut dyn Disk, entries: Entries) -> Result<(), EngineError> {
        assert_eq!(
            entries.first(),
            self.written.next(),
            "entries are appended where the log ends"
        );
        self.write_frame(disk, entries.as_slice())?;
        self.recent.push_all(entries);
        Ok(())
    }

    fn write_frame(&mut self, disk: &mut dyn Disk, entries: &[Entry]) -> Result<(), EngineError> {
        let first = self.written.next();
        let offset = self.frames.append_with(disk, |out| {
            for entry in entries {
                codec::encode(entry, out);
            }
        })?;
        note_mark(&mut self.marks, first, offset);
        let last = &entries[entries.len() - 1];
        (self.written, self.last_epoch) = (last.index, last.epoch);
        Ok(())
    }

    /// Begins to make what is written durable, unless it is, or a sync is under way.
    pub fn begin_sync(&mut self, disk: &mut dyn Disk) -> Result<(), EngineError> {
        if self.syncing.is_some() || self.durable == self.written {
            return Ok(());
        }
        let covers = self.written;
        match self.frames.sync_later(disk)? {
            Some(ticket) => self.syncing = Some(Syncing { ticket, covers }),
            None => self.is_durable(covers),
        }
        Ok(())
    }

    /// A sync is done. `true` when it was the log's, and [`durable`](Self::durable) has moved.
    pub fn on_synced(&mut self, ticket: SyncTicket) -> bool {
        let Some(done) = self.syncing.filter(|syncing| syncing.ticket == ticket) else {
            return false;
        };
        self.syncing = None;
        self.frames.on_synced(ticket);
        self.is_durable(done.covers);
        true
    }

    fn is_durable(&mut self, to: LogIndex) {
        self.durable = to;
        self.recent.seal(to);
    }

    /// The entries after `after` and up to `to`, which must be in memory: whatever is not applied is.
    ///
    /// # Panics
    /// When they are not.
    pub fn recent(&self, after: LogIndex, to: LogIndex) -> impl Iterator<Item = &Entry> {
        self.recent.range(after, to)
    }

    /// Lets go of what is in memory beyond its bound, as far as it is applied.
    #[inline]
    pub fn forget_applied(&mut self, applied: LogIndex) {
        self.recent.shrink(RECENT, applied.min(self.durable));
    }

    /// Durable entries from `first` on, as far as `limit` allows, and at least one: from memory, or from the file.
    ///
    /// # Panics
    /// When the entry `first` is not durable, or is none.
    pub fn read(
        &mut self,
        disk: &mut dyn Disk,
        first: LogIndex,
        limit: Limit,
    ) -> Result<Entries, EngineError> {
        assert!(
            (LogIndex(1)..=self.durable).contains(&first),
            "entry {first} is read from a log that is durable to {}",
            self.durable
        );
        let limit = Limit {
            entries: limit.entries.min(self.durable.next().since(first)),
            ..limit
        };
        if let Some(entries) = self.recent.read(first, limit) {
            return Ok(entries);
        }
        let mut found: Vec<Entry> = Vec::new();
        let mut size_bytes = 0;
        self.walk(disk, first, |entry| {
            let with = size_bytes + u64::from(entry.size_bytes());
            let fits = (found.len() as u64) < limit.entries && with <= limit.bytes;
            if !found.is_empty() && !fits {
                return ControlFlow::Break(());
            }
            size_bytes = with;
            found.push(entry);
            ControlFlow::Continue(())
        })?;
        assert!(!found.is_empty(), "entry {first} is durable, and gone");
        Ok(Entries::new(found.into()))
    }

    /// That the log has no entry `index`, though it should.
    pub fn lacks(&self, index: LogIndex) -> EngineError {
        let what = format!(
            "the log ends with entry {}, and entry {index} was applied",
            self.durable
        );
        self.frames.corrupt(self.frames.end(), &what)
    }

    /// Reads the file from the entry `first` to its end, until `on_entry` breaks.
    pub fn walk(
        &mut self,
        disk: &mut dyn Disk,
        first: LogIndex,
        mut on_entry: impl FnMut(Entry) -> ControlFlow<()>,
    ) -> Result<(), EngineError> {
        let mark = self.marks.partition_point(|mark| mark.first <= first);
        let from = match mark.checked_sub(1) {
            Some(mark) => self.marks[mark].offset,
            None => FILE_HEADER_BYTES,
        };
        let bad = self.frames.walk(disk, from, |offset, payload| {
            let mut rest = payload;
            loop {
                match codec::next(&mut rest) {
                    Ok(None) => return ControlFlow::Continue(()),
                    Ok(Some(entry)) if entry.index < first => {}
                    Ok(Some(entry)) => {
                        if on_entry(entry.to_entry()).is_break() {
                            return ControlFlow::Break(None);
                        }
                    }
                    Err(what) => return ControlFlow::Break(Some((offset, what))),
                }
            }
        })?;
        match bad.flatten() {
            None => Ok(()),
            Some((offset, what)) => Err(self.frames.corrupt(offset, &what)),
        }
    }
}

/// Remembers where the entry `first` stands, if the last mark is far enough away.
fn note_mark(marks: &mut Vec<Mark>, first: LogIndex, offset: u64) {
    let is_due = marks
        .last()
        .is_none_or(|last| offset - last.offset >= MARK_EVERY_BYTES);
    if is_due {
        marks.push(Mark { first, offset });
    }
}
