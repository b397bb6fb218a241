//! Reads what a `[[fault]]` does, and to whom.

use std::collections::BTreeSet;

use seedbed_sim::{Direction, Fault, InFlight, Kind, LinkTarget, Rate};

use super::cluster::read_drift_ppm;
use super::disk_faults::{DISK_FAULTS, DiskFaultName, read_disk_fault};
use super::model::Protocol;
use super::names::Names;
use super::network::{Ends, read_distribution, read_ends, read_queue_bytes, read_rate};
use super::reader::Table;
use super::{FAULT_LINKS_MAX, partition};

/// A kind of fault, as files name it.
#[derive(Clone, Copy)]
pub(super) enum FaultName {
    Crash,
    CrashAtDiskOperation,
    Pause,
    Cut,
    Partition,
    Delay,
    Loss,
    Jitter,
    Duplicate,
    Reorder,
    Corrupt,
    RateLimit,
    Bursts,
    ClockOffset,
    ClockDrift,
    ClockJump,
    ClockStrobe,
    ClockFreeze,
    CrashAfterSend,
    CrashAfterNote,
    SiteDown,
    Slow,
    Replace,
    Leave,
    Join,
    Disk(DiskFaultName),
}

/// The faults, by the names that files use; those of disks are elsewhere.
const FAULTS: &[(&str, FaultName)] = &[
    ("crash", FaultName::Crash),
    ("crash-at-disk-operation", FaultName::CrashAtDiskOperation),
    ("pause", FaultName::Pause),
    ("cut", FaultName::Cut),
    ("partition", FaultName::Partition),
    ("delay", FaultName::Delay),
    ("loss", FaultName::Loss),
    ("jitter", FaultName::Jitter),
    ("duplicate", FaultName::Duplicate),
    ("reorder", FaultName::Reorder),
    ("corrupt", FaultName::Corrupt),
    ("rate-limit", FaultName::RateLimit),
    ("bursts", FaultName::Bursts),
    ("clock-offset", FaultName::ClockOffset),
    ("clock-drift", FaultName::ClockDrift),
    ("clock-jump", FaultName::ClockJump),
    ("clock-strobe", FaultName::ClockStrobe),
    ("clock-freeze", FaultName::ClockFreeze),
    ("crash-after-send", FaultName::CrashAfterSend),
    ("crash-after-note", FaultName::CrashAfterNote),
    ("site-down", FaultName::SiteDown),
    ("slow", FaultName::Slow),
    ("replace", FaultName::Replace),
    ("leave", FaultName::Leave),
    ("join", FaultName::Join),
];

/// Every kind, by its name in files.
pub(super) fn kinds() -> Vec<(&'static str, FaultName)> {
    let of_disks = DISK_FAULTS.iter();
    let of_disks = of_disks.map(|(name, kind)| (*name, FaultName::Disk(*kind)));
    FAULTS.iter().copied().chain(of_disks).collect()
}

const IN_FLIGHT: &[(&str, InFlight)] = &[("lost", InFlight::Lost), ("held", InFlight::Held)];

