//! Looking keys up, and scans.

use bytes::Bytes;
use seedbed_sim::Disk;

use super::node::CellValue;
use super::page::Kind;
use super::{HEIGHT_MAX, KEY_INLINE_BYTES, Page, PageNo, PageRef, ReadPages, Root, chain};
use crate::storage::{Bounds, EngineError, Planted, Row, ScanDirection};

/// From so many rows of one page on, a scan hands out rows that share the page's memory instead of copies.
const SHARED_ROWS_MIN: usize = 4;

/// The slot of a key in a page, or where it would be.
pub(super) fn locate<S: ReadPages>(
    store: &mut S,
    disk: &mut dyn Disk,
    no: PageNo,
    probe: &[u8],
) -> Result<Result<usize, usize>, EngineError> {
    let page = store.page(disk, no)?;
    if let Some(found) = page.search(probe) {
        return Ok(found);
    }
    let page = PageRef::clone(page);
    page.search_with(probe, |rest| {
        let mut bytes = Vec::new();
        chain::read(store, disk, rest.first, chain::rest_bytes(rest), &mut bytes)?;
        Ok(bytes[..].cmp(&probe[KEY_INLINE_BYTES..]))
    })
}

/// Where among the children of an inner page a key belongs.
pub(super) fn locate_child<S: ReadPages>(
    store: &mut S,
    disk: &mut dyn Disk,
    no: PageNo,
    probe: &[u8],
) -> Result<usize, EngineError> {
    Ok(match locate(store, disk, no, probe)? {
        Ok(index) => index + 1,
        Err(index) => index,
    })
}

/// Whether a page is of the kind that its place in the tree demands.
#[inline]
fn is_of_level(page: &Page, level: u8) -> bool {
    let kind = if level == 0 { Kind::Leaf } else { Kind::Inner };
    page.kind() == Some(kind) && page.level() == level
}

/// Checks that a page is of the kind that its place in the tree demands.
pub(super) fn expect<S: ReadPages>(
    store: &mut S,
    disk: &mut dyn Disk,
    no: PageNo,
    level: u8,
) -> Result<(), EngineError> {
    if is_of_level(store.page(disk, no)?, level) {
        return Ok(());
    }
    let kind = if level == 0 { "leaf" } else { "inner page" };
    Err(store.corrupt(no, &format!("no {kind} of level {level}")))
}

/// From an inner page of this level to the child where a key belongs: its position, and its number.
#[inline]
pub(super) fn step_down<S: ReadPages>(
    store: &mut S,
    disk: &mut dyn Disk,
    no: PageNo,
    level: u8,
    key: &[u8],
) -> Result<(usize, PageNo), EngineError> {
    // One look at the page is enough, unless a chain must be read.
    let page = store.page(disk, no)?;
    if is_of_level(page, level)
        && let Some(found) = page.search(key)
    {
        let position = found.map_or_else(|at| at, |at| at + 1);
        return Ok((position, page.child(position)));
    }
    expect(store, disk, no, level)?;
    let position = locate_child(store, disk, no, key)?;
    Ok((position, store.page(disk, no)?.child(position)))
}

pub(super) fn check_height<S: ReadPages>(store: &S, root: Root) -> Result<u8, EngineError> {
    if root.height == 0 || root.height > HEIGHT_MAX {
        return Err(store.corrupt(root.page, "a tree of an impossible height"));
    }
    Ok(root.height - 1)
}

/// The leaf where a key belongs, which is not looked at yet.
fn leaf_of<S: ReadPages>(
    store: &mut S,
    disk: &mut dyn Disk,
    root: Root,
    key: &[u8],
) -> Result<PageNo, EngineError> {
    let mut no = root.page;
    for level in (1..=check_height(store, root)?).rev() {
        no = step_down(store, disk, no, level, key)?.1;
    }
    Ok(no)
}

/// The leaf and the slot of a key, if it is there.
pub(in crate::storage) fn get_slot<S: ReadPages>(
    store: &mut S,
    disk: &mut dyn Disk,
    root: Root,
    key: &[u8],
) -> Result<Option<(PageNo, usize)>, EngineError> {
    let leaf = leaf_of(store, disk, root, key)?;
    expect(store, disk, leaf, 0)?;
    Ok(locate(store, disk, leaf, key)?
        .ok()
        .map(|slot| (leaf, slot)))
}

