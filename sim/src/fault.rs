//! Faults: what the world may do to nodes, links and clocks, as data.
//!
//! One type serves files, key presses and generators alike. A fault that is injected holds until it is lifted: a
//! crash ends with a restart, a cut with a heal, and so on ([`World::inject`](crate::World::inject),
//! [`World::lift`](crate::World::lift)). Faults may overlap; a node is up when no crash on it is left, and a link
//! carries messages when no cut on it is left.

use crate::{NodeId, Span};

/// Which way along a link a fault works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Both ways.
    Both,
    /// Only from the first node to the second.
    OneWay,
}

/// What becomes of messages that are on a link when it is cut, or that are sent into the cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InFlight {
    /// They are lost.
    Lost,
    /// They wait, and arrive in their order once the cut is lifted (a connection that outlives the outage).
    Held,
}

/// The link, or the two links, between two nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LinkTarget {
    /// The first node.
    pub from: NodeId,
    /// The second node.
    pub to: NodeId,
    /// Which way between them.
    pub direction: Direction,
}

/// A fault and its target.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The node stops at once: memory is lost, and so is what its disk had not made durable. Lifting it boots the node.
    Crash {
        /// The node.
        node: NodeId,
    },
    /// The node crashes in the `operation`-th disk operation (from 1) of the first handler from now on that gets so far.
    /// It stays down until the fault is lifted.
    CrashAtDiskOperation {
        /// The node.
        node: NodeId,
        /// The operation, from 1.
        operation: u32,
    },
    /// The node does nothing and does not know it: what arrives waits, timers fire late. Takes hold between handlers.
    Pause {
        /// The node.
        node: NodeId,
    },
    /// The link carries nothing.
    Cut {
        /// The link.
        link: LinkTarget,
        /// What becomes of messages on it.
        in_flight: InFlight,
    },
    /// Nodes on different sides can't reach each other. Nodes on no side reach everybody.
    Partition {
        /// The sides.
        sides: Vec<Vec<NodeId>>,
        /// What becomes of messages between them.
        in_flight: InFlight,
    },
    /// Every message on the link takes longer.
    Delay {
        /// The link.
        link: LinkTarget,
        /// How much longer.
        extra: Span,
    },
    /// Transmissions on the link are lost with this chance, on top of the link's own.
    Loss {
        /// The link.
        link: LinkTarget,
        /// The chance per million.
        per_million: u32,
    },
    /// The node's wall clock is off by so much while the fault holds.
    ClockOffset {
        /// The node.
        node: NodeId,
        /// Nanoseconds ahead (negative: behind).
        nanos: i64,
    },
    /// The node's clocks run at another rate while the fault holds, on top of their own drift.
    ClockDrift {
        /// The node.
        node: NodeId,
        /// Parts per million faster (negative: slower; above -1,000,000).
        ppm: i32,
    },
}
