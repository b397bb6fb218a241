//! What all formats share: events become a history, as long as they fit what came before.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use seedbed_sim::{EventId, Instant};

use crate::file::quoted;
use crate::history::{
    Completed, Completion, Function, History, Invocation, OperationId, ProcessId, Reason,
    SessionId, Value,
};

use super::{Add, FaultMark, Format, Imported, functions};

/// The part of an event that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Process,
    Kind,
    Function,
    Key,
    Value,
    Time,
    Index,
    Session,
    /// All of it.
    Whole,
}

/// What is wrong with an event; the format knows where its parts stand.
#[derive(Debug)]
pub(super) struct Wrong {
    pub(super) part: Part,
    pub(super) message: String,
    pub(super) expected: Option<String>,
    pub(super) help: Option<String>,
}

impl Wrong {
    pub(super) fn new(part: Part, message: impl Into<String>) -> Self {
        Self {
            part,
            message: message.into(),
            expected: None,
            help: None,
        }
    }

    pub(super) fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = Some(expected.into());
        self
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// A name, or a number in the place of one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Name<'a> {
    Number(i64),
    Text(Cow<'a, str>),
}

impl Name<'_> {
    fn to_text(&self) -> Cow<'_, str> {
        match self {
            Self::Number(number) => Cow::Owned(number.to_string()),
            Self::Text(text) => Cow::Borrowed(text),
        }
    }
}

/// What an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Invoke,
    Ok,
    Fail,
    Info,
}

impl Kind {
    pub(super) const NAMES: [&'static str; 4] = ["invoke", "ok", "fail", "info"];

    pub(super) fn find(name: &str) -> Option<Self> {
        Some(match name {
            "invoke" => Self::Invoke,
            "ok" => Self::Ok,
            "fail" => Self::Fail,
            "info" => Self::Info,
            _ => return None,
        })
    }
}

/// One event, in whatever format.
#[derive(Debug)]
pub(super) struct Event<'a> {
    pub(super) process: i64,
    pub(super) kind: Kind,
    /// Needed on an invocation only.
    pub(super) function: Option<Cow<'a, str>>,
    pub(super) key: Option<Name<'a>>,
    /// Null is `None`.
    pub(super) value: Option<Value>,
    pub(super) time: Option<u64>,
    pub(super) index: Option<u64>,
    pub(super) node: Option<Cow<'a, str>>,
    pub(super) session: Option<Name<'a>>,
    pub(super) user: Option<Cow<'a, str>>,
    pub(super) error: Option<Cow<'a, str>>,
}

/// What an end says besides its outcome has to fit what the beginning said, or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ends {
    /// What was written stands there again, or nothing does.
    Repeat,
    /// Tools put all kinds of things there.
    SayAnything,
}

/// What is kept of a process.
#[derive(Debug)]
struct Thread {
    number: i64,
    open: Option<(OperationId, usize)>,
    /// The line of its info.
    lost: Option<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum SessionName {
    OfProcess(u32),
    Number(i64),
    Text(Arc<str>),
}

/// Builds a history from events.
#[derive(Debug)]
pub(super) struct Builder {
    history: History,
    add: Add,
    ends: Ends,
    lines: Vec<u64>,
    faults: Vec<FaultMark>,
    /// From a process of the file to its thread.
    processes: BTreeMap<i64, u32>,
    threads: Vec<Thread>,
    sessions: BTreeMap<SessionName, SessionId>,
    users: Vec<Arc<str>>,
    nodes: BTreeSet<Arc<str>>,
    load: Arc<str>,
    no_key: Arc<str>,
    /// Whether keys are numbers, and the line that said so.
    keys_are_numbers: Option<(bool, usize)>,
    /// Whether events have times, and the line that said so.
    timed: Option<(bool, usize)>,
    now: u64,
    index: Option<u64>,
}

impl Builder {
    pub(super) fn new(add: Add, ends: Ends) -> Self {
        Self {
            history: History::new(),
            add,
            ends,
            lines: Vec::new(),
            faults: Vec::new(),
            processes: BTreeMap::new(),
            threads: Vec::new(),
            sessions: BTreeMap::new(),
            users: Vec::new(),
            nodes: BTreeSet::new(),
            load: "file".into(),
            no_key: "".into(),
            keys_are_numbers: None,
            timed: None,
            now: 0,
            index: None,
        }
    }

    pub(super) fn into_imported(self, format: Format) -> Imported {
        Imported {
            history: self.history,
            format,
            has_times: self.timed.is_some_and(|(timed, _)| timed),
            faults: self.faults,
            lines: self.lines,
        }
    }

    /// How many events there are.
    pub(super) fn len(&self) -> usize {
        self.history.len()
    }

    /// When the last event was.
    pub(super) fn now(&self) -> u64 {
        self.now
    }

    /// A line about the system's faults.
    pub(super) fn fault(&mut self, line: usize, time: Option<u64>, what: String) {
        let at = time.map_or(Instant::from_millis(line as u64), Instant::from_nanos);
        self.faults.push(FaultMark {
            line,
            before: self.history.end(),
            at,
            what,
        });
    }

