//! `[[fault]]`.

use seedbed_sim::{
    Barrier, Chance, Direction, DiskFault, DiskFaultKind, Fault, FilePattern, InFlight, LinkTarget,
    NodeId, Rate,
};

use super::super::model::TimedFault;
use super::super::network::QUEUE_BYTES;
use super::super::partition::shape_name;
use super::network::distribution;
use super::text::{Table, duration, names, signed};
use super::{Part, Writer};

impl Writer<'_> {
    pub(super) fn faults(&self, out: &mut String) {
        for (index, timed) in self.scenario.faults.iter().enumerate() {
            self.comment(out, Part::Fault(index));
            for (fault, ends) in self.together(&timed.faults) {
                self.fault(timed, fault, ends).push_to(out);
            }
        }
    }

    /// Faults that begin together as one, on all links between two places, where they are that; or else one by one.
    fn together<'a>(&self, faults: &'a [Fault]) -> Vec<(&'a Fault, Option<Ends<'_>>)> {
        if let [first, _, ..] = faults
            && let Some(ends) = self.ends_of_all(faults)
        {
            return vec![(first, Some(ends))];
        }
        faults.iter().map(|fault| (fault, None)).collect()
    }

    /// The two places between which all links are those of the faults, which are alike otherwise.
    fn ends_of_all(&self, faults: &[Fault]) -> Option<Ends<'_>> {
        let links: Option<Vec<LinkTarget>> = faults.iter().map(|it| it.link().copied()).collect();
        let links = links?;
        let direction = links[0].direction;
        let alike = |fault: &Fault| on_link(fault, links[0]) == on_link(&faults[0], links[0]);
        if !faults.iter().all(alike) || links.iter().any(|it| it.direction != direction) {
            return None;
        }
        let mut places: Vec<(&str, Vec<NodeId>)> = self.members().into_iter().collect();
        let ends = links.iter().flat_map(|link| [link.from, link.to]);
        places.extend(ends.map(|id| (self.scenario.name(id), vec![id])));
        places.sort_unstable();
        places.dedup();
        for (from, from_nodes) in &places {
            for (to, to_nodes) in &places {
                if all_links(from_nodes, to_nodes, direction) == links {
                    return Some(Ends {
                        from,
                        to,
                        direction,
                    });
                }
            }
        }
        None
    }

    /// One fault. There is no default branch, so that a new kind can't be forgotten.
    fn fault(&self, timed: &TimedFault, fault: &Fault, ends: Option<Ends<'_>>) -> Table {
        let TimedFault {
            at,
            until,
            faults: _,
        } = timed;
        let mut table = Table::item("fault");
        table.plain("at", duration(*at));
        if let Some(until) = until {
            table.plain("until", duration(*until));
        }
        table.text(
            "kind",
            match fault {
                Fault::PartitionShape { .. } | Fault::Unreachable { .. } => "partition",
                other => other.name(),
            },
        );
        let ends = ends.or_else(|| {
            let link = fault.link()?;
            Some(Ends {
                from: self.scenario.name(link.from),
                to: self.scenario.name(link.to),
                direction: link.direction,
            })
        });
        if let Some(ends) = ends {
            ends.write(&mut table);
        }
        match fault {
            Fault::Crash { node }
            | Fault::Pause { node }
            | Fault::Replace { node }
            | Fault::Leave { node }
            | Fault::ClockFreeze { node } => table.plain("node", self.name(*node)),
            Fault::CrashAfterSend {
                node,
                message: kind,
                number,
            } => {
                table.plain("node", self.name(*node));
                kind.iter().for_each(|kind| table.text("message", kind.0));
                table.unless("number", number, &1, u32::to_string);
            }
            Fault::CrashAfterNote {
                node,
                note: kind,
                number,
            } => {
                table.plain("node", self.name(*node));
                kind.iter().for_each(|kind| table.text("note", kind.0));
                table.unless("number", number, &1, u32::to_string);
            }
            Fault::SiteDown { nodes } => table.plain("nodes", self.each(nodes)),
            Fault::Slow { node, factor } => {
                table.plain("node", self.name(*node));
                table.plain("factor", factor);
            }
            Fault::ClockJump { node, nanos } => {
                table.plain("node", self.name(*node));
                table.plain("by", signed(*nanos));
            }
            Fault::ClockStrobe { node, nanos, every } => {
                table.plain("node", self.name(*node));
                table.plain("by", signed(*nanos));
                table.plain("every", duration(*every));
            }
            Fault::Unreachable {
                barriers,
                in_flight,
            } => {
                let barrier = |Barrier { from, to }: &Barrier| {
                    format!("{{ from = {}, to = {} }}", self.each(from), self.each(to))
                };
                let barriers: Vec<String> = barriers.iter().map(barrier).collect();
                table.plain("blocked", format!("[{}]", barriers.join(", ")));
                write_in_flight(&mut table, *in_flight);
            }
            Fault::PartitionShape {
                shape,
                nodes,
                shuffled,
                in_flight,
            } => {
                table.text("shape", shape_name(*shape));
                let replicas = 0..self.scenario.replicas.len();
                if !nodes.iter().map(|id| id.index()).eq(replicas) {
                    table.plain("nodes", self.each(nodes));
                }
                if *shuffled {
                    table.text("order", "random");
                }
                write_in_flight(&mut table, *in_flight);
            }
            Fault::CrashAtDiskOperation { node, operation } => {
                table.plain("node", self.name(*node));
                table.plain("operation", operation);
            }
            Fault::Cut { link: _, in_flight } => write_in_flight(&mut table, *in_flight),
            Fault::Partition { sides, in_flight } => {
                let side = |nodes: &Vec<NodeId>| match self.place(nodes) {
                    Some(place) => names([place]),
                    None => names(nodes.iter().map(|id| self.scenario.name(*id))),
                };
                let sides: Vec<String> = sides.iter().map(side).collect();
                table.plain("sides", format!("[{}]", sides.join(", ")));
                write_in_flight(&mut table, *in_flight);
            }
            Fault::Delay { link: _, extra } => table.plain("extra", duration(*extra)),
            Fault::Jitter { link: _, extra } => table.plain("extra", distribution(extra)),
            Fault::Loss {
                link: _,
                per_million,
            }
            | Fault::Duplicate {
                link: _,
                per_million,
            }
            | Fault::Corrupt {
                link: _,
                per_million,
            } => table.plain("per_million", per_million),
            Fault::Reorder {
                link: _,
                per_million,
                by,
            } => {
                table.plain("per_million", per_million);
                table.plain("by", duration(*by));
            }
            Fault::RateLimit { link: _, rate } => {
                let Rate {
                    bytes_per_second,
                    queue_bytes,
                } = rate;
                table.plain("bytes_per_second", bytes_per_second);
                table.unless("queue_bytes", queue_bytes, &QUEUE_BYTES, u64::to_string);
            }
            Fault::Bursts {
                link: _,
                correlation_per_million,
            } => table.plain("correlation_per_million", correlation_per_million),
            Fault::ClockOffset { node, nanos } => {
                table.plain("node", self.name(*node));
                table.plain("offset", signed(*nanos));
            }
            Fault::ClockDrift { node, ppm } => {
                table.plain("node", self.name(*node));
                table.plain("ppm", ppm);
            }
            Fault::Disk(fault) => {
                table.plain("node", self.name(fault.node));
                disk_fault(&mut table, fault);
            }
        }
        table
    }
}

