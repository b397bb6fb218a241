//! The world: nodes, their network, their clocks and disks, grown from one seed.
//!
//! A [`World`] takes one event after the other from a queue ordered by (instant, sequence), runs the handler it is
//! for, and puts what the handler ordered back into the queue. Nothing else happens in it:
//!
//! ```text
//!            ┌────────────── queue of (instant, sequence) ◄─────────────┐
//!            ▼                                                          │
//!   message · timer wake · sync done · request · boot                   │
//!            │ node free?                                               │
//!            ├─ no ──► inbox (bounded) ──► ready ─┐                     │
//!            └─ yes ──────────────────────────────┴─► handler ─► orders ┘
//!                                                        │
//!                                                        └─► trace, digest, observer
//! ```
//!
//! - **A node does one thing at a time.** A handler covers virtual time (service time, what it spends, what its disk
//!   takes); what arrives meanwhile waits in the inbox. Orders leave at the instant they are stamped with.
//! - **A crash takes what has not happened yet.** Messages, replies and notes stamped after the crash never leave;
//!   timers, the inbox and memory are gone; the disk keeps what was durable. Requests that were open at the node end
//!   as [`Outcome::Info`]. A process that halts is treated as a crash of its node.
//! - **Forking is cloning.** Two worlds that were one go on alike if the same is done to them.
//! - **Draws do not disturb each other.** A message's fate is drawn from its path (see [`fate`](crate::fate)).
//!
//! Simplifications: a pause takes hold between handlers, not inside one; which faults of a link strike a message is
//! decided when the handler that sends it begins, or when a cut falls while it is on its way, not at the instant at
//! which it leaves; a node that restarts boots at once; a node
//! reaches itself in no time.

mod faults;
mod handler;
mod node;
mod queue;
mod transmit;

use std::sync::Arc;

pub use node::NodeSpec;

use crate::clock::NodeClock;
use crate::network::{Network, NetworkSpec};
use crate::random::PathKey;
use crate::schedule::{MessageSent, Schedule, ScheduledMessage};
use crate::trace::{DropReason, Record, RecordKind, Trace, TraceLevel, stable_hash};
use crate::{
    ChunkedVec, Clocks, Datum, EventId, Fault, FaultId, Incarnation, Instant, Kind, NodeId,
    Observer, Order, Outcome, Process, RequestId, Seed, SimDisk, Stream, SyncTicket,
};
use handler::HandlerCounts;
use node::{Item, Node, Work};
use queue::Queue;
use transmit::Envelope;

/// How many events may happen at one instant before the world says that time stands still.
const EVENTS_AT_ONE_INSTANT_MAX: u64 = 1_000_000;

/// What a world is to be.
#[derive(Clone, Debug)]
pub struct WorldSpec<P: Process> {
    /// Its nodes; a node's [`NodeId`] is its index.
    pub nodes: Vec<NodeSpec<P>>,
    /// What lies between them.
    pub network: NetworkSpec,
    /// How much of the run is kept.
    pub trace: TraceLevel,
}

/// Why a world went no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Nothing is left that could happen.
    OutOfEvents,
    /// What comes next comes after the instant that was asked for.
    OutOfTime,
    /// Time stands still: a million events happened at one instant.
    TimeStandsStill,
}

/// Whether a node runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeState {
    /// It runs.
    Up,
    /// It is about to boot.
    Starting,
    /// It crashed or halted.
    Down,
    /// It is paused.
    Paused,
    /// It does not belong to the cluster, not any more or not yet.
    Absent,
}

/// A fault that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActiveFault {
    /// For lifting it.
    pub id: FaultId,
    /// What it is.
    pub fault: Fault,
    /// When it was injected.
    pub since: Instant,
    /// For a crash that waits for something: whether it came.
    pub triggered: bool,
}

/// Why a fault can't be injected or lifted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// The world has no such node.
    #[error("there is no node {0}; the world has {1}")]
    NoSuchNode(NodeId, usize),
    /// No such fault holds: it was lifted, or never injected.
    #[error("{0} does not hold")]
    NotActive(FaultId),
    /// Disk operations are counted from 1.
    #[error("disk operations are counted from 1")]
    OperationZero,
    /// A clock can't run backwards or stand still by drift.
    #[error("a drift of {0} ppm would stop the clock or turn it back; it must be above -1,000,000")]
    DriftTooSlow(i64),
    /// A chance is at most a million in a million.
    #[error("a chance of {0} per million is more than certain")]
    ChanceTooHigh(u32),
    /// A link that carries nothing is cut, and a cut says what becomes of messages.
    #[error("a rate of 0 bytes a second carries nothing; cut the link instead")]
    RateZero,
    /// Messages and notes are counted from 1.
    #[error("messages and notes are counted from 1")]
    NumberZero,
    /// A handler that takes no time is not slow.
    #[error("a node can't take 0 times its service time")]
    FactorZero,
    /// A clock can't jump infinitely often.
    #[error("a clock that jumps to and fro must stay for more than nothing")]
    StrobeZero,
    /// The shape of a partition needs more nodes.
    #[error("such a partition takes at least {0} nodes, and here are {1}")]
    TooFewNodes(usize, usize),
    /// Nobody is to be set apart, or everybody.
    #[error("{0} of the {1} nodes are to be set apart from the others")]
    ChosenNone(usize, usize),
}

