//! **set**: elements, each once. Insert and remove change it and return nothing that is judged, contains asks for one
//! element, read returns them all in any order, write replaces them all.
//!
//! A key that holds nothing, and one that holds the empty set, are the same.

use imbl::OrdSet;

use crate::history::{Function, History, Value};

use super::table::mix;
use super::{
    Call, Interned, Machine, ModelEntry, Object, initial_of, unknown_function, wrong_shape,
};
use crate::checkers::{Model, Setting};

pub(super) const ENTRY: ModelEntry = ModelEntry {
    model: Model::Set,
    name: "set",
    promise: "A key holds the elements that were inserted and not removed since.",
    functions: &["read", "write", "insert", "remove", "contains"],
    machine,
};

fn machine(setting: &Setting, _: &History) -> Result<Box<dyn Machine>, String> {
    let initial = initial_of(setting, "a set", "is a list", Value::as_list)?;
    Ok(Interned::boxed(Set {
        initial: Elements::of(initial),
    }))
}

#[derive(Debug)]
struct Set {
    initial: Elements,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Elements {
    /// The sum of the elements' hashes, which does not hang on the order in which they came.
    digest: u64,
    elements: OrdSet<Value>,
}

impl Elements {
    fn of(elements: &[Value]) -> Self {
        let elements: OrdSet<Value> = elements.iter().cloned().collect();
        let digest = elements
            .iter()
            .fold(0u64, |sum, e| sum.wrapping_add(hash(e)));
        Self { digest, elements }
    }

    fn with(&self, element: &Value) -> Self {
        let mut after = self.clone();
        if after.elements.insert(element.clone()).is_none() {
            after.digest = after.digest.wrapping_add(hash(element));
        }
        after
    }

    fn without(&self, element: &Value) -> Self {
        let mut after = self.clone();
        if after.elements.remove(element).is_some() {
            after.digest = after.digest.wrapping_sub(hash(element));
        }
        after
    }

    /// Whether a read's result lists all of them, and each once.
    fn are(&self, listed: &[Value]) -> bool {
        listed.len() == self.elements.len() && Self::of(listed) == *self
    }
}

fn hash(element: &Value) -> u64 {
    mix(element.fixed_hash(0), 3)
}

impl Object for Set {
    type State = Elements;

    fn initial(&self) -> Elements {
        self.initial.clone()
    }

    fn understands(&self, call: &Call) -> Result<(), String> {
        match (&call.function, call.returned()) {
            (Function::Insert(_) | Function::Remove(_), _)
            | (Function::Write(Value::List(_)), _)
            | (Function::Read, None | Some(None) | Some(Some(Value::List(_))))
            | (Function::Contains(_), None | Some(Some(Value::Bool(_)))) => Ok(()),
            (Function::Write(other), _) => {
                Err(wrong_shape("a set", "is written as a list", Some(other)))
            }
            (Function::Read, Some(other)) => Err(wrong_shape(
                "a set's read",
                "returns a list",
                other.as_ref(),
            )),
            (Function::Contains(_), Some(other)) => Err(wrong_shape(
                "a set's contains",
                "returns true or false",
                other.as_ref(),
            )),
            (other, _) => Err(unknown_function(&ENTRY, other)),
        }
    }

    fn apply(&self, state: &Elements, call: &Call) -> Option<Elements> {
        let agrees = match (&call.function, call.returned()) {
            (Function::Insert(element), _) => return Some(state.with(element)),
            (Function::Remove(element), _) => return Some(state.without(element)),
            (Function::Write(value), _) => {
                return Some(Elements::of(value.as_list().unwrap_or_default()));
            }
            (Function::Contains(element), Some(Some(Value::Bool(answer)))) => {
                state.elements.contains(element) == *answer
            }
            (_, Some(Some(Value::List(listed)))) => state.are(listed),
            (_, Some(_)) => state.elements.is_empty(),
            (_, None) => true,
        };
        agrees.then(|| state.clone())
    }

    fn answer(&self, state: &Elements, function: &Function) -> Option<Value> {
        Some(match function {
            Function::Contains(element) => Value::Bool(state.elements.contains(element)),
            _ => Value::List(state.elements.iter().cloned().collect()),
        })
    }

    fn digest(&self, state: &Elements) -> u64 {
        state.digest
    }

    /// Sets share what they have in common: one more costs a path in a tree.
    fn size_bytes(&self, state: &Elements) -> u64 {
        64 + 24 * state.elements.len().min(64) as u64
    }

    fn grows(&self, call: &Call) -> bool {
        matches!(call.function, Function::Insert(_))
    }

    fn goal(&self, call: &Call) -> Option<u64> {
        match (&call.function, call.returned()?) {
            (Function::Contains(_), Some(Value::Bool(false))) => Some(0),
            (Function::Read, Some(Value::List(listed))) => Some(listed.len() as u64),
            (Function::Read, None) => Some(0),
            _ => None,
        }
    }

    fn reaches(&self, state: &Elements, goal: &Call) -> bool {
        match (&goal.function, goal.returned()) {
            (Function::Contains(element), _) => !state.elements.contains(element),
            (_, Some(Some(Value::List(listed)))) => {
                state.elements.len() <= listed.len()
                    && state.elements.iter().all(|e| listed.contains(e))
            }
            _ => state.elements.is_empty(),
        }
    }

    fn keeps_to(&self, _: &Elements, call: &Call, goal: &Call) -> bool {
        let Function::Insert(element) = &call.function else {
            return true;
        };
        match (&goal.function, goal.returned()) {
            (Function::Contains(missing), _) => element != missing,
            (_, Some(Some(Value::List(listed)))) => listed.contains(element),
            _ => false,
        }
    }
}
