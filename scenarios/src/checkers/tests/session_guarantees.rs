//! Hand-made histories: legal ones that must pass, illegal ones that must be caught at the right operation.

use super::judge;
use crate::checkers::{Judgement, Ladder, News};
use crate::history::sketch::{Sketch, write};
use crate::history::{Function, History, OperationId};

const ALICE: u32 = 0;
const BOB: u32 = 1;
const READ_YOUR_WRITES: &str = "read-your-writes-in-real-time";
const MONOTONIC_READS: &str = "monotonic-reads-in-real-time";

fn assert_holds(check: &str, history: &History) {
    assert_eq!(judge(check, history).0.judgement, Judgement::Holds);
}

/// Violated exactly once, by these operations, of which the last is the culprit.
fn assert_falls(check: &str, history: &History, operations: &[OperationId]) {
    let (verdict, found) = judge(check, history);
    assert_eq!(verdict.holds(), Some(false), "{check} should fall");
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].witness.operations, operations);
    assert_eq!(verdict.witness(), Some(&found[0].witness));
    assert_eq!(found[0].witness.events.len(), 2 * operations.len());
}

#[test]
fn reading_nothing_after_ones_own_acknowledged_write_breaks_read_your_writes() {
    let mut s = Sketch::new();
    s.reads(ALICE, None);
    let own = s.does(ALICE, write("a"));
    s.reads(BOB, None);
    let culprit = s.reads(ALICE, None);
    assert_falls(READ_YOUR_WRITES, &s.history, &[own, culprit]);
    assert_holds(MONOTONIC_READS, &s.history);
}

#[test]
fn reading_an_older_value_of_anybody_breaks_read_your_writes() {
    for older_writer in [ALICE, BOB] {
        let mut s = Sketch::new();
        let older = s.does(older_writer, write("old"));
        let own = s.does(ALICE, write("new"));
        let culprit = s.reads(ALICE, Some("old"));
        assert_falls(READ_YOUR_WRITES, &s.history, &[older, own, culprit]);
    }
}

#[test]
fn a_value_back_after_ones_own_delete_breaks_read_your_writes() {
    let mut s = Sketch::new();
    let older = s.does(BOB, write("old"));
    let own = s.does(ALICE, Function::Delete);
    let culprit = s.reads(ALICE, Some("old"));
    assert_falls(READ_YOUR_WRITES, &s.history, &[older, own, culprit]);
}

#[test]
fn newer_and_concurrent_values_of_others_keep_read_your_writes() {
    let mut s = Sketch::new();
    let concurrent = s.begin(BOB, write("b"));
    s.does(ALICE, write("a"));
    s.ok(concurrent);
    s.reads(ALICE, Some("b"));
    s.reads(ALICE, Some("a"));
    s.does(BOB, write("c"));
    s.reads(ALICE, Some("c"));
    assert_holds(READ_YOUR_WRITES, &s.history);
}

#[test]
fn a_write_that_nobody_acknowledged_promises_nothing() {
    let mut s = Sketch::new();
    let unknown = s.begin(ALICE, write("a"));
    s.info(unknown);
    let failed = s.begin(ALICE, write("b"));
    s.fail(failed);
    let open = s.begin(ALICE, write("c"));
    s.reads(ALICE, None);
    s.ok(open);
    assert_holds(READ_YOUR_WRITES, &s.history);
}

#[test]
fn a_write_seen_before_it_was_acknowledged_is_as_old_as_its_first_reader_says() {
    let mut s = Sketch::new();
    let slow = s.begin(BOB, write("slow"));
    s.reads(BOB, Some("slow"));
    let own = s.does(ALICE, write("a"));
    s.ok(slow);
    let culprit = s.reads(ALICE, Some("slow"));
    assert_falls(READ_YOUR_WRITES, &s.history, &[slow, own, culprit]);
}

