//! Who watches a world. Observers see everything and change nothing.

use crate::{EventId, Instant, Kind, NodeId, Outcome, Process, Record, RequestId};

/// Hears what happens, as it happens. Every method does nothing unless it is overridden; `()` hears nothing.
pub trait Observer<P: Process> {
    /// An event was recorded (at any trace level but off). `kind` is that of the datum it is about.
    fn on_record(&mut self, _event: EventId, _record: &Record, _kind: Kind) {}

    /// The datum of the event that was just recorded, by its [`stable_hash`](crate::stable_hash).
    fn on_hash(&mut self, _event: EventId, _hash: u64) {}

    /// A message is about to be handled.
    fn on_message(&mut self, _event: EventId, _from: NodeId, _to: NodeId, _message: &P::Message) {}

    /// A message has come to its receiver, which is busy or paused: it waits in the inbox. `sent` is the event of its
    /// sending.
    fn on_wait(&mut self, _receiver: NodeId, _sent: EventId, _at: Instant) {}

    /// A handler has run: it was called for `event`, and keeps its node busy from `at` to `ends_at`.
    fn on_handled(&mut self, _event: EventId, _node: NodeId, _at: Instant, _ends_at: Instant) {}

    /// A request was answered, by the node or (where the node could not) by the world.
    fn on_reply(
        &mut self,
        _event: EventId,
        _at: Instant,
        _request: RequestId,
        _outcome: Outcome<P::Reply>,
    ) {
    }

    /// A node marked a meaning.
    fn on_note(&mut self, _event: EventId, _at: Instant, _node: NodeId, _note: &P::Note) {}
}

impl<P: Process> Observer<P> for () {}
