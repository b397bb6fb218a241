//! Single-leader replication as sessions run it.

use seedbed_protocols::replication::single_leader::{
    Config, Node, Note, Planted, Routing, Settings,
};
use seedbed_sim::{NodeId, stable_hash};

use super::protocol::Hosted;
use crate::file::model::{self, Protocol, Scenario};

impl Hosted for Node {
    type Planted = Planted;

    fn configs(scenario: &Scenario, planted: Planted) -> Vec<Config> {
        let Protocol::SingleLeader(model) = &scenario.cluster.protocol;
        let replicas: Vec<NodeId> = scenario.node_ids().take(scenario.replicas.len()).collect();
        let settings = Settings {
            replicas: replicas.clone(),
            leader: model.leader,
            heartbeat: model.heartbeat,
            client_timeout: scenario.cluster.client_timeout,
            planted,
            ..Settings::default()
        };
        let replica =
            |(id, replica): (NodeId, &model::Replica)| settings.replica(id, replica.engine);
        let client = |client: &model::Client| {
            let routing = match client.routing {
                model::Routing::Leader => Routing::Leader,
                model::Routing::AnyFollower => Routing::AnyFollower,
                model::Routing::StickyFollower => Routing::StickyFollower,
            };
            settings.client(routing, stable_hash(&client.user))
        };
        let replicas = replicas.into_iter().zip(&scenario.replicas).map(replica);
        replicas
            .chain(scenario.clients.iter().map(client))
            .collect()
    }

    fn tell(note: &Note, names: &[String]) -> String {
        note.sentence(|node| &names[node.index()])
    }
}
