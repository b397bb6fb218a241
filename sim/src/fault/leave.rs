//! Membership: a node that is described and does not belong to the cluster, since it has left or has not joined yet. One
//! that leaves takes its disk along, and brings it when it joins again, with what was durable on it: data of the past, if
//! others have gone on meanwhile. Who counts as a member is the protocol's business; this is the machine alone.

use super::{About, Group};

pub(super) const ABOUT: About = About {
    name: "leave",
    group: Group::Membership,
    summary: "The node stops and is gone; lifting lets it join, with the disk it has.",
};
