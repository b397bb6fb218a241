//! Fewer steps, faults, messages, links and nodes.

use seedbed_sim::{Fault, NodeId};

use super::lab::Goal;
use super::reduce::fewest;
use crate::file::model::Scenario;
use crate::file::{parse, write_without};

/// Without the steps, faults, messages and links that are of no account.
pub(super) fn fewer(scenario: Scenario, goal: &Goal<'_>, sturdily: bool) -> Scenario {
    macro_rules! fewer {
        ($scenario:expr, $($part:ident).+) => {{
            let mut scenario = $scenario;
            let all = scenario.$($part).+.clone();
            let template = scenario.clone();
            let with = |kept: &[_]| {
                let mut with = template.clone();
                with.$($part).+ = kept.to_vec();
                with
            };
            scenario.$($part).+ = fewest(all, goal, sturdily, &with);
            scenario
        }};
    }
    let scenario = fewer!(scenario, faults);
    let scenario = fewer!(scenario, steps);
    let scenario = fewer!(scenario, messages);
    let scenario = fewer!(scenario, network.rules);
    // What faults did may have been needed by steps that are gone.
    fewer!(scenario, faults)
}

/// Without clients that do nothing, and without replicas that are not needed.
pub(super) fn fewer_nodes(scenario: Scenario, goal: &Goal<'_>, sturdily: bool) -> Scenario {
    let mut least = without_idle_nodes(scenario, goal, sturdily);
    least = with_one_client_for_two(least, goal, sturdily);
    let mut index = least.replicas.len();
    while index > 0 && least.replicas.len() > 1 {
        index -= 1;
        let without = without_node(&least, NodeId(index as u32));
        if let Some(smaller) = goal.first(without.as_slice(), sturdily) {
            least = smaller;
        }
    }
    least
}

/// Without clients that do nothing.
pub(super) fn without_idle_nodes(scenario: Scenario, goal: &Goal<'_>, sturdily: bool) -> Scenario {
    let idle = |scenario: &Scenario, id: NodeId| {
        let works = scenario.steps.iter().any(|step| step.client == id);
        let clients = scenario.node_ids().skip(scenario.replicas.len());
        !works && clients.into_iter().any(|it| it == id)
    };
    // All at once, the last first, so that the others keep their numbers.
    let mut without_all = Some(scenario.clone());
    for id in scenario.node_ids().collect::<Vec<_>>().into_iter().rev() {
        if idle(&scenario, id) {
            without_all = without_all.and_then(|it| without_node(&it, id));
        }
    }
    if let Some(least) = goal.first(without_all.as_slice(), sturdily) {
        return least;
    }
    let mut least = scenario;
    for index in (least.replicas.len()..least.node_count()).rev() {
        let id = NodeId(index as u32);
        if idle(&least, id)
            && let Some(without) = without_node(&least, id)
            && goal
                .first(std::slice::from_ref(&without), sturdily)
                .is_some()
        {
            least = without;
        }
    }
    least
}

/// With one client that does what two did.
fn with_one_client_for_two(scenario: Scenario, goal: &Goal<'_>, sturdily: bool) -> Scenario {
    let mut least = scenario;
    let mut index = least.clients.len();
    while index > 1 {
        index -= 1;
        let (id, first) = (least.client_id(index), least.client_id(0));
        let mut merged = least.clone();
        for step in merged.steps.iter_mut().filter(|step| step.client == id) {
            step.client = first;
        }
        let merged = without_node(&merged, id);
        if let Some(smaller) = goal.first(merged.as_slice(), sturdily) {
            least = smaller;
        }
    }
    least
}

/// The scenario without one node and all that is about it; `None` for the leader, for a client with steps, and where
/// nothing sensible is left.
///
/// Nodes have numbers, and those after it get others. A file knows them by name: so the scenario is written without the
/// node, and read again.
pub(super) fn without_node(scenario: &Scenario, id: NodeId) -> Option<Scenario> {
    let works = scenario.steps.iter().any(|step| step.client == id);
    if works || id == scenario.leader() {
        return None;
    }
    let mut without = scenario.clone();
    without.steps.retain(|step| step.replica != Some(id));
    without
        .messages
        .retain(|it| it.message.from != id && it.message.to != id);
    for rule in &mut without.network.rules {
        rule.from.retain(|it| *it != id);
        rule.to.retain(|it| *it != id);
    }
    without
        .network
        .rules
        .retain(|it| !it.from.is_empty() && !it.to.is_empty() && it.from != it.to);
    for timed in &mut without.faults {
        timed.faults.retain_mut(|fault| survives(fault, id));
    }
    without.faults.retain(|timed| !timed.faults.is_empty());
    parse("shrunk.toml", &write_without(&without, id)).ok()
}

/// Whether a fault makes sense without a node; a partition then goes between the others.
fn survives(fault: &mut Fault, id: NodeId) -> bool {
    if let Fault::Partition { sides, .. } = fault {
        sides
            .iter_mut()
            .for_each(|side| side.retain(|it| *it != id));
        sides.retain(|side| !side.is_empty());
        return sides.len() > 1;
    }
    !fault.nodes().contains(&id)
}
