//! What is asked of a judge that looks at a whole history, and what it rules.
//!
//! A judge gets a [`Question`] and returns a [`Ruling`]: the guarantee holds, or it falls and here is the proof, or
//! nobody can say within the budget. What a judge does not understand (a function that its model lacks, a value of
//! another shape) is [`Unsupported`]: bad input, never a verdict.

use seedbed_sim::Instant;

use crate::history::{History, Place, Value};

use super::{Disturbance, FinalState, Judgement, Terms, Witness};

/// A history, and how to read it.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// What clients saw.
    pub history: &'a History,
    /// How to read it.
    pub setting: &'a Setting,
    /// What the replicas held in the end, where anybody looked.
    pub finals: Option<&'a FinalState>,
    /// The end of the run.
    pub at: Instant,
}

impl<'a> Question<'a> {
    /// The final contents, where they mean something; else why they do not.
    pub(super) fn contents(&self) -> Result<&'a FinalState, String> {
        let Some(state) = self.finals else {
            return Err("nobody looked what the replicas hold in the end".to_owned());
        };
        state.why_not_judged().map_or(Ok(state), Err)
    }
}

/// How to read a history: nothing in it says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// What kind of object the keys name.
    pub model: Model,
    /// What each of them holds at first; `None`: it is absent, or empty.
    pub initial: Option<Value>,
    /// What a read says that returned nothing.
    pub null_read: NullRead,
    /// Which order of events is to be believed.
    pub order: Order,
    /// How much a search may cost.
    pub budget: Budget,
    /// How far a guarantee that can be missed by a little may be missed.
    pub terms: Terms,
    /// Which faults held, in order of their beginnings, where anybody knows.
    pub faults: Vec<Disturbance>,
}

impl Setting {
    /// The same on these terms.
    pub fn on(&self, terms: Terms) -> Self {
        let budget = Budget {
            states: terms.budget.unwrap_or(self.budget.states),
            ..self.budget
        };
        Self {
            terms,
            budget,
            model: terms.model.unwrap_or(self.model),
            ..self.clone()
        }
    }
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            model: Model::Register,
            initial: None,
            null_read: NullRead::Initial,
            order: Order::RealTime,
            budget: Budget::default(),
            terms: Terms::default(),
            faults: Vec::new(),
        }
    }
}

/// What kind of object a key names: which functions it has, and what they do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Model {
    /// Read, write, delete.
    Register,
    /// Read, write, compare-and-set.
    CasRegister,
    /// Read, write, append to a text or a list.
    AppendKv,
    /// Insert, remove, contains, and read the whole.
    Set,
    /// Enqueue and dequeue.
    Queue,
    /// Add, and read the sum.
    Counter,
}

/// What a read says that returned nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NullRead {
    /// That it found the initial value, which is nothing, or a delete.
    Initial,
    /// Nothing at all: it is always legal. Some clients log reads so whose result they did not keep.
    Any,
}

/// Which order of events is to be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The order of the history: an operation that ended before another began came first.
    RealTime,
    /// Only the order within each session; the history has no real time.
    Session,
}

/// How much a search may cost, in numbers that are the same on every machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// States that are looked at.
    pub states: u64,
    /// Bytes of what has been looked at and is remembered.
    pub bytes: u64,
}

impl Default for Budget {
    /// Ten million states and a gibibyte, some seconds.
    fn default() -> Self {
        Self {
            states: 10_000_000,
            bytes: 1 << 30,
        }
    }
}

/// What a judge rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruling {
    /// Whether the guarantee holds.
    pub finding: Finding,
    /// How many states were looked at.
    pub states: u64,
}

/// Whether a guarantee holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// There is an order, or a view, that explains everything.
    Holds,
    /// There is none.
    Violated {
        /// The proof that was found first.
        first: Box<Witness>,
        /// How many proofs were found.
        count: u64,
    },
    /// The budget ran out, or the history does not show what is needed; the reason, as half a sentence.
    Undecided(String),
}

/// A function that the model lacks, or a value of another shape: bad input.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct Unsupported {
    /// The event.
    pub place: Place,
    /// What it is, and what was expected.
    pub what: String,
}

/// A judge that looks at a whole history.
///
/// # Errors
/// When the history holds what the judge's model does not know.
pub type Check = fn(&Question<'_>) -> Result<Ruling, Unsupported>;

impl Ruling {
    /// A ruling that nobody can give; the reason, as half a sentence.
    pub(super) fn undecided(reason: impl Into<String>) -> Self {
        Self {
            finding: Finding::Undecided(reason.into()),
            states: 0,
        }
    }

    /// Says how many proofs there are, where only the first was written down.
    pub(super) fn count(&mut self, proofs: u64) {
        if let Finding::Violated { count, .. } = &mut self.finding {
            *count = proofs;
        }
    }

    /// A ruling from the proofs that were found.
    pub fn from_witnesses(witnesses: Vec<Witness>, states: u64) -> Self {
        let count = witnesses.len() as u64;
        let finding = match witnesses.into_iter().next() {
            None => Finding::Holds,
            Some(first) => Finding::Violated {
                first: Box::new(first),
                count,
            },
        };
        Self { finding, states }
    }
}

impl From<Finding> for Judgement {
    fn from(finding: Finding) -> Self {
        match finding {
            Finding::Holds => Self::Holds,
            Finding::Violated { first, count } => Self::Violated { first, count },
            Finding::Undecided(reason) => Self::Undecided(reason),
        }
    }
}
