//! Clock freeze: the wall clock stands still, and shows the true time again when the fault is lifted. A stopped time service
//! of a virtual machine does that. Timers go on: they run on the monotonic clock.

use super::{About, Group};

pub(super) const ABOUT: About = About {
    name: "clock-freeze",
    group: Group::Clocks,
    summary: "The wall clock stands still while the fault holds.",
};
