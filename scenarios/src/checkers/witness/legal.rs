//! What the culprit could have returned instead: guesses, each of them tried.
//!
//! A guess is made by what the model is. A register holds what one of the updates left that no other has surely
//! replaced, or what it held at first; a text, a list, a set or a number is what becomes of the updates in the order of
//! their ends. A guess counts only if the judge can explain everything that ended until then with it in place of what was
//! returned. So what is named was surely legal, and what could not be guessed or tried is not named.

use std::collections::BTreeSet;

use crate::checkers::Model;
use crate::history::{Completion, Function, Operation, OperationId, Value};

use super::search::{Bench, Said, sorted};

/// More guesses than this are not tried …
const GUESSES_MAX: usize = 12;
/// … and fewer where each of them means so many operations.
const MANY: usize = 20_000;

impl Bench<'_> {
    /// What the culprit, the last of the operations `until` its end, could have returned instead, and whether there may be
    /// more of that. The `rest` of its core is what it should have thought of.
    pub(super) fn legal(
        &mut self,
        until: &[OperationId],
        rest: &[OperationId],
        culprit: OperationId,
    ) -> (Vec<Option<Value>>, bool) {
        let operation = self.question.history.operation(culprit);
        let returned = operation.returned();
        let mut guesses = self.guesses(until, culprit);
        guesses.retain(|guess| guess.as_ref() != returned);
        let guesses_max = if until.len() > MANY { 4 } else { GUESSES_MAX };
        let mut more = guesses.len() > guesses_max;
        guesses.truncate(guesses_max);
        for told in self.told_of(rest, culprit) {
            if told.as_ref() != returned && !guesses.contains(&told) {
                guesses.push(told);
            }
        }
        let kept = sorted(until.iter().copied());
        let mut legal = Vec::new();
        for guess in guesses {
            let mut changed = operation.clone();
            if let Some(completed) = &mut changed.completed {
                completed.completion = Completion::Ok(guess.clone());
            }
            match self.said_if(&kept, &changed) {
                Said::Explained => legal.push(guess),
                Said::Violated(_) => {}
                Said::Undecided => more = true,
            }
        }
        // They were tried from the latest to the earliest.
        legal.reverse();
        (legal, more)
    }

    /// What it may have returned, each once; the likeliest first.
    fn guesses(&self, until: &[OperationId], culprit: OperationId) -> Vec<Option<Value>> {
        let setting = self.question.setting;
        let operation = self.question.history.operation(culprit);
        let mut guesses = match (&operation.function, setting.model) {
            (Function::Contains(_), _) => {
                [true, false].map(|truth| Some(Value::Bool(truth))).to_vec()
            }
            (Function::Dequeue, _) => self.queued(until, culprit),
            (Function::Read, Model::Register | Model::CasRegister) => {
                self.left_in_register(until, culprit)
            }
            (Function::Read, _) => self.become_of(until, culprit),
            _ => return Vec::new(),
        };
        let mut known = BTreeSet::new();
        guesses.retain(|guess| known.insert(guess.clone()));
        guesses
    }

    /// The other updates of the culprit's key that began before it ended, in order of invocation.
    fn earlier_updates(&self, until: &[OperationId], culprit: OperationId) -> Vec<&Operation> {
        let history = self.question.history;
        let key = history.key_id(culprit);
        let end = history.completed(culprit);
        let speaking: BTreeSet<OperationId> = until.iter().copied().collect();
        // Those that are open have said nothing, and may count.
        let mut ids: Vec<OperationId> = self.updates.of_key(key).collect();
        ids.retain(|&id| {
            id != culprit && (speaking.contains(&id) || Some(history.invoked(id)) < end)
        });
        ids.sort_unstable();
        ids.into_iter().map(|id| history.operation(id)).collect()
    }

    /// What operations of the culprit's register wrote and saw.
    fn told_of(&self, rest: &[OperationId], culprit: OperationId) -> Vec<Option<Value>> {
        let history = self.question.history;
        let is_register = matches!(
            self.question.setting.model,
            Model::Register | Model::CasRegister
        );
        if !is_register || history.operation(culprit).function != Function::Read {
            return Vec::new();
        }
        let key = history.key_id(culprit);
        let of_key = rest.iter().filter(|&&id| history.key_id(id) == key);
        let told = of_key.map(|&id| {
            let operation = history.operation(id);
            operation
                .written()
                .or_else(|| operation.returned())
                .cloned()
        });
        told.collect()
    }

    fn left_in_register(&self, until: &[OperationId], culprit: OperationId) -> Vec<Option<Value>> {
        let history = self.question.history;
        let updates = self.earlier_updates(until, culprit);
        let began = history.invoked(culprit);
        let ended = |operation: &Operation| {
            let place = history.completed(operation.id);
            place.filter(|_| operation.is_ok())
        };
        // What had ended before this one began is gone.
        let floor = updates
            .iter()
            .filter(|update| ended(update).is_some_and(|end| end < began))
            .map(|update| history.invoked(update.id))
            .max();
        let stands = |update: &&&Operation| ended(update).is_none_or(|end| Some(end) > floor);
        let left = updates.iter().filter(stands).rev();
        let left = left.map(|update| update.written().cloned());
        left.chain([self.question.setting.initial.clone()])
            .collect()
    }

    fn queued(&self, until: &[OperationId], culprit: OperationId) -> Vec<Option<Value>> {
        let history = self.question.history;
        let taken: BTreeSet<&Value> = until
            .iter()
            .map(|&id| history.operation(id))
            .filter(|operation| operation.function == Function::Dequeue && operation.id != culprit)
            .filter_map(Operation::returned)
            .collect();
        let updates = self.earlier_updates(until, culprit);
        let waiting = updates.iter().filter_map(|update| match &update.function {
            Function::Enqueue(element) if !taken.contains(element) => Some(Some(element.clone())),
            _ => None,
        });
        waiting.chain([None]).collect()
    }

    /// What the updates make of the initial value in the order of their ends: those that had ended before the culprit
    /// began, then with one more of the others at a time.
    fn become_of(&self, until: &[OperationId], culprit: OperationId) -> Vec<Option<Value>> {
        let history = self.question.history;
        let setting = self.question.setting;
        let returned = history.operation(culprit).returned();
        let mut updates = self.earlier_updates(until, culprit);
        updates.sort_by_key(|update| {
            let end = history.completed(update.id).filter(|_| update.is_ok());
            (end.is_none(), end)
        });
        let began = history.invoked(culprit);
        let mut value = setting.initial.clone();
        let mut guesses = Vec::new();
        let mut before = true;
        for update in updates {
            let end = history.completed(update.id).filter(|_| update.is_ok());
            if before && end.is_none_or(|end| end > began) {
                guesses.push(value.clone());
                before = false;
            }
            value = after(value, &update.function, setting.model, returned);
            if !before {
                guesses.push(value.clone());
            }
        }
        guesses.push(value);
        guesses
    }
}

