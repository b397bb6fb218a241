//! Sorted tables: files of entries in key order, written once and never changed.
//!
//! # The bytes
//!
//! Numbers are little-endian; CRC is CRC-32 (IEEE). The header has the form of [`frame`]'s files,
//! so an unknown version can be refused by its name.
//!
//! ```text
//! ┌───────────────┐ 0        header, 16 bytes: magic "seedblst" · version u32 · CRC of the two
//! │ header        │
//! ├───────────────┤ 16       sealed block = payload · tag u8 (0 plain, 1 LZ4) · length when unpacked u32 · CRC u32
//! │ data block 0  │            The CRC covers payload, tag and length, and then the table's number and the block's offset
//! │ data block 1  │            (8 bytes each, not stored): a block that landed elsewhere is no block.
//! │ …             │
//! ├───────────────┤          filter: a Bloom filter over all keys; empty if the option says so
//! │ filter        │          tombstones: the range deletes
//! │ tombstones    │          index: a block whose keys are separators: no less than the last key of a data block, less than
//! │ index         │            the first of the next; the value of each is the data block's length (varint)
//! │ properties    │          properties: varints, see `properties.rs`
//! ├───────────────┤          (each of the four is one sealed block)
//! │ footer        │ 56 bytes: table number u64 · offset of the filter u64 · lengths of the four u32 each · zeros u64 ·
//! └───────────────┘          version u32 · CRC u32 · magic "seedblst"
//! ```
//!
//! Opening a table reads its header, its footer, and everything between the last data block and the footer, which stays in
//! memory. A reader of one key asks the filter, then the index, and then reads one data block.

mod build;
mod cursor;
mod index;
mod properties;
mod sealed;

use std::sync::Arc;

use bytes::Bytes;
use seedbed_sim::{Disk, FileHandle, OpenMode};

pub(super) use build::TableBuilder;
pub(super) use cursor::{Reader, RunAscent, RunDescent, Stepping, Tables};
pub(super) use properties::Properties;
pub use properties::{KeyRange, RangeEnd};

use super::block::{Block, Found};
use super::bloom::{Filter, KeyHash};
use super::tombstones::Tombstones;
use super::{Sequence, TableId};
use crate::storage::frame::{self, FILE_HEADER_BYTES, FileKind};
use crate::storage::{EngineError, Planted};
use index::Index;
use sealed::{SEAL_BYTES, Seal};

/// What the header of a table says.
pub const TABLE_KIND: FileKind = FileKind {
    magic: *b"seedblst",
    version: 1,
    name: "a sorted table of an LSM tree",
};

const FOOTER_BYTES: usize = 56;

/// A sorted table that is open. Shared between versions of the tree and between forks of the engine.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) id: TableId,
    pub(super) name: Arc<str>,
    pub(super) file: FileHandle,
    /// Bytes of the file.
    pub(super) file_bytes: u64,
    /// The checksum in its footer, which the manifest repeats.
    pub(super) footer_crc: u32,
    pub(super) properties: Properties,
    pub(super) tombstones: Tombstones,
    filter: Option<Filter>,
    index: Index,
    pub(super) planted: Planted,
}

/// Where the parts behind the data blocks are.
#[derive(Clone, Copy, Debug)]
struct Footer {
    id: TableId,
    filter_at: u64,
    /// Of the filter, the tombstones, the index and the properties, which stand one after the other.
    lengths: [u32; 4],
}

impl Footer {
    fn encode(&self) -> [u8; FOOTER_BYTES] {
        let mut out = [0; FOOTER_BYTES];
        out[..8].copy_from_slice(&self.id.0.to_le_bytes());
        out[8..16].copy_from_slice(&self.filter_at.to_le_bytes());
        for (i, length) in self.lengths.iter().enumerate() {
            out[16 + 4 * i..20 + 4 * i].copy_from_slice(&length.to_le_bytes());
        }
        out[40..44].copy_from_slice(&TABLE_KIND.version.to_le_bytes());
        let crc = crc32fast::hash(&out[..44]);
        out[44..48].copy_from_slice(&crc.to_le_bytes());
        out[48..].copy_from_slice(&TABLE_KIND.magic);
        out
    }

