//! Conflicts about whole values.

use proptest::prelude::*;

use super::{alone, ask, holding, judged, list, operations, why};
use crate::checkers::{NullRead, Setting, Terms};
use crate::history::sketch::{Sketch, write};
use crate::history::{Completion, Function, History, Operation, OperationId, Source, Value};

const LOST: &str = "no-lost-update";
const DISCARDED: &str = "no-discarded-conflict";
const RESURRECTED: &str = "no-resurrected-delete";
const SIBLINGS: &str = "no-sibling-explosion";
const DIVERGENT: &str = "no-divergent-handler";

fn cas(expected: Option<&str>, new: &str) -> Function {
    Function::CompareAndSet {
        expected: expected.map(Value::from),
        new: new.into(),
    }
}

/// Two people open a page, and both save what they made of it.
fn two_editors() -> Sketch {
    let mut s = Sketch::new();
    s.does(0, write("draft"));
    s.reads(1, Some("draft"));
    s.reads(2, Some("draft"));
    s.does(1, write("draft, by anna"));
    s.does(2, write("draft, by ben"));
    s
}

#[test]
fn two_updates_from_one_version_lose_one() {
    let fell = alone(LOST, &two_editors());
    assert_eq!(operations(&fell), [0, 1, 2, 3, 4]);
    let witness = fell.witness().expect("it falls");
    assert_eq!(
        witness.summary,
        "user u1 and user u2 both updated x from the same version, and one update is lost"
    );
    let last = witness.story.last().expect("a story");
    assert!(
        last.starts_with("Both updates were made from the same version (the write of \"draft\")")
    );
}

#[test]
fn who_reads_again_before_writing_loses_nothing() {
    let mut s = Sketch::new();
    s.does(0, write("draft"));
    s.reads(1, Some("draft"));
    s.does(1, write("draft, by anna"));
    s.reads(2, Some("draft, by anna"));
    s.does(2, write("draft, by anna and ben"));
    assert_eq!(alone(LOST, &s).holds(), Some(true));
}

#[test]
fn an_update_from_a_stale_read_overwrites_what_was_never_seen() {
    let mut s = Sketch::new();
    s.does(0, write("old"));
    let blind = s.does(3, write("new"));
    s.reads(1, Some("old"));
    let by = s.does(1, write("old, changed"));
    let fell = alone(LOST, &s);
    assert_eq!(operations(&fell), [0, blind.0, 2, by.0]);
    let summary = &fell.witness().expect("it falls").summary;
    assert_eq!(
        summary,
        "user u1 overwrote user u3's update of x without having seen it"
    );
}

#[test]
fn what_was_refused_or_nobody_knows_of_is_no_lost_update() {
    for end in [Completion::Fail("no".into()), Completion::Info("?".into())] {
        let mut s = Sketch::new();
        s.does(0, write("draft"));
        s.reads(1, Some("draft"));
        s.reads(2, Some("draft"));
        s.does(1, write("a"));
        let id = s.begin(2, write("b"));
        s.complete(id, end);
        assert_eq!(alone(LOST, &s).holds(), Some(true));
    }
}

#[test]
fn a_second_write_without_a_read_and_a_read_under_way_are_no_bases() {
    let mut s = Sketch::new();
    s.does(0, write("draft"));
    s.reads(1, Some("draft"));
    s.does(1, write("a"));
    s.does(1, write("b"));
    let open = s.begin(2, Function::Read);
    s.does(2, write("c"));
    s.got(open, Some("draft"));
    assert_eq!(alone(LOST, &s).holds(), Some(true));
}

#[test]
fn two_compare_and_sets_of_one_value_can_not_both_succeed() {
    let mut s = Sketch::new();
    s.does(0, write("a"));
    let one = s.begin(1, cas(Some("a"), "b"));
    let two = s.begin(2, cas(Some("a"), "c"));
    s.ok(one);
    let mut refused = s.clone();
    s.ok(two);
    assert_eq!(operations(&alone(LOST, &s)), [0, 1, 2]);
    refused.fail(two);
    assert_eq!(alone(LOST, &refused).holds(), Some(true));
    // From nothing, too.
    let mut s = Sketch::new();
    s.does(1, cas(None, "b"));
    s.does(2, cas(None, "c"));
    assert_eq!(operations(&alone(LOST, &s)), [0, 1]);
}

#[test]
fn both_that_are_kept_as_siblings_are_not_lost() {
    let s = two_editors();
    let both = list(&["draft, by anna", "draft, by ben"]);
    assert_eq!(judged(LOST, &s, &[Some(both)]).holds(), Some(true));
    assert_eq!(
        judged(LOST, &s, &[Some("draft, by ben".into())]).holds(),
        Some(false)
    );
}

