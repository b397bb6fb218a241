//! A host that is driven by hand: the test decides what happens next, to any message, sync, timer or node.
//!
//! It is meaner than a network: a message may be delivered at any later time, before or after any other, twice or never,
//! also to a later life of its receiver. A sync takes a millisecond of virtual time, and everything else takes none, so
//! that a crash may come before or after the completion of a sync, told to the node or not.

use std::collections::{BTreeMap, VecDeque};

use seedbed_sim::{
    Action, Clocks, Context, CrashPolicy, DiskConfig, Halt, Instant, Loan, LocalInstant, NodeId,
    Order, Outcome, Process, RequestId, Seed, SimDisk, Span, Stream, SyncTicket, TimerHandle,
    WallTime,
};

/// How long a sync takes.
const SYNC: Span = Span::from_millis(1);

/// What nodes did that can be seen.
#[derive(Clone, Debug)]
pub(crate) enum Event<P: Process> {
    Sent {
        from: NodeId,
        to: NodeId,
        message: P::Message,
    },
    Replied {
        node: NodeId,
        id: RequestId,
        outcome: Outcome<P::Reply>,
    },
    Noted {
        node: NodeId,
        note: P::Note,
    },
    /// It stopped itself.
    Halted {
        node: NodeId,
        halt: Halt,
    },
    /// It was killed in the disk operation that was armed.
    Killed {
        node: NodeId,
    },
}

/// A message on its way.
#[derive(Clone, Debug)]
pub(crate) struct InFlight<P: Process> {
    pub(crate) from: NodeId,
    pub(crate) to: NodeId,
    pub(crate) message: P::Message,
}

#[derive(Clone)]
pub(crate) struct HostedNode<P: Process> {
    config: P::Config,
    pub(crate) process: Option<P>,
    pub(crate) disk: SimDisk,
    random: Stream,
    timer_count: u64,
    pub(crate) timers: BTreeMap<TimerHandle, P::Timer>,
    /// Syncs that the node was not told of, with the instants of their completion.
    pub(crate) syncs: VecDeque<(SyncTicket, Instant)>,
}

/// The host.
#[derive(Clone)]
pub(crate) struct Harness<P: Process> {
    pub(crate) now: Instant,
    pub(crate) nodes: Vec<HostedNode<P>>,
    /// Oldest first.
    pub(crate) in_flight: Vec<InFlight<P>>,
    /// What happened since it was last emptied.
    pub(crate) events: Vec<Event<P>>,
    requests: u64,
}

impl<P: Process> Harness<P> {
    /// Nodes with these configurations, none of which has booted. A crash leaves on each disk what the policy says.
    pub(crate) fn new(configs: Vec<P::Config>, crash: CrashPolicy) -> Self {
        let disk = DiskConfig {
            sync_latency: SYNC,
            crash,
            ..DiskConfig::instant()
        };
        let node = |(index, config): (usize, P::Config)| HostedNode {
            config,
            process: None,
            disk: SimDisk::named(disk, Seed(1), &format!("n{index}")),
            random: Stream::named(Seed(1), &format!("node/n{index}")),
            timer_count: 0,
            timers: BTreeMap::new(),
            syncs: VecDeque::new(),
        };
        Self {
            now: Instant::ZERO,
            nodes: configs.into_iter().enumerate().map(node).collect(),
            in_flight: Vec::new(),
            events: Vec::new(),
            requests: 0,
        }
    }

    pub(crate) fn node(&self, id: NodeId) -> &HostedNode<P> {
        &self.nodes[id.index()]
    }

    pub(crate) fn node_mut(&mut self, id: NodeId) -> &mut HostedNode<P> {
        &mut self.nodes[id.index()]
    }

