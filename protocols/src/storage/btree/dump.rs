//! Seeing inside: verification of every invariant, the files as text, and the shape of the tree for panels.

use seedbed_sim::Disk;

use super::BTreeEngine;
use super::header::TREE_KIND;
use super::redo::{Payload, Record, records};
use super::store::{Store, list_entry};
use crate::storage::batch::{self, ChangeView};
use crate::storage::inspection::{LogShape, PageShape, PoolShape, Structure, TreeShape};
use crate::storage::pages::check::{Census, Met, check, count_by_scan, describe, dump_page, same};
use crate::storage::pages::meta::{self, META_PAGES};
use crate::storage::pages::{Kind, PAGE_BYTES, PageNo, PageRef, ReadPages};
use crate::storage::{Engine, EngineError, Inspection, text};

/// Reads every page and every frame, and checks it all. Returns what the tree is made of.
pub(super) fn verify(store: &mut Store, disk: &mut dyn Disk) -> Result<Census, EngineError> {
    let (number, is_torn) = (store.meta.number, store.is_other_meta_torn);
    meta::verify(disk, &mut store.file, &TREE_KIND, number, is_torn)?;
    let header = store.header;
    let mut met = Met::new(header.page_count);
    for no in 0..META_PAGES {
        met.meet(store, PageNo(no))?;
    }
    let census = check(store, disk, header.root, &mut met)?;
    if (census.keys, census.bytes) != (header.keys, header.live_bytes) {
        let what = format!(
            "{} keys are counted, and {} are there",
            header.keys, census.keys
        );
        return Err(store.corrupt(header.root.page, &what));
    }
    let used: Vec<PageNo> = met.pages().skip(META_PAGES as usize).collect();
    let listed = free_list(store, disk, &mut met)?;
    if listed != header.free_count {
        let what = format!(
            "{} free pages are counted, and {listed} listed",
            header.free_count
        );
        return Err(store.corrupt(header.free_head, &what));
    }
    if let Some(lost) = met.missing() {
        return Err(store.corrupt(lost, "the page is neither in use nor free"));
    }
    for no in used {
        same_on_disk(store, disk, no)?;
    }
    count_by_scan(store, disk, header.root, &census)?;
    store
        .log
        .walk(disk, &mut |_, _, payload| check_payload(payload))?;
    Ok(census)
}

/// Meets the pages of the list of free pages, and those that are listed. Returns how many.
fn free_list(store: &mut Store, disk: &mut dyn Disk, met: &mut Met) -> Result<u32, EngineError> {
    let (mut no, mut count) = (store.header.free_head, 0);
    while no.is_some() {
        met.meet(store, no)?;
        let list = PageRef::clone(store.page(disk, no)?);
        if list.kind() != Some(Kind::Free) {
            return Err(store.corrupt(no, "the list of free pages goes on with another page"));
        }
        for index in 0..list.count() {
            met.meet(store, PageNo(list_entry(&list, index)))?;
        }
        count += 1 + list.count() as u32;
        no = list.left();
    }
    Ok(count)
}

/// Checks the page in the file, unless the pool has a newer one.
fn same_on_disk(store: &mut Store, disk: &mut dyn Disk, no: PageNo) -> Result<(), EngineError> {
    let in_pool = store.pool.peek(no);
    if in_pool.is_some_and(|frame| frame.dirty) {
        return Ok(());
    }
    let in_pool = in_pool.map(|frame| PageRef::clone(&frame.page));
    let on_disk = store.file.read(disk, no)?;
    if in_pool.is_some_and(|page| !same(&page, &on_disk)) {
        return Err(store.corrupt(no, "the page in the file is not the one in memory"));
    }
    Ok(())
}

fn check_payload(payload: &[u8]) -> Result<(), String> {
    let (changes, bytes) = match Payload::read(payload)? {
        Payload::Part { records, .. } => (&[][..], records),
        Payload::Batch {
            changes, records, ..
        } => (changes, records),
    };
    batch::check(changes)?;
    records(bytes, changes).try_for_each(|record| record.map(|_| ()))
}

