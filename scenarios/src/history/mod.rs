//! The history: what clients saw, and nothing else.
//!
//! An operation begins with an *invoke* and ends with *ok* (it happened), *fail* (it surely did not and never will) or
//! *info* (nobody knows). What is still open when the run ends, or when its client crashes, is info. Checkers judge by
//! the history alone.
//!
//! ```text
//!   place   0        1        2        3        4        5
//!           invoke a ok a     invoke b invoke c ok c     info b          the order is part of the history:
//!           │        │        └────────┼────────┼────────┘               checkers go by places, not by time,
//!           └────────┘ a before b      └────────┘ b and c at once        since two events may share an instant
//! ```
//!
//! A [`History`] grows at its end and is [cut](History::cut) at its end, which is how a session goes back. It lies in
//! pages that clones share, so that forking one with a million events takes under a millisecond. While it grows it
//! keeps what every checker would otherwise have to work out for itself, and what follows from the history alone:
//!
//! - which write a read *names* ([`Source`]), since no two writes of one key use the same value;
//! - by which place a write has surely *taken effect* ([`History::effective_by`]).
//!
//! Histories leave as JSON Lines ([`History::json_lines`]), one event a line.

mod index;
mod json;
mod operation;
pub(crate) mod pages;
#[cfg(test)]
pub(crate) mod sketch;
#[cfg(test)]
mod tests;
mod value;

pub use operation::{
    Completed, Completion, Function, Invocation, Operation, OperationId, ProcessId, Reason,
    SessionId,
};
pub use value::Value;

use std::sync::Arc;

use seedbed_sim::{EventId, Instant};

use index::{Index, hash};
use pages::Pages;

/// The version of the [native format](History::json_lines).
pub const SCHEMA: u64 = 1;

/// Where an event stands in the history's order, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place(pub u32);

/// A key, by the order of first use, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub u32);

/// An event of the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HistoryEvent {
    /// The operation begins.
    Invoke(OperationId),
    /// The operation ends.
    Complete(OperationId),
}

/// What a read's result names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The key was absent: never written, or deleted by nobody knows which delete.
    Absent,
    /// The write that put the value there.
    Write(OperationId),
    /// A value that no operation invoked before had written.
    Nobody,
}

/// What is kept beside an operation, all of it made from the history.
#[derive(Clone, Debug)]
struct Standing {
    key: KeyId,
    invoked: Place,
    completed: Option<Place>,
    /// Reads that ended ok: what they name.
    source: Option<Source>,
    /// Writes: where a read first returned the value.
    first_read: Option<Place>,
}

#[derive(Clone, Debug)]
struct Key {
    name: Arc<str>,
    first_use: OperationId,
}

#[derive(Clone, Debug, Default)]
struct Process {
    open: Option<OperationId>,
    ended_in_info: bool,
}

/// All operations of a run so far, and the order of their beginnings and ends.
#[derive(Clone, Debug, Default)]
pub struct History {
    events: Pages<HistoryEvent>,
    operations: Pages<Operation>,
    standings: Pages<Standing>,
    processes: Pages<Process>,
    key_names: Pages<Key>,
    keys: Index,
    /// From (key, value) to the write.
    values: Index,
    /// Writes of a value that an earlier write of the same key used, in order.
    repeated: Vec<OperationId>,
    /// Reads of values that nobody had written, in order of their ends.
    unexplained: Vec<OperationId>,
}

impl History {
    /// A history in which nothing has happened.
    pub fn new() -> Self {
        Self::default()
    }

    /// An operation begins.
    ///
    /// # Panics
    /// When the process has an operation open, or its last one ended in info: a workload that does so has a bug.
    pub fn invoke(&mut self, invocation: Invocation) -> OperationId {
        let id = OperationId(number(self.operations.len()));
        let process = invocation.process;
        assert!(
            self.may_invoke(process),
            "process {} may not begin operation {}",
            process.0,
            id.0
        );
        self.processes
            .grow_to(process.0 as usize + 1, &Process::default());
        self.process_mut(process).open = Some(id);

        let key = self.intern(&invocation.key, id);
        if let Some(value) = invocation.function.written() {
            self.note_write(id, key, value);
        }
        self.standings.push(Standing {
            key,
            invoked: self.end(),
            completed: None,
            source: None,
            first_read: None,
        });
        self.operations.push(Operation::begun(id, invocation));
        self.events.push(HistoryEvent::Invoke(id));
        id
    }

