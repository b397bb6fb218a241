//! A session of one protocol: a core, the checkpoints to go back to, and what a person did on the way.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use seedbed_sim::lockstep::Heard;
use seedbed_sim::{Fault, FaultId, Instant, MessageSent, NodeId, TraceLevel};

use super::checkpoints::Checkpoints;
use super::core::{Core, Ending, Plan};
use super::protocol::Hosted;
use super::see::Telling;
use super::{Injection, Session, events, see, words};
use crate::history::{History, Operation};
use crate::nemesis::{self, Kind};
use crate::report::Report;
use crate::trace::TraceEvent;
use crate::view::{AnomalyView, LogLine, View, Window};

/// What a person did, as which step and when.
#[derive(Clone, Debug)]
struct Journal {
    step: u64,
    at: Instant,
    /// Whether time had passed since the step before, so that everything else that was due by then came first.
    waited: bool,
    injection: Injection,
}

/// One run of one protocol.
pub(super) struct Run<P: Hosted> {
    plan: Arc<Plan>,
    core: Core<P>,
    checkpoints: Checkpoints<Core<P>>,
    journal: Vec<Journal>,
}

impl<P: Hosted> Clone for Run<P> {
    fn clone(&self) -> Self {
        Self {
            plan: Arc::clone(&self.plan),
            core: self.core.clone(),
            checkpoints: self.checkpoints.clone(),
            journal: self.journal.clone(),
        }
    }
}

impl<P: Hosted> Run<P> {
    pub(super) fn new(plan: Plan, planted: P::Planted) -> Self {
        let core = Core::new(&plan, planted);
        // A run of which only the report is wanted seldom goes back: its beginning is enough.
        let checkpoints = match plan.trace {
            TraceLevel::Full => Checkpoints::new(core.clone()),
            _ => Checkpoints::only(core.clone()),
        };
        Self {
            plan: Arc::new(plan),
            checkpoints,
            core,
            journal: Vec::new(),
        }
    }

    /// Takes the next step, if it comes at or before `until`. A program that panics ends the run; its words become the
    /// reason.
    fn advance(&mut self, until: Instant) -> bool {
        self.advance_hearing(until, &mut None)
    }

    fn advance_hearing(&mut self, until: Instant, heard: &mut Option<Vec<Heard>>) -> bool {
        let next = self.core.step + 1;
        let plan = Arc::clone(&self.plan);
        if let Some(entry) = self.journal.iter().find(|entry| entry.step == next) {
            if entry.at > until {
                return false;
            }
            if entry.waited {
                self.core.wait_until(&plan, entry.at);
            }
            self.core
                .inject(&plan, &entry.injection)
                .expect("it worked the first time");
            return true;
        }
        let core = &mut self.core;
        let stepped = catch_unwind(AssertUnwindSafe(|| core.step_hearing(&plan, until, heard)));
        let stepped = stepped.unwrap_or_else(|panic| {
            core.step = next;
            core.end(&plan, Ending::Panicked(panic_message(panic.as_ref())));
            true
        });
        if stepped {
            self.checkpoints.pass(self.core.step, || self.core.clone());
        }
        stepped
    }

    /// Goes to the last checkpoint for which `is_before` holds, if the way back leads over it or it is nearer to the goal.
    fn jump(&mut self, goes_back: bool, is_before: impl Fn(&Core<P>) -> bool) {
        let (_, checkpoint) = self.checkpoints.last(|_, core| is_before(core));
        if goes_back || checkpoint.step > self.core.step {
            self.core = Core::clone(checkpoint);
        }
    }
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no words".to_owned())
}

impl<P: Hosted> Session for Run<P> {
    fn position(&self) -> u64 {
        self.core.step
    }

    fn now(&self) -> Instant {
        self.core.world.now()
    }

    fn is_over(&self) -> bool {
        self.core.is_over()
    }

    fn step(&mut self) -> bool {
        self.advance(Instant::NEVER)
    }

