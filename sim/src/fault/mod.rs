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
mod clock_freeze;
mod clock_jump;
mod clock_offset;
mod clock_strobe;
mod corrupt;
mod crash;
mod crash_after_note;
pub(crate) mod crash_after_send;
mod crash_at_disk_operation;
mod cut;
mod delay;
mod disk;
mod duplicate;
mod jitter;
mod leave;
mod loss;
mod partition;
mod partition_shape;
mod pause;
mod rate_limit;
mod reorder;
mod replace;
mod site_down;
pub(crate) mod slow;
mod target;
mod unreachable;

pub use clock_strobe::Strobe;
pub use disk::{Chance, DiskFault, DiskFaultKind, FilePattern, SlowOperations};
pub use partition_shape::PartitionShape;
pub use target::{Direction, InFlight, LinkTarget};
pub use unreachable::Barrier;

use crate::network::{Impairments, Rate};
use crate::passage::LinkEffect;
use crate::{Distribution, Kind, NodeId, Span};

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
    partition_shape::ABOUT,
    unreachable::ABOUT,
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
    crash_after_send::ABOUT,
    crash_after_note::ABOUT,
    site_down::ABOUT,
    pause::ABOUT,
    slow::ABOUT,
    replace::ABOUT,
    leave::ABOUT,
    clock_offset::ABOUT,
    clock_drift::ABOUT,
    clock_jump::ABOUT,
    clock_strobe::ABOUT,
    clock_freeze::ABOUT,
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
    /// The node crashes right after the `number`-th message of this kind that it sends from now on.
    /// It stays down until the fault is lifted.
    CrashAfterSend {
        /// The node.
        node: NodeId,
        /// The kind of message; `None`: any.
        message: Option<Kind>,
        /// How many-th, from 1.
        number: u32,
    },
    /// The node crashes right after the `number`-th note of this kind that it makes from now on.
    /// It stays down until the fault is lifted.
    CrashAfterNote {
        /// The node.
        node: NodeId,
        /// The kind of note; `None`: any.
        note: Option<Kind>,
        /// How many-th, from 1.
        number: u32,
    },
    /// All nodes of a place crash at one instant. Lifting it boots them.
    SiteDown {
        /// The nodes.
        nodes: Vec<NodeId>,
    },
    /// Every handler of the node takes so many times its service time. Several such faults multiply.
    Slow {
        /// The node.
        node: NodeId,
        /// How many times, at least 1.
        factor: u32,
    },
    /// The node crashes and its disk is gone. Lifting it boots a new one with an empty disk.
    Replace {
        /// The node.
        node: NodeId,
    },
    /// The node does not belong to the cluster: it has left, or has not joined yet. Lifting it lets it join.
    Leave {
        /// The node.
        node: NodeId,
    },
    /// The node's wall clock steps, once. Lifting it does not step back.
    ClockJump {
        /// The node.
        node: NodeId,
        /// Nanoseconds ahead (negative: back).
        nanos: i64,
    },
    /// The node's wall clock jumps and jumps back, over and over. Of several such faults the latest holds.
    ClockStrobe {
        /// The node.
        node: NodeId,
        /// How far it jumps, in nanoseconds (negative: back).
        nanos: i64,
        /// How long it stays on either side, more than nothing.
        every: Span,
    },
    /// The node's wall clock stands still.
    ClockFreeze {
        /// The node.
        node: NodeId,
    },
    /// Some nodes can't reach some others.
    Unreachable {
        /// Who does not reach whom.
        barriers: Vec<Barrier>,
        /// What becomes of messages between them.
        in_flight: InFlight,
    },
    /// A partition by the name of its shape. What holds is what [`resolve`](Fault::resolve) makes of it.
    PartitionShape {
        /// The shape.
        shape: PartitionShape,
        /// The nodes, in their order. All others reach everybody.
        nodes: Vec<NodeId>,
        /// Whether their order is drawn.
        shuffled: bool,
        /// What becomes of messages between them.
        in_flight: InFlight,
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
            Self::CrashAfterSend { .. } => crash_after_send::ABOUT,
            Self::CrashAfterNote { .. } => crash_after_note::ABOUT,
            Self::SiteDown { .. } => site_down::ABOUT,
            Self::Slow { .. } => slow::ABOUT,
            Self::Replace { .. } => replace::ABOUT,
            Self::Leave { .. } => leave::ABOUT,
            Self::ClockJump { .. } => clock_jump::ABOUT,
            Self::ClockStrobe { .. } => clock_strobe::ABOUT,
            Self::ClockFreeze { .. } => clock_freeze::ABOUT,
            Self::Unreachable { .. } => unreachable::ABOUT,
            Self::PartitionShape { .. } => partition_shape::ABOUT,
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
            | Self::CrashAfterSend { node, .. }
            | Self::CrashAfterNote { node, .. }
            | Self::Slow { node, .. }
            | Self::Replace { node }
            | Self::Leave { node }
            | Self::ClockJump { node, .. }
            | Self::ClockStrobe { node, .. }
            | Self::ClockFreeze { node }
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
            Self::SiteDown { nodes } | Self::PartitionShape { nodes, .. } => nodes.clone(),
            Self::Unreachable { barriers, .. } => {
                let nodes = barriers.iter().flat_map(|it| it.from.iter().chain(&it.to));
                let nodes: std::collections::BTreeSet<NodeId> = nodes.copied().collect();
                nodes.into_iter().collect()
            }
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
            Self::Unreachable {
                barriers,
                in_flight,
            } => unreachable::stands(barriers, from, to).then_some(*in_flight),
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
