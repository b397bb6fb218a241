//! The pages of the tree: in the pool, in the file, and free.

use seedbed_sim::{Disk, DiskError, SyncTicket};

use super::CowOptions;
use super::free::{FreePages, Freed};
use super::meta::Meta;
use crate::storage::pages::file::PageFile;
use crate::storage::pages::pool::{Frame, Pool, WRITE_BACK_PAGES};
use crate::storage::pages::undo::Undo;
use crate::storage::pages::{
    PAGE_BYTES, Page, PageNo, PageRef, ReadPages, Root, Touch, WritePages,
};
use crate::storage::positions::Positions;
use crate::storage::{Durability, EngineError, EngineOptions, Planted};

/// The tree besides its pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tree {
    pub(super) root: Root,
    /// Pages of the file, meta pages and seal included.
    pub(super) page_count: u32,
    pub(super) keys: u64,
    /// Bytes of keys and values.
    pub(super) live_bytes: u64,
}

/// What the file holds in the place of the meta page that is not in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OtherMeta {
    /// The one before.
    Whole,
    /// Nothing: a crash has torn it.
    Torn,
    /// Whatever a write has left that failed: the one before, nothing, or that of a commit that was given up.
    Unknown,
}

/// See the [module](self).
#[derive(Clone, Debug)]
pub(super) struct Store {
    pub(super) options: EngineOptions,
    pub(super) file: PageFile,
    pub(super) pool: Pool,
    pub(super) tree: Tree,
    /// Pages that were made in this epoch are changed in place; nobody else looks at them.
    pub(super) epoch: u64,
    pub(super) pages: FreePages,
    /// The newest meta page, and the one before where it is whole.
    pub(super) meta: Meta,
    pub(super) meta_before: Option<Meta>,
    /// The meta page that is not in force.
    pub(super) other_meta: OtherMeta,
    /// The sync that makes the newest commit durable, while it is under way.
    pub(super) under_way: Option<SyncTicket>,
    /// The commit that the seal says is durable; `None`: it may be torn.
    pub(super) sealed: Option<u64>,
    /// Epochs that snapshots hold, ascending.
    pub(super) held: Vec<u64>,
    /// In batches.
    pub(super) positions: Positions,
    /// Whether anything was changed since the newest meta page.
    pub(super) is_dirty: bool,
    pub(super) poisoned: bool,
    batch: Batch,
}

/// What a batch has done so far.
#[derive(Clone, Debug, Default)]
struct Batch {
    /// As it was before.
    tree: Tree,
    waiting: usize,
    /// Pages that were taken, and those that were given back at once, in their order.
    moved: Vec<(PageNo, bool)>,
    undo: Undo,
}

impl Store {
    pub(super) fn new(options: &EngineOptions, file: PageFile, meta: Meta) -> Self {
        Self {
            options: options.clone(),
            file,
            pool: Pool::default(),
            tree: meta.tree,
            epoch: meta.epoch + 1,
            pages: FreePages::default(),
            positions: Positions::durable_to(crate::storage::Lsn(meta.batches)),
            meta,
            meta_before: None,
            other_meta: OtherMeta::Whole,
            under_way: None,
            sealed: None,
            held: Vec::new(),
            is_dirty: false,
            poisoned: false,
            batch: Batch::default(),
        }
    }

    pub(super) fn settings(&self) -> &CowOptions {
        &self.options.cow
    }

    pub(super) fn check_poison(&self) -> Result<(), EngineError> {
        if self.poisoned {
            return Err(EngineError::Poisoned);
        }
        Ok(())
    }

    /// Whether the error leaves it unknown what the disk holds.
    pub(super) fn noted(&mut self, error: EngineError) -> EngineError {
        self.poisoned |= error.poisons();
        error
    }

    fn fetch(&mut self, disk: &mut dyn Disk, no: PageNo) -> Result<usize, EngineError> {
        if let Some(index) = self.pool.look_up(no) {
            return Ok(index);
        }
        self.make_room(disk)?;
        let page = self.file.read(disk, no)?;
        Ok(self.pool.insert(no, page, false))
    }