/// The value of a key.
pub(in crate::storage) fn get<S: ReadPages>(
    store: &mut S,
    disk: &mut dyn Disk,
    root: Root,
    key: &[u8],
) -> Result<Option<Bytes>, EngineError> {
    let leaf = leaf_of(store, disk, root, key)?;
    let page = store.page(disk, leaf)?;
    if is_of_level(page, 0)
        && let Some(found) = page.search(key)
    {
        let Ok(index) = found else { return Ok(None) };
        if let CellValue::Inline(bytes) = page.value(index) {
            return Ok(Some(Bytes::copy_from_slice(bytes)));
        }
    }
    // A chain must be read, of the key or of the value.
    expect(store, disk, leaf, 0)?;
    let Ok(index) = locate(store, disk, leaf, key)? else {
        return Ok(None);
    };
    value_at(store, disk, leaf, index).map(Some)
}

fn value_at<S: ReadPages>(
    store: &mut S,
    disk: &mut dyn Disk,
    leaf: PageNo,
    index: usize,
) -> Result<Bytes, EngineError> {
    let reference = match store.page(disk, leaf)?.value(index) {
        CellValue::Inline(bytes) => return Ok(Bytes::copy_from_slice(bytes)),
        CellValue::Chained(reference) => reference,
    };
    chain::value(store, disk, reference)
}

/// A way down to a leaf: the inner pages with the position of the child that was taken, and the leaf.
struct Place {
    path: Vec<(PageNo, usize)>,
    leaf: PageNo,
}

impl Place {
    /// The leaf where the scan begins.
    fn first<S: ReadPages>(
        store: &mut S,
        disk: &mut dyn Disk,
        root: Root,
        bounds: Bounds<'_>,
        direction: ScanDirection,
    ) -> Result<Self, EngineError> {
        let mut place = Self {
            path: Vec::new(),
            leaf: root.page,
        };
        let bound = match direction {
            ScanDirection::Forward => bounds.from,
            ScanDirection::Backward => bounds.to,
        };
        for level in (1..=check_height(store, root)?).rev() {
            let no = place.leaf;
            let (position, child) = match (bound, direction) {
                (Some(bound), _) => step_down(store, disk, no, level, bound)?,
                (None, direction) => {
                    expect(store, disk, no, level)?;
                    let page = store.page(disk, no)?;
                    let position = match direction {
                        ScanDirection::Forward => 0,
                        ScanDirection::Backward => page.count(),
                    };
                    (position, page.child(position))
                }
            };
            place.leaf = child;
            if !S::LINKED {
                place.path.push((no, position));
            }
        }
        expect(store, disk, place.leaf, 0)?;
        Ok(place)
    }

    /// Goes to the next leaf, if there is one.
    fn go_on<S: ReadPages>(
        &mut self,
        store: &mut S,
        disk: &mut dyn Disk,
        direction: ScanDirection,
    ) -> Result<bool, EngineError> {
        if S::LINKED {
            let page = store.page(disk, self.leaf)?;
            let next = match direction {
                ScanDirection::Forward => page.right(),
                ScanDirection::Backward => page.left(),
            };
            if !next.is_some() {
                return Ok(false);
            }
            self.leaf = next;
        } else {
            let mut level = 0;
            loop {
                let Some((no, position)) = self.path.pop() else {
                    return Ok(false);
                };
                level += 1;
                let count = store.page(disk, no)?.count();
                let next = match direction {
                    ScanDirection::Forward => (position < count).then_some(position + 1),
                    ScanDirection::Backward => position.checked_sub(1),
                };
                if let Some(next) = next {
                    self.path.push((no, next));
                    break;
                }
            }
            self.descend(store, disk, level, direction)?;
        }
        expect(store, disk, self.leaf, 0)?;
        Ok(true)
    }

    /// From the child that the path ends with, a page of the level below `level`, to a leaf at its edge.
    fn descend<S: ReadPages>(
        &mut self,
        store: &mut S,
        disk: &mut dyn Disk,
        level: u8,
        direction: ScanDirection,
    ) -> Result<(), EngineError> {
        let (no, position) = *self.path.last().expect("an inner page");
        self.leaf = store.page(disk, no)?.child(position);
        for level in (1..level).rev() {
            expect(store, disk, self.leaf, level)?;
            let page = store.page(disk, self.leaf)?;
            let position = match direction {
                ScanDirection::Forward => 0,
                ScanDirection::Backward => page.count(),
            };
            let child = page.child(position);
            self.path.push((self.leaf, position));
            self.leaf = child;
        }
        Ok(())
    }
}

