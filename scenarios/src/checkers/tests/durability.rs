//! Durability: levels, objects that are added to, and looks while the run goes on. (Whole values in the end: beside
//! convergence, in `final_checks`.)

use proptest::prelude::*;

use super::{ask, at_any_time, holding, list, on, why};
use crate::checkers::{FinalState, Level, Order, Setting, Terms, Verdict};
use crate::history::sketch::{Sketch, write};
use crate::history::{Completion, Function, OperationId, Value};
use crate::measures::staleness;

fn judged(s: &Sketch, held: &[Option<Value>]) -> Verdict {
    ask(
        "durability",
        &s.history,
        Some(&holding(held)),
        &Setting::default(),
    )
}

fn at_level(s: &Sketch, held: &[Option<Value>], level: Level) -> Verdict {
    let terms = Terms {
        level: Some(level),
        ..Terms::default()
    };
    ask("durability", &s.history, Some(&holding(held)), &on(terms))
}

fn throughout(s: &Sketch) -> Verdict {
    ask(
        "durability-throughout",
        &s.history,
        None,
        &Setting::default(),
    )
}

fn culprit(verdict: &Verdict) -> OperationId {
    let witness = verdict.witness().expect("it falls");
    *witness.operations.last().expect("operations")
}

#[test]
fn the_level_says_how_many_replicas_may_lack_an_update() {
    let mut s = Sketch::new();
    s.does(0, write("a"));
    s.does(0, write("b"));
    let (old, new) = (Some(Value::from("a")), Some(Value::from("b")));
    let one = [old.clone(), old.clone(), new.clone()];
    let two = [old.clone(), new.clone(), new.clone()];
    let none = [old.clone(), old.clone(), old];
    for (held, level, holds) in [
        (&one, Level::Any, true),
        (&one, Level::Majority, false),
        (&two, Level::Majority, true),
        (&two, Level::All, false),
        (&none, Level::Any, false),
    ] {
        let verdict = at_level(&s, held, level);
        assert_eq!(verdict.holds(), Some(holds), "{level:?} {held:?}");
    }
    let fell = at_level(&s, &none, Level::Any);
    assert_eq!(fell.label(), "durability (level any)");
    let story = &fell.witness().expect("it falls").story;
    let promised = "It was promised to be on at least one replica, and too few have it.";
    assert!(story.iter().any(|line| line == promised), "{story:?}");
    // A phantom is one wherever it is.
    let phantom = [new.clone(), new, Some("nobody's".into())];
    assert_eq!(at_level(&s, &phantom, Level::Any).holds(), Some(false));
}

#[test]
fn siblings_hold_what_they_hold() {
    let mut s = Sketch::new();
    let (a, b) = (s.begin(1, write("a")), s.begin(2, write("b")));
    s.ok(a);
    s.ok(b);
    let unknown = s.begin(3, write("refused"));
    s.fail(unknown);
    assert_eq!(judged(&s, &[Some(list(&["a", "b"]))]).holds(), Some(true));
    assert_eq!(
        judged(&s, &[Some(list(&["a", "refused"]))]).holds(),
        Some(false)
    );
    assert_eq!(
        judged(&s, &[Some(list(&["a", "nobody's"]))]).holds(),
        Some(false)
    );
    let newer = s.does(1, write("c"));
    let fell = judged(&s, &[Some(list(&["a", "b"]))]);
    assert_eq!(culprit(&fell), newer);
    assert_eq!(judged(&s, &[Some(list(&["b", "c"]))]).holds(), Some(true));
}

#[test]
fn what_was_there_at_first_is_older_than_any_update() {
    let mut s = Sketch::new();
    let setting = Setting {
        initial: Some("first".into()),
        ..Setting::default()
    };
    let state = holding(&[Some("first".into())]);
    s.reads(1, Some("first"));
    let check = |s: &Sketch| ask("durability", &s.history, Some(&state), &setting);
    assert_eq!(check(&s).holds(), Some(true));
    let lost = s.does(0, write("a"));
    assert_eq!(culprit(&check(&s)), lost);
    assert_eq!(judged(&s, &[Some("first".into())]).holds(), Some(false));
}

#[test]
fn an_acknowledged_append_must_be_in_the_list_and_nothing_else() {
    let mut s = Sketch::new();
    s.does(0, Function::Append("a".into()));
    let lost = s.does(0, Function::Append("b".into()));
    let refused = s.begin(0, Function::Append("c".into()));
    s.fail(refused);
    assert_eq!(judged(&s, &[Some(list(&["a", "b"]))]).holds(), Some(true));
    assert_eq!(culprit(&judged(&s, &[Some(list(&["a"]))])), lost);
    assert_eq!(
        culprit(&judged(&s, &[Some(list(&["a", "b", "c"]))])),
        refused
    );
    assert_eq!(
        judged(&s, &[Some(list(&["a", "b", "d"]))]).holds(),
        Some(false)
    );
    assert_eq!(judged(&s, &[Some("ab".into())]).holds(), Some(true));
    assert!(why(&judged(&s, &[Some(Value::Int(3))])).contains("no list"));
}

