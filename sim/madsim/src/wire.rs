//! What lies between nodes: delays, loss, order and cuts, kept by sleeping.
//!
//! A message is drawn its fate when it leaves: how long it travels, and when it is due at its receiver. A task of the
//! wire sleeps until shortly before, then sends it through madsim's sockets; the receiver's inbox keeps it until it is
//! due, so that neither the sockets' own delays nor the scheduler's dice show. Meanwhile it is a *flight*, and what a cut
//! does to messages on their way it does to flights.

use std::collections::BTreeMap;

use seedbed_sim::{
    Fault, InFlight, Instant, LinkKind, LinkModel, NetworkSpec, NodeId, Process, Seed, Span,
};

/// The least that a message takes: a millisecond in each of the two sockets, and room for the scheduler.
pub const TRAVEL_MIN: Span = Span::from_micros(2_500);

/// How long a message waits for one that was sent before it on the same connection, and is not in the inbox yet.
const RETRY: Span = Span::from_micros(100);

/// A message, as it goes through the sockets.
pub(crate) struct Packet<P: Process> {
    pub(crate) flight: u64,
    pub(crate) from: NodeId,
    pub(crate) to: NodeId,
    pub(crate) message: P::Message,
    /// When it is due, unless a cut changes that.
    pub(crate) due: Instant,
    /// The life of its receiver that the connection leads to; `None` for a datagram.
    pub(crate) life: Option<u16>,
}

/// What becomes of a message that is due.
pub(crate) enum Ripe<P: Process> {
    Deliver(NodeId, P::Message),
    /// A cut has made it late.
    Later(Instant, Packet<P>),
    /// It was lost, or a cut holds it.
    Gone,
}

/// What the wire knows of a message on its way.
struct Flight {
    from: NodeId,
    to: NodeId,
    due: Instant,
    travels: Span,
    is_held: bool,
    /// The lives that a connection joins; `None` for a datagram.
    joins: Option<(u16, u16)>,
}

/// One direction between two nodes.
struct Link {
    /// Nothing on the connection arrives before this.
    not_before: Instant,
    /// The lives that the connection joins.
    joins: (u16, u16),
}

pub(crate) struct Wire<P: Process> {
    model: LinkModel,
    links: BTreeMap<(NodeId, NodeId), Link>,
    flights: BTreeMap<u64, Flight>,
    flight_count: u64,
    /// Messages that were due and that a cut holds.
    held: Vec<Packet<P>>,
}

impl<P: Process> Wire<P> {
    pub(crate) fn new(seed: Seed, network: NetworkSpec) -> Self {
        Self {
            model: LinkModel::new(seed, network),
            links: BTreeMap::new(),
            flights: BTreeMap::new(),
            flight_count: 0,
            held: Vec::new(),
        }
    }

    /// A message leaves now, from one life to another; what goes on its way of it: nothing when it is lost, itself, or
    /// itself and a copy.
    pub(crate) fn leave(
        &mut self,
        (from, to): (NodeId, NodeId),
        lives: (u16, u16),
        mut message: P::Message,
        now: Instant,
        faults: &[Fault],
    ) -> Vec<Packet<P>> {
        let journey = self.model.send((from, to), now, &mut message, faults);
        if journey.cut == Some(InFlight::Lost) {
            return Vec::new();
        }
        let link = self.links.entry((from, to)).or_insert(Link {
            not_before: Instant::ZERO,
            joins: lives,
        });
        let joins = (journey.kind == LinkKind::Fifo).then_some(lives);
        let ways = [journey.travels, journey.copy_travels];
        let mut packets = Vec::new();
        for travels in ways.into_iter().flatten() {
            let travels = travels.max(TRAVEL_MIN);
            let due = link.in_order(joins, now + travels);
            self.flight_count += 1;
            self.flights.insert(
                self.flight_count,
                Flight {
                    from,
                    to,
                    due,
                    travels,
                    is_held: journey.cut == Some(InFlight::Held),
                    joins,
                },
            );
            packets.push(Packet {
                flight: self.flight_count,
                from,
                to,
                message: message.clone(),
                due,
                life: joins.map(|(_, to)| to),
            });
        }
        packets
    }