#[test]
fn any_delete_that_may_come_later_explains_a_missing_value() {
    for outcome in ["ok", "info", "open", "ok later"] {
        let mut s = Sketch::new();
        let delete = s.begin(BOB, Function::Delete);
        s.does(ALICE, write("a"));
        match outcome {
            "ok" => s.ok(delete),
            "info" => s.info(delete),
            _ => {}
        }
        s.reads(ALICE, Some("a"));
        s.reads(ALICE, None);
        if outcome == "ok later" {
            s.ok(delete);
        }
        assert_holds(READ_YOUR_WRITES, &s.history);
        assert_holds(MONOTONIC_READS, &s.history);
    }
}

#[test]
fn a_delete_that_was_over_before_explains_nothing() {
    let mut s = Sketch::new();
    s.does(BOB, Function::Delete);
    let own = s.does(ALICE, write("a"));
    let culprit = s.reads(ALICE, None);
    assert_falls(READ_YOUR_WRITES, &s.history, &[own, culprit]);
}

#[test]
fn when_the_only_delete_fails_the_violation_is_found_then() {
    let mut s = Sketch::new();
    let own = s.does(ALICE, write("a"));
    let shown = s.reads(ALICE, Some("a"));
    let delete = s.begin(BOB, Function::Delete);
    let culprit = s.reads(ALICE, None);
    assert_holds(READ_YOUR_WRITES, &s.history);
    let late = s.begin(BOB, Function::Delete);
    s.fail(delete);
    assert_falls(READ_YOUR_WRITES, &s.history, &[own, culprit]);
    assert_falls(MONOTONIC_READS, &s.history, &[own, shown, culprit]);
    s.ok(late);
    assert_falls(READ_YOUR_WRITES, &s.history, &[own, culprit]);
}

#[test]
fn a_delete_that_began_after_the_read_does_not_help_when_the_first_one_fails() {
    let mut s = Sketch::new();
    let own = s.does(ALICE, write("a"));
    let delete = s.begin(BOB, Function::Delete);
    let culprit = s.reads(ALICE, None);
    s.does(2, Function::Delete);
    assert_holds(READ_YOUR_WRITES, &s.history);
    s.fail(delete);
    assert_falls(READ_YOUR_WRITES, &s.history, &[own, culprit]);
}

#[test]
fn what_was_seen_and_then_not_breaks_monotonic_reads() {
    let mut s = Sketch::new();
    let write = s.does(BOB, write("a"));
    let first = s.reads(ALICE, Some("a"));
    let culprit = s.reads(ALICE, None);
    assert_falls(MONOTONIC_READS, &s.history, &[write, first, culprit]);
    assert_holds(READ_YOUR_WRITES, &s.history);
}

#[test]
fn an_older_value_after_a_newer_one_breaks_monotonic_reads() {
    let mut s = Sketch::new();
    let old = s.does(BOB, write("old"));
    let new = s.does(BOB, write("new"));
    let first = s.reads(ALICE, Some("new"));
    let culprit = s.reads(ALICE, Some("old"));
    assert_falls(MONOTONIC_READS, &s.history, &[old, new, first, culprit]);
}

#[test]
fn the_newest_value_seen_is_what_counts() {
    let mut s = Sketch::new();
    s.does(BOB, write("one"));
    let two = s.does(BOB, write("two"));
    let three = s.does(BOB, write("three"));
    s.reads(ALICE, Some("one"));
    let newest = s.reads(ALICE, Some("three"));
    let culprit = s.reads(ALICE, Some("two"));
    assert_falls(MONOTONIC_READS, &s.history, &[two, three, newest, culprit]);
}

#[test]
fn going_back_and_forth_between_concurrent_values_breaks_monotonic_reads() {
    let mut s = Sketch::new();
    let a = s.begin(BOB, write("a"));
    let b = s.begin(2, write("b"));
    s.ok(b);
    s.ok(a);
    let first = s.reads(ALICE, Some("a"));
    let other = s.reads(ALICE, Some("b"));
    assert_holds(MONOTONIC_READS, &s.history);
    let culprit = s.reads(ALICE, Some("a"));
    assert_falls(MONOTONIC_READS, &s.history, &[a, first, other, culprit]);
}

