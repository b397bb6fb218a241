//! The hash-indexed log: append to a file, and keep in memory where each key's newest record is.
//!
//! *Designing Data-Intensive Applications*, chapter 3, makes the append-only log usable with one idea: a hash map from
//! each key to the place of its newest record. Bitcask (Sheehy and Smith, *Bitcask: A Log-Structured Hash Table for Fast
//! Key/Value Data*, 2010) is that engine, the default one of Riak, and this is it too. A write is one append; a read is
//! one look into memory and one read of the disk, whatever the size of the store. What it costs: all keys must fit in
//! memory, and a scan in order of keys must sort them, since a hash map knows no order.
//!
//! ```text
//!   in memory: the key directory             on disk: segments, the oldest first; only the last is written
//!   ┌─────┬───────────────────────┐          ┌──────────────────┐┌─────────────────┐┌─────────────┐
//!   │ a   │ segment 1, at 61, 18  │──┐       │ frozen           ││ frozen          ││ active      │
//!   │ b   │ segment 3, at 61, 18  │─┐└─────► │ a=1 b=1 c=1      ││ b=2 -c          ││ b=3 …       │ ◄── put, delete
//!   └─────┴───────────────────────┘ │        └──────────────────┘└─────────────────┘└─────▲───────┘
//!                                   └─────────────────────────────────────────────────────┘
//! ```
//!
//! # Merging
//!
//! A record that the directory does not point to is dead. Background work ([`Engine::maintain`]) takes a run of frozen
//! segments with enough dead bytes, copies what lives into one new segment, and lets that take the place of the run:
//!
//! ```text
//!   1. copy live records, and tombstones that are still needed,     into  hash-00000001-00000002.seg.new
//!   2. sync the active segment                                      or a crash loses what made a record dead, and it lives
//!   3. sync the new segment, rename it, sync the directory          from here on the run is covered by it
//!   4. point the directory's entries to the copies                  unless a newer write has changed them meanwhile
//!   5. remove the run's files                                       whatever a crash leaves of them is removed at the start
//! ```
//!
//! Step 3 is one rename, so the merge is done or was never begun. *Step 2 is easily forgotten*: an overwritten value is
//! dead because of a newer record, and if the newer one is not durable when the older one is removed, a crash loses both.
//!
//! **A tombstone** says that a key was deleted, so that an older record of it in an older segment does not come back when
//! the directory is built again. It is dropped when no older segment is left outside the run (the run begins with the
//! oldest), or when its key has a newer value. Dropped earlier, deleted keys would be resurrected at the next start.
//!
//! Which run is taken is decided by a pure function of what segments hold (`policy`).
//!
//! # The bytes
//!
//! A segment `PREFIXhash-FIRST-LAST.seg` stands for the segments numbered FIRST to LAST (8 digits at least): one
//! number for one that was written, a range for one that was merged. Segments tile the numbers from 1; one whose range lies
//! within another's is what a crash has left of a merge. All files are framed as [`frame`](super::frame) says: segments with the magic
//! `seedhash`, hints with `seedhint`, both version 1. Numbers are little-endian. A frame's payload is one of
//!
//! ```text
//!   preamble   1u8 · written 0u8 or merged 1u8 · id u64 · from u64 · to u64     the first of each segment
//!   batch      2u8 · records                                                    whole after a crash, or gone
//!   footer     3u8 · to u64                                                     the last of each frozen segment
//!
//!   record     CRC u32 (of the rest) · tombstone 0u8 or put 1u8 · length of the key u32 · of the value u32 · key · value
//! ```
//!
//! `id` is a number that no other segment of the store has or had. `from` and `to` are positions ([`Lsn`]), which count
//! batches: a written segment holds all batches between them, a merged one what was left of them. (The preamble of a
//! written segment has its `from` in both places.) A record has a CRC of its own, besides its frame's, so that a read
//! needs the record alone and still knows that it is whole.
//!
//! A **hint** `PREFIXhash-FIRST-LAST.hint` has what the directory needs of a frozen segment, without the values, so that
//! starting reads keys only. Background work writes it. It is never needed: one that is damaged, or of another segment of that
//! name (by its id), is passed over and the segment read.
//!
//! ```text
//!   about      1u8 · id, length and `to` of the segment u64 each · number of entries u64       the first frame
//!   entries    2u8 · entries of: tombstone 0u8 or put 1u8 · offset u64 · bytes of the record u32 · key length u32 · key
//! ```
//!
//! # Recovery
//!
//! Starting reads the segments (or their hints) from the oldest to the newest; the newest record of a key wins. A segment
//! is synced with its footer before the next one gets its name, so only the last one can have a torn tail, which is cut
//! off. Anything else that is missing (a footer, a file, batches by their positions) is corruption and refused, with
//! nothing changed. A salvage reads what is whole of each file and merges that into one new segment; a deleted key whose tombstone was lost can
//! come back by it, and nobody could know.
//!
//! # What it costs
//!
//! | operation | disk | memory |
//! |---|---|---|
//! | write | one append; a new segment every [`HashOptions::segment_bytes`]: three syncs | the batch |
//! | get | one read of the record; none for an absent key | the record |
//! | scan | one read for each row | every entry within bounds, of which the page is selected and sorted: O(keys) for each page |
//! | delete range | a tombstone for each key it covers | those keys |
//! | open | every key, by hints; every byte of segments without one | 64 KiB, or the longest frame |
//! | snapshot | merged segments stay until it is released | the directory's pages that change while it is held |
//! | key directory | | about 30 bytes and the key for each key: [`EngineStats::memory_bytes`] |
//!
//! # Invariants
//!
//! - An entry of the directory points to a whole put record with its key, the newest one of it.
//! - Bytes of segments never change. A snapshot is therefore a copy of the directory, which shares its pages, and files
//!   that a merge has replaced are kept open as long as a snapshot taken before needs them.
//! - Every segment but the last is durable to its last byte.
//! - A crash leaves the writes up to some batch, never a later one without an earlier one.
//!
//! What real systems do and this does not: expire keys, merge at set hours, open a store for reading beside its writer.