#[test]
fn a_set_holds_what_was_inserted_last_and_not_what_was_removed_last() {
    let mut s = Sketch::new();
    let insert = s.does(0, Function::Insert("a".into()));
    let (there, gone) = ([Some(list(&["a"]))], [Some(list(&[]))]);
    assert_eq!(judged(&s, &there).holds(), Some(true));
    assert_eq!(culprit(&judged(&s, &gone)), insert);
    let remove = s.does(0, Function::Remove("a".into()));
    assert_eq!(judged(&s, &gone).holds(), Some(true));
    assert_eq!(culprit(&judged(&s, &there)), remove);
    // At once with a removal, either may have come last.
    let removal = s.begin(1, Function::Remove("a".into()));
    s.does(0, Function::Insert("a".into()));
    s.info(removal);
    assert_eq!(judged(&s, &gone).holds(), Some(true));
    assert_eq!(judged(&s, &there).holds(), Some(true));
}

#[test]
fn an_enqueued_element_is_there_or_was_handed_out_or_may_have_been() {
    let mut s = Sketch::new();
    s.does(0, Function::Enqueue("a".into()));
    let second = s.does(0, Function::Enqueue("b".into()));
    let first = s.begin(1, Function::Dequeue);
    s.complete(first, Completion::Ok(Some("a".into())));
    assert_eq!(judged(&s, &[Some(list(&["b"]))]).holds(), Some(true));
    assert_eq!(culprit(&judged(&s, &[None])), second);
    let unknown = s.begin(1, Function::Dequeue);
    s.info(unknown);
    assert_eq!(judged(&s, &[None]).holds(), Some(true));
}

#[test]
fn a_sum_is_what_was_acknowledged_and_some_of_what_may_have_happened() {
    let mut s = Sketch::new();
    s.does(0, Function::Add(5));
    s.does(0, Function::Add(-1));
    for amount in [2, -3] {
        let unknown = s.begin(0, Function::Add(amount));
        s.info(unknown);
    }
    for (held, holds) in [(0, false), (1, true), (4, true), (6, true), (7, false)] {
        let verdict = judged(&s, &[Some(Value::Int(held))]);
        assert_eq!(verdict.holds(), Some(holds), "{held}");
    }
}

#[test]
fn keys_that_mix_objects_are_not_judged_and_unsettled_replicas_neither() {
    let mut s = Sketch::new();
    s.does(0, write("a"));
    s.does(0, Function::Append("b".into()));
    assert!(why(&judged(&s, &[Some("ab".into())])).contains("mixes"));
    let unsettled = FinalState {
        unsettled: Some("f1 is down".to_owned()),
        ..holding(&[None])
    };
    let verdict = ask(
        "durability",
        &s.history,
        Some(&unsettled),
        &Setting::default(),
    );
    assert!(why(&verdict).contains("did not settle"));
    let verdict = ask("durability", &s.history, None, &Setting::default());
    assert!(why(&verdict).contains("nobody looked"));
}

#[test]
fn what_is_absent_for_a_while_and_comes_back_is_durable_but_not_throughout() {
    let mut s = Sketch::new();
    s.does(0, write("a"));
    let read = s.reads(1, None);
    s.reads(1, Some("a"));
    assert_eq!(judged(&s, &[Some("a".into())]).holds(), Some(true));
    let fell = throughout(&s);
    assert_eq!(culprit(&fell), read);
    assert_eq!(
        fell.witness().expect("it falls").summary,
        "user u1 read x and got nothing, without the write of \"a\""
    );
}

#[test]
fn a_refused_write_that_is_read_is_a_phantom_throughout() {
    let mut s = Sketch::new();
    let refused = s.begin(0, write("a"));
    s.fail(refused);
    let read = s.reads(1, Some("a"));
    let fell = throughout(&s);
    assert_eq!(culprit(&fell), read);
    assert!(
        fell.witness()
            .expect("it falls")
            .summary
            .contains("refused")
    );
}

#[test]
fn lists_and_sets_must_show_what_was_acknowledged_before_the_read_began() {
    let look = |s: &mut Sketch, elements: &[&str]| {
        let id = s.begin(1, Function::Read);
        s.complete(id, Completion::Ok(Some(list(elements))));
        id
    };
    let mut s = Sketch::new();
    s.does(0, Function::Append("a".into()));
    look(&mut s, &["a"]);
    let open = s.begin(0, Function::Append("b".into()));
    look(&mut s, &["a"]);
    s.ok(open);
    assert_eq!(throughout(&s).holds(), Some(true));
    let late = look(&mut s, &["a"]);
    look(&mut s, &["a", "b"]);
    assert_eq!(culprit(&throughout(&s)), late);

    let mut s = Sketch::new();
    s.does(0, Function::Insert("a".into()));
    let removal = s.begin(0, Function::Remove("a".into()));
    look(&mut s, &[]);
    s.fail(removal);
    let empty = look(&mut s, &[]);
    // A removal that failed explains nothing, not even what was read while it was under way.
    assert_eq!(throughout(&s).holds(), Some(false));
    assert!(culprit(&throughout(&s)) <= empty);
}

#[test]
fn without_real_time_or_reads_nobody_can_say() {
    let mut s = Sketch::new();
    s.does(0, write("a"));
    assert!(why(&throughout(&s)).contains("no read"));
    s.reads(1, None);
    let session = Setting {
        order: Order::Session,
        ..Setting::default()
    };
    let verdict = ask("durability-throughout", &s.history, None, &session);
    assert!(why(&verdict).contains("no real time"));
}

proptest! {
    /// Of whole values, it falls exactly where a read was stale, or returned what had been refused.
    #[test]
    fn throughout_is_no_version_behind(moves in prop::collection::vec((0..6_u32, 0..8_usize), 1..50)) {
        let s = at_any_time(moves);
        let measured = staleness(&s.history).expect("values are unique");
        prop_assume!(measured.reads > 0);
        prop_assert_eq!(throughout(&s).holds(), Some(measured.stale == 0));
    }
}
