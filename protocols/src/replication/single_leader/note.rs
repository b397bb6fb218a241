//! What the nodes of a single-leader cluster tell the audience.

use std::fmt;

use seedbed_sim::{Datum, Kind};

use crate::replication::log::LogIndex;

/// A marked meaning.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Note {
    /// A replica came up and found its log.
    Recovered {
        /// The last entry in it.
        last: LogIndex,
        /// Bytes of a torn write that were cut off its end.
        torn_bytes: u64,
    },
    /// A follower lacks entries and has asked for them.
    CatchingUp {
        /// The last entry it has.
        have: LogIndex,
        /// The last that it knows to exist.
        known: LogIndex,
    },
    /// A follower has all the entries that it had asked for.
    CaughtUp {
        /// The last entry it has.
        at: LogIndex,
    },
    /// A replica refused a write since it is not the leader.
    RefusedWrite,
    /// A client gave a request up.
    GaveUp {
        /// How many-th request of this life.
        sequence: u64,
    },
    /// An answer came after the client had given the request up, or from a life before.
    LateAnswer {
        /// How many-th request of its life.
        sequence: u64,
    },
}

impl Datum for Note {
    fn kind(&self) -> Kind {
        Kind(match self {
            Self::Recovered { .. } => "recovered",
            Self::CatchingUp { .. } => "catching-up",
            Self::CaughtUp { .. } => "caught-up",
            Self::RefusedWrite => "refused-write",
            Self::GaveUp { .. } => "gave-up",
            Self::LateAnswer { .. } => "late-answer",
        })
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Recovered {
                last,
                torn_bytes: 0,
            } => write!(f, "found its log up to entry {}", last.0),
            Self::Recovered { last, torn_bytes } => {
                write!(
                    f,
                    "found its log up to entry {}, and cut off {torn_bytes} bytes of a torn write",
                    last.0
                )
            }
            Self::CatchingUp { have, known } => {
                write!(
                    f,
                    "catching up: has entry {} and knows of {}",
                    have.0, known.0
                )
            }
            Self::CaughtUp { at } => write!(f, "caught up at entry {}", at.0),
            Self::RefusedWrite => write!(f, "refused a write: it is not the leader"),
            Self::GaveUp { sequence } => write!(f, "gave request {sequence} up: no answer in time"),
            Self::LateAnswer { sequence } => {
                write!(f, "ignored a late answer to request {sequence}")
            }
        }
    }
}
