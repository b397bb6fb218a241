//! Seeing inside: verification of every invariant, the file as text, and the shape of the tree for panels.

use seedbed_sim::Disk;

use super::CowEngine;
use super::meta::{COW_KIND, FIRST_PAGES, read_seal};
use super::store::{OtherMeta, Store};
use crate::storage::inspection::{PageShape, PoolShape, Structure, TreeShape};
use crate::storage::pages::check::{Census, Met, check, count_by_scan, describe, dump_page, same};
use crate::storage::pages::{PAGE_BYTES, PageNo, PageRef, ReadPages, Root, meta};
use crate::storage::{Engine, EngineError, Inspection};

/// Reads every page of the tree, of both meta pages' trees and of those that snapshots hold, and checks it all. Returns what
/// the tree is made of.
pub(super) fn verify(
    store: &mut Store,
    disk: &mut dyn Disk,
    snapshots: &[Root],
) -> Result<Census, EngineError> {
    let number = store.meta.number;
    let is_torn = store.other_meta != OtherMeta::Whole;
    meta::verify(disk, &mut store.file, &COW_KIND, number, is_torn)?;
    if store.sealed.is_some() && read_seal(disk, &mut store.file)? != store.sealed {
        let what = "the seal is damaged";
        return Err(store.corrupt(super::meta::SEAL_PAGE, what));
    }
    let tree = store.tree;
    let mut met = Met::new(tree.page_count);
    for no in 0..FIRST_PAGES {
        met.meet(store, PageNo(no))?;
    }
    let census = check(store, disk, tree.root, &mut met)?;
    if (census.keys, census.bytes) != (tree.keys, tree.live_bytes) {
        let what = format!(
            "{} keys are counted, and {} are there",
            tree.keys, census.keys
        );
        return Err(store.corrupt(tree.root.page, &what));
    }
    let used: Vec<PageNo> = met.pages().skip(FIRST_PAGES as usize).collect();
    let waiting = store.pages.waiting.iter().map(|page| page.no);
    let mut others: Vec<PageNo> = store.pages.free.iter().copied().chain(waiting).collect();
    others.extend(&store.meta.list);
    for no in others {
        met.meet(store, no)?;
    }
    if let Some(lost) = met.missing() {
        return Err(store.corrupt(lost, "the page is neither in use nor free"));
    }
    for no in used {
        same_on_disk(store, disk, no)?;
    }
    let metas = [Some(&store.meta), store.meta_before.as_ref()];
    let metas = metas.into_iter().flatten().map(|meta| meta.tree.root);
    let roots: Vec<Root> = metas.chain(snapshots.iter().copied()).collect();
    for root in roots {
        nothing_is_used_again(store, disk, root)?;
    }
    for no in store.meta.list.clone() {
        store.file.read(disk, no)?;
    }
    count_by_scan(store, disk, tree.root, &census)?;
    Ok(census)
}

/// No page of the tree that somebody still looks at is free.
fn nothing_is_used_again(
    store: &mut Store,
    disk: &mut dyn Disk,
    root: Root,
) -> Result<(), EngineError> {
    let mut met = Met::new(store.tree.page_count.max(store.meta.tree.page_count));
    check(store, disk, root, &mut met)?;
    let free = met.pages().find(|no| store.pages.free.contains(no));
    match free {
        Some(no) => Err(store.corrupt(no, "the page is free, and somebody needs it")),
        None => Ok(()),
    }
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

/// The file as text.
pub(super) fn dump(
    store: &mut Store,
    disk: &mut dyn Disk,
    line: &mut dyn FnMut(&str),
) -> Result<(), EngineError> {
    let (tree, newest) = (store.tree, store.meta.clone());
    line(&format!("{}: {}", store.file.name(), COW_KIND.name));
    line(&format!(
        "meta page {}: epoch {}, {} batches, root {}, height {}",
        newest.number,
        newest.epoch,
        newest.batches,
        newest.tree.root.page.0,
        newest.tree.root.height
    ));
    line(&format!(
        "now: epoch {}, root {}, height {}, {} pages, {} keys",
        store.epoch, tree.root.page.0, tree.root.height, tree.page_count, tree.keys
    ));
    let mut met = Met::new(tree.page_count);
    for no in 0..FIRST_PAGES {
        met.meet(store, PageNo(no))?;
    }
    let census = check(store, disk, tree.root, &mut met)?;
    line(&format!(
        "{} leaves {}‰ full, {} inner pages {}‰ full, {} overflow pages",
        census.leaves,
        census.leaf_fill(),
        census.inner,
        census.inner_fill(),
        census.overflow
    ));
    for no in (FIRST_PAGES..tree.page_count).map(PageNo) {
        if met.has(no) {
            let page = PageRef::clone(store.page(disk, no)?);
            line(&format!("page {}: {}", no.0, describe(&page)));
            dump_page(&page, line);
        } else if store.pages.free.contains(&no) {
            line(&format!("page {}: free", no.0));
        } else if store.meta.list.contains(&no) {
            line(&format!("page {}: list of free pages", no.0));
        } else {
            line(&format!(
                "page {}: needed by a snapshot or a meta page alone",
                no.0
            ));
        }
    }
    Ok(())
}

/// The engine for panels.
pub(super) fn inspect(engine: &CowEngine) -> Inspection {
    let store = &engine.store;
    let tree = &store.tree;
    let not_used = store.pages.count() + store.meta.list.len() + FIRST_PAGES as usize;
    let used = u64::from(tree.page_count) - not_used as u64;
    let free = store.pages.free.iter().map(|no| no.0).collect();
    let waiting = store.pages.waiting.iter().map(|page| page.no.0).collect();
    Inspection {
        engine: "cow",
        stats: engine.stats(),
        structure: Structure::Tree(Box::new(TreeShape {
            file: store.file.name().to_owned(),
            root: tree.root.page.0,
            height: tree.root.height,
            page_count: tree.page_count,
            free_pages: store.pages.count() as u32,
            free_list: Some((free, waiting)),
            fill_per_mille: (tree.live_bytes * 1000)
                .checked_div(used * PAGE_BYTES as u64)
                .unwrap_or(0),
            pool: PoolShape::of(&store.pool, store.settings().pool_pages),
            path: PageShape::of_path(&store.pool, &store.pool.trail),
            pages: PageShape::of_pool(&store.pool),
            meta_number: store.meta.number,
            snapshots: engine
                .snapshots
                .contents()
                .map(|frozen| frozen.epoch)
                .collect(),
            old_pages: store.pages.waiting.len() as u64,
            log: None,
        })),
    }
}
