//! Writing a run down: what was generated and drawn becomes what a file says.

use std::collections::BTreeMap;

use seedbed_sim::{Distribution, Instant, LinkSpec, MessageSent, NodeId, Span};

use super::lab::Goal;
use super::messages;
use super::{ShrinkError, Size, size, verdict_of};
use crate::file::model::{Action, Scenario, Step, TimedFault, When};
use crate::history::{Function, Operation};
use crate::session::{Keep, Session};
use crate::view::Window;

/// What is known of a written-down run: which steps its witness is made of.
struct Written {
    scenario: Scenario,
    /// Indexes of the steps of the witness.
    witness: Vec<usize>,
}

/// The scenario without loads and, where that keeps the verdict, without chance; cut down to what the witness speaks of as
/// far as that goes at once. And its size when all of it was written down.
pub(super) fn write_down(
    scenario: &Scenario,
    goal: &Goal<'_>,
) -> Result<(Scenario, Size), ShrinkError> {
    let mut run = goal.lab.run(scenario, goal.seed, Keep::Messages);
    let written = steps_and_faults(scenario, run.as_mut(), goal);
    let before = size(&written.scenario);
    let calm = |candidate: &Scenario| calmed(candidate, 0.5);
    let mut candidates = Vec::new();
    for part in jumps(&written, goal) {
        candidates.push(calm(&part));
        candidates.push(calmed(&part, 0.95));
        candidates.push(part);
    }
    let found = goal.first(&candidates, false);
    let found = found.ok_or(ShrinkError::NotWrittenDown(goal.asked.label()))?;
    if is_calm(&found) {
        return Ok((found, before));
    }
    // The delays matter one by one.
    let spelled_out = messages::spell_out(&found, &calm(&found), goal);
    Ok((spelled_out.unwrap_or(found), before))
}

fn steps_and_faults(scenario: &Scenario, run: &mut dyn Session, goal: &Goal<'_>) -> Written {
    let operations = run.operations();
    let sent = run.messages();
    let mut written = scenario.clone();
    written.loads.clear();
    // What they drew is among the faults of the run.
    written.nemeses.clear();
    written.clients.iter_mut().for_each(|it| it.load = None);
    written.steps = operations
        .iter()
        .map(|operation| step(scenario, operation, &sent))
        .collect();
    written.faults = faults(scenario, run);
    let report = run.report();
    let verdict = verdict_of(&report, &goal.asked.label());
    let events: Vec<u64> = verdict.witness.iter().map(|it| it.invoked_event).collect();
    let invoked = operations.iter().map(|operation| operation.invoked_by.0);
    let steps = invoked
        .enumerate()
        .filter(|(_, event)| events.contains(event));
    Written {
        witness: steps.map(|(index, _)| index).collect(),
        scenario: written,
    }
}

fn step(scenario: &Scenario, operation: &Operation, sent: &[MessageSent]) -> Step {
    let client = scenario.client_id(operation.session.0 as usize);
    Step {
        name: String::new(),
        when: When::At(operation.invoked_at.since(Instant::ZERO)),
        client,
        action: match &operation.function {
            Function::Read => Action::Get,
            Function::Write(value) => Action::Put(value.to_string()),
            Function::Delete => Action::Delete,
            other => unreachable!("no scenario asks for {}", other.name()),
        },
        key: operation.key.to_string(),
        replica: (!operation.is_update())
            .then(|| asked(scenario, operation, client, sent))
            .flatten(),
    }
}

/// The replica that a read asked: the one that answered, or else the one that its message went to.
fn asked(
    scenario: &Scenario,
    operation: &Operation,
    client: NodeId,
    sent: &[MessageSent],
) -> Option<NodeId> {
    let completed = operation.completed.as_ref();
    if let Some(replica) = completed.and_then(|completed| completed.replica.as_deref()) {
        let mut ids = scenario.node_ids();
        return ids.find(|id| scenario.name(*id) == replica);
    }
    // Handlers of clients take no time, so that a request and its message leave at one instant.
    let first = sent.partition_point(|message| message.left_at < operation.invoked_at);
    let mut from_client = sent[first..].iter().filter(|it| it.name.from == client);
    from_client
        .next()
        .filter(|message| message.left_at == operation.invoked_at)
        .map(|message| message.name.to)
}

