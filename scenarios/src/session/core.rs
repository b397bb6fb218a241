//! One run at one moment: what a checkpoint keeps. Everything in it is small, or shared with its forks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use seedbed_protocols::kv;
use seedbed_sim::{
    ChunkedVec, EventId, Fault, FaultError, FaultId, Instant, Kind, NodeId, NodeState, Observer,
    Outcome, PartitionShape, Record, RecordKind, RequestId, Seed, Span, TraceLevel, World,
    lockstep::Heard,
};

use super::driver::{Driver, Intent, Planned};
use super::lag::{LagLog, are_at_rest};
use super::operations::{Answer, Asked, Operations, due};
use super::protocol::{Hosted, build_world};
use super::{Injection, see, words};
use crate::checkers::{Ladder, News, Verdict, Witness};
use crate::file::model::{Scenario, TimedFault, When};
use crate::history::{History, OperationId};
use crate::measures::Loss;
use crate::nemesis;
use crate::view::AnomalyView;

/// What does not change in a run.
#[derive(Debug)]
pub(super) struct Plan {
    /// The scenario's name in the catalog, or its file.
    pub(super) name: String,
    /// With what its nemeses do on the timeline, and without them.
    pub(super) scenario: Scenario,
    /// What the nemeses do in this run.
    pub(super) nemeses: Vec<nemesis::Drawn>,
    pub(super) seed: Seed,
    /// The nodes' names, in the order of their ids.
    pub(super) names: Vec<String>,
    /// The same, for histories.
    pub(super) shared_names: Vec<Arc<str>>,
    /// The clients' users.
    pub(super) users: Vec<Arc<str>>,
    /// What the clients' requests are named by.
    pub(super) paths: Vec<String>,
    /// By scripted step: the steps that wait for it.
    pub(super) successors: Vec<Vec<usize>>,
    pub(super) trace: TraceLevel,
    /// Whether what becomes of each message is written down.
    pub(super) logs_messages: bool,
}

impl Plan {
    pub(super) fn new(name: String, scenario: Scenario, seed: Seed, trace: TraceLevel) -> Self {
        let nemeses = nemesis::draw(&scenario, seed);
        let scenario = nemesis::made_explicit(scenario, &nemeses);
        let names: Vec<String> = scenario
            .node_ids()
            .map(|id| scenario.name(id).to_owned())
            .collect();
        Self {
            shared_names: names.iter().map(|name| Arc::from(name.as_str())).collect(),
            users: scenario
                .clients
                .iter()
                .map(|client| client.user.as_str().into())
                .collect(),
            paths: scenario
                .clients
                .iter()
                .map(|client| format!("client/{}", client.name))
                .collect(),
            successors: successors(&scenario),
            name,
            scenario,
            nemeses,
            seed,
            names,
            trace,
            logs_messages: false,
        }
    }

    fn replica_count(&self) -> usize {
        self.scenario.replicas.len()
    }
}

/// The steps that wait for each step.
fn successors(scenario: &Scenario) -> Vec<Vec<usize>> {
    let mut successors = vec![Vec::new(); scenario.steps.len()];
    for (index, step) in scenario.steps.iter().enumerate() {
        if let When::After { step: awaited, .. } = step.when {
            successors[awaited].push(index);
        }
    }
    successors
}

/// A fault of the run, from the scenario or from a person.
#[derive(Clone, Debug)]
pub(super) struct FaultEntry {
    /// `None` while it has not begun.
    pub(super) id: Option<FaultId>,
    pub(super) fault: Fault,
    pub(super) from: Instant,
    pub(super) to: Option<Instant>,
    pub(super) active: bool,
    /// Why the world would not let it begin, if so: with what a person has done it makes no sense.
    pub(super) refused: Option<String>,
}

