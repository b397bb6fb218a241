//! A store by itself: one engine on one directory, as the command `seedbed store` uses it.
//!
//! The same engines, on the same bytes, that replicas run on. A directory says whose it is in a file of its own
//! (`marker`), so that it is never opened by another engine, nor taken from another program.
//!
//! ```text
//!   STORE                       seedbed store, format 1, engine hash
//!   hash-00000001-00000001.seg  the engine's own files
//! ```
//!
//! Nothing here touches a real file: whoever has a disk, real or simulated, lends it. Background work is done where much
//! is written ([`Store::load`]) and where it is asked for ([`Store::compact`]); a single write leaves it to the next load.

pub mod bench;
pub mod crash;
mod marker;
mod picture;
pub mod rows;
mod show;
pub mod simulate;
#[cfg(test)]
mod tests;

use std::ops::ControlFlow;

use bytes::Bytes;
use seedbed_protocols::storage::frame::OnCorruption;
use seedbed_protocols::storage::{
    Bounds, CATALOG, Change, Engine, EngineError, EngineKind, EngineOptions, Recovery, Row,
    ScanDirection,
};
use seedbed_sim::{Disk, DiskError};

use crate::file::{alternatives, nearest, quoted};

pub use seedbed_protocols::storage::Durability;
pub use show::SCHEMA;

/// Rows that a load writes as one batch at most, which is then synced.
const LOAD_BATCH_ROWS: usize = 1000;
/// A batch of a load ends once its keys and values have so many bytes.
const LOAD_BATCH_BYTES: usize = 1 << 20;
/// Rows that a scan reads at first. The append-only log reads all of its file for each page, so pages grow.
const SCAN_ROWS_MIN: usize = 1000;
/// Rows that it reads at once at most.
const SCAN_ROWS_MAX: usize = 1 << 19;
/// A page of a scan grows as long as the one before had less than half as many bytes, and shrinks when it had more.
const SCAN_BYTES: usize = 64 << 20;
/// Bytes of background work between two batches of a load.
const MAINTAIN_BYTES: u64 = 1 << 20;

/// Why a store can't be opened or used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// There is no engine of this name whose content is on the disk.
    #[error(
        "there is no engine {} that keeps a store; there are {}{}",
        quoted(name),
        alternatives(engines()),
        near_miss(name)
    )]
    NoSuchEngine {
        /// The name.
        name: String,
    },
    /// The directory has no store, and this command makes none.
    #[error("there is no store in this directory; `put` and `load` make one, with --engine")]
    NoStore,
    /// The engine of a new store must be named.
    #[error("a new store needs --engine, one of {}", alternatives(engines()))]
    NoEngine,
    /// The directory holds something else.
    #[error(
        "the directory holds {0:?} and no store, so it is somebody else's; choose an empty one"
    )]
    Foreign(String),
    /// What says whose directory this is can't be read by this program.
    #[error("the file {file:?} says {found:?}; this program reads {expected:?}")]
    Marker {
        /// The file.
        file: &'static str,
        /// What it says.
        found: String,
        /// What it should say.
        expected: &'static str,
    },
    /// The store is another engine's.
    #[error("this store is of the engine {found}, not {asked}")]
    OtherEngine {
        /// Whose it is.
        found: EngineKind,
        /// Whose it was taken for.
        asked: EngineKind,
    },
    /// There is no such workload.
    #[error("the workload makes no sense: {0}")]
    Workload(String),
    /// The store answered wrongly: a bug in its engine.
    #[error("wrong answer for the key {key:?}: expected {expected}, found {found}")]
    WrongAnswer {
        /// What was asked for.
        key: String,
        /// What is right.
        expected: String,
        /// What came.
        found: String,
    },
    /// What the engine says.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl From<DiskError> for StoreError {
    fn from(error: DiskError) -> Self {
        Self::Engine(error.into())
    }
}

/// How to open a store.
#[derive(Clone, Debug, Default)]
pub struct Opening {
    /// The engine by name; an existing store knows its own.
    pub engine: Option<String>,
    /// Whether to make a store where there is none.
    pub makes: bool,
    /// Whether to keep what is left of a damaged store instead of refusing it.
    pub salvages: bool,
    /// When writes become durable.
    pub durability: Durability,
}