mod directory;
mod hint;
mod merge;
mod open;
mod policy;
mod record;
mod segment;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::Bytes;
use seedbed_sim::{Disk, SyncTicket};

use self::directory::{Directory, Place};
use self::merge::Task;
use self::record::{Frame, Preamble, RECORD_HEADER_BYTES};
use self::segment::{FileName, Segment};
use super::batch;
use super::frame::{FILE_HEADER_BYTES, FRAME_HEADER_BYTES, FRAME_OVERHEAD_BYTES, FileKind};
use super::positions::Positions;
use super::shipping::Payloads;
use super::snapshots::Snapshots;
use super::{
    Bounds, Change, Durability, Engine, EngineError, EngineOptions, EngineStats, Inspection,
    LogSlice, Lsn, Planted, Progress, Recovery, Row, ScanDirection, SegmentView, SnapshotId,
    Structure, check_batch, range_bounds,
};

/// What the header of a segment says.
pub const SEGMENT_KIND: FileKind = FileKind {
    magic: *b"seedhash",
    version: 1,
    name: "a segment of a hash-indexed log",
};

/// What the header of a hint says.
pub const HINT_KIND: FileKind = FileKind {
    magic: *b"seedhint",
    version: 1,
    name: "a hint of a hash-indexed log",
};

/// Settings of the hash-indexed log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HashOptions {
    /// A segment that has so many bytes is frozen before the next write. Default: 16 MiB.
    pub segment_bytes: u64,
    /// Segments of which so much is dead are merged, in percent. Default: 40.
    pub merge_dead_percent: u8,
}

impl Default for HashOptions {
    fn default() -> Self {
        Self {
            segment_bytes: 16 << 20,
            merge_dead_percent: 40,
        }
    }
}

/// The hash-indexed log engine. See the [module](self).
#[derive(Clone)]
pub struct HashEngine {
    prefix: Arc<str>,
    options: HashOptions,
    durability: Durability,
    planted: Planted,
    directory: Directory,
    /// All segments whose file is open, by numbers that are given out once while the engine is open.
    segments: BTreeMap<u32, Segment>,
    /// Those that make up the store, the oldest first. The last is the active one.
    order: Vec<u32>,
    /// The next number of a segment.
    next_number: u32,
    /// The next id of a segment's file.
    next_id: u64,
    /// In batches.
    positions: Positions,
    snapshots: Snapshots<Directory>,
    /// Background work under way.
    task: Option<Task>,
    /// Files that nobody needs any more.
    garbage: Vec<String>,
    is_poisoned: bool,
    user_bytes: u64,
    answered_bytes: u64,
    /// Of files that are closed again.
    written_bytes_before: u64,
    read_bytes_before: u64,
}

/// A record that a write is about to make.
struct Planned<'a> {
    key: Cow<'a, [u8]>,
    /// `None`: a tombstone.
    value: Option<&'a [u8]>,
    /// Where it is in its frame's payload, once that is known.
    at: u64,
}

