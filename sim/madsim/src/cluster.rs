//! The supervisor's side: nodes are made, asked, hurt and looked at from here.

use std::collections::VecDeque;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::select;
use madsim::net::Endpoint;
use madsim::runtime::{Handle, NodeHandle, Runtime};
use madsim::task::NodeId as TaskNode;
use seedbed_sim::{
    Fault, FaultId, Instant, NetworkSpec, NodeId, NodeSpec, Outcome, Process, RequestId, Seed,
    SimDisk, Span, stable_hash,
};
use tokio::sync::Notify;

use crate::faults::Active;
use crate::life::live;
use crate::machine::{Item, Machine};
use crate::time::Time;
use crate::wire::{Packet, TRAVEL_MIN, Wire};

/// How often it is looked whether all nodes boot.
const POLL: Span = Span::from_nanos(100);
/// The port of a node's first life; each further life has the next.
const FIRST_PORT: u16 = 1_024;

/// What a cluster is to be.
pub struct ClusterSpec<P: Process> {
    /// Its nodes; a node's [`NodeId`] is its index.
    pub nodes: Vec<NodeSpec<P>>,
    /// What lies between them.
    pub network: NetworkSpec,
    /// What is drawn from: nodes' streams and the fates of messages. (madsim's own dice have a seed of theirs; see
    /// [`on_fresh_thread`].)
    pub seed: Seed,
}

/// A request that was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer<R> {
    /// Which.
    pub request: RequestId,
    /// When.
    pub at: Instant,
    /// By the node; or, where it could not, by this host.
    pub outcome: Outcome<R>,
}

/// A note that a node made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noted<N> {
    /// The node.
    pub node: NodeId,
    /// When.
    pub at: Instant,
    /// What it marked.
    pub note: N,
}

/// What nodes and supervisor share.
pub(crate) struct Shared<P: Process> {
    pub(crate) time: Time,
    pub(crate) handle: Handle,
    /// Where messages sleep on their way: it never dies.
    wire_node: NodeHandle,
    state: Mutex<State<P>>,
    /// Tells the supervisor of answers.
    pub(crate) news: Notify,
    /// Tells nodes that all of them have sockets.
    pub(crate) all_bound: Notify,
}

pub(crate) struct State<P: Process> {
    pub(crate) machines: Vec<Machine<P>>,
    pub(crate) wire: Wire<P>,
    pub(crate) faults: Vec<Active>,
    pub(crate) fault_count: u32,
    /// How many nodes have a socket for their first life.
    pub(crate) bound: usize,
    /// How many boots have begun.
    pub(crate) booted: usize,
    answers: VecDeque<Answer<P::Reply>>,
    notes: Vec<Noted<P::Note>>,
    request_count: u64,
    events: u64,
    fingerprint: u64,
}

impl<P: Process> State<P> {
    pub(crate) fn machine(&mut self, node: NodeId) -> &mut Machine<P> {
        &mut self.machines[node.index()]
    }

    /// Something happened that tells this run from others.
    pub(crate) fn happened(&mut self, what: &str, node: NodeId, at: Instant) {
        self.events += 1;
        self.fingerprint = stable_hash(&(self.fingerprint, what, node, at.as_nanos()));
    }

    pub(crate) fn answer(&mut self, request: RequestId, at: Instant, outcome: Outcome<P::Reply>) {
        let answer = Answer {
            request,
            at,
            outcome,
        };
        self.answers.push_back(answer);
    }

    pub(crate) fn noted(&mut self, node: NodeId, at: Instant, note: P::Note) {
        self.notes.push(Noted { node, at, note });
    }

    /// The faults that hold.
    pub(crate) fn holding(&self) -> Vec<Fault> {
        let faults = self.faults.iter();
        faults.map(|active| active.fault.clone()).collect()
    }
}

