//! Reads `[[fault]]` and `[[expect]]`: what goes wrong, and what should come of it.

use std::collections::{BTreeMap, BTreeSet};

use seedbed_sim::{Direction, Fault, InFlight, LinkTarget, NodeId, Span};

use super::cluster::read_drift_ppm;
use super::disk_faults::{DISK_FAULTS, DiskFaultName, read_disk_fault};
use super::model::{Expectation, ExpectedVerdict, TimedFault};
use super::names::Names;
use super::near::quoted;
use super::network::{Ends, read_ends};
use super::reader::{Table, Value};
use super::script::read_moment;
use super::{FAULT_LINKS_MAX, FAULTS_MAX, SITES_MAX};
use crate::checkers;

#[derive(Clone, Copy)]
enum FaultName {
    Crash,
    CrashAtDiskOperation,
    Pause,
    Cut,
    Partition,
    Delay,
    Loss,
    ClockOffset,
    ClockDrift,
    Disk(DiskFaultName),
}

const FAULTS: &[(&str, FaultName)] = &[
    ("crash", FaultName::Crash),
    ("crash-at-disk-operation", FaultName::CrashAtDiskOperation),
    ("pause", FaultName::Pause),
    ("cut", FaultName::Cut),
    ("partition", FaultName::Partition),
    ("delay", FaultName::Delay),
    ("loss", FaultName::Loss),
    ("clock-offset", FaultName::ClockOffset),
    ("clock-drift", FaultName::ClockDrift),
];

/// Every kind, by its name in files.
fn kinds() -> Vec<(&'static str, FaultName)> {
    let of_disks = DISK_FAULTS.iter();
    let of_disks = of_disks.map(|(name, kind)| (*name, FaultName::Disk(*kind)));
    FAULTS.iter().copied().chain(of_disks).collect()
}

const IN_FLIGHT: &[(&str, InFlight)] = &[("lost", InFlight::Lost), ("held", InFlight::Held)];

const VERDICTS: &[(&str, ExpectedVerdict)] = &[
    ("holds", ExpectedVerdict::Holds),
    ("violated", ExpectedVerdict::Violated),
];

/// Reads the faults.
pub(super) fn read_faults(root: &Table<'_>, duration: Span, names: &Names) -> Vec<TimedFault> {
    let mut all = Vec::new();
    let mut links_left = FAULT_LINKS_MAX;
    let kinds = kinds();
    for table in root.tables("fault", "a fault", FAULTS_MAX) {
        let at = table.required("at", "when it begins, such as \"100ms\"");
        let at = at.and_then(|value| read_moment(&value, duration));
        let at = at.unwrap_or(Span::ZERO);
        let until = table.optional("until");
        let until = until.and_then(|value| read_until(&value, at, duration));
        let kind = table.required("kind", "the kind of fault, by name");
        let Some(kind) = kind.and_then(|value| value.one_of(&kinds)) else {
            // Nobody knows which other fields there are.
            continue;
        };
        let faults = read_fault(&table, kind, names, &mut links_left);
        table.finish();
        if let Some(faults) = faults {
            all.push(TimedFault { at, until, faults });
        }
    }
    all
}

fn read_until(value: &Value<'_>, at: Span, duration: Span) -> Option<Span> {
    let until = value.duration()?;
    if until <= at {
        value.wrong(
            &format!("is {until}, and the fault begins at {at}"),
            |problem| problem.expected("a later time"),
        );
    } else if until > duration {
        let message = format!("is {until}, when the scenario is over already");
        value.wrong(&message, |problem| {
            problem
                .expected(format!("at most the scenario's duration, {duration}"))
                .help("leave it out: what holds at the end is lifted for healing")
        });
    }
    Some(until)
}

fn read_fault(
    table: &Table<'_>,
    kind: FaultName,
    names: &Names,
    links_left: &mut usize,
) -> Option<Vec<Fault>> {
    let node = || {
        let value = table.required("node", "the name of a node");
        value.and_then(|value| names.node(&value))
    };
    let fault = match kind {
        FaultName::Crash => Fault::Crash { node: node()? },
        FaultName::Pause => Fault::Pause { node: node()? },
        FaultName::CrashAtDiskOperation => {
            // Clients have nothing on a disk.
            let node = table.required("node", "the name of a replica");
            let node = node.and_then(|value| names.replica(&value));
            let operation = table.required("operation", "which disk operation, from 1");
            let operation = operation.and_then(|value| value.small(1..=u32::MAX));
            Fault::CrashAtDiskOperation {
                node: node?,
                operation: operation?,
            }
        }
        FaultName::ClockOffset => {
            let (node, offset) = (node(), table.required("offset", "such as \"-3ms\""));
            let nanos = offset.and_then(|value| value.signed_duration_nanos());
            Fault::ClockOffset {
                node: node?,
                nanos: nanos?,
            }
        }
        FaultName::ClockDrift => {
            let (node, ppm) = (node(), table.required("ppm", "parts per million faster"));
            let ppm = ppm.and_then(|value| read_drift_ppm(&value));
            Fault::ClockDrift {
                node: node?,
                ppm: ppm?,
            }
        }
        FaultName::Partition => {
            let in_flight = read_in_flight(table);
            let sides = table.required("sides", "such as [[\"a\", \"b\"], [\"c\"]]");
            let sides = sides.and_then(|value| read_sides(&value, names));
            Fault::Partition {
                sides: sides?,
                in_flight,
            }
        }
        FaultName::Disk(name) => read_disk_fault(table, name, names)?,
        FaultName::Cut | FaultName::Delay | FaultName::Loss => {
            return read_link_faults(table, kind, names, links_left);
        }
    };
    Some(vec![fault])
}

