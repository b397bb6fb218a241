//! Framing: how bytes that were appended to a file come back whole after a crash, or not at all.
//!
//! The append-only log engine and the replicated log of single-leader replication keep their records in files of this
//! one form. A file is a header and then frames, each with a payload that is recovered entire or not at all, so a
//! batch of changes put into one frame is atomic across a crash. [`FrameLog`] writes and reads such a file.
//!
//! # The bytes
//!
//! All numbers are little-endian; CRC is CRC-32 with the IEEE polynomial.
//!
//! ```text
//! file header, 16 bytes                      frame, 20 bytes + payload
//! ┌────────┬───────┬────────────────────┐    ┌────────┬───────┬──────────────────────────────────────────┐
//! │ 0..8   │ magic │ which kind of file │    │ 0..4   │ CRC   │ of the frame's offset in the file (8     │
//! │ 8..12  │ u32   │ format version     │    │        │       │ bytes, not stored), then bytes 4.. of it │
//! │ 12..16 │ CRC   │ of bytes 0..12     │    │ 4..8   │ u32   │ L: bytes of payload; 0 is a *mark*       │
//! └────────┴───────┴────────────────────┘    │ 8..16  │ u64   │ synced: bytes of this file that the      │
//!   The header's form is the same in all     │        │       │ writer knew to be durable at this moment │
//!   versions, so that an unknown version     │ 16..   │ L     │ payload                                  │
//!   can be refused by its name.              │ 16+L.. │ u32   │ L again, for reading backwards           │
//!                                            └────────┴───────┴──────────────────────────────────────────┘
//! ```
//!
//! - The CRC covers the offset, so a frame that is found where it was not written (a misdirected write, a log copied
//!   into a value) is no frame.
//! - `synced` is at least 16 and at most the frame's own offset, so zeros are never a frame.
//! - L is at most [`PAYLOAD_BYTES_MAX`] and must fit into the file before anything of that size is allocated.
//!
//! # A torn tail, or corruption?
//!
//! Recovery reads every frame. At the first that is not valid, at offset B, it must tell two things apart: a write
//! that a crash tore, which nobody was promised and which must be cut off; and damage to what *was* promised, which
//! must not be passed over in silence. "A valid frame comes after it" does not tell them apart: when several frames
//! are un-synced, a disk may keep a later one and lose an earlier one. Therefore each frame says how much was durable
//! when it was written:
//!
//! ```text
//!   frame  frame  ✗ B      frame  frame                      frame  frame  ✗ B      frame  frame
//!                          synced ≤ B everywhere                                    one says synced > B
//!                 └── torn tail: cut off ──┘                               └── corruption: refused
//! ```
//!
//! A later frame that says "synced > B" proves that B was durable once: corruption, refused with file and offset, and
//! nothing is changed; or, if the caller asked for it ([`OnCorruption::Salvage`]), the file is written anew without the
//! damaged part. Else the tail from B on is cut off, and how long it was is reported. (Why both look alike without
//! such a mark: Alagappan et al., *Protocol-Aware Recovery for Consensus-Based Storage*, FAST 2018, section 3.2.)
//!
//! A sync with no later frame would leave no such proof, so [`FrameLog::sync`] appends a *mark*, a frame without
//! payload, and so does opening. The mark itself is durable with the next sync. What is left undecided: damage to the
//! last group of frames before its mark reached the disk looks like a torn tail.
//!
//! # Order of durability
//!
//! A new file is written under another name (`NAME.new`), synced, renamed, and the directory synced: a file that has
//! the name has a whole header. Opening syncs what it found before it calls it durable, since a process may have died
//! and left bytes that only the operating system's memory holds. Cutting (the torn tail, or [`FrameLog::truncate`])
//! is synced before anything is appended, lest old frames come back between new ones. After a failed sync the log is
//! poisoned and does nothing more: the kernel may have marked the lost pages clean, so a second sync would lie
//! (Rebello et al., *Can Applications Recover from fsync Failures?*, ATC 2020).
//!
//! A file that will not be written any more is *frozen*: synced to its end, without a mark after it, so that a bad end of
//! it is corruption for sure ([`BadEnd`]). A file that is made at leisure, beside the one it is to replace, is written as
//! `NAME.new` too and *published* under its name when it is whole.
//!
//! What real systems do and this does not: preallocate and recycle files, write in sectors with O_DIRECT, compress.

