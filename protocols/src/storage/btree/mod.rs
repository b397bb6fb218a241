//! The page B-tree: pages that are changed in place, and a redo log that mends them.
//!
//! It is the engine of most relational databases (InnoDB, SQL Server, PostgreSQL's indexes). A row has one place; a write
//! goes there, and finding it again costs one page of each level. What makes that hard is the crash: a page is changed
//! where it stands, so that a write cut in two leaves neither the old page nor the new one, and a split changes several
//! pages that must all reach the disk or none. The answer is a *write-ahead log*: what is done to pages is in the log
//! first, and after a crash it is done again (Mohan et al., *ARIES*, 1992, of which this is the redo half: a batch that
//! has not ended never reaches the file, so that there is nothing to undo). The tree itself, its pages and their bytes
//! are in the chapter on [`pages`](super::pages), which the [copy-on-write B-tree](super::cow) shares.
//!
//! ```text
//!   write ──► pages in the pool change ──► one frame in the log ──► returns; durable after a sync of the log
//!                      │                          ▲ first
//!                      └── later: room is needed, ┴─────► the page in the file
//!                          or a checkpoint        then
//! ```
//!
//! # The files
//!
//! | file | what |
//! |---|---|
//! | `PREFIXengine.btree` | pages of 4,096 bytes: two meta pages, then those of the tree, its chains and the list of free pages |
//! | `PREFIXengine.redo-N` | a segment of the log, [framed](super::frame), N: batches before it, 16 hexadecimal digits |
//!
//! A meta page has the header that the chapter on pages shows, magic `seedbtre`, version 1; behind its 32 bytes:
//! batches that redo can pass over (u64) and the *header* of the tree, which each frame of the log carries too:
//!
//! ```text
//!   0..4    root page u32        8..12   pages of the file u32      24..32  keys u64
//!   4       height u8            12..16  first page of the list     32..40  bytes of keys and values u64
//!                                        of free pages u32          40..48  batches before the first
//!                                16..20  free pages u32                     that can be shipped u64
//! ```
//!
//! A page of the list of free pages holds up to 1,016 numbers of free pages (u32, from byte 32 on), `count` of them, and is
//! free itself: the last number is given out first, and when there is none left, the page itself is. The records of the log
//! are in `redo.rs`.
//!
//! # Torn pages, and full-page images
//!
//! The disk writes sectors. A page of eight sectors may be half new after a crash, and a record that sets one cell can't
//! mend it. So the first change of a page after a checkpoint has begun puts the **whole page** into the log (without its
//! hole), as PostgreSQL's `full_page_writes` does; redo puts that in without a look at the file. (InnoDB writes each page
//! twice instead: a double-write buffer.) [`BTreeOptions::full_page_images`] turns it off, to show what happens then: the
//! page fails its checksum after a crash, and the engine refuses to open.
//!
//! # Invariants
//!
//! - A page reaches the file only when the log is durable up to its LSN, the number of the last batch that changed it.
//! - A page that a running batch has changed stays in the pool, pinned, until the batch is in the log.
//! - The log reaches back to the start of the last checkpoint that has ended; every page that was changed since then has its
//!   image in it before any other record. So redo can mend every page, and can be cut short and begun again: what is done
//!   already is passed over by the LSN.
//! - Order of durability: log · pages · meta page · only then are segments removed.
//!
//! # Snapshots
//!
//! A snapshot is the number of a batch. A batch that changes a page keeps the page as it was, in memory, if a snapshot
//! could ask for it (`versions.rs`). Real systems keep undo records, from which older rows are made (InnoDB), or old rows
//! in the pages themselves (PostgreSQL, which must clean them out).
//!
//! A salvage reads everything, and if anything is damaged makes a new tree of the rows that are left (`salvage.rs`).
//!
//! What is not noticed: a page that the disk said it wrote and did not, so that an older one with its own good checksum
//! stands there. Whoever wants to notice keeps a checksum of each page in its parent, as redb and ZFS do.
//!
//! # What it costs
//!
//! | operation | disk | memory |
//! |---|---|---|
//! | write | a frame of the log: the changes and some 20 bytes each, or the page at its first change after a checkpoint; later each page once a checkpoint | a copy of each page it changes |
//! | get | a page of each level, those that are not in the pool | the pool |
//! | scan | its leaves | rows of a leaf share its page, not copied |
//! | open | the log since the last checkpoint | the pool |
//! | space | pages two thirds full after random inserts, full after ascending ones and bulk loads | |
//! | snapshot | nothing | each page that is changed while it is held, once for each snapshot |
//!
//! Without [maintenance](super::Engine::maintain) the log grows to twice the size at which a checkpoint is due; then a
//! write does the whole checkpoint. The file never shrinks: pages that are free are used again.

