//! Why no order explains a core, in words.
//!
//! The judge may have words of its own, which then stand: a cycle is told by those who found it. Where it has none, or
//! none but that it searched in vain, the culprit's answer is looked at: whose value it is, and what had become of that. When none of the simple reasons is
//! the reason, the story says what was proved and no more: that no order explains these operations.

use std::collections::BTreeSet;

use crate::checkers::story::{Clock, capital, object, quote_or_nothing, the_update, user};
use crate::checkers::{Model, Order, Question, Witness};
use crate::history::{Function, History, Operation, OperationId, Value};

use super::Core;

/// One line: who did what, and what they could have got. A judge that says who did what has said it.
pub(super) fn summary(
    history: &History,
    guarantee: &str,
    core: &Core,
    judge: Option<&Witness>,
    clock: Clock<'_>,
) -> String {
    let culprit = history.operation(core.culprit());
    let has_said = |told: &&Witness| told.summary.starts_with(&user(culprit));
    if let Some(told) = judge
        .filter(|_| !SEARCHED.contains(&guarantee))
        .filter(has_said)
    {
        return told.summary.clone();
    }
    let key = object(culprit);
    let (who, at) = (user(culprit), ended(history, core.culprit(), clock));
    let got = quote_or_nothing(culprit.returned());
    let did = match &culprit.function {
        Function::Read => format!("read {key} and got {got}"),
        Function::Contains(element) => {
            let element = quote_or_nothing(Some(element));
            format!("asked whether {key} contains {element} and got {got}")
        }
        Function::Dequeue => format!("dequeued from {key} and got {got}"),
        _ => {
            let what = the_update(culprit);
            format!("got {what} acknowledged for {key}")
        }
    };
    let legal = could(core, culprit);
    format!("{who} {did} at {at}, which nothing explains{legal}")
}

/// The guarantees whose judges search for orders: they know that there is none, and have no better words for it.
const SEARCHED: [&str; 2] = ["linearizable", "sequential"];

/// The lines below the operations: why they can't be, and what could.
pub(super) fn why(
    question: &Question<'_>,
    guarantee: &str,
    core: &Core,
    judge: Option<&Witness>,
    clock: Clock<'_>,
) -> Vec<String> {
    let culprit = question.history.operation(core.culprit());
    let legal = could(core, culprit);
    let mut lines = origins(question.history, core, clock);
    let words: Vec<String> = judge
        .filter(|_| !SEARCHED.contains(&guarantee))
        .map(|told| told.story.iter().skip(told.operations.len()).cloned())
        .into_iter()
        .flatten()
        .collect();
    if !core.is_minimal {
        lines.push(
            "Within the budget it is not certain that each of these operations is needed."
                .to_owned(),
        );
    }
    if words.is_empty() {
        let reason = reason(question, core, clock).unwrap_or_else(|| no_order(question, core));
        let (who, answer) = (user(culprit), answer(culprit));
        lines.push(capital(&format!(
            "{who}'s {answer}, yet {reason}{legal}: {guarantee} falls."
        )));
    } else if !legal.is_empty() {
        let told = format!("{}'s {}{legal}.", user(culprit), answer(culprit));
        lines.push(capital(&told));
    }
    lines.extend(words);
    lines
}

/// More values than this are not told of.
const ORIGINS_MAX: usize = 4;

/// Where the values that are seen in a core come from, when that is not in it: `2 was written once, at line 7.`
fn origins(history: &History, core: &Core, clock: Clock<'_>) -> Vec<String> {
    let mut known = BTreeSet::new();
    let mut lines = Vec::new();
    for &id in &core.operations {
        let operation = history.operation(id);
        let saw = match &operation.function {
            Function::Dequeue => operation.returned(),
            _ => sight(operation).flatten(),
        };
        let Some(value) = saw.filter(|value| known.insert((history.key_id(id), *value))) else {
            continue;
        };
        let mut sources = sources(history, operation, Some(value));
        sources.retain(|source| *source != id);
        let Some(&first) = sources.first() else {
            continue;
        };
        if sources
            .iter()
            .any(|source| core.operations.contains(source))
        {
            continue;
        }
        let began = history.operation(first);
        let at = clock.name(began.invoked_at, history.invoked(first));
        let how_often = match sources.len() {
            1 => format!("once, at {at}"),
            count => format!("{count} times, first at {at}"),
        };
        let put = match began.function {
            Function::Enqueue(_) => "enqueued",
            _ => "written",
        };
        lines.push(format!(
            "({} was {put} {how_often}.)",
            quote_or_nothing(Some(value))
        ));
    }
    lines.truncate(ORIGINS_MAX);
    lines
}

