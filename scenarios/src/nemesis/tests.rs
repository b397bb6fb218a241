//! What nemeses draw.

use std::collections::{BTreeMap, BTreeSet};

use seedbed_sim::{Fault, Seed, Span};

use super::{Drawn, all_kinds, draw, made_explicit};
use crate::file::{Scenario, parse};
use crate::session::{Keep, Session, open};

const CLUSTER: &str = "
schema = 1
title = \"a nemesis\"
duration = \"60s\"
[cluster]
protocol = \"single-leader\"
replicas = 4
";

fn scenario(nemeses: &str) -> Scenario {
    let text = format!("{CLUSTER}{nemeses}");
    parse("test.toml", &text).unwrap_or_else(|errors| panic!("{errors}"))
}

fn only(scenario: &Scenario, seed: u64) -> Drawn {
    let mut drawn = draw(scenario, Seed(seed));
    assert_eq!(drawn.len(), 1);
    drawn.remove(0)
}

#[test]
fn a_seed_draws_the_same_faults_again_and_another_seed_others() {
    let scenario = scenario(
        "[[nemesis]]\nfaults = \"all\"\nrate_per_minute = 100\nlasts = { from = \"1ms\", to = \"2s\" }\nat_most = 3\n",
    );
    assert_eq!(only(&scenario, 1), only(&scenario, 1));
    let all: BTreeSet<String> = (0..50)
        .map(|seed| format!("{:?}", only(&scenario, seed).faults))
        .collect();
    assert_eq!(all.len(), 50);
}

/// 100 a minute for a minute: over 200 seeds the mean is within 2 of that (the standard error is 0.7).
#[test]
fn faults_come_at_the_rate_that_was_asked_for() {
    let scenario = scenario(
        "[[nemesis]]\nfaults = [\"pause\"]\nrate_per_minute = 100\nlasts = \"1ms\"\nat_most = 1000\n",
    );
    let count: usize = (0..200)
        .map(|seed| only(&scenario, seed).faults.len())
        .sum();
    let mean = count as f64 / 200.0;
    assert!((98.0..=102.0).contains(&mean), "{mean}");
}

#[test]
fn faults_keep_to_their_stretch_their_durations_and_their_number_at_a_time() {
    let scenario = scenario(
        "[[nemesis]]\nfaults = \"all\"\nstart = \"10s\"\nend = \"40s\"\nrate_per_minute = 600\n\
         lasts = { from = \"50ms\", to = \"3s\" }\nat_most = 2\n",
    );
    let (mut shortest, mut longest, mut most) = (Span::MAX, Span::ZERO, 0);
    for seed in 0..20 {
        let faults = only(&scenario, seed).faults;
        assert!(!faults.is_empty());
        for (index, timed) in faults.iter().enumerate() {
            let until = timed.until.expect("it ends long before the run");
            let lasts = until.saturating_sub(timed.at);
            (shortest, longest) = (shortest.min(lasts), longest.max(lasts));
            assert!(timed.at >= Span::from_secs(10) && timed.at < Span::from_secs(40));
            let holding = faults[..=index]
                .iter()
                .filter(|it| it.until > Some(timed.at));
            most = most.max(holding.count());
        }
    }
    assert!(shortest >= Span::from_millis(50) && longest <= Span::from_secs(3));
    // The whole range is used, and so is the room for two.
    assert!(shortest < Span::from_millis(60), "{shortest}");
    assert!(longest > Span::from_millis(2_500), "{longest}");
    assert_eq!(most, 2);
}

#[test]
fn what_holds_to_the_end_of_the_run_is_left_to_the_healing() {
    let scenario =
        scenario("[[nemesis]]\nfaults = [\"crash\"]\nrate_per_minute = 60\nlasts = \"2m\"\n");
    let faults = only(&scenario, 1).faults;
    assert_eq!(faults.len(), 1, "one at a time");
    assert_eq!(faults[0].until, None);
}

/// Each doubling is as likely as any other: of durations from 1 ms to 1,024 ms a tenth lies below 2 ms.
#[test]
fn durations_span_magnitudes() {
    let scenario = scenario(
        "[[nemesis]]\nfaults = [\"pause\"]\nrate_per_minute = 5000\n\
         lasts = { from = \"1ms\", to = \"1024ms\" }\nat_most = 1000\n",
    );
    let faults = only(&scenario, 7).faults;
    let lasts = faults
        .iter()
        .filter_map(|it| Some(it.until?.saturating_sub(it.at)));
    let lasts: Vec<Span> = lasts.collect();
    for doubling in 0..9_u64 {
        let from = Span::from_millis(1 << doubling);
        let to = Span::from_millis(2 << doubling);
        let share = lasts.iter().filter(|it| **it >= from && **it < to).count() as f64;
        let share = share / lasts.len() as f64;
        assert!((0.07..0.12).contains(&share), "{share} from {from} to {to}");
    }
}

