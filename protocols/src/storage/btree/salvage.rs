//! Salvage: a new tree of the rows that can still be read, and a new log.
//!
//! Redo is done as far as the log and the pages allow; then the tree is walked, past what is damaged. The new tree is
//! written under another name; its log begins behind every batch that the old one can have had. When it has the name, the
//! old log is removed. A crash before leaves the damaged tree, a crash after it the new one.
//!
//! What the log says after a gap in it is not done: it speaks of pages as they would have been. So a row is what it was at
//! some time, not always the last one, and which batches are whole is not known.

use seedbed_sim::{Disk, OpenMode};

use super::header::{Header, Meta, TREE_KIND};
use super::recover::{open_sound, redo};
use super::segments::Segments;
use super::store::Store;
use crate::storage::frame::OnCorruption;
use crate::storage::pages::file::PageFile;
use crate::storage::pages::meta::{self, META_PAGES};
use crate::storage::pages::{bulk, salvage as pages};
use crate::storage::{EngineError, EngineOptions, Recovery, Row};

/// Makes the tree anew, and opens it.
pub(super) fn salvage(
    disk: &mut dyn Disk,
    options: &EngineOptions,
) -> Result<(Store, Recovery), EngineError> {
    let name = format!("{}engine.btree", options.file_prefix);
    let mut recovery = Recovery::default();
    let handle = disk.open(&name, OpenMode::Existing)?;
    let mut file = PageFile::new(&name, handle, options.planted);
    let (number, own) = meta::read(disk, &mut file, &TREE_KIND)?;
    let meta = Meta::decode(number, &own);
    let numbers = Segments::list(disk, options)?;
    let (log, frames, newest) =
        Segments::open_damaged(disk, options, &numbers, meta.redo, &mut recovery)?;
    let mut store = Store::new(options, file, log, meta);
    redo(
        &mut store,
        disk,
        &frames,
        OnCorruption::Salvage,
        &mut recovery,
    )?;
    let root = store.header.root;
    let left = pages::salvage(&mut store, disk, root)?;
    recovery.corrupt_bytes += left.lost_bytes;
    let rows = left.rows.into_iter().map(|(key, value)| Row { key, value });
    let behind = newest.max(meta.redo) + 1;
    let new_name = format!("{name}.new");
    write_anew(disk, options, &new_name, behind, &mut rows.into_iter())?;
    Segments::begin_at(disk, options, behind)?;
    store.log.close(disk)?;
    disk.close(handle)?;
    disk.rename(&new_name, &name)?;
    disk.sync_dir()?;
    let (store, found) = open_sound(disk, options)?;
    recovery.read_bytes += found.read_bytes;
    Ok((store, recovery))
}

/// Writes the file of a tree whose log begins after `batches`.
fn write_anew(
    disk: &mut dyn Disk,
    options: &EngineOptions,
    name: &str,
    batches: u64,
    rows: &mut dyn Iterator<Item = Row>,
) -> Result<(), EngineError> {
    let mut file = PageFile::create(disk, name, options.planted)?;
    let fill_percent = options.btree.bulk_fill_percent;
    let loaded = bulk::load::<true>(&mut file, disk, META_PAGES, 0, fill_percent, rows)?;
    let header = Header {
        root: loaded.root,
        page_count: loaded.page_count,
        keys: loaded.keys,
        live_bytes: loaded.bytes,
        shippable: batches,
        ..Header::default()
    };
    for number in [0, 1] {
        let meta = Meta {
            number,
            redo: batches,
            header,
        };
        meta::write(disk, &mut file, &TREE_KIND, number, &meta.encode())?;
    }
    file.sync(disk)?;
    disk.close(file.handle())?;
    Ok(())
}
