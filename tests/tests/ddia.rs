//! The anomalies of DDIA chapter 5: who proves them, and what takes them away.

use seedbed_scenarios::history::{Completion, Function, Operation};
use seedbed_scenarios::report::{Report, VerdictReport};
use seedbed_scenarios::session::{Keep, Session};
use seedbed_tests::runs::{changed, open, open_text};

const SEEDS: std::ops::RangeInclusive<u64> = 1..=20;

fn verdict<'a>(report: &'a Report, check: &str) -> &'a VerdictReport {
    let mut verdicts = report.verdicts.iter();
    verdicts
        .find(|verdict| verdict.check == check)
        .expect("a verdict of each check")
}

/// The operations of a witness as `write Sounds good!` and `read nothing`, with the replicas that answered.
fn told(verdict: &VerdictReport) -> Vec<(String, &str)> {
    let operation = |one: &seedbed_scenarios::report::WitnessOperation| {
        let value = one.value.as_deref().unwrap_or("nothing");
        format!("{} {value}", one.f)
    };
    verdict
        .witness
        .iter()
        .map(|one| (operation(one), one.node.as_deref().unwrap_or("nobody")))
        .collect()
}

/// Figure 5-3: exactly two operations prove it, the user's write at the leader and their read at a follower.
#[test]
fn the_witness_of_figure_5_3_is_the_write_and_the_read() {
    for seed in SEEDS {
        let report = open("ddia/5-3", seed, Keep::Digest).report();
        let verdict = verdict(&report, "read-your-writes-in-real-time");
        assert_eq!(verdict.holds, Some(false));
        assert_eq!(verdict.violations, 1);
        let told = told(verdict);
        assert_eq!(told.len(), 2, "{told:?}");
        assert_eq!(told[0], ("write Sounds good!".to_owned(), "leader"));
        assert_eq!(told[1].0, "read nothing");
        assert!(told[1].1.starts_with("follower"), "{told:?}");
        let [write, read] = verdict.witness.as_slice() else {
            panic!("two operations")
        };
        assert_eq!((write.user.as_str(), read.user.as_str()), ("1234", "1234"));
        assert!(write.completed_ms.unwrap() <= read.invoked_ms);
    }
}

/// The events that a witness names are in the trace, and are the beginnings and ends of its operations.
#[test]
fn the_events_behind_a_witness_are_in_the_trace() {
    for name in ["ddia/5-3", "ddia/5-4"] {
        let mut run = open(name, 1, Keep::Everything);
        run.run_to_end();
        let report = run.report();
        let proven = report
            .verdicts
            .iter()
            .filter(|verdict| verdict.holds == Some(false));
        let events: Vec<u64> = proven
            .flat_map(|verdict| verdict.witness_events.iter().copied())
            .collect();
        assert!(!events.is_empty());
        for event in events {
            let line = run
                .trace()
                .find(|line| line.event.0 == event)
                .expect("it is in the trace");
            assert!(
                ["invoke", "reply"].contains(&line.kind.as_str()),
                "{line:?}"
            );
        }
    }
}

#[test]
fn reading_at_the_leader_takes_the_anomaly_of_figure_5_3_away() {
    let text = changed("ddia/5-3", "\"any-follower\"", "\"leader\"");
    for seed in SEEDS {
        let report = open_text(&text, seed).report();
        assert_eq!(
            verdict(&report, "read-your-writes-in-real-time").holds,
            Some(true)
        );
        // The file still expects the anomaly, so the command's exit code would be 1.
        assert!(!report.expectations_hold());
    }
}

/// Figure 5-4: the same user reads the comment at one follower, then finds nothing at the other.
#[test]
fn the_witness_of_figure_5_4_is_two_reads_of_one_user_at_two_followers() {
    for seed in SEEDS {
        let report = open("ddia/5-4", seed, Keep::Digest).report();
        let verdict = verdict(&report, "monotonic-reads-in-real-time");
        assert_eq!(verdict.holds, Some(false));
        let told = told(verdict);
        let last_two = &told[told.len() - 2..];
        assert_eq!(
            last_two,
            [
                ("read Sounds good!".to_owned(), "follower-1"),
                ("read nothing".to_owned(), "follower-2")
            ]
        );
        let users: Vec<&str> = verdict
            .witness
            .iter()
            .map(|one| one.user.as_str())
            .collect();
        assert_eq!(users[users.len() - 2..], ["2345", "2345"]);
    }
}

#[test]
fn reading_at_one_follower_takes_the_anomaly_of_figure_5_4_away() {
    let text = changed("ddia/5-4", "\"any-follower\"", "\"sticky-follower\"");
    for seed in SEEDS {
        let report = open_text(&text, seed).report();
        assert_eq!(
            verdict(&report, "monotonic-reads-in-real-time").holds,
            Some(true)
        );
        assert!(!report.expectations_hold());
    }
}

/// A quick follower closes the gap of figure 5-3: the anomaly is a matter of time, not of fate.
#[test]
fn followers_that_are_quicker_than_the_user_hide_the_anomaly() {
    let mut text = changed(
        "ddia/5-3",
        "low = \"100ms\", high = \"130ms\"",
        "low = \"10us\", high = \"20us\"",
    );
    let slow = "low = \"120ms\", high = \"150ms\"";
    assert_eq!(text.matches(slow).count(), 1);
    text = text.replace(slow, "low = \"10us\", high = \"20us\"");
    for seed in SEEDS {
        let report = open_text(&text, seed).report();
        assert_eq!(
            verdict(&report, "read-your-writes-in-real-time").holds,
            Some(true)
        );
    }
}

/// What the three reads of figure 5-2 return: new at the quick follower, old at the slow one, new there later.
#[test]
fn figure_5_2_shows_the_slow_follower_the_past() {
    for seed in SEEDS {
        let mut run: Box<dyn Session> = open("ddia/5-2", seed, Keep::Digest);
        run.run_to_end();
        let read = |operation: &Operation| match (&operation.function, &operation.completed) {
            (Function::Read, Some(completed)) => match &completed.completion {
                Completion::Ok(value) => Some((
                    completed.replica.as_deref()?.to_owned(),
                    value.as_ref()?.to_string(),
                )),
                _ => None,
            },
            _ => None,
        };
        let mut reads: Vec<(String, String)> = run.operations().iter().filter_map(read).collect();
        reads.sort();
        let expected = [
            ("follower-1", "me-new.jpg"),
            ("follower-2", "me-new.jpg"),
            ("follower-2", "me-old.jpg"),
        ];
        assert_eq!(
            reads,
            expected.map(|(replica, value)| (replica.to_owned(), value.to_owned())),
            "seed {seed}"
        );
    }
}
