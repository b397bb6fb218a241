//! Faults: what the world may do to nodes, links, clocks and disks, as data.
//!
//! One type serves files, key presses and generators alike. A fault that is injected holds until it is lifted: a
//! crash ends with a restart, a cut with a heal, and so on ([`World::inject`](crate::World::inject),
//! [`World::lift`](crate::World::lift)). Faults may overlap; a node is up when no crash on it is left, and a link
//! carries messages when no cut on it is left.
//!
//! ```text
//!   a file       a key press       a generator
//!        └────────────┼────────────────┘
//!                     ▼
//!                   Fault ── inject ──► holds ── lift ──► over
//!                     │
//!                     └─ its own file here: what it means, and a line in the CATALOG
//! ```
//!
//! Each fault has a file of its own in this folder: what it stands for, its line in the [`CATALOG`], and what it adds
//! to others of its sort. A new one is a variant at the **end** of [`Fault`] (a fault's place among the variants is part
//! of the digest of runs that inject it), a file, a line in [`Fault::about`] and one in the catalog.

mod clock_drift;
mod clock_offset;
mod crash;
mod crash_at_disk_operation;
mod cut;
mod delay;
mod disk;
mod loss;
mod partition;
mod pause;
mod target;

pub use disk::{Chance, DiskFault, DiskFaultKind, FilePattern, SlowOperations};
pub use target::{Direction, InFlight, LinkTarget};

use crate::{NodeId, Span};

/// What a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// What passes between nodes.
    Links,
    /// Nodes: their programs and machines.
    Nodes,
    /// What nodes take for the time.
    Clocks,
    /// What nodes keep.
    Disks,
    /// Who belongs to the cluster.
    Membership,
}

/// A line of the [`CATALOG`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct About {
    /// The fault's name in files and traces.
    pub name: &'static str,
    /// What it strikes.
    pub group: Group,
    /// What it does, in one sentence.
    pub summary: &'static str,
}

/// Every fault there is.
pub const CATALOG: &[About] = &[
    cut::ABOUT,
    partition::ABOUT,
    delay::ABOUT,
    loss::ABOUT,
    crash::ABOUT,
    crash_at_disk_operation::ABOUT,
    pause::ABOUT,
    clock_offset::ABOUT,
    clock_drift::ABOUT,
    disk::crash_state::ABOUT,
    disk::bit_rot::ABOUT,
    disk::truncated_file::ABOUT,
    disk::misdirected_write::ABOUT,
    disk::lost_write::ABOUT,
    disk::stale_read::ABOUT,
    disk::disk_full::ABOUT,
    disk::read_error::ABOUT,
    disk::write_error::ABOUT,
    disk::sync_error::ABOUT,
    disk::lying_sync::ABOUT,
    disk::slow_disk::ABOUT,
    disk::slow_sync::ABOUT,
    disk::stalled_disk::ABOUT,
];

/// A fault and its target.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The node stops at once: memory is lost, and so is what its disk had not made durable. Lifting it boots the node.
    Crash {
        /// The node.
        node: NodeId,
    },
    /// The node crashes in the `operation`-th disk operation (from 1) of the first handler from now on that gets so far.
    /// It stays down until the fault is lifted.
    CrashAtDiskOperation {
        /// The node.
        node: NodeId,
        /// The operation, from 1.
        operation: u32,
    },
    /// The node does nothing and does not know it: what arrives waits, timers fire late. Takes hold between handlers.
    Pause {
        /// The node.
        node: NodeId,
    },
    /// The link carries nothing.
    Cut {
        /// The link.
        link: LinkTarget,
        /// What becomes of messages on it.
        in_flight: InFlight,
    },
    /// Nodes on different sides can't reach each other. Nodes on no side reach everybody.
    Partition {
        /// The sides.
        sides: Vec<Vec<NodeId>>,
        /// What becomes of messages between them.
        in_flight: InFlight,
    },
    /// Every message on the link takes longer.
    Delay {
        /// The link.
        link: LinkTarget,
        /// How much longer.
        extra: Span,
    },
    /// Transmissions on the link are lost with this chance, on top of the link's own.
    Loss {
        /// The link.
        link: LinkTarget,
        /// The chance per million.
        per_million: u32,
    },
    /// The node's wall clock is off by so much while the fault holds.
    ClockOffset {
        /// The node.
        node: NodeId,
        /// Nanoseconds ahead (negative: behind).
        nanos: i64,
    },
    /// The node's clocks run at another rate while the fault holds, on top of their own drift.
    ClockDrift {
        /// The node.
        node: NodeId,
        /// Parts per million faster (negative: slower; above -1,000,000).
        ppm: i32,
    },
    /// Something is wrong with a node's disk.
    Disk(DiskFault),
}

impl Fault {
    /// Its line in the [`CATALOG`].
    pub const fn about(&self) -> About {
        match self {
            Self::Crash { .. } => crash::ABOUT,
            Self::CrashAtDiskOperation { .. } => crash_at_disk_operation::ABOUT,
            Self::Pause { .. } => pause::ABOUT,
            Self::Cut { .. } => cut::ABOUT,
            Self::Partition { .. } => partition::ABOUT,
            Self::Delay { .. } => delay::ABOUT,
            Self::Loss { .. } => loss::ABOUT,
            Self::ClockOffset { .. } => clock_offset::ABOUT,
            Self::ClockDrift { .. } => clock_drift::ABOUT,
            Self::Disk(fault) => fault.kind.about(),
        }
    }

    /// Its name in files and traces.
    pub const fn name(&self) -> &'static str {
        self.about().name
    }

    /// The nodes it is about.
    pub fn nodes(&self) -> Vec<NodeId> {
        match self {
            Self::Crash { node }
            | Self::CrashAtDiskOperation { node, .. }
            | Self::Pause { node }
            | Self::ClockOffset { node, .. }
            | Self::ClockDrift { node, .. }
            | Self::Disk(DiskFault { node, .. }) => vec![*node],
            Self::Cut { link, .. } | Self::Delay { link, .. } | Self::Loss { link, .. } => {
                vec![link.from, link.to]
            }
            Self::Partition { sides, .. } => sides.iter().flatten().copied().collect(),
        }
    }

    /// Whether it changes what passes between nodes.
    pub(crate) fn touches_links(&self) -> bool {
        self.about().group == Group::Links
    }

    /// Whether it cuts the way from one node to another.
    pub fn cuts(&self, from: NodeId, to: NodeId) -> Option<InFlight> {
        match self {
            Self::Cut { link, in_flight } => link.covers(from, to).then_some(*in_flight),
            Self::Partition { sides, in_flight } => {
                partition::parts(sides, from, to).then_some(*in_flight)
            }
            _ => None,
        }
    }
}
