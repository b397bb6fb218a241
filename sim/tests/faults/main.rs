//! The fault vocabulary: each line of it forced, and its effect seen.

#![allow(
    dead_code,
    reason = "the lab is shared with the tests of the world, and not all of it is used here"
)]

mod catalog;
mod clocks;
#[path = "../world/lab.rs"]
mod lab;
mod links;
mod nodes;
mod partitions;
#[path = "../world/probe.rs"]
mod probe;
