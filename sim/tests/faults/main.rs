//! The fault vocabulary: each line of it forced, and its effect seen.

#![allow(
    dead_code,
    reason = "the lab is shared with the tests of the world, and not all of it is used here"
)]

mod catalog;
#[path = "../world/lab.rs"]
mod lab;
mod links;
#[path = "../world/probe.rs"]
mod probe;
