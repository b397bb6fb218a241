//! The sparse index: one key for each data block.
//!
//! In memory it is laid out for searching: what all keys have in common is kept once, and of the rest of each key the
//! first eight bytes are a number in a row of numbers, so that most steps of a search look at nothing else.

use std::cmp::Ordering;

use bytes::Bytes;

use super::super::block::{Ascent, Block, BlockBuilder, common_prefix};
use super::super::{Sequence, varint};
use super::can_be_sealed;
use crate::storage::frame::FILE_HEADER_BYTES;
use crate::storage::keyed::head_of;

/// Separators and extents of the data blocks of a table.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    /// What all separators begin with.
    prefix: Vec<u8>,
    /// The rest of each, one after the other.
    rests: Vec<u8>,
    /// Where each ends in `rests`.
    rest_ends: Vec<u32>,
    /// The first eight bytes of each rest.
    heads: Vec<u64>,
    /// Where each data block ends in the file.
    block_ends: Vec<u64>,
}

impl Index {
    pub(super) fn block_count(&self) -> usize {
        self.block_ends.len()
    }

    /// Where a data block begins and ends in the file.
    pub(super) fn extent(&self, index: usize) -> (u64, u64) {
        let begin = match index.checked_sub(1) {
            Some(before) => self.block_ends[before],
            None => FILE_HEADER_BYTES,
        };
        (begin, self.block_ends[index])
    }

    /// The first data block whose separator is not less than `key`: the first that may have the key or one after it.
    #[inline]
    pub(super) fn seek(&self, key: &[u8]) -> usize {
        let most = key.len().min(self.prefix.len());
        match key[..most].cmp(&self.prefix) {
            Ordering::Less => 0,
            Ordering::Greater => self.block_count(),
            Ordering::Equal => self.seek_rest(&key[self.prefix.len()..]),
        }
    }

    fn seek_rest(&self, rest: &[u8]) -> usize {
        let head = head_of(rest);
        let mut low = self.heads.partition_point(|&other| other < head);
        let high = low + self.heads[low..].partition_point(|&other| other == head);
        if low == high {
            return low;
        }
        let mut high = high;
        while low < high {
            let middle = low.midpoint(high);
            if self.rest(middle) < rest {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    pub(super) fn separator(&self, index: usize) -> Vec<u8> {
        [&self.prefix, self.rest(index)].concat()
    }

    fn rest(&self, index: usize) -> &[u8] {
        let begin = index
            .checked_sub(1)
            .map_or(0, |before| self.rest_ends[before]);
        &self.rests[begin as usize..self.rest_ends[index] as usize]
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.prefix.len() + self.rests.len() + self.block_ends.len() * (4 + 8 + 8)
    }

    /// An index of these separators, each with the length of its data block.
    fn new(separators: &[(Vec<u8>, u64)]) -> Option<Self> {
        let mut index = Self::default();
        if let (Some((first, _)), Some((last, _))) = (separators.first(), separators.last()) {
            index.prefix = first[..common_prefix(first, last)].to_vec();
        }
        let mut end = FILE_HEADER_BYTES;
        for (separator, bytes) in separators {
            let rest = separator.strip_prefix(&index.prefix[..])?;
            index.rests.extend_from_slice(rest);
            index.rest_ends.push(u32::try_from(index.rests.len()).ok()?);
            index.heads.push(head_of(rest));
            end = end.checked_add(*bytes)?;
            index.block_ends.push(end);
        }
        Some(index)
    }

    /// Reads an index whose data blocks must end at `data_end`; `None` if it is not well formed. No bytes: no blocks.
    pub(super) fn decode(content: Bytes, data_end: u64) -> Option<Self> {
        let mut separators: Vec<(Vec<u8>, u64)> = Vec::new();
        if !content.is_empty() {
            let mut ascent = Ascent::new(Block::new(content).ok()?, Vec::new()).ok()?;
            while let Some(entry) = ascent.entry() {
                let value = ascent.block.bytes(entry.value.clone()?);
                let (bytes, _) = varint::read(value, 0)?;
                if !can_be_sealed(bytes)
                    || separators
                        .last()
                        .is_some_and(|(last, _)| *last > ascent.key)
                {
                    return None;
                }
                separators.push((ascent.key.clone(), bytes));
                ascent.advance().ok()?;
            }
        }
        let index = Self::new(&separators)?;
        let ends_at = index
            .block_ends
            .last()
            .copied()
            .unwrap_or(FILE_HEADER_BYTES);
        (ends_at == data_end).then_some(index)
    }
}

/// Separators as a table is written.
#[derive(Clone, Debug)]
pub(super) struct IndexBuilder {
    block: BlockBuilder,
    is_empty: bool,
}

impl IndexBuilder {
    pub(super) fn new(restart_interval: usize) -> Self {
        Self {
            block: BlockBuilder::new(restart_interval),
            is_empty: true,
        }
    }

    /// Adds a data block of this length, sealed, behind which `separator` stands.
    pub(super) fn add(&mut self, separator: &[u8], sealed_bytes: u64) {
        let mut value = Vec::with_capacity(4);
        varint::push(sealed_bytes, &mut value);
        self.block.add(separator, Sequence(0), Some(&value));
        self.is_empty = false;
    }

    /// The content of the index block.
    pub(super) fn finish(&mut self) -> Bytes {
        if self.is_empty {
            return Bytes::new();
        }
        self.block.finish(Bytes::copy_from_slice)
    }
}

/// The shortest key that is not less than `last` and less than `next`, which is greater; `last` itself where it is equal.
pub(super) fn separator<'a>(last: &'a [u8], next: &'a [u8]) -> &'a [u8] {
    let common = common_prefix(last, next);
    // One byte more of the next key is greater than the last key, and less than the next unless it is all of it.
    if common + 1 < next.len() && common + 1 < last.len() {
        return &next[..=common];
    }
    last
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn a_key() -> impl Strategy<Value = Vec<u8>> {
        proptest::collection::vec(
            prop_oneof![Just(0_u8), Just(b'a'), Just(b'b'), Just(0xff)],
            0..12,
        )
    }

    proptest! {
        #[test]
        fn a_separator_stands_between(a in a_key(), b in a_key()) {
            let (last, next) = if a < b { (a, b) } else { (b, a) };
            let between = separator(&last, &next);
            prop_assert!(*between >= *last && between.len() <= last.len());
            prop_assert!(*between < *next || last == next);
        }

        #[test]
        fn a_search_finds_the_first_separator_that_is_not_less(
            mut keys in proptest::collection::vec(a_key(), 0..20),
            common in a_key(),
            probe in a_key(),
        ) {
            keys.sort();
            let with_prefix = |key: &[u8]| [&common, key].concat();
            let mut builder = IndexBuilder::new(3);
            for key in &keys {
                builder.add(&with_prefix(key), 100);
            }
            let data_end = FILE_HEADER_BYTES + 100 * keys.len() as u64;
            let content = builder.finish();
            prop_assert!(Index::decode(content.clone(), data_end + 1).is_none());
            let index = Index::decode(content, data_end).unwrap();
            for probe in [with_prefix(&probe), probe] {
                let expected = keys.iter().position(|key| with_prefix(key) >= probe);
                prop_assert_eq!(index.seek(&probe), expected.unwrap_or(keys.len()));
            }
            for (i, key) in keys.iter().enumerate() {
                prop_assert_eq!(index.separator(i), with_prefix(key));
            }
        }
    }
}
