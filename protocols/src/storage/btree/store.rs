//! The pages of the tree, in the pool and in the file, and the batch that is changing them.
//!
//! A batch changes pages in the pool, keeps each as it was before, and pins it. When all its changes are made, the log
//! gets one frame for them; then the pages get their LSN and are let go of. If anything fails before, every page gets back
//! what was kept.

use seedbed_sim::{Disk, DiskError};

use super::BTreeOptions;
use super::header::{Header, Meta};
use super::redo::{self, CellOp};
use super::segments::Segments;
use super::versions::Versions;
use crate::storage::frame::PAYLOAD_BYTES_MAX;
use crate::storage::pages::file::PageFile;
use crate::storage::pages::pool::{Frame, Pool, WRITE_BACK_PAGES};
use crate::storage::pages::undo::{Touched, Undo};
use crate::storage::pages::{
    CAPACITY_BYTES, HEADER_BYTES, Kind, PAGE_BYTES, Page, PageNo, PageRef, ReadPages, Root, Touch,
    WritePages,
};
use crate::storage::{EngineError, EngineOptions, Planted};

/// Entries of a page of the list of free pages.
const FREE_ENTRIES: usize = CAPACITY_BYTES / 4;
/// Records of images and differences that go into a frame; what is more goes into parts.
const PART_BYTES: usize = 4 * 1024 * 1024;

/// See the [module](self).
#[derive(Clone, Debug)]
pub(super) struct Store {
    pub(super) options: EngineOptions,
    pub(super) file: PageFile,
    pub(super) pool: Pool,
    pub(super) log: Segments,
    pub(super) header: Header,
    /// The newest meta page.
    pub(super) meta: Meta,
    /// The other meta page may be torn, by a crash or a write that failed.
    pub(super) is_other_meta_torn: bool,
    /// Where the checkpoint that is under way, or else the last one, began: a page whose LSN is no newer was not changed
    /// since, and the next change of it puts an image into the log.
    pub(super) checkpoint_start: u64,
    pub(super) versions: Versions,
    /// The newest snapshot that is held.
    pub(super) newest_snapshot: Option<u64>,
    pub(super) poisoned: bool,
    batch: Batch,
    /// The frame's changes and records in the making. Kept for their capacity.
    changes: Vec<u8>,
    records: Vec<u8>,
}

/// What a batch has done so far.
#[derive(Clone, Debug, Default)]
struct Batch {
    /// As it was before.
    header: Header,
    undo: Undo,
    ops: Vec<CellOp>,
}

impl Store {
    pub(super) fn new(options: &EngineOptions, file: PageFile, log: Segments, meta: Meta) -> Self {
        Self {
            options: options.clone(),
            file,
            pool: Pool::default(),
            log,
            header: meta.header,
            meta,
            is_other_meta_torn: false,
            checkpoint_start: meta.redo,
            versions: Versions::default(),
            newest_snapshot: None,
            poisoned: false,
            batch: Batch::default(),
            changes: Vec::new(),
            records: Vec::new(),
        }
    }

    pub(super) fn settings(&self) -> &BTreeOptions {
        &self.options.btree
    }

    pub(super) fn check_poison(&self) -> Result<(), EngineError> {
        if self.poisoned || self.log.is_poisoned() {
            return Err(EngineError::Poisoned);
        }
        Ok(())
    }

    /// Whether the error leaves it unknown what the disk holds.
    pub(super) fn noted(&mut self, error: EngineError) -> EngineError {
        self.poisoned |= error.poisons();
        error
    }

    /// Makes the log durable, so that pages with any LSN may be written.
    pub(super) fn force_log(&mut self, disk: &mut dyn Disk) -> Result<(), EngineError> {
        self.log.sync(disk).map_err(|error| self.noted(error))
    }

    /// The frame of a page, which is read from the file if it must be.
    fn fetch(&mut self, disk: &mut dyn Disk, no: PageNo) -> Result<usize, EngineError> {
        if let Some(index) = self.pool.look_up(no) {
            return Ok(index);
        }
        self.make_room(disk)?;
        let page = self.file.read(disk, no)?;
        Ok(self.pool.insert(no, page, false))
    }

