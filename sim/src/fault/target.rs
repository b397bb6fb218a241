//! What faults of links are aimed at.

use crate::NodeId;

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

impl LinkTarget {
    /// Whether it covers the way from one node to another.
    pub fn covers(&self, from: NodeId, to: NodeId) -> bool {
        let forth = self.from == from && self.to == to;
        let back = self.from == to && self.to == from;
        forth || (back && self.direction == Direction::Both)
    }
}