impl Planned<'_> {
    fn bytes(&self) -> u32 {
        let value_bytes = self.value.map_or(0, <[u8]>::len);
        (RECORD_HEADER_BYTES + self.key.len() + value_bytes) as u32
    }
}

impl HashEngine {
    /// Opens the engine's files, or makes the first, and recovers. All that was found is durable when this returns.
    pub fn open(
        disk: &mut dyn Disk,
        options: &EngineOptions,
    ) -> Result<(Self, Recovery), EngineError> {
        open::open(disk, options)
    }

    fn check(&self) -> Result<(), EngineError> {
        if self.is_poisoned || self.active().log.is_poisoned() {
            return Err(EngineError::Poisoned);
        }
        Ok(())
    }

    fn active_number(&self) -> u32 {
        *self.order.last().expect("an active segment")
    }

    fn active(&self) -> &Segment {
        &self.segments[&self.active_number()]
    }

    fn active_mut(&mut self) -> &mut Segment {
        let number = self.active_number();
        self.segment_mut(number)
    }

    fn segment_mut(&mut self, number: u32) -> &mut Segment {
        self.segments.get_mut(&number).expect("an open segment")
    }

    fn directory_at(&self, at: Option<SnapshotId>) -> Result<&Directory, EngineError> {
        match at {
            None => Ok(&self.directory),
            Some(id) => self.snapshots.get(id),
        }
    }

    /// The value in the record of `key` at `place`.
    fn read_value(
        &mut self,
        disk: &mut dyn Disk,
        key: &[u8],
        place: Place,
    ) -> Result<Bytes, EngineError> {
        let planted = self.planted;
        let log = &mut self.segment_mut(place.segment).log;
        let bytes = log.read_raw(disk, place.offset, place.bytes as usize)?;
        let value = record::value_in(&bytes, key, planted)
            .map_err(|what| log.corrupt(place.offset, &what))?;
        self.answered_bytes += (key.len() + value.len()) as u64;
        Ok(Bytes::from(bytes).slice(value))
    }

