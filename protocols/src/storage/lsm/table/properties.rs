//! What is known of a table without reading its data blocks.
//!
//! ```text
//!   entries · tombstones · smallest sequence · greatest · bytes of keys and values · flags (1: the largest key is not
//!   within) · length of the smallest key · smallest key · length of the largest key · largest key          (varints)
//! ```

use bytes::Bytes;

use super::super::{Sequence, varint};

/// From the smallest key to the largest, of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyRange {
    /// The smallest key.
    pub smallest: Bytes,
    /// The largest key.
    pub largest: Bytes,
    /// Where the range ends.
    pub end: RangeEnd,
}

/// Where a [`KeyRange`] ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RangeEnd {
    /// The largest key is within.
    #[default]
    Inclusive,
    /// The largest key is not within: a range delete ends there.
    Exclusive,
    /// It has no end: a range delete goes past the last key, and the largest key says nothing.
    Unbounded,
}

impl KeyRange {
    /// Whether all of it stands before `key`.
    #[inline]
    pub fn is_before(&self, key: &[u8]) -> bool {
        match self.end {
            RangeEnd::Inclusive => *self.largest < *key,
            RangeEnd::Exclusive => *self.largest <= *key,
            RangeEnd::Unbounded => false,
        }
    }

    /// Whether `key` is within.
    #[inline]
    pub fn contains(&self, key: &[u8]) -> bool {
        *self.smallest <= *key && !self.is_before(key)
    }

    /// Whether there are keys in both.
    pub fn overlaps(&self, other: &Self) -> bool {
        !self.is_before(&other.smallest) && !other.is_before(&self.smallest)
    }

    /// The least range over both.
    pub fn hull(&self, other: &Self) -> Self {
        let smallest = self.smallest.clone().min(other.smallest.clone());
        let (largest, end) = match (self.end, other.end) {
            (RangeEnd::Unbounded, _) | (_, RangeEnd::Unbounded) => {
                (Bytes::new(), RangeEnd::Unbounded)
            }
            // An inclusive end reaches further than an exclusive one at the same key.
            (a, b) => {
                let rank = |end| u8::from(end == RangeEnd::Inclusive);
                let (key, rank) = (&self.largest, rank(a)).max((&other.largest, rank(b)));
                let end = if rank == 1 {
                    RangeEnd::Inclusive
                } else {
                    RangeEnd::Exclusive
                };
                (key.clone(), end)
            }
        };
        Self {
            smallest,
            largest,
            end,
        }
    }
}

/// See the [module](self).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Properties {
    /// Versions, tombstones included.
    pub(crate) entries: u64,
    /// Tombstones of single keys.
    pub(crate) tombstones: u64,
    /// The least sequence number of its entries and range deletes.
    pub(crate) oldest: Sequence,
    /// The greatest.
    pub(crate) newest: Sequence,
    /// Bytes of keys and values.
    pub(crate) raw_bytes: u64,
    /// The keys it covers.
    pub(crate) range: KeyRange,
}

impl Properties {
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let end = match self.range.end {
            RangeEnd::Inclusive => 0,
            RangeEnd::Exclusive => 1,
            RangeEnd::Unbounded => 2,
        };
        for number in [
            self.entries,
            self.tombstones,
            self.oldest.0,
            self.newest.0,
            self.raw_bytes,
            end,
        ] {
            varint::push(number, out);
        }
        for key in [&self.range.smallest, &self.range.largest] {
            varint::push(key.len() as u64, out);
            out.extend_from_slice(key);
        }
    }

    pub(super) fn decode(bytes: &Bytes) -> Option<Self> {
        let mut at = 0;
        let mut number = || {
            let (number, after) = varint::read(bytes, at)?;
            at = after;
            Some(number)
        };
        let mut properties = Self {
            entries: number()?,
            tombstones: number()?,
            oldest: Sequence(number()?),
            newest: Sequence(number()?),
            raw_bytes: number()?,
            range: KeyRange::default(),
        };
        let end = match number()? {
            0 => RangeEnd::Inclusive,
            1 => RangeEnd::Exclusive,
            2 => RangeEnd::Unbounded,
            _ => return None,
        };
        let mut key = || {
            let (len, after) = varint::read_len(bytes, at)?;
            at = after.checked_add(len).filter(|&end| end <= bytes.len())?;
            Some(bytes.slice(after..at))
        };
        properties.range = KeyRange {
            smallest: key()?,
            largest: key()?,
            end,
        };
        (at == bytes.len()).then_some(properties)
    }
}
