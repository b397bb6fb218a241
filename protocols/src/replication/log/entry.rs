//! What the log is made of.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use seedbed_sim::NodeId;

use crate::storage::Change;

/// The place of an entry in the log, from 1. Zero stands before the first entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogIndex(pub u64);

impl LogIndex {
    /// Before the first entry.
    pub const ZERO: Self = Self(0);

    /// The next place.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// The place before.
    ///
    /// # Panics
    /// At zero, before which there is none.
    #[must_use]
    pub const fn before(self) -> Self {
        Self(self.0 - 1)
    }

    /// How many entries come after `earlier` up to and with this one; none where `earlier` is not earlier.
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for LogIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The reign of one leader. What an earlier reign says is stale.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u64);

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One call of a client: a retry is the same call, and no two calls of one client are alike, not even across its
/// restarts. Later calls are greater.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Call {
    /// How many-th life of the client, from 1.
    pub session: u32,
    /// How many-th call in that life, from 1.
    pub number: u64,
}

/// Prints as `2.17`: call 17 of session 2.
impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.session, self.number)
    }
}

/// Whose write an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// The client's node.
    pub client: NodeId,
    /// Which of its calls.
    pub call: Call,
}

/// What a client wants done. It is made once, and shared by every message and every replica that holds it.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Proposal {
    /// Whose it is.
    pub origin: Origin,
    /// The change, its key as engines [store](crate::replication::state::engine_key) it.
    pub change: Change,
}

/// An entry of the log. It never changes, and neither does its place.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    /// Its place.
    pub index: LogIndex,
    /// The reign in which the leader took it in.
    pub epoch: Epoch,
    /// What it does, and for whom.
    pub proposal: Arc<Proposal>,
}

impl Entry {
    /// Bytes it takes in the log file and on the wire.
    pub fn size_bytes(&self) -> u32 {
        self.proposal.size_bytes()
    }
}

impl Proposal {
    /// Bytes it takes as an entry.
    pub fn size_bytes(&self) -> u32 {
        let (key, value) = match &self.change {
            Change::Put(key, value) => (key.len(), 4 + value.len()),
            Change::Delete(key) => (key.len(), 0),
            Change::DeleteRange { from, to } => {
                (from.len(), to.as_ref().map_or(0, |to| 4 + to.len()))
            }
        };
        // Keys and values were checked against their bounds, so the sum fits.
        (super::codec::ENTRY_HEADER_BYTES + key + value) as u32
    }
}

/// Consecutive entries, at least one. Copies and parts share them: the batch that a leader keeps in memory is the batch
/// that it ships to each follower.
#[derive(Clone, Debug)]
pub struct Entries {
    chunk: Arc<[Entry]>,
    /// The place of the first, here so that a search need not follow the pointer.
    first: LogIndex,
    from: u32,
    to: u32,
    size_bytes: u64,
}

impl Entries {
    /// These entries.
    ///
    /// # Panics
    /// When there are none, or their places are not consecutive.
    pub fn new(chunk: Arc<[Entry]>) -> Self {
        assert!(!chunk.is_empty(), "a batch of no entries");
        let consecutive = chunk
            .windows(2)
            .all(|pair| pair[0].index.next() == pair[1].index);
        assert!(consecutive, "entries are consecutive: {chunk:?}");
        let size_bytes = chunk
            .iter()
            .map(|entry| u64::from(entry.size_bytes()))
            .sum();
        let to = u32::try_from(chunk.len()).expect("a batch of fewer than 2³² entries");
        Self {
            first: chunk[0].index,
            chunk,
            from: 0,
            to,
            size_bytes,
        }
    }

    /// The entries, in order.
    pub fn as_slice(&self) -> &[Entry] {
        &self.chunk[self.from as usize..self.to as usize]
    }

    /// The place of the first.
    #[inline]
    pub fn first(&self) -> LogIndex {
        self.first
    }

    /// The place of the last.
    #[inline]
    pub fn last(&self) -> LogIndex {
        LogIndex(self.first.0 + u64::from(self.to - self.from) - 1)
    }

    /// How many there are; never zero.
    #[allow(clippy::len_without_is_empty, reason = "a batch is never empty")]
    pub fn len(&self) -> usize {
        (self.to - self.from) as usize
    }

    /// Bytes they take in the log file and on the wire.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Those from `first` on as far as `limit` allows, and at least one.
    ///
    /// # Panics
    /// When `first` is not among them.
    #[must_use]
    pub fn part(&self, first: LogIndex, limit: Limit) -> Self {
        assert!(
            (self.first()..=self.last()).contains(&first),
            "entry {first} is not among {} to {}",
            self.first(),
            self.last()
        );
        if first == self.first()
            && self.len() as u64 <= limit.entries
            && self.size_bytes <= limit.bytes
        {
            return self.clone();
        }
        let from = self.from + first.since(self.first()) as u32;
        let rest = &self.chunk[from as usize..self.to as usize];
        let (count, size_bytes) = limit.fitting(rest.iter());
        Self {
            chunk: Arc::clone(&self.chunk),
            first,
            from,
            to: from + count as u32,
            size_bytes,
        }
    }
}

impl PartialEq for Entries {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl Eq for Entries {}

impl Hash for Entries {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_slice().hash(state);
    }
}

/// How much at the most, whichever is reached first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Limit {
    /// So many entries.
    pub entries: u64,
    /// So many bytes of entries.
    pub bytes: u64,
}

impl Limit {
    /// No limit.
    pub const NONE: Self = Self {
        entries: u64::MAX,
        bytes: u64::MAX,
    };

    /// How many of `entries` fit, at least one where there is one, and their bytes.
    pub(super) fn fitting<'a>(self, entries: impl Iterator<Item = &'a Entry>) -> (usize, u64) {
        let (mut count, mut size_bytes) = (0, 0);
        for entry in entries {
            let with = size_bytes + u64::from(entry.size_bytes());
            let fits = (count as u64) < self.entries && with <= self.bytes;
            if count > 0 && !fits {
                break;
            }
            count += 1;
            size_bytes = with;
        }
        (count, size_bytes)
    }
}
