//! Corruption: bits flip on the way. Mostly a checksum sees it: a datagram is dropped, a connection transmits again. But
//! the checksums of TCP and UDP are 16 bits of sum, and some damage passes (Stone and Partridge, *When the CRC and TCP
//! checksum disagree*, SIGCOMM 2000: between one packet in 16 million and one in ten billion); whether it can is said by
//! the payload ([`Payload::corrupt`](crate::Payload::corrupt)).

use super::{About, Group};

pub(super) const ABOUT: About = About {
    name: "corrupt",
    group: Group::Links,
    summary: "Transmissions are damaged with a chance; a checksum drops them, or they arrive wrong.",
};
