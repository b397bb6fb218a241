//! The network: what lies between two nodes, each direction by itself.
//!
//! A link is a **FIFO connection** (the default, and what replication logs assume) or carries **datagrams**:
//!
//! - On a connection messages arrive in the order in which they were sent. A transmission that is lost is sent again
//!   after [`LinkSpec::retransmit_after`], doubled at every further loss, and what follows waits behind it, as in TCP:
//!   loss shows as delay. After [`TRANSMISSIONS_MAX`] losses the connection gives the message up. When the receiver
//!   crashes, the connection is gone and so is everything on its way; when the sender does, what had left still
//!   arrives, and the sender's next life begins a new connection.
//! - A datagram is lost for good when it is lost, may overtake others, and finds a restarted receiver just as well.
//!
//! Which link joins two nodes is said by rules over sets of nodes, the last that fits; states are kept for pairs that
//! have talked, so that a thousand nodes do not cost a million links.

use crate::passage::Lines;
use crate::{Distribution, Incarnation, Instant, NodeId, Span};

/// How often a connection transmits one message before it gives up.
pub const TRANSMISSIONS_MAX: u32 = 8;

/// How a link treats order and loss.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LinkKind {
    /// A connection: in order, lost transmissions are repeated.
    #[default]
    Fifo,
    /// Each message for itself.
    Datagram,
}

/// One direction between two nodes.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkSpec {
    /// How long a message travels.
    pub delay: Distribution,
    /// The chance that a transmission is lost, per million.
    pub loss_per_million: u32,
    /// Order and loss.
    pub kind: LinkKind,
    /// How long a connection waits before it transmits again, the first time.
    pub retransmit_after: Span,
    /// What else is wrong with it, all the time.
    pub impairments: Impairments,
}

/// What is wrong with a link besides its delay and its losses. The default is nothing.
///
/// Chances are for each message. On a **connection** the transport hides most of it: copies are dropped by their sequence
/// number, a message that is held back holds back what follows it, and a transmission that fails its checksum is sent
/// again; only time is lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Impairments {
    /// The chance that a datagram arrives twice, the second time after a delay of its own.
    pub duplicate_per_million: u32,
    /// The chance that a transmission is damaged ([`Payload::corrupt`](crate::Payload::corrupt)).
    pub corrupt_per_million: u32,
    /// The chance that a message is held back for [`reorder_by`](Self::reorder_by), so that later datagrams overtake it.
    pub reorder_per_million: u32,
    /// How much longer a message travels that is held back.
    pub reorder_by: Span,
    /// The chance that a message meets exactly the line that the one before it met: its delay, its loss and the rest are
    /// drawn as that one's were. So what happens comes in bursts, and as often as without.
    pub correlation_per_million: u32,
    /// How many bytes pass in a second; `None`: any number.
    pub rate: Option<Rate>,
}

/// How much a link can carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rate {
    /// Bytes a second, at least 1.
    pub bytes_per_second: u64,
    /// How many bytes may wait for their turn. A transmission that finds no room is lost; an idle link takes one of any
    /// size.
    pub queue_bytes: u64,
}

impl LinkSpec {
    /// A connection without loss; Linux waits at least 200 ms before it transmits again, and so does this.
    pub fn fifo(delay: Distribution) -> Self {
        Self {
            delay,
            loss_per_million: 0,
            kind: LinkKind::Fifo,
            retransmit_after: Span::from_millis(200),
            impairments: Impairments::default(),
        }
    }

    /// Datagrams without loss.
    pub fn datagram(delay: Distribution) -> Self {
        Self {
            kind: LinkKind::Datagram,
            ..Self::fifo(delay)
        }
    }
}

/// The link from each node of one set to each of another.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkRule {
    /// Senders.
    pub from: Vec<NodeId>,
    /// Receivers.
    pub to: Vec<NodeId>,
    /// What lies between.
    pub spec: LinkSpec,
}

/// All links of a world. A node reaches itself at once.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkSpec {
    /// Where no rule fits.
    pub default: LinkSpec,
    /// The last one that fits holds.
    pub rules: Vec<LinkRule>,
}

impl NetworkSpec {
    /// The same link between all nodes.
    pub fn uniform(default: LinkSpec) -> Self {
        Self {
            default,
            rules: Vec::new(),
        }
    }

    /// What lies from one node to another, which is not itself.
    pub(crate) fn between(&self, from: NodeId, to: NodeId) -> &LinkSpec {
        match self.class_of(from, to) {
            0 | 1 => &self.default,
            rule => &self.rules[usize::from(rule) - 2].spec,
        }
    }