    /// The next event. Nothing has changed where it does not fit.
    pub(super) fn take(&mut self, event: &Event<'_>, line: usize) -> Result<OperationId, Wrong> {
        if self.lines.len() >= (u32::MAX - 2) as usize {
            return Err(Wrong::new(Part::Whole, "the history is too long")
                .expected("fewer than 2^32 events"));
        }
        self.check_index(event)?;
        let at = self.check_time(event, line)?;
        let thread = self.thread(event)?;
        let id = match event.kind {
            Kind::Invoke => self.begin(event, thread, at, line)?,
            _ => self.end(event, thread, at, line)?,
        };
        self.lines.push(line as u64);
        self.index = event.index.or(self.index);
        Ok(id)
    }

    fn check_index(&self, event: &Event<'_>) -> Result<(), Wrong> {
        let (Some(index), Some(before)) = (event.index, self.index) else {
            return Ok(());
        };
        if index > before {
            return Ok(());
        }
        Err(Wrong::new(
            Part::Index,
            format!("the index {index} comes after the index {before}"),
        )
        .expected("indices that grow from event to event")
        .help("a line stands twice, or lines have changed places"))
    }

    fn check_time(&mut self, event: &Event<'_>, line: usize) -> Result<Instant, Wrong> {
        let (timed, since) = *self.timed.get_or_insert((event.time.is_some(), line));
        match event.time {
            None if timed => {
                return Err(
                    Wrong::new(Part::Whole, "the event has no `time`").expected(format!(
                        "a time on all events, as on line {since}, or on none"
                    )),
                );
            }
            Some(_) if !timed => {
                return Err(Wrong::new(
                    Part::Time,
                    format!("the event has a `time`, and line {since} has none"),
                )
                .expected("a time on all events or on none"));
            }
            Some(time) if time < self.now => {
                return Err(Wrong::new(
                    Part::Time,
                    "time goes back: the event before has a later one",
                )
                .expected(format!(
                    "{} or later: events stand in real-time order",
                    self.now
                ))
                .help("leave `time` out where only the order within each session is known"));
            }
            _ => {}
        }
        let Some(time) = event.time else {
            return Ok(Instant::from_millis(line as u64));
        };
        self.now = time;
        Ok(Instant::from_nanos(time))
    }

    fn thread(&mut self, event: &Event<'_>) -> Result<u32, Wrong> {
        if let Some(&thread) = self.processes.get(&event.process) {
            return Ok(thread);
        }
        let number = event.process;
        if event.kind != Kind::Invoke {
            return Err(without_invocation(number));
        }
        let thread = u32::try_from(self.threads.len()).expect("fewer processes than events");
        self.processes.insert(number, thread);
        self.threads.push(Thread {
            number,
            open: None,
            lost: None,
        });
        Ok(thread)
    }

    fn begin(
        &mut self,
        event: &Event<'_>,
        thread: u32,
        at: Instant,
        line: usize,
    ) -> Result<OperationId, Wrong> {
        let Thread { number, open, lost } = self.threads[thread as usize];
        if let Some((id, since)) = open {
            return Err(self.already_open(number, id, since));
        }
        if let Some(lost) = lost {
            let message = format!(
                "process {number} goes on after line {lost}, where nobody knew how its operation ended"
            );
            return Err(Wrong::new(Part::Process, message)
                .expected("another process: that operation may still take effect")
                .help("give a client that goes on a new process; a `session` can join them"));
        }
        let Some(name) = &event.function else {
            return Err(
                Wrong::new(Part::Whole, "the invocation does not say what is done")
                    .expected("a field `f`"),
            );
        };
        let function = functions::invoked(name, event.value.as_ref(), self.add)?;
        let key = self.key(event, line)?;
        let session = self.session(event, thread, number);
        let user = self.user(event, session);
        let id = self.history.invoke(Invocation {
            process: ProcessId(thread),
            session,
            user,
            load: self.load.clone(),
            key,
            function,
            intended_at: at,
            invoked_at: at,
            invoked_by: EventId(line as u64),
        });
        self.threads[thread as usize].open = Some((id, line));
        Ok(id)
    }

    fn end(
        &mut self,
        event: &Event<'_>,
        thread: u32,
        at: Instant,
        line: usize,
    ) -> Result<OperationId, Wrong> {
        let number = self.threads[thread as usize].number;
        let Some((id, since)) = self.threads[thread as usize].open else {
            return Err(without_invocation(number));
        };
        self.check_same(event, id, since, line)?;
        let completion = self.completion(event, id)?;
        if matches!(completion, Completion::Info(_)) {
            self.threads[thread as usize].lost = Some(line);
        }
        self.threads[thread as usize].open = None;
        let completed = Completed {
            completion,
            at,
            by: EventId(line as u64),
            replica: event.node.as_deref().map(|node| self.node(node)),
            position: 0,
        };
        self.history.complete(id, completed);
        Ok(id)
    }

