//! Walking a whole tree: is it what it says it is?

use seedbed_sim::Disk;

use super::node::CellValue;
use super::page::{CAPACITY_BYTES, Kind, Page};
use super::read::{check_height, expect, get_slot, scan};
use super::{PageNo, PageRef, ReadPages, Root, chain};
use crate::storage::{Bounds, EngineError, ScanDirection, text};

/// Rows of a step of a scan that checks.
const SCAN_STEP: usize = 512;

/// Which pages of a file have been met, each at most once.
#[derive(Debug)]
pub(in crate::storage) struct Met(Vec<bool>);

impl Met {
    /// None of `page_count` pages yet.
    pub(in crate::storage) fn new(page_count: u32) -> Self {
        Self(vec![false; page_count as usize])
    }

    /// A page is met. It must be one of the file's, and new.
    pub(in crate::storage) fn meet<S: ReadPages>(
        &mut self,
        store: &S,
        no: PageNo,
    ) -> Result<(), EngineError> {
        match self.0.get_mut(no.0 as usize) {
            None => Err(store.corrupt(no, "a page past the last one is referred to")),
            Some(true) => Err(store.corrupt(no, "the page is referred to twice")),
            Some(met) => {
                *met = true;
                Ok(())
            }
        }
    }

    pub(in crate::storage) fn has(&self, no: PageNo) -> bool {
        self.0[no.0 as usize]
    }

    /// The first page that was not met.
    pub(in crate::storage) fn missing(&self) -> Option<PageNo> {
        let index = self.0.iter().position(|met| !met)?;
        Some(PageNo(index as u32))
    }

    pub(in crate::storage) fn pages(&self) -> impl Iterator<Item = PageNo> + '_ {
        let met = (0..).zip(&self.0).filter(|(_, met)| **met);
        met.map(|(no, _)| PageNo(no))
    }
}

/// What a tree is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::storage) struct Census {
    pub(in crate::storage) keys: u64,
    /// Bytes of keys and values.
    pub(in crate::storage) bytes: u64,
    pub(in crate::storage) leaves: u64,
    pub(in crate::storage) inner: u64,
    pub(in crate::storage) overflow: u64,
    /// Bytes that cells take in leaves and in inner pages.
    pub(in crate::storage) leaf_bytes: u64,
    pub(in crate::storage) inner_bytes: u64,
}

impl Census {
    /// How full leaves are, in per mille.
    pub(in crate::storage) fn leaf_fill(&self) -> u64 {
        fill(self.leaf_bytes, self.leaves)
    }

    /// How full inner pages are, in per mille.
    pub(in crate::storage) fn inner_fill(&self) -> u64 {
        fill(self.inner_bytes, self.inner)
    }
}

fn fill(bytes: u64, pages: u64) -> u64 {
    (bytes * 1000)
        .checked_div(pages * CAPACITY_BYTES as u64)
        .unwrap_or(0)
}

/// Walks the tree and checks every invariant of the [chapter](super). Meets its pages.
pub(in crate::storage) fn check<S: ReadPages>(
    store: &mut S,
    disk: &mut dyn Disk,
    root: Root,
    met: &mut Met,
) -> Result<Census, EngineError> {
    let level = check_height(store, root)?;
    let mut walk = Walk {
        store,
        disk,
        root,
        met,
        census: Census::default(),
        last_leaf: PageNo::NONE,
        next_leaf: None,
    };
    walk.subtree(root.page, level, None, None)?;
    if S::LINKED && walk.next_leaf != Some(PageNo::NONE) {
        return Err(walk
            .store
            .corrupt(walk.last_leaf, "the last leaf has a right sibling"));
    }
    Ok(walk.census)
}

struct Walk<'a, S> {
    store: &'a mut S,
    disk: &'a mut dyn Disk,
    root: Root,
    met: &'a mut Met,
    census: Census,
    /// The leaf before, and which it says is the next.
    last_leaf: PageNo,
    next_leaf: Option<PageNo>,
}

