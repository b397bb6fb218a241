//! Operations as Porcupine has them, in JSON: `{"client":0,"input":{"op":"put","key":"x","value":"1"},"output":null,"call":10,"return":20}`.
//!
//! In one list or one after the other. Porcupine leaves input and output to its models, so their shape is settled here:
//! - `input` is an object with the function under `op` (or `f`), and `key` and `value` where it has them; a cas has
//!   `value: [expected, new]`, or `expected` and `new`. A function without anything else may stand alone: `"read"`.
//! - `output` is what was returned, alone or under `value`; for a cas a truth, alone or under `ok`; for other updates it is
//!   not looked at. `{"unknown": true}` says that nobody knows.
//! - `call` and `return` are numbers, in nanoseconds if they are to mean something. Without a `return` it never returned.
//! - Names are those of Porcupine's struct too (`ClientId`, `Input`, …): case and `_` do not count.
//!
//! The order is that of the times. **At one instant calls come before returns**, as Porcupine sorts them, so that
//! operations which touch are concurrent; only a client's own call comes after its own return. Times are told since the
//! first call.

use std::borrow::Cow;

use crate::file::diagnostic::{Origin, Problem};
use crate::file::{nearest, quoted};
use crate::history::Value;

use super::builder::{Builder, Ends, Event, Kind, Name, Wrong};
use super::json::{Json, VALUES, find_field};
use super::{Hints, Mistake, detect};

/// The fields of an operation.
const FIELDS: [&str; 5] = ["client", "input", "output", "call", "return"];

/// An operation, understood.
#[derive(Debug)]
struct Operation {
    client: i64,
    function: String,
    key: Option<Name<'static>>,
    argument: Option<Value>,
    end: Kind,
    returned: Option<Value>,
    call: i64,
    returns: Option<i64>,
    origin: Origin,
}

/// Reads operations, and orders them once all are there.
#[derive(Debug)]
pub(super) struct Reader {
    hints: Hints,
    operations: Vec<Operation>,
}

/// An end of an operation, in its place: time, then rank at that instant.
#[derive(Debug)]
struct End {
    time: i64,
    rank: u32,
    is_return: bool,
    operation: usize,
}

impl Reader {
    pub(super) fn new(hints: Hints) -> Self {
        Self {
            hints,
            operations: Vec::new(),
        }
    }

    pub(super) fn take(&mut self, text: &str, origin: Origin) -> Result<(), Problem> {
        let Json::Object(object) = Json::parse(text)? else {
            return Err(Problem::new(0..text.len(), "this is no operation").expected("an object"));
        };
        let operation = Form { text, object }.operation(origin)?;
        self.operations.push(operation);
        Ok(())
    }

    pub(super) fn finish(mut self, end: Origin) -> Result<Builder, Box<Mistake>> {
        let Some(first) = self.operations.iter().map(|operation| operation.call).min() else {
            return Err(Mistake::new(detect::empty(), "", end));
        };
        let ends = self.in_order()?;
        let mut builder = Builder::new(self.hints.add, Ends::Repeat);
        for end in ends {
            let operation = &mut self.operations[end.operation];
            let event = Event {
                process: operation.client,
                kind: if end.is_return {
                    operation.end
                } else {
                    Kind::Invoke
                },
                function: (!end.is_return).then(|| Cow::Owned(operation.function.clone())),
                key: if end.is_return {
                    None
                } else {
                    operation.key.take()
                },
                value: if end.is_return {
                    operation.returned.take()
                } else {
                    operation.argument.take()
                },
                time: Some(end.time.abs_diff(first)),
                index: None,
                node: None,
                session: None,
                user: None,
                error: None,
            };
            let origin = operation.origin;
            builder
                .take(&event, origin.line)
                .map_err(|wrong| Mistake::new(problem(wrong), "", origin))?;
        }
        Ok(builder)
    }

