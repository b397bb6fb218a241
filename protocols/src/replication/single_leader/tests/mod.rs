//! Tests of the protocol under a host that is driven by hand.

mod cluster;
mod disks;
mod golden;
mod planted;
mod properties;