    /// Reads a footer that ends a file of this length.
    fn decode(footer: &[u8; FOOTER_BYTES], file_bytes: u64, checks: bool) -> Option<Self> {
        let number =
            |at: usize| u64::from_le_bytes(footer[at..at + 8].try_into().expect("eight bytes"));
        let short =
            |at: usize| u32::from_le_bytes(footer[at..at + 4].try_into().expect("four bytes"));
        if checks && crc32fast::hash(&footer[..44]) != short(44) {
            return None;
        }
        if footer[48..] != TABLE_KIND.magic {
            return None;
        }
        let read = Self {
            id: TableId(number(0)),
            filter_at: number(8),
            lengths: [short(16), short(20), short(24), short(28)],
        };
        // Lengths are bounded by the file before anything of that size is allocated.
        let tail: u64 = read.lengths.iter().map(|&length| u64::from(length)).sum();
        let fits = read.filter_at >= FILE_HEADER_BYTES
            && read.filter_at.checked_add(tail)? == file_bytes - FOOTER_BYTES as u64;
        fits.then_some(read)
    }
}

/// What a table is expected to be, from the manifest.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected {
    pub(super) id: TableId,
    pub(super) file_bytes: u64,
    pub(super) footer_crc: u32,
}

impl Table {
    /// Opens the table of this name, which must be what the manifest says it is.
    pub(super) fn open(
        disk: &mut dyn Disk,
        name: &str,
        expected: Expected,
        planted: Planted,
    ) -> Result<Self, EngineError> {
        let file = disk
            .open(name, OpenMode::Existing)
            .map_err(|error| match error {
                seedbed_sim::DiskError::NotFound(_) => {
                    corrupt(name, 0, "the manifest names this table, and it is gone")
                }
                other => other.into(),
            })?;
        let file_bytes = disk.len(file)?;
        let mut header = [0; FILE_HEADER_BYTES as usize];
        let got = disk.read_at(file, 0, &mut header)?;
        frame::check_file_header(&TABLE_KIND, name, &header[..got])?;
        if file_bytes != expected.file_bytes {
            let what = format!(
                "the table has {file_bytes} bytes, and the manifest says {}",
                expected.file_bytes
            );
            return Err(corrupt(name, file_bytes.min(expected.file_bytes), &what));
        }
        let ignores_checksums = planted == Planted::IgnoresChecksums;
        let footer_at = file_bytes
            .checked_sub(FOOTER_BYTES as u64)
            .filter(|&at| at >= FILE_HEADER_BYTES)
            .ok_or_else(|| corrupt(name, file_bytes, "the table is cut short"))?;
        let mut bytes = [0; FOOTER_BYTES];
        disk.read_at(file, footer_at, &mut bytes)?;
        let crc = u32::from_le_bytes(bytes[44..48].try_into().expect("four bytes"));
        let footer = Footer::decode(&bytes, file_bytes, !ignores_checksums)
            .filter(|footer| footer.id == expected.id && crc == expected.footer_crc)
            .ok_or_else(|| {
                corrupt(
                    name,
                    footer_at,
                    "the footer is not the one that was written",
                )
            })?;
        let mut tail = vec![0; (footer_at - footer.filter_at) as usize];
        disk.read_at(file, footer.filter_at, &mut tail)?;
        let parts = Parts::unseal(&tail.into(), &footer, ignores_checksums)
            .map_err(|(at, what)| corrupt(name, at, what))?;
        Ok(Self {
            id: footer.id,
            name: name.into(),
            file,
            file_bytes,
            footer_crc: crc,
            properties: parts.properties,
            tombstones: parts.tombstones,
            filter: parts.filter,
            index: parts.index,
            planted,
        })
    }

    /// The keys it covers, by entries and by range deletes.
    pub(super) fn range(&self) -> &KeyRange {
        &self.properties.range
    }

    pub(super) fn block_count(&self) -> usize {
        self.index.block_count()
    }

    /// Bits of its filter for each entry.
    pub(super) fn filter_bytes(&self) -> usize {
        self.filter.as_ref().map_or(0, Filter::memory_bytes)
    }

    /// Whether its filter says that a key may be in it; without a filter it may.
    pub(super) fn may_contain(&self, hash: KeyHash) -> bool {
        self.filter
            .as_ref()
            .is_none_or(|filter| filter.may_contain(hash))
    }

    pub(super) fn has_filter(&self) -> bool {
        self.filter.is_some()
    }

    /// Bytes it takes in memory.
    pub(super) fn memory_bytes(&self) -> usize {
        size_of::<Self>()
            + self.filter_bytes()
            + self.index.memory_bytes()
            + self.tombstones.memory_bytes()
            + self.properties.range.smallest.len()
            + self.properties.range.largest.len()
    }

