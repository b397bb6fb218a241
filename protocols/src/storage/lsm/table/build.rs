//! Writing a table, from its first entry to its footer.

use bytes::Bytes;
use seedbed_sim::{Disk, FileHandle, OpenMode};

use super::super::block::BlockBuilder;
use super::super::bloom::{Filter, KeyHash};
use super::super::options::{Compression, LsmOptions};
use super::super::tombstones::Tombstones;
use super::super::{Sequence, TableId};
use super::index::{Index, IndexBuilder, separator};
use super::sealed::Seal;
use super::{Footer, KeyRange, Properties, RangeEnd, TABLE_KIND, Table};
use crate::storage::frame::file_header;
use crate::storage::{EngineError, Planted};

/// A table that is being written. Entries come in the order of their keys, versions of one key newest first.
#[derive(Clone, Debug)]
pub(crate) struct TableBuilder {
    id: TableId,
    name: String,
    file: FileHandle,
    compression: Compression,
    block_bytes: usize,
    write_bytes: usize,
    bloom_bits_per_key: u32,
    planted: Planted,
    block: BlockBuilder,
    /// The last key of the data block that was finished last, whose separator waits for the next key; and its length.
    waiting: Option<(Vec<u8>, u64)>,
    index: IndexBuilder,
    hashes: Vec<KeyHash>,
    properties: Properties,
    /// Bytes that are not yet in the file.
    buffer: Vec<u8>,
    /// Bytes that are.
    written: u64,
    scratch: Vec<u8>,
}

