//! Partitions by name, for any number of nodes: what they are is worked out when the fault begins.
//!
//! ```text
//!  halves          a b | c d e      isolated-node   a | b c d e      non-transitive   a ✗ e, both reach the rest
//!  majority-       a b c | d e      minority-third  a | b c d e      one-way          a b ──✗──► c d e
//!  minority                         bridge          a b | c d, and e sees both
//!  majorities-ring  each node hears a majority, and no two the same: those next to it in a ring
//!  chosen           those who were chosen when it begins | all others
//! ```
//!
//! Nodes are taken in the order in which they are listed, or in one that is drawn from a stream named after the fault
//! (`fault/3`), by the run's seed. Of these, the shapes of Jepsen's nemeses are `halves`, `isolated-node`, `bridge` and
//! `majorities-ring`. Whom `chosen` sets apart is said by whoever injects it, as
//! who plays a part in a protocol is not known here
//! ([`Fault::resolve`]).

use super::{About, Barrier, Group};
use crate::{Fault, FaultError, InFlight, NodeId, Seed, Stream};

pub(super) const ABOUT: About = About {
    name: "partition-shape",
    group: Group::Links,
    summary: "A partition by the name of its shape, worked out when it begins.",
};

/// How nodes fall apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PartitionShape {
    /// Two halves; of an odd number the second is the greater.
    Halves,
    /// The first, and all others.
    IsolatedNode,
    /// The smallest majority, and the rest.
    MajorityMinority,
    /// Less than a third (but one at least), and the rest: what a protocol that tolerates such losses must survive.
    MinorityThird,
    /// Two halves that can't reach each other, and the last node, which both reach.
    Bridge,
    /// In a ring, each node hears the majority around it and nobody else.
    MajoritiesRing,
    /// Those that were chosen by whoever injects it, and all others.
    Chosen,
    /// The first and the last can't reach each other, and everybody else reaches both.
    NonTransitive,
    /// The first half can't reach the second, which reaches the first.
    OneWay,
}

impl PartitionShape {
    /// All of them, with their names.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("halves", Self::Halves),
        ("isolated-node", Self::IsolatedNode),
        ("majority-minority", Self::MajorityMinority),
        ("minority-third", Self::MinorityThird),
        ("bridge", Self::Bridge),
        ("majorities-ring", Self::MajoritiesRing),
        ("chosen", Self::Chosen),
        ("non-transitive", Self::NonTransitive),
        ("one-way", Self::OneWay),
    ];

    /// Its name in files.
    pub fn name(self) -> &'static str {
        let named = Self::ALL.iter().find(|(_, shape)| *shape == self);
        named.expect("every shape has a name").0
    }

    /// How many nodes it takes at least.
    pub const fn nodes_min(self) -> usize {
        match self {
            Self::Bridge | Self::MajoritiesRing | Self::NonTransitive => 3,
            _ => 2,
        }
    }

    /// The fault that it is for these nodes, in this order.
    fn of(self, nodes: &[NodeId], chosen: &[NodeId], in_flight: InFlight) -> Fault {
        let count = nodes.len();
        let two = |sides: (&[NodeId], &[NodeId])| Fault::Partition {
            sides: vec![sides.0.to_vec(), sides.1.to_vec()],
            in_flight,
        };
        match self {
            Self::Halves => two(nodes.split_at(count / 2)),
            Self::IsolatedNode => two(nodes.split_at(1)),
            Self::MajorityMinority => two(nodes.split_at((count / 2 + 1).min(count - 1))),
            Self::MinorityThird => two(nodes.split_at(((count - 1) / 3).max(1))),
            Self::Bridge => two(nodes[..count - 1].split_at((count - 1) / 2)),
            Self::NonTransitive => two((&nodes[..1], &nodes[count - 1..])),
            Self::Chosen => {
                let (some, others): (Vec<NodeId>, Vec<NodeId>) =
                    nodes.iter().partition(|node| chosen.contains(node));
                two((&some, &others))
            }
            Self::OneWay => {
                let (from, to) = nodes.split_at(count / 2);
                let (from, to) = (from.to_vec(), to.to_vec());
                Fault::Unreachable {
                    barriers: vec![Barrier { from, to }],
                    in_flight,
                }
            }
            Self::MajoritiesRing => Fault::Unreachable {
                barriers: ring(nodes),
                in_flight,
            },
        }
    }
}

/// For each node a barrier to it from all but the majority around it.
fn ring(nodes: &[NodeId]) -> Vec<Barrier> {
    let count = nodes.len();
    let majority = count / 2 + 1;
    let before = (majority - 1) / 2;
    let barrier = |place: usize| {
        // Of an even majority one more stands behind it than before it.
        let heard = |other: usize| (other + count + before - place) % count < majority;
        let unheard = (0..count).filter(|other| !heard(*other));
        Barrier {
            from: unheard.map(|other| nodes[other]).collect(),
            to: vec![nodes[place]],
        }
    };
    (0..count).map(barrier).collect()
}

impl Fault {
    /// The fault as it will hold: a partition that is named by its shape becomes the one that it is for its nodes. `number`
    /// is the fault's, for drawing their order; `chosen` are those whom [`PartitionShape::Chosen`] sets apart. Any other fault is what it is.
    ///
    /// # Errors
    /// When there are too few nodes for the shape, or nobody is chosen, or everybody is.
    pub fn resolve(self, seed: Seed, number: u32, chosen: &[NodeId]) -> Result<Self, FaultError> {
        let Self::PartitionShape {
            shape,
            mut nodes,
            shuffled,
            in_flight,
        } = self
        else {
            return Ok(self);
        };
        if nodes.len() < shape.nodes_min() {
            return Err(FaultError::TooFewNodes(shape.nodes_min(), nodes.len()));
        }
        if shape == PartitionShape::Chosen {
            let count = nodes.iter().filter(|node| chosen.contains(node)).count();
            if count == 0 || count == nodes.len() {
                return Err(FaultError::ChosenNone(count, nodes.len()));
            }
        }
        if shuffled {
            Stream::named(seed, &format!("fault/{number}")).shuffle(&mut nodes);
        }
        Ok(shape.of(&nodes, chosen, in_flight))
    }

    /// A partition of one node from these others.
    pub fn isolate(
        node: NodeId,
        others: impl IntoIterator<Item = NodeId>,
        in_flight: InFlight,
    ) -> Self {
        let others = others.into_iter().filter(|other| *other != node).collect();
        Self::Partition {
            sides: vec![vec![node], others],
            in_flight,
        }
    }
}
