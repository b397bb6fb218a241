//! One file: what was written, and an undo log of what is not durable yet.

use std::collections::VecDeque;
use std::sync::Arc;

use super::chunks::{Chunks, Tail};
use crate::Instant;

/// A file is written back at the latest when it has this many changes that no sync has been begun for.
const UNSYNCED_CHANGES_MAX: u32 = 1 << 16;

/// Where a change stands among all changes of one disk, from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Sequence(pub(super) u64);

/// A file without its name: it lives as long as a name, a handle, or a name that may yet come back refers to it.
#[derive(Clone, Debug)]
pub(super) struct Inode {
    /// The name it was last known by, for error messages.
    pub(super) name: Arc<str>,
    /// What was written.
    pub(super) content: Chunks,
    /// How to get from what was written to what is durable; the newest change is at the back.
    undo: VecDeque<Undo>,
    /// A name in the directory refers to it.
    pub(super) named: bool,
    /// Handles open on it.
    pub(super) handles: u32,
    /// Directory changes that would bring its name back.
    pub(super) kept: u32,
    unsynced_bytes: u64,
    unsynced_changes: u32,
}

/// A change to a file that is not durable yet.
#[derive(Clone, Debug)]
struct Undo {
    sequence: Sequence,
    /// When the change was made. A crash before this instant means that it never was.
    #[expect(
        dead_code,
        reason = "crashes that keep a part of what is not durable read it"
    )]
    at: Instant,
    change: Change,
}

/// A change, as what is needed to take it back.
#[derive(Clone, Debug)]
enum Change {
    /// The file grew, from this length.
    Extended(u64),
    /// Bytes were overwritten, and then the file may have grown.
    Overwritten {
        offset: u64,
        before: Arc<[u8]>,
        len_before: u64,
    },
    /// The end was cut off.
    Cut(Arc<Tail>),
}

impl Inode {
    pub(super) fn new(name: Arc<str>) -> Self {
        Self {
            name,
            content: Chunks::default(),
            undo: VecDeque::new(),
            named: true,
            handles: 0,
            kept: 0,
            unsynced_bytes: 0,
            unsynced_changes: 0,
        }
    }

    /// Nothing refers to it, now or after a crash.
    pub(super) fn is_garbage(&self) -> bool {
        !self.named && self.handles == 0 && self.kept == 0
    }

    /// It takes space: a removed file does until its last handle is closed.
    pub(super) fn takes_space(&self) -> bool {
        self.named || self.handles > 0
    }

    /// Adds `bytes` at the end.
    #[inline]
    pub(super) fn append(&mut self, bytes: &[u8], sequence: Sequence, at: Instant) {
        let len_before = self.content.len();
        self.content.append(bytes);
        let change = Change::Extended(len_before);
        self.changed(change, bytes.len() as u64, sequence, at);
    }

    /// Puts `bytes` at `offset`; a gap is filled with zeros.
    pub(super) fn write_at(&mut self, offset: u64, bytes: &[u8], sequence: Sequence, at: Instant) {
        let len_before = self.content.len();
        if offset >= len_before {
            self.content.extend_with_zeros(offset);
            self.content.append(bytes);
            let grown = self.content.len() - len_before;
            self.changed(Change::Extended(len_before), grown, sequence, at);
            return;
        }
        let covered = bytes
            .len()
            .min(usize::try_from(len_before - offset).unwrap_or(usize::MAX));
        let mut before = vec![0; covered];
        self.content.read(offset, &mut before);
        self.content.overwrite(offset, &bytes[..covered]);
        self.content.append(&bytes[covered..]);
        let change = Change::Overwritten {
            offset,
            before: before.into(),
            len_before,
        };
        self.changed(change, bytes.len() as u64, sequence, at);
    }

    /// Makes it `len` bytes long, which it is not.
    pub(super) fn set_len(&mut self, len: u64, sequence: Sequence, at: Instant) {
        let len_before = self.content.len();
        let change = if len < len_before {
            Change::Cut(Arc::new(self.content.cut(len)))
        } else {
            self.content.extend_with_zeros(len);
            Change::Extended(len_before)
        };
        self.changed(change, len.abs_diff(len_before), sequence, at);
    }

    /// A sync is begun: returns how many bytes it has to bring to the device.
    pub(super) fn sync_begun(&mut self) -> u64 {
        self.unsynced_changes = 0;
        std::mem::take(&mut self.unsynced_bytes)
    }

    /// So much is not on its way to the device that the disk should begin a sync by itself.
    #[inline]
    pub(super) fn wants_writeback(&self, writeback_bytes: u64) -> bool {
        self.unsynced_bytes >= writeback_bytes || self.unsynced_changes >= UNSYNCED_CHANGES_MAX
    }

    /// What was changed up to `covered` is durable.
    #[inline]
    pub(super) fn settle(&mut self, covered: Sequence) {
        while self.undo.front().is_some_and(|u| u.sequence <= covered) {
            self.undo.pop_front();
        }
    }

    /// Takes back all that is not durable, the newest first.
    pub(super) fn crash(&mut self) {
        while let Some(undo) = self.undo.pop_back() {
            match undo.change {
                Change::Extended(len_before) => self.content.truncate(len_before),
                Change::Overwritten {
                    offset,
                    before,
                    len_before,
                } => {
                    self.content.overwrite(offset, &before);
                    self.content.truncate(len_before);
                }
                Change::Cut(tail) => self.content.restore(&tail),
            }
        }
        self.sync_begun();
    }

    #[inline]
    fn changed(&mut self, change: Change, bytes: u64, sequence: Sequence, at: Instant) {
        self.unsynced_bytes += bytes;
        self.unsynced_changes += 1;
        self.undo.push_back(Undo {
            sequence,
            at,
            change,
        });
    }
}
