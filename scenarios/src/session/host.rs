//! Scenarios on hosts that are not the world.
//!
//! The processes of a scenario know nothing of the world, and neither do its workload, its history and its checkers. So
//! another host can run the same nodes, for instance as tasks of an async runtime, and come to verdicts that can be
//! compared: two schedulers that share no line of code seldom share a mistake.
//!
//! ```text
//!   Scenario ──stage──► nodes, network ──► the host runs them
//!                  └──► Play ◄── time, answers, what has come to rest ──┐
//!                         └──── ask, inject, lift, restart ──► Stage ───┘
//!                         └──── at the end: a Report
//! ```
//!
//! The host owns time. It calls [`Play::perform`] whenever [`Play::next_at`] has come, tells every
//! [answer](Play::answered), and looks [whether it may end](Play::settle) from time to time. What a play leaves out: a
//! host keeps no trace, so nothing measures lag, witnesses name no events, and there is no going back.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use seedbed_protocols::inspect::Positions;
use seedbed_protocols::kv;
use seedbed_protocols::replication::single_leader;
use seedbed_sim::{
    EventId, Fault, FaultId, Instant, NetworkSpec, NodeId, NodeSpec, Outcome, RequestId, Seed,
    TraceLevel,
};

use super::core::{Ending, FaultEntry, Phase, Plan};
use super::driver::{Driver, Planned};
use super::lag::are_at_rest;
use super::operations::{Answer, Asked, Operations, due};
use super::protocol::node_specs;
use super::{see, words};
use crate::checkers::{self, FinalState, Ladder, Question, ReplicaContents, Setting, judge_final};
use crate::file::model::{Protocol, Scenario};
use crate::history::History;
use crate::measures;
use crate::report::{FaultFact, Report, RunFacts};

pub use super::protocol::Hosted;

/// A host, about to run a scenario of any protocol.
pub trait Host {
    /// What comes of it.
    type Outcome;

    /// Runs it to the end.
    fn host<P: Hosted>(self, staged: Staged<P>) -> Self::Outcome;
}

/// A scenario made ready for a host.
pub struct Staged<P: Hosted> {
    /// The nodes: replicas first, then clients.
    pub nodes: Vec<NodeSpec<P>>,
    /// How many of them are replicas.
    pub replica_count: usize,
    /// What lies between them.
    pub network: NetworkSpec,
    /// The seed, which the host draws from too.
    pub seed: Seed,
    /// What is to happen.
    pub play: Play,
}

/// Makes `scenario` ready and gives it to `host`. `name` is the scenario's name in the catalog, or its file. The error
/// says what only the world can do.
pub fn stage<H: Host>(
    name: &str,
    scenario: Scenario,
    seed: Seed,
    host: H,
) -> Result<H::Outcome, String> {
    if !scenario.messages.is_empty() {
        return Err(
            "only the world can decide the fate of single messages; this scenario does".to_owned(),
        );
    }
    match scenario.cluster.protocol {
        Protocol::SingleLeader(_) => {
            let staged = staged::<single_leader::Node>(name, scenario, seed);
            Ok(host.host(staged))
        }
    }
}

fn staged<P: Hosted>(name: &str, scenario: Scenario, seed: Seed) -> Staged<P> {
    Staged {
        nodes: node_specs(&scenario, P::Planted::default()),
        replica_count: scenario.replicas.len(),
        network: scenario.network.clone(),
        seed,
        play: Play::new(Plan::new(name.to_owned(), scenario, seed, TraceLevel::Off)),
    }
}

/// What a play asks of its host.
pub trait Stage {
    /// Hands a request to a client. The answer must come through [`Play::answered`], once.
    fn ask(&mut self, client: NodeId, request: kv::Request) -> RequestId;
    /// Begins a fault; the error says why it can't.
    fn inject(&mut self, fault: &Fault) -> Result<FaultId, String>;
    /// Ends a fault; the error says why it can't.
    fn lift(&mut self, fault: FaultId) -> Result<(), String>;
    /// Whether a node has stopped itself.
    fn has_halted(&self, node: NodeId) -> bool;
    /// Starts a node anew that has stopped itself.
    fn restart(&mut self, node: NodeId);
}

