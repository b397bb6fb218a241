//! Nemeses of nodes.

use seedbed_sim::Fault;

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
];
