//! The trace in Chrome's Trace Event Format, for [Perfetto](https://ui.perfetto.dev) and `chrome://tracing`.
//!
//! ```text
//!   process "world"        overlapping slices: faults · instants: guarantees that fall
//!   process "leader"       thread "handlers"    slices, one a handler, as long as it took
//!                          thread "life"        slices while it is down
//!   process "browser"      thread "handlers"
//!                          thread "operations"  slices from the invocation to the answer
//! ```
//!
//! A message is a flow (an arrow) from the handler that sent it to the one that handled it. The format wants each flow to
//! end, so a message that was lost is an instant at its receiver instead. Notes are instants too.
//!
//! The rules of the format that this keeps (Duca and Sinclair, *Trace Event Format*, 2016): timestamps in microseconds,
//! in order; complete slices with a duration that is not negative and that nest on their thread; each flow with one start
//! and one end, in that order; every process and thread named by metadata. Thread numbers are unique among all
//! processes, since Perfetto takes them for the system's.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use seedbed_sim::{EventId, Instant, NodeId, Span};
use serde::Serialize;
use serde_json::{Value, json};

use super::{name, nodes};
use crate::history::{Completion, Operation, OperationId};
use crate::session::Session;
use crate::trace::{TraceEvent, What};
use crate::view::{AnomalyView, NodeView, View, Window};

/// The process of the world itself. Nodes follow; 0 would be the operating system's idle process.
const WORLD: u64 = 1;

/// The threads of a process.
#[derive(Clone, Copy)]
enum Thread {
    Handlers = 1,
    Operations = 2,
    Life = 3,
}

/// One event of the format.
#[derive(Serialize)]
struct Event {
    name: String,
    cat: &'static str,
    ph: &'static str,
    /// Microseconds.
    ts: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    dur: Option<f64>,
    pid: u64,
    tid: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u64>,
    /// How far an instant reaches: its thread, its process, or everything.
    #[serde(skip_serializing_if = "Option::is_none")]
    s: Option<&'static str>,
    /// The end of a flow binds to the slice around it.
    #[serde(skip_serializing_if = "Option::is_none")]
    bp: Option<&'static str>,
    #[serde(skip_serializing_if = "Value::is_null")]
    args: Value,
}

/// Where an event stands among those of its instant: after what it binds to. First the number of the trace event, then
/// slices before what lies on them.
type Place = (u64, u64, u8);

/// A run's trace so far as the lines of one JSON document, without their line ends.
pub fn lines(session: &dyn Session) -> impl Iterator<Item = String> {
    let view = session.view(Window {
        from: Instant::ZERO,
        to: session.now(),
        columns: 1,
        rows: 0,
    });
    let head = json!({
        "scenario": view.scenario,
        "title": view.title,
        "seed": view.seed,
        "digest": format!("{:016x}", session.digest()),
    });
    let events = Collector::new(session).collect(&view);
    let last = events.len();
    let lines = events.into_iter().enumerate().map(move |(index, line)| {
        let comma = if index + 1 < last { "," } else { "" };
        format!("{line}{comma}")
    });
    let begin = format!("{{\"displayTimeUnit\":\"ns\",\"otherData\":{head},\"traceEvents\":[");
    std::iter::once(begin)
        .chain(lines)
        .chain(std::iter::once("]}".to_owned()))
}

/// Virtual nanoseconds as microseconds; three decimals hold them exactly for the first hundred days.
fn micros(nanos: u64) -> f64 {
    nanos as f64 / 1_000.0
}

struct Collector<'a> {
    session: &'a dyn Session,
    nodes: Vec<NodeView>,
    events: Vec<(Place, Event)>,
    /// The sends whose messages are on their way: who sent them, by which handler, and when they leave.
    sends: BTreeMap<EventId, (NodeId, EventId, Instant)>,
    /// Since when nodes are down.
    down: BTreeMap<NodeId, (Instant, EventId, &'static str)>,
    /// Clients, by the events of their invocations.
    clients: BTreeMap<EventId, NodeId>,
}

impl<'a> Collector<'a> {
    fn new(session: &'a dyn Session) -> Self {
        Self {
            session,
            nodes: nodes(session),
            events: Vec::new(),
            sends: BTreeMap::new(),
            down: BTreeMap::new(),
            clients: BTreeMap::new(),
        }
    }

    fn collect(mut self, view: &View) -> Vec<String> {
        for (event, words) in self.session.events().zip(self.session.trace()) {
            self.add(&event, &words.text);
        }
        let now = self.session.now();
        for (node, (since, event, why)) in std::mem::take(&mut self.down) {
            self.add_down(node, (since, event, why), now);
        }
        let findings = self.session.findings();
        let proves = guarantees(&findings);
        for operation in self.session.operations() {
            self.add_operation(&operation, proves.get(&operation.id), now);
        }
        self.add_faults(view);
        for finding in &findings {
            self.add_finding(finding);
        }
        self.events.sort_by_key(|(place, _)| *place);
        let metadata = self.metadata();
        let events = self.events.into_iter().map(|(_, event)| event);
        let line = |event: &Event| {
            serde_json::to_string(event).expect("an event holds only numbers and strings")
        };
        let events: Vec<String> = events.map(|event| line(&event)).collect();
        let metadata = metadata.iter().map(line);
        metadata.chain(events).collect()
    }

