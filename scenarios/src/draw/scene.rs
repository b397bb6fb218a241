//! What there is to draw: the facts of a window, before anybody thinks of coordinates.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use seedbed_sim::{DropReason, EventId, Fault, Group, Instant, NodeId};

use super::causes::Causes;
use crate::history::{Completion, Operation};
use crate::session::Session;
use crate::trace::What;
use crate::view::{AnomalyView, NodeView, View, Window};

/// Everything that a picture shows.
#[derive(Debug)]
pub(super) struct Scene {
    pub(super) scenario: String,
    pub(super) title: String,
    pub(super) seed: u64,
    pub(super) from: Instant,
    pub(super) to: Instant,
    pub(super) lanes: Vec<Lane>,
    /// Nodes that nothing happens at in the window, and that got no lane for want of room.
    pub(super) lanes_left_out: usize,
    pub(super) messages: Vec<Message>,
    pub(super) work: Vec<Work>,
    pub(super) down: Vec<Down>,
    pub(super) notes: Vec<Note>,
    pub(super) operations: Vec<Bar>,
    pub(super) faults: Vec<FaultSpan>,
    /// The guarantee whose witness is marked and told.
    pub(super) focus: Option<Arc<AnomalyView>>,
    /// When other guarantees fell in the window.
    pub(super) others: Vec<(Instant, String)>,
}

/// A node's line.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) node: NodeId,
    pub(super) name: String,
    pub(super) role: String,
    pub(super) is_client: bool,
}

/// What a message has to do with the story.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// On the way from an operation of the witness to its answer.
    Witness,
    /// Set off by an operation of the witness besides.
    SetOff,
    /// Of another operation.
    Other,
    /// Of none: heartbeats and the like.
    Background,
}

/// How a message ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It came to its receiver, and was handled then or later.
    Arrived { handled_at: Instant },
    /// It was lost.
    Lost(DropReason),
    /// It is on its way when the run ends.
    OnItsWay,
}

/// A message, from lane to lane.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) about: &'static str,
    pub(super) left_at: Instant,
    /// When it arrived or was lost, or the end of the run.
    pub(super) end_at: Instant,
    pub(super) end: End,
    pub(super) part: Part,
    /// The operation it belongs to, by its number.
    pub(super) operation: Option<u32>,
}

/// A handler that took time.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) lane: usize,
    pub(super) from: Instant,
    pub(super) to: Instant,
}

/// A node that is down.
#[derive(Debug)]
pub(super) struct Down {
    pub(super) lane: usize,
    pub(super) from: Instant,
    pub(super) to: Instant,
}

/// A meaning that a node marked.
#[derive(Debug)]
pub(super) struct Note {
    pub(super) lane: usize,
    pub(super) at: Instant,
    pub(super) text: String,
}

/// How an operation stands at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Ok,
    Fail,
    Info,
    Open,
}

/// An operation of a client.
#[derive(Debug)]
pub(super) struct Bar {
    pub(super) lane: usize,
    pub(super) from: Instant,
    /// `None` while it is open.
    pub(super) to: Option<Instant>,
    pub(super) label: String,
    pub(super) state: State,
    /// Its place in the story, from 1, where it is part of the witness.
    pub(super) witness: Option<usize>,
}

/// A fault.
#[derive(Debug)]
pub(super) struct FaultSpan {
    pub(super) lanes: Vec<usize>,
    pub(super) group: Group,
    pub(super) from: Instant,
    pub(super) to: Instant,
    pub(super) what: String,
}

/// More lanes than this have no room.
const LANES_MAX: usize = 24;

impl Scene {
    /// The facts of a run between two instants. `focus` is the guarantee to tell of.
    pub(super) fn new(
        session: &dyn Session,
        (from, to): (Instant, Instant),
        focus: Option<Arc<AnomalyView>>,
    ) -> Self {
        let view = session.view(Window {
            from,
            to,
            columns: 1,
            rows: 0,
        });
        let operations = session.operations();
        let findings = session.findings();
        let within = |at: Instant| from <= at && at <= to;
        let focus = focus.or_else(|| findings.iter().find(|f| within(f.at)).cloned());
        let others = findings.iter().filter(|finding| {
            within(finding.at)
                && focus
                    .as_ref()
                    .is_none_or(|focus| !Arc::ptr_eq(focus, finding))
        });
        let mut scene = Self {
            scenario: view.scenario.clone(),
            title: view.title.clone(),
            seed: view.seed,
            from,
            to,
            lanes: Vec::new(),
            lanes_left_out: 0,
            messages: Vec::new(),
            work: Vec::new(),
            down: Vec::new(),
            notes: Vec::new(),
            operations: Vec::new(),
            faults: Vec::new(),
            others: others.map(|f| (f.at, f.guarantee.clone())).collect(),
            focus,
        };
        let causes = Causes::new(session, &operations, scene.focus.as_deref());
        scene.choose_lanes(session, &view, &operations, &causes);
        let lane_of: BTreeMap<NodeId, usize> = scene
            .lanes
            .iter()
            .enumerate()
            .map(|(index, lane)| (lane.node, index))
            .collect();
        scene.add_events(session, &view, &lane_of, &causes);
        scene.add_operations(&operations, &lane_of, &causes);
        scene.add_faults(&view, &lane_of);
        scene
    }

