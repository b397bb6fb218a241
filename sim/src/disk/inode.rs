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
    /// What became of changes that can't be forgotten, since changes before them are lost: up to each number, and after
    /// the one before it. Empty unless a sync of the file has failed.
    marks: Vec<(Sequence, Standing)>,
    /// There are marks or damage, so that a crash does not just take back what is in the undo log.
    pub(super) is_eventful: bool,
}

/// A change to a file that is not durable yet.
#[derive(Clone, Debug)]
struct Undo {
    sequence: Sequence,
    /// When the change was made. A crash before this instant means that it never was.
    at: Instant,
    change: Change,
}

/// What a crash may do to a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It may survive.
    Open,
    /// It survives.
    Durable,
    /// It does not survive: a sync of it has failed.
    Lost,
}

/// A change in the form in which it can be made again.
#[derive(Clone, Debug)]
pub(super) struct Redo {
    pub(super) at: Instant,
    pub(super) standing: Standing,
    pub(super) change: RedoChange,
}

#[derive(Clone, Debug)]
pub(super) enum RedoChange {
    /// Bytes were put at `offset`; what lay between the end of the file and them became a hole.
    Write {
        len_before: u64,
        offset: u64,
        bytes: Arc<[u8]>,
    },
    /// The file was cut, or got a hole at its end.
    SetLen { len_before: u64, len: u64 },
    /// Something happened to what lies on the disk.
    Damage(Damage),
}

/// What happens to bytes that lie on a disk, whoever wrote them and however durable they were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Damage {
    /// Bits are flipped.
    Flip { offset: u64, mask: u8 },
    /// What is behind this length is gone.
    Cut { len: u64 },
}

