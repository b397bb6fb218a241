//! Jitter: a delay that differs from message to message, on top of what the link draws: traffic on the way, a retry of
//! the radio, a scheduler that has other things to do. On a datagram link what is drawn longer is overtaken.

use super::{About, Group};

pub(super) const ABOUT: About = About {
    name: "jitter",
    group: Group::Links,
    summary: "Every message takes longer by a time of its own, drawn from a distribution.",
};
