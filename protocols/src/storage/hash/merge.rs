//! Background work: merging, hints, and removing what is left over. The [chapter](super) has the order of its steps.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use seedbed_sim::{Disk, DiskError};

use super::HashEngine;
use super::directory::Place;
use super::hint::{self, About, HintEntry};
use super::policy::{self, Held};
use super::record::{self, Frame, Preamble};
use super::segment::{FileName, FileRole, Segment};
use crate::storage::frame::{FILE_HEADER_BYTES, FRAME_HEADER_BYTES, FRAME_OVERHEAD_BYTES};
use crate::storage::{EngineError, Planted, Progress};

/// About how many bytes one step reads.
const STEP_BYTES: u64 = 64 * 1024;

/// Work under way.
#[derive(Clone, Debug)]
pub(super) enum Task {
    /// Copying a run of segments into one.
    Merge(Box<Merge>),
    /// Making the hint of a segment.
    Hint(Making),
}

#[derive(Clone, Debug)]
pub(super) struct Merge {
    /// The run, the oldest first.
    inputs: Vec<u32>,
    /// Which of them is being read, and how far it was read.
    input: usize,
    offset: u64,
    /// Whether nothing is older than the run.
    is_oldest: bool,
    out: Segment,
    copied: Vec<Copied>,
}

/// The hint of a segment in the making.
#[derive(Clone, Debug)]
pub(super) struct Making {
    number: u32,
    offset: u64,
    entries: Vec<Copied>,
}

/// A record of the segment that is made.
#[derive(Clone, Debug)]
struct Copied {
    key: Arc<[u8]>,
    /// Where the live record was; `None`: it is a tombstone.
    from: Option<Place>,
    offset: u64,
    bytes: u32,
}

impl Copied {
    fn to_hint(&self) -> HintEntry<'_> {
        HintEntry {
            is_put: self.from.is_some(),
            offset: self.offset,
            bytes: self.bytes,
            key: &self.key,
        }
    }
}

/// A record that was read, by where it is.
struct Found<'a> {
    place: Place,
    is_put: bool,
    key: &'a [u8],
    record: &'a [u8],
}

impl Task {
    /// The files that a merge reads, and how many of their bytes it has read.
    pub(super) fn progress(&self) -> Option<(u64, u64)> {
        match self {
            Self::Merge(merge) => Some((merge.inputs.len() as u64, merge.out.log.end())),
            Self::Hint(_) => None,
        }
    }
}

impl HashEngine {
    /// Does steps until about so many bytes were read and written, or nothing is left to do.
    pub(super) fn work(
        &mut self,
        disk: &mut dyn Disk,
        budget_bytes: u64,
    ) -> Result<Progress, EngineError> {
        self.close_replaced(disk)?;
        let mut bytes = 0;
        loop {
            self.remove_garbage(disk)?;
            let Some(task) = self.next_task(disk)? else {
                return Ok(Progress {
                    bytes,
                    is_idle: true,
                });
            };
            bytes += match task {
                Task::Merge(merge) => self.step_merge(disk, merge)?,
                Task::Hint(making) => self.step_hint(disk, making)?,
            };
            if bytes >= budget_bytes {
                return Ok(Progress {
                    bytes,
                    is_idle: false,
                });
            }
        }
    }

    /// The task under way, or else the next one.
    fn next_task(&mut self, disk: &mut dyn Disk) -> Result<Option<Task>, EngineError> {
        if let Some(task) = self.task.take() {
            return Ok(Some(task));
        }
        let frozen = &self.order[..self.order.len() - 1];
        let held: Vec<Held> = frozen
            .iter()
            .map(|number| self.segments[number].held())
            .collect();
        if let Some(run) = policy::pick(&held, &self.options) {
            let inputs = frozen[run].to_vec();
            return self.begin_merge(disk, inputs).map(Some);
        }
        let lacks_hint = frozen
            .iter()
            .find(|number| self.segments[number].hint_bytes == 0);
        Ok(lacks_hint.map(|&number| {
            Task::Hint(Making {
                number,
                offset: FILE_HEADER_BYTES,
                entries: Vec::new(),
            })
        }))
    }

