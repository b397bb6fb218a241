//! The append-only log: a database of two functions.
//!
//! *Designing Data-Intensive Applications*, chapter 3, begins with the simplest database there is: `db_set` appends a
//! line to a file, and `db_get` looks for the last line with the key. This is that database, correct under crash. Its
//! writes are as fast as a disk can be, because nothing is faster than appending. Its reads are as slow as can be,
//! because there is no index: `get` reads the log backwards until it meets the key, and for an absent key it reads it
//! all. Every index that a later engine keeps is a trade against this baseline.
//!
//! ```text
//!   put a 1   put b 7   delete a   put c 4   put b 8
//!  ├─────────┼─────────┼──────────┼─────────┼─────────┤ end
//!                           ◄──────────────────────── get a: the newest record is a delete, so a is absent
//!                                            ◄─────── get b: 8, after one frame
//!                      ▲ a snapshot is a length: get b at it reads back from here, and finds 7
//! ```
//!
//! # The bytes
//!
//! One file, `PREFIXengine.log`, framed as [`frame`](super::frame) says, with the magic `seedblog` and version 1. The
//! payload of a frame is one batch of changes, which is therefore whole after a crash or gone. A change is
//!
//! ```text
//!   put     1u8 · length of the key u32 · length of the value u32 · key · value       (numbers little-endian)
//!   delete  0u8 · length of the key u32 · key
//! ```
//!
//! and within a batch the later change wins.
//!
//! # What it costs
//!
//! For n keys of one record each, in a log of B bytes:
//!
//! | operation | disk | memory |
//! |---|---|---|
//! | write | one append | the batch |
//! | get | on average half the log for a present key, all of it for an absent one | 64 KiB, or the longest frame |
//! | scan | all of it, whatever the limit; each page of a scan in pages again | every live row within the bounds |
//! | open | all of it | 64 KiB, or the longest frame |
//! | space | every version ever written: there is no compaction | |
//!
//! Reads go back in chunks that double from 4 KiB to 64 KiB, and check every frame they pass.
//!
//! # Invariants
//!
//! - Bytes of the log never change once appended; so a snapshot is a length, costs nothing, and holds back nothing.
//! - `write` returns only after the whole frame is in the file; it is durable once a sync that began later is done.
//!
//! What real systems do and this does not: start a new segment at some size, merge old segments, and keep an index in
//! memory. The next engine of the book, the hash-indexed log, does all three.

mod record;

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use bytes::Bytes;
use seedbed_sim::{Disk, SyncTicket};

use super::frame::{FILE_HEADER_BYTES, FileKind, FrameLog};
use super::snapshots::Snapshots;
use super::{
    Bounds, Change, Engine, EngineError, EngineOptions, EngineStats, Lsn, Recovery, Row,
    ScanDirection, SnapshotId, check_batch,
};

/// What the header of the engine's file says.
pub const FILE_KIND: FileKind = FileKind {
    magic: *b"seedblog",
    version: 1,
    name: "an append-only log",
};

/// The append-only log engine. See the [module](self).
#[derive(Clone, Debug)]
pub struct LogEngine {
    log: FrameLog,
    /// Each snapshot is the length of the log when it was taken.
    snapshots: Snapshots<u64>,
    user_bytes: u64,
}

impl LogEngine {
    /// Opens the engine's file, or makes it, and recovers. All that was found is durable when this returns.
    pub fn open(
        disk: &mut dyn Disk,
        options: &EngineOptions,
    ) -> Result<(Self, Recovery), EngineError> {
        let name = format!("{}engine.log", options.file_prefix);
        let mut records = 0;
        let mut count =
            |_, payload: &[u8]| record::check(payload).map(|changes| records += changes);
        let (log, found) =
            FrameLog::open(disk, &name, &FILE_KIND, options.on_corruption, &mut count)?;
        let engine = Self {
            log,
            snapshots: Snapshots::default(),
            user_bytes: 0,
        };
        let recovery = Recovery {
            records,
            torn_bytes: found.torn_bytes,
            corrupt_bytes: found.corrupt_bytes,
        };
        Ok((engine, recovery))
    }

