//! **Convergence**: once the world is healed and replication has come to rest, all live replicas hold the same.
//!
//! Judged by the [final contents](FinalState). For each key that any of them holds, all values (or absences) are
//! compared: O(replicas × keys). Not judged while replication goes on.

use std::collections::BTreeSet;
use std::sync::Arc;

use seedbed_sim::Instant;

use crate::history::{History, OperationId, Value};

use super::story::{holds, shorten, tell};
use super::{FinalState, Question, Ruling, Unsupported, Witness};

/// See the [module](self).
pub(super) fn check(question: &Question<'_>) -> Result<Ruling, Unsupported> {
    let state = match question.contents() {
        Ok(state) => state,
        Err(reason) => return Ok(Ruling::undecided(reason)),
    };
    let keys: BTreeSet<&Arc<str>> = state
        .replicas
        .iter()
        .flat_map(|r| r.contents.keys())
        .collect();
    let differing = keys.into_iter().filter(|key| {
        let mut values = state.replicas.iter().map(|r| r.contents.get(*key));
        let first = values.next();
        values.any(|value| Some(value) != first)
    });
    let witnesses = differing
        .map(|key| diverged(question.history, state, key, question.at))
        .collect();
    Ok(Ruling::from_witnesses(witnesses, 0))
}

fn diverged(history: &History, state: &FinalState, key: &str, at: Instant) -> Witness {
    let held: Vec<(&str, Option<&Value>)> = state
        .replicas
        .iter()
        .map(|r| (&*r.name, r.contents.get(key)))
        .collect();
    let mut operations: Vec<OperationId> = history
        .find_key(key)
        .into_iter()
        .flat_map(|id| {
            held.iter()
                .filter_map(move |(_, value)| history.find_write(id, (*value)?))
        })
        .collect();
    operations.sort_unstable();
    operations.dedup();

    let mut story: Vec<String> = operations.iter().map(|&id| tell(history, id)).collect();
    story.extend(
        held.iter()
            .map(|(replica, value)| holds(at, replica, key, *value)),
    );
    story.push(
        "All faults are lifted and replication has come to rest: convergence falls.".to_owned(),
    );
    let summary = format!(
        "the replicas ended with different values of {}",
        shorten(key)
    );
    Witness::new(history, operations, at, summary, story)
}
