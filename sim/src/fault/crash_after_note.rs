//! Crash right after a note: at a marked meaning, such as the moment at which a follower has caught up. See
//! [`crash_after_send`](super::crash_after_send).

use super::{About, Group};

pub(super) const ABOUT: About = About {
    name: "crash-after-note",
    group: Group::Nodes,
    summary: "The node crashes right after it has noted something for the k-th time.",
};
