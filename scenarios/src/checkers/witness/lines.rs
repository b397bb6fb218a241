//! A witness as lines of the file that its history stands in.

use serde::Serialize;

use crate::checkers::Witness;
use crate::history::History;

/// The lines of a witness, from 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WitnessLines {
    /// Where its operations begin and end, in order.
    pub witness: Vec<u64>,
    /// Where it became impossible: the end of the culprit, or where that is open its beginning.
    pub culprit: Option<u64>,
}

impl WitnessLines {
    /// The lines of `witness`; `lines` holds the line of each place of the history. Places beyond it have none.
    pub fn new(history: &History, witness: &Witness, lines: &[u64]) -> Self {
        let line = |place: crate::history::Place| lines.get(place.0 as usize).copied();
        let operations = witness.operations.iter();
        let mut all: Vec<u64> = operations
            .flat_map(|&id| [Some(history.invoked(id)), history.completed(id)])
            .flatten()
            .filter_map(line)
            .collect();
        all.sort_unstable();
        all.dedup();
        let culprit = witness.operations.last();
        let culprit = culprit.map(|&id| history.completed(id).unwrap_or(history.invoked(id)));
        Self {
            witness: all,
            culprit: culprit.and_then(line),
        }
    }
}
