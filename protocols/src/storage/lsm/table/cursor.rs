//! Walking the tables of a sorted run, block by block, upwards and downwards.

use std::sync::Arc;

use bytes::Bytes;
use seedbed_sim::Disk;

use super::super::block::{Ascent, Block, Descent, Entry};
use super::super::cache::BlockCache;
use super::super::{ReadCounts, Sequence};
use super::Table;
use crate::storage::EngineError;

/// What reading blocks needs: the disk, the cache before it, and where to count.
pub(crate) struct Reader<'a> {
    pub(crate) disk: &'a mut dyn Disk,
    pub(crate) cache: &'a mut BlockCache,
    pub(crate) counts: &'a mut ReadCounts,
}

impl Reader<'_> {
    /// A data block, from the cache if it is there.
    #[inline]
    pub(crate) fn block(&mut self, table: &Table, index: usize) -> Result<Block, EngineError> {
        if let Some(block) = self.cache.get(table.id, index) {
            self.counts.cache_hits += 1;
            return Ok(block);
        }
        let block = table.read_block(self.disk, index)?;
        let (begin, end) = table.extent(index);
        self.counts.block_reads += 1;
        self.counts.read_bytes += end - begin;
        self.cache
            .insert(table.id, index, table.block_count(), block.clone());
        Ok(block)
    }
}

/// How an ascent gets its blocks.
#[derive(Clone, Debug)]
pub(crate) enum Stepping {
    /// One at a time, through the cache.
    Cached,
    /// Many at once, past the cache: for who reads everything once.
    Ahead(Ahead),
}

/// A stretch of a table that was read in one go.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ahead {
    transfer_bytes: usize,
    begin: u64,
    bytes: Bytes,
}

impl Stepping {
    /// Reads of about this many bytes.
    pub(crate) fn ahead(transfer_bytes: usize) -> Self {
        Self::Ahead(Ahead {
            transfer_bytes,
            ..Ahead::default()
        })
    }

    fn block(
        &mut self,
        reader: &mut Reader<'_>,
        table: &Table,
        index: usize,
    ) -> Result<Block, EngineError> {
        match self {
            Self::Cached => reader.block(table, index),
            Self::Ahead(ahead) => {
                let (begin, end) = table.extent(index);
                if begin < ahead.begin || end > ahead.begin + ahead.bytes.len() as u64 {
                    ahead.read(reader, table, index)?;
                }
                let at = (begin - ahead.begin) as usize;
                let until = ((end - ahead.begin) as usize).min(ahead.bytes.len());
                table.unseal_block(&ahead.bytes.slice(at..until), index)
            }
        }
    }

    /// Another table begins.
    fn reset(&mut self) {
        if let Self::Ahead(ahead) = self {
            ahead.begin = 0;
            ahead.bytes = Bytes::new();
        }
    }
}

impl Ahead {
    /// Reads from the block `index` of `table` on.
    fn read(
        &mut self,
        reader: &mut Reader<'_>,
        table: &Table,
        index: usize,
    ) -> Result<(), EngineError> {
        let (begin, end) = table.extent(index);
        let (_, data_end) = table.extent(table.block_count() - 1);
        let want = (end - begin).max((self.transfer_bytes as u64).min(data_end - begin));
        let mut bytes = vec![0; want as usize];
        let got = reader.disk.read_at(table.file, begin, &mut bytes)?;
        bytes.truncate(got);
        reader.counts.background_read_bytes += got as u64;
        self.begin = begin;
        self.bytes = bytes.into();
        Ok(())
    }
}

/// The tables of one sorted run, in key order and without overlap.
pub(crate) type Tables = Arc<[Arc<Table>]>;

/// Walks a run upwards, entry by entry.
#[derive(Clone, Debug)]
pub(crate) struct RunAscent {
    tables: Tables,
    table: usize,
    block: usize,
    ascent: Option<Ascent>,
    stepping: Stepping,
}

impl RunAscent {
    /// At the first entry whose key is not less than `from`; at the first of all for `None`.
    pub(crate) fn new(
        tables: Tables,
        from: Option<&[u8]>,
        stepping: Stepping,
        reader: &mut Reader<'_>,
    ) -> Result<Self, EngineError> {
        let table = from.map_or(0, |from| {
            tables.partition_point(|table| table.range().is_before(from))
        });
        let block = match (tables.get(table), from) {
            (Some(table), Some(from)) => table.index.seek(from),
            _ => 0,
        };
        let mut run = Self {
            tables,
            table,
            block,
            ascent: None,
            stepping,
        };
        run.open(reader)?;
        if let (Some(ascent), Some(from)) = (&mut run.ascent, from) {
            ascent
                .seek(from)
                .map_err(|_| run.tables[run.table].malformed(run.block))?;
        }
        run.leave_finished(reader)?;
        Ok(run)
    }

    /// The key it stands at; `None` past the last.
    #[inline]
    pub(crate) fn key(&self) -> Option<&[u8]> {
        self.ascent.as_ref().map(|ascent| &ascent.key[..])
    }

    /// The entry it stands at.
    #[inline]
    fn entry(&self) -> Option<(&Block, &Entry)> {
        let ascent = self.ascent.as_ref()?;
        Some((&ascent.block, ascent.entry()?))
    }

