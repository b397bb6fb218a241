//! The readers: what they make of good files, and what they say of bad ones.

mod any_bytes;
mod jepsen;
mod malformed;
mod native;
mod porcupine;

use super::*;
use crate::history::{Completion, HistoryEvent};

/// A history, read in pieces of a few bytes as well as at once: both must come to the same.
fn imported(file: &str, hints: Hints, text: &str) -> Result<Imported, ImportError> {
    let whole = read(file, hints, text.as_bytes());
    for size in [1, 7] {
        let mut reader = Reader::new(file, hints);
        let fed = text
            .as_bytes()
            .chunks(size)
            .try_for_each(|piece| reader.feed(piece));
        let pieces = fed.and_then(|()| reader.finish());
        match (&whole, &pieces) {
            (Ok(one), Ok(other)) => assert_eq!(told(one), told(other), "in pieces of {size}"),
            (Err(one), Err(other)) => assert_eq!(one, other, "in pieces of {size}"),
            _ => panic!(
                "in pieces of {size}: {:?} and {:?}",
                whole.as_ref().err(),
                pieces.err()
            ),
        }
    }
    whole
}

fn good(text: &str) -> Imported {
    imported("h", Hints::default(), text).unwrap_or_else(|error| panic!("{error}"))
}

/// The history in short: `3: process 0 write "x" Int(1)`, one event a line.
fn told(imported: &Imported) -> Vec<String> {
    let history = &imported.history;
    let events = (0..history.end().0).map(|place| {
        let place = Place(place);
        let line = imported.line(place);
        match history.event(place).expect("an event") {
            HistoryEvent::Invoke(id) => {
                let operation = history.operation(id);
                let at = operation.invoked_at.as_nanos();
                format!(
                    "{line}: {} {} {:?} {:?} at {at}",
                    operation.user, operation.key, operation.process, operation.function
                )
            }
            HistoryEvent::Complete(id) => {
                let completed = history.operation(id).completed.as_ref().expect("it ended");
                let what = match &completed.completion {
                    Completion::Ok(value) => format!("ok {value:?}"),
                    Completion::Fail(reason) => format!("fail {reason}"),
                    Completion::Info(reason) => format!("info {reason}"),
                };
                format!(
                    "{line}: {} ends {what} at {}",
                    history.operation(id).user,
                    completed.at.as_nanos()
                )
            }
        }
    });
    events.collect()
}
