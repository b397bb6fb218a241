//! Reading a file of frames back: the frames that are whole, and what the first that is not means.

use super::window::Window;
use super::{
    BadEnd, FILE_HEADER_BYTES, FRAME_HEADER_BYTES, FrameHead, FrameOptions, OnCorruption,
    RecoveredLog, begin_frame, finish_frame, is_whole, payload_of,
};
use crate::storage::EngineError;
use seedbed_sim::{Disk, DiskError, FileHandle, OpenMode};

/// What is done with each payload as it is read: its frame's offset, and the payload. An error says what is wrong.
pub type OnFrame<'a> = dyn FnMut(u64, &[u8]) -> Result<(), String> + 'a;

/// A file being recovered.
pub(super) struct Recoverer<'a> {
    pub(super) disk: &'a mut dyn Disk,
    pub(super) name: &'a str,
    pub(super) file: FileHandle,
    /// The length of the file.
    pub(super) len: u64,
    pub(super) window: Window,
    pub(super) options: FrameOptions,
    pub(super) on_frame: &'a mut OnFrame<'a>,
}

/// What recovery leaves: the handle of the file (another one after a salvage) and where its frames end.
pub(super) struct Recovered {
    pub(super) file: FileHandle,
    pub(super) report: RecoveredLog,
    /// The end of the last frame that has a payload.
    pub(super) data_end: u64,
    /// Whether the last frame says that everything before it was durable.
    pub(super) is_marked: bool,
}

/// The most that any whole frame of the file `name` says was durable, whatever is wrong with other frames. Changes nothing.
pub(in crate::storage) fn claimed_durable(
    disk: &mut dyn Disk,
    name: &str,
    options: FrameOptions,
) -> Result<u64, EngineError> {
    let file = disk.open(name, OpenMode::Existing)?;
    let len = disk.len(file)?;
    let mut recoverer = Recoverer {
        disk: &mut *disk,
        name,
        file,
        len,
        window: Window::default(),
        options,
        on_frame: &mut |_, _| Ok(()),
    };
    recoverer.window.reset();
    let (mut at, mut most) = (FILE_HEADER_BYTES, 0);
    while let Some((offset, head)) = recoverer.next_frame(at)? {
        most = most.max(head.synced);
        at = offset + head.frame_bytes as u64;
    }
    disk.close(file)?;
    Ok(most)
}

/// The file name under which a file is made before it gets its own.
pub(super) fn name_in_the_making(name: &str) -> String {
    format!("{name}.new")
}

