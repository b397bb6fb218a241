//! What is left of a damaged tree: the rows of every page that can still be reached and read.
//!
//! Pages that nobody refers to are not looked at: a page that was freed still holds rows, and those were deleted.

use std::collections::BTreeMap;

use bytes::Bytes;
use seedbed_sim::Disk;

use super::page::Kind;
use super::read::row_at;
use super::{HEIGHT_MAX, PAGE_BYTES, PageNo, PageRef, ReadPages, Root};
use crate::storage::EngineError;

/// The rows that are left, and the bytes of pages that could not be read.
#[derive(Clone, Debug, Default)]
pub(in crate::storage) struct Salvaged {
    pub(in crate::storage) rows: BTreeMap<Bytes, Bytes>,
    pub(in crate::storage) lost_bytes: u64,
}

/// Walks the tree, past what is damaged. Errors are those of the disk alone.
pub(in crate::storage) fn salvage<S: ReadPages>(
    store: &mut S,
    disk: &mut dyn Disk,
    root: Root,
) -> Result<Salvaged, EngineError> {
    let mut salvaged = Salvaged::default();
    let level = root.height.clamp(1, HEIGHT_MAX) - 1;
    subtree(store, disk, root.page, level, &mut salvaged)?;
    Ok(salvaged)
}

fn subtree<S: ReadPages>(
    store: &mut S,
    disk: &mut dyn Disk,
    no: PageNo,
    level: u8,
    salvaged: &mut Salvaged,
) -> Result<(), EngineError> {
    let Some(page) = readable(store.page(disk, no).map(PageRef::clone))? else {
        salvaged.lost_bytes += PAGE_BYTES as u64;
        return Ok(());
    };
    match page.kind() {
        Some(Kind::Leaf) if level == 0 => {
            for index in 0..page.count() {
                match readable(row_at(store, disk, &page, index))? {
                    Some(row) => {
                        salvaged.rows.insert(row.key, row.value);
                    }
                    None => salvaged.lost_bytes += page.cell(index).len() as u64,
                }
            }
        }
        Some(Kind::Inner) if level > 0 && page.level() == level => {
            for position in 0..=page.count() {
                subtree(store, disk, page.child(position), level - 1, salvaged)?;
            }
        }
        _ => salvaged.lost_bytes += PAGE_BYTES as u64,
    }
    Ok(())
}

/// What was read; `None`: it is damaged.
pub(in crate::storage) fn readable<T>(
    read: Result<T, EngineError>,
) -> Result<Option<T>, EngineError> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(EngineError::Corrupt { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
