//! Rate: a link carries only so many bytes a second, and what comes faster waits in a queue of so many bytes. A long
//! queue makes everything late, a short one loses; both are what a full link does.

use super::{About, Group};

pub(super) const ABOUT: About = About {
    name: "rate-limit",
    group: Group::Links,
    summary: "The link carries so many bytes a second; a bounded queue stands before it.",
};
