//! What reads of appended texts and lists found: which appends, in which order.
//!
//! Such a read says more than that of a register: all appends that were visible, and their order. Elements of a key must
//! be unique, and where they run together in one text it must be clear where each ends.

use std::collections::BTreeMap;

use crate::checkers::story::{object, quote, shorten};
use crate::history::{Function, History, KeyId, OperationId, Value};

/// What a read found.
pub(super) enum Found {
    /// These appends, in this order.
    Elements(Vec<OperationId>),
    /// Something that nobody appended, or something twice.
    Nobody,
    /// It can't be told; the reason.
    Unclear(String),
}

/// The appends that may have happened, by key and element.
#[derive(Default)]
pub(super) struct Appends<'a> {
    by_key: BTreeMap<KeyId, BTreeMap<&'a Value, OperationId>>,
    /// The first that nobody can tell from another one, or from a write.
    unclear: Option<String>,
}

impl<'a> Appends<'a> {
    pub(super) fn of(history: &'a History) -> Self {
        let mut appends = Self::default();
        for operation in history.operations().filter(|o| !o.is_fail()) {
            let Function::Append(element) = &operation.function else {
                continue;
            };
            let key = history.key_id(operation.id);
            let of_key = appends.by_key.entry(key).or_default();
            if of_key.insert(element, operation.id).is_some() {
                let reason = format!(
                    "{} is appended to {} twice, so that a read does not name its append",
                    quote(element),
                    object(operation)
                );
                appends.unclear.get_or_insert(reason);
            }
        }
        if !appends.by_key.is_empty() {
            appends.refuse_other_updates(history);
        }
        appends
    }

    fn refuse_other_updates(&mut self, history: &History) {
        let other = history.operations().find(|operation| {
            let is_other = operation.is_update()
                && !operation.is_fail()
                && !matches!(operation.function, Function::Append(_));
            is_other && self.by_key.contains_key(&history.key_id(operation.id))
        });
        if let Some(operation) = other {
            let reason = format!(
                "{} is both appended to and changed by a {}",
                object(operation),
                operation.function.name()
            );
            self.unclear.get_or_insert(reason);
        }
    }

    /// Why reads can't be told apart, where that is so.
    pub(super) fn unclear(&self) -> Option<&str> {
        self.unclear.as_deref()
    }

    /// What a read of a key that is appended to found; `None` for other keys.
    pub(super) fn find(&self, key: KeyId, value: Option<&Value>) -> Option<Found> {
        let elements = self.by_key.get(&key)?;
        Some(match value {
            None => Found::Elements(Vec::new()),
            Some(Value::List(list)) => in_list(elements, list),
            Some(Value::Text(text)) => in_text(elements, text),
            Some(_) => Found::Nobody,
        })
    }
}

fn in_list(elements: &BTreeMap<&Value, OperationId>, list: &[Value]) -> Found {
    let found: Option<Vec<OperationId>> = list
        .iter()
        .map(|element| elements.get(element).copied())
        .collect();
    found.map_or(Found::Nobody, once)
}

fn in_text(elements: &BTreeMap<&Value, OperationId>, text: &str) -> Found {
    let texts: Vec<(&str, OperationId)> = elements
        .iter()
        .filter_map(|(element, id)| Some((element.as_text()?, *id)))
        .collect();
    let mut found = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        // The elements that the rest begins with stand at or before it in their order.
        let end = texts.partition_point(|(element, _)| *element <= rest);
        let first = rest.chars().next().map_or(0, char::len_utf8);
        let begin = texts.partition_point(|(element, _)| *element < &rest[..first]);
        let mut fits = texts[begin..end]
            .iter()
            .filter(|(element, _)| !element.is_empty() && rest.starts_with(element));
        match (fits.next(), fits.next()) {
            (None, _) => return Found::Nobody,
            (Some((element, id)), None) => {
                found.push(*id);
                rest = &rest[element.len()..];
            }
            (Some(_), Some(_)) => {
                let reason = format!("it is unclear which appends {:?} is made of", shorten(text));
                return Found::Unclear(reason);
            }
        }
    }
    once(found)
}

/// What is appended once is found once.
fn once(found: Vec<OperationId>) -> Found {
    let mut sorted = found.clone();
    sorted.sort_unstable();
    let is_twice = sorted.windows(2).any(|pair| pair[0] == pair[1]);
    if is_twice {
        Found::Nobody
    } else {
        Found::Elements(found)
    }
}