    /// The link from one node to another: 0 is the node itself, 1 the default, then the rules.
    fn class_of(&self, from: NodeId, to: NodeId) -> u16 {
        if from == to {
            return 0;
        }
        let fits = |rule: &LinkRule| rule.from.contains(&from) && rule.to.contains(&to);
        let rule = self.rules.iter().rposition(fits);
        u16::try_from(rule.map_or(1, |index| index + 2)).expect("fewer than 65,534 link rules")
    }
}

/// What the world remembers of the connection from one node to another.
#[derive(Clone, Copy, Debug, Default)]
struct Connection {
    /// Nothing on it arrives before this.
    not_before: Instant,
    /// The lives of sender and receiver that it joins.
    joins: (Incarnation, Incarnation),
}

/// The links of a world, with their states.
#[derive(Clone, Debug)]
pub(crate) struct Network {
    spec: NetworkSpec,
    itself: LinkSpec,
    node_count: usize,
    /// Which rule holds, by sender and then by receiver. A row is empty until its sender first sends, and all are where
    /// there are no rules: a thousand nodes that talk to each other at random find none of a million entries in a cache.
    classes: Vec<Vec<u16>>,
    /// By sender, then by receiver; a row is empty until its sender first uses a connection.
    connections: Vec<Vec<Connection>>,
    /// Whether there is nothing to any link but delay and loss.
    is_plain: bool,
    /// The lines of links that remember something.
    lines: Lines,
}

impl Network {
    pub(crate) fn new(spec: NetworkSpec, node_count: usize) -> Self {
        let itself = LinkSpec::fifo(Distribution::fixed(Span::ZERO).expect("zero is a fine delay"));
        let mut specs = spec.rules.iter().map(|rule| &rule.spec);
        let is_plain = |spec: &LinkSpec| spec.impairments == Impairments::default();
        let all_plain = is_plain(&spec.default) && specs.all(is_plain);
        let rows = if spec.rules.is_empty() { 0 } else { node_count };
        Self {
            spec,
            itself,
            node_count,
            classes: vec![Vec::new(); rows],
            connections: vec![Vec::new(); node_count],
            is_plain: all_plain,
            lines: Lines::default(),
        }
    }

    /// Whether there is nothing to any link but delay and loss.
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        self.is_plain
    }

    /// What lies from one node to another.
    #[inline]
    pub(crate) fn link(&mut self, from: NodeId, to: NodeId) -> &LinkSpec {
        self.link_and_lines(from, to).0
    }

    /// What lies from one node to another, and what links remember.
    #[inline]
    pub(crate) fn link_and_lines(&mut self, from: NodeId, to: NodeId) -> (&LinkSpec, &mut Lines) {
        let spec = match self.class(from, to) {
            0 => &self.itself,
            1 => &self.spec.default,
            rule => &self.spec.rules[usize::from(rule) - 2].spec,
        };
        (spec, &mut self.lines)
    }

    /// As [`NetworkSpec::class_of`], looked up.
    #[inline]
    fn class(&mut self, from: NodeId, to: NodeId) -> u16 {
        if from == to {
            return 0;
        }
        if self.classes.is_empty() {
            return 1;
        }
        if self.classes[from.index()].is_empty() {
            self.fill_classes(from);
        }
        self.classes[from.index()][to.index()]
    }

    /// When a message that could arrive at `arrives_at` does arrive on the connection between two lives: not before
    /// what was sent earlier on it. A connection ends with either life, and a new one owes nothing to it.
    #[inline]
    pub(crate) fn in_order(
        &mut self,
        (from, to): (NodeId, NodeId),
        joins: (Incarnation, Incarnation),
        arrives_at: Instant,
    ) -> Instant {
        let row = &mut self.connections[from.index()];
        if row.is_empty() {
            row.resize(self.node_count, Connection::default());
        }
        let connection = &mut row[to.index()];
        if connection.joins == joins {
            connection.not_before = connection.not_before.max(arrives_at);
        } else {
            (connection.joins, connection.not_before) = (joins, arrives_at);
        }
        connection.not_before
    }

    #[cold]
    fn fill_classes(&mut self, from: NodeId) {
        let receivers = 0..self.node_count as u32;
        let class = |to| self.spec.class_of(from, NodeId(to));
        self.classes[from.index()] = receivers.map(class).collect();
    }
}