mod log;
mod recover;
mod window;

#[cfg(test)]
mod tests;

pub use log::FrameLog;
pub(in crate::storage) use log::remove_if_there;
pub use recover::OnFrame;
pub(in crate::storage) use recover::claimed_durable;

use crate::storage::{EngineError, EngineOptions, Planted};

/// Bytes of the header of a file; the first frame begins here.
pub const FILE_HEADER_BYTES: u64 = 16;
/// Bytes of a frame besides its payload.
pub const FRAME_OVERHEAD_BYTES: usize = FRAME_HEADER_BYTES + TRAILER_BYTES;
/// The longest payload of one frame, in bytes.
pub const PAYLOAD_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Bytes of a frame before its payload.
pub const FRAME_HEADER_BYTES: usize = 16;
const TRAILER_BYTES: usize = 4;

/// Which kind of file this is: what its header must say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileKind {
    /// The first eight bytes.
    pub magic: [u8; 8],
    /// The version of the payloads' form.
    pub version: u32,
    /// What people call it, such as `append-only log`.
    pub name: &'static str,
}

/// What to do about damage to what was durable once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnCorruption {
    /// Refuse to open, and change nothing.
    #[default]
    Refuse,
    /// Write the file anew with every frame that is still whole. What stood between is lost and reported.
    Salvage,
}

/// What a bad end of a file is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BadEnd {
    /// A torn write, unless a later frame says otherwise: cut off.
    #[default]
    IsTorn,
    /// Damage: the file was synced to its end by [`FrameLog::freeze`] or [`FrameLog::publish`] and not written since.
    IsCorrupt,
}

/// How to open a [`FrameLog`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FrameOptions {
    /// What to do about damage to what was durable once.
    pub on_corruption: OnCorruption,
    /// What a bad end is.
    pub bad_end: BadEnd,
    /// A bug to have, for tests of tests.
    pub planted: Planted,
}

impl From<OnCorruption> for FrameOptions {
    fn from(on_corruption: OnCorruption) -> Self {
        Self {
            on_corruption,
            ..Self::default()
        }
    }
}

impl From<&EngineOptions> for FrameOptions {
    fn from(options: &EngineOptions) -> Self {
        Self {
            on_corruption: options.on_corruption,
            planted: options.planted,
            ..Self::default()
        }
    }
}

/// What opening a [`FrameLog`] found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecoveredLog {
    /// Frames with a payload that were read back.
    pub frames: u64,
    /// Bytes that were read.
    pub read_bytes: u64,
    /// Bytes of the torn tail that was cut off.
    pub torn_bytes: u64,
    /// Bytes of damaged frames that a salvage left out.
    pub corrupt_bytes: u64,
    /// The length of the file now.
    pub end: u64,
}

/// The header of a file of this kind.
pub(in crate::storage) fn file_header(kind: &FileKind) -> [u8; FILE_HEADER_BYTES as usize] {
    let mut header = [0; FILE_HEADER_BYTES as usize];
    header[..8].copy_from_slice(&kind.magic);
    header[8..12].copy_from_slice(&kind.version.to_le_bytes());
    let crc = crc32fast::hash(&header[..12]);
    header[12..].copy_from_slice(&crc.to_le_bytes());
    header
}

/// Checks that `header`, the first bytes of `file`, is what a file of this kind begins with.
pub(in crate::storage) fn check_file_header(
    kind: &FileKind,
    file: &str,
    header: &[u8],
) -> Result<(), EngineError> {
    let expected = || format!("{} version {}", kind.name, kind.version);
    let foreign = |found: String| EngineError::Format {
        file: file.to_owned(),
        found,
        expected: expected(),
    };
    let Some(magic) = header.get(..8) else {
        return Err(foreign("too short for a header".to_owned()));
    };
    if magic != kind.magic {
        return Err(foreign(format!(
            "of another format (it begins with \"{}\")",
            magic.escape_ascii()
        )));
    }
    if header.len() < FILE_HEADER_BYTES as usize
        || u32_at(header, 12) != crc32fast::hash(&header[..12])
    {
        return Err(EngineError::Corrupt {
            file: file.to_owned(),
            offset: 0,
            what: "the file header fails its checksum".to_owned(),
        });
    }
    let version = u32_at(header, 8);
    if version != kind.version {
        return Err(foreign(format!("{} version {version}", kind.name)));
    }
    Ok(())
}

