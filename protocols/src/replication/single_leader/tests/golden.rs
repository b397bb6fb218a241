//! Golden scripts: commands, `---`, and what came of them.
//!
//! To write the answers anew: `UPDATE_GOLDEN=1 cargo test -p seedbed-protocols single_leader`, then read the difference.
//!
//! Nodes are n0 (leads), n1, n2 and the clients n3 (reads at the leader), n4 (any follower), n5 (one follower).
//!
//! ```text
//! put CLIENT KEY VALUE [at=NODE]     del CLIENT KEY [at=NODE]     get CLIENT KEY [at=NODE]
//! deliver FROM TO [last]     the oldest (or last) message from one node to another; deliver: all messages, and what
//!                            comes of them
//! drop FROM TO [last]        repeat FROM TO: the oldest is delivered, and stays in flight
//! sync NODE                  completes the oldest sync of a node, and tells it
//! drain                      delivers and completes everything
//! timer NODE KIND            fires the node's earliest timer of a kind
//! wait MILLIS                lets time pass
//! crash NODE | boot NODE     arm NODE K: it is killed in the K-th disk operation of its next handler that gets so far
//! tear NODE BYTES            adds bytes to the end of the log file of a node that is down
//! stale-append NODE          delivers an append of the past epoch 0
//! state                      where the replicas stand, and what they hold
//! ```
//!
//! A setting may stand in the first lines: `# engine log`, `# window ENTRIES`, `# retry MILLIS`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use seedbed_sim::{Disk, NodeId, OpenMode, Outcome, Span};

use super::super::{Message, Node, Routing, Settings};
use super::cluster::{Cluster, LEADER, described};
use crate::inspect::Inspect;
use crate::kv::{Operation, Reply};
use crate::replication::harness::{Event, InFlight};
use crate::replication::log::{Call, Entries, Entry, Epoch, FILE_NAME, LogIndex, Origin, Proposal};
use crate::storage::{Change, EngineKind};

struct Runner {
    cluster: Cluster,
    /// For messages: which file, and which line of it.
    place: String,
}

impl Runner {
    fn new(script: &str) -> Self {
        let setting = |name: &str| {
            let lines = script.lines().take_while(|line| line.starts_with('#'));
            let mut values = lines.filter_map(|line| line.strip_prefix(&format!("# {name} ")));
            values.next()
        };
        let mut settings = Settings::new(3);
        if let Some(entries) = setting("window") {
            settings.window.entries = number(entries);
        }
        settings.retry_after = setting("retry").map(|millis| Span::from_millis(number(millis)));
        let engine = setting("engine").map_or(EngineKind::Memory, |name| {
            EngineKind::from_name(name).expect("an engine")
        });
        let clients = [
            Routing::Leader,
            Routing::AnyFollower,
            Routing::StickyFollower,
        ];
        Self {
            cluster: Cluster::new(&settings, engine, &clients),
            place: String::new(),
        }
    }

    /// Runs one line and says what came of it.
    fn run(&mut self, line: &str) -> String {
        let mut words = line.split_whitespace();
        let command = words.next().expect("a command");
        let words: Vec<&str> = words.collect();
        match (command, words.as_slice()) {
            ("state", []) => return self.state(),
            ("drain", []) => self.cluster.host.drain(),
            ("deliver", []) => {
                while !self.cluster.host.in_flight.is_empty() {
                    self.cluster.host.deliver(0);
                }
            }
            ("put" | "del" | "get", words) => self.ask(command, words),
            ("deliver", [from, to, which @ ..]) => {
                let index = self.find(node(from), node(to), which);
                self.cluster.host.deliver(index);
            }
            ("drop", [from, to, which @ ..]) => {
                let index = self.find(node(from), node(to), which);
                self.cluster.host.in_flight.remove(index);
            }
            ("repeat", [from, to]) => {
                let index = self.find(node(from), node(to), &[]);
                let copy = self.cluster.host.in_flight[index].clone();
                self.cluster.host.in_flight.insert(index, copy);
                self.cluster.host.deliver(index);
            }
            ("sync", [id]) => {
                let was_there = self.cluster.host.complete_sync(node(id));
                assert!(was_there, "{}: no sync is under way", self.place);
            }
            ("timer", [id, kind]) => {
                let is_wanted = |timer: &_| seedbed_sim::Datum::kind(timer).0 == *kind;
                let fired = self.cluster.host.fire(node(id), is_wanted);
                assert!(fired, "{}: no such timer is set", self.place);
            }
            ("wait", [millis]) => self.cluster.host.wait(Span::from_millis(number(millis))),
            ("crash", [id]) => self.cluster.host.crash(node(id)),
            ("boot", [id]) => self.cluster.host.boot(node(id)),
            ("arm", [id, operation]) => {
                let disk = &mut self.cluster.host.node_mut(node(id)).disk;
                disk.arm_crash(number(operation) as u32);
            }
            ("tear", [id, bytes]) => self.tear(node(id), bytes),
            ("stale-append", [id]) => self.stale_append(node(id)),
            _ => panic!("no command {line:?}"),
        }
        self.said()
    }

    fn ask(&mut self, command: &str, words: &[&str]) {
        let bytes = |index: usize| Bytes::copy_from_slice(words[index].as_bytes());
        let operation = match command {
            "put" => Operation::Put {
                key: bytes(1),
                value: bytes(2),
            },
            "del" => Operation::Delete { key: bytes(1) },
            _ => Operation::Get { key: bytes(1) },
        };
        let at = words.iter().find_map(|word| word.strip_prefix("at="));
        self.cluster.ask(node(words[0]), operation, at.map(node));
    }

