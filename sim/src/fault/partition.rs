//! Partition: the nodes fall into sides that can't reach each other. A node on no side reaches everybody, and is a bridge.

use super::{About, Group};
use crate::NodeId;

pub(super) const ABOUT: About = About {
    name: "partition",
    group: Group::Links,
    summary: "Nodes on different sides can't reach each other.",
};

/// Whether two nodes are on different sides.
pub(super) fn parts(sides: &[Vec<NodeId>], from: NodeId, to: NodeId) -> bool {
    let side_of = |node| sides.iter().position(|side| side.contains(&node));
    side_of(from).zip(side_of(to)).is_some_and(|(a, b)| a != b)
}
