//! What the replicas hold in the end, for the checkers that declare that they see it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::history::Value;

/// The contents of the live replicas after all faults were lifted and replication came to rest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FinalState {
    /// Why replication did not come to rest (`it was still going on after 60 s`), so that contents mean nothing yet.
    /// `None` when it did.
    pub unsettled: Option<String>,
    /// The replicas that are up, in the scenario's order.
    pub replicas: Vec<ReplicaContents>,
    /// What clients got that asked again after that; `None` where nobody could ask.
    pub probes: Option<Vec<Probe>>,
}

/// What a client got that asked once more, when everything was healed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// The client, by name.
    pub client: Arc<str>,
    /// What it asked for: `a write`.
    pub asked: String,
    /// What it got instead of an acknowledgement, if so.
    pub failure: Option<String>,
}

/// What one replica holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplicaContents {
    /// Its name.
    pub name: Arc<str>,
    /// Its keys and values.
    pub contents: BTreeMap<Arc<str>, Value>,
}

impl FinalState {
    /// Why nothing can be judged by these contents, where that is so.
    pub(super) fn why_not_judged(&self) -> Option<String> {
        if let Some(reason) = &self.unsettled {
            return Some(format!("the replicas did not settle: {reason}"));
        }
        self.replicas
            .is_empty()
            .then(|| "no replica is up".to_owned())
    }
}
