//! Checkers: what a run promised, and whether it kept it.
//!
//! A checker sees the [`History`], that is, what clients saw. Those that ask for [`JudgeKind::Final`] see the final
//! contents of the replicas too, and what clients got that asked once more. No checker sees anything else: no replica, no log, no trace. So the same checkers
//! judge other people's systems.
//!
//! # What the history proves
//!
//! Guarantees speak of which updates are *visible* to a read, and of the order in which updates take their places
//! (Viotti and Vukolić, *Consistency in Non-Transactional Distributed Storage Systems*, ACM Computing Surveys 49(1),
//! 2016: visibility and arbitration). Clients see neither. What they see bounds them:
//!
//! ```text
//!   w1  ├──────┤ ok                                  w1 surely before w2: it had taken effect before w2 began
//!   w2            ├──────────┤ ok                    w2, w3: at once, either order is legal
//!   w3                 ├────────────── info          unknown: takes effect at any time from its invocation on, or never …
//!   r  = w3                      ├───┤               … but by the end of a read that returned its value it had
//!   w4                                  ├──┤ ok      so w3 surely before w4
//! ```
//!
//! An update takes its place in the order of updates at one moment, between its invocation and the place by which it
//! has surely taken [effect](History::effective_by): its acknowledgement, or the first end of a read that returned its
//! value. So `a` is *surely before* `b` exactly when `a` had taken effect before `b` was invoked; this is an interval
//! order, and every order of the updates of a key that extends it is legal. A read shows the newest of the updates that
//! are visible to it; an update that was invoked after the read ended is not. An operation that failed took no effect,
//! unless a read returned its value (then it is treated as unknown; durability calls it a phantom).
//!
//! A read *violates* a guarantee when no legal order explains what it returned: every order that extends "surely
//! before" puts a visible update after the one that was returned. Two consequences are easy to miss:
//! - a newer value of **another** client is never a violation, nor is one that was written at the same time;
//! - a read that found nothing names no delete. It is explained by any delete that can stand after the update it had to
//!   see: one that has not failed, was invoked before the read ended, and is not surely before that update. A delete
//!   that is still open explains it for now; should it fail, the violation is found at that moment.
//!
//! **Sound.** A store whose replicas apply updates in one order, each taking its place there between its invocation and
//! its acknowledgement (and before anybody reads it), is never accused wrongly: that order extends "surely before", so
//! what a checker proves of all legal orders is true of the real one. Every single-leader store that loses nothing is
//! of this kind, and every linearizable one. A store that orders updates by something else, such as skewed wall clocks,
//! may be accused of what its users see: an acknowledged update that an older one has overwritten.
//!
//! **Exact** by this definition: small histories are compared with an oracle that tries all legal orders (in the
//! tests).
//!
//! **Not seen.** Each read is judged by itself: when one delete has to explain two disappearances with another write in
//! between, no single order does, and these checkers do not notice. A value that no later operation looks at goes
//! unjudged. Reads name their writes only if no value is written twice to one key: when one is, nothing is judged, and
//! when a read returns a value that nobody wrote, a guarantee can fall but no longer be found to hold.
//!
//! # The two kinds
//!
//! - An [`OnlineChecker`] goes along with the run, and finds a violation at the event that shows it. The [`Ladder`]
//!   holds all of them; it is part of a session's checkpoints, so they keep their state in pages that forks share.
//! - A final check runs once, after the world was healed and replication came to rest.
//!
//! The [`CATALOG`] names them all.

mod convergence;
mod deletes;
mod durability;
mod final_state;
mod ladder;
mod liveness;
mod monotonic_reads;
mod per_session;
mod question;
mod read_your_writes;
pub(crate) mod story;
#[cfg(test)]
mod tests;
mod verdict;

pub use final_state::{FinalState, Probe, ReplicaContents};
pub use ladder::{Anomaly, Ladder};
pub use liveness::PROBES_MAX;
pub use question::{
    Budget, Check, Finding, Model, NullRead, Order, Question, Ruling, Setting, Unsupported,
};
pub use verdict::{Judgement, Verdict, Witness};

use std::fmt::Debug;

use seedbed_sim::Instant;

use crate::history::{History, OperationId, Place};

/// A checker that goes along with the run.
pub trait OnlineChecker: Debug + Send + Sync {
    /// Its name in the catalog.
    fn name(&self) -> &'static str;

    /// Looks at the history's event at `place`, and adds what it proves to `found`. It is called once for each place,
    /// in order; the history may be longer by then, but is the same up to there.
    fn observe(&mut self, history: &History, place: Place, found: &mut Vec<Witness>);

    /// A checker in the same state. Cheap.
    fn clone_box(&self) -> Box<dyn OnlineChecker>;
}

/// A checker, by name.
#[derive(Debug)]
pub struct CatalogEntry {
    /// Its name, as scenarios and reports use it.
    pub name: &'static str,
    /// What it promises, in one sentence.
    pub promise: &'static str,
    /// How it judges.
    pub kind: JudgeKind,
}

/// How a checker judges, and what it gets to see.
#[derive(Debug)]
pub enum JudgeKind {
    /// Event by event, by the history alone.
    Online(fn() -> Box<dyn OnlineChecker>),
    /// At the end, by the history and the final contents; the instant is the end of the run.
    Final(fn(&History, &FinalState, Instant) -> Verdict),
}

/// All checkers, in the order in which reports show them.
pub static CATALOG: &[CatalogEntry] = &[
    CatalogEntry {
        name: "read-your-writes",
        promise: "A session sees its own acknowledged updates.",
        kind: JudgeKind::Online(|| Box::new(read_your_writes::ReadYourWrites::default())),
    },
    CatalogEntry {
        name: "monotonic-reads",
        promise: "What a session has seen does not go away again.",
        kind: JudgeKind::Online(|| Box::new(monotonic_reads::MonotonicReads::default())),
    },
    CatalogEntry {
        name: convergence::NAME,
        promise: "Healed and at rest, all live replicas hold the same.",
        kind: JudgeKind::Final(convergence::check),
    },
    CatalogEntry {
        name: durability::NAME,
        promise: "What was acknowledged is there in the end, and what was refused is not.",
        kind: JudgeKind::Final(durability::check),
    },
    CatalogEntry {
        name: liveness::NAME,
        promise: "Healed, the cluster comes to rest and answers again.",
        kind: JudgeKind::Final(liveness::check),
    },
];

/// The checker of this name.
pub fn find(name: &str) -> Option<&'static CatalogEntry> {
    CATALOG.iter().find(|entry| entry.name == name)
}

/// The verdicts of all final checks.
pub fn judge_final(history: &History, state: &FinalState, at: Instant) -> Vec<Verdict> {
    let finals = CATALOG.iter().filter_map(|entry| match entry.kind {
        JudgeKind::Final(check) => Some(check(history, state, at)),
        JudgeKind::Online(_) => None,
    });
    finals.collect()
}

/// Why a history with a repeated write can't be judged.
fn repeated(history: &History, write: OperationId) -> String {
    let operation = history.operation(write);
    format!(
        "{} is written to {} twice, so that a read does not name its write",
        story::left_behind(operation),
        story::shorten(&operation.key)
    )
}