    pub(crate) fn is_up(&self, id: NodeId) -> bool {
        self.node(id).process.is_some()
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = NodeId> + use<P> {
        (0..self.nodes.len() as u32).map(NodeId)
    }

    /// Lets virtual time pass.
    pub(crate) fn wait(&mut self, span: Span) {
        self.now += span;
    }

    /// Boots a node that is down.
    pub(crate) fn boot(&mut self, id: NodeId) {
        assert!(!self.is_up(id), "{id} is up already");
        let config = self.node(id).config.clone();
        self.handle(id, |process, cx| {
            *process = Some(P::boot(&config, cx)?);
            Ok(())
        });
    }

    /// A user asks a node that is up.
    pub(crate) fn request(&mut self, id: NodeId, request: P::Request) -> RequestId {
        self.requests += 1;
        let request_id = RequestId(self.requests);
        self.handle_up(id, |process, cx| {
            process.on_request(request_id, request, cx)
        });
        request_id
    }

    /// Delivers the message at `index` of those in flight; one to a node that is down is lost.
    pub(crate) fn deliver(&mut self, index: usize) {
        let InFlight { from, to, message } = self.in_flight.remove(index);
        if self.is_up(to) {
            self.handle_up(to, |process, cx| process.on_message(from, message, cx));
        }
    }

    /// Completes the oldest sync of a node, and tells it. `false` when there is none.
    pub(crate) fn complete_sync(&mut self, id: NodeId) -> bool {
        let Some((ticket, done)) = self.node_mut(id).syncs.pop_front() else {
            return false;
        };
        self.now = self.now.max(done);
        self.handle_up(id, |process, cx| process.on_synced(ticket, cx));
        true
    }

    /// Fires the earliest timer of a node, or the earliest for which `is_wanted`. `false` when there is none.
    pub(crate) fn fire(&mut self, id: NodeId, is_wanted: impl Fn(&P::Timer) -> bool) -> bool {
        let mut timers = self.node(id).timers.iter();
        let Some((handle, _)) = timers.find(|(_, timer)| is_wanted(timer)) else {
            return false;
        };
        let handle = *handle;
        let due = Instant::from_nanos(handle.due.as_nanos());
        self.now = self.now.max(due);
        let timer = self.node_mut(id).timers.remove(&handle);
        let timer = timer.expect("it was just found");
        self.handle_up(id, |process, cx| process.on_timer(timer, cx));
        true
    }

    /// Crashes a node: what is not durable by now is gone.
    pub(crate) fn crash(&mut self, id: NodeId) {
        let now = self.now;
        let node = self.node_mut(id);
        node.disk.crash(now);
        node.process = None;
        node.timers.clear();
        node.syncs.clear();
    }

    /// Delivers and completes everything there is, oldest first, until nothing is left. Timers do not fire.
    pub(crate) fn drain(&mut self) {
        for _ in 0..100_000 {
            if !self.in_flight.is_empty() {
                self.deliver(0);
                continue;
            }
            let waiting = self.ids().find(|id| !self.node(*id).syncs.is_empty());
            match waiting {
                Some(id) => assert!(self.complete_sync(id)),
                None => return,
            }
        }
        panic!("it never comes to rest");
    }

    fn handle_up(
        &mut self,
        id: NodeId,
        call: impl FnOnce(&mut P, &mut Context<'_, P>) -> Result<(), Halt>,
    ) {
        assert!(self.is_up(id), "{id} is down");
        self.handle(id, |process, cx| {
            call(process.as_mut().expect("it is up"), cx)
        });
    }

    fn handle(
        &mut self,
        id: NodeId,
        call: impl FnOnce(&mut Option<P>, &mut Context<'_, P>) -> Result<(), Halt>,
    ) {
        let now = self.now;
        let node = &mut self.nodes[id.index()];
        node.disk.begin_handler(now);
        let mut orders = Vec::new();
        let nanos = now.as_nanos();
        let mut cx = Context::new(Loan {
            node: id,
            clocks: Clocks {
                local: LocalInstant::from_nanos(nanos),
                wall: WallTime::AT_WORLD_START + Span::from_nanos(nanos),
                drift_ppb: 0,
                wall_stands: false,
            },
            random: &mut node.random,
            disk: &mut node.disk,
            timer_count: &mut node.timer_count,
            orders: &mut orders,
            service_time: Span::ZERO,
        });
        let result = call(&mut node.process, &mut cx);
        // Nobody else does anything while a handler waits for its disk; that only makes the clocks jump.
        self.now = node.disk.now();
        let mut syncs = Vec::new();
        node.disk.take_pending_syncs(&mut syncs);
        node.syncs.extend(syncs);
        let killed_at = node.disk.killed_at();
        for order in orders {
            if killed_at.is_some_and(|operation| order.stamp.disk_operations >= operation) {
                break;
            }
            self.obey(id, order);
        }
        if killed_at.is_some() {
            self.crash(id);
            self.events.push(Event::Killed { node: id });
        } else if let Err(halt) = result {
            self.crash(id);
            self.events.push(Event::Halted { node: id, halt });
        }
    }

    fn obey(&mut self, node: NodeId, order: Order<P>) {
        match order.action {
            Action::Send(to, message) => {
                self.events.push(Event::Sent {
                    from: node,
                    to,
                    message: message.clone(),
                });
                self.in_flight.push(InFlight {
                    from: node,
                    to,
                    message,
                });
            }
            Action::SetTimer(handle, timer) => {
                self.node_mut(node).timers.insert(handle, timer);
            }
            Action::CancelTimer(handle) => {
                self.node_mut(node).timers.remove(&handle);
            }
            Action::Reply(id, outcome) => self.events.push(Event::Replied { node, id, outcome }),
            Action::Note(note) => self.events.push(Event::Noted { node, note }),
        }
    }
}
