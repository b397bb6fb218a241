//! Clock jump: the wall clock steps forward or back, once, as when somebody sets it or a time daemon corrects it. Lifting
//! the fault does not step back: that would be an offset.

use super::{About, Group};

pub(super) const ABOUT: About = About {
    name: "clock-jump",
    group: Group::Clocks,
    summary: "The wall clock steps by so much, once and for good.",
};
