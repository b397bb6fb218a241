//! From one node to another: what the network does to a message.

use super::{DropReason, Pending, World};
use crate::network::{LinkKind, LinkSpec, TRANSMISSIONS_MAX};
use crate::passage::{Crossing, LinkEffect, Passage};
use crate::random::{Fate, PathKey, Purpose, fate, happens};
use crate::schedule::{MessageFate, MessageName, MessageSent};
use crate::trace::{Record, RecordKind, stable_hash};
use crate::world::handler::Handler;
use crate::world::node::{Item, Work};
use crate::{
    Datum, EventId, Fault, InFlight, Incarnation, Instant, Kind, NodeId, Observer, Payload,
    Process, Seed, Span,
};

/// A message on its way.
#[derive(Clone, Debug)]
pub(super) struct Envelope<P: Process> {
    pub(super) from: NodeId,
    pub(super) to: NodeId,
    pub(super) message: P::Message,
    /// What its own effects are drawn by.
    pub(super) path: PathKey,
    /// The event of its sending.
    pub(super) cause: EventId,
    /// The receiver's life that the connection leads to; `None` for a datagram.
    pub(super) connection: Option<Incarnation>,
    pub(super) left_at: Instant,
    pub(super) travels: Span,
}

impl<P: Process> World<P> {
    /// Hands a message to the network, `after` the begin of the handler that sends it.
    pub(super) fn transmit(
        &mut self,
        handler: &Handler,
        (to, mut message): (NodeId, P::Message),
        after: Span,
        observer: &mut impl Observer<P>,
    ) {
        assert!(
            to.index() < self.nodes.len(),
            "{} sends to {to}, which does not exist",
            handler.node
        );
        let from = handler.node;
        let left_at = self.now + after;
        let fate = fate(
            self.seed,
            handler.path,
            to.0,
            self.counts.next_to(to),
            Purpose::Message,
        );
        let hash = if self.trace.wants_hashes() {
            stable_hash(&message)
        } else {
            0
        };
        let kind = message.kind();
        let is_plain = self.link_faults == 0 && self.network.is_plain();
        let spec = self.network.link(from, to);
        let is_connection = spec.kind == LinkKind::Fifo;
        let mut cut = None;
        let passage = if is_plain {
            Passage {
                travels: travel_time(self.seed, spec, &fate).ok_or(DropReason::Loss),
                copy: None,
                damaged: false,
            }
        } else {
            let effect = self.link_effect(from, to);
            cut = effect.cut;
            self.pass((from, to), &mut message, left_at, &fate, effect)
        };
        let record = Record::new(RecordKind::Send, self.now, from, handler.event)
            .peer(to)
            .detail(left_at.as_nanos());
        let cause = self.record_as(record, kind, hash, observer);
        if passage.damaged {
            let record = Record::new(RecordKind::Damage, self.now, to, cause).peer(from);
            self.record_as(record, kind, 0, observer);
        }
        let mut travels = passage.travels;
        let connection = is_connection.then(|| self.nodes[to.index()].incarnation);
        let mut again_after = None;
        if self.schedule.is_some() {
            again_after = self.follow_schedule((from, to), kind, (left_at, cause), &mut travels);
        }
        let travels = match travels {
            Ok(travels) => travels,
            Err(reason) => {
                self.drop_message((from, to), kind, cause, reason, observer);
                return;
            }
        };
        let envelope = Envelope {
            from,
            to,
            message,
            path: fate.path(),
            cause,
            connection,
            left_at,
            travels,
        };
        // What a copy causes is drawn by itself.
        let again = again_after.map(|after| (envelope.travels + after, PathKey(fate.spare())));
        match [passage.copy, again] {
            [None, None] => self.put_on_link(envelope, cut, observer),
            copies => self.put_copies(&envelope, copies, cut, observer),
        }
    }

    /// Puts a message on its link, and copies of it behind it.
    #[cold]
    fn put_copies(
        &mut self,
        original: &Envelope<P>,
        copies: [Option<(Span, PathKey)>; 2],
        cut: Option<InFlight>,
        observer: &mut impl Observer<P>,
    ) {
        self.put_on_link(original.clone(), cut, observer);
        for (travels, path) in copies.into_iter().flatten() {
            let copy = Envelope {
                path,
                travels,
                ..original.clone()
            };
            self.put_on_link(copy, cut, observer);
        }
    }

    /// Lets a message pass a link that has more to it than delay and loss, or that faults strike.
    #[cold]
    fn pass(
        &mut self,
        (from, to): (NodeId, NodeId),
        message: &mut P::Message,
        left_at: Instant,
        fate: &Fate,
        effect: LinkEffect,
    ) -> Passage {
        let jitters = self.faults.iter().filter_map(|active| match &active.fault {
            Fault::Jitter { link, extra } if link.covers(from, to) => Some(extra),
            _ => None,
        });
        let crossing = Crossing {
            seed: self.seed,
            ends: (from, to),
            left_at,
            fate: *fate,
            size_bytes: message.size_bytes(),
            effect,
            jitters: jitters.collect(),
        };
        let (spec, lines) = self.network.link_and_lines(from, to);
        crossing.pass(spec, lines, |bits| message.corrupt(bits))
    }

