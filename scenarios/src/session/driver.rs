//! The workload: which client begins which operation when, and what else the scenario does to the world.
//!
//! The driver knows what comes next and who is free; it touches neither world nor history. Loads draw from streams of
//! their own (`load/NAME/arrivals`, `…/keys`, `…/mix`, `…/clients`), so that one load does not shift another.

use std::collections::VecDeque;
use std::sync::Arc;

use seedbed_sim::{Distribution, FaultId, Instant, NodeId, Seed, Span, Stream};

use super::agenda::Agenda;
use crate::file::model::{Action, Arrivals, KeyDistribution, Load, Scenario, Spacing, When};
use crate::history::{Function, ProcessId};
use crate::workload::{Chooser, Popularity};

/// How many operations of one load, or of one client, may wait for a free client. An arrival that finds the queue full
/// is turned away and counted.
const WAITING_MAX: usize = 65_536;
/// A closed client whose operation took no time was refused where it asked: its own node is down. It waits for so long
/// before it asks again, or time would stand still.
const REFUSED_PAUSE: Span = Span::from_millis(1);

/// Something that the scenario does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Planned {
    /// A scripted step is meant to begin.
    Step(usize),
    /// The next operation of an open load arrives.
    Arrival(usize),
    /// A client looks for its next operation.
    Turn(usize),
    /// A fault of the scenario begins, by its place in the list of faults.
    FaultBegins(usize),
    /// And ends.
    FaultEnds(usize),
    /// The scenario's own run is over: no operation begins any more, faults are lifted.
    EndOfRun,
    /// Healing: a fault is lifted.
    Heal(FaultId),
    /// Healing: a replica that stopped itself is started again.
    Revive(NodeId),
    /// Settling has taken too long.
    GiveUp,
}

/// An operation that is meant to begin.
#[derive(Clone, Debug)]
pub(super) struct Intent {
    pub(super) intended_at: Instant,
    pub(super) key: Arc<str>,
    pub(super) function: Function,
    pub(super) replica: Option<NodeId>,
    /// The scripted step it is, if it is one.
    pub(super) step: Option<usize>,
    /// What asks for it, by name.
    pub(super) load: Arc<str>,
}

#[derive(Clone, Debug)]
pub(super) struct ClientState {
    pub(super) process: ProcessId,
    /// How many requests it has made.
    pub(super) requests: u64,
    /// Whether an operation is open, and the scripted step that it is.
    open: Option<Option<usize>>,
    /// When the last one began.
    begun_at: Instant,
    waiting: VecDeque<Intent>,
}

#[derive(Clone, Debug)]
struct LoadState {
    name: Arc<str>,
    arrivals: Stream,
    keys: Stream,
    mix: Stream,
    clients: Stream,
    chooser: Chooser,
    /// Operations that have arrived (open) or begun (closed).
    count: u64,
    waiting: VecDeque<Intent>,
}

/// The position of a workload. Cloning it is cheap while queues are short.
#[derive(Clone, Debug)]
pub(super) struct Driver {
    agenda: Agenda<Planned>,
    clients: Vec<ClientState>,
    loads: Vec<LoadState>,
    processes: u32,
    script: Arc<str>,
    turned_away: u64,
    too_late: u64,
    steps_come: u64,
}

impl Driver {
    pub(super) fn new(scenario: &Scenario, seed: Seed) -> Self {
        let client = |index: usize| ClientState {
            process: ProcessId(index as u32),
            requests: 0,
            open: None,
            begun_at: Instant::ZERO,
            waiting: VecDeque::new(),
        };
        let mut driver = Self {
            agenda: Agenda::new(),
            clients: (0..scenario.clients.len()).map(client).collect(),
            loads: scenario
                .loads
                .iter()
                .map(|load| new_load(load, seed))
                .collect(),
            processes: scenario.clients.len() as u32,
            script: "script".into(),
            turned_away: 0,
            too_late: 0,
            steps_come: 0,
        };
        driver.plan_everything(scenario);
        driver.agenda.share();
        driver
    }

    fn plan_everything(&mut self, scenario: &Scenario) {
        let flat = scenario
            .faults
            .iter()
            .flat_map(|timed| timed.faults.iter().map(move |_| timed));
        for (index, timed) in flat.enumerate() {
            self.plan(Instant::ZERO + timed.at, Planned::FaultBegins(index));
            if let Some(until) = timed.until {
                self.plan(Instant::ZERO + until, Planned::FaultEnds(index));
            }
        }
        for (index, step) in scenario.steps.iter().enumerate() {
            if let When::At(at) = step.when {
                self.plan(Instant::ZERO + at, Planned::Step(index));
            }
        }
        for (index, load) in scenario.loads.iter().enumerate() {
            match load.arrivals {
                Arrivals::Open { .. } => self.plan_arrival(index, load, Instant::ZERO + load.start),
                Arrivals::Closed { .. } => {
                    for client in load.clients.clone() {
                        self.plan(Instant::ZERO + load.start, Planned::Turn(client));
                    }
                }
            }
        }
        self.plan(Instant::ZERO + scenario.duration, Planned::EndOfRun);
    }

