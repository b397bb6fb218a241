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

mod bursts;
mod clock_drift;
mod clock_offset;
mod corrupt;
mod crash;
mod crash_at_disk_operation;
mod cut;
mod delay;
mod disk;
mod duplicate;
mod jitter;
mod loss;
mod partition;
mod pause;
mod rate_limit;
mod reorder;
mod target;

pub use disk::{Chance, DiskFault, DiskFaultKind, FilePattern, SlowOperations};
pub use target::{Direction, InFlight, LinkTarget};

use crate::network::{Impairments, Rate};
use crate::passage::LinkEffect;
use crate::{Distribution, NodeId, Span};

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
    jitter::ABOUT,
    loss::ABOUT,
    duplicate::ABOUT,
    reorder::ABOUT,
    corrupt::ABOUT,
    rate_limit::ABOUT,
    bursts::ABOUT,
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
    /// Every message on the link takes longer by a time of its own.
    Jitter {
        /// The link.
        link: LinkTarget,
        /// How much longer.
        extra: Distribution,
    },
    /// Datagrams on the link arrive twice with this chance, on top of the link's own.
    Duplicate {
        /// The link.
        link: LinkTarget,
        /// The chance per million.
        per_million: u32,
    },
    /// Messages on the link are held back with this chance, on top of the link's own.
    Reorder {
        /// The link.
        link: LinkTarget,
        /// The chance per million.
        per_million: u32,
        /// How much longer one travels that is held back. Of several faults and the link's own, the longest holds.
        by: Span,
    },
    /// Transmissions on the link are damaged with this chance, on top of the link's own.
    Corrupt {
        /// The link.
        link: LinkTarget,
        /// The chance per million.
        per_million: u32,
    },
    /// The link carries no more than this. Of several limits the lowest holds.
    RateLimit {
        /// The link.
        link: LinkTarget,
        /// How much, and how much may wait.
        rate: Rate,
    },
    /// What a message meets on the link is with this chance what the one before it met: what is drawn comes in bursts.
    /// Of several correlations the strongest holds.
    Bursts {
        /// The link.
        link: LinkTarget,
        /// The chance per million.
        correlation_per_million: u32,
    },
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
            Self::Jitter { .. } => jitter::ABOUT,
            Self::Duplicate { .. } => duplicate::ABOUT,
            Self::Reorder { .. } => reorder::ABOUT,
            Self::Corrupt { .. } => corrupt::ABOUT,
            Self::RateLimit { .. } => rate_limit::ABOUT,
            Self::Bursts { .. } => bursts::ABOUT,
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
            Self::Cut { link, .. }
            | Self::Delay { link, .. }
            | Self::Loss { link, .. }
            | Self::Jitter { link, .. }
            | Self::Duplicate { link, .. }
            | Self::Reorder { link, .. }
            | Self::Corrupt { link, .. }
            | Self::RateLimit { link, .. }
            | Self::Bursts { link, .. } => vec![link.from, link.to],
            Self::Partition { sides, .. } => sides.iter().flatten().copied().collect(),
        }
    }

    /// The link it strikes, where it strikes one.
    pub const fn link(&self) -> Option<&LinkTarget> {
        match self {
            Self::Cut { link, .. }
            | Self::Delay { link, .. }
            | Self::Loss { link, .. }
            | Self::Jitter { link, .. }
            | Self::Duplicate { link, .. }
            | Self::Reorder { link, .. }
            | Self::Corrupt { link, .. }
            | Self::RateLimit { link, .. }
            | Self::Bursts { link, .. } => Some(link),
            _ => None,
        }
    }

    /// The same, to aim it at another link.
    pub const fn link_mut(&mut self) -> Option<&mut LinkTarget> {
        match self {
            Self::Cut { link, .. }
            | Self::Delay { link, .. }
            | Self::Loss { link, .. }
            | Self::Jitter { link, .. }
            | Self::Duplicate { link, .. }
            | Self::Reorder { link, .. }
            | Self::Corrupt { link, .. }
            | Self::RateLimit { link, .. }
            | Self::Bursts { link, .. } => Some(link),
            _ => None,
        }
    }

    /// The chance in it, if there is one.
    pub(crate) const fn chance_per_million(&self) -> Option<u32> {
        match self {
            Self::Loss { per_million, .. }
            | Self::Duplicate { per_million, .. }
            | Self::Reorder { per_million, .. }
            | Self::Corrupt { per_million, .. }
            | Self::Bursts {
                correlation_per_million: per_million,
                ..
            } => Some(*per_million),
            _ => None,
        }
    }

    /// Whether it changes what passes between nodes.
    pub fn touches_links(&self) -> bool {
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

    /// Adds what it does to the way from one node to another. (Jitter is drawn where messages pass.)
    pub(crate) fn add_to(&self, from: NodeId, to: NodeId, effect: &mut LinkEffect) {
        match self.cuts(from, to) {
            // Where one cut loses messages and another holds them, they are lost.
            Some(InFlight::Lost) => effect.cut = Some(InFlight::Lost),
            Some(InFlight::Held) => effect.cut = effect.cut.or(Some(InFlight::Held)),
            None => {}
        }
        if self.link().is_none_or(|link| !link.covers(from, to)) {
            return;
        }
        let mut more = Impairments::default();
        match *self {
            Self::Delay { extra, .. } => effect.extra_delay += extra,
            Self::Loss { per_million, .. } => {
                effect.loss_per_million = effect.loss_per_million.saturating_add(per_million);
            }
            Self::Duplicate { per_million, .. } => more.duplicate_per_million = per_million,
            Self::Reorder {
                per_million, by, ..
            } => (more.reorder_per_million, more.reorder_by) = (per_million, by),
            Self::Corrupt { per_million, .. } => more.corrupt_per_million = per_million,
            Self::RateLimit { rate, .. } => more.rate = Some(rate),
            Self::Bursts {
                correlation_per_million,
                ..
            } => more.correlation_per_million = correlation_per_million,
            _ => {}
        }
        effect.impairments = effect.impairments.and(more);
    }
}
