//! The redo log: frames in segments, each a file named by the number of batches before it.
//!
//! A checkpoint begins a new segment, and when it has ended, the segments that only older pages needed are removed, but for
//! as many bytes as are kept for log shipping.

use std::collections::VecDeque;

use bytes::Bytes;
use seedbed_sim::{Disk, SyncTicket};

use super::redo::Payload;
use crate::storage::frame::{FILE_HEADER_BYTES, FRAME_OVERHEAD_BYTES, FileKind, FrameLog};
use crate::storage::pages::salvage::readable;
use crate::storage::positions::Positions;
use crate::storage::{EngineError, EngineOptions, Lsn, Recovery};

/// What the header of a segment says.
pub const LOG_KIND: FileKind = FileKind {
    magic: *b"seedredo",
    version: 1,
    name: "the redo log of a page B-tree",
};

#[derive(Clone, Debug)]
struct Segment {
    /// Batches before its first.
    first: u64,
    log: FrameLog,
}

/// See the [module](self).
#[derive(Clone, Debug)]
pub(super) struct Segments {
    prefix: String,
    /// Oldest first; never empty.
    segments: VecDeque<Segment>,
    /// In batches.
    pub(super) positions: Positions,
    /// Bytes written to segments that are gone.
    gone_written_bytes: u64,
    gone_read_bytes: u64,
}

/// What is done with a frame: its segment's name, its offset, its payload. An error says what is wrong.
pub(super) type OnSegmentFrame<'a> = dyn FnMut(&str, u64, &[u8]) -> Result<(), String> + 'a;
/// A frame that recovery has found: in which segment, and where.
pub(super) type FrameAt = (usize, u64);

impl Segments {
    fn prefix_of(options: &EngineOptions) -> String {
        format!("{}engine.redo-", options.file_prefix)
    }

