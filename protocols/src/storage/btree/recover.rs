//! Opening: making the files, or redo of what the log has and the pages may not.
//!
//! ```text
//!   meta page: "redo from S" ──► frames of batches after S, in order ──► images put in, cells and differences done again
//! ```
//!
//! Pages are put in or changed in the pool; those that must leave it are written to the file, as always. So a crash during
//! recovery leaves what a crash at any other time leaves, and the next recovery begins at S again: a page that has got
//! ahead is passed over by its LSN, one that was torn is put in anew from its image.

use bytes::Bytes;
use seedbed_sim::{Disk, DiskError, OpenMode};

use super::header::{Header, Meta, TREE_KIND};
use super::redo::{Payload, Record, records};
use super::segments::{FrameAt, Segments};
use super::store::Store;
use super::{dump, salvage};
use crate::storage::frame::OnCorruption;
use crate::storage::pages::file::PageFile;
use crate::storage::pages::meta::{self, META_PAGES};
use crate::storage::pages::salvage::readable;
use crate::storage::pages::{Kind, PAGE_BYTES, Page, PageNo, ReadPages, Root, chain};
use crate::storage::{EngineError, EngineOptions, Planted, Recovery, batch};

/// Opens the engine's files, or makes them, and recovers. If it may salvage, it reads everything, and where something is
/// damaged makes the tree anew from what is left.
pub(super) fn open(
    disk: &mut dyn Disk,
    options: &EngineOptions,
) -> Result<(Store, Recovery), EngineError> {
    if options.on_corruption == OnCorruption::Refuse {
        return open_sound(disk, options);
    }
    let sound = open_sound(disk, options).and_then(|(mut store, recovery)| {
        dump::verify(&mut store, disk)?;
        Ok((store, recovery))
    });
    match sound {
        Err(EngineError::Corrupt { .. }) => salvage::salvage(disk, options),
        other => other,
    }
}

/// Opens files of which nothing is damaged but what a crash has torn.
pub(super) fn open_sound(
    disk: &mut dyn Disk,
    options: &EngineOptions,
) -> Result<(Store, Recovery), EngineError> {
    let options = &EngineOptions {
        on_corruption: OnCorruption::Refuse,
        ..options.clone()
    };
    let name = format!("{}engine.btree", options.file_prefix);
    let mut recovery = Recovery::default();
    let mut frames = Vec::new();
    let numbers = Segments::list(disk, options)?;
    let file = match disk.open(&name, OpenMode::Existing) {
        Ok(file) => file,
        Err(DiskError::NotFound(_)) => return create(disk, options, &name, &numbers),
        Err(error) => return Err(error.into()),
    };
    let mut file = PageFile::new(&name, file, options.planted);
    let (number, own) = meta::read(disk, &mut file, &TREE_KIND)?;
    let meta = Meta::decode(number, &own);
    let has_before = meta::is_whole_before(disk, &mut file, &TREE_KIND, number)?;
    let gone = |what: &str| file.corrupt(PageNo(0), what);
    if numbers.first().is_none_or(|first| *first > meta.redo) {
        return Err(gone("the redo log that it needs is gone"));
    }
    let needed = meta.redo.min(meta.header.shippable);
    let numbers = Segments::drop_needless(disk, options, numbers, needed)?;
    let log = Segments::open(
        disk,
        options,
        &numbers,
        meta.redo,
        &mut frames,
        &mut recovery,
    )?;
    if log.oldest() > meta.redo {
        return Err(gone("the redo log that it needs is gone"));
    }
    if log.positions.end().0 < meta.redo {
        return Err(gone("the redo log ends before the last checkpoint"));
    }
    // The process may have died and left pages that only the operating system's memory holds.
    file.sync(disk)?;
    let mut store = Store::new(options, file, log, meta);
    store.is_other_meta_torn = !has_before;
    redo(
        &mut store,
        disk,
        &frames,
        OnCorruption::Refuse,
        &mut recovery,
    )?;
    recovery.read_bytes += store.file.read_bytes;
    Ok((store, recovery))
}

/// Makes the files of an empty tree. The log comes first: a tree without its log has lost it.
fn create(
    disk: &mut dyn Disk,
    options: &EngineOptions,
    name: &str,
    numbers: &[u64],
) -> Result<(Store, Recovery), EngineError> {
    let mut recovery = Recovery::default();
    let mut frames = Vec::new();
    let log = Segments::open(disk, options, numbers, 0, &mut frames, &mut recovery)?;
    if log.oldest() > 0 || !frames.is_empty() {
        return Err(EngineError::Corrupt {
            file: name.to_owned(),
            offset: 0,
            what: "its redo log is there, and the file itself is gone".to_owned(),
        });
    }
    let root = Root {
        page: PageNo(META_PAGES),
        height: 1,
    };
    let meta = Meta {
        number: 1,
        redo: 0,
        header: Header {
            root,
            page_count: META_PAGES + 1,
            ..Header::default()
        },
    };
    let mut leaf = Page::new(Kind::Leaf, 0);
    leaf.seal(root.page);
    let mut bytes = Vec::with_capacity(3 * PAGE_BYTES);
    for number in [0, 1] {
        bytes.extend_from_slice(&meta::encode(&TREE_KIND, number, &meta.encode()));
    }
    bytes.extend_from_slice(leaf.bytes());
    let new_name = format!("{name}.new");
    let mut file = PageFile::create(disk, &new_name, options.planted)?;
    file.append_raw(disk, &bytes)?;
    file.sync(disk)?;
    disk.rename(&new_name, name)?;
    if options.planted != Planted::SkipsDirectorySync {
        disk.sync_dir()?;
    }
    let file = file.renamed(name);
    Ok((Store::new(options, file, log, meta), recovery))
}

