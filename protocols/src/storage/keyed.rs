//! Keys as copy-on-write trees hold them: with their first eight bytes as a number. Most comparisons end there, without a
//! look at the heap.
//!
//! A key's head is its first eight bytes, padded with zeros, as a big-endian number; so heads never contradict the order of
//! keys, and keys of equal heads are ordered by their bytes.

use std::cmp::Ordering;

use bytes::Bytes;
use equivalent::{Comparable, Equivalent};

/// A key in a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) head: u64,
    pub(super) bytes: Bytes,
}

impl Key {
    #[inline]
    pub(super) fn new(bytes: Bytes) -> Self {
        let head = head_of(&bytes);
        Self { head, bytes }
    }
}

impl Ord for Key {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        let heads = self.head.cmp(&other.head);
        heads.then_with(|| self.bytes.cmp(&other.bytes))
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A key that is looked for.
pub(super) struct Probe<'a> {
    head: u64,
    bytes: &'a [u8],
}

impl<'a> Probe<'a> {
    #[inline]
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        let head = head_of(bytes);
        Self { head, bytes }
    }
}

impl Equivalent<Key> for Probe<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        self.bytes == key.bytes
    }
}

impl Comparable<Key> for Probe<'_> {
    #[inline]
    fn compare(&self, key: &Key) -> Ordering {
        let heads = self.head.cmp(&key.head);
        heads.then_with(|| self.bytes.cmp(&key.bytes))
    }
}

/// The first eight bytes as a number of the same order.
#[inline]
pub(super) fn head_of(key: &[u8]) -> u64 {
    let head = key.first_chunk::<8>().copied().unwrap_or_else(|| {
        let mut padded = [0; 8];
        padded[..key.len()].copy_from_slice(key);
        padded
    });
    u64::from_be_bytes(head)
}