/// `read returned 2`.
fn answer(culprit: &Operation) -> String {
    let got = quote_or_nothing(culprit.returned());
    match &culprit.function {
        Function::CompareAndSet { expected, .. } => {
            let expected = quote_or_nothing(expected.as_ref());
            format!("compare-and-set found {expected}")
        }
        Function::Read | Function::Contains(_) | Function::Dequeue => {
            format!("{} returned {got}", noun(culprit))
        }
        _ => format!("{} was acknowledged", noun(culprit)),
    }
}

fn noun(operation: &Operation) -> &'static str {
    match &operation.function {
        Function::CompareAndSet { .. } => "compare-and-set",
        Function::Contains(_) => "question",
        other => other.name(),
    }
}

/// `; it could have returned 1 or 4`, where anything is known.
fn could(core: &Core, culprit: &Operation) -> String {
    if matches!(culprit.function, Function::CompareAndSet { .. }) {
        return "; it could only have failed".to_owned();
    }
    let values: Vec<String> = core
        .legal
        .iter()
        .map(|value| quote_or_nothing(value.as_ref()))
        .collect();
    let Some((last, others)) = values.split_last() else {
        return String::new();
    };
    let values = match others {
        [] => last.clone(),
        others => format!("{} or {last}", others.join(", ")),
    };
    let more = if core.more_legal {
        ", for instance"
    } else {
        ""
    };
    format!("; it could have returned {values}{more}")
}

fn ended(history: &History, id: OperationId, clock: Clock<'_>) -> String {
    let operation = history.operation(id);
    let began = (operation.invoked_at, history.invoked(id));
    let end = operation.completed.as_ref().map(|completed| completed.at);
    let (at, place) = end.zip(history.completed(id)).unwrap_or(began);
    clock.name(at, place)
}

fn no_order(question: &Question<'_>, core: &Core) -> String {
    let keeps = match question.setting.order {
        Order::RealTime => "in which each takes effect between its beginning and its end",
        Order::Session => "that keeps to the order of each session",
    };
    match core.operations.len() {
        1 => "nothing that may have happened until then explains that".to_owned(),
        count => format!(
            "there is no order of these {count} operations {keeps} and that explains all their answers, whatever became \
             of the others"
        ),
    }
}

/// What became of the value that the culprit saw, where that is a simple story.
fn reason(question: &Question<'_>, core: &Core, clock: Clock<'_>) -> Option<String> {
    let history = question.history;
    if !matches!(question.setting.model, Model::Register | Model::CasRegister) {
        return None;
    }
    let culprit = history.operation(core.culprit());
    let saw = sight(culprit)?;
    let past = Past {
        question,
        core,
        culprit,
        saw,
        sources: sources(history, culprit, saw),
    };
    past.not_yet(clock)
        .or_else(|| past.replaced(clock))
        .or_else(|| past.passed_by(clock))
}

/// The value that an operation says it found; `None` where it says nothing.
fn sight(operation: &Operation) -> Option<Option<&Value>> {
    match &operation.function {
        Function::Read if operation.is_ok() => Some(operation.returned()),
        Function::CompareAndSet { expected, .. } if operation.is_ok() => Some(expected.as_ref()),
        _ => None,
    }
}

/// The updates that put a value there, or a delete for nothing, without the culprit itself.
fn sources(history: &History, culprit: &Operation, value: Option<&Value>) -> Vec<OperationId> {
    let key = history.key_id(culprit.id);
    let leaves = |operation: &&Operation| match (&operation.function, value) {
        (Function::Delete, None) => true,
        (Function::Enqueue(element), Some(value)) => element == value,
        (function, Some(value)) => function.written() == Some(value),
        _ => false,
    };
    history
        .operations()
        .filter(|operation| history.key_id(operation.id) == key && operation.id != culprit.id)
        .filter(|operation| !operation.is_fail())
        .filter(leaves)
        .map(|operation| operation.id)
        .collect()
}

