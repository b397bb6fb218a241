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
//! A bucket is one piece of memory, an entry behind the other with its key, so that a search touches the table and one
//! bucket and nothing else; what has to grow is written anew, which costs a bucket of half a kibibyte at most.
//!
//! ```text
//!   entry   hash · length of the key · segment · bytes (four u32) · offset (u64) · the key
//! ```
//!
//! Nothing that can be seen hangs on the order of its entries but the work of a scan, and that order is the same on every
//! platform.

use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

/// The average number of entries in a bucket above which the table grows.
const ENTRIES_PER_BUCKET: usize = 8;

/// Bytes of an entry before its key.
const ENTRY_HEADER_BYTES: usize = 24;

/// Where a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) offset: u64,
    pub(super) segment: u32,
    /// Its length.
    pub(super) bytes: u32,
}

/// Entries, one behind the other.
#[derive(Clone, Debug, Default)]
struct Bucket(Arc<[u8]>);

/// An entry as it stands in a bucket.
#[derive(Clone, Copy, Debug)]
struct Entry<'a> {
    hash: u32,
    place: Place,
    key: &'a [u8],
}

impl Place {
    const BYTES: usize = 16;

    fn encode(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[..4].copy_from_slice(&self.segment.to_ne_bytes());
        bytes[4..8].copy_from_slice(&self.bytes.to_ne_bytes());
        bytes[8..].copy_from_slice(&self.offset.to_ne_bytes());
        bytes
    }
}

/// The number at `at`, which is in memory alone.
#[inline]
fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_ne_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

impl<'a> Entry<'a> {
    /// The entry at the beginning of what is left of a bucket.
    #[inline]
    fn at(rest: &'a [u8]) -> Self {
        let (header, keys) = rest.split_at(ENTRY_HEADER_BYTES);
        let offset = u64::from_ne_bytes(header[16..].try_into().expect("eight bytes"));
        Self {
            hash: u32_at(header, 0),
            place: Place {
                segment: u32_at(header, 8),
                bytes: u32_at(header, 12),
                offset,
            },
            key: &keys[..u32_at(header, 4) as usize],
        }
    }

    fn bytes(&self) -> usize {
        ENTRY_HEADER_BYTES + self.key.len()
    }

    fn push(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.hash.to_ne_bytes());
        out.extend_from_slice(&(self.key.len() as u32).to_ne_bytes());
        out.extend_from_slice(&self.place.encode());
        out.extend_from_slice(self.key);
    }
}

impl Bucket {
    fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        let mut rest = &self.0[..];
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let entry = Entry::at(rest);
            rest = &rest[entry.bytes()..];
            Some(entry)
        })
    }

    /// Where the entry of a key begins.
    #[inline]
    fn find(&self, key: &[u8], hash: u32) -> Option<(usize, Place)> {
        let bytes = &self.0[..];
        let mut at = 0;
        while at < bytes.len() {
            let end = at + ENTRY_HEADER_BYTES + u32_at(bytes, at + 4) as usize;
            if u32_at(bytes, at) == hash && bytes[at + ENTRY_HEADER_BYTES..end] == *key {
                return Some((at, Entry::at(&bytes[at..]).place));
            }
            at = end;
        }
        None
    }

    fn set(&mut self, at: usize, place: Place) {
        let at = at + ENTRY_HEADER_BYTES - Place::BYTES;
        let bytes = Arc::make_mut(&mut self.0);
        bytes[at..at + Place::BYTES].copy_from_slice(&place.encode());
    }

    fn add(&mut self, entry: Entry<'_>) {
        let mut bytes = Vec::with_capacity(self.0.len() + entry.bytes());
        bytes.extend_from_slice(&self.0);
        entry.push(&mut bytes);
        self.0 = bytes.into();
    }

    fn take_out(&mut self, at: usize) {
        let end = at + Entry::at(&self.0[at..]).bytes();
        self.0 = [&self.0[..at], &self.0[end..]].concat().into();
    }
}

/// Each key's newest record. A clone copies one pointer.
#[derive(Clone, Debug)]
pub(super) struct Directory {
    buckets: Arc<Vec<Bucket>>,
    keys: usize,
    key_bytes: u64,
}

impl Default for Directory {
    fn default() -> Self {
        Self {
            buckets: Arc::new(vec![Bucket::default()]),
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

    #[inline]
    pub(super) fn get(&self, key: &[u8]) -> Option<Place> {
        let hash = hash_of(key);
        let found = self.buckets[self.bucket_of(hash)].find(key, hash);
        found.map(|(_, place)| place)
    }

    /// Sets where a key is; returns where it was.
    pub(super) fn insert(&mut self, key: &[u8], place: Place) -> Option<Place> {
        let hash = hash_of(key);
        let bucket = self.bucket_mut(hash);
        if let Some((at, before)) = bucket.find(key, hash) {
            bucket.set(at, place);
            return Some(before);
        }
        bucket.add(Entry { hash, place, key });
        self.keys += 1;
        self.key_bytes += key.len() as u64;
        if self.keys > self.buckets.len() * ENTRIES_PER_BUCKET {
            self.split();
        }
        None
    }

    /// Forgets a key; returns where it was.
    pub(super) fn remove(&mut self, key: &[u8]) -> Option<Place> {
        let hash = hash_of(key);
        let (at, place) = self.buckets[self.bucket_of(hash)].find(key, hash)?;
        self.bucket_mut(hash).take_out(at);
        self.keys -= 1;
        self.key_bytes -= key.len() as u64;
        Some(place)
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
    pub(super) fn iter(&self) -> impl Iterator<Item = (&[u8], Place)> {
        let entries = self.buckets.iter().flat_map(Bucket::entries);
        entries.map(|entry| (entry.key, entry.place))
    }

    /// Bytes of memory it takes, but for what the allocator adds. What is shared with a copy counts in both.
    pub(super) fn memory_bytes(&self) -> u64 {
        const COUNTS_BYTES: usize = 2 * size_of::<usize>();
        let buckets = self.buckets.len() * (COUNTS_BYTES + size_of::<Bucket>());
        (buckets + self.keys * ENTRY_HEADER_BYTES) as u64 + self.key_bytes
    }

    /// Every key is in its bucket and there once, and the counts are right.
    pub(super) fn verify(&self) {
        let (mut keys, mut key_bytes) = (0, 0);
        for (index, bucket) in self.buckets.iter().enumerate() {
            for entry in bucket.entries() {
                assert_eq!(
                    entry.hash,
                    hash_of(entry.key),
                    "the hash of {:?}",
                    entry.key
                );
                assert_eq!(
                    self.bucket_of(entry.hash),
                    index,
                    "the bucket of {:?}",
                    entry.key
                );
                let alike = bucket.entries().filter(|other| other.key == entry.key);
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

    fn bucket_mut(&mut self, hash: u32) -> &mut Bucket {
        let index = self.bucket_of(hash);
        &mut Arc::make_mut(&mut self.buckets)[index]
    }

    /// Splits the next bucket in turn.
    fn split(&mut self) {
        let count = self.buckets.len();
        let round = 1 << count.ilog2();
        let old = self.buckets[count - round].clone();
        let (mut stays, mut moves) = (Vec::new(), Vec::new());
        for entry in old.entries() {
            match entry.hash as usize & (2 * round - 1) == count {
                true => entry.push(&mut moves),
                false => entry.push(&mut stays),
            }
        }
        let buckets = Arc::make_mut(&mut self.buckets);
        buckets[count - round] = Bucket(stays.into());
        buckets.push(Bucket(moves.into()));
    }
}
