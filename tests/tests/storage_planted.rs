//! Bugs that were planted in storage engines, and the test that catches each.
//!
//! A test that has never caught anything may be blind. Each bug of the catalog is caught here by the test of `storage` that is
//! named for it, within a stated number of seeds; and without the bug the same seeds pass.

#![allow(clippy::print_stdout, reason = "a run says what was caught, and how")]

use seedbed_protocols::storage::{EngineKind, Planted};
use seedbed_sim::Syncs;
use seedbed_tests::engines::agree::{self, Field};
use seedbed_tests::engines::crash::Plan;
use seedbed_tests::engines::errors::{self, Lasting, Trouble};
use seedbed_tests::engines::{Violation, caught, flips};

/// What catches a bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Catcher {
    /// `every_engine_recovers_a_prefix_from_ten_thousand_crash_images`
    Crash,
    /// `an_error_or_a_full_disk_at_any_operation_harms_nothing`
    Errors,
    /// `a_flipped_bit_in_any_byte_gives_the_right_answer_or_an_error`
    Flips,
    /// `all_engines_agree_with_a_map`
    Agree,
}

use Catcher::{Agree, Crash, Errors, Flips};

/// Each bug with its catcher, and the seeds within which it is caught.
const CASES: &[(Planted, Catcher, u64)] = &[
    (Planted::IgnoresChecksums, Flips, 3),
    (Planted::AcknowledgesBeforeSync, Crash, 6),
    (Planted::AcknowledgesTooMuch, Crash, 12),
    (Planted::SkipsDirectorySync, Crash, 6),
    (Planted::MarksTooMuch, Crash, 6),
    (Planted::SwallowsFailedSyncs, Errors, 6),
    (Planted::LeavesTornAppends, Errors, 3),
    (Planted::LogSplitsBatches, Crash, 6),
    (Planted::LogReadsPastSnapshots, Agree, 6),
    (Planted::LogAppliesTwice, Agree, 20),
    (Planted::HashRollsWithoutSync, Crash, 12),
    (Planted::HashMergesWithoutSync, Crash, 20),
    (Planted::HashRenamesBeforeSync, Crash, 20),
    (Planted::HashDropsTombstonesEarly, Agree, 20),
    (Planted::HashRepointsBlindly, Agree, 20),
    (Planted::HashKeepsCovered, Crash, 20),
    (Planted::HashTrustsStaleHints, Crash, 20),
    (Planted::HashClosesUnderSnapshots, Agree, 20),
    (Planted::LsmTableNotSynced, Crash, 12),
    (Planted::LsmManifestInPlace, Crash, 12),
    (Planted::LsmLogRemovedEarly, Crash, 12),
    (Planted::LsmInputsRemovedEarly, Crash, 20),
    (Planted::LsmTrustsNextLog, Crash, 30),
    (Planted::LsmDropsTombstonesEarly, Agree, 30),
    (Planted::LsmForgetsSnapshots, Agree, 20),
    (Planted::LsmSyncsNewestLogOnly, Crash, 30),
    (Planted::LsmIgnoresRangeDeletes, Agree, 20),
    (Planted::TreeWritesPagesBeforeLog, Crash, 60),
    (Planted::TreeOmitsImages, Crash, 30),
    (Planted::TreeForgetsToSyncPages, Crash, 30),
    (Planted::TreeDropsLogEarly, Crash, 30),
    (Planted::TreeLeaksPages, Agree, 30),
    (Planted::TreeSnapshotsReadNew, Agree, 30),
    (Planted::TreeSeparatorTooLow, Agree, 30),
    (Planted::TreeScanSkipsRows, Agree, 30),
    (Planted::CowWritesMetaBeforePages, Crash, 30),
    (Planted::CowReusesPagesEarly, Crash, 30),
    (Planted::CowReusesUnderSnapshots, Agree, 30),
    (Planted::CowOverwritesMeta, Agree, 30),
    (Planted::CowForgetsFailedMeta, Errors, 30),
];

impl Catcher {
    fn check(self, kind: EngineKind, planted: Planted, seed: u64) -> Result<(), Violation> {
        caught(|| match self {
            Self::Crash => {
                let plan = Plan {
                    planted,
                    syncs: Syncs::Honest,
                    ..Plan::of(kind)
                };
                plan.check_seed(seed).map(|_| ())
            }
            Self::Errors => {
                for lasting in [Lasting::Once, Lasting::ForGood] {
                    errors::check_seed(kind, planted, seed, Trouble::Io, lasting)?;
                }
                Ok(())
            }
            Self::Flips => flips::check_seed(kind, planted, seed).map(|_| ()),
            Self::Agree => {
                let field = Field {
                    only: Some(kind),
                    planted,
                };
                agree::round(field, seed, 400).map(|_| ())
            }
        })
    }
}

#[test]
fn each_planted_bug_is_caught_by_the_test_that_is_named_for_it() {
    let mut missed = Vec::new();
    for (planted, engines) in Planted::CATALOG {
        let case = CASES.iter().find(|(bug, ..)| bug == planted);
        let Some((_, catcher, seeds)) = case else {
            panic!("no test catches {planted:?}");
        };
        for engine in *engines {
            let kind = EngineKind::from_name(engine).expect("an engine of the catalog");
            let found = (0..*seeds).find_map(|seed| catcher.check(kind, *planted, seed).err());
            match found {
                Some(violation) => {
                    println!("{planted:?} in {engine}, by {catcher:?}: {}", violation.0);
                }
                None => missed.push(format!("{planted:?} in {engine}")),
            }
        }
    }
    assert!(missed.is_empty(), "not caught: {missed:?}");
}

#[test]
fn without_a_bug_the_same_seeds_pass() {
    let mut checked = Vec::new();
    for (planted, engines) in Planted::CATALOG {
        let case = CASES.iter().find(|(bug, ..)| bug == planted);
        let (_, catcher, _) = case.expect("a case for each bug");
        for engine in *engines {
            if checked.contains(&(*engine, *catcher)) {
                continue;
            }
            checked.push((*engine, *catcher));
            let kind = EngineKind::from_name(engine).expect("an engine of the catalog");
            for seed in 0..3 {
                let found = catcher.check(kind, Planted::Nothing, seed);
                assert!(found.is_ok(), "{engine}, by {catcher:?}: {found:?}");
            }
        }
    }
}