    /// An operation ends.
    ///
    /// # Panics
    /// When the operation is not open.
    pub fn complete(&mut self, id: OperationId, completed: Completed) {
        let operation = self.operation(id);
        assert!(operation.completed.is_none(), "{id:?} has ended before");
        let source = match (&operation.function, &completed.completion) {
            (Function::Read, Completion::Ok(value)) => {
                Some(self.find_source(self.key_id(id), value.as_ref()))
            }
            _ => None,
        };
        let ended_in_info = matches!(completed.completion, Completion::Info(_));
        let process = operation.process;
        let place = self.end();

        if let Some(Source::Write(write)) = source {
            self.standing_mut(write).first_read.get_or_insert(place);
        } else if source == Some(Source::Nobody) {
            self.unexplained.push(id);
        }
        let standing = self.standing_mut(id);
        standing.completed = Some(place);
        standing.source = source;
        self.operation_mut(id).completed = Some(completed);
        *self.process_mut(process) = Process {
            open: None,
            ended_in_info,
        };
        self.events.push(HistoryEvent::Complete(id));
    }

    /// What is open ends as info, in order of invocation: the run is over. Returns how many there were.
    pub fn close(&mut self, at: Instant, by: EventId, reason: &'static str) -> usize {
        let open = self.open_operations();
        for &id in &open {
            self.complete(
                id,
                Completed {
                    completion: Completion::Info(reason.into()),
                    at,
                    by,
                    replica: None,
                    position: 0,
                },
            );
        }
        open.len()
    }

    /// Forgets all events from number `len` on, as if they had never been. A larger `len` changes nothing.
    pub fn cut(&mut self, len: usize) {
        while self.events.len() > len {
            let place = Place(number(self.events.len() - 1));
            match self.events.pop() {
                Some(HistoryEvent::Complete(id)) => self.undo_complete(id, place),
                Some(HistoryEvent::Invoke(id)) => self.undo_invoke(id),
                None => unreachable!("the history was longer than {len}"),
            }
        }
    }

    /// How many events there are.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether nothing has happened.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The event at a place; `None` past the end.
    pub fn event(&self, place: Place) -> Option<HistoryEvent> {
        self.events.get(place.0 as usize).copied()
    }

    /// The place that the next event will take.
    pub fn end(&self) -> Place {
        Place(number(self.events.len()))
    }

    /// An operation.
    ///
    /// # Panics
    /// When there is none with this id.
    pub fn operation(&self, id: OperationId) -> &Operation {
        self.operations.get(id.index()).expect("a known operation")
    }

    /// All operations, in order of invocation.
    pub fn operations(&self) -> impl DoubleEndedIterator<Item = &Operation> + Clone {
        self.operations.iter()
    }

    /// How many operations there are.
    pub fn operation_count(&self) -> usize {
        self.operations.len()
    }

    /// The operations that have not ended, in order of invocation.
    pub fn open_operations(&self) -> Vec<OperationId> {
        let mut open: Vec<OperationId> = self.processes.iter().filter_map(|p| p.open).collect();
        open.sort_unstable();
        open
    }

    /// Whether a process may begin an operation: none is open, and none ended in info.
    pub fn may_invoke(&self, process: ProcessId) -> bool {
        self.processes
            .get(process.0 as usize)
            .is_none_or(|p| p.open.is_none() && !p.ended_in_info)
    }

    /// Where an operation began.
    pub fn invoked(&self, id: OperationId) -> Place {
        self.standing(id).invoked
    }

    /// Where an operation ended; `None` while it is open.
    pub fn completed(&self, id: OperationId) -> Option<Place> {
        self.standing(id).completed
    }

    /// What a read that ended ok names; `None` for everything else.
    pub fn source(&self, id: OperationId) -> Option<Source> {
        self.standing(id).source
    }