mod bulk;
mod checkpoint;
mod dump;
mod header;
mod recover;
mod redo;
mod salvage;
mod segments;
mod store;
mod versions;

use bytes::Bytes;
use seedbed_sim::{Disk, SyncTicket};

use self::checkpoint::Checkpoints;
use self::redo::CellOp;
use self::store::Store;
use super::batch;
use super::pages::write::{Removed, delete, delete_range, put};
use super::pages::{Root, read};
use super::shipping::Payloads;
use super::snapshots::Snapshots;
use super::{
    Bounds, Change, Durability, Engine, EngineError, EngineOptions, EngineStats, Inspection,
    LogSlice, Lsn, Progress, Recovery, Row, ScanDirection, SnapshotId, check_batch,
};

pub use self::header::TREE_KIND;
pub use self::segments::LOG_KIND;

/// How a page B-tree goes about its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BTreeOptions {
    /// The most pages of 4,096 bytes that are kept in memory, but for those that one batch changes.
    pub pool_pages: usize,
    /// Bytes of log after which a checkpoint is due.
    pub checkpoint_log_bytes: u64,
    /// Bytes of log that redo does not need any more and that are kept for log shipping.
    pub log_kept_bytes: u64,
    /// Whether the first change of a page after a checkpoint puts its image into the log. Without, a torn page can't be
    /// mended: for teaching.
    pub full_page_images: bool,
    /// How full a bulk load makes its pages, in percent.
    pub bulk_fill_percent: u8,
}

impl Default for BTreeOptions {
    fn default() -> Self {
        Self {
            pool_pages: 4096,
            checkpoint_log_bytes: 16 * 1024 * 1024,
            log_kept_bytes: 1024 * 1024,
            full_page_images: true,
            bulk_fill_percent: 90,
        }
    }
}

/// What a snapshot stands for.
#[derive(Clone, Copy, Debug)]
struct Frozen {
    root: Root,
    /// The last batch that it sees.
    at: u64,
}

/// The page B-tree engine. See the [module](self).
#[derive(Clone, Debug)]
pub struct BTreeEngine {
    store: Store,
    checkpoints: Checkpoints,
    snapshots: Snapshots<Frozen>,
    user_bytes: u64,
    answered_bytes: u64,
}

impl BTreeEngine {
    /// Opens the engine's files, or makes them, and recovers. All that was found is durable when this returns.
    pub fn open(
        disk: &mut dyn Disk,
        options: &EngineOptions,
    ) -> Result<(Self, Recovery), EngineError> {
        let (store, recovery) = recover::open(disk, options)?;
        let engine = Self {
            store,
            checkpoints: Checkpoints::default(),
            snapshots: Snapshots::default(),
            user_bytes: 0,
            answered_bytes: 0,
        };
        Ok((engine, recovery))
    }

    /// Fills the empty engine with rows whose keys ascend: from the leaves up, each page written once and not logged.
    /// Returns the log's end. All of it is durable once the log is synced, and all or nothing of it after a crash.
    ///
    /// # Errors
    /// [`EngineError::BulkLoad`] if it is not empty, or keys do not ascend; nothing is changed then.
    pub fn bulk_load(
        &mut self,
        disk: &mut dyn Disk,
        rows: &mut dyn Iterator<Item = Row>,
    ) -> Result<Lsn, EngineError> {
        self.store.check_poison()?;
        self.user_bytes += bulk::load(&mut self.store, disk, rows)?;
        self.written(disk)
    }

    /// Does a whole checkpoint now, whether it is due or not.
    pub fn checkpoint(&mut self, disk: &mut dyn Disk) -> Result<(), EngineError> {
        self.store.check_poison()?;
        if self.checkpoints.under_way.is_some() {
            self.checkpoints.run(&mut self.store, disk)?;
        }
        self.checkpoints.run(&mut self.store, disk)
    }

    /// The root and the batch as of which to read.
    fn view(&self, at: Option<SnapshotId>) -> Result<(Root, Option<u64>), EngineError> {
        self.store.check_poison()?;
        match at {
            None => Ok((self.store.header.root, None)),
            Some(id) => {
                let frozen = self.snapshots.get(id)?;
                Ok((frozen.root, Some(frozen.at)))
            }
        }
    }