    fn end_at(&self, at: Option<SnapshotId>) -> Result<u64, EngineError> {
        match at {
            None => Ok(self.log.end()),
            Some(id) => self.snapshots.get(id).copied(),
        }
    }
}

impl Engine for LogEngine {
    fn get(
        &mut self,
        disk: &mut dyn Disk,
        key: &[u8],
        at: Option<SnapshotId>,
    ) -> Result<Option<Bytes>, EngineError> {
        let end = self.end_at(at)?;
        let newest = self.log.walk_back(disk, end, |offset, payload| {
            match record::newest_of(payload, key) {
                Ok(None) => ControlFlow::Continue(()),
                Ok(Some(newest)) => ControlFlow::Break(Ok(newest.map(Bytes::copy_from_slice))),
                Err(what) => ControlFlow::Break(Err((offset, what))),
            }
        })?;
        match newest {
            None => Ok(None),
            Some(Ok(value)) => Ok(value),
            Some(Err((offset, what))) => Err(self.log.corrupt(offset, &what)),
        }
    }

    fn scan(
        &mut self,
        disk: &mut dyn Disk,
        at: Option<SnapshotId>,
        bounds: Bounds<'_>,
        direction: ScanDirection,
        limit: usize,
        out: &mut Vec<Row>,
    ) -> Result<Option<Bytes>, EngineError> {
        let end = self.end_at(at)?;
        let mut live = BTreeMap::new();
        let bad = self.log.walk(disk, FILE_HEADER_BYTES, |offset, payload| {
            if offset >= end {
                return ControlFlow::Break(None);
            }
            match record::apply(payload, bounds, &mut live) {
                Ok(()) => ControlFlow::Continue(()),
                Err(what) => ControlFlow::Break(Some((offset, what))),
            }
        })?;
        if let Some(Some((offset, what))) = bad {
            return Err(self.log.corrupt(offset, &what));
        }
        let rows = live.into_iter().map(|(key, value)| Row { key, value });
        Ok(match direction {
            ScanDirection::Forward => take_rows(rows, limit, out),
            ScanDirection::Backward => take_rows(rows.rev(), limit, out),
        })
    }

    fn write(&mut self, disk: &mut dyn Disk, batch: &[Change]) -> Result<Lsn, EngineError> {
        let user_bytes = check_batch(batch)?;
        if !batch.is_empty() {
            self.log
                .append_with(disk, |out| record::encode(batch, out))?;
            self.user_bytes += user_bytes;
        }
        Ok(Lsn(self.log.end()))
    }

    fn sync(&mut self, disk: &mut dyn Disk) -> Result<(), EngineError> {
        self.log.sync(disk)
    }

    fn sync_later(&mut self, disk: &mut dyn Disk) -> Result<Option<SyncTicket>, EngineError> {
        self.log.sync_later(disk)
    }

    fn on_synced(&mut self, ticket: SyncTicket) -> Lsn {
        Lsn(self.log.on_synced(ticket))
    }

    fn snapshot(&mut self) -> SnapshotId {
        self.snapshots.take(self.log.end())
    }

    fn release(&mut self, snapshot: SnapshotId) {
        self.snapshots.release(snapshot);
    }

    /// The number of keys is not known without a scan.
    fn stats(&self) -> EngineStats {
        EngineStats {
            keys: None,
            user_bytes: self.user_bytes,
            written_bytes: self.log.written_bytes(),
            stored_bytes: self.log.end(),
            read_bytes: self.log.read_bytes(),
            files: 1,
        }
    }

    fn verify(&mut self, disk: &mut dyn Disk) -> Result<(), EngineError> {
        self.log.verify(disk, &FILE_KIND, &mut |_, payload| {
            record::check(payload).map(|_| ())
        })
    }

    fn clone_box(&self) -> Box<dyn Engine> {
        Box::new(self.clone())
    }
}

/// Moves at most `limit` of `rows` to `out`; the key of the first that is left out.
fn take_rows(
    mut rows: impl Iterator<Item = Row>,
    limit: usize,
    out: &mut Vec<Row>,
) -> Option<Bytes> {
    out.extend(rows.by_ref().take(limit));
    rows.next().map(|row| row.key)
}
