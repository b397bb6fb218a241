//! A run's trace as a file: a line of JSON that says which run it is, then one for each event.
//!
//! ```json
//! {"schema":1,"scenario":"ddia/5-3","seed":1,"digest":"…","events":412}
//! {"event":1,"at_ns":0,"cause":0,"node":"leader","kind":"boot","text":"…"}
//! ```
//!
//! A `cause` of 0 is the world outside the run; a `node` of null, the world itself.

use std::io::{self, Write};

use seedbed_scenarios::report::Report;
use seedbed_scenarios::session::Session;
use seedbed_scenarios::view::Window;
use seedbed_sim::{Instant, NodeId};
use serde::Serialize;

/// The version of this form.
const SCHEMA: u32 = 1;

/// The first line.
#[derive(Serialize)]
struct Head<'a> {
    schema: u32,
    scenario: &'a str,
    seed: u64,
    digest: &'a str,
    events: u64,
}

/// Every other line.
#[derive(Serialize)]
struct Event<'a> {
    event: u64,
    at_ns: u64,
    cause: u64,
    node: Option<&'a str>,
    kind: &'a str,
    text: &'a str,
}

/// Writes the trace of a run that is over.
pub(super) fn write(out: &mut dyn Write, session: &dyn Session, report: &Report) -> io::Result<()> {
    let window = Window {
        from: Instant::ZERO,
        to: session.now(),
        columns: 1,
        rows: 1,
    };
    let nodes = session.view(window).nodes;
    let name = |id: NodeId| nodes.iter().find(|n| n.id == id).map(|n| n.name.as_str());
    let head = Head {
        schema: SCHEMA,
        scenario: &report.scenario,
        seed: report.seed,
        digest: &report.digest,
        events: report.events,
    };
    write_line(out, &head)?;
    for line in session.trace() {
        let event = Event {
            event: line.event.0,
            at_ns: line.at.as_nanos(),
            cause: line.cause.0,
            node: line.node.and_then(name),
            kind: &line.kind,
            text: &line.text,
        };
        write_line(out, &event)?;
    }
    Ok(())
}

fn write_line(out: &mut dyn Write, line: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    out.write_all(b"\n")
}