    /// The records that a batch makes. A key that is not there needs no tombstone.
    fn plan<'a>(&self, batch: &'a [Change]) -> Vec<Planned<'a>> {
        let mut planned: Vec<Planned<'a>> = Vec::with_capacity(batch.len());
        let record = |key: &'a Bytes, value: Option<&'a Bytes>| Planned {
            key: Cow::Borrowed(key),
            value: value.map(|value| &value[..]),
            at: 0,
        };
        for change in batch {
            match change {
                Change::Put(key, value) => planned.push(record(key, Some(value))),
                Change::Delete(key) => {
                    if batch.len() > 1 || self.directory.get(key).is_some() {
                        planned.push(record(key, None));
                    }
                }
                Change::DeleteRange { from, to } => {
                    let bounds = range_bounds(from, to.as_ref());
                    let held = self.directory.iter().map(|(key, _)| key);
                    let put_before = planned.iter().filter(|it| it.value.is_some());
                    let mut keys: Vec<Vec<u8>> = held
                        .chain(put_before.map(|it| &it.key[..]))
                        .filter(|key| bounds.contains(key))
                        .map(<[u8]>::to_vec)
                        .collect();
                    keys.sort_unstable();
                    keys.dedup();
                    planned.extend(keys.into_iter().map(|key| Planned {
                        key: Cow::Owned(key),
                        value: None,
                        at: 0,
                    }));
                }
            }
        }
        planned
    }

    /// Appends the records as one frame and enters them in the directory.
    fn append(
        &mut self,
        disk: &mut dyn Disk,
        planned: &mut [Planned<'_>],
    ) -> Result<(), EngineError> {
        let log = &mut self.active_mut().log;
        let frame = log.append_with(disk, |out| {
            let begin = out.len();
            out.push(record::BATCH);
            for it in &mut *planned {
                it.at = (out.len() - begin) as u64;
                record::push(out, &it.key, it.value);
            }
        })?;
        let payload_at = frame + FRAME_HEADER_BYTES as u64;
        let number = self.active_number();
        for it in planned {
            let place = Place {
                segment: number,
                offset: payload_at + it.at,
                bytes: it.bytes(),
            };
            self.enter(&it.key, place, it.value.is_some());
        }
        Ok(())
    }

    /// Enters a record that is newer than all before it.
    fn enter(&mut self, key: &[u8], place: Place, is_put: bool) {
        let bytes = u64::from(place.bytes);
        let segment = self.segment_mut(place.segment);
        segment.record_bytes += bytes;
        let before = if is_put {
            segment.live_bytes += bytes;
            self.directory.insert(key, place)
        } else {
            segment.tombstone_bytes += bytes;
            self.directory.remove(key)
        };
        if let Some(before) = before {
            self.segment_mut(before.segment).live_bytes -= u64::from(before.bytes);
        }
    }

    /// A batch was appended.
    fn appended(&mut self, disk: &mut dyn Disk, user_bytes: u64) -> Result<Lsn, EngineError> {
        self.user_bytes += user_bytes;
        self.positions.advance(1);
        if self.durability == Durability::EachWrite {
            self.sync_active(disk)?;
        }
        Ok(self.positions.end())
    }

    fn sync_active(&mut self, disk: &mut dyn Disk) -> Result<(), EngineError> {
        self.active_mut().log.sync(disk)?;
        self.positions.synced();
        Ok(())
    }

    /// Freezes the active segment if it is full, and begins the next.
    fn make_room(&mut self, disk: &mut dyn Disk) -> Result<(), EngineError> {
        if self.active().log.end() < self.options.segment_bytes {
            return Ok(());
        }
        let (end, planted) = (self.positions.end(), self.planted);
        let active = self.active_mut();
        active.append_footer(disk, end)?;
        if planted != Planted::HashRollsWithoutSync {
            active.log.freeze(disk)?;
        }
        active.to = end;
        self.positions.synced();
        self.begin_segment(disk)
    }

    /// Makes a new active segment behind all others, which are durable.
    fn begin_segment(&mut self, disk: &mut dyn Disk) -> Result<(), EngineError> {
        let number_in_name = self
            .order
            .last()
            .map_or(1, |last| self.segments[last].last + 1);
        let preamble = Preamble {
            is_merged: false,
            id: self.next_id,
            from: self.positions.end(),
            to: self.positions.end(),
        };
        let name = FileName::new(&self.prefix, number_in_name, number_in_name);
        let mut segment = Segment::create(disk, &name, preamble, self.next_number, self.planted)?;
        if let Err(error) = segment.log.publish(disk) {
            segment.log.abandon(disk);
            return Err(error);
        }
        if self.planted != Planted::SkipsDirectorySync {
            disk.sync_dir().inspect_err(|_| self.is_poisoned = true)?;
        }
        self.add_segment(segment);
        Ok(())
    }

    fn add_segment(&mut self, segment: Segment) {
        self.next_id = self.next_id.max(segment.id + 1);
        self.next_number = self.next_number.max(segment.number + 1);
        self.order.push(segment.number);
        self.segments.insert(segment.number, segment);
    }

    /// The segments that make up the store, the oldest first.
    fn in_order(&self) -> impl DoubleEndedIterator<Item = &Segment> {
        self.order.iter().map(|number| &self.segments[number])
    }

    /// Where the log begins that is still whole: behind everything that was merged.
    fn oldest_position(&self) -> Lsn {
        let merged = self.in_order().filter(|segment| segment.is_merged);
        merged.map(|segment| segment.to).max().unwrap_or_default()
    }
}