/// What happens to a scenario's nodes from outside, and what comes of it.
pub struct Play {
    plan: Plan,
    driver: Driver,
    phase: Phase,
    history: History,
    ladder: Ladder,
    faults: Vec<FaultEntry>,
    open: Operations,
    /// Stands in for the events of a trace: invocations and answers are numbered.
    events: u64,
}

/// What a host found out in the end.
pub struct Found {
    /// What each replica holds, in their order; `None` where that can't be read.
    pub contents: Vec<Option<Vec<(Bytes, Bytes)>>>,
    /// When it was over.
    pub at: Instant,
    /// A number that differs when anything of the run does, as far as the host can tell.
    pub fingerprint: u64,
    /// How many things happened that the host counts.
    pub events: u64,
    /// What a reader should know.
    pub warnings: Vec<String>,
}

impl Play {
    fn new(plan: Plan) -> Self {
        Self {
            driver: Driver::new(&plan.scenario, plan.seed),
            phase: Phase::Running,
            history: History::new(),
            ladder: super::core::ladder(&plan.scenario),
            faults: FaultEntry::all(&plan.scenario),
            open: Operations::default(),
            events: 0,
            plan,
        }
    }

    /// When the next thing is to happen; `None` once the play is over.
    pub fn next_at(&self) -> Option<Instant> {
        self.driver.next_at().filter(|_| !self.is_over())
    }

