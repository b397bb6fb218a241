//! Jepsen's operations, in EDN: `{:process 0, :type :invoke, :f :read, :value nil, :time 12, :index 0}`.
//!
//! One after the other or in one vector, as records (`#jepsen.history.Op{…}`) or plain maps. What differs from the native
//! format:
//! - **Independent keys.** Jepsen's `independent` puts the key into the value: `[k v]`. Whether a file does so shows in the
//!   first operation of a client: a read of `nil` says no, and of `[k nil]` yes; a cas says yes if its value is
//!   `[k [expected new]]`; anything else says yes if it is a vector of two. From there on all have to agree.
//! - **The nemesis** is kept as [marks](super::FaultMark) and is no part of the history.
//! - **Times** are stamped beside the order of events by older versions of Jepsen, so that one may be a little earlier than
//!   the one before: then it counts as that one's. The order is that of the file.
//! - What an end's `:value` repeats of an update is not looked at: tests put all kinds of things there.

use std::borrow::Cow;

use crate::file::diagnostic::{Origin, Problem};
use crate::file::{nearest, quoted};
use crate::history::Value;

use super::builder::{Builder, Ends, Event, Kind, Name, Part, Wrong};
use super::edn::{self, Data, Node};
use super::json::VALUES;
use super::native::unknown_kind;
use super::{Hints, Mistake, detect};

/// The fields that mean something here.
const FIELDS: [&str; 8] = [
    ":process", ":type", ":f", ":value", ":time", ":index", ":error", ":node",
];

/// The fields of an operation, in the order of [`FIELDS`].
type Fields<'n, 'a> = [Option<&'n Node<'a>>; FIELDS.len()];

/// Reads operations.
#[derive(Debug)]
pub(super) struct Reader {
    builder: Builder,
    /// Whether values hold keys, and the line that said so.
    keyed: Option<(bool, usize)>,
}

impl Reader {
    pub(super) fn new(hints: Hints) -> Self {
        Self {
            builder: Builder::new(hints.add, Ends::SayAnything),
            keyed: None,
        }
    }

    pub(super) fn take(&mut self, text: &str, line: usize) -> Result<(), Problem> {
        let operation = edn::parse(text)?;
        let Data::Map(pairs) = &operation.data else {
            return Err(Problem::new(operation.span, "this is no operation").expected("a map"));
        };
        let mut fields: Fields<'_, '_> = Default::default();
        for (key, value) in pairs {
            let Data::Keyword(name) = key.data else {
                continue;
            };
            let known = FIELDS.iter().position(|field| field[1..] == *name);
            let Some(known) = known else { continue };
            if fields[known].replace(value).is_some() {
                return Err(Problem::new(
                    key.span.clone(),
                    format!("`:{name}` is given twice"),
                ));
            }
        }
        let spans = Spans {
            whole: operation.span.clone(),
            fields,
        };
        let taken = match fields[0].map(|process| &process.data) {
            Some(Data::Keyword("nemesis")) => {
                self.take_fault(&fields, text, line);
                Ok(())
            }
            _ => self
                .event(&fields, line)
                .and_then(|event| self.builder.take(&event, line).map(|_| ())),
        };
        taken.map_err(|wrong| spans.place(wrong, pairs))
    }

    pub(super) fn finish(self, end: Origin) -> Result<Builder, Box<Mistake>> {
        if self.builder.len() == 0 {
            return Err(Mistake::new(detect::empty(), "", end));
        }
        Ok(self.builder)
    }

    fn take_fault(&mut self, fields: &Fields<'_, '_>, text: &str, line: usize) {
        let [_, _, function, value, time, ..] = fields;
        let shown = |node: &Option<&Node<'_>>| node.map(|node| text[node.span.clone()].to_owned());
        let mut what = shown(function).map_or_else(
            || "fault".to_owned(),
            |f| f.trim_start_matches(':').to_owned(),
        );
        if let Some(value) = shown(value).filter(|value| value != "nil") {
            what = format!("{what} {value}");
        }
        let time = time.and_then(|time| match time.data {
            Data::Int(time) => u64::try_from(time).ok(),
            _ => None,
        });
        self.builder.fault(line, time, what);
    }

    fn event<'a>(&mut self, fields: &Fields<'_, 'a>, line: usize) -> Result<Event<'a>, Wrong> {
        let [process, kind, function, value, time, index, error, node] = fields;
        let process = match process.map(|process| &process.data) {
            Some(Data::Int(number)) if *number >= 0 => *number,
            None => return Err(missing(":process")),
            Some(other) => {
                let message = format!("a process is a number from 0, and this is {}", other.kind());
                return Err(
                    Wrong::new(Part::Process, message).expected("a whole number, or `:nemesis`")
                );
            }
        };
        let kind = match kind.map(|kind| &kind.data) {
            Some(Data::Keyword(name)) => Kind::find(name).ok_or_else(|| unknown_kind(name))?,
            None => return Err(missing(":type")),
            Some(other) => {
                let message = format!("a type is a keyword, and this is {}", other.kind());
                return Err(Wrong::new(Part::Kind, message)
                    .expected("`:invoke`, `:ok`, `:fail` or `:info`"));
            }
        };
        let function = match function.map(|function| &function.data) {
            Some(Data::Keyword(name) | Data::Symbol(name)) => *name,
            None => return Err(missing(":f")),
            Some(other) => {
                let message = format!("a function is a keyword, and this is {}", other.kind());
                return Err(
                    Wrong::new(Part::Function, message).expected("a keyword, such as `:read`")
                );
            }
        };
        let (key, value) = self.key_and_value(kind, function, *value, line)?;
        let time = number(*time, Part::Time)?;
        Ok(Event {
            process,
            kind,
            function: Some(Cow::Borrowed(function)),
            key,
            value,
            // What is stamped a little too early counts as the event before.
            time: time.map(|time| u64::try_from(time).unwrap_or(0).max(self.builder.now())),
            index: number(*index, Part::Index)?.and_then(|index| u64::try_from(index).ok()),
            node: node
                .and_then(|node| node.data.to_value())
                .map(|node| Cow::Owned(node.to_string())),
            session: None,
            user: None,
            error: error.and_then(|error| match error.data.to_value() {
                Some(Value::Null) => None,
                Some(value) => Some(Cow::Owned(value.to_string())),
                None => Some(Cow::Borrowed("an error")),
            }),
        })
    }

