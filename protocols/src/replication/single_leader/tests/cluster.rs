//! A cluster under the hand-driven host, and what tests ask about it.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use bytes::Bytes;
use seedbed_sim::{CrashPolicy, Halt, NodeId, Outcome, RequestId};

use super::super::{Message, Node, Routing, Settings, Timer};
use crate::inspect::{Inspect, Positions};
use crate::kv::{Operation, Reply, Request};
use crate::replication::harness::{Event, Harness, HostedNode};
use crate::replication::log::{Entry, LogIndex};
use crate::storage::{Change, EngineKind};

pub(super) const LEADER: NodeId = NodeId(0);

/// Three replicas (n0 leads) and their clients.
#[derive(Clone)]
pub(super) struct Cluster {
    pub(super) host: Harness<Node>,
    pub(super) replica_count: u32,
}

/// What a replica's contents are.
pub(super) type Contents = Vec<(Bytes, Bytes)>;

impl Cluster {
    /// All of it, booted, and come to rest. Crashes drop what is not durable.
    pub(super) fn new(settings: &Settings, engine: EngineKind, clients: &[Routing]) -> Self {
        Self::crashing(settings, engine, clients, CrashPolicy::Drop)
    }

    /// The same, where crashes leave what the policy says.
    pub(super) fn crashing(
        settings: &Settings,
        engine: EngineKind,
        clients: &[Routing],
        crash: CrashPolicy,
    ) -> Self {
        let replicas = settings.replicas.iter();
        let mut configs: Vec<_> = replicas.map(|id| settings.replica(*id, engine)).collect();
        configs.extend(clients.iter().map(|routing| settings.client(*routing, 0)));
        let mut host = Harness::new(configs, crash);
        for id in host.ids() {
            host.boot(id);
        }
        host.drain();
        host.events.clear();
        Self {
            host,
            replica_count: settings.replicas.len() as u32,
        }
    }

    pub(super) fn replicas(&self) -> impl Iterator<Item = NodeId> + use<> {
        (0..self.replica_count).map(NodeId)
    }

    pub(super) fn followers(&self) -> impl Iterator<Item = NodeId> + use<> {
        self.replicas().skip(1)
    }

    pub(super) fn client(&self, number: u32) -> NodeId {
        NodeId(self.replica_count + number)
    }

    pub(super) fn ask(
        &mut self,
        client: NodeId,
        operation: Operation,
        at: Option<NodeId>,
    ) -> RequestId {
        self.host.request(client, Request { operation, at })
    }

    pub(super) fn put(&mut self, client: NodeId, key: &str, value: &str) -> RequestId {
        let (key, value) = (
            Bytes::copy_from_slice(key.as_bytes()),
            Bytes::copy_from_slice(value.as_bytes()),
        );
        self.ask(client, Operation::Put { key, value }, None)
    }

    /// Asks for a key's value and lets everything happen; what came of it.
    pub(super) fn get(&mut self, client: NodeId, key: &str) -> Option<Bytes> {
        let key = Bytes::copy_from_slice(key.as_bytes());
        let id = self.ask(client, Operation::Get { key }, None);
        self.host.drain();
        match self.outcome(id) {
            Some(Outcome::Ok(reply)) => reply.value,
            other => panic!("a read ended as {other:?}"),
        }
    }

    /// How a request ended, if it has.
    pub(super) fn outcome(&self, request: RequestId) -> Option<Outcome<Reply>> {
        self.host.events.iter().find_map(|event| match event {
            Event::Replied { id, outcome, .. } if *id == request => Some(outcome.clone()),
            _ => None,
        })
    }

    pub(super) fn halts(&self) -> impl Iterator<Item = &Halt> {
        self.host.events.iter().filter_map(|event| match event {
            Event::Halted { halt, .. } => Some(halt),
            _ => None,
        })
    }

    pub(super) fn positions(&self, id: NodeId) -> Positions {
        let process = self.host.node(id).process.as_ref().expect("it is up");
        process.positions().expect("it is a replica")
    }

    /// A copy of a node, for reading its disk: reading kills nobody.
    fn readable(&self, id: NodeId) -> HostedNode<Node> {
        let mut node = self.host.node(id).clone();
        node.disk.disarm_crash();
        node
    }

    /// What a replica that is up has in its log file, durable or not.
    pub(super) fn log(&self, id: NodeId) -> Vec<Entry> {
        let mut node = self.readable(id);
        let Some(Node::Replica(replica)) = &mut node.process else {
            panic!("{id} is no replica that is up");
        };
        let mut entries = Vec::new();
        let log = &mut replica.core.log;
        log.walk(&mut node.disk, LogIndex(1), |entry| {
            entries.push(entry);
            ControlFlow::Continue(())
        })
        .expect("a log that can be read");
        entries
    }

    /// What a replica that is up holds.
    pub(super) fn contents(&self, id: NodeId) -> Contents {
        let mut node = self.readable(id);
        let process = node.process.as_mut().expect("it is up");
        process.contents(&mut node.disk).expect("it is a replica")
    }

    /// Boots what is down, and lets everything happen until the leader has nothing more to tell.
    pub(super) fn settle(&mut self) {
        for id in self.host.ids() {
            if !self.host.is_up(id) {
                self.host.boot(id);
            }
        }
        self.host.drain();
        // At the first heartbeat a follower may have been sent something just before; at the second it has not. Then
        // what was lost shows, is asked for, and comes. A follower that had asked before waits, and asks again later.
        for _ in 0..3 {
            self.host.wait(Settings::default().ask_again_after);
            let is_heartbeat = |timer: &Timer| *timer == Timer::Heartbeat;
            assert!(self.host.fire(LEADER, is_heartbeat), "the leader is up");
            self.host.drain();
        }
    }
}

/// What a log's changes add up to.
pub(super) fn added_up(entries: &[Entry]) -> Contents {
    let mut map = BTreeMap::new();
    for entry in entries {
        match &entry.proposal.change {
            Change::Put(key, value) => map.insert(key.slice(1..), value.clone()),
            Change::Delete(key) => map.remove(&key.slice(1..)),
            Change::DeleteRange { .. } => unreachable!("no client asks for it"),
        };
    }
    map.into_iter().collect()
}

/// One line on a message, for scripts.
pub(super) fn described(message: &Message) -> String {
    let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
    match message {
        Message::Write(proposal) => {
            let call = proposal.origin.call;
            match &proposal.change {
                Change::Put(key, value) => {
                    format!("put {}={} ({call})", text(&key[1..]), text(value))
                }
                Change::Delete(key) => format!("delete {} ({call})", text(&key[1..])),
                Change::DeleteRange { .. } => unreachable!("no client asks for it"),
            }
        }
        Message::Read { call, key } => format!("get {} ({call})", text(key)),
        Message::WriteOk { call, index } => format!("write-ok entry {index} ({call})"),
        Message::ReadOk {
            call,
            value,
            applied,
        } => {
            let value = value
                .as_ref()
                .map_or("nothing".to_owned(), |value| text(value));
            format!("get-ok {value}, applied {applied} ({call})")
        }
        Message::Refused { call, reason } => format!("refused {} ({call})", reason.name()),
        Message::Append {
            epoch,
            entries,
            end,
        } => format!(
            "append {}..={} of {end} (epoch {epoch})",
            entries.first(),
            entries.last()
        ),
        Message::Heartbeat {
            epoch,
            shipped,
            end,
        } => format!("heartbeat shipped {shipped} of {end} (epoch {epoch})"),
        Message::AppendOk { durable } => format!("append-ok {durable}"),
        Message::Want { have } => format!("want have {have}"),
    }
}
