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
//! payload of a frame is one batch of changes in the form that all engines with a log share:
//!
//! ```text
//!   put           1u8 · length of the key u32 · length of the value u32 · key · value     (numbers little-endian)
//!   delete        0u8 · length of the key u32 · key
//!   delete range  2u8 · length of from u32 · length of to u32 · from · to                 from ≤ keys < to
//!   delete from   3u8 · length of from u32 · from                                         from ≤ keys
//! ```
//!
//! A batch is whole after a crash or gone, and within it the later change wins.
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
//! | ship what came after a position | what is shipped, twice | the slice |
//! | space | every version ever written: there is no compaction | |
//!
//! Reads go back in chunks that double from 4 KiB to 64 KiB, and check every frame they pass.
//!
//! # Invariants
//!
//! - Bytes of the log never change once appended; so a snapshot is a length, costs nothing, and holds back nothing.
//! - A position ([`Lsn`]) is a number of batches. An engine that applied another's log has the same positions, though its
//!   file may have other bytes: how often it was synced shows in it.
//! - `write` returns only after the whole frame is in the file; it is durable once a sync that began later is done.
//!
//! What real systems do and this does not: start a new segment at some size, merge old segments, and keep an index in
//! memory. The next engine of the book, the hash-indexed log, does all three.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use bytes::Bytes;
use seedbed_sim::{Disk, SyncTicket};

use super::batch::{self, ChangeView};
use super::frame::{FILE_HEADER_BYTES, FRAME_OVERHEAD_BYTES, FileKind, FrameLog};
use super::positions::Positions;
use super::shipping::Payloads;
use super::snapshots::Snapshots;
use super::{
    Bounds, Change, Durability, Engine, EngineError, EngineOptions, EngineStats, Inspection,
    LogFile, LogSlice, Lsn, Planted, Progress, Recovery, Row, ScanDirection, SnapshotId, Structure,
    check_batch, text,
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
    durability: Durability,
    planted: Planted,
    /// In batches.
    positions: Positions,
    /// Each snapshot is the length of the log when it was taken.
    snapshots: Snapshots<u64>,
    user_bytes: u64,
    answered_bytes: u64,
}

impl LogEngine {
    /// Opens the engine's file, or makes it, and recovers. All that was found is durable when this returns.
    pub fn open(
        disk: &mut dyn Disk,
        options: &EngineOptions,
    ) -> Result<(Self, Recovery), EngineError> {
        let name = format!("{}engine.log", options.file_prefix);
        let mut records = 0;
        let mut count = |_, payload: &[u8]| batch::check(payload).map(|changes| records += changes);
        let (log, found) = FrameLog::open(disk, &name, &FILE_KIND, options, &mut count)?;
        let engine = Self {
            log,
            durability: options.durability,
            planted: options.planted,
            positions: Positions::durable_to(Lsn(found.frames)),
            snapshots: Snapshots::default(),
            user_bytes: 0,
            answered_bytes: 0,
        };
        let recovery = Recovery {
            records,
            read_bytes: found.read_bytes,
            torn_bytes: found.torn_bytes,
            corrupt_bytes: found.corrupt_bytes,
        };
        Ok((engine, recovery))
    }

    fn end_at(&self, at: Option<SnapshotId>) -> Result<u64, EngineError> {
        match at {
            None => Ok(self.log.end()),
            Some(_) if self.planted == Planted::LogReadsPastSnapshots => Ok(self.log.end()),
            Some(id) => self.snapshots.get(id).copied(),
        }
    }

    /// One batch was appended.
    fn appended(&mut self, disk: &mut dyn Disk, user_bytes: u64) -> Result<Lsn, EngineError> {
        self.user_bytes += user_bytes;
        self.positions.advance(1);
        if self.durability == Durability::EachWrite {
            self.log.sync(disk)?;
            self.positions.synced();
        }
        Ok(self.positions.end())
    }

