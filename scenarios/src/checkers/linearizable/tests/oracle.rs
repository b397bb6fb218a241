//! The definitions, without any cleverness: all orders are tried, and models are plain functions on values.

use std::collections::BTreeSet;

use crate::checkers::linearizable::{Duty, Precedence};
use crate::checkers::{Model, NullRead};
use crate::history::{Completion, Function, History, OperationId, Value};

/// What a key holds, and what a call returned; `None` where the model would have refused.
type Step = (Option<Value>, Option<Value>);

/// A call on a state: the state after it, and what it returns.
pub(super) fn step(model: Model, state: &Option<Value>, function: &Function) -> Option<Step> {
    let list = || match state {
        Some(Value::List(list)) => list.to_vec(),
        _ => Vec::new(),
    };
    let listed = |list: Vec<Value>| Some(Value::List(list.into()));
    Some(match (model, function) {
        (Model::Set, Function::Read) => (state.clone(), listed(list())),
        (Model::Counter, Function::Read) => {
            (state.clone(), Some(state.clone().unwrap_or(Value::Int(0))))
        }
        (Model::AppendKv, Function::Read) => (
            state.clone(),
            Some(state.clone().unwrap_or(Value::from(""))),
        ),
        (_, Function::Read) => (state.clone(), state.clone()),
        (_, Function::Write(value)) => (Some(value.clone()), None),
        (_, Function::Delete) => (None, None),
        (_, Function::CompareAndSet { expected, new }) => {
            if expected != state {
                return None;
            }
            (Some(new.clone()), None)
        }
        (_, Function::Append(piece)) => {
            let before = state.as_ref().and_then(Value::as_text).unwrap_or("");
            let piece = piece.as_text().expect("texts are appended");
            (Some(Value::from(format!("{before}{piece}"))), None)
        }
        (_, Function::Add(amount)) => {
            let before = state.as_ref().and_then(Value::as_int).unwrap_or(0);
            (Some(Value::Int(before + amount)), None)
        }
        (_, Function::Insert(element)) => {
            let mut elements = list();
            elements.push(element.clone());
            elements.sort();
            elements.dedup();
            (listed(elements), None)
        }
        (_, Function::Remove(element)) => {
            let mut elements = list();
            elements.retain(|e| e != element);
            (listed(elements), None)
        }
        (_, Function::Contains(element)) => {
            (state.clone(), Some(Value::Bool(list().contains(element))))
        }
        (_, Function::Enqueue(element)) => {
            let mut elements = list();
            elements.push(element.clone());
            (listed(elements), None)
        }
        (_, Function::Dequeue) => {
            let mut elements = list();
            if elements.is_empty() {
                (state.clone(), None)
            } else {
                let first = elements.remove(0);
                (listed(elements), Some(first))
            }
        }
    })
}

/// Tries all orders of what is kept.
pub(super) struct Oracle<'a> {
    pub(super) history: &'a History,
    pub(super) model: Model,
    pub(super) null_read: NullRead,
    pub(super) by: Precedence,
    /// An operation whose result is asked for.
    pub(super) asked: Option<OperationId>,
    /// What it returned in the orders that were found.
    pub(super) answers: BTreeSet<Option<Value>>,
}

impl<'a> Oracle<'a> {
    pub(super) fn new(history: &'a History, model: Model, by: Precedence) -> Self {
        Self {
            history,
            model,
            null_read: NullRead::Initial,
            by,
            asked: None,
            answers: BTreeSet::new(),
        }
    }

    pub(super) fn holds(&mut self, kept: &[(OperationId, Duty)]) -> bool {
        let left: Vec<(OperationId, Duty)> = kept
            .iter()
            .filter_map(|&(id, duty)| Some((id, self.duty(id, duty)?)))
            .collect();
        let states = vec![None; self.history.key_count()];
        self.explore(&left, &states, None)
    }

    /// Everything, as it happened.
    pub(super) fn holds_all(&mut self) -> bool {
        let all: Vec<_> = self
            .history
            .operations()
            .map(|o| (o.id, Duty::Must))
            .collect();
        self.holds(&all)
    }

    fn duty(&self, id: OperationId, duty: Duty) -> Option<Duty> {
        match self.history.operation(id).completion() {
            Some(Completion::Ok(_)) => Some(duty),
            Some(Completion::Fail(_)) => None,
            _ => Some(Duty::AnyTimeOrNever),
        }
    }

    fn precedes(&self, one: (OperationId, Duty), other: OperationId) -> bool {
        let (id, duty) = one;
        let session = |id| self.history.operation(id).session;
        duty != Duty::AnyTimeOrNever
            && (self.by == Precedence::RealTime || session(id) == session(other))
            && self
                .history
                .completed(id)
                .is_some_and(|end| end < self.history.invoked(other))
    }

    fn explore(
        &mut self,
        left: &[(OperationId, Duty)],
        states: &[Option<Value>],
        answer: Option<&Option<Value>>,
    ) -> bool {
        if left.iter().all(|&(_, duty)| duty != Duty::Must) {
            if let Some(answer) = answer {
                self.answers.insert(answer.clone());
            }
            return self.asked.is_none();
        }
        for &(next, duty) in left {
            let blocked =
                |&other: &(OperationId, Duty)| other.1 == Duty::Must && self.precedes(other, next);
            if left.iter().any(blocked) {
                continue;
            }
            let key = self.history.key_id(next).0 as usize;
            let operation = self.history.operation(next);
            let is_asked = self.asked == Some(next);
            let after = step(self.model, &states[key], &operation.function);
            let (state, returned) = match after {
                Some(after) => after,
                // A compare-and-set that is asked for is refused.
                None if is_asked => (states[key].clone(), None),
                None => continue,
            };
            let swaps = matches!(operation.function, Function::CompareAndSet { .. });
            let state = if is_asked && swaps {
                states[key].clone()
            } else {
                state
            };
            if duty == Duty::Must && !is_asked && !self.agrees(next, returned.as_ref()) {
                continue;
            }
            // What had to be in time and was not never happened.
            let rest: Vec<(OperationId, Duty)> = left
                .iter()
                .copied()
                .filter(|&other| other.0 != next && !self.precedes(other, next))
                .collect();
            let mut after = states.to_vec();
            after[key] = state;
            let told = if swaps { states[key].clone() } else { returned };
            let answer = if is_asked { Some(&told) } else { answer };
            if self.explore(&rest, &after, answer) {
                return true;
            }
        }
        false
    }

    fn agrees(&self, id: OperationId, would: Option<&Value>) -> bool {
        let operation = self.history.operation(id);
        let returned = operation.returned();
        let asks = matches!(
            operation.function,
            Function::Read | Function::Contains(_) | Function::Dequeue
        );
        if !asks || (returned.is_none() && self.null_read == NullRead::Any) {
            return true;
        }
        // A read of nothing finds what was there at first.
        let empty = match self.model {
            Model::Counter => Value::Int(0),
            Model::AppendKv => Value::from(""),
            _ => Value::List([].into()),
        };
        match (returned, would) {
            (None, Some(value)) => operation.function == Function::Read && empty == *value,
            (Some(Value::List(listed)), Some(Value::List(held))) => {
                let mut listed = listed.to_vec();
                listed.sort();
                listed[..] == held[..]
            }
            _ => returned == would,
        }
    }
}
