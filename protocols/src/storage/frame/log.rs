//! A file of frames, open for appending and reading.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::Bytes;
use seedbed_sim::{Disk, DiskError, FileHandle, OpenMode, SyncTicket};

use super::recover::{OnFrame, Recoverer, name_in_the_making};
use super::window::Window;
use super::{
    BadEnd, FILE_HEADER_BYTES, FRAME_HEADER_BYTES, FRAME_OVERHEAD_BYTES, FileKind, FrameHead,
    FrameOptions, PAYLOAD_BYTES_MAX, RecoveredLog, TRAILER_BYTES, begin_frame, check_file_header,
    file_header, finish_frame, frame_bytes, is_whole, payload_bytes, payload_of, u32_at,
};
use crate::storage::{EngineError, Planted};

/// Syncs under way whose extent is remembered. Of more than that the oldest are forgotten, which is safe: less is
/// known to be durable than is.
const PENDING_SYNCS_MAX: usize = 256;

/// A file of frames. See the [module](super) for its bytes and its promises.
///
/// Offsets are bytes from the file's beginning. The disk is an argument of every call and must be the same each time.
#[derive(Debug)]
pub struct FrameLog {
    name: Arc<str>,
    file: FileHandle,
    end: u64,
    /// The end of the last frame that has a payload.
    data_end: u64,
    durable: u64,
    /// Syncs under way, oldest first, each with what it covers.
    pending: VecDeque<(SyncTicket, u64)>,
    poisoned: bool,
    planted: Planted,
    written_bytes: u64,
    /// The frame being built. Kept for its capacity.
    buffer: Vec<u8>,
    window: Window,
}

impl Clone for FrameLog {
    /// A copy for a fork of the world; what is in the buffers is worth nothing to it.
    fn clone(&self) -> Self {
        Self {
            name: self.name.clone(),
            file: self.file,
            end: self.end,
            data_end: self.data_end,
            durable: self.durable,
            pending: self.pending.clone(),
            poisoned: self.poisoned,
            planted: self.planted,
            written_bytes: self.written_bytes,
            buffer: Vec::new(),
            window: self.window.clone(),
        }
    }
}

