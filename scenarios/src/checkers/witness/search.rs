//! The search for the core: the culprit first, then a window before it that is enough, then nothing that can go.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use crate::checkers::{Budget, Check, Finding, Question, Setting, Witness};
use crate::history::{Function, KeyId, Operation, OperationId, Place, Value};
use crate::search::ddmin;

use super::Core;
use super::project::{SubHistory, project};
use super::relevance::Updates;

/// One history, and what was spent on it.
pub(super) struct Bench<'a> {
    pub(super) question: &'a Question<'a>,
    check: Check,
    pub(super) updates: Updates<'a>,
    /// The setting of sub-histories: with a budget that leaves something for others.
    setting: Setting,
    pub(super) cost: u64,
    cost_max: u64,
}

/// What a judge says of a sub-history.
#[derive(Debug)]
pub(super) enum Said {
    /// It violates the guarantee, however the rest is put back.
    Violated(Box<Witness>),
    Explained,
    Undecided,
}

impl Said {
    pub(super) fn is_violated(&self) -> bool {
        matches!(self, Self::Violated(_))
    }
}

/// No sub-history may cost more than this part of the budget …
const SHARE: u64 = 16;
/// … and the whole history is looked at so many times at most.
const LOOKS: u64 = 24;
/// Of so many operations that a judge proves something with, the core is among them; more are no proof but a pile.
const HINT_MAX: usize = 64;

impl<'a> Bench<'a> {
    pub(super) fn new(question: &'a Question<'a>, check: Check) -> Self {
        let budget = question.setting.budget;
        let share = Budget {
            states: (budget.states / SHARE).max(1),
            bytes: budget.bytes,
        };
        let setting = Setting {
            budget: share,
            ..question.setting.clone()
        };
        let events = question.history.len() as u64;
        Self {
            question,
            check,
            updates: Updates::new(question.history, question.setting),
            setting,
            cost: 0,
            cost_max: (budget.states / 2).saturating_add(events.saturating_mul(LOOKS)),
        }
    }

    /// What the judge says of some operations, which are sorted, when all others are put back at will.
    pub(super) fn said(&mut self, kept: &[OperationId]) -> Said {
        let optional = self.updates.relevant(kept, None);
        self.ask(&project(self.question.history, kept, &optional, None))
    }

    /// The same, were one of them as it is given here.
    pub(super) fn said_if(&mut self, kept: &[OperationId], changed: &Operation) -> Said {
        let optional = self.updates.relevant(kept, Some(changed));
        self.ask(&project(
            self.question.history,
            kept,
            &optional,
            Some(changed),
        ))
    }

    fn ask(&mut self, sub: &SubHistory) -> Said {
        if self.cost >= self.cost_max {
            return Said::Undecided;
        }
        let question = Question {
            history: &sub.history,
            setting: &self.setting,
            finals: None,
            at: self.question.at,
        };
        let ruled = (self.check)(&question);
        self.cost += sub.history.len() as u64;
        let Ok(ruling) = ruled else {
            return Said::Undecided;
        };
        self.cost += ruling.states;
        match ruling.finding {
            Finding::Holds => Said::Explained,
            Finding::Undecided(_) => Said::Undecided,
            Finding::Violated { first, .. } => Said::Violated(first),
        }
    }

    /// What the judge says of a core that it finds violated, in its own words.
    pub(super) fn judge_of(&mut self, core: &[OperationId]) -> Option<Box<Witness>> {
        match self.said(&sorted(core.iter().copied())) {
            Said::Violated(witness) => Some(witness),
            Said::Explained | Said::Undecided => None,
        }
    }

    /// See [`super::minimise`].
    pub(super) fn core(&mut self, hint: &[OperationId]) -> Option<Core> {
        let (scope, until, mut window) = self.scopes(hint).into_iter().find_map(|scope| {
            let (until, window) = self.culprit(&scope, hint)?;
            Some((scope, until, window))
        })?;
        let culprit = scope[until];
        // Reads are dropped first: who wrote a value tells more than who else saw it.
        window.sort_by_key(|&id| {
            let said_at = Reverse(self.said_at(id));
            (!self.question.history.operation(id).is_update(), said_at)
        });
        let rest = ddmin::fewest(window, &mut |count, make| {
            (0..count).find(|&index| self.said(&with(make(index), culprit)).is_violated())
        });
        let is_minimal = self.is_minimal(&rest, culprit);
        let (legal, more_legal) = self.legal(&scope[..=until], &rest, culprit);
        let operations = sorted(rest.iter().copied()).into_iter().chain([culprit]);
        Some(Core {
            operations: operations.collect(),
            legal,
            more_legal,
            is_minimal,
            cost: self.cost,
        })
    }

    /// Operations that say something, in the order in which they said it: those of the key of the hint's culprit, those of
    /// all of the hint's keys, and all. What the first of them proves needs no more.
    fn scopes(&self, hint: &[OperationId]) -> Vec<Vec<OperationId>> {
        let history = self.question.history;
        let of_hint: BTreeSet<KeyId> = hint.iter().map(|&id| history.key_id(id)).collect();
        let of_culprit = hint.last().map(|&id| BTreeSet::from([history.key_id(id)]));
        let all: BTreeSet<KeyId> = (0..history.key_count() as u32).map(KeyId).collect();
        let mut scopes: Vec<BTreeSet<KeyId>> = Vec::new();
        for keys in of_culprit.into_iter().chain([of_hint, all]) {
            if !keys.is_empty() && !scopes.contains(&keys) {
                scopes.push(keys);
            }
        }
        let operations = |keys: BTreeSet<KeyId>| {
            let in_keys = |operation: &&Operation| keys.contains(&history.key_id(operation.id));
            let speaking = history.operations().filter(in_keys).filter(says_something);
            let mut scope: Vec<OperationId> = speaking.map(|operation| operation.id).collect();
            scope.sort_by_key(|&id| self.said_at(id));
            scope
        };
        scopes.into_iter().map(operations).collect()
    }