impl<P: Process> Shared<P> {
    pub(crate) fn state(&self) -> MutexGuard<'_, State<P>> {
        // One thread runs everything; what is poisoned is about to be dropped.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn address(node: NodeId, life: u16) -> SocketAddr {
        let [_, a, b, c] = (node.0 + 1).to_be_bytes();
        let ip = IpAddr::V4(Ipv4Addr::new(10, a, b, c));
        SocketAddr::new(ip, FIRST_PORT + life)
    }

    /// Lets a packet sleep until shortly before it is due, then sends it from the socket that it left by to that of its
    /// receiver, where a task of its own takes it out. If the receiver has no socket then, or the connection led to
    /// another life, it is lost.
    pub(crate) fn carry(self: &Arc<Self>, from: Endpoint, packet: Packet<P>) {
        let shared = Arc::clone(self);
        self.wire_node.spawn(async move {
            let before = TRAVEL_MIN.as_nanos();
            let at = Instant::from_nanos(packet.due.as_nanos().saturating_sub(before));
            shared.time.sleep_until(at).await;
            let Some((to, tasks)) = shared.receiver_of(&packet) else {
                return;
            };
            let address = to.local_addr().expect("it is bound");
            let tag = packet.flight;
            let receive = Arc::clone(&shared).receive(to, tag);
            let node = shared.handle.get_node(tasks);
            node.expect("nodes stay").spawn(receive);
            let sent = from.send_to_raw(address, tag, Box::new(packet)).await;
            sent.expect("a simulated socket does not fail");
        });
    }

    /// The socket that a packet is for, and where its node's tasks run; it is lost when there is none.
    fn receiver_of(&self, packet: &Packet<P>) -> Option<(Endpoint, TaskNode)> {
        let mut state = self.state();
        let receiver = state.machine(packet.to);
        let is_connected = packet.life.is_none_or(|life| life == receiver.life);
        let found = receiver.endpoint.clone().zip(receiver.tasks);
        let found = found.filter(|_| is_connected);
        if found.is_none() {
            state.wire.forget(packet);
        }
        found
    }

    async fn receive(self: Arc<Self>, socket: Endpoint, tag: u64) {
        if let Ok((packet, _)) = socket.recv_from_raw(tag).await {
            let packet = packet.downcast::<Packet<P>>();
            let packet = packet.expect("nobody else sends by this tag");
            let (due, flight, to) = (packet.due, packet.flight, packet.to);
            let machine = &mut self.state().machines[to.index()];
            machine.put_packet((due, flight), *packet);
        }
    }
}

/// A running cluster.
pub struct Cluster<P: Process> {
    pub(crate) shared: Arc<Shared<P>>,
}