    /// Makes room for one more page, if that can be done: drops pages that the file has, and writes others to it.
    fn make_room(&mut self, disk: &mut dyn Disk) -> Result<(), EngineError> {
        let capacity = self.settings().pool_pages;
        while !self.pool.drop_clean(capacity) {
            if !self.write_back(disk)? {
                break;
            }
        }
        Ok(())
    }

    /// Writes some dirty pages to the file. Returns whether there were any, and they could be written: a disk without room
    /// leaves the pool too large, and nothing else is wrong.
    fn write_back(&mut self, disk: &mut dyn Disk) -> Result<bool, EngineError> {
        let durable = self.log.positions.durable().0;
        let mut pages = self
            .pool
            .dirty_from_hand(WRITE_BACK_PAGES, |frame| frame.page.lsn() <= durable);
        if pages.is_empty() {
            pages = self.pool.dirty_from_hand(WRITE_BACK_PAGES, |_| true);
            if !pages.is_empty() && !self.is_planted(Planted::TreeWritesPagesBeforeLog) {
                self.force_log(disk)?;
            }
        }
        if pages.is_empty() {
            return Ok(false);
        }
        match self.write_pages(disk, &pages) {
            Ok(()) => Ok(true),
            Err(EngineError::Disk(DiskError::Full(_) | DiskError::Write { .. })) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Writes pages, which are in the order of their numbers, and whose changes are durable in the log.
    pub(super) fn write_pages(
        &mut self,
        disk: &mut dyn Disk,
        pages: &[(PageNo, PageRef)],
    ) -> Result<(), EngineError> {
        let pool = &mut self.pool;
        let pages = pages.iter().map(|(no, page)| (*no, &**page));
        Ok(self.file.write(disk, pages, |no| pool.mark_clean(no))?)
    }

    /// Bytes that the pages take in the file, or will.
    pub(super) fn file_bytes(&self) -> u64 {
        PageNo(self.header.page_count).offset()
    }

    /// Bytes of memory that pages take.
    pub(super) fn memory_bytes(&self) -> u64 {
        let pages = self.pool.len() + self.versions.len();
        (pages * (PAGE_BYTES + size_of::<Frame>())) as u64
    }

    /// A batch begins.
    pub(super) fn begin(&mut self) {
        self.batch.header = self.header;
        self.batch.ops.clear();
        self.changes.clear();
        self.records.clear();
    }

    /// The changes of the batch so far, as the log will have them.
    pub(super) fn changes(&mut self) -> &mut Vec<u8> {
        &mut self.changes
    }

    /// A cell was set or removed.
    pub(super) fn did(&mut self, op: CellOp) {
        self.batch.ops.push(op);
    }

    /// The batch has failed: everything is as it was.
    pub(super) fn roll_back(&mut self) {
        self.header = self.batch.header;
        self.batch.undo.roll_back(&mut self.pool);
    }

    /// Appends the batch to the log; then it has happened.
    pub(super) fn commit(&mut self, disk: &mut dyn Disk) -> Result<(), EngineError> {
        let number = self.log.positions.end().0 + 1;
        let parts = self.push_records();
        let bytes = self.changes.len() + self.records.len() + redo::BATCH_HEAD_BYTES;
        if bytes > PAYLOAD_BYTES_MAX {
            return Err(EngineError::BatchTooLong(bytes));
        }
        for (index, part) in (0..).zip(&parts) {
            self.log.append(disk, false, |out| {
                redo::part_head(number, index, out);
                out.extend_from_slice(part);
            })?;
        }
        let (header, changes, records) = (&self.header, &self.changes, &self.records);
        self.log.append(disk, true, |out| {
            redo::batch_head(number, parts.len() as u16, header, changes, out);
            out.extend_from_slice(records);
        })?;
        self.settle(number);
        Ok(())
    }

    /// Pushes the batch's records, and returns those that are too long for its frame, in parts.
    fn push_records(&mut self) -> Vec<Vec<u8>> {
        let mut records = std::mem::take(&mut self.records);
        for op in &self.batch.ops {
            match op {
                CellOp::Set { change, put } => {
                    redo::push_set(*change, put, self.is_in_place(put.leaf), &mut records);
                }
                CellOp::Remove { leaf, slot } if self.is_in_place(*leaf) => {
                    redo::push_remove(*leaf, *slot, &mut records);
                }
                CellOp::Remove { .. } => {}
            }
        }
        let cells = records.len();
        let mut parts: Vec<Vec<u8>> = Vec::new();
        for touched in self.batch.undo.pages() {
            self.push_page(touched, &mut records);
            if records.len() - cells > PART_BYTES {
                parts.push(records.split_off(cells));
            }
        }
        self.records = records;
        parts
    }

    /// Whether what was done to a leaf is logged cell by cell.
    fn is_in_place(&self, leaf: PageNo) -> bool {
        let touched = self.batch.undo.of(&self.pool, leaf);
        touched.is_some_and(|touched| {
            touched.touch == Touch::Cell && !touched.is_freed && !self.wants_image(touched)
        })
    }

    /// Whether the log gets the whole page.
    fn wants_image(&self, touched: &Touched) -> bool {
        if touched.is_new {
            return touched.touch == Touch::Shape;
        }
        let before = touched.before.as_ref().expect("a page that is not new");
        self.settings().full_page_images && before.0.lsn() <= self.checkpoint_start
    }

    /// Pushes the image or the difference of a page, if it has one.
    fn push_page(&self, touched: &Touched, records: &mut Vec<u8>) {
        if touched.is_freed {
            return;
        }
        let frame = self.pool.peek(touched.no).expect("a pinned page");
        if self.wants_image(touched) {
            redo::push_image(touched.no, &frame.page, records);
        } else if touched.touch == Touch::Shape
            && let Some((before, _)) = &touched.before
        {
            redo::push_difference(touched.no, before, &frame.page, records);
        }
    }

    /// The batch with this number is in the log: its pages are let go of.
    fn settle(&mut self, number: u64) {
        self.changes.clear();
        self.records.clear();
        for touched in self.batch.undo.settle(&mut self.pool) {
            let index = self.pool.find(touched.no).expect("it was pinned");
            PageRef::make_mut(&mut self.pool.frame_mut(index).page).set_lsn(number);
            if let (Some(newest), Some((before, _)), true) =
                (self.newest_snapshot, &touched.before, touched.was_used)
            {
                self.versions.keep(touched.no, number, newest, before);
            }
        }
    }

    /// Puts a page in, whatever was there: redo.
    pub(super) fn restore(
        &mut self,
        disk: &mut dyn Disk,
        no: PageNo,
        page: Page,
    ) -> Result<(), EngineError> {
        if self.pool.find(no).is_none() {
            self.make_room(disk)?;
            self.pool.insert(no, PageRef::new(Page::zeroed()), true);
        }
        let index = self.pool.find(no).expect("it is there");
        let frame = self.pool.frame_mut(index);
        (frame.page, frame.dirty) = (PageRef::new(page), true);
        Ok(())
    }

    /// A page to be changed by redo.
    pub(super) fn redo_page(
        &mut self,
        disk: &mut dyn Disk,
        no: PageNo,
    ) -> Result<&mut Page, EngineError> {
        let index = self.fetch(disk, no)?;
        let frame = self.pool.frame_mut(index);
        frame.dirty = true;
        Ok(PageRef::make_mut(&mut frame.page))
    }

    /// Keeps a page that is in the pool there, or lets it go.
    pub(super) fn pin(&mut self, no: PageNo, is_pinned: bool) {
        let index = self.pool.find(no).expect("a page in the pool");
        self.pool.frame_mut(index).pin = u32::from(is_pinned);
    }

    /// The pages as they were after the batch `at`; `None`: as they are.
    pub(super) fn view(&mut self, at: Option<u64>) -> View<'_> {
        View { store: self, at }
    }
}

impl ReadPages for Store {
    const LINKED: bool = true;

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
        self.header.root
    }

