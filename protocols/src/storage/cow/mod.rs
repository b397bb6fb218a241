//! The copy-on-write B-tree: a page that is in use is never changed.
//!
//! The rival of the [page B-tree](super::btree), with the same [pages](super::pages). Instead of a log that mends pages which
//! a crash has torn, it leaves every page alone that anybody may still need: a write copies the leaf to a free page, and
//! its parent, which must point to the copy, and so on up to the root. The old root still leads to the old tree, whole.
//! A commit is one small write: the **meta page** that says which root holds. LMDB is built so (Chu, *MDB: A
//! Memory-Mapped Database*, 2011), and redb; the idea goes back to System R's shadow pages.
//!
//! ```text
//!            meta n−1      meta n
//!               │             │
//!             root          root'        copied, like every page on the way to the change
//!             /   \         /   \
//!         inner   inner ◄──┘   inner'    what was not changed is shared
//!                 / \           /  \
//!             leaf   leaf   leaf    leaf'
//! ```
//!
//! What follows from that: recovery is nothing but reading a meta page. A snapshot costs nothing to take: it is a root. Reads
//! of it go on while writes copy pages beside it. There is no log, hence no log shipping ([`Engine::log_since`] refuses),
//! and no checkpoint. In exchange each commit writes whole pages, a page of each level at least, however small the change;
//! and what was freed must wait until nobody needs it.
//!
//! # The file
//!
//! One file, `PREFIXengine.cow`, magic `seedbcow`, version 1: two meta pages, a page with the seal, and the pages of the
//! tree, its chains, and the lists of free pages. Behind the 32 bytes that the [chapter on pages](super::pages) shows, a
//! meta page has
//!
//! ```text
//!   0..8    epoch u64               24..32  bytes of keys and values u64     40..44  pages of the file u32
//!   8..16   batches u64             32..36  root page u32                    44..48  first page of the list
//!   16..24  keys u64                36..40  height u32                               of free pages u32; 0: none
//! ```
//!
//! and the seal, at the beginning of page 2: the 16 bytes of a file header, CRC of bytes 20..32 (u32), 4 zeros, number of
//! a commit (u64). A page of a list has runs: first page u32, count u32. `commit.rs` has the order of writes; `free.rs` says
//! when a page is free.
//!
//! # Invariants
//!
//! - A page is changed in place only in the epoch in which it was made, when no snapshot and no meta page can refer to it.
//! - A page is used again only when neither meta page and no snapshot needs it. (`verify` walks all these trees.)
//! - Order of durability: pages and list · meta page · seal. The slot that is overwritten is the older one's.
//! - There are no sibling links: a link would have to change whenever the sibling is copied, and so on through all leaves.
//!   A scan remembers its way down instead.
//!
//! A salvage reads everything, and if anything is damaged writes a new file of the rows that are left (`salvage.rs`).
//!
//! What is not noticed: a page that the disk said it wrote and did not, so that an older one with its own good checksum
//! stands there. Whoever wants to notice keeps a checksum of each page in its parent, as redb and ZFS do.
//!
//! # What it costs
//!
//! | operation | disk | memory |
//! |---|---|---|
//! | write | nothing until a sync | a copy of each page it changes, and of those above it |
//! | sync | every page that was changed, once; the list of free pages; two syncs | |
//! | get, scan | as in the page B-tree | the pool |
//! | open | meta pages, seal, list of free pages | the numbers of the free pages |
//! | snapshot | pages that it needs are not used again: the file grows | |
//!
//! What was not synced is in memory alone, and gone when the process ends, crash or no crash. And since a meta page must not
//! refer to pages that are not durable, a sync is a commit with two syncs whatever
//! [durability](super::EngineOptions::durability) was chosen.
//!
//! A commit writes the whole list of free pages, as runs; LMDB keeps it in a tree of its own and writes what has changed.
//! [`maintain`](super::Engine::maintain) cuts free pages off the end of the file; [`compact`](super::Engine::compact) moves
//! others there first, as redb's does (LMDB's file never shrinks).

mod commit;
mod compact;
mod dump;
mod free;
mod meta;
mod salvage;
mod store;

use bytes::Bytes;
use seedbed_sim::{Disk, SyncTicket};

use self::store::Store;
use super::pages::write::{Removed, delete, delete_range, put};
use super::pages::{PAGE_BYTES, Root, WritePages, bulk, read};
use super::snapshots::Snapshots;
use super::{
    Bounds, Change, Durability, Engine, EngineError, EngineOptions, EngineStats, Inspection, Lsn,
    Progress, Recovery, Row, ScanDirection, SnapshotId, check_batch,
};