/// What becomes of a value; `like` shows what values look like.
fn after(
    value: Option<Value>,
    function: &Function,
    model: Model,
    like: Option<&Value>,
) -> Option<Value> {
    match (function, model) {
        (Function::Write(new) | Function::CompareAndSet { new, .. }, _) => Some(new.clone()),
        (Function::Delete, _) => None,
        (Function::Add(amount), _) => {
            let before = value.as_ref().and_then(Value::as_int).unwrap_or(0);
            Some(Value::Int(before.saturating_add(*amount)))
        }
        (Function::Append(Value::Text(part)), _) if !matches!(like, Some(Value::List(_))) => {
            let before = value.as_ref().and_then(Value::as_text).unwrap_or("");
            Some(Value::from(format!("{before}{part}")))
        }
        (Function::Append(part), _) => {
            let mut list = elements(value.as_ref());
            list.push(part.clone());
            Some(Value::List(list.into()))
        }
        (Function::Insert(element), Model::Set) => {
            let mut set: BTreeSet<Value> = elements(value.as_ref()).into_iter().collect();
            set.insert(element.clone());
            Some(Value::List(set.into_iter().collect()))
        }
        (Function::Remove(element), Model::Set) => {
            let mut list = elements(value.as_ref());
            list.retain(|other| other != element);
            Some(Value::List(list.into()))
        }
        _ => value,
    }
}

fn elements(value: Option<&Value>) -> Vec<Value> {
    value.and_then(Value::as_list).unwrap_or_default().to_vec()
}
