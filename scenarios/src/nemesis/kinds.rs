//! What nemeses can do: for each kind of fault, how one is drawn.
//!
//! A kind has the name of its fault. How hard it strikes is drawn over magnitudes, within bounds that are stated here: a
//! link may be slower by a millisecond or by half a second.

use std::fmt;

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
}

impl Ground {
    pub(super) fn new(scenario: &Scenario, targets: &[NodeId]) -> Self {
        let is_replica = |id: &NodeId| scenario.replica(*id).is_some();
        Self {
            nodes: targets.to_vec(),
            replicas: targets.iter().copied().filter(is_replica).collect(),
        }
    }

    fn node(&self, stream: &mut Stream) -> Option<NodeId> {
        stream.pick(&self.nodes).copied()
    }

    /// A link between two targets, one way or both.
    fn link(&self, stream: &mut Stream) -> Option<LinkTarget> {
        let mut nodes = self.nodes.clone();
        stream.shuffle(&mut nodes);
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
pub static KINDS: &[Kind] = &[
    Kind {
        name: "crash",
        draws: "nothing else",
        draw: |ground, stream| {
            let node = ground.node(stream)?;
            Some(Fault::Crash { node })
        },
    },
    Kind {
        name: "crash-at-disk-operation",
        draws: "which operation of a handler, from the first to the eighth",
        draw: |ground, stream| {
            let node = stream.pick(&ground.replicas).copied()?;
            let operation = 1 + stream.below(8) as u32;
            Some(Fault::CrashAtDiskOperation { node, operation })
        },
    },
    Kind {
        name: "pause",
        draws: "nothing else",
        draw: |ground, stream| {
            let node = ground.node(stream)?;
            Some(Fault::Pause { node })
        },
    },
    Kind {
        name: "cut",
        draws: "one way or both, and whether messages are lost or held",
        draw: |ground, stream| {
            let link = ground.link(stream)?;
            let in_flight = in_flight(stream);
            Some(Fault::Cut { link, in_flight })
        },
    },
    Kind {
        name: "partition",
        draws: "two sides of any size, and whether messages are lost or held",
        draw: |ground, stream| {
            let mut nodes = ground.nodes.clone();
            if nodes.len() < 2 {
                return None;
            }
            stream.shuffle(&mut nodes);
            let size = 1 + stream.below(nodes.len() as u64 - 1) as usize;
            let mut other = nodes.split_off(size);
            nodes.sort_unstable();
            other.sort_unstable();
            let in_flight = in_flight(stream);
            let sides = vec![nodes, other];
            Some(Fault::Partition { sides, in_flight })
        },
    },
    Kind {
        name: "delay",
        draws: "from 1 to 500 ms more",
        draw: |ground, stream| {
            let link = ground.link(stream)?;
            let extra = span(stream, Span::from_millis(1), Span::from_millis(500));
            Some(Fault::Delay { link, extra })
        },
    },
    Kind {
        name: "loss",
        draws: "from 1 to 50 % of what is sent",
        draw: |ground, stream| {
            let link = ground.link(stream)?;
            let per_million = by_magnitude(stream, 10_000, 500_000) as u32;
            Some(Fault::Loss { link, per_million })
        },
    },
    Kind {
        name: "clock-offset",
        draws: "from 1 ms to 10 s, ahead or behind",
        draw: |ground, stream| {
            let node = ground.node(stream)?;
            let nanos = signed(stream, 1_000_000, 10_000_000_000);
            Some(Fault::ClockOffset { node, nanos })
        },
    },
    Kind {
        name: "clock-drift",
        draws: "from 10 to 50,000 ppm, faster or slower",
        draw: |ground, stream| {
            let node = ground.node(stream)?;
            let ppm = signed(stream, 10, 50_000) as i32;
            Some(Fault::ClockDrift { node, ppm })
        },
    },
];

/// The kind of this name.
pub fn find(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}
