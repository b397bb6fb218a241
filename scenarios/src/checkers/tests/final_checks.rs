//! Durability and convergence.

use std::sync::Arc;

use seedbed_sim::Instant;

use crate::checkers::{FinalState, ReplicaContents, Verdict, judge_final};
use crate::history::sketch::{Sketch, write};
use crate::history::{Function, History};

const END: Instant = Instant::from_millis(60_000);

fn state(replicas: &[(&str, &[(&str, &str)])]) -> FinalState {
    let replicas = replicas.iter().map(|(name, contents)| ReplicaContents {
        name: Arc::from(*name),
        contents: contents
            .iter()
            .map(|(key, value)| (Arc::from(*key), (*value).into()))
            .collect(),
    });
    FinalState {
        unsettled: None,
        replicas: replicas.collect(),
        probes: None,
    }
}

fn judge(check: &str, history: &History, state: &FinalState) -> Verdict {
    judge_final(history, state, END)
        .into_iter()
        .find(|verdict| verdict.check == check)
        .expect("a final check")
}

fn durability(history: &History, contents: &[(&str, &str)]) -> Verdict {
    judge("durability", history, &state(&[("l1", contents)]))
}

#[test]
fn an_acknowledged_write_that_is_absent_or_older_in_the_end_was_lost() {
    let mut s = Sketch::new();
    let older = s.does(0, write("old"));
    let lost = s.does(1, write("new"));
    let absent = durability(&s.history, &[]);
    assert_eq!(absent.witness().expect("lost").operations, [lost]);
    let stale = durability(&s.history, &[("x", "old")]);
    assert_eq!(stale.witness().expect("lost").operations, [older, lost]);
    assert_eq!(stale.witness().expect("lost").at, END);
    assert_eq!(durability(&s.history, &[("x", "new")]).holds(), Some(true));
}

#[test]
fn an_acknowledged_delete_that_did_not_stay_was_lost() {
    let mut s = Sketch::new();
    s.does(0, write("a"));
    let delete = s.does(0, Function::Delete);
    let back = durability(&s.history, &[("x", "a")]);
    assert_eq!(back.witness().expect("lost").operations[1], delete);
    assert_eq!(durability(&s.history, &[]).holds(), Some(true));
}

#[test]
fn concurrent_and_unknown_updates_may_have_come_last() {
    let mut s = Sketch::new();
    let unknown = s.begin(1, write("unknown"));
    let open_delete = s.begin(2, Function::Delete);
    let concurrent = s.begin(3, write("concurrent"));
    s.does(0, write("a"));
    s.ok(concurrent);
    s.info(unknown);
    for value in ["unknown", "concurrent", "a"] {
        assert_eq!(
            durability(&s.history, &[("x", value)]).holds(),
            Some(true),
            "{value}"
        );
    }
    assert_eq!(durability(&s.history, &[]).holds(), Some(true));
    s.fail(open_delete);
    assert_eq!(durability(&s.history, &[]).holds(), Some(false));
}

#[test]
fn what_was_refused_or_written_by_nobody_is_a_phantom() {
    let mut s = Sketch::new();
    let refused = s.begin(0, write("refused"));
    s.fail(refused);
    let phantom = durability(&s.history, &[("x", "refused")]);
    assert_eq!(phantom.witness().expect("a phantom").operations, [refused]);
    for contents in [[("x", "thin air")], [("unused", "thin air")]] {
        let phantom = durability(&s.history, &contents);
        let witness = phantom.witness().expect("a phantom");
        assert!(
            witness.summary.contains("nobody wrote"),
            "{}",
            witness.summary
        );
    }
}

#[test]
fn every_replica_counts() {
    let mut s = Sketch::new();
    s.does(0, write("a"));
    let state = state(&[("l1", &[("x", "a")]), ("f1", &[]), ("f2", &[])]);
    let lost = judge("durability", &s.history, &state);
    let diverged = judge("convergence", &s.history, &state);
    assert_eq!(lost.holds(), Some(false));
    assert!(matches!(
        lost.judgement,
        crate::checkers::Judgement::Violated { count: 2, .. }
    ));
    insta::assert_snapshot!(format!(
        "{}\n\n{}",
        lost.witness().expect("lost").story.join("\n"),
        diverged.witness().expect("diverged").story.join("\n")
    ));
}

#[test]
fn replicas_that_hold_the_same_have_converged() {
    let s = Sketch::new();
    let same: &[(&str, &str)] = &[("x", "1"), ("y", "2")];
    let verdict = judge(
        "convergence",
        &s.history,
        &state(&[("a", same), ("b", same)]),
    );
    assert_eq!(verdict.holds(), Some(true));
    for other in [
        &[("x", "1"), ("y", "3")][..],
        &[("x", "1")],
        &[("x", "1"), ("y", "2"), ("z", "")],
    ] {
        let verdict = judge(
            "convergence",
            &s.history,
            &state(&[("a", same), ("b", other)]),
        );
        assert_eq!(verdict.holds(), Some(false), "{other:?}");
    }
}

#[test]
fn contents_are_not_judged_before_the_replicas_settle() {
    let s = Sketch::new();
    let mut unsettled = state(&[("a", &[]), ("b", &[("x", "1")])]);
    unsettled.unsettled = Some("still going on after 60 s".to_owned());
    for state in [&unsettled, &FinalState::default()] {
        for check in ["convergence", "durability"] {
            let verdict = judge(check, &s.history, state);
            assert_eq!(verdict.holds(), None, "{verdict:?}");
        }
    }
}
