//! One node: its program, and everything that is lent to it.

use std::collections::BTreeMap;
use std::sync::Arc;

use madsim::net::Endpoint;
use madsim::task::NodeId as TaskNode;
use seedbed_sim::{
    Context, Halt, Instant, Loan, NodeClock, NodeId, NodeSpec, Order, Outcome, Process, Reason,
    RequestId, Seed, SimDisk, Span, Stream, SyncTicket, TimerHandle,
};
use tokio::sync::Notify;

use crate::wire::{Packet, Ripe, Wire};

/// What waits at a node.
pub(crate) enum Item<P: Process> {
    Packet(Packet<P>),
    /// A message of the node to itself.
    Own(P::Message),
    Request(RequestId, P::Request),
    Synced(SyncTicket),
}

/// The order of what arrives at one instant.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    Other(u64),
    /// By the number of its flight.
    Packet(u64),
}

/// What a handler is called for.
pub(crate) enum Call<P: Process> {
    Boot,
    Message(NodeId, P::Message),
    Request(RequestId, P::Request),
    Timer(P::Timer),
    Synced(SyncTicket),
}

/// What a node does next.
pub(crate) enum Next<P: Process> {
    Handle(Call<P>),
    /// Nothing before this instant.
    Wait(Instant),
}

/// What came of a handler.
pub(crate) struct Handled<P: Process> {
    pub(crate) orders: Vec<Order<P>>,
    pub(crate) took: Span,
    pub(crate) result: Result<(), Halt>,
    /// The disk operation that killed the node.
    pub(crate) killed_at: Option<u32>,
}

pub(crate) struct Machine<P: Process> {
    pub(crate) spec: NodeSpec<P>,
    /// Where its tasks run.
    pub(crate) tasks: Option<TaskNode>,
    /// The socket of its present life.
    pub(crate) endpoint: Option<Endpoint>,
    /// How many lives it has had, counting this one.
    pub(crate) life: u16,
    /// `None` while it is down.
    pub(crate) process: Option<P>,
    pub(crate) disk: SimDisk,
    pub(crate) clock: NodeClock,
    random: Stream,
    timer_count: u64,
    pub(crate) timers: BTreeMap<TimerHandle, P::Timer>,
    /// By arrival; messages that arrive at one instant by the order in which they were sent, after everything else.
    pub(crate) inbox: BTreeMap<(Instant, Rank), Item<P>>,
    arrivals: u64,
    pub(crate) open: Vec<RequestId>,
    /// Why it stopped itself, if it did.
    pub(crate) halted: Option<String>,
    pub(crate) crash_faults: u32,
    pub(crate) pause_faults: u32,
    /// Tells the life that something has come.
    pub(crate) bell: Arc<Notify>,
}

impl<P: Process> Machine<P> {
    pub(crate) fn new(seed: Seed, spec: NodeSpec<P>) -> Self {
        Self {
            tasks: None,
            endpoint: None,
            life: 0,
            process: None,
            disk: SimDisk::named(spec.disk, seed, &spec.name),
            clock: NodeClock::new(spec.clock),
            random: Stream::named(seed, &format!("node/{}", spec.name)),
            timer_count: 0,
            timers: BTreeMap::new(),
            inbox: BTreeMap::new(),
            arrivals: 0,
            open: Vec::new(),
            halted: None,
            crash_faults: 0,
            pause_faults: 0,
            bell: Arc::new(Notify::new()),
            spec,
        }
    }

    /// Something has come that is to be handled at `at`, or will be.
    pub(crate) fn put(&mut self, at: Instant, item: Item<P>) {
        self.arrivals += 1;
        self.inbox.insert((at, Rank::Other(self.arrivals)), item);
        self.bell.notify_one();
    }

    /// A message has come that is to be handled at `at`.
    pub(crate) fn put_packet(&mut self, (at, flight): (Instant, u64), packet: Packet<P>) {
        let rank = Rank::Packet(flight);
        self.inbox.insert((at, rank), Item::Packet(packet));
        self.bell.notify_one();
    }