pub use self::meta::COW_KIND;

/// How a copy-on-write B-tree goes about its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CowOptions {
    /// The most pages of 4,096 bytes that are kept in memory, but for those that one batch changes.
    pub pool_pages: usize,
    /// How full a bulk load makes its pages, in percent.
    pub bulk_fill_percent: u8,
}

impl Default for CowOptions {
    fn default() -> Self {
        Self {
            pool_pages: 4096,
            bulk_fill_percent: 90,
        }
    }
}

/// What a snapshot stands for.
#[derive(Clone, Copy, Debug)]
struct Frozen {
    root: Root,
    epoch: u64,
}

/// The copy-on-write B-tree engine. See the [module](self).
#[derive(Clone, Debug)]
pub struct CowEngine {
    store: Store,
    snapshots: Snapshots<Frozen>,
    user_bytes: u64,
    answered_bytes: u64,
}

impl CowEngine {
    /// Opens the engine's file, or makes it. All that was found is durable when this returns.
    pub fn open(
        disk: &mut dyn Disk,
        options: &EngineOptions,
    ) -> Result<(Self, Recovery), EngineError> {
        let (store, recovery) = commit::open(disk, options)?;
        let engine = Self {
            store,
            snapshots: Snapshots::default(),
            user_bytes: 0,
            answered_bytes: 0,
        };
        Ok((engine, recovery))
    }

    /// Fills the empty engine with rows whose keys ascend: from the leaves up, each page written once. Counts as one batch.
    ///
    /// # Errors
    /// [`EngineError::BulkLoad`] if it is not empty, or keys do not ascend; nothing is changed then.
    pub fn bulk_load(
        &mut self,
        disk: &mut dyn Disk,
        rows: &mut dyn Iterator<Item = Row>,
    ) -> Result<Lsn, EngineError> {
        self.store.check_poison()?;
        let store = &mut self.store;
        if store.tree.keys > 0 {
            return Err(EngineError::BulkLoad("an empty engine"));
        }
        store.mend_other_meta(disk)?;
        let (page_count, fill_percent) =
            (store.tree.page_count, store.settings().bulk_fill_percent);
        let epoch = store.epoch;
        let file = &mut store.file;
        let loaded = bulk::load::<false>(file, disk, page_count, epoch, fill_percent, rows);
        let loaded = loaded.map_err(|error| store.noted(error))?;
        store.begin();
        let empty_root = store.tree.root.page;
        if let Err(error) = store.free(disk, empty_root) {
            store.roll_back();
            return Err(store.noted(error));
        }
        store.tree = store::Tree {
            root: loaded.root,
            page_count: loaded.page_count,
            keys: loaded.keys,
            live_bytes: loaded.bytes,
        };
        self.store.settle(disk)?;
        self.user_bytes += loaded.bytes;
        Ok(self.store.positions.end())
    }

    /// The root from which to read.
    fn root(&self, at: Option<SnapshotId>) -> Result<Root, EngineError> {
        self.store.check_poison()?;
        match at {
            None => Ok(self.store.tree.root),
            Some(id) => Ok(self.snapshots.get(id)?.root),
        }
    }
}

/// Makes the changes of a batch in the pages.
fn make(store: &mut Store, disk: &mut dyn Disk, changes: &[Change]) -> Result<(), EngineError> {
    for change in changes {
        match change {
            Change::Put(key, value) => {
                let put = put(store, disk, key, value)?;
                let tree = &mut store.tree;
                tree.live_bytes += value.len() as u64;
                match put.replaced {
                    None => {
                        tree.keys += 1;
                        tree.live_bytes += key.len() as u64;
                    }
                    Some(bytes) => tree.live_bytes -= bytes as u64,
                }
            }
            Change::Delete(key) => {
                let mut removed = Vec::new();
                delete(store, disk, key, &mut |one| removed.push(one))?;
                note_removed(store, &removed);
            }
            Change::DeleteRange { from, to } => {
                let bounds = Bounds {
                    from: Some(from),
                    to: to.as_deref(),
                };
                let mut removed = Vec::new();
                delete_range(store, disk, bounds, &mut |one| removed.push(one))?;
                note_removed(store, &removed);
            }
        }
    }
    Ok(())
}

