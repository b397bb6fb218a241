//! Checkers: what a run promised, and whether it kept it.
//!
//! A checker sees the [`History`], that is, what clients saw. Those of kind [`JudgeKind::Final`] and
//! [`JudgeKind::Contents`] see the final contents of the replicas too, and what clients got that asked once more. No checker sees anything else: no replica, no log, no trace. So the same checkers
//! judge other people's systems.
//!
//! # What the history proves
//!
//! Most guarantees are judged as they are defined, by visibility and arbitration or by bad patterns alone: the chapters
//! are [`visibility`] and [`causal`], and [`guarantee`] says which of them imply which. What follows is the chapter of the
//! judges whose names end in `-in-real-time`, and of the others that go by the order in which updates *must* have taken
//! place.
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
//!   holds those of a run: the standing ones, and those that its scenario asks for. It is part of a session's checkpoints,
//!   so they keep their state in pages that forks share.
//! - A judge of the whole looks at a history once, when it is over. The final checks are such judges, and run after the
//!   world was healed and replication came to rest; the others cost more or say what most runs need not be asked, and run
//!   where a scenario [expects](crate::file::model::Expectation) something of them, on its [`Terms`].
//!
//! The [`CATALOG`] names them all.

mod acts;
mod availability;
mod bounded_staleness;
mod causal;
mod conflicts;
mod consistent_prefix;
mod convergence;
mod deletes;
mod durability;
mod final_state;
pub mod guarantee;
mod ladder;
pub mod linearizable;
mod liveness;
pub mod models;
mod monotonic_reads_in_real_time;
mod per_session;
mod question;
mod read_your_writes_in_real_time;
pub mod sequential;
pub(crate) mod story;
mod terms;
#[cfg(test)]
mod tests;
mod verdict;
mod visibility;
pub mod witness;

pub use final_state::{FinalState, Probe, ReplicaContents};
pub use ladder::{Anomaly, Ladder, News};
pub use liveness::PROBES_MAX;
pub use question::{
    Budget, Check, Finding, Model, NullRead, Order, Question, Ruling, Setting, Unsupported,
};
pub use story::Clock;
pub use terms::{Disturbance, Level, Term, Terms};
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

    /// Whether the last event explains all that was found until then.
    fn has_withdrawn(&self) -> bool {
        false
    }

    /// Why it can't say of the history so far that the guarantee holds, or anything at all, where that is so.
    fn unclear(&self, history: &History) -> Option<Unclear> {
        if let Some(write) = history.first_repeated_write() {
            return Some(Unclear::Altogether(repeated(history, write)));
        }
        let read = history.first_unexplained_read()?;
        Some(Unclear::WhetherItHolds(format!(
            "a read returned {}, which nobody had written",
            story::quote_or_nothing(history.operation(read).returned())
        )))
    }

    /// A checker in the same state. Cheap.
    fn clone_box(&self) -> Box<dyn OnlineChecker>;
}

/// What an online checker can't say; why, as half a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unclear {
    /// That the guarantee holds. What fell has fallen.
    WhetherItHolds(String),
    /// Anything.
    Altogether(String),
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
    /// The terms that it understands.
    pub terms: &'static [Term],
}

/// Makes a checker that goes along with a run, at its beginning; `None` where it can't do so on these terms.
pub type MakeOnline = fn(&Terms) -> Option<Box<dyn OnlineChecker>>;

/// How a checker judges, when, and what it gets to see.
#[derive(Debug)]
pub enum JudgeKind {
    /// Of every run, event by event, by the history alone; and of whole histories.
    Online(MakeOnline, Check),
    /// Where it is asked for, event by event, by the history alone; and of whole histories, at the end.
    Live(MakeOnline, Check),
    /// Of every run, at its end, by the history and the final contents.
    Final(Check),
    /// Where it is asked for, at the end, by the history alone.
    History(Check),
    /// Where it is asked for, at the end, by the history and the final contents.
    Contents(Check),
}