    /// Takes an independent tuple apart.
    fn key_and_value<'a>(
        &mut self,
        kind: Kind,
        function: &str,
        value: Option<&Node<'a>>,
        line: usize,
    ) -> Result<(Option<Name<'a>>, Option<Value>), Wrong> {
        let pair = match value.map(|value| &value.data) {
            Some(Data::List(nodes)) if nodes.len() == 2 => Some((&nodes[0], &nodes[1])),
            _ => None,
        };
        let says = match (function, pair) {
            (_, None) => false,
            ("cas", Some((_, second))) => matches!(&second.data, Data::List(two) if two.len() == 2),
            (_, Some(_)) => true,
        };
        let returns = ["read", "get", "dequeue", "contains"].contains(&function);
        let is_nil = value.is_none_or(|value| value.data == Data::Nil);
        let (keyed, since) = *self.keyed.get_or_insert((says, line));
        if !keyed {
            // A read or dequeue may return a list of two.
            return Ok((None, of_value(value)?));
        }
        match pair {
            Some((key, value)) if says => Ok((Some(of_key(key)?), of_value(Some(value))?)),
            // What failed or is unknown may say nothing, and so may the end of an update.
            _ if matches!(kind, Kind::Fail | Kind::Info) => Ok((None, None)),
            _ if kind == Kind::Ok && !returns && is_nil => Ok((None, None)),
            _ => {
                let message = format!("the value has no key, and that of line {since} has one");
                Err(Wrong::new(Part::Value, message).expected("a tuple `[key value]`"))
            }
        }
    }
}

fn missing(field: &str) -> Wrong {
    Wrong::new(Part::Whole, format!("the operation has no `{field}`"))
        .expected(format!("`{field}`"))
}

fn number(node: Option<&Node<'_>>, part: Part) -> Result<Option<i64>, Wrong> {
    match node.map(|node| &node.data) {
        None | Some(Data::Nil) => Ok(None),
        Some(Data::Int(number)) => Ok(Some(*number)),
        Some(other) => {
            let message = format!("this is {}", other.kind());
            Err(Wrong::new(part, message).expected("a whole number"))
        }
    }
}

fn of_key<'a>(node: &Node<'a>) -> Result<Name<'a>, Wrong> {
    match &node.data {
        Data::Int(number) => Ok(Name::Number(*number)),
        Data::Text(text) => Ok(Name::Text(text.clone())),
        Data::Keyword(name) | Data::Symbol(name) => Ok(Name::Text(Cow::Borrowed(name))),
        other => {
            let message = format!("the key in a tuple `[key value]` is {}", other.kind());
            Err(Wrong::new(Part::Value, message).expected("a number, a text or a keyword"))
        }
    }
}

fn of_value(node: Option<&Node<'_>>) -> Result<Option<Value>, Wrong> {
    let Some(node) = node else { return Ok(None) };
    match node.data.to_value() {
        Some(Value::Null) => Ok(None),
        Some(value) => Ok(Some(value)),
        None => {
            let message = format!(
                "{} is no value, or holds something that is none",
                node.data.kind()
            );
            Err(Wrong::new(Part::Value, message).expected(VALUES))
        }
    }
}

/// Where the parts of an operation stand.
struct Spans<'n, 'a> {
    whole: std::ops::Range<usize>,
    fields: Fields<'n, 'a>,
}

impl Spans<'_, '_> {
    fn place(&self, wrong: Wrong, pairs: &[(Node<'_>, Node<'_>)]) -> Problem {
        let field = match wrong.part {
            Part::Process => Some(0),
            Part::Kind => Some(1),
            Part::Function => Some(2),
            Part::Value | Part::Key => Some(3),
            Part::Time => Some(4),
            Part::Index => Some(5),
            Part::Session | Part::Whole => None,
        };
        let node = field.and_then(|field| self.fields[field]);
        let span = node.map_or_else(|| self.whole.clone(), |node| node.span.clone());
        let mut problem = Problem::new(span, wrong.message);
        if let Some(expected) = wrong.expected {
            problem = problem.expected(expected);
        }
        match wrong
            .help
            .or_else(|| near_miss(wrong.part, &self.fields, pairs))
        {
            Some(help) => problem.help(help),
            None => problem,
        }
    }
}

/// A field that may be the missing one.
fn near_miss(
    part: Part,
    fields: &Fields<'_, '_>,
    pairs: &[(Node<'_>, Node<'_>)],
) -> Option<String> {
    if part != Part::Whole {
        return None;
    }
    let missing = || {
        FIELDS
            .iter()
            .zip(fields)
            .filter(|(_, field)| field.is_none())
            .map(|(name, _)| &name[1..])
    };
    let names = pairs.iter().filter_map(|(key, _)| match key.data {
        Data::Keyword(name) if !FIELDS.iter().any(|field| field[1..] == *name) => Some(name),
        _ => None,
    });
    let mut near = names.filter_map(|name| Some((name, nearest(name, missing())?)));
    near.next()
        .map(|(name, near)| format!("did you mean `:{near}` by {}?", quoted(&format!(":{name}"))))
}