impl FrameLog {
    /// Opens the file `name`, or makes it, and hands every payload in it to `on_frame` in order, with the offset of
    /// its frame. `on_frame` may refuse a payload by saying what is wrong with it, which is then corruption.
    ///
    /// All that was found is durable when this returns (of a frozen file: unless it was salvaged, until the caller has synced
    /// the directory).
    pub fn open<'a>(
        disk: &'a mut dyn Disk,
        name: &'a str,
        kind: &FileKind,
        options: impl Into<FrameOptions>,
        on_frame: &'a mut OnFrame<'a>,
    ) -> Result<(Self, RecoveredLog), EngineError> {
        let options = options.into();
        let file = match disk.open(name, OpenMode::Existing) {
            Ok(file) => file,
            Err(DiskError::NotFound(_)) => create(disk, name, kind)?,
            Err(error) => return Err(error.into()),
        };
        let mut header = [0; FILE_HEADER_BYTES as usize];
        let got = disk.read_at(file, 0, &mut header)?;
        check_file_header(kind, name, &header[..got])?;
        let len = disk.len(file)?;
        let mut window = Window::default();
        window.reset();
        let found = Recoverer {
            disk: &mut *disk,
            name,
            file,
            len,
            window,
            options,
            on_frame,
        }
        .run()?;
        // What was frozen was durable before it got its name.
        if options.bad_end == BadEnd::IsTorn {
            disk.sync(found.file)?;
            if options.planted != Planted::SkipsDirectorySync {
                disk.sync_dir()?;
            }
        }
        let mut log = Self {
            data_end: found.data_end,
            ..Self::at(found.file, name, found.report.end, options)
        };
        if !found.is_marked && options.bad_end == BadEnd::IsTorn {
            log.mark(disk)?;
        }
        let report = RecoveredLog {
            end: log.end,
            ..found.report
        };
        Ok((log, report))
    }

    /// Makes the file `name` under its name in the making, with nothing but its header, for [`FrameLog::publish`] to give
    /// it its name. What an earlier attempt has left is removed.
    pub fn create_unpublished(
        disk: &mut dyn Disk,
        name: &str,
        kind: &FileKind,
        options: impl Into<FrameOptions>,
    ) -> Result<Self, EngineError> {
        let file = create_in_the_making(disk, name, kind)?;
        Ok(Self::at(file, name, FILE_HEADER_BYTES, options.into()))
    }

    /// Makes a file in the making durable and gives it its name, in the place of the file that has it now, if there is
    /// one. That it has the name is not durable until the caller has synced the directory. Nothing may be appended any more.
    pub fn publish(&mut self, disk: &mut dyn Disk) -> Result<(), EngineError> {
        self.freeze(disk)?;
        disk.rename(&name_in_the_making(&self.name), &self.name)?;
        Ok(())
    }

    /// Gives up a file in the making. The disk has refused something already: what it refuses now is left lying, and is in
    /// nobody's way.
    pub fn abandon(self, disk: &mut dyn Disk) {
        let _ = disk.close(self.file);
        let _ = disk.remove(&name_in_the_making(&self.name));
    }

    /// Opens a file that was frozen or published and is `end` bytes long, without reading its frames.
    ///
    /// # Errors
    /// [`EngineError::Corrupt`] when it has another length.
    pub fn open_frozen(
        disk: &mut dyn Disk,
        name: &str,
        kind: &FileKind,
        end: u64,
        options: impl Into<FrameOptions>,
    ) -> Result<Self, EngineError> {
        let file = disk.open(name, OpenMode::Existing)?;
        let mut header = [0; FILE_HEADER_BYTES as usize];
        let got = disk.read_at(file, 0, &mut header)?;
        check_file_header(kind, name, &header[..got])?;
        let log = Self::at(file, name, end, options.into());
        let len = disk.len(file)?;
        if len != end {
            return Err(log.corrupt(len.min(end), "the file has another length than was written"));
        }
        Ok(log)
    }

    /// A log of `end` bytes, all of them durable.
    fn at(file: FileHandle, name: &str, end: u64, options: FrameOptions) -> Self {
        Self {
            name: name.into(),
            file,
            end,
            data_end: end,
            durable: end,
            pending: VecDeque::new(),
            poisoned: false,
            planted: options.planted,
            written_bytes: 0,
            buffer: Vec::new(),
            window: Window::default(),
        }
    }

    /// Makes all frames so far durable, to the last byte of the file: there is no mark behind them. Nothing may be
    /// appended any more.
    pub fn freeze(&mut self, disk: &mut dyn Disk) -> Result<(), EngineError> {
        self.check_poison()?;
        disk.sync(self.file)
            .map_err(|error| self.poisoned_by(error))?;
        self.durable = self.end;
        Ok(())
    }

    /// Gives the file's handle back.
    pub fn close(self, disk: &mut dyn Disk) -> Result<(), EngineError> {
        Ok(disk.close(self.file)?)
    }

    /// Lets go of the buffers, which the next use makes again.
    pub fn shrink(&mut self) {
        self.buffer = Vec::new();
        self.window.shrink();
    }

    /// `len` bytes of the file from `offset`, in one read and unchecked; fewer if it ends before.
    pub fn read_raw(
        &mut self,
        disk: &mut dyn Disk,
        offset: u64,
        len: usize,
    ) -> Result<Vec<u8>, EngineError> {
        self.check_poison()?;
        let mut bytes = vec![0; len];
        let got = disk.read_at(self.file, offset, &mut bytes)?;
        bytes.truncate(got);
        self.window.read_bytes += got as u64;
        Ok(bytes)
    }

    /// Appends one frame with `payload` and returns the offset where the frame begins.
    pub fn append(&mut self, disk: &mut dyn Disk, payload: &[u8]) -> Result<u64, EngineError> {
        self.append_with(disk, |out| out.extend_from_slice(payload))
    }

    /// Appends one frame, whose payload `fill` pushes to the buffer it gets (and must leave what is there), and returns
    /// the offset where the frame begins. An empty payload is legal, but reading passes over it.
    pub fn append_with(
        &mut self,
        disk: &mut dyn Disk,
        fill: impl FnOnce(&mut Vec<u8>),
    ) -> Result<u64, EngineError> {
        self.check_poison()?;
        begin_frame(&mut self.buffer);
        fill(&mut self.buffer);
        let payload_bytes = payload_bytes(&self.buffer);
        if payload_bytes > PAYLOAD_BYTES_MAX {
            return Err(EngineError::BatchTooLong(payload_bytes));
        }
        let offset = self.append_buffer(disk)?;
        self.data_end = self.end;
        Ok(offset)
    }

    /// Makes all frames so far durable, and waits for it.
    pub fn sync(&mut self, disk: &mut dyn Disk) -> Result<(), EngineError> {
        self.check_poison()?;
        if self.data_end <= self.durable {
            return Ok(());
        }
        if self.planted != Planted::AcknowledgesBeforeSync {
            disk.sync(self.file)
                .map_err(|error| self.poisoned_by(error))?;
        }
        self.durable = self.end;
        self.mark(disk)
    }

    /// Begins to make all frames so far durable; `None` if they are already. When the host brings the ticket back,
    /// tell [`FrameLog::on_synced`].
    pub fn sync_later(&mut self, disk: &mut dyn Disk) -> Result<Option<SyncTicket>, EngineError> {
        self.check_poison()?;
        if self.data_end <= self.durable {
            return Ok(None);
        }
        let ticket = disk
            .sync_later(self.file)
            .map_err(|error| self.poisoned_by(error))?;
        if self.pending.len() == PENDING_SYNCS_MAX {
            self.pending.pop_front();
        }
        self.pending.push_back((ticket, self.end));
        Ok(Some(ticket))
    }

    /// A sync that [`FrameLog::sync_later`] began is done. Returns how many bytes of the file are now known to be
    /// durable; a ticket of another file changes nothing.
    pub fn on_synced(&mut self, ticket: SyncTicket) -> u64 {
        let covered = self.pending.iter().find(|(known, _)| *known == ticket);
        if let Some(&(_, covered)) = covered {
            self.durable = self.durable.max(covered);
            let durable = self.durable;
            self.pending.retain(|&(_, covered)| covered > durable);
        }
        self.durable
    }

    /// Writes down how much is durable, if no frame says so yet, by a frame without payload: the proof that damage
    /// before it is not a torn tail. [`FrameLog::sync`] and opening do it; after [`FrameLog::on_synced`] the next frame
    /// says it, so a call is worth its cost only when none is to follow soon.
    pub fn mark(&mut self, disk: &mut dyn Disk) -> Result<(), EngineError> {
        self.check_poison()?;
        if self.durable < self.data_end || self.end > self.data_end {
            return Ok(());
        }
        begin_frame(&mut self.buffer);
        match self.append_buffer(disk) {
            // A full disk takes no mark. What the mark would have said stays true.
            Ok(_) | Err(EngineError::Disk(DiskError::Full(_) | DiskError::Write { .. })) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Cuts the file to `end`, which must be the offset of a frame or the end of the file, and syncs, so that what
    /// was cut off can't come back between frames appended later.
    pub fn truncate(&mut self, disk: &mut dyn Disk, end: u64) -> Result<(), EngineError> {
        self.check_poison()?;
        assert!(
            (FILE_HEADER_BYTES..=self.end).contains(&end),
            "cut to {end} a file of {}",
            self.end
        );
        self.cut(disk, end)
    }

    /// The payload of the frame that begins at `offset`.
    pub fn read(&mut self, disk: &mut dyn Disk, offset: u64) -> Result<Bytes, EngineError> {
        self.check_poison()?;
        self.window.reset();
        let frame = self.frame_at(disk, offset)?;
        Ok(Bytes::copy_from_slice(payload_of(frame)))
    }

    /// Walks the frames from the one that begins at `from` to the end of the file, until `on_frame` breaks.
    pub fn walk<T>(
        &mut self,
        disk: &mut dyn Disk,
        from: u64,
        mut on_frame: impl FnMut(u64, &[u8]) -> ControlFlow<T>,
    ) -> Result<Option<T>, EngineError> {
        self.check_poison()?;
        self.window.reset();
        let mut at = from;
        while at < self.end {
            let frame = self.frame_at(disk, at)?;
            let next = at + frame.len() as u64;
            if frame.len() > FRAME_OVERHEAD_BYTES
                && let ControlFlow::Break(found) = on_frame(at, payload_of(frame))
            {
                return Ok(Some(found));
            }
            at = next;
        }
        Ok(None)
    }

    /// Walks the frames backwards from the one that ends at `end` to the first, until `on_frame` breaks.
    pub fn walk_back<T>(
        &mut self,
        disk: &mut dyn Disk,
        end: u64,
        mut on_frame: impl FnMut(u64, &[u8]) -> ControlFlow<T>,
    ) -> Result<Option<T>, EngineError> {
        self.check_poison()?;
        self.window.reset();
        let mut end = end;
        while end > FILE_HEADER_BYTES {
            let (at, frame) = self.frame_before(disk, end)?;
            if frame.len() > FRAME_OVERHEAD_BYTES
                && let ControlFlow::Break(found) = on_frame(at, payload_of(frame))
            {
                return Ok(Some(found));
            }
            end = at;
        }
        Ok(None)
    }

    /// Reads the whole file and checks every frame, and with `on_frame` every payload.
    pub fn verify(
        &mut self,
        disk: &mut dyn Disk,
        kind: &FileKind,
        on_frame: &mut OnFrame<'_>,
    ) -> Result<(), EngineError> {
        self.check_poison()?;
        let mut header = [0; FILE_HEADER_BYTES as usize];
        let got = disk.read_at(self.file, 0, &mut header)?;
        check_file_header(kind, &self.name, &header[..got])?;
        let len = disk.len(self.file)?;
        if len != self.end {
            return Err(self.corrupt(
                len.min(self.end),
                "the file has another length than was written",
            ));
        }
        let bad = self.walk(disk, FILE_HEADER_BYTES, |at, payload| {
            on_frame(at, payload).map_or_else(
                |what| ControlFlow::Break((at, what)),
                |()| ControlFlow::Continue(()),
            )
        })?;
        match bad {
            None => Ok(()),
            Some((at, what)) => Err(self.corrupt(at, &what)),
        }
    }

    /// The file's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The end of the file: where the next frame will begin.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// The end of the last frame that has a payload.
    pub fn data_end(&self) -> u64 {
        self.data_end
    }

    /// How many bytes of the file are known to be durable.
    pub fn durable(&self) -> u64 {
        self.durable
    }

    /// Whether a sync has failed, after which every call is refused.
    pub fn is_poisoned(&self) -> bool {
        self.poisoned
    }

    /// Bytes written to the file since it was opened.
    pub fn written_bytes(&self) -> u64 {
        self.written_bytes
    }

    /// Bytes read from the file since it was opened, but for recovery.
    pub fn read_bytes(&self) -> u64 {
        self.window.read_bytes
    }

    /// That the content of the file at `offset` is not what was written.
    pub fn corrupt(&self, offset: u64, what: &str) -> EngineError {
        EngineError::Corrupt {
            file: self.name.to_string(),
            offset,
            what: what.to_owned(),
        }
    }

    fn check_poison(&self) -> Result<(), EngineError> {
        if self.poisoned {
            return Err(EngineError::Poisoned);
        }
        Ok(())
    }

    fn poisoned_by(&mut self, error: DiskError) -> EngineError {
        self.poisoned = self.planted != Planted::SwallowsFailedSyncs;
        error.into()
    }

    fn append_buffer(&mut self, disk: &mut dyn Disk) -> Result<u64, EngineError> {
        let offset = self.end;
        let synced = match self.planted {
            Planted::MarksTooMuch => offset,
            _ => self.durable,
        };
        let frame = finish_frame(&mut self.buffer, offset, synced);
        let frame_bytes = frame.len() as u64;
        match disk.append(self.file, frame) {
            Ok(at) if at == offset => {}
            Ok(_) => {
                self.poisoned = true;
                return Err(self.corrupt(offset, "somebody else has written to the file"));
            }
            Err(DiskError::Killed) => return Err(DiskError::Killed.into()),
            Err(error) if self.planted == Planted::LeavesTornAppends => return Err(error.into()),
            Err(error) => {
                self.cut(disk, offset)?;
                return Err(error.into());
            }
        }
        self.end += frame_bytes;
        self.written_bytes += frame_bytes;
        Ok(offset)
    }

    fn cut(&mut self, disk: &mut dyn Disk, end: u64) -> Result<(), EngineError> {
        let cut = disk
            .truncate(self.file, end)
            .and_then(|()| disk.sync(self.file));
        cut.map_err(|error| self.poisoned_by(error))?;
        self.end = end;
        self.data_end = self.data_end.min(end);
        self.durable = end;
        self.pending.clear();
        Ok(())
    }

    fn frame_at(&mut self, disk: &mut dyn Disk, at: u64) -> Result<&[u8], EngineError> {
        assert!(
            (FILE_HEADER_BYTES..self.end).contains(&at),
            "a frame at {at} in a file of {}",
            self.end
        );
        let bytes = self.window.ahead(disk, self.file, at, FRAME_HEADER_BYTES)?;
        let head = (bytes.len() == FRAME_HEADER_BYTES)
            .then(|| FrameHead::read(bytes, at, self.end))
            .flatten();
        let Some(head) = head else {
            return Err(self.corrupt(at, "no frame begins here"));
        };
        self.window.ahead(disk, self.file, at, head.frame_bytes)?;
        self.checked(at, head.frame_bytes)
    }

    fn frame_before(&mut self, disk: &mut dyn Disk, end: u64) -> Result<(u64, &[u8]), EngineError> {
        let trailer_at = end - TRAILER_BYTES as u64;
        let trailer = self
            .window
            .back(disk, self.file, trailer_at, TRAILER_BYTES)?;
        let frame_bytes = (trailer.len() == TRAILER_BYTES)
            .then(|| frame_bytes(u32_at(trailer, 0)))
            .flatten()
            .filter(|&frame_bytes| frame_bytes as u64 <= end - FILE_HEADER_BYTES);
        let Some(frame_bytes) = frame_bytes else {
            return Err(self.corrupt(trailer_at, "no frame ends here"));
        };
        let at = end - frame_bytes as u64;
        self.window.back(disk, self.file, at, frame_bytes)?;
        Ok((at, self.checked(at, frame_bytes)?))
    }

    /// The frame of this length at `at`, which is in the window, if it is whole.
    fn checked(&self, at: u64, frame_bytes: usize) -> Result<&[u8], EngineError> {
        let frame = self.window.slice(at, frame_bytes);
        if frame.len() != frame_bytes || !is_whole(frame, at, self.planted) {
            return Err(self.corrupt(at, "the frame fails its checksum"));
        }
        Ok(frame)
    }
}

/// Makes the file `name` with nothing but its header. When it has the name, the header is durable; that it has the name
/// is not, until the caller has synced the directory.
fn create(disk: &mut dyn Disk, name: &str, kind: &FileKind) -> Result<FileHandle, DiskError> {
    let file = create_in_the_making(disk, name, kind)?;
    disk.sync(file)?;
    disk.rename(&name_in_the_making(name), name)?;
    Ok(file)
}

/// Makes a file with nothing but its header under the name that `name` has in the making.
fn create_in_the_making(
    disk: &mut dyn Disk,
    name: &str,
    kind: &FileKind,
) -> Result<FileHandle, DiskError> {
    let new_name = name_in_the_making(name);
    remove_if_there(disk, &new_name)?;
    let file = disk.open(&new_name, OpenMode::CreateNew)?;
    match disk.append(file, &file_header(kind)) {
        Ok(_) => Ok(file),
        Err(error) => {
            // The disk has refused already; what can't be removed either is passed over from now on.
            let _ = disk.close(file);
            let _ = disk.remove(&new_name);
            Err(error)
        }
    }
}

/// Removes what an attempt that was cut short has left.
pub(in crate::storage) fn remove_if_there(
    disk: &mut dyn Disk,
    name: &str,
) -> Result<(), DiskError> {
    match disk.remove(name) {
        Err(DiskError::NotFound(_)) => Ok(()),
        other => other,
    }
}
