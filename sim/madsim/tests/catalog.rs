//! The scenarios of the catalog come to the same verdicts on both hosts.
#![cfg(madsim)]

use seedbed_madsim::run;
use seedbed_scenarios::catalog;
use seedbed_scenarios::report::Report;
use seedbed_scenarios::session::{Keep, open};
use seedbed_sim::{Instant, Kind, MessageFate, MessageName, NodeId, ScheduledMessage, Seed};

const SEEDS: std::ops::RangeInclusive<u64> = 1..=5;

fn in_the_world(name: &str, seed: Seed) -> Report {
    let scenario = catalog::load(name).expect("it is in the catalog");
    open(name, scenario, seed, Keep::Digest).report()
}

fn on_madsim(name: &str, seed: Seed) -> Report {
    let scenario = catalog::load(name).expect("it is in the catalog");
    run(name, scenario, seed).unwrap_or_else(|why| panic!("{name}, seed {seed}: {why}"))
}

/// What a report says of the checks that its scenario expects something of. Liveness is asked for on a fork, and this host
/// can't fork.
fn expected(report: &Report) -> Vec<(String, Option<bool>)> {
    let expectations = report.expectations.iter();
    expectations
        .filter(|one| !one.expect.starts_with("liveness"))
        .map(|one| (one.expect.clone(), one.met))
        .collect()
}

#[test]
fn the_catalogs_scenarios_come_to_the_same_verdicts_as_in_the_world() {
    let mut differences = Vec::new();
    for entry in catalog::CATALOG {
        let mut compared = 0;
        for seed in SEEDS.map(Seed) {
            let (world, madsim) = (in_the_world(entry.name, seed), on_madsim(entry.name, seed));
            compared += world.expectations.len();
            if expected(&world) != expected(&madsim) {
                differences.push(format!(
                    "{}, seed {seed}:\n  world  {:?}\n  madsim {:?}\n  {} {:?}",
                    entry.name,
                    expected(&world),
                    expected(&madsim),
                    madsim.ended,
                    madsim.warnings,
                ));
            }
        }
        assert!(compared > 0, "{} expects nothing", entry.name);
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn one_seed_is_one_run_here_too() {
    let name = "lag/generated-load";
    let (once, again, other) = (
        on_madsim(name, Seed(1)),
        on_madsim(name, Seed(1)),
        on_madsim(name, Seed(2)),
    );
    assert_eq!(once, again);
    assert_ne!(once.digest, other.digest);
    assert!(once.operations.ok > 500, "{:?}", once.operations);
}

#[test]
fn what_only_the_world_can_do_is_refused_by_name() {
    let name = "ddia/5-3";
    let mut scenario = catalog::load(name).expect("it is in the catalog");
    scenario.messages.push(ScheduledMessage {
        message: MessageName {
            from: NodeId(0),
            to: NodeId(1),
            kind: Kind("append"),
            after: Instant::ZERO,
            number: 1,
        },
        fate: MessageFate::Lose,
    });
    let refused = run(name, scenario, Seed(1)).expect_err("it must be refused");
    assert!(refused.contains("single messages"), "{refused}");
}
