//! Bulk load: pages go straight to the file, and the log learns of the new root alone.
//!
//! The pages are new ones past the end, written and synced before the frame that makes them the tree. A crash before leaves
//! pages that nobody counts. The rows are not in the log, so that the log from before can't be shipped any more. Their LSN
//! is 0: the first change of each puts its image into the log.

use seedbed_sim::Disk;

use super::store::Store;
use crate::storage::pages::{WritePages, bulk};
use crate::storage::{EngineError, Row};

/// Fills an empty tree with rows in ascending order. Returns their bytes.
pub(super) fn load(
    store: &mut Store,
    disk: &mut dyn Disk,
    rows: &mut dyn Iterator<Item = Row>,
) -> Result<u64, EngineError> {
    if store.header.keys > 0 {
        return Err(EngineError::BulkLoad("an empty engine"));
    }
    let fill_percent = store.settings().bulk_fill_percent;
    let page_count = store.header.page_count;
    let loaded = bulk::load::<true>(&mut store.file, disk, page_count, 0, fill_percent, rows);
    let loaded = loaded.map_err(|error| store.noted(error))?;
    store.begin();
    let empty_root = store.header.root.page;
    store.header.page_count = loaded.page_count;
    let freed = store.free(disk, empty_root);
    store.header.root = loaded.root;
    (store.header.keys, store.header.live_bytes) = (loaded.keys, loaded.bytes);
    store.header.shippable = store.log.positions.end().0 + 1;
    if let Err(error) = freed.and_then(|()| store.commit(disk)) {
        store.roll_back();
        return Err(store.noted(error));
    }
    Ok(loaded.bytes)
}
