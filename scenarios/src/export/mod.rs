//! A run's trace for other programs.
//!
//! Two forms of the same events, each with what stands beside the records (see [`crate::trace`]):
//!
//! - [`jsonl`]: **JSON Lines**, a header and then a line for each event. It is complete, it can be read with `jq`, `grep`
//!   or a data frame, and this crate reads it back. Its schema has a version, and a JSON Schema file in the book.
//! - [`chrome`]: the **Trace Event Format** of Chrome's profiler, which [Perfetto](https://ui.perfetto.dev) opens: a
//!   process for each node, slices for its handlers and operations, arrows for messages.
//!
//! Both are made of strings: writing files is somebody else's business.
//!
//! Invariants: the same run gives the same bytes. An event's cause is an event before it, or 0 for the world outside the
//! run. Instants are virtual nanoseconds since the world began (Chrome's form wants microseconds; they carry three
//! decimals, so nothing is lost).
//!
//! Tracing of real systems (OpenTelemetry, Jaeger) has spans that name their parent, and clocks that disagree. Here the
//! causes are exact, because the world itself delivers every message, and there is one clock.

pub mod chrome;
pub mod jsonl;

use seedbed_sim::{Instant, NodeId};

use crate::session::Session;
use crate::view::{NodeView, Window};

/// The nodes of a run, in the order of their ids.
fn nodes(session: &dyn Session) -> Vec<NodeView> {
    let window = Window {
        from: Instant::ZERO,
        to: session.now(),
        columns: 1,
        rows: 0,
    };
    session.view(window).nodes
}

/// A node's name.
fn name(nodes: &[NodeView], id: NodeId) -> &str {
    &nodes[id.index()].name
}