    /// What comes next, by instants: an arrival or a timer.
    pub(crate) fn next(&mut self, node: NodeId, now: Instant, wire: &mut Wire<P>) -> Next<P> {
        loop {
            let timer = self.timers.keys().next().copied();
            let timer_at =
                timer.map_or(Instant::NEVER, |timer| self.clock.world_time_of(timer.due));
            let arrival = self.inbox.first_key_value();
            let arrival_at = arrival.map_or(Instant::NEVER, |((at, _), _)| *at);
            if timer_at.min(arrival_at) > now {
                return Next::Wait(timer_at.min(arrival_at));
            }
            if timer_at < arrival_at {
                let (_, timer) = self.timers.pop_first().expect("it was just looked at");
                return Next::Handle(Call::Timer(timer));
            }
            let (_, item) = self.inbox.pop_first().expect("it was just looked at");
            match item {
                Item::Request(id, request) => return Next::Handle(Call::Request(id, request)),
                Item::Synced(ticket) => return Next::Handle(Call::Synced(ticket)),
                Item::Own(message) => return Next::Handle(Call::Message(node, message)),
                Item::Packet(packet) => match wire.ripen(packet, now) {
                    Ripe::Deliver(from, message) => {
                        return Next::Handle(Call::Message(from, message));
                    }
                    Ripe::Later(at, packet) => self.put_packet((at, packet.flight), packet),
                    Ripe::Gone => {}
                },
            }
        }
    }

    /// Turns away what has come before `ended`, while the node was busy, and does not fit into the inbox. Returns the
    /// requests among it.
    pub(crate) fn shed(&mut self, ended: Instant, wire: &mut Wire<P>) -> Vec<RequestId> {
        let capacity = self.spec.inbox_capacity as usize;
        let ripe = self.inbox.range(..(ended, Rank::Other(0)));
        let bounded = ripe.filter(|(_, item)| !matches!(item, Item::Synced(_)));
        let beyond: Vec<_> = bounded.skip(capacity).map(|(key, _)| *key).collect();
        let mut refused = Vec::new();
        for key in beyond {
            match self.inbox.remove(&key) {
                Some(Item::Packet(packet)) => wire.forget(&packet),
                Some(Item::Request(id, _)) => refused.push(id),
                Some(Item::Own(_) | Item::Synced(_)) | None => {}
            }
        }
        refused
    }

    /// Runs one handler, which begins at `now`.
    pub(crate) fn handle(&mut self, node: NodeId, now: Instant, call: Call<P>) -> Handled<P> {
        self.disk.begin_handler(now + self.spec.service_time);
        let mut orders = Vec::new();
        let mut cx = Context::new(Loan {
            node,
            clocks: self.clock.at(now),
            random: &mut self.random,
            disk: &mut self.disk,
            timer_count: &mut self.timer_count,
            orders: &mut orders,
            service_time: self.spec.service_time,
        });
        let result = match (call, &mut self.process) {
            (Call::Boot, process) => P::boot(&self.spec.config, &mut cx).map(|booted| {
                *process = Some(booted);
            }),
            (Call::Message(from, message), Some(process)) => {
                process.on_message(from, message, &mut cx)
            }
            (Call::Request(id, request), Some(process)) => process.on_request(id, request, &mut cx),
            (Call::Timer(timer), Some(process)) => process.on_timer(timer, &mut cx),
            (Call::Synced(ticket), Some(process)) => process.on_synced(ticket, &mut cx),
            (_, None) => Ok(()),
        };
        let took = cx.elapsed();
        let mut syncs = Vec::new();
        self.disk.take_pending_syncs(&mut syncs);
        for (ticket, at) in syncs {
            self.put(at, Item::Synced(ticket));
        }
        Handled {
            orders,
            took,
            result,
            killed_at: self.disk.killed_at(),
        }
    }

    /// Forgets everything that does not outlive a crash, but for what the disk keeps. Returns the requests that were open.
    pub(crate) fn end_life(&mut self, now: Instant) -> Vec<RequestId> {
        self.process = None;
        self.endpoint = None;
        self.timers.clear();
        self.inbox.clear();
        self.disk.crash(now);
        std::mem::take(&mut self.open)
    }

    /// A request is answered.
    ///
    /// # Panics
    /// When it is not open: a process has answered it twice, or has made it up.
    pub(crate) fn close(&mut self, node: NodeId, id: RequestId) {
        let index = self.open.iter().position(|open| *open == id);
        let index = index.unwrap_or_else(|| panic!("{node} answers {id}, which is not open there"));
        self.open.swap_remove(index);
    }

    /// What a request comes to that can't be handed to the node.
    pub(crate) fn refusal<R>() -> Outcome<R> {
        Outcome::Fail(Reason::Unavailable)
    }
}
