//! What an offline judge of registers goes by: the reads and writes of a history that took effect, the order of each
//! session, and the write that each read names.
//!
//! An *act* is a read that returned, or a write (or delete) that took effect: it was acknowledged, or a read returned its
//! value. A compare-and-set that took effect is two acts, one right after the other: the read of what it expected and
//! the write of what it put there. What failed never happened. What has no known outcome and was read by nobody is left
//! out: it may never have happened, and leaving it out can only help.
//!
//! An act comes before another one *in session order* when both belong to one session and the first had been
//! acknowledged before the second began. Sessions do one thing at a time as a rule; for those that do not, and for
//! operations with an unknown outcome (which come before nothing), a session is split into *chains*, each of them
//! totally ordered, so that a vector of counts by chain says what an act has behind it.
//!
//! Reads do not always name one write. A value that was written twice, a delete (which all leave the same nothing
//! behind) or an initial value that somebody writes too leave several candidates. [`settle`] tries them: it first leaves
//! such reads out, which can only help, so that what falls then falls; then it tries the likely choices, each of which
//! may prove that the guarantee holds; then all of them, within the budget.

mod builder;
mod clocks;
mod gather;
mod graph;
mod lists;

pub(super) use clocks::Clocks;
pub(super) use gather::{Judged, Objects, settle};
pub(super) use graph::{Graph, Step, Why, acts_on, shortened};

use crate::checkers::story::{object, quote_or_nothing};
use crate::history::{Completion, Function, History, KeyId, OperationId};

/// An act, by the order of invocation.
pub(crate) type ActId = usize;

/// A read or a write that took effect.
#[derive(Clone, Debug)]
pub(crate) struct Act {
    /// The operation that it is, or is half of.
    pub(crate) operation: OperationId,
    /// Its session.
    pub(crate) session: u32,
    /// Its key.
    pub(crate) key: KeyId,
    /// Its chain, from 0.
    pub(crate) chain: usize,
    /// Its number in its chain, from 1.
    pub(crate) number: u32,
    /// The last acts of the session's chains that come before it in session order.
    pub(crate) after: Vec<ActId>,
    /// What it does.
    pub(crate) role: Role,
}

/// What an act does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// It puts a value there, or takes it away.
    Write,
    /// It finds what something put there.
    Read(Source),
}

/// Where the value of a read comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// It was there from the beginning.
    Initial,
    /// A write.
    Write(ActId),
    /// Appends, all that it found: a list of [`Acts::lists`].
    List(usize),
    /// Nobody wrote it: a value out of thin air.
    Nobody,
    /// One of several candidates, and nobody chose.
    Open,
}

/// All acts of a history, with one choice of what reads name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Acts {
    /// In order of invocation.
    pub(crate) all: Vec<Act>,
    /// How many chains there are.
    pub(crate) chain_count: usize,
    /// The writes of each key, by chain, in their order.
    pub(crate) writes: Vec<Vec<ChainWrites>>,
    /// What reads of appends found, in the order in which they found it.
    pub(crate) lists: Vec<Vec<ActId>>,
}

/// The writes of one key in one chain.
#[derive(Clone, Debug)]
pub(crate) struct ChainWrites {
    /// The chain.
    pub(crate) chain: usize,
    /// Number in the chain, and act.
    pub(crate) writes: Vec<(u32, ActId)>,
}

impl ChainWrites {
    /// The last of them that is among the first `count` acts of the chain.
    pub(crate) fn last_within(&self, count: u32) -> Option<ActId> {
        let end = self.writes.partition_point(|(number, _)| *number <= count);
        end.checked_sub(1).map(|index| self.writes[index].1)
    }
}

impl Acts {
    /// The act's predecessors: in session order, and the write that it reads.
    pub(crate) fn before(&self, act: ActId) -> impl Iterator<Item = ActId> + '_ {
        let act = &self.all[act];
        act.after.iter().copied().chain(act.source())
    }
}

impl Act {
    /// The write that it reads.
    pub(crate) fn source(&self) -> Option<ActId> {
        match self.role {
            Role::Read(Source::Write(write)) => Some(write),
            _ => None,
        }
    }

    /// Whether it is a read.
    pub(crate) fn is_read(&self) -> bool {
        matches!(self.role, Role::Read(_))
    }
}

/// The value that an operation put there or found, for stories.
pub(crate) fn value_of(history: &History, act: &Act) -> String {
    let operation = history.operation(act.operation);
    let value = match (&operation.function, act.role) {
        (Function::CompareAndSet { expected, .. }, Role::Read(_)) => expected.as_ref(),
        (_, Role::Write) => operation.written(),
        (_, Role::Read(_)) => match operation.completion() {
            Some(Completion::Ok(value)) => value.as_ref(),
            _ => None,
        },
    };
    format!("{} = {}", object(operation), quote_or_nothing(value))
}