    /// Where an operation says what it says: at its end, or where nobody knows its end, at its beginning.
    fn said_at(&self, id: OperationId) -> Place {
        let history = self.question.history;
        let ended = history.operation(id).is_ok().then(|| history.completed(id));
        ended.flatten().unwrap_or_else(|| history.invoked(id))
    }

    /// The index of the operation of the scope with whose end it became impossible, and a window before it that is
    /// enough. `None` where the scope violates nothing.
    fn culprit(
        &mut self,
        scope: &[OperationId],
        hint: &[OperationId],
    ) -> Option<(usize, Vec<OperationId>)> {
        // Where a judge names the culprit it is mostly right: a window and one look at all before it are enough.
        let index_of = |id: &OperationId| scope.iter().position(|other| other == id);
        let named = hint.last().and_then(index_of);
        let window = named.and_then(|index| self.window(&scope[..=index], hint));
        let (mut explained, mut violated) = match (named, window) {
            (Some(index), Some(window)) => {
                if !self.violates_until(scope, index) {
                    return Some((index, window));
                }
                (0, index)
            }
            (named, _) => {
                if !self.violates_until(scope, scope.len()) {
                    return None;
                }
                (named.map_or(0, |index| index + 1), scope.len())
            }
        };
        while explained + 1 < violated {
            let middle = explained + (violated - explained) / 2;
            match self.violates_until(scope, middle) {
                true => violated = middle,
                false => explained = middle,
            }
        }
        let index = violated.checked_sub(1)?;
        let window = self.window(&scope[..=index], hint)?;
        Some((index, window))
    }

    fn violates_until(&mut self, scope: &[OperationId], count: usize) -> bool {
        self.said(&sorted(scope[..count].iter().copied()))
            .is_violated()
    }

    /// Operations that violate the guarantee together with the last of those `until` its end: those of the hint, or else as
    /// many of those that spoke last as it takes.
    fn window(&mut self, until: &[OperationId], hint: &[OperationId]) -> Option<Vec<OperationId>> {
        let (&culprit, before) = until.split_last()?;
        let end = self.said_at(culprit);
        // A long hint is no hint.
        let hint = hint.iter().take(HINT_MAX + 1).copied();
        let hinted: Vec<OperationId> = hint
            .filter(|&id| self.said_at(id) < end)
            .filter(|&id| says_something(&self.question.history.operation(id)))
            .collect();
        if hinted.len() <= HINT_MAX && self.said(&with(hinted.clone(), culprit)).is_violated() {
            return Some(hinted);
        }
        let mut count = 1;
        loop {
            let near: Vec<OperationId> = before.iter().rev().take(count).copied().collect();
            let window = self.with_sources(near, culprit, before);
            if self.said(&with(window.clone(), culprit)).is_violated() {
                return Some(window);
            }
            if count >= before.len() {
                return None;
            }
            count *= 2;
        }
    }

    /// Operations, and behind them the updates before the culprit whose values they or the culprit saw.
    fn with_sources(
        &self,
        near: Vec<OperationId>,
        culprit: OperationId,
        before: &[OperationId],
    ) -> Vec<OperationId> {
        let history = self.question.history;
        let mut known: BTreeSet<OperationId> = near.iter().copied().chain([culprit]).collect();
        let last = before.last().map(|&id| self.said_at(id));
        let mut window = near;
        let mut index = 0;
        // Those that are added may have sources too.
        let mut next = Some(culprit);
        while let Some(id) = next {
            for value in seen(history.operation(id)) {
                let sources = self.updates.of(history.key_id(id), value);
                // Of many that leave the same, the last ones.
                let in_time = |id: &&OperationId| Some(self.said_at(**id)) <= last;
                for &source in sources.iter().rev().filter(in_time).take(4) {
                    if known.insert(source) {
                        window.push(source);
                    }
                }
            }
            next = window.get(index).copied();
            index += 1;
        }
        window
    }

    /// Whether each of the operations is certainly needed.
    fn is_minimal(&mut self, rest: &[OperationId], culprit: OperationId) -> bool {
        (0..rest.len()).all(|left_out| {
            let mut others = rest.to_vec();
            others.remove(left_out);
            matches!(self.said(&with(others, culprit)), Said::Explained)
        })
    }
}

/// What tells us anything: what happened, and updates that may have.
fn says_something(operation: &&Operation) -> bool {
    operation.is_ok() || operation.is_update() && !operation.is_fail()
}

/// The values that an operation says the key held.
fn seen(operation: &Operation) -> Vec<Option<&Value>> {
    let mut values = Vec::new();
    if let Function::CompareAndSet { expected, .. } = &operation.function {
        values.push(expected.as_ref());
    }
    if operation.is_ok() && (!operation.is_update() || operation.function == Function::Dequeue) {
        let returned = operation.returned();
        values.extend(
            returned
                .and_then(Value::as_list)
                .unwrap_or_default()
                .iter()
                .map(Some),
        );
        values.push(returned);
    }
    if let Function::Contains(element) = &operation.function {
        values.push(Some(element));
    }
    values
}

/// Some operations and the culprit, sorted.
fn with(mut operations: Vec<OperationId>, culprit: OperationId) -> Vec<OperationId> {
    operations.push(culprit);
    sorted(operations)
}

pub(super) fn sorted(ids: impl IntoIterator<Item = OperationId>) -> Vec<OperationId> {
    let mut ids: Vec<OperationId> = ids.into_iter().collect();
    ids.sort_unstable();
    ids
}
