//! From one node to another: what the network does to a message.

use super::{DropReason, Pending, World};
use crate::network::{LinkKind, LinkSpec, TRANSMISSIONS_MAX};
use crate::random::{Fate, PathKey, Purpose, fate, happens};
use crate::schedule::{MessageFate, MessageName, MessageSent};
use crate::trace::{Record, RecordKind, stable_hash};
use crate::world::handler::Handler;
use crate::world::node::{Item, Work};
use crate::{
    Datum, EventId, InFlight, Incarnation, Instant, Kind, NodeId, Observer, Process, Seed, Span,
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

/// What faults do to one direction between two nodes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LinkEffect {
    pub(super) cut: Option<InFlight>,
    pub(super) extra_delay: Span,
    pub(super) loss_per_million: u32,
}

impl<P: Process> World<P> {
    /// Hands a message to the network, `after` the begin of the handler that sends it.
    pub(super) fn transmit(
        &mut self,
        handler: &Handler,
        (to, message): (NodeId, P::Message),
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
        let effect = if self.link_faults == 0 {
            LinkEffect::default()
        } else {
            self.link_effect(from, to)
        };
        let spec = self.network.link(from, to);
        let mut travels = travel_time(self.seed, spec, effect, &fate);
        let is_connection = spec.kind == LinkKind::Fifo;

        let hash = if self.trace.wants_hashes() {
            stable_hash(&message)
        } else {
            0
        };
        let record = Record::new(RecordKind::Send, self.now, from, handler.event)
            .peer(to)
            .detail(left_at.as_nanos());
        let cause = self.record_as(record, message.kind(), hash, observer);
        let connection = is_connection.then(|| self.nodes[to.index()].incarnation);
        let mut again_after = None;
        if self.schedule.is_some() {
            again_after = self.follow_schedule((from, to), message.kind(), left_at, &mut travels);
        }
        let Some(travels) = travels else {
            self.drop_message(
                (from, to),
                message.kind(),
                cause,
                DropReason::Loss,
                observer,
            );
            return;
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
        if let Some(after) = again_after {
            let copy = Envelope {
                // What a copy causes is drawn by itself.
                path: PathKey(fate.spare()),
                travels: envelope.travels + after,
                ..envelope.clone()
            };
            self.put_on_link(envelope, effect, observer);
            self.put_on_link(copy, effect, observer);
            return;
        }
        self.put_on_link(envelope, effect, observer);
    }

    /// Does to a message what the schedule says of it. Returns how long after it a copy arrives, if one does.
    #[cold]
    fn follow_schedule(
        &mut self,
        link: (NodeId, NodeId),
        kind: Kind,
        left_at: Instant,
        travels: &mut Option<Span>,
    ) -> Option<Span> {
        let sent_by = EventId(self.trace.count());
        let schedule = self.schedule.as_mut()?;
        let (number, fate) = schedule.next(link, kind, left_at);
        let mut again_after = None;
        match fate {
            None => {}
            Some(MessageFate::Delay(by)) => *travels = Some(by),
            Some(MessageFate::Lose) => *travels = None,
            Some(MessageFate::HoldUntil(at)) => {
                let held = at.since(left_at);
                *travels = Some(travels.map_or(held, |travels| travels.max(held)));
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
            travels: *travels,
            sent_by,
        });
        again_after
    }

    /// Puts a message on its link, or does to it what a cut of the link says.
    pub(super) fn put_on_link(
        &mut self,
        envelope: Envelope<P>,
        effect: LinkEffect,
        observer: &mut impl Observer<P>,
    ) {
        let (from, to, kind) = (envelope.from, envelope.to, envelope.message.kind());
        match effect.cut {
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

/// How long a message travels, or `None` when it is lost for good.
#[inline]
fn travel_time(seed: Seed, spec: &LinkSpec, effect: LinkEffect, fate: &Fate) -> Option<Span> {
    let mut travels = spec.delay.sample(fate.delay(), fate.spare()) + effect.extra_delay;
    let loss = spec
        .loss_per_million
        .saturating_add(effect.loss_per_million);
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