/// Reads a fault that is about links: one for each of them.
fn read_link_faults(
    table: &Table<'_>,
    kind: FaultName,
    names: &Names,
    links_left: &mut usize,
) -> Option<Vec<Fault>> {
    let links = read_links(table, names, links_left);
    let on_each = |make: &dyn Fn(LinkTarget) -> Fault| Some(links?.into_iter().map(make).collect());
    match kind {
        FaultName::Delay => {
            let extra = table.required("extra", "how much longer messages take");
            let extra = extra.and_then(|value| value.positive_duration())?;
            on_each(&|link| Fault::Delay { link, extra })
        }
        FaultName::Loss => {
            let per_million = table.required("per_million", "how many messages of a million");
            let per_million = per_million.and_then(|value| value.small(1..=1_000_000))?;
            on_each(&|link| Fault::Loss { link, per_million })
        }
        _ => {
            let in_flight = read_in_flight(table);
            on_each(&|link| Fault::Cut { link, in_flight })
        }
    }
}

fn read_in_flight(table: &Table<'_>) -> InFlight {
    table.or("in_flight", InFlight::Lost, |value| value.one_of(IN_FLIGHT))
}

/// Reads the links that a fault is about, each once.
fn read_links(table: &Table<'_>, names: &Names, links_left: &mut usize) -> Option<Vec<LinkTarget>> {
    let (from, to, direction) = match read_ends(table, names)? {
        Ends::Between(one, other) => (one, other, Direction::Both),
        Ends::FromTo(from, to) => (from, to, Direction::OneWay),
    };
    let Some(left) = links_left.checked_sub(from.len() * to.len()) else {
        let expected =
            format!("at most {FAULT_LINKS_MAX} in a file; a partition says more at once");
        table.report(
            |problem| problem.expected(expected),
            "with this fault the faults are about too many links",
        );
        return None;
    };
    *links_left = left;
    let mut links = BTreeSet::new();
    for &a in &from {
        for &b in to.iter().filter(|b| **b != a) {
            let both = direction == Direction::Both;
            links.insert(if both && b < a { (b, a) } else { (a, b) });
        }
    }
    let target = |(from, to)| LinkTarget {
        from,
        to,
        direction,
    };
    Some(links.into_iter().map(target).collect())
}

/// Reads the sides of a partition: at least two, and no node on more than one.
fn read_sides(value: &Value<'_>, names: &Names) -> Option<Vec<Vec<NodeId>>> {
    let items = value.items("sides, each an array of nodes or sites", SITES_MAX)?;
    if items.len() < 2 {
        let count = if items.is_empty() {
            "no side"
        } else {
            "one side only"
        };
        value.wrong(&format!("has {count}"), |problem| {
            problem.expected("at least two")
        });
        return None;
    }
    let mut side_of = BTreeMap::new();
    let mut sides = Vec::new();
    for (side, item) in items.iter().enumerate() {
        let mut nodes = Vec::new();
        for member in item.items("nodes or sites", usize::MAX)? {
            for node in names.place(&member)? {
                match side_of.insert(node, side) {
                    None => nodes.push(node),
                    Some(earlier) if earlier == side => {}
                    Some(_) => member.wrong(&on_two_sides(&member), |problem| {
                        problem.expected("each node on one side at most")
                    }),
                }
            }
        }
        if nodes.is_empty() {
            item.wrong("has a side without nodes", |problem| {
                problem.expected("at least one node on each side")
            });
        }
        sides.push(nodes);
    }
    Some(sides)
}

fn on_two_sides(member: &Value<'_>) -> String {
    let name = member.name().unwrap_or_default();
    format!("has {} on two sides", quoted(name))
}

/// Reads what the scenario expects.
pub(super) fn read_expectations(root: &Table<'_>) -> Vec<Expectation> {
    let catalog: Vec<(&'static str, &'static str)> = checkers::CATALOG
        .iter()
        .map(|entry| (entry.name, entry.name))
        .collect();
    let mut seen = BTreeSet::new();
    let mut all = Vec::new();
    // No check is expected twice, so that the catalog bounds the count; leave room to say so.
    for table in root.tables("expect", "an expectation", FAULTS_MAX) {
        let check = table.required("check", "the name of a check");
        let check = check.and_then(|value| {
            let check = value.one_of(&catalog)?;
            if !seen.insert(check) {
                value.wrong(
                    &format!("is `{check}`, which is expected already"),
                    |problem| problem.expected("each check once"),
                );
            }
            Some(check)
        });
        let verdict = table.required("verdict", "`holds` or `violated`");
        let verdict = verdict.and_then(|value| value.one_of(VERDICTS));
        table.finish();
        if let (Some(check), Some(verdict)) = (check, verdict) {
            all.push(Expectation { check, verdict });
        }
    }
    all
}
