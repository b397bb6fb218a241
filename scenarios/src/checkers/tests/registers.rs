//! Histories of registers, for judging judges.

use proptest::prelude::*;

use crate::history::sketch::{Sketch, write};
use crate::history::{Completion, Function, History, Value};

/// A history in which everything ends as soon as it has begun, in the order in which it is written down.
#[derive(Default)]
pub(super) struct Reads {
    sketch: Sketch,
}

impl Reads {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn write(self, session: u32, key: &str, value: &str) -> Self {
        self.update(session, key, write(value))
    }

    pub(super) fn delete(self, session: u32, key: &str) -> Self {
        self.update(session, key, Function::Delete)
    }

    pub(super) fn append(self, session: u32, key: &str, element: &str) -> Self {
        self.update(session, key, Function::Append(element.into()))
    }

    fn update(mut self, session: u32, key: &str, function: Function) -> Self {
        let id = self.sketch.begin_at(key, session, function);
        self.sketch.ok(id);
        self
    }

    pub(super) fn read(mut self, session: u32, key: &str, value: &str) -> Self {
        let id = self.sketch.begin_at(key, session, Function::Read);
        self.sketch.got(id, Some(value));
        self
    }

    pub(super) fn reads_list(mut self, session: u32, key: &str, elements: &[String]) -> Self {
        let id = self.sketch.begin_at(key, session, Function::Read);
        let elements: Vec<Value> = elements.iter().map(|it| it.as_str().into()).collect();
        let list = Value::List(elements.into());
        self.sketch.complete(id, Completion::Ok(Some(list)));
        self
    }

    pub(super) fn reads_nothing(mut self, session: u32, key: &str) -> Self {
        let id = self.sketch.begin_at(key, session, Function::Read);
        self.sketch.got(id, None);
        self
    }

    pub(super) fn history(self) -> History {
        self.sketch.history
    }
}

const KEYS: [&str; 2] = ["x", "y"];

/// Histories of at most so many operations in three sessions and two keys: unique values, and reads that return any of
/// them, whoever writes it and whenever, or nothing.
pub(super) fn small_history(operations_max: usize) -> impl Strategy<Value = History> {
    let operation = (
        0..3_u32,
        0..3_u8,
        any::<bool>(),
        any::<prop::sample::Index>(),
    );
    prop::collection::vec(operation, operations_max.min(3)..=operations_max).prop_map(|drawn| {
        // One key in four draws of five, so that there is more to contradict.
        let key = |which: u8| KEYS[usize::from(which == 0)];
        let written: Vec<(usize, &str)> = drawn
            .iter()
            .enumerate()
            .filter(|(_, (_, _, is_write, _))| *is_write)
            .map(|(n, (_, which, _, _))| (n, key(*which)))
            .collect();
        let mut reads = Reads::new();
        for (n, (session, which, is_write, chosen)) in drawn.iter().enumerate() {
            let key = key(*which);
            if *is_write {
                reads = reads.write(*session, key, &n.to_string());
                continue;
            }
            let of_key = written.iter().filter(|(_, other)| *other == key);
            let values: Vec<usize> = of_key.map(|(n, _)| *n).collect();
            reads = match values.get(chosen.index(values.len() + 1)) {
                Some(value) => reads.read(*session, key, &value.to_string()),
                None => reads.reads_nothing(*session, key),
            };
        }
        reads.history()
    })
}