/// The faults as they were, wherever they came from.
fn faults(scenario: &Scenario, run: &dyn Session) -> Vec<TimedFault> {
    let all = Window {
        from: Instant::ZERO,
        to: run.now(),
        columns: 1,
        rows: 1,
    };
    let begun = run
        .view(all)
        .faults
        .into_iter()
        .filter(|it| it.id.is_some());
    let timed = begun.map(|fault| TimedFault {
        at: fault.from.since(Instant::ZERO),
        until: fault.to.map(|to| to.since(Instant::ZERO)),
        faults: vec![fault.fault],
    });
    let within = timed.filter(|timed| timed.at < scenario.duration);
    within
        .map(|timed| TimedFault {
            until: timed.until.filter(|until| *until < scenario.duration),
            ..timed
        })
        .collect()
}

/// The scenario with ever more of its operations: those of the witness, of its keys, of its clients, up to its end; all.
fn jumps(written: &Written, goal: &Goal<'_>) -> Vec<Scenario> {
    let Written { scenario, witness } = written;
    let steps = &scenario.steps;
    let keys: Vec<&str> = witness.iter().map(|it| steps[*it].key.as_str()).collect();
    let clients: Vec<NodeId> = witness.iter().map(|it| steps[*it].client).collect();
    let online = goal.asked.is_online();
    let last = witness.last().filter(|_| online).copied();
    let last = last.unwrap_or(steps.len());
    type Of<'a> = &'a dyn Fn(usize, &Step) -> bool;
    let choices: [Of<'_>; 6] = [
        &|index, _| witness.contains(&index),
        &|index, step| {
            index <= last && keys.contains(&&*step.key) && clients.contains(&step.client)
        },
        &|index, step| index <= last && keys.contains(&&*step.key),
        &|index, step| index <= last && clients.contains(&step.client),
        &|index, _| index <= last,
        &|_, _| true,
    ];
    let choose = |chosen: Of<'_>| {
        let mut part = scenario.clone();
        let steps = scenario.steps.iter().enumerate();
        let steps = steps.filter(|(index, step)| chosen(*index, step));
        part.steps = steps.map(|(_, step)| step.clone()).collect();
        if online {
            cut_after_the_last_step(&mut part);
        }
        part
    };
    let mut parts: Vec<Scenario> = choices.into_iter().map(choose).collect();
    parts.dedup_by(|a, b| a.steps.len() == b.steps.len());
    parts.retain(|part| !part.steps.is_empty());
    parts.push(scenario.clone());
    parts
}

/// Ends the scenario soon after its last operation began; faults that begin later never do.
fn cut_after_the_last_step(scenario: &mut Scenario) {
    let moments = scenario.steps.iter().filter_map(|step| match step.when {
        When::At(at) => Some(at),
        When::After { .. } => None,
    });
    let end = moments.max().unwrap_or_default() + Span::from_millis(1);
    if end >= scenario.duration {
        return;
    }
    scenario.duration = end;
    scenario.faults.retain(|timed| timed.at < end);
    for timed in &mut scenario.faults {
        timed.until = timed.until.filter(|until| *until < end);
    }
}

/// The scenario with links that always take as long as a share of all messages at most takes now, and lose nothing.
pub(super) fn calmed(scenario: &Scenario, share: f64) -> Scenario {
    let mut calm = scenario.clone();
    let calm_link = |link: &mut LinkSpec| {
        let takes = link.delay.quantile(share);
        link.delay = Distribution::fixed(takes).expect("a sample is a fine delay");
        link.loss_per_million = 0;
    };
    calm_link(&mut calm.network.default);
    calm.network
        .rules
        .iter_mut()
        .for_each(|it| calm_link(&mut it.spec));
    calm
}

fn is_calm(scenario: &Scenario) -> bool {
    calmed(scenario, 0.5) == *scenario
}

/// By client: the steps in the order in which the client does them, as indexes.
pub(super) fn steps_of_clients(scenario: &Scenario) -> BTreeMap<NodeId, Vec<usize>> {
    let mut by_client: BTreeMap<NodeId, Vec<(Span, usize)>> = BTreeMap::new();
    for (index, step) in scenario.steps.iter().enumerate() {
        if let When::At(at) = step.when {
            by_client.entry(step.client).or_default().push((at, index));
        }
    }
    let in_order = |(client, mut steps): (NodeId, Vec<(Span, usize)>)| {
        steps.sort_unstable();
        (client, steps.into_iter().map(|(_, index)| index).collect())
    };
    by_client.into_iter().map(in_order).collect()
}
