//! Witnesses: from a history that violates a guarantee to the few operations that prove it, and why they do.
//!
//! A judge that says "not linearizable" of 100,000 operations has helped nobody. What helps is the place where it became
//! impossible, and as little as possible around it:
//!
//! ```text
//!   line 3   process 0 writes x = 1; acknowledged at line 4          a witness: operations of the history ...
//!   line 7   process 1 writes x = 2; acknowledged at line 9
//!   line 12  process 3 reads x and gets 1 at line 13                 ... the culprit last ...
//!   1 had been replaced by 2 before the read began; the read could   ... and why no order explains them
//!   have returned 2.
//! ```
//!
//! # What a witness proves
//!
//! One can't just leave operations out: a history without the write of a value that somebody reads violates nearly
//! everything, and proves nothing. So what is left out of a witness is not denied. **A witness violates its guarantee
//! however the operations that it omits are put back.** An omitted update may have taken effect at any time from its
//! invocation on, or never, and in a session of its own; what it returned counts for nothing; an omitted read is simply not
//! there ([`project`]). Whatever really became of the omitted operations is one of these possibilities, so that the
//! whole history is violated too. (Operations that failed never happened, and are in no witness.)
//!
//! Put so, violation is *monotone*: of what explains many operations, a part explains fewer of them. Three things follow.
//!
//! 1. **The culprit** is well defined: the operations that have ended by some place violate the guarantee however
//!    everything else is put back, and those that ended before it do not. The culprit is the one that ends there: until
//!    then the store could still have been right. It is in every witness among what ended until then, and it is found
//!    by bisection, or with two looks where the judge has named it.
//! 2. **Windows work.** The last 2, 4, 8, … operations that ended before the culprit, with the updates whose values they
//!    saw, are looked at until they violate the guarantee ([`search`]): in a history of 100,000 operations no more is
//!    looked at than the story is long, once the culprit is known.
//! 3. **Nothing is left to drop.** Delta debugging (`search::ddmin`, the same that shrinks scenarios) takes away pieces
//!    of the window until no single operation can go; by monotony no several can go either.
//!
//! All of it is generic: a judge is a [`Check`], and is asked of sub-histories made up as ordinary histories. Those who ask
//! pay with a budget of states and events; what is undecided within it counts as "does not violate", which keeps witnesses
//! sound, and [`Core::is_minimal`] says whether anything was undecided at the end.
//!
//! # What would have been legal
//!
//! Where the culprit returned something, other answers are tried in its place, with everything that ended before it
//! ([`legal`]): those with which the guarantee holds are what it could have returned.
//!
//! # What this does not do
//!
//! A witness is minimal, not the smallest one: another one may have fewer operations. Judges that look at the final contents of
//! replicas (convergence, durability) prove what they say with an operation or two, and are not asked here.

mod legal;
mod lines;
mod project;
mod reason;
mod relevance;
mod search;
#[cfg(test)]
mod tests;

pub use lines::WitnessLines;

use crate::history::{OperationId, Value};

use super::story::{Clock, tell, tell_by};
use super::{Check, Question, Witness};
use search::Bench;

/// The operations that prove a violation, and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Core {
    /// In order of invocation, but for the culprit, which comes last. Without any of them, the others could be right.
    pub operations: Vec<OperationId>,
    /// What the culprit could have returned instead of what it did, as far as was tried; `None` is nothing. Empty where it
    /// returned nothing that could be otherwise.
    pub legal: Vec<Option<Value>>,
    /// Whether there may be more answers that are legal than those that were tried.
    pub more_legal: bool,
    /// Whether it is certain that nothing can be left out: not so where the budget ran out.
    pub is_minimal: bool,
    /// Events and states that were looked at.
    pub cost: u64,
}

impl Core {
    /// The operation with which it became impossible.
    ///
    /// # Panics
    /// Never: a core has operations.
    pub fn culprit(&self) -> OperationId {
        *self.operations.last().expect("a core has a culprit")
    }
}

/// The core of a violation that `check` has found, from the operations `hint` that it proves it with (the culprit last).
/// `None` when `check` finds nothing wrong within the budget, or goes by the final contents of replicas.
pub fn minimise(question: &Question<'_>, check: Check, hint: &[OperationId]) -> Option<Core> {
    Bench::new(question, check).core(hint)
}

/// A violation that `check` has found, cut down to its core and told: what happened, a sentence for each operation, then
/// why no order explains it. `guarantee` is its name. What can't be cut down is told as the judge has told it.
pub fn explain(
    question: &Question<'_>,
    guarantee: &str,
    check: Check,
    found: &Witness,
    clock: Clock<'_>,
) -> Witness {
    let mut bench = Bench::new(question, check);
    let Some(core) = bench.core(&found.operations) else {
        return retell(question, found, clock);
    };
    let history = question.history;
    let mut story: Vec<String> = core
        .operations
        .iter()
        .map(|&id| tell_by(history, id, clock))
        .collect();
    let judge = bench.judge_of(&core.operations);
    story.extend(reason::why(
        question,
        guarantee,
        &core,
        judge.as_deref(),
        clock,
    ));
    let culprit = history.operation(core.culprit());
    let at = culprit.completed.as_ref().map_or(found.at, |c| c.at);
    let summary = reason::summary(history, guarantee, &core, judge.as_deref(), clock);
    Witness::new(history, core.operations, at, summary, story)
}

/// The judge's own story, by another clock.
pub fn retell(question: &Question<'_>, found: &Witness, clock: Clock<'_>) -> Witness {
    let mut found = found.clone();
    if clock == Clock::Times {
        return found;
    }
    for &id in &found.operations {
        let told = tell(question.history, id);
        for line in found.story.iter_mut().filter(|line| **line == told) {
            *line = tell_by(question.history, id, clock);
        }
    }
    found
}
