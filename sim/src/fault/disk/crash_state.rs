//! What a crash leaves: which part of what was not durable survives, while the fault holds. See [`images`](crate::disk::images).

use crate::fault::{About, Group};

pub(in crate::fault) const ABOUT: About = About {
    name: "disk-crash-state",
    group: Group::Disks,
    summary: "A crash leaves what a policy says of what was not durable.",
};