fn note_removed(store: &mut Store, removed: &[Removed]) {
    store.tree.keys -= removed.len() as u64;
    store.tree.live_bytes -= removed.iter().map(|one| one.bytes).sum::<u64>();
}

impl Engine for CowEngine {
    fn get(
        &mut self,
        disk: &mut dyn Disk,
        key: &[u8],
        at: Option<SnapshotId>,
    ) -> Result<Option<Bytes>, EngineError> {
        let root = self.root(at)?;
        self.store.pool.trail.clear();
        let found = read::get(&mut self.store, disk, root, key)?;
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
        let root = self.root(at)?;
        self.store.pool.trail.clear();
        let before = out.len();
        let scanned = read::scan(&mut self.store, disk, root, bounds, direction, limit, out);
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
            return Ok(self.store.positions.end());
        }
        let store = &mut self.store;
        store.pool.trail.clear();
        store.begin();
        if let Err(error) = make(store, disk, batch) {
            store.roll_back();
            return Err(store.noted(error));
        }
        self.store.settle(disk)?;
        self.user_bytes += user_bytes;
        Ok(self.store.positions.end())
    }

    fn sync(&mut self, disk: &mut dyn Disk) -> Result<(), EngineError> {
        self.store.check_poison()?;
        self.store.sync(disk)
    }

    /// The pages are synced before this returns; only the meta page is under way then.
    fn sync_later(&mut self, disk: &mut dyn Disk) -> Result<Option<SyncTicket>, EngineError> {
        self.store.check_poison()?;
        if self.store.options.durability == Durability::Never {
            self.store.sync(disk)?;
            return Ok(None);
        }
        self.store.sync_later(disk)
    }

    fn on_synced(&mut self, ticket: SyncTicket) -> Lsn {
        self.store.on_synced(ticket);
        self.store.positions.durable()
    }

    fn snapshot(&mut self) -> SnapshotId {
        let frozen = Frozen {
            root: self.store.tree.root,
            epoch: self.store.epoch,
        };
        self.store.held.push(frozen.epoch);
        self.store.epoch += 1;
        self.snapshots.take(frozen)
    }

    fn release(&mut self, snapshot: SnapshotId) {
        self.snapshots.release(snapshot);
        self.store.held = self
            .snapshots
            .contents()
            .map(|frozen| frozen.epoch)
            .collect();
        self.store.release();
    }

    /// Cuts free pages off the end of the file.
    fn maintain(&mut self, disk: &mut dyn Disk, _: u64) -> Result<Progress, EngineError> {
        self.store.check_poison()?;
        self.store.cut_off(disk)?;
        Ok(Progress::IDLE)
    }

    /// Moves pages down to free ones and cuts off the end. All that was written is durable then.
    fn compact(&mut self, disk: &mut dyn Disk) -> Result<u64, EngineError> {
        self.store.check_poison()?;
        let moved = |store: &Store| store.file.read_bytes + store.file.written_bytes;
        let before = moved(&self.store);
        self.store.compact(disk)?;
        Ok(moved(&self.store) - before)
    }

    fn stats(&self) -> EngineStats {
        let store = &self.store;
        EngineStats {
            durability: store.options.durability,
            written: store.positions.end(),
            durable: store.positions.durable(),
            keys: Some(store.tree.keys),
            live_bytes: Some(store.tree.live_bytes),
            user_bytes: self.user_bytes,
            written_bytes: store.file.written_bytes,
            stored_bytes: u64::from(store.tree.page_count) * PAGE_BYTES as u64,
            read_bytes: store.file.read_bytes,
            answered_bytes: self.answered_bytes,
            files: 1,
            memory_bytes: store.memory_bytes(),
        }
    }

    fn inspect(&self) -> Inspection {
        dump::inspect(self)
    }

    fn verify(&mut self, disk: &mut dyn Disk) -> Result<(), EngineError> {
        self.store.check_poison()?;
        let roots: Vec<Root> = self
            .snapshots
            .contents()
            .map(|frozen| frozen.root)
            .collect();
        dump::verify(&mut self.store, disk, &roots).map(|_| ())
    }

    fn dump(&mut self, disk: &mut dyn Disk, line: &mut dyn FnMut(&str)) -> Result<(), EngineError> {
        self.store.check_poison()?;
        dump::dump(&mut self.store, disk, line)
    }

    fn clone_box(&self) -> Box<dyn Engine> {
        Box::new(self.clone())
    }
}
