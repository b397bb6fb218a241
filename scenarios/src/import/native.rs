//! The native format: JSON Lines, an event each, in real-time order.
//!
//! ```json
//! {"schema":1,"events":2}
//! {"process":0,"type":"invoke","f":"write","key":"x","value":1,"time":1500000}
//! {"process":0,"type":"ok","f":"write","key":"x","value":1,"time":2500000,"node":"n1"}
//! ```
//!
//! The header is optional; with `events` it shows whether the file is whole. Fields that the format does not have are
//! other programs' affair, unless one is a slip of the finger away from a field that the event lacks.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use crate::file::diagnostic::{Origin, Problem};
use crate::file::{alternatives, nearest, quoted};
use crate::history::Value;

use super::builder::{Builder, Ends, Event, Kind, Name, Part, Wrong};
use super::json::{Json, Text, VALUES, find_field, syntax_problem};
use super::{Hints, Mistake, SCHEMA, detect};

/// The fields of an event.
const FIELDS: [&str; 11] = [
    "process", "type", "f", "key", "value", "time", "index", "node", "session", "user", "error",
];

/// Fields whose slip would change a verdict; the rest only adds to the story.
const WEIGHTY: [&str; 7] = [
    "process", "type", "key", "value", "time", "session", "index",
];

/// No more strangers than this are remembered as harmless.
const STRANGERS_MAX: usize = 1_000;

/// A line as it stands, its fields in the order of [`FIELDS`].
#[derive(Debug, Default)]
struct Line<'a> {
    fields: [Option<Json<'a>>; FIELDS.len()],
    schema: Option<Json<'a>>,
    events: Option<Json<'a>>,
    strangers: Vec<Cow<'a, str>>,
}

/// Reads lines.
#[derive(Debug)]
pub(super) struct Reader {
    builder: Builder,
    /// How many events the header promises.
    promised: Option<u64>,
    begun: bool,
    harmless: BTreeSet<String>,
}

impl Reader {
    pub(super) fn new(hints: Hints) -> Self {
        Self {
            builder: Builder::new(hints.add, Ends::Repeat),
            promised: None,
            begun: false,
            harmless: BTreeSet::new(),
        }
    }

    pub(super) fn take(&mut self, text: &str, number: usize) -> Result<(), Problem> {
        let mut line: Line<'_> =
            serde_json::from_str(text).map_err(|error| line_problem(&error, text))?;
        let is_first = !std::mem::replace(&mut self.begun, true);
        let is_header = line.schema.is_some() && line.fields[..2].iter().all(Option::is_none);
        if is_first && is_header {
            return self.take_header(&line, text);
        }
        self.check_strangers(&line, text)?;
        let taken = match is_nemesis(&line) {
            true => self.take_fault(&line, number),
            false => {
                event(&mut line).and_then(|event| self.builder.take(&event, number).map(|_| ()))
            }
        };
        taken.map_err(|wrong| place(wrong, text))
    }

    pub(super) fn finish(self, end: Origin) -> Result<Builder, Box<Mistake>> {
        let found = (self.builder.len()) as u64;
        if let Some(promised) = self.promised.filter(|&promised| promised != found) {
            let problem = Problem::new(
                0..0,
                format!("the file ends after {found} events, and its header promises {promised}"),
            )
            .expected("all of them: a part of the file is missing, or too much");
            return Err(Mistake::new(problem, "", end));
        }
        if found == 0 {
            return Err(Mistake::new(detect::empty(), "", end));
        }
        Ok(self.builder)
    }

    fn take_header(&mut self, line: &Line<'_>, text: &str) -> Result<(), Problem> {
        let wrong = |field: &str, message: String| {
            let span = find_field(text, 0, |name| name == field).map_or(0..0, |found| found.value);
            Problem::new(span, message)
        };
        match line.schema {
            Some(Json::Int(version)) if u64::try_from(version) == Ok(SCHEMA) => {}
            Some(Json::Int(version)) if version > 0 => {
                let message = format!(
                    "this is version {version} of the format, and this program reads {SCHEMA}"
                );
                return Err(wrong("schema", message)
                    .expected(SCHEMA.to_string())
                    .help("the file is for a later version of the program"));
            }
            _ => {
                let message = "the version of the format is a number".to_owned();
                return Err(wrong("schema", message).expected(SCHEMA.to_string()));
            }
        }
        self.promised = match line.events {
            None => None,
            Some(Json::Int(count)) if count >= 0 => Some(count.unsigned_abs()),
            _ => {
                let message = "`events` is how many events follow".to_owned();
                return Err(wrong("events", message).expected("a whole number"));
            }
        };
        Ok(())
    }

