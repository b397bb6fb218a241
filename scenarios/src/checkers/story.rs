//! How witnesses are told: operations as sentences in virtual time.

use seedbed_sim::{Instant, Span};

use crate::history::{Completion, Function, History, Operation, OperationId, Place, Value};

/// Longer names and values are cut, so that a story keeps to its lines.
const TEXT_CHARS_MAX: usize = 28;

/// By what stories say when something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock<'a> {
    /// By virtual time, or by the times that a file gives.
    Times,
    /// By lines of the file that the history stands in, since it gives no times: the line, from 1, for each place.
    Lines(&'a [u64]),
}

impl Clock<'_> {
    /// `12.300 ms`, or `line 12`: what happened at `at`, in the history's order at `place`.
    pub(crate) fn name(self, at: Instant, place: Place) -> String {
        match self {
            Self::Times => at.to_string(),
            Self::Lines(lines) => match lines.get(place.0 as usize) {
                Some(line) => format!("line {line}"),
                None => format!("event {}", place.0),
            },
        }
    }
}

/// `12.300 ms  user 1234 writes 55555 = "Sounds good!"; l1 acknowledges at 13.100 ms`.
pub(super) fn tell(history: &History, id: OperationId) -> String {
    tell_by(history, id, Clock::Times)
}

/// The same, by another clock: `line 12  process 3 reads x and gets 2 at line 13`.
pub(super) fn tell_by(history: &History, id: OperationId, clock: Clock<'_>) -> String {
    let operation = history.operation(id);
    let began = clock.name(operation.invoked_at, history.invoked(id));
    let ended = operation.completed.as_ref().map(|completed| {
        let place = history.completed(id).expect("it has ended");
        clock.name(completed.at, place)
    });
    format!(
        "{began:>14}  {} {}{}",
        user(operation),
        asks(operation),
        ends(operation, &ended.unwrap_or_default())
    )
}

/// Instants stand below each other: `     12.300 ms`.
pub(super) fn clock(at: Instant) -> String {
    format!("{at:>14}")
}

/// `user 1234`, or `process 3` where nobody has a name.
pub(super) fn user(operation: &Operation) -> String {
    let name = shorten(&operation.user);
    if name.is_empty() {
        format!("process {}", operation.process.0)
    } else if ["user", "process", "client"]
        .iter()
        .any(|word| name.starts_with(word))
    {
        name
    } else {
        format!("user {name}")
    }
}

/// A name or value, cut where it is long. Dots at the cut say nothing: generated values are filled up with them.
pub(crate) fn shorten(text: &str) -> String {
    if text.chars().count() <= TEXT_CHARS_MAX {
        return text.to_owned();
    }
    let start: String = text.chars().take(TEXT_CHARS_MAX - 1).collect();
    let mut short = start.trim_end_matches('.').to_owned();
    short.push('…');
    short
}

/// What an operation is about: its key, or `the object` where the history has no keys.
pub(crate) fn object(operation: &Operation) -> String {
    match &*operation.key {
        "" => "the object".to_owned(),
        key => shorten(key),
    }
}

/// A value as JSON shows it: texts in quotes, control characters escaped.
pub(super) fn quote(value: &Value) -> String {
    match value {
        Value::Text(text) => format!("{:?}", shorten(text)),
        other => shorten(&other.to_string()),
    }
}

/// A value in quotes, or `nothing`.
pub(crate) fn quote_or_nothing(value: Option<&Value>) -> String {
    value.map_or_else(|| "nothing".to_owned(), quote)
}

/// What an update left behind: a value in quotes, or `nothing` for a delete.
pub(super) fn left_behind(operation: &Operation) -> String {
    quote_or_nothing(operation.written())
}

/// What a replica holds in the end: `60000.000 ms  f1 holds x = "a" in the end`.
pub(super) fn holds(at: Instant, replica: &str, key: &str, value: Option<&Value>) -> String {
    let (clock, replica, key) = (clock(at), shorten(replica), shorten(key));
    match value {
        Some(value) => format!(
            "{clock}  {replica} holds {key} = {} in the end",
            quote(value)
        ),
        None => format!("{clock}  {replica} does not hold {key} in the end"),
    }
}

/// `the write of "a"`, `the delete`.
pub(super) fn the_update(operation: &Operation) -> String {
    match &operation.function {
        Function::Write(value) => format!("the write of {}", quote(value)),
        Function::CompareAndSet { new, .. } => format!("the compare-and-set to {}", quote(new)),
        Function::Append(value) => format!("the append of {}", quote(value)),
        Function::Add(amount) => format!("the addition of {amount}"),
        Function::Insert(element) => format!("the insertion of {}", quote(element)),
        Function::Remove(element) => format!("the removal of {}", quote(element)),
        Function::Enqueue(element) => format!("the enqueueing of {}", quote(element)),
        Function::Delete | Function::Read | Function::Contains(_) | Function::Dequeue => {
            format!("the {}", operation.function.name())
        }
    }
}

/// The time between two instants, rounded to what a person compares: `6.9 ms`.
pub(super) fn between(earlier: Instant, later: Instant) -> String {
    let nanos = later.since(earlier).as_nanos();
    let grain = match nanos {
        0..10_000 => 1,
        10_000..10_000_000 => 1_000,
        10_000_000..10_000_000_000 => 100_000,
        _ => 100_000_000,
    };
    Span::from_nanos(nanos / grain * grain).to_string()
}

fn asks(operation: &Operation) -> String {
    let key = object(operation);
    match &operation.function {
        Function::Read => format!("reads {key}"),
        Function::Write(value) => format!("writes {key} = {}", quote(value)),
        Function::Delete => format!("deletes {key}"),
        Function::CompareAndSet { expected, new } => format!(
            "sets {key} from {} to {}",
            quote_or_nothing(expected.as_ref()),
            quote(new)
        ),
        Function::Append(value) => format!("appends {} to {key}", quote(value)),
        Function::Add(amount) => format!("adds {amount} to {key}"),
        Function::Insert(element) => format!("inserts {} into {key}", quote(element)),
        Function::Remove(element) => format!("removes {} from {key}", quote(element)),
        Function::Contains(element) => format!("asks whether {key} contains {}", quote(element)),
        Function::Enqueue(element) => format!("enqueues {} in {key}", quote(element)),
        Function::Dequeue => format!("dequeues from {key}"),
    }
}

/// How it ended, at the time `at`.
fn ends(operation: &Operation, at: &str) -> String {
    let Some(completed) = &operation.completed else {
        return "; no answer yet".to_owned();
    };
    let replica = completed.replica.as_deref();
    match (&completed.completion, &operation.function) {
        (Completion::Ok(value), Function::Read | Function::Contains(_) | Function::Dequeue) => {
            format!(
                "{} and gets {} at {at}",
                replica.map_or_else(String::new, |r| format!(" at {}", shorten(r))),
                quote_or_nothing(value.as_ref()),
            )
        }
        (Completion::Ok(_), _) => format!(
            "; {} acknowledges at {at}",
            replica.map_or_else(|| "the store".to_owned(), shorten),
        ),
        (Completion::Fail(reason), _) => format!("; refused at {at}: {reason}"),
        (Completion::Info(reason), _) => format!("; outcome unknown at {at}: {reason}"),
    }
}

/// With its first letter large.
pub(super) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
}
