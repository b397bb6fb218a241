//! The replicated log: the one order of changes that all replicas agree on, durable on each.
//!
//! An entry is *written* when it is in the log's file and *durable* when a sync that began after it is done. Only a
//! durable entry may be acknowledged, shipped or applied. Syncs are grouped: one is under way at a time, and what is
//! written meanwhile goes into the next, so that a busy leader pays one sync for many entries (group commit).
//!
//! The file is one of [frames](crate::storage::frame), which says what recovery does with a torn tail. A frame holds
//! the entries that were appended together:
//!
//! ```text
//!   entry   0..8   u64  index, from 1, without gaps
//!           8..12  u32  epoch of the leader that accepted it
//!          12      u8   1: put, 2: delete
//!          13..17  u32  K: bytes of key
//!          17..21  u32  V: bytes of value (0 for a delete)
//!          21..    key, then value
//! ```
//!
//! Numbers are little-endian. Simplification: all entries stay in memory, and the log is never cut at its front; real
//! systems keep a window of it and recycle segments.

use bytes::Bytes;
use seedbed_sim::{ChunkedVec, Disk, SyncTicket};

use crate::storage::EngineError;
use crate::storage::frame::{FileKind, FrameLog, OnCorruption, RecoveredLog};

/// The log's file on its node's disk.
const FILE: &str = "replicated.log";
const KIND: FileKind = FileKind {
    magic: *b"SBreplog",
    version: 1,
    name: "replicated log",
};
const HEADER_BYTES: usize = 21;

/// The number of an entry, from 1; 0 stands before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogIndex(pub u64);

/// The number of a leader's reign. It is 1 for ever in a protocol whose leader never changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u32);

/// A change of one key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// Set it.
    Put {
        /// The key.
        key: Bytes,
        /// The value.
        value: Bytes,
    },
    /// Remove it.
    Delete {
        /// The key.
        key: Bytes,
    },
}

/// One entry of the log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    /// Its place.
    pub index: LogIndex,
    /// The leader that accepted it.
    pub epoch: Epoch,
    /// What it does.
    pub change: Change,
}

impl Entry {
    /// How many bytes it takes in a message or a frame.
    pub fn size_bytes(&self) -> usize {
        let (key, value) = self.parts();
        HEADER_BYTES + key.len() + value.len()
    }

    fn parts(&self) -> (&[u8], &[u8]) {
        match &self.change {
            Change::Put { key, value } => (key, value),
            Change::Delete { key } => (key, &[]),
        }
    }

    fn encode(&self, out: &mut Vec<u8>) {
        let (key, value) = self.parts();
        out.extend_from_slice(&self.index.0.to_le_bytes());
        out.extend_from_slice(&self.epoch.0.to_le_bytes());
        out.push(if matches!(self.change, Change::Put { .. }) {
            1
        } else {
            2
        });
        out.extend_from_slice(&(key.len() as u32).to_le_bytes());
        out.extend_from_slice(&(value.len() as u32).to_le_bytes());
        out.extend_from_slice(key);
        out.extend_from_slice(value);
    }

    /// The first entry of `bytes`, and the rest; an error in words where there is none.
    fn decode(bytes: &[u8]) -> Result<(Self, &[u8]), String> {
        let (header, rest) = bytes
            .split_first_chunk::<HEADER_BYTES>()
            .ok_or("an entry is cut short")?;
        let u32_at =
            |at: usize| u32::from_le_bytes(header[at..at + 4].try_into().expect("4 bytes"));
        let index = LogIndex(u64::from_le_bytes(header[..8].try_into().expect("8 bytes")));
        let (key_bytes, value_bytes) = (u32_at(13) as usize, u32_at(17) as usize);
        let (key, rest) = rest
            .split_at_checked(key_bytes)
            .ok_or("an entry's key is cut short")?;
        let (value, rest) = rest
            .split_at_checked(value_bytes)
            .ok_or("an entry's value is cut short")?;
        let key = Bytes::copy_from_slice(key);
        let change = match header[12] {
            1 => Change::Put {
                key,
                value: Bytes::copy_from_slice(value),
            },
            2 if value.is_empty() => Change::Delete { key },
            other => return Err(format!("an entry of unknown form {other}")),
        };
        Ok((
            Self {
                index,
                epoch: Epoch(u32_at(8)),
                change,
            },
            rest,
        ))
    }
}