/// All checkers, in the order in which reports show them: the ladder first, weaker guarantees before stronger ones.
pub static CATALOG: &[CatalogEntry] = &[
    CatalogEntry {
        name: "read-your-writes",
        promise: "One order of updates explains that each session sees its own.",
        kind: JudgeKind::Live(
            visibility::live::read_your_writes,
            visibility::read_your_writes::check,
        ),
        terms: &[Term::Budget],
    },
    CatalogEntry {
        name: "monotonic-reads",
        promise: "One order of updates explains that no session forgets what it has seen.",
        kind: JudgeKind::Live(
            visibility::live::monotonic_reads,
            visibility::monotonic_reads::check,
        ),
        terms: &[Term::Budget],
    },
    CatalogEntry {
        name: "monotonic-writes",
        promise: "Updates take their places in the order in which their session issued them.",
        kind: JudgeKind::Live(
            visibility::live::monotonic_writes,
            visibility::monotonic_writes::check,
        ),
        terms: &[Term::Budget],
    },
    CatalogEntry {
        name: "writes-follow-reads",
        promise: "What a session writes takes its place after what it had read.",
        kind: JudgeKind::Live(
            visibility::live::writes_follow_reads,
            visibility::writes_follow_reads::check,
        ),
        terms: &[Term::Budget],
    },
    CatalogEntry {
        name: "pram",
        promise: "Everybody sees each session's updates in their order, and one order of all explains it.",
        kind: JudgeKind::Live(visibility::live::pram, visibility::pram::check),
        terms: &[Term::Budget],
    },
    CatalogEntry {
        name: "pram-per-process",
        promise: "Each session sees every other's updates in their order, whatever the others see.",
        kind: JudgeKind::History(causal::cm::check_pram),
        terms: &[Term::Budget],
    },
    CatalogEntry {
        name: "consistent-prefix",
        promise: "Who sees an update sees all that it depends on, then and later.",
        kind: JudgeKind::History(consistent_prefix::check),
        terms: &[Term::Budget],
    },
    CatalogEntry {
        name: "cc",
        promise: "Causal consistency: each read is explained by its causal past.",
        kind: JudgeKind::History(causal::cc::check),
        terms: &[Term::Budget],
    },
    CatalogEntry {
        name: "cm",
        promise: "Causal memory: one order of its causal past explains all reads of a session.",
        kind: JudgeKind::History(causal::cm::check),
        terms: &[Term::Budget],
    },
    CatalogEntry {
        name: "ccv",
        promise: "Causal convergence: one order of all updates explains each read by its causal past.",
        kind: JudgeKind::History(causal::ccv::check),
        terms: &[Term::Budget],
    },
    CatalogEntry {
        name: sequential::NAME,
        promise: "One order of all operations keeps every session's own and explains every answer.",
        kind: JudgeKind::History(sequential::check),
        terms: &[Term::Model, Term::Budget],
    },
    CatalogEntry {
        name: linearizable::NAME,
        promise: "Every operation takes effect at one moment between its beginning and its end.",
        kind: JudgeKind::History(linearizable::check),
        terms: &[Term::Model, Term::Budget],
    },
    CatalogEntry {
        name: "read-your-writes-in-real-time",
        promise: "A session sees its own acknowledged updates, or newer ones.",
        kind: JudgeKind::Online(
            |_| {
                Some(Box::new(
                    read_your_writes_in_real_time::ReadYourWrites::default(),
                ))
            },
            read_your_writes_in_real_time::check,
        ),
        terms: &[],
    },
    CatalogEntry {
        name: "monotonic-reads-in-real-time",
        promise: "What a session has seen does not go away again.",
        kind: JudgeKind::Online(
            |_| {
                Some(Box::new(
                    monotonic_reads_in_real_time::MonotonicReads::default(),
                ))
            },
            monotonic_reads_in_real_time::check,
        ),
        terms: &[],
    },
    CatalogEntry {
        name: "convergence",
        promise: "Healed and at rest, all live replicas hold the same.",
        kind: JudgeKind::Final(convergence::check),
        terms: &[],
    },
    CatalogEntry {
        name: "durability",
        promise: "What was acknowledged is there in the end, and what was refused is not.",
        kind: JudgeKind::Final(durability::check),
        terms: &[Term::Level],
    },
    CatalogEntry {
        name: "liveness",
        promise: "Healed, the cluster comes to rest and answers again.",
        kind: JudgeKind::Final(liveness::check),
        terms: &[],
    },
    CatalogEntry {
        name: "bounded-staleness",
        promise: "No read is further behind than so many versions, or so long.",
        kind: JudgeKind::Live(bounded_staleness::live::live, bounded_staleness::check),
        terms: &[Term::Versions, Term::Time],
    },
    CatalogEntry {
        name: "durability-throughout",
        promise: "What was acknowledged is there at every look from then on.",
        kind: JudgeKind::History(durability::throughout::check),
        terms: &[],
    },
    CatalogEntry {
        name: "availability",
        promise: "Whoever asks is served: no outage is longer than so long, and so soon after faults all works again.",
        kind: JudgeKind::History(availability::check),
        terms: &[Term::Outage, Term::Recovery, Term::Failures],
    },
    CatalogEntry {
        name: "no-lost-update",
        promise: "Nobody overwrites an update that they have not seen.",
        kind: JudgeKind::Contents(conflicts::lost_update::check),
        terms: &[],
    },
    CatalogEntry {
        name: "no-discarded-conflict",
        promise: "Of two acknowledged writes at once, neither is gone without a trace.",
        kind: JudgeKind::Contents(conflicts::discarded::check),
        terms: &[],
    },
    CatalogEntry {
        name: "no-resurrected-delete",
        promise: "What was deleted does not come back.",
        kind: JudgeKind::Contents(conflicts::resurrected::check),
        terms: &[],
    },
    CatalogEntry {
        name: "no-duplicated-effect",
        promise: "What was asked for once takes effect once.",
        kind: JudgeKind::Contents(conflicts::duplicated::check),
        terms: &[],
    },
    CatalogEntry {
        name: "no-sibling-explosion",
        promise: "No key has more siblings than so many.",
        kind: JudgeKind::Contents(conflicts::siblings::check),
        terms: &[Term::Siblings],
    },
    CatalogEntry {
        name: "no-split-brain",
        promise: "At no time do two replicas accept what can't both stand.",
        kind: JudgeKind::History(conflicts::split_brain::check),
        terms: &[],
    },
    CatalogEntry {
        name: "no-divergent-handler",
        promise: "Replicas that saw the same updates make the same of them.",
        kind: JudgeKind::Contents(conflicts::divergent::check),
        terms: &[],
    },
];

