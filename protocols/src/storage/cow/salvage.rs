//! Salvage: a new file of the rows that can still be read.
//!
//! The tree of the newest meta page that is whole is walked, past what is damaged; where a newer one is gone, that is the
//! commit before, whose pages nobody has written over. A crash before the new file gets its name leaves the damaged one as
//! it was, a crash after it the new one.

use seedbed_sim::{Disk, OpenMode};

use super::commit::open_sound;
use super::meta::{COW_KIND, FIRST_PAGES, Meta, SEAL_PAGE, read_seal, seal};
use super::store::{Store, Tree};
use crate::storage::pages::file::PageFile;
use crate::storage::pages::{PAGE_BYTES, bulk, meta, salvage as pages};
use crate::storage::{EngineError, EngineOptions, Recovery, Row};

/// Makes the file anew, and opens it.
pub(super) fn salvage(
    disk: &mut dyn Disk,
    options: &EngineOptions,
) -> Result<(Store, Recovery), EngineError> {
    let name = format!("{}engine.cow", options.file_prefix);
    let handle = disk.open(&name, OpenMode::Existing)?;
    let mut old = PageFile::new(&name, handle, options.planted);
    let (number, own) = meta::read(disk, &mut old, &COW_KIND)?;
    let newest = Meta::decode(number, &own);
    let (root, batches) = (newest.tree.root, newest.batches);
    let is_newer_gone = read_seal(disk, &mut old)?.is_some_and(|sealed| sealed > number);
    let left = pages::salvage(&mut Store::new(options, old, newest), disk, root)?;
    let rows = left.rows.into_iter().map(|(key, value)| Row { key, value });
    let new_name = format!("{name}.new");
    write_anew(disk, options, &new_name, batches, &mut rows.into_iter())?;
    disk.close(handle)?;
    disk.rename(&new_name, &name)?;
    disk.sync_dir()?;
    let (store, mut recovery) = open_sound(disk, options)?;
    recovery.corrupt_bytes = left.lost_bytes + u64::from(is_newer_gone) * PAGE_BYTES as u64;
    Ok((store, recovery))
}

/// Writes the file of a tree with these rows.
fn write_anew(
    disk: &mut dyn Disk,
    options: &EngineOptions,
    name: &str,
    batches: u64,
    rows: &mut dyn Iterator<Item = Row>,
) -> Result<(), EngineError> {
    let mut file = PageFile::create(disk, name, options.planted)?;
    let fill_percent = options.cow.bulk_fill_percent;
    let loaded = bulk::load::<false>(&mut file, disk, FIRST_PAGES, 0, fill_percent, rows)?;
    for number in [0, 1] {
        let meta = Meta {
            number,
            epoch: number,
            batches,
            tree: Tree {
                root: loaded.root,
                page_count: loaded.page_count,
                keys: loaded.keys,
                live_bytes: loaded.bytes,
            },
            list: Vec::new(),
        };
        meta::write(disk, &mut file, &COW_KIND, number, &meta.encode())?;
    }
    let mut sealed = seal(1).to_vec();
    sealed.resize(PAGE_BYTES, 0);
    file.write_raw(disk, SEAL_PAGE, &sealed)?;
    file.sync(disk)?;
    disk.close(file.handle())?;
    Ok(())
}
