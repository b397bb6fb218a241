//! Scenario files: what a person asks of a world, in TOML.
//!
//! ```text
//!  text ──► TOML tree with places ──► reader ──► Scenario      (plain data: names resolved, defaults filled in)
//!                                        └─────► ScenarioErrors (file, line, column, what was expected, a near miss)
//! ```
//!
//! A file is checked from the tree itself, by asking each table for its fields, so that every mistake in it is told at
//! once and in its place. What has become a [`Scenario`] makes sense: every name exists, every number is one that the world
//! can work with, and every list and size is bounded (by the constants below), so that no file is read without end.
//! The bounds do not make every run a small one: a thousand replicas under the heaviest load fill a machine.
//!
//! ```toml
//! schema = 1                       # of this format; a file from the future is refused
//! title = "Reading your own writes from a lagging follower"
//! chapter = "DDIA chapter 5, figure 5-3"            # optional, as is whatever is marked so below
//! teaches = "What a user should expect …"           # optional
//! try = "Set routing to leader and run it again."   # optional
//! duration = "2s"                  # then everything heals, and
//! settle = "10s"                   # the cluster has so long to converge (optional: 10 s)
//!
//! [cluster]
//! protocol = "single-leader"
//! leader = "leader"                # optional: the first replica
//! routing = "any-follower"         # where clients read: leader (default), any-follower, sticky-follower
//! client_timeout = "1s"            # optional: 1 s; then nobody knows whether the operation happened
//! heartbeat = "50ms"               # optional: 50 ms
//! sites = ["eu", "us"]             # optional; links and partitions can name them
//! engine = "log"                   # optional, as are these; each [[node]] may say otherwise
//! service_time = "20us"            # for each handler, besides the disk: 20 µs
//! inbox = 1024                     # what more arrives at once is dropped: 1,024
//! disk = { read = "80us", write = "2us", sync = "200us" }   # also read_per_kib, write_per_kib, sync_per_kib;
//!                                  # capacity_bytes; crash = "drop" (or another policy), syncs = "honest" (or lying),
//!                                  # failed_sync = "stays-visible" (or reverts)
//!
//! [[node]]                         # a replica; or, above, replicas = 3 for leader, follower-1 and follower-2
//! name = "leader"
//! site = "eu"                      # optional
//! clock = { offset = "3ms", drift_ppm = 50 }                # optional
//!
//! [[node]]
//! name = "follower-1"
//! site = "us"
//!
//! [[client]]                       # a user's session, for scripted steps
//! name = "phone"
//! user = "1234"                    # optional: as its name
//! routing = "leader"               # optional; site and clock too
//!
//! [network]                        # optional: 1 ms, without loss, connections
//! # preset = "five-regions"        # sites and the delays between them; or one-rack, three-zones
//! # matrix = { sites = ["eu", "us"], delays = [["250us", "40ms"], ["42ms", "250us"]] }   # from a row to a column
//! delay = "5ms"                    # or { distribution = "log-normal", median = "5ms", sigma = 0.2, plus = "1ms" }
//! loss_per_million = 1000
//! kind = "fifo"                    # or datagram
//! retransmit_after = "200ms"
//! duplicate_per_million = 0        # of datagrams; these, too, are nothing when left out
//! corrupt_per_million = 0
//! reorder_per_million = 100
//! reorder_by = "10ms"              # how long a message is held back that others overtake: 10 ms
//! correlation_per_million = 250000 # a message meets what the one before met: bursts
//! rate_bytes_per_second = 125000   # or "unlimited" (as if left out); what comes faster waits,
//! queue_bytes = 65536              # so many bytes at most: 65,536
//!
//! [[link]]                         # the last that fits holds; what it leaves out is as in [network]
//! between = ["eu", "us"]           # nodes or sites, both directions; or from = "eu", to = "us" for one
//! delay = "40ms"
//!
//! [[step]]                         # a client has one operation open at a time: a step waits for the one before
//! name = "comment"                 # optional: for others to come after
//! at = "10ms"                      # or: after = "previous" (or a name), delay = "5ms"
//! client = "phone"
//! do = "put"                       # or get, delete
//! key = "55555"
//! value = "Sounds good!"           # of a put; unique for the key, so that a read names its write
//!
//! [[step]]
//! after = "comment"
//! client = "phone"
//! do = "get"
//! key = "55555"
//! replica = "follower-1"           # optional: ask this one, whatever the routing
//! times = 24                       # optional: the same again and again,
//! every = "10ms"                   # at this distance
//!
//! [[load]]                         # generated operations
//! name = "readers"                 # its clients are readers-1, readers-2 …
//! kind = "open"                    # at a rate of its own; or closed: each client waits for its answer,
//!                                  # then for `think`, a duration (optional: none)
//! clients = 16                     # optional: 16
//! rate_per_second = 200            # open only
//! arrivals = "exponential"         # open only, optional; or even
//! start = "0s"                     # optional, as is all of the rest
//! end = "2s"
//! operations = 500
//! keys = { count = 1000, distribution = "zipf", exponent = 0.99, prefix = "k" }
//! reads_percent = 80               # 50
//! deletes_percent = 0
//! value_bytes = 100
//!
//! [[fault]]
//! at = "100ms"
//! until = "600ms"                  # optional: until the scenario ends
//! kind = "crash"                   # with what goes with it, as below
//! node = "follower-1"
//!
//! [[nemesis]]                      # faults that each seed draws anew
//! name = "storm"                   # optional: nemesis-1, nemesis-2 …; its draws are named by it
//! faults = ["crash", "partition"]  # kinds of fault, or "all"
//! rate_per_minute = { from = 6, to = 60 }           # or one number; a range is drawn from once for a seed
//! lasts = { from = "10ms", to = "2s" }              # or one duration; a range is drawn from for each fault
//! targets = ["follower-1", "eu"]   # optional: all replicas
//! at_most = 2                      # optional: 1; how many of its faults hold at a time
//! swarm = true                     # optional: false; each seed draws which of the kinds are on
//! start = "1s"                     # optional, as is `end`
//!
//! [[message]]                      # what becomes of one message, in the place of what its link draws
//! from = "leader"
//! to = "follower-1"
//! kind = "append"                  # what the protocol calls it
//! number = 3                       # optional: 1; how many-th of its kind on this link,
//! after = "350ms"                  # optional: of those that leave then or later
//! fate = "delay"                   # it travels for so long: `by`
//! by = "2s"                        # (or `lose`; `hold` until an instant, `until`; `duplicate`, again after `by`)
//!
//! [[expect]]
//! check = "read-your-writes-in-real-time"       # or any other of the checkers
//! verdict = "violated"             # or holds
//! ```
//!
//! `sequential` and `linearizable` may name a `model`, one of [`models`](crate::checkers::models) that knows everything that
//! clients do.
//!
//! | fault | fields |
//! |---|---|
//! | `crash`, `pause` | `node` |
//! | `crash-at-disk-operation` | `node`, `operation` (from 1) |
//! | `cut` | `between`, or `from` and `to`; `in_flight` is `lost` (default) or `held` |
//! | `partition` | `in_flight`, and one of: `sides`, arrays of nodes or sites; `site`; `blocked`, an array of `{ from, to }`; or |
//! | | `shape` (see [`PartitionShape`](seedbed_sim::PartitionShape)), with `nodes` (the replicas), `order` (`listed` or `random`), `node` |
//! | `delay` | `between`, or `from` and `to`; `extra` |
//! | `jitter` | `between`, or `from` and `to`; `extra`, a distribution |
//! | `loss`, `duplicate`, `corrupt` | `between`, or `from` and `to`; `per_million` |
//! | `reorder` | `between`, or `from` and `to`; `per_million`, `by` |
//! | `rate-limit` | `between`, or `from` and `to`; `bytes_per_second`, `queue_bytes` (optional: 65,536) |
//! | `bursts` | `between`, or `from` and `to`; `correlation_per_million` |
//! | `clock-offset` | `node`, `offset`, which may be negative |
//! | `clock-drift` | `node`, `ppm`, above -1,000,000 |
//! | `clock-jump` | `node`, `by`, which may be negative |
//! | `clock-strobe` | `node`, `by`, `every` |
//! | `clock-freeze`, `replace`, `leave`, `join` | `node` |
//! | `crash-after-send` | `node`, `message` (its kind: any), `number` (1) |
//! | `crash-after-note` | `node`, `note` (its kind: any), `number` (1) |
//! | `site-down` | `site`, or `nodes` |
//! | `slow` | `node`, `factor` |
//! | `disk-crash-state` | `node`, `crash`, a policy as in `disk` |
//! | `bit-rot` | `node`, `files` (a pattern with `*`; default: all), `bits` (1), `offset` (anywhere) |
//! | `truncated-file` | `node`, `files`, `bytes` |
//! | `misdirected-write`, `lost-write`, `stale-read`, `read-error`, `write-error`, `sync-error`, `lying-sync` | `node`, `files`, `per_million` (always), `count` (without end) |
//! | `disk-full` | `node`, `free_bytes` (0) |
//! | `slow-disk`, `slow-sync` | `node`, `percent` |
//! | `stalled-disk` | `node`, `for` |
//!
//! | distribution | fields |
//! |---|---|
//! | `fixed` | `value` |
//! | `uniform` | `low`, `high` |
//! | `normal` | `mean`, `deviation` |
//! | `log-normal` | `median`, `sigma` |
//! | `exponential` | `mean` |
//! | `pareto` | `minimum`, `shape` |
//! | `mixture` | `of`, an array of distributions, each with a `weight` |
//! | `table` | `points`, pairs of a percentage and what that share does not exceed, from 0 to 100 |
//!
//! Parsing takes text and opens no file. The other way, [`write()`] makes the text of a file of a scenario.

