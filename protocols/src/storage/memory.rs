//! The in-memory engine: an ordered map that is cheap to copy, and nothing on the disk.
//!
//! It is what the other engines are measured against, and what protocols run on when storage is not what a scenario is
//! about. Nothing it holds survives a crash: a replica that uses it must get its content back from elsewhere, such as
//! the replicated log.
//!
//! # Copy on write
//!
//! A fork of the world clones every node, and a session keeps some twenty checkpoints of it, so a clone must not copy
//! ten thousand keys. The map is a B+tree whose nodes are shared until one side writes ([`imbl::OrdMap`]): a clone or a
//! snapshot copies one pointer, and a write after it copies the nodes on the way to its leaf. Nothing the engine does
//! can be seen to depend on who shares what.
//!
//! ```text
//!   engine ──► root ──────────► inner ─► leaves            after a put in the fork:
//!               ▲                 ▲        ▲               the fork has its own root, inner and leaf,
//!   snapshot ───┘     fork ─► root' ─► inner' ─► leaf'     and shares all the rest
//! ```
//!
//! Each key carries its first eight bytes as a number. Most comparisons end there, without a look at the heap: on keys
//! of 16 bytes that makes the tree as fast as the standard library's, which can't be shared.
//!
//! # Invariants
//!
//! - A snapshot is a clone of the map and never changes.
//! - A key's head is its first eight bytes, padded with zeros, as a big-endian number; so heads never contradict the
//!   order of keys, and keys of equal heads are ordered by their bytes.
//!
//! What real systems do and this does not: bound their memory (Redis evicts), keep a log or images on disk.

use std::ops::Bound;

use bytes::Bytes;
use imbl::OrdMap;
use seedbed_sim::{Disk, SyncTicket};

use super::keyed::{Key, Probe, head_of};
use super::snapshots::Snapshots;
use super::{
    Bounds, Change, Durability, Engine, EngineError, EngineStats, Inspection, Lsn, Progress, Row,
    ScanDirection, SnapshotId, Structure, check_batch, check_row, range_bounds, text,
};

/// The in-memory engine. See the [module](self).
#[derive(Clone, Default)]
pub struct MemoryEngine {
    map: OrdMap<Key, Bytes>,
    snapshots: Snapshots<OrdMap<Key, Bytes>>,
    changes: u64,
    user_bytes: u64,
}

impl MemoryEngine {
    /// An empty engine.
    pub fn new() -> Self {
        Self::default()
    }

    fn map_at(&self, at: Option<SnapshotId>) -> Result<&OrdMap<Key, Bytes>, EngineError> {
        match at {
            None => Ok(&self.map),
            Some(id) => self.snapshots.get(id),
        }
    }

    fn remove_range(&mut self, from: &[u8], to: Option<&Bytes>) {
        let bounds = range_bounds(from, to);
        if bounds.is_empty() {
            return;
        }
        let range = self.map.range(probes(bounds));
        let keys: Vec<Key> = range.map(|(key, _)| key.clone()).collect();
        for key in keys {
            self.map.remove(&key);
        }
    }
}

fn probes(bounds: Bounds<'_>) -> (Bound<Probe<'_>>, Bound<Probe<'_>>) {
    let probe = |key| Probe::new(key);
    let from = bounds.from.map(probe);
    let to = bounds.to.map(probe);
    (
        from.map_or(Bound::Unbounded, Bound::Included),
        to.map_or(Bound::Unbounded, Bound::Excluded),
    )
}

impl Engine for MemoryEngine {
    fn get(
        &mut self,
        _: &mut dyn Disk,
        key: &[u8],
        at: Option<SnapshotId>,
    ) -> Result<Option<Bytes>, EngineError> {
        Ok(self.map_at(at)?.get(&Probe::new(key)).cloned())
    }

    fn scan(
        &mut self,
        _: &mut dyn Disk,
        at: Option<SnapshotId>,
        bounds: Bounds<'_>,
        direction: ScanDirection,
        limit: usize,
        out: &mut Vec<Row>,
    ) -> Result<Option<Bytes>, EngineError> {
        let map = self.map_at(at)?;
        if bounds.is_empty() {
            return Ok(None);
        }
        let rows = map.range(probes(bounds));
        Ok(match direction {
            ScanDirection::Forward => take_rows(rows, limit, out),
            ScanDirection::Backward => take_rows(rows.rev(), limit, out),
        })
    }