impl FaultEntry {
    /// The faults of a scenario, none of which has begun.
    pub(super) fn all(scenario: &Scenario) -> Vec<Self> {
        let entry = |timed: &TimedFault, fault: &Fault| Self {
            id: None,
            fault: fault.clone(),
            from: Instant::ZERO + timed.at,
            to: timed.until.map(|until| Instant::ZERO + until),
            active: false,
            refused: None,
        };
        let faults = scenario.faults.iter();
        faults
            .flat_map(|timed| timed.faults.iter().map(move |one| entry(timed, one)))
            .collect()
    }
}

/// How far a run has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Within the scenario's duration.
    Running,
    /// Faults are lifted; replication comes to rest.
    Settling,
    /// Nothing happens any more.
    Over(Ending),
}

/// Why a run is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// All replicas are up and hold the same log, and no operation is open.
    Settled,
    /// They did not come so far in the time that the scenario allows; why.
    Unsettled(String),
    /// A million events happened at one instant.
    TimeStandsStill,
    /// A program has a bug: it panicked.
    Panicked(String),
}

/// What the world said during one step.
struct Sink<P: Hosted> {
    replies: Vec<(EventId, Instant, RequestId, Outcome<kv::Reply>)>,
    touched: Vec<NodeId>,
    /// Only where the whole trace is kept.
    details: Option<Details<P::Note>>,
    /// Every event, where somebody wants to hear them.
    heard: Option<Vec<Heard>>,
}

/// What is kept beside the records of a whole trace.
struct Details<N> {
    notes: Vec<(EventId, N)>,
    /// How long handlers took, if they took any time.
    took: Vec<(EventId, Span)>,
    /// Messages that began to wait in an inbox: the event of their sending, and when.
    waits: Vec<(EventId, Instant)>,
    /// Messages that were handled or lost: the event of their sending, and that of their end.
    out: Vec<(EventId, EventId)>,
}

impl<P: Hosted> Observer<P> for Sink<P> {
    fn on_record(&mut self, event: EventId, record: &Record, kind: Kind) {
        if self.touched.last() != Some(&record.node) {
            self.touched.push(record.node);
        }
        if let Some(details) = &mut self.details
            && matches!(record.kind, RecordKind::Deliver | RecordKind::Drop)
        {
            details.out.push((record.cause, event));
        }
        if let Some(heard) = &mut self.heard {
            heard.push(Heard {
                event,
                record: *record,
                kind,
                hash: 0,
            });
        }
    }
    fn on_hash(&mut self, _: EventId, hash: u64) {
        if let Some(last) = self.heard.as_mut().and_then(|heard| heard.last_mut()) {
            last.hash = hash;
        }
    }
    fn on_wait(&mut self, _: NodeId, cause: EventId, at: Instant) {
        if let Some(details) = &mut self.details {
            details.waits.push((cause, at));
        }
    }
    fn on_handled(&mut self, event: EventId, _: NodeId, at: Instant, ends_at: Instant) {
        if let Some(details) = &mut self.details
            && ends_at > at
        {
            details.took.push((event, ends_at.since(at)));
        }
    }
    fn on_reply(
        &mut self,
        event: EventId,
        at: Instant,
        request: RequestId,
        outcome: Outcome<kv::Reply>,
    ) {
        self.replies.push((event, at, request, outcome));
    }
    fn on_note(&mut self, event: EventId, _: Instant, _: NodeId, note: &P::Note) {
        if let Some(details) = &mut self.details {
            details.notes.push((event, note.clone()));
        }
    }
}

