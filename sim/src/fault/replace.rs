//! Replacement: the machine is gone for good, disk and all, and another takes its name. It has to get everything from the
//! others; what only the old one had is lost.

use super::{About, Group};

pub(super) const ABOUT: About = About {
    name: "replace",
    group: Group::Membership,
    summary: "The node and its disk are gone; lifting boots a new one with an empty disk.",
};
