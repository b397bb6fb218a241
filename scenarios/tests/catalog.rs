//! The scenarios of the catalog come out as their files say, whatever the seed, and what they suggest to try works.

use std::collections::BTreeSet;

use seedbed_scenarios::catalog;
use seedbed_scenarios::file;
use seedbed_scenarios::report::Report;
use seedbed_scenarios::search::shrink::{Lab, OneByOne, shrink};
use seedbed_scenarios::session::{self, Keep, Session};
use seedbed_scenarios::trace::{TraceEvent, What};
use seedbed_sim::{Instant, Seed};

const SEEDS: std::ops::RangeInclusive<u64> = 1..=200;

fn run(text: &str, seed: u64) -> Report {
    let scenario = file::parse("catalog.toml", text).unwrap_or_else(|errors| panic!("{errors}"));
    session::open("catalog.toml", scenario, Seed(seed), Keep::Digest).report()
}

/// The whole run.
fn finished(text: &str, seed: u64) -> Box<dyn Session> {
    let scenario = file::parse("catalog.toml", text).unwrap_or_else(|errors| panic!("{errors}"));
    let mut session = session::open("catalog.toml", scenario, Seed(seed), Keep::Everything);
    session.run_to_end();
    session
}

fn text(name: &str) -> &'static str {
    catalog::find(name).expect("a scenario of the catalog").text
}

/// The scenario's file with one piece of it replaced.
fn changed(name: &str, old: &str, new: &str) -> String {
    let text = text(name);
    assert_eq!(text.matches(old).count(), 1, "{old:?} is in {name} once");
    text.replace(old, new)
}

fn holds(report: &Report, check: &str) -> Option<bool> {
    let mut verdicts = report.verdicts.iter();
    let verdict = verdicts.find(|verdict| verdict.check == check);
    verdict.expect("a verdict of each check").holds
}

fn meets_its_expectations(name: &str) {
    for seed in SEEDS {
        let report = run(text(name), seed);
        assert!(
            report.expectations_hold(),
            "seedbed run {name} --seed {seed}\n{}",
            report.to_text()
        );
        // Who asks a leader that is down, or a cluster in a storm, may never hear what became of it.
        let may_lose_answers = ["disk/", "nemesis/", "crash/"];
        let loses_answers = may_lose_answers.iter().any(|it| name.starts_with(it));
        assert!(
            loses_answers || report.operations.info == 0,
            "{name}, seed {seed}"
        );
    }
}

#[test]
fn a_quick_and_a_slow_follower_come_out_as_expected() {
    meets_its_expectations("ddia/5-2");
}

#[test]
fn reading_your_writes_comes_out_as_expected() {
    meets_its_expectations("ddia/5-3");
}

#[test]
fn a_lost_write_comes_out_as_expected() {
    meets_its_expectations("lag/lost-write");
}

#[test]
fn monotonic_reads_come_out_as_expected() {
    meets_its_expectations("ddia/5-4");
}

#[test]
fn two_fans_of_one_game_come_out_as_expected() {
    meets_its_expectations("ddia/9-1");
}

#[test]
fn a_lost_update_comes_out_as_expected() {
    meets_its_expectations("race/lost-update");
}

#[test]
fn a_cancelled_order_that_comes_back_comes_out_as_expected() {
    meets_its_expectations("disk/undone-delete");
}

#[test]
fn a_leader_that_is_down_comes_out_as_expected() {
    meets_its_expectations("crash/leader-down");
}

#[test]
fn both_edits_survive_if_the_second_is_made_from_the_first() {
    let late = changed("race/lost-update", "at = \"55ms\"", "at = \"115ms\"");
    for seed in 1..=20 {
        let report = run(&late, seed);
        assert_eq!(
            holds(&report, "no-lost-update"),
            Some(true),
            "{}",
            report.to_text()
        );
    }
}

