//! Whether a cluster that has come to rest answers again: what [liveness](crate::checkers) is judged by.

use seedbed_protocols::kv;
use seedbed_sim::{EventId, Instant, Observer, Outcome, PathKey, RequestId, World};

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

/// Lets each client write a key of its own, all at once, and then read it. `world` is a fork of a run that is over.
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
    operation: impl Fn(bytes::Bytes) -> kv::Operation,
) -> Vec<Probe> {
    let mut answers = Answers::default();
    let mut waiting = Vec::new();
    let clients = plan.scenario.clients.iter().take(PROBES_MAX);
    for (index, client) in clients.enumerate() {
        let key = bytes::Bytes::from(format!("liveness/{}", client.name));
        let request = kv::Request {
            operation: operation(key),
            at: None,
        };
        let path = PathKey::of_name(&format!("liveness/{asked}/{}", client.name), 0);
        let (id, _) = world.invoke(plan.scenario.client_id(index), request, path, &mut answers);
        waiting.push((id, client));
    }
    let until = world.now() + plan.scenario.settle;
    while answers.0.len() < waiting.len() && world.step(until, &mut answers) {}
    let told = |(id, client): (RequestId, &crate::file::model::Client)| {
        let answer = answers.0.iter().find(|(answered, _)| *answered == id);
        let failure = match answer.map(|(_, outcome)| outcome) {
            Some(Outcome::Ok(_)) => None,
            Some(Outcome::Fail(reason) | Outcome::Info(reason)) => {
                Some(format!("`{}`", reason.name()))
            }
            None => Some(format!("no answer in {}", plan.scenario.settle)),
        };
        Probe {
            client: client.name.as_str().into(),
            asked: asked.to_owned(),
            failure,
        }
    };
    waiting.into_iter().map(told).collect()
}
