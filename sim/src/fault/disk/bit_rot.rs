//! Bit rot: what lies on the medium changes by itself. Bairavasundaram et al. (*An Analysis of Data Corruption in the Storage
//! Stack*, FAST 2008) saw it on one of 150 nearline disks in 17 months. Only a checksum finds it.

use crate::fault::{About, Group};

pub(in crate::fault) const ABOUT: About = About {
    name: "bit-rot",
    group: Group::Disks,
    summary: "Bits flip in files, once.",
};