/// Reads one fault; several where it is about several links.
pub(super) fn read_fault(
    table: &Table<'_>,
    kind: FaultName,
    (names, protocol): (&Names, Option<&Protocol>),
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
        FaultName::ClockJump => {
            let (node, by) = (node(), table.required("by", "such as \"-3ms\""));
            let nanos = by.and_then(|value| value.signed_duration_nanos());
            Fault::ClockJump {
                node: node?,
                nanos: nanos?,
            }
        }
        FaultName::ClockStrobe => {
            let (node, by) = (node(), table.required("by", "such as \"-3ms\""));
            let nanos = by.and_then(|value| value.signed_duration_nanos());
            let every = table.required("every", "how long it stays on either side");
            let every = every.and_then(|value| value.positive_duration());
            Fault::ClockStrobe {
                node: node?,
                nanos: nanos?,
                every: every?,
            }
        }
        FaultName::ClockFreeze => Fault::ClockFreeze { node: node()? },
        FaultName::CrashAfterSend => {
            let (node, number) = (node(), read_number(table));
            let kinds = protocol.map(Protocol::message_kinds);
            let message = read_kind(table, "message", kinds);
            Fault::CrashAfterSend {
                node: node?,
                message,
                number,
            }
        }
        FaultName::CrashAfterNote => {
            let (node, number) = (node(), read_number(table));
            let note = read_kind(table, "note", protocol.map(Protocol::note_kinds));
            Fault::CrashAfterNote {
                node: node?,
                note,
                number,
            }
        }
        FaultName::SiteDown => Fault::SiteDown {
            nodes: partition::read_site_or_nodes(table, names)?,
        },
        FaultName::Slow => {
            let factor = table.required("factor", "how many times its service time");
            let (node, factor) = (node(), factor.and_then(|value| value.small(1..=1_000_000)));
            Fault::Slow {
                node: node?,
                factor: factor?,
            }
        }
        FaultName::Replace => {
            let node = table.required("node", "the name of a replica");
            Fault::Replace {
                node: node.and_then(|value| names.replica(&value))?,
            }
        }
        FaultName::Leave | FaultName::Join => Fault::Leave { node: node()? },
        FaultName::Partition => {
            let in_flight = read_in_flight(table);
            partition::read(table, names, in_flight)?
        }
        FaultName::Disk(name) => read_disk_fault(table, name, names)?,
        FaultName::Cut
        | FaultName::Delay
        | FaultName::Loss
        | FaultName::Jitter
        | FaultName::Duplicate
        | FaultName::Reorder
        | FaultName::Corrupt
        | FaultName::RateLimit
        | FaultName::Bursts => {
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
    let chance = |field, of| {
        let value = table.required(field, of);
        value.and_then(|value| value.small(1..=1_000_000))
    };
    const OF_MESSAGES: &str = "how many messages of a million";
    match kind {
        FaultName::Delay => {
            let extra = table.required("extra", "how much longer messages take");
            let extra = extra.and_then(|value| value.positive_duration())?;
            on_each(&|link| Fault::Delay { link, extra })
        }
        FaultName::Jitter => {
            let extra = table.required("extra", "how much longer messages take, a distribution");
            let extra = extra.and_then(|value| read_distribution(&value))?;
            on_each(&|link| Fault::Jitter {
                link,
                extra: extra.clone(),
            })
        }
        FaultName::Loss => {
            let per_million = chance("per_million", OF_MESSAGES)?;
            on_each(&|link| Fault::Loss { link, per_million })
        }
        FaultName::Duplicate => {
            let per_million = chance("per_million", OF_MESSAGES)?;
            on_each(&|link| Fault::Duplicate { link, per_million })
        }
        FaultName::Reorder => {
            let per_million = chance("per_million", OF_MESSAGES);
            let by = table.required("by", "how much longer a message takes that is held back");
            let by = by.and_then(|value| value.positive_duration());
            let (per_million, by) = (per_million?, by?);
            on_each(&|link| Fault::Reorder {
                link,
                per_million,
                by,
            })
        }
        FaultName::Corrupt => {
            let per_million = chance("per_million", OF_MESSAGES)?;
            on_each(&|link| Fault::Corrupt { link, per_million })
        }
        FaultName::RateLimit => {
            let bytes = table.required("bytes_per_second", "how much the link carries");
            let queue_bytes = read_queue_bytes(table);
            let rate = Rate {
                bytes_per_second: bytes.and_then(|value| read_rate(&value))?,
                queue_bytes,
            };
            on_each(&|link| Fault::RateLimit { link, rate })
        }
        FaultName::Bursts => {
            let correlation_per_million = chance(
                "correlation_per_million",
                "of a million messages, how many meet what the one before met",
            )?;
            on_each(&|link| Fault::Bursts {
                link,
                correlation_per_million,
            })
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

/// Reads how many-th it is.
fn read_number(table: &Table<'_>) -> u32 {
    table.or("number", 1, |value| value.small(1..=u32::MAX))
}

/// Reads a kind of message or note, by name; any where the file does not say.
fn read_kind(
    table: &Table<'_>,
    field: &'static str,
    kinds: Option<&'static [&'static str]>,
) -> Option<Kind> {
    let value = table.optional(field)?;
    let kinds: Vec<(&str, Kind)> = kinds?.iter().map(|kind| (*kind, Kind(kind))).collect();
    value.one_of(&kinds)
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
