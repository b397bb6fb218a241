//! Availability: outages, failures and recovery, each against its bound.

use seedbed_sim::{Instant, Span};

use super::{ask, why};
use crate::checkers::{Disturbance, Setting, Terms, Verdict};
use crate::history::sketch::{Sketch, write};

/// Events are a millisecond apart, from 10 ms on: served at 10 and 11 ms; refused from 12 to 15 ms, three times; served
/// from 18 ms on.
fn outage() -> Sketch {
    let mut s = Sketch::new();
    s.does(0, write("a"));
    for value in ["b", "c", "d"] {
        let id = s.begin(0, write(value));
        s.fail(id);
    }
    s.does(0, write("e"));
    s
}

fn fault(from: u64, to: Option<u64>) -> Disturbance {
    Disturbance {
        what: "crash leader".to_owned(),
        from: Instant::from_millis(from),
        to: to.map(Instant::from_millis),
    }
}

fn judged(s: &Sketch, terms: Terms, faults: &[Disturbance]) -> Verdict {
    let setting = Setting {
        terms,
        faults: faults.to_vec(),
        ..Setting::default()
    };
    ask("availability", &s.history, None, &setting)
}

fn longest(ms: u64) -> Terms {
    Terms {
        outage: Some(Span::from_millis(ms)),
        ..Terms::default()
    }
}

#[test]
fn an_outage_longer_than_the_bound_is_told_with_its_fault() {
    let s = outage();
    let crash = [fault(11, Some(17))];
    assert_eq!(judged(&s, longest(5), &crash).holds(), Some(true));
    let fell = judged(&s, longest(4), &crash);
    let witness = fell.witness().expect("it falls");
    assert_eq!(
        witness.summary,
        "nobody was served for 5 ms, with 3 operations tried"
    );
    assert!(
        witness.story[0].ends_with("fault, until 17.000 ms: crash leader"),
        "{:?}",
        witness.story
    );
    let numbers: Vec<u32> = witness.operations.iter().map(|id| id.0).collect();
    assert_eq!(numbers, [1, 2, 3]);
    assert_eq!(fell.label(), "availability (outage 4 ms)");
}

#[test]
fn failures_are_counted_while_a_fault_held() {
    let s = outage();
    let most = |failures| Terms {
        failures: Some(failures),
        ..Terms::default()
    };
    assert_eq!(judged(&s, most(3), &[]).holds(), Some(true));
    assert_eq!(judged(&s, most(2), &[]).holds(), Some(false));
    // The fault is over before the third begins.
    let short = [fault(11, Some(15))];
    assert_eq!(judged(&s, most(2), &short).holds(), Some(true));
    assert_eq!(judged(&s, most(1), &short).holds(), Some(false));
}

#[test]
fn after_the_time_to_recover_nothing_fails_any_more() {
    let s = outage();
    let within = |ms| Terms {
        recovery: Some(Span::from_millis(ms)),
        ..Terms::default()
    };
    let crash = [fault(11, Some(13))];
    assert_eq!(judged(&s, within(4), &crash).holds(), Some(true));
    let fell = judged(&s, within(3), &crash);
    let witness = fell.witness().expect("it falls");
    assert_eq!(
        witness.summary,
        "user u0 asked for x and was not served, 3 ms after the last fault was lifted"
    );
    // A fault that still holds, or that holds again, excuses it.
    assert_eq!(
        judged(&s, within(0), &[fault(11, None)]).holds(),
        Some(true)
    );
    let again = [fault(11, Some(13)), fault(15, Some(20))];
    assert_eq!(judged(&s, within(1), &again).holds(), Some(true));
    assert!(why(&judged(&s, within(1), &[])).contains("no fault"));
}

#[test]
fn without_a_bound_it_says_what_there_was() {
    let told = judged(&outage(), Terms::default(), &[]);
    assert_eq!(
        why(&told),
        "no bound was given; the longest outage took 5 ms, and 3 operations were not served"
    );
    let nobody = judged(&Sketch::new(), longest(1), &[]);
    assert_eq!(why(&nobody), "nobody asked for anything");
}
