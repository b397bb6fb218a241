//! What belongs to what: from the graph of causes, which operation each event goes back to.
//!
//! Every event names one cause, so following causes from an event leads to one beginning: an operation of a client, or
//! a boot. What a replica's timer sets off belongs to no operation, even if an operation had set the timer; a client's
//! timers are its retries, and belong to what is retried.

use std::collections::{BTreeMap, BTreeSet};

use seedbed_sim::{EventId, NodeId};

use super::scene::Part;
use crate::history::{Operation, OperationId};
use crate::session::Session;
use crate::trace::What;
use crate::view::AnomalyView;

/// For each event, what it goes back to.
#[derive(Debug)]
pub(super) struct Causes {
    /// By event, from 1: the number of the operation, or [`NOBODY`].
    operations: Vec<u32>,
    /// The clients, by the events of their invocations.
    clients: BTreeMap<EventId, NodeId>,
    /// The operations of the witness.
    witness: BTreeSet<u32>,
    /// The events between their invocations and their answers.
    answers: BTreeSet<EventId>,
}

/// In the place of an operation's number.
const NOBODY: u32 = u32::MAX;

impl Causes {
    pub(super) fn new(
        session: &dyn Session,
        operations: &[Operation],
        focus: Option<&AnomalyView>,
    ) -> Self {
        let invoked: BTreeMap<EventId, OperationId> = operations
            .iter()
            .map(|operation| (operation.invoked_by, operation.id))
            .collect();
        let mut causes = Self {
            operations: vec![NOBODY],
            clients: BTreeMap::new(),
            witness: BTreeSet::new(),
            answers: BTreeSet::new(),
        };
        let mut parents = vec![EventId::OUTSIDE];
        let clients: BTreeSet<NodeId> = session
            .events()
            .filter(|event| matches!(event.what, What::Invoke { .. }))
            .map(|event| event.node)
            .collect();
        for event in session.events() {
            let inherited = causes.operations[event.cause.0 as usize];
            let operation = match event.what {
                What::Invoke { .. } => {
                    causes.clients.insert(event.event, event.node);
                    invoked.get(&event.event).map_or(NOBODY, |id| id.0)
                }
                What::Timer { .. } if !clients.contains(&event.node) => NOBODY,
                _ => inherited,
            };
            causes.operations.push(operation);
            parents.push(event.cause);
        }
        for id in focus.iter().flat_map(|focus| &focus.operations) {
            causes.witness.insert(id.0);
            let completed = operations[id.index()].completed.as_ref();
            let mut at = completed.map_or(EventId::OUTSIDE, |completed| completed.by);
            while at != EventId::OUTSIDE {
                causes.answers.insert(at);
                at = parents[at.0 as usize];
            }
        }
        causes
    }

    /// The client that an operation was asked of.
    pub(super) fn client(&self, operation: &Operation) -> Option<NodeId> {
        self.clients.get(&operation.invoked_by).copied()
    }

    /// The operation that an event goes back to, by its number.
    pub(super) fn operation(&self, event: EventId) -> Option<u32> {
        let operation = self.operations[event.0 as usize];
        (operation != NOBODY).then_some(operation)
    }

    /// What an event has to do with the story.
    pub(super) fn part(&self, event: EventId) -> Part {
        match self.operation(event) {
            None => Part::Background,
            Some(_) if self.answers.contains(&event) => Part::Witness,
            Some(operation) if self.witness.contains(&operation) => Part::SetOff,
            Some(_) => Part::Other,
        }
    }
}