/// A run at one moment.
#[derive(Clone)]
pub(super) struct Core<P: Hosted> {
    pub(super) world: World<P>,
    driver: Driver,
    pub(super) step: u64,
    /// Whether time has passed since the last step: all that was due up to now turned out to be nothing.
    pub(super) waited: bool,
    pub(super) phase: Phase,
    pub(super) history: History,
    pub(super) ladder: Ladder,
    /// As views show them: made once, and shared.
    pub(super) anomalies: ChunkedVec<Arc<AnomalyView>>,
    /// Those of them, by their numbers, that later events explained.
    pub(super) withdrawn: Arc<BTreeSet<usize>>,
    /// The operations that their witnesses name.
    pub(super) in_witness: Arc<BTreeSet<OperationId>>,
    /// What all checks say of a run that is over.
    pub(super) final_verdicts: Option<Arc<Vec<Verdict>>>,
    /// How many acknowledged updates are gone in the end, where that can be measured.
    pub(super) loss: Option<Loss>,
    pub(super) lag: LagLog,
    pub(super) faults: Vec<FaultEntry>,
    /// Notes in words, kept when the whole trace is.
    pub(super) notes: ChunkedVec<(EventId, Arc<str>)>,
    /// How long handlers took, by the event that called them, where they took any time; kept when the whole trace is.
    pub(super) took: ChunkedVec<(EventId, Span)>,
    /// When messages that had to wait arrived, by the event of their end; kept when the whole trace is.
    pub(super) arrived: ChunkedVec<(EventId, Instant)>,
    /// When those arrived that wait still, by the event of their sending.
    waiting: BTreeMap<EventId, Instant>,
    open: Operations,
}

