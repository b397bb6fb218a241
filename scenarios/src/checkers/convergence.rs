//! **Convergence**: once the world is healed and replication has come to rest, all live replicas hold the same.
//!
//! Judged by the [final contents](FinalState). For each key that any of them holds, all values (or absences) are
//! compared: O(replicas × keys). Not judged while replication goes on.

use std::collections::BTreeSet;
use std::sync::Arc;

use seedbed_sim::Instant;

use crate::history::{History, OperationId, Value};

use super::story::{holds, shorten, tell};
use super::{FinalState, Verdict, Witness};

/// The name of this check.
pub(super) const NAME: &str = "convergence";

/// See the [module](self).
pub(super) fn check(history: &History, state: &FinalState, at: Instant) -> Verdict {
    if let Some(reason) = state.why_not_judged() {
        return Verdict::not_judged(NAME, reason);
    }
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
        .map(|key| diverged(history, state, key, at))
        .collect();
    Verdict::from_witnesses(NAME, witnesses)
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
