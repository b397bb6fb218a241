//! A whole site goes down: power, cooling, a fire. Everything there crashes at one instant, and comes back together. (A site
//! that is cut off is a partition.)

use super::{About, Group};

pub(super) const ABOUT: About = About {
    name: "site-down",
    group: Group::Nodes,
    summary: "All nodes of a place crash at one instant; lifting boots them.",
};