    fn find(&self, from: NodeId, to: NodeId, which: &[&str]) -> usize {
        let fits = |message: &InFlight<Node>| message.from == from && message.to == to;
        let in_flight = &self.cluster.host.in_flight;
        let found = match which {
            ["last"] => in_flight.iter().rposition(fits),
            [] => in_flight.iter().position(fits),
            _ => panic!("{which:?} is not `last`"),
        };
        found.unwrap_or_else(|| panic!("{}: nothing is on its way", self.place))
    }

    fn tear(&mut self, id: NodeId, bytes: &str) {
        let now = self.cluster.host.now;
        let disk = &mut self.cluster.host.node_mut(id).disk;
        disk.begin_handler(now);
        let file = disk.open(FILE_NAME, OpenMode::Existing).unwrap();
        disk.append(file, bytes.as_bytes()).unwrap();
        disk.sync(file).unwrap();
        self.cluster.host.now = disk.now();
        let now = self.cluster.host.now;
        self.cluster.host.node_mut(id).disk.crash(now);
    }

    fn stale_append(&mut self, to: NodeId) {
        let origin = Origin {
            client: NodeId(9),
            call: Call {
                session: 1,
                number: 1,
            },
        };
        let change = Change::Delete(Bytes::from_static(b"ux"));
        let entry = Entry {
            index: LogIndex(1),
            epoch: Epoch(0),
            proposal: Arc::new(Proposal { origin, change }),
        };
        let message = Message::Append {
            epoch: Epoch(0),
            entries: Entries::new([entry].into()),
            end: LogIndex(1),
        };
        let stale = InFlight {
            from: LEADER,
            to,
            message,
        };
        self.cluster.host.in_flight.insert(0, stale);
        self.cluster.host.deliver(0);
    }

    /// What nodes said since the last command.
    fn said(&mut self) -> String {
        let events = std::mem::take(&mut self.cluster.host.events);
        let lines: Vec<String> = events.iter().map(shown).collect();
        if lines.is_empty() {
            return "nothing".to_owned();
        }
        lines.join("\n")
    }

    fn state(&self) -> String {
        let lines: Vec<String> = self
            .cluster
            .replicas()
            .map(|id| self.state_of(id))
            .collect();
        lines.join("\n")
    }

    fn state_of(&self, id: NodeId) -> String {
        let Some(process) = &self.cluster.host.node(id).process else {
            return format!("{id} down");
        };
        let status = process.status();
        let positions = self.cluster.positions(id);
        let mut out = format!(
            "{id} {:?} written {} durable {} applied {}",
            status.role, positions.written, positions.durable, positions.applied
        );
        for (key, value) in self.cluster.contents(id) {
            let _ = write!(out, " {}={}", key.escape_ascii(), value.escape_ascii());
        }
        if !status.doing.is_empty() {
            let _ = write!(out, "; {}", status.doing);
        }
        out
    }
}

fn shown(event: &Event<Node>) -> String {
    match event {
        Event::Sent { from, to, message } => format!("{from} → {to} {}", described(message)),
        Event::Replied { node, id, outcome } => {
            let outcome = match outcome {
                Outcome::Ok(Reply {
                    value,
                    by,
                    position,
                }) => {
                    let value = value.as_ref().map(|value| value.escape_ascii().to_string());
                    let value = value.unwrap_or("nothing".to_owned());
                    format!("ok {value} by {by} at {position}")
                }
                Outcome::Fail(reason) => format!("fail {}", reason.name()),
                Outcome::Info(reason) => format!("info {}", reason.name()),
            };
            format!("{node} answers {id}: {outcome}")
        }
        Event::Noted { node, note } => format!("{node} {note}"),
        Event::Halted { node, halt } => format!("{node} halts: {halt}"),
        Event::Killed { node } => format!("{node} is killed"),
    }
}

fn node(word: &str) -> NodeId {
    let number = word.strip_prefix('n').and_then(|word| word.parse().ok());
    NodeId(number.unwrap_or_else(|| panic!("{word:?} is no node")))
}

fn number(word: &str) -> u64 {
    word.parse().expect("a number")
}

/// Runs the script in a file: the same text with the answers as they are now.
fn answered(script: &str, name: &str) -> String {
    let mut runner = Runner::new(script);
    let mut out = String::new();
    let mut is_answer = false;
    let mut answers = String::new();
    for line in script.lines().chain([""]) {
        match line {
            "---" => {
                let _ = write!(out, "---\n{answers}");
                answers.clear();
                is_answer = true;
            }
            "" => {
                is_answer = false;
                out.push('\n');
            }
            _ if is_answer => {}
            command => {
                let _ = writeln!(out, "{command}");
                if !command.starts_with('#') {
                    runner.place = format!("{name}, `{command}`");
                    let _ = writeln!(answers, "{}", runner.run(command));
                }
            }
        }
    }
    assert_eq!(answers, "", "a block lacks its ---");
    format!("{}\n", out.trim_end())
}

#[test]
#[allow(
    clippy::disallowed_methods,
    reason = "how a person asks a test to write its file"
)]
fn scripts_come_out_as_they_say() {
    let folder: PathBuf =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("src/replication/single_leader/tests/scripts");
    let mut count = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let script = std::fs::read_to_string(&path).unwrap();
        let now = answered(&script, &path.display().to_string());
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&path, now).unwrap();
        } else {
            assert_eq!(now, script, "{}", path.display());
        }
        count += 1;
    }
    assert!(count >= 8, "only {count} scripts");
}