#[test]
fn the_culprit_of_each_catalog_anomaly_is_named_and_its_story_ends_with_the_reason() {
    for (name, check, summary) in [
        (
            "ddia/5-3",
            "read-your-writes",
            "user 1234 read 55555 and got nothing, without \"Sounds good!\", which was their own",
        ),
        (
            "ddia/5-3",
            "read-your-writes-in-real-time",
            "user 1234 read 55555 and got nothing, not \"Sounds good!\" as they had left it",
        ),
        (
            "ddia/5-4",
            "monotonic-reads",
            "user 2345 read 55555 and got nothing, after \"Sounds good!\" was seen",
        ),
        (
            "ddia/9-1",
            "linearizable",
            "user bob read game and got \"1:0, in the 85th minute\" at ",
        ),
        (
            "disk/undone-delete",
            "monotonic-reads-in-real-time",
            "user support read order-17 and got \"two books\" again, after it was gone in between",
        ),
        (
            "ddia/9-1",
            "bounded-staleness (versions 0)",
            "user bob read game and got \"1:0, in the 85th minute\", not \"1:0, final\": 1 version and ",
        ),
        (
            "race/lost-update",
            "no-lost-update",
            "user anna and user ben both updated page from the same version, and one update is lost",
        ),
        (
            "disk/undone-delete",
            "no-resurrected-delete",
            "leader holds \"two books\" of order-17 again, which user 1234 had deleted",
        ),
        (
            "crash/leader-down",
            "availability (outage 200 ms)",
            "nobody was served for ",
        ),
    ] {
        let report = run(text(name), 1);
        let mut verdicts = report.verdicts.iter();
        let verdict = verdicts
            .find(|it| it.check == check)
            .expect("it was asked for");
        assert!(
            verdict.summary.starts_with(summary),
            "{name}: {}",
            verdict.summary
        );
        let last = verdict.story.last().expect("a story");
        assert!(last.ends_with("falls."), "{name}: {last}");
        assert!(!verdict.witness.is_empty(), "{name} names operations");
    }
}

#[test]
fn what_falls_in_the_catalog_says_what_would_have_been_legal() {
    for (name, check, legal) in [
        (
            "ddia/5-3",
            "read-your-writes",
            "could have returned \"Sounds good!\"",
        ),
        (
            "ddia/5-4",
            "monotonic-reads",
            "could have returned \"Sounds good!\"",
        ),
        (
            "ddia/9-1",
            "linearizable",
            "could have returned \"1:0, final\"",
        ),
        (
            "disk/undone-delete",
            "monotonic-reads-in-real-time",
            "could have returned nothing",
        ),
    ] {
        let report = run(text(name), 1);
        let verdict = report.verdicts.iter().find(|it| it.check == check);
        let story = verdict.expect("it is judged").story.join("\n");
        assert!(story.contains(legal), "{name}, {check}:\n{story}");
        let counted = {
            let scenario = file::parse("catalog.toml", text(name)).expect("it is sound");
            session::open("catalog.toml", scenario, Seed(1), Keep::Digest).outcome()
        };
        let outcome = |report: &Report| -> Vec<(String, Option<bool>, u64)> {
            let verdicts = report.verdicts.iter();
            let told = verdicts.map(|it| (it.check.clone(), it.holds, it.violations));
            told.collect()
        };
        assert_eq!(
            outcome(&counted),
            outcome(&report),
            "telling changes no verdict"
        );
    }
}

#[test]
fn a_guarantee_that_is_asked_for_falls_at_the_event_that_shows_it() {
    for (name, check) in [
        ("ddia/5-3", "read-your-writes"),
        ("ddia/5-4", "monotonic-reads"),
    ] {
        let scenario = file::parse("catalog.toml", text(name)).expect("it is sound");
        let mut session = session::open("catalog.toml", scenario, Seed(1), Keep::Everything);
        let found = |session: &dyn Session| {
            let findings = session.findings();
            findings.into_iter().find(|it| it.guarantee == check)
        };
        while found(session.as_ref()).is_none() {
            assert!(session.run_to_anomaly(), "{name}: {check} falls in the end");
        }
        let anomaly = found(session.as_ref()).expect("just looked");
        assert_eq!(anomaly.step, session.position(), "{name}");
        assert!(!session.is_over(), "{name}: it is found as it happens");
        session.run_to_end();
        let all = session.findings();
        let of_check = all.iter().filter(|it| it.guarantee == check).count();
        assert_eq!(of_check, 1, "{name}: it is told once");
    }
}

