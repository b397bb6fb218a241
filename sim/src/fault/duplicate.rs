//! Duplication: a datagram arrives twice, as when a router or a retransmission at a lower layer loses the answer and not
//! the message. A connection drops the copy by its sequence number, so there this does nothing.

use super::{About, Group};

pub(super) const ABOUT: About = About {
    name: "duplicate",
    group: Group::Links,
    summary: "Datagrams arrive twice with a chance.",
};