    /// The numbers of the segments on the disk.
    pub(super) fn list(
        disk: &mut dyn Disk,
        options: &EngineOptions,
    ) -> Result<Vec<u64>, EngineError> {
        let prefix = Self::prefix_of(options);
        let names = disk.list()?;
        let numbers = names.iter().filter_map(|name| {
            let digits = name.strip_prefix(&prefix)?;
            (digits.len() == 16).then(|| u64::from_str_radix(digits, 16).ok())?
        });
        let mut numbers: Vec<u64> = numbers.collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    fn name(&self, first: u64) -> String {
        format!("{}{first:016x}", self.prefix)
    }

    /// Opens the segments of these numbers, or makes the first of all, and pushes to `frames` where those frames are that
    /// belong to batches after `redo`.
    pub(super) fn open(
        disk: &mut dyn Disk,
        options: &EngineOptions,
        numbers: &[u64],
        redo: u64,
        frames: &mut Vec<FrameAt>,
        recovery: &mut Recovery,
    ) -> Result<Self, EngineError> {
        let mut this = Self {
            prefix: Self::prefix_of(options),
            segments: VecDeque::new(),
            positions: Positions::default(),
            gone_written_bytes: 0,
            gone_read_bytes: 0,
        };
        let numbers = if numbers.is_empty() { &[0] } else { numbers };
        let mut end = numbers[0];
        for &first in numbers {
            let index = this.segments.len();
            let name = this.name(first);
            let mut last = first;
            let mut on_frame = |offset, payload: &[u8]| {
                let number = match Payload::read(payload)? {
                    Payload::Part { number, .. } => number,
                    Payload::Batch { number, .. } => {
                        if number != last + 1 {
                            return Err(format!("batch {number} comes after batch {last}"));
                        }
                        last = number;
                        number
                    }
                };
                if number > redo {
                    frames.push((index, offset));
                }
                Ok(())
            };
            let (log, found) = FrameLog::open(disk, &name, &LOG_KIND, options, &mut on_frame)?;
            recovery.read_bytes += found.read_bytes;
            recovery.torn_bytes += found.torn_bytes;
            recovery.corrupt_bytes += found.corrupt_bytes;
            // Removals survive a crash each by itself: where one of an older segment did not, nothing is needed of it. Nor
            // was anything ever in those before that were begun when there was no room for them.
            let was_removed = end < first || this.segments.iter().all(|old| old.first == end);
            if first != end && first <= redo && was_removed {
                for old in std::mem::take(&mut this.segments) {
                    Self::remove(disk, old.log)?;
                }
                frames.retain(|(segment, _)| *segment == index);
                frames.iter_mut().for_each(|(segment, _)| *segment = 0);
                end = first;
            }
            if first != end {
                if last > first {
                    let what = format!("the batches from {end} to {first} are gone");
                    return Err(log.corrupt(0, &what));
                }
                Self::remove(disk, log)?;
                continue;
            }
            end = last;
            this.segments.push_back(Segment { first, log });
        }
        this.positions = Positions::durable_to(Lsn(end));
        Ok(this)
    }

    /// Removes the segments of which nothing is needed after batch `needed`, unread. Returns the numbers of the others.
    pub(super) fn drop_needless(
        disk: &mut dyn Disk,
        options: &EngineOptions,
        mut numbers: Vec<u64>,
        needed: u64,
    ) -> Result<Vec<u64>, EngineError> {
        let needless = numbers
            .iter()
            .skip(1)
            .take_while(|next| **next <= needed)
            .count();
        for first in numbers.drain(..needless) {
            disk.remove(&format!("{}{first:016x}", Self::prefix_of(options)))?;
        }
        if needless > 0 {
            disk.sync_dir()?;
        }
        Ok(numbers)
    }

    /// Makes an empty segment that begins after `batches`.
    pub(super) fn begin_at(
        disk: &mut dyn Disk,
        options: &EngineOptions,
        batches: u64,
    ) -> Result<(), EngineError> {
        let name = format!("{}{batches:016x}", Self::prefix_of(options));
        let (log, _) = FrameLog::open(disk, &name, &LOG_KIND, options, &mut |_, _| Ok(()))?;
        log.close(disk)
    }

    /// Opens segments as far as they can be read, for a salvage. Returns where those frames are that follow each other
    /// without a gap after batch `redo`, and the number of the newest batch that was met anywhere.
    pub(super) fn open_damaged(
        disk: &mut dyn Disk,
        options: &EngineOptions,
        numbers: &[u64],
        redo: u64,
        recovery: &mut Recovery,
    ) -> Result<(Self, Vec<FrameAt>, u64), EngineError> {
        let mut frames = Vec::new();
        let mut segments = VecDeque::new();
        let (mut last, mut newest) = (redo, redo);
        for &first in numbers {
            let name = format!("{}{first:016x}", Self::prefix_of(options));
            newest = newest.max(first);
            let mut on_frame = |offset, payload: &[u8]| {
                let Ok(read) = Payload::read(payload) else {
                    return Ok(());
                };
                let (number, ends_batch) = match read {
                    Payload::Part { number, .. } => (number, false),
                    Payload::Batch { number, .. } => (number, true),
                };
                newest = newest.max(number);
                if number == last + 1 {
                    frames.push((segments.len(), offset));
                    last += u64::from(ends_batch);
                }
                Ok(())
            };
            let opened = FrameLog::open(disk, &name, &LOG_KIND, options, &mut on_frame);
            // A segment of which not even the header is left.
            let Some((log, found)) = readable(opened)? else {
                continue;
            };
            recovery.torn_bytes += found.torn_bytes;
            recovery.corrupt_bytes += found.corrupt_bytes;
            segments.push_back(Segment { first, log });
        }
        let this = Self {
            prefix: Self::prefix_of(options),
            segments,
            positions: Positions::durable_to(Lsn(last)),
            gone_written_bytes: 0,
            gone_read_bytes: 0,
        };
        Ok((this, frames, newest))
    }

    /// Removes a segment for good.
    fn remove(disk: &mut dyn Disk, log: FrameLog) -> Result<(), EngineError> {
        let name = log.name().to_owned();
        log.close(disk)?;
        disk.remove(&name)?;
        Ok(disk.sync_dir()?)
    }

    fn active(&mut self) -> &mut FrameLog {
        &mut self.segments.back_mut().expect("a segment").log
    }

    /// Appends a frame, and counts it if it ends a batch.
    pub(super) fn append(
        &mut self,
        disk: &mut dyn Disk,
        ends_batch: bool,
        fill: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), EngineError> {
        self.active().append_with(disk, fill)?;
        if ends_batch {
            self.positions.advance(1);
        }
        Ok(())
    }

    /// Closes the files.
    pub(super) fn close(self, disk: &mut dyn Disk) -> Result<(), EngineError> {
        let mut segments = self.segments.into_iter();
        segments.try_for_each(|segment| segment.log.close(disk))
    }

    /// Whether it is unknown what the disk holds of the segment that is written to.
    pub(super) fn is_poisoned(&self) -> bool {
        let active = self.segments.back();
        active.is_some_and(|active| active.log.is_poisoned())
    }

    /// Makes all of it durable.
    pub(super) fn sync(&mut self, disk: &mut dyn Disk) -> Result<(), EngineError> {
        self.active().sync(disk)?;
        self.positions.synced();
        Ok(())
    }

    pub(super) fn sync_later(
        &mut self,
        disk: &mut dyn Disk,
    ) -> Result<Option<SyncTicket>, EngineError> {
        let ticket = self.active().sync_later(disk)?;
        if let Some(ticket) = ticket {
            self.positions.sync_begun(ticket);
        }
        Ok(ticket)
    }

    pub(super) fn on_synced(&mut self, ticket: SyncTicket) {
        self.active().on_synced(ticket);
        self.positions.on_synced(ticket);
    }

    /// Begins a new segment; all before it is durable then.
    pub(super) fn rotate(
        &mut self,
        disk: &mut dyn Disk,
        options: &EngineOptions,
    ) -> Result<(), EngineError> {
        self.sync(disk)?;
        let first = self.positions.end().0;
        if self.segments.back().is_some_and(|last| last.first == first) {
            return Ok(());
        }
        let name = self.name(first);
        let (log, _) = FrameLog::open(disk, &name, &LOG_KIND, options, &mut |_, _| Ok(()))?;
        self.segments.push_back(Segment { first, log });
        Ok(())
    }

    /// Removes the segments that hold nothing after batch `redo`, but for the newest of them, up to `kept_bytes`.
    pub(super) fn drop_before(
        &mut self,
        disk: &mut dyn Disk,
        redo: u64,
        kept_bytes: u64,
    ) -> Result<(), EngineError> {
        let needless = self
            .segments
            .iter()
            .skip(1)
            .take_while(|next| next.first <= redo)
            .count();
        let mut kept = 0;
        let mut count = needless;
        while count > 0 && kept + self.segments[count - 1].log.end() <= kept_bytes {
            kept += self.segments[count - 1].log.end();
            count -= 1;
        }
        for _ in 0..count {
            let name = self.segments[0].log.name().to_owned();
            disk.remove(&name)?;
            let gone = self
                .segments
                .pop_front()
                .expect("a segment that is not the last");
            self.gone_written_bytes += gone.log.written_bytes();
            self.gone_read_bytes += gone.log.read_bytes();
            gone.log.close(disk)?;
        }
        if count > 0 {
            disk.sync_dir()?;
        }
        Ok(())
    }

    /// Batches before the oldest that is in the log.
    pub(super) fn oldest(&self) -> u64 {
        self.segments[0].first
    }

    /// Reads the payload of a frame.
    pub(super) fn read(&mut self, disk: &mut dyn Disk, at: FrameAt) -> Result<Bytes, EngineError> {
        self.segments[at.0].log.read(disk, at.1)
    }

    pub(super) fn corrupt(&self, at: FrameAt, what: &str) -> EngineError {
        self.segments[at.0].log.corrupt(at.1, what)
    }

    /// Hands the changes of the batches after `from`, one by one, to `on_batch`, until it says that it has enough.
    pub(super) fn batches_after(
        &mut self,
        disk: &mut dyn Disk,
        from: u64,
        mut on_batch: impl FnMut(&[u8]) -> bool,
    ) -> Result<(), EngineError> {
        let begin = self
            .segments
            .partition_point(|segment| segment.first <= from);
        for index in begin.saturating_sub(1)..self.segments.len() {
            let segment = &mut self.segments[index];
            let offset = segment.offset_after(disk, from)?;
            let enough =
                segment
                    .log
                    .walk(disk, offset, |at, payload| match Payload::read(payload) {
                        Ok(Payload::Batch { changes, .. }) if !on_batch(changes) => {
                            std::ops::ControlFlow::Break(None)
                        }
                        Ok(_) => std::ops::ControlFlow::Continue(()),
                        Err(what) => std::ops::ControlFlow::Break(Some((at, what))),
                    })?;
            match enough {
                None => {}
                Some(None) => return Ok(()),
                Some(Some((at, what))) => return Err(self.corrupt((index, at), &what)),
            }
        }
        Ok(())
    }

    /// Hands every frame of every segment to `on_frame`.
    pub(super) fn walk(
        &mut self,
        disk: &mut dyn Disk,
        on_frame: &mut OnSegmentFrame<'_>,
    ) -> Result<(), EngineError> {
        for segment in &mut self.segments {
            let name = segment.log.name().to_owned();
            let mut on_frame = |offset, payload: &[u8]| on_frame(&name, offset, payload);
            segment.log.verify(disk, &LOG_KIND, &mut on_frame)?;
        }
        Ok(())
    }

    pub(super) fn count(&self) -> u64 {
        self.segments.len() as u64
    }

    pub(super) fn stored_bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.log.end()).sum()
    }

    /// Bytes of the segments that hold something after batch `redo`.
    pub(super) fn bytes_since(&self, redo: u64) -> u64 {
        let begin = self
            .segments
            .partition_point(|segment| segment.first < redo);
        let since = self.segments.iter().skip(begin);
        since
            .map(|segment| segment.log.end() - FILE_HEADER_BYTES)
            .sum()
    }

    pub(super) fn written_bytes(&self) -> u64 {
        let live = self
            .segments
            .iter()
            .map(|segment| segment.log.written_bytes());
        self.gone_written_bytes + live.sum::<u64>()
    }

    pub(super) fn read_bytes(&self) -> u64 {
        let live = self.segments.iter().map(|segment| segment.log.read_bytes());
        self.gone_read_bytes + live.sum::<u64>()
    }
}

impl Segment {
    /// Where the first frame is that may belong to a batch after `from`: looked for from the end, since who asks has
    /// usually been told almost all.
    fn offset_after(&mut self, disk: &mut dyn Disk, from: u64) -> Result<u64, EngineError> {
        if self.first >= from {
            return Ok(FILE_HEADER_BYTES);
        }
        let end = self.log.end();
        let found =
            self.log
                .walk_back(disk, end, |offset, payload| match Payload::read(payload) {
                    Ok(Payload::Batch { number, .. }) if number <= from => {
                        let frame_bytes = payload.len() + FRAME_OVERHEAD_BYTES;
                        std::ops::ControlFlow::Break(offset + frame_bytes as u64)
                    }
                    _ => std::ops::ControlFlow::Continue(()),
                })?;
        Ok(found.unwrap_or(FILE_HEADER_BYTES))
    }
}
