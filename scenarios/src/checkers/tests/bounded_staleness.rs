//! Bounded staleness: its bounds, what it can't judge, and that it measures what the report measures.

use proptest::prelude::*;
use seedbed_sim::Span;

use super::{ask, at_any_time, on};
use crate::checkers::{Judgement, NullRead, Order, Setting, Terms, Verdict};
use crate::history::Function;
use crate::history::sketch::{Sketch, write};
use crate::measures::staleness;

const CHECK: &str = "bounded-staleness";

fn versions(most: u64) -> Terms {
    Terms {
        versions: Some(most),
        ..Terms::default()
    }
}

fn time(most: Span) -> Terms {
    Terms {
        time: Some(most),
        ..Terms::default()
    }
}

fn judged(sketch: &Sketch, terms: Terms) -> Verdict {
    ask(CHECK, &sketch.history, None, &on(terms))
}

/// Two versions and 3 ms behind.
fn stale() -> Sketch {
    let mut s = Sketch::new();
    for value in ["a", "b", "c"] {
        s.does(0, write(value));
    }
    s.reads(1, Some("a"));
    s
}

#[test]
fn a_read_further_behind_than_allowed_is_the_culprit() {
    let s = stale();
    assert_eq!(judged(&s, versions(2)).holds(), Some(true));
    assert_eq!(judged(&s, time(Span::from_millis(3))).holds(), Some(true));
    let fell = judged(&s, versions(1));
    let witness = fell.witness().expect("it falls");
    assert_eq!(
        witness.summary,
        "user u1 read x and got \"a\", not \"b\": 2 versions and 3 ms behind"
    );
    let named: Vec<u32> = witness.operations.iter().map(|id| id.0).collect();
    assert_eq!(named, [0, 1, 3]);
    assert_eq!(
        witness.story.last().expect("a story"),
        "The write of \"b\", the first of 2 that the read missed, had taken effect 3 ms before the read began; the \
         promise was at most 1 version: bounded-staleness falls."
    );
    assert_eq!(judged(&s, time(Span::from_millis(2))).holds(), Some(false));
}

#[test]
fn the_read_that_ended_first_is_told_and_all_are_counted() {
    let mut s = Sketch::new();
    for key in ["x", "y"] {
        for value in ["a", "b"] {
            let id = s.begin_at(key, 0, write(value));
            s.ok(id);
        }
    }
    for key in ["y", "x"] {
        let id = s.begin_at(key, 1, Function::Read);
        s.got(id, Some("a"));
    }
    let fell = judged(&s, versions(0));
    let Judgement::Violated { first, count } = &fell.judgement else {
        panic!("it falls: {fell:?}");
    };
    assert_eq!(*count, 2);
    assert!(first.summary.contains("read y"), "{}", first.summary);
}

#[test]
fn without_a_bound_without_real_time_or_without_reads_nobody_can_say() {
    let why = |sketch: &Sketch, setting: &Setting| match ask(CHECK, &sketch.history, None, setting)
        .judgement
    {
        Judgement::NotJudged(reason) => reason,
        other => panic!("not judged: {other:?}"),
    };
    let s = stale();
    assert_eq!(
        why(&s, &Setting::default()),
        "no bound was given; at worst, reads were 2 versions and 3 ms behind"
    );
    let session = Setting {
        order: Order::Session,
        ..on(versions(0))
    };
    assert!(why(&s, &session).contains("no real time"));
    let mut unread = Sketch::new();
    unread.does(0, write("a"));
    assert!(why(&unread, &on(versions(0))).contains("no read"));
    let mut twice = stale();
    twice.does(0, write("a"));
    assert!(why(&twice, &on(versions(0))).contains("twice"));
    let mut appends = stale();
    appends.does(0, Function::Append("d".into()));
    assert!(why(&appends, &on(versions(0))).contains("whole values"));
}

#[test]
fn the_initial_value_is_older_than_everything_and_a_kept_back_result_says_nothing() {
    let mut s = Sketch::new();
    s.does(0, write("a"));
    s.reads(1, Some("first"));
    let mut setting = on(versions(0));
    assert_eq!(ask(CHECK, &s.history, None, &setting).holds(), None);
    setting.initial = Some("first".into());
    assert_eq!(ask(CHECK, &s.history, None, &setting).holds(), Some(false));

    let mut s = Sketch::new();
    s.does(0, write("a"));
    s.reads(1, None);
    s.reads(1, Some("a"));
    setting = on(versions(0));
    assert_eq!(ask(CHECK, &s.history, None, &setting).holds(), Some(false));
    setting.null_read = NullRead::Any;
    assert_eq!(ask(CHECK, &s.history, None, &setting).holds(), Some(true));
}

proptest! {
    /// One piece of code measures; the checker must agree with what the report says of the worst read.
    #[test]
    fn the_bound_that_just_holds_is_what_was_measured(
        moves in prop::collection::vec((0..6_u32, 0..8_usize), 1..60)
    ) {
        let s = at_any_time(moves);
        let worst = staleness(&s.history).expect("values are unique");
        prop_assume!(worst.reads > 0);
        prop_assert_eq!(judged(&s, versions(worst.versions.max)).holds(), Some(true));
        let longest = Span::from_micros(worst.time_us.max);
        prop_assert_eq!(judged(&s, time(longest)).holds(), Some(true));
        if let Some(less) = worst.versions.max.checked_sub(1) {
            let fell = judged(&s, versions(less));
            prop_assert_eq!(fell.holds(), Some(false));
            let culprit = *fell.witness().expect("it falls").operations.last().expect("a culprit");
            prop_assert_eq!(&s.history.operation(culprit).function, &Function::Read);
        }
    }
}
