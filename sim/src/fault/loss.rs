//! Loss: a share of transmissions is lost, on top of the link's own. A connection sends them again, so that there loss is delay.

use super::{About, Group};

pub(super) const ABOUT: About = About {
    name: "loss",
    group: Group::Links,
    summary: "Transmissions are lost with a chance.",
};
