//! Conflicts about what is added to: lists, sets, counters and queues.

use proptest::prelude::*;

use super::{alone, judged, list, operations, why};
use crate::history::sketch::{Sketch, write};
use crate::history::{Completion, Function, OperationId, Value};

const LOST: &str = "no-lost-update";
const DUPLICATED: &str = "no-duplicated-effect";
const RESURRECTED: &str = "no-resurrected-delete";

fn append(value: &str) -> Function {
    Function::Append(value.into())
}

fn look(s: &mut Sketch, value: Value) -> OperationId {
    let id = s.begin(9, Function::Read);
    s.complete(id, Completion::Ok(Some(value)));
    id
}

fn take(s: &mut Sketch, value: Option<&str>) -> OperationId {
    let id = s.begin(8, Function::Dequeue);
    s.complete(id, Completion::Ok(value.map(Value::from)));
    id
}

#[test]
fn an_append_that_a_concurrent_one_replaced_is_lost() {
    let mut s = Sketch::new();
    let (a, b) = (s.begin(1, append("a")), s.begin(2, append("b")));
    s.ok(a);
    s.ok(b);
    assert_eq!(
        judged(LOST, &s, &[Some(list(&["a", "b"]))]).holds(),
        Some(true)
    );
    let fell = judged(LOST, &s, &[Some(list(&["b"]))]);
    assert_eq!(operations(&fell), [b.0, a.0]);
    // With nothing newer there, it is missing, which is for durability to say.
    let mut s = Sketch::new();
    s.does(1, append("a"));
    s.does(1, append("b"));
    assert_eq!(judged(LOST, &s, &[Some(list(&["a"]))]).holds(), Some(true));
    assert!(why(&alone(LOST, &s)).contains("nobody looked"));
}

#[test]
fn additions_that_are_missing_from_the_sum_are_lost() {
    let mut s = Sketch::new();
    let (a, b) = (s.begin(1, Function::Add(2)), s.begin(2, Function::Add(3)));
    s.ok(a);
    s.ok(b);
    let unknown = s.begin(3, Function::Add(4));
    s.info(unknown);
    for (held, holds) in [(3, false), (5, true), (9, true)] {
        let verdict = judged(LOST, &s, &[Some(Value::Int(held))]);
        assert_eq!(verdict.holds(), Some(holds), "{held}");
    }
    let mut both_signs = s.clone();
    both_signs.does(1, Function::Add(-1));
    assert!(why(&judged(LOST, &both_signs, &[Some(Value::Int(3))])).contains("both signs"));
}

#[test]
fn an_element_that_stands_more_often_than_it_was_appended_is_duplicated() {
    let mut s = Sketch::new();
    let a = s.does(1, append("a"));
    look(&mut s, list(&["a"]));
    assert_eq!(alone(DUPLICATED, &s).holds(), Some(true));
    let culprit = look(&mut s, list(&["a", "a"]));
    let fell = alone(DUPLICATED, &s);
    assert_eq!(operations(&fell), [a.0, culprit.0]);
    assert_eq!(
        fell.witness().expect("it falls").summary,
        "user u9 read x: \"a\" is there 2 times"
    );
    s.does(1, append("a"));
    let at_the_end = judged(DUPLICATED, &s, &[Some(list(&["a", "a"]))]);
    // The read came before the second append.
    assert_eq!(at_the_end.holds(), Some(false));
    let mut twice = Sketch::new();
    for _ in 0..2 {
        twice.does(1, append("a"));
    }
    look(&mut twice, list(&["a", "a"]));
    assert_eq!(alone(DUPLICATED, &twice).holds(), Some(true));
}

#[test]
fn texts_are_taken_apart_and_ambiguous_ones_are_not_judged() {
    let mut s = Sketch::new();
    s.does(1, append("x 1 y"));
    s.does(1, append("x 2 y"));
    look(&mut s, "x 1 yx 2 y".into());
    assert_eq!(alone(DUPLICATED, &s).holds(), Some(true));
    look(&mut s, "x 1 yx 2 yx 1 y".into());
    assert_eq!(alone(DUPLICATED, &s).holds(), Some(false));
    let mut s = Sketch::new();
    s.does(1, append("a"));
    s.does(1, append("aa"));
    look(&mut s, "aaa".into());
    assert!(why(&alone(DUPLICATED, &s)).contains("several ways"));
}

#[test]
fn a_failed_operation_has_no_effect_and_an_unknown_one_may_have_had_one() {
    let mut s = Sketch::new();
    s.does(1, append("a"));
    let second = s.begin(2, append("a"));
    let mut unknown = s.clone();
    unknown.info(second);
    look(&mut unknown, list(&["a", "a"]));
    assert_eq!(alone(DUPLICATED, &unknown).holds(), Some(true));
    s.fail(second);
    look(&mut s, list(&["a", "a"]));
    assert_eq!(alone(DUPLICATED, &s).holds(), Some(false));
}

