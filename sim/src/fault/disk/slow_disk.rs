//! Slow disk: a drive that retries, or a neighbour that takes its bandwidth.

use crate::fault::{About, Group};

pub(in crate::fault) const ABOUT: About = About {
    name: "slow-disk",
    group: Group::Disks,
    summary: "Operations take longer.",
};
