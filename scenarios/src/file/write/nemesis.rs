//! `[[nemesis]]`.

use std::ops::RangeInclusive;

use seedbed_sim::{NodeId, Span};

use super::super::model::node_id;
use super::super::nemesis::default_name;
use super::text::{Table, duration, names};
use super::{Writer, inline};
use crate::nemesis::{Nemesis, all_kinds};

impl Writer<'_> {
    pub(super) fn nemeses(&self, out: &mut String) {
        for (index, nemesis) in self.scenario.nemeses.iter().enumerate() {
            self.nemesis(index, nemesis).push_to(out);
        }
    }

    fn nemesis(&self, index: usize, nemesis: &Nemesis) -> Table {
        let Nemesis {
            name,
            kinds,
            targets,
            start,
            end,
            per_minute,
            lasts,
            at_most,
            swarm,
        } = nemesis;
        let mut table = Table::item("nemesis");
        if *name != default_name(index) {
            table.text("name", name);
        }
        if kinds.iter().copied().eq(all_kinds()) {
            table.text("faults", "all");
        } else {
            table.plain("faults", names(kinds.iter().map(|kind| kind.name)));
        }
        let replicas: Vec<NodeId> = (0..self.scenario.replicas.len()).map(node_id).collect();
        table.unless("targets", targets, &replicas, |targets| {
            names(targets.iter().map(|id| self.scenario.name(*id)))
        });
        table.unless("start", start, &Span::ZERO, |it| duration(*it));
        table.unless("end", end, &self.scenario.duration, |it| duration(*it));
        table.plain("rate_per_minute", range(per_minute, u32::to_string));
        table.plain("lasts", range(lasts, |it| duration(*it)));
        table.unless("at_most", at_most, &1, u32::to_string);
        table.unless("swarm", swarm, &false, bool::to_string);
        table
    }
}

/// One number where a range holds one only.
fn range<T: PartialEq>(range: &RangeInclusive<T>, write: impl Fn(&T) -> String) -> String {
    if range.start() == range.end() {
        return write(range.start());
    }
    inline(&[("from", write(range.start())), ("to", write(range.end()))])
}
