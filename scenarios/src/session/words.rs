//! Events, faults and values in words.

use seedbed_sim::{
    Barrier, Direction, DiskFault, DiskFaultKind, DropReason, Fault, InFlight, Instant, Kind,
    LinkTarget, NodeId, Record, RecordKind, Span, Trace,
};

/// A fault in a few words: `crash f2`, `cut leader ⇄ f2`.
pub(super) fn fault(fault: &Fault, names: &[String]) -> String {
    let name = |node: &NodeId| names[node.index()].as_str();
    let list = |nodes: &[NodeId]| nodes.iter().map(name).collect::<Vec<_>>().join(", ");
    let link = |link: &LinkTarget| {
        let arrow = match link.direction {
            Direction::Both => "⇄",
            Direction::OneWay => "→",
        };
        format!("{} {arrow} {}", name(&link.from), name(&link.to))
    };
    let held = |in_flight: &InFlight| match in_flight {
        InFlight::Lost => "",
        InFlight::Held => " (messages held)",
    };
    match fault {
        Fault::Crash { node } => format!("crash {}", name(node)),
        Fault::CrashAtDiskOperation { node, operation } => {
            format!("crash {} at disk operation {operation}", name(node))
        }
        Fault::Pause { node } => format!("pause {}", name(node)),
        Fault::Cut {
            link: target,
            in_flight,
        } => format!("cut {}{}", link(target), held(in_flight)),
        Fault::Partition { sides, in_flight } => {
            let side = |side: &Vec<NodeId>| side.iter().map(name).collect::<Vec<_>>().join(", ");
            let sides: Vec<String> = sides.iter().map(side).collect();
            format!("partition {}{}", sides.join(" | "), held(in_flight))
        }
        Fault::Delay {
            link: target,
            extra,
        } => format!("delay {} +{extra}", link(target)),
        Fault::Jitter {
            link: target,
            extra,
        } => format!("jitter {} +({extra})", link(target)),
        Fault::Loss {
            link: target,
            per_million,
        } => format!("loss {} {}", link(target), percent(*per_million)),
        Fault::Duplicate {
            link: target,
            per_million,
        } => format!("duplicate {} {}", link(target), percent(*per_million)),
        Fault::Reorder {
            link: target,
            per_million,
            by,
        } => format!(
            "hold back {} {} by {by}",
            link(target),
            percent(*per_million)
        ),
        Fault::Corrupt {
            link: target,
            per_million,
        } => format!("corrupt {} {}", link(target), percent(*per_million)),
        Fault::RateLimit { link: target, rate } => {
            format!("limit {} to {} B/s", link(target), rate.bytes_per_second)
        }
        Fault::Bursts {
            link: target,
            correlation_per_million,
        } => format!(
            "bursts {} {}",
            link(target),
            percent(*correlation_per_million)
        ),
        Fault::ClockOffset { node, nanos } => {
            format!("clock of {} off by {}", name(node), signed(*nanos))
        }
        Fault::CrashAfterSend {
            node,
            message,
            number,
        } => {
            let what = message.map_or("message", |kind| kind.0);
            format!("crash {} after its {what} number {number}", name(node))
        }
        Fault::CrashAfterNote { node, note, number } => {
            let what = note.map_or("any", |kind| kind.0);
            format!("crash {} after its note {what} number {number}", name(node))
        }
        Fault::SiteDown { nodes } => format!("{} down together", list(nodes)),
        Fault::Slow { node, factor } => format!("{} is {factor} times as slow", name(node)),
        Fault::Replace { node } => format!("replace {} with an empty disk", name(node)),
        Fault::Leave { node } => format!("{} is not in the cluster", name(node)),
        Fault::ClockJump { node, nanos } => {
            format!("clock of {} jumps by {}", name(node), signed(*nanos))
        }
        Fault::ClockStrobe { node, nanos, every } => format!(
            "clock of {} jumps by {} and back every {every}",
            name(node),
            signed(*nanos)
        ),
        Fault::ClockFreeze { node } => format!("clock of {} stands still", name(node)),
        Fault::Unreachable {
            barriers,
            in_flight,
        } => {
            let barrier = |it: &Barrier| format!("{} ✗→ {}", list(&it.from), list(&it.to));
            let barriers: Vec<String> = barriers.iter().map(barrier).collect();
            format!("partition {}{}", barriers.join("; "), held(in_flight))
        }
        Fault::PartitionShape {
            shape,
            nodes,
            shuffled: _,
            in_flight,
        } => format!(
            "partition {} of {}{}",
            shape.name(),
            list(nodes),
            held(in_flight)
        ),
        Fault::ClockDrift { node, ppm } => format!("clock of {} drifts {ppm:+} ppm", name(node)),
        Fault::Disk(fault) => disk_fault(fault, name(&fault.node)),
    }
}

