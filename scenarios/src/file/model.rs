//! What a scenario file says, once it has been checked: plain data that a world is built from.
//!
//! Every name has become a [`NodeId`], every default is filled in, and what the file's documentation forbids can't be
//! found here: a reader of this model needs no checks of its own.
//!
//! Nodes are numbered as the world describes them: first the replicas, in the file's order, then the clients. Clients are
//! the scripted ones, in the file's order, then those of each load in turn.

use std::fmt;
use std::ops::Range;

use seedbed_protocols::storage::EngineKind;
use seedbed_sim::{ClockConfig, DiskConfig, Fault, NetworkSpec, NodeId, ScheduledMessage, Span};

use crate::checkers::Terms;
use crate::nemesis::Nemesis;

/// A whole scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// One line, for lists.
    pub title: String,
    /// Where it comes from: `DDIA chapter 5, figure 5-3`. Empty where the file does not say.
    pub chapter: String,
    /// What a person should have understood after watching it.
    pub teaches: String,
    /// What to change in the file (or in the interface) to see it come out differently. May be empty.
    pub try_next: String,
    /// How long the scenario itself runs. Then faults are lifted, no more operations begin, and the cluster settles.
    pub duration: Span,
    /// The most that healing and settling may take before convergence is given up as not judged.
    pub settle: Span,
    /// How the cluster works.
    pub cluster: Cluster,
    /// The replicas; never empty. `replicas[i]` is `NodeId(i)`.
    pub replicas: Vec<Replica>,
    /// The clients. `clients[i]` is `NodeId(replicas.len() + i)`.
    pub clients: Vec<Client>,
    /// How nodes reach each other.
    pub network: NetworkSpec,
    /// Scripted operations, in the file's order, which need not be the order of time.
    pub steps: Vec<Step>,
    /// Generated operations.
    pub loads: Vec<Load>,
    /// What goes wrong, and when, in the file's order.
    pub faults: Vec<TimedFault>,
    /// What becomes of single messages, in the place of what their links draw.
    pub messages: Vec<ScheduledMessage>,
    /// What goes wrong by chance, drawn from the seed.
    pub nemeses: Vec<Nemesis>,
    /// What should come out.
    pub expectations: Vec<Expectation>,
}

impl Scenario {
    /// The replica that takes the writes at first.
    pub fn leader(&self) -> NodeId {
        match &self.cluster.protocol {
            Protocol::SingleLeader(settings) => settings.leader,
        }
    }

    /// How many nodes there are, clients included.
    pub fn node_count(&self) -> usize {
        self.replicas.len() + self.clients.len()
    }

    /// All nodes, in the order of their ids.
    pub fn node_ids(&self) -> impl Iterator<Item = NodeId> + use<> {
        (0..self.node_count()).map(node_id)
    }

    /// The id of client number `index`.
    pub fn client_id(&self, index: usize) -> NodeId {
        node_id(self.replicas.len() + index)
    }

    /// The replica with this id; `None` for a client.
    pub fn replica(&self, id: NodeId) -> Option<&Replica> {
        self.replicas.get(id.index())
    }

    /// The client with this id; `None` for a replica.
    pub fn client(&self, id: NodeId) -> Option<&Client> {
        self.clients
            .get(id.index().checked_sub(self.replicas.len())?)
    }

    /// A node's name.
    ///
    /// # Panics
    /// When the scenario has no such node.
    pub fn name(&self, id: NodeId) -> &str {
        match self.replica(id) {
            Some(replica) => &replica.name,
            None => &self.client(id).expect("a node of this scenario").name,
        }
    }

    /// A node's site; empty where it has none.
    ///
    /// # Panics
    /// When the scenario has no such node.
    pub fn site(&self, id: NodeId) -> &str {
        match self.replica(id) {
            Some(replica) => &replica.site,
            None => &self.client(id).expect("a node of this scenario").site,
        }
    }

    /// A node's clock.
    ///
    /// # Panics
    /// When the scenario has no such node.
    pub fn clock(&self, id: NodeId) -> ClockConfig {
        match self.replica(id) {
            Some(replica) => replica.clock,
            None => self.client(id).expect("a node of this scenario").clock,
        }
    }
}

/// The id of the node with this index. Files hold far fewer than 2³² nodes.
pub(crate) fn node_id(index: usize) -> NodeId {
    NodeId(u32::try_from(index).expect("scenario files bound the number of nodes"))
}

/// How the cluster works.
#[derive(Clone, Debug, PartialEq)]
pub struct Cluster {
    /// The replication protocol and its settings.
    pub protocol: Protocol,
    /// How long a client waits for an answer before it books the operation as *info*.
    pub client_timeout: Span,
}

/// A replication protocol and its settings.
#[derive(Clone, Debug, PartialEq)]
pub enum Protocol {
    /// `single-leader`: asynchronous replication from one leader, which never changes.
    SingleLeader(SingleLeader),
}

impl Protocol {
    /// Its name in files.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::SingleLeader(_) => "single-leader",
        }
    }

    /// The kinds of its messages, by which files name them.
    pub fn message_kinds(&self) -> &'static [&'static str] {
        crate::session::message_kinds(self)
    }

    /// The kinds of its notes, by which faults name them.
    pub fn note_kinds(&self) -> &'static [&'static str] {
        crate::session::note_kinds(self)
    }
}

/// The settings of `single-leader`.
#[derive(Clone, Debug, PartialEq)]
pub struct SingleLeader {
    /// The replica that takes the writes.
    pub leader: NodeId,
    /// How often the leader tells followers how far its log goes when there is nothing to send.
    pub heartbeat: Span,
}

