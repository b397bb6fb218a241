//! The native format of histories: JSON Lines, one event a line, in order.
//!
//! ```json
//! {"process":0,"type":"invoke","f":"write","key":"x","value":"1","time":1500000,"index":0,"session":0,"user":"alice"}
//! {"process":0,"type":"ok","f":"write","key":"x","value":"1","time":2500000,"index":1,"node":"l1","session":0,"user":"alice"}
//! ```

use serde::Serialize;

use super::{Completion, Function, History, HistoryEvent, Operation, Place, Value};

/// One event, as it stands on its line.
#[derive(Serialize)]
pub(super) struct Line<'a> {
    /// The process, from 0.
    process: u32,
    /// `invoke`, `ok`, `fail` or `info`.
    r#type: &'static str,
    /// `read`, `write` or `delete`.
    f: &'static str,
    key: &'a str,
    /// What is written; on the `ok` of a read what it returned; null for an absent key and where there is none.
    value: Option<Value>,
    /// Virtual nanoseconds.
    time: u64,
    /// The place in the history, from 0.
    index: u32,
    /// The replica that answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<&'a str>,
    session: u32,
    user: &'a str,
    /// Why, on `fail` and `info`.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

/// The line before all events.
#[derive(Serialize)]
struct Header {
    schema: u64,
    events: usize,
}

pub(super) fn header(history: &History) -> String {
    let header = Header {
        schema: super::SCHEMA,
        events: history.len(),
    };
    serde_json::to_string(&header).expect("it holds only numbers")
}

pub(super) fn lines(history: &History) -> impl Iterator<Item = String> + '_ {
    history.events.iter().enumerate().map(|(index, &event)| {
        let place = Place(super::number(index));
        let line = match event {
            HistoryEvent::Invoke(id) => invocation(history.operation(id), place),
            HistoryEvent::Complete(id) => completion(history.operation(id), place),
        };
        serde_json::to_string(&line).expect("a line holds only numbers and strings")
    })
}

fn invocation(operation: &Operation, place: Place) -> Line<'_> {
    Line {
        process: operation.process.0,
        r#type: "invoke",
        f: operation.function.name(),
        key: &operation.key,
        value: operation.function.argument(),
        time: operation.invoked_at.as_nanos(),
        index: place.0,
        node: None,
        session: operation.session.0,
        user: &operation.user,
        error: None,
    }
}

fn completion(operation: &Operation, place: Place) -> Line<'_> {
    let completed = operation
        .completed
        .as_ref()
        .expect("an operation that ended");
    let value = match operation.function {
        Function::Read | Function::Contains(_) | Function::Dequeue => operation.returned().cloned(),
        _ => operation.function.argument(),
    };
    let error = match &completed.completion {
        Completion::Ok(_) => None,
        Completion::Fail(reason) | Completion::Info(reason) => Some(&**reason),
    };
    Line {
        r#type: completed.completion.name(),
        value,
        time: completed.at.as_nanos(),
        node: completed.replica.as_deref(),
        error,
        ..invocation(operation, place)
    }
}