#[test]
fn an_exported_history_is_judged_as_the_run_was() {
    use seedbed_scenarios::check::{Asked, Case, Verdict, judge, model_of};
    use seedbed_scenarios::checkers::{self, Setting};
    use seedbed_scenarios::import::{Hints, read};
    for entry in catalog::CATALOG {
        let scenario = file::parse("catalog.toml", entry.text).expect("it is sound");
        let mut session = session::open("catalog.toml", scenario, Seed(1), Keep::Digest);
        session.run_to_end();
        let (history, report) = (session.history(), session.report());
        let lines: Vec<String> = std::iter::once(history.json_header())
            .chain(history.json_lines())
            .collect();
        let imported = read("h.jsonl", Hints::default(), lines.join("\n").as_bytes());
        let imported = imported.unwrap_or_else(|error| panic!("{}: {error}", entry.name));
        let setting = Setting {
            model: model_of(&imported.history),
            ..Setting::default()
        };
        let case = Case {
            file: "h.jsonl",
            imported: &imported,
            setting: &setting,
            finals: None,
        };
        let mut compared = 0;
        for verdict in &report.verdicts {
            // Terms and final contents do not stand in a history.
            let judge_of = checkers::find(&verdict.check).filter(|it| !it.sees_contents());
            let Some(judge_of) = judge_of else {
                continue;
            };
            let asked = Asked::find(judge_of.name).expect("it is in the catalog");
            let answer = judge(&case, asked).expect("registers are known");
            let holds = Some(answer.verdict() == Verdict::Holds);
            assert_eq!(holds, verdict.holds, "{}: {}", entry.name, verdict.check);
            compared += 1;
        }
        assert!(compared >= 2, "{}", entry.name);
    }
}

#[test]
fn a_run_is_shrunk_whatever_check_is_asked_for_and_on_whatever_terms() {
    let open = |scenario, seed, keep| session::open("catalog.toml", scenario, seed, keep);
    let shrunk = |name: &str, keep: &str| {
        let scenario = catalog::find(name).expect("it is in the catalog").load();
        let lab = Lab::new(&open, &OneByOne);
        shrink(name, &scenario, Seed(1), Some(keep), &lab)
    };
    for (name, keep, label) in [
        ("race/lost-update", "no-lost-update", "no-lost-update"),
        (
            "ddia/9-1",
            "bounded-staleness",
            "bounded-staleness (versions 0)",
        ),
    ] {
        let small = shrunk(name, keep).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(small.label(), label);
        assert!(small.after.operations < small.before.operations, "{name}");
        let again = run(&small.to_toml(), 77);
        assert!(again.expectations_hold(), "{}", again.to_text());
        let told: Vec<&str> = again
            .expectations
            .iter()
            .map(|it| it.expect.as_str())
            .collect();
        assert_eq!(told, [format!("{label} is violated")]);
    }
    let error = shrunk("ddia/9-1", "no-split-brain")
        .expect_err("it holds")
        .to_string();
    assert_eq!(
        error,
        "nothing to shrink: no-split-brain is not violated in this run"
    );
    let error = shrunk("ddia/9-1", "no-lost-updates")
        .expect_err("it is unknown")
        .to_string();
    assert!(error.ends_with("did you mean no-lost-update?"), "{error}");
}

#[test]
fn a_follower_that_catches_up_comes_out_as_expected() {
    meets_its_expectations("lag/crash-catch-up");
}

#[test]
fn generated_load_comes_out_as_expected() {
    meets_its_expectations("lag/generated-load");
}

#[test]
fn a_torn_tail_comes_out_as_expected() {
    meets_its_expectations("disk/torn-tail");
}

#[test]
fn a_failed_sync_comes_out_as_expected() {
    meets_its_expectations("disk/failed-sync");
}

