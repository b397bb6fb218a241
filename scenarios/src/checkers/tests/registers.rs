//! Small histories, for judging judges, as papers write them down.

use proptest::prelude::*;

use crate::history::sketch::{Sketch, write};
use crate::history::{Completion, Function, History, Value};

/// A history of operations that end as soon as they have begun, in this order. A letter says what a session (a number)
/// does to a key: `w0 x=1` writes, `d0 x` deletes, `a0 x=1` appends, `r1 x=1` reads and gets 1, `r1 x=[1 2]` gets a list,
/// and `r1 x` nothing.
pub(super) fn small(said: &str) -> History {
    let mut reads = Reads::new();
    for step in said.split(", ") {
        let (who, what) = step.split_once(' ').expect("who and what");
        let (letter, session) = who.split_at(1);
        let session = session.parse().expect("a session is a number");
        let (key, value) = match what.split_once('=') {
            Some((key, value)) => (key, Some(value)),
            None => (what, None),
        };
        reads = match (letter, value) {
            ("w", Some(value)) => reads.write(session, key, value),
            ("a", Some(value)) => reads.append(session, key, value),
            ("d", None) => reads.delete(session, key),
            ("r", None) => reads.reads_nothing(session, key),
            ("r", Some(value)) => {
                let list = value.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
                match list {
                    None => reads.read(session, key, value),
                    Some(list) => {
                        let elements = list.split_whitespace().map(str::to_owned);
                        reads.reads_list(session, key, &elements.collect::<Vec<_>>())
                    }
                }
            }
            _ => panic!("{step:?} says nothing"),
        };
    }
    reads.history()
}

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

/// Histories of at most so many operations in three sessions and one key or two: two values that are written again and
/// again, deletes, and reads that return anything.
pub(super) fn repetitive_history(operations_max: usize) -> impl Strategy<Value = History> {
    let operation = (0..3_u32, 0..4_u8, 0..9_u8);
    prop::collection::vec(operation, operations_max.min(3)..=operations_max).prop_map(|drawn| {
        let mut reads = Reads::new();
        for (session, which, what) in drawn {
            let key = KEYS[usize::from(which == 0)];
            reads = match what {
                0..=3 => reads.write(session, key, ["1", "2"][usize::from(what % 2)]),
                4 => reads.delete(session, key),
                5..=7 => reads.read(session, key, ["1", "2"][usize::from(what % 2)]),
                _ => reads.reads_nothing(session, key),
            };
        }
        reads.history()
    })
}
