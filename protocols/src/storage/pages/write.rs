//! Changing the tree: puts and deletes, in a leaf. What that does to the pages around is in `balance.rs`.

use seedbed_sim::Disk;

use super::balance::{FILL_MIN, Path, mend, split_leaf};
use super::node::{self, CellKey, CellValue, LeafCell, Reference};
use super::read::{self, check_height, expect, locate, step_down};
use super::{KEY_INLINE_BYTES, Page, PageNo, Root, Touch, WritePages, chain};
use crate::storage::{Bounds, EngineError};

/// What a put did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::storage) struct Put {
    /// The leaf, and the slot of the cell: for a log, if the cell was set in place.
    pub(in crate::storage) leaf: PageNo,
    pub(in crate::storage) slot: usize,
    /// How many bytes the value had that the key had before; `None`: it is new.
    pub(in crate::storage) replaced: Option<usize>,
    /// Where the key goes on.
    pub(in crate::storage) key_rest: Option<PageNo>,
    /// New pages of chains: the key's, then the value's.
    pub(in crate::storage) key_chain: Vec<PageNo>,
    pub(in crate::storage) value_chain: Vec<PageNo>,
}

/// A cell that was removed.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::storage) struct Removed {
    pub(in crate::storage) leaf: PageNo,
    pub(in crate::storage) slot: usize,
    /// Bytes of its key and value.
    pub(in crate::storage) bytes: u64,
}

/// Sets a key.
pub(in crate::storage) fn put<S: WritePages>(
    store: &mut S,
    disk: &mut dyn Disk,
    key: &[u8],
    value: &[u8],
) -> Result<Put, EngineError> {
    let path = way_to(store, disk, key)?;
    let leaf = path[path.len() - 1].0;
    let found = locate(store, disk, leaf, key)?;
    let slot = found.unwrap_or_else(|at| at);
    let old = match found {
        Ok(slot) => Some(Old::of(store.page(disk, leaf)?, slot)),
        Err(_) => None,
    };
    let mut put = Put {
        leaf,
        slot,
        replaced: old.map(|old| old.value_bytes),
        key_rest: old.and_then(|old| old.key_rest).map(|rest| rest.first),
        key_chain: Vec::new(),
        value_chain: Vec::new(),
    };
    if let Some(chained) = old.and_then(|old| old.value_chain) {
        chain::free(store, disk, chained.first, chained.whole_bytes as usize)?;
    }
    if key.len() > KEY_INLINE_BYTES && put.key_rest.is_none() {
        let rest = &key[KEY_INLINE_BYTES..];
        let first = chain::write(store, disk, rest, Touch::Chain, &mut put.key_chain)?;
        put.key_rest = Some(first);
    }
    if !node::is_inline(key.len(), value.len()) {
        chain::write(store, disk, value, Touch::Chain, &mut put.value_chain)?;
    }
    let cell = cell_of(key, value, put.key_rest, put.value_chain.first().copied());
    let len = cell.len();
    let old_len = old.map(|old| old.cell_bytes);
    if store.page(disk, leaf)?.has_room(len, old_len) {
        let page = store.page_mut(disk, leaf, Touch::Cell)?;
        page.put_cell(slot, old.is_some(), &cell);
        let shrunk = old_len.is_some_and(|old| len < old) && page.used() < FILL_MIN;
        if shrunk {
            mend(store, disk, &path, path.len() - 1)?;
        }
    } else {
        split_leaf(store, disk, &path, slot, old.is_some(), &cell)?;
    }
    Ok(put)
}

/// The cell of a row, the chains of which begin at these pages.
pub(in crate::storage) fn cell_of<'a>(
    key: &'a [u8],
    value: &'a [u8],
    key_rest: Option<PageNo>,
    value_chain: Option<PageNo>,
) -> LeafCell<'a> {
    let reference = |bytes: &[u8], first| Reference {
        whole_bytes: bytes.len() as u32,
        first,
    };
    LeafCell {
        key: CellKey {
            inline: &key[..key.len().min(KEY_INLINE_BYTES)],
            rest: key_rest.map(|first| reference(key, first)),
        },
        value: match value_chain {
            None => CellValue::Inline(value),
            Some(first) => CellValue::Chained(reference(value, first)),
        },
    }
}

/// A cell that will go.
#[derive(Clone, Copy)]
struct Old {
    cell_bytes: usize,
    key_bytes: usize,
    value_bytes: usize,
    key_rest: Option<Reference>,
    value_chain: Option<Reference>,
}

impl Old {
    fn of(page: &Page, slot: usize) -> Self {
        let key = page.key(slot);
        let (value_bytes, value_chain) = match page.value(slot) {
            CellValue::Inline(bytes) => (bytes.len(), None),
            CellValue::Chained(chain) => (chain.whole_bytes as usize, Some(chain)),
        };
        Self {
            cell_bytes: page.cell(slot).len(),
            key_bytes: key
                .rest
                .map_or(key.inline.len(), |rest| rest.whole_bytes as usize),
            value_bytes,
            key_rest: key.rest,
            value_chain,
        }
    }
}

