//! Durability of whole values: written, compared and deleted.

use std::collections::BTreeMap;

use crate::checkers::conflicts::objects::shown;
use crate::history::{Completion, History, KeyId, Operation, OperationId, Place, Value};

use super::{FinalState, Held, Wrong, lost_update, phantom};

/// What the history says of one key.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct KeyFacts {
    /// The acknowledged update that was invoked last.
    floor: Option<OperationId>,
    /// The latest place at which a delete may have taken effect.
    deleted: Option<Place>,
}

/// By key that was used or is held, in order of names.
pub(super) fn gather<'a>(
    history: &'a History,
    state: &'a FinalState,
) -> BTreeMap<&'a str, KeyFacts> {
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

/// What is wrong with what a replica holds for a key, if anything is.
pub(super) fn judge(
    history: &History,
    facts: KeyFacts,
    held: &Held<'_>,
    is_initial: bool,
) -> Option<Wrong> {
    let Some(value) = held.value else {
        let floor = facts.floor?;
        let lost = facts.deleted < Some(history.invoked(floor));
        return lost.then(|| lost_update(history, floor, None, held));
    };
    let key = history.find_key(held.key);
    let writes = key.map_or_else(Vec::new, |key| shown(history, key, Some(value)));
    if writes.is_empty() && is_initial {
        return facts
            .floor
            .map(|floor| lost_update(history, floor, None, held));
    }
    if let Some(wrong) = find_phantom(history, held, value, &writes) {
        return Some(wrong);
    }
    let floor = facts.floor?;
    // Siblings stand side by side: the newest of them counts.
    let older = writes.iter().copied().max()?;
    let all_older = writes.iter().all(|it| history.surely_before(*it, floor));
    all_older.then(|| lost_update(history, floor, Some(older), held))
}

fn find_phantom(
    history: &History,
    held: &Held<'_>,
    value: &Value,
    writes: &[OperationId],
) -> Option<Wrong> {
    let failed = writes.iter().find(|it| history.operation(**it).is_fail());
    if let Some(failed) = failed {
        let written = history.operation(*failed).written();
        return Some(phantom(history, written?, Some(*failed), held));
    }
    let is_written = |it: &Value| {
        let written = writes
            .iter()
            .filter_map(|id| history.operation(*id).written());
        written.into_iter().any(|written| written == it)
    };
    if is_written(value) {
        return None;
    }
    // A list that nobody wrote is one of siblings, and somebody wrote each of them.
    let siblings = value.as_list().filter(|it| !it.is_empty());
    let nobodys = match siblings {
        Some(siblings) => siblings.iter().find(|it| !is_written(it))?,
        None => value,
    };
    Some(phantom(history, nobodys, None, held))
}
