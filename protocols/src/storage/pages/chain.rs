//! Chains of overflow pages: what is too long for a cell.

use bytes::Bytes;
use seedbed_sim::Disk;

use super::node::{CellKey, Reference};
use super::page::{CAPACITY_BYTES, HEADER_BYTES, Kind};
use super::{KEY_INLINE_BYTES, Page, PageNo, ReadPages, Touch, WritePages};
use crate::storage::EngineError;

/// How many pages so many bytes take.
pub(in crate::storage) fn page_count(bytes: usize) -> usize {
    bytes.div_ceil(CAPACITY_BYTES)
}

/// The pages that hold `bytes`, each but the last pointing to the next of `pages`, which are as many.
pub(in crate::storage) fn pages<'a>(
    bytes: &'a [u8],
    pages: &'a [PageNo],
) -> impl Iterator<Item = (PageNo, Page)> + 'a {
    let pieces = bytes.chunks(CAPACITY_BYTES);
    pieces.zip(0..).map(|(piece, index)| {
        let mut page = Page::new(Kind::Overflow, 0);
        page.bytes_mut()[HEADER_BYTES..HEADER_BYTES + piece.len()].copy_from_slice(piece);
        page.set_count(piece.len());
        page.set_left(pages.get(index + 1).copied().unwrap_or_default());
        (pages[index], page)
    })
}

/// Writes `bytes`, which are not empty, to new pages, and pushes their numbers to `made`. Returns the first.
pub(super) fn write<S: WritePages>(
    store: &mut S,
    disk: &mut dyn Disk,
    bytes: &[u8],
    touch: Touch,
    made: &mut Vec<PageNo>,
) -> Result<PageNo, EngineError> {
    let from = made.len();
    for _ in 0..page_count(bytes.len()) {
        made.push(store.allocate(disk)?);
    }
    let numbers = &made[from..];
    for (no, page) in pages(bytes, numbers) {
        store.set(disk, no, page, touch)?;
    }
    Ok(numbers[0])
}

/// Pushes `bytes` bytes of the chain that begins at `first` to `out`.
pub(super) fn read<S: ReadPages>(
    store: &mut S,
    disk: &mut dyn Disk,
    first: PageNo,
    bytes: usize,
    out: &mut Vec<u8>,
) -> Result<(), EngineError> {
    let (mut no, mut left) = (first, bytes);
    while left > 0 {
        let (next, count) = link(store, disk, no, left)?;
        let page = store.page(disk, no)?;
        out.extend_from_slice(&page.bytes()[HEADER_BYTES..HEADER_BYTES + count]);
        left -= count;
        no = next;
    }
    Ok(())
}

/// The next page of a chain, and how many bytes this one holds of the `left` that are still to come.
pub(super) fn link<S: ReadPages>(
    store: &mut S,
    disk: &mut dyn Disk,
    no: PageNo,
    left: usize,
) -> Result<(PageNo, usize), EngineError> {
    if !no.is_some() {
        return Err(store.corrupt(no, "a chain ends too early"));
    }
    let page = store.page(disk, no)?;
    let (next, count) = (page.left(), page.count());
    if page.kind() != Some(Kind::Overflow) || count != left.min(CAPACITY_BYTES) {
        return Err(store.corrupt(no, "a chain goes on with a page that is not its own"));
    }
    Ok((next, count))
}

/// Frees the pages of a chain of so many bytes.
pub(super) fn free<S: WritePages>(
    store: &mut S,
    disk: &mut dyn Disk,
    first: PageNo,
    bytes: usize,
) -> Result<(), EngineError> {
    let (mut no, mut left) = (first, bytes);
    while left > 0 {
        let (next, count) = link(store, disk, no, left)?;
        store.free(disk, no)?;
        left -= count;
        no = next;
    }
    Ok(())
}

/// Bytes of a key that stand on its chain.
pub(super) fn rest_bytes(rest: Reference) -> usize {
    rest.whole_bytes as usize - KEY_INLINE_BYTES
}

/// The whole of a key.
pub(super) fn whole_key<S: ReadPages>(
    store: &mut S,
    disk: &mut dyn Disk,
    key: CellKey<'_>,
) -> Result<Vec<u8>, EngineError> {
    let mut whole = key.inline.to_vec();
    if let Some(rest) = key.rest {
        whole.reserve_exact(rest_bytes(rest));
        read(store, disk, rest.first, rest_bytes(rest), &mut whole)?;
    }
    Ok(whole)
}

/// The whole of a value that is on a chain.
pub(super) fn value<S: ReadPages>(
    store: &mut S,
    disk: &mut dyn Disk,
    reference: Reference,
) -> Result<Bytes, EngineError> {
    let mut whole = Vec::with_capacity(reference.whole_bytes as usize);
    let bytes = reference.whole_bytes as usize;
    read(store, disk, reference.first, bytes, &mut whole)?;
    Ok(whole.into())
}
