//! The history: what clients saw, and nothing else.
//!
//! An operation begins with an *invoke* and ends with *ok* (it happened), *fail* (it surely did not and never will) or
//! *info* (nobody knows). What is still open when the run ends, or when its client crashes, is info. Checkers judge by
//! the history alone.

use std::sync::Arc;

use seedbed_sim::{EventId, Instant};

/// One thread of operations: at most one is open at a time. A process whose operation ended in info does not go on;
/// its client continues as another process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcessId(pub u32);

/// What a session guarantee is promised to: one user on one device, for as long as they are connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u32);

/// An operation, by the order of invocation, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OperationId(pub u32);

impl OperationId {
    /// For slices.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// What an operation does to its key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Function {
    /// Reads it; the result is the value, or `None` where the key is absent.
    Read,
    /// Sets it to a value that no other write of the run uses, so that a read names its write.
    Write(Arc<str>),
    /// Removes it.
    Delete,
}

/// How an operation ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Completion {
    /// It happened. A read carries what it returned; for writes and deletes the value is `None`.
    Ok(Option<Arc<str>>),
    /// It surely had no effect.
    Fail(&'static str),
    /// Nobody knows.
    Info(&'static str),
}

/// One operation, from its invocation to what is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Which one.
    pub id: OperationId,
    /// The process that invoked it.
    pub process: ProcessId,
    /// The session it belongs to.
    pub session: SessionId,
    /// The user, by name.
    pub user: Arc<str>,
    /// The key.
    pub key: Arc<str>,
    /// What it does.
    pub function: Function,
    /// When the workload meant it to begin; latency counts from here.
    pub intended_at: Instant,
    /// When it was invoked.
    pub invoked_at: Instant,
    /// The trace event of the invocation.
    pub invoked_by: EventId,
    /// How it ended, when, and by which trace event; `None` while it is open.
    pub completed: Option<Completed>,
}

/// The end of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completed {
    /// How.
    pub completion: Completion,
    /// When.
    pub at: Instant,
    /// The trace event.
    pub by: EventId,
    /// The name of the replica that answered, where one did.
    pub replica: Option<Arc<str>>,
    /// The position in the replicated log that the replica named; not for checkers.
    pub position: u64,
}
