//! Hints: what the directory needs of a segment, without the values. The [chapter](super) has the bytes.

use seedbed_sim::{Disk, DiskError};

use super::HINT_KIND;
use super::segment::FileName;
use crate::storage::frame::{BadEnd, FrameLog, FrameOptions};
use crate::storage::{EngineError, KEY_BYTES_MAX, Lsn, Planted};

const ABOUT: u8 = 1;
const ENTRIES: u8 = 2;

/// Bytes of an entry besides its key.
const ENTRY_HEADER_BYTES: usize = 1 + 8 + 4 + 4;
/// About how long the payload of a frame of entries gets.
const PAYLOAD_BYTES: usize = 64 * 1024;

/// The segment that a hint is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct About {
    pub(super) id: u64,
    pub(super) segment_bytes: u64,
    /// Where its batches end.
    pub(super) to: Lsn,
    pub(super) entries: u64,
}

/// A record of a segment, in the order of the segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HintEntry<'a> {
    pub(super) is_put: bool,
    pub(super) offset: u64,
    pub(super) bytes: u32,
    pub(super) key: &'a [u8],
}

/// Writes a segment's hint. Returns its length.
pub(super) fn write<'a>(
    disk: &mut dyn Disk,
    name: &FileName,
    about: About,
    entries: impl Iterator<Item = HintEntry<'a>>,
) -> Result<u64, EngineError> {
    let mut log =
        FrameLog::create_unpublished(disk, &name.hint(), &HINT_KIND, FrameOptions::default())?;
    let written = fill(disk, &mut log, about, entries).and_then(|()| log.publish(disk));
    let bytes = log.end();
    match written {
        Ok(()) => log.close(disk).map(|()| bytes),
        Err(error) => {
            log.abandon(disk);
            Err(error)
        }
    }
}

fn fill<'a>(
    disk: &mut dyn Disk,
    log: &mut FrameLog,
    about: About,
    entries: impl Iterator<Item = HintEntry<'a>>,
) -> Result<(), EngineError> {
    let mut head = vec![ABOUT];
    for number in [about.id, about.segment_bytes, about.to.0, about.entries] {
        head.extend_from_slice(&number.to_le_bytes());
    }
    log.append(disk, &head)?;
    let mut payload = vec![ENTRIES];
    for entry in entries {
        payload.push(u8::from(entry.is_put));
        payload.extend_from_slice(&entry.offset.to_le_bytes());
        payload.extend_from_slice(&entry.bytes.to_le_bytes());
        payload.extend_from_slice(&(entry.key.len() as u32).to_le_bytes());
        payload.extend_from_slice(entry.key);
        if payload.len() >= PAYLOAD_BYTES {
            log.append(disk, &payload)?;
            payload.truncate(1);
        }
    }
    if payload.len() > 1 {
        log.append(disk, &payload)?;
    }
    Ok(())
}

/// A hint that was read: what it is about, its entries as bytes, and its length.
#[derive(Debug)]
pub(super) struct Hint {
    pub(super) about: About,
    entries: Vec<u8>,
    pub(super) bytes: u64,
}

/// Reads a segment's hint; `None` when there is none, or none that is whole.
pub(super) fn read(
    disk: &mut dyn Disk,
    name: &FileName,
    planted: Planted,
) -> Result<Option<Hint>, EngineError> {
    let name = name.hint();
    // Opening a file of frames would make one that is not there.
    match disk.open(&name, seedbed_sim::OpenMode::Existing) {
        Ok(file) => disk.close(file)?,
        Err(DiskError::Killed) => return Err(DiskError::Killed.into()),
        Err(_) => return Ok(None),
    }
    let options = FrameOptions {
        bad_end: BadEnd::IsCorrupt,
        planted,
        ..FrameOptions::default()
    };
    let mut about = None;
    let mut entries = Vec::new();
    let mut on_frame = |_, payload: &[u8]| match (payload.first(), about) {
        (Some(&ABOUT), None) => {
            about = read_about(payload);
            about
                .map(|_| ())
                .ok_or_else(|| "not about a segment".to_owned())
        }
        (Some(&ENTRIES), Some(_)) => {
            entries.extend_from_slice(&payload[1..]);
            Ok(())
        }
        _ => Err("a frame that is no part of a hint".to_owned()),
    };
    let opened = FrameLog::open(disk, &name, &HINT_KIND, options, &mut on_frame);
    let log = match opened {
        Ok((log, _)) => log,
        Err(EngineError::Disk(DiskError::Killed)) => return Err(DiskError::Killed.into()),
        Err(_) => return Ok(None),
    };
    let bytes = log.end();
    log.close(disk)?;
    let Some(about) = about else { return Ok(None) };
    let hint = Hint {
        about,
        entries,
        bytes,
    };
    Ok(hint.is_whole().then_some(hint))
}

fn read_about(payload: &[u8]) -> Option<About> {
    let number = |at: usize| {
        let bytes = payload.get(at..at + 8)?;
        bytes.try_into().ok().map(u64::from_le_bytes)
    };
    Some(About {
        id: number(1)?,
        segment_bytes: number(9)?,
        to: Lsn(number(17)?),
        entries: number(25)?,
    })
}

impl Hint {
    fn is_whole(&self) -> bool {
        let mut count = 0;
        let mut key_bytes = 0;
        for entry in self.entries() {
            count += 1;
            key_bytes += entry.key.len();
        }
        count == self.about.entries
            && key_bytes + count as usize * ENTRY_HEADER_BYTES == self.entries.len()
    }

    /// Its entries, as far as they are well formed.
    pub(super) fn entries(&self) -> impl Iterator<Item = HintEntry<'_>> {
        let mut rest = &self.entries[..];
        std::iter::from_fn(move || {
            let (header, after) = rest.split_first_chunk::<ENTRY_HEADER_BYTES>()?;
            let number =
                |at: usize| u32::from_le_bytes(header[at..at + 4].try_into().expect("four bytes"));
            let key_bytes = number(13) as usize;
            if key_bytes > KEY_BYTES_MAX || header[0] > 1 {
                return None;
            }
            let (key, after) = after.split_at_checked(key_bytes)?;
            rest = after;
            Some(HintEntry {
                is_put: header[0] == 1,
                offset: u64::from_le_bytes(header[1..9].try_into().expect("eight bytes")),
                bytes: number(9),
                key,
            })
        })
    }
}