    fn push(&mut self, place: Place, event: Event) {
        self.events.push((place, event));
    }

    fn add(&mut self, event: &TraceEvent, text: &str) {
        let about = event.about;
        let handled = |name: String| Some(name);
        let handler = match event.what {
            What::Boot { .. } => handled("boot".into()),
            What::Deliver { .. } => handled(about.into()),
            What::Timer { .. } => handled(format!("timer {about}")),
            What::Synced { .. } => handled("sync done".into()),
            What::Request { .. } => handled(format!("asked to {about}")),
            _ => None,
        };
        if let (Some(name), Some(took)) = (handler, event.took()) {
            self.add_handler(event, name, took, text);
        }
        match event.what {
            What::Boot { .. } => {
                if let Some(down) = self.down.remove(&event.node) {
                    self.add_down(event.node, down, event.at);
                }
            }
            What::Send { leaves_at, .. } => {
                self.sends
                    .insert(event.event, (event.node, event.cause, leaves_at));
            }
            What::Deliver { .. } => self.add_flow(event),
            What::Drop { reason, .. } => {
                self.add_instant(
                    event,
                    "lost",
                    format!("{about} lost: {}", reason.name()),
                    text,
                );
            }
            What::Hold { .. } => self.add_instant(event, "held", format!("{about} held"), text),
            What::Damage { .. } => {
                self.add_instant(event, "damaged", format!("{about} damaged"), text);
            }
            What::Note => self.add_instant(event, "note", text.to_owned(), text),
            What::Crash { dies_at } => {
                self.down
                    .insert(event.node, (dies_at, event.event, "crashed"));
                self.add_instant(event, "crash", "crash".into(), text);
            }
            What::Halt { dies_at } => {
                self.down
                    .insert(event.node, (dies_at, event.event, "stopped itself"));
                self.add_instant(event, "crash", "halt".into(), text);
            }
            What::Resume => self.add_instant(event, "resume", "goes on after a pause".into(), text),
            What::Invoke { .. } => {
                self.clients.insert(event.event, event.node);
            }
            What::Timer { .. }
            | What::Synced { .. }
            | What::Request { .. }
            | What::Reply { .. }
            | What::Fault { .. }
            | What::Lift { .. } => {}
        }
    }

    /// A slice for a handler.
    fn add_handler(&mut self, event: &TraceEvent, name: String, took: Span, text: &str) {
        let mut args = json!({"event": event.event.0, "cause": event.cause.0, "text": text});
        if let What::Deliver { arrived_at, .. } = event.what
            && arrived_at < event.at
        {
            args["waited_us"] = json!(micros(event.at.since(arrived_at).as_nanos()));
        }
        let slice = Event {
            dur: Some(micros(took.as_nanos())),
            args,
            ..at_node(event.node, Thread::Handlers, name, "handler", event.at)
        };
        self.push((event.at.as_nanos(), event.event.0, 0), slice);
    }

    /// An arrow from the handler that sent a message to this one, which handles it.
    fn add_flow(&mut self, event: &TraceEvent) {
        let Some(&(sender, handler, leaves_at)) = self.sends.get(&event.cause) else {
            return;
        };
        let end = |node, at, ph| Event {
            ph,
            id: Some(event.event.0),
            ..at_node(node, Thread::Handlers, event.about.into(), "message", at)
        };
        let start = end(sender, leaves_at, "s");
        self.push((leaves_at.as_nanos(), handler.0, 1), start);
        let finish = Event {
            bp: Some("e"),
            ..end(event.node, event.at, "f")
        };
        self.push((event.at.as_nanos(), event.event.0, 1), finish);
    }

    fn add_instant(&mut self, event: &TraceEvent, cat: &'static str, name: String, text: &str) {
        let args = json!({"event": event.event.0, "cause": event.cause.0, "text": text});
        let instant = Event {
            ph: "i",
            s: Some("t"),
            args,
            ..at_node(event.node, Thread::Handlers, name, cat, event.at)
        };
        self.push((event.at.as_nanos(), event.event.0, 2), instant);
    }

