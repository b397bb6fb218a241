//! Crash: power fails, and comes back when the fault is lifted. Memory is lost, and of the disk what was not durable.

use super::{About, Group};

pub(super) const ABOUT: About = About {
    name: "crash",
    group: Group::Nodes,
    summary: "The node stops at once, and loses its memory and what is not durable; lifting boots it.",
};
