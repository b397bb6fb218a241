//! Reading a trace file back, with every mistake told by its place.

use std::collections::BTreeSet;

use super::{FORMAT, Header, Line, SCHEMA};
use crate::file::near::{nearest, quoted};

/// A trace as it stands in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceFile {
    /// Which run it is of.
    pub header: Header,
    /// Its events, in order.
    pub events: Vec<Line>,
}

/// What is wrong with a trace file, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {message}")]
pub struct TraceFileError {
    /// The file's name.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
    /// What is wrong, and what was expected.
    pub message: String,
}

/// What is wrong with one line: its column, from 1, and words.
type Wrong = (usize, String);

/// Reads a trace file. `name` is what messages call it.
///
/// # Errors
/// With the first line that can't be read or does not fit what came before it.
pub fn read(name: &str, text: &str) -> Result<TraceFile, TraceFileError> {
    let error = |line: usize, (column, message): Wrong| TraceFileError {
        file: name.to_owned(),
        line,
        column,
        message,
    };
    let mut lines = text
        .lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line));
    let first = lines.next().map_or("", |(_, line)| line);
    let header = read_header(first).map_err(|wrong| error(1, wrong))?;
    let mut places = Places::new(&header);
    let mut events = Vec::new();
    for (number, line) in lines {
        let event: Line = parse(line).map_err(|wrong| error(number, wrong))?;
        places
            .check(line, &event)
            .map_err(|wrong| error(number, wrong))?;
        events.push(event);
    }
    let found = events.len() as u64;
    if found != header.events {
        let message = format!(
            "the file ends after {found} events, and its header says that there are {}: a part of it is missing",
            header.events
        );
        return Err(error(text.lines().count().max(1), (1, message)));
    }
    Ok(TraceFile { header, events })
}

fn read_header(line: &str) -> Result<Header, Wrong> {
    // What the format and its version are comes before whether the rest fits.
    let value: serde_json::Value = serde_json::from_str(line).map_err(|e| told(&e))?;
    let format = value.get("format").and_then(serde_json::Value::as_str);
    let schema = value.get("schema").and_then(serde_json::Value::as_u64);
    match (format, schema) {
        (Some(FORMAT), Some(schema)) if schema == u64::from(SCHEMA) => parse(line),
        (None, Some(1)) => Err((
            column(line, "schema"),
            format!(
                "this is version 1 of the schema, and version {SCHEMA} was expected: write the trace anew"
            ),
        )),
        (Some(FORMAT), Some(schema)) => Err((
            column(line, "schema"),
            format!("this is version {schema} of the schema, and version {SCHEMA} was expected"),
        )),
        (Some(FORMAT), None) => Err((
            1,
            format!("the header has no version: `\"schema\":{SCHEMA}` was expected"),
        )),
        _ => Err((
            1,
            format!("this is no trace: a header with `\"format\":\"{FORMAT}\"` was expected"),
        )),
    }
}

fn parse<T: serde::de::DeserializeOwned>(line: &str) -> Result<T, Wrong> {
    serde_json::from_str(line).map_err(|error| told(&error))
}

/// What serde says, with the nearest of the names that it expected.
fn told(error: &serde_json::Error) -> Wrong {
    let message = error.to_string();
    let end = message.rfind(" at line ").unwrap_or(message.len());
    let mut message = message[..end].to_owned();
    let mut names = message.split('`').skip(1).step_by(2);
    let given = names.next().unwrap_or_default();
    if let Some(near) = nearest(given, names).map(str::to_owned) {
        message.push_str(&format!("; did you mean `{near}`?"));
    }
    (error.column().max(1), message)
}

/// The column at which a field stands in a line.
fn column(line: &str, field: &str) -> usize {
    let at = line.find(&format!("\"{field}\"")).unwrap_or(0);
    line[..at].chars().count() + 1
}

/// What must fit from line to line.
struct Places<'a> {
    nodes: BTreeSet<&'a str>,
    last: u64,
    at_ns: u64,
}

impl<'a> Places<'a> {
    fn new(header: &'a Header) -> Self {
        Self {
            nodes: header.nodes.iter().map(|node| node.name.as_str()).collect(),
            last: 0,
            at_ns: 0,
        }
    }

    fn check(&mut self, line: &str, event: &Line) -> Result<(), Wrong> {
        let wrong = |field: &str, message: String| Err((column(line, field), message));
        let next = self.last + 1;
        if event.event != next {
            let message = format!(
                "event {} stands where event {next} was expected",
                event.event
            );
            return wrong("event", message);
        }
        if event.at_ns < self.at_ns {
            let message = format!(
                "event {next} is at {} ns, before the one above it, which is at {} ns",
                event.at_ns, self.at_ns
            );
            return wrong("at_ns", message);
        }
        if event.cause >= next {
            let message = format!("event {next} can't be caused by event {}", event.cause);
            return wrong("cause", message);
        }
        (self.last, self.at_ns) = (next, event.at_ns);
        self.check_fields(line, event)?;
        self.check_node(line, "node", event.node.as_deref())?;
        self.check_node(line, "peer", event.peer.as_deref())
    }

    /// A line has the fields of its kind, and no others.
    fn check_fields(&self, line: &str, event: &Line) -> Result<(), Wrong> {
        let (has, wants) = (event.fields(), event.kind.fields());
        let kind = serde_json::to_string(&event.kind).expect("a kind is a string");
        if let Some(missing) = wants.iter().find(|field| !has.contains(field)) {
            let message = format!("a line of kind {kind} needs the field `{missing}`");
            return Err((column(line, "kind"), message));
        }
        if let Some(foreign) = has.iter().find(|field| !wants.contains(field)) {
            let message = format!("a line of kind {kind} has no field `{foreign}`");
            return Err((column(line, foreign), message));
        }
        match (event.kind.is_of_the_world(), &event.node) {
            (true, Some(_)) => {
                let message = format!("a line of kind {kind} is the world's own: its node is null");
                Err((column(line, "node"), message))
            }
            (false, None) => {
                let message = format!("a line of kind {kind} needs its node");
                Err((column(line, "node"), message))
            }
            _ => Ok(()),
        }
    }

    fn check_node(&self, line: &str, field: &str, name: Option<&str>) -> Result<(), Wrong> {
        let Some(name) = name.filter(|name| !self.nodes.contains(name)) else {
            return Ok(());
        };
        let mut message = format!("the header names no node {}", quoted(name));
        if let Some(near) = nearest(name, self.nodes.iter().copied()) {
            message.push_str(&format!("; did you mean {}?", quoted(near)));
        }
        Err((column(line, field), message))
    }
}