    /// A batch is in the log.
    fn written(&mut self, disk: &mut dyn Disk) -> Result<Lsn, EngineError> {
        if self.store.options.durability == Durability::EachWrite {
            self.store.force_log(disk)?;
        }
        Ok(self.store.log.positions.end())
    }

    /// Which snapshots are held has changed.
    fn snapshots_changed(&mut self) {
        let held: Vec<u64> = self.snapshots.contents().map(|frozen| frozen.at).collect();
        self.store.newest_snapshot = held.last().copied();
        self.store.versions.prune(&held);
    }
}

/// Makes the changes of a batch in the pages.
fn make(store: &mut Store, disk: &mut dyn Disk, changes: &[Change]) -> Result<(), EngineError> {
    for change in changes {
        let at = store.changes().len() as u32;
        batch::encode(std::slice::from_ref(change), store.changes());
        match change {
            Change::Put(key, value) => {
                let put = put(store, disk, key, value)?;
                let header = &mut store.header;
                match put.replaced {
                    None => {
                        header.keys += 1;
                        header.live_bytes += (key.len() + value.len()) as u64;
                    }
                    Some(bytes) => {
                        header.live_bytes += value.len() as u64;
                        header.live_bytes -= bytes as u64;
                    }
                }
                store.did(CellOp::Set { change: at, put });
            }
            Change::Delete(key) => {
                let mut removed = Vec::new();
                delete(store, disk, key, &mut |one| removed.push(one))?;
                note_removed(store, removed);
            }
            Change::DeleteRange { from, to } => {
                let bounds = Bounds {
                    from: Some(from),
                    to: to.as_deref(),
                };
                let mut removed = Vec::new();
                delete_range(store, disk, bounds, &mut |one| removed.push(one))?;
                note_removed(store, removed);
            }
        }
    }
    Ok(())
}

fn note_removed(store: &mut Store, removed: Vec<Removed>) {
    for Removed { leaf, slot, bytes } in removed {
        store.header.keys -= 1;
        store.header.live_bytes -= bytes;
        store.did(CellOp::Remove { leaf, slot });
    }
}

impl Engine for BTreeEngine {
    fn get(
        &mut self,
        disk: &mut dyn Disk,
        key: &[u8],
        at: Option<SnapshotId>,
    ) -> Result<Option<Bytes>, EngineError> {
        let (root, at) = self.view(at)?;
        self.store.pool.trail.clear();
        let found = match at {
            None => read::get(&mut self.store, disk, root, key)?,
            at => read::get(&mut self.store.view(at), disk, root, key)?,
        };
        if let Some(value) = &found {
            self.answered_bytes += (key.len() + value.len()) as u64;
        }
        Ok(found)
    }

    fn scan(
        &mut self,
        disk: &mut dyn Disk,
        at: Option<SnapshotId>,
        bounds: Bounds<'_>,
        direction: ScanDirection,
        limit: usize,
        out: &mut Vec<Row>,
    ) -> Result<Option<Bytes>, EngineError> {
        let (root, at) = self.view(at)?;
        self.store.pool.trail.clear();
        let before = out.len();
        let pages = &mut self.store.view(at);
        let scanned = read::scan(pages, disk, root, bounds, direction, limit, out);
        let resume = scanned.inspect_err(|_| out.truncate(before))?;
        let rows = out[before..]
            .iter()
            .map(|row| row.key.len() + row.value.len());
        self.answered_bytes += rows.sum::<usize>() as u64;
        Ok(resume)
    }

    fn write(&mut self, disk: &mut dyn Disk, batch: &[Change]) -> Result<Lsn, EngineError> {
        self.store.check_poison()?;
        let user_bytes = check_batch(batch)?;
        if batch.is_empty() {
            return Ok(self.store.log.positions.end());
        }
        self.checkpoints.keep_up(&mut self.store, disk)?;
        let store = &mut self.store;
        store.pool.trail.clear();
        store.begin();
        let made = make(store, disk, batch).and_then(|()| store.commit(disk));
        if let Err(error) = made {
            store.roll_back();
            return Err(store.noted(error));
        }
        self.user_bytes += user_bytes;
        self.written(disk)
    }

    fn sync(&mut self, disk: &mut dyn Disk) -> Result<(), EngineError> {
        self.store.check_poison()?;
        if self.store.options.durability == Durability::Never {
            return Ok(());
        }
        self.store.force_log(disk)
    }

