//! Stalled disk: the device answers nothing for a while, as when its firmware collects garbage or its controller resets.

use crate::fault::{About, Group};

pub(in crate::fault) const ABOUT: About = About {
    name: "stalled-disk",
    group: Group::Disks,
    summary: "Reads and syncs wait until the stall is over.",
};
