//! Nemeses of disks. They strike replicas: clients have nothing on a disk.

use seedbed_sim::{
    Chance, CrashPolicy, DiskFault, DiskFaultKind, Fault, FilePattern, NodeId, SlowOperations,
    Span, Stream,
};

use super::super::by_magnitude;
use super::{Ground, Kind, span};

fn on(node: NodeId, kind: DiskFaultKind) -> Fault {
    let files = FilePattern::any();
    Fault::Disk(DiskFault { node, files, kind })
}

/// What strikes some operations and not others.
fn by_chance(
    ground: &Ground,
    stream: &mut Stream,
    kind: fn(Chance) -> DiskFaultKind,
) -> Option<Fault> {
    let node = ground.replica(stream)?;
    let chance = Chance {
        per_million: by_magnitude(stream, 10_000, 500_000) as u32,
        count_max: None,
    };
    Some(on(node, kind(chance)))
}

fn slow(ground: &Ground, stream: &mut Stream, operations: SlowOperations) -> Option<Fault> {
    let node = ground.replica(stream)?;
    let percent = by_magnitude(stream, 200, 10_000) as u32;
    let kind = DiskFaultKind::Slow {
        operations,
        percent,
    };
    Some(on(node, kind))
}

pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "disk-crash-state",
        draws: "which legal state a crash leaves, if one comes meanwhile",
        draw: |ground, stream| {
            let node = ground.replica(stream)?;
            Some(on(node, DiskFaultKind::Crashes(CrashPolicy::Drawn)))
        },
    },
    Kind {
        name: "bit-rot",
        draws: "from 1 to 16 bits, in any file",
        draw: |ground, stream| {
            let node = ground.replica(stream)?;
            let bits = by_magnitude(stream, 1, 16) as u32;
            let offset = None;
            Some(on(node, DiskFaultKind::BitRot { bits, offset }))
        },
    },
    Kind {
        name: "truncated-file",
        draws: "from 1 byte to 4 KiB, of every file",
        draw: |ground, stream| {
            let node = ground.replica(stream)?;
            let bytes = by_magnitude(stream, 1, 4 << 10);
            Some(on(node, DiskFaultKind::Truncation { bytes }))
        },
    },
    Kind {
        name: "misdirected-write",
        draws: "from 1 to 50 % of writes",
        draw: |ground, stream| by_chance(ground, stream, DiskFaultKind::MisdirectedWrites),
    },
    Kind {
        name: "lost-write",
        draws: "from 1 to 50 % of writes",
        draw: |ground, stream| by_chance(ground, stream, DiskFaultKind::LostWrites),
    },
    Kind {
        name: "stale-read",
        draws: "from 1 to 50 % of blocks that are read",
        draw: |ground, stream| by_chance(ground, stream, DiskFaultKind::StaleReads),
    },
    Kind {
        name: "read-error",
        draws: "from 1 to 50 % of reads",
        draw: |ground, stream| by_chance(ground, stream, DiskFaultKind::ReadErrors),
    },
    Kind {
        name: "write-error",
        draws: "from 1 to 50 % of writes",
        draw: |ground, stream| by_chance(ground, stream, DiskFaultKind::WriteErrors),
    },
    Kind {
        name: "sync-error",
        draws: "from 1 to 50 % of syncs",
        draw: |ground, stream| by_chance(ground, stream, DiskFaultKind::SyncErrors),
    },
    Kind {
        name: "lying-sync",
        draws: "from 1 to 50 % of syncs",
        draw: |ground, stream| by_chance(ground, stream, DiskFaultKind::LyingSyncs),
    },
    Kind {
        name: "disk-full",
        draws: "from nothing to 64 KiB that is left",
        draw: |ground, stream| {
            let node = ground.replica(stream)?;
            let free_bytes = by_magnitude(stream, 0, 64 << 10);
            Some(on(node, DiskFaultKind::Full { free_bytes }))
        },
    },
    Kind {
        name: "slow-disk",
        draws: "from 2 to 100 times as long",
        draw: |ground, stream| slow(ground, stream, SlowOperations::All),
    },
    Kind {
        name: "slow-sync",
        draws: "from 2 to 100 times as long",
        draw: |ground, stream| slow(ground, stream, SlowOperations::Syncs),
    },
    Kind {
        name: "stalled-disk",
        draws: "from 10 ms to 2 s",
        draw: |ground, stream| {
            let node = ground.replica(stream)?;
            let span = span(stream, Span::from_millis(10), Span::from_secs(2));
            Some(on(node, DiskFaultKind::Stall { span }))
        },
    },
];