impl TableBuilder {
    /// Makes the file.
    pub(crate) fn new(
        disk: &mut dyn Disk,
        name: String,
        id: TableId,
        options: &LsmOptions,
        compression: Compression,
        planted: Planted,
    ) -> Result<Self, EngineError> {
        let file = disk.open(&name, OpenMode::CreateNew)?;
        Ok(Self {
            id,
            name,
            file,
            compression,
            block_bytes: options.block_bytes,
            write_bytes: options.transfer_bytes,
            bloom_bits_per_key: options.bloom_bits_per_key,
            planted,
            block: BlockBuilder::new(options.restart_interval),
            waiting: None,
            index: IndexBuilder::new(options.restart_interval),
            hashes: Vec::new(),
            properties: Properties {
                oldest: Sequence::MAX,
                ..Properties::default()
            },
            buffer: file_header(&TABLE_KIND).to_vec(),
            written: 0,
            scratch: Vec::new(),
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn file(&self) -> FileHandle {
        self.file
    }

    /// Bytes so far, in the file or on their way.
    pub(crate) fn file_bytes(&self) -> u64 {
        self.written + (self.buffer.len() + self.block.content_bytes()) as u64
    }

    /// Adds an entry. `None` is a tombstone.
    pub(crate) fn add(
        &mut self,
        disk: &mut dyn Disk,
        key: &[u8],
        sequence: Sequence,
        value: Option<&[u8]>,
    ) -> Result<(), EngineError> {
        if let Some((last, bytes)) = self.waiting.take() {
            self.index.add(separator(&last, key), bytes);
        }
        let properties = &mut self.properties;
        if properties.entries == 0 {
            properties.range.smallest = Bytes::copy_from_slice(key);
        }
        let is_new_key = properties.entries == 0 || *self.block.last_key() != *key;
        if is_new_key && self.bloom_bits_per_key > 0 {
            self.hashes.push(KeyHash::of(key));
        }
        properties.entries += 1;
        properties.tombstones += u64::from(value.is_none());
        properties.oldest = properties.oldest.min(sequence);
        properties.newest = properties.newest.max(sequence);
        properties.raw_bytes += (key.len() + value.map_or(0, <[u8]>::len)) as u64;
        self.block.add(key, sequence, value);
        if self.block.content_bytes() >= self.block_bytes {
            self.finish_block();
            if self.buffer.len() >= self.write_bytes {
                self.flush(disk)?;
            }
        }
        Ok(())
    }

    /// Finishes the table with what of the range deletes is its part. When this returns, the file is durable and its name
    /// is not: sync the directory.
    pub(crate) fn finish(
        mut self,
        disk: &mut dyn Disk,
        tombstones: Tombstones,
    ) -> Result<(Table, u64), EngineError> {
        if self.properties.entries > 0 {
            self.properties.range.largest = Bytes::copy_from_slice(self.block.last_key());
        }
        if !self.block.is_empty() {
            self.finish_block();
        }
        if let Some((last, bytes)) = self.waiting.take() {
            self.index.add(&last, bytes);
        }
        self.cover(&tombstones);
        let filter_at = self.written + self.buffer.len() as u64;
        let filter = match self.hashes.is_empty() {
            true => Bytes::new(),
            false => Filter::build(&self.hashes, self.bloom_bits_per_key).into(),
        };
        let mut encoded = Vec::new();
        tombstones.encode(&mut encoded);
        let index = self.index.finish();
        let mut properties = Vec::new();
        self.properties.encode(&mut properties);
        let mut lengths = [0; 4];
        let parts = [&filter[..], &encoded, &index, &properties];
        for (length, part) in lengths.iter_mut().zip(parts) {
            // A filter is noise, which can't be packed.
            let compression = match part.as_ptr() == filter.as_ptr() {
                true => Compression::None,
                false => self.compression,
            };
            *length = self.seal(part, compression) as u32;
        }
        let footer = Footer {
            id: self.id,
            filter_at,
            lengths,
        }
        .encode();
        self.buffer.extend_from_slice(&footer);
        self.flush(disk)?;
        if self.planted != Planted::LsmTableNotSynced {
            disk.sync(self.file)?;
        }
        let index = Index::decode(index, filter_at).expect("an index that was just written");
        let table = Table {
            id: self.id,
            name: self.name.into(),
            file: self.file,
            file_bytes: self.written,
            footer_crc: u32::from_le_bytes(footer[44..48].try_into().expect("four bytes")),
            properties: self.properties,
            tombstones,
            filter: Filter::new(&filter),
            index,
            planted: self.planted,
        };
        Ok((table, self.written))
    }

    /// Widens what the properties say by the range deletes.
    fn cover(&mut self, tombstones: &Tombstones) {
        for fragment in tombstones.iter() {
            let range = KeyRange {
                smallest: fragment.from.clone(),
                largest: fragment.to.clone().unwrap_or_default(),
                end: match fragment.to {
                    Some(_) => RangeEnd::Exclusive,
                    None => RangeEnd::Unbounded,
                },
            };
            let properties = &mut self.properties;
            let is_first = properties.newest == Sequence(0) && properties.entries == 0;
            properties.range = match is_first {
                true => range,
                false => properties.range.hull(&range),
            };
            let newest = fragment.sequences.first().copied().unwrap_or_default();
            let oldest = fragment.sequences.last().copied().unwrap_or_default();
            properties.newest = properties.newest.max(newest);
            properties.oldest = properties.oldest.min(oldest);
        }
    }

    fn finish_block(&mut self) {
        let last_key = self.block.last_key().to_vec();
        let seal = self.seal_here();
        let begin = self.buffer.len();
        let Self {
            block,
            buffer,
            scratch,
            compression,
            ..
        } = self;
        block.finish(|content| seal.push(content, *compression, scratch, buffer));
        self.waiting = Some((last_key, (self.buffer.len() - begin) as u64));
    }

    fn seal(&mut self, content: &[u8], compression: Compression) -> usize {
        let begin = self.buffer.len();
        self.seal_here()
            .push(content, compression, &mut self.scratch, &mut self.buffer);
        self.buffer.len() - begin
    }

    fn seal_here(&self) -> Seal {
        Seal {
            id: self.id,
            offset: self.written + self.buffer.len() as u64,
            ignores_checksums: false,
        }
    }

    fn flush(&mut self, disk: &mut dyn Disk) -> Result<(), EngineError> {
        let at = disk.append(self.file, &self.buffer)?;
        if at != self.written {
            return Err(super::corrupt(
                &self.name,
                at,
                "somebody else has written to the file",
            ));
        }
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}
