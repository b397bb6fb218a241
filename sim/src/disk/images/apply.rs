//! Building the content of a file from what is durable and what survives.

use super::state::{ChangeState, FileState, Fill};
use crate::disk::chunks::Chunks;
use crate::disk::inode::{Damage, Redo, RedoChange};
use crate::{PathKey, Purpose, Seed, fate};

/// Bytes of garbage that one draw gives.
const GARBAGE_BLOCK_BYTES: u64 = 32;

/// Makes on `content`, which is durable, what survives of the changes after it.
pub(super) fn file(content: &mut Chunks, redos: &[Redo], state: &FileState) {
    let mut states = state.changes.iter();
    for redo in redos {
        let whole;
        let kept = if redo.is_choice() {
            states.next().expect("a state for each open change")
        } else {
            whole = ChangeState::whole(redo.byte_count());
            &whole
        };
        change(content, &redo.change, kept, state.fill);
    }
    assert!(states.next().is_none(), "a state of this file");
}

impl Redo {
    pub(super) fn byte_count(&self) -> usize {
        match &self.change {
            RedoChange::Write { bytes, .. } => bytes.len(),
            RedoChange::SetLen { .. } | RedoChange::Damage(_) => 0,
        }
    }
}

fn change(content: &mut Chunks, change: &RedoChange, kept: &ChangeState, fill: Fill) {
    match *change {
        RedoChange::Write {
            len_before,
            offset,
            ref bytes,
        } => {
            let hole = (len_before, offset);
            for range in &kept.kept {
                let at = offset + range.start as u64;
                extend(content, at, hole, fill);
                put(content, at, &bytes[range.clone()]);
            }
            if kept.length {
                extend(content, offset + bytes.len() as u64, hole, fill);
            }
        }
        RedoChange::SetLen { len_before, len } if kept.length => {
            extend(content, len, (len_before, len), fill);
            content.truncate(len);
        }
        RedoChange::SetLen { .. } => {}
        RedoChange::Damage(Damage::Cut { len }) => content.truncate(len.min(content.len())),
        RedoChange::Damage(Damage::Flip { offset, mask }) => {
            let mut byte = [0];
            if content.read(offset, &mut byte) == 1 {
                content.overwrite(offset, &[byte[0] ^ mask]);
            }
        }
    }
}

/// Puts bytes at an offset up to which the file goes.
fn put(content: &mut Chunks, offset: u64, bytes: &[u8]) {
    let over = bytes.len().min((content.len() - offset) as usize);
    content.overwrite(offset, &bytes[..over]);
    content.append(&bytes[over..]);
}

/// Makes the file at least `len` bytes long. What the program meant to be a hole is zeros; what it meant to hold
/// something, and does not, is `fill`.
fn extend(content: &mut Chunks, len: u64, (hole_from, hole_to): (u64, u64), fill: Fill) {
    extend_with(content, len.min(hole_from), fill);
    extend_with(content, len.min(hole_to), Fill::Zeros);
    extend_with(content, len, fill);
}

fn extend_with(content: &mut Chunks, len: u64, fill: Fill) {
    if len <= content.len() {
        return;
    }
    match fill {
        Fill::Zeros => content.extend_with_zeros(len),
        Fill::Garbage(key) => {
            while content.len() < len {
                let at = content.len();
                let block = garbage(key, at / GARBAGE_BLOCK_BYTES);
                let within = (at % GARBAGE_BLOCK_BYTES) as usize;
                let count = ((len - at) as usize).min(block.len() - within);
                content.append(&block[within..within + count]);
            }
        }
    }
}

/// The garbage of one block, whatever stands before it.
fn garbage(key: u64, block: u64) -> [u8; GARBAGE_BLOCK_BYTES as usize] {
    let drawn = fate(Seed(key), PathKey(block), 0, 0, Purpose::Disk);
    let mut bytes = [0; GARBAGE_BLOCK_BYTES as usize];
    let words = [drawn.path().0, drawn.delay(), drawn.loss(), drawn.spare()];
    for (place, word) in bytes.chunks_exact_mut(8).zip(words) {
        place.copy_from_slice(&word.to_le_bytes());
    }
    bytes
}
