//! An order that is kept while edges come: whether they run in a circle is known with the edge that closes it.
//!
//! *Pearce and Kelly, A Dynamic Topological Sort Algorithm for Directed Acyclic Graphs, ACM JEA 11, 2007.* Every node has a
//! place, and edges lead from lower places to higher ones. An edge that fits costs one look. One that does not is
//! searched from both of its ends between their places; if they do not meet, what was found changes places:
//!
//! ```text
//!   place   1   2   3   4   5              edge d → b:  forwards from b: b, c     backwards from d: d
//!           a   b → c   d   e                           so d goes before b and c:
//!           a   d   b → c   e
//! ```
//!
//! Nodes and edges lie in pages that clones share.

use std::collections::BTreeSet;

use crate::history::pages::Pages;

/// A node, by number.
pub(super) type Node = u32;

const NONE: u32 = u32::MAX;

/// An edge that fits nowhere cheaply is looked into no further than this.
const LOOKED_AT_MAX: usize = 20_000;

/// Like edges are looked for among so many of a node's latest, so that the same one is seldom kept twice.
const ALIKE_MAX: usize = 24;

/// An order of nodes.
#[derive(Clone, Debug, Default)]
pub(super) struct Order {
    nodes: Pages<Knot>,
    edges: Pages<Edge>,
}

/// Where a node stands, and its latest edges.
#[derive(Clone, Copy, Debug)]
struct Knot {
    place: u32,
    out: u32,
    into: u32,
}

#[derive(Clone, Copy, Debug)]
struct Edge {
    from: Node,
    to: Node,
    /// The edge before it that leaves the same node.
    next_out: u32,
    /// The edge before it that enters the same node.
    next_into: u32,
}

/// Why an edge was not added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// It closes a circle.
    Circle,
    /// To tell would cost too much.
    TooFar,
}

#[derive(Clone, Copy)]
enum Way {
    Forwards,
    Backwards,
}

impl Order {
    /// A new node, behind all others.
    pub(super) fn node(&mut self) -> Node {
        let node = self.nodes.len() as u32;
        self.nodes.push(Knot {
            place: node,
            out: NONE,
            into: NONE,
        });
        node
    }

    /// One node comes before another.
    pub(super) fn add(&mut self, from: Node, to: Node) -> Result<(), Refused> {
        if from == to {
            return Err(Refused::Circle);
        }
        let (high, low) = (self.knot(from).place, self.knot(to).place);
        if high < low {
            if !self.has_lately(from, to) {
                self.push(from, to);
            }
            return Ok(());
        }
        let after = self.reach(to, Way::Forwards, low..=high)?;
        if after.contains(&from) {
            return Err(Refused::Circle);
        }
        let before = self.reach(from, Way::Backwards, low..=high)?;
        self.exchange(&before, &after);
        self.push(from, to);
        Ok(())
    }

    fn knot(&self, node: Node) -> Knot {
        *self.nodes.get(node as usize).expect("a known node")
    }

    fn edge(&self, edge: u32) -> Edge {
        *self.edges.get(edge as usize).expect("a known edge")
    }

    fn knot_mut(&mut self, node: Node) -> &mut Knot {
        self.nodes.get_mut(node as usize).expect("a known node")
    }

    fn has_lately(&self, from: Node, to: Node) -> bool {
        let mut edge = self.knot(to).into;
        for _ in 0..ALIKE_MAX {
            if edge == NONE {
                return false;
            }
            let it = self.edge(edge);
            if it.from == from {
                return true;
            }
            edge = it.next_into;
        }
        false
    }

    fn push(&mut self, from: Node, to: Node) {
        let edge = self.edges.len() as u32;
        let next_out = std::mem::replace(&mut self.knot_mut(from).out, edge);
        let next_into = std::mem::replace(&mut self.knot_mut(to).into, edge);
        self.edges.push(Edge {
            from,
            to,
            next_out,
            next_into,
        });
    }

    /// What can be reached from a node between two places, itself included.
    fn reach(
        &self,
        node: Node,
        way: Way,
        within: std::ops::RangeInclusive<u32>,
    ) -> Result<BTreeSet<Node>, Refused> {
        let mut found = BTreeSet::from([node]);
        let mut next = vec![node];
        let mut looked_at = 0;
        while let Some(node) = next.pop() {
            let knot = self.knot(node);
            let mut edge = match way {
                Way::Forwards => knot.out,
                Way::Backwards => knot.into,
            };
            while edge != NONE {
                looked_at += 1;
                if looked_at > LOOKED_AT_MAX {
                    return Err(Refused::TooFar);
                }
                let it = self.edge(edge);
                let (other, following) = match way {
                    Way::Forwards => (it.to, it.next_out),
                    Way::Backwards => (it.from, it.next_into),
                };
                if within.contains(&self.knot(other).place) && found.insert(other) {
                    next.push(other);
                }
                edge = following;
            }
        }
        Ok(found)
    }

    /// Puts some nodes before others, each in the order in which they stand, on the places that they have.
    fn exchange(&mut self, before: &BTreeSet<Node>, after: &BTreeSet<Node>) {
        let in_order = |nodes: &BTreeSet<Node>| {
            let mut nodes: Vec<Node> = nodes.iter().copied().collect();
            nodes.sort_unstable_by_key(|&node| self.knot(node).place);
            nodes
        };
        let nodes: Vec<Node> = in_order(before)
            .into_iter()
            .chain(in_order(after))
            .collect();
        let mut places: Vec<u32> = nodes.iter().map(|&node| self.knot(node).place).collect();
        places.sort_unstable();
        for (node, place) in nodes.into_iter().zip(places) {
            self.knot_mut(node).place = place;
        }
    }
}

#[cfg(test)]
mod tests {
    use petgraph::graph::DiGraph;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_edge_back_is_a_circle_and_one_aside_is_not() {
        let mut order = Order::default();
        let [a, b, c, d] = [(); 4].map(|()| order.node());
        assert_eq!(order.add(b, c), Ok(()));
        assert_eq!(order.add(d, b), Ok(()));
        assert_eq!(order.add(c, d), Err(Refused::Circle));
        assert_eq!(order.add(a, a), Err(Refused::Circle));
        assert_eq!(order.add(c, a), Ok(()));
        assert_eq!(order.add(a, d), Err(Refused::Circle));
    }

    proptest! {
        #[test]
        fn the_edge_that_closes_a_circle_is_the_one_that_is_refused(
            edges in prop::collection::vec((0_u32..12, 0_u32..12), 0..60)
        ) {
            let mut order = Order::default();
            let mut graph = DiGraph::<(), ()>::new();
            let nodes: Vec<_> = (0..12).map(|_| graph.add_node(())).collect();
            for _ in 0..12 {
                order.node();
            }
            for (from, to) in edges {
                let edge = graph.add_edge(nodes[from as usize], nodes[to as usize], ());
                let is_circle = petgraph::algo::is_cyclic_directed(&graph);
                prop_assert_eq!(order.add(from, to).is_err(), is_circle);
                if is_circle {
                    graph.remove_edge(edge);
                }
            }
        }
    }
}
