//! Reports: what a run showed, as JSON for programs and as text for people.
//!
//! A session hands over its [`RunFacts`]; [`Report::new`] counts, measures and tells, once; [`Report::to_json`] and
//! [`Report::to_text`] only print. A report is plain data, without references into the run. The same run gives the
//! same bytes.
//!
//! ```text
//!   RunFacts ──► Report ──► to_json   schema 1, a closed set of keys
//!                      └──► to_text   at most 100 columns, no colours
//! ```
//!
//! Latencies count from when the workload *meant* an operation to begin, so that a client that waits for a slow answer
//! does not hide how long the next one would have waited (Gil Tene's "coordinated omission"). They are gathered in a
//! histogram of three significant digits; acknowledged operations only.

mod facts;
mod latency;
#[cfg(test)]
mod tests;
pub(crate) mod text;

pub use facts::{ExpectationFact, FaultFact, LagFact, NemesisFact, RunFacts};
pub use latency::Latency;

use seedbed_sim::{Instant, Span};
use serde::Serialize;

use crate::checkers::{Judgement, Verdict, Witness};
use crate::history::{Completion, History, Operation, OperationId};
use crate::measures::{self, Availability, Loss, Staleness};

/// The version of the JSON form.
pub const SCHEMA: u32 = 1;

/// What a run showed. Times are virtual, in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The version of this form: 1.
    pub schema: u32,
    /// The scenario's name in the catalog, or its file.
    pub scenario: String,
    /// Its title.
    pub title: String,
    /// The chapter of the course; may be empty.
    pub chapter: String,
    /// What it teaches; may be empty.
    pub teaches: String,
    /// The seed.
    pub seed: u64,
    /// The digest of the trace, as 16 hexadecimal digits.
    pub digest: String,
    /// How many events the trace has.
    pub events: u64,
    /// Virtual time at the end.
    pub virtual_ms: f64,
    /// Why the run ended.
    pub ended: String,
    /// Operations by outcome.
    pub operations: OperationCounts,
    /// What the checkers say.
    pub verdicts: Vec<VerdictReport>,
    /// What the scenario expects, and whether it is met.
    pub expectations: Vec<ExpectationReport>,
    /// Latencies of acknowledged operations: for each function, then for each workload and function where there are
    /// several workloads.
    pub latencies: Vec<Latency>,
    /// How far each follower fell behind.
    pub lag: Vec<LagReport>,
    /// How far behind reads were; null where reads do not name their writes.
    pub staleness: Option<Staleness>,
    /// For how long nothing worked.
    pub availability: Availability,
    /// How many acknowledged updates are gone in the end; null where the replicas did not settle.
    pub loss: Option<Loss>,
    /// What this seed's nemeses did; left out where the scenario has none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub nemeses: Vec<NemesisReport>,
    /// The faults, in the order in which they began.
    pub faults: Vec<FaultReport>,
    /// What a reader should know before trusting the numbers.
    pub warnings: Vec<String>,
}

/// Operations by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct OperationCounts {
    /// Acknowledged.
    pub ok: u64,
    /// Surely without effect.
    pub fail: u64,
    /// Nobody knows.
    pub info: u64,
}

/// What a checker says.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VerdictReport {
    /// The checker's name, and the terms on which it was asked: `bounded-staleness (versions 2)`.
    pub check: String,
    /// Whether the guarantee held; null when it was not judged.
    pub holds: Option<bool>,
    /// Why it was not judged; else null.
    pub reason: Option<String>,
    /// True where the judge looked and could not tell, such as when its budget ran out; else left out.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub undecided: bool,
    /// How many violations were found.
    pub violations: u64,
    /// When the first could be seen.
    pub at_ms: Option<f64>,
    /// The first violation in one line; empty when there is none.
    pub summary: String,
    /// The first violation as a story, a line each.
    pub story: Vec<String>,
    /// The operations that prove it, in order of invocation.
    pub witness: Vec<WitnessOperation>,
    /// The trace events behind them.
    pub witness_events: Vec<u64>,
}

/// An operation of a witness.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WitnessOperation {
    /// The process.
    pub process: u32,
    /// The session.
    pub session: u32,
    /// The user.
    pub user: String,
    /// `read`, `write` or `delete`.
    pub f: String,
    /// The key.
    pub key: String,
    /// What was written, or what the read returned; null for an absent key.
    pub value: Option<String>,
    /// `ok`, `fail` or `info`.
    pub r#type: String,
    /// When it was invoked.
    pub invoked_ms: f64,
    /// When it ended; null for what never did.
    pub completed_ms: Option<f64>,
    /// The replica that answered, where one did.
    pub node: Option<String>,
    /// The trace event of the invocation.
    pub invoked_event: u64,
    /// The trace event of the end.
    pub completed_event: Option<u64>,
}

/// What the scenario expects, and how that stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExpectationReport {
    /// `read-your-writes-in-real-time is violated`.
    pub expect: String,
    /// Whether it is met; null when it can't be judged.
    pub met: Option<bool>,
    /// What was found; may be empty.
    pub found: String,
}

/// How far a follower fell behind.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LagReport {
    /// The follower.
    pub node: String,
    /// The most log entries that it lacked.
    pub entries_max: u64,
    /// The longest time for which the leader had held an entry that it lacked.
    pub ms_max: f64,
}

/// What a nemesis did in this seed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NemesisReport {
    /// Its name.
    pub name: String,
    /// The kinds of fault that were on.
    pub kinds: Vec<String>,
    /// How many began in a minute, on average.
    pub per_minute: u32,
    /// How many began, or were meant to.
    pub faults: usize,
}

