//! Read error: a latent sector error. The drive knows that it can't read what it wrote, and says so.

use crate::fault::{About, Group};

pub(in crate::fault) const ABOUT: About = About {
    name: "read-error",
    group: Group::Disks,
    summary: "Reads fail with a chance.",
};