    /// A message that a receiver has in its inbox is due.
    pub(crate) fn ripen(&mut self, packet: Packet<P>, now: Instant) -> Ripe<P> {
        let Some(flight) = self.flights.get(&packet.flight) else {
            return Ripe::Gone;
        };
        if flight.is_held {
            self.held.push(packet);
            return Ripe::Gone;
        }
        if flight.due > now {
            return Ripe::Later(flight.due, packet);
        }
        // The scheduler rolls dice: a task that was spawned earlier may come later to the inbox. On a connection,
        // whoever was sent earlier goes first.
        let goes_first = |earlier: &Flight| {
            let connection = (earlier.from, earlier.to, earlier.joins);
            flight.joins.is_some() && connection == (flight.from, flight.to, flight.joins)
        };
        let mut earlier = self.flights.range(..packet.flight);
        if earlier.any(|(_, earlier)| goes_first(earlier)) {
            return Ripe::Later(now + RETRY, packet);
        }
        self.flights.remove(&packet.flight);
        Ripe::Deliver(packet.from, packet.message)
    }

    /// A message will not be delivered.
    pub(crate) fn forget(&mut self, packet: &Packet<P>) {
        self.flights.remove(&packet.flight);
    }

    /// A node has died, and with it the connections to it.
    pub(crate) fn reset(&mut self, node: NodeId) {
        self.flights
            .retain(|_, flight| flight.to != node || flight.joins.is_none());
        self.forget_what_is_gone();
    }

    /// A cut falls: messages on their way are lost or held, as it says.
    pub(crate) fn cut(&mut self, fault: &Fault, now: Instant) {
        self.flights.retain(|_, flight| {
            // What was due already has arrived, though its receiver may not have looked yet.
            if !flight.is_held && flight.due <= now {
                return true;
            }
            match fault.cuts(flight.from, flight.to) {
                Some(InFlight::Lost) => false,
                Some(InFlight::Held) => {
                    flight.is_held = true;
                    true
                }
                None => true,
            }
        });
        self.forget_what_is_gone();
    }

    fn forget_what_is_gone(&mut self) {
        let flights = &self.flights;
        self.held
            .retain(|packet| flights.contains_key(&packet.flight));
    }

    /// A cut was lifted: what nothing holds any more travels on, in the order in which it was sent. Returns what had been
    /// due, with the instants at which it is due now.
    pub(crate) fn release(&mut self, now: Instant, faults: &[Fault]) -> Vec<(Instant, Packet<P>)> {
        let cut_of = |flight: &Flight| LinkModel::cut(flight.from, flight.to, faults);
        // What one cut held, another that still falls may lose.
        self.flights
            .retain(|_, flight| !flight.is_held || cut_of(flight) != Some(InFlight::Lost));
        self.forget_what_is_gone();
        for flight in self.flights.values_mut() {
            if flight.is_held && cut_of(flight).is_none() {
                flight.is_held = false;
                let link = self.links.get_mut(&(flight.from, flight.to));
                let link = link.expect("something was sent on it");
                flight.due = link.in_order(flight.joins, now + flight.travels);
            }
        }
        let (held, released): (Vec<_>, Vec<_>) = std::mem::take(&mut self.held)
            .into_iter()
            .partition(|packet| self.flights[&packet.flight].is_held);
        self.held = held;
        let with_due = |packet: Packet<P>| (self.flights[&packet.flight].due, packet);
        released.into_iter().map(with_due).collect()
    }
}

impl Link {
    /// When a message is due that could be there at `due`: on a connection not before what was sent earlier on it. A
    /// connection ends with either life.
    fn in_order(&mut self, joins: Option<(u16, u16)>, due: Instant) -> Instant {
        let Some(joins) = joins else {
            return due;
        };
        if self.joins != joins {
            (self.joins, self.not_before) = (joins, Instant::ZERO);
        }
        self.not_before = self.not_before.max(due);
        self.not_before
    }
}