/// A message on its way, or held by a cut.
#[derive(Clone, Copy, Debug)]
pub struct MessageInFlight<'a, P: Process> {
    /// Who sent it.
    pub from: NodeId,
    /// Who is to get it.
    pub to: NodeId,
    /// What it is.
    pub message: &'a P::Message,
    /// When it left, or will leave.
    pub left_at: Instant,
    /// When it should arrive; [`Instant::NEVER`] while a cut holds it.
    pub arrives_at: Instant,
    /// The event of its sending.
    pub sent_by: EventId,
}

/// What is in the queue.
#[derive(Clone, Debug)]
enum Pending<P: Process> {
    Boot(NodeId),
    Message(Envelope<P>),
    Request {
        node: NodeId,
        id: RequestId,
        request: P::Request,
        path: PathKey,
        cause: EventId,
    },
    Wake(NodeId),
    Ready(NodeId),
    Synced {
        node: NodeId,
        ticket: SyncTicket,
        path: PathKey,
        cause: EventId,
    },
    Reply {
        node: NodeId,
        id: RequestId,
        outcome: Outcome<P::Reply>,
        cause: EventId,
    },
    Note {
        node: NodeId,
        note: P::Note,
        cause: EventId,
    },
}

/// A world. See the [module](self).
#[derive(Clone, Debug)]
pub struct World<P: Process> {
    seed: Seed,
    now: Instant,
    events_at_this_instant: u64,
    queue: Queue<Pending<P>>,
    nodes: Vec<Node<P>>,
    network: Network,
    trace: Trace,
    faults: Vec<ActiveFault>,
    /// How many of the faults touch links; when none does, a send need not look at them.
    link_faults: usize,
    fault_count: u32,
    held: Vec<Envelope<P>>,
    /// Boxed, so that a world without one carries a pointer only.
    schedule: Option<Box<Schedule>>,
    request_count: u64,
    // What one handler uses and leaves empty, kept for its memory.
    orders: Vec<Order<P>>,
    syncs: Vec<(SyncTicket, Instant)>,
    counts: HandlerCounts,
}

impl<P: Process> World<P> {
    /// A world at its first instant; all nodes boot there, in their order, once it runs.
    ///
    /// # Panics
    /// When two nodes have one name, since their random streams would be one.
    pub fn new(seed: Seed, spec: WorldSpec<P>) -> Self {
        let mut names: Vec<&str> = spec.nodes.iter().map(|node| node.name.as_str()).collect();
        names.sort_unstable();
        assert!(
            names.windows(2).all(|pair| pair[0] != pair[1]),
            "two nodes have one name: {names:?}"
        );
        let mut queue = Queue::new();
        for index in 0..spec.nodes.len() {
            queue.push(Instant::ZERO, Pending::Boot(NodeId(index as u32)));
        }
        let node_count = spec.nodes.len();
        Self {
            seed,
            now: Instant::ZERO,
            events_at_this_instant: 0,
            queue,
            nodes: spec
                .nodes
                .into_iter()
                .map(|node| new_node(seed, node))
                .collect(),
            network: Network::new(spec.network, node_count),
            trace: Trace::new(spec.trace),
            faults: Vec::new(),
            link_faults: 0,
            fault_count: 0,
            held: Vec::new(),
            schedule: None,
            request_count: 0,
            orders: Vec::new(),
            syncs: Vec::new(),
            counts: HandlerCounts::new(node_count),
        }
    }

    /// Virtual time.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// When the next thing happens; `None` when nothing will. (It may turn out to be nothing: a timer that was
    /// cancelled.)
    pub fn next_event_at(&self) -> Option<Instant> {
        self.queue.next_at()
    }

    /// Goes on to the next event that leaves a record; `false` when none comes up to `until`, and then nothing was done
    /// but to drop what turned out to be nothing.
    pub fn step(&mut self, until: Instant, observer: &mut impl Observer<P>) -> bool {
        let before = self.trace.count();
        while self.trace.count() == before {
            if !self.step_once(until, observer) {
                return false;
            }
        }
        true
    }