    pub(super) fn plan(&mut self, at: Instant, planned: Planned) {
        self.agenda.plan(at, planned);
    }

    /// When the next thing is planned.
    pub(super) fn next_at(&self) -> Option<Instant> {
        self.agenda.next_at()
    }

    pub(super) fn pop(&mut self) -> Option<(Instant, Planned)> {
        self.agenda.pop()
    }

    /// Forgets everything that is planned or waits: the scenario's own run is over.
    pub(super) fn stop(&mut self) {
        let waiting = self.clients.iter().map(|client| client.waiting.len());
        let queued = self.loads.iter().map(|load| load.waiting.len());
        self.too_late += waiting.chain(queued).sum::<usize>() as u64;
        self.agenda.clear();
        self.clients
            .iter_mut()
            .for_each(|client| client.waiting.clear());
        self.loads.iter_mut().for_each(|load| load.waiting.clear());
    }

    /// What was meant to begin and never did, in words.
    pub(super) fn never_begun(&self, scenario: &Scenario) -> Vec<String> {
        let steps = scenario.steps.len() as u64 - self.steps_come;
        let told = [
            (
                self.turned_away,
                "operations never began: all clients were busy and the queue was full",
            ),
            (
                self.too_late,
                "operations never began: they still waited for a free client when the run was over; latencies leave them out",
            ),
            (
                steps,
                "scripted steps never began: the run was over before their time came",
            ),
        ];
        let told = told.into_iter().filter(|(count, _)| *count > 0);
        told.map(|(count, what)| format!("{count} {what}"))
            .collect()
    }

    /// A scripted step is due: which client begins it, unless that one is busy and it has to wait.
    pub(super) fn step_due(
        &mut self,
        scenario: &Scenario,
        index: usize,
        now: Instant,
    ) -> Option<(usize, Intent)> {
        self.steps_come += 1;
        let step = &scenario.steps[index];
        let function = match &step.action {
            Action::Get => Function::Read,
            Action::Put(value) => Function::Write(value.as_str().into()),
            Action::Delete => Function::Delete,
        };
        let intent = Intent {
            intended_at: now,
            key: step.key.as_str().into(),
            function,
            replica: step.replica,
            step: Some(index),
            load: Arc::clone(&self.script),
        };
        let client = step.client.index() - scenario.replicas.len();
        self.begin_or_wait(client, intent)
    }

    /// An operation of an open load arrives: which client begins it, unless all are busy and it has to wait.
    pub(super) fn arrival_due(
        &mut self,
        scenario: &Scenario,
        index: usize,
        now: Instant,
    ) -> Option<(usize, Intent)> {
        let load = &scenario.loads[index];
        let intent = self.draw(index, load, now);
        self.plan_arrival(index, load, now);
        let free: Vec<usize> = load
            .clients
            .clone()
            .filter(|client| self.clients[*client].open.is_none())
            .collect();
        let state = &mut self.loads[index];
        if let Some(client) = state.clients.pick(&free) {
            return Some((*client, intent));
        }
        if state.waiting.len() < WAITING_MAX {
            state.waiting.push_back(intent);
        } else {
            self.turned_away += 1;
        }
        None
    }

    /// A client looks for its next operation: what it begins, if anything.
    pub(super) fn turn_due(
        &mut self,
        scenario: &Scenario,
        client: usize,
        now: Instant,
    ) -> Option<Intent> {
        if self.clients[client].open.is_some() {
            return None;
        }
        if let Some(intent) = self.clients[client].waiting.pop_front() {
            return Some(intent);
        }
        let index = scenario.clients[client].load?;
        let load = &scenario.loads[index];
        match load.arrivals {
            Arrivals::Open { .. } => self.loads[index].waiting.pop_front(),
            Arrivals::Closed { .. } if self.may_go_on(index, load, now) => {
                Some(self.draw(index, load, now))
            }
            Arrivals::Closed { .. } => None,
        }
    }

    /// A client has begun an operation.
    pub(super) fn begun(
        &mut self,
        client: usize,
        step: Option<usize>,
        now: Instant,
    ) -> &mut ClientState {
        let client = &mut self.clients[client];
        client.open = Some(step);
        client.begun_at = now;
        client.requests += 1;
        client
    }

    /// The process that a client's next operation belongs to, and how many requests it has made.
    pub(super) fn client(&self, client: usize) -> &ClientState {
        &self.clients[client]
    }

