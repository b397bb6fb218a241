//! What travels and what is remembered: the traits that messages, timers, requests, replies and notes meet.

use std::fmt::Debug;
use std::hash::Hash;

/// The kind of a datum, as a short stable name in kebab case: `append`, `append-ok`, `heartbeat-due`.
///
/// Schedules name messages by kind ("the 3rd `append` from n0 to n2"), so a kind is part of a protocol's interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind(pub &'static str);

/// Plain data of a process: it can be copied into a fork, printed, digested, and told by its kind.
pub trait Datum: Clone + Debug + Hash + Send + Sync + 'static {
    /// The kind, for traces, filters and schedules by meaning.
    fn kind(&self) -> Kind;
}

/// A datum that travels between nodes.
pub trait Payload: Datum {
    /// How many bytes it takes on the wire, for rate limits and for counting.
    fn size_bytes(&self) -> u32;

    /// Damages the message as `draw` says and returns `true`, or returns `false` when the transport's checksum
    /// would catch any damage, so that the message is dropped instead. The default is a checksummed transport.
    fn corrupt(&mut self, _draw: u64) -> bool {
        false
    }
}

/// For processes that have no timers, requests, replies or notes.
impl Datum for () {
    fn kind(&self) -> Kind {
        Kind("none")
    }
}
