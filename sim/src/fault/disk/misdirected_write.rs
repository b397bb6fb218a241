//! Misdirected write: the drive writes the right bytes in the wrong place. What should have been replaced is still there, whole
//! and with a good checksum, and something else is overwritten: a checksum must cover the place.

use crate::fault::{About, Group};

pub(in crate::fault) const ABOUT: About = About {
    name: "misdirected-write",
    group: Group::Disks,
    summary: "Writes land in another place and are reported as done.",
};
