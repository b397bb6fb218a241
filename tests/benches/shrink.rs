//! How long it takes to shrink a failing run of 2,000 operations and 20 faults to a few steps, and to explain them.
//!
//! Three bugs are planted, one for each of three checks: a jump to the operations of the witness is all that two of them
//! need.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use seedbed_protocols::replication::single_leader::Planted;
use seedbed_scenarios::file::Scenario;
use seedbed_scenarios::search::shrink::{Lab, OneByOne, Shrunk, shrink};
use seedbed_scenarios::session::{Keep, open_planted};
use seedbed_sim::Seed;
use seedbed_tests::faulty::{self, Work};

const OPERATIONS: u64 = 2_000;
fn shrunk(scenario: &Scenario, seed: Seed, planted: Planted, check: &str) -> Option<Shrunk> {
    let open = |scenario, seed, keep| open_planted("bench", scenario, seed, keep, planted);
    let lab = Lab::new(&open, &OneByOne);
    shrink("bench", scenario, seed, Some(check), &lab).ok()
}

/// Whether the run has as many operations as it should, and violates the check.
fn fits(scenario: &Scenario, seed: Seed, planted: Planted, check: &str) -> bool {
    let run = open_planted("bench", scenario.clone(), seed, Keep::Digest, planted);
    let report = run.report();
    let count = report.operations;
    let mut verdicts = report.verdicts.iter();
    let falls = verdicts.any(|verdict| verdict.check == check && verdict.holds == Some(false));
    falls && count.ok + count.fail + count.info == OPERATIONS
}

fn shrinking(c: &mut Criterion) {
    let scenario = faulty::cluster(Work::Operations(OPERATIONS));
    let bugs = [
        (Planted::AckBeforeSync, "durability"),
        (Planted::SkipEntryAfterReconnect, "convergence"),
        (Planted::ServeBeforeReplay, "monotonic-reads-in-real-time"),
    ];
    let mut group = c.benchmark_group("shrink 2,000 operations and 20 faults");
    group.sample_size(10);
    for (planted, check) in bugs {
        let seed = (0..1_000)
            .map(Seed)
            .find(|seed| fits(&scenario, *seed, planted, check))
            .expect("a seed that shows it");
        let small = shrunk(&scenario, seed, planted, check).expect("it falls");
        assert_eq!(small.before.operations, OPERATIONS);
        assert!(small.after.operations + small.after.faults <= 10);
        group.bench_function(check, |b| {
            b.iter(|| shrunk(black_box(&scenario), seed, planted, check));
        });
    }
    group.finish();
}

criterion_group!(benches, shrinking);
criterion_main!(benches);
