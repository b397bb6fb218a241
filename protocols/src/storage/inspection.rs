//! What an engine lets people see of its insides: plain data for panels, commands and pictures.

use super::lsm::LsmShape;
use super::pages::pool::{Frame, Pool};
use super::pages::{Kind, PageNo};
use super::{EngineStats, Lsn};

/// An engine's insides now. Takes no disk and changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// The engine's name in the catalog.
    pub engine: &'static str,
    /// How it has fared.
    pub stats: EngineStats,
    /// What it is made of. Each engine has its own form.
    pub structure: Structure,
}

/// What an engine is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Structure {
    /// An ordered map in memory.
    Map,
    /// One file of batches.
    Log(LogFile),
    /// Segments, and a directory of keys in memory, whose size is in the stats.
    Segments {
        /// The oldest first; the last is the active one.
        segments: Vec<SegmentView>,
        /// Files that merges have replaced and that snapshots still need.
        kept_for_snapshots: u64,
        /// A merge under way: how many segments it makes into one, and how many bytes that one has.
        merging: Option<(u64, u64)>,
    },
    /// Memtables and sorted tables.
    Lsm(Box<LsmShape>),
    /// A B-tree: of pages changed in place, or copied on write.
    Tree(Box<TreeShape>),
}

/// The file of the append-only log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFile {
    /// Its name.
    pub file: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// How many of them are known to be durable.
    pub durable_bytes: u64,
    /// Batches in it.
    pub batches: u64,
    /// Snapshots that are held: each is a length of the file.
    pub snapshots: Vec<u64>,
}

/// A segment of the hash-indexed log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentView {
    /// Its name.
    pub file: String,
    /// The numbers it stands for, from this one.
    pub first: u64,
    /// To this one.
    pub last: u64,
    /// Where its batches begin.
    pub from: Lsn,
    /// Where they end.
    pub to: Lsn,
    /// Its length in bytes.
    pub bytes: u64,
    /// Bytes of records that the directory points to.
    pub live_bytes: u64,
    /// Bytes of tombstones.
    pub tombstone_bytes: u64,
    /// Bytes of records that were replaced or deleted.
    pub dead_bytes: u64,
    /// It is the one that is written.
    pub is_active: bool,
    /// It was made by a merge.
    pub is_merged: bool,
    /// It has a hint.
    pub has_hint: bool,
}

/// A B-tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeShape {
    /// The file of pages.
    pub file: String,
    /// The root page.
    pub root: u32,
    /// Levels; 1: the root is a leaf.
    pub height: u8,
    /// Pages of the file, its two meta pages included.
    pub page_count: u32,
    /// Pages that nobody uses.
    pub free_pages: u32,
    /// Their numbers, and those that only snapshots and meta pages still need, where the engine has them in memory.
    pub free_list: Option<(Vec<u32>, Vec<u32>)>,
    /// Bytes of keys and values in thousandths of the pages in use.
    pub fill_per_mille: u64,
    /// The buffer pool.
    pub pool: PoolShape,
    /// The pages that the last operation looked at, in its order, as far as they are in memory.
    pub path: Vec<PageShape>,
    /// The pages in memory, by number.
    pub pages: Vec<PageShape>,
    /// The number of the newest meta page.
    pub meta_number: u64,
    /// What each snapshot that is held stands for: a number of batches, or an epoch.
    pub snapshots: Vec<u64>,
    /// Pages that are kept for snapshots alone.
    pub old_pages: u64,
    /// The redo log, if there is one.
    pub log: Option<LogShape>,
}

/// A buffer pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolShape {
    /// The most pages it should have.
    pub capacity: u64,
    /// Pages in it.
    pub pages: u64,
    /// Those that the file does not have like this.
    pub dirty: u64,
    /// Looks at pages that were in it.
    pub hits: u64,
    /// Looks at pages that had to be read.
    pub misses: u64,
}

/// The redo log of a B-tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogShape {
    /// Its files.
    pub segments: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Redo would begin after this batch.
    pub redo_after: u64,
    /// Bytes that it would read.
    pub redo_bytes: u64,
    /// Checkpoints since the engine was opened.
    pub checkpoints: u64,
    /// A checkpoint is under way, and has so many pages to write.
    pub checkpoint_pages_left: Option<u64>,
    /// The first change of a page after a checkpoint puts its image into the log.
    pub full_page_images: bool,
}

/// A page of a B-tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageShape {
    /// Its number.
    pub page: u32,
    /// What it is for.
    pub kind: PageKind,
    /// Its level; 0: a leaf, or no page of the tree itself.
    pub level: u8,
    /// Rows of a leaf, separators of an inner page, entries of a list, bytes of an overflow page.
    pub count: u64,
    /// Bytes of it that are used.
    pub used_bytes: u64,
    /// Whether the file has something else.
    pub is_dirty: bool,
    /// The children of an inner page.
    pub children: Vec<u32>,
}

/// What a page of a B-tree is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageKind {
    /// Rows.
    Leaf,
    /// Separators and children.
    Inner,
    /// A part of a long key or value.
    Overflow,
    /// A part of the list of free pages.
    FreeList,
}

impl PoolShape {
    pub(super) fn of(pool: &Pool, capacity: usize) -> Self {
        Self {
            capacity: capacity as u64,
            pages: pool.len() as u64,
            dirty: pool.dirty_count() as u64,
            hits: pool.hits,
            misses: pool.misses,
        }
    }
}

impl PageShape {
    fn of(frame: &Frame) -> Option<Self> {
        let page = &frame.page;
        let (kind, used_bytes) = match page.kind()? {
            Kind::Leaf => (PageKind::Leaf, page.used()),
            Kind::Inner => (PageKind::Inner, page.used()),
            Kind::Overflow => (PageKind::Overflow, page.count()),
            Kind::Free => (PageKind::FreeList, 4 * page.count()),
        };
        let children = match kind {
            PageKind::Inner => (0..=page.count()).map(|at| page.child(at).0).collect(),
            _ => Vec::new(),
        };
        Some(Self {
            page: frame.no.0,
            kind,
            level: page.level(),
            count: page.count() as u64,
            used_bytes: used_bytes as u64,
            is_dirty: frame.dirty,
            children,
        })
    }

    pub(super) fn of_path(pool: &Pool, path: &[PageNo]) -> Vec<Self> {
        let frames = path.iter().filter_map(|no| pool.peek(*no));
        frames.filter_map(Self::of).collect()
    }

    pub(super) fn of_pool(pool: &Pool) -> Vec<Self> {
        let mut pages: Vec<_> = pool.frames().iter().filter_map(Self::of).collect();
        pages.sort_unstable_by_key(|page| page.page);
        pages
    }
}
