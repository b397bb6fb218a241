//! Cut: a link that carries nothing, in one direction or in both.

use super::{About, Group};

pub(super) const ABOUT: About = About {
    name: "cut",
    group: Group::Links,
    summary: "The link carries nothing, one way or both; what is on it is lost or held.",
};
