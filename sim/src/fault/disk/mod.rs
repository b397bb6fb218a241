//! What can go wrong with a disk, as data.
//!
//! A disk fault holds from its injection until it is lifted, on the files of one node that its pattern names. Two kinds
//! strike once, when the disk is next used: bits rot and files lose their end, and lifting them mends nothing. Where a
//! fault has a [`Chance`], each operation it could strike draws from a stream of the fault's own.
//!
//! | kind | name in files | what programs see |
//! |---|---|---|
//! | [`Crashes`] | `disk-crash-state` | a crash leaves what a [`CrashPolicy`] says |
//! | [`BitRot`] | `bit-rot` | bits are flipped, in what is durable too |
//! | [`Truncation`] | `truncated-file` | the end of a file is gone |
//! | [`MisdirectedWrites`] | `misdirected-write` | a write lands in another place and is reported as done |
//! | [`LostWrites`] | `lost-write` | a write is reported as done and lands nowhere |
//! | [`StaleReads`] | `stale-read` | a block reads as it was when the fault began |
//! | [`Full`] | `disk-full` | no space beyond a quota |
//! | [`ReadErrors`], [`WriteErrors`] | `read-error`, `write-error` | the operation fails; a prefix may have been written |
//! | [`SyncErrors`] | `sync-error` | the sync fails, what was dirty will never be durable, and a later sync succeeds |
//! | [`LyingSyncs`] | `lying-sync` | the sync succeeds and nothing became durable |
//! | [`Slow`] | `slow-disk`, `slow-sync` | operations take longer |
//! | [`Stall`] | `stalled-disk` | the device answers nothing for a while |
//!
//! What they stand for: rot, misdirected, lost and torn writes are the storage faults of Alagappan et al.
//! (*Protocol-Aware Recovery for Consensus-Based Storage*, FAST 2018, section 2.1), who find them corrupting whole
//! clusters from one replica. The sync error is that of Rebello et al. (*Can Applications Recover from fsync
//! Failures?*, ATC 2020, section 3): ext4 and XFS mark the pages clean that they failed to write, so that the next
//! sync has nothing to do and succeeds.
//!
//! [`Crashes`]: DiskFaultKind::Crashes
//! [`BitRot`]: DiskFaultKind::BitRot
//! [`Truncation`]: DiskFaultKind::Truncation
//! [`MisdirectedWrites`]: DiskFaultKind::MisdirectedWrites
//! [`LostWrites`]: DiskFaultKind::LostWrites
//! [`StaleReads`]: DiskFaultKind::StaleReads
//! [`Full`]: DiskFaultKind::Full
//! [`ReadErrors`]: DiskFaultKind::ReadErrors
//! [`WriteErrors`]: DiskFaultKind::WriteErrors
//! [`SyncErrors`]: DiskFaultKind::SyncErrors
//! [`LyingSyncs`]: DiskFaultKind::LyingSyncs
//! [`Slow`]: DiskFaultKind::Slow
//! [`Stall`]: DiskFaultKind::Stall

pub(super) mod bit_rot;
pub(super) mod crash_state;
pub(super) mod disk_full;
pub(super) mod lost_write;
pub(super) mod lying_sync;
pub(super) mod misdirected_write;
pub(super) mod read_error;
pub(super) mod slow_disk;
pub(super) mod slow_sync;
pub(super) mod stale_read;
pub(super) mod stalled_disk;
pub(super) mod sync_error;
pub(super) mod truncated_file;
pub(super) mod write_error;

use std::fmt;
use std::sync::Arc;

use super::About;
use crate::{CrashPolicy, NodeId, Span};

/// A fault of one node's disk.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DiskFault {
    /// The node.
    pub node: NodeId,
    /// Which of its files. The directory counts as a file called `.`. Without meaning for kinds that are about the disk
    /// as a whole: `Crashes`, `Full`, `Slow`, `Stall`.
    pub files: FilePattern,
    /// What goes wrong.
    pub kind: DiskFaultKind,
}

/// What goes wrong. See the [module](self).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DiskFaultKind {
    /// A crash leaves what this policy says, instead of what the disk's own says.
    Crashes(CrashPolicy),
    /// Bits flip, once.
    BitRot {
        /// How many; each anywhere in the files, every bit as likely.
        bits: u32,
        /// The byte that they are in, instead of anywhere; counted from 0 in each file.
        offset: Option<u64>,
    },
    /// Each of the files loses its end, once.
    Truncation {
        /// How many bytes, or all if there are fewer.
        bytes: u64,
    },
    /// What is written lands on another sector of the disk's files, drawn, and where it should be is what was there
    /// (zeros, if nothing was).
    MisdirectedWrites(Chance),
    /// What is written lands nowhere. Where it should be is what was there (zeros, if nothing was).
    LostWrites(Chance),
    /// Blocks of 4 KiB read as they were when the fault began. The chance is drawn for each block of each read.
    StaleReads(Chance),
    /// No space is left beyond what files took when the fault began and this much more.
    Full {
        /// Bytes.
        free_bytes: u64,
    },
    /// Reads fail.
    ReadErrors(Chance),
    /// Writes fail. A prefix of what was to be written, drawn, is there nevertheless.
    WriteErrors(Chance),
    /// Syncs fail, of files and of the directory. What was not durable in the file never will be, whatever is synced
    /// later; whether it can still be read is the disk's [`FailedSync`](crate::FailedSync).
    SyncErrors(Chance),
    /// Syncs succeed, and make nothing durable. A later honest sync does.
    LyingSyncs(Chance),
    /// Operations take longer.
    Slow {
        /// Which.
        operations: SlowOperations,
        /// How long, in percent of what they take otherwise: 1,000 is ten times as long.
        percent: u32,
    },
    /// Reads and syncs wait until this long after the fault began. What the device had begun before it finishes; writes
    /// go to memory and don't wait.
    Stall {
        /// How long.
        span: Span,
    },
}

