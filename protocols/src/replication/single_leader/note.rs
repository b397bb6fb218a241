//! The meanings that nodes mark for their audience.

use std::fmt;

use seedbed_sim::{Datum, Kind, NodeId};

use crate::replication::log::{Call, Epoch, LogIndex};

/// A meaning. It prints as a sentence without its subject, which is the node: `caught up at entry 17`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Note {
    /// A replica came up, recovered, and serves.
    Recovered {
        /// The last entry of its log.
        last: LogIndex,
        /// Entries that its engine lacked, and that were applied again.
        replayed: u64,
    },
    /// A replica found its log's tail torn by a crash, and cut it off.
    DroppedTornTail {
        /// How many bytes.
        bytes: u64,
    },
    /// A follower has missed entries, and asks for them.
    AskedForMissing {
        /// After this one.
        after: LogIndex,
    },
    /// A follower is being sent what it lacks.
    CatchingUp {
        /// After this entry.
        from: LogIndex,
        /// Up to this one.
        to: LogIndex,
    },
    /// A follower has made durable what it was found to lack.
    CaughtUp {
        /// The last entry of it.
        at: LogIndex,
    },
    /// A follower passed over entries that it has already.
    IgnoredRepeatedEntries {
        /// The last of them.
        last: LogIndex,
    },
    /// A follower passed over what a leader of an earlier reign says.
    IgnoredStaleLeader {
        /// The reign.
        epoch: Epoch,
    },
    /// The leader has learnt that a follower is behind, and ships what it lacks.
    FollowerBehind {
        /// The follower.
        follower: NodeId,
        /// How many durable entries it lacks.
        entries: u64,
    },
    /// The leader answered a write that is in its log already, without doing it again.
    RecognisedRetry {
        /// The client.
        client: NodeId,
        /// Where the write stands.
        index: LogIndex,
    },
    /// The leader passed over a write whose client has gone on to a later one.
    IgnoredStaleWrite {
        /// The client.
        client: NodeId,
        /// Its call.
        call: Call,
    },
    /// A follower refused a write.
    RefusedWrite {
        /// The client.
        client: NodeId,
    },
    /// A client sent a call once more.
    Retried {
        /// The call.
        call: Call,
        /// Where it went.
        to: NodeId,
    },
    /// A client has had no answer in time, and waits no longer.
    GaveUp {
        /// The call.
        call: Call,
    },
    /// A client passed over an answer to a call that it has given up, or that was answered already.
    LateAnswer {
        /// The call.
        call: Call,
        /// Who answered.
        by: NodeId,
    },
}

impl Note {
    /// All kinds of notes. Faults name notes by them, so a kind never changes its name.
    pub const KINDS: &'static [&'static str] = &[
        "recovered",
        "dropped-torn-tail",
        "asked-for-missing",
        "catching-up",
        "caught-up",
        "ignored-repeated-entries",
        "ignored-stale-leader",
        "follower-behind",
        "recognised-retry",
        "ignored-stale-write",
        "refused-write",
        "retried",
        "gave-up",
        "late-answer",
    ];
}

impl Datum for Note {
    fn kind(&self) -> Kind {
        let number = match self {
            Self::Recovered { .. } => 0,
            Self::DroppedTornTail { .. } => 1,
            Self::AskedForMissing { .. } => 2,
            Self::CatchingUp { .. } => 3,
            Self::CaughtUp { .. } => 4,
            Self::IgnoredRepeatedEntries { .. } => 5,
            Self::IgnoredStaleLeader { .. } => 6,
            Self::FollowerBehind { .. } => 7,
            Self::RecognisedRetry { .. } => 8,
            Self::IgnoredStaleWrite { .. } => 9,
            Self::RefusedWrite { .. } => 10,
            Self::Retried { .. } => 11,
            Self::GaveUp { .. } => 12,
            Self::LateAnswer { .. } => 13,
        };
        Kind(Self::KINDS[number])
    }
}

impl Note {
    /// The sentence, with nodes called as `name` says.
    pub fn sentence<N: fmt::Display>(&self, name: impl Fn(NodeId) -> N) -> String {
        match *self {
            Self::Recovered {
                last: LogIndex::ZERO,
                ..
            } => "came up with an empty log".to_owned(),
            Self::Recovered { last, replayed: 0 } => {
                format!("came up with its log up to entry {last}")
            }
            Self::Recovered { last, replayed } => format!(
                "came up with its log up to entry {last}, and applied {} again",
                counted(replayed)
            ),
            Self::DroppedTornTail { bytes } => {
                format!("cut a torn tail of {bytes} bytes off its log")
            }
            Self::AskedForMissing { after } => {
                format!("asked for what it lacks after entry {after}")
            }
            Self::CatchingUp { from, to } => format!("is catching up from entry {from} to {to}"),
            Self::CaughtUp { at } => format!("caught up at entry {at}"),
            Self::IgnoredRepeatedEntries { last } => {
                format!("ignored entries up to {last}, which it has already")
            }
            Self::IgnoredStaleLeader { epoch } => {
                format!("ignored a leader of the past epoch {epoch}")
            }
            Self::FollowerBehind { follower, entries } => {
                format!("found {} {} behind", name(follower), counted(entries))
            }
            Self::RecognisedRetry { client, index } => format!(
                "recognised a retry by {}: the write is entry {index} already",
                name(client)
            ),
            Self::IgnoredStaleWrite { client, call } => format!(
                "ignored write {call} by {}, which has gone on to a later one",
                name(client)
            ),
            Self::RefusedWrite { client } => {
                format!("refused a write by {}: it is not the leader", name(client))
            }
            Self::Retried { call, to } => format!("sent call {call} again, to {}", name(to)),
            Self::GaveUp { call } => format!("gave call {call} up: no answer in time"),
            Self::LateAnswer { call, by } => {
                format!("ignored a late answer by {} to call {call}", name(by))
            }
        }
    }
}

fn counted(entries: u64) -> String {
    match entries {
        1 => "1 entry".to_owned(),
        more => format!("{more} entries"),
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.sentence(|node| node))
    }
}
