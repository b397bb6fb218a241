//! Reordering: some messages are held back, so that later ones overtake them, as on a way over several paths of different
//! length. A connection restores the order, and then everything waits for the one that was held back.

use super::{About, Group};

pub(super) const ABOUT: About = About {
    name: "reorder",
    group: Group::Links,
    summary: "Messages are held back with a chance, so that later datagrams overtake them.",
};