impl Engine for HashEngine {
    fn get(
        &mut self,
        disk: &mut dyn Disk,
        key: &[u8],
        at: Option<SnapshotId>,
    ) -> Result<Option<Bytes>, EngineError> {
        self.check()?;
        match self.directory_at(at)?.get(key) {
            None => Ok(None),
            Some(place) => self.read_value(disk, key, place).map(Some),
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
        self.check()?;
        let directory = self.directory_at(at)?.clone();
        let mut within: Vec<(&[u8], Place)> = directory
            .iter()
            .filter(|(key, _)| bounds.contains(key))
            .collect();
        let order = |a: &(&[u8], Place), b: &(&[u8], Place)| match direction {
            ScanDirection::Forward => a.0.cmp(b.0),
            ScanDirection::Backward => b.0.cmp(a.0),
        };
        let mut resume = None;
        if limit < within.len() {
            let (_, first_left_out, _) = within.select_nth_unstable_by(limit, order);
            resume = Some(Bytes::copy_from_slice(first_left_out.0));
            within.truncate(limit);
        }
        within.sort_unstable_by(order);
        let before = out.len();
        for (key, place) in within {
            match self.read_value(disk, key, place) {
                Ok(value) => out.push(Row {
                    key: Bytes::copy_from_slice(key),
                    value,
                }),
                Err(error) => {
                    out.truncate(before);
                    return Err(error);
                }
            }
        }
        Ok(resume)
    }

    fn write(&mut self, disk: &mut dyn Disk, batch: &[Change]) -> Result<Lsn, EngineError> {
        self.check()?;
        let user_bytes = check_batch(batch)?;
        if batch.is_empty() {
            return Ok(self.positions.end());
        }
        self.make_room(disk)?;
        let mut planned = self.plan(batch);
        self.append(disk, &mut planned)?;
        self.appended(disk, user_bytes)
    }

    fn sync(&mut self, disk: &mut dyn Disk) -> Result<(), EngineError> {
        self.check()?;
        if self.durability == Durability::Never {
            return Ok(());
        }
        self.sync_active(disk)
    }

    fn sync_later(&mut self, disk: &mut dyn Disk) -> Result<Option<SyncTicket>, EngineError> {
        self.check()?;
        if self.durability == Durability::Never {
            return Ok(None);
        }
        let ticket = self.active_mut().log.sync_later(disk)?;
        if let Some(ticket) = ticket {
            self.positions.sync_begun(ticket);
        }
        Ok(ticket)
    }

    fn on_synced(&mut self, ticket: SyncTicket) -> Lsn {
        self.active_mut().log.on_synced(ticket);
        self.positions.on_synced(ticket);
        if self.planted == Planted::AcknowledgesTooMuch {
            self.positions.synced();
        }
        self.positions.durable()
    }

    fn snapshot(&mut self) -> SnapshotId {
        self.snapshots.take(self.directory.clone())
    }

    fn release(&mut self, snapshot: SnapshotId) {
        self.snapshots.release(snapshot);
    }

    fn maintain(
        &mut self,
        disk: &mut dyn Disk,
        budget_bytes: u64,
    ) -> Result<Progress, EngineError> {
        self.check()?;
        self.work(disk, budget_bytes)
    }

    fn log_since(
        &mut self,
        disk: &mut dyn Disk,
        from: Lsn,
        max_bytes: usize,
    ) -> Result<LogSlice, EngineError> {
        self.check()?;
        self.positions.check_from(from, self.oldest_position())?;
        let mut payloads = Payloads::default();
        let mut to = from;
        let written = self.in_order().filter(|segment| !segment.is_merged);
        let numbers: Vec<u32> = written.map(|segment| segment.number).collect();
        for number in numbers {
            let planted = self.planted;
            let segment = self.segment_mut(number);
            let mut at = segment.from;
            let full = segment
                .log
                .walk(disk, FILE_HEADER_BYTES, |offset, payload| {
                    let Ok(Frame::Batch(records)) = record::parse(payload) else {
                        return ControlFlow::Continue(());
                    };
                    let begin = at;
                    at.0 += 1;
                    if begin < to {
                        return ControlFlow::Continue(());
                    }
                    match record::to_changes(records, planted) {
                        Err(what) => return ControlFlow::Break(Some((offset, what))),
                        Ok(changes) => {
                            let mut shipped = Vec::new();
                            batch::encode(&changes, &mut shipped);
                            if !payloads.has_room_for(shipped.len(), max_bytes) {
                                return ControlFlow::Break(None);
                            }
                            payloads.push(&shipped);
                        }
                    }
                    to = at;
                    ControlFlow::Continue(())
                })?;
            segment.log.shrink();
            match full {
                None => {}
                Some(None) => break,
                Some(Some((offset, what))) => return Err(segment.log.corrupt(offset, &what)),
            }
        }
        Ok(LogSlice::new(
            &SEGMENT_KIND,
            from,
            to,
            payloads.into_bytes(),
        ))
    }

    fn apply_log(&mut self, disk: &mut dyn Disk, slice: &LogSlice) -> Result<Lsn, EngineError> {
        self.check()?;
        let end = self.positions.end();
        slice.check(&SEGMENT_KIND, end)?;
        let known = end.0 - slice.from.0;
        for payload in Payloads::iter(&slice.bytes).skip(known as usize) {
            let changes: Result<Vec<Change>, String> = batch::changes(payload?)
                .map(|change| change.map(batch::ChangeView::to_change))
                .collect();
            let changes = changes.map_err(|_| EngineError::LogDamaged)?;
            let user_bytes = check_batch(&changes)?;
            self.make_room(disk)?;
            let mut planned = self.plan(&changes);
            self.append(disk, &mut planned)?;
            self.appended(disk, user_bytes)?;
        }
        Ok(self.positions.end())
    }

    fn stats(&self) -> EngineStats {
        let keys = self.directory.len();
        let sum = |of: fn(&Segment) -> u64| self.segments.values().map(of).sum::<u64>();
        let live_records: u64 = sum(|segment| segment.live_bytes);
        EngineStats {
            durability: self.durability,
            written: self.positions.end(),
            durable: self.positions.durable(),
            keys: Some(keys),
            live_bytes: Some(live_records - keys * RECORD_HEADER_BYTES as u64),
            user_bytes: self.user_bytes,
            written_bytes: self.written_bytes_before + sum(|segment| segment.log.written_bytes()),
            stored_bytes: sum(|segment| segment.log.end() + segment.hint_bytes),
            read_bytes: self.read_bytes_before + sum(|segment| segment.log.read_bytes()),
            answered_bytes: self.answered_bytes,
            files: sum(|segment| 1 + u64::from(segment.hint_bytes > 0)),
            memory_bytes: self.directory.memory_bytes(),
        }
    }

    fn inspect(&self) -> Inspection {
        let active = self.active_number();
        let view = |segment: &Segment| SegmentView {
            file: segment.log.name().to_owned(),
            first: segment.first,
            last: segment.last,
            from: segment.from,
            to: if segment.number == active {
                self.positions.end()
            } else {
                segment.to
            },
            bytes: segment.log.end(),
            live_bytes: segment.live_bytes,
            tombstone_bytes: segment.tombstone_bytes,
            dead_bytes: segment.record_bytes - segment.live_bytes - segment.tombstone_bytes,
            is_active: segment.number == active,
            is_merged: segment.is_merged,
            has_hint: segment.hint_bytes > 0,
        };
        Inspection {
            engine: "hash",
            stats: self.stats(),
            structure: Structure::Segments {
                segments: self.in_order().map(view).collect(),
                kept_for_snapshots: (self.segments.len() - self.order.len()) as u64,
                merging: self.task.as_ref().and_then(Task::progress),
            },
        }
    }

    fn verify(&mut self, disk: &mut dyn Disk) -> Result<(), EngineError> {
        self.check()?;
        let mut replayed = BTreeMap::new();
        let mut live = BTreeMap::new();
        for number in self.order.clone() {
            let planted = self.planted;
            let segment = self.segment_mut(number);
            let mut payload_check = |offset, payload: &[u8]| {
                if let Frame::Batch(records) = record::parse(payload)? {
                    for record in record::records(records, planted) {
                        let record = record?;
                        let place = Place {
                            segment: number,
                            offset: offset + FRAME_HEADER_BYTES as u64 + 1 + record.at,
                            bytes: record.bytes,
                        };
                        match record.value {
                            Some(_) => replayed.insert(record.key.to_vec(), place),
                            None => replayed.remove(record.key),
                        };
                    }
                }
                Ok(())
            };
            segment
                .log
                .verify(disk, &SEGMENT_KIND, &mut payload_check)?;
            segment.log.shrink();
            live.insert(number, 0);
        }
        for (key, place) in &replayed {
            assert_eq!(
                self.directory.get(key),
                Some(*place),
                "the place of {key:?}"
            );
            *live.get_mut(&place.segment).expect("it was read") += u64::from(place.bytes);
        }
        assert_eq!(
            replayed.len() as u64,
            self.directory.len(),
            "keys replayed and keys held"
        );
        for (number, bytes) in live {
            assert_eq!(
                self.segments[&number].live_bytes, bytes,
                "live bytes of segment {number}"
            );
        }
        self.directory.verify();
        self.check_files(disk)
    }

    fn dump(&mut self, disk: &mut dyn Disk, line: &mut dyn FnMut(&str)) -> Result<(), EngineError> {
        self.check()?;
        for number in self.order.clone() {
            let planted = self.planted;
            let log = &mut self.segment_mut(number).log;
            line(&format!("{}: {}", log.name(), SEGMENT_KIND.name));
            let bad = log.walk(disk, FILE_HEADER_BYTES, |offset, payload| {
                let bytes = payload.len() + FRAME_OVERHEAD_BYTES;
                match record::dump(
                    payload,
                    planted,
                    &format!("{offset}: a frame of {bytes} bytes"),
                    line,
                ) {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(what) => ControlFlow::Break((offset, what)),
                }
            })?;
            if let Some((offset, what)) = bad {
                return Err(log.corrupt(offset, &what));
            }
        }
        Ok(())
    }

    fn clone_box(&self) -> Box<dyn Engine> {
        Box::new(self.clone())
    }
}