#[test]
fn swarm_draws_which_kinds_are_on_and_the_rate_for_each_seed() {
    let scenario = scenario(
        "[[nemesis]]\nfaults = [\"crash\", \"pause\", \"cut\", \"loss\"]\nswarm = true\n\
         rate_per_minute = { from = 4, to = 400 }\nlasts = \"10ms\"\n",
    );
    let mut sets: BTreeMap<Vec<&str>, u32> = BTreeMap::new();
    let mut rates = BTreeSet::new();
    for seed in 0..400 {
        let drawn = only(&scenario, seed);
        let names: Vec<&str> = drawn.kinds.iter().map(|kind| kind.name).collect();
        for timed in &drawn.faults {
            assert!(
                names.contains(&timed.faults[0].name()),
                "{timed:?} of {names:?}"
            );
        }
        *sets.entry(names).or_default() += 1;
        rates.insert(drawn.per_minute);
    }
    assert_eq!(sets.len(), 15, "all subsets but the empty one: {sets:?}");
    assert!(rates.iter().all(|rate| (4..=400).contains(rate)));
    assert!(rates.len() > 100 && *rates.first().unwrap() < 8 && *rates.last().unwrap() > 300);
}

/// Every kind of fault can be drawn, and the world takes all that is drawn.
#[test]
fn every_kind_strikes_its_targets_only() {
    let two =
        "targets = [\"follower-1\", \"follower-3\"]\nrate_per_minute = 600\nlasts = \"10ms\"\n";
    for kind in all_kinds() {
        let text = format!("[[nemesis]]\nfaults = [\"{}\"]\n{two}", kind.name);
        let scenario = scenario(&text);
        let drawn = only(&scenario, 1);
        assert!(!drawn.faults.is_empty(), "{kind:?}");
        for timed in &drawn.faults {
            let fault: &Fault = &timed.faults[0];
            assert_eq!(fault.name(), kind.name);
            let nodes = fault.nodes();
            assert!(!nodes.is_empty() && nodes.iter().all(|id| [1, 3].contains(&id.0)));
        }
        let report = open("test", scenario, Seed(1), Keep::Digest).report();
        assert_eq!(report.faults.len(), drawn.faults.len(), "{kind:?}");
    }
}

#[test]
fn a_link_needs_two_ends() {
    let scenario = scenario(
        "[[nemesis]]\nfaults = [\"cut\", \"partition\"]\ntargets = [\"leader\"]\n\
         rate_per_minute = 600\nlasts = \"10ms\"\n",
    );
    assert_eq!(only(&scenario, 1).faults, []);
}

/// What is drawn is a plan like any other: written out, it gives the same run.
#[test]
fn a_run_with_its_nemesis_made_explicit_is_the_same_run() {
    let scenario = scenario(
        "[[load]]\nname = \"u\"\nkind = \"open\"\nrate_per_second = 5\nclients = 3\n\
         [[nemesis]]\nname = \"storm\"\nfaults = \"all\"\nrate_per_minute = 40\nlasts = { from = \"10ms\", to = \"3s\" }\n",
    );
    for seed in 1..=3 {
        let drawn = draw(&scenario, Seed(seed));
        let explicit = made_explicit(scenario.clone(), &drawn);
        assert!(explicit.nemeses.is_empty() && !explicit.faults.is_empty());
        let digest = |scenario: Scenario| {
            let mut session = open("test", scenario, Seed(seed), Keep::Digest);
            session.run_to_end();
            Session::digest(&*session)
        };
        assert_eq!(digest(scenario.clone()), digest(explicit));
    }
}

/// Whoever adds a fault to the world's catalog adds it here too, or says why not.
#[test]
fn nemeses_know_every_fault_of_the_catalog() {
    let known: BTreeSet<&str> = all_kinds().map(|kind| kind.name).collect();
    let faults = seedbed_sim::fault::CATALOG.iter().map(|about| about.name);
    let missing: Vec<&str> = faults.filter(|name| !known.contains(name)).collect();
    assert_eq!(missing, [""; 0]);
    assert!(all_kinds().all(|kind| !kind.draws.is_empty()));
}
