//! **append-kv**: a text or a list that grows at its end. Append puts something there, write replaces the whole, read
//! returns it (the key-value service of MIT's course 6.824, whose histories Porcupine checks; lists as in Kingsbury and
//! Alvaro, *Elle: Inferring Isolation Anomalies from Experimental Observations*, VLDB 2021).
//!
//! A history has either texts or lists: lists where anything that was read, written or given at first is one, or where
//! what is appended is no text. A key that holds nothing, and one that holds the empty text or list, are the same.
//!
//! # States are beginnings
//!
//! What a key holds on the way is the beginning of what some later read returned. So a state is a length in a text that
//! is there already, and an append is a comparison, with nothing copied; only an order that no read has seen makes texts
//! of its own. And a read tells the search what must come next: as long as no write can come between, an append that
//! does not continue towards what a later read returned is not even tried. That is what makes fifty clients at once
//! easy, where a search that goes on until it meets the read would try their appends in all orders.

use std::sync::Arc;

use crate::history::{Function, History, Operation, Value};

use super::table::mix;
use super::{Call, Interned, Machine, ModelEntry, Object, unknown_function, wrong_shape};
use crate::checkers::{Model, Setting};

pub(super) const ENTRY: ModelEntry = ModelEntry {
    model: Model::AppendKv,
    name: "append-kv",
    promise: "A key holds what was written last, and after it what was appended since, in order.",
    functions: &["read", "write", "append"],
    machine,
};

fn machine(setting: &Setting, history: &History) -> Result<Box<dyn Machine>, String> {
    let is_list = |value: Option<&Value>| matches!(value, Some(Value::List(_)));
    let shows_list = |operation: &Operation| match &operation.function {
        Function::Append(piece) => piece.as_text().is_none(),
        _ => is_list(operation.returned()) || is_list(operation.written()),
    };
    let kind = if is_list(setting.initial.as_ref()) || history.operations().any(shows_list) {
        Kind::List
    } else {
        Kind::Text
    };
    let initial = match &setting.initial {
        None => kind.empty(),
        Some(value) => kind
            .whole(value)
            .ok_or_else(|| wrong_shape("the initial value", "is a text or a list", Some(value)))?,
    };
    let mut guides: Vec<Whole> = history
        .operations()
        .filter_map(|operation| kind.whole(operation.returned()?))
        .collect();
    guides.sort_unstable();
    guides.dedup();
    Ok(Interned::boxed(AppendKv {
        kind,
        initial: Beginning::all_of(initial),
        guides,
    }))
}

#[derive(Debug)]
struct AppendKv {
    kind: Kind,
    initial: Beginning,
    /// What reads returned, in order.
    guides: Vec<Whole>,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Text,
    List,
}

impl Kind {
    fn empty(self) -> Whole {
        match self {
            Self::Text => Whole::Text("".into()),
            Self::List => Whole::List([].into()),
        }
    }

    /// A value that is a whole state; `None` where it has another shape.
    fn whole(self, value: &Value) -> Option<Whole> {
        match (self, value) {
            (Self::Text, Value::Text(text)) => Some(Whole::Text(text.clone())),
            (Self::List, Value::List(list)) => Some(Whole::List(list.clone())),
            _ => None,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Text => "a text, as elsewhere in this history",
            Self::List => "a list, as elsewhere in this history",
        }
    }
}

/// What a read returned, or an order of appends that no read has seen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Whole {
    Text(Arc<str>),
    List(Arc<[Value]>),
}

impl Whole {
    fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::List(list) => list.len(),
        }
    }

    fn same_start(&self, other: &Self, len: usize) -> bool {
        if self.len() < len || other.len() < len {
            return false;
        }
        match (self, other) {
            (Self::Text(one), Self::Text(other)) => {
                Arc::ptr_eq(one, other) || one.as_bytes()[..len] == other.as_bytes()[..len]
            }
            (Self::List(one), Self::List(other)) => {
                Arc::ptr_eq(one, other) || one[..len] == other[..len]
            }
            _ => false,
        }
    }

    /// Whether `piece` stands in it from `at` on.
    fn continues_with(&self, at: usize, piece: &Value) -> bool {
        match (self, piece) {
            (Self::Text(text), Value::Text(piece)) => text
                .as_bytes()
                .get(at..)
                .is_some_and(|rest| rest.starts_with(piece.as_bytes())),
            (Self::List(list), piece) => list.get(at) == Some(piece),
            _ => false,
        }
    }
}

/// The beginning of something.
#[derive(Clone, Debug)]
struct Beginning {
    whole: Whole,
    len: usize,
    /// A polynomial in what it holds, so that appending does not have to look at all of it again.
    digest: u64,
}

impl PartialEq for Beginning {
    fn eq(&self, other: &Self) -> bool {
        (self.len, self.digest) == (other.len, other.digest)
            && self.whole.same_start(&other.whole, self.len)
    }
}

impl Eq for Beginning {}

const BASE: u64 = 0x9E37_79B9_7F4A_7C15;

fn extend(digest: u64, part: u64) -> u64 {
    digest.wrapping_mul(BASE).wrapping_add(part)
}