#[test]
fn histories_without_read_modify_writes_are_not_judged() {
    let mut s = Sketch::new();
    s.does(0, write("a"));
    assert_eq!(
        why(&alone(LOST, &s)),
        "nobody wrote what they had read before"
    );
    s.does(0, write("a"));
    assert!(why(&alone(LOST, &s)).contains("twice"));
    assert_eq!(why(&alone(LOST, &Sketch::new())), "nothing happened");
    let mut queue = Sketch::new();
    queue.does(0, Function::Enqueue("a".into()));
    assert!(why(&alone(LOST, &queue)).contains("do not show"));
}

#[test]
fn a_kept_back_result_is_no_base() {
    let mut s = Sketch::new();
    for session in [1, 2] {
        s.reads(session, None);
    }
    s.does(1, write("a"));
    s.does(2, write("b"));
    assert_eq!(alone(LOST, &s).holds(), Some(false));
    let setting = Setting {
        null_read: NullRead::Any,
        ..Setting::default()
    };
    assert_eq!(ask(LOST, &s.history, None, &setting).holds(), None);
}

/// Two writes at once, both acknowledged.
fn at_once() -> (Sketch, OperationId, OperationId) {
    let mut s = Sketch::new();
    let (a, b) = (s.begin(1, write("a")), s.begin(2, write("b")));
    s.ok(a);
    s.ok(b);
    (s, a, b)
}

#[test]
fn of_two_writes_at_once_the_one_that_nobody_ever_sees_was_discarded() {
    let (s, a, b) = at_once();
    let fell = judged(DISCARDED, &s, &[Some("b".into())]);
    assert_eq!(operations(&fell), [a.0, b.0]);
    assert_eq!(
        fell.witness().expect("it falls").summary,
        "user u1's acknowledged write to x is gone without a trace: user u2's, made at once, was kept"
    );
    let other = judged(DISCARDED, &s, &[Some("a".into())]);
    assert!(
        other
            .witness()
            .expect("it falls")
            .summary
            .starts_with("user u2's")
    );
}

#[test]
fn what_somebody_saw_what_is_kept_beside_and_what_came_first_was_not_discarded() {
    let (mut s, ..) = at_once();
    let both = list(&["a", "b"]);
    assert_eq!(judged(DISCARDED, &s, &[Some(both)]).holds(), Some(true));
    s.reads(3, Some("a"));
    assert_eq!(
        judged(DISCARDED, &s, &[Some("b".into())]).holds(),
        Some(true)
    );
    let mut one_by_one = Sketch::new();
    one_by_one.does(1, write("a"));
    one_by_one.does(2, write("b"));
    assert_eq!(
        judged(DISCARDED, &one_by_one, &[Some("b".into())]).holds(),
        Some(true)
    );
}

#[test]
fn a_third_write_hides_whether_a_conflict_was_discarded_and_a_read_may_show_it() {
    let (mut s, ..) = at_once();
    let mut hidden = s.clone();
    hidden.does(3, write("c"));
    assert_eq!(
        judged(DISCARDED, &hidden, &[Some("c".into())]).holds(),
        Some(true)
    );
    let read = s.reads(3, Some("b"));
    s.does(3, write("c"));
    let fell = judged(DISCARDED, &s, &[Some("c".into())]);
    assert_eq!(operations(&fell).last(), Some(&read.0));
}

#[test]
fn without_contents_nothing_is_discarded_resurrected_or_divergent() {
    let (s, ..) = at_once();
    for check in [DISCARDED, RESURRECTED, DIVERGENT] {
        assert!(why(&alone(check, &s)).contains("nobody looked"), "{check}");
    }
}

#[test]
fn what_was_deleted_and_is_held_in_the_end_was_resurrected() {
    let mut s = Sketch::new();
    let write_a = s.does(0, write("a"));
    let delete = s.does(1, Function::Delete);
    let gone = s.reads(2, None);
    let fell = judged(RESURRECTED, &s, &[None, Some("a".into())]);
    assert_eq!(operations(&fell), [write_a.0, gone.0, delete.0]);
    assert_eq!(
        fell.witness().expect("it falls").summary,
        "r2 holds \"a\" of x again, which user u1 had deleted"
    );
    assert_eq!(judged(RESURRECTED, &s, &[None, None]).holds(), Some(true));
    s.does(0, write("b"));
    assert_eq!(
        judged(RESURRECTED, &s, &[Some("b".into())]).holds(),
        Some(true)
    );
}

#[test]
fn a_delete_at_once_with_the_write_or_refused_resurrects_nothing() {
    let mut s = Sketch::new();
    let a = s.begin(0, write("a"));
    s.does(1, Function::Delete);
    s.ok(a);
    assert_eq!(
        judged(RESURRECTED, &s, &[Some("a".into())]).holds(),
        Some(true)
    );
    let mut s = Sketch::new();
    s.does(0, write("a"));
    let refused = s.begin(1, Function::Delete);
    s.fail(refused);
    assert_eq!(
        why(&judged(RESURRECTED, &s, &[Some("a".into())])),
        "nothing was deleted"
    );
}