#[test]
fn a_lying_disk_comes_out_as_expected() {
    meets_its_expectations("disk/lying-disk");
}

#[test]
fn a_storm_comes_out_as_expected() {
    meets_its_expectations("nemesis/storm");
}

#[test]
fn a_write_is_lost_only_if_the_disk_lies_and_the_leader_crashes() {
    let honest = changed(
        "lag/lost-write",
        "kind = \"lying-sync\"",
        "kind = \"slow-disk\"\npercent = 100",
    );
    let up = changed("lag/lost-write", "kind = \"crash\"", "kind = \"pause\"");
    for seed in 1..=20 {
        for text in [&honest, &up] {
            assert_eq!(holds(&run(text, seed), "durability"), Some(true), "{seed}");
        }
    }
}

#[test]
fn who_reads_at_the_leader_reads_their_own_writes() {
    let text = changed("ddia/5-3", "\"any-follower\"", "\"leader\"");
    for seed in SEEDS {
        assert_eq!(
            holds(&run(&text, seed), "read-your-writes-in-real-time"),
            Some(true)
        );
    }
}

#[test]
fn who_sticks_to_a_follower_never_goes_back_in_time() {
    let text = changed("ddia/5-4", "\"any-follower\"", "\"sticky-follower\"");
    for seed in SEEDS {
        assert_eq!(
            holds(&run(&text, seed), "monotonic-reads-in-real-time"),
            Some(true)
        );
    }
}

#[test]
fn routing_takes_the_anomalies_of_a_load_away_one_by_one() {
    let sticky = changed(
        "lag/generated-load",
        "\"any-follower\"",
        "\"sticky-follower\"",
    );
    let leader = changed("lag/generated-load", "\"any-follower\"", "\"leader\"");
    for seed in 1..=10 {
        let report = run(&sticky, seed);
        assert_eq!(
            holds(&report, "monotonic-reads-in-real-time"),
            Some(true),
            "seed {seed}"
        );
        assert_eq!(
            holds(&report, "read-your-writes-in-real-time"),
            Some(false),
            "seed {seed}"
        );
        let report = run(&leader, seed);
        assert_eq!(
            holds(&report, "monotonic-reads-in-real-time"),
            Some(true),
            "seed {seed}"
        );
        assert_eq!(
            holds(&report, "read-your-writes-in-real-time"),
            Some(true),
            "seed {seed}"
        );
    }
}

#[test]
fn a_follower_that_crashes_lags_by_its_outage_and_no_more() {
    let report = run(text("lag/crash-catch-up"), 1);
    let lag = |name: &str| {
        let mut followers = report.lag.iter();
        let lag = followers.find(|lag| lag.node == name);
        lag.expect("both followers are there").ms_max
    };
    // It is down from 500 ms to 1,200 ms.
    assert!((600.0..800.0).contains(&lag("follower-1")), "{report:?}");
    assert!(lag("follower-2") < 50.0, "{report:?}");
}

#[test]
fn writes_stop_while_the_leader_is_down() {
    let text = changed(
        "lag/crash-catch-up",
        "node = \"follower-1\"",
        "node = \"leader\"",
    );
    let report = run(&text, 1);
    assert!(report.operations.info > 0, "{report:?}");
    assert_eq!(holds(&report, "durability"), Some(true));
    assert_eq!(holds(&report, "convergence"), Some(true));
}

/// A replica whose log has rotted refuses to serve, and no healing brings it back: what it holds is not judged, and the
/// cluster is not called alive.
#[test]
fn a_replica_that_never_comes_back_is_the_end_of_liveness() {
    let rot = "\n[[fault]]\nat = \"450ms\"\nkind = \"bit-rot\"\nnode = \"follower-1\"\nbits = 64\n";
    let report = run(&format!("{}{rot}", text("lag/crash-catch-up")), 1);
    assert_eq!(holds(&report, "liveness"), Some(false), "{report:?}");
    assert_eq!(holds(&report, "convergence"), None);
    let mut verdicts = report.verdicts.iter();
    let liveness = verdicts
        .find(|verdict| verdict.check == "liveness")
        .unwrap();
    assert!(
        liveness.summary.contains("follower-1 is not up"),
        "{liveness:?}"
    );
}