    fn begin_merge(&mut self, disk: &mut dyn Disk, inputs: Vec<u32>) -> Result<Task, EngineError> {
        let (oldest, newest) = (
            &self.segments[&inputs[0]],
            &self.segments[&inputs[inputs.len() - 1]],
        );
        let name = FileName::new(&self.prefix, oldest.first, newest.last);
        let preamble = Preamble {
            is_merged: true,
            id: self.next_id,
            from: oldest.from,
            to: newest.to,
        };
        let is_oldest =
            inputs[0] == self.order[0] || self.planted == Planted::HashDropsTombstonesEarly;
        let out = Segment::create(disk, &name, preamble, self.next_number, self.planted)?;
        self.next_number += 1;
        self.next_id += 1;
        Ok(Task::Merge(Box::new(Merge {
            inputs,
            input: 0,
            offset: FILE_HEADER_BYTES,
            is_oldest,
            out,
            copied: Vec::new(),
        })))
    }

    /// A step of a merge; what fails gives up the merge and leaves no trace of it.
    fn step_merge(
        &mut self,
        disk: &mut dyn Disk,
        mut merge: Box<Merge>,
    ) -> Result<u64, EngineError> {
        let stepped = if merge.input < merge.inputs.len() {
            self.copy_some(disk, &mut merge)
        } else {
            self.close_merge(disk, &mut merge)
        };
        match stepped {
            Ok(bytes) if merge.input <= merge.inputs.len() => {
                self.task = Some(Task::Merge(merge));
                Ok(bytes)
            }
            Ok(bytes) => {
                self.finish_merge(disk, *merge)?;
                Ok(bytes)
            }
            Err(error) => {
                merge.out.log.abandon(disk);
                Err(error)
            }
        }
    }

    /// Copies what is needed of some more records. Returns the bytes read and written.
    fn copy_some(&mut self, disk: &mut dyn Disk, merge: &mut Merge) -> Result<u64, EngineError> {
        let number = merge.inputs[merge.input];
        let mut payload = vec![record::BATCH];
        let (directory, is_oldest) = (&self.directory, merge.is_oldest);
        let out_at = merge.out.log.end() + FRAME_HEADER_BYTES as u64;
        let copied = &mut merge.copied;
        let segment = self.segments.get_mut(&number).expect("an open segment");
        let next = segment.read_some(disk, merge.offset, self.planted, &mut |found| {
            let held = directory.get(found.key);
            let is_needed = if found.is_put {
                held == Some(found.place)
            } else {
                held.is_none() && !is_oldest
            };
            if is_needed {
                copied.push(Copied {
                    key: found.key.into(),
                    from: found.is_put.then_some(found.place),
                    offset: out_at + payload.len() as u64,
                    bytes: found.place.bytes,
                });
                payload.extend_from_slice(found.record);
            }
        })?;
        let mut bytes = next.unwrap_or(segment.log.end()) - merge.offset;
        match next {
            Some(offset) => merge.offset = offset,
            None => {
                segment.log.shrink();
                merge.input += 1;
                merge.offset = FILE_HEADER_BYTES;
            }
        }
        if payload.len() > 1 {
            merge.out.log.append(disk, &payload)?;
            bytes += payload.len() as u64;
        }
        Ok(bytes)
    }

    /// Steps 2 and 3 of a merge: from here on it is durable, or was never begun.
    fn close_merge(&mut self, disk: &mut dyn Disk, merge: &mut Merge) -> Result<u64, EngineError> {
        let to = merge.out.to;
        merge.out.append_footer(disk, to)?;
        if self.planted != Planted::HashMergesWithoutSync {
            self.sync_active(disk)?;
        }
        if self.planted == Planted::HashRenamesBeforeSync {
            let name = merge.out.file_name(&self.prefix).segment();
            disk.rename(&format!("{name}.new"), &name)?;
        } else {
            merge.out.log.publish(disk)?;
        }
        merge.input += 1;
        Ok(0)
    }

