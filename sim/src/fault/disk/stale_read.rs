//! Stale read: the drive returns an old version of a block, whole and with a good checksum. Lifted, the new one is there again.

use crate::fault::{About, Group};

pub(in crate::fault) const ABOUT: About = About {
    name: "stale-read",
    group: Group::Disks,
    summary: "Blocks read as they were when the fault began.",
};
