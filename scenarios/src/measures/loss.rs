//! How many acknowledged updates are gone in the end.
//!
//! An acknowledged update is *lost* when **every** replica holds something that [surely comes before](History::surely_before)
//! it: an older value; or nothing, where no delete can have come after it. What was overwritten by something newer that
//! is there is not lost, and what one replica alone lacks is a matter of convergence, which has a checker of its own.
//!
//! Three updates in a row that all vanish in one failover are three losses, where the durability check, which looks at
//! what replicas hold, has one proof for each replica and key.
//!
//! Measured on the contents of replicas that are healed and at rest; else there is nothing to measure on.

use serde::{Deserialize, Serialize};

use crate::checkers::FinalState;
use crate::history::{Function, History, KeyId, Place, Value};

/// How many acknowledged updates are gone in the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Loss {
    /// Acknowledged writes and deletes.
    pub acknowledged: u64,
    /// Those of them that no replica reflects.
    pub lost: u64,
}

/// Measures a history that is closed; `None` where replicas did not settle or reads do not name their writes.
/// O(operations + replicas × keys).
pub fn loss(history: &History, state: &FinalState) -> Option<Loss> {
    let unmeasured = state.unsettled.is_some() || state.replicas.is_empty();
    if unmeasured || history.first_repeated_write().is_some() {
        return None;
    }
    let deletes = deletes(history);
    // By key: from which place on an update must have been invoked to be missing everywhere.
    let keys = (0..history.key_count() as u32).map(KeyId);
    let kept: Vec<Option<Place>> = keys
        .map(|key| {
            let name = history.key_name(key);
            let deleted = deletes[key.0 as usize];
            let held = state
                .replicas
                .iter()
                .map(|replica| match replica.contents.get(name) {
                    Some(value) => written(history, key, value),
                    None => deleted,
                });
            // The replica that has come furthest decides; `None` comes first.
            held.max().flatten()
        })
        .collect();
    let mut loss = Loss::default();
    for update in history.operations().filter(|o| o.is_update() && o.is_ok()) {
        loss.acknowledged += 1;
        let kept = kept[history.key_id(update.id).0 as usize];
        let is_lost = kept.is_none_or(|place| place < history.invoked(update.id));
        loss.lost += u64::from(is_lost);
    }
    Some(loss)
}

/// The latest place at which a delete of each key may have taken effect; `None` where there was none.
fn deletes(history: &History) -> Vec<Option<Place>> {
    let mut latest = vec![None; history.key_count()];
    let deletes = history
        .operations()
        .filter(|o| o.function == Function::Delete);
    for delete in deletes.filter(|o| !o.is_fail()) {
        let effective = history.effective_by(delete.id).unwrap_or(history.end());
        let latest: &mut Option<Place> = &mut latest[history.key_id(delete.id).0 as usize];
        *latest = (*latest).max(Some(effective));
    }
    latest
}

/// By which place a value that is held has surely taken effect. Nothing is proven by a value whose write nobody saw
/// succeed, or that nobody wrote.
fn written(history: &History, key: KeyId, value: &Value) -> Option<Place> {
    let write = history.find_write(key, value);
    let effective = write.and_then(|write| history.effective_by(write));
    Some(effective.unwrap_or(history.end()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::checkers::ReplicaContents;
    use crate::history::sketch::{Sketch, write};

    fn holding(values: &[Option<&str>]) -> FinalState {
        let replica = |value: &Option<&str>| ReplicaContents {
            name: Arc::from("r"),
            contents: value
                .iter()
                .map(|v| (Arc::from("x"), (*v).into()))
                .collect(),
        };
        FinalState {
            unsettled: None,
            replicas: values.iter().map(replica).collect(),
            probes: None,
        }
    }

    /// How many updates are lost where the replicas hold these values.
    fn lost(sketch: &Sketch, values: &[Option<&str>]) -> u64 {
        loss(&sketch.history, &holding(values))
            .expect("it can be measured")
            .lost
    }

    fn three_writes() -> Sketch {
        let mut sketch = Sketch::new();
        for value in ["a", "b", "c"] {
            sketch.does(0, write(value));
        }
        sketch
    }

    #[test]
    fn every_acknowledged_update_after_what_is_held_is_lost() {
        let sketch = three_writes();
        assert_eq!(lost(&sketch, &[Some("c"), Some("c")]), 0);
        assert_eq!(lost(&sketch, &[Some("b"), Some("b")]), 1);
        assert_eq!(lost(&sketch, &[Some("a"), Some("a")]), 2);
        assert_eq!(lost(&sketch, &[None, None]), 3);
        let all = loss(&sketch.history, &holding(&[None])).expect("it can be measured");
        assert_eq!(all.acknowledged, 3);
    }

    #[test]
    fn what_one_replica_still_has_is_not_lost() {
        assert_eq!(lost(&three_writes(), &[Some("a"), Some("c"), None]), 0);
        assert_eq!(lost(&three_writes(), &[None, Some("b")]), 1);
    }

    #[test]
    fn a_delete_explains_what_is_gone_and_can_be_lost_itself() {
        let mut sketch = three_writes();
        sketch.does(0, Function::Delete);
        assert_eq!(lost(&sketch, &[None]), 0);
        assert_eq!(lost(&sketch, &[Some("c")]), 1);
        sketch.does(0, write("d"));
        assert_eq!(lost(&sketch, &[None]), 1);
        assert_eq!(lost(&sketch, &[Some("d")]), 0);
    }

    #[test]
    fn what_was_never_acknowledged_is_never_lost_and_proves_nothing() {
        let mut sketch = three_writes();
        for (value, ends) in [("refused", true), ("unknown", false)] {
            let id = sketch.begin(0, write(value));
            match ends {
                true => sketch.fail(id),
                false => sketch.info(id),
            }
        }
        assert_eq!(lost(&sketch, &[Some("c")]), 0);
        assert_eq!(lost(&sketch, &[Some("unknown")]), 0);
        assert_eq!(lost(&sketch, &[Some("a phantom")]), 0);
        let open = sketch.begin(0, Function::Delete);
        sketch.info(open);
        assert_eq!(lost(&sketch, &[None]), 0);
    }

    #[test]
    fn writes_at_the_same_time_may_be_in_either_order() {
        let mut sketch = Sketch::new();
        let (a, b) = (sketch.begin(0, write("a")), sketch.begin(1, write("b")));
        sketch.ok(a);
        sketch.ok(b);
        assert_eq!(lost(&sketch, &[Some("a")]), 0);
        assert_eq!(lost(&sketch, &[Some("b")]), 0);
    }

    #[test]
    fn there_is_nothing_to_measure_on_where_replicas_did_not_settle() {
        let sketch = three_writes();
        let mut state = holding(&[Some("c")]);
        state.unsettled = Some("a fault still holds".to_owned());
        assert_eq!(loss(&sketch.history, &state), None);
        assert_eq!(loss(&sketch.history, &FinalState::default()), None);
    }
}