    /// Steps 3 to 5, now that the new segment has its name.
    fn finish_merge(&mut self, disk: &mut dyn Disk, merge: Merge) -> Result<(), EngineError> {
        if self.planted != Planted::SkipsDirectorySync {
            // Which of both is there after a crash is unknown from here on.
            disk.sync_dir().inspect_err(|_| self.is_poisoned = true)?;
        }
        let Merge {
            inputs,
            mut out,
            copied,
            ..
        } = merge;
        for it in &copied {
            let place = Place {
                segment: out.number,
                offset: it.offset,
                bytes: it.bytes,
            };
            let bytes = u64::from(it.bytes);
            out.record_bytes += bytes;
            let Some(from) = it.from else {
                out.tombstone_bytes += bytes;
                continue;
            };
            let is_there = if self.planted == Planted::HashRepointsBlindly {
                self.directory.insert(&it.key, place);
                true
            } else {
                self.directory.repoint(&it.key, from, place)
            };
            if is_there {
                out.live_bytes += bytes;
                self.segment_mut(from.segment).live_bytes -= bytes;
            }
        }
        let number = out.number;
        let name = out.log.name().to_owned();
        let place = self
            .order
            .iter()
            .position(|it| *it == inputs[0])
            .expect("a run of the store");
        self.order.splice(place..place + inputs.len(), [number]);
        self.segments.insert(number, out);
        let taken = self.snapshots.taken();
        for number in inputs {
            let prefix = self.prefix.to_string();
            let segment = self.segment_mut(number);
            segment.replaced_at = Some(taken);
            segment.hint_bytes = 0;
            let file = segment.file_name(&prefix);
            if file.segment() != name {
                self.garbage.push(file.segment());
            }
            self.garbage.push(file.hint());
        }
        // What was copied is all that the hint needs.
        self.task = Some(Task::Hint(Making {
            number,
            offset: self.segments[&number].log.end(),
            entries: copied,
        }));
        self.close_replaced(disk)?;
        self.remove_garbage(disk)
    }

    /// A step of making a hint.
    fn step_hint(&mut self, disk: &mut dyn Disk, mut making: Making) -> Result<u64, EngineError> {
        let planted = self.planted;
        let segment = self.segment_mut(making.number);
        if making.offset < segment.log.end() {
            let entries = &mut making.entries;
            let next = segment.read_some(disk, making.offset, planted, &mut |found| {
                entries.push(Copied {
                    key: found.key.into(),
                    from: found.is_put.then_some(found.place),
                    offset: found.place.offset,
                    bytes: found.place.bytes,
                });
            })?;
            let end = next.unwrap_or(segment.log.end());
            let bytes = end - making.offset;
            if next.is_none() {
                segment.log.shrink();
            }
            making.offset = end;
            self.task = Some(Task::Hint(making));
            return Ok(bytes);
        }
        let about = About {
            id: segment.id,
            segment_bytes: segment.log.end(),
            to: segment.to,
            entries: making.entries.len() as u64,
        };
        let name = self.segments[&making.number].file_name(&self.prefix);
        let entries = making.entries.iter().map(Copied::to_hint);
        let bytes = hint::write(disk, &name, about, entries)?;
        self.written_bytes_before += bytes;
        self.segment_mut(making.number).hint_bytes = bytes;
        Ok(bytes)
    }

    /// Closes the files that a merge has replaced and that no snapshot needs any more.
    fn close_replaced(&mut self, disk: &mut dyn Disk) -> Result<(), EngineError> {
        let is_needed = |segment: &Segment| match (segment.replaced_at, self.snapshots.oldest()) {
            (None, _) => true,
            (Some(_), _) if self.planted == Planted::HashClosesUnderSnapshots => false,
            (Some(at), oldest) => oldest.is_some_and(|oldest| oldest.0 <= at),
        };
        let free = self.segments.values().filter(|segment| !is_needed(segment));
        let free: Vec<u32> = free.map(|segment| segment.number).collect();
        for number in free {
            if let Some(segment) = self.segments.remove(&number) {
                self.written_bytes_before += segment.log.written_bytes();
                self.read_bytes_before += segment.log.read_bytes();
                segment.log.close(disk)?;
            }
        }
        Ok(())
    }

    /// Removes files that nobody needs any more. What can't be removed now is tried again.
    pub(super) fn remove_garbage(&mut self, disk: &mut dyn Disk) -> Result<(), EngineError> {
        while let Some(name) = self.garbage.last() {
            match disk.remove(name) {
                Ok(()) | Err(DiskError::NotFound(_)) => {}
                Err(error) => return Err(error.into()),
            }
            self.garbage.pop();
        }
        Ok(())
    }

