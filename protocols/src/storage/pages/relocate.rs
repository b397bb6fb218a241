//! Moving pages towards the beginning of the file, where a page that is changed gets another number.

use seedbed_sim::Disk;

use super::node::{CellKey, CellValue, Reference, inner_cell};
use super::read::{check_height, first_key, row_at, step_down};
use super::write::{delete, put, way_to};
use super::{PageNo, PageRef, Touch, WritePages, chain};
use crate::storage::{Bounds, EngineError};

/// Moves the leaf of the first key from `from` on, the way to it and the chains in all of these pages, if any of it stands at
/// `limit` or behind it: what is moved gets numbers that are free. Returns from which key to go on; `None`: there was none.
pub(in crate::storage) fn relocate<S: WritePages>(
    store: &mut S,
    disk: &mut dyn Disk,
    from: Option<&[u8]>,
    limit: PageNo,
) -> Result<Option<Vec<u8>>, EngineError> {
    let root = store.root();
    let bounds = Bounds { from, to: None };
    let Some(first) = first_key(store, disk, root, bounds)? else {
        return Ok(None);
    };
    let mut leaf = root.page;
    let mut is_behind = leaf >= limit;
    for level in (1..=check_height(store, root)?).rev() {
        is_behind |= !separators_behind(store, disk, leaf, limit)?.is_empty();
        leaf = step_down(store, disk, leaf, level, &first)?.1;
        is_behind |= leaf >= limit;
    }
    if is_behind {
        let mut path = way_to(store, disk, &first)?;
        leaf = path.pop().expect("a leaf").0;
        for (no, _) in path {
            for index in separators_behind(store, disk, no, limit)? {
                move_separator(store, disk, no, index)?;
            }
        }
    }
    let page = PageRef::clone(store.page(disk, leaf)?);
    for index in 0..page.count() {
        let value = match page.value(index) {
            CellValue::Inline(_) => None,
            CellValue::Chained(chained) => Some((chained.first, chained.whole_bytes as usize)),
        };
        let rest = page.key(index).rest.map(chain_of);
        let mut is_behind = false;
        for chain in rest.into_iter().chain(value) {
            is_behind |= is_chain_behind(store, disk, chain, limit)?;
        }
        if is_behind {
            let row = row_at(store, disk, &page, index)?;
            delete(store, disk, &row.key, &mut |_| {})?;
            put(store, disk, &row.key, &row.value)?;
        }
    }
    let last = page.key(page.count() - 1);
    let mut next = chain::whole_key(store, disk, last)?;
    next.push(0);
    Ok(Some(next))
}

/// The first page of the chain on which a key goes on, and the bytes there.
fn chain_of(rest: Reference) -> (PageNo, usize) {
    (rest.first, chain::rest_bytes(rest))
}

/// Whether a page of the chain stands at `limit` or behind it.
fn is_chain_behind<S: WritePages>(
    store: &mut S,
    disk: &mut dyn Disk,
    (mut no, mut left): (PageNo, usize),
    limit: PageNo,
) -> Result<bool, EngineError> {
    while left > 0 && no < limit {
        let (next, count) = chain::link(store, disk, no, left)?;
        left -= count;
        no = next;
    }
    Ok(left > 0)
}

/// The slots of the separators in an inner page whose chains reach behind `limit`.
fn separators_behind<S: WritePages>(
    store: &mut S,
    disk: &mut dyn Disk,
    no: PageNo,
    limit: PageNo,
) -> Result<Vec<usize>, EngineError> {
    let page = PageRef::clone(store.page(disk, no)?);
    let mut behind = Vec::new();
    for index in 0..page.count() {
        if let Some(rest) = page.key(index).rest
            && is_chain_behind(store, disk, chain_of(rest), limit)?
        {
            behind.push(index);
        }
    }
    Ok(behind)
}

/// Writes the chain of a separator, in a page that is owned, to other pages.
fn move_separator<S: WritePages>(
    store: &mut S,
    disk: &mut dyn Disk,
    no: PageNo,
    index: usize,
) -> Result<(), EngineError> {
    let page = PageRef::clone(store.page(disk, no)?);
    let key = page.key(index);
    let rest = key.rest.expect("a key that goes on");
    let (old, len) = chain_of(rest);
    let mut bytes = Vec::with_capacity(len);
    chain::read(store, disk, old, len, &mut bytes)?;
    let first = chain::write(store, disk, &bytes, Touch::Shape, &mut Vec::new())?;
    chain::free(store, disk, old, len)?;
    let moved = CellKey {
        inline: key.inline,
        rest: Some(Reference { first, ..rest }),
    };
    let cell = inner_cell(moved, page.child(index + 1));
    let page = store.page_mut(disk, no, Touch::Shape)?;
    page.remove_cell(index);
    let fits = page.insert_cell(index, &cell);
    assert!(fits, "a cell as long as the one before");
    Ok(())
}
