//! Clock drift: the oscillator is fast or slow, and with it both clocks and every timer.

use super::{About, Group};

pub(super) const ABOUT: About = About {
    name: "clock-drift",
    group: Group::Clocks,
    summary: "Both clocks run faster or slower, timers with them.",
};
