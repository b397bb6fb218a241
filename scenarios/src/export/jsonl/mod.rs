//! The trace as JSON Lines: a header, then a line for each event.
//!
//! ```json
//! {"format":"seedbed-trace","schema":2,"scenario":"ddia/5-3","title":"…","seed":1,"digest":"…","events":192,"ended_at_ns":1000000000,"nodes":[{"name":"leader","role":"leader","site":""},…]}
//! {"event":12,"at_ns":10000000,"cause":11,"node":"browser","kind":"send","about":"put","peer":"leader","leaves_at_ns":10000000,"text":"browser sends put to leader"}
//! ```
//!
//! Every line names its event, its instant, its cause (0: the world outside the run), its node (null for faults, which
//! are the world's own) and its `kind`. Which other fields a line has depends on its kind alone; [`Kind::fields`] is the
//! table, and `book/src/trace.schema.json` says the same in JSON Schema. `text` says it in words, for people: programs
//! should not read it, since it may change without a new version of the schema.
//!
//! The reader is strict: a field too many is refused as one too few is, and so are an event out of order and a cause that
//! comes after its effect. Who reads a trace wants to rely on it.
//!
//! Versions: 1 had no fields but those of every line. 2 is this one.

mod read;

pub use read::{TraceFile, TraceFileError, read};

use seedbed_sim::{EventId, Span};
use serde::{Deserialize, Serialize};

use super::{name, nodes};
use crate::session::Session;
use crate::trace::{Ending, TraceEvent, What};
use crate::view::NodeView;

/// What the header calls the format.
pub const FORMAT: &str = "seedbed-trace";
/// The version of the schema.
pub const SCHEMA: u32 = 2;

/// The first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// [`FORMAT`].
    pub format: String,
    /// [`SCHEMA`].
    pub schema: u32,
    /// The scenario's name in the catalog, or its file.
    pub scenario: String,
    /// Its title.
    pub title: String,
    /// The seed.
    pub seed: u64,
    /// The digest of the whole trace, as 16 hexadecimal digits.
    pub digest: String,
    /// How many events there are, and so how many lines follow.
    pub events: u64,
    /// Virtual time at the end of the run.
    pub ended_at_ns: u64,
    /// The nodes: replicas first, then clients.
    pub nodes: Vec<Node>,
}

/// A node, in the header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// Its name, by which events name it.
    pub name: String,
    /// What it was at the end: `leader`, `follower` or `client`.
    pub role: String,
    /// The site it stands in; empty where the scenario names none.
    pub site: String,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A node began to boot.
    Boot,
    /// A node ordered a message to be sent.
    Send,
    /// A node began to handle a message.
    Deliver,
    /// A message was lost.
    Drop,
    /// A message waits for a cut to be lifted.
    Hold,
    /// A message was damaged on its way, and no checksum saw it.
    Damage,
    /// A timer fired.
    Timer,
    /// A sync was completed.
    Synced,
    /// A user asked for something.
    Invoke,
    /// A node began to handle a request.
    Request,
    /// A request was answered.
    Reply,
    /// A node marked a meaning.
    Note,
    /// A node crashed.
    Crash,
    /// A node stopped itself.
    Halt,
    /// A node went on after a pause.
    Resume,
    /// A fault began.
    Fault,
    /// A fault ended.
    Lift,
}

impl Kind {
    /// The fields that a line of this kind has besides those of every line.
    pub const fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Boot => &["life", "took_ns"],
            Self::Send => &["peer", "leaves_at_ns"],
            Self::Deliver => &["peer", "size_bytes", "arrived_at_ns", "took_ns"],
            Self::Drop => &["peer", "reason"],
            Self::Hold | Self::Damage => &["peer"],
            Self::Timer | Self::Synced => &["number", "took_ns"],
            Self::Invoke => &["request"],
            Self::Request => &["request", "took_ns"],
            Self::Reply => &["request", "outcome"],
            Self::Note | Self::Resume => &[],
            Self::Crash | Self::Halt => &["dies_at_ns"],
            Self::Fault | Self::Lift => &["fault"],
        }
    }

    /// Whether it happens to the world, and not at a node.
    pub const fn is_of_the_world(self) -> bool {
        matches!(self, Self::Fault | Self::Lift)
    }
}

/// Every other line. The fields that are `None` are not written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// The event's number, from 1.
    pub event: u64,
    /// When.
    pub at_ns: u64,
    /// The event that caused it; 0 for none.
    pub cause: u64,
    /// The node it happened at; null for the world itself.
    pub node: Option<String>,
    /// What happened.
    pub kind: Kind,
    /// The kind of what it is about: of a message, a timer, a request, a note or a fault.
    pub about: String,
    /// The other node: the receiver of what is sent, the sender of what is handled or lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<String>,
    /// When a message leaves its sender.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaves_at_ns: Option<u64>,
    /// When a message that is handled now had arrived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrived_at_ns: Option<u64>,
    /// A message's size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<u64>,
    /// Why a message was lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Which timer, or which sync, of the node's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
    /// Which request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<u64>,
    /// How a request was answered: `ok`, `fail` or `info`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// Which fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<u64>,
    /// How many-th life of the node begins, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub life: Option<u64>,
    /// When the node is dead: at the end of the handler that it died in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dies_at_ns: Option<u64>,
    /// How long the node's handler took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took_ns: Option<u64>,
    /// The event in words.
    pub text: String,
}

/// How a request was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It happened.
    Ok,
    /// It surely did not.
    Fail,
    /// Nobody knows.
    Info,
}