mod cluster;
pub(crate) mod diagnostic;
mod disk_faults;
mod duration;
mod fault;
mod load;
mod message;
pub mod model;
mod names;
pub(crate) mod near;
mod nemesis;
mod network;
mod partition;
mod reader;
mod script;
mod sites;
mod timeline;
mod write;

#[cfg(test)]
mod tests;

pub use diagnostic::{DIAGNOSTICS_MAX, Diagnostic, ScenarioErrors};
pub use model::Scenario;
pub(crate) use near::{alternatives, nearest, quoted};
pub(crate) use write::write_without;
pub use write::{Comments, Part, write, write_with};

use crate::checkers::{CatalogEntry, Terms};
use diagnostic::{Problem, Problems};
use names::Names;
use reader::Table;
use seedbed_sim::Span;
use toml::de::DeTable;

/// The version of the format that this program reads.
pub const SCHEMA: u64 = 1;

/// The longest file, in bytes.
pub const FILE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// The most replicas.
pub const REPLICAS_MAX: usize = 1_000;
/// The most clients, those of loads included.
pub const CLIENTS_MAX: usize = 1_000;
/// The most sites.
pub const SITES_MAX: usize = 1_000;
/// The most `[[link]]` tables.
pub const LINKS_MAX: usize = 1_000;
/// The most scripted steps.
pub const STEPS_MAX: usize = 100_000;
/// The most loads.
pub const LOADS_MAX: usize = 16;
/// The most operations of one load.
pub const LOAD_OPERATIONS_MAX: u64 = 1_000_000;
/// The most bytes that one load may write: its operations times the length of its values.
pub const LOAD_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// The most messages whose fate a file may decide.
pub const MESSAGES_MAX: usize = 100_000;
/// The most nemeses.
pub const NEMESES_MAX: usize = 16;
/// The most faults, on the timeline or of one nemesis.
pub const FAULTS_MAX: usize = 10_000;
/// The most links that all cuts, delays and losses of a file may be about together.
pub const FAULT_LINKS_MAX: usize = 100_000;
/// The longest key of a scripted step, in bytes.
pub const KEY_BYTES_MAX: usize = 1_024;
/// The longest text, in bytes: a title, a scripted value.
pub const TEXT_BYTES_MAX: usize = 64 * 1024;

