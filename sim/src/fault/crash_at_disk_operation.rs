//! Crash inside a handler, at a disk operation: the place where what was written and what was said part ways.

use super::{About, Group};

pub(super) const ABOUT: About = About {
    name: "crash-at-disk-operation",
    group: Group::Nodes,
    summary: "The node crashes in the k-th disk operation of the first handler that gets so far.",
};
