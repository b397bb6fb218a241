//! Write error: the write fails, and part of it may be there.

use crate::fault::{About, Group};

pub(in crate::fault) const ABOUT: About = About {
    name: "write-error",
    group: Group::Disks,
    summary: "Writes fail with a chance, and may leave a prefix.",
};
