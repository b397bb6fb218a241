//! The one read-model: everything that panels, reports, pictures and the web page draw. Plain data, made by a session,
//! so that nobody who draws has to compute what it means.

use std::sync::Arc;

use crate::history::OperationId;
use seedbed_sim::{EventId, Fault, FaultId, Instant, NodeId, Span};

/// What part of a run a view is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Charts and lists begin here.
    pub from: Instant,
    /// And end here.
    pub to: Instant,
    /// How many points a chart has room for, at least 1; series are gathered into so many, each the largest of its stretch.
    pub columns: u16,
    /// How many operations and log lines at the most, the latest.
    pub rows: u16,
}

/// A run at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// The scenario's name in the catalog, or its file.
    pub scenario: String,
    /// Its title.
    pub title: String,
    /// The seed.
    pub seed: u64,
    /// The window that was asked for.
    pub window: Window,
    /// Virtual time.
    pub now: Instant,
    /// When the scenario's own run ends (heal and settle come after).
    pub duration: Span,
    /// Steps taken so far: events of the world, client operations and faults, in one count.
    pub step: u64,
    /// Events in the trace so far.
    pub events: u64,
    /// Why the run went no further, once it is over.
    pub ended: Option<String>,
    /// Replicas first, then clients, in the scenario's order.
    pub nodes: Vec<NodeView>,
    /// How far each follower is behind.
    pub lag: Vec<LagSeries>,
    /// The latest operations, oldest first.
    pub operations: Vec<OperationView>,
    /// All anomalies so far, in the order they were found.
    pub anomalies: Vec<Arc<AnomalyView>>,
    /// Faults that hold or have held, in the order they began, and those that the scenario still has in store.
    pub faults: Vec<FaultView>,
    /// Messages on the way, soonest first.
    pub in_flight: Vec<MessageView>,
    /// The latest trace events in words, oldest first.
    pub log: Vec<LogLine>,
    /// What each expectation of the scenario says so far.
    pub expectations: Vec<ExpectationView>,
}

/// Whether a node runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeState {
    /// It runs.
    Up,
    /// It is about to boot.
    Starting,
    /// It crashed, or halted, and was not restarted.
    Down,
    /// It is paused.
    Paused,
}

/// One node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeView {
    /// Which one.
    pub id: NodeId,
    /// Its name in the scenario.
    pub name: String,
    /// The site it stands in; empty where the scenario names none.
    pub site: String,
    /// `leader`, `follower` or `client`.
    pub role: String,
    /// Whether it takes part in replication (clients do not).
    pub is_replica: bool,
    /// Whether it runs.
    pub state: NodeState,
    /// Log entries written.
    pub written: u64,
    /// Log entries durable.
    pub durable: u64,
    /// Log entries applied.
    pub applied: u64,
    /// Keys held; `None` for clients, and where the engine can't tell without a scan.
    pub keys: Option<u64>,
    /// How many entries it is behind the leader; `None` for leaders and clients.
    pub lag_entries: Option<u64>,
    /// How long ago the leader wrote the oldest entry that it lacks; zero when it lacks none.
    pub lag_time: Option<Span>,
    /// What waits in its inbox.
    pub queued: u64,
    /// How many times it was restarted.
    pub restarts: u32,
    /// What its wall clock is off by, in nanoseconds (positive: ahead).
    pub clock_error_nanos: i64,
    /// One short line on what it is doing; may be empty.
    pub doing: String,
}

/// How far one follower was behind, over the window: one value a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LagSeries {
    /// The follower.
    pub node: NodeId,
    /// Its name.
    pub name: String,
    /// Entries behind, the largest in each column; `None` where the run has not got yet, or the node was down.
    pub entries: Vec<Option<u64>>,
    /// Time behind, the longest in each column.
    pub time: Vec<Option<Span>>,
}

/// How an operation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperationState {
    /// No answer yet.
    Open,
    /// It happened.
    Ok,
    /// It surely did not.
    Fail,
    /// Nobody knows.
    Info,
}

/// One operation of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationView {
    /// When it was invoked.
    pub invoked_at: Instant,
    /// When it ended, if it has.
    pub completed_at: Option<Instant>,
    /// The user's name.
    pub user: String,
    /// `read`, `write` or `delete`.
    pub function: String,
    /// The key.
    pub key: String,
    /// What was written, or what the read returned (`∅` for an absent key), or why it has no result.
    pub result: String,
    /// The replica that answered; empty while open.
    pub replica: String,
    /// How it stands.
    pub state: OperationState,
    /// How long it took, from when it was meant to begin.
    pub latency: Option<Span>,
    /// Whether it is part of a witness of an anomaly.
    pub in_witness: bool,
    /// The trace event of the invocation.
    pub event: EventId,
}

/// A guarantee that fell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnomalyView {
    /// When it could be seen.
    pub at: Instant,
    /// The step at which it could be seen, for jumping there.
    pub step: u64,
    /// The guarantee, by the name of its checker: `read-your-writes-in-real-time`.
    pub guarantee: String,
    /// One line: who saw what, and what they should have seen.
    pub summary: String,
    /// The witness told in virtual time, a line for each operation.
    pub story: Vec<String>,
    /// The operations of the witness, in the order in which the story tells them.
    pub operations: Vec<OperationId>,
}

/// A fault of the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultView {
    /// For lifting it; `None` while it has not begun.
    pub id: Option<FaultId>,
    /// When it began, or will begin.
    pub from: Instant,
    /// When it was lifted, or will be.
    pub to: Option<Instant>,
    /// `crash f2`, `cut l1 ⇄ f2`.
    pub what: String,
    /// The fault itself, so that a key press can find the one it ought to lift.
    pub fault: Fault,
    /// Whether it holds now.
    pub active: bool,
}

/// A message on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageView {
    /// Who sent it.
    pub from: NodeId,
    /// Who will get it.
    pub to: NodeId,
    /// Its kind.
    pub kind: String,
    /// When it left.
    pub left_at: Instant,
    /// When it should arrive.
    pub arrives_at: Instant,
}

/// One event of the trace, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// Which event.
    pub event: EventId,
    /// When.
    pub at: Instant,
    /// The event that caused it; [`EventId::OUTSIDE`] for none.
    pub cause: EventId,
    /// The node it happened at; `None` for the world itself.
    pub node: Option<NodeId>,
    /// `deliver`, `drop`, `crash`: for colour and filter.
    pub kind: String,
    /// The event in one line.
    pub text: String,
}

/// What a scenario expects, and how that stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectationView {
    /// `read-your-writes-in-real-time is violated`.
    pub text: String,
    /// Whether it is met by now; `None` while it can't be judged.
    pub met: Option<bool>,
}
