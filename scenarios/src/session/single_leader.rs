//! Single-leader replication as sessions run it.

use std::sync::Arc;

use seedbed_protocols::replication::single_leader::{
    ClientConfig, Config, Node, Note, Part, Planted, ReplicaConfig, Routing,
};
use seedbed_sim::{NodeId, stable_hash};

use super::protocol::Hosted;
use crate::file::model::{self, Protocol, Scenario};

impl Hosted for Node {
    type Planted = Planted;

    fn configs(scenario: &Scenario, planted: Planted) -> Vec<Config> {
        let Protocol::SingleLeader(settings) = &scenario.cluster.protocol;
        let replicas = scenario.node_ids().take(scenario.replicas.len());
        let followers: Arc<[NodeId]> = replicas.filter(|id| *id != settings.leader).collect();
        let replica = |(index, replica): (usize, &model::Replica)| {
            let is_leader = index == settings.leader.index();
            let part = if is_leader {
                Part::Leader {
                    followers: Arc::clone(&followers),
                    heartbeat: settings.heartbeat,
                }
            } else {
                Part::Follower {
                    leader: settings.leader,
                }
            };
            Config::Replica(ReplicaConfig {
                part,
                engine: replica.engine,
                planted,
            })
        };
        let client = |client: &model::Client| {
            Config::Client(ClientConfig {
                leader: settings.leader,
                followers: Arc::clone(&followers),
                routing: match client.routing {
                    model::Routing::Leader => Routing::Leader,
                    model::Routing::AnyFollower => Routing::AnyFollower,
                    model::Routing::StickyFollower => Routing::StickyFollower,
                },
                sticky_hash: stable_hash(&client.user),
                timeout: scenario.cluster.client_timeout,
            })
        };
        let replicas = scenario.replicas.iter().enumerate().map(replica);
        replicas
            .chain(scenario.clients.iter().map(client))
            .collect()
    }

    fn tell(note: &Note, _: &[String]) -> String {
        note.to_string()
    }
}