/// A change, as what is needed to take it back.
#[derive(Clone, Debug)]
enum Change {
    /// The file grew: by a hole up to `data_from`, and by bytes behind it.
    Extended { len_before: u64, data_from: u64 },
    /// Bytes were overwritten, and then the file may have grown.
    Overwritten {
        offset: u64,
        before: Arc<[u8]>,
        len_before: u64,
    },
    /// The end was cut off.
    Cut(Arc<Tail>),
    /// Bits were flipped.
    Flipped { offset: u64, mask: u8 },
    /// The end was lost.
    Lost(Arc<Tail>),
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
            marks: Vec::new(),
            is_eventful: false,
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
        let change = Change::Extended {
            len_before,
            data_from: len_before,
        };
        self.changed(change, bytes.len() as u64, sequence, at);
    }

    /// Puts `bytes` at `offset`; a gap is filled with zeros.
    pub(super) fn write_at(&mut self, offset: u64, bytes: &[u8], sequence: Sequence, at: Instant) {
        let len_before = self.content.len();
        if offset >= len_before {
            self.content.extend_with_zeros(offset);
            self.content.append(bytes);
            let grown = self.content.len() - len_before;
            let change = Change::Extended {
                len_before,
                data_from: offset,
            };
            self.changed(change, grown, sequence, at);
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
            Change::Extended {
                len_before,
                data_from: len,
            }
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
        if !self.marks.is_empty() {
            self.mark(covered, Standing::Durable);
            return;
        }
        while self.undo.front().is_some_and(|u| u.sequence <= covered) {
            self.undo.pop_front();
        }
    }

    /// A sync of what was changed up to `failed` has failed: no later sync brings to the device what was not durable
    /// then, though it is read for now. What was changed up to `kept` is an earlier sync's, which may still complete.
    pub(super) fn lose(&mut self, kept: Sequence, failed: Sequence) {
        self.sync_begun();
        self.is_eventful = true;
        if kept > Sequence::default() {
            self.mark(kept, Standing::Open);
        }
        if failed > kept {
            self.mark(failed, Standing::Lost);
        }
    }

    /// A sync has failed, and what was changed after `kept` and up to now is no longer read either.
    pub(super) fn revert(&mut self, kept: Sequence) {
        let mut damages = Vec::new();
        while self.undo.back().is_some_and(|undo| undo.sequence > kept) {
            let Some(undo) = self.undo.pop_back() else {
                break;
            };
            if let RedoChange::Damage(damage) = self.redo_of(&undo.change) {
                damages.push((damage, undo.sequence, undo.at));
            }
            self.undo_one(undo.change);
        }
        for (damage, sequence, at) in damages.into_iter().rev() {
            self.damage(damage, sequence, at);
        }
        self.sync_begun();
    }

    /// Remembers what became of the changes up to `bound`; a sync that was begun earlier may say so later.
    fn mark(&mut self, bound: Sequence, standing: Standing) {
        let place = self.marks.partition_point(|(known, _)| *known < bound);
        match self.marks.get_mut(place) {
            Some((known, before)) if *known == bound => {
                if *before == Standing::Open {
                    *before = standing;
                }
            }
            _ => self.marks.insert(place, (bound, standing)),
        }
    }

    fn standing(&self, sequence: Sequence) -> Standing {
        let after = self.marks.partition_point(|(bound, _)| *bound < sequence);
        self.marks
            .get(after)
            .map_or(Standing::Open, |(_, standing)| *standing)
    }

    /// Something happens to what lies on the disk.
    pub(super) fn damage(&mut self, damage: Damage, sequence: Sequence, at: Instant) {
        let len = self.content.len();
        let change = match damage {
            Damage::Flip { offset, mask } if offset < len => {
                self.flip(offset, mask);
                Change::Flipped { offset, mask }
            }
            Damage::Cut { len: left } if left < len => {
                Change::Lost(Arc::new(self.content.cut(left)))
            }
            _ => return,
        };
        self.is_eventful = true;
        self.changed(change, 0, sequence, at);
    }

    fn flip(&mut self, offset: u64, mask: u8) {
        let mut byte = [0];
        self.content.read(offset, &mut byte);
        byte[0] ^= mask;
        self.content.overwrite(offset, &byte);
    }

    /// Takes back all that is not durable, the newest first.
    pub(super) fn crash(&mut self) {
        while let Some(undo) = self.undo.pop_back() {
            self.undo_one(undo.change);
        }
        self.sync_begun();
    }

    /// Takes back all that is in the undo log, and returns it in the order in which it was made.
    pub(super) fn unwind(&mut self) -> Vec<Redo> {
        let mut redos = Vec::with_capacity(self.undo.len());
        while let Some(undo) = self.undo.pop_back() {
            redos.push(Redo {
                at: undo.at,
                standing: self.standing(undo.sequence),
                change: self.redo_of(&undo.change),
            });
            self.undo_one(undo.change);
        }
        self.sync_begun();
        self.marks.clear();
        self.is_eventful = false;
        redos.reverse();
        redos
    }

    /// The newest change in the form in which it can be made again.
    fn redo_of(&self, change: &Change) -> RedoChange {
        let len = self.content.len();
        match *change {
            Change::Extended {
                len_before,
                data_from,
            } if data_from == len => RedoChange::SetLen { len_before, len },
            Change::Extended {
                len_before,
                data_from: offset,
            } => RedoChange::Write {
                len_before,
                offset,
                bytes: self.bytes(offset, len),
            },
            Change::Overwritten {
                offset,
                ref before,
                len_before,
            } => {
                let end = if len > len_before {
                    len
                } else {
                    offset + before.len() as u64
                };
                RedoChange::Write {
                    len_before,
                    offset,
                    bytes: self.bytes(offset, end),
                }
            }
            Change::Cut(ref tail) => RedoChange::SetLen {
                len_before: len + tail.len(),
                len,
            },
            Change::Flipped { offset, mask } => RedoChange::Damage(Damage::Flip { offset, mask }),
            Change::Lost(_) => RedoChange::Damage(Damage::Cut { len }),
        }
    }

    fn bytes(&self, from: u64, to: u64) -> Arc<[u8]> {
        let mut bytes = vec![0; (to - from) as usize];
        self.content.read(from, &mut bytes);
        bytes.into()
    }

    fn undo_one(&mut self, change: Change) {
        match change {
            Change::Extended { len_before, .. } => self.content.truncate(len_before),
            Change::Overwritten {
                offset,
                before,
                len_before,
            } => {
                self.content.overwrite(offset, &before);
                self.content.truncate(len_before);
            }
            Change::Cut(tail) | Change::Lost(tail) => self.content.restore(&tail),
            Change::Flipped { offset, mask } => self.flip(offset, mask),
        }
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