    /// Whether something from one instant to another can be seen.
    fn shows(&self, from: Instant, to: Instant) -> bool {
        from <= self.to && to >= self.from
    }

    /// Clients first, then replicas, each in the scenario's order. Where there are too many, those go that have least to
    /// do with the window.
    fn choose_lanes(
        &mut self,
        session: &dyn Session,
        view: &View,
        operations: &[Operation],
        causes: &Causes,
    ) {
        let mut busy: BTreeMap<NodeId, u64> = BTreeMap::new();
        for event in session.events() {
            if self.from <= event.at && event.at <= self.to {
                *busy.entry(event.node).or_default() += 1;
            }
        }
        let witnesses = self.focus.iter().flat_map(|focus| &focus.operations);
        let in_story: BTreeSet<NodeId> = witnesses
            .filter_map(|id| causes.client(&operations[id.index()]))
            .collect();
        let rank = |node: &NodeView| {
            let busy = busy.get(&node.id).copied().unwrap_or(0);
            (
                !in_story.contains(&node.id),
                !node.is_replica,
                std::cmp::Reverse(busy),
                node.id,
            )
        };
        let mut ranked: Vec<&NodeView> = view.nodes.iter().collect();
        ranked.sort_by_key(|node| rank(node));
        // A client that does nothing here tells nothing; a replica that does nothing may be what is wrong.
        ranked.retain(|node| node.is_replica || busy.contains_key(&node.id));
        self.lanes_left_out = ranked.len().saturating_sub(LANES_MAX);
        ranked.truncate(LANES_MAX);
        ranked.sort_by_key(|node| (node.is_replica, node.id));
        let lane = |node: &NodeView| Lane {
            node: node.id,
            name: node.name.clone(),
            role: node.role.clone(),
            is_client: !node.is_replica,
        };
        self.lanes = ranked.into_iter().map(lane).collect();
    }