/// A frame is built behind so many bytes that are not written: with the place of its CRC they hold the offset while the
/// CRC is computed, so that one pass goes over everything it covers.
const LEAD_BYTES: usize = 4;

/// Starts a frame in `out`, which is emptied; the payload is to be pushed next.
fn begin_frame(out: &mut Vec<u8>) {
    out.clear();
    out.extend_from_slice(&[0; LEAD_BYTES + FRAME_HEADER_BYTES]);
}

/// Bytes of payload in the frame that is being built in `out`.
fn payload_bytes(out: &[u8]) -> usize {
    out.len() - LEAD_BYTES - FRAME_HEADER_BYTES
}

/// Finishes the frame in `out` for the offset where it will be appended, and returns it.
///
/// # Panics
/// If the payload is longer than [`PAYLOAD_BYTES_MAX`].
fn finish_frame(out: &mut Vec<u8>, offset: u64, synced: u64) -> &[u8] {
    let payload_bytes = payload_bytes(out);
    assert!(
        payload_bytes <= PAYLOAD_BYTES_MAX,
        "a payload of {payload_bytes} bytes is longer than the most, {PAYLOAD_BYTES_MAX}"
    );
    assert!(
        synced <= offset,
        "durable to {synced}, past the frame at {offset}"
    );
    let length = (payload_bytes as u32).to_le_bytes();
    out.extend_from_slice(&length);
    let (head, _) = out
        .split_first_chunk_mut::<{ LEAD_BYTES + FRAME_HEADER_BYTES }>()
        .expect("a frame that was begun");
    head[..8].copy_from_slice(&offset.to_le_bytes());
    head[8..12].copy_from_slice(&length);
    head[12..].copy_from_slice(&synced.to_le_bytes());
    let crc = crc32fast::hash(out);
    out[LEAD_BYTES..LEAD_BYTES + 4].copy_from_slice(&crc.to_le_bytes());
    &out[LEAD_BYTES..]
}

/// What the first bytes of a frame say, so far as it is possible at all.
#[derive(Clone, Copy, Debug)]
struct FrameHead {
    /// Bytes of the whole frame.
    frame_bytes: usize,
    synced: u64,
}

impl FrameHead {
    /// Reads the head at `offset` of a file that ends at `end`; `None` if no frame there can begin so.
    fn read(head: &[u8], offset: u64, end: u64) -> Option<Self> {
        let frame_bytes = frame_bytes(u32_at(head, 4))?;
        let synced = u64_at(head, 8);
        let possible =
            frame_bytes as u64 <= end - offset && (FILE_HEADER_BYTES..=offset).contains(&synced);
        possible.then_some(Self {
            frame_bytes,
            synced,
        })
    }
}

/// The length of a frame with a payload of this length, if a payload may be so long.
fn frame_bytes(payload_bytes: u32) -> Option<usize> {
    let payload_bytes = payload_bytes as usize;
    (payload_bytes <= PAYLOAD_BYTES_MAX).then(|| payload_bytes + FRAME_OVERHEAD_BYTES)
}

/// Whether `frame`, whose head was read from its first bytes, is whole at `offset`.
fn is_whole(frame: &[u8], offset: u64, planted: Planted) -> bool {
    let trailer = u32_at(frame, frame.len() - TRAILER_BYTES);
    trailer == u32_at(frame, 4)
        && (u32_at(frame, 0) == frame_crc(frame, offset) || planted == Planted::IgnoresChecksums)
}

fn payload_of(frame: &[u8]) -> &[u8] {
    &frame[FRAME_HEADER_BYTES..frame.len() - TRAILER_BYTES]
}

fn frame_crc(frame: &[u8], offset: u64) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&offset.to_le_bytes());
    hasher.update(&frame[4..]);
    hasher.finalize()
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}