/// What is known of the value that the culprit saw.
struct Past<'a> {
    question: &'a Question<'a>,
    core: &'a Core,
    culprit: &'a Operation,
    saw: Option<&'a Value>,
    sources: Vec<OperationId>,
}

impl Past<'_> {
    fn is_initial(&self) -> bool {
        self.saw == self.question.setting.initial.as_ref()
    }

    /// Nobody had written it.
    fn not_yet(&self, clock: Clock<'_>) -> Option<String> {
        if self.is_initial() {
            return None;
        }
        let history = self.question.history;
        let value = quote_or_nothing(self.saw);
        let Some(&first) = self.sources.first() else {
            return Some(match self.saw {
                None => "nothing had removed what was there".to_owned(),
                Some(_) => format!("nobody ever wrote {value}"),
            });
        };
        let is_later = Some(history.invoked(first)) > history.completed(self.culprit.id);
        if !is_later || self.question.setting.order == Order::Session {
            return None;
        }
        let began = clock.name(history.operation(first).invoked_at, history.invoked(first));
        Some(format!(
            "{value} was first written at {began}, after the {} had ended",
            noun(self.culprit)
        ))
    }

    /// Another update took its place before the culprit began.
    fn replaced(&self, clock: Clock<'_>) -> Option<String> {
        let history = self.question.history;
        let others = self.others();
        let by = others.into_iter().find(|&id| {
            let operation = history.operation(id);
            let leaves = operation.is_update() && operation.written() != self.saw;
            let before = history.completed(id) < Some(history.invoked(self.culprit.id));
            leaves && operation.is_ok() && before && self.all_before(id)
        })?;
        let new = quote_or_nothing(history.operation(by).written());
        let at = ended(history, by, clock);
        Some(format!(
            "{} by {at}, before the {} began",
            self.gave_way_to(&new),
            noun(self.culprit)
        ))
    }

    /// What took its place had been seen before the culprit began.
    fn passed_by(&self, clock: Clock<'_>) -> Option<String> {
        let history = self.question.history;
        let seen = self.others().into_iter().find(|&id| {
            let operation = history.operation(id);
            let before = history.completed(id) < Some(history.invoked(self.culprit.id));
            let newer = sight(operation).filter(|value| *value != self.saw);
            let newer = newer.map(|value| sources(history, self.culprit, value));
            let newer = newer.filter(|sources| !sources.is_empty());
            before && newer.is_some_and(|ids| ids.iter().all(|&id| self.all_before(id)))
        })?;
        let operation = history.operation(seen);
        let new = quote_or_nothing(sight(operation).flatten());
        let (who, at) = (user(operation), ended(history, seen, clock));
        Some(format!(
            "{}, as {who} had seen by {at}, before the {} began",
            self.gave_way_to(&new),
            noun(self.culprit)
        ))
    }

    /// `1 had been replaced by 2`.
    fn gave_way_to(&self, new: &str) -> String {
        let old = quote_or_nothing(self.saw);
        match new {
            "nothing" => format!("{old} had been removed"),
            _ if self.saw.is_none() => format!("{new} had been written"),
            _ => format!("{old} had been replaced by {new}"),
        }
    }

    /// The other operations of the core on this key, the latest first; none where there is no real time.
    fn others(&self) -> Vec<OperationId> {
        let history = self.question.history;
        if self.question.setting.order == Order::Session {
            return Vec::new();
        }
        let (_, others) = self.core.operations.split_last().expect("a culprit");
        let key = history.key_id(self.culprit.id);
        let others = others.iter().rev().copied();
        others.filter(|&id| history.key_id(id) == key).collect()
    }

    /// Whether everybody who put the value there was surely done before `update` began, or came only later.
    fn all_before(&self, update: OperationId) -> bool {
        let history = self.question.history;
        self.sources.iter().all(|&source| {
            let done = history.operation(source).is_ok()
                && history.completed(source) < Some(history.invoked(update));
            done || Some(history.invoked(source)) > history.completed(self.culprit.id)
        })
    }
}
