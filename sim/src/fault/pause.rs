//! Pause: a long collection of garbage, or a virtual machine that is moved. The node does not know that it slept.

use super::{About, Group};

pub(super) const ABOUT: About = About {
    name: "pause",
    group: Group::Nodes,
    summary: "The node does nothing and does not know it: what arrives waits, timers fire late.",
};