    /// An end speaks of the operation that is open.
    fn check_same(
        &mut self,
        event: &Event<'_>,
        id: OperationId,
        since: usize,
        line: usize,
    ) -> Result<(), Wrong> {
        let function = self.history.operation(id).function.clone();
        if let Some(name) = &event.function
            && !functions::are_one(name, &function, self.add)
        {
            let message = format!(
                "this is the end of a {}, and line {since} began a {}",
                quoted(name),
                function.name()
            );
            return Err(
                Wrong::new(Part::Function, message).expected(format!("`{}`", function.name()))
            );
        }
        if event.key.is_some() {
            let key = self.key(event, line)?;
            let begun = &self.history.operation(id).key;
            if key != *begun {
                let message = format!(
                    "the operation ends at the key {}, and began on line {since} at another",
                    quoted(&key)
                );
                return Err(Wrong::new(Part::Key, message).expected(quoted(begun)));
            }
        }
        let repeats = function.is_update() && !matches!(function, Function::Dequeue);
        if self.ends == Ends::Repeat
            && repeats
            && event.value.is_some()
            && event.value != function.argument()
        {
            let message =
                format!("the value is another than on line {since}, where the operation began");
            let argument = function
                .argument()
                .map_or_else(|| "null".to_owned(), |value| value.to_string());
            return Err(Wrong::new(Part::Value, message)
                .expected(format!("{} again, or null", quoted(&argument))));
        }
        Ok(())
    }

    fn completion(&self, event: &Event<'_>, id: OperationId) -> Result<Completion, Wrong> {
        let reason = |otherwise: &'static str| {
            let told = event.error.as_deref();
            told.map_or(Reason::Borrowed(otherwise), |told| {
                Reason::Owned(told.to_owned())
            })
        };
        Ok(match event.kind {
            Kind::Ok => {
                let function = &self.history.operation(id).function;
                Completion::Ok(functions::returned(function, event.value.clone())?)
            }
            Kind::Fail => Completion::Fail(reason("it failed")),
            Kind::Info | Kind::Invoke => Completion::Info(reason("nobody knows")),
        })
    }

    fn key(&mut self, event: &Event<'_>, line: usize) -> Result<Arc<str>, Wrong> {
        let Some(key) = &event.key else {
            return Ok(self.no_key.clone());
        };
        // 7 and "7" would be one name.
        let is_number = matches!(key, Name::Number(_));
        let (numbers, since) = *self.keys_are_numbers.get_or_insert((is_number, line));
        if is_number != numbers {
            let (this, that) = if is_number {
                ("number", "text")
            } else {
                ("text", "number")
            };
            let message = format!("this key is a {this}, and that of line {since} is a {that}");
            return Err(Wrong::new(Part::Key, message).expected("keys of one kind"));
        }
        let name = key.to_text();
        let known = self.history.find_key(&name);
        Ok(known.map_or_else(|| Arc::from(&*name), |id| self.history.key_name(id).clone()))
    }

    fn session(&mut self, event: &Event<'_>, thread: u32, number: i64) -> SessionId {
        let name = match &event.session {
            None => SessionName::OfProcess(thread),
            Some(Name::Number(number)) => SessionName::Number(*number),
            Some(Name::Text(text)) => SessionName::Text(Arc::from(&**text)),
        };
        if let Some(&session) = self.sessions.get(&name) {
            return session;
        }
        let session =
            SessionId(u32::try_from(self.users.len()).expect("fewer sessions than events"));
        let user = match &name {
            SessionName::OfProcess(_) => format!("process {number}"),
            SessionName::Number(number) => format!("session {number}"),
            SessionName::Text(text) => text.to_string(),
        };
        self.users.push(user.into());
        self.sessions.insert(name, session);
        session
    }

    fn user(&mut self, event: &Event<'_>, session: SessionId) -> Arc<str> {
        let known = &mut self.users[session.0 as usize];
        if let Some(user) = event.user.as_deref()
            && **known != *user
        {
            *known = Arc::from(user);
        }
        known.clone()
    }

    fn node(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.nodes.get(name) {
            return known.clone();
        }
        let name: Arc<str> = name.into();
        self.nodes.insert(name.clone());
        name
    }

    fn already_open(&self, number: i64, id: OperationId, since: usize) -> Wrong {
        let function = self.history.operation(id).function.name();
        let message = format!(
            "process {number} begins an operation, and its {function} of line {since} has not ended"
        );
        Wrong::new(Part::Process, message)
            .expected("the end of that one first: a process has one operation open at a time")
            .help("a line may stand twice, or be lost; a client with several threads has several processes")
    }
}

fn without_invocation(number: i64) -> Wrong {
    Wrong::new(
        Part::Process,
        format!("process {number} ends an operation, and has none open"),
    )
    .expected("its `invoke` first")
    .help("a line may be lost, or stand twice")
}