    /// Does to a message what the schedule says of it. Returns how long after it a copy arrives, if one does.
    #[cold]
    fn follow_schedule(
        &mut self,
        link: (NodeId, NodeId),
        kind: Kind,
        (left_at, sent_by): (Instant, EventId),
        travels: &mut Result<Span, DropReason>,
    ) -> Option<Span> {
        let schedule = self.schedule.as_mut()?;
        let (number, fate) = schedule.next(link, kind, left_at);
        let mut again_after = None;
        match fate {
            None => {}
            Some(MessageFate::Delay(by)) => *travels = Ok(by),
            Some(MessageFate::Lose) => *travels = Err(DropReason::Loss),
            Some(MessageFate::HoldUntil(at)) => {
                let held = at.since(left_at);
                *travels = Ok(travels.map_or(held, |travels| travels.max(held)));
            }
            Some(MessageFate::Duplicate(after)) => again_after = Some(after),
        }
        schedule.note(|| MessageSent {
            name: MessageName {
                from: link.0,
                to: link.1,
                kind,
                after: Instant::ZERO,
                number,
            },
            left_at,
            travels: travels.ok(),
            sent_by,
        });
        again_after
    }

    /// Puts a message on its link, or does to it what a cut of the link says.
    pub(super) fn put_on_link(
        &mut self,
        envelope: Envelope<P>,
        cut: Option<InFlight>,
        observer: &mut impl Observer<P>,
    ) {
        let (from, to, kind) = (envelope.from, envelope.to, envelope.message.kind());
        match cut {
            Some(InFlight::Lost) => {
                self.drop_message((from, to), kind, envelope.cause, DropReason::Cut, observer);
            }
            Some(InFlight::Held) => {
                let record = Record::new(RecordKind::Hold, self.now, to, envelope.cause).peer(from);
                self.record_as(record, kind, 0, observer);
                self.held.push(envelope);
            }
            None => {
                let mut arrives_at = envelope.left_at.max(self.now) + envelope.travels;
                if let Some(life) = envelope.connection {
                    let joins = (self.nodes[from.index()].incarnation, life);
                    arrives_at = self.network.in_order((from, to), joins, arrives_at);
                }
                self.queue.push(arrives_at, Pending::Message(envelope));
            }
        }
    }

    /// A message has come to its receiver's door.
    #[inline]
    pub(super) fn arrive(&mut self, envelope: Envelope<P>, observer: &mut impl Observer<P>) {
        let Envelope {
            from,
            to,
            message,
            path,
            cause,
            connection,
            ..
        } = envelope;
        let node = &self.nodes[to.index()];
        let reason = match (&node.process, connection) {
            (None, _) => Some(DropReason::ReceiverDown),
            (Some(_), Some(life)) if life != node.incarnation => Some(DropReason::ConnectionReset),
            _ => None,
        };
        if let Some(reason) = reason {
            self.drop_message((from, to), message.kind(), cause, reason, observer);
            return;
        }
        self.give(
            to,
            Work {
                item: Item::Message { from, message },
                cause,
                path,
            },
            observer,
        );
    }

    pub(super) fn drop_message(
        &mut self,
        (from, to): (NodeId, NodeId),
        kind: Kind,
        cause: EventId,
        reason: DropReason,
        observer: &mut impl Observer<P>,
    ) {
        let record = Record::new(RecordKind::Drop, self.now, to, cause)
            .peer(from)
            .detail(reason as u64);
        self.record_as(record, kind, 0, observer);
    }
}

/// How long a message travels on a plain link, or `None` when it is lost for good. It is what
/// [`Crossing::pass`] comes to where there is nothing but delay and loss.
#[inline]
fn travel_time(seed: Seed, spec: &LinkSpec, fate: &Fate) -> Option<Span> {
    let mut travels = spec.delay.sample(fate.delay(), fate.spare());
    let loss = spec.loss_per_million;
    if loss == 0 || !happens(loss, fate.loss()) {
        return Some(travels);
    }
    if spec.kind == LinkKind::Datagram {
        return None;
    }
    let mut wait = spec.retransmit_after;
    for transmission in 1..TRANSMISSIONS_MAX {
        travels += wait;
        wait = wait.saturating_mul(2);
        let again = crate::random::fate(seed, fate.path(), 0, 0, Purpose::Retransmit(transmission));
        if !happens(loss, again.loss()) {
            return Some(travels);
        }
    }
    None
}
