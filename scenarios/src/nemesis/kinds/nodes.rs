//! Nemeses of nodes.

use seedbed_sim::Fault;

use super::super::by_magnitude;
use super::Kind;

pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "crash",
        draws: "nothing else",
        draw: |ground, stream| {
            let node = ground.node(stream)?;
            Some(Fault::Crash { node })
        },
    },
    Kind {
        name: "crash-at-disk-operation",
        draws: "which operation of a handler, from the first to the eighth",
        draw: |ground, stream| {
            let node = ground.replica(stream)?;
            let operation = 1 + stream.below(8) as u32;
            Some(Fault::CrashAtDiskOperation { node, operation })
        },
    },
    Kind {
        name: "pause",
        draws: "nothing else",
        draw: |ground, stream| {
            let node = ground.node(stream)?;
            Some(Fault::Pause { node })
        },
    },
    Kind {
        name: "crash-after-send",
        draws: "after which message it sends, from the 1st to the 50th",
        draw: |ground, stream| {
            let node = ground.replica(stream)?;
            let number = by_magnitude(stream, 1, 50) as u32;
            Some(Fault::CrashAfterSend {
                node,
                message: None,
                number,
            })
        },
    },
    Kind {
        name: "crash-after-note",
        draws: "after which note it makes, from the 1st to the 50th",
        draw: |ground, stream| {
            let node = ground.replica(stream)?;
            let number = by_magnitude(stream, 1, 50) as u32;
            Some(Fault::CrashAfterNote {
                node,
                note: None,
                number,
            })
        },
    },
    Kind {
        name: "site-down",
        draws: "which replicas stand in one place: a part of them, at even chances",
        draw: |ground, stream| {
            let replicas = ground.replicas.iter().copied();
            let nodes: Vec<_> = replicas.filter(|_| stream.below(2) == 0).collect();
            (!nodes.is_empty()).then_some(Fault::SiteDown { nodes })
        },
    },
    Kind {
        name: "slow",
        draws: "from 2 to 1,000 times its service time",
        draw: |ground, stream| {
            let node = ground.replica(stream)?;
            let factor = by_magnitude(stream, 2, 1_000) as u32;
            Some(Fault::Slow { node, factor })
        },
    },
    Kind {
        name: "replace",
        draws: "which replica",
        draw: |ground, stream| {
            let node = ground.replica(stream)?;
            Some(Fault::Replace { node })
        },
    },
    Kind {
        name: "leave",
        draws: "which node",
        draw: |ground, stream| {
            let node = ground.node(stream)?;
            Some(Fault::Leave { node })
        },
    },
];