/// Removes the keys within `bounds` that stand in the leaf of the first of them, and tells `removed` of each: its leaf, its
/// slot when it went, its bytes.
fn delete_some<S: WritePages>(
    store: &mut S,
    disk: &mut dyn Disk,
    first: &[u8],
    bounds: Bounds<'_>,
    removed: &mut dyn FnMut(Removed),
) -> Result<(), EngineError> {
    let path = way_to(store, disk, first)?;
    let depth = path.len() - 1;
    let leaf = path[depth].0;
    let slot = locate(store, disk, leaf, first)?.unwrap_or_else(|at| at);
    let end = match bounds.to {
        None => store.page(disk, leaf)?.count(),
        Some(to) => locate(store, disk, leaf, to)?.unwrap_or_else(|at| at),
    };
    for _ in slot..end {
        remove_at(store, disk, leaf, slot, removed)?;
    }
    if end > slot && store.page(disk, leaf)?.used() < FILL_MIN {
        mend(store, disk, &path, depth)?;
    }
    Ok(())
}

/// Removes one key, and tells `removed`. Nothing is touched if it is absent.
pub(in crate::storage) fn delete<S: WritePages>(
    store: &mut S,
    disk: &mut dyn Disk,
    key: &[u8],
    removed: &mut dyn FnMut(Removed),
) -> Result<(), EngineError> {
    // Where pages are not changed in place, the way down is copied: look first.
    let root = store.root();
    if !S::LINKED && read::get_slot(store, disk, root, key)?.is_none() {
        return Ok(());
    }
    let path = way_to(store, disk, key)?;
    let depth = path.len() - 1;
    let leaf = path[depth].0;
    let Ok(slot) = locate(store, disk, leaf, key)? else {
        return Ok(());
    };
    remove_at(store, disk, leaf, slot, removed)?;
    if store.page(disk, leaf)?.used() < FILL_MIN {
        mend(store, disk, &path, depth)?;
    }
    Ok(())
}

/// Removes the keys within `bounds`, and tells `removed` of each.
pub(in crate::storage) fn delete_range<S: WritePages>(
    store: &mut S,
    disk: &mut dyn Disk,
    bounds: Bounds<'_>,
    removed: &mut dyn FnMut(Removed),
) -> Result<(), EngineError> {
    loop {
        let root = store.root();
        let Some(first) = read::first_key(store, disk, root, bounds)? else {
            return Ok(());
        };
        delete_some(store, disk, &first, bounds, removed)?;
    }
}

fn remove_at<S: WritePages>(
    store: &mut S,
    disk: &mut dyn Disk,
    leaf: PageNo,
    slot: usize,
    removed: &mut dyn FnMut(Removed),
) -> Result<(), EngineError> {
    let old = Old::of(store.page(disk, leaf)?, slot);
    if let Some(chained) = old.value_chain {
        chain::free(store, disk, chained.first, chained.whole_bytes as usize)?;
    }
    free_rest(store, disk, old.key_rest)?;
    store.page_mut(disk, leaf, Touch::Cell)?.remove_cell(slot);
    removed(Removed {
        leaf,
        slot,
        bytes: (old.key_bytes + old.value_bytes) as u64,
    });
    Ok(())
}

/// Frees the pages on which a key goes on.
pub(super) fn free_rest<S: WritePages>(
    store: &mut S,
    disk: &mut dyn Disk,
    rest: Option<Reference>,
) -> Result<(), EngineError> {
    match rest {
        None => Ok(()),
        Some(rest) => chain::free(store, disk, rest.first, chain::rest_bytes(rest)),
    }
}

/// The way to the leaf where a key belongs. Every page of it may be changed.
pub(super) fn way_to<S: WritePages>(
    store: &mut S,
    disk: &mut dyn Disk,
    key: &[u8],
) -> Result<Path, EngineError> {
    let root = store.root();
    let levels = check_height(store, root)?;
    let mut no = store.own(disk, root.page)?;
    if no != root.page {
        store.set_root(Root { page: no, ..root });
    }
    let mut path = Path::with_capacity(usize::from(root.height));
    path.push((no, 0));
    for level in (1..=levels).rev() {
        let (position, child) = step_down(store, disk, no, level, key)?;
        no = if S::LINKED {
            child
        } else {
            own_child(store, disk, no, position)?
        };
        path.push((no, position));
    }
    expect(store, disk, no, 0)?;
    Ok(path)
}

/// Owns a child of a page that is owned.
pub(super) fn own_child<S: WritePages>(
    store: &mut S,
    disk: &mut dyn Disk,
    parent: PageNo,
    position: usize,
) -> Result<PageNo, EngineError> {
    let child = store.page(disk, parent)?.child(position);
    let own = store.own(disk, child)?;
    if own != child {
        let page = store.page_mut(disk, parent, Touch::Shape)?;
        page.set_child(position, own);
    }
    Ok(own)
}
