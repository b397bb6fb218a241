//! `[network]`, `[[link]]`, and the distributions of delays.

use std::collections::BTreeMap;

use seedbed_sim::{
    Distribution, Impairments, LinkKind, LinkRule, LinkSpec, NetworkSpec, NodeId, Rate, Shape, Span,
};

use super::super::network::{QUEUE_BYTES, REORDER_BY};
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
        for id in self.node_ids() {
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
        impairments,
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
    impairment_fields(table, impairments, &standard.impairments);
}

fn impairment_fields(table: &mut Table, impairments: &Impairments, standard: &Impairments) {
    let Impairments {
        duplicate_per_million,
        corrupt_per_million,
        reorder_per_million,
        reorder_by,
        correlation_per_million,
        rate,
    } = impairments;
    for (field, chance, standard) in [
        (
            "duplicate_per_million",
            duplicate_per_million,
            standard.duplicate_per_million,
        ),
        (
            "corrupt_per_million",
            corrupt_per_million,
            standard.corrupt_per_million,
        ),
        (
            "reorder_per_million",
            reorder_per_million,
            standard.reorder_per_million,
        ),
        (
            "correlation_per_million",
            correlation_per_million,
            standard.correlation_per_million,
        ),
    ] {
        table.unless(field, chance, &standard, u32::to_string);
    }
    if *reorder_per_million > 0 {
        let by = match standard.reorder_per_million {
            0 => REORDER_BY,
            _ => standard.reorder_by,
        };
        table.unless("reorder_by", reorder_by, &by, |it| duration(*it));
    }
    let usual = standard.rate.map(|rate| rate.bytes_per_second);
    match (rate, usual) {
        (None, None) => {}
        (None, Some(_)) => table.text("rate_bytes_per_second", "unlimited"),
        (Some(rate), usual) => {
            let Rate {
                bytes_per_second,
                queue_bytes,
            } = rate;
            if usual != Some(*bytes_per_second) {
                table.plain("rate_bytes_per_second", bytes_per_second);
            }
            let queue = standard.rate.map_or(QUEUE_BYTES, |rate| rate.queue_bytes);
            table.unless("queue_bytes", queue_bytes, &queue, u64::to_string);
        }
    }
}

/// A distribution: a duration where it never varies, or a table.
pub(super) fn distribution(of: &Distribution) -> String {
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
        Shape::Table(table) => {
            let point = |(share, span): &(u32, Span)| {
                format!("[{}, {}]", f64::from(*share) / 10_000.0, duration(*span))
            };
            let points: Vec<String> = table.points().iter().map(point).collect();
            (
                "table",
                vec![("points", format!("[{}]", points.join(", ")))],
            )
        }
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
