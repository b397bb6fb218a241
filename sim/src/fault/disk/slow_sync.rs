//! Slow sync: what a full write cache or a journal that catches up looks like.

use crate::fault::{About, Group};

pub(in crate::fault) const ABOUT: About = About {
    name: "slow-sync",
    group: Group::Disks,
    summary: "Syncs take longer.",
};