    /// Lets everything happen that is due at or before `until`, then sets the clock there (unless time stands still).
    pub fn run_until(&mut self, until: Instant, observer: &mut impl Observer<P>) -> Stop {
        while self.step_once(until, observer) {
            if self.time_stands_still() {
                return Stop::TimeStandsStill;
            }
        }
        self.advance_to(until);
        if self.queue.next_at().is_none() {
            Stop::OutOfEvents
        } else {
            Stop::OutOfTime
        }
    }

    /// Sets the clock to `until`, for what comes from outside then. Nothing may be due before.
    ///
    /// # Panics
    /// When something is due before `until`.
    pub fn advance_to(&mut self, until: Instant) {
        let next = self.queue.next_at();
        assert!(
            next.is_none_or(|at| at >= until),
            "{next:?} comes before {until}"
        );
        self.set_now(self.now.max(until));
    }

    #[inline]
    fn set_now(&mut self, at: Instant) {
        if at > self.now {
            self.now = at;
            self.events_at_this_instant = 0;
        }
        self.events_at_this_instant += 1;
    }

    /// Whether a million events have happened at this instant: nothing good comes of going on.
    pub fn time_stands_still(&self) -> bool {
        self.events_at_this_instant > EVENTS_AT_ONE_INSTANT_MAX
    }

    #[inline]
    fn step_once(&mut self, until: Instant, observer: &mut impl Observer<P>) -> bool {
        let Some((at, pending)) = self.queue.pop(until) else {
            return false;
        };
        let Some(pending) = pending else {
            return true;
        };
        self.set_now(at);
        match pending {
            Pending::Message(envelope) => self.arrive(envelope, observer),
            Pending::Ready(node) => self.take_from_inbox(node, observer),
            Pending::Wake(node) => self.wake(node, at, observer),
            Pending::Synced {
                node,
                ticket,
                path,
                cause,
            } => {
                self.give(
                    node,
                    Work {
                        item: Item::Synced(ticket),
                        cause,
                        path,
                    },
                    observer,
                );
            }
            Pending::Reply {
                node,
                id,
                outcome,
                cause,
            } => self.emit_reply(node, id, outcome, cause, observer),
            Pending::Note { node, note, cause } => self.emit_note(node, &note, cause, observer),
            Pending::Request {
                node,
                id,
                request,
                path,
                cause,
            } => {
                self.give_request(node, id, request, (path, cause), observer);
            }
            Pending::Boot(node) => self.boot(node, observer),
        }
        true
    }

    /// A user asks `node` now. `path` names the request among all of the run's, for drawing the fate of what comes of
    /// it ([`PathKey::of_name`] with the name of the client and how many-th request of it this is).
    ///
    /// The answer comes through [`Observer::on_reply`], once: from the process; or, when the node is down, as a
    /// failure; when its inbox is full, as a failure; when it crashes first, as info.
    ///
    /// # Panics
    /// When there is no such node.
    pub fn invoke(
        &mut self,
        node: NodeId,
        request: P::Request,
        path: PathKey,
        observer: &mut impl Observer<P>,
    ) -> (RequestId, EventId) {
        assert!(node.index() < self.nodes.len(), "there is no node {node}");
        self.request_count += 1;
        let id = RequestId(self.request_count);
        let record = Record::new(RecordKind::Invoke, self.now, node, EventId::OUTSIDE).detail(id.0);
        let cause = self.record(record, &request, observer);
        self.queue.push(
            self.now,
            Pending::Request {
                node,
                id,
                request,
                path,
                cause,
            },
        );
        (id, cause)
    }

    /// Adds a record about `datum` to the trace.
    #[inline]
    fn record<D: Datum>(
        &mut self,
        record: Record,
        datum: &D,
        observer: &mut impl Observer<P>,
    ) -> EventId {
        let hash = if self.trace.wants_hashes() {
            stable_hash(datum)
        } else {
            0
        };
        self.record_as(record, datum.kind(), hash, observer)
    }

    /// Adds a record to the trace.
    #[inline]
    fn record_as(
        &mut self,
        record: Record,
        kind: Kind,
        hash: u64,
        observer: &mut impl Observer<P>,
    ) -> EventId {
        let event = self.trace.push(record, kind, hash);
        if self.trace.level() != TraceLevel::Off {
            observer.on_record(event, &record, kind);
            observer.on_hash(event, hash);
        }
        event
    }

    /// The seed it grows from.
    pub fn seed(&self) -> Seed {
        self.seed
    }

    /// Everything that happened.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// How many nodes it has.
    pub fn node_count(&self) -> usize {
        self.nodes.len()
    }

    /// What a node was meant to be.
    pub fn node_spec(&self, node: NodeId) -> &NodeSpec<P> {
        &self.nodes[node.index()].spec
    }

