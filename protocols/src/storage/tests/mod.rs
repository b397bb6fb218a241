//! What every engine must pass, and how each is put to the test.
//!
//! - `golden`: scripts that all engines share, and scripts of each engine's own.
//! - `model`: random operations, compared with a map of the standard library.
//! - `cases`: nasty cases by name.
//! - `trees`: the two B-trees, through all of that with rows of every size.
//! - `faults`: disks that rot, misplace, lose or age what was written.
//! - `failing`: a disk whose calls fail as they are told, for the tests of each engine.
//!
//! What a crash, an error at any operation, or a flipped bit may do to an engine is tested for all of them in
//! `tests/src/engines`, with longer runs of the model.

mod cases;
pub(crate) mod failing;
mod faults;
mod golden;
mod model;
pub(crate) mod poke;
mod trees;

use bytes::Bytes;
use seedbed_sim::Disk;

use super::lsm::LsmOptions;
use super::*;

/// Options under which a few writes reach every part of an engine.
pub(crate) fn tiny() -> EngineOptions {
    EngineOptions {
        hash: HashOptions {
            segment_bytes: 400,
            merge_dead_percent: 30,
        },
        lsm: LsmOptions::tiny(),
        btree: BTreeOptions {
            pool_pages: 4,
            checkpoint_log_bytes: 12_000,
            log_kept_bytes: 4000,
            ..BTreeOptions::default()
        },
        cow: CowOptions {
            pool_pages: 4,
            ..CowOptions::default()
        },
        ..EngineOptions::default()
    }
}

/// The content of an engine, by a scan in pages of `page` rows.
pub(crate) fn scan_all(
    engine: &mut dyn Engine,
    disk: &mut dyn Disk,
    at: Option<SnapshotId>,
    page: usize,
) -> Result<Vec<Row>, EngineError> {
    let mut rows = Vec::new();
    let mut from: Option<Bytes> = None;
    loop {
        let bounds = Bounds {
            from: from.as_deref(),
            to: None,
        };
        from = engine.scan(disk, at, bounds, ScanDirection::Forward, page, &mut rows)?;
        if from.is_none() {
            return Ok(rows);
        }
    }
}