    fn set_root(&mut self, root: Root) {
        self.header.root = root;
    }

    /// Pages are changed in place.
    fn own(&mut self, _: &mut dyn Disk, no: PageNo) -> Result<PageNo, EngineError> {
        Ok(no)
    }

    fn page_mut(
        &mut self,
        disk: &mut dyn Disk,
        no: PageNo,
        touch: Touch,
    ) -> Result<&mut Page, EngineError> {
        let index = self.fetch(disk, no)?;
        self.batch.undo.touch(&mut self.pool, index, touch, false);
        Ok(PageRef::make_mut(&mut self.pool.frame_mut(index).page))
    }

    fn allocate(&mut self, disk: &mut dyn Disk) -> Result<PageNo, EngineError> {
        let head = self.header.free_head;
        if !head.is_some() {
            let no = PageNo(self.header.page_count);
            self.header.page_count =
                no.0.checked_add(1)
                    .ok_or_else(|| self.corrupt(no, "the file can't have more pages"))?;
            return Ok(no);
        }
        let list = self.page(disk, head)?;
        if list.kind() != Some(Kind::Free) {
            return Err(self.corrupt(head, "the list of free pages goes on with another page"));
        }
        let Some(last) = list.count().checked_sub(1) else {
            self.header.free_head = list.left();
            self.header.free_count -= 1;
            return Ok(head);
        };
        let no = PageNo(list_entry(list, last));
        self.header.free_count -= 1;
        let list = self.page_mut(disk, head, Touch::Shape)?;
        list.set_count(last);
        Ok(no)
    }