/// Which rows a scan gives.
#[derive(Clone, Debug, Default)]
pub struct Range {
    /// The smallest key, inclusive.
    pub from: Option<Vec<u8>>,
    /// The largest key, exclusive.
    pub to: Option<Vec<u8>>,
    /// At most so many rows.
    pub limit: Option<usize>,
    /// From the largest key down.
    pub is_backward: bool,
}

/// An open store.
pub struct Store<'a> {
    disk: &'a mut dyn Disk,
    engine: Box<dyn Engine>,
    kind: EngineKind,
    recovery: Recovery,
}

/// The names of the engines that keep a store.
pub fn engines() -> Vec<&'static str> {
    let on_disk = CATALOG
        .iter()
        .filter(|entry| entry.kind != EngineKind::Memory);
    on_disk.map(|entry| entry.name).collect()
}

fn near_miss(name: &str) -> String {
    let near = nearest(name, engines());
    near.map_or(String::new(), |near| format!("; did you mean `{near}`?"))
}

impl StoreError {
    /// Whether the store was found to be damaged, and nothing else is wrong.
    pub fn is_damage(&self) -> bool {
        matches!(
            self,
            Self::Engine(EngineError::Corrupt { .. } | EngineError::Format { .. })
        )
    }
}

impl Opening {
    fn kind(&self) -> Result<Option<EngineKind>, StoreError> {
        let Some(name) = &self.engine else {
            return Ok(None);
        };
        let kind = EngineKind::from_name(name).filter(|kind| *kind != EngineKind::Memory);
        let unknown = || StoreError::NoSuchEngine { name: name.clone() };
        kind.map(Some).ok_or_else(unknown)
    }

    /// Looks whether a directory with these names in it can be opened like this, before anything in it is touched. Its
    /// content is looked at by [`Store::open`].
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn check<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Result<(), StoreError> {
        let asked = self.kind()?;
        match marker::find(names)? {
            true => Ok(()),
            false if !self.makes => Err(StoreError::NoStore),
            false if asked.is_none() => Err(StoreError::NoEngine),
            false => Ok(()),
        }
    }
}

impl<'a> Store<'a> {
    /// Opens the store on `disk`, or makes one there.
    ///
    /// # Errors
    /// See [`StoreError`]. Nothing is changed then.
    pub fn open(disk: &'a mut dyn Disk, opening: &Opening) -> Result<Self, StoreError> {
        let names = disk.list()?;
        opening.check(names.iter().map(String::as_str))?;
        let kind = match (marker::read(disk)?, opening.kind()?) {
            (Some(found), Some(asked)) if found != asked => {
                return Err(StoreError::OtherEngine { found, asked });
            }
            (Some(found), _) => found,
            (None, None) => return Err(StoreError::NoEngine),
            (None, Some(asked)) => {
                marker::write(disk, asked)?;
                asked
            }
        };
        let options = EngineOptions {
            on_corruption: if opening.salvages {
                OnCorruption::Salvage
            } else {
                OnCorruption::Refuse
            },
            durability: opening.durability,
            ..EngineOptions::default()
        };
        let (engine, recovery) = (kind.entry().open)(disk, &options)?;
        Ok(Self {
            disk,
            engine,
            kind,
            recovery,
        })
    }

    /// The value of a key.
    ///
    /// # Errors
    /// What the engine says.
    pub fn get(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let value = self.engine.get(self.disk, key, None)?;
        Ok(value.map(|value| value.to_vec()))
    }