/// Which operations are slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SlowOperations {
    /// All of them.
    All,
    /// Only syncs, of files and of the directory.
    Syncs,
}

/// How often a fault strikes where it could.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Chance {
    /// The chance of each operation, per million.
    pub per_million: u32,
    /// It strikes so many times and no more; `None`: as often as it likes.
    pub count_max: Option<u32>,
}

impl Chance {
    /// Every time.
    pub const ALWAYS: Self = Self {
        per_million: 1_000_000,
        count_max: None,
    };

    /// The next time, and then no more.
    pub const ONCE: Self = Self {
        per_million: 1_000_000,
        count_max: Some(1),
    };
}

/// Which files, by their names: as the text says, where `*` stands for any text.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct FilePattern(Arc<str>);

impl FilePattern {
    /// The pattern that this text says.
    pub fn new(pattern: &str) -> Self {
        Self(pattern.into())
    }

    /// All files.
    pub fn any() -> Self {
        Self::new("*")
    }

    /// Whether the pattern names this file.
    pub fn matches(&self, name: &str) -> bool {
        let mut parts = self.0.split('*');
        let first = parts.next().unwrap_or_default();
        let Some(mut rest) = name.strip_prefix(first) else {
            return false;
        };
        let Some(last) = parts.next_back() else {
            return rest.is_empty();
        };
        for part in parts {
            let Some(at) = rest.find(part) else {
                return false;
            };
            rest = &rest[at + part.len()..];
        }
        rest.ends_with(last)
    }
}

impl fmt::Display for FilePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for FilePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl DiskFaultKind {
    /// Its line in the [`CATALOG`](super::CATALOG).
    pub const fn about(&self) -> About {
        match self {
            Self::Crashes(_) => crash_state::ABOUT,
            Self::BitRot { .. } => bit_rot::ABOUT,
            Self::Truncation { .. } => truncated_file::ABOUT,
            Self::MisdirectedWrites(_) => misdirected_write::ABOUT,
            Self::LostWrites(_) => lost_write::ABOUT,
            Self::StaleReads(_) => stale_read::ABOUT,
            Self::Full { .. } => disk_full::ABOUT,
            Self::ReadErrors(_) => read_error::ABOUT,
            Self::WriteErrors(_) => write_error::ABOUT,
            Self::SyncErrors(_) => sync_error::ABOUT,
            Self::LyingSyncs(_) => lying_sync::ABOUT,
            Self::Slow {
                operations: SlowOperations::All,
                ..
            } => slow_disk::ABOUT,
            Self::Slow {
                operations: SlowOperations::Syncs,
                ..
            } => slow_sync::ABOUT,
            Self::Stall { .. } => stalled_disk::ABOUT,
        }
    }

    /// Its name in files and traces.
    pub const fn name(&self) -> &'static str {
        self.about().name
    }

    /// How often it strikes, if that is left to chance.
    pub const fn chance(&self) -> Option<Chance> {
        match self {
            Self::MisdirectedWrites(chance)
            | Self::LostWrites(chance)
            | Self::StaleReads(chance)
            | Self::ReadErrors(chance)
            | Self::WriteErrors(chance)
            | Self::SyncErrors(chance)
            | Self::LyingSyncs(chance) => Some(*chance),
            _ => None,
        }
    }

    /// Whether it is about some files of the disk, and not about the disk as a whole.
    pub const fn is_about_files(&self) -> bool {
        !matches!(
            self,
            Self::Crashes(_) | Self::Full { .. } | Self::Slow { .. } | Self::Stall { .. }
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_names_files_by_their_parts() {
        let names = |pattern, name| FilePattern::new(pattern).matches(name);
        assert!(names("engine.log", "engine.log"));
        assert!(!names("engine.log", "engine.log.new"));
        assert!(!names("engine.log", "2-engine.log"));
        assert!(names("*", ""));
        assert!(names("*", "anything"));
        assert!(names("seg-*", "seg-12"));
        assert!(!names("seg-*", "old-seg-12"));
        assert!(names("*.log", "engine.log"));
        assert!(names("a*b*c", "a-b-b-c"));
        assert!(!names("a*b*c", "a-c-b"));
        assert!(!names("aa*aa", "aaa"));
    }
}