    fn set(
        &mut self,
        disk: &mut dyn Disk,
        no: PageNo,
        page: Page,
        touch: Touch,
    ) -> Result<(), EngineError> {
        if self.pool.find(no).is_none() {
            self.make_room(disk)?;
        }
        self.batch.undo.set(&mut self.pool, no, page, touch);
        Ok(())
    }

    fn free(&mut self, disk: &mut dyn Disk, no: PageNo) -> Result<(), EngineError> {
        if self.is_planted(Planted::TreeLeaksPages) {
            return Ok(());
        }
        // A snapshot may want it as it is, so that it is kept now: whoever gets it next does not look.
        if self.newest_snapshot.is_some() || self.pool.find(no).is_some() {
            let index = self.fetch(disk, no)?;
            self.batch
                .undo
                .touch(&mut self.pool, index, Touch::Chain, true);
        }
        self.header.free_count += 1;
        let head = self.header.free_head;
        if head.is_some() {
            let list = self.page(disk, head)?;
            let count = list.count();
            if count < FREE_ENTRIES {
                let list = self.page_mut(disk, head, Touch::Shape)?;
                list.put_u32(HEADER_BYTES + 4 * count, no.0);
                list.set_count(count + 1);
                return Ok(());
            }
        }
        let mut list = Page::new(Kind::Free, 0);
        list.set_left(head);
        self.set(disk, no, list, Touch::Shape)?;
        self.header.free_head = no;
        Ok(())
    }
}

/// An entry of a page of the list of free pages.
pub(super) fn list_entry(list: &Page, index: usize) -> u32 {
    list.u32_at(HEADER_BYTES + 4 * index)
}

/// The pages as a snapshot sees them.
pub(super) struct View<'a> {
    store: &'a mut Store,
    at: Option<u64>,
}

impl ReadPages for View<'_> {
    const LINKED: bool = true;

    #[inline]
    fn page(&mut self, disk: &mut dyn Disk, no: PageNo) -> Result<&PageRef, EngineError> {
        if let Some(at) = self.at
            && !self.store.is_planted(Planted::TreeSnapshotsReadNew)
            && self.store.versions.get(no, at).is_some()
        {
            return Ok(self.store.versions.get(no, at).expect("it is there"));
        }
        self.store.page(disk, no)
    }

    fn is_planted(&self, bug: Planted) -> bool {
        self.store.is_planted(bug)
    }

    fn corrupt(&self, no: PageNo, what: &str) -> EngineError {
        self.store.corrupt(no, what)
    }
}