#[test]
fn siblings_beyond_the_bound_explode() {
    let mut s = Sketch::new();
    for value in ["a", "b", "c"] {
        s.does(0, write(value));
    }
    let id = s.begin(1, Function::Read);
    s.complete(id, Completion::Ok(Some(list(&["a", "b", "c"]))));
    let bound = |most| Setting {
        terms: Terms {
            siblings: Some(most),
            ..Terms::default()
        },
        ..Setting::default()
    };
    let fell = ask(SIBLINGS, &s.history, None, &bound(2));
    assert_eq!(operations(&fell), [0, 1, 2, 3]);
    assert_eq!(
        fell.witness().expect("it falls").summary,
        "user u1 reads x and gets 3 siblings"
    );
    assert_eq!(
        ask(SIBLINGS, &s.history, None, &bound(3)).holds(),
        Some(true)
    );
    assert_eq!(alone(SIBLINGS, &s).holds(), Some(true));
    // A list that somebody wrote as a whole is one value.
    let mut s = Sketch::new();
    s.does(0, Function::Write(list(&["a", "b", "c"])));
    let id = s.begin(1, Function::Read);
    s.complete(id, Completion::Ok(Some(list(&["a", "b", "c"]))));
    assert_eq!(
        ask(SIBLINGS, &s.history, None, &bound(2)).holds(),
        Some(true)
    );
    let mut unread = Sketch::new();
    unread.does(0, write("a"));
    assert!(why(&alone(SIBLINGS, &unread)).contains("nobody looked"));
}

#[test]
fn replicas_that_decide_a_conflict_differently_have_a_divergent_handler() {
    let (s, a, b) = at_once();
    let fell = judged(DIVERGENT, &s, &[Some("a".into()), Some("b".into())]);
    assert_eq!(operations(&fell), [a.0, b.0]);
    let merged = |text: &str| Some(Value::from(text));
    assert_eq!(
        judged(DIVERGENT, &s, &[merged("a+b"), merged("b+a")]).holds(),
        Some(false)
    );
    assert_eq!(
        judged(DIVERGENT, &s, &[merged("a+b"), merged("a+b")]).holds(),
        Some(true)
    );
}

#[test]
fn a_replica_that_is_behind_has_no_divergent_handler() {
    let (mut s, ..) = at_once();
    s.does(3, write("c"));
    let held = [Some("a".into()), Some("c".into())];
    assert_eq!(judged(DIVERGENT, &s, &held).holds(), Some(true));
    let mut calm = Sketch::new();
    calm.does(0, write("a"));
    calm.does(0, write("b"));
    assert!(why(&judged(DIVERGENT, &calm, &held)).contains("at once"));
}

/// A random history of one key: sessions read and write; a read shows any value that was written before, or nothing.
fn random(moves: &[(u8, u8, u8)]) -> Sketch {
    let mut s = Sketch::new();
    let (mut open, mut written): (Vec<OperationId>, Vec<String>) = (Vec::new(), Vec::new());
    for &(what, session, which) in moves {
        let session = u32::from(session) % 3;
        let is_busy = open
            .iter()
            .any(|id| s.history.operation(*id).session.0 == session);
        match what % 8 {
            0 | 1 if !is_busy => open.push(s.begin(session, Function::Read)),
            2 | 3 if !is_busy => {
                let value = format!("v{}", written.len());
                open.push(s.begin(session, write(&value)));
                written.push(value);
            }
            4 if !is_busy => open.push(s.begin(session, Function::Delete)),
            _ if open.is_empty() => {}
            end => {
                let id = open.remove(usize::from(which) % open.len());
                if s.history.operation(id).function == Function::Read {
                    let value = written.get(usize::from(which) % (written.len() + 1));
                    s.got(id, value.map(String::as_str));
                } else if end == 7 && which % 3 == 0 {
                    s.info(id);
                } else {
                    s.ok(id);
                }
            }
        }
    }
    s
}

fn moves(most: usize) -> impl Strategy<Value = Vec<(u8, u8, u8)>> {
    prop::collection::vec(any::<(u8, u8, u8)>(), 1..most)
}

/// The read that an update was made from: the last operation of its session on the key, if that was a read that had
/// shown a value.
fn base(history: &History, update: &Operation) -> Option<OperationId> {
    let before = history.operations().filter(|o| o.id < update.id);
    let mut own: Vec<&Operation> = before.filter(|o| o.session == update.session).collect();
    let last = own.pop().filter(|o| o.function == Function::Read)?;
    match history.source(last.id) {
        Some(Source::Write(write))
            if history.completed(last.id) < Some(history.invoked(update.id)) =>
        {
            Some(write)
        }
        _ => None,
    }
}