/// Pushes to `out` at most `limit` rows within `bounds`; see [`Engine::scan`](crate::storage::Engine::scan).
pub(in crate::storage) fn scan<S: ReadPages>(
    store: &mut S,
    disk: &mut dyn Disk,
    root: Root,
    bounds: Bounds<'_>,
    direction: ScanDirection,
    limit: usize,
    out: &mut Vec<Row>,
) -> Result<Option<Bytes>, EngineError> {
    if bounds.is_empty() {
        return Ok(None);
    }
    let end = out.len().saturating_add(limit);
    let mut place = Place::first(store, disk, root, bounds, direction)?;
    let mut is_first = true;
    loop {
        let page = PageRef::clone(store.page(disk, place.leaf)?);
        let count = page.count();
        // Only the first leaf can begin before the bound where the scan began, and only the last can end past the other.
        let low = match bounds.from {
            Some(from) if is_first || direction == ScanDirection::Backward => {
                locate(store, disk, place.leaf, from)?.unwrap_or_else(|at| at)
            }
            _ => 0,
        };
        let high = match bounds.to {
            Some(to) if is_first || direction == ScanDirection::Forward => {
                locate(store, disk, place.leaf, to)?.unwrap_or_else(|at| at)
            }
            _ => count,
        };
        let skips = !is_first
            && direction == ScanDirection::Backward
            && store.is_planted(Planted::TreeScanSkipsRows);
        let high = if skips { high - 1 } else { high };
        is_first = false;
        let rows = high.saturating_sub(low);
        let taken = rows.min(end - out.len());
        let order = |step: usize| match direction {
            ScanDirection::Forward => low + step,
            ScanDirection::Backward => high - 1 - step,
        };
        let mut rows_of = Rows::new(&page, taken);
        for step in 0..taken {
            out.push(rows_of.row(store, disk, order(step))?);
        }
        if taken < rows {
            let key = page.key(order(taken));
            return Ok(Some(chain::whole_key(store, disk, key)?.into()));
        }
        let is_last = match direction {
            ScanDirection::Forward => high < count,
            ScanDirection::Backward => low > 0,
        };
        if is_last || !place.go_on(store, disk, direction)? {
            return Ok(None);
        }
    }
}

/// Rows of one leaf.
struct Rows<'a> {
    page: &'a PageRef,
    /// The page itself, if rows share it.
    shared: Option<Bytes>,
}

impl<'a> Rows<'a> {
    fn new(page: &'a PageRef, count: usize) -> Self {
        let shared =
            (count >= SHARED_ROWS_MIN).then(|| Bytes::from_owner(SharedPage(PageRef::clone(page))));
        Self { page, shared }
    }

    fn row<S: ReadPages>(
        &mut self,
        store: &mut S,
        disk: &mut dyn Disk,
        index: usize,
    ) -> Result<Row, EngineError> {
        if let Some((key, value)) = self.page.inline_row(index) {
            return Ok(match &self.shared {
                Some(shared) => Row {
                    key: shared.slice(key),
                    value: shared.slice(value),
                },
                None => Row {
                    key: Bytes::copy_from_slice(&self.page.bytes()[key]),
                    value: Bytes::copy_from_slice(&self.page.bytes()[value]),
                },
            });
        }
        let key = chain::whole_key(store, disk, self.page.key(index))?.into();
        let value = match self.page.value(index) {
            CellValue::Inline(bytes) => Bytes::copy_from_slice(bytes),
            CellValue::Chained(reference) => chain::value(store, disk, reference)?,
        };
        Ok(Row { key, value })
    }
}

/// A page as the owner of the bytes of rows.
struct SharedPage(PageRef);

impl AsRef<[u8]> for SharedPage {
    fn as_ref(&self) -> &[u8] {
        self.0.bytes()
    }
}

/// The first key within `bounds`.
pub(in crate::storage) fn first_key<S: ReadPages>(
    store: &mut S,
    disk: &mut dyn Disk,
    root: Root,
    bounds: Bounds<'_>,
) -> Result<Option<Bytes>, EngineError> {
    scan(
        store,
        disk,
        root,
        bounds,
        ScanDirection::Forward,
        0,
        &mut Vec::new(),
    )
}

/// A row of a leaf, with memory of its own.
pub(super) fn row_at<S: ReadPages>(
    store: &mut S,
    disk: &mut dyn Disk,
    page: &PageRef,
    index: usize,
) -> Result<Row, EngineError> {
    Rows::new(page, 1).row(store, disk, index)
}
