//! Lying sync: a drive with a volatile cache that ignores the order to flush it. Nobody can tell until the power fails.

use crate::fault::{About, Group};

pub(in crate::fault) const ABOUT: About = About {
    name: "lying-sync",
    group: Group::Disks,
    summary: "Syncs succeed and make nothing durable.",
};
