//! Delay: a longer way, on top of what the link draws. What is on its way already is left alone.

use super::{About, Group};

pub(super) const ABOUT: About = About {
    name: "delay",
    group: Group::Links,
    summary: "Every message takes longer by a fixed time.",
};
