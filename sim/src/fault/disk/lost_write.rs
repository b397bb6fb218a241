//! Lost write (a phantom write): the drive reports a write as done that it never did.

use crate::fault::{About, Group};

pub(in crate::fault) const ABOUT: About = About {
    name: "lost-write",
    group: Group::Disks,
    summary: "Writes are reported as done and land nowhere.",
};
