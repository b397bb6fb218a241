//! Any relation of who can't reach whom, by hand: a list of [`Barrier`]s, each one way, from all of some nodes to all of
//! others. It need not be symmetric (one hears and is not heard) nor transitive (both reach a third and not each other),
//! and networks are neither: Alquraan et al. (*An Analysis of Network-Partitioning Failures in Cloud Systems*, OSDI 2018)
//! found partial and one-way partitions in a third of the failures that they looked at.

use super::{About, Group};
use crate::NodeId;

pub(super) const ABOUT: About = About {
    name: "unreachable",
    group: Group::Links,
    summary: "Some nodes can't reach some others: any relation, by hand.",
};

/// What no message passes, in one direction.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Barrier {
    /// None of these
    pub from: Vec<NodeId>,
    /// reaches any of these.
    pub to: Vec<NodeId>,
}

/// Whether some barrier stands between two nodes. No node is cut off from itself.
pub(super) fn stands(barriers: &[Barrier], from: NodeId, to: NodeId) -> bool {
    let between = |it: &Barrier| it.from.contains(&from) && it.to.contains(&to);
    from != to && barriers.iter().any(between)
}