#[test]
fn a_value_that_was_deleted_does_not_come_back() {
    let mut s = Sketch::new();
    let a = s.does(BOB, write("a"));
    let first = s.reads(ALICE, Some("a"));
    let delete = s.begin(BOB, Function::Delete);
    let gone = s.reads(ALICE, None);
    assert_holds(MONOTONIC_READS, &s.history);
    let culprit = s.reads(ALICE, Some("a"));
    s.ok(delete);
    assert_falls(MONOTONIC_READS, &s.history, &[a, first, gone, culprit]);
}

#[test]
fn other_sessions_other_keys_and_forward_steps_keep_monotonic_reads() {
    let mut s = Sketch::new();
    s.does(BOB, write("a"));
    s.reads(ALICE, None);
    s.reads(ALICE, Some("a"));
    s.reads(BOB, None);
    let elsewhere = s.begin_at("y", ALICE, Function::Read);
    s.got(elsewhere, None);
    s.does(BOB, write("b"));
    s.reads(ALICE, Some("a"));
    s.reads(ALICE, Some("b"));
    assert_holds(MONOTONIC_READS, &s.history);
}

#[test]
fn reads_at_once_owe_each_other_nothing() {
    let mut s = Sketch::new();
    s.does(BOB, write("old"));
    let one = s.begin(ALICE, Function::Read);
    s.does(ALICE, write("new"));
    let other = s.begin(ALICE, Function::Read);
    s.got(other, Some("new"));
    s.got(one, Some("old"));
    assert_holds(MONOTONIC_READS, &s.history);
    assert_holds(READ_YOUR_WRITES, &s.history);
}

#[test]
fn histories_in_which_reads_do_not_name_writes_are_not_judged() {
    let mut repeated = Sketch::new();
    repeated.does(ALICE, write("a"));
    repeated.does(BOB, write("a"));
    repeated.reads(ALICE, None);
    let mut unexplained = Sketch::new();
    unexplained.reads(ALICE, Some("thin air"));
    for history in [&repeated.history, &unexplained.history] {
        for check in [READ_YOUR_WRITES, MONOTONIC_READS] {
            let verdict = judge(check, history).0;
            assert_eq!(verdict.holds(), None, "{verdict:?}");
        }
    }
}

#[test]
fn a_value_of_nobody_does_not_hide_a_violation() {
    let mut s = Sketch::new();
    s.reads(BOB, Some("thin air"));
    let own = s.does(ALICE, write("a"));
    let culprit = s.reads(ALICE, None);
    assert_falls(READ_YOUR_WRITES, &s.history, &[own, culprit]);
}

#[test]
fn a_forked_ladder_goes_its_own_way() {
    let mut s = Sketch::new();
    s.does(ALICE, write("a"));
    let mut ladder = Ladder::new();
    let mut found = Vec::new();
    ladder.observe(&s.history, &mut found);
    let (mut legal, mut forked) = (s.clone(), ladder.clone());
    legal.reads(ALICE, Some("a"));
    forked.observe(&legal.history, &mut found);
    assert_eq!(found, []);
    s.reads(ALICE, None);
    ladder.observe(&s.history, &mut found);
    assert_eq!(found.len(), 1);
    let News::Fell(anomaly) = &found[0] else {
        panic!("{found:?}");
    };
    assert_eq!(
        anomaly.place,
        s.history.completed(OperationId(1)).expect("it ended")
    );
    assert_eq!(forked.verdicts(&legal.history)[0].holds(), Some(true));
    assert_eq!(ladder.verdicts(&s.history)[0].holds(), Some(false));
}

#[test]
fn stories_say_who_saw_what_and_why_that_must_not_be() {
    let mut s = Sketch::new();
    s.does(BOB, write("Hello"));
    s.does(ALICE, write("Sounds good!"));
    s.reads(ALICE, Some("Hello"));
    s.reads(BOB, Some("Sounds good!"));
    s.reads(BOB, None);
    let mut told = String::new();
    for check in [READ_YOUR_WRITES, MONOTONIC_READS] {
        for anomaly in judge(check, &s.history).1 {
            let witness = anomaly.witness;
            told.push_str(&format!(
                "{}\n{}\n\n",
                witness.summary,
                witness.story.join("\n")
            ));
        }
    }
    insta::assert_snapshot!(told);
}