    /// The sequence number of the entry it stands at.
    #[inline]
    pub(crate) fn sequence(&self) -> Sequence {
        self.entry()
            .map_or(Sequence(0), |(_, entry)| entry.sequence)
    }

    /// The value it stands at; `None` for a tombstone.
    #[inline]
    pub(crate) fn value(&self) -> Option<Bytes> {
        let (block, entry) = self.entry()?;
        entry.value.clone().map(|range| block.slice(range))
    }

    /// The same, borrowed.
    #[inline]
    pub(crate) fn value_bytes(&self) -> Option<&[u8]> {
        let (block, entry) = self.entry()?;
        entry.value.clone().map(|range| block.bytes(range))
    }

    /// On to the next entry.
    #[inline]
    pub(crate) fn advance(&mut self, reader: &mut Reader<'_>) -> Result<(), EngineError> {
        let Some(ascent) = &mut self.ascent else {
            return Ok(());
        };
        if ascent.advance().is_err() {
            return Err(self.tables[self.table].malformed(self.block));
        }
        if ascent.entry().is_some() {
            return Ok(());
        }
        self.leave_finished(reader)
    }

    /// Goes on to the next block or table as long as there is no entry where it stands.
    fn leave_finished(&mut self, reader: &mut Reader<'_>) -> Result<(), EngineError> {
        while self
            .ascent
            .as_ref()
            .is_some_and(|ascent| ascent.entry().is_none())
        {
            self.block += 1;
            self.open(reader)?;
        }
        Ok(())
    }

    /// Opens the block it stands at, or the first of the next table that has one.
    fn open(&mut self, reader: &mut Reader<'_>) -> Result<(), EngineError> {
        let key = self
            .ascent
            .take()
            .map(|ascent| ascent.key)
            .unwrap_or_default();
        while let Some(table) = self.tables.get(self.table) {
            if self.block < table.block_count() {
                let block = self.stepping.block(reader, table, self.block)?;
                let ascent = Ascent::new(block, key).map_err(|_| table.malformed(self.block))?;
                self.ascent = Some(ascent);
                return Ok(());
            }
            self.table += 1;
            self.block = 0;
            self.stepping.reset();
        }
        Ok(())
    }
}

/// Walks a run downwards, entry by entry.
#[derive(Clone, Debug)]
pub(crate) struct RunDescent {
    tables: Tables,
    /// How many tables, and of the last of them how many blocks, are left: the one it stands in included.
    tables_left: usize,
    blocks_left: usize,
    descent: Option<Descent>,
}

impl RunDescent {
    /// At the last entry whose key is less than `to`; at the last of all for `None`.
    pub(crate) fn new(
        tables: Tables,
        to: Option<&[u8]>,
        reader: &mut Reader<'_>,
    ) -> Result<Self, EngineError> {
        let mut tables_left = tables.len();
        let mut blocks_left = tables.last().map_or(0, |table| table.block_count());
        if let Some(to) = to {
            let table = tables.partition_point(|table| table.range().is_before(to));
            if let Some(found) = tables.get(table) {
                tables_left = table + 1;
                blocks_left = (found.index.seek(to) + 1).min(found.block_count());
            }
        }
        let mut run = Self {
            tables,
            tables_left,
            blocks_left,
            descent: None,
        };
        run.open(to, reader)?;
        Ok(run)
    }

    /// The key it stands at; `None` before the first.
    pub(crate) fn key(&self) -> Option<&[u8]> {
        self.descent.as_ref()?.entry().map(|(key, _)| key)
    }

    /// The sequence number of the entry it stands at.
    pub(crate) fn sequence(&self) -> Sequence {
        let entry = self.descent.as_ref().and_then(Descent::entry);
        entry.map_or(Sequence(0), |(_, entry)| entry.sequence)
    }

    /// The value it stands at; `None` for a tombstone.
    pub(crate) fn value(&self) -> Option<Bytes> {
        let descent = self.descent.as_ref()?;
        let range = descent.entry()?.1.value.clone()?;
        Some(descent.block.slice(range))
    }

    /// On to the entry before.
    pub(crate) fn advance(&mut self, reader: &mut Reader<'_>) -> Result<(), EngineError> {
        let Some(descent) = &mut self.descent else {
            return Ok(());
        };
        if descent.advance().is_err() {
            let table = &self.tables[self.tables_left - 1];
            return Err(table.malformed(self.blocks_left - 1));
        }
        if descent.entry().is_none() {
            self.blocks_left -= 1;
            self.open(None, reader)?;
        }
        Ok(())
    }

    /// Opens the last block that is left and has an entry less than `to`.
    fn open(&mut self, to: Option<&[u8]>, reader: &mut Reader<'_>) -> Result<(), EngineError> {
        self.descent = None;
        while let Some(last) = self.tables_left.checked_sub(1) {
            let table = &self.tables[last];
            if let Some(index) = self.blocks_left.checked_sub(1) {
                let block = reader.block(table, index)?;
                let descent = Descent::new(block, to).map_err(|_| table.malformed(index))?;
                if descent.entry().is_some() {
                    self.descent = Some(descent);
                    return Ok(());
                }
                self.blocks_left = index;
                continue;
            }
            self.tables_left = last;
            let before = last.checked_sub(1).map(|before| &self.tables[before]);
            self.blocks_left = before.map_or(0, |table| table.block_count());
        }
        Ok(())
    }
}
