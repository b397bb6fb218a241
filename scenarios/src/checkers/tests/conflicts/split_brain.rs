//! Split brain, by the names of the replicas that answered.

use proptest::prelude::*;

use super::{alone, operations, why};
use crate::history::sketch::{Sketch, write};
use crate::history::{Completion, Function, OperationId, Value};

const CHECK: &str = "no-split-brain";

fn puts(s: &mut Sketch, replica: &str, key: &str, value: &str) -> OperationId {
    let id = s.begin_at(key, 1, write(value));
    s.complete_at(Some(replica), id, Completion::Ok(None));
    id
}

fn gets(s: &mut Sketch, replica: &str, key: &str, value: Option<&str>) -> OperationId {
    let id = s.begin_at(key, 2, Function::Read);
    s.complete_at(Some(replica), id, Completion::Ok(value.map(Value::from)));
    id
}

#[test]
fn a_leader_that_goes_on_without_what_another_accepted_is_a_second_brain() {
    let mut s = Sketch::new();
    let old = puts(&mut s, "l1", "x", "a");
    let other = puts(&mut s, "l2", "x", "b");
    let own = puts(&mut s, "l1", "y", "c");
    let read = gets(&mut s, "l1", "x", Some("a"));
    let fell = alone(CHECK, &s);
    assert_eq!(operations(&fell), [old.0, other.0, own.0, read.0]);
    assert_eq!(
        fell.witness().expect("it falls").summary,
        "l1 accepts updates and does not know of user u1's update of x, which l2 accepted"
    );
}

#[test]
fn a_leader_that_handed_over_may_answer_late() {
    let mut s = Sketch::new();
    puts(&mut s, "l1", "x", "a");
    puts(&mut s, "l2", "x", "b");
    // A follower by now, and behind.
    gets(&mut s, "l1", "x", Some("a"));
    assert_eq!(alone(CHECK, &s).holds(), Some(true));
    // It leads again, and knows.
    puts(&mut s, "l1", "y", "c");
    gets(&mut s, "l1", "x", Some("b"));
    assert_eq!(alone(CHECK, &s).holds(), Some(true));
}

#[test]
fn two_replicas_accept_updates_of_one_version() {
    let cas = |new: &str| Function::CompareAndSet {
        expected: Some("a".into()),
        new: new.into(),
    };
    let mut s = Sketch::new();
    puts(&mut s, "l1", "x", "a");
    let one = s.begin(1, cas("b"));
    let two = s.begin(2, cas("c"));
    s.complete_at(Some("l1"), one, Completion::Ok(None));
    let mut same = s.clone();
    s.complete_at(Some("l2"), two, Completion::Ok(None));
    assert_eq!(operations(&alone(CHECK, &s)), [0, 1, 2]);
    // One replica that accepts both loses an update, with one brain.
    same.complete_at(Some("l1"), two, Completion::Ok(None));
    assert_eq!(alone(CHECK, &same).holds(), Some(true));
}

#[test]
fn without_names_nobody_can_tell() {
    let mut s = Sketch::new();
    assert_eq!(why(&alone(CHECK, &s)), "no update was acknowledged");
    let id = s.begin(1, write("a"));
    s.complete_at(None, id, Completion::Ok(None));
    assert!(why(&alone(CHECK, &s)).contains("which replicas answered"));
}

proptest! {
    /// Leaders that hand over to each other with all they know, and followers that lag, are one brain at a time.
    #[test]
    fn one_brain_that_moves_is_never_accused(
        steps in prop::collection::vec((0..4_u8, 0..3_usize, any::<bool>()), 1..60)
    ) {
        const REPLICAS: [&str; 3] = ["r1", "r2", "r3"];
        let mut s = Sketch::new();
        let mut log: Vec<(&str, String)> = Vec::new();
        let mut applied = [0_usize; 3];
        let mut leader = 0;
        for (what, which, flag) in steps {
            let key = if flag { "x" } else { "y" };
            match what {
                0 => {
                    let value = log.len().to_string();
                    puts(&mut s, REPLICAS[leader], key, &value);
                    log.push((key, value));
                    applied[leader] = log.len();
                }
                1 => {
                    applied[which] = log.len();
                    leader = which;
                }
                2 => applied[which] = (applied[which] + 1).min(log.len()),
                _ => {
                    let seen = log[..applied[which]].iter().rev().find(|(it, _)| *it == key);
                    let value = seen.map(|(_, value)| value.clone());
                    gets(&mut s, REPLICAS[which], key, value.as_deref());
                }
            }
        }
        prop_assert_ne!(alone(CHECK, &s).holds(), Some(false));
    }
}
