//! What an engine lets people see of its insides: plain data for panels, commands and pictures.

use super::lsm::LsmShape;
use super::{EngineStats, Lsn};

/// An engine's insides now. Takes no disk and changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// The engine's name in the catalog.
    pub engine: &'static str,
    /// How it has fared.
    pub stats: EngineStats,
    /// What it is made of. Each engine has its own form.
    pub structure: Structure,
}

/// What an engine is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Structure {
    /// An ordered map in memory.
    Map,
    /// One file of batches.
    Log(LogFile),
    /// Segments, and a directory of keys in memory, whose size is in the stats.
    Segments {
        /// The oldest first; the last is the active one.
        segments: Vec<SegmentView>,
        /// Files that merges have replaced and that snapshots still need.
        kept_for_snapshots: u64,
        /// A merge under way: how many segments it makes into one, and how many bytes that one has.
        merging: Option<(u64, u64)>,
    },
    /// Memtables and sorted tables.
    Lsm(Box<LsmShape>),
}

/// The file of the append-only log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFile {
    /// Its name.
    pub file: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// How many of them are known to be durable.
    pub durable_bytes: u64,
    /// Batches in it.
    pub batches: u64,
    /// Snapshots that are held: each is a length of the file.
    pub snapshots: Vec<u64>,
}

/// A segment of the hash-indexed log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentView {
    /// Its name.
    pub file: String,
    /// The numbers it stands for, from this one.
    pub first: u64,
    /// To this one.
    pub last: u64,
    /// Where its batches begin.
    pub from: Lsn,
    /// Where they end.
    pub to: Lsn,
    /// Its length in bytes.
    pub bytes: u64,
    /// Bytes of records that the directory points to.
    pub live_bytes: u64,
    /// Bytes of tombstones.
    pub tombstone_bytes: u64,
    /// Bytes of records that were replaced or deleted.
    pub dead_bytes: u64,
    /// It is the one that is written.
    pub is_active: bool,
    /// It was made by a merge.
    pub is_merged: bool,
    /// It has a hint.
    pub has_hint: bool,
}
