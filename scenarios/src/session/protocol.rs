//! What a protocol must bring to be run by a session, and how a scenario becomes a world of it.

use seedbed_protocols::inspect::Inspect;
use seedbed_protocols::kv;
use seedbed_sim::{
    DiskConfig, NodeId, NodeSpec, Process, Seed, Span, TraceLevel, World, WorldSpec,
};

use crate::file::model::Scenario;

/// A protocol that sessions can run: a replicated key-value store whose clients are processes, and which lets itself
/// be seen.
pub trait Hosted: Process<Request = kv::Request, Reply = kv::Reply> + Inspect {
    /// A mistake that its replicas can be made to make, to check the checkers. The default is none.
    type Planted: Copy + Default + Send + Sync;

    /// What each node is told at its boots, in the order of the scenario's node ids.
    fn configs(scenario: &Scenario, planted: Self::Planted) -> Vec<Self::Config>;

    /// A note as one line for people; `names` are the nodes'.
    fn tell(note: &Self::Note, names: &[String]) -> String;
}

/// The world of a scenario.
pub(super) fn build_world<P: Hosted>(
    scenario: &Scenario,
    seed: Seed,
    trace: TraceLevel,
    planted: P::Planted,
) -> World<P> {
    let spec = WorldSpec {
        nodes: node_specs(scenario, planted),
        network: scenario.network.clone(),
        trace,
    };
    let mut world = World::new(seed, spec);
    world.schedule(&scenario.messages);
    world
}

/// The nodes of a scenario, in the order of their ids.
pub(super) fn node_specs<P: Hosted>(scenario: &Scenario, planted: P::Planted) -> Vec<NodeSpec<P>> {
    let configs = P::configs(scenario, planted);
    assert_eq!(
        configs.len(),
        scenario.node_count(),
        "a protocol configures every node"
    );
    let nodes = scenario.node_ids().zip(configs);
    nodes
        .map(|(id, config)| node_spec(scenario, id, config))
        .collect()
}

/// A client's machine is not what scenarios study: it handles what comes at once and has room for it.
const CLIENT_INBOX: u32 = 4096;

fn node_spec<P: Hosted>(scenario: &Scenario, id: NodeId, config: P::Config) -> NodeSpec<P> {
    let name = scenario.name(id).to_owned();
    let clock = scenario.clock(id);
    match scenario.replica(id) {
        Some(replica) => NodeSpec {
            name,
            config,
            service_time: replica.service_time,
            inbox_capacity: replica.inbox,
            clock,
            disk: replica.disk,
        },
        None => NodeSpec {
            name,
            config,
            service_time: Span::ZERO,
            inbox_capacity: CLIENT_INBOX,
            clock,
            disk: DiskConfig::instant(),
        },
    }
}