    /// Sets a key; durable when it returns, unless the store's durability is *never*.
    ///
    /// # Errors
    /// What the engine says.
    pub fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        let copy = Bytes::copy_from_slice;
        self.engine.put(self.disk, copy(key), copy(value))?;
        self.engine.sync(self.disk)?;
        Ok(())
    }

    /// Removes a key; durable when it returns, unless the store's durability is *never*. Returns whether it was there.
    ///
    /// # Errors
    /// What the engine says.
    pub fn delete(&mut self, key: &[u8]) -> Result<bool, StoreError> {
        let was_there = self.engine.get(self.disk, key, None)?.is_some();
        self.engine.delete(self.disk, Bytes::copy_from_slice(key))?;
        self.engine.sync(self.disk)?;
        Ok(was_there)
    }

    /// Writes all rows, in batches that are each synced; `progress` is told how many are written after each. They are
    /// durable then, unless the store's durability is *never*.
    ///
    /// # Errors
    /// What the engine says. What was told to `progress` stays.
    pub fn load(
        &mut self,
        rows: &[rows::KeyValue],
        mut progress: impl FnMut(usize),
    ) -> Result<(), StoreError> {
        let mut done = 0;
        while done < rows.len() {
            let count = batch_length(&rows[done..]);
            let put = |row: &rows::KeyValue| Change::Put(row.key.clone(), row.value.clone());
            let batch: Vec<Change> = rows[done..done + count].iter().map(put).collect();
            self.engine.write(self.disk, &batch)?;
            self.engine.sync(self.disk)?;
            done += count;
            progress(done);
            self.engine.maintain(self.disk, MAINTAIN_BYTES)?;
        }
        Ok(())
    }

    /// Hands rows to `on_row`, in order of keys, until it breaks.
    ///
    /// # Errors
    /// What the engine says.
    pub fn scan(
        &mut self,
        range: &Range,
        mut on_row: impl FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let (mut from, mut to) = (range.from.clone(), range.to.clone());
        let mut left = range.limit.unwrap_or(usize::MAX);
        let direction = if range.is_backward {
            ScanDirection::Backward
        } else {
            ScanDirection::Forward
        };
        let mut page: Vec<Row> = Vec::new();
        let mut page_rows = SCAN_ROWS_MIN;
        while left > 0 {
            page.clear();
            let bounds = Bounds {
                from: from.as_deref(),
                to: to.as_deref(),
            };
            let limit = left.min(page_rows);
            let resume = self
                .engine
                .scan(self.disk, None, bounds, direction, limit, &mut page)?;
            left -= page.len();
            for row in &page {
                if on_row(&row.key, &row.value).is_break() {
                    return Ok(());
                }
            }
            page_rows = next_page(page_rows, &page);
            match resume {
                None => return Ok(()),
                Some(key) if range.is_backward => to = Some([&key[..], b"\0"].concat()),
                Some(key) => from = Some(key.to_vec()),
            }
        }
        Ok(())
    }

    /// Does all the background work that there can be. Returns how many bytes it read and wrote.
    ///
    /// # Errors
    /// What the engine says.
    pub fn compact(&mut self) -> Result<u64, StoreError> {
        Ok(self.engine.compact(self.disk)?)
    }

    /// Reads and checks everything.
    ///
    /// # Errors
    /// The first damage that is found.
    pub fn verify(&mut self) -> Result<(), StoreError> {
        Ok(self.engine.verify(self.disk)?)
    }

    /// The store's files as text, line by line.
    ///
    /// # Errors
    /// The first damage that is found.
    pub fn dump(&mut self, mut line: impl FnMut(&str)) -> Result<(), StoreError> {
        Ok(self.engine.dump(self.disk, &mut line)?)
    }
}

/// How many rows a scan reads after a page.
fn next_page(rows: usize, page: &[Row]) -> usize {
    let bytes: usize = page.iter().map(|row| row.key.len() + row.value.len()).sum();
    match bytes {
        0..SCAN_BYTES if bytes * 2 < SCAN_BYTES => (rows * 2).min(SCAN_ROWS_MAX),
        0..SCAN_BYTES => rows,
        _ => (rows / 2).max(1),
    }
}

/// How many of some rows are written at once.
fn batch_length(rows: &[rows::KeyValue]) -> usize {
    let mut bytes = 0;
    let within = rows.iter().take(LOAD_BATCH_ROWS).take_while(|row| {
        let is_room = bytes < LOAD_BATCH_BYTES;
        bytes += row.key.len() + row.value.len();
        is_room
    });
    within.count()
}
