//! Whether a cluster that has come to rest answers again: what [liveness](crate::checkers) is judged by.

use std::collections::BTreeMap;

use bytes::Bytes;
use seedbed_protocols::kv;
use seedbed_sim::{EventId, Instant, Observer, Outcome, PathKey, RequestId, Span, World};

use super::core::Plan;
use super::protocol::Hosted;
use crate::checkers::{PROBES_MAX, Probe};

/// Hears the answers.
#[derive(Default)]
struct Answers(Vec<(RequestId, Outcome<kv::Reply>)>);

impl<P: Hosted> Observer<P> for Answers {
    fn on_reply(&mut self, _: EventId, _: Instant, id: RequestId, outcome: Outcome<kv::Reply>) {
        self.0.push((id, outcome));
    }
}

/// Lets each client write a key of its own, all at once, and then read it, until it is acknowledged or the scenario's time
/// to settle is over: on a link that loses messages one request may well get no answer. `world` is a fork of a run that is
/// over.
pub(super) fn probe<P: Hosted>(plan: &Plan, mut world: World<P>) -> Vec<Probe> {
    let mut probes = ask_all(plan, &mut world, "a write", |key| kv::Operation::Put {
        value: key.clone(),
        key,
    });
    let reads = ask_all(plan, &mut world, "a read", |key| kv::Operation::Get { key });
    probes.extend(reads);
    probes
}

fn ask_all<P: Hosted>(
    plan: &Plan,
    world: &mut World<P>,
    asked: &str,
    operation: impl Fn(Bytes) -> kv::Operation,
) -> Vec<Probe> {
    let clients = plan.scenario.clients.iter().take(PROBES_MAX);
    let mut probes: Vec<Probe> = clients
        .map(|client| Probe {
            client: client.name.as_str().into(),
            asked: asked.to_owned(),
            failure: Some(format!("no answer in {}", plan.scenario.settle)),
        })
        .collect();
    let until = world.now() + plan.scenario.settle;
    let pause = plan
        .scenario
        .cluster
        .client_timeout
        .max(Span::from_millis(1));
    for round in 0.. {
        let mut answers = Answers::default();
        let mut waiting = BTreeMap::new();
        for (index, probe) in probes
            .iter()
            .enumerate()
            .filter(|(_, it)| it.failure.is_some())
        {
            let request = kv::Request {
                operation: operation(format!("liveness/{}", probe.client).into()),
                at: None,
            };
            let path = PathKey::of_name(&format!("liveness/{asked}/{}", probe.client), round);
            let client = plan.scenario.client_id(index);
            let (id, _) = world.invoke(client, request, path, &mut answers);
            waiting.insert(id, index);
        }
        while answers.0.len() < waiting.len() && world.step(until, &mut answers) {}
        for (id, outcome) in answers.0 {
            let Some(index) = waiting.get(&id) else {
                continue;
            };
            probes[*index].failure = match outcome {
                Outcome::Ok(_) => None,
                Outcome::Fail(reason) | Outcome::Info(reason) => Some(format!(
                    "`{}` again and again for {}",
                    reason.name(),
                    plan.scenario.settle
                )),
            };
        }
        let is_done = probes.iter().all(|probe| probe.failure.is_none());
        let next = world.now() + pause;
        if is_done || next > until {
            break;
        }
        world.run_until(next, &mut ());
    }
    probes
}