/// A fault and when it held.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FaultReport {
    /// `crash f2`.
    pub fault: String,
    /// When it began.
    pub from_ms: f64,
    /// When it was lifted; null when it held to the end.
    pub to_ms: Option<f64>,
}

impl Report {
    /// Counts, measures and tells.
    pub fn new(facts: RunFacts) -> Self {
        let history = &facts.history;
        Self {
            schema: SCHEMA,
            digest: format!("{:016x}", facts.digest),
            events: facts.events,
            virtual_ms: facts.ended_at.as_millis_f64(),
            operations: count(history),
            verdicts: facts
                .verdicts
                .iter()
                .map(|verdict| VerdictReport::new(history, verdict))
                .collect(),
            latencies: latency::measure(history),
            lag: facts.lag.iter().map(LagReport::new).collect(),
            staleness: measures::staleness(history),
            availability: measures::availability(history),
            loss: facts.loss,
            nemeses: facts.nemeses.iter().map(NemesisReport::new).collect(),
            faults: facts.faults.iter().map(FaultReport::new).collect(),
            expectations: facts
                .expectations
                .into_iter()
                .map(ExpectationReport::new)
                .collect(),
            scenario: facts.scenario,
            title: facts.title,
            chapter: facts.chapter,
            teaches: facts.teaches,
            seed: facts.seed,
            ended: facts.ended,
            warnings: facts.warnings,
        }
    }

    /// Whether all expectations are met. What can't be judged is not met.
    pub fn expectations_hold(&self) -> bool {
        self.expectations.iter().all(|e| e.met == Some(true))
    }

    /// The exit status that says so: 0 when all expectations are met, else 1.
    pub fn exit_status(&self) -> u8 {
        u8::from(!self.expectations_hold())
    }

    /// The report as one line of JSON, without a line end.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a report holds only numbers, strings and lists")
    }

    /// The report for people: at most 100 columns, no colours, ends with a line end.
    pub fn to_text(&self) -> String {
        text::render(self)
    }
}

impl VerdictReport {
    fn new(history: &History, verdict: &Verdict) -> Self {
        let mut report = Self {
            check: verdict.label(),
            holds: verdict.holds(),
            reason: None,
            undecided: matches!(verdict.judgement, Judgement::Undecided(_)),
            violations: 0,
            at_ms: None,
            summary: String::new(),
            story: Vec::new(),
            witness: Vec::new(),
            witness_events: Vec::new(),
        };
        match &verdict.judgement {
            Judgement::Holds => {}
            Judgement::NotJudged(reason) | Judgement::Undecided(reason) => {
                report.reason = Some(reason.clone());
            }
            Judgement::Violated { first, count } => report.tell(history, first, *count),
        }
        report
    }

    fn tell(&mut self, history: &History, witness: &Witness, count: u64) {
        self.violations = count;
        self.at_ms = Some(witness.at.as_millis_f64());
        self.summary.clone_from(&witness.summary);
        self.story.clone_from(&witness.story);
        self.witness = witness
            .operations
            .iter()
            .map(|&id| WitnessOperation::new(history, id))
            .collect();
        self.witness_events = witness.events.iter().map(|event| event.0).collect();
    }
}

impl WitnessOperation {
    fn new(history: &History, id: OperationId) -> Self {
        let operation = history.operation(id);
        let completed = operation.completed.as_ref();
        Self {
            process: operation.process.0,
            session: operation.session.0,
            user: operation.user.to_string(),
            f: operation.function.name().to_owned(),
            key: operation.key.to_string(),
            value: value(operation),
            r#type: operation
                .completion()
                .map_or("info", Completion::name)
                .to_owned(),
            invoked_ms: operation.invoked_at.as_millis_f64(),
            completed_ms: completed.map(|c| c.at.as_millis_f64()),
            node: completed
                .and_then(|c| c.replica.as_ref())
                .map(ToString::to_string),
            invoked_event: operation.invoked_by.0,
            completed_event: completed.map(|c| c.by.0),
        }
    }
}

impl ExpectationReport {
    fn new(fact: ExpectationFact) -> Self {
        Self {
            expect: fact.text,
            met: fact.met,
            found: fact.found,
        }
    }
}

impl LagReport {
    fn new(fact: &LagFact) -> Self {
        Self {
            node: fact.follower.clone(),
            entries_max: fact.entries_max,
            ms_max: Span::as_millis_f64(fact.time_max),
        }
    }
}

impl NemesisReport {
    fn new(fact: &NemesisFact) -> Self {
        Self {
            name: fact.name.clone(),
            kinds: fact.kinds.iter().map(|kind| (*kind).to_owned()).collect(),
            per_minute: fact.per_minute,
            faults: fact.faults,
        }
    }
}

impl FaultReport {
    fn new(fact: &FaultFact) -> Self {
        Self {
            fault: fact.what.clone(),
            from_ms: fact.from.as_millis_f64(),
            to_ms: fact.to.map(Instant::as_millis_f64),
        }
    }
}

fn value(operation: &Operation) -> Option<String> {
    operation
        .written()
        .or_else(|| operation.returned())
        .map(ToString::to_string)
}

fn count(history: &History) -> OperationCounts {
    let mut counts = OperationCounts::default();
    for operation in history.operations() {
        match operation.completion() {
            Some(Completion::Ok(_)) => counts.ok += 1,
            Some(Completion::Fail(_)) => counts.fail += 1,
            Some(Completion::Info(_)) | None => counts.info += 1,
        }
    }
    counts
}