    /// A field that the format does not have may be meant to be one.
    fn check_strangers(&mut self, line: &Line<'_>, text: &str) -> Result<(), Problem> {
        for stranger in &line.strangers {
            if self.harmless.contains(&**stranger) {
                continue;
            }
            let Some(near) = nearest(stranger, WEIGHTY) else {
                if self.harmless.len() < STRANGERS_MAX {
                    self.harmless.insert(stranger.to_string());
                }
                continue;
            };
            let is_there = FIELDS
                .iter()
                .zip(&line.fields)
                .any(|(name, field)| *name == near && field.is_some());
            if !is_there {
                let span =
                    find_field(text, 0, |name| name == stranger).map_or(0..0, |found| found.name);
                let message = format!("the event has no field {}", quoted(stranger));
                return Err(Problem::new(span, message)
                    .expected(alternatives(FIELDS))
                    .did_you_mean(Some(near)));
            }
        }
        Ok(())
    }

    fn take_fault(&mut self, line: &Line<'_>, number: usize) -> Result<(), Wrong> {
        let [_, _, function, _, value, time, ..] = &line.fields;
        let time = whole_number(time.as_ref(), Part::Time, "`time` is in nanoseconds")?;
        let mut what = match function {
            Some(Json::Text(name)) => name.to_string(),
            _ => "fault".to_owned(),
        };
        if let Some(value) = value
            .clone()
            .and_then(Json::into_value)
            .filter(|v| *v != Value::Null)
        {
            what = format!("{what} {value}");
        }
        self.builder.fault(number, time, what);
        Ok(())
    }
}

/// Jepsen's faults, where its histories were turned into this format.
fn is_nemesis(line: &Line<'_>) -> bool {
    matches!(&line.fields[0], Some(Json::Text(process)) if *process == "nemesis")
}

/// What a line says.
fn event<'a>(line: &mut Line<'a>) -> Result<Event<'a>, Wrong> {
    let [
        process,
        kind,
        f,
        key,
        value,
        time,
        index,
        node,
        session,
        user,
        error,
    ] = &mut line.fields;
    let process = match process.take() {
        Some(Json::Int(number)) if number >= 0 => number,
        None => return Err(missing("process")),
        Some(other) => {
            let message = format!("a process is a number from 0, and this is {}", other.kind());
            return Err(
                Wrong::new(Part::Process, message).expected("a whole number, or `\"nemesis\"`")
            );
        }
    };
    let kind = match kind.take() {
        Some(Json::Text(name)) => Kind::find(&name).ok_or_else(|| unknown_kind(&name))?,
        None => return Err(missing("type")),
        Some(other) => {
            let message = format!(
                "the type of an event is a text, and this is {}",
                other.kind()
            );
            return Err(Wrong::new(Part::Kind, message).expected(alternatives(Kind::NAMES)));
        }
    };
    let function = match f.take() {
        None => None,
        Some(Json::Text(name)) => Some(name),
        Some(other) => {
            let message = format!("`f` names a function, and this is {}", other.kind());
            return Err(Wrong::new(Part::Function, message).expected("a text, such as \"read\""));
        }
    };
    Ok(Event {
        process,
        kind,
        function,
        key: name(key.take(), Part::Key, "a key")?,
        value: value_of(value.take())?,
        time: whole_number(time.as_ref(), Part::Time, "`time` is in nanoseconds")?,
        index: whole_number(index.as_ref(), Part::Index, "`index` counts events")?,
        node: text(node.take()),
        session: name(session.take(), Part::Session, "a session")?,
        user: text(user.take()),
        error: error.take().and_then(|error| match error {
            Json::Null => None,
            Json::Text(text) => Some(text),
            other => other
                .into_value()
                .map(|value| Cow::Owned(value.to_string())),
        }),
    })
}

fn missing(field: &str) -> Wrong {
    Wrong::new(Part::Whole, format!("the event has no field `{field}`"))
        .expected(format!("`\"{field}\":…`"))
}