fn extend_by_text(digest: u64, text: &str) -> u64 {
    text.bytes()
        .fold(digest, |d, byte| extend(d, u64::from(byte) + 1))
}

fn extend_by_element(digest: u64, element: &Value) -> u64 {
    extend(digest, mix(element.fixed_hash(0), 9))
}

impl Beginning {
    fn all_of(whole: Whole) -> Self {
        let digest = match &whole {
            Whole::Text(text) => extend_by_text(0, text),
            Whole::List(list) => list.iter().fold(0, extend_by_element),
        };
        Self {
            len: whole.len(),
            digest,
            whole,
        }
    }
}

impl AppendKv {
    fn append(&self, state: &Beginning, piece: &Value) -> Beginning {
        let (digest, grown) = match (self.kind, piece) {
            (Kind::Text, Value::Text(piece)) => (extend_by_text(state.digest, piece), piece.len()),
            _ => (extend_by_element(state.digest, piece), 1),
        };
        let whole = if state.whole.continues_with(state.len, piece) {
            state.whole.clone()
        } else {
            self.guided(copy(state, piece))
        };
        Beginning {
            whole,
            len: state.len + grown,
            digest,
        }
    }

    /// The longest thing that a read returned and that begins so, or, where there is none, this itself.
    fn guided(&self, start: Whole) -> Whole {
        let len = start.len();
        let from = self.guides.partition_point(|guide| *guide < start);
        let count = self.guides[from..].partition_point(|guide| guide.same_start(&start, len));
        match count {
            0 => start,
            _ => self.guides[from + count - 1].clone(),
        }
    }
}

fn copy(state: &Beginning, piece: &Value) -> Whole {
    match &state.whole {
        Whole::Text(text) => {
            let mut text = text[..state.len].to_owned();
            text.push_str(piece.as_text().unwrap_or_default());
            Whole::Text(text.into())
        }
        Whole::List(list) => {
            let mut list = list[..state.len].to_vec();
            list.push(piece.clone());
            Whole::List(list.into())
        }
    }
}

impl Object for AppendKv {
    type State = Beginning;

    fn initial(&self) -> Beginning {
        self.initial.clone()
    }

    fn understands(&self, call: &Call) -> Result<(), String> {
        let (what, value) = match (&call.function, call.returned()) {
            (Function::Append(piece), _) => {
                let understood = matches!(self.kind, Kind::List) || piece.as_text().is_some();
                return understood
                    .then_some(())
                    .ok_or_else(|| wrong_shape("an append", "has a text", Some(piece)));
            }
            (Function::Read, Some(Some(value))) => ("a read returns", value),
            (Function::Write(value), _) => ("a write sets", value),
            (Function::Read, _) => return Ok(()),
            (other, _) => return Err(unknown_function(&ENTRY, other)),
        };
        match self.kind.whole(value) {
            Some(_) => Ok(()),
            None => Err(wrong_shape(what, self.kind.name(), Some(value))),
        }
    }

    fn apply(&self, state: &Beginning, call: &Call) -> Option<Beginning> {
        match (&call.function, call.returned()) {
            (Function::Append(piece), _) => Some(self.append(state, piece)),
            (Function::Write(value), _) => Some(Beginning::all_of(self.kind.whole(value)?)),
            (_, Some(Some(value))) => {
                let read = self.kind.whole(value)?;
                let same = read.len() == state.len && read.same_start(&state.whole, state.len);
                same.then(|| state.clone())
            }
            (_, Some(None)) => (state.len == 0).then(|| state.clone()),
            (_, None) => Some(state.clone()),
        }
    }

    fn answer(&self, state: &Beginning, _: &Function) -> Option<Value> {
        Some(match &state.whole {
            Whole::Text(text) => Value::from(&text[..state.len]),
            Whole::List(list) => Value::List(list[..state.len].into()),
        })
    }

    fn digest(&self, state: &Beginning) -> u64 {
        state.digest
    }

    /// As if no two states shared their text.
    fn size_bytes(&self, state: &Beginning) -> u64 {
        let shared = self.guides.binary_search(&state.whole).is_ok();
        let own = if shared { 0 } else { state.whole.len() as u64 };
        size_of::<Beginning>() as u64 + own
    }

    fn grows(&self, call: &Call) -> bool {
        matches!(call.function, Function::Append(_))
    }

    fn goal(&self, call: &Call) -> Option<u64> {
        match (&call.function, call.returned()?) {
            (Function::Read, Some(value)) => Some(self.kind.whole(value)?.len() as u64),
            (Function::Read, None) => Some(0),
            _ => None,
        }
    }

    fn reaches(&self, state: &Beginning, goal: &Call) -> bool {
        match goal.returned() {
            Some(Some(value)) => self
                .kind
                .whole(value)
                .is_some_and(|whole| whole.same_start(&state.whole, state.len)),
            _ => state.len == 0,
        }
    }

    fn keeps_to(&self, state: &Beginning, call: &Call, goal: &Call) -> bool {
        let Function::Append(piece) = &call.function else {
            return true;
        };
        match goal.returned() {
            Some(Some(value)) => self
                .kind
                .whole(value)
                .is_some_and(|whole| whole.continues_with(state.len, piece)),
            _ => piece.as_text() == Some(""),
        }
    }
}