    /// Returns how many changes were ever made: there is no log to have a position in.
    fn write(&mut self, _: &mut dyn Disk, batch: &[Change]) -> Result<Lsn, EngineError> {
        self.user_bytes += check_batch(batch)?;
        for change in batch {
            match change {
                Change::Put(key, value) => {
                    self.map.insert(Key::new(key.clone()), value.clone());
                }
                Change::Delete(key) => {
                    self.map.remove(&Probe::new(key));
                }
                Change::DeleteRange { from, to } => self.remove_range(from, to.as_ref()),
            }
        }
        self.changes += batch.len() as u64;
        Ok(Lsn(self.changes))
    }

    /// As [`Engine::write`] does it, without a copy of what is given.
    fn put(&mut self, _: &mut dyn Disk, key: Bytes, value: Bytes) -> Result<Lsn, EngineError> {
        self.user_bytes += check_row(&key, value.len())?;
        self.map.insert(Key::new(key), value);
        self.changes += 1;
        Ok(Lsn(self.changes))
    }

    fn sync(&mut self, _: &mut dyn Disk) -> Result<(), EngineError> {
        Ok(())
    }

    fn sync_later(&mut self, _: &mut dyn Disk) -> Result<Option<SyncTicket>, EngineError> {
        Ok(None)
    }

    /// Nothing is ever durable.
    fn on_synced(&mut self, _: SyncTicket) -> Lsn {
        Lsn(0)
    }

    fn snapshot(&mut self) -> SnapshotId {
        self.snapshots.take(self.map.clone())
    }

    fn release(&mut self, snapshot: SnapshotId) {
        self.snapshots.release(snapshot);
    }

    /// There is no work but what is asked for.
    fn maintain(&mut self, _: &mut dyn Disk, _: u64) -> Result<Progress, EngineError> {
        Ok(Progress::IDLE)
    }

    fn stats(&self) -> EngineStats {
        EngineStats {
            durability: Durability::Never,
            written: Lsn(self.changes),
            keys: Some(self.map.len() as u64),
            user_bytes: self.user_bytes,
            ..EngineStats::default()
        }
    }

    fn inspect(&self) -> Inspection {
        Inspection {
            engine: "memory",
            stats: self.stats(),
            structure: Structure::Map,
        }
    }

    fn dump(&mut self, _: &mut dyn Disk, line: &mut dyn FnMut(&str)) -> Result<(), EngineError> {
        for (key, value) in &self.map {
            line(&format!("{} = {}", text(&key.bytes), text(value)));
        }
        Ok(())
    }

    fn verify(&mut self, _: &mut dyn Disk) -> Result<(), EngineError> {
        for map in self.snapshots.contents().chain([&self.map]) {
            let mut count = 0;
            let mut last: Option<&Key> = None;
            for key in map.keys() {
                assert_eq!(key.head, head_of(&key.bytes), "the head of {:?}", key.bytes);
                assert!(
                    last.is_none_or(|last| last.bytes < key.bytes),
                    "{:?} stands after {last:?}",
                    key.bytes
                );
                last = Some(key);
                count += 1;
            }
            assert_eq!(count, map.len(), "keys walked and keys counted");
        }
        Ok(())
    }

    fn clone_box(&self) -> Box<dyn Engine> {
        Box::new(self.clone())
    }
}

/// Pushes at most `limit` of `rows` to `out`; the key of the first that is left out.
fn take_rows<'a>(
    mut rows: impl Iterator<Item = (&'a Key, &'a Bytes)>,
    limit: usize,
    out: &mut Vec<Row>,
) -> Option<Bytes> {
    out.extend(rows.by_ref().take(limit).map(|(key, value)| Row {
        key: key.bytes.clone(),
        value: value.clone(),
    }));
    rows.next().map(|(key, _)| key.bytes.clone())
}
