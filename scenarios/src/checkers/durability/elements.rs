//! Durability of what is added to: lists, sets, queues and counters.

use std::collections::{BTreeMap, BTreeSet};

use crate::checkers::Question;
use crate::checkers::Witness;
use crate::checkers::conflicts::objects::{Kind, elements};
use crate::checkers::story::{capital, holds, quote, shorten, tell, the_update, user};
use crate::history::{Function, History, Operation, OperationId, Value};

use super::{Held, Wrong, acknowledged, phantom};

/// No more updates are told than this.
const TOLD_MAX: usize = 6;

/// What is wrong with what a replica holds for a key; `Err` where nobody can tell.
pub(super) fn judge(
    question: &Question<'_>,
    kind: Kind,
    updates: &[&Operation],
    held: &Held<'_>,
) -> Result<Option<Wrong>, String> {
    if question.setting.initial.is_some() && kind != Kind::Counter {
        return Err("only counters and whole values may hold something at first".to_owned());
    }
    if kind == Kind::Counter {
        return counter(question, updates, held);
    }
    let history = question.history;
    let brought = brought(updates);
    let known: BTreeSet<&Value> = brought.keys().copied().collect();
    let there = elements(held.value, &known)?;
    for element in there.keys() {
        let by = brought.get(element).map_or(&[][..], Vec::as_slice);
        if by.iter().all(|it| history.operation(*it).is_fail()) {
            return Ok(Some(phantom(history, element, by.first().copied(), held)));
        }
    }
    let lost = match kind {
        Kind::Set => lost_of_set(history, updates, &there),
        Kind::Queue => lost_of_queue(updates, &there),
        _ => acknowledged(updates).find(|it| element(it).is_some_and(|e| !there.contains_key(e))),
    };
    Ok(lost.map(|lost| missing(history, lost, held)))
}

/// By element: the updates that bring it, whatever became of them.
fn brought<'a>(updates: &[&'a Operation]) -> BTreeMap<&'a Value, Vec<OperationId>> {
    let mut brought: BTreeMap<&Value, Vec<OperationId>> = BTreeMap::new();
    for update in updates {
        if let Some(element) = element(update) {
            brought.entry(element).or_default().push(update.id);
        }
    }
    brought
}

/// What an update adds.
fn element(operation: &Operation) -> Option<&Value> {
    match &operation.function {
        Function::Append(it) | Function::Insert(it) | Function::Enqueue(it) => Some(it),
        _ => None,
    }
}

/// An insertion that is gone and no removal explains it, or a removal that is undone.
fn lost_of_set<'a>(
    history: &History,
    updates: &'a [&'a Operation],
    there: &BTreeMap<Value, u64>,
) -> Option<&'a Operation> {
    // What can come after an update in some legal order, of those that undo it.
    let undone = |update: &Operation, undoes: &dyn Fn(&Operation) -> bool| {
        let mut others = updates.iter().filter(|it| !it.is_fail() && undoes(it));
        others.any(|it| !history.surely_before(it.id, update.id))
    };
    acknowledged(updates).find(|update| match &update.function {
        Function::Insert(element) => {
            let removes = |it: &Operation| it.function == Function::Remove(element.clone());
            !there.contains_key(element) && !undone(update, &removes)
        }
        Function::Remove(element) => {
            let inserts = |it: &Operation| it.function == Function::Insert(element.clone());
            there.contains_key(element) && !undone(update, &inserts)
        }
        _ => false,
    })
}

/// An acknowledged element that is neither there nor was handed out. Each dequeue of which nobody knows may have taken one.
fn lost_of_queue<'a>(
    updates: &'a [&'a Operation],
    there: &BTreeMap<Value, u64>,
) -> Option<&'a Operation> {
    let mut left = there.clone();
    for taken in acknowledged(updates).filter_map(|it| it.returned()) {
        *left.entry(taken.clone()).or_default() += 1;
    }
    let dequeues = updates.iter().filter(|it| it.function == Function::Dequeue);
    let mut unknown = dequeues.filter(|it| !it.is_ok() && !it.is_fail()).count();
    acknowledged(updates).find(|it| {
        let Some(element) = element(it) else {
            return false;
        };
        match left.get_mut(element).filter(|count| **count > 0) {
            Some(count) => {
                *count -= 1;
                false
            }
            None if unknown > 0 => {
                unknown -= 1;
                false
            }
            None => true,
        }
    })
}

fn missing(history: &History, lost: &Operation, held: &Held<'_>) -> Wrong {
    let is_removal = matches!(lost.function, Function::Remove(_));
    let mut story = vec![tell(history, lost.id)];
    story.push(holds(held.at, held.replica, held.key, held.value));
    let why = match (is_removal, matches!(lost.function, Function::Enqueue(_))) {
        (true, _) => "was acknowledged, and nobody inserted it again",
        (_, true) => "was acknowledged, and nobody can have got it",
        _ => "was acknowledged, and nothing can have undone it",
    };
    story.push(format!(
        "{} {why}: durability falls.",
        capital(&the_update(lost))
    ));
    let what = match &lost.function {
        Function::Remove(element) => format!("the removal of {}", quote(element)),
        _ => element(lost).map_or_else(String::new, quote),
    };
    let summary = format!(
        "{} lost {what}, {}'s acknowledged update of {}",
        shorten(held.replica),
        user(lost),
        shorten(held.key)
    );
    Wrong::Lost(Witness::new(
        history,
        vec![lost.id],
        held.at,
        summary,
        story,
    ))
}

/// The sum must be one that some of the unknown additions explain.
fn counter(
    question: &Question<'_>,
    updates: &[&Operation],
    held: &Held<'_>,
) -> Result<Option<Wrong>, String> {
    let history = question.history;
    let number = |value: Option<&Value>| match value {
        None => Ok(0),
        Some(value) => {
            let number = value.as_int().map(i128::from);
            number.ok_or_else(|| format!("{value} is no number"))
        }
    };
    let initial = number(question.setting.initial.as_ref())?;
    let sum = number(held.value)?;
    let (mut low, mut high) = (initial, initial);
    for update in updates.iter().filter(|it| !it.is_fail()) {
        let Function::Add(amount) = update.function else {
            continue;
        };
        let amount = i128::from(amount);
        let (down, up) = match update.is_ok() {
            true => (amount, amount),
            false => (amount.min(0), amount.max(0)),
        };
        low += down;
        high += up;
    }
    if (low..=high).contains(&sum) {
        return Ok(None);
    }
    let all: Vec<OperationId> = acknowledged(updates).map(|it| it.id).collect();
    let untold = all.len().saturating_sub(TOLD_MAX);
    let mut story = Vec::new();
    if untold > 0 {
        story.push(format!(
            "{untold} acknowledged additions come before these."
        ));
    }
    story.extend(all[untold..].iter().map(|&id| tell(history, id)));
    story.push(holds(held.at, held.replica, held.key, held.value));
    let explained = match low == high {
        true => format!("add up to {low}"),
        false => format!("explain sums from {low} to {high}"),
    };
    story.push(format!(
        "What was acknowledged, and what may have happened besides, {explained}; {sum} is there: durability falls."
    ));
    let summary = format!(
        "{} holds {} = {sum}, and additions {explained}",
        shorten(held.replica),
        shorten(held.key)
    );
    let witness = Witness::new(history, all[untold..].to_vec(), held.at, summary, story);
    Ok(Some(match sum < low {
        true => Wrong::Lost(witness),
        false => Wrong::Phantom(witness),
    }))
}