    /// All ends, in the order of the history. See the [module](self) for ties.
    fn in_order(&self) -> Result<Vec<End>, Box<Mistake>> {
        let mut by_client: Vec<usize> = (0..self.operations.len()).collect();
        // A call and return at one instant come before a longer operation from there.
        let times = |n: usize| {
            let operation = &self.operations[n];
            (
                operation.client,
                operation.call,
                operation.returns.unwrap_or(i64::MAX),
                n,
            )
        };
        by_client.sort_unstable_by_key(|&n| times(n));
        let mut ends: Vec<End> = Vec::with_capacity(2 * by_client.len());
        // The client's last return, with its rank.
        let mut last: Option<(i64, Option<i64>, u32, Origin)> = None;
        for n in by_client {
            let operation = &self.operations[n];
            let mut rank = 0;
            if let Some((_, returned, last_rank, origin)) =
                last.filter(|(client, ..)| *client == operation.client)
            {
                match returned {
                    Some(time) if time < operation.call => {}
                    Some(time) if time == operation.call => rank = last_rank + 1,
                    _ => return Err(overlap(operation, origin)),
                }
            }
            ends.push(End {
                time: operation.call,
                rank,
                is_return: false,
                operation: n,
            });
            let mut return_rank = rank;
            if let Some(time) = operation.returns {
                return_rank = if time == operation.call { rank + 1 } else { 1 };
                ends.push(End {
                    time,
                    rank: return_rank,
                    is_return: true,
                    operation: n,
                });
            }
            last = Some((
                operation.client,
                operation.returns,
                return_rank,
                operation.origin,
            ));
        }
        ends.sort_unstable_by_key(|end| (end.time, end.rank, end.is_return, end.operation));
        Ok(ends)
    }
}

fn overlap(operation: &Operation, before: Origin) -> Box<Mistake> {
    let client = operation.client;
    let message = format!(
        "client {client} calls while its operation of line {} has not returned",
        before.line
    );
    let problem = Problem::new(0..0, message)
        .expected("one operation of a client at a time")
        .help("a client with several threads is several clients");
    Mistake::new(problem, "", operation.origin)
}

fn problem(wrong: Wrong) -> Problem {
    let mut problem = Problem::new(0..0, wrong.message);
    if let Some(expected) = wrong.expected {
        problem = problem.expected(expected);
    }
    match wrong.help {
        Some(help) => problem.help(help),
        None => problem,
    }
}

/// The name as it is compared.
fn plain(name: &str) -> String {
    match name.to_ascii_lowercase().replace('_', "").as_str() {
        "clientid" => "client".to_owned(),
        other => other.to_owned(),
    }
}

/// An operation as it stands.
struct Form<'a> {
    text: &'a str,
    object: Vec<(Cow<'a, str>, Json<'a>)>,
}