#[test]
fn the_leader_answers_though_a_follower_is_down() {
    let crash = "\n[[fault]]\nat = \"200ms\"\nkind = \"crash\"\nnode = \"follower-1\"\n";
    // The reader at follower 1 gets no answer, for which it would wait past the end of the run.
    let report = run(&format!("{}{crash}", text("ddia/5-2")), 1);
    assert_eq!(report.operations.ok, 4, "{report:?}");
    assert_eq!(holds(&report, "convergence"), Some(true));
}

/// How many of the leader's two restarts find a torn tail, over some seeds.
fn torn_tails(text: &str) -> usize {
    let is_torn = |event: &TraceEvent| event.about == "dropped-torn-tail";
    let torn = |seed| finished(text, seed).events().filter(is_torn).count();
    (1..=10).map(torn).sum()
}

#[test]
fn a_tail_is_torn_where_crashes_tear_and_only_there() {
    let tears = text("disk/torn-tail");
    let count = torn_tails(tears);
    assert!((5..=20).contains(&count), "{count} of 20 restarts");
    let keeps = changed("disk/torn-tail", "\"torn-garbage\"", "\"keep\"");
    assert_eq!(torn_tails(&keeps), 0);
}

#[test]
fn a_single_replica_on_an_honest_disk_loses_nothing() {
    let text = changed("disk/lying-disk", "disk = { syncs = \"lying\" }", "");
    for seed in 1..=20 {
        assert_eq!(holds(&run(&text, seed), "durability"), Some(true), "{seed}");
    }
}

#[test]
fn a_leader_whose_disk_lied_finds_followers_ahead_of_it_and_stops() {
    let text = changed("disk/failed-sync", "\"sync-error\"", "\"lying-sync\"");
    let text = text.replace("count = 1\n", "");
    for seed in 1..=10 {
        let session = finished(&text, seed);
        let is_halt = |event: &TraceEvent| matches!(event.what, What::Halt { .. });
        let halts: Vec<TraceEvent> = session.events().filter(is_halt).collect();
        let after_crash = halts
            .first()
            .map(|halt| halt.at >= Instant::from_millis(1_600));
        assert_eq!(after_crash, Some(true), "seed {seed}: {halts:?}");
        // Nobody can read what it holds, so nobody says that nothing was lost.
        assert_eq!(holds(&session.report(), "durability"), None, "seed {seed}");
    }
}

#[test]
fn other_seeds_give_other_runs() {
    let digests: BTreeSet<String> = (1..=11)
        .map(|seed| run(text("lag/generated-load"), seed).digest)
        .collect();
    assert_eq!(digests.len(), 11);
}

#[test]
fn every_anomaly_of_the_catalog_names_its_culprit() {
    let mut told = String::new();
    for entry in catalog::CATALOG {
        let session = finished(entry.text, 1);
        let history = session.history();
        let mut seen = BTreeSet::new();
        for finding in session.findings() {
            if !seen.insert(finding.guarantee.clone()) {
                continue;
            }
            told += &format!(
                "{}: {}: {}\n",
                entry.name, finding.guarantee, finding.summary
            );
            let Some(&culprit) = finding.operations.last() else {
                // Replicas differ, or nothing is answered any more: nobody did it.
                continue;
            };
            let culprit = history.operation(culprit);
            let began = culprit.invoked_at.to_string();
            let is_its =
                |line: &&String| line.trim().starts_with(&began) && line.contains(&*culprit.key);
            let line = finding.story.iter().rfind(is_its);
            let line = line.unwrap_or_else(|| panic!("{culprit:?} is not told of in {finding:?}"));
            told += &format!("  culprit: {}\n", line.trim());
            let why = &finding.story[finding.operations.len()..];
            assert!(!why.is_empty(), "{finding:?}");
        }
    }
    insta::assert_snapshot!("culprits", told);
}
