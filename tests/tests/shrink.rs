//! A planted bug is found by searching seeds, shrunk to a few steps, and explained; what is left of it is a file that shows
//! it again.

use seedbed_protocols::replication::single_leader::Planted;
use seedbed_scenarios::file::model::Scenario;
use seedbed_scenarios::file::{self};
use seedbed_scenarios::report::Report;
use seedbed_scenarios::search::shrink::{Hands, Lab, OneByOne, ShrinkError, Shrunk, shrink};
use seedbed_scenarios::session::{Keep, Session, open_planted};
use seedbed_scenarios::sweep::{self, Outcome, Repeat};
use seedbed_sim::Seed;
use seedbed_tests::faulty::{self, Work};
use seedbed_tests::runs;

fn report(scenario: &Scenario, seed: u64, planted: Planted) -> Report {
    let mut run = open_planted("t", scenario.clone(), Seed(seed), Keep::Digest, planted);
    run.run_to_end();
    run.report()
}

fn falls(scenario: &Scenario, seed: u64, planted: Planted, check: &str) -> bool {
    let report = report(scenario, seed, planted);
    let mut verdicts = report.verdicts.iter();
    let verdict = verdicts.find(|verdict| verdict.check == check);
    verdict.expect("a verdict of each check").holds == Some(false)
}

/// The lowest of a thousand seeds at which a sweep finds that the check falls.
fn swept(scenario: &Scenario, planted: Planted, check: &str) -> Option<u64> {
    let open = |seed| open_planted("t", scenario.clone(), Seed(seed), Keep::Digest, planted);
    (0..1_000).find(|seed| {
        let line = sweep::run(*seed, &open, Repeat::Once).line;
        let mut verdicts = line.verdicts.iter();
        verdicts.any(|(name, outcome)| name == check && *outcome == Outcome::Violated)
    })
}

fn shrunk(
    scenario: &Scenario,
    seed: u64,
    planted: Planted,
    keep: Option<&str>,
) -> Result<Shrunk, ShrinkError> {
    let open = move |scenario: Scenario, seed: Seed, keep: Keep| -> Box<dyn Session> {
        open_planted("t", scenario, seed, keep, planted)
    };
    let lab = Lab::new(&open, &OneByOne);
    shrink("faulty.toml", scenario, Seed(seed), keep, &lab)
}

