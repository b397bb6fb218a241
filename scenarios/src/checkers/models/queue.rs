//! **queue**: first in, first out. Enqueue puts an element at the end; dequeue takes the first one and returns it, or
//! returns nothing where the queue is empty (*Herlihy and Wing 1990, section 2*).
//!
//! Where no element is put in twice, linearizability is decided [without a search](crate::checkers::linearizable), however
//! many clients there are. Where one is, nothing tells the search early in which order elements went in, so it has to try
//! orders of enqueues that overlapped until a dequeue shows which of them were wrong. That is quick for a few clients at
//! a time; long histories of many busy ones end at the budget, undecided.
//!
//! A dequeue of unknown outcome may have taken an element that nobody ever sees.

use imbl::Vector;

use crate::history::{Function, History, Value};

use super::table::mix;
use super::{Call, Exchange, Interned, Machine, ModelEntry, Object, initial_of, unknown_function};
use crate::checkers::{Model, Setting};

pub(super) const ENTRY: ModelEntry = ModelEntry {
    model: Model::Queue,
    name: "queue",
    promise: "A key hands out what was put in, each element once, the oldest first.",
    functions: &["enqueue", "dequeue"],
    machine,
};

fn machine(setting: &Setting, _: &History) -> Result<Box<dyn Machine>, String> {
    let mut initial = Waiting::default();
    for element in initial_of(setting, "a queue", "is a list", Value::as_list)? {
        initial.push(element);
    }
    Ok(Interned::boxed(Queue { initial }))
}

#[derive(Debug)]
struct Queue {
    initial: Waiting,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Waiting {
    /// A polynomial in the elements' hashes, the last one's factor being 1.
    digest: u64,
    elements: Vector<Value>,
}

const BASE: u64 = 0x9E37_79B9_7F4A_7C15;

impl Waiting {
    fn push(&mut self, element: &Value) {
        self.digest = self.digest.wrapping_mul(BASE).wrapping_add(hash(element));
        self.elements.push_back(element.clone());
    }

    fn pop(&mut self) -> Option<Value> {
        let first = self.elements.pop_front()?;
        let power = u32::try_from(self.elements.len()).expect("fewer elements than operations");
        let part = hash(&first).wrapping_mul(BASE.wrapping_pow(power));
        self.digest = self.digest.wrapping_sub(part);
        Some(first)
    }
}

fn hash(element: &Value) -> u64 {
    mix(element.fixed_hash(0), 5)
}

impl Object for Queue {
    type State = Waiting;

    fn initial(&self) -> Waiting {
        self.initial.clone()
    }

    fn understands(&self, call: &Call) -> Result<(), String> {
        match call.function {
            Function::Enqueue(_) | Function::Dequeue => Ok(()),
            ref other => Err(unknown_function(&ENTRY, other)),
        }
    }

    fn apply(&self, state: &Waiting, call: &Call) -> Option<Waiting> {
        if let Function::Enqueue(element) = &call.function {
            let mut after = state.clone();
            after.push(element);
            return Some(after);
        }
        let first = state.elements.front();
        let agrees = call.returned().is_none_or(|taken| taken.as_ref() == first);
        agrees.then(|| {
            let mut after = state.clone();
            after.pop();
            after
        })
    }

    fn only_asks(&self, call: &Call) -> bool {
        matches!(call.function, Function::Dequeue) && call.returned() == Some(&None)
    }

    fn exchange<'a>(&self, call: &'a Call) -> Option<Exchange<'a>> {
        Some(match (&call.function, call.returned()) {
            (Function::Enqueue(element), _) => Exchange::Put(element),
            (_, Some(Some(element))) => Exchange::Took(element),
            (_, Some(None)) => Exchange::FoundNothing,
            (_, None) => Exchange::Unknown,
        })
    }

    fn elements(&self) -> Vec<Value> {
        self.initial.elements.iter().cloned().collect()
    }

    fn answer(&self, state: &Waiting, _: &Function) -> Option<Value> {
        state.elements.front().cloned()
    }

    fn digest(&self, state: &Waiting) -> u64 {
        state.digest
    }

    /// Queues share what they have in common: one more costs a path in a tree.
    fn size_bytes(&self, state: &Waiting) -> u64 {
        64 + 24 * state.elements.len().min(64) as u64
    }
}
