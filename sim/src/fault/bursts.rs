//! Bursts: what goes wrong goes wrong for several messages in a row, since what is at its root lasts longer than one
//! message. With a correlation of 25 % or 75 % (the figures of netem's manual) a message meets the line exactly as the
//! one before it did; as many are lost as without, but together.

use super::{About, Group};

pub(super) const ABOUT: About = About {
    name: "bursts",
    group: Group::Links,
    summary: "What a message meets is with a chance what the one before it met: bursts.",
};