/// The problem of a type that there is not.
pub(super) fn unknown_kind(name: &str) -> Wrong {
    let wrong = Wrong::new(Part::Kind, format!("there is no type {}", quoted(name)));
    let wrong = wrong.expected(alternatives(Kind::NAMES));
    match nearest(name, Kind::NAMES) {
        Some(near) => wrong.help(format!("did you mean `{near}`?")),
        None => wrong,
    }
}

fn name<'a>(field: Option<Json<'a>>, part: Part, what: &str) -> Result<Option<Name<'a>>, Wrong> {
    match field {
        None | Some(Json::Null) => Ok(None),
        Some(Json::Int(number)) => Ok(Some(Name::Number(number))),
        Some(Json::Text(text)) => Ok(Some(Name::Text(text))),
        Some(other) => {
            let message = format!(
                "{what} is a text or a whole number, and this is {}",
                other.kind()
            );
            Err(Wrong::new(part, message).expected("a text or a whole number"))
        }
    }
}

fn value_of(field: Option<Json<'_>>) -> Result<Option<Value>, Wrong> {
    let Some(json) = field else { return Ok(None) };
    let kind = json.kind();
    match json.into_value() {
        Some(Value::Null) => Ok(None),
        Some(value) => Ok(Some(value)),
        None => Err(Wrong::new(Part::Value, format!("{kind} is no value")).expected(VALUES)),
    }
}

fn whole_number(field: Option<&Json<'_>>, part: Part, what: &str) -> Result<Option<u64>, Wrong> {
    match field {
        None | Some(Json::Null) => Ok(None),
        Some(Json::Int(number)) if *number >= 0 => Ok(Some(number.unsigned_abs())),
        Some(other) => {
            let message = format!("{what}, and this is {}", other.kind());
            Err(Wrong::new(part, message).expected("a whole number, not below 0"))
        }
    }
}

/// Names that only the story shows: whatever else stands there is left out.
fn text(field: Option<Json<'_>>) -> Option<Cow<'_, str>> {
    match field {
        Some(Json::Text(text)) => Some(text),
        Some(Json::Int(number)) => Some(Cow::Owned(number.to_string())),
        _ => None,
    }
}

/// Where the wrong part of an event stands.
fn place(wrong: Wrong, text: &str) -> Problem {
    let field = match wrong.part {
        Part::Process => Some("process"),
        Part::Kind => Some("type"),
        Part::Function => Some("f"),
        Part::Key => Some("key"),
        Part::Value => Some("value"),
        Part::Time => Some("time"),
        Part::Index => Some("index"),
        Part::Session => Some("session"),
        Part::Whole => None,
    };
    let found = field.and_then(|field| find_field(text, 0, |name| name == field));
    let whole = text.len() - text.trim_start().len()..text.trim_end().len();
    let span = found.map_or(whole, |found| found.value);
    let problem = Problem::new(span, wrong.message);
    let problem = match wrong.expected {
        Some(expected) => problem.expected(expected),
        None => problem,
    };
    match wrong.help {
        Some(help) => problem.help(help),
        None => problem,
    }
}

fn line_problem(error: &serde_json::Error, text: &str) -> Problem {
    let problem = syntax_problem(error, text);
    if error.is_data() && !text.trim_start().starts_with('{') {
        let whole = text.len() - text.trim_start().len()..text.trim_end().len();
        return Problem::new(whole, "this line is no event")
            .expected("an object: `{\"process\":…}`");
    }
    problem
}

impl<'de: 'a, 'a> Deserialize<'de> for Line<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct LineVisitor;
        impl<'de> Visitor<'de> for LineVisitor {
            type Value = Line<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an event")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut line = Line::default();
                while let Some(Text(name)) = map.next_key()? {
                    let slot = match FIELDS.iter().position(|field| *field == name) {
                        Some(field) => &mut line.fields[field],
                        None if name == "schema" => &mut line.schema,
                        None if name == "events" => &mut line.events,
                        None => {
                            map.next_value::<IgnoredAny>()?;
                            line.strangers.push(name);
                            continue;
                        }
                    };
                    if slot.is_some() {
                        return Err(A::Error::custom(format!("`{name}` is given twice")));
                    }
                    *slot = Some(map.next_value()?);
                }
                Ok(line)
            }
        }
        deserializer.deserialize_map(LineVisitor)
    }
}
