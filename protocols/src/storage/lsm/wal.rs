//! The logs: one for each memtable, so that a log can be removed as soon as its memtable is a table.
//!
//! ```text
//!   lsm-00000007.log   frames of `frame`, magic "seedblsw", version 1
//!     first payload    0u8 · position of the log's beginning u64 · sequence before its first change u64 ·
//!                      number of the log before u64 · where the last frame with a payload ends there u64
//!     other payloads   1u8 · sequence of the first change u64 · the changes, as `batch` writes them
//! ```
//!
//! # One log after the other
//!
//! Recovery must find a prefix of what was written, across logs too: of what a crash tore off the end of one log, nothing
//! later may be left in the next. So each log says where the one before ended. If that one is shorter now, its end was not
//! durable; then nothing in this log was promised either, since `LsmEngine::sync_logs` syncs the older log first; and all of it is cut
//! off with the torn tail. Unless a frame in it proves that something was durable: then the older log is not torn but damaged.

use std::ops::ControlFlow;

use seedbed_sim::{Disk, OpenMode, SyncTicket};

use super::{FileNumber, Sequence};
use crate::storage::frame::{FILE_HEADER_BYTES, FileKind, FrameLog, FrameOptions, claimed_durable};
use crate::storage::shipping::Payloads;
use crate::storage::{Change, EngineError, Lsn, Planted, batch};

/// What the header of a log says.
pub const LOG_KIND: FileKind = FileKind {
    magic: *b"seedblsw",
    version: 1,
    name: "a log of an LSM tree",
};

const TAG_BEGIN: u8 = 0;
const TAG_BATCH: u8 = 1;
const BEGIN_BYTES: usize = 1 + 4 * 8;
/// Bytes before the changes of a batch.
pub(super) const BATCH_HEAD_BYTES: usize = 1 + 8;

/// What a log says of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct LogBegin {
    /// The position where it begins.
    pub(super) lsn: Lsn,
    /// The last sequence number before it.
    pub(super) sequence: Sequence,
    /// The log before it, and where that one's last frame ends.
    pub(super) before: FileNumber,
    pub(super) before_end: u64,
}

impl LogBegin {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(TAG_BEGIN);
        for number in [self.lsn.0, self.sequence.0, self.before.0, self.before_end] {
            out.extend_from_slice(&number.to_le_bytes());
        }
    }

    fn decode(payload: &[u8]) -> Option<Self> {
        if payload.len() != BEGIN_BYTES {
            return None;
        }
        let number = |i: usize| {
            let at = 1 + 8 * i;
            u64::from_le_bytes(payload[at..at + 8].try_into().expect("eight bytes"))
        };
        Some(Self {
            lsn: Lsn(number(0)),
            sequence: Sequence(number(1)),
            before: FileNumber(number(2)),
            before_end: number(3),
        })
    }
}

/// One log.
#[derive(Clone, Debug)]
pub(super) struct Wal {
    pub(super) number: FileNumber,
    pub(super) frames: FrameLog,
    pub(super) begin: LogBegin,
    /// Batches in it.
    pub(super) batches: u64,
}

impl Wal {
    /// The position of its end.
    pub(super) fn end(&self) -> Lsn {
        Lsn(self.begin.lsn.0 + self.batches)
    }

    /// Makes a log that follows another.
    pub(super) fn create(
        disk: &mut dyn Disk,
        name: &str,
        number: FileNumber,
        begin: LogBegin,
        options: FrameOptions,
    ) -> Result<Self, EngineError> {
        let mut nothing =
            |_, _: &[u8]| Err("a log that was just made has something in it".to_owned());
        let (frames, _) = FrameLog::open(disk, name, &LOG_KIND, options, &mut nothing)?;
        let mut wal = Self {
            number,
            frames,
            begin,
            batches: 0,
        };
        wal.frames.append_with(disk, |out| begin.encode(out))?;
        Ok(wal)
    }

    /// Appends a batch whose first change has the number `first`.
    pub(super) fn append(
        &mut self,
        disk: &mut dyn Disk,
        first: Sequence,
        batch: &[Change],
    ) -> Result<(), EngineError> {
        self.frames.append_with(disk, |out| {
            out.push(TAG_BATCH);
            out.extend_from_slice(&first.0.to_le_bytes());
            batch::encode(batch, out);
        })?;
        self.batches += 1;
        Ok(())
    }

    /// Whether everything in it is known to be durable.
    pub(super) fn is_durable(&self) -> bool {
        self.frames.data_end() <= self.frames.durable()
    }

    /// What this log would have to say of the one before, if the next one began now.
    pub(super) fn successor(&self, sequence: Sequence) -> LogBegin {
        LogBegin {
            lsn: self.end(),
            sequence,
            before: self.number,
            before_end: self.frames.data_end(),
        }
    }

    /// A sync is done.
    pub(super) fn on_synced(&mut self, ticket: SyncTicket) {
        self.frames.on_synced(ticket);
    }

    /// Closes and removes it.
    pub(super) fn remove(self, disk: &mut dyn Disk) -> Result<(), EngineError> {
        let name = self.frames.name().to_owned();
        self.frames.close(disk)?;
        Ok(disk.remove(&name)?)
    }
}

/// A payload as it stands in a log.
pub(super) enum Payload<'a> {
    Begin(LogBegin),
    Batch(Sequence, &'a [u8]),
}