/// Reads a scenario. `file_name` is what messages call the file.
///
/// # Errors
/// Everything that is wrong with it, each with its place.
pub fn parse(file_name: &str, text: &str) -> Result<Scenario, ScenarioErrors> {
    let problems = Problems::default();
    match read_text(text, &problems) {
        Some(scenario) if problems.is_empty() => Ok(scenario),
        _ => Err(problems.into_errors(file_name, text)),
    }
}

/// Reads the terms of a check as the `[[expect]]` of a scenario has them, from pairs of a name and a value: `versions` and
/// `2`, `time` and `50ms`.
///
/// # Errors
/// Everything that is wrong with them.
pub fn terms_of(check: &CatalogEntry, given: &[(String, String)]) -> Result<Terms, ScenarioErrors> {
    timeline::terms_of(check, given)
}

/// The scenario, if nothing is wrong with it. Where something is, it is among the problems, and what is returned is of
/// no use.
fn read_text(text: &str, problems: &Problems) -> Option<Scenario> {
    if text.len() > FILE_BYTES_MAX {
        problems.report(|| {
            let message = format!("the file is {} bytes long", text.len());
            Problem::new(0..0, message).expected(format!("at most {FILE_BYTES_MAX} bytes"))
        });
        return None;
    }
    let tree = match DeTable::parse(text) {
        Ok(tree) => tree,
        Err(error) => {
            // The first error only: what the parser makes of the rest would be a guess, and each further error of its
            // own holds a copy of the file.
            problems.report(|| syntax_problem(&error));
            return None;
        }
    };
    let root = Table::new("the scenario", 0..0, tree.get_ref(), problems);
    read_root(root)
}

