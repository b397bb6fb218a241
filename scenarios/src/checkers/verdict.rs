//! What a checker says, and what it proves it with.

use seedbed_sim::{EventId, Instant};

use crate::history::{History, OperationId};

use super::{Ruling, Terms, Unsupported};

/// What a checker says of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The checker, by its name in the [catalog](super::CATALOG).
    pub check: &'static str,
    /// The terms on which it was asked.
    pub terms: Terms,
    /// What it says.
    pub judgement: Judgement,
}

/// Whether a guarantee held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// Nothing in the history contradicts it.
    Holds,
    /// It fell.
    Violated {
        /// The proof that was found first.
        first: Box<Witness>,
        /// How many proofs there are.
        count: u64,
    },
    /// The run does not show what is needed to judge; the reason, as half a sentence.
    NotJudged(String),
    /// The judge looked and could not tell: its budget ran out, or the history does not show enough; the reason, as half a
    /// sentence.
    Undecided(String),
}

/// The operations that prove a violation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// The operations, in the order in which the story tells them; the culprit comes last.
    pub operations: Vec<OperationId>,
    /// The trace events behind them: beginnings and ends.
    pub events: Vec<EventId>,
    /// When the violation could be seen.
    pub at: Instant,
    /// One line: who saw what, and what they should have seen.
    pub summary: String,
    /// The story: what happened, a line for each moment, then in one more line why that must not be.
    pub story: Vec<String>,
}

impl Verdict {
    /// `Some(true)` when the guarantee held, `None` when it can't be judged.
    pub fn holds(&self) -> Option<bool> {
        match self.judgement {
            Judgement::Holds => Some(true),
            Judgement::Violated { .. } => Some(false),
            Judgement::NotJudged(_) | Judgement::Undecided(_) => None,
        }
    }

    /// The proof that was found first, where the guarantee fell.
    pub fn witness(&self) -> Option<&Witness> {
        match &self.judgement {
            Judgement::Violated { first, .. } => Some(first),
            _ => None,
        }
    }

    /// The check and its terms: `bounded-staleness (versions 2)`.
    pub fn label(&self) -> String {
        self.terms.label(self.check)
    }

    /// The verdict that a ruling makes. What the judge does not understand it has not judged.
    pub(super) fn new(
        check: &'static str,
        terms: Terms,
        ruled: Result<Ruling, Unsupported>,
    ) -> Self {
        let judgement = match ruled {
            Ok(ruling) => ruling.finding.into(),
            Err(unsupported) => Judgement::NotJudged(unsupported.what),
        };
        Self {
            check,
            terms,
            judgement,
        }
    }
}

impl Witness {
    /// A witness whose events are those of its operations.
    pub(super) fn new(
        history: &History,
        operations: Vec<OperationId>,
        at: Instant,
        summary: String,
        story: Vec<String>,
    ) -> Self {
        let mut events: Vec<EventId> = operations
            .iter()
            .map(|&id| history.operation(id))
            .flat_map(|o| [Some(o.invoked_by), o.completed.as_ref().map(|c| c.by)])
            .flatten()
            .filter(|&event| event != EventId::OUTSIDE)
            .collect();
        events.sort_unstable();
        events.dedup();
        Self {
            operations,
            events,
            at,
            summary,
            story,
        }
    }
}
