//! Bugs planted in the trees, each with the test that catches it.

use seedbed_sim::{Chance, DiskFaultKind};

use super::crash::{Run, some_options};
use super::faults::meets;
use super::*;

fn with(planted: Planted, options: EngineOptions) -> EngineOptions {
    EngineOptions { planted, ..options }
}

/// Some of the crash histories must catch it; without the bug they all pass.
fn crashes_catch(kind: EngineKind, planted: Planted) {
    let caught = some_options().into_iter().any(|options| {
        let run = Run::of(kind, with(planted, options));
        run.check(0..3).is_err()
    });
    assert!(caught, "{planted:?} in {kind}");
}

/// Some of the random operations must catch it; without the bug they all pass.
fn operations_catch(kind: EngineKind, planted: Planted) {
    let caught = (0..12).any(|seed| {
        let options = with(
            planted,
            options(1 + seed as usize % 9, 2000 + 5000 * (seed % 7)),
        );
        model::run(kind, &options, seed, 300, 40 + seed * 20).is_err()
    });
    assert!(caught, "{planted:?} in {kind}");
}

#[test]
fn planted_bug_pages_that_are_written_before_the_log_are_caught_by_crashes() {
    crashes_catch(EngineKind::BTree, Planted::TreeWritesPagesBeforeLog);
}

#[test]
fn planted_bug_a_checkpoint_without_images_is_caught_by_torn_pages() {
    crashes_catch(EngineKind::BTree, Planted::TreeOmitsImages);
}

#[test]
fn planted_bug_a_checkpoint_that_does_not_sync_pages_is_caught_by_crashes() {
    crashes_catch(EngineKind::BTree, Planted::TreeForgetsToSyncPages);
}

#[test]
fn planted_bug_a_log_that_is_dropped_before_the_meta_page_is_written_is_caught_by_crashes() {
    crashes_catch(EngineKind::BTree, Planted::TreeDropsLogEarly);
}

/// Where every page begins with its image, redo has no need of the LSN: the bug shows without images.
#[test]
fn planted_bug_redo_that_ignores_the_lsn_of_pages_is_caught_by_the_model() {
    let run = |planted: Planted, seed: u64| {
        let mut options = with(planted, options(3, 20_000));
        options.btree.full_page_images = false;
        model::run(EngineKind::BTree, &options, seed, 200, 60)
    };
    (0..6).for_each(|seed| run(Planted::Nothing, seed).unwrap());
    assert!((0..6).any(|seed| run(Planted::TreeRedoIgnoresLsn, seed).is_err()));
}

#[test]
fn planted_bug_a_name_that_is_not_synced_is_caught_by_crashes() {
    for kind in TREES {
        crashes_catch(kind, Planted::SkipsDirectorySync);
    }
}

#[test]
fn planted_bug_checksums_that_are_ignored_are_caught_by_torn_pages() {
    crashes_catch(EngineKind::BTree, Planted::IgnoresChecksums);
}

#[test]
fn planted_bug_an_acknowledgement_before_the_sync_is_caught_by_crashes() {
    for kind in TREES {
        crashes_catch(kind, Planted::AcknowledgesBeforeSync);
    }
}

#[test]
fn planted_bug_pages_that_are_lost_when_freed_are_caught_by_verification() {
    operations_catch(EngineKind::BTree, Planted::TreeLeaksPages);
}

#[test]
fn planted_bug_a_snapshot_that_reads_changed_pages_is_caught_by_the_model() {
    operations_catch(EngineKind::BTree, Planted::TreeSnapshotsReadNew);
}

#[test]
fn planted_bug_a_separator_that_is_too_low_is_caught_by_the_model() {
    for kind in TREES {
        operations_catch(kind, Planted::TreeSeparatorTooLow);
    }
}

#[test]
fn planted_bug_a_scan_backwards_that_skips_rows_is_caught_by_the_model() {
    for kind in TREES {
        operations_catch(kind, Planted::TreeScanSkipsRows);
    }
}

#[test]
fn planted_bug_a_meta_page_before_its_pages_is_caught_by_crashes() {
    crashes_catch(EngineKind::Cow, Planted::CowWritesMetaBeforePages);
}

#[test]
fn planted_bug_pages_that_are_used_again_too_early_are_caught_by_crashes() {
    crashes_catch(EngineKind::Cow, Planted::CowReusesPagesEarly);
}

#[test]
fn planted_bug_pages_of_a_snapshot_that_are_used_again_are_caught_by_the_model() {
    operations_catch(EngineKind::Cow, Planted::CowReusesUnderSnapshots);
}

#[test]
fn planted_bug_a_commit_over_the_meta_page_in_force_is_caught_by_verification() {
    operations_catch(EngineKind::Cow, Planted::CowOverwritesMeta);
}

#[test]
fn planted_bug_a_commit_that_failed_and_comes_back_is_caught_by_writes_that_fail() {
    let sometimes = DiskFaultKind::WriteErrors(Chance {
        per_million: 60_000,
        count_max: None,
    });
    let caught = (0..30).any(|seed| {
        let bug = Planted::CowForgetsFailedMeta;
        meets(EngineKind::Cow, bug, seed, sometimes).is_err()
    });
    assert!(caught);
}