/// A fault of a disk in a few words: `sync-error on leader: replicated.log`.
fn disk_fault(fault: &DiskFault, node: &str) -> String {
    let detail = match fault.kind {
        DiskFaultKind::Crashes(policy) => policy.name().to_owned(),
        DiskFaultKind::BitRot { bits, .. } => format!("{bits} bits in {}", fault.files),
        DiskFaultKind::Truncation { bytes } => format!("{bytes} bytes of {}", fault.files),
        DiskFaultKind::Full { free_bytes } => format!("{free_bytes} bytes left"),
        DiskFaultKind::Slow { percent, .. } => format!("{percent} %"),
        DiskFaultKind::Stall { span } => format!("{span}"),
        _ => fault.files.to_string(),
    };
    format!("{} on {node}: {detail}", fault.kind.name())
}

fn percent(per_million: u32) -> String {
    format!("{} %", f64::from(per_million) / 10_000.0)
}

fn signed(nanos: i64) -> String {
    let sign = if nanos < 0 { '-' } else { '+' };
    format!("{sign}{}", Span::from_nanos(nanos.unsigned_abs()))
}

/// An event of the trace in one line. Notes are told by their protocol, not here.
pub(super) fn record(record: &Record, trace: &Trace, names: &[String]) -> String {
    event(record, trace.kind_of(record), names)
}

/// An event in one line, whether a trace keeps it or not; `kind` is that of the datum it is about.
pub(super) fn event(record: &Record, kind: Kind, names: &[String]) -> String {
    let node = names[record.node.index()].as_str();
    let peer = || names[record.peer.index()].as_str();
    let kind = kind.0;
    match record.kind {
        RecordKind::Boot if record.detail == 0 => format!("{node} boots"),
        RecordKind::Boot => format!("{node} boots again (life {})", record.detail),
        RecordKind::Send => {
            let leaves_at = Instant::from_nanos(record.detail);
            let later = if leaves_at > record.at {
                format!(", leaves at {leaves_at}")
            } else {
                String::new()
            };
            format!("{node} sends {kind} to {}{later}", peer())
        }
        RecordKind::Deliver => format!(
            "{node} gets {kind} from {} ({} bytes)",
            peer(),
            record.detail
        ),
        RecordKind::Drop => {
            let reason = DropReason::from_detail(record.detail).map_or("dropped", DropReason::name);
            format!("{kind} from {} to {node} is gone: {reason}", peer())
        }
        RecordKind::Damage => {
            format!("{kind} from {} to {node} is damaged on its way", peer())
        }
        RecordKind::Hold => format!("{kind} from {} to {node} waits for the cut to heal", peer()),
        RecordKind::Timer => format!("{node}: timer {kind}"),
        RecordKind::Synced => format!("{node}: sync done"),
        RecordKind::Invoke => format!("{node} is asked to {kind} (r{})", record.detail),
        RecordKind::Request => format!("{node} begins to {kind} (r{})", record.detail),
        RecordKind::Reply => {
            let outcome = match record.peer {
                NodeId(0) => "ok".to_owned(),
                NodeId(1) => format!("failed: {kind}"),
                _ => format!("nobody knows: {kind}"),
            };
            format!("{node} answers r{}: {outcome}", record.detail)
        }
        RecordKind::Note => format!("{node}: {kind}"),
        RecordKind::Crash => format!("{node} crashes"),
        RecordKind::Halt => format!("{node} stops itself"),
        RecordKind::Resume => format!("{node} goes on"),
        RecordKind::Fault => format!("fault begins: {kind}"),
        RecordKind::Lift => format!("fault ends: {kind}"),
    }
}