/// Where a client sends its reads; writes always go to the leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Routing {
    /// `leader`: to the leader.
    Leader,
    /// `any-follower`: to a follower drawn anew for each read.
    AnyFollower,
    /// `sticky-follower`: to one follower, the same for all of the client's reads.
    StickyFollower,
}

/// One replica.
#[derive(Clone, Debug, PartialEq)]
pub struct Replica {
    /// Its name; no other node or site has it.
    pub name: String,
    /// Its site; empty where it has none.
    pub site: String,
    /// Its storage engine.
    pub engine: EngineKind,
    /// Its clock.
    pub clock: ClockConfig,
    /// Its disk.
    pub disk: DiskConfig,
    /// How long each of its handlers takes, besides what its disk takes.
    pub service_time: Span,
    /// How many messages and requests may wait at it, at least 1; what comes beyond is dropped.
    pub inbox: u32,
}

/// One client: a process of one user on one device, on a node of its own. It has one operation open at a time, and it is
/// one session as the session guarantees mean it.
#[derive(Clone, Debug, PartialEq)]
pub struct Client {
    /// Its name; no other node or site has it.
    pub name: String,
    /// The user, by name; a user with several devices has several clients.
    pub user: String,
    /// Its site; empty where it has none.
    pub site: String,
    /// Where it reads.
    pub routing: Routing,
    /// Its clock.
    pub clock: ClockConfig,
    /// The load that it works for, as an index of [`Scenario::loads`]; `None` for a scripted client.
    pub load: Option<usize>,
}

/// One scripted operation.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Its name, for steps that wait for it; empty where it has none.
    pub name: String,
    /// When it is meant to begin. A client has one operation open at a time: while its earlier one is open, the step
    /// waits, and latency counts from when it was meant to begin.
    pub when: When,
    /// The client that does it.
    pub client: NodeId,
    /// What it does.
    pub action: Action,
    /// The key.
    pub key: String,
    /// The replica to ask, whatever the client's routing says.
    pub replica: Option<NodeId>,
}

/// When a scripted step is meant to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// So long after the beginning of the run.
    At(Span),
    /// So long after another step has ended, however it ended.
    After {
        /// The other step, as an index of [`Scenario::steps`]; always below that of the step that waits.
        step: usize,
        /// How long after.
        delay: Span,
    },
}

/// What a scripted step does to its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Reads it.
    Get,
    /// Sets it to this value, which no other step of the file writes to the same key.
    Put(String),
    /// Removes it.
    Delete,
}

/// Generated operations.
#[derive(Clone, Debug, PartialEq)]
pub struct Load {
    /// Its name. Its clients are called `NAME-1`, `NAME-2` and so on.
    pub name: String,
    /// Its clients, as indexes of [`Scenario::clients`]; never empty.
    pub clients: Range<usize>,
    /// When operations begin.
    pub arrivals: Arrivals,
    /// From when on, since the beginning of the run.
    pub start: Span,
    /// No operation begins at or after this; never past the scenario's duration.
    pub end: Span,
    /// No more than so many operations begin. Where the file does not say, it is the most that a load may have.
    pub operations: u64,
    /// Which keys.
    pub keys: Keys,
    /// Of a hundred operations, how many are reads.
    pub reads_percent: u32,
    /// Of a hundred operations, how many are deletes; the rest are writes.
    pub deletes_percent: u32,
    /// How long each written value is, at the least, in bytes: values are the load's name and a number, so that they are
    /// unique, and are filled up to this length with dots.
    pub value_bytes: u32,
}

/// When generated operations begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrivals {
    /// `open`: at a rate of their own, however slow the answers are. An operation takes a client that is free; where
    /// none is, it waits for one, and its latency counts from when it was meant to begin.
    Open {
        /// How many a second, for the whole load; at least 1.
        rate_per_second: u32,
        /// How they are spaced.
        spacing: Spacing,
    },
    /// `closed`: each client begins its next operation so long after its last one ended.
    Closed {
        /// How long.
        think: Span,
    },
}

/// How the arrivals of an open load are spaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Spacing {
    /// `exponential`: as independent users come (a Poisson process).
    Exponential,
    /// `even`: at equal distances.
    Even,
}

/// Which keys a load speaks of: `PREFIX0` to `PREFIX(count - 1)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Keys {
    /// What each key begins with.
    pub prefix: String,
    /// How many there are, at least 1.
    pub count: u32,
    /// How often each is used.
    pub distribution: KeyDistribution,
}

/// How often each key of a load is used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum KeyDistribution {
    /// `uniform`: all alike.
    Uniform,
    /// `zipf`: the i-th (from 1) with a chance in proportion to `1 / i^exponent`.
    Zipf {
        /// The exponent, from 0 (all alike) to 20.
        exponent: f64,
    },
}

/// A fault on the timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimedFault {
    /// When it begins, since the beginning of the run.
    pub at: Span,
    /// When it is lifted, later than `at`; `None`: when the scenario's own run ends and the cluster heals.
    pub until: Option<Span>,
    /// The faults that begin together. There are several where a `between` or `from`/`to` names sites, which hold many
    /// links; never empty.
    pub faults: Vec<Fault>,
}

/// What should come out of one check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// The check, by its name in the [catalog of checkers](crate::checkers::CATALOG).
    pub check: &'static str,
    /// On what terms.
    pub terms: Terms,
    /// What it should say.
    pub verdict: ExpectedVerdict,
}

impl fmt::Display for Expectation {
    /// `read-your-writes-in-real-time is violated`, `bounded-staleness (versions 2) holds`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = match self.verdict {
            ExpectedVerdict::Holds => "holds",
            ExpectedVerdict::Violated => "is violated",
        };
        write!(f, "{} {verb}", self.terms.label(self.check))
    }
}

/// What a check should say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExpectedVerdict {
    /// `holds`.
    Holds,
    /// `violated`.
    Violated,
}