    /// Merges every segment of a damaged store into one that stands for the numbers up to `last`, and begins a new one.
    pub(super) fn rewrite(&mut self, disk: &mut dyn Disk, last: u64) -> Result<(), EngineError> {
        let name = FileName::new(&self.prefix, 1, last);
        let preamble = Preamble {
            is_merged: true,
            id: self.next_id,
            from: crate::storage::Lsn(0),
            to: self.positions.end(),
        };
        let out = Segment::create(disk, &name, preamble, self.next_number, self.planted)?;
        self.next_number += 1;
        self.next_id += 1;
        let mut merge = Merge {
            inputs: self.order.clone(),
            input: 0,
            offset: FILE_HEADER_BYTES,
            is_oldest: true,
            out,
            copied: Vec::new(),
        };
        while merge.input < merge.inputs.len() {
            self.copy_some(disk, &mut merge)?;
        }
        let to = merge.out.to;
        merge.out.append_footer(disk, to)?;
        merge.out.log.publish(disk)?;
        if merge.inputs.is_empty() {
            disk.sync_dir()?;
            let number = merge.out.number;
            self.order.push(number);
            self.segments.insert(number, merge.out);
            return Ok(());
        }
        self.finish_merge(disk, merge)
    }

    /// That the files in the directory are those that are known.
    pub(super) fn check_files(&self, disk: &mut dyn Disk) -> Result<(), EngineError> {
        let mut expected: BTreeSet<String> = self.garbage.iter().cloned().collect();
        for segment in self.in_order() {
            let name = segment.file_name(&self.prefix);
            assert_eq!(segment.log.name(), name.segment(), "a segment by its name");
            expected.insert(name.segment());
            expected.insert(name.hint());
        }
        let mut missing: BTreeSet<String> = self
            .in_order()
            .map(|segment| segment.log.name().to_owned())
            .collect();
        for name in disk.list()? {
            missing.remove(&name);
            let is_foreign = match FileName::parse(&self.prefix, &name) {
                None | Some((_, FileRole::InTheMaking)) => false,
                Some(_) => !expected.contains(&name),
            };
            if is_foreign {
                return Err(EngineError::Corrupt {
                    file: name,
                    offset: 0,
                    what: "no part of the store has this file".to_owned(),
                });
            }
        }
        match missing.pop_first() {
            None => Ok(()),
            Some(file) => Err(EngineError::Corrupt {
                file,
                offset: 0,
                what: "the file is gone".to_owned(),
            }),
        }
    }
}

impl Segment {
    fn held(&self) -> Held {
        Held {
            live: self.live_bytes,
            tombstones: self.tombstone_bytes,
            dead: self.record_bytes - self.live_bytes - self.tombstone_bytes,
        }
    }

    /// Reads the records of some more frames. Returns where the next frame begins; `None` at the end.
    fn read_some(
        &mut self,
        disk: &mut dyn Disk,
        from: u64,
        planted: Planted,
        on_record: &mut dyn FnMut(Found<'_>),
    ) -> Result<Option<u64>, EngineError> {
        let number = self.number;
        let stopped = self.log.walk(disk, from, |offset, payload| {
            let frame = match record::parse(payload) {
                Ok(frame) => frame,
                Err(what) => return ControlFlow::Break(Err((offset, what))),
            };
            if let Frame::Batch(records) = frame {
                let at = offset + FRAME_HEADER_BYTES as u64 + 1;
                for view in record::records(records, planted) {
                    let view = match view {
                        Ok(view) => view,
                        Err(what) => return ControlFlow::Break(Err((offset, what))),
                    };
                    let begin = view.at as usize;
                    on_record(Found {
                        place: Place {
                            segment: number,
                            offset: at + view.at,
                            bytes: view.bytes,
                        },
                        is_put: view.value.is_some(),
                        key: view.key,
                        record: &records[begin..begin + view.bytes as usize],
                    });
                }
            }
            let next = offset + (payload.len() + FRAME_OVERHEAD_BYTES) as u64;
            if next - from >= STEP_BYTES {
                return ControlFlow::Break(Ok(next));
            }
            ControlFlow::Continue(())
        })?;
        match stopped {
            None => Ok(None),
            Some(Ok(next)) => Ok((next < self.log.end()).then_some(next)),
            Some(Err((offset, what))) => Err(self.log.corrupt(offset, &what)),
        }
    }
}