    /// A client's operation has ended; what follows from that is planned. An operation whose outcome nobody knows may
    /// be going on, so its process ends with it and the client goes on as a new one.
    pub(super) fn ended(
        &mut self,
        (scenario, successors): (&Scenario, &[Vec<usize>]),
        client: usize,
        outcome_known: bool,
        now: Instant,
    ) {
        if !outcome_known {
            self.clients[client].process = ProcessId(self.processes);
            self.processes += 1;
        }
        let open = self.clients[client].open.take();
        let step = open.expect("an operation that ends was begun");
        for successor in step.into_iter().flat_map(|step| &successors[step]) {
            if let When::After { delay, .. } = scenario.steps[*successor].when {
                self.plan(now + delay, Planned::Step(*successor));
            }
        }
        let closed = scenario.clients[client]
            .load
            .map(|load| &scenario.loads[load].arrivals);
        match closed {
            Some(Arrivals::Closed { think }) => {
                let refused = self.clients[client].begun_at == now;
                let pause = if refused { REFUSED_PAUSE } else { Span::ZERO };
                self.plan(now + pause.max(*think), Planned::Turn(client));
            }
            _ if self.has_waiting(scenario, client) => self.plan(now, Planned::Turn(client)),
            _ => {}
        }
    }

    fn has_waiting(&self, scenario: &Scenario, client: usize) -> bool {
        let load = scenario.clients[client].load;
        !self.clients[client].waiting.is_empty()
            || load.is_some_and(|load| !self.loads[load].waiting.is_empty())
    }

    fn begin_or_wait(&mut self, client: usize, intent: Intent) -> Option<(usize, Intent)> {
        let state = &mut self.clients[client];
        if state.open.is_none() && state.waiting.is_empty() {
            return Some((client, intent));
        }
        // Files bound the number of steps, so this queue is bounded too.
        state.waiting.push_back(intent);
        None
    }

    fn may_go_on(&self, index: usize, load: &Load, at: Instant) -> bool {
        at < Instant::ZERO + load.end && self.loads[index].count < load.operations
    }

    fn plan_arrival(&mut self, index: usize, load: &Load, after: Instant) {
        let Arrivals::Open {
            rate_per_second,
            spacing,
        } = load.arrivals
        else {
            return;
        };
        let state = &mut self.loads[index];
        let gap = Span::from_nanos(1_000_000_000 / u64::from(rate_per_second));
        let at = match spacing {
            // From the beginning, so that a rate that does not divide a second does not drift.
            Spacing::Even => {
                let nanos = u128::from(state.count) * 1_000_000_000 / u128::from(rate_per_second);
                Instant::ZERO
                    + load.start
                    + Span::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
            }
            Spacing::Exponential => {
                let gaps = Distribution::exponential(gap)
                    .expect("a rate of at least 1 and at most a billion");
                after + state.arrivals.sample(&gaps)
            }
        };
        if self.may_go_on(index, load, at) {
            self.plan(at, Planned::Arrival(index));
        }
    }

    /// The next operation of a load.
    fn draw(&mut self, index: usize, load: &Load, now: Instant) -> Intent {
        let state = &mut self.loads[index];
        let number = state.count;
        state.count += 1;
        let count = u64::from(load.keys.count);
        let key = state.chooser.pick(count, &mut state.keys);
        let chance = state.mix.below(100);
        let (reads, deletes) = (
            u64::from(load.reads_percent),
            u64::from(load.deletes_percent),
        );
        let function = match chance {
            chance if chance < reads => Function::Read,
            chance if chance < reads + deletes => Function::Delete,
            _ => Function::Write(unique_value(&load.name, number, load.value_bytes).into()),
        };
        Intent {
            intended_at: now,
            key: format!("{}{key}", load.keys.prefix).into(),
            function,
            replica: None,
            step: None,
            load: Arc::clone(&state.name),
        }
    }
}

/// A value that no other operation writes, filled up to `length` bytes.
fn unique_value(load: &str, number: u64, length: u32) -> Arc<str> {
    let name = format!("{load}-{number}");
    format!("{name:.<width$}", width = length as usize).into()
}

fn new_load(load: &Load, seed: Seed) -> LoadState {
    let stream = |of: &str| Stream::named(seed, &format!("load/{}/{of}", load.name));
    let popularity = match load.keys.distribution {
        KeyDistribution::Uniform => Popularity::Uniform,
        KeyDistribution::Zipf { exponent } => Popularity::Zipf { exponent },
    };
    let chooser = Chooser::new(popularity, u64::from(load.keys.count));
    LoadState {
        name: load.name.as_str().into(),
        arrivals: stream("arrivals"),
        keys: stream("keys"),
        mix: stream("mix"),
        clients: stream("clients"),
        chooser: chooser.expect("scenario files check exponents"),
        count: 0,
        waiting: VecDeque::new(),
    }
}