impl<S: ReadPages> Walk<'_, S> {
    /// Checks the page and all below it, whose keys must be at least `low` and below `high`.
    fn subtree(
        &mut self,
        no: PageNo,
        level: u8,
        low: Option<&[u8]>,
        high: Option<&[u8]>,
    ) -> Result<(), EngineError> {
        self.met.meet(self.store, no)?;
        expect(self.store, self.disk, no, level)?;
        let page = PageRef::clone(self.store.page(self.disk, no)?);
        if page.count() == 0 && no != self.root.page {
            return Err(self.store.corrupt(no, "an empty page in the tree"));
        }
        let mut keys = Vec::with_capacity(page.count());
        for index in 0..page.count() {
            let key = page.key(index);
            if let Some(rest) = key.rest {
                self.chain(rest.first, chain::rest_bytes(rest))?;
            }
            keys.push(chain::whole_key(self.store, self.disk, key)?);
        }
        let ascend = keys.windows(2).all(|pair| pair[0] < pair[1]);
        let within = keys
            .first()
            .is_none_or(|first| low.is_none_or(|low| low <= &first[..]))
            && keys
                .last()
                .is_none_or(|last| high.is_none_or(|high| &last[..] < high));
        if !ascend || !within {
            return Err(self.store.corrupt(no, "keys are not in order"));
        }
        if level == 0 {
            return self.leaf(no, &page, &keys);
        }
        self.census.inner += 1;
        self.census.inner_bytes += page.used() as u64;
        for position in 0..=page.count() {
            let low = position
                .checked_sub(1)
                .map_or(low, |index| Some(&keys[index]));
            let high = keys.get(position).map_or(high, |key| Some(key));
            self.subtree(page.child(position), level - 1, low, high)?;
        }
        Ok(())
    }

    fn leaf(&mut self, no: PageNo, page: &PageRef, keys: &[Vec<u8>]) -> Result<(), EngineError> {
        let linked = page.left() == self.last_leaf && self.next_leaf.is_none_or(|next| next == no);
        if S::LINKED && !linked {
            return Err(self
                .store
                .corrupt(no, "siblings are not linked with each other"));
        }
        (self.last_leaf, self.next_leaf) = (no, Some(page.right()));
        self.census.leaves += 1;
        self.census.leaf_bytes += page.used() as u64;
        for (index, key) in keys.iter().enumerate() {
            if get_slot(self.store, self.disk, self.root, key)? != Some((no, index)) {
                return Err(self.store.corrupt(no, "a key is not found where it stands"));
            }
            let bytes = match page.value(index) {
                CellValue::Inline(bytes) => bytes.len(),
                CellValue::Chained(chained) => {
                    let bytes = chained.whole_bytes as usize;
                    self.chain(chained.first, bytes)?;
                    bytes
                }
            };
            self.census.keys += 1;
            self.census.bytes += (key.len() + bytes) as u64;
        }
        Ok(())
    }

    /// Meets the pages of a chain of so many bytes.
    fn chain(&mut self, first: PageNo, bytes: usize) -> Result<(), EngineError> {
        let (mut no, mut left) = (first, bytes);
        while left > 0 {
            let (next, count) = chain::link(self.store, self.disk, no, left)?;
            self.met.meet(self.store, no)?;
            self.census.overflow += 1;
            left -= count;
            no = next;
        }
        if no.is_some() {
            return Err(self.store.corrupt(no, "a chain goes on after its end"));
        }
        Ok(())
    }
}

/// One line on a page, for people.
pub(in crate::storage) fn describe(page: &Page) -> String {
    match page.kind() {
        Some(Kind::Leaf) => format!(
            "leaf: {} rows, {} of {CAPACITY_BYTES} bytes used, left {}, right {}, LSN {}",
            page.count(),
            page.used(),
            page.left().0,
            page.right().0,
            page.lsn()
        ),
        Some(Kind::Inner) => format!(
            "inner page of level {}: {} separators, {} of {CAPACITY_BYTES} bytes used, LSN {}",
            page.level(),
            page.count(),
            page.used(),
            page.lsn()
        ),
        Some(Kind::Overflow) => format!(
            "overflow page: {} bytes, next {}, LSN {}",
            page.count(),
            page.left().0,
            page.lsn()
        ),
        Some(Kind::Free) => format!(
            "list of {} free pages, next {}, LSN {}",
            page.count(),
            page.left().0,
            page.lsn()
        ),
        None => "of no known type".to_owned(),
    }
}

/// Whether two pages are the same but for checksums and holes.
pub(in crate::storage) fn same(a: &Page, b: &Page) -> bool {
    let (lower, upper) = a.parts();
    (lower, upper) == b.parts()
        && a.bytes()[4..lower] == b.bytes()[4..lower]
        && a.bytes()[upper..] == b.bytes()[upper..]
}

/// Scans both ways must come by every key.
pub(in crate::storage) fn count_by_scan<S: ReadPages>(
    store: &mut S,
    disk: &mut dyn Disk,
    root: Root,
    census: &Census,
) -> Result<(), EngineError> {
    for direction in [ScanDirection::Forward, ScanDirection::Backward] {
        let (mut from, mut to) = (None::<Vec<u8>>, None::<Vec<u8>>);
        let mut rows = Vec::new();
        let mut count = 0;
        loop {
            let bounds = Bounds {
                from: from.as_deref(),
                to: to.as_deref(),
            };
            rows.clear();
            let next = scan(store, disk, root, bounds, direction, SCAN_STEP, &mut rows)?;
            count += rows.len() as u64;
            let Some(next) = next else { break };
            match direction {
                ScanDirection::Forward => from = Some(next.to_vec()),
                ScanDirection::Backward => to = Some([&next[..], b"\0"].concat()),
            }
        }
        if count != census.keys {
            let what = format!("a scan comes by {count} keys of {}", census.keys);
            return Err(store.corrupt(root.page, &what));
        }
    }
    Ok(())
}

/// The cells of a page as text.
pub(in crate::storage) fn dump_page(page: &Page, line: &mut dyn FnMut(&str)) {
    match page.kind() {
        Some(Kind::Leaf) => {
            for index in 0..page.count() {
                let key = text(page.key(index).inline);
                match page.value(index) {
                    CellValue::Inline(value) => line(&format!("  {key} = {}", text(value))),
                    CellValue::Chained(chain) => line(&format!(
                        "  {key} = {} bytes from page {} on",
                        chain.whole_bytes, chain.first.0
                    )),
                }
            }
        }
        Some(Kind::Inner) => {
            line(&format!("  below: page {}", page.left().0));
            for index in 0..page.count() {
                let key = text(page.key(index).inline);
                line(&format!("  from {key}: page {}", page.child(index + 1).0));
            }
        }
        _ => {}
    }
}
