//! The memtable: what was written lately, in key order, in memory; the log makes it durable.
//!
//! A persistent B+tree ([`imbl::OrdMap`]), so that a fork or a snapshot of the world copies a pointer. Each key has its
//! newest version in place, and older ones behind it only while a snapshot may see them.

use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use imbl::OrdMap;
use imbl::ordmap::RangedIter;

use super::Sequence;
use super::tombstones::Tombstones;
use crate::storage::Bounds;
use crate::storage::keyed::{Key, Probe};

/// What an entry takes besides its key and value, about: for the bound.
const ENTRY_OVERHEAD_BYTES: u64 = 32;

/// See the [module](self).
#[derive(Clone, Default)]
pub(super) struct Memtable {
    rows: OrdMap<Key, Versions>,
    pub(super) tombstones: Tombstones,
    /// Bytes of what was ever put in, replaced versions too: so that a memtable whose keys are written over and over fills
    /// up, and its log does not grow without end.
    pub(super) bytes: u64,
}

/// The versions of one key.
#[derive(Clone, Debug)]
pub(super) struct Versions {
    newest: Version,
    /// The others, the oldest first.
    older: Option<Arc<Vec<Version>>>,
}

/// A sequence number, and the value it wrote; `None` for a delete.
pub(super) type Version = (Sequence, Option<Bytes>);

impl Versions {
    /// All of them, the newest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Version> {
        let older = self.older.iter().flat_map(|older| older.iter().rev());
        std::iter::once(&self.newest).chain(older)
    }

    /// The newest that is no newer than `most`.
    #[inline]
    pub(super) fn visible(&self, most: Sequence) -> Option<&Version> {
        if self.newest.0 <= most {
            return Some(&self.newest);
        }
        self.iter().find(|(sequence, _)| *sequence <= most)
    }
}

impl Memtable {
    /// Whether nothing was ever put in.
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.tombstones.is_empty()
    }

    /// Adds a version. What it replaces is kept only if it may be seen by a snapshot, the newest of which is
    /// `newest_snapshot`.
    #[inline]
    pub(super) fn add(
        &mut self,
        key: Bytes,
        sequence: Sequence,
        value: Option<Bytes>,
        newest_snapshot: Sequence,
    ) {
        let value_bytes = value.as_ref().map_or(0, Bytes::len);
        self.bytes += (key.len() + value_bytes) as u64 + ENTRY_OVERHEAD_BYTES;
        let key = Key::new(key);
        let versions = Versions {
            newest: (sequence, value),
            older: None,
        };
        // Without a snapshot nothing older can be seen, and the map can simply be overwritten.
        if newest_snapshot == Sequence(0) {
            self.rows.insert(key, versions);
            return;
        }
        match self.rows.get_mut(&Probe::new(&key.bytes)) {
            Some(held) => {
                let replaced = std::mem::replace(&mut held.newest, versions.newest);
                if replaced.0 <= newest_snapshot {
                    Arc::make_mut(held.older.get_or_insert_default()).push(replaced);
                }
            }
            None => {
                self.rows.insert(key, versions);
            }
        }
    }

    /// Adds a range delete.
    pub(super) fn add_tombstone(&mut self, from: &Bytes, to: Option<&Bytes>, sequence: Sequence) {
        let bytes = from.len() + to.map_or(0, Bytes::len);
        self.bytes += bytes as u64 + ENTRY_OVERHEAD_BYTES;
        self.tombstones.insert(from, to, sequence);
    }

    /// The newest version of `key` that is no newer than `most`.
    #[inline]
    pub(super) fn get(&self, key: &[u8], most: Sequence) -> Option<&Version> {
        self.rows.get(&Probe::new(key))?.visible(most)
    }

    /// Its keys within bounds, with their versions; from either end.
    pub(super) fn range(&self, bounds: Bounds<'_>) -> MemtableRange<'_> {
        let from = bounds
            .from
            .map_or(Bound::Unbounded, |key| Bound::Included(Probe::new(key)));
        self.range_from(from, bounds.to)
    }

    /// Its keys after `key`.
    pub(super) fn range_after(&self, key: &[u8]) -> MemtableRange<'_> {
        self.range_from(Bound::Excluded(Probe::new(key)), None)
    }

    fn range_from<'a>(&'a self, from: Bound<Probe<'_>>, to: Option<&[u8]>) -> MemtableRange<'a> {
        let to = to.map_or(Bound::Unbounded, |key| Bound::Excluded(Probe::new(key)));
        MemtableRange(self.rows.range((from, to)))
    }

    /// Keys in it.
    pub(super) fn key_count(&self) -> usize {
        self.rows.len()
    }

    /// Bytes it takes in memory, about.
    pub(super) fn memory_bytes(&self) -> u64 {
        self.bytes + (self.rows.len() * size_of::<(Key, Versions)>()) as u64
    }
}

/// See [`Memtable::range`].
pub(super) struct MemtableRange<'a>(
    RangedIter<'a, Key, Versions, imbl::shared_ptr::DefaultSharedPtr>,
);

impl<'a> Iterator for MemtableRange<'a> {
    type Item = (&'a Bytes, &'a Versions);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(key, versions)| (&key.bytes, versions))
    }
}

impl DoubleEndedIterator for MemtableRange<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.0
            .next_back()
            .map(|(key, versions)| (&key.bytes, versions))
    }
}