impl Form<'_> {
    fn operation(&self, origin: Origin) -> Result<Operation, Problem> {
        let client = self.whole_number("client")?;
        let call = self.whole_number("call")?;
        let client = client.ok_or_else(|| self.missing("client"))?;
        if client < 0 {
            return Err(self
                .wrong("client", "a client is a number from 0")
                .expected("a whole number, not below 0"));
        }
        let call = call.ok_or_else(|| self.missing("call"))?;
        let returns = self.whole_number("return")?;
        if returns.is_some_and(|time| time < call) {
            let problem = self.wrong("return", "the operation returns before it is called");
            return Err(problem.expected(format!("{call} or later")));
        }
        let (function, key, argument) = self.input()?;
        let (end, returned) = match returns {
            None => (Kind::Info, None),
            Some(_) => self.output(&function)?,
        };
        Ok(Operation {
            client,
            function,
            key,
            argument,
            end,
            returned,
            call,
            returns,
            origin,
        })
    }

    fn field(&self, name: &str) -> Option<&Json<'_>> {
        self.object
            .iter()
            .find(|(given, _)| plain(given) == name)
            .map(|(_, value)| value)
    }

    fn wrong(&self, name: &str, message: impl Into<String>) -> Problem {
        let found = find_field(self.text, 0, |given| plain(given) == name);
        Problem::new(
            found.map_or(0..self.text.len(), |found| found.value),
            message,
        )
    }

    fn missing(&self, name: &str) -> Problem {
        let problem = Problem::new(0..self.text.len(), format!("the operation has no `{name}`"))
            .expected(format!("`\"{name}\":…`"));
        let native = self.object.iter().any(|(given, _)| *given == "type");
        if native {
            return problem.help("events of the native format stand on lines of their own, without a list around them");
        }
        let strangers = self
            .object
            .iter()
            .filter(|(given, _)| !FIELDS.contains(&plain(given).as_str()));
        let near = strangers
            .filter(|(given, _)| nearest(given, [name]).is_some())
            .map(|(given, _)| given)
            .next();
        match near {
            Some(near) => problem.help(format!("did you mean `{name}` by {}?", quoted(near))),
            None => problem,
        }
    }

    fn whole_number(&self, name: &str) -> Result<Option<i64>, Problem> {
        match self.field(name) {
            None | Some(Json::Null) => Ok(None),
            Some(Json::Int(number)) => Ok(Some(*number)),
            Some(other) => {
                let problem = self.wrong(name, format!("`{name}` is {}", other.kind()));
                Err(problem.expected("a whole number"))
            }
        }
    }

    /// The function, its key, and what it carries.
    fn input(&self) -> Result<(String, Option<Name<'static>>, Option<Value>), Problem> {
        let fields = match self.field("input") {
            None => return Err(self.missing("input")),
            Some(Json::Text(name)) => return Ok((name.to_lowercase(), None, None)),
            Some(Json::Object(fields)) => fields,
            Some(other) => {
                let problem = self.wrong(
                    "input",
                    format!("an input is an object, and this is {}", other.kind()),
                );
                return Err(problem.expected("`{\"op\":\"put\",\"key\":…,\"value\":…}`"));
            }
        };
        let inner = |name: &str| {
            fields
                .iter()
                .find(|(given, _)| plain(given) == name)
                .map(|(_, value)| value)
        };
        let function = match inner("op").or_else(|| inner("f")) {
            Some(Json::Text(name)) => name.to_lowercase(),
            Some(other) => {
                let message = format!(
                    "the function is named by {}: what a number means hangs on the model",
                    other.kind()
                );
                return Err(self
                    .wrong("input", message)
                    .expected("a name, such as \"put\""));
            }
            None => {
                let problem = self.wrong("input", "the input does not name its function");
                return Err(problem.expected("`\"op\":\"put\"`"));
            }
        };
        let key = match inner("key") {
            None | Some(Json::Null) => None,
            Some(Json::Int(number)) => Some(Name::Number(*number)),
            Some(Json::Text(text)) => Some(Name::Text(Cow::Owned(text.to_string()))),
            Some(other) => {
                let problem = self.wrong("input", format!("the key is {}", other.kind()));
                return Err(problem.expected("a text or a whole number"));
            }
        };
        let as_value = |json: Option<&Json<'_>>| match json {
            None => Ok(None),
            Some(json) => self.value("input", json),
        };
        let argument = match (inner("expected"), inner("new")) {
            (None, None) => as_value(inner("value"))?,
            (expected, new) => {
                let pair = [as_value(expected)?, as_value(new)?];
                Some(Value::List(
                    pair.map(|value| value.unwrap_or(Value::Null)).into(),
                ))
            }
        };
        Ok((function, key, argument))
    }

    fn value(&self, field: &str, json: &Json<'_>) -> Result<Option<Value>, Problem> {
        match json.clone().into_value() {
            Some(Value::Null) => Ok(None),
            Some(value) => Ok(Some(value)),
            None => Err(self
                .wrong(field, format!("{} is no value", json.kind()))
                .expected(VALUES)),
        }
    }

    /// How it ended, and what it returned.
    fn output(&self, function: &str) -> Result<(Kind, Option<Value>), Problem> {
        let output = self.field("output").unwrap_or(&Json::Null);
        let inner = |name: &str| match output {
            Json::Object(fields) => fields
                .iter()
                .find(|(given, _)| plain(given) == name)
                .map(|(_, value)| value),
            _ => None,
        };
        if inner("unknown") == Some(&Json::Bool(true)) {
            return Ok((Kind::Info, None));
        }
        match function {
            "cas" => match inner("ok").unwrap_or(output) {
                Json::Bool(true) => Ok((Kind::Ok, None)),
                Json::Bool(false) => Ok((Kind::Fail, None)),
                _ => {
                    let problem = self.wrong("output", "a cas returns whether it took effect");
                    Err(problem
                        .expected("`true`, `false`, `{\"ok\":true}` or `{\"unknown\":true}`"))
                }
            },
            "read" | "get" | "dequeue" | "contains" => {
                if inner("exists") == Some(&Json::Bool(false)) {
                    return Ok((Kind::Ok, None));
                }
                match (output, inner("value")) {
                    (Json::Object(_), None) => {
                        let problem = self.wrong(
                            "output",
                            format!("the output of a {function} has no `value`"),
                        );
                        Err(problem.expected("what it returned, alone or under `value`"))
                    }
                    (_, Some(value)) | (value, None) => {
                        Ok((Kind::Ok, self.value("output", value)?))
                    }
                }
            }
            _ => Ok((Kind::Ok, None)),
        }
    }
}