    /// The offset of the frame with the first batch after `from`, which must not be past the end: looked for from the
    /// end, since who asks has usually been told almost all.
    fn offset_of(&mut self, disk: &mut dyn Disk, from: Lsn) -> Result<u64, EngineError> {
        let end = self.log.end();
        let mut newer = self.positions.end().0 - from.0;
        let mut found = end;
        self.log.walk_back(disk, end, |offset, _| {
            if newer == 0 {
                return ControlFlow::Break(());
            }
            newer -= 1;
            found = offset;
            ControlFlow::Continue(())
        })?;
        Ok(found)
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
        let newest =
            self.log
                .walk_back(disk, end, |offset, payload| match newest_of(payload, key) {
                    Ok(None) => ControlFlow::Continue(()),
                    Ok(Some(newest)) => ControlFlow::Break(Ok(newest.map(Bytes::copy_from_slice))),
                    Err(what) => ControlFlow::Break(Err((offset, what))),
                })?;
        match newest {
            None => Ok(None),
            Some(Ok(value)) => {
                let bytes = value.as_ref().map_or(0, |value| key.len() + value.len());
                self.answered_bytes += bytes as u64;
                Ok(value)
            }
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
            match apply(payload, bounds, &mut live) {
                Ok(()) => ControlFlow::Continue(()),
                Err(what) => ControlFlow::Break(Some((offset, what))),
            }
        })?;
        if let Some(Some((offset, what))) = bad {
            return Err(self.log.corrupt(offset, &what));
        }
        let before = out.len();
        let rows = live.into_iter().map(|(key, value)| Row { key, value });
        let resume = match direction {
            ScanDirection::Forward => take_rows(rows, limit, out),
            ScanDirection::Backward => take_rows(rows.rev(), limit, out),
        };
        self.answered_bytes += bytes_of(&out[before..]);
        Ok(resume)
    }

    fn write(&mut self, disk: &mut dyn Disk, batch: &[Change]) -> Result<Lsn, EngineError> {
        let user_bytes = check_batch(batch)?;
        if batch.is_empty() {
            return Ok(self.positions.end());
        }
        if self.planted == Planted::LogSplitsBatches {
            for change in batch {
                let change = std::slice::from_ref(change);
                self.log
                    .append_with(disk, |out| batch::encode(change, out))?;
                self.positions.advance(1);
            }
            return Ok(self.positions.end());
        }
        self.log
            .append_with(disk, |out| batch::encode(batch, out))?;
        self.appended(disk, user_bytes)
    }

    fn sync(&mut self, disk: &mut dyn Disk) -> Result<(), EngineError> {
        if self.durability != Durability::Never {
            self.log.sync(disk)?;
            self.positions.synced();
        }
        Ok(())
    }

    fn sync_later(&mut self, disk: &mut dyn Disk) -> Result<Option<SyncTicket>, EngineError> {
        if self.durability == Durability::Never {
            return Ok(None);
        }
        let ticket = self.log.sync_later(disk)?;
        if let Some(ticket) = ticket {
            self.positions.sync_begun(ticket);
        }
        Ok(ticket)
    }

    fn on_synced(&mut self, ticket: SyncTicket) -> Lsn {
        self.log.on_synced(ticket);
        self.positions.on_synced(ticket);
        if self.planted == Planted::AcknowledgesTooMuch {
            self.positions.synced();
        }
        self.positions.durable()
    }

    fn snapshot(&mut self) -> SnapshotId {
        self.snapshots.take(self.log.end())
    }

    fn release(&mut self, snapshot: SnapshotId) {
        self.snapshots.release(snapshot);
    }

    /// There is no work but what is asked for: nothing is ever dropped.
    fn maintain(&mut self, _: &mut dyn Disk, _: u64) -> Result<Progress, EngineError> {
        Ok(Progress::IDLE)
    }

    fn log_since(
        &mut self,
        disk: &mut dyn Disk,
        from: Lsn,
        max_bytes: usize,
    ) -> Result<LogSlice, EngineError> {
        self.positions.check_from(from, Lsn(0))?;
        let offset = self.offset_of(disk, from)?;
        let mut payloads = Payloads::default();
        let mut to = from;
        self.log.walk(disk, offset, |_, payload| {
            if !payloads.has_room_for(payload.len(), max_bytes) {
                return ControlFlow::Break(());
            }
            payloads.push(payload);
            to.0 += 1;
            ControlFlow::Continue(())
        })?;
        Ok(LogSlice::new(&FILE_KIND, from, to, payloads.into_bytes()))
    }

    fn apply_log(&mut self, disk: &mut dyn Disk, slice: &LogSlice) -> Result<Lsn, EngineError> {
        let end = self.positions.end();
        slice.check(&FILE_KIND, end)?;
        let known = match self.planted {
            Planted::LogAppliesTwice => 0,
            _ => end.0 - slice.from.0,
        };
        for payload in Payloads::iter(&slice.bytes).skip(known as usize) {
            let payload = payload?;
            let user_bytes = user_bytes(payload).map_err(|_| EngineError::LogDamaged)?;
            self.log.append(disk, payload)?;
            self.appended(disk, user_bytes)?;
        }
        Ok(self.positions.end())
    }

    /// The number of keys is not known without a scan.
    fn stats(&self) -> EngineStats {
        EngineStats {
            durability: self.durability,
            written: self.positions.end(),
            durable: self.positions.durable(),
            keys: None,
            live_bytes: None,
            user_bytes: self.user_bytes,
            written_bytes: self.log.written_bytes(),
            stored_bytes: self.log.end(),
            read_bytes: self.log.read_bytes(),
            answered_bytes: self.answered_bytes,
            files: 1,
            memory_bytes: 0,
        }
    }

    fn inspect(&self) -> Inspection {
        Inspection {
            engine: "log",
            stats: self.stats(),
            structure: Structure::Log(LogFile {
                file: self.log.name().to_owned(),
                bytes: self.log.end(),
                durable_bytes: self.log.durable(),
                batches: self.positions.end().0,
                snapshots: self.snapshots.contents().copied().collect(),
            }),
        }
    }

    fn verify(&mut self, disk: &mut dyn Disk) -> Result<(), EngineError> {
        let mut batches = 0;
        self.log.verify(disk, &FILE_KIND, &mut |_, payload| {
            batches += 1;
            batch::check(payload).map(|_| ())
        })?;
        let end = self.positions.end();
        assert_eq!(Lsn(batches), end, "batches in the file and batches counted");
        Ok(())
    }

    fn dump(&mut self, disk: &mut dyn Disk, line: &mut dyn FnMut(&str)) -> Result<(), EngineError> {
        line(&format!("{}: {}", self.log.name(), FILE_KIND.name));
        let bad = self.log.walk(disk, FILE_HEADER_BYTES, |offset, payload| {
            let bytes = payload.len() + FRAME_OVERHEAD_BYTES;
            line(&format!("{offset}: a frame of {bytes} bytes"));
            match dump_batch(payload, line) {
                Ok(()) => ControlFlow::Continue(()),
                Err(what) => ControlFlow::Break((offset, what)),
            }
        })?;
        match bad {
            None => Ok(()),
            Some((offset, what)) => Err(self.log.corrupt(offset, &what)),
        }
    }

    fn clone_box(&self) -> Box<dyn Engine> {
        Box::new(self.clone())
    }
}

