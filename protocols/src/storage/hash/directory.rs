//! The key directory: a hash table that grows one bucket at a time, and that copies share until one of them writes.
//!
//! It grows by *linear hashing* (Litwin, *Linear Hashing: A New Tool for File and Table Addressing*, VLDB 1980): when
//! buckets have become full on average, the next one in turn is split in two, so no insertion has to move the whole table.
//!
//! ```text
//!   buckets  0  1  2  3 | 4  5          6 buckets: 4 of the last round, of which 0 and 1 have been split into 4 and 5
//!            └──┬──┘ └┬┘                a key's bucket is its hash modulo 8 if that exists, and modulo 4 if not
//!             split   split next: 2
//! ```
//!
//! Nothing that can be seen hangs on the order of its entries but the work of a scan, and that order is the same on every
//! platform.

use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

/// The average number of entries in a bucket above which the table grows.
const ENTRIES_PER_BUCKET: usize = 12;

/// Where a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) offset: u64,
    pub(super) segment: u32,
    /// Its length.
    pub(super) bytes: u32,
}

#[derive(Clone, Debug)]
struct Entry {
    key: Arc<[u8]>,
    place: Place,
    hash: u32,
}

/// Each key's newest record. A clone copies one pointer.
#[derive(Clone, Debug)]
pub(super) struct Directory {
    buckets: Arc<Vec<Arc<Vec<Entry>>>>,
    keys: usize,
    key_bytes: u64,
}

impl Default for Directory {
    fn default() -> Self {
        Self {
            buckets: Arc::new(vec![Arc::default()]),
            keys: 0,
            key_bytes: 0,
        }
    }
}

fn hash_of(key: &[u8]) -> u32 {
    xxh3_64(key) as u32
}

impl Directory {
    pub(super) fn len(&self) -> u64 {
        self.keys as u64
    }

    pub(super) fn get(&self, key: &[u8]) -> Option<Place> {
        let hash = hash_of(key);
        let bucket = &self.buckets[self.bucket_of(hash)];
        let found = bucket.iter().find(|entry| entry.is(key, hash));
        found.map(|entry| entry.place)
    }

    /// Sets where a key is; returns where it was.
    pub(super) fn insert(&mut self, key: &[u8], place: Place) -> Option<Place> {
        let hash = hash_of(key);
        let bucket = self.bucket_mut(hash);
        if let Some(entry) = bucket.iter_mut().find(|entry| entry.is(key, hash)) {
            return Some(std::mem::replace(&mut entry.place, place));
        }
        bucket.push(Entry {
            key: key.into(),
            place,
            hash,
        });
        self.keys += 1;
        self.key_bytes += key.len() as u64;
        if self.keys > self.buckets.len() * ENTRIES_PER_BUCKET {
            self.split();
        }
        None
    }

    /// Forgets a key; returns where it was.
    pub(super) fn remove(&mut self, key: &[u8]) -> Option<Place> {
        self.get(key)?;
        let hash = hash_of(key);
        let bucket = self.bucket_mut(hash);
        let at = bucket.iter().position(|entry| entry.is(key, hash))?;
        let entry = bucket.swap_remove(at);
        self.keys -= 1;
        self.key_bytes -= key.len() as u64;
        Some(entry.place)
    }

    /// Sets where a key is, if it still is where it was; returns whether it was.
    pub(super) fn repoint(&mut self, key: &[u8], from: Place, to: Place) -> bool {
        let is_there = self.get(key) == Some(from);
        if is_there {
            self.insert(key, to);
        }
        is_there
    }

    /// All keys, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Arc<[u8]>, Place)> {
        let entries = self.buckets.iter().flat_map(|bucket| bucket.iter());
        entries.map(|entry| (&entry.key, entry.place))
    }

    /// Bytes of memory it takes, but for what the allocator adds. What is shared with a copy counts in both.
    pub(super) fn memory_bytes(&self) -> u64 {
        const ARC_BYTES: usize = 2 * size_of::<usize>();
        let of_bucket = ARC_BYTES + size_of::<Vec<Entry>>() + size_of::<Arc<Vec<Entry>>>();
        let entries: usize = self.buckets.iter().map(|bucket| bucket.capacity()).sum();
        let fixed = self.buckets.len() * of_bucket + entries * size_of::<Entry>();
        (fixed + self.keys * ARC_BYTES) as u64 + self.key_bytes
    }

    /// Every key is in its bucket and there once, and the counts are right.
    pub(super) fn verify(&self) {
        let (mut keys, mut key_bytes) = (0, 0);
        for (index, bucket) in self.buckets.iter().enumerate() {
            for entry in bucket.iter() {
                assert_eq!(
                    entry.hash,
                    hash_of(&entry.key),
                    "the hash of {:?}",
                    entry.key
                );
                assert_eq!(
                    self.bucket_of(entry.hash),
                    index,
                    "the bucket of {:?}",
                    entry.key
                );
                let alike = bucket.iter().filter(|other| other.key == entry.key);
                assert_eq!(alike.count(), 1, "{:?} is there twice", entry.key);
                keys += 1;
                key_bytes += entry.key.len() as u64;
            }
        }
        assert_eq!((keys, key_bytes), (self.keys, self.key_bytes), "the counts");
    }

    fn bucket_of(&self, hash: u32) -> usize {
        let count = self.buckets.len();
        let round = 1 << count.ilog2();
        let hash = hash as usize;
        let wide = hash & (2 * round - 1);
        if wide < count {
            wide
        } else {
            hash & (round - 1)
        }
    }

    fn bucket_mut(&mut self, hash: u32) -> &mut Vec<Entry> {
        let index = self.bucket_of(hash);
        Arc::make_mut(&mut Arc::make_mut(&mut self.buckets)[index])
    }

    /// Splits the next bucket in turn.
    fn split(&mut self) {
        let count = self.buckets.len();
        let round = 1 << count.ilog2();
        let buckets = Arc::make_mut(&mut self.buckets);
        let old = std::mem::take(Arc::make_mut(&mut buckets[count - round]));
        let (moves, stays) = old
            .into_iter()
            .partition(|entry| entry.hash as usize & (2 * round - 1) == count);
        buckets[count - round] = Arc::new(stays);
        buckets.push(Arc::new(moves));
    }
}

impl Entry {
    fn is(&self, key: &[u8], hash: u32) -> bool {
        self.hash == hash && *self.key == *key
    }
}