    /// Whether it is over.
    pub fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Over(_))
    }

    /// Lets the next thing happen, at `now`, which must not be before [`Play::next_at`].
    pub fn perform(&mut self, now: Instant, stage: &mut impl Stage) {
        let Some((at, planned)) = self.driver.pop() else {
            return;
        };
        assert!(at <= now, "what is planned for {at} can't be done at {now}");
        match planned {
            Planned::Step(_) | Planned::Arrival(_) | Planned::Turn(_) => {
                self.begin(planned, now, stage);
            }
            Planned::FaultBegins(index) => {
                let entry = &mut self.faults[index];
                match stage.inject(&entry.fault) {
                    Ok(id) => (entry.id, entry.active, entry.from) = (Some(id), true, now),
                    Err(why) => entry.refused = Some(why),
                }
            }
            Planned::FaultEnds(index) => {
                if let Some(id) = self.faults[index].id {
                    self.lift(id, now, stage);
                }
            }
            Planned::EndOfRun => self.heal(now, stage),
            Planned::Heal(id) => self.lift(id, now, stage),
            Planned::Revive(node) => {
                if stage.has_halted(node) {
                    stage.restart(node);
                }
            }
            Planned::GiveUp => {
                let why = format!("it did not come to rest in {}", self.plan.scenario.settle);
                self.phase = Phase::Over(Ending::Unsettled(why));
            }
        }
    }

    fn begin(&mut self, planned: Planned, now: Instant, stage: &mut impl Stage) {
        let Some(begins) = due(&mut self.driver, &self.plan, planned, now) else {
            return;
        };
        self.events += 1;
        let by = EventId(self.events);
        let books = (&mut self.driver, &mut self.history);
        self.open.begin(&self.plan, books, begins, |ask| Asked {
            request: stage.ask(ask.node, ask.request),
            at: now,
            by,
        });
        self.look();
    }

    /// The scenario's own run is over: plans the end of every fault, and that of settling.
    fn heal(&mut self, now: Instant, stage: &impl Stage) {
        self.phase = Phase::Settling;
        self.driver.stop();
        let active = self.faults.iter().filter(|entry| entry.active);
        for id in active.filter_map(|entry| entry.id) {
            self.driver.plan(now, Planned::Heal(id));
        }
        for id in self.plan.scenario.node_ids() {
            if stage.has_halted(id) {
                self.driver.plan(now, Planned::Revive(id));
            }
        }
        self.driver
            .plan(now + self.plan.scenario.settle, Planned::GiveUp);
    }

    fn lift(&mut self, id: FaultId, now: Instant, stage: &mut impl Stage) {
        let lifted = stage.lift(id);
        let entries = self.faults.iter_mut();
        for entry in entries.filter(|entry| entry.id == Some(id) && entry.active) {
            assert_eq!(lifted, Ok(()), "{:?} is active", entry.fault);
            (entry.to, entry.active) = (Some(now), false);
        }
    }

    /// A client's request is answered.
    ///
    /// # Panics
    /// When it is not open.
    pub fn answered(&mut self, request: RequestId, at: Instant, outcome: Outcome<kv::Reply>) {
        self.events += 1;
        let answer = Answer {
            request,
            outcome,
            at,
            by: EventId(self.events),
        };
        let goes_on = self.phase == Phase::Running;
        let books = (&mut self.driver, &mut self.history);
        self.open.complete(&self.plan, books, answer, goes_on);
        self.look();
    }

    fn look(&mut self) {
        self.ladder.observe(&self.history, &mut Vec::new());
    }

    /// Ends the play if it heals and has come to rest: no fault holds, no operation is open, and the replicas, which are so
    /// far (`None`: it is down), have the same log, written, durable and applied.
    pub fn settle(&mut self, replicas: impl IntoIterator<Item = Option<Positions>>) {
        let is_healed = self.open.is_empty() && !self.faults.iter().any(|entry| entry.active);
        if self.phase == Phase::Settling && is_healed && are_at_rest(replicas) {
            self.phase = Phase::Over(Ending::Settled);
        }
    }

    /// What came of it.
    ///
    /// # Panics
    /// When it is not over.
    pub fn report(mut self, found: Found) -> Report {
        let Phase::Over(ending) = self.phase.clone() else {
            panic!("the play is not over");
        };
        self.events += 1;
        self.history
            .close(found.at, EventId(self.events), "end-of-run");
        self.look();
        let state = self.final_state(&ending, &found);
        let mut verdicts = self.ladder.standing_verdicts(&self.history);
        verdicts.extend(judge_final(&self.history, &state, found.at));
        let plan = &self.plan;
        let setting = Setting {
            faults: see::disturbances(plan, &self.faults),
            ..Setting::default()
        };
        let question = Question {
            history: &self.history,
            setting: &setting,
            finals: Some(&state),
            at: found.at,
        };
        see::judge_expected(&plan.scenario, &question, &mut verdicts);
        checkers::explain(&mut verdicts, &question);
        let expectations = plan.scenario.expectations.iter();
        let faults = self.faults.iter().filter(|entry| entry.id.is_some());
        let faults = faults.map(|entry| FaultFact {
            what: words::fault(&entry.fault, &plan.names),
            from: entry.from,
            to: entry.to.filter(|_| !entry.active),
        });
        let mut warnings = self.driver.never_begun(&plan.scenario);
        warnings.extend(see::refusals(plan, &self.faults));
        warnings.extend(found.warnings);
        Report::new(RunFacts {
            scenario: plan.name.clone(),
            title: plan.scenario.title.clone(),
            chapter: plan.scenario.chapter.clone(),
            teaches: plan.scenario.teaches.clone(),
            seed: plan.seed.0,
            digest: found.fingerprint,
            events: found.events,
            ended_at: found.at,
            ended: see::ending_in_words(&ending),
            expectations: expectations
                .map(|one| see::expectation_fact(one, &verdicts))
                .collect(),
            nemeses: see::nemesis_facts(plan),
            faults: faults.collect(),
            history: self.history.clone(),
            verdicts,
            lag: Vec::new(),
            loss: measures::loss(&self.history, &state),
            warnings,
        })
    }

    fn final_state(&self, ending: &Ending, found: &Found) -> FinalState {
        let mut state = FinalState {
            unsettled: (*ending != Ending::Settled).then(|| see::ending_in_words(ending)),
            replicas: Vec::new(),
            probes: None,
        };
        if state.unsettled.is_some() {
            return state;
        }
        let text = |bytes: &Bytes| Arc::<str>::from(String::from_utf8_lossy(bytes));
        for (name, contents) in self.plan.names.iter().zip(&found.contents) {
            let Some(contents) = contents else {
                state.unsettled = Some(format!("the contents of {name} can't be read"));
                return state;
            };
            let rows = contents.iter();
            let contents: BTreeMap<_, _> = rows
                .map(|(key, value)| (text(key), text(value).into()))
                .collect();
            state.replicas.push(ReplicaContents {
                name: name.as_str().into(),
                contents,
            });
        }
        state
    }
}