impl Line {
    /// Which of the fields that hang on the kind it has.
    fn fields(&self) -> Vec<&'static str> {
        let has = [
            ("peer", self.peer.is_some()),
            ("leaves_at_ns", self.leaves_at_ns.is_some()),
            ("arrived_at_ns", self.arrived_at_ns.is_some()),
            ("size_bytes", self.size_bytes.is_some()),
            ("reason", self.reason.is_some()),
            ("number", self.number.is_some()),
            ("request", self.request.is_some()),
            ("outcome", self.outcome.is_some()),
            ("fault", self.fault.is_some()),
            ("life", self.life.is_some()),
            ("dies_at_ns", self.dies_at_ns.is_some()),
            ("took_ns", self.took_ns.is_some()),
        ];
        let has = has.into_iter().filter(|(_, has)| *has);
        has.map(|(field, _)| field).collect()
    }
}

/// The lines of a run's trace so far, without their line ends.
pub fn lines(session: &dyn Session) -> impl Iterator<Item = String> + '_ {
    let nodes = nodes(session);
    let header = header(session, &nodes);
    let header = serde_json::to_string(&header).expect("a header holds only numbers and strings");
    let events = session.events().zip(session.trace());
    let events = events.map(move |(event, words)| {
        let line = line(&nodes, &event, words.text);
        serde_json::to_string(&line).expect("a line holds only numbers and strings")
    });
    std::iter::once(header).chain(events)
}

fn header(session: &dyn Session, nodes: &[NodeView]) -> Header {
    let view = session.view(crate::view::Window {
        from: session.now(),
        to: session.now(),
        columns: 1,
        rows: 0,
    });
    let node = |node: &NodeView| Node {
        name: node.name.clone(),
        role: node.role.clone(),
        site: node.site.clone(),
    };
    Header {
        format: FORMAT.to_owned(),
        schema: SCHEMA,
        scenario: view.scenario,
        title: view.title,
        seed: view.seed,
        digest: format!("{:016x}", session.digest()),
        events: view.events,
        ended_at_ns: session.now().as_nanos(),
        nodes: nodes.iter().map(node).collect(),
    }
}

/// An event as a line, with its kind's own fields still to be filled in.
fn bare(nodes: &[NodeView], event: &TraceEvent, kind: Kind, text: String) -> Line {
    Line {
        event: event.event.0,
        at_ns: event.at.as_nanos(),
        cause: event.cause.0,
        node: (!kind.is_of_the_world()).then(|| name(nodes, event.node).to_owned()),
        kind,
        about: event.about.to_owned(),
        peer: None,
        leaves_at_ns: None,
        arrived_at_ns: None,
        size_bytes: None,
        reason: None,
        number: None,
        request: None,
        outcome: None,
        fault: None,
        life: None,
        dies_at_ns: None,
        took_ns: event.took().map(Span::as_nanos),
        text,
    }
}

fn line(nodes: &[NodeView], event: &TraceEvent, text: String) -> Line {
    let peer = |id| Some(name(nodes, id).to_owned());
    let bare = |kind| bare(nodes, event, kind, text);
    match event.what {
        What::Boot { life, .. } => Line {
            life: Some(life),
            ..bare(Kind::Boot)
        },
        What::Send { to, leaves_at } => Line {
            peer: peer(to),
            leaves_at_ns: Some(leaves_at.as_nanos()),
            ..bare(Kind::Send)
        },
        What::Deliver {
            from,
            size_bytes,
            arrived_at,
            ..
        } => Line {
            peer: peer(from),
            size_bytes: Some(size_bytes),
            arrived_at_ns: Some(arrived_at.as_nanos()),
            ..bare(Kind::Deliver)
        },
        What::Drop { from, reason } => Line {
            peer: peer(from),
            reason: Some(reason.name().to_owned()),
            ..bare(Kind::Drop)
        },
        What::Hold { from } => Line {
            peer: peer(from),
            ..bare(Kind::Hold)
        },
        What::Damage { from } => Line {
            peer: peer(from),
            ..bare(Kind::Damage)
        },
        What::Timer { number, .. } => Line {
            number: Some(number),
            ..bare(Kind::Timer)
        },
        What::Synced { ticket, .. } => Line {
            number: Some(ticket),
            ..bare(Kind::Synced)
        },
        What::Invoke { request } => Line {
            request: Some(request.0),
            ..bare(Kind::Invoke)
        },
        What::Request { request, .. } => Line {
            request: Some(request.0),
            ..bare(Kind::Request)
        },
        What::Reply { request, outcome } => Line {
            request: Some(request.0),
            outcome: Some(outcome.into()),
            ..bare(Kind::Reply)
        },
        What::Note => bare(Kind::Note),
        What::Crash { dies_at } => Line {
            dies_at_ns: Some(dies_at.as_nanos()),
            ..bare(Kind::Crash)
        },
        What::Halt { dies_at } => Line {
            dies_at_ns: Some(dies_at.as_nanos()),
            ..bare(Kind::Halt)
        },
        What::Resume => bare(Kind::Resume),
        What::Fault { fault } => Line {
            fault: Some(u64::from(fault.0)),
            ..bare(Kind::Fault)
        },
        What::Lift { fault } => Line {
            fault: Some(u64::from(fault.0)),
            ..bare(Kind::Lift)
        },
    }
}

impl From<Ending> for Outcome {
    fn from(ending: Ending) -> Self {
        match ending {
            Ending::Ok => Self::Ok,
            Ending::Fail => Self::Fail,
            Ending::Info => Self::Info,
        }
    }
}

impl Line {
    /// The event's number, as the rest of the program has it.
    pub fn id(&self) -> EventId {
        EventId(self.event)
    }
}
