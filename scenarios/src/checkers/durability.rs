//! **Durability of acknowledged updates**: what was acknowledged is there in the end, unless something newer took its
//! place; and what was refused is not.
//!
//! Judged by the history and the [final contents](FinalState), by [what the history proves](super). For each live
//! replica and each key that was used or is held:
//! - a value whose write surely comes before an acknowledged update of the key means that this update is *lost*;
//! - an absent key with an acknowledged update after which no delete can come means the same;
//! - a value that nobody wrote, or whose write failed, is a *phantom*.
//!
//! Not judged while replication goes on. O(operations + replicas × keys × log). The contents show one state only: an
//! update that was lost and then overwritten leaves no mark in them.

use std::collections::BTreeMap;

use seedbed_sim::Instant;

use crate::history::{Completion, History, KeyId, Operation, OperationId, Place, Value};

use super::story::{
    capital, holds, left_behind, quote_or_nothing, shorten, tell, the_update, user,
};
use super::{FinalState, Question, Ruling, Unsupported, Witness};

/// What the history says of one key.
#[derive(Clone, Copy, Debug, Default)]
struct KeyFacts {
    /// The acknowledged update that was invoked last.
    floor: Option<OperationId>,
    /// The latest place at which a delete may have taken effect.
    deleted: Option<Place>,
}

/// See the [module](self).
pub(super) fn check(question: &Question<'_>) -> Result<Ruling, Unsupported> {
    let (history, at) = (question.history, question.at);
    let state = match question.contents() {
        Ok(state) => state,
        Err(reason) => return Ok(Ruling::undecided(reason)),
    };
    if let Some(repeated) = history.first_repeated_write() {
        return Ok(Ruling::undecided(super::repeated(history, repeated)));
    }
    let keys = gather(history, state);
    let mut witnesses = Vec::new();
    for (key, facts) in &keys {
        for replica in &state.replicas {
            let value = replica.contents.get(*key);
            let held = Held {
                replica: &replica.name,
                key,
                value,
            };
            witnesses.extend(judge(history, *facts, &held, at));
        }
    }
    Ok(Ruling::from_witnesses(witnesses, 0))
}

/// What one replica holds for one key.
struct Held<'a> {
    replica: &'a str,
    key: &'a str,
    value: Option<&'a Value>,
}

fn gather<'a>(history: &'a History, state: &'a FinalState) -> BTreeMap<&'a str, KeyFacts> {
    let mut by_id = vec![KeyFacts::default(); history.key_count()];
    for operation in history.operations().filter(|o| o.is_update()) {
        let facts = &mut by_id[history.key_id(operation.id).0 as usize];
        if operation.is_ok() {
            facts.floor = Some(operation.id);
        }
        if operation.written().is_none() {
            facts.deleted = facts.deleted.max(may_take_effect_until(history, operation));
        }
    }
    let used = (0_u32..).map(KeyId).zip(&by_id);
    let mut keys: BTreeMap<&str, KeyFacts> = used
        .map(|(id, facts)| (&**history.key_name(id), *facts))
        .collect();
    for key in state.replicas.iter().flat_map(|r| r.contents.keys()) {
        keys.entry(key).or_default();
    }
    keys
}

/// `None` for an operation that failed; the end of the history and beyond for one whose outcome is unknown.
fn may_take_effect_until(history: &History, operation: &Operation) -> Option<Place> {
    match operation.completion() {
        Some(Completion::Fail(_)) => None,
        Some(Completion::Ok(_)) => history.completed(operation.id),
        Some(Completion::Info(_)) | None => Some(history.end()),
    }
}

fn judge(history: &History, facts: KeyFacts, held: &Held<'_>, at: Instant) -> Option<Witness> {
    let Some(value) = held.value else {
        let floor = facts.floor?;
        let lost = facts.deleted < Some(history.invoked(floor));
        return lost.then(|| lost_update(history, floor, None, held, at));
    };
    let key = history.find_key(held.key);
    let Some(write) = key.and_then(|key| history.find_write(key, value)) else {
        return Some(phantom(history, None, held, at));
    };
    if history.operation(write).is_fail() {
        return Some(phantom(history, Some(write), held, at));
    }
    let floor = facts
        .floor
        .filter(|&floor| history.surely_before(write, floor))?;
    Some(lost_update(history, floor, Some(write), held, at))
}

fn lost_update(
    history: &History,
    lost: OperationId,
    older: Option<OperationId>,
    held: &Held<'_>,
    at: Instant,
) -> Witness {
    let update = history.operation(lost);
    let operations: Vec<OperationId> = older.into_iter().chain([lost]).collect();
    let mut story: Vec<String> = operations.iter().map(|&id| tell(history, id)).collect();
    story.push(holds(at, held.replica, held.key, held.value));
    story.push(format!(
        "{} was acknowledged, and nothing newer took its place: durability falls.",
        capital(&the_update(update)),
    ));
    let summary = format!(
        "{} lost {}'s acknowledged update of {}: it holds {}, not {}",
        shorten(held.replica),
        user(update),
        shorten(held.key),
        quote_or_nothing(held.value),
        left_behind(update),
    );
    Witness::new(history, operations, at, summary, story)
}

fn phantom(
    history: &History,
    failed: Option<OperationId>,
    held: &Held<'_>,
    at: Instant,
) -> Witness {
    let operations: Vec<OperationId> = failed.into_iter().collect();
    let mut story: Vec<String> = operations.iter().map(|&id| tell(history, id)).collect();
    story.push(holds(at, held.replica, held.key, held.value));
    let value = quote_or_nothing(held.value);
    let whence = match failed {
        Some(_) => "whose write was refused",
        None => "which nobody wrote",
    };
    story.push(format!("{value} is a phantom, {whence}: durability falls."));
    let summary = format!(
        "{} holds {} = {value}, {whence}",
        shorten(held.replica),
        shorten(held.key)
    );
    Witness::new(history, operations, at, summary, story)
}