    /// By which place a write or delete has surely taken effect: its acknowledgement or, for writes, the first end of a
    /// read that returned its value, where that comes earlier. `None` while nobody can know.
    pub fn effective_by(&self, id: OperationId) -> Option<Place> {
        let standing = self.standing(id);
        let acknowledged = self.operation(id).is_ok().then_some(standing.completed);
        match (acknowledged.flatten(), standing.first_read) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        }
    }

    /// Whether one update surely took its place in the order of updates before another: it had taken effect before the
    /// other began.
    pub fn surely_before(&self, earlier: OperationId, later: OperationId) -> bool {
        self.effective_by(earlier)
            .is_some_and(|place| place < self.invoked(later))
    }

    /// The key of an operation.
    pub fn key_id(&self, id: OperationId) -> KeyId {
        self.standing(id).key
    }

    /// A key's name.
    ///
    /// # Panics
    /// When there is no such key.
    pub fn key_name(&self, key: KeyId) -> &Arc<str> {
        &self
            .key_names
            .get(key.0 as usize)
            .expect("a known key")
            .name
    }

    /// How many keys there are.
    pub fn key_count(&self) -> usize {
        self.key_names.len()
    }

    /// The key of this name, where an operation has used it.
    pub fn find_key(&self, name: &str) -> Option<KeyId> {
        let is_it = |n| **self.key_name(KeyId(n)) == *name;
        self.keys.find(hash(name, 0), is_it).map(KeyId)
    }

    /// The write that put a value under a key, whatever became of it.
    pub fn find_write(&self, key: KeyId, value: &Value) -> Option<OperationId> {
        let is_it = |n| {
            let id = OperationId(n);
            self.key_id(id) == key && self.operation(id).written() == Some(value)
        };
        self.values
            .find(value.fixed_hash(key.0), is_it)
            .map(OperationId)
    }

    /// The first write that repeated a value of an earlier write of its key. With one, reads no longer name their
    /// writes, and most checkers can't judge.
    pub fn first_repeated_write(&self) -> Option<OperationId> {
        self.repeated.first().copied()
    }

    /// The first read of a value that nobody had written before.
    pub fn first_unexplained_read(&self) -> Option<OperationId> {
        self.unexplained.first().copied()
    }

    /// The history as JSON Lines, one event each, in order and without line ends:
    /// `{"process","type","f","key","value","time","index","node","session","user","error"}`. `type` is invoke, ok,
    /// fail or info; `f` read, write or delete; a read's `value` stands on its ok and is null for an absent key; `time`
    /// is in virtual nanoseconds; `index` is the place; `node`, the replica, and `error`, the reason of a fail or info,
    /// stand where there is one.
    /// [`json_header`](Self::json_header) may stand before them.
    pub fn json_lines(&self) -> impl Iterator<Item = String> + '_ {
        json::lines(self)
    }

    /// The first line of a file that holds the [`json_lines`](Self::json_lines): the version of the format and how many events
    /// follow, so that a file that is cut off is found out. `seedbed check` reads such files.
    pub fn json_header(&self) -> String {
        json::header(self)
    }

    fn find_source(&self, key: KeyId, value: Option<&Value>) -> Source {
        let Some(value) = value else {
            return Source::Absent;
        };
        self.find_write(key, value)
            .map_or(Source::Nobody, Source::Write)
    }

    fn intern(&mut self, name: &Arc<str>, first_use: OperationId) -> KeyId {
        if let Some(key) = self.find_key(name) {
            return key;
        }
        let key = number(self.key_names.len());
        let names = &self.key_names;
        self.keys.insert(hash(name, 0), key, |n| {
            hash(&names.get(n as usize).expect("a known key").name, 0)
        });
        self.key_names.push(Key {
            name: name.clone(),
            first_use,
        });
        KeyId(key)
    }

    fn note_write(&mut self, id: OperationId, key: KeyId, value: &Value) {
        if self.find_write(key, value).is_some() {
            self.repeated.push(id);
            return;
        }
        let (operations, standings) = (&self.operations, &self.standings);
        self.values.insert(value.fixed_hash(key.0), id.0, |n| {
            let operation = operations.get(n as usize).expect("a known operation");
            let standing = standings.get(n as usize).expect("a known operation");
            let value = operation.written().expect("only writes are in the index");
            value.fixed_hash(standing.key.0)
        });
    }

    fn undo_complete(&mut self, id: OperationId, place: Place) {
        if let Some(Source::Write(write)) = self.source(id) {
            let write = self.standing_mut(write);
            if write.first_read == Some(place) {
                write.first_read = None;
            }
        } else if self.unexplained.last() == Some(&id) {
            self.unexplained.pop();
        }
        let standing = self.standing_mut(id);
        standing.completed = None;
        standing.source = None;
        let operation = self.operation_mut(id);
        operation.completed = None;
        let process = operation.process;
        *self.process_mut(process) = Process {
            open: Some(id),
            ended_in_info: false,
        };
    }

    fn undo_invoke(&mut self, id: OperationId) {
        let key = self.key_id(id);
        if self.repeated.last() == Some(&id) {
            self.repeated.pop();
        } else if let Some(value) = self.operation(id).written() {
            self.values.remove_last(value.fixed_hash(key.0), id.0);
        }
        self.standings.pop();
        let operation = self.operations.pop().expect("a known operation");
        *self.process_mut(operation.process) = Process::default();
        let names = &self.key_names;
        if names.get(key.0 as usize).is_some_and(|k| k.first_use == id) {
            self.key_names.pop();
            self.keys.remove_last(hash(&operation.key, 0), key.0);
        }
    }

    fn process_mut(&mut self, process: ProcessId) -> &mut Process {
        self.processes
            .get_mut(process.0 as usize)
            .expect("a known process")
    }

    fn operation_mut(&mut self, id: OperationId) -> &mut Operation {
        self.operations
            .get_mut(id.index())
            .expect("a known operation")
    }

    fn standing(&self, id: OperationId) -> &Standing {
        self.standings.get(id.index()).expect("a known operation")
    }

    fn standing_mut(&mut self, id: OperationId) -> &mut Standing {
        self.standings
            .get_mut(id.index())
            .expect("a known operation")
    }
}

/// Histories are counted in 32 bits, which keeps what is kept for each operation small.
fn number(count: usize) -> u32 {
    u32::try_from(count)
        .ok()
        .filter(|&n| n < u32::MAX)
        .expect("a history holds fewer than 2^32 - 1 events")
}
