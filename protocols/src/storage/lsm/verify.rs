//! Reading every byte of a tree and checking it against every invariant.

use std::collections::BTreeSet;

use seedbed_sim::{Disk, OpenMode};

use super::block::Ascent;
use super::bloom::KeyHash;
use super::jobs::{FlushJob, MergeJob};
use super::manifest::Manifest;
use super::table::{Expected, Table};
use super::wal::{self, LOG_KIND, Payload};
use super::{LsmEngine, Sequence};
use crate::storage::{EngineError, Planted, batch};

impl LsmEngine {
    /// Checks the manifest, the directory, the runs, every table and every log.
    pub(super) fn verify_all(&mut self, disk: &mut dyn Disk) -> Result<(), EngineError> {
        self.verify_manifest(disk)?;
        self.verify_directory(disk)?;
        if let Some(what) = self.version.disorder() {
            panic!("{what}");
        }
        for table in self.version.tables() {
            self.verify_table(disk, table)?;
        }
        let frozen = self.frozen.iter_mut().map(|frozen| &mut frozen.wal);
        for wal in self.kept.iter_mut().chain(frozen).chain([&mut self.wal]) {
            let mut batches = 0;
            wal.frames.verify(
                disk,
                &LOG_KIND,
                &mut |_, payload| match wal::decode(payload)? {
                    Payload::Begin(_) => Ok(()),
                    Payload::Batch(_, changes) => {
                        batches += 1;
                        batch::check(changes).map(|_| ())
                    }
                },
            )?;
            assert_eq!(batches, wal.batches, "batches of {}", wal.frames.name());
        }
        Ok(())
    }

    fn verify_manifest(&self, disk: &mut dyn Disk) -> Result<(), EngineError> {
        let name = Self::manifest_name(&self.prefix);
        let read = Manifest::read(disk, &name, Planted::Nothing)?;
        if read.map(|(manifest, _)| manifest).as_ref() != Some(&self.manifest) {
            return Err(EngineError::Corrupt {
                file: name,
                offset: 0,
                what: "the manifest is not the one that was written".to_owned(),
            });
        }
        assert_eq!(
            self.version.records(),
            self.manifest.runs,
            "the manifest and the tables in memory"
        );
        Ok(())
    }

    /// The files that are there are those that should be.
    fn verify_directory(&self, disk: &mut dyn Disk) -> Result<(), EngineError> {
        let tables = self.version.tables().map(|table| table.name.to_string());
        let frozen = self.frozen.iter().map(|frozen| &frozen.wal);
        let logs = self.kept.iter().chain(frozen).chain([&self.wal]);
        let logs = logs.map(|wal| wal.frames.name().to_owned());
        let flush = self.work.flush.iter().flat_map(FlushJob::files);
        let merge = self.work.merge.iter().flat_map(MergeJob::files);
        let jobs = flush.chain(merge).map(|(name, _)| name);
        let expected: BTreeSet<String> = tables
            .chain(logs)
            .chain(jobs)
            .chain([Self::manifest_name(&self.prefix)])
            .collect();
        let there: BTreeSet<String> = disk.list()?.into_iter().collect();
        if let Some(missing) = expected.iter().find(|name| !there.contains(*name)) {
            return Err(EngineError::Corrupt {
                file: missing.clone(),
                offset: 0,
                what: "the file is gone".to_owned(),
            });
        }
        Ok(())
    }

    fn verify_table(&self, disk: &mut dyn Disk, table: &Table) -> Result<(), EngineError> {
        // What was read when it was opened must still be there.
        let expected = Expected {
            id: table.id,
            file_bytes: table.file_bytes,
            footer_crc: table.footer_crc,
        };
        let again = Table::open(disk, &table.name, expected, Planted::Nothing)?;
        disk.close(again.file)?;
        let file = disk.open(&table.name, OpenMode::Existing)?;
        disk.close(file)?;
        let mut seen = Seen::default();
        for index in 0..table.block_count() {
            let block = table.read_block(disk, index)?;
            let separator = table.separator(index);
            let mut ascent = Ascent::new(block, Vec::new()).map_err(|_| table.malformed(index))?;
            while let Some(entry) = ascent.entry() {
                let (sequence, is_delete) = (entry.sequence, entry.value.is_none());
                seen.entry(table, &ascent.key, sequence, is_delete)?;
                if ascent.key > separator {
                    return Err(
                        table.corrupt(table.extent(index).0, "a key is greater than its separator")
                    );
                }
                ascent.advance().map_err(|_| table.malformed(index))?;
            }
        }
        if (seen.entries, seen.tombstones)
            != (table.properties.entries, table.properties.tombstones)
        {
            return Err(table.corrupt(0, "the table has another number of entries than it says"));
        }
        Ok(())
    }
}

/// What was read of a table so far.
#[derive(Default)]
struct Seen {
    last: Option<(Vec<u8>, Sequence)>,
    entries: u64,
    tombstones: u64,
}

impl Seen {
    fn entry(
        &mut self,
        table: &Table,
        key: &[u8],
        sequence: Sequence,
        is_delete: bool,
    ) -> Result<(), EngineError> {
        let in_order = self
            .last
            .as_ref()
            .is_none_or(|(last, newer)| **last < *key || **last == *key && *newer > sequence);
        if !in_order {
            return Err(table.corrupt(0, "entries are out of order"));
        }
        let properties = &table.properties;
        if !properties.range.contains(key)
            || !(properties.oldest..=properties.newest).contains(&sequence)
        {
            return Err(table.corrupt(0, "an entry is outside of what the table says it covers"));
        }
        if table.has_filter() && !table.may_contain(KeyHash::of(key)) {
            return Err(table.corrupt(0, "the filter denies a key that is there"));
        }
        self.entries += 1;
        self.tombstones += u64::from(is_delete);
        self.last = Some((key.to_vec(), sequence));
        Ok(())
    }
}