    fn step_hearing(&mut self, heard: &mut Vec<Heard>) -> bool {
        let mut list = Some(std::mem::take(heard));
        let stepped = self.advance_hearing(Instant::NEVER, &mut list);
        // A program that panicked took the list with it; the run is over then.
        *heard = list.unwrap_or_default();
        stepped
    }

    fn tell(&self, heard: &Heard) -> LogLine {
        LogLine {
            event: heard.event,
            at: heard.record.at,
            cause: heard.record.cause,
            node: Some(heard.record.node),
            kind: heard.record.kind.name().to_owned(),
            text: words::event(&heard.record, heard.kind, &self.plan.names),
        }
    }

    fn run_until(&mut self, until: Instant) {
        while self.advance(until) {}
        let plan = Arc::clone(&self.plan);
        self.core.wait_until(&plan, until);
    }

    fn run_to_end(&mut self) {
        while self.advance(Instant::NEVER) {}
    }

    fn run_to_anomaly(&mut self) -> bool {
        let before = self.core.anomalies.len();
        while self.core.anomalies.len() == before {
            if !self.advance(Instant::NEVER) {
                return false;
            }
        }
        true
    }

    fn seek(&mut self, step: u64) {
        // Time that has passed since the step is taken back too.
        let goes_back = step < self.core.step || (step == self.core.step && self.core.waited);
        self.jump(goes_back, |core| core.step <= step);
        while self.core.step < step && self.advance(Instant::NEVER) {}
    }

    fn seek_time(&mut self, at: Instant) {
        // A checkpoint of this very instant may stand in the middle of it: all steps of the instant are wanted.
        self.jump(at < self.now(), |core| core.world.now() <= at);
        self.run_until(at);
    }

    fn propose(&self, kind: &Kind, node: NodeId, number: u64) -> Option<(Fault, String)> {
        let plan = &self.plan;
        let fault = nemesis::propose(&plan.scenario, plan.seed, kind, node, number)?;
        let what = words::fault(&fault, &plan.names);
        Some((fault, what))
    }

    fn inject(&mut self, injection: Injection) -> Result<FaultId, String> {
        if self.core.is_over() {
            return Err("the run is over; go back first".to_owned());
        }
        let (step, at, waited) = (self.core.step + 1, self.now(), self.core.waited);
        let id = self.core.inject(&self.plan, &injection)?;
        // What was done later belongs to a future that will not be.
        self.journal.retain(|entry| entry.step < step);
        self.checkpoints.forget_from(step);
        self.journal.push(Journal {
            step,
            at,
            waited,
            injection,
        });
        Ok(id)
    }

    fn fork(&self) -> Box<dyn Session> {
        Box::new(self.clone())
    }

    fn view(&self, window: Window) -> View {
        see::view(&self.plan, &self.core, window)
    }

    fn trace(&self) -> Box<dyn Iterator<Item = LogLine> + '_> {
        Box::new(see::log_lines(&self.plan, &self.core, Instant::ZERO))
    }

    fn events(&self) -> Box<dyn Iterator<Item = TraceEvent> + '_> {
        Box::new(events::events(&self.core))
    }

    fn findings(&self) -> Vec<Arc<AnomalyView>> {
        see::findings(&self.plan, &self.core)
    }

    fn operations(&self) -> Vec<Operation> {
        self.core.history.operations().cloned().collect()
    }

    fn history(&self) -> History {
        self.core.history.clone()
    }

    fn messages(&self) -> Vec<MessageSent> {
        let log = self.core.world.messages();
        log.into_iter()
            .flat_map(seedbed_sim::ChunkedVec::iter)
            .copied()
            .collect()
    }

    fn digest(&self) -> u64 {
        self.core
            .world
            .trace()
            .digest()
            .expect("sessions digest their traces")
    }

    fn report(&self) -> Report {
        let mut end = self.clone();
        end.run_to_end();
        see::report(&end.plan, &end.core, Telling::Explained)
    }

    fn outcome(&self) -> Report {
        let mut end = self.clone();
        end.run_to_end();
        see::report(&end.plan, &end.core, Telling::AsFound)
    }
}
