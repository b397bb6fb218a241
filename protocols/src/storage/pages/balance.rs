//! Splits, merges and rebalancing: what a change of a leaf does to the pages around it.
//!
//! ```text
//!   put ── the leaf has room ──► one cell set in place
//!       └─ it has none ──► deal its cells out to 2 or 3 leaves ──► edit the parent ── no room ──► split it ──► edit its …
//!   delete ── one cell removed ── under a quarter full ──► merge, or deal out anew ──► edit the parent ──► as above
//! ```

use seedbed_sim::Disk;

use super::node::{
    CellKey, LeafCell, Reference, cell_child, cell_key, footprint, inner_cell, set_cell_child,
};
use super::page::{CAPACITY_BYTES, Kind};
use super::write::{free_rest, own_child};
use super::{KEY_INLINE_BYTES, Page, PageNo, PageRef, Root, Touch, WritePages, chain};
use crate::storage::{EngineError, Planted};

/// A page that is less full is merged with a sibling, or shares with it.
pub(super) const FILL_MIN: usize = CAPACITY_BYTES / 4;
/// Two pages are merged if one is no fuller then: a page that is quite full would split again at once.
const MERGED_MAX: usize = CAPACITY_BYTES / 4 * 3;

/// The way from the root down to a page: each page with its position among its parent's children.
pub(super) type Path = Vec<(PageNo, usize)>;

/// Deals the cells of a leaf, with one more or one other, out to two leaves or three.
pub(super) fn split_leaf<S: WritePages>(
    store: &mut S,
    disk: &mut dyn Disk,
    path: &Path,
    slot: usize,
    replaces: bool,
    cell: &LeafCell<'_>,
) -> Result<(), EngineError> {
    let depth = path.len() - 1;
    let no = path[depth].0;
    let old = PageRef::clone(store.page(disk, no)?);
    // The new cell is built on a page of its own, so that all cells are slices.
    let mut alone = Page::new(Kind::Leaf, 0);
    let fits = alone.put_cell(0, false, cell);
    assert!(fits, "a cell of {} bytes in an empty page", cell.len());
    let mut cells: Vec<&[u8]> = (0..old.count()).map(|index| old.cell(index)).collect();
    if replaces {
        cells[slot] = alone.cell(0);
    } else {
        cells.insert(slot, alone.cell(0));
    }
    let is_end = !replaces && slot == old.count() && is_rightmost(store, disk, path)?;
    let cuts = deal(&cells, slot, is_end);
    let mut pages = Vec::with_capacity(cuts.len() + 1);
    let mut from = 0;
    for &to in cuts.iter().chain([&cells.len()]) {
        let mut page = Page::new(Kind::Leaf, 0);
        cells[from..to].iter().for_each(|cell| page.push_cell(cell));
        pages.push(page);
        from = to;
    }
    let mut separators = Vec::with_capacity(cuts.len());
    let mut numbers = vec![no];
    for pair in pages.windows(2) {
        numbers.push(store.allocate(disk)?);
        separators.push(separator(store, disk, &pair[0], &pair[1])?);
    }
    for (separator, right) in separators.iter_mut().zip(&numbers[1..]) {
        set_cell_child(separator, *right);
    }
    if S::LINKED {
        link(store, disk, &old, &numbers, &mut pages)?;
    }
    for (index, (page, no)) in pages.into_iter().zip(&numbers).enumerate() {
        if index == 0 {
            replace(store, disk, *no, page)?;
        } else {
            store.set(disk, *no, page, Touch::Shape)?;
        }
    }
    edit_parent(store, disk, path, depth, 0, separators)
}

/// Gives a page that is owned another content, in the place of the old.
fn replace<S: WritePages>(
    store: &mut S,
    disk: &mut dyn Disk,
    no: PageNo,
    mut page: Page,
) -> Result<(), EngineError> {
    let old = store.page_mut(disk, no, Touch::Shape)?;
    page.set_lsn(old.lsn());
    *old = page;
    Ok(())
}

/// Links the leaves that come from `old` with each other and with its siblings.
fn link<S: WritePages>(
    store: &mut S,
    disk: &mut dyn Disk,
    old: &Page,
    numbers: &[PageNo],
    pages: &mut [Page],
) -> Result<(), EngineError> {
    for (index, page) in pages.iter_mut().enumerate() {
        page.set_left(
            index
                .checked_sub(1)
                .map_or(old.left(), |left| numbers[left]),
        );
        page.set_right(numbers.get(index + 1).copied().unwrap_or(old.right()));
    }
    if old.right().is_some() {
        let right = store.page_mut(disk, old.right(), Touch::Shape)?;
        right.set_left(numbers[numbers.len() - 1]);
    }
    Ok(())
}

