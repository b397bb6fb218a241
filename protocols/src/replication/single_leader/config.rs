//! What nodes are told at their boots.

use std::sync::Arc;

use seedbed_sim::{NodeId, Span};

use crate::replication::log::{Epoch, Limit};
use crate::storage::EngineKind;

/// Where a client sends its reads; writes always go to the leader.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Routing {
    /// To the leader.
    #[default]
    Leader,
    /// To a follower drawn anew for each read.
    AnyFollower,
    /// To one follower, for good: the one that a hash of its user chooses.
    StickyFollower,
}

/// A bug that is there on purpose, for proving that checkers find it. **For tests only.**
#[doc(hidden)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Planted {
    /// No bug.
    #[default]
    Nothing,
    /// The leader acknowledges a write before its log is durable: durability falls when it crashes.
    AckBeforeSync,
    /// A follower never applies the first entry that it is sent after it has asked for what it lacks: convergence falls.
    SkipEntryAfterReconnect,
    /// The leader answers reads from a snapshot that it renews at each heartbeat: read-your-writes-in-real-time falls.
    StaleLeaderReads,
    /// A restarted follower serves for 20 heartbeats before it applies what its log holds: monotonic reads fall.
    ServeBeforeReplay,
}

/// The settings of a whole cluster, from which each node's [`Config`] is made.
///
/// ```
/// use seedbed_protocols::replication::single_leader::{Routing, Settings};
/// use seedbed_protocols::storage::EngineKind;
/// use seedbed_sim::{NodeId, Span};
///
/// let mut settings = Settings::new(3);
/// settings.heartbeat = Span::from_millis(100);
/// let mut configs: Vec<_> = (0..3).map(|n| settings.replica(NodeId(n), EngineKind::Log)).collect();
/// configs.push(settings.client(Routing::StickyFollower, 7));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The replicas' nodes. Default: the first nodes of the world.
    pub replicas: Vec<NodeId>,
    /// Which of them takes the writes, for ever. Default: the first.
    pub leader: NodeId,
    /// The reign, for entries and messages. There is one only; a configuration that makes another replica the leader by
    /// hand should raise it. Default: 1.
    pub epoch: Epoch,
    /// How often the leader tells a follower how far its log goes when it has had nothing else to send. Default: 50 ms.
    pub heartbeat: Span,
    /// How long a client waits for an answer. Default: 1 s.
    pub client_timeout: Span,
    /// How long a client waits before it sends a call once more, again and again until its timeout; `None`: it sends it
    /// once. Default: `None`.
    pub retry_after: Option<Span>,
    /// How long a follower that has asked for what it lacks waits before it asks again. Default: 500 ms.
    pub ask_again_after: Span,
    /// How much the leader ships to one follower ahead of its acknowledgements. Default: 4,096 entries, 1 MiB.
    pub window: Limit,
    /// How much goes into one message. Default: 512 entries, 64 KiB.
    pub batch: Limit,
    /// After how many applied entries a replica makes its engine durable. Default: 1,024.
    pub checkpoint_every: u64,
    /// A bug on purpose. For tests only.
    #[doc(hidden)]
    pub planted: Planted,
}

impl Default for Settings {
    /// One replica, on the first node.
    fn default() -> Self {
        Self {
            replicas: vec![NodeId(0)],
            leader: NodeId(0),
            epoch: Epoch(1),
            heartbeat: Span::from_millis(50),
            client_timeout: Span::from_secs(1),
            retry_after: None,
            ask_again_after: Span::from_millis(500),
            window: Limit {
                entries: 4096,
                bytes: 1 << 20,
            },
            batch: Limit {
                entries: 512,
                bytes: 64 << 10,
            },
            checkpoint_every: 1024,
            planted: Planted::Nothing,
        }
    }
}

impl Settings {
    /// The defaults, for replicas on the first `replicas` nodes of the world, the first of which is the leader.
    pub fn new(replicas: u32) -> Self {
        Self {
            replicas: (0..replicas).map(NodeId).collect(),
            ..Self::default()
        }
    }

    /// What the replica on `node` is told, with `engine` under it.
    ///
    /// # Panics
    /// When `node` or the leader is none of the replicas.
    pub fn replica(&self, node: NodeId, engine: EngineKind) -> Config {
        for node in [node, self.leader] {
            assert!(
                self.replicas.contains(&node),
                "{node} is none of the replicas {:?}",
                self.replicas
            );
        }
        let part = if node == self.leader {
            Part::Leader {
                followers: self.followers(),
            }
        } else {
            Part::Follower {
                leader: self.leader,
            }
        };
        Config::Replica(ReplicaConfig {
            part,
            engine,
            epoch: self.epoch,
            heartbeat: self.heartbeat,
            ask_again_after: self.ask_again_after,
            window: self.window,
            batch: self.batch,
            checkpoint_every: self.checkpoint_every,
            planted: self.planted,
        })
    }

    /// What a client is told that reads by `routing`; `sticky_hash` is a hash of its user.
    pub fn client(&self, routing: Routing, sticky_hash: u64) -> Config {
        Config::Client(ClientConfig {
            leader: self.leader,
            followers: self.followers(),
            routing,
            sticky_hash,
            timeout: self.client_timeout,
            retry_after: self.retry_after,
        })
    }

    fn followers(&self) -> Arc<[NodeId]> {
        let all = self.replicas.iter().copied();
        all.filter(|replica| *replica != self.leader).collect()
    }
}

/// What a node is told at every boot. [`Settings`] make it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Config {
    /// It is a replica.
    Replica(ReplicaConfig),
    /// It is a client.
    Client(ClientConfig),
}

/// What a replica is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaConfig {
    /// Its part.
    pub part: Part,
    /// Its storage engine.
    pub engine: EngineKind,
    /// See [`Settings::epoch`].
    pub epoch: Epoch,
    /// See [`Settings::heartbeat`].
    pub heartbeat: Span,
    /// See [`Settings::ask_again_after`].
    pub ask_again_after: Span,
    /// See [`Settings::window`].
    pub window: Limit,
    /// See [`Settings::batch`].
    pub batch: Limit,
    /// See [`Settings::checkpoint_every`].
    pub checkpoint_every: u64,
    /// A bug on purpose. For tests only.
    #[doc(hidden)]
    pub planted: Planted,
}

/// A replica's part, which never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// It takes the writes, and ships them.
    Leader {
        /// To these.
        followers: Arc<[NodeId]>,
    },
    /// It follows.
    Follower {
        /// Whom.
        leader: NodeId,
    },
}

/// What a client is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientConfig {
    /// Where writes go.
    pub leader: NodeId,
    /// Where reads may go. Where there are none, they go to the leader.
    pub followers: Arc<[NodeId]>,
    /// Where reads do go.
    pub routing: Routing,
    /// What chooses the follower of a sticky client: a hash of its user, so that all devices of one user read from one
    /// follower (DDIA chapter 5, "Monotonic Reads").
    pub sticky_hash: u64,
    /// See [`Settings::client_timeout`].
    pub timeout: Span,
    /// See [`Settings::retry_after`].
    pub retry_after: Option<Span>,
}
