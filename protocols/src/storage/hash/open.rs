//! Opening: which files make up the store, and what they hold.

use std::collections::BTreeMap;

use seedbed_sim::Disk;

use super::directory::{Directory, Place};
use super::hint::{self, Hint};
use super::record::{self, Frame, Preamble};
use super::segment::{FileName, FileRole, Segment};
use super::{HashEngine, SEGMENT_KIND};
use crate::storage::frame::{
    BadEnd, FILE_HEADER_BYTES, FRAME_HEADER_BYTES, FrameLog, FrameOptions, OnCorruption,
};
use crate::storage::positions::Positions;
use crate::storage::snapshots::Snapshots;
use crate::storage::{EngineError, EngineOptions, Lsn, Planted, Recovery};

/// A store that is being opened.
struct Opening<'a> {
    disk: &'a mut dyn Disk,
    options: &'a EngineOptions,
    engine: HashEngine,
    recovery: Recovery,
    /// Where the segments read so far end.
    end: Lsn,
    /// Something of the store is gone for good.
    is_damaged: bool,
}

/// What the frames of a segment say besides their records.
#[derive(Default)]
struct Read {
    preamble: Option<Preamble>,
    footer: Option<Lsn>,
    batches: u64,
}

/// The files of the store by what they are.
#[derive(Default)]
struct Files {
    /// The segments that make up the store, the oldest first.
    segments: Vec<FileName>,
    /// What crashes have left: to be removed.
    left_over: Vec<String>,
}

/// Opens the store, or makes a new one.
pub(super) fn open(
    disk: &mut dyn Disk,
    options: &EngineOptions,
) -> Result<(HashEngine, Recovery), EngineError> {
    let files = find(disk, options)?;
    let mut opening = Opening {
        disk,
        options,
        engine: HashEngine {
            prefix: options.file_prefix.as_str().into(),
            options: options.hash,
            durability: options.durability,
            planted: options.planted,
            directory: Directory::default(),
            segments: BTreeMap::new(),
            order: Vec::new(),
            next_number: 0,
            next_id: 1,
            positions: Positions::default(),
            snapshots: Snapshots::default(),
            task: None,
            garbage: Vec::new(),
            is_poisoned: false,
            user_bytes: 0,
            answered_bytes: 0,
            written_bytes_before: 0,
            read_bytes_before: 0,
        },
        recovery: Recovery::default(),
        end: Lsn(0),
        is_damaged: false,
    };
    opening.read_all(&files)?;
    opening.finish(files)
}

/// Sorts the files out. Nothing is changed.
fn find(disk: &mut dyn Disk, options: &EngineOptions) -> Result<Files, EngineError> {
    let mut files = Files::default();
    let mut segments = Vec::new();
    let mut hints = Vec::new();
    for name in disk.list()? {
        match FileName::parse(&options.file_prefix, &name) {
            None => {}
            Some((_, FileRole::InTheMaking)) => files.left_over.push(name),
            Some((parsed, FileRole::Segment)) => segments.push(parsed),
            Some((parsed, FileRole::Hint)) => hints.push(parsed),
        }
    }
    // Of segments that begin together the widest comes first, so that it covers those behind it.
    segments.sort_by_key(|it| (it.first, std::cmp::Reverse(it.last)));
    for segment in segments {
        let covering = files.segments.last().filter(|last| segment.is_within(last));
        match covering {
            Some(_) if options.planted != Planted::HashKeepsCovered => {
                files.left_over.push(segment.segment());
            }
            _ => files.segments.push(segment),
        }
    }
    let strays = hints.iter().filter(|hint| !files.segments.contains(hint));
    files.left_over.extend(strays.map(FileName::hint));
    Ok(files)
}