/// Takes a payload apart.
pub(super) fn decode(payload: &[u8]) -> Result<Payload<'_>, String> {
    let bad = || "a payload of a log is not well formed".to_owned();
    match payload.first() {
        Some(&TAG_BEGIN) => LogBegin::decode(payload)
            .map(Payload::Begin)
            .ok_or_else(bad),
        Some(&TAG_BATCH) => {
            let (head, changes) = payload.split_at_checked(BATCH_HEAD_BYTES).ok_or_else(bad)?;
            let first = u64::from_le_bytes(head[1..].try_into().expect("eight bytes"));
            Ok(Payload::Batch(Sequence(first), changes))
        }
        _ => Err(bad()),
    }
}

/// What is done with each batch as it is read: the number of its first change, and the changes. An error says what is wrong.
pub(super) type OnBatch<'a> = dyn FnMut(Sequence, &[u8]) -> Result<(), String> + 'a;

/// What recovery of one log found.
pub(super) struct RecoveredWal {
    /// The log; `None`: nothing in it was promised, and it is empty now.
    pub(super) wal: Option<Wal>,
    pub(super) torn_bytes: u64,
    pub(super) corrupt_bytes: u64,
    pub(super) read_bytes: u64,
}

/// Opens a log and hands its batches to `on_batch`. `before` is the log before it and where that one's last frame ends, if
/// it is still there: this one must follow it. Of the logs in `lost` nothing is left.
pub(super) fn recover(
    disk: &mut dyn Disk,
    name: &str,
    number: FileNumber,
    before: Option<&Wal>,
    lost: &[FileNumber],
    options: FrameOptions,
    on_batch: &mut OnBatch<'_>,
) -> Result<RecoveredWal, EngineError> {
    let is_salvage = options.on_corruption == crate::storage::frame::OnCorruption::Salvage;
    let mut begin = None;
    let mut batches = 0;
    let mut is_torn_off = false;
    let mut on_frame = |_, payload: &[u8]| match decode(payload)? {
        Payload::Begin(said) => {
            begin = Some(said);
            if is_salvage || options.planted == Planted::LsmTrustsNextLog {
                return Ok(());
            }
            let is_next = before.is_none_or(|before| before.number == said.before);
            let is_short = before.is_some_and(|before| before.frames.data_end() < said.before_end);
            is_torn_off = lost.contains(&said.before) || is_next && is_short;
            match is_next && !is_torn_off {
                true => Ok(()),
                false => Err("the log before it is gone".to_owned()),
            }
        }
        Payload::Batch(first, changes) => {
            if begin.is_none() && !is_salvage {
                return Err("a log begins in its middle".to_owned());
            }
            batches += 1;
            on_batch(first, changes)
        }
    };
    let opened = FrameLog::open(disk, name, &LOG_KIND, options, &mut on_frame);
    if is_torn_off {
        return cut_off(disk, name, options);
    }
    let (frames, found) = opened?;
    if begin.is_none() && batches > 0 {
        // A salvage of what has lost its beginning: it follows what there is.
        begin = Some(
            before
                .map(|before| before.successor(Sequence(0)))
                .unwrap_or_default(),
        );
    }
    let wal = begin.map(|begin| Wal {
        number,
        frames,
        begin,
        batches,
    });
    Ok(RecoveredWal {
        wal,
        torn_bytes: found.torn_bytes,
        corrupt_bytes: found.corrupt_bytes,
        read_bytes: found.read_bytes,
    })
}

/// Empties a log whose forerunner has lost its end, unless it proves that the forerunner's end was durable.
fn cut_off(
    disk: &mut dyn Disk,
    name: &str,
    options: FrameOptions,
) -> Result<RecoveredWal, EngineError> {
    if claimed_durable(disk, name, options)? > FILE_HEADER_BYTES {
        return Err(EngineError::Corrupt {
            file: name.to_owned(),
            offset: FILE_HEADER_BYTES,
            what: "the log before this one has lost its end, and this one says that it was durable"
                .to_owned(),
        });
    }
    let file = disk.open(name, OpenMode::Existing)?;
    let torn_bytes = disk.len(file)? - FILE_HEADER_BYTES;
    disk.truncate(file, FILE_HEADER_BYTES)?;
    disk.sync(file)?;
    disk.close(file)?;
    Ok(RecoveredWal {
        wal: None,
        torn_bytes,
        corrupt_bytes: 0,
        read_bytes: torn_bytes,
    })
}

impl Wal {
    /// Pushes the batches after `to` to `payloads` and moves `to` on; false once no more fits.
    pub(super) fn ship(
        &mut self,
        disk: &mut dyn Disk,
        to: &mut Lsn,
        payloads: &mut Payloads,
        max_bytes: usize,
    ) -> Result<bool, EngineError> {
        let mut passed = to.0 - self.begin.lsn.0;
        let shipped = self
            .frames
            .walk(disk, FILE_HEADER_BYTES, |offset, payload| {
                let changes = match decode(payload) {
                    Ok(Payload::Batch(_, changes)) => changes,
                    Ok(Payload::Begin(_)) => return ControlFlow::Continue(()),
                    Err(what) => return ControlFlow::Break(Some((offset, what))),
                };
                if passed > 0 {
                    passed -= 1;
                    return ControlFlow::Continue(());
                }
                if !payloads.has_room_for(changes.len(), max_bytes) {
                    return ControlFlow::Break(None);
                }
                payloads.push(changes);
                to.0 += 1;
                ControlFlow::Continue(())
            })?;
        match shipped {
            None => Ok(true),
            Some(None) => Ok(false),
            Some(Some((offset, what))) => Err(self.frames.corrupt(offset, &what)),
        }
    }
}
