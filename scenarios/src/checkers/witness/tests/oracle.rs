//! An oracle that tries all orders, and a judge made of it.
//!
//! It shares nothing with the search for cores: no sub-history is made, no update is left out as irrelevant.

use std::collections::{BTreeMap, BTreeSet};

use crate::checkers::{Finding, Model, Order, Question, Ruling, Setting, Unsupported, Witness};
use crate::history::{Completion, Function, History, KeyId, Operation, OperationId, Value};

/// How an operation takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// It happened as the history says.
    Kept,
    /// It took effect at its real time; what it returned is not believed.
    PutBack,
    /// It takes effect at any time from its invocation on, in a session of its own.
    AtAnyTime,
    /// It never happened.
    Gone,
}

/// Whether some order explains a history in which each operation has a role. What is kept and not known to have happened
/// may have happened or not.
pub(super) fn is_explained(history: &History, setting: &Setting, roles: &[Role]) -> bool {
    let all: Vec<&Operation> = history.operations().collect();
    let mut search = Search {
        history,
        setting,
        roles,
        all,
        seen: BTreeSet::new(),
    };
    search.goes_on(0, &BTreeMap::new())
}

struct Search<'a> {
    history: &'a History,
    setting: &'a Setting,
    roles: &'a [Role],
    all: Vec<&'a Operation>,
    seen: BTreeSet<(u64, BTreeMap<KeyId, Option<Value>>)>,
}

impl Search<'_> {
    /// Whether what is not `done` yet can follow a state.
    fn goes_on(&mut self, done: u64, state: &BTreeMap<KeyId, Option<Value>>) -> bool {
        let must = |o: &&&Operation| match self.roles[o.id.index()] {
            Role::Kept => o.is_ok(),
            Role::PutBack => true,
            Role::AtAnyTime | Role::Gone => false,
        };
        if self.all.iter().filter(must).all(|o| is_in(done, o.id)) {
            return true;
        }
        if !self.seen.insert((done, state.clone())) {
            return false;
        }
        for next in self.all.clone() {
            let role = self.roles[next.id.index()];
            if role == Role::Gone || next.is_fail() || is_in(done, next.id) {
                continue;
            }
            if self
                .all
                .iter()
                .any(|other| !is_in(done, other.id) && self.precedes(other, next))
            {
                continue;
            }
            let key = self.history.key_id(next.id);
            let before = state.get(&key).cloned();
            let before = before.unwrap_or_else(|| self.setting.initial.clone());
            let Some(after) = step(before, next, role == Role::Kept) else {
                continue;
            };
            let mut state = state.clone();
            state.insert(key, after);
            if self.goes_on(done | 1 << next.id.0, &state) {
                return true;
            }
        }
        false
    }

    /// Whether one operation has to come before another.
    fn precedes(&self, one: &Operation, other: &Operation) -> bool {
        let (role, later) = (self.roles[one.id.index()], self.roles[other.id.index()]);
        if !matches!(role, Role::Kept | Role::PutBack) || !one.is_ok() {
            return false;
        }
        let ended = self.history.completed(one.id) < Some(self.history.invoked(other.id));
        let in_session = one.session == other.session && later != Role::AtAnyTime;
        ended && (self.setting.order == Order::RealTime || in_session)
    }
}

fn is_in(done: u64, id: OperationId) -> bool {
    done & (1 << id.0) != 0
}

/// What becomes of a value; `None` when the operation can't have happened so.
fn step(value: Option<Value>, operation: &Operation, is_kept: bool) -> Option<Option<Value>> {
    let returned = match operation.completion() {
        Some(Completion::Ok(returned)) if is_kept => Some(returned.clone()),
        _ => None,
    };
    let list = |value: &Option<Value>| {
        let list = value.as_ref().and_then(Value::as_list);
        list.unwrap_or_default().to_vec()
    };
    let (after, result) = match &operation.function {
        Function::Read => (value.clone(), Some(value)),
        Function::Write(new) => (Some(new.clone()), None),
        Function::Delete => (None, None),
        Function::CompareAndSet { expected, new } if *expected == value => {
            (Some(new.clone()), None)
        }
        Function::CompareAndSet { .. } if returned.is_some() => return None,
        Function::CompareAndSet { .. } => (value, None),
        Function::Add(amount) => {
            let sum = value.and_then(|v| v.as_int()).unwrap_or(0) + amount;
            (Some(Value::Int(sum)), None)
        }
        Function::Enqueue(element) => {
            let mut queue = list(&value);
            queue.push(element.clone());
            (Some(Value::List(queue.into())), None)
        }
        Function::Dequeue => {
            let mut queue = list(&value);
            let first = (!queue.is_empty()).then(|| queue.remove(0));
            (Some(Value::List(queue.into())), Some(first))
        }
        Function::Insert(element) => {
            let mut set: BTreeSet<Value> = list(&value).into_iter().collect();
            set.insert(element.clone());
            (Some(Value::List(set.into_iter().collect())), None)
        }
        Function::Remove(element) => {
            let mut set = list(&value);
            set.retain(|other| other != element);
            (Some(Value::List(set.into())), None)
        }
        Function::Contains(element) => {
            let truth = list(&value).contains(element);
            (value, Some(Some(Value::Bool(truth))))
        }
        Function::Append(part) => {
            let before = value.as_ref().and_then(Value::as_text).unwrap_or("");
            let text = format!("{before}{}", part.as_text().expect("texts are appended"));
            (Some(Value::from(text)), None)
        }
    };
    let is_right = match (returned, result) {
        (Some(returned), Some(result)) => returned == result,
        _ => true,
    };
    is_right.then_some(after)
}

/// A judge of small histories: linearizable in real time, sequential in the order of sessions.
pub(super) fn judge(question: &Question<'_>) -> Result<Ruling, Unsupported> {
    let history = question.history;
    let roles = vec![Role::Kept; history.operation_count()];
    if is_explained(history, question.setting, &roles) {
        return Ok(Ruling::from_witnesses(Vec::new(), 1));
    }
    let all = history.operations().map(|operation| operation.id).collect();
    let witness = Witness::new(history, all, question.at, "wrong".into(), Vec::new());
    Ok(Ruling::from_witnesses(vec![witness], 1))
}

/// Whether the judge finds something.
pub(super) fn is_violated(history: &History, setting: &Setting) -> bool {
    let question = Question {
        history,
        setting,
        finals: None,
        at: seedbed_sim::Instant::ZERO,
    };
    let ruling = judge(&question).expect("it knows everything");
    matches!(ruling.finding, Finding::Violated { .. })
}

/// The setting of a model.
pub(super) fn setting(model: Model, order: Order) -> Setting {
    Setting {
        model,
        order,
        initial: match model {
            Model::Register | Model::CasRegister | Model::Queue => None,
            Model::Set => Some(Value::List([].into())),
            Model::AppendKv => Some("".into()),
            Model::Counter => Some(Value::Int(0)),
        },
        ..Setting::default()
    }
}
