//! fjall, an LSM tree, and redb, a copy-on-write B-tree, as their users would use them.

use std::path::Path;

use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};
use redb::{Durability, ReadableDatabase, TableDefinition};

use crate::subject::{Row, Subject};

pub struct Fjall {
    database: Database,
    keyspace: Keyspace,
}

impl Fjall {
    pub fn open(dir: &Path, cache_bytes: usize) -> anyhow::Result<Box<dyn Subject>> {
        let database = Database::builder(dir)
            .cache_size(cache_bytes as u64)
            .open()?;
        let keyspace = database.keyspace("rows", KeyspaceCreateOptions::default)?;
        Ok(Box::new(Self { database, keyspace }))
    }
}

impl Subject for Fjall {
    fn write(&mut self, rows: &[Row]) -> anyhow::Result<()> {
        if let [(key, value)] = rows {
            return Ok(self.keyspace.insert(key, value)?);
        }
        let mut batch = self.database.batch();
        for (key, value) in rows {
            batch.insert(&self.keyspace, key, value);
        }
        Ok(batch.commit()?)
    }

    fn sync(&mut self) -> anyhow::Result<()> {
        Ok(self.database.persist(PersistMode::SyncData)?)
    }

    fn get(&mut self, key: &[u8]) -> anyhow::Result<bool> {
        Ok(self.keyspace.get(key)?.is_some())
    }

    fn scan(&mut self, from: &[u8], limit: usize) -> anyhow::Result<Option<usize>> {
        let mut count = 0;
        for row in self.keyspace.range(from..).take(limit) {
            std::hint::black_box(row.into_inner()?);
            count += 1;
        }
        Ok(Some(count))
    }

    fn compact(&mut self) -> anyhow::Result<()> {
        self.keyspace.rotate_memtable_and_wait()?;
        self.keyspace.major_compact()?;
        self.sync()
    }
}

const TABLE: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("rows");

pub struct Redb {
    database: redb::Database,
}

impl Redb {
    pub fn open(dir: &Path, cache_bytes: usize) -> anyhow::Result<Box<dyn Subject>> {
        let database = redb::Database::builder()
            .set_cache_size(cache_bytes)
            .create(dir.join("rows.redb"))?;
        let mut this = Self { database };
        this.transact(&[], Durability::Immediate)?;
        Ok(Box::new(this))
    }

    fn transact(&mut self, rows: &[Row], durability: Durability) -> anyhow::Result<()> {
        let mut transaction = self.database.begin_write()?;
        transaction.set_durability(durability)?;
        {
            let mut table = transaction.open_table(TABLE)?;
            for (key, value) in rows {
                table.insert(&key[..], &value[..])?;
            }
        }
        Ok(transaction.commit()?)
    }
}

impl Subject for Redb {
    fn write(&mut self, rows: &[Row]) -> anyhow::Result<()> {
        self.transact(rows, Durability::None)
    }

    fn sync(&mut self) -> anyhow::Result<()> {
        self.transact(&[], Durability::Immediate)
    }

    fn get(&mut self, key: &[u8]) -> anyhow::Result<bool> {
        let table = self.database.begin_read()?.open_table(TABLE)?;
        let value = table.get(key)?;
        Ok(value.is_some_and(|it| std::hint::black_box(it.value()).len() == 100))
    }

    fn scan(&mut self, from: &[u8], limit: usize) -> anyhow::Result<Option<usize>> {
        let table = self.database.begin_read()?.open_table(TABLE)?;
        let mut count = 0;
        for row in table.range(from..)?.take(limit) {
            let (key, value) = row?;
            std::hint::black_box((key.value(), value.value()));
            count += 1;
        }
        Ok(Some(count))
    }

    fn compact(&mut self) -> anyhow::Result<()> {
        self.database.compact()?;
        Ok(())
    }
}