    fn sync_later(&mut self, disk: &mut dyn Disk) -> Result<Option<SyncTicket>, EngineError> {
        self.store.check_poison()?;
        if self.store.options.durability == Durability::Never {
            return Ok(None);
        }
        let ticket = self.store.log.sync_later(disk);
        ticket.map_err(|error| self.store.noted(error))
    }

    fn on_synced(&mut self, ticket: SyncTicket) -> Lsn {
        self.store.log.on_synced(ticket);
        self.store.log.positions.durable()
    }

    fn snapshot(&mut self) -> SnapshotId {
        let frozen = Frozen {
            root: self.store.header.root,
            at: self.store.log.positions.end().0,
        };
        self.store.newest_snapshot = Some(frozen.at);
        self.snapshots.take(frozen)
    }

    fn release(&mut self, snapshot: SnapshotId) {
        self.snapshots.release(snapshot);
        self.snapshots_changed();
    }

    /// Checkpoints, when they are due: the pages that were dirty at the beginning, then the meta page.
    fn maintain(
        &mut self,
        disk: &mut dyn Disk,
        budget_bytes: u64,
    ) -> Result<Progress, EngineError> {
        self.store.check_poison()?;
        self.checkpoints
            .maintain(&mut self.store, disk, budget_bytes)
    }

    /// A checkpoint, whether it is due or not, so that the log is short.
    fn compact(&mut self, disk: &mut dyn Disk) -> Result<u64, EngineError> {
        let moved = |store: &Store| {
            let pages = store.file.read_bytes + store.file.written_bytes;
            pages + store.log.read_bytes() + store.log.written_bytes()
        };
        let before = moved(&self.store);
        self.checkpoint(disk)?;
        Ok(moved(&self.store) - before)
    }

    fn log_since(
        &mut self,
        disk: &mut dyn Disk,
        from: Lsn,
        max_bytes: usize,
    ) -> Result<LogSlice, EngineError> {
        self.store.check_poison()?;
        let log = &mut self.store.log;
        let oldest = Lsn(log.oldest().max(self.store.header.shippable));
        log.positions.check_from(from, oldest)?;
        let mut payloads = Payloads::default();
        let mut to = from;
        log.batches_after(disk, from.0, |changes| {
            let fits = payloads.has_room_for(changes.len(), max_bytes);
            if fits {
                payloads.push(changes);
                to.0 += 1;
            }
            fits
        })?;
        Ok(LogSlice::new(&LOG_KIND, from, to, payloads.into_bytes()))
    }

    fn apply_log(&mut self, disk: &mut dyn Disk, slice: &LogSlice) -> Result<Lsn, EngineError> {
        self.store.check_poison()?;
        let end = self.store.log.positions.end();
        slice.check(&LOG_KIND, end)?;
        let known = end.0 - slice.from.0;
        for payload in Payloads::iter(&slice.bytes).skip(known as usize) {
            let changes = batch::owned(payload?).map_err(|_| EngineError::LogDamaged)?;
            self.write(disk, &changes)?;
        }
        Ok(self.store.log.positions.end())
    }

    fn stats(&self) -> EngineStats {
        let store = &self.store;
        EngineStats {
            durability: store.options.durability,
            written: store.log.positions.end(),
            durable: store.log.positions.durable(),
            keys: Some(store.header.keys),
            live_bytes: Some(store.header.live_bytes),
            user_bytes: self.user_bytes,
            written_bytes: store.file.written_bytes + store.log.written_bytes(),
            stored_bytes: store.file_bytes() + store.log.stored_bytes(),
            read_bytes: store.file.read_bytes + store.log.read_bytes(),
            answered_bytes: self.answered_bytes,
            files: 1 + store.log.count(),
            memory_bytes: store.memory_bytes(),
        }
    }

    fn inspect(&self) -> Inspection {
        dump::inspect(self)
    }

    fn verify(&mut self, disk: &mut dyn Disk) -> Result<(), EngineError> {
        self.store.check_poison()?;
        dump::verify(&mut self.store, disk).map(|_| ())
    }

    fn dump(&mut self, disk: &mut dyn Disk, line: &mut dyn FnMut(&str)) -> Result<(), EngineError> {
        self.store.check_poison()?;
        dump::dump(&mut self.store, disk, line)
    }

    fn clone_box(&self) -> Box<dyn Engine> {
        Box::new(self.clone())
    }
}
