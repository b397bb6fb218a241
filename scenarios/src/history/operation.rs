//! Operations: what a client asked, and how it ended.

use std::borrow::Cow;
use std::sync::Arc;

use seedbed_sim::{EventId, Instant, Span};

use super::Value;

/// One thread of operations: at most one is open at a time. A process whose operation ended in info does not go on;
/// its client continues as another process. Processes are numbered from 0 without large gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcessId(pub u32);

/// What a session guarantee is promised to: one user on one device, for as long as they are connected. Sessions are
/// numbered from 0 without large gaps.
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

/// What an operation does to its key. Simulated runs read, write and delete; the rest stands in the histories of other
/// systems, and each [model](crate::checkers) knows some of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Function {
    /// Reads it; the result is the value, or `None` where the key is absent.
    Read,
    /// Sets it. In simulated runs no other write of the run uses the value for this key, so that a read names its
    /// write.
    Write(Value),
    /// Removes it.
    Delete,
    /// Sets it to `new` where it holds `expected` (`None`: where it is absent); fails where it holds anything else.
    CompareAndSet {
        /// What it must hold.
        expected: Option<Value>,
        /// What it then holds.
        new: Value,
    },
    /// Appends to the text or list that it holds.
    Append(Value),
    /// Adds to the number that it holds.
    Add(i64),
    /// Puts an element into the set that it holds.
    Insert(Value),
    /// Takes an element out of the set that it holds.
    Remove(Value),
    /// Asks whether an element is in the set that it holds; the result is a truth.
    Contains(Value),
    /// Puts an element at the end of the queue that it holds.
    Enqueue(Value),
    /// Takes the first element from the queue that it holds; the result is the element, or `None` where it is empty.
    Dequeue,
}

impl Function {
    /// Its name in the native format: `read`, `write`, `delete`, `cas`, and so on.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write(_) => "write",
            Self::Delete => "delete",
            Self::CompareAndSet { .. } => "cas",
            Self::Append(_) => "append",
            Self::Add(_) => "add",
            Self::Insert(_) => "insert",
            Self::Remove(_) => "remove",
            Self::Contains(_) => "contains",
            Self::Enqueue(_) => "enqueue",
            Self::Dequeue => "dequeue",
        }
    }

    /// The value that its key holds once it has taken effect, where the function says so: a write or a compare-and-set.
    pub const fn written(&self) -> Option<&Value> {
        match self {
            Self::Write(value) | Self::CompareAndSet { new: value, .. } => Some(value),
            _ => None,
        }
    }

    /// What it carries, as the native format shows it: the value to write, the element, `[expected, new]`.
    pub fn argument(&self) -> Option<Value> {
        match self {
            Self::Read | Self::Delete | Self::Dequeue => None,
            Self::Write(value)
            | Self::Append(value)
            | Self::Insert(value)
            | Self::Remove(value)
            | Self::Contains(value)
            | Self::Enqueue(value) => Some(value.clone()),
            Self::Add(amount) => Some(Value::Int(*amount)),
            Self::CompareAndSet { expected, new } => {
                let expected = expected.clone().unwrap_or(Value::Null);
                Some(Value::List([expected, new.clone()].into()))
            }
        }
    }

    /// Whether it may change its key.
    pub const fn is_update(&self) -> bool {
        !matches!(self, Self::Read | Self::Contains(_))
    }
}

/// Why an operation failed, or why nobody knows how it ended.
pub type Reason = Cow<'static, str>;

/// How an operation ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Completion {
    /// It happened. What asks for something carries what it returned; for updates the value is `None`.
    Ok(Option<Value>),
    /// It surely had no effect; the reason.
    Fail(Reason),
    /// Nobody knows; the reason.
    Info(Reason),
}

impl Completion {
    /// `ok`, `fail` or `info`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Ok(_) => "ok",
            Self::Fail(_) => "fail",
            Self::Info(_) => "info",
        }
    }
}

/// The beginning of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    /// The process that invokes it.
    pub process: ProcessId,
    /// The session it belongs to.
    pub session: SessionId,
    /// The user, by name.
    pub user: Arc<str>,
    /// The workload that asks for it, by name.
    pub load: Arc<str>,
    /// The key.
    pub key: Arc<str>,
    /// What it does.
    pub function: Function,
    /// When the workload meant it to begin; latency counts from here.
    pub intended_at: Instant,
    /// When it is invoked.
    pub invoked_at: Instant,
    /// The trace event of the invocation.
    pub invoked_by: EventId,
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
    /// The workload that asked for it, by name.
    pub load: Arc<str>,
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

impl Operation {
    /// An operation that has begun and not ended.
    pub(super) fn begun(id: OperationId, invocation: Invocation) -> Self {
        Self {
            id,
            process: invocation.process,
            session: invocation.session,
            user: invocation.user,
            load: invocation.load,
            key: invocation.key,
            function: invocation.function,
            intended_at: invocation.intended_at,
            invoked_at: invocation.invoked_at,
            invoked_by: invocation.invoked_by,
            completed: None,
        }
    }

    /// Whether it was acknowledged.
    pub fn is_ok(&self) -> bool {
        matches!(self.completion(), Some(Completion::Ok(_)))
    }

    /// Whether it surely had no effect.
    pub fn is_fail(&self) -> bool {
        matches!(self.completion(), Some(Completion::Fail(_)))
    }

    /// Whether it changes its key.
    pub fn is_update(&self) -> bool {
        self.function.is_update()
    }

    /// How it ended; `None` while it is open.
    pub fn completion(&self) -> Option<&Completion> {
        self.completed.as_ref().map(|c| &c.completion)
    }

    /// The value that its key holds once it has taken effect, where the function says so.
    pub const fn written(&self) -> Option<&Value> {
        self.function.written()
    }

    /// The value that it returned, where it asked for one and found one.
    pub fn returned(&self) -> Option<&Value> {
        match self.completion() {
            Some(Completion::Ok(value)) => value.as_ref(),
            _ => None,
        }
    }

    /// From when it was meant to begin until it ended; `None` while it is open.
    pub fn latency(&self) -> Option<Span> {
        self.completed
            .as_ref()
            .map(|c| c.at.since(self.intended_at))
    }
}