fn is_found_shrunk_and_explained(planted: Planted, check: &str) -> Shrunk {
    let scenario = faulty::cluster(Work::Usual);
    let seed = swept(&scenario, planted, check);
    let seed = seed.unwrap_or_else(|| panic!("no seed below 1,000 shows {planted:?}"));
    let small = shrunk(&scenario, seed, planted, Some(check)).expect("it falls");
    let text = small.to_toml();
    let scenario = file::parse("small.toml", &text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    assert_eq!(scenario, small.scenario, "{text}");
    assert!(small.before.operations > 1_000, "{:?}", small.before);
    let size = scenario.steps.len() + scenario.faults.len() + scenario.messages.len();
    assert!(size <= 10, "{text}");
    assert!(!small.reasons.is_empty(), "{text}");
    for seed in [seed, seed + 1, 77] {
        assert!(
            report(&scenario, seed, planted).expectations_hold(),
            "{text}"
        );
    }
    assert!(
        !falls(&scenario, seed, Planted::Nothing, check),
        "the bug is what it is about: {text}"
    );
    small
}

/// The scenario without one of its parts, for each of them, and what it was.
fn without_each_part(scenario: &Scenario) -> Vec<(String, Scenario)> {
    let mut all = Vec::new();
    macro_rules! without {
        ($($part:ident).+) => {
            for index in 0..scenario.$($part).+.len() {
                let mut without = scenario.clone();
                without.$($part).+.remove(index);
                all.push((format!("{} {index}", stringify!($($part).+)), without));
            }
        };
    }
    without!(steps);
    without!(faults);
    without!(messages);
    without!(network.rules);
    all
}

/// The file with another client, which works on a key of its own.
fn beside_a_stranger(text: &str) -> String {
    let mut text = text.to_owned();
    text.push_str("\n[[client]]\nname = \"stranger\"\n");
    for number in 0..2 {
        text.push_str(&format!(
            "\n[[step]]\nat = \"{}ms\"\nclient = \"stranger\"\ndo = \"put\"\nkey = \"other-{number}\"\nvalue = \"{number}\"\n",
            number * 2
        ));
    }
    text
}

fn nothing_can_go_and_nothing_disturbs_it(small: &Shrunk, planted: Planted) {
    let (text, check) = (small.to_toml(), small.check);
    for (part, without) in without_each_part(&small.scenario) {
        assert!(!falls(&without, 1, planted, check), "{part} can go\n{text}");
    }
    assert!(small.is_sturdy, "{text}");
    for seed in 0..10 {
        assert!(
            falls(&small.scenario, seed, planted, check),
            "{seed}\n{text}"
        );
    }
    let beside = runs::parse(&beside_a_stranger(&text));
    assert!(falls(&beside, 5, planted, check), "{text}");
}

#[test]
fn an_acknowledgement_before_the_sync() {
    let small = is_found_shrunk_and_explained(Planted::AckBeforeSync, "durability");
    nothing_can_go_and_nothing_disturbs_it(&small, Planted::AckBeforeSync);
    assert!(small.to_toml().contains("Without \"crash leader\""));
}

#[test]
fn a_follower_that_skips_an_entry_after_a_reconnect() {
    let planted = Planted::SkipEntryAfterReconnect;
    let small = is_found_shrunk_and_explained(planted, "convergence");
    nothing_can_go_and_nothing_disturbs_it(&small, planted);
}

#[test]
fn a_follower_that_answers_before_its_recovery_ends() {
    let planted = Planted::ServeBeforeReplay;
    let small = is_found_shrunk_and_explained(planted, "monotonic-reads-in-real-time");
    nothing_can_go_and_nothing_disturbs_it(&small, planted);
    assert!(small.to_toml().contains("Without \"crash follower"));
}

#[test]
fn a_stale_read_is_explained_by_the_change_that_was_still_in_flight() {
    let scenario = runs::scenario("lag/generated-load");
    let keep = Some("read-your-writes-in-real-time");
    let small = shrunk(&scenario, 1, Planted::Nothing, keep).expect("it falls");
    nothing_can_go_and_nothing_disturbs_it(&small, Planted::Nothing);
    let text = small.to_text();
    for said in [
        "append 1 from leader to follower",
        "was still in flight",
        "read at the leader",
    ] {
        assert!(text.contains(said), "{said}\n{text}\n{}", small.to_toml());
    }
    assert_eq!(small.scenario.steps.len(), 2, "{text}");
}

/// On this network all links are alike, and now and then a message is late or lost: no link as such makes a read stale.
const UNEVEN: &str = r#"
schema = 1
title = "Now and then something happens to a message"
duration = "400ms"

[cluster]
protocol = "single-leader"
replicas = 3
routing = "any-follower"

[network]
kind = "datagram"
NETWORK

[[load]]
name = "user"
kind = "closed"
clients = 2
think = "3ms"
keys = { count = 2 }
"#;

/// What is left of runs of some seeds in which somebody does not read their own write.
fn shrunk_stale_reads(network: &str) -> Vec<String> {
    let scenario = runs::parse(&UNEVEN.replace("NETWORK", network));
    let check = "read-your-writes-in-real-time";
    let keeps = |seed: &u64| falls(&scenario, *seed, Planted::Nothing, check);
    let mut texts = Vec::new();
    for seed in (0..200).filter(keeps).take(6) {
        let small = shrunk(&scenario, seed, Planted::Nothing, Some(check)).expect("it falls");
        let text = small.to_toml();
        assert!(small.scenario.steps.len() <= 3, "{text}");
        for (part, without) in without_each_part(&small.scenario) {
            let left = falls(&without, seed, Planted::Nothing, check);
            assert!(!left, "{part} can go\n{text}");
        }
        for seed in [seed, seed + 1, 1_000] {
            assert!(
                falls(&runs::parse(&text), seed, Planted::Nothing, check),
                "{text}"
            );
        }
        texts.push(text);
    }
    assert_eq!(texts.len(), 6, "few seeds show it");
    texts
}

#[test]
fn where_the_delay_of_some_message_matters_its_link_is_slow() {
    let delay = "delay = { distribution = \"mixture\", of = [\
                 { weight = 39, distribution = \"fixed\", value = \"1ms\" }, \
                 { weight = 1, distribution = \"fixed\", value = \"40ms\" }] }";
    for text in shrunk_stale_reads(delay) {
        assert!(text.contains("[[link]]"), "{text}");
        assert!(text.contains("was still in flight"), "{text}");
    }
}

#[test]
fn where_the_loss_of_some_message_matters_it_is_named_by_what_it_is() {
    for text in shrunk_stale_reads("loss_per_million = 40000") {
        assert!(text.contains("[[message]]\nfrom = \"leader\""), "{text}");
        assert!(text.contains("kind = \"append\"\n"), "{text}");
        assert!(text.contains("fate = \"lose\""), "{text}");
        assert!(text.contains("from leader to follower-"), "{text}");
    }
}

/// Tries candidates in another order, as several hands would.
struct LastFirst;

impl Hands for LastFirst {
    fn first(&self, count: usize, test: &(dyn Fn(usize) -> bool + Sync)) -> Option<usize> {
        (0..count).rev().filter(|index| test(*index)).min()
    }
}

#[test]
fn the_result_does_not_hang_on_who_runs_the_candidates() {
    let scenario = runs::scenario("lag/generated-load");
    let open = |scenario, seed, keep| open_planted("t", scenario, seed, keep, Planted::Nothing);
    let shrink = |hands: &dyn Hands| {
        let lab = Lab::new(&open, hands);
        let small = shrink("t", &scenario, Seed(2), None, &lab).expect("it falls");
        (small.to_toml(), small.to_json())
    };
    assert_eq!(shrink(&OneByOne), shrink(&LastFirst));
}

#[test]
fn what_falls_against_expectation_is_kept_before_what_was_expected() {
    let text = runs::changed(
        "lag/generated-load",
        "check = \"monotonic-reads-in-real-time\"\nverdict = \"violated\"",
        "check = \"monotonic-reads-in-real-time\"\nverdict = \"holds\"",
    );
    let small = shrunk(&runs::parse(&text), 1, Planted::Nothing, None).expect("it falls");
    assert_eq!(small.check, "monotonic-reads-in-real-time");
}

#[test]
fn what_holds_can_not_be_shrunk_and_what_is_no_check_not_be_kept() {
    let scenario = runs::scenario("lag/crash-catch-up");
    let refused = |keep| shrunk(&scenario, 1, Planted::Nothing, keep).expect_err("all holds");
    assert!(matches!(refused(None), ShrinkError::Holds(_)));
    assert!(matches!(refused(Some("durability")), ShrinkError::Holds(_)));
    let unknown = refused(Some("durablity")).to_string();
    assert!(unknown.contains("did you mean durability?"), "{unknown}");
}

/// Nobody says what is to go wrong: a nemesis draws it, and the same bugs are found.
#[test]
fn nemeses_find_planted_bugs_that_nobody_planned_for() {
    let nemesis = r#"
[[nemesis]]
faults = ["crash", "pause", "cut", "partition", "delay"]
rate_per_minute = { from = 60, to = 600 }
lasts = { from = "10ms", to = "500ms" }
at_most = 2
swarm = true
"#;
    let scenario = runs::parse(&format!("{}{nemesis}", faulty::before(Work::Usual)));
    for (planted, check) in [
        (Planted::AckBeforeSync, "durability"),
        (Planted::SkipEntryAfterReconnect, "convergence"),
        (Planted::ServeBeforeReplay, "monotonic-reads-in-real-time"),
    ] {
        let seed = swept(&scenario, planted, check);
        let seed = seed.unwrap_or_else(|| panic!("no seed below 1,000 shows {planted:?}"));
        let small = shrunk(&scenario, seed, planted, Some(check)).expect("it falls");
        assert!(
            small.scenario.nemeses.is_empty(),
            "what it drew is spelled out"
        );
        let size = small.scenario.steps.len() + small.scenario.faults.len();
        assert!(size <= 10, "{}", small.to_toml());
    }
}