    /// Whether a node runs.
    pub fn node_state(&self, node: NodeId) -> NodeState {
        let node = &self.nodes[node.index()];
        match (&node.process, node.pause_faults) {
            (None, _) if node.absences > 0 => NodeState::Absent,
            (None, _) if node.boots => NodeState::Starting,
            (None, _) => NodeState::Down,
            (Some(_), 0) => NodeState::Up,
            (Some(_), _) => NodeState::Paused,
        }
    }

    /// Why a node stopped itself, while it is down for that.
    pub fn halt_reason(&self, node: NodeId) -> Option<&str> {
        self.nodes[node.index()].halted.as_deref()
    }

    /// How many times a node was restarted.
    pub fn incarnation(&self, node: NodeId) -> Incarnation {
        self.nodes[node.index()].incarnation
    }

    /// What waits in a node's inbox.
    pub fn queued(&self, node: NodeId) -> usize {
        self.nodes[node.index()].inbox.len()
    }

    /// When the handler that runs at a node ends (in the past when none runs).
    pub fn busy_until(&self, node: NodeId) -> Instant {
        self.nodes[node.index()].busy_until
    }

    /// A node's clocks now.
    pub fn clocks(&self, node: NodeId) -> Clocks {
        self.nodes[node.index()].clock.at(self.now)
    }

    /// A node's program; `None` while it is down.
    pub fn process(&self, node: NodeId) -> Option<&P> {
        self.nodes[node.index()].process.as_ref()
    }

    /// A node's disk.
    pub fn disk(&self, node: NodeId) -> &SimDisk {
        &self.nodes[node.index()].disk
    }

    /// A node's program and disk, to read what only the program can read from its files. Reading counts on the disk
    /// and may move caches, so this is for forks that are thrown away.
    pub fn process_and_disk_mut(&mut self, node: NodeId) -> (Option<&mut P>, &mut SimDisk) {
        let node = &mut self.nodes[node.index()];
        (node.process.as_mut(), &mut node.disk)
    }

    /// The messages on their way and those that cuts hold, soonest first.
    pub fn in_flight(&self) -> Vec<MessageInFlight<'_, P>> {
        let travelling = self.queue.iter().filter_map(|(at, pending)| match pending {
            Pending::Message(envelope) => Some((at, envelope)),
            _ => None,
        });
        let held = self.held.iter().map(|envelope| (Instant::NEVER, envelope));
        let mut messages: Vec<_> = travelling
            .chain(held)
            .map(|(arrives_at, envelope)| MessageInFlight {
                from: envelope.from,
                to: envelope.to,
                message: &envelope.message,
                left_at: envelope.left_at,
                arrives_at,
                sent_by: envelope.cause,
            })
            .collect();
        messages.sort_by_key(|message| (message.arrives_at, message.sent_by));
        messages
    }

    /// Says what becomes of single messages that have not been sent yet. See [`MessageName`](crate::MessageName).
    ///
    /// # Panics
    /// When a message has the number 0, since they are counted from 1.
    pub fn schedule(&mut self, messages: &[ScheduledMessage]) {
        for scheduled in messages {
            let number = scheduled.message.number;
            assert!(number > 0, "messages are counted from 1: {scheduled:?}");
            self.schedule.get_or_insert_default().add(scheduled);
        }
    }

    /// Writes down from now on what becomes of each message.
    pub fn log_messages(&mut self) {
        self.schedule.get_or_insert_default().begin_log();
    }

    /// What became of each message since that was asked for ([`log_messages`](Self::log_messages)).
    pub fn messages(&self) -> Option<&ChunkedVec<MessageSent>> {
        self.schedule.as_ref()?.log()
    }

    /// The faults that hold, in the order in which they were injected.
    pub fn faults(&self) -> &[ActiveFault] {
        &self.faults
    }
}

fn new_node<P: Process>(seed: Seed, spec: NodeSpec<P>) -> Node<P> {
    Node {
        process: None,
        incarnation: Incarnation(0),
        boots: true,
        halted: None,
        crash_faults: 0,
        pause_faults: 0,
        absences: 0,
        service_time: spec.service_time,
        trap: None,
        clock_jumps: 0,
        busy_until: Instant::ZERO,
        inbox: std::collections::VecDeque::new(),
        inbox_bounded: 0,
        ready_at: None,
        timers: std::collections::BTreeMap::new(),
        timer_count: 0,
        wake_at: None,
        clock: NodeClock::new(spec.clock),
        random: Stream::named(seed, &format!("node/{}", spec.name)),
        disk: SimDisk::named(spec.disk, seed, &spec.name),
        open_requests: Vec::new(),
        spec: Arc::new(spec),
    }
}
