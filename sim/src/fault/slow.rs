//! A slow node: it does everything, and takes its time. Worse than one that is down, since nobody looks for another.
//!
//! Its service time is multiplied; what its disk and its links take is theirs. (A client has no service time of its own
//! in scenario files, and can't be slow.)

use super::{About, Group};
use crate::{Fault, NodeId, Span};

pub(super) const ABOUT: About = About {
    name: "slow",
    group: Group::Nodes,
    summary: "Every handler of the node takes so many times its service time.",
};

/// The service time of a node while these faults hold: factors multiply.
pub(crate) fn service_time<'a>(
    own: Span,
    node: NodeId,
    faults: impl Iterator<Item = &'a Fault>,
) -> Span {
    faults.fold(own, |time, fault| match fault {
        Fault::Slow {
            node: target,
            factor,
        } if *target == node => time.saturating_mul(u64::from(*factor)),
        _ => time,
    })
}
