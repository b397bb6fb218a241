//! Bulk load: a tree made of rows that come in order, from the leaves up, each page written once.

use seedbed_sim::Disk;

use super::balance::separator;
use super::file::PageFile;
use super::node::{footprint, set_cell_child};
use super::page::{CAPACITY_BYTES, Kind};
use super::write::cell_of;
use super::{
    KEY_INLINE_BYTES, Page, PageNo, PageRef, ReadPages, Root, Touch, WritePages, chain, node,
};
use crate::storage::{EngineError, Planted, Row, check_row};

/// A tree in the making.
#[derive(Debug)]
struct Builder {
    /// Bytes of a page that are used before the next is begun.
    fill_bytes: usize,
    leaf_no: PageNo,
    leaf: Page,
    /// The inner page that is being filled on each level, the lowest first.
    inner: Vec<(PageNo, Page)>,
}

impl Builder {
    /// An empty tree, the pages of which will be `fill_percent` full.
    fn new<S: WritePages>(
        store: &mut S,
        disk: &mut dyn Disk,
        fill_percent: u8,
    ) -> Result<Self, EngineError> {
        Ok(Self {
            fill_bytes: CAPACITY_BYTES * usize::from(fill_percent.clamp(10, 100)) / 100,
            leaf_no: store.allocate(disk)?,
            leaf: Page::new(Kind::Leaf, 0),
            inner: Vec::new(),
        })
    }

    /// Adds a row, whose key is greater than all before it.
    fn push<S: WritePages>(
        &mut self,
        store: &mut S,
        disk: &mut dyn Disk,
        key: &[u8],
        value: &[u8],
    ) -> Result<(), EngineError> {
        let mut made = Vec::new();
        let key_rest = match key.get(KEY_INLINE_BYTES..) {
            Some(rest) if !rest.is_empty() => {
                Some(chain::write(store, disk, rest, Touch::Shape, &mut made)?)
            }
            _ => None,
        };
        let value_chain = if node::is_inline(key.len(), value.len()) {
            None
        } else {
            Some(chain::write(store, disk, value, Touch::Shape, &mut made)?)
        };
        let cell = cell_of(key, value, key_rest, value_chain);
        let is_full = self.leaf.used() + cell.len() + 2 > self.fill_bytes;
        if is_full && self.leaf.count() > 0 {
            let mut next = Page::new(Kind::Leaf, 0);
            next.put_cell(0, false, &cell);
            let mut between = separator(store, disk, &self.leaf, &next)?;
            let next_no = store.allocate(disk)?;
            set_cell_child(&mut between, next_no);
            if S::LINKED {
                next.set_left(self.leaf_no);
                self.leaf.set_right(next_no);
            }
            let full = std::mem::replace(&mut self.leaf, next);
            let full_no = std::mem::replace(&mut self.leaf_no, next_no);
            store.set(disk, full_no, full, Touch::Shape)?;
            return self.push_separator(store, disk, 0, full_no, &between);
        }
        let fits = self.leaf.put_cell(self.leaf.count(), false, &cell);
        assert!(fits, "a row of {} bytes has room", cell.len());
        Ok(())
    }

    /// Adds a cell on the level above `below`, behind the child `left`.
    fn push_separator<S: WritePages>(
        &mut self,
        store: &mut S,
        disk: &mut dyn Disk,
        below: usize,
        left: PageNo,
        cell: &[u8],
    ) -> Result<(), EngineError> {
        let Some((no, page)) = self.inner.get_mut(below) else {
            let mut page = Page::new(Kind::Inner, below as u8 + 1);
            page.set_left(left);
            page.push_cell(cell);
            let no = store.allocate(disk)?;
            self.inner.push((no, page));
            return Ok(());
        };
        let is_full = page.used() + footprint(cell) > self.fill_bytes;
        if !is_full || page.count() < 3 {
            page.push_cell(cell);
            return Ok(());
        }
        // The last separator goes up, so that the next page begins with two children.
        let last = page.count() - 1;
        let mut up = page.cell(last).to_vec();
        page.remove_cell(last);
        let mut next = Page::new(Kind::Inner, page.level());
        next.set_left(node::cell_child(&up));
        next.push_cell(cell);
        let next_no = store.allocate(disk)?;
        set_cell_child(&mut up, next_no);
        let full = std::mem::replace(page, next);
        let full_no = std::mem::replace(no, next_no);
        store.set(disk, full_no, full, Touch::Shape)?;
        self.push_separator(store, disk, below + 1, full_no, &up)
    }

    /// Writes what is still open and returns the root.
    fn finish<S: WritePages>(
        self,
        store: &mut S,
        disk: &mut dyn Disk,
    ) -> Result<Root, EngineError> {
        let height = self.inner.len() as u8 + 1;
        let mut root = self.leaf_no;
        store.set(disk, self.leaf_no, self.leaf, Touch::Shape)?;
        for (no, page) in self.inner {
            root = no;
            store.set(disk, no, page, Touch::Shape)?;
        }
        Ok(Root { page: root, height })
    }
}

