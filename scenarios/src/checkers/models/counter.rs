//! **counter**: a sum. Add changes it by a number, and read returns it.
//!
//! Sums forget in which order they came about, so that a search meets few states; what it has to find out is which of
//! the additions of unknown outcome took place.

use crate::history::{Function, History, Value};

use super::table::mix;
use super::{
    Call, Interned, Machine, ModelEntry, Object, initial_of, unknown_function, wrong_shape,
};
use crate::checkers::{Model, Setting};

pub(super) const ENTRY: ModelEntry = ModelEntry {
    model: Model::Counter,
    name: "counter",
    promise: "A key holds the sum of what was added, each addition once.",
    functions: &["read", "add"],
    machine,
};

fn machine(setting: &Setting, _: &History) -> Result<Box<dyn Machine>, String> {
    let initial = initial_of(setting, "a counter", "is a number", Value::as_int)?;
    let initial = i128::from(initial);
    Ok(Interned::boxed(Counter { initial }))
}

/// Sums are wider than what is added: 2^32 operations can't overflow them.
#[derive(Debug)]
struct Counter {
    initial: i128,
}

impl Object for Counter {
    type State = i128;

    fn initial(&self) -> i128 {
        self.initial
    }

    fn understands(&self, call: &Call) -> Result<(), String> {
        match (&call.function, call.returned()) {
            (Function::Add(_), _)
            | (Function::Read, None | Some(None) | Some(Some(Value::Int(_)))) => Ok(()),
            (Function::Read, Some(other)) => Err(wrong_shape(
                "a counter's read",
                "returns a number",
                other.as_ref(),
            )),
            (other, _) => Err(unknown_function(&ENTRY, other)),
        }
    }

    /// A read that found nothing found the initial value.
    fn apply(&self, state: &i128, call: &Call) -> Option<i128> {
        match (&call.function, call.returned()) {
            (Function::Add(amount), _) => Some(state + i128::from(*amount)),
            (_, Some(Some(Value::Int(sum)))) => (i128::from(*sum) == *state).then_some(*state),
            (_, Some(_)) => (*state == self.initial).then_some(*state),
            (_, None) => Some(*state),
        }
    }

    fn answer(&self, state: &i128, _: &Function) -> Option<Value> {
        i64::try_from(*state).ok().map(Value::Int)
    }

    fn digest(&self, state: &i128) -> u64 {
        mix((*state).cast_unsigned() as u64, 7)
    }

    fn size_bytes(&self, _: &i128) -> u64 {
        size_of::<i128>() as u64
    }

    fn grows(&self, call: &Call) -> bool {
        matches!(call.function, Function::Add(0..))
    }

    fn goal(&self, call: &Call) -> Option<u64> {
        match call.returned() {
            Some(Some(Value::Int(sum))) => Some(sum.cast_unsigned() ^ 1 << 63),
            _ => None,
        }
    }

    fn reaches(&self, state: &i128, goal: &Call) -> bool {
        match goal.returned() {
            Some(Some(Value::Int(sum))) => *state <= i128::from(*sum),
            _ => true,
        }
    }

    fn keeps_to(&self, state: &i128, call: &Call, goal: &Call) -> bool {
        match call.function {
            Function::Add(amount) => self.reaches(&(state + i128::from(amount)), goal),
            _ => true,
        }
    }
}
