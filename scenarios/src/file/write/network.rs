//! `[network]`, `[[link]]`, and the distributions of delays.

use std::collections::BTreeMap;

use seedbed_sim::{Distribution, LinkKind, LinkRule, LinkSpec, NetworkSpec, NodeId, Shape, Span};

use super::text::{Table, duration, names, quoted};
use super::{Part, Writer, inline};

impl Writer<'_> {
    /// Writes what lies between nodes.
    pub(super) fn network(&self, out: &mut String) {
        let NetworkSpec { default, rules } = &self.scenario.network;
        let millisecond = Distribution::fixed(Span::from_millis(1)).expect("it is short");
        let mut table = Table::single("network");
        link_fields(&mut table, default, &LinkSpec::fifo(millisecond));
        if !table.is_empty() {
            table.push_to(out);
        }
        let mut index = 0;
        while let Some(rule) = rules.get(index) {
            let back = LinkRule {
                from: rule.to.clone(),
                to: rule.from.clone(),
                spec: rule.spec.clone(),
            };
            let both_ways = rules.get(index + 1) == Some(&back);
            self.comment(out, Part::Link(index));
            if both_ways {
                self.comment(out, Part::Link(index + 1));
            }
            for (from, to) in self.ends(&rule.from, &rule.to) {
                let mut table = Table::item("link");
                if both_ways {
                    table.plain("between", names([from, to]));
                } else {
                    table.text("from", from);
                    table.text("to", to);
                }
                link_fields(&mut table, &rule.spec, default);
                table.push_to(out);
            }
            index += 1 + usize::from(both_ways);
        }
    }

    /// Two sets of nodes as the names of two places, or of several pairs where no names mean just these.
    fn ends(&self, from: &[NodeId], to: &[NodeId]) -> Vec<(&str, &str)> {
        if let (Some(from), Some(to)) = (self.place(from), self.place(to)) {
            return vec![(from, to)];
        }
        let name = |id: &NodeId| self.scenario.name(*id);
        let pairs = from.iter().flat_map(|a| to.iter().map(move |b| (a, b)));
        pairs
            .filter(|(a, b)| a != b)
            .map(|(a, b)| (name(a), name(b)))
            .collect()
    }

    /// The node or the site that is just these nodes.
    pub(super) fn place(&self, nodes: &[NodeId]) -> Option<&str> {
        if let [node] = nodes {
            return Some(self.scenario.name(*node));
        }
        let sites = self.members();
        let mut fitting = sites.into_iter().filter(|(_, members)| members == nodes);
        fitting.next().map(|(site, _)| site)
    }

    /// The sites and their nodes.
    pub(super) fn members(&self) -> BTreeMap<&str, Vec<NodeId>> {
        let mut members: BTreeMap<&str, Vec<NodeId>> = BTreeMap::new();
        for id in self.scenario.node_ids() {
            let site = self.scenario.site(id);
            if !site.is_empty() {
                members.entry(site).or_default().push(id);
            }
        }
        members
    }
}

fn link_fields(table: &mut Table, link: &LinkSpec, standard: &LinkSpec) {
    let LinkSpec {
        delay,
        loss_per_million,
        kind,
        retransmit_after,
    } = link;
    table.unless("delay", delay, &standard.delay, distribution);
    let loss = &standard.loss_per_million;
    table.unless("loss_per_million", loss_per_million, loss, u32::to_string);
    table.unless("kind", kind, &standard.kind, |it| {
        quoted(match it {
            LinkKind::Fifo => "fifo",
            LinkKind::Datagram => "datagram",
        })
    });
    let again = &standard.retransmit_after;
    table.unless("retransmit_after", retransmit_after, again, |it| {
        duration(*it)
    });
}

/// A distribution: a duration where it never varies, or a table.
fn distribution(of: &Distribution) -> String {
    match (of.shape(), of.offset()) {
        (Shape::Fixed(span), Span::ZERO) => duration(*span),
        _ => inline(&fields(of)),
    }
}

fn fields(of: &Distribution) -> Vec<(&'static str, String)> {
    let (name, mut parameters) = match of.shape() {
        Shape::Fixed(value) => ("fixed", vec![("value", duration(*value))]),
        Shape::Uniform { low, high } => {
            let ends = vec![("low", duration(*low)), ("high", duration(*high))];
            ("uniform", ends)
        }
        Shape::Normal { mean, deviation } => {
            let (mean, deviation) = (duration(*mean), duration(*deviation));
            ("normal", vec![("mean", mean), ("deviation", deviation)])
        }
        Shape::LogNormal { median, sigma } => {
            let (median, sigma) = (duration(*median), number(*sigma));
            ("log-normal", vec![("median", median), ("sigma", sigma)])
        }
        Shape::Exponential { mean } => ("exponential", vec![("mean", duration(*mean))]),
        Shape::Pareto { minimum, shape } => {
            let (minimum, shape) = (duration(*minimum), number(*shape));
            ("pareto", vec![("minimum", minimum), ("shape", shape)])
        }
        Shape::Mixture(parts) => ("mixture", vec![("of", mixture(parts))]),
    };
    parameters.insert(0, ("distribution", quoted(name)));
    if of.offset() > Span::ZERO {
        parameters.push(("plus", duration(of.offset())));
    }
    parameters
}

fn mixture(parts: &[(u32, Distribution)]) -> String {
    let part = |(weight, of): &(u32, Distribution)| {
        let mut fields = fields(of);
        fields.insert(0, ("weight", weight.to_string()));
        inline(&fields)
    };
    let parts: Vec<String> = parts.iter().map(part).collect();
    format!("[{}]", parts.join(", "))
}

/// A number that reads as the same bits again.
pub(super) fn number(value: f64) -> String {
    format!("{value:?}")
}
