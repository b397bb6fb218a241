//! Seedbed's engines on the real disk.

use std::path::Path;

use bytes::Bytes;
use seedbed_protocols::storage::{
    Bounds, Change, Engine, EngineKind, EngineOptions, Row as Found, ScanDirection, open_engine,
};
use seedbed_sim::FileDisk;

use crate::subject::{Row, Subject};

/// How much background work the client does after a batch, at the most.
const SLICE_BYTES: u64 = 1 << 20;

const PAGE_BYTES: usize = 4_096;

pub struct Ours {
    engine: Box<dyn Engine>,
    disk: FileDisk,
    batch: Vec<Change>,
    found: Vec<Found>,
    /// Whether it sorts all its keys for each scan, so that short ones are no use.
    is_unordered: bool,
}

impl Ours {
    pub fn open(
        kind: EngineKind,
        dir: &Path,
        cache_bytes: usize,
    ) -> anyhow::Result<Box<dyn Subject>> {
        let mut disk = FileDisk::open(dir)?;
        let mut options = EngineOptions::default();
        options.lsm.cache_bytes = cache_bytes;
        options.btree.pool_pages = cache_bytes / PAGE_BYTES;
        options.cow.pool_pages = cache_bytes / PAGE_BYTES;
        let (engine, _) = open_engine(kind, &mut disk, &options)?;
        Ok(Box::new(Self {
            engine,
            disk,
            batch: Vec::new(),
            found: Vec::new(),
            is_unordered: kind == EngineKind::Hash,
        }))
    }
}

impl Subject for Ours {
    fn write(&mut self, rows: &[Row]) -> anyhow::Result<()> {
        self.batch.clear();
        let puts = rows.iter().map(|(key, value)| {
            Change::Put(Bytes::copy_from_slice(key), Bytes::copy_from_slice(value))
        });
        self.batch.extend(puts);
        self.engine.write(&mut self.disk, &self.batch)?;
        self.engine.maintain(&mut self.disk, SLICE_BYTES)?;
        Ok(())
    }

    fn sync(&mut self) -> anyhow::Result<()> {
        Ok(self.engine.sync(&mut self.disk)?)
    }

    fn get(&mut self, key: &[u8]) -> anyhow::Result<bool> {
        Ok(self.engine.get(&mut self.disk, key, None)?.is_some())
    }

    fn scan(&mut self, from: &[u8], limit: usize) -> anyhow::Result<Option<usize>> {
        if self.is_unordered && limit < 1_000 {
            return Ok(None);
        }
        const AT_ONCE: usize = 1_000;
        let mut next = Some(Bytes::copy_from_slice(from));
        let mut count = 0;
        while let Some(from) = next.take().filter(|_| count < limit) {
            self.found.clear();
            let bounds = Bounds {
                from: Some(&from),
                to: None,
            };
            let most = match self.is_unordered {
                true => limit,
                false => AT_ONCE.min(limit - count),
            };
            let (disk, out) = (&mut self.disk, &mut self.found);
            next = self
                .engine
                .scan(disk, None, bounds, ScanDirection::Forward, most, out)?;
            count += self.found.len();
        }
        Ok(Some(count))
    }

    fn compact(&mut self) -> anyhow::Result<()> {
        self.engine.compact(&mut self.disk)?;
        self.sync()
    }
}