/// Whether no page of the level is to the right of the last page of the path.
fn is_rightmost<S: WritePages>(
    store: &mut S,
    disk: &mut dyn Disk,
    path: &[(PageNo, usize)],
) -> Result<bool, EngineError> {
    for pair in path.windows(2) {
        if pair[1].1 != store.page(disk, pair[0].0)?.count() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Where to cut cells that don't fit into one page, so that each part does: once if that is possible, as evenly as can be
/// or, at the end of the tree, as far right as can be; else on both sides of the new cell.
fn deal(cells: &[&[u8]], new: usize, is_end: bool) -> Vec<usize> {
    let total: usize = cells.iter().map(|cell| footprint(cell)).sum();
    let (mut left, mut best) = (0, None);
    for (index, cell) in cells.iter().enumerate() {
        let right = total - left;
        if index > 0 && left <= CAPACITY_BYTES && right <= CAPACITY_BYTES {
            let unevenness = if is_end { right } else { left.abs_diff(right) };
            if best.is_none_or(|(least, _)| unevenness < least) {
                best = Some((unevenness, index));
            }
        }
        left += footprint(cell);
    }
    match best {
        Some((_, index)) => vec![index],
        None => vec![new, new + 1],
    }
}

/// A cell for the parent, without its child yet: the shortest prefix of the first key of `right` that is greater than
/// the last of `left`.
pub(super) fn separator<S: WritePages>(
    store: &mut S,
    disk: &mut dyn Disk,
    left: &Page,
    right: &Page,
) -> Result<Vec<u8>, EngineError> {
    let (below, above) = (left.key(left.count() - 1), right.key(0));
    let common = common_prefix(below.inline, above.inline);
    if store.is_planted(Planted::TreeSeparatorTooLow) && below.rest.is_none() {
        return Ok(inner_cell(below, PageNo::NONE));
    }
    if common < above.inline.len() && common < KEY_INLINE_BYTES {
        let key = CellKey {
            inline: &above.inline[..common + 1],
            rest: None,
        };
        return Ok(inner_cell(key, PageNo::NONE));
    }
    let below = chain::whole_key(store, disk, below)?;
    let above = chain::whole_key(store, disk, above)?;
    let common = common_prefix(&below, &above);
    let shortest = &above[..common + 1];
    let (inline, rest) = shortest.split_at(shortest.len().min(KEY_INLINE_BYTES));
    let rest = match rest {
        [] => None,
        rest => Some(Reference {
            whole_bytes: shortest.len() as u32,
            first: chain::write(store, disk, rest, Touch::Shape, &mut Vec::new())?,
        }),
    };
    Ok(inner_cell(CellKey { inline, rest }, PageNo::NONE))
}

fn common_prefix(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

/// In the parent of the page at `depth` of the path: removes `removed` cells from the slot behind that page's own child
/// position on, and puts `cells` there.
fn edit_parent<S: WritePages>(
    store: &mut S,
    disk: &mut dyn Disk,
    path: &Path,
    depth: usize,
    removed: usize,
    cells: Vec<Vec<u8>>,
) -> Result<(), EngineError> {
    let Some(parent) = depth.checked_sub(1) else {
        // The root has split: the tree grows.
        let root = store.root();
        let mut page = Page::new(Kind::Inner, root.height);
        page.set_left(path[0].0);
        cells.iter().for_each(|cell| page.push_cell(cell));
        let no = store.allocate(disk)?;
        store.set(disk, no, page, Touch::Shape)?;
        store.set_root(Root {
            page: no,
            height: root.height + 1,
        });
        return Ok(());
    };
    edit(store, disk, path, parent, path[depth].1, removed, cells)
}

/// In the inner page at `depth` of the path: removes `removed` cells from slot `at` on, and puts `cells` there.
fn edit<S: WritePages>(
    store: &mut S,
    disk: &mut dyn Disk,
    path: &Path,
    depth: usize,
    at: usize,
    removed: usize,
    cells: Vec<Vec<u8>>,
) -> Result<(), EngineError> {
    let no = path[depth].0;
    let page = store.page(disk, no)?;
    let gone: usize = (at..at + removed)
        .map(|index| footprint(page.cell(index)))
        .sum();
    let come: usize = cells.iter().map(|cell| footprint(cell)).sum();
    if come > page.free_bytes() + gone {
        return split_inner(store, disk, path, depth, at, removed, cells);
    }
    let page = store.page_mut(disk, no, Touch::Shape)?;
    (0..removed).for_each(|_| page.remove_cell(at));
    for (index, cell) in cells.iter().enumerate() {
        let fits = page.insert_cell(at + index, cell);
        assert!(fits, "{come} bytes of cells have room");
    }
    let (count, used) = (page.count(), page.used());
    if depth == 0 {
        if count == 0 {
            // The root has one child left, which becomes the root.
            let (child, root) = (page.left(), store.root());
            store.set_root(Root {
                page: child,
                height: root.height - 1,
            });
            store.free(disk, no)?;
        }
    } else if removed > cells.len() && (count == 0 || used < FILL_MIN) {
        mend(store, disk, path, depth)?;
    }
    Ok(())
}

/// As [`edit`] in a page without room: it becomes two, and the cell between them goes up.
fn split_inner<S: WritePages>(
    store: &mut S,
    disk: &mut dyn Disk,
    path: &Path,
    depth: usize,
    at: usize,
    removed: usize,
    new: Vec<Vec<u8>>,
) -> Result<(), EngineError> {
    let no = path[depth].0;
    let is_end = is_rightmost(store, disk, &path[..=depth])?;
    let old = PageRef::clone(store.page(disk, no)?);
    let is_end = is_end && at == old.count();
    let mut cells: Vec<Vec<u8>> = (0..old.count())
        .map(|index| old.cell(index).to_vec())
        .collect();
    cells.splice(at..at + removed, new);
    let (left, mut up, right) = parted(old.left(), cells, old.level(), is_end);
    let right_no = store.allocate(disk)?;
    set_cell_child(&mut up, right_no);
    replace(store, disk, no, left)?;
    store.set(disk, right_no, right, Touch::Shape)?;
    edit_parent(store, disk, path, depth, 0, vec![up])
}

/// Two inner pages of the cells, and the cell between them, whose own child is the leftmost of the right page.
fn parted(leftmost: PageNo, cells: Vec<Vec<u8>>, level: u8, is_end: bool) -> (Page, Vec<u8>, Page) {
    let total: usize = cells.iter().map(|cell| footprint(cell)).sum();
    let (mut before, mut best) = (0, None);
    for (index, cell) in cells.iter().enumerate() {
        let after = total - before - footprint(cell);
        let fits = before <= CAPACITY_BYTES && after <= CAPACITY_BYTES;
        if fits && index > 0 && index + 1 < cells.len() {
            let unevenness = if is_end {
                after
            } else {
                before.abs_diff(after)
            };
            if best.is_none_or(|(least, _)| unevenness < least) {
                best = Some((unevenness, index));
            }
        }
        before += footprint(cell);
    }
    let (_, middle) = best.expect("cells of inner pages are short, so that there is a middle");
    let mut left = Page::new(Kind::Inner, level);
    left.set_left(leftmost);
    cells[..middle].iter().for_each(|cell| left.push_cell(cell));
    let mut right = Page::new(Kind::Inner, level);
    right.set_left(cell_child(&cells[middle]));
    cells[middle + 1..]
        .iter()
        .for_each(|cell| right.push_cell(cell));
    let up = cells.into_iter().nth(middle).expect("the middle");
    (left, up, right)
}

/// Mends a page that is not full enough: merges it with a sibling or shares with it, if that makes things better.
pub(super) fn mend<S: WritePages>(
    store: &mut S,
    disk: &mut dyn Disk,
    path: &Path,
    depth: usize,
) -> Result<(), EngineError> {
    let Some(above) = depth.checked_sub(1) else {
        return Ok(());
    };
    let (parent, position) = (path[above].0, path[depth].1);
    let count = store.page(disk, parent)?.count();
    // The separator between the two stands in the slot of the left one's position.
    let slot = if position < count {
        position
    } else {
        position - 1
    };
    let left = own_child(store, disk, parent, slot)?;
    let right = own_child(store, disk, parent, slot + 1)?;
    let is_leaf = store.page(disk, left)?.kind() == Some(Kind::Leaf);
    if is_leaf {
        mend_leaves(store, disk, path, above, slot, left, right)
    } else {
        mend_inner(store, disk, path, above, slot, left, right)
    }
}

fn mend_leaves<S: WritePages>(
    store: &mut S,
    disk: &mut dyn Disk,
    path: &Path,
    above: usize,
    slot: usize,
    left: PageNo,
    right: PageNo,
) -> Result<(), EngineError> {
    let (a, b) = (
        PageRef::clone(store.page(disk, left)?),
        PageRef::clone(store.page(disk, right)?),
    );
    let is_one_empty = a.count() == 0 || b.count() == 0;
    let cells: Vec<&[u8]> = [&a, &b]
        .into_iter()
        .flat_map(|page| (0..page.count()).map(|index| page.cell(index)))
        .collect();
    if is_one_empty || a.used() + b.used() <= MERGED_MAX {
        let mut merged = Page::new(Kind::Leaf, 0);
        cells.iter().for_each(|cell| merged.push_cell(cell));
        merged.set_left(a.left());
        merged.set_right(b.right());
        replace(store, disk, left, merged)?;
        if S::LINKED && b.right().is_some() {
            store
                .page_mut(disk, b.right(), Touch::Shape)?
                .set_left(left);
        }
        store.free(disk, right)?;
        drop_separator(store, disk, path[above].0, slot)?;
        return edit(store, disk, path, above, slot, 1, Vec::new());
    }
    let cuts = deal(&cells, 0, false);
    let [cut] = cuts[..] else { return Ok(()) };
    let taken = |cells: &[&[u8]]| cells.iter().map(|cell| footprint(cell)).sum::<usize>();
    let least = taken(&cells[..cut]).min(taken(&cells[cut..]));
    if least < FILL_MIN || least <= a.used().min(b.used()) {
        return Ok(());
    }
    let (mut new_a, mut new_b) = (Page::new(Kind::Leaf, 0), Page::new(Kind::Leaf, 0));
    cells[..cut].iter().for_each(|cell| new_a.push_cell(cell));
    cells[cut..].iter().for_each(|cell| new_b.push_cell(cell));
    for (new, old) in [(&mut new_a, &a), (&mut new_b, &b)] {
        new.set_left(old.left());
        new.set_right(old.right());
    }
    let mut between = separator(store, disk, &new_a, &new_b)?;
    set_cell_child(&mut between, right);
    replace(store, disk, left, new_a)?;
    replace(store, disk, right, new_b)?;
    drop_separator(store, disk, path[above].0, slot)?;
    edit(store, disk, path, above, slot, 1, vec![between])
}

/// The chain of a separator that is about to go.
fn drop_separator<S: WritePages>(
    store: &mut S,
    disk: &mut dyn Disk,
    parent: PageNo,
    slot: usize,
) -> Result<(), EngineError> {
    let rest = store.page(disk, parent)?.key(slot).rest;
    free_rest(store, disk, rest)
}

fn mend_inner<S: WritePages>(
    store: &mut S,
    disk: &mut dyn Disk,
    path: &Path,
    above: usize,
    slot: usize,
    left: PageNo,
    right: PageNo,
) -> Result<(), EngineError> {
    let (a, b) = (
        PageRef::clone(store.page(disk, left)?),
        PageRef::clone(store.page(disk, right)?),
    );
    // The separator comes down between them: its child is the leftmost of the right page.
    let parent = store.page(disk, path[above].0)?;
    let down = inner_cell(cell_key(parent.cell(slot)), b.left());
    let cells_of = |page: &Page| -> Vec<Vec<u8>> {
        (0..page.count())
            .map(|index| page.cell(index).to_vec())
            .collect()
    };
    let mut cells = cells_of(&a);
    cells.push(down);
    cells.extend(cells_of(&b));
    let total: usize = cells.iter().map(|cell| footprint(cell)).sum();
    let is_one_empty = a.count() == 0 || b.count() == 0;
    let most = if is_one_empty {
        CAPACITY_BYTES
    } else {
        MERGED_MAX
    };
    if total <= most {
        let mut merged = Page::new(Kind::Inner, a.level());
        merged.set_left(a.left());
        cells.iter().for_each(|cell| merged.push_cell(cell));
        replace(store, disk, left, merged)?;
        store.free(disk, right)?;
        return edit(store, disk, path, above, slot, 1, Vec::new());
    }
    let (new_a, mut up, new_b) = parted(a.left(), cells, a.level(), false);
    let least = new_a.used().min(new_b.used());
    if !is_one_empty && least <= a.used().min(b.used()) {
        return Ok(());
    }
    set_cell_child(&mut up, right);
    replace(store, disk, left, new_a)?;
    replace(store, disk, right, new_b)?;
    edit(store, disk, path, above, slot, 1, vec![up])
}
