//! What the nodes of a single-leader cluster are told at every boot.

use std::sync::Arc;

use seedbed_sim::{NodeId, Span};

use crate::storage::EngineKind;

/// What a node is told.
#[derive(Clone, Debug)]
pub enum Config {
    /// It is a replica.
    Replica(ReplicaConfig),
    /// It is a client.
    Client(ClientConfig),
}

/// What a replica is told.
#[derive(Clone, Debug)]
pub struct ReplicaConfig {
    /// Its part.
    pub part: Part,
    /// Where it keeps what it has applied.
    pub engine: EngineKind,
    /// A mistake to make on purpose; for testing the checkers.
    pub planted: Planted,
}

/// The part of a replica, which never changes.
#[derive(Clone, Debug)]
pub enum Part {
    /// It accepts writes.
    Leader {
        /// Whom it ships its log to.
        followers: Arc<[NodeId]>,
        /// How often it tells them how far it has shipped.
        heartbeat: Span,
    },
    /// It gets the log.
    Follower {
        /// From whom.
        leader: NodeId,
    },
}

/// What a client is told.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// Where writes go.
    pub leader: NodeId,
    /// Where reads may go.
    pub followers: Arc<[NodeId]>,
    /// Where reads do go. Without followers, to the leader.
    pub routing: Routing,
    /// What chooses the follower that a sticky client reads from: a hash of its user, so that all devices of one user
    /// read from one follower (DDIA chapter 5, "Monotonic Reads").
    pub sticky_hash: u64,
    /// How long it waits for an answer.
    pub timeout: Span,
}

/// Where a client sends its reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Routing {
    /// To the leader.
    Leader,
    /// To a follower drawn anew for each read.
    AnyFollower,
    /// To one follower, for good.
    StickyFollower,
}

/// Mistakes that a replica can be made to make, so that the checkers can be checked. Never in a scenario.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Planted {
    /// None.
    #[default]
    Nothing,
    /// The leader acknowledges a write before it is durable: a crash loses acknowledged writes.
    AckBeforeSync,
    /// A follower leaves out the first entry that it gets after it asked for what it lacks: replicas diverge.
    SkipEntryAfterReconnect,
    /// The leader answers reads from a snapshot that it takes at each heartbeat: sessions miss their own writes.
    StaleLeaderReads,
    /// A follower that boots answers before it has applied its log again: what was seen goes away.
    ServeBeforeReplay,
}