impl Opening<'_> {
    fn salvages(&self) -> bool {
        self.options.on_corruption == OnCorruption::Salvage
    }

    /// Reads every segment, from the oldest to the newest.
    fn read_all(&mut self, files: &Files) -> Result<(), EngineError> {
        let mut next = 1;
        for (at, name) in files.segments.iter().enumerate() {
            if name.first != next && self.options.planted != Planted::HashKeepsCovered {
                let missing = FileName::new(&self.options.file_prefix, next, name.first - 1);
                self.damaged(&missing, 0, "segments of these numbers are missing")?;
            }
            next = name.last + 1;
            let is_last = at + 1 == files.segments.len();
            match self.read_segment(name, is_last) {
                Ok(()) => {}
                Err(EngineError::Corrupt { .. } | EngineError::Format { .. })
                    if self.salvages() =>
                {
                    // Not even its beginning can be made out.
                    self.is_damaged = true;
                    let file = self
                        .disk
                        .open(&name.segment(), seedbed_sim::OpenMode::Existing)?;
                    self.recovery.corrupt_bytes += self.disk.len(file)?;
                    self.disk.close(file)?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Something is not as it was left: refused, unless this is a salvage.
    fn damaged(&mut self, name: &FileName, offset: u64, what: &str) -> Result<(), EngineError> {
        self.is_damaged = true;
        if self.salvages() {
            return Ok(());
        }
        Err(EngineError::Corrupt {
            file: name.segment(),
            offset,
            what: what.to_owned(),
        })
    }

    fn read_segment(&mut self, name: &FileName, is_last: bool) -> Result<(), EngineError> {
        if !is_last
            && !self.salvages()
            && let Some(hint) = hint::read(self.disk, name, self.options.planted)?
            && let Some(segment) = self.open_by_hint(name, &hint)?
        {
            self.recovery.read_bytes += hint.bytes;
            return self.take_in(name, segment, &hint);
        }
        self.read_frames(name, is_last)
    }

    /// The segment that a hint is about, if it is the one that has this name.
    fn open_by_hint(
        &mut self,
        name: &FileName,
        hint: &Hint,
    ) -> Result<Option<Segment>, EngineError> {
        let mut end = hint.about.segment_bytes;
        if self.options.planted == Planted::HashTrustsStaleHints {
            let file = self
                .disk
                .open(&name.segment(), seedbed_sim::OpenMode::Existing)?;
            end = self.disk.len(file)?;
            self.disk.close(file)?;
        }
        let options = FrameOptions::from(self.options);
        let opened = FrameLog::open_frozen(self.disk, &name.segment(), &SEGMENT_KIND, end, options);
        let Ok(mut log) = opened else {
            // Reading all of it says what is wrong.
            return Ok(None);
        };
        let Ok(payload) = log.read(self.disk, FILE_HEADER_BYTES) else {
            log.close(self.disk)?;
            return Ok(None);
        };
        log.shrink();
        match record::parse(&payload) {
            Ok(Frame::Preamble(preamble))
                if preamble.id == hint.about.id
                    || self.options.planted == Planted::HashTrustsStaleHints =>
            {
                let number = self.engine.next_number;
                Ok(Some(Segment::new(number, name, preamble, log)))
            }
            _ => {
                log.close(self.disk)?;
                Ok(None)
            }
        }
    }

    /// Takes in a segment by its hint.
    fn take_in(
        &mut self,
        name: &FileName,
        mut segment: Segment,
        hint: &Hint,
    ) -> Result<(), EngineError> {
        let number = segment.number;
        self.check_continuity(name, segment.from)?;
        segment.to = hint.about.to;
        segment.has_footer = true;
        segment.hint_bytes = hint.bytes;
        self.end = hint.about.to;
        self.engine.add_segment(segment);
        for entry in hint.entries() {
            let place = Place {
                segment: number,
                offset: entry.offset,
                bytes: entry.bytes,
            };
            self.engine.enter(entry.key, place, entry.is_put);
            self.recovery.records += 1;
        }
        Ok(())
    }

    /// Takes in a segment by reading all of it.
    fn read_frames(&mut self, name: &FileName, is_last: bool) -> Result<(), EngineError> {
        let options = FrameOptions {
            bad_end: if is_last {
                BadEnd::IsTorn
            } else {
                BadEnd::IsCorrupt
            },
            ..FrameOptions::from(self.options)
        };
        let planted = self.options.planted;
        let number = self.engine.next_number;
        let mut read = Read::default();
        // The records are entered once the whole file is known to be sound.
        let mut entries: Vec<(Vec<u8>, Place, bool)> = Vec::new();
        let mut on_frame = |offset, payload: &[u8]| {
            match record::parse(payload)? {
                Frame::Preamble(preamble) if read.preamble.is_none() => {
                    read.preamble = Some(preamble);
                }
                Frame::Preamble(_) => return Err("a second preamble".to_owned()),
                _ if read.preamble.is_none() => {
                    return Err("no preamble comes before it".to_owned());
                }
                _ if read.footer.is_some() => return Err("a frame behind the footer".to_owned()),
                Frame::Footer(to) => read.footer = Some(to),
                Frame::Batch(records) => {
                    read.batches += 1;
                    let at = offset + FRAME_HEADER_BYTES as u64 + 1;
                    for view in record::records(records, planted) {
                        let view = view?;
                        let place = Place {
                            segment: number,
                            offset: at + view.at,
                            bytes: view.bytes,
                        };
                        entries.push((view.key.to_vec(), place, view.value.is_some()));
                    }
                }
            }
            Ok(())
        };
        let (mut log, found) = FrameLog::open(
            self.disk,
            &name.segment(),
            &SEGMENT_KIND,
            options,
            &mut on_frame,
        )?;
        log.shrink();
        self.recovery.read_bytes += found.read_bytes;
        self.recovery.torn_bytes += found.torn_bytes;
        self.recovery.corrupt_bytes += found.corrupt_bytes;
        self.is_damaged |= found.corrupt_bytes > 0;
        let end = log.end();
        let Some(preamble) = read.preamble else {
            return Err(log.corrupt(FILE_HEADER_BYTES, "the segment's preamble is missing"));
        };
        if read.footer.is_none() && !is_last {
            self.damaged(name, end, "the segment's footer is missing")?;
        }
        self.check_continuity(name, preamble.from)?;
        let mut segment = Segment::new(number, name, preamble, log);
        if !preamble.is_merged {
            segment.to = Lsn(preamble.from.0 + read.batches);
            if read.footer.is_some_and(|footer| footer != segment.to) {
                self.damaged(name, end, "the segment's footer tells of other batches")?;
            }
        }
        segment.has_footer = read.footer.is_some();
        self.end = self.end.max(segment.to);
        self.engine.add_segment(segment);
        self.recovery.records += entries.len() as u64;
        for (key, place, is_put) in entries {
            self.engine.enter(&key, place, is_put);
        }
        Ok(())
    }

    /// A segment goes on where the one before it ends.
    fn check_continuity(&mut self, name: &FileName, from: Lsn) -> Result<(), EngineError> {
        if from == self.end || self.options.planted == Planted::HashKeepsCovered {
            return Ok(());
        }
        let what = format!(
            "it begins with batch {}, and the one before it ends at {}",
            from.0, self.end.0
        );
        self.damaged(name, FILE_HEADER_BYTES, &what)
    }

    /// Makes durable what was found, and then removes what crashes have left.
    fn finish(self, files: Files) -> Result<(HashEngine, Recovery), EngineError> {
        let mut engine = self.engine;
        engine.positions = Positions::durable_to(self.end);
        let last = files.segments.last().map_or(0, |name| name.last);
        if self.is_damaged {
            engine.rewrite(self.disk, last.max(1))?;
            engine
                .garbage
                .extend(files.segments.iter().map(FileName::hint));
            let rewritten = FileName::new(&self.options.file_prefix, 1, last.max(1)).segment();
            let replaced = files.segments.iter().map(FileName::segment);
            engine
                .garbage
                .extend(replaced.filter(|name| *name != rewritten));
        }
        // That what covers them has its name must be durable before what is covered goes.
        if self.options.planted != Planted::SkipsDirectorySync {
            self.disk.sync_dir()?;
        }
        engine.garbage.extend(files.left_over);
        engine.remove_garbage(self.disk)?;
        match engine.order.last().copied() {
            Some(last) if !engine.segments[&last].has_footer => {}
            None => engine.begin_segment(self.disk)?,
            Some(last) => {
                // It was opened as one that may have a torn tail, which leaves a mark behind the footer.
                engine.segment_mut(last).log.freeze(self.disk)?;
                engine.begin_segment(self.disk)?;
            }
        }
        Ok((engine, self.recovery))
    }
}