    fn add_down(
        &mut self,
        node: NodeId,
        (since, event, why): (Instant, EventId, &'static str),
        until: Instant,
    ) {
        let slice = Event {
            dur: Some(micros(until.since(since).as_nanos())),
            args: json!({"why": why}),
            ..at_node(node, Thread::Life, "down".into(), "life", since)
        };
        self.push((since.as_nanos(), event.0, 0), slice);
    }

    /// A slice from a client's invocation to its answer.
    fn add_operation(
        &mut self,
        operation: &Operation,
        proves: Option<&BTreeSet<&str>>,
        now: Instant,
    ) {
        let Some(&client) = self.clients.get(&operation.invoked_by) else {
            return;
        };
        let (ended_at, outcome) = match &operation.completed {
            Some(completed) => (completed.at, completed.completion.name()),
            None => (now, "open"),
        };
        let value = operation.written().or(operation.returned());
        let replica = operation
            .completed
            .as_ref()
            .and_then(|c| c.replica.as_deref());
        let reason = match operation.completion() {
            Some(Completion::Fail(reason) | Completion::Info(reason)) => Some(reason),
            _ => None,
        };
        let args = json!({
            "user": &*operation.user,
            "key": &*operation.key,
            "value": value,
            "outcome": outcome,
            "reason": reason,
            "replica": replica,
            "witness_of": proves.into_iter().flatten().collect::<Vec<_>>(),
        });
        let name = format!("{} {}", operation.function.name(), operation.key);
        let slice = Event {
            dur: Some(micros(ended_at.since(operation.invoked_at).as_nanos())),
            args,
            ..at_node(
                client,
                Thread::Operations,
                name,
                "operation",
                operation.invoked_at,
            )
        };
        let place = (operation.invoked_at.as_nanos(), operation.invoked_by.0, 0);
        self.push(place, slice);
    }

    /// Asynchronous slices, since faults may overlap as they like.
    fn add_faults(&mut self, view: &View) {
        for fault in &view.faults {
            let Some(id) = fault.id else { continue };
            let until = fault.to.filter(|_| !fault.active).unwrap_or(view.now);
            let end = |ph, at: Instant| Event {
                ph,
                id: Some(u64::from(id.0)),
                ..at_world(fault.what.clone(), "fault", at)
            };
            let (begins, ends) = (end("b", fault.from), end("e", until));
            self.push((fault.from.as_nanos(), u64::MAX, 0), begins);
            self.push((until.as_nanos(), u64::MAX, 1), ends);
        }
    }

    fn add_finding(&mut self, finding: &AnomalyView) {
        let instant = Event {
            ph: "i",
            s: Some("g"),
            args: json!({"summary": finding.summary, "story": finding.story}),
            ..at_world(
                format!("{} violated", finding.guarantee),
                "anomaly",
                finding.at,
            )
        };
        self.push((finding.at.as_nanos(), u64::MAX, 2), instant);
    }

    /// The names of processes and threads, and their order.
    fn metadata(&self) -> Vec<Event> {
        let used: BTreeSet<u64> = self.events.iter().map(|(_, event)| event.tid).collect();
        let mut events = vec![
            metadata(WORLD, WORLD * 10, "process_name", json!({"name": "world"})),
            metadata(
                WORLD,
                WORLD * 10,
                "process_sort_index",
                json!({"sort_index": 0}),
            ),
            metadata(WORLD, WORLD * 10, "thread_name", json!({"name": "world"})),
        ];
        for node in &self.nodes {
            let pid = process(node.id);
            let site = match node.site.as_str() {
                "" => String::new(),
                site => format!(", {site}"),
            };
            let named = format!("{} ({}{site})", name(&self.nodes, node.id), node.role);
            let main = thread(node.id, Thread::Handlers);
            events.push(metadata(pid, main, "process_name", json!({"name": named})));
            events.push(metadata(
                pid,
                main,
                "process_sort_index",
                json!({"sort_index": pid}),
            ));
            for (which, title) in [
                (Thread::Handlers, "handlers"),
                (Thread::Operations, "operations"),
                (Thread::Life, "life"),
            ] {
                let tid = thread(node.id, which);
                if used.contains(&tid) {
                    events.push(metadata(pid, tid, "thread_name", json!({"name": title})));
                }
            }
        }
        events
    }
}

/// The guarantees that each operation is a witness against.
fn guarantees(findings: &[Arc<AnomalyView>]) -> BTreeMap<OperationId, BTreeSet<&str>> {
    let mut proves: BTreeMap<OperationId, BTreeSet<&str>> = BTreeMap::new();
    for finding in findings {
        for operation in &finding.operations {
            proves
                .entry(*operation)
                .or_default()
                .insert(&finding.guarantee);
        }
    }
    proves
}

fn process(node: NodeId) -> u64 {
    WORLD + 1 + u64::from(node.0)
}

fn thread(node: NodeId, thread: Thread) -> u64 {
    process(node) * 10 + thread as u64
}

/// An event on a thread of a node: a complete slice, unless it is changed.
fn at_node(node: NodeId, on: Thread, name: String, cat: &'static str, at: Instant) -> Event {
    Event {
        name,
        cat,
        ph: "X",
        ts: micros(at.as_nanos()),
        dur: None,
        pid: process(node),
        tid: thread(node, on),
        id: None,
        s: None,
        bp: None,
        args: Value::Null,
    }
}

/// An event of the world.
fn at_world(name: String, cat: &'static str, at: Instant) -> Event {
    Event {
        pid: WORLD,
        tid: WORLD * 10,
        ..at_node(NodeId(0), Thread::Handlers, name, cat, at)
    }
}

fn metadata(pid: u64, tid: u64, name: &str, args: Value) -> Event {
    Event {
        ph: "M",
        pid,
        tid,
        args,
        ..at_world(name.to_owned(), "__metadata", Instant::ZERO)
    }
}
