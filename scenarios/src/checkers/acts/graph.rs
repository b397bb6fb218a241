//! Cycles among acts.

use std::collections::{BTreeSet, VecDeque};

use petgraph::Direction;
use petgraph::graph::{DiGraph, NodeIndex};

use super::{ActId, Acts};

/// Why one act comes before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// Session order.
    Session,
    /// The later one read the earlier one's value.
    Read,
    /// They write one key, and a read that knew of the earlier one found the later one's value.
    Known(ActId),
    /// The later one stands for the earlier one among others: a knot.
    Knot,
}

/// One step of a cycle: an act, and why it comes before the next one.
pub(crate) type Step = (ActId, Why);

/// Acts, and which of them come before which.
pub(crate) struct Graph {
    graph: DiGraph<(), Why>,
}

impl Graph {
    /// Acts in session order, and after what they read where `with_reads` says so.
    pub(crate) fn new(acts: &Acts, with_reads: impl Fn(ActId) -> bool) -> Self {
        let mut graph = DiGraph::with_capacity(acts.all.len(), acts.all.len() * 2);
        for _ in &acts.all {
            graph.add_node(());
        }
        for (id, act) in acts.all.iter().enumerate() {
            for &earlier in &act.after {
                graph.add_edge(node(earlier), node(id), Why::Session);
            }
            if let Some(write) = act.source().filter(|_| with_reads(id)) {
                graph.add_edge(node(write), node(id), Why::Read);
            }
        }
        Self { graph }
    }

    /// Adds that one act comes before another.
    pub(crate) fn add(&mut self, earlier: ActId, later: ActId, why: Why) {
        self.graph.add_edge(node(earlier), node(later), why);
    }

    /// A knot: it stands for all that comes before it.
    pub(crate) fn knot(&mut self) -> ActId {
        self.graph.add_node(()).index()
    }

    /// The acts in an order that fits, or a short cycle.
    pub(crate) fn order(&self) -> Result<Vec<ActId>, Vec<Step>> {
        match petgraph::algo::toposort(&self.graph, None) {
            Ok(order) => Ok(order.into_iter().map(NodeIndex::index).collect()),
            Err(cycle) => Err(self.cycle_through(cycle.node_id().index())),
        }
    }

    /// A shortest cycle through an act that lies on one.
    fn cycle_through(&self, act: ActId) -> Vec<Step> {
        let first = self.graph.edges(node(act)).find(|edge| {
            use petgraph::visit::EdgeRef;
            edge.target() == edge.source()
        });
        if let Some(edge) = first {
            return vec![(act, *edge.weight())];
        }
        self.path(act, act).expect("the act lies on a cycle")
    }

    /// The steps of a shortest way from one act to another; the last step leads there.
    pub(crate) fn path(&self, from: ActId, to: ActId) -> Option<Vec<Step>> {
        use petgraph::visit::EdgeRef;
        // Backwards, so that each act knows its next step.
        let mut next: Vec<Option<(ActId, Why)>> = vec![None; self.graph.node_count()];
        let mut queue = VecDeque::from([to]);
        'search: while let Some(act) = queue.pop_front() {
            for edge in self.graph.edges_directed(node(act), Direction::Incoming) {
                let earlier = edge.source().index();
                if next[earlier].is_none() {
                    next[earlier] = Some((act, *edge.weight()));
                    queue.push_back(earlier);
                    if earlier == from {
                        break 'search;
                    }
                }
            }
        }
        let mut steps = Vec::new();
        let mut act = from;
        loop {
            let (later, why) = next[act]?;
            steps.push((act, why));
            act = later;
            if act == to {
                return Some(steps);
            }
        }
    }
}

/// A way with what only passes through a session left out.
pub(crate) fn shortened(steps: &[Step]) -> Vec<Step> {
    // From a knot the way goes on for the reason for which it left the knot.
    let mut untied: Vec<Step> = Vec::new();
    let begin = (0..steps.len()).find(|&index| {
        let before = (index + steps.len() - 1) % steps.len();
        steps[before].1 != Why::Knot
    });
    let mut pending: Option<ActId> = None;
    for &(act, why) in steps
        .iter()
        .cycle()
        .skip(begin.unwrap_or(0))
        .take(steps.len())
    {
        match why {
            Why::Knot => pending = pending.or(Some(act)),
            _ => untied.push((pending.take().unwrap_or(act), why)),
        }
    }
    let mut short: Vec<Step> = Vec::new();
    for &(act, why) in &untied {
        match (short.last(), why) {
            (Some((_, Why::Session)), Why::Session) => {}
            _ => short.push((act, why)),
        }
    }
    if short.len() > 1 && short[0].1 == Why::Session && short[short.len() - 1].1 == Why::Session {
        short.remove(0);
    }
    short
}

/// The acts on a cycle and the reads behind its steps.
pub(crate) fn acts_on(steps: &[Step]) -> BTreeSet<ActId> {
    let reads = steps.iter().filter_map(|(_, why)| match why {
        Why::Known(read) => Some(*read),
        Why::Session | Why::Read | Why::Knot => None,
    });
    steps.iter().map(|(act, _)| *act).chain(reads).collect()
}

fn node(act: ActId) -> NodeIndex {
    NodeIndex::new(act)
}
