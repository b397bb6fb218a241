//! Operations under way: from what a workload intends to a client's request, and from the answer back to the history.
//!
//! It knows the driver and the history and no host, so that a run comes to the same history wherever its nodes live.

use std::sync::Arc;

use seedbed_protocols::kv;
use seedbed_sim::{EventId, Instant, NodeId, Outcome, PathKey, RequestId};

use super::core::Plan;
use super::driver::{Driver, Intent, Planned};
use crate::history::{
    Completed, Completion, Function, History, Invocation, OperationId, SessionId,
};

/// What a host is asked to hand to a client.
pub(super) struct Ask {
    /// The client's node.
    pub(super) node: NodeId,
    pub(super) request: kv::Request,
    /// What names the request among all of the run's.
    pub(super) path: PathKey,
}

/// A request that was handed over.
#[derive(Clone, Copy)]
pub(super) struct Asked {
    pub(super) request: RequestId,
    pub(super) at: Instant,
    /// The event of the invocation.
    pub(super) by: EventId,
}

/// An answer.
pub(super) struct Answer {
    pub(super) request: RequestId,
    pub(super) outcome: Outcome<kv::Reply>,
    pub(super) at: Instant,
    /// The event of the answer.
    pub(super) by: EventId,
}

/// An operation that is open, and who waits for it.
#[derive(Clone, Copy, Debug)]
struct Open {
    request: RequestId,
    operation: OperationId,
    client: usize,
}

/// The operations that are open.
#[derive(Clone, Debug, Default)]
pub(super) struct Operations {
    open: Vec<Open>,
}

/// Which operation begins now that `planned` is due, and by which client; `None` where none does, or where what is due
/// is no operation.
pub(super) fn due(
    driver: &mut Driver,
    plan: &Plan,
    planned: Planned,
    now: Instant,
) -> Option<(usize, Intent)> {
    let scenario = &plan.scenario;
    match planned {
        Planned::Step(index) => driver.step_due(scenario, index, now),
        Planned::Arrival(load) => driver.arrival_due(scenario, load, now),
        Planned::Turn(client) => Some((client, driver.turn_due(scenario, client, now)?)),
        _ => None,
    }
}

impl Operations {
    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    /// Forgets them: the run is over.
    pub(super) fn clear(&mut self) {
        self.open.clear();
    }

    /// A client begins an operation; `ask` hands its request to the host.
    pub(super) fn begin(
        &mut self,
        plan: &Plan,
        (driver, history): (&mut Driver, &mut History),
        (client, intent): (usize, Intent),
        ask: impl FnOnce(Ask) -> Asked,
    ) {
        let Intent {
            intended_at,
            key,
            function,
            replica,
            step,
            load,
        } = intent;
        let state = driver.client(client);
        let process = state.process;
        let asked = ask(Ask {
            node: plan.scenario.client_id(client),
            request: kv::Request {
                operation: operation(&key, &function),
                at: replica,
            },
            path: PathKey::of_name(&plan.paths[client], state.requests),
        });
        driver.begun(client, step, asked.at);
        let operation = history.invoke(Invocation {
            process,
            session: SessionId(client as u32),
            user: Arc::clone(&plan.users[client]),
            load,
            key,
            function,
            intended_at,
            invoked_at: asked.at,
            invoked_by: asked.by,
        });
        self.open.push(Open {
            request: asked.request,
            operation,
            client,
        });
    }

    /// A request is answered. `goes_on`: whether operations still begin.
    ///
    /// # Panics
    /// When it is not open.
    pub(super) fn complete(
        &mut self,
        plan: &Plan,
        (driver, history): (&mut Driver, &mut History),
        answer: Answer,
        goes_on: bool,
    ) {
        let Answer {
            request,
            outcome,
            at,
            by,
        } = answer;
        let is_asked = |open: &Open| open.request == request;
        let index = self.open.iter().position(is_asked);
        let index = index.expect("a host answers what was asked");
        let Open {
            operation, client, ..
        } = self.open.swap_remove(index);
        let outcome_known = !matches!(outcome, Outcome::Info(_));
        let mut completed = Completed {
            completion: Completion::Ok(None),
            at,
            by,
            replica: None,
            position: 0,
        };
        match outcome {
            Outcome::Ok(reply) => {
                let is_read = history.operation(operation).function == Function::Read;
                let value = reply.value.filter(|_| is_read);
                completed.completion = Completion::Ok(
                    value.map(|value| String::from_utf8_lossy(&value).into_owned().into()),
                );
                completed.replica = Some(Arc::clone(&plan.shared_names[reply.by.index()]));
                completed.position = reply.position;
            }
            Outcome::Fail(reason) => completed.completion = Completion::Fail(reason.name().into()),
            Outcome::Info(reason) => completed.completion = Completion::Info(reason.name().into()),
        }
        history.complete(operation, completed);
        if goes_on {
            let script = (&plan.scenario, plan.successors.as_slice());
            driver.ended(script, client, outcome_known, at);
        }
    }
}

fn operation(key: &Arc<str>, function: &Function) -> kv::Operation {
    let key = bytes::Bytes::copy_from_slice(key.as_bytes());
    match function {
        Function::Read => kv::Operation::Get { key },
        Function::Write(value) => kv::Operation::Put {
            key,
            value: bytes::Bytes::copy_from_slice(value.as_text().unwrap_or_default().as_bytes()),
        },
        Function::Delete => kv::Operation::Delete { key },
        other => unreachable!("no workload asks for {}", other.name()),
    }
}