    fn add_events(
        &mut self,
        session: &dyn Session,
        view: &View,
        lane_of: &BTreeMap<NodeId, usize>,
        causes: &Causes,
    ) {
        let mut sends: BTreeMap<EventId, (NodeId, NodeId, Instant, &'static str)> = BTreeMap::new();
        // A message that is duplicated ends more than once.
        let mut ended: BTreeSet<EventId> = BTreeSet::new();
        let mut down: BTreeMap<NodeId, Instant> = BTreeMap::new();
        for (event, words) in session.events().zip(session.trace()) {
            if event.at > self.to && sends.len() == ended.len() && down.is_empty() {
                break;
            }
            if let (Some(took), Some(&lane)) = (event.took(), lane_of.get(&event.node)) {
                let (from, to) = (event.at, event.at + took);
                if to > from && self.shows(from, to) {
                    self.work.push(Work { lane, from, to });
                }
            }
            match event.what {
                What::Send { to, leaves_at } if leaves_at <= self.to => {
                    let send = (event.node, to, leaves_at, event.about);
                    sends.insert(event.event, send);
                }
                What::Deliver { arrived_at, .. } => {
                    if let Some(&send) = sends.get(&event.cause) {
                        ended.insert(event.cause);
                        let end = End::Arrived {
                            handled_at: event.at,
                        };
                        self.add_message(send, (arrived_at, end), event.cause, lane_of, causes);
                    }
                }
                What::Drop { reason, .. } => {
                    if let Some(&send) = sends.get(&event.cause) {
                        ended.insert(event.cause);
                        let end = (event.at, End::Lost(reason));
                        self.add_message(send, end, event.cause, lane_of, causes);
                    }
                }
                What::Crash { dies_at } | What::Halt { dies_at } => {
                    down.insert(event.node, dies_at);
                }
                What::Boot { .. } => {
                    if let Some(since) = down.remove(&event.node) {
                        self.add_down(event.node, since, event.at, lane_of);
                    }
                }
                What::Note if self.shows(event.at, event.at) => {
                    if let Some(&lane) = lane_of.get(&event.node) {
                        let name = format!("{}: ", self.lanes[lane].name);
                        let text = words.text.strip_prefix(&name).unwrap_or(&words.text);
                        let (at, text) = (event.at, text.to_owned());
                        self.notes.push(Note { lane, at, text });
                    }
                }
                _ => {}
            }
        }
        sends.retain(|event, _| !ended.contains(event));
        for (event, send) in sends {
            let end = (view.now, End::OnItsWay);
            self.add_message(send, end, event, lane_of, causes);
        }
        for (node, since) in down {
            self.add_down(node, since, view.now, lane_of);
        }
        self.messages.sort_by_key(|message| message.left_at);
    }

    fn add_message(
        &mut self,
        (from, to, left_at, about): (NodeId, NodeId, Instant, &'static str),
        (end_at, end): (Instant, End),
        send: EventId,
        lane_of: &BTreeMap<NodeId, usize>,
        causes: &Causes,
    ) {
        let handled_at = match end {
            End::Arrived { handled_at } => handled_at,
            End::Lost(_) | End::OnItsWay => end_at,
        };
        let (Some(&from), Some(&to)) = (lane_of.get(&from), lane_of.get(&to)) else {
            return;
        };
        if from == to || !self.shows(left_at, handled_at) {
            return;
        }
        self.messages.push(Message {
            from,
            to,
            about,
            left_at,
            // A message that was lost before it left has gone nowhere.
            end_at: end_at.max(left_at),
            end,
            part: causes.part(send),
            operation: causes.operation(send),
        });
    }

    fn add_down(
        &mut self,
        node: NodeId,
        from: Instant,
        to: Instant,
        lane_of: &BTreeMap<NodeId, usize>,
    ) {
        if let Some(&lane) = lane_of.get(&node)
            && self.shows(from, to)
        {
            self.down.push(Down { lane, from, to });
        }
    }

    fn add_operations(
        &mut self,
        operations: &[Operation],
        lane_of: &BTreeMap<NodeId, usize>,
        causes: &Causes,
    ) {
        for operation in operations {
            let to = operation.completed.as_ref().map(|completed| completed.at);
            let client = causes.client(operation);
            let Some(&lane) = client.and_then(|client| lane_of.get(&client)) else {
                continue;
            };
            let witnesses = self.focus.as_ref().map(|focus| &focus.operations);
            let place = witnesses.and_then(|all| all.iter().position(|id| *id == operation.id));
            if !self.shows(operation.invoked_at, to.unwrap_or(Instant::NEVER)) {
                continue;
            }
            let (label, state) = told(operation);
            self.operations.push(Bar {
                lane,
                from: operation.invoked_at,
                to,
                label,
                state,
                witness: place.map(|place| place + 1),
            });
        }
    }

    fn add_faults(&mut self, view: &View, lane_of: &BTreeMap<NodeId, usize>) {
        for entry in view.faults.iter().filter(|entry| entry.id.is_some()) {
            let to = entry.to.filter(|_| !entry.active).unwrap_or(view.now);
            let lanes = lanes_of(&entry.fault, lane_of);
            if !lanes.is_empty() && self.shows(entry.from, to) {
                self.faults.push(FaultSpan {
                    lanes,
                    group: entry.fault.about().group,
                    from: entry.from,
                    to,
                    what: entry.what.clone(),
                });
            }
        }
    }
}

/// The lanes of the nodes that a fault is about, from the top.
fn lanes_of(fault: &Fault, lane_of: &BTreeMap<NodeId, usize>) -> Vec<usize> {
    let nodes = fault.nodes();
    let lanes: BTreeSet<usize> = nodes
        .iter()
        .filter_map(|node| lane_of.get(node).copied())
        .collect();
    lanes.into_iter().collect()
}

/// An operation in a few words, and how it stands.
fn told(operation: &Operation) -> (String, State) {
    let key = short(&operation.key);
    let function = &operation.function;
    let asked = match function.argument() {
        Some(argument) => format!(
            "{} {key} = {}",
            function.name(),
            quote(&argument.to_string())
        ),
        None => format!("{} {key}", function.name()),
    };
    let replica = operation
        .completed
        .as_ref()
        .and_then(|c| c.replica.as_deref());
    let at = replica.map_or_else(String::new, |replica| format!(" at {replica}"));
    match (operation.completion(), &operation.function) {
        (None, _) => (asked, State::Open),
        (Some(Completion::Ok(value)), function) if !function.is_update() => {
            let value = value
                .as_ref()
                .map_or("nothing".to_owned(), |value| quote(&value.to_string()));
            (format!("{asked}{at} → {value}"), State::Ok)
        }
        (Some(Completion::Ok(_)), _) => (format!("{asked} → ok"), State::Ok),
        (Some(Completion::Fail(reason)), _) => {
            (format!("{asked} → refused: {reason}"), State::Fail)
        }
        (Some(Completion::Info(reason)), _) => {
            (format!("{asked} → unknown: {reason}"), State::Info)
        }
    }
}

/// A value in quotes.
fn quote(value: &str) -> String {
    format!("\"{}\"", short(value))
}

/// A key or value, cut where it is long. Dots at the cut say nothing: generated values are filled up with them.
fn short(text: &str) -> String {
    const CHARS_MAX: usize = 18;
    let plain: String = text.chars().flat_map(char::escape_debug).collect();
    let kept: String = plain.chars().take(CHARS_MAX).collect();
    let trimmed = kept.trim_end_matches('.');
    if trimmed.len() < plain.trim_end_matches('.').len() {
        format!("{trimmed}…")
    } else {
        trimmed.to_owned()
    }
}