    /// Makes room for one more page, if that can be done. No meta page refers to a dirty page yet, so that it may be
    /// written at any time.
    fn make_room(&mut self, disk: &mut dyn Disk) -> Result<(), EngineError> {
        let capacity = self.settings().pool_pages;
        while !self.pool.drop_clean(capacity) {
            let pages = self.pool.dirty_from_hand(WRITE_BACK_PAGES, |_| true);
            if pages.is_empty() {
                break;
            }
            match self.write_pages(disk, &pages) {
                Ok(()) => {}
                // A disk without room leaves the pool too large, and nothing else is wrong.
                Err(EngineError::Disk(DiskError::Full(_) | DiskError::Write { .. })) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn write_pages(
        &mut self,
        disk: &mut dyn Disk,
        pages: &[(PageNo, PageRef)],
    ) -> Result<(), EngineError> {
        self.mend_other_meta(disk)?;
        let pool = &mut self.pool;
        let pages = pages.iter().map(|(no, page)| (*no, &**page));
        self.file.write(disk, pages, |no| pool.mark_clean(no))?;
        Ok(())
    }

    /// Writes all pages that the file does not have.
    pub(super) fn write_dirty(&mut self, disk: &mut dyn Disk) -> Result<(), EngineError> {
        for numbers in self.pool.dirty().chunks(WRITE_BACK_PAGES) {
            let frames = numbers.iter().filter_map(|no| self.pool.peek(*no));
            let pages: Vec<_> = frames
                .map(|frame| (frame.no, PageRef::clone(&frame.page)))
                .collect();
            self.write_pages(disk, &pages)?;
        }
        Ok(())
    }

    /// A batch begins.
    pub(super) fn begin(&mut self) {
        self.batch.tree = self.tree;
        self.batch.waiting = self.pages.waiting.len();
        self.batch.moved.clear();
    }

    /// The batch has failed: everything is as it was.
    pub(super) fn roll_back(&mut self) {
        self.tree = self.batch.tree;
        self.pages.waiting.truncate(self.batch.waiting);
        for (no, was_taken) in self.batch.moved.drain(..).rev() {
            if was_taken {
                self.pages.free.insert(no);
            } else {
                self.pages.free.remove(&no);
            }
        }
        self.batch.undo.roll_back(&mut self.pool);
    }

    /// Pages were moved, and nothing was written: that is no batch.
    pub(super) fn keep(&mut self) {
        self.batch.undo.settle(&mut self.pool);
        self.is_dirty = true;
    }

    /// The batch has happened; if it must be durable at once, that is a part of it.
    pub(super) fn settle(&mut self, disk: &mut dyn Disk) -> Result<(), EngineError> {
        let touched = self.batch.undo.settle(&mut self.pool);
        let was_dirty = std::mem::replace(&mut self.is_dirty, true);
        self.positions.advance(1);
        if self.options.durability != Durability::EachWrite {
            return Ok(());
        }
        let synced = self.sync(disk);
        if synced.is_err() && !self.poisoned {
            self.positions.take_back(1);
            self.is_dirty = was_dirty;
            Undo::take_back(&mut self.pool, touched);
            self.roll_back();
        }
        synced
    }

    /// The epochs that snapshots and meta pages hold, ascending.
    pub(super) fn epochs_held(&self) -> Vec<u64> {
        let metas = [Some(&self.meta), self.meta_before.as_ref()];
        let mut held: Vec<u64> = metas.into_iter().flatten().map(|meta| meta.epoch).collect();
        if self.is_planted(Planted::CowReusesPagesEarly) {
            held.clear();
        }
        if !self.is_planted(Planted::CowReusesUnderSnapshots) {
            held.extend(&self.held);
        }
        held.sort_unstable();
        held
    }

    /// Lets pages go that nobody needs any more.
    pub(super) fn release(&mut self) {
        let held = self.epochs_held();
        self.pages.release(&held);
    }

    /// Bytes of memory that pages take.
    pub(super) fn memory_bytes(&self) -> u64 {
        let pages = self.pool.len() * (PAGE_BYTES + size_of::<Frame>());
        let free = self.pages.free.len() * size_of::<PageNo>();
        (pages + free + self.pages.waiting.len() * size_of::<Freed>()) as u64
    }
}

impl ReadPages for Store {
    const LINKED: bool = false;

    #[inline]
    fn page(&mut self, disk: &mut dyn Disk, no: PageNo) -> Result<&PageRef, EngineError> {
        let index = self.fetch(disk, no)?;
        Ok(&self.pool.frame(index).page)
    }

    fn is_planted(&self, bug: Planted) -> bool {
        self.options.planted == bug
    }

    fn corrupt(&self, no: PageNo, what: &str) -> EngineError {
        self.file.corrupt(no, what)
    }
}

impl WritePages for Store {
    fn root(&self) -> Root {
        self.tree.root
    }

    fn set_root(&mut self, root: Root) {
        self.tree.root = root;
    }

    /// A page of this epoch is the tree's own; of an older one a copy is made.
    fn own(&mut self, disk: &mut dyn Disk, no: PageNo) -> Result<PageNo, EngineError> {
        let page = self.page(disk, no)?;
        if page.lsn() == self.epoch {
            return Ok(no);
        }
        let copy = Page::clone(self.page(disk, no)?);
        let own = self.allocate(disk)?;
        self.set(disk, own, copy, Touch::Shape)?;
        self.free(disk, no)?;
        Ok(own)
    }

    fn page_mut(
        &mut self,
        disk: &mut dyn Disk,
        no: PageNo,
        touch: Touch,
    ) -> Result<&mut Page, EngineError> {
        let index = self.fetch(disk, no)?;
        self.batch.undo.touch(&mut self.pool, index, touch, false);
        let page = PageRef::make_mut(&mut self.pool.frame_mut(index).page);
        debug_assert_eq!(page.lsn(), self.epoch, "page {} is not owned", no.0);
        Ok(page)
    }

    fn allocate(&mut self, _: &mut dyn Disk) -> Result<PageNo, EngineError> {
        if let Some(no) = self.pages.take() {
            self.batch.moved.push((no, true));
            return Ok(no);
        }
        let no = PageNo(self.tree.page_count);
        let more = self.tree.page_count.checked_add(1);
        self.tree.page_count =
            more.ok_or_else(|| self.corrupt(no, "the file can't have more pages"))?;
        Ok(no)
    }

    fn set(
        &mut self,
        disk: &mut dyn Disk,
        no: PageNo,
        mut page: Page,
        touch: Touch,
    ) -> Result<(), EngineError> {
        page.set_lsn(self.epoch);
        if self.pool.find(no).is_none() {
            self.make_room(disk)?;
        }
        self.batch.undo.set(&mut self.pool, no, page, touch);
        Ok(())
    }

    fn free(&mut self, disk: &mut dyn Disk, no: PageNo) -> Result<(), EngineError> {
        let born = self.page(disk, no)?.lsn();
        if born == self.epoch {
            self.pages.free.insert(no);
            self.batch.moved.push((no, false));
        } else {
            self.pages.waiting.push(Freed {
                no,
                born,
                freed: self.epoch,
            });
        }
        Ok(())
    }
}