impl<P: Process> Cluster<P> {
    /// Starts all nodes. Must be called within madsim's runtime; virtual time begins when it returns.
    pub async fn start(spec: ClusterSpec<P>) -> Self {
        let handle = Handle::current();
        let machines = spec.nodes.into_iter();
        let machines: Vec<_> = machines.map(|node| Machine::new(spec.seed, node)).collect();
        let count = machines.len();
        let shared = Arc::new(Shared {
            time: Time::new(),
            wire_node: handle
                .create_node()
                .name("wire")
                .ip(Ipv4Addr::new(10, 255, 255, 255).into())
                .build(),
            handle,
            state: Mutex::new(State {
                machines,
                wire: Wire::new(spec.seed, spec.network),
                faults: Vec::new(),
                fault_count: 0,
                bound: 0,
                booted: 0,
                answers: VecDeque::new(),
                notes: Vec::new(),
                request_count: 0,
                events: 0,
                fingerprint: 0,
            }),
            news: Notify::new(),
            all_bound: Notify::new(),
        });
        for index in 0..count {
            let (node, shared) = (NodeId(index as u32), Arc::clone(&shared));
            let name = shared.state().machine(node).spec.name.clone();
            let ip = Shared::<P>::address(node, 0).ip();
            let lives = Arc::clone(&shared);
            let tasks = shared.handle.create_node().name(name).ip(ip);
            let tasks = tasks.init(move || live(Arc::clone(&lives), node)).build();
            shared.state().machine(node).tasks = Some(tasks.id());
        }
        while shared.state().bound < count {
            madsim::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        shared.time.begin();
        shared.all_bound.notify_waiters();
        // Nodes boot before anything else happens, as in the world.
        while shared.state().booted < count {
            shared.time.sleep_until(shared.time.now() + POLL).await;
        }
        Self { shared }
    }

    /// Virtual time.
    pub fn now(&self) -> Instant {
        self.shared.time.now()
    }

    /// Waits until `at`, or until an answer has come.
    pub async fn wait(&self, at: Instant) {
        if self.shared.state().answers.is_empty() {
            let news = pin!(self.shared.news.notified());
            select(pin!(self.shared.time.sleep_until(at)), news).await;
        }
    }

    /// Waits until `at`, whatever comes.
    pub async fn run_until(&self, at: Instant) {
        self.shared.time.sleep_until(at).await;
    }

    /// A user asks `node` now. One that is down refuses at once; one that crashes first leaves the outcome unknown.
    ///
    /// # Panics
    /// When there is no such node.
    pub fn ask(&self, node: NodeId, request: P::Request) -> RequestId {
        let now = self.now();
        let mut state = self.shared.state();
        state.request_count += 1;
        let id = RequestId(state.request_count);
        state.happened("ask", node, now);
        let machine = state.machine(node);
        if machine.process.is_some() {
            machine.open.push(id);
            machine.put(now, Item::Request(id, request));
        } else {
            state.answer(id, now, Machine::<P>::refusal());
            self.shared.news.notify_one();
        }
        id
    }

    /// The answers that have come since this was last called, in their order.
    pub fn take_answers(&self) -> Vec<Answer<P::Reply>> {
        self.shared.state().answers.drain(..).collect()
    }

    /// The notes that nodes have made since this was last called, in their order.
    pub fn take_notes(&self) -> Vec<Noted<P::Note>> {
        std::mem::take(&mut self.shared.state().notes)
    }

    /// Begins a fault. The error names what has no meaning here, or why it makes no sense.
    pub fn inject(&self, fault: &Fault) -> Result<FaultId, String> {
        self.shared.inject(fault)
    }

    /// Ends a fault.
    pub fn lift(&self, fault: FaultId) -> Result<(), String> {
        self.shared.lift(fault)
    }

    /// Why a node stopped itself, while it is down for that.
    pub fn halted(&self, node: NodeId) -> Option<String> {
        self.shared.state().machine(node).halted.clone()
    }

    /// Starts a node anew that has stopped itself.
    pub fn restart(&self, node: NodeId) {
        self.shared.restart(node);
    }

    /// Shows a node's program (`None`: it is down) and its disk.
    pub fn look<T>(&self, node: NodeId, look: impl FnOnce(Option<&mut P>, &mut SimDisk) -> T) -> T {
        let mut state = self.shared.state();
        let machine = state.machine(node);
        look(machine.process.as_mut(), &mut machine.disk)
    }

    /// How many things have happened (handlers, sends, answers, deaths), and a number that differs when any of them does.
    pub fn fingerprint(&self) -> (u64, u64) {
        let state = self.shared.state();
        (state.events, state.fingerprint)
    }
}

/// Runs `task` in a runtime of madsim's, on a thread of its own: the order of hash maps, madsim's included, differs at a
/// second run in one thread. `seed` is for madsim's dice. The error is what a panic said.
pub fn on_fresh_thread<T, F>(
    seed: u64,
    task: impl FnOnce() -> F + Send + 'static,
) -> Result<T, String>
where
    T: Send + 'static,
    F: Future<Output = T>,
{
    let run = move || {
        let mut config = madsim::Config::default();
        // The wire knows how long messages take.
        let nanosecond = std::time::Duration::from_nanos(1);
        config.net.send_latency = std::time::Duration::ZERO..nanosecond;
        let runtime = Runtime::with_seed_and_config(seed, config);
        runtime.block_on(task())
    };
    std::thread::spawn(run).join().map_err(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        format!(
            "a program has a bug; it panicked: {}",
            text.unwrap_or_default()
        )
    })
}
