//! Clock offset: the wall clock is wrong by so much while the fault holds, and is set right when it is lifted. The monotonic clock does not notice.

use super::{About, Group};

pub(super) const ABOUT: About = About {
    name: "clock-offset",
    group: Group::Clocks,
    summary: "The wall clock is off by so much while the fault holds.",
};