impl CatalogEntry {
    /// Whether every run is judged by it. The others are asked for by name.
    pub const fn is_standing(&self) -> bool {
        matches!(self.kind, JudgeKind::Online(..) | JudgeKind::Final(_))
    }

    /// What makes its checker, if it goes along with runs.
    pub const fn live(&self) -> Option<MakeOnline> {
        match self.kind {
            JudgeKind::Online(make, _) | JudgeKind::Live(make, _) => Some(make),
            JudgeKind::History(_) | JudgeKind::Final(_) | JudgeKind::Contents(_) => None,
        }
    }

    /// Its judge of whole histories.
    pub const fn check(&self) -> Check {
        match self.kind {
            JudgeKind::Online(_, check)
            | JudgeKind::Live(_, check)
            | JudgeKind::History(check)
            | JudgeKind::Final(check)
            | JudgeKind::Contents(check) => check,
        }
    }

    /// Whether it sees what replicas hold in the end.
    pub const fn sees_contents(&self) -> bool {
        matches!(self.kind, JudgeKind::Final(_) | JudgeKind::Contents(_))
    }

    /// What it rules of a whole history, whatever its kind. A judge that goes by the history alone gets nothing else.
    ///
    /// # Errors
    /// When the history holds what the judge does not know.
    pub fn judge(&self, question: &Question<'_>) -> Result<Ruling, Unsupported> {
        let alone = Question {
            finals: self.sees_contents().then_some(question.finals).flatten(),
            ..*question
        };
        self.check()(&alone)
    }

    /// A violation that it has found, cut down to the operations that prove it, and told. A judge outside of the
    /// [lattice](guarantee::LATTICE) may mind what is left out, so that its own proof stands.
    pub fn explain(&self, question: &Question<'_>, found: &Witness, clock: Clock<'_>) -> Witness {
        if guarantee::is_in_lattice(self.name) {
            witness::explain(question, self.name, self.check(), found, clock)
        } else {
            witness::retell(question, found, clock)
        }
    }

    /// The verdict on some terms.
    pub fn verdict(&self, question: &Question<'_>, terms: Terms) -> Verdict {
        let on_terms = Question {
            setting: &question.setting.on(terms),
            ..*question
        };
        let mut verdict = Verdict::new(self.name, terms, self.judge(&on_terms));
        // Who does not search can't run out of anything: the run does not show what is needed.
        if let Judgement::Undecided(reason) = &mut verdict.judgement
            && !self.terms.contains(&Term::Budget)
        {
            verdict.judgement = Judgement::NotJudged(std::mem::take(reason));
        }
        verdict
    }
}

/// The checker of this name.
pub fn find(name: &str) -> Option<&'static CatalogEntry> {
    CATALOG.iter().find(|entry| entry.name == name)
}

/// The verdicts of all final checks.
pub fn judge_final(history: &History, state: &FinalState, at: Instant) -> Vec<Verdict> {
    let question = Question {
        history,
        setting: &Setting::default(),
        finals: Some(state),
        at,
    };
    let finals = CATALOG
        .iter()
        .filter(|entry| matches!(entry.kind, JudgeKind::Final(_)));
    finals
        .map(|entry| entry.verdict(&question, Terms::default()))
        .collect()
}

/// So many states, and no more, are looked at to tell of a run why a guarantee fell.
const TELLING_STATES: u64 = 1_000_000;

/// Cuts the proofs of verdicts on the whole of a run down to what proves them, and tells them, as
/// [`CatalogEntry::explain`] does.
pub(crate) fn explain(verdicts: &mut [Verdict], question: &Question<'_>) {
    for verdict in verdicts {
        let Judgement::Violated { first, .. } = &mut verdict.judgement else {
            continue;
        };
        let entry = find(verdict.check).expect("verdicts are of checkers of the catalog");
        let mut setting = question.setting.on(verdict.terms);
        setting.budget.states = setting.budget.states.min(TELLING_STATES);
        let on_terms = Question {
            setting: &setting,
            ..*question
        };
        **first = entry.explain(&on_terms, first, Clock::Times);
    }
}

/// Why a history with a repeated write can't be judged.
fn repeated(history: &History, write: OperationId) -> String {
    let operation = history.operation(write);
    format!(
        "{} is written to {} twice, so that a read does not name its write",
        story::left_behind(operation),
        story::object(operation)
    )
}