/// Does again what the frames say; in a salvage, as far as pages can be read.
pub(super) fn redo(
    store: &mut Store,
    disk: &mut dyn Disk,
    frames: &[FrameAt],
    on_corruption: OnCorruption,
    recovery: &mut Recovery,
) -> Result<(), EngineError> {
    // The parts of the batch to come.
    let mut parts: Vec<(FrameAt, Bytes)> = Vec::new();
    for &at in frames {
        let bytes = store.log.read(disk, at)?;
        recovery.read_bytes += bytes.len() as u64;
        let malformed = |store: &Store, what: String| store.log.corrupt(at, &what);
        match Payload::read(&bytes).map_err(|what| malformed(store, what))? {
            Payload::Part { part, .. } => {
                // A batch that did not come about has left its parts, and another has taken its number.
                if part == 0 {
                    parts.clear();
                }
                parts.push((at, bytes.clone()));
            }
            Payload::Batch {
                number,
                parts: count,
                header,
                changes,
                records,
            } => {
                apply(store, disk, at, number, changes, records, on_corruption)?;
                if usize::from(count) > parts.len() {
                    return Err(malformed(store, "parts of the batch are gone".to_owned()));
                }
                parts.truncate(usize::from(count));
                for (at, part) in parts.drain(..) {
                    let Ok(Payload::Part { records, .. }) = Payload::read(&part) else {
                        unreachable!("it was read as a part");
                    };
                    apply(store, disk, at, number, &[], records, on_corruption)?;
                }
                store.header = header;
                let changes = batch::check(changes).map_err(|what| malformed(store, what))?;
                recovery.records += changes;
            }
        }
    }
    Ok(())
}

/// Does the records of one frame again.
fn apply(
    store: &mut Store,
    disk: &mut dyn Disk,
    at: FrameAt,
    number: u64,
    changes: &[u8],
    bytes: &[u8],
    on_corruption: OnCorruption,
) -> Result<(), EngineError> {
    let mut leaves = Vec::new();
    for record in records(bytes, changes) {
        let record = record.map_err(|what| store.log.corrupt(at, &what))?;
        if let Record::Set { leaf: no, .. }
        | Record::Remove { leaf: no, .. }
        | Record::Difference { no, .. } = &record
            && on_corruption == OnCorruption::Salvage
            && readable(store.redo_page(disk, *no).map(|_| ()))?.is_none()
        {
            continue;
        }
        match record {
            Record::Image { no, mut page } => {
                page.set_lsn(number);
                store.restore(disk, no, *page)?;
            }
            Record::Chain { bytes, pages } => {
                for (no, mut page) in chain::pages(bytes, &pages) {
                    page.set_lsn(number);
                    store.restore(disk, no, page)?;
                }
            }
            Record::Difference { no, pieces } => {
                let ignores_lsn = store.is_planted(Planted::TreeRedoIgnoresLsn);
                let page = store.redo_page(disk, no)?;
                if page.lsn() < number || ignores_lsn {
                    for (from, piece) in pieces {
                        page.bytes_mut()[from..from + piece.len()].copy_from_slice(piece);
                    }
                    page.set_lsn(number);
                }
            }
            Record::Set { leaf, .. } | Record::Remove { leaf, .. } => {
                let ignores_lsn = store.is_planted(Planted::TreeRedoIgnoresLsn);
                let page = store.redo_page(disk, leaf)?;
                if page.lsn() >= number && !ignores_lsn {
                    continue;
                }
                redo_cell(page, &record).map_err(|what| store.log.corrupt(at, &what))?;
                // A leaf gets its LSN when all cells of the batch are set, and stays in the pool until then: half a batch
                // must not reach the file.
                store.pin(leaf, true);
                leaves.push(leaf);
            }
        }
    }
    for leaf in leaves {
        store.redo_page(disk, leaf)?.set_lsn(number);
        store.pin(leaf, false);
    }
    Ok(())
}

/// Sets or removes one cell again.
fn redo_cell(page: &mut Page, record: &Record<'_>) -> Result<(), String> {
    let (slots, is_leaf) = (page.count(), page.kind() == Some(Kind::Leaf));
    let done = match record {
        Record::Set {
            slot,
            replaces,
            cell,
            ..
        } => {
            let in_range = *slot < slots || (!replaces && *slot == slots);
            is_leaf && in_range && page.put_cell(*slot, *replaces, cell)
        }
        Record::Remove { slot, .. } if is_leaf && *slot < slots => {
            page.remove_cell(*slot);
            true
        }
        _ => false,
    };
    done.then_some(())
        .ok_or_else(|| "a cell can't be set or removed again".to_owned())
}