fn syntax_problem(error: &toml::de::Error) -> Problem {
    let span = error.span().unwrap_or(0..0);
    let message = error.message().lines().collect::<Vec<_>>().join("; ");
    match message.as_str() {
        "duplicate key" => Problem::new(span, "this is given twice").expected("each key once"),
        _ => Problem::new(span, message),
    }
}

fn read_root(root: Table<'_>) -> Option<Scenario> {
    let schema = root.required("schema", "the version of the format: `schema = 1`");
    if let Some(schema) = schema {
        let version = schema.integer(1..=u64::from(u32::MAX))?;
        if version != SCHEMA {
            let message = format!("is {version}, and this program reads {SCHEMA}");
            schema.wrong(&message, |problem| {
                problem
                    .expected(format!("{SCHEMA}"))
                    .help("the file is for a later version of the program")
            });
            return None;
        }
    }
    let title = root.required("title", "one line of text");
    let title = title.and_then(|value| value.sentence(TEXT_BYTES_MAX));
    let text = |field| root.or(field, "", |value| value.sentence(TEXT_BYTES_MAX));
    let (chapter, teaches, try_next) = (text("chapter"), text("teaches"), text("try"));
    let stated = root.required("duration", "how long it runs, such as \"2s\"");
    let stated = stated.and_then(|value| value.positive_duration());
    // Where nobody knows how long it runs, nothing comes too late.
    let duration = stated.unwrap_or(Span::MAX);
    let settle = root.or("settle", Span::from_secs(10), reader::Value::duration);

    let mut names = Names::default();
    sites::declare(&root, &mut names);
    let (cluster, replicas, defaults) = cluster::read(&root, &mut names);
    let count = replicas.len();
    let mut clients = cluster::read_clients(&root, count, &defaults, &mut names);
    let loads = load::read_loads(&root, duration, count, &defaults, &mut names, &mut clients);
    let network = network::read(&root, &names);
    let steps = script::read_steps(&root, duration, &names, &loads);
    let protocol = cluster.as_ref().map(|cluster| &cluster.protocol);
    let faults = timeline::read_faults(&root, duration, &names, protocol);
    let nemeses = nemesis::read_nemeses(&root, duration, count, &names);
    let messages = message::read_messages(&root, protocol, &names);
    let doings = timeline::doings(&steps, &loads);
    let expectations = timeline::read_expectations(&root, &doings);
    root.finish();
    Some(Scenario {
        title: title?.to_owned(),
        chapter: chapter.to_owned(),
        teaches: teaches.to_owned(),
        try_next: try_next.to_owned(),
        duration: stated?,
        settle,
        cluster: cluster?,
        replicas,
        clients,
        network,
        steps,
        loads,
        faults,
        nemeses,
        messages,
        expectations,
    })
}