impl<P: Hosted> Core<P> {
    pub(super) fn new(plan: &Plan, planted: P::Planted) -> Self {
        let scenario = &plan.scenario;
        let mut world = build_world(scenario, plan.seed, plan.trace, planted);
        if plan.logs_messages {
            world.log_messages();
        }
        Self {
            world,
            driver: Driver::new(scenario, plan.seed),
            step: 0,
            waited: false,
            phase: Phase::Running,
            history: History::new(),
            ladder: ladder(scenario),
            anomalies: ChunkedVec::default(),
            withdrawn: Arc::default(),
            in_witness: Arc::default(),
            final_verdicts: None,
            loss: None,
            lag: LagLog::new(plan.replica_count()),
            faults: FaultEntry::all(scenario),
            notes: ChunkedVec::default(),
            took: ChunkedVec::default(),
            arrived: ChunkedVec::default(),
            waiting: BTreeMap::new(),
            open: Operations::default(),
        }
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Over(_))
    }

    /// What was meant to begin and never did, in words.
    pub(super) fn never_begun(&self, plan: &Plan) -> Vec<String> {
        self.driver.never_begun(&plan.scenario)
    }

    /// Takes the next step, if it comes at or before `until`: what the scenario planned comes before what the world has in
    /// store for the same instant. `false` when there is none; what was due and turned out to be nothing is gone then.
    pub(super) fn step(&mut self, plan: &Plan, until: Instant) -> bool {
        self.step_hearing(plan, until, &mut None)
    }

    /// As [`step`](Self::step), and adds the step's events to a list, where there is one.
    pub(super) fn step_hearing(
        &mut self,
        plan: &Plan,
        until: Instant,
        heard: &mut Option<Vec<Heard>>,
    ) -> bool {
        let mut sink = self.sink(plan);
        sink.heard = heard.take();
        while !self.is_over() {
            // The end of the run, or of settling, is always planned.
            let planned_at = self
                .driver
                .next_at()
                .expect("a run that is not over has an end planned");
            let world_at = self.world.next_event_at().filter(|at| *at < planned_at);
            if planned_at.min(world_at.unwrap_or(planned_at)) > until {
                break;
            }
            let is_step = if world_at.is_some() {
                // It may turn out to be nothing, and then what was planned may come first after all.
                let before_planned = planned_at - Span::from_nanos(1);
                self.world.step(before_planned.min(until), &mut sink)
            } else {
                let (at, planned) = self.driver.pop().expect("it is planned");
                self.world.advance_to(at);
                self.perform(plan, planned, &mut sink)
            };
            if !is_step {
                continue;
            }
            *heard = sink.heard.take();
            self.count_step();
            self.hear(plan, sink);
            if self.world.time_stands_still() {
                self.end(plan, Ending::TimeStandsStill);
            } else if self.phase == Phase::Settling && self.has_settled() {
                self.end(plan, Ending::Settled);
            }
            return true;
        }
        *heard = sink.heard;
        false
    }

    /// Lets time pass up to `until`, when no step is left up to then.
    pub(super) fn wait_until(&mut self, plan: &Plan, until: Instant) {
        let stepped = self.step(plan, until);
        assert!(!stepped, "a step came while waiting for {until}");
        if !self.is_over() && until >= self.world.now() {
            self.world.advance_to(until);
            self.waited = true;
        }
    }

    fn count_step(&mut self) {
        self.step += 1;
        self.waited = false;
    }

    /// A person does something to the run; it counts as a step.
    pub(super) fn inject(&mut self, plan: &Plan, injection: &Injection) -> Result<FaultId, String> {
        let mut sink = self.sink(plan);
        let id = match injection {
            Injection::Inject(fault) => self.begin_fault(plan, fault.clone(), &mut sink)?,
            Injection::Lift(id) => {
                self.lift_fault(*id, &mut sink)?;
                *id
            }
        };
        self.count_step();
        self.hear(plan, sink);
        Ok(id)
    }

    fn sink(&self, plan: &Plan) -> Sink<P> {
        let details = || Details {
            notes: Vec::new(),
            took: Vec::new(),
            waits: Vec::new(),
            out: Vec::new(),
        };
        Sink {
            replies: Vec::new(),
            touched: Vec::new(),
            details: (plan.trace == TraceLevel::Full).then(details),
            heard: None,
        }
    }

    /// Does what the scenario planned; `false` when there was nothing to do.
    fn perform(&mut self, plan: &Plan, planned: Planned, sink: &mut Sink<P>) -> bool {
        let now = self.world.now();
        match planned {
            Planned::Step(_) | Planned::Arrival(_) | Planned::Turn(_) => {
                match due(&mut self.driver, plan, planned, now) {
                    Some(begins) => self.begin(plan, begins, sink),
                    None => return false,
                }
            }
            Planned::FaultBegins(index) => {
                let fault = self.faults[index].fault.clone();
                let begun = self.inject_now(plan, fault, sink);
                let entry = &mut self.faults[index];
                match begun {
                    Ok((id, fault)) => {
                        (entry.id, entry.active, entry.fault) = (Some(id), true, fault);
                    }
                    // By itself it makes sense, or the file would have been refused.
                    Err(error) => {
                        entry.refused = Some(error.to_string());
                        return false;
                    }
                }
            }
            Planned::FaultEnds(index) => {
                // A person may have lifted it already.
                let Some(id) = self.faults[index].id.filter(|_| self.faults[index].active) else {
                    return false;
                };
                self.lift_fault(id, sink).expect("it is active");
            }
            Planned::EndOfRun => {
                self.heal(plan);
                return false;
            }
            // A person may have lifted it, or started the node, in the middle of the healing.
            Planned::Heal(id) => return self.lift_fault(id, sink).is_ok(),
            Planned::Revive(node) if self.world.halt_reason(node).is_none() => return false,
            Planned::Revive(node) => {
                // A restart is a crash that is over at once.
                let id = self
                    .world
                    .inject(Fault::Crash { node }, sink)
                    .expect("it is a node of this world");
                self.world.lift(id, sink).expect("it was injected just now");
            }
            Planned::GiveUp if self.has_settled() => {
                self.end(plan, Ending::Settled);
                return false;
            }
            Planned::GiveUp => {
                let reason = self.why_unsettled(plan);
                self.end(plan, Ending::Unsettled(reason));
                return false;
            }
        }
        true
    }

    /// The scenario's own run is over: plans the end of every fault, and that of settling.
    fn heal(&mut self, plan: &Plan) {
        let now = self.world.now();
        self.phase = Phase::Settling;
        self.driver.stop();
        for entry in self.faults.iter().filter(|entry| entry.active) {
            self.driver.plan(
                now,
                Planned::Heal(entry.id.expect("an active fault has begun")),
            );
        }
        for id in plan
            .scenario
            .node_ids()
            .filter(|id| self.world.halt_reason(*id).is_some())
        {
            self.driver.plan(now, Planned::Revive(id));
        }
        self.driver
            .plan(now + plan.scenario.settle, Planned::GiveUp);
    }

    /// Lets a fault hold, and says which one it has become: who leads is known here, and the world works out the rest.
    fn inject_now(
        &mut self,
        plan: &Plan,
        fault: Fault,
        sink: &mut Sink<P>,
    ) -> Result<(FaultId, Fault), FaultError> {
        let fault = if let Fault::PartitionShape {
            shape: PartitionShape::Chosen,
            ..
        } = fault
        {
            let leads = |id: &NodeId| {
                let process = self.world.process(*id);
                process.is_some_and(|process| {
                    process.status().role == seedbed_protocols::inspect::Role::Leader
                })
            };
            let leaders: Vec<NodeId> = plan.scenario.node_ids().filter(leads).collect();
            fault.resolve(plan.seed, 0, &leaders)?
        } else {
            fault
        };
        let id = self.world.inject(fault, sink)?;
        let active = self.world.faults().last().expect("it holds now");
        Ok((id, active.fault.clone()))
    }

    fn begin_fault(
        &mut self,
        plan: &Plan,
        fault: Fault,
        sink: &mut Sink<P>,
    ) -> Result<FaultId, String> {
        let begun = self.inject_now(plan, fault, sink);
        let (id, fault) = begun.map_err(|error| error.to_string())?;
        let from = self.world.now();
        self.faults.push(FaultEntry {
            id: Some(id),
            fault,
            from,
            to: None,
            active: true,
            refused: None,
        });
        Ok(id)
    }

    fn lift_fault(&mut self, id: FaultId, sink: &mut Sink<P>) -> Result<(), String> {
        self.world
            .lift(id, sink)
            .map_err(|error| error.to_string())?;
        let now = self.world.now();
        for entry in self.faults.iter_mut().filter(|entry| entry.id == Some(id)) {
            (entry.to, entry.active) = (Some(now), false);
        }
        Ok(())
    }

    /// A client begins an operation.
    fn begin(&mut self, plan: &Plan, begins: (usize, Intent), sink: &mut Sink<P>) {
        let Self {
            world,
            driver,
            history,
            open,
            ..
        } = self;
        open.begin(plan, (driver, history), begins, |ask| {
            let (request, by) = world.invoke(ask.node, ask.request, ask.path, sink);
            let at = world.now();
            Asked { request, at, by }
        });
    }

    /// Takes in what the world said during a step.
    fn hear(&mut self, plan: &Plan, sink: Sink<P>) {
        let now = self.world.now();
        for node in sink
            .touched
            .into_iter()
            .filter(|node| node.index() < plan.replica_count())
        {
            let positions = self
                .world
                .process(node)
                .and_then(seedbed_protocols::inspect::Inspect::positions);
            self.lag.observe(node.index(), now, positions);
        }
        if let Some(details) = sink.details {
            self.keep(plan, details);
        }
        for (by, at, request, outcome) in sink.replies {
            let goes_on = self.phase == Phase::Running;
            let answer = Answer {
                request,
                outcome,
                at,
                by,
            };
            let books = (&mut self.driver, &mut self.history);
            self.open.complete(plan, books, answer, goes_on);
        }
        if self.ladder.next() < self.history.end() {
            let mut news = Vec::new();
            self.ladder.observe(&self.history, &mut news);
            for it in news {
                self.take_news(it, now);
            }
        }
    }

    fn take_news(&mut self, news: News, now: Instant) {
        match news {
            News::Fell(anomaly) => {
                Arc::make_mut(&mut self.in_witness).extend(&anomaly.witness.operations);
                let view = anomaly_view(
                    anomaly.terms.label(anomaly.check),
                    anomaly.witness,
                    now,
                    self.step,
                );
                self.anomalies.push(Arc::new(view));
            }
            News::Withdrawn(check) => {
                let all = self.anomalies.iter().enumerate();
                let of_check = all.filter(|(_, anomaly)| anomaly.guarantee == check);
                let numbers: Vec<usize> = of_check.map(|(number, _)| number).collect();
                Arc::make_mut(&mut self.withdrawn).extend(numbers);
            }
        }
    }

    /// Keeps what stands beside the records of the step.
    fn keep(&mut self, plan: &Plan, details: Details<P::Note>) {
        for (event, note) in details.notes {
            self.notes.push((event, P::tell(&note, &plan.names).into()));
        }
        for (event, took) in details.took {
            self.took.push((event, took));
        }
        // A message comes out of an inbox in a later step than it went in, or in the same one after it.
        self.waiting.extend(details.waits);
        for (cause, event) in details.out {
            if let Some(arrived_at) = self.waiting.remove(&cause) {
                self.arrived.push((event, arrived_at));
            }
        }
    }

    /// Whether all replicas are up and have the same log, written, durable and applied, and no operation is open.
    fn has_settled(&self) -> bool {
        if !self.open.is_empty() || self.world.faults().iter().next().is_some() {
            return false;
        }
        let replicas = (0..self.lag_count()).map(|index| NodeId(index as u32));
        are_at_rest(replicas.map(|id| self.world.process(id)?.positions()))
    }

    fn lag_count(&self) -> usize {
        self.lag.replica_count()
    }

    /// What still keeps the cluster from being at rest, as half a sentence.
    fn why_unsettled(&self, plan: &Plan) -> String {
        let within = plan.scenario.settle;
        let name = |id: NodeId| &plan.names[id.index()];
        if let Some(active) = self.world.faults().first() {
            return format!(
                "a fault still holds after {within}: {}",
                words::fault(&active.fault, &plan.names)
            );
        }
        let mut ids = plan.scenario.node_ids();
        if let Some(id) = ids.find(|id| self.world.node_state(*id) != NodeState::Up) {
            let why = self.world.halt_reason(id).unwrap_or("down");
            return format!("{} is not up after {within}: {why}", name(id));
        }
        let now = self.world.now();
        let behind = plan
            .scenario
            .node_ids()
            .take(self.lag_count())
            .find_map(|id| {
                let lag = self.lag.at(id.index(), now).filter(|lag| lag.entries > 0)?;
                let entries = if lag.entries == 1 { "entry" } else { "entries" };
                Some(format!(
                    "{} is still {} {entries} behind after {within}",
                    name(id),
                    lag.entries
                ))
            });
        behind.unwrap_or_else(|| match self.open.len() {
            0 => format!(
                "replicas still have entries that are not durable or not applied after {within}"
            ),
            open => format!("{open} operations are still open after {within}"),
        })
    }

    pub(super) fn end(&mut self, plan: &Plan, ending: Ending) {
        let (now, last) = (self.world.now(), EventId(self.world.trace().count()));
        self.history.close(now, last, "end-of-run");
        self.open.clear();
        self.phase = Phase::Over(ending);
        let (verdicts, loss) = see::final_judgement(plan, self);
        self.final_verdicts = Some(Arc::new(verdicts));
        self.loss = loss;
    }
}

/// The checkers that go along with a scenario's runs: the standing ones, and those that it asks for.
pub(super) fn ladder(scenario: &Scenario) -> Ladder {
    let asked = scenario.expectations.iter();
    let asked: Vec<_> = asked.map(|it| (it.check, it.terms)).collect();
    Ladder::asked(&asked)
}

/// A guarantee that fell, as it is shown.
pub(super) fn anomaly_view(
    guarantee: String,
    witness: Witness,
    at: Instant,
    step: u64,
) -> AnomalyView {
    AnomalyView {
        at,
        step,
        guarantee,
        summary: witness.summary,
        story: witness.story,
        operations: witness.operations,
    }
}
