//! Stores that keep a promise by construction are never accused of breaking it, whatever else happens: operations at
//! once, refusals, unknown outcomes that take effect late or never.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use seedbed_sim::Instant;

use super::judge;
use crate::checkers::{FinalState, ReplicaContents, judge_final};
use crate::history::sketch::{Sketch, write};
use crate::history::{Function, OperationId, Value};

const SESSIONS: u32 = 4;
const KEYS: [&str; 2] = ["x", "y"];

/// A store with one log. Updates take their places in it at one moment each.
#[derive(Default)]
struct Store {
    sketch: Sketch,
    log: Vec<(&'static str, Option<String>)>,
    /// Updates that were invoked, have no place in the log and may still get one.
    pending: Vec<OperationId>,
    /// What open reads will return.
    answers: BTreeMap<OperationId, Option<String>>,
    /// How much of the log each session's replica has applied.
    applied: [usize; SESSIONS as usize],
}

/// Where reads go.
#[derive(Clone, Copy, PartialEq)]
enum Routing {
    Leader,
    /// Each session to a replica of its own, which lags.
    Sticky,
}

impl Store {
    fn step(&mut self, routing: Routing, (kind, session, which): (u8, u8, u8)) {
        let session = u32::from(session) % SESSIONS;
        match kind % 8 {
            0..=2 => self.begin(session, kind, which),
            3 | 4 => self.take_effect(routing, which),
            5 | 6 => self.end(which),
            _ => {
                let applied = &mut self.applied[session as usize];
                *applied = (*applied + 1 + usize::from(which % 4)).min(self.log.len());
            }
        }
    }

    fn begin(&mut self, session: u32, kind: u8, which: u8) {
        let key = KEYS[usize::from(which) % KEYS.len()];
        let value = self.sketch.history.operation_count().to_string();
        let function = match kind / 8 % 8 {
            0..=3 => Function::Read,
            4..=6 => write(&value),
            _ => Function::Delete,
        };
        let is_read = function == Function::Read;
        let id = self.sketch.begin_at(key, session, function);
        if !is_read {
            self.pending.push(id);
        }
    }

    /// An update gets its place, or a read its answer.
    fn take_effect(&mut self, routing: Routing, which: u8) {
        if which.is_multiple_of(2) && !self.pending.is_empty() {
            let id = self
                .pending
                .swap_remove(usize::from(which / 2) % self.pending.len());
            let operation = self.sketch.history.operation(id);
            let key = if *operation.key == *KEYS[0] {
                KEYS[0]
            } else {
                KEYS[1]
            };
            self.log
                .push((key, operation.written().map(ToString::to_string)));
        } else if let Some(id) = self.choose_open(which, |store, id| {
            !store.sketch.history.operation(id).is_update() && !store.answers.contains_key(&id)
        }) {
            let operation = self.sketch.history.operation(id);
            let applied = match routing {
                Routing::Leader => self.log.len(),
                Routing::Sticky => self.applied[operation.session.0 as usize],
            };
            let entry = self.log[..applied]
                .iter()
                .rev()
                .find(|(key, _)| **key == *operation.key);
            let answer = entry.and_then(|(_, value)| value.clone());
            self.answers.insert(id, answer);
        }
    }

    fn end(&mut self, which: u8) {
        let Some(id) = self.choose_open(which, |_, _| true) else {
            return;
        };
        let is_unknown = which.is_multiple_of(8);
        if is_unknown {
            self.sketch.info(id);
        } else if let Some(answer) = self.answers.get(&id) {
            self.sketch.got(id, answer.as_deref());
        } else if self.sketch.history.operation(id).is_update() && !self.pending.contains(&id) {
            self.sketch.ok(id);
        } else {
            self.pending.retain(|&pending| pending != id);
            self.sketch.fail(id);
        }
    }

    fn choose_open(
        &self,
        which: u8,
        fits: impl Fn(&Self, OperationId) -> bool,
    ) -> Option<OperationId> {
        let mut open = self.sketch.history.open_operations();
        open.retain(|&id| fits(self, id));
        open.get(usize::from(which / 2) % open.len().max(1))
            .copied()
    }

    fn contents(&self) -> BTreeMap<Arc<str>, Value> {
        let mut contents = BTreeMap::new();
        for (key, value) in &self.log {
            match value {
                Some(value) => contents.insert(Arc::from(*key), value.as_str().into()),
                None => contents.remove(*key),
            };
        }
        contents
    }
}

fn run(routing: Routing, steps: &[(u8, u8, u8)]) -> Store {
    let mut store = Store::default();
    for &step in steps {
        store.step(routing, step);
    }
    store
}

fn steps() -> impl Strategy<Value = Vec<(u8, u8, u8)>> {
    prop::collection::vec(any::<(u8, u8, u8)>(), 0..300)
}

proptest! {
    #[test]
    fn a_store_with_one_copy_keeps_all_session_guarantees(steps in steps()) {
        let store = run(Routing::Leader, &steps);
        for check in ["read-your-writes-in-real-time", "monotonic-reads-in-real-time"] {
            let verdict = judge(check, &store.sketch.history).0;
            prop_assert_eq!(verdict.holds(), Some(true), "{:?}", verdict);
        }
    }

    #[test]
    fn a_lagging_replica_of_ones_own_keeps_monotonic_reads(steps in steps()) {
        let store = run(Routing::Sticky, &steps);
        let verdict = judge("monotonic-reads-in-real-time", &store.sketch.history).0;
        prop_assert_eq!(verdict.holds(), Some(true), "{:?}", verdict);
    }

    #[test]
    fn replicas_that_applied_the_whole_log_lost_nothing(steps in steps()) {
        let store = run(Routing::Leader, &steps);
        let replica = |name: &str| ReplicaContents { name: Arc::from(name), contents: store.contents() };
        let state = FinalState { unsettled: None, replicas: vec![replica("l1"), replica("f1")], probes: Some(Vec::new()) };
        for verdict in judge_final(&store.sketch.history, &state, Instant::from_millis(1)) {
            prop_assert_eq!(verdict.holds(), Some(true), "{:?}", verdict);
        }
    }

    /// Planted: the store forgets the acknowledged update of a key that was invoked last, and all after it.
    #[test]
    fn a_log_that_lost_its_last_acknowledged_update_is_caught(steps in steps()) {
        let mut store = run(Routing::Leader, &steps);
        let own = store.sketch.begin_at("x", 0, write("last"));
        store.sketch.ok(own);
        let contents = store.contents();
        let state = FinalState {
            unsettled: None,
            replicas: vec![ReplicaContents { name: Arc::from("l1"), contents: contents.clone() }],
            probes: None,
        };
        let durable = judge_final(&store.sketch.history, &state, Instant::from_millis(1));
        let read = store.sketch.begin_at("x", 0, Function::Read);
        store.sketch.got(read, contents.get("x").and_then(Value::as_text));
        let is_unsure = store
            .sketch
            .history
            .operations()
            .any(|o| o.is_update() && *o.key == *"x" && !o.is_ok() && !o.is_fail());
        if !is_unsure {
            prop_assert_eq!(durable[1].holds(), Some(false));
            prop_assert_eq!(judge("read-your-writes-in-real-time", &store.sketch.history).0.holds(), Some(false));
        }
    }
}
