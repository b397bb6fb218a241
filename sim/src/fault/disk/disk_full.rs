//! Full disk: nothing that makes a file longer succeeds. Somebody else may have filled it, and may make room again.

use crate::fault::{About, Group};

pub(in crate::fault) const ABOUT: About = About {
    name: "disk-full",
    group: Group::Disks,
    summary: "No space is left beyond a quota.",
};
