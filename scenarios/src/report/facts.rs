//! What a session hands over for its report.

use seedbed_sim::{Instant, Span};

use crate::checkers::Verdict;
use crate::history::History;
use crate::measures::Loss;

/// All that a report is made of.
#[derive(Clone, Debug)]
pub struct RunFacts {
    /// The scenario's name in the catalog, or its file.
    pub scenario: String,
    /// Its title.
    pub title: String,
    /// The chapter of the course it belongs to; may be empty.
    pub chapter: String,
    /// What it teaches, in a few sentences; may be empty.
    pub teaches: String,
    /// The seed.
    pub seed: u64,
    /// The digest of the whole trace.
    pub digest: u64,
    /// How many events the trace has.
    pub events: u64,
    /// Virtual time at the end, after heal and settle.
    pub ended_at: Instant,
    /// Why the run ended: `the duration was over`.
    pub ended: String,
    /// What clients saw, closed.
    pub history: History,
    /// What the checkers say, in the catalog's order.
    pub verdicts: Vec<Verdict>,
    /// What the scenario expects, and how that stands.
    pub expectations: Vec<ExpectationFact>,
    /// What the nemeses did.
    pub nemeses: Vec<NemesisFact>,
    /// The faults, in the order in which they began.
    pub faults: Vec<FaultFact>,
    /// How far each follower fell behind.
    pub lag: Vec<LagFact>,
    /// How many acknowledged updates are gone in the end; `None` where that can't be measured.
    pub loss: Option<Loss>,
    /// What a reader should know before trusting the numbers: `12 messages were dropped at full inboxes`.
    pub warnings: Vec<String>,
}

/// An expectation of the scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectationFact {
    /// `read-your-writes-in-real-time is violated`.
    pub text: String,
    /// Whether it is met; `None` when it can't be judged, which counts as not met.
    pub met: Option<bool>,
    /// What was found instead, as half a sentence; may be empty where it is met.
    pub found: String,
}

/// What a nemesis did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NemesisFact {
    /// Its name.
    pub name: String,
    /// The kinds of fault that were on.
    pub kinds: Vec<&'static str>,
    /// How many began in a minute, on average.
    pub per_minute: u32,
    /// How many were drawn.
    pub faults: usize,
}

/// A fault and when it held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultFact {
    /// `crash f2`.
    pub what: String,
    /// When it began.
    pub from: Instant,
    /// When it was lifted; `None` when it held to the end.
    pub to: Option<Instant>,
}

/// How far a follower fell behind its leader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LagFact {
    /// Its name.
    pub follower: String,
    /// The most log entries that it lacked.
    pub entries_max: u64,
    /// The longest time for which the leader had held an entry that it lacked.
    pub time_max: Span,
}
