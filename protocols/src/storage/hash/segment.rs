//! A segment: its file, its name, and what is known of its content.

use seedbed_sim::Disk;

use super::SEGMENT_KIND;
use super::record::{self, Preamble};
use crate::storage::frame::{FrameLog, FrameOptions};
use crate::storage::{EngineError, Lsn, Planted};

/// A segment whose file is open.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    /// What entries of the directory call it.
    pub(super) number: u32,
    /// The range of numbers in its name.
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) id: u64,
    pub(super) is_merged: bool,
    pub(super) from: Lsn,
    /// Where its batches end; of the active segment it is not known here.
    pub(super) to: Lsn,
    pub(super) log: FrameLog,
    /// The footer was written.
    pub(super) has_footer: bool,
    /// Bytes of all records.
    pub(super) record_bytes: u64,
    /// Bytes of records that the directory points to.
    pub(super) live_bytes: u64,
    /// Bytes of tombstones.
    pub(super) tombstone_bytes: u64,
    /// Bytes of its hint; 0: there is none.
    pub(super) hint_bytes: u64,
    /// It was replaced when so many snapshots had been taken.
    pub(super) replaced_at: Option<u64>,
}

impl Segment {
    pub(super) fn new(number: u32, name: &FileName, preamble: Preamble, log: FrameLog) -> Self {
        Self {
            number,
            first: name.first,
            last: name.last,
            id: preamble.id,
            is_merged: preamble.is_merged,
            from: preamble.from,
            to: preamble.to,
            log,
            has_footer: false,
            record_bytes: 0,
            live_bytes: 0,
            tombstone_bytes: 0,
            hint_bytes: 0,
            replaced_at: None,
        }
    }

    /// Makes one with nothing but its preamble, whose file does not have its name yet.
    pub(super) fn create(
        disk: &mut dyn Disk,
        name: &FileName,
        preamble: Preamble,
        number: u32,
        planted: Planted,
    ) -> Result<Self, EngineError> {
        let options = FrameOptions {
            planted,
            ..FrameOptions::default()
        };
        let mut log = FrameLog::create_unpublished(disk, &name.segment(), &SEGMENT_KIND, options)?;
        match log.append(disk, &preamble.encode()) {
            Ok(_) => Ok(Self::new(number, name, preamble, log)),
            Err(error) => {
                log.abandon(disk);
                Err(error)
            }
        }
    }

    /// Ends it. Nothing may be appended any more.
    pub(super) fn append_footer(
        &mut self,
        disk: &mut dyn Disk,
        to: Lsn,
    ) -> Result<(), EngineError> {
        if !self.has_footer {
            self.log.append(disk, &record::footer(to))?;
            self.has_footer = true;
        }
        Ok(())
    }

    pub(super) fn file_name(&self, prefix: &str) -> FileName {
        FileName::new(prefix, self.first, self.last)
    }
}

/// The name that a segment and its hint share, but for the ending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileName {
    prefix: String,
    pub(super) first: u64,
    pub(super) last: u64,
}

/// What a file of the engine is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileRole {
    Segment,
    Hint,
    /// A segment or hint that did not get its name.
    InTheMaking,
}

impl FileName {
    pub(super) fn new(prefix: &str, first: u64, last: u64) -> Self {
        Self {
            prefix: prefix.to_owned(),
            first,
            last,
        }
    }

    /// The name of the segment.
    pub(super) fn segment(&self) -> String {
        format!("{}hash-{:08}-{:08}.seg", self.prefix, self.first, self.last)
    }

    /// The name of the segment's hint.
    pub(super) fn hint(&self) -> String {
        format!(
            "{}hash-{:08}-{:08}.hint",
            self.prefix, self.first, self.last
        )
    }

    /// Whether this one's range lies within the other's.
    pub(super) fn is_within(&self, other: &Self) -> bool {
        other.first <= self.first && self.last <= other.last
    }

    /// Reads the name of a file; `None`: it is none of this engine's.
    pub(super) fn parse(prefix: &str, name: &str) -> Option<(Self, FileRole)> {
        let rest = name.strip_prefix(prefix)?.strip_prefix("hash-")?;
        let (range, ending) = rest.split_once('.')?;
        let (first, last) = range.split_once('-')?;
        let number = |text: &str| {
            let is_canonical = text.len() >= 8 && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse::<u64>().ok().filter(|_| is_canonical)
        };
        let name = Self::new(prefix, number(first)?, number(last)?);
        let role = match ending {
            "seg" => FileRole::Segment,
            "hint" => FileRole::Hint,
            "seg.new" | "hint.new" => FileRole::InTheMaking,
            _ => return None,
        };
        (name.first <= name.last).then_some((name, role))
    }
}