/// What the last change that says anything about `key` leaves of it, if there is one: its value, or `None` for a delete.
fn newest_of<'a>(payload: &'a [u8], key: &[u8]) -> Result<Option<Option<&'a [u8]>>, String> {
    let mut newest = None;
    for change in batch::changes(payload) {
        newest = change?.leaves(key).or(newest);
    }
    Ok(newest)
}

/// Makes the changes whose keys are within `bounds` in `rows`.
fn apply(
    payload: &[u8],
    bounds: Bounds<'_>,
    rows: &mut BTreeMap<Bytes, Bytes>,
) -> Result<(), String> {
    for change in batch::changes(payload) {
        match change? {
            ChangeView::Put(key, value) if bounds.contains(key) => {
                rows.insert(Bytes::copy_from_slice(key), Bytes::copy_from_slice(value));
            }
            ChangeView::Put(..) => {}
            ChangeView::Delete(key) => {
                rows.remove(key);
            }
            ChangeView::DeleteRange(from, to) => {
                let deleted = Bounds {
                    from: Some(from),
                    to,
                };
                rows.retain(|key, _| !deleted.contains(key));
            }
        }
    }
    Ok(())
}

/// Bytes of keys and values in a payload.
fn user_bytes(payload: &[u8]) -> Result<u64, String> {
    let mut bytes = 0;
    for change in batch::changes(payload) {
        bytes += match change? {
            ChangeView::Put(key, value) => key.len() + value.len(),
            ChangeView::Delete(key) => key.len(),
            ChangeView::DeleteRange(from, to) => from.len() + to.map_or(0, <[u8]>::len),
        };
    }
    Ok(bytes as u64)
}

fn dump_batch(payload: &[u8], line: &mut dyn FnMut(&str)) -> Result<(), String> {
    for change in batch::changes(payload) {
        line(&match change? {
            ChangeView::Put(key, value) => format!("  put {} = {}", text(key), text(value)),
            ChangeView::Delete(key) => format!("  delete {}", text(key)),
            ChangeView::DeleteRange(from, Some(to)) => {
                format!("  delete from {} to {}", text(from), text(to))
            }
            ChangeView::DeleteRange(from, None) => format!("  delete from {}", text(from)),
        });
    }
    Ok(())
}

fn bytes_of(rows: &[Row]) -> u64 {
    let bytes = rows.iter().map(|row| row.key.len() + row.value.len());
    bytes.sum::<usize>() as u64
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
