//! What nemeses can do: for each kind of fault, how one is drawn.
//!
//! A kind has the name of its fault. How hard it strikes is drawn over magnitudes, within bounds that are stated here: a
//! link may be slower by a millisecond or by half a second.

mod clocks;
mod disks;
mod links;
mod nodes;

use std::fmt;

use seedbed_sim::fault::CATALOG;
use seedbed_sim::{Direction, Fault, InFlight, LinkTarget, NodeId, Span, Stream};

use super::by_magnitude;
use crate::file::model::Scenario;

/// A kind of fault that nemeses draw.
pub struct Kind {
    /// The fault's name in the catalog of faults.
    pub name: &'static str,
    /// What is drawn besides the target, for people.
    pub draws: &'static str,
    draw: fn(&Ground, &mut Stream) -> Option<Fault>,
}

impl Kind {
    /// What the fault does, in one sentence.
    pub fn summary(&self) -> &'static str {
        let about = CATALOG.iter().find(|about| about.name == self.name);
        about.map_or("", |about| about.summary)
    }

    /// A fault of this kind; `None` where there is nothing that it could strike.
    pub(super) fn draw(&self, ground: &Ground, stream: &mut Stream) -> Option<Fault> {
        (self.draw)(ground, stream)
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Kind {}

/// Where a nemesis may strike.
#[derive(Debug)]
pub(super) struct Ground {
    /// Its targets.
    nodes: Vec<NodeId>,
    /// Those of them that are replicas.
    replicas: Vec<NodeId>,
    /// The one that it strikes wherever a single node is struck.
    chosen: Option<NodeId>,
}

impl Ground {
    pub(super) fn new(scenario: &Scenario, targets: &[NodeId]) -> Self {
        let is_replica = |id: &NodeId| scenario.replica(*id).is_some();
        Self {
            nodes: targets.to_vec(),
            replicas: targets.iter().copied().filter(is_replica).collect(),
            chosen: None,
        }
    }

    /// Where a person strikes who has chosen a node.
    pub(super) fn at(mut self, node: NodeId) -> Self {
        self.chosen = Some(node);
        self
    }

    fn node(&self, stream: &mut Stream) -> Option<NodeId> {
        let drawn = stream.pick(&self.nodes).copied();
        self.chosen.or(drawn)
    }

    fn replica(&self, stream: &mut Stream) -> Option<NodeId> {
        let drawn = stream.pick(&self.replicas).copied();
        match self.chosen {
            Some(chosen) => self.replicas.contains(&chosen).then_some(chosen),
            None => drawn,
        }
    }

    /// A link between two targets, one way or both.
    fn link(&self, stream: &mut Stream) -> Option<LinkTarget> {
        let mut nodes = self.nodes.clone();
        stream.shuffle(&mut nodes);
        if let Some(chosen) = self.chosen {
            // First comes the chosen one; the others stay as they were drawn.
            nodes.retain(|node| *node != chosen);
            nodes.insert(0, chosen);
        }
        let [from, to, ..] = nodes[..] else {
            return None;
        };
        let both = stream.below(2) == 0;
        let direction = if both {
            Direction::Both
        } else {
            Direction::OneWay
        };
        Some(LinkTarget {
            from,
            to,
            direction,
        })
    }
}

fn in_flight(stream: &mut Stream) -> InFlight {
    if stream.below(2) == 0 {
        InFlight::Lost
    } else {
        InFlight::Held
    }
}

fn span(stream: &mut Stream, low: Span, high: Span) -> Span {
    Span::from_nanos(by_magnitude(stream, low.as_nanos(), high.as_nanos()))
}

fn signed(stream: &mut Stream, low: u64, high: u64) -> i64 {
    let size = by_magnitude(stream, low, high) as i64;
    if stream.below(2) == 0 { size } else { -size }
}

/// Every kind, in the order in which files may list them.
pub fn all() -> impl Iterator<Item = &'static Kind> {
    let groups = [links::KINDS, nodes::KINDS, clocks::KINDS, disks::KINDS];
    groups.into_iter().flatten()
}

/// The kind of this name.
pub fn find(name: &str) -> Option<&'static Kind> {
    all().find(|kind| kind.name == name)
}