/// What a fault of a disk says besides its node.
fn disk_fault(table: &mut Table, fault: &DiskFault) {
    let DiskFault {
        node: _,
        files,
        kind,
    } = fault;
    if *files != FilePattern::any() {
        table.text("files", &files.to_string());
    }
    match kind {
        DiskFaultKind::Crashes(policy) => table.text("crash", policy.name()),
        DiskFaultKind::BitRot { bits, offset } => {
            table.unless("bits", bits, &1, u32::to_string);
            if let Some(offset) = offset {
                table.plain("offset", offset);
            }
        }
        DiskFaultKind::Truncation { bytes } => table.plain("bytes", bytes),
        DiskFaultKind::Full { free_bytes } => {
            table.unless("free_bytes", free_bytes, &0, u64::to_string);
        }
        DiskFaultKind::Slow {
            operations: _,
            percent,
        } => table.plain("percent", percent),
        DiskFaultKind::Stall { span } => table.plain("for", duration(*span)),
        DiskFaultKind::MisdirectedWrites(chance)
        | DiskFaultKind::LostWrites(chance)
        | DiskFaultKind::StaleReads(chance)
        | DiskFaultKind::ReadErrors(chance)
        | DiskFaultKind::WriteErrors(chance)
        | DiskFaultKind::SyncErrors(chance)
        | DiskFaultKind::LyingSyncs(chance) => {
            let Chance {
                per_million,
                count_max,
            } = chance;
            table.unless("per_million", per_million, &1_000_000, u32::to_string);
            if let Some(count) = count_max {
                table.plain("count", count);
            }
        }
    }
}

impl Writer<'_> {
    /// The names of nodes, one by one.
    fn each(&self, nodes: &[NodeId]) -> String {
        names(nodes.iter().map(|id| self.scenario.name(*id)))
    }
}

fn write_in_flight(table: &mut Table, in_flight: InFlight) {
    match in_flight {
        InFlight::Lost => {}
        InFlight::Held => table.text("in_flight", "held"),
    }
}

/// Two places and the way between them.
#[derive(Clone, Copy)]
struct Ends<'a> {
    from: &'a str,
    to: &'a str,
    direction: Direction,
}

impl Ends<'_> {
    fn write(self, table: &mut Table) {
        match self.direction {
            Direction::Both => table.plain("between", names([self.from, self.to])),
            Direction::OneWay => {
                table.text("from", self.from);
                table.text("to", self.to);
            }
        }
    }
}

/// The same fault on another link.
fn on_link(fault: &Fault, on: LinkTarget) -> Fault {
    let mut fault = fault.clone();
    if let Some(link) = fault.link_mut() {
        *link = on;
    }
    fault
}

/// The links that a file means by two places, each once and in their order.
fn all_links(from: &[NodeId], to: &[NodeId], direction: Direction) -> Vec<LinkTarget> {
    let both = direction == Direction::Both;
    let pairs = from.iter().flat_map(|a| to.iter().map(move |b| (*a, *b)));
    let pairs = pairs.filter(|(a, b)| a != b);
    let mut pairs: Vec<_> = pairs
        .map(|(a, b)| if both && b < a { (b, a) } else { (a, b) })
        .collect();
    pairs.sort_unstable();
    pairs.dedup();
    let target = |(from, to)| LinkTarget {
        from,
        to,
        direction,
    };
    pairs.into_iter().map(target).collect()
}