#[test]
fn a_counter_that_shows_more_than_was_added_counted_twice() {
    let mut s = Sketch::new();
    s.does(1, Function::Add(2));
    look(&mut s, Value::Int(2));
    let open = s.begin(2, Function::Add(3));
    look(&mut s, Value::Int(5));
    s.info(open);
    assert_eq!(alone(DUPLICATED, &s).holds(), Some(true));
    look(&mut s, Value::Int(7));
    assert_eq!(alone(DUPLICATED, &s).holds(), Some(false));
    let mut down = Sketch::new();
    down.does(1, Function::Add(-2));
    look(&mut down, Value::Int(-4));
    assert_eq!(alone(DUPLICATED, &down).holds(), Some(false));
}

#[test]
fn an_element_that_is_handed_out_twice_is_duplicated() {
    let mut s = Sketch::new();
    let a = s.does(1, Function::Enqueue("a".into()));
    let first = take(&mut s, Some("a"));
    take(&mut s, None);
    assert_eq!(alone(DUPLICATED, &s).holds(), Some(true));
    assert_eq!(
        judged(DUPLICATED, &s, &[Some(list(&["a"]))]).holds(),
        Some(false)
    );
    let again = take(&mut s, Some("a"));
    assert_eq!(operations(&alone(DUPLICATED, &s)), [a.0, first.0, again.0]);
}

#[test]
fn a_removed_element_that_is_there_was_resurrected_unless_inserted_again() {
    let mut s = Sketch::new();
    let insert = s.does(1, Function::Insert("a".into()));
    let remove = s.does(2, Function::Remove("a".into()));
    let held = [Some(list(&["a"]))];
    assert_eq!(
        operations(&judged(RESURRECTED, &s, &held)),
        [insert.0, remove.0]
    );
    assert_eq!(
        judged(RESURRECTED, &s, &[Some(list(&[]))]).holds(),
        Some(true)
    );
    s.does(1, Function::Insert("a".into()));
    assert_eq!(judged(RESURRECTED, &s, &held).holds(), Some(true));
}

#[test]
fn keys_that_mix_objects_and_whole_values_show_no_second_effect() {
    let mut s = Sketch::new();
    s.does(1, write("a"));
    assert!(why(&alone(DUPLICATED, &s)).contains("do not show"));
    s.does(1, append("b"));
    assert!(why(&alone(DUPLICATED, &s)).contains("mix"));
}

proptest! {
    /// A list to which everything is appended once is never accused, whatever part of it a read shows; with one element
    /// doubled it always is.
    #[test]
    fn doubling_an_element_is_caught(
        count in 1..8_usize, cuts in prop::collection::vec(0..9_usize, 0..6), which in 0..8_usize
    ) {
        let mut s = Sketch::new();
        let names: Vec<String> = (0..count).map(|n| format!("e{n}")).collect();
        for name in &names {
            s.does(1, append(name));
        }
        for cut in cuts {
            let part: Vec<&str> = names[..cut.min(count)].iter().map(String::as_str).collect();
            look(&mut s, list(&part));
        }
        let mut all: Vec<&str> = names.iter().map(String::as_str).collect();
        let sound = judged(DUPLICATED, &s, &[Some(list(&all))]);
        prop_assert_eq!(sound.holds(), Some(true));
        prop_assert_eq!(judged(LOST, &s, &[Some(list(&all))]).holds(), Some(true));
        all.push(&names[which % count]);
        let doubled = judged(DUPLICATED, &s, &[Some(list(&all))]);
        prop_assert_eq!(doubled.holds(), Some(false));
    }

    /// Of concurrent additions any may be unknown; the sums that some choice of them explains, and no others, pass.
    #[test]
    fn a_counter_is_judged_as_every_choice_of_the_unknown_says(
        additions in prop::collection::vec((1..4_i64, 0..3_u8), 1..7), held in 0..25_i64
    ) {
        let mut s = Sketch::new();
        let mut sums = vec![0];
        for (amount, end) in additions {
            let id = s.begin(1, Function::Add(amount));
            let with: Vec<i64> = sums.iter().map(|sum| sum + amount).collect();
            match end {
                0 => { s.ok(id); sums = with; }
                1 => { s.info(id); sums.extend(with); }
                _ => s.fail(id),
            }
        }
        let lost = judged(LOST, &s, &[Some(Value::Int(held))]);
        let twice = judged(DUPLICATED, &s, &[Some(Value::Int(held))]);
        let least = sums.iter().min().copied().unwrap_or_default();
        let most = sums.iter().max().copied().unwrap_or_default();
        prop_assert_eq!(lost.holds(), Some(held >= least));
        prop_assert_eq!(twice.holds(), Some(held <= most));
    }
}
