//! Truncated file: the end is gone, as after a repair of the file system that gave up on damaged metadata.

use crate::fault::{About, Group};

pub(in crate::fault) const ABOUT: About = About {
    name: "truncated-file",
    group: Group::Disks,
    summary: "Files lose their end, once.",
};