/// Pages that are written at once.
const RUN_PAGES: usize = 64;

/// What a bulk load has made.
#[derive(Clone, Copy, Debug)]
pub(in crate::storage) struct Loaded {
    pub(in crate::storage) root: Root,
    pub(in crate::storage) page_count: u32,
    pub(in crate::storage) keys: u64,
    /// Bytes of keys and values.
    pub(in crate::storage) bytes: u64,
}

/// Writes a tree of rows, whose keys ascend, to new pages at the end of a file of `page_count` pages, and syncs it.
/// Nothing refers to the pages yet.
///
/// # Errors
/// [`EngineError::BulkLoad`] where keys do not ascend.
pub(in crate::storage) fn load<const LINKED: bool>(
    file: &mut PageFile,
    disk: &mut dyn Disk,
    page_count: u32,
    lsn: u64,
    fill_percent: u8,
    rows: &mut dyn Iterator<Item = Row>,
) -> Result<Loaded, EngineError> {
    let (mut keys, mut bytes) = (0, 0);
    let mut last: Option<Row> = None;
    let mut loading = Loading::<LINKED> {
        file,
        page_count,
        lsn,
        pages: Vec::new(),
        read: None,
    };
    let mut builder = Builder::new(&mut loading, disk, fill_percent)?;
    for row in rows {
        bytes += check_row(&row.key, row.value.len())?;
        keys += 1;
        if last.as_ref().is_some_and(|last| last.key >= row.key) {
            return Err(EngineError::BulkLoad("keys in ascending order"));
        }
        builder.push(&mut loading, disk, &row.key, &row.value)?;
        last = Some(row);
    }
    let root = builder.finish(&mut loading, disk)?;
    loading.flush(disk)?;
    let page_count = loading.page_count;
    file.sync(disk)?;
    Ok(Loaded {
        root,
        page_count,
        keys,
        bytes,
    })
}

/// The pages of a tree that is being loaded: they go straight to the file.
struct Loading<'a, const LINKED: bool> {
    file: &'a mut PageFile,
    page_count: u32,
    lsn: u64,
    /// Pages that are not written yet.
    pages: Vec<(PageNo, PageRef)>,
    read: Option<PageRef>,
}

impl<const LINKED: bool> Loading<'_, LINKED> {
    fn flush(&mut self, disk: &mut dyn Disk) -> Result<(), EngineError> {
        self.pages.sort_unstable_by_key(|(no, _)| *no);
        let pages = self.pages.iter().map(|(no, page)| (*no, &**page));
        self.file.write(disk, pages, |_| {})?;
        self.pages.clear();
        Ok(())
    }
}

impl<const LINKED: bool> ReadPages for Loading<'_, LINKED> {
    const LINKED: bool = LINKED;

    fn page(&mut self, disk: &mut dyn Disk, no: PageNo) -> Result<&PageRef, EngineError> {
        let waiting = self.pages.iter().find(|(waiting, _)| *waiting == no);
        let page = match waiting {
            Some((_, page)) => PageRef::clone(page),
            None => self.file.read(disk, no)?,
        };
        Ok(self.read.insert(page))
    }

    fn is_planted(&self, _: Planted) -> bool {
        false
    }

    fn corrupt(&self, no: PageNo, what: &str) -> EngineError {
        self.file.corrupt(no, what)
    }
}

impl<const LINKED: bool> WritePages for Loading<'_, LINKED> {
    fn root(&self) -> Root {
        unreachable!("the builder makes the root");
    }

    fn set_root(&mut self, _: Root) {
        unreachable!("the builder returns the root");
    }

    fn own(&mut self, _: &mut dyn Disk, no: PageNo) -> Result<PageNo, EngineError> {
        Ok(no)
    }

    fn page_mut(
        &mut self,
        _: &mut dyn Disk,
        _: PageNo,
        _: Touch,
    ) -> Result<&mut Page, EngineError> {
        unreachable!("a page that was loaded does not change");
    }

    fn allocate(&mut self, _: &mut dyn Disk) -> Result<PageNo, EngineError> {
        let no = PageNo(self.page_count);
        let more = self.page_count.checked_add(1);
        self.page_count = more.ok_or_else(|| self.corrupt(no, "the file can't have more pages"))?;
        Ok(no)
    }

    fn set(
        &mut self,
        disk: &mut dyn Disk,
        no: PageNo,
        mut page: Page,
        _: Touch,
    ) -> Result<(), EngineError> {
        page.set_lsn(self.lsn);
        self.pages.push((no, PageRef::new(page)));
        if self.pages.len() == RUN_PAGES {
            self.flush(disk)?;
        }
        Ok(())
    }

    fn free(&mut self, _: &mut dyn Disk, _: PageNo) -> Result<(), EngineError> {
        unreachable!("a page that was loaded is not freed");
    }
}