    /// The newest version of `key` that is no newer than `most`.
    pub(super) fn get(
        &self,
        reader: &mut Reader<'_>,
        key: &[u8],
        hash: KeyHash,
        most: Sequence,
    ) -> Result<Option<(Sequence, Option<Bytes>)>, EngineError> {
        if self.properties.entries == 0 {
            return Ok(None);
        }
        if let Some(filter) = &self.filter {
            reader.counts.filter_asked += 1;
            if !filter.may_contain(hash) {
                reader.counts.filter_denied += 1;
                return Ok(None);
            }
        }
        let mut index = self.index.seek(key);
        while index < self.block_count() {
            let block = reader.block(self, index)?;
            match block.find(key, most).map_err(|_| self.malformed(index))? {
                Found::Version(sequence, value) => return Ok(Some((sequence, value))),
                Found::Nothing => break,
                Found::ReadOn => index += 1,
            }
        }
        if self.filter.is_some() {
            reader.counts.filter_misled += 1;
        }
        Ok(None)
    }

    /// Reads a data block from the disk.
    pub(super) fn read_block(
        &self,
        disk: &mut dyn Disk,
        index: usize,
    ) -> Result<Block, EngineError> {
        let (at, end) = self.index.extent(index);
        let mut sealed = vec![0; (end - at) as usize];
        let got = disk.read_at(self.file, at, &mut sealed)?;
        sealed.truncate(got);
        self.unseal_block(&sealed.into(), index)
    }

    /// Takes what was read at the place of a data block for one.
    fn unseal_block(&self, sealed: &Bytes, index: usize) -> Result<Block, EngineError> {
        let (offset, _) = self.index.extent(index);
        let seal = Seal {
            id: self.id,
            offset,
            ignores_checksums: self.planted == Planted::IgnoresChecksums,
        };
        let content = seal
            .open(sealed)
            .map_err(|what| corrupt(&self.name, offset, what))?;
        Block::new(content).map_err(|_| self.malformed(index))
    }

    /// The error that a block, though its checksum is right, is not well formed.
    pub(super) fn malformed(&self, index: usize) -> EngineError {
        let (offset, _) = self.index.extent(index);
        corrupt(&self.name, offset, "a block is not well formed")
    }

    /// The separator behind a data block.
    pub(super) fn separator(&self, index: usize) -> Vec<u8> {
        self.index.separator(index)
    }

    /// Where a data block begins and ends in the file.
    pub(super) fn extent(&self, index: usize) -> (u64, u64) {
        self.index.extent(index)
    }

    /// The error that this table holds what was never written there.
    pub(super) fn corrupt(&self, at: u64, what: &str) -> EngineError {
        corrupt(&self.name, at, what)
    }
}

/// What is behind the data blocks.
struct Parts {
    filter: Option<Filter>,
    tombstones: Tombstones,
    index: Index,
    properties: Properties,
}

impl Parts {
    /// Takes them apart; or says where the tail is not what it should be.
    fn unseal(
        tail: &Bytes,
        footer: &Footer,
        ignores_checksums: bool,
    ) -> Result<Self, (u64, &'static str)> {
        let mut at = 0;
        let mut parts = [const { Bytes::new() }; 4];
        for (part, length) in parts.iter_mut().zip(footer.lengths) {
            let seal = Seal {
                id: footer.id,
                offset: footer.filter_at + at as u64,
                ignores_checksums,
            };
            let sealed = tail.slice(at..at + length as usize);
            *part = seal.open(&sealed).map_err(|what| (seal.offset, what))?;
            at += length as usize;
        }
        let bad = |what| (footer.filter_at, what);
        let [filter, tombstones, index, properties] = parts;
        let filter = match filter.len() {
            0 => None,
            _ => Some(Filter::new(&filter).ok_or(bad("the filter is not well formed"))?),
        };
        let tombstones =
            Tombstones::decode(&tombstones).ok_or(bad("the range deletes are not well formed"))?;
        let properties =
            Properties::decode(&properties).ok_or(bad("the properties are not well formed"))?;
        let index =
            Index::decode(index, footer.filter_at).ok_or(bad("the index is not well formed"))?;
        Ok(Self {
            filter,
            tombstones,
            index,
            properties,
        })
    }
}

/// Whether what is so long can be a sealed block at all.
fn can_be_sealed(bytes: u64) -> bool {
    bytes >= SEAL_BYTES as u64
}

fn corrupt(file: &str, offset: u64, what: &str) -> EngineError {
    EngineError::Corrupt {
        file: file.to_owned(),
        offset,
        what: what.to_owned(),
    }
}