/// The files as text.
pub(super) fn dump(
    store: &mut Store,
    disk: &mut dyn Disk,
    line: &mut dyn FnMut(&str),
) -> Result<(), EngineError> {
    let (header, meta) = (store.header, store.meta);
    line(&format!("{}: {}", store.file.name(), TREE_KIND.name));
    line(&format!(
        "meta page {}: redo after batch {}, root {}, height {}",
        meta.number, meta.redo, meta.header.root.page.0, meta.header.root.height
    ));
    line(&format!(
        "now: root {}, height {}, {} pages, {} of them free, {} keys",
        header.root.page.0, header.root.height, header.page_count, header.free_count, header.keys
    ));
    let mut met = Met::new(header.page_count);
    for no in 0..META_PAGES {
        met.meet(store, PageNo(no))?;
    }
    let census = check(store, disk, header.root, &mut met)?;
    line(&format!(
        "{} leaves {}‰ full, {} inner pages {}‰ full, {} overflow pages",
        census.leaves,
        census.leaf_fill(),
        census.inner,
        census.inner_fill(),
        census.overflow
    ));
    for no in (META_PAGES..header.page_count).map(PageNo) {
        if met.has(no) {
            let page = PageRef::clone(store.page(disk, no)?);
            line(&format!("page {}: {}", no.0, describe(&page)));
            dump_page(&page, line);
        } else {
            line(&format!("page {}: free", no.0));
        }
    }
    let mut last = String::new();
    store.log.walk(disk, &mut |name, offset, payload| {
        if name != last {
            line(&format!("{name}: {}", super::LOG_KIND.name));
            name.clone_into(&mut last);
        }
        dump_payload(offset, payload, line)
    })
}

fn dump_payload(offset: u64, payload: &[u8], line: &mut dyn FnMut(&str)) -> Result<(), String> {
    let (changes, bytes) = match Payload::read(payload)? {
        Payload::Part {
            number,
            part,
            records,
        } => {
            line(&format!("{offset}: part {part} of batch {number}"));
            (&[][..], records)
        }
        Payload::Batch {
            number,
            changes,
            records,
            ..
        } => {
            line(&format!("{offset}: batch {number}"));
            (changes, records)
        }
    };
    for change in batch::changes(changes) {
        line(&match change? {
            ChangeView::Put(key, value) => format!("  put {} = {}", text(key), text(value)),
            ChangeView::Delete(key) => format!("  delete {}", text(key)),
            ChangeView::DeleteRange(from, Some(to)) => {
                format!("  delete from {} to {}", text(from), text(to))
            }
            ChangeView::DeleteRange(from, None) => format!("  delete from {}", text(from)),
        });
    }
    for record in records(bytes, changes) {
        line(&match record? {
            Record::Set {
                leaf,
                slot,
                replaces,
                ..
            } => {
                let how = if replaces { "replace" } else { "insert" };
                format!("  page {}: {how} slot {slot}", leaf.0)
            }
            Record::Remove { leaf, slot } => format!("  page {}: remove slot {slot}", leaf.0),
            Record::Chain { bytes, pages } => {
                format!(
                    "  {} bytes on a chain of {} pages",
                    bytes.len(),
                    pages.len()
                )
            }
            Record::Image { no, page } => format!("  page {}: image of a {page:?}", no.0),
            Record::Difference { no, pieces } => {
                let bytes: usize = pieces.iter().map(|(_, piece)| piece.len()).sum();
                format!(
                    "  page {}: {bytes} other bytes in {} places",
                    no.0,
                    pieces.len()
                )
            }
        });
    }
    Ok(())
}

/// The engine for panels.
pub(super) fn inspect(engine: &BTreeEngine) -> Inspection {
    let store = &engine.store;
    let header = &store.header;
    let used = header.page_count - META_PAGES - header.free_count;
    let checkpoint = engine.checkpoints.under_way.as_ref();
    Inspection {
        engine: "btree",
        stats: engine.stats(),
        structure: Structure::Tree(Box::new(TreeShape {
            file: store.file.name().to_owned(),
            root: header.root.page.0,
            height: header.root.height,
            page_count: header.page_count,
            free_pages: header.free_count,
            free_list: None,
            fill_per_mille: (header.live_bytes * 1000)
                .checked_div(u64::from(used) * PAGE_BYTES as u64)
                .unwrap_or(0),
            pool: PoolShape::of(&store.pool, store.settings().pool_pages),
            path: PageShape::of_path(&store.pool, &store.pool.trail),
            pages: PageShape::of_pool(&store.pool),
            meta_number: store.meta.number,
            snapshots: engine
                .snapshots
                .contents()
                .map(|frozen| frozen.at)
                .collect(),
            old_pages: store.versions.len() as u64,
            log: Some(LogShape {
                segments: store.log.count(),
                bytes: store.log.stored_bytes(),
                redo_after: store.meta.redo,
                redo_bytes: store.log.bytes_since(store.meta.redo),
                checkpoints: engine.checkpoints.count,
                checkpoint_pages_left: checkpoint.map(|checkpoint| checkpoint.pages_left() as u64),
                full_page_images: store.settings().full_page_images,
            }),
        })),
    }
}
