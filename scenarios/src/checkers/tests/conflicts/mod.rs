//! The conflict family: each judge catches what was planted, passes what is legal, and says what it can't judge.

mod objects;
mod split_brain;
mod whole_values;

use super::{ask, holding, list, why};
use crate::checkers::{Setting, Verdict};
use crate::history::Value;
use crate::history::sketch::Sketch;

/// What a check says of a history where the replicas hold these values of `x` in the end.
fn judged(check: &str, sketch: &Sketch, held: &[Option<Value>]) -> Verdict {
    let state = holding(held);
    ask(check, &sketch.history, Some(&state), &Setting::default())
}

/// The same, where nobody looked at the replicas.
fn alone(check: &str, sketch: &Sketch) -> Verdict {
    ask(check, &sketch.history, None, &Setting::default())
}

/// The operations of the witness, by number.
fn operations(verdict: &Verdict) -> Vec<u32> {
    let witness = verdict.witness().expect("it falls");
    witness.operations.iter().map(|id| id.0).collect()
}