/// The replicated log of one replica.
#[derive(Clone, Debug)]
pub struct ReplicatedLog {
    file: FrameLog,
    /// Entry number n stands at n - 1.
    entries: ChunkedVec<Entry>,
    durable: LogIndex,
    /// The sync under way, and the last entry that it covers.
    syncing: Option<(SyncTicket, LogIndex)>,
}

impl ReplicatedLog {
    /// Opens the log, or makes it. All that was found is durable.
    pub fn open(disk: &mut dyn Disk) -> Result<(Self, RecoveredLog), EngineError> {
        let mut entries = ChunkedVec::default();
        let mut read = |_: u64, payload: &[u8]| read_frame(payload, &mut entries);
        let (file, recovered) = FrameLog::open(disk, FILE, &KIND, OnCorruption::Refuse, &mut read)?;
        let durable = LogIndex(entries.len() as u64);
        Ok((
            Self {
                file,
                entries,
                durable,
                syncing: None,
            },
            recovered,
        ))
    }

    /// The last entry written; 0 for none.
    pub fn written(&self) -> LogIndex {
        LogIndex(self.entries.len() as u64)
    }

    /// The last durable entry; 0 for none.
    pub fn durable(&self) -> LogIndex {
        self.durable
    }

    /// Writes entries at the end, in one frame.
    ///
    /// # Panics
    /// When they do not follow what is written: the log has no gaps.
    pub fn append(&mut self, disk: &mut dyn Disk, entries: &[Entry]) -> Result<(), EngineError> {
        for (expected, entry) in (self.written().0 + 1..).zip(entries) {
            assert_eq!(
                entry.index.0, expected,
                "an entry must follow the one before it"
            );
        }
        self.file.append_with(disk, |out| {
            entries.iter().for_each(|entry| entry.encode(out));
        })?;
        entries
            .iter()
            .for_each(|entry| self.entries.push(entry.clone()));
        Ok(())
    }

    /// Sees to it that what is written becomes durable: begins a sync, unless one is under way.
    pub fn sync_later(&mut self, disk: &mut dyn Disk) -> Result<(), EngineError> {
        if self.syncing.is_some() || self.durable == self.written() {
            return Ok(());
        }
        let covers = self.written();
        self.syncing = self.file.sync_later(disk)?.map(|ticket| (ticket, covers));
        Ok(())
    }

    /// A sync is done. `true` when it was this log's, and more is durable now.
    pub fn on_synced(&mut self, ticket: SyncTicket) -> bool {
        let Some((_, covers)) = self.syncing.take_if(|(syncing, _)| *syncing == ticket) else {
            return false;
        };
        self.file.on_synced(ticket);
        self.durable = covers;
        true
    }

    /// The entry at `index`.
    pub fn entry(&self, index: LogIndex) -> Option<&Entry> {
        self.entries
            .get(usize::try_from(index.0.checked_sub(1)?).ok()?)
    }

    /// The entries after `after`, up to and with `last`.
    pub fn after(&self, after: LogIndex, last: LogIndex) -> impl Iterator<Item = &Entry> {
        (after.0 + 1..=last.0).map_while(|index| self.entry(LogIndex(index)))
    }
}

fn read_frame(mut payload: &[u8], entries: &mut ChunkedVec<Entry>) -> Result<(), String> {
    while !payload.is_empty() {
        let (entry, rest) = Entry::decode(payload)?;
        let expected = entries.len() as u64 + 1;
        if entry.index.0 != expected {
            return Err(format!(
                "entry {} stands where entry {expected} belongs",
                entry.index.0
            ));
        }
        entries.push(entry);
        payload = rest;
    }
    Ok(())
}