impl Recoverer<'_> {
    /// Reads all frames, and mends the file if it must. The caller syncs the file and the directory.
    pub(super) fn run(mut self) -> Result<Recovered, EngineError> {
        let mut found = Recovered {
            file: self.file,
            report: RecoveredLog::default(),
            data_end: FILE_HEADER_BYTES,
            is_marked: true,
        };
        let mut at = FILE_HEADER_BYTES;
        while let Some(head) = self.frame_at(at)? {
            let has_payload = head.frame_bytes > super::FRAME_OVERHEAD_BYTES;
            if has_payload {
                self.deliver(at, at, head)?;
                found.report.frames += 1;
                found.data_end = at + head.frame_bytes as u64;
            }
            found.is_marked = !has_payload && head.synced >= found.data_end;
            at += head.frame_bytes as u64;
        }
        found.report.end = at;
        found.report.read_bytes = self.window.read_bytes;
        if at == self.len {
            return Ok(found);
        }
        let why = if self.options.bad_end == BadEnd::IsCorrupt {
            Some("no whole frame begins here, and the file was complete")
        } else if self.was_durable(at)? {
            Some("no whole frame begins here, and later frames say that this part was durable")
        } else {
            None
        };
        if let Some(why) = why {
            return match self.options.on_corruption {
                OnCorruption::Refuse => Err(self.corrupt(at, why)),
                OnCorruption::Salvage => self.salvage(found),
            };
        }
        found.report.torn_bytes = self.len - at;
        found.report.read_bytes = self.window.read_bytes;
        self.disk.truncate(self.file, at)?;
        Ok(found)
    }

    /// The head of the frame at `at`, if a whole one is there.
    fn frame_at(&mut self, at: u64) -> Result<Option<FrameHead>, DiskError> {
        let bytes = self
            .window
            .ahead(self.disk, self.file, at, FRAME_HEADER_BYTES)?;
        if bytes.len() < FRAME_HEADER_BYTES {
            return Ok(None);
        }
        let Some(head) = FrameHead::read(bytes, at, self.len) else {
            return Ok(None);
        };
        let frame = self
            .window
            .ahead(self.disk, self.file, at, head.frame_bytes)?;
        let whole = frame.len() == head.frame_bytes && is_whole(frame, at, self.options.planted);
        Ok(whole.then_some(head))
    }

    /// The first whole frame that begins at `from` or later.
    fn next_frame(&mut self, from: u64) -> Result<Option<(u64, FrameHead)>, DiskError> {
        let mut at = from;
        while at + FRAME_HEADER_BYTES as u64 <= self.len {
            if let Some(head) = self.frame_at(at)? {
                return Ok(Some((at, head)));
            }
            at += 1;
        }
        Ok(None)
    }

    /// Whether a frame after the bad one at `bad` says that `bad` was durable.
    fn was_durable(&mut self, bad: u64) -> Result<bool, DiskError> {
        let mut at = bad + 1;
        while let Some((offset, head)) = self.next_frame(at)? {
            if head.synced > bad {
                return Ok(true);
            }
            at = offset + head.frame_bytes as u64;
        }
        Ok(false)
    }

    /// Hands on the payload of the frame at `at`, which was found whole and will be known as the one at `known_as`.
    fn deliver(&mut self, at: u64, known_as: u64, head: FrameHead) -> Result<(), EngineError> {
        let frame = self
            .window
            .ahead(self.disk, self.file, at, head.frame_bytes)?;
        (self.on_frame)(known_as, payload_of(frame)).map_err(|what| self.corrupt(at, &what))
    }

    /// Writes a new file of all whole frames and puts it in the place of the damaged one.
    fn salvage(mut self, mut found: Recovered) -> Result<Recovered, EngineError> {
        let new_name = name_in_the_making(self.name);
        super::log::remove_if_there(self.disk, &new_name)?;
        let new = self.disk.open(&new_name, OpenMode::CreateNew)?;
        let mut end = found.report.end;
        self.copy(new, end)?;
        let mut at = end;
        let mut buffer = Vec::new();
        while let Some((offset, head)) = self.next_frame(at)? {
            found.report.corrupt_bytes += offset - at;
            at = offset + head.frame_bytes as u64;
            if head.frame_bytes == super::FRAME_OVERHEAD_BYTES {
                continue;
            }
            self.deliver(offset, end, head)?;
            found.report.frames += 1;
            begin_frame(&mut buffer);
            let frame = self
                .window
                .ahead(self.disk, self.file, offset, head.frame_bytes)?;
            buffer.extend_from_slice(payload_of(frame));
            let frame = finish_frame(&mut buffer, end, FILE_HEADER_BYTES);
            self.disk.append(new, frame)?;
            end += frame.len() as u64;
        }
        found.report.torn_bytes = self.len - at;
        found.report.read_bytes = self.window.read_bytes;
        self.disk.sync(new)?;
        self.disk.rename(&new_name, self.name)?;
        self.disk.close(self.file)?;
        found.file = new;
        found.report.end = end;
        found.data_end = end;
        found.is_marked = false;
        Ok(found)
    }

    /// Copies the file up to `end` to the file `to`.
    fn copy(&mut self, to: FileHandle, end: u64) -> Result<(), DiskError> {
        let mut at = 0;
        while at < end {
            let want = (end - at).min(super::window::CHUNK_BYTES_MAX as u64) as usize;
            let bytes = self.window.ahead(self.disk, self.file, at, want)?.to_vec();
            self.disk.append(to, &bytes)?;
            at += want as u64;
        }
        Ok(())
    }

    fn corrupt(&self, offset: u64, what: &str) -> EngineError {
        EngineError::Corrupt {
            file: self.name.to_owned(),
            offset,
            what: what.to_owned(),
        }
    }
}