/// Whether some order of the updates that extends "surely before" puts nothing acknowledged between any acknowledged
/// update and the write that it was made from.
fn some_order_loses_nothing(history: &History) -> bool {
    let mut updates: Vec<OperationId> = history
        .operations()
        .filter(|o| o.is_update() && !o.is_fail())
        .map(|o| o.id)
        .collect();
    fn extend(
        history: &History,
        order: &mut Vec<OperationId>,
        left: &mut Vec<OperationId>,
    ) -> bool {
        if left.is_empty() {
            return loses_nothing(history, order);
        }
        for index in 0..left.len() {
            let next = left[index];
            if left.iter().any(|other| history.surely_before(*other, next)) {
                continue;
            }
            left.remove(index);
            order.push(next);
            let found = extend(history, order, left);
            order.pop();
            left.insert(index, next);
            if found {
                return true;
            }
        }
        false
    }
    extend(history, &mut Vec::new(), &mut updates)
}

fn loses_nothing(history: &History, order: &[OperationId]) -> bool {
    order.iter().enumerate().all(|(at, update)| {
        let operation = history.operation(*update);
        let Some(base) = base(history, operation).filter(|_| operation.is_ok()) else {
            return true;
        };
        let Some(from) = order.iter().position(|it| *it == base) else {
            return true;
        };
        let between = order.get(from + 1..at).unwrap_or_default();
        !between.iter().any(|it| history.operation(*it).is_ok())
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whom the checker accuses no order of the updates acquits.
    #[test]
    fn a_lost_update_is_lost_in_every_legal_order(moves in moves(22)) {
        let s = random(&moves);
        let updates = s.history.operations().filter(|o| o.is_update()).count();
        let nothing_first = s.history.operations().any(|o| o.function == Function::Delete)
            || s.history.operations().all(|o| s.history.source(o.id) != Some(Source::Absent));
        prop_assume!(updates <= 6 && nothing_first);
        if alone(LOST, &s).holds() == Some(false) {
            prop_assert!(!some_order_loses_nothing(&s.history));
        }
    }

    /// The definition of a discarded conflict, word by word.
    #[test]
    fn discarded_conflicts_are_found_as_defined(moves in moves(40), end in 0..6_usize) {
        let s = random(&moves);
        let history = &s.history;
        let writes: Vec<&Operation> = history.operations().filter(|o| o.written().is_some()).collect();
        prop_assume!(!writes.is_empty());
        let held = writes.get(end).and_then(|o| o.written()).cloned();
        let verdict = judged(DISCARDED, &s, std::slice::from_ref(&held));
        let is_shown = |write: &Operation| {
            write.written() == held.as_ref()
                || history.operations().any(|r| history.source(r.id) == Some(Source::Write(write.id)))
        };
        let is_discarded = |lost: &Operation| writes.iter().any(|kept| {
            let at_once = !history.surely_before(lost.id, kept.id) && !history.surely_before(kept.id, lost.id);
            let both = history.completed(lost.id).max(history.completed(kept.id));
            let after = history.operations().any(|r| {
                history.source(r.id) == Some(Source::Write(kept.id)) && Some(history.invoked(r.id)) >= both
            });
            kept.id != lost.id && kept.is_ok() && at_once && (after || kept.written() == held.as_ref())
        });
        let lost = writes.iter().filter(|o| o.is_ok() && !is_shown(o) && is_discarded(o)).count();
        let found = match verdict.judgement {
            crate::checkers::Judgement::Violated { count, .. } => count as usize,
            _ => 0,
        };
        prop_assert_eq!(found, lost);
    }

    /// Who applies all updates at one moment each, in one order, resurrects nothing; and with the delete taken out of
    /// what it holds, it does.
    #[test]
    fn one_order_resurrects_nothing(deletes in prop::collection::vec(any::<bool>(), 1..12)) {
        let mut s = Sketch::new();
        let (mut held, mut before): (Option<String>, Option<String>) = (None, None);
        for (index, is_delete) in deletes.iter().enumerate() {
            let value = format!("v{index}");
            if *is_delete {
                s.does(0, Function::Delete);
                before = held.take().or(before);
            } else {
                s.does(0, write(&value));
                (held, before) = (Some(value), None);
            }
        }
        let sound = judged(RESURRECTED, &s, &[held.as_deref().map(Value::from)]);
        prop_assert_ne!(sound.holds(), Some(false));
        if let (None, Some(value)) = (&held, &before) {
            let state = holding(&[Some(value.as_str().into())]);
            let fell = ask(RESURRECTED, &s.history, Some(&state), &Setting::default());
            prop_assert_eq!(fell.holds(), Some(false));
        }
    }
}
