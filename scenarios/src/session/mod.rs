//! A session: one run behind one object-safe trait, whatever its protocol.

mod agenda;
mod checkpoints;
mod core;
pub mod determinism;
mod driver;
mod events;
pub mod host;
mod lag;
mod operations;
mod probe;
mod protocol;
mod run;
mod see;
mod single_leader;
mod words;

use std::sync::Arc;

use seedbed_protocols::replication::single_leader::{Message, Node, Note, Planted};
use seedbed_sim::lockstep::Heard;
use seedbed_sim::{Fault, FaultId, Instant, MessageSent, NodeId, Seed, TraceLevel};

use crate::file::model::{Protocol, Scenario};
use crate::history::{History, Operation};
use crate::nemesis::Kind;
use crate::report::Report;
use crate::trace::TraceEvent;
use crate::view::{AnomalyView, LogLine, View, Window};

/// What a person did to a run that the scenario did not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Injection {
    /// Begin a fault, which holds until it is lifted.
    Inject(Fault),
    /// End a fault.
    Lift(FaultId),
}

/// One run, which can be driven and looked at, forwards and backwards.
///
/// A *step* is one event of the world, one client operation or one fault: the smallest thing that can happen. What a
/// person injects is kept with the step it came after, so that going back and forward again gives the same run. An
/// injection made after going back forgets the injections that came later.
pub trait Session: Send {
    /// How many steps were taken to get here.
    fn position(&self) -> u64;

    /// Virtual time.
    fn now(&self) -> Instant;

    /// Whether nothing can happen any more.
    fn is_over(&self) -> bool;

    /// Takes one step; `false` when the run is over.
    fn step(&mut self) -> bool;

    /// Takes one step, as [`step`](Self::step) does, and adds the events that were recorded in it to `heard`.
    fn step_hearing(&mut self, heard: &mut Vec<Heard>) -> bool;

    /// An event of this run in words.
    fn tell(&self, heard: &Heard) -> LogLine;

    /// Goes on until nothing is left at or before `until`, or the run is over.
    fn run_until(&mut self, until: Instant);

    /// Goes on to the end: the scenario's duration, then heal and settle.
    fn run_to_end(&mut self);

    /// Goes on until another anomaly is found; `false` when the run is over without one.
    fn run_to_anomaly(&mut self) -> bool;

    /// Goes to just after step number `step`, forwards or backwards (or to the end, where that comes first).
    fn seek(&mut self, step: u64);

    /// Goes to the last step at or before `at`, forwards or backwards.
    fn seek_time(&mut self, at: Instant);

    /// Injects or lifts a fault now. Returns the fault's id, or why it makes no sense (an unknown node, a fault that
    /// was lifted already).
    fn inject(&mut self, injection: Injection) -> Result<FaultId, String>;

    /// A fault of this kind that could be injected, for a person who has chosen a node, and what it is in words; see
    /// [`nemesis::propose`](crate::nemesis::propose).
    fn propose(&self, kind: &Kind, node: NodeId, number: u64) -> Option<(Fault, String)>;

    /// Another session at the same place; what happens in one does not happen in the other.
    fn fork(&self) -> Box<dyn Session>;

    /// What can be seen now.
    fn view(&self, window: Window) -> View;

    /// Every event of the trace so far, in order, in words: what a trace file holds.
    fn trace(&self) -> Box<dyn Iterator<Item = LogLine> + '_>;

    /// The same events as data.
    fn events(&self) -> Box<dyn Iterator<Item = TraceEvent> + '_>;

    /// The guarantees that fell so far: all anomalies in the order they were found and, once the run is over, what the
    /// final checks found, the first proof of each.
    fn findings(&self) -> Vec<Arc<AnomalyView>>;

    /// The operations so far, in order of invocation.
    fn operations(&self) -> Vec<Operation>;

    /// The history so far, which shares its pages with this session's.
    fn history(&self) -> History;

    /// What became of each message so far; empty unless the session was opened with [`Keep::Messages`].
    fn messages(&self) -> Vec<MessageSent>;

    /// The digest of the trace so far.
    fn digest(&self) -> u64;

    /// The report: runs to the end on a fork, so that this session stays where it is.
    fn report(&self) -> Report;

    /// The report with proofs as the judges found them, neither cut down nor told well: for those who count verdicts over
    /// many runs.
    fn outcome(&self) -> Report {
        self.report()
    }
}

/// How much a session keeps of its trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// The digest alone: for runs of which only the report is wanted.
    Digest,
    /// The digest, and what became of each message: for writing down what was drawn.
    Messages,
    /// Every event, with its notes in words: for looking at.
    Everything,
}

/// A run of `scenario` from `seed`, at its beginning. `name` is the scenario's name in the catalog, or its file.
pub fn open(name: &str, scenario: Scenario, seed: Seed, keep: Keep) -> Box<dyn Session> {
    open_planted(name, scenario, seed, keep, Planted::Nothing)
}

/// A run whose replicas make a mistake on purpose. For checking the checkers: no scenario file can ask for it.
#[doc(hidden)]
pub fn open_planted(
    name: &str,
    scenario: Scenario,
    seed: Seed,
    keep: Keep,
    planted: Planted,
) -> Box<dyn Session> {
    let trace = match keep {
        Keep::Digest | Keep::Messages => TraceLevel::Digest,
        Keep::Everything => TraceLevel::Full,
    };
    let protocol = scenario.cluster.protocol.clone();
    let mut plan = core::Plan::new(name.to_owned(), scenario, seed, trace);
    plan.logs_messages = keep == Keep::Messages;
    match protocol {
        Protocol::SingleLeader(_) => Box::new(run::Run::<Node>::new(plan, planted)),
    }
}

/// The kinds of messages of a protocol, by which scenario files name them.
pub(crate) fn message_kinds(protocol: &Protocol) -> &'static [&'static str] {
    match protocol {
        Protocol::SingleLeader(_) => Message::KINDS,
    }
}

/// The kinds of a protocol's notes.
pub(crate) fn note_kinds(protocol: &Protocol) -> &'static [&'static str] {
    match protocol {
        Protocol::SingleLeader(_) => Note::KINDS,
    }
}
