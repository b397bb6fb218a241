//! Log shipping: a part of one engine's log, to be applied to another engine of the same kind.
//!
//! A slice holds the engine's own bytes, so it is of use to an engine of the same form alone; an engine of another kind
//! or version refuses it by name. (What follows from that for upgrades without a stop is *Designing Data-Intensive
//! Applications*' case against shipping write-ahead logs, chapter 5.)
//!
//! ```text
//!   origin  ── log_since(from) ──►  LogSlice { format, from, to, bytes, crc }  ── apply_log ──►  copy
//!                                     │ from is past the copy's end      refused: a gap
//!                                     │ to is not past the copy's end    nothing to do
//!                                     └ overlapping                      only what is new is applied
//! ```
//!
//! An engine that has applied another's log from the beginning has the same positions as it.

use bytes::Bytes;

use super::frame::FileKind;
use super::{EngineError, Lsn};

/// Consecutive batches of one engine's log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LogSlice {
    /// The form of the bytes: the magic of the engine's log files.
    pub magic: [u8; 8],
    /// The form's version.
    pub version: u32,
    /// Where it begins.
    pub from: Lsn,
    /// Where it ends. The same as `from`: there is nothing new.
    pub to: Lsn,
    /// The engine's own bytes.
    pub bytes: Bytes,
    /// CRC-32 (IEEE) of all of the above, numbers little-endian.
    pub crc: u32,
}

impl LogSlice {
    /// A slice of an engine whose files are of this kind.
    pub fn new(kind: &FileKind, from: Lsn, to: Lsn, bytes: Bytes) -> Self {
        assert!(from <= to, "a slice from {from:?} to {to:?}");
        let mut slice = Self {
            magic: kind.magic,
            version: kind.version,
            from,
            to,
            bytes,
            crc: 0,
        };
        slice.crc = slice.computed_crc();
        slice
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.from == self.to
    }

    /// Checks that it is whole, of this kind, and leaves no gap behind `end`, the end of the log it is to be applied to.
    ///
    /// # Errors
    /// [`EngineError::LogDamaged`], [`EngineError::LogForeign`], [`EngineError::LogGap`].
    pub fn check(&self, kind: &FileKind, end: Lsn) -> Result<(), EngineError> {
        if self.crc != self.computed_crc() || self.from > self.to {
            return Err(EngineError::LogDamaged);
        }
        if (self.magic, self.version) != (kind.magic, kind.version) {
            return Err(EngineError::LogForeign {
                found: format!("\"{}\" version {}", self.magic.escape_ascii(), self.version),
                expected: format!("\"{}\" version {}", kind.magic.escape_ascii(), kind.version),
            });
        }
        if self.from > end {
            return Err(EngineError::LogGap {
                end,
                from: self.from,
            });
        }
        Ok(())
    }

    fn computed_crc(&self) -> u32 {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&self.magic);
        hasher.update(&self.version.to_le_bytes());
        hasher.update(&self.from.0.to_le_bytes());
        hasher.update(&self.to.0.to_le_bytes());
        hasher.update(&self.bytes);
        hasher.finalize()
    }
}

/// Batches one after the other, each behind its length (u32, little-endian): the bytes of a slice of an engine whose log
/// is made of payloads.
#[derive(Debug, Default)]
pub(super) struct Payloads(Vec<u8>);

impl Payloads {
    pub(super) fn push(&mut self, payload: &[u8]) {
        // A payload is bounded by what fits in a frame.
        self.0
            .extend_from_slice(&(payload.len() as u32).to_le_bytes());
        self.0.extend_from_slice(payload);
    }

    /// Whether so many more bytes fit; the first payload always does.
    pub(super) fn has_room_for(&self, payload_bytes: usize, max_bytes: usize) -> bool {
        self.0.is_empty() || self.0.len() + 4 + payload_bytes <= max_bytes
    }

    pub(super) fn into_bytes(self) -> Bytes {
        self.0.into()
    }

    /// Takes them apart again.
    pub(super) fn iter(bytes: &[u8]) -> impl Iterator<Item = Result<&[u8], EngineError>> {
        let mut rest = bytes;
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let taken = rest
                .split_first_chunk::<4>()
                .and_then(|(len, after)| after.split_at_checked(u32::from_le_bytes(*len) as usize));
            let Some((payload, after)) = taken else {
                rest = &[];
                return Some(Err(EngineError::LogDamaged));
            };
            rest = after;
            Some(Ok(payload))
        })
    }
}
