//! Which operations a timeline shows: the witness, and what happened around the culprit.

use std::collections::{BTreeMap, BTreeSet};

use crate::checkers::Clock;
use crate::draw::canvas::width;
use crate::history::{
    Completion, Function, History, HistoryEvent, KeyId, Operation, OperationId, Place, ProcessId,
    Value,
};

use super::Timeline;

/// More operations than this have no room, unless they are of the witness.
const OPERATIONS_MAX: usize = 40;
/// More lanes than this have no room, unless they are of the witness.
const LANES_MAX: usize = 14;
/// So far from the culprit, in events, nobody is its neighbour.
const REACH: u32 = 4_000;
/// Of a witness longer than this the last are shown.
const WITNESS_MAX: usize = 60;

/// What is shown.
#[derive(Debug)]
pub(super) struct Shown {
    /// In order of invocation.
    pub(super) bars: Vec<Bar>,
    /// From the top.
    pub(super) lanes: Vec<Lane>,
    /// The places at which the shown operations begin or end, in order.
    pub(super) places: Vec<Place>,
    /// Before each of these places, and behind the last: how many operations began there that are not shown.
    pub(super) skipped: Vec<u32>,
    pub(super) processes_left_out: usize,
    /// Of the keys of the witness.
    pub(super) left_out: usize,
    /// Of other keys.
    pub(super) of_other_keys: usize,
    pub(super) witness_left_out: usize,
}

/// A process.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) process: ProcessId,
    pub(super) name: String,
}

/// An operation.
#[derive(Debug)]
pub(super) struct Bar {
    pub(super) id: OperationId,
    pub(super) lane: usize,
    pub(super) from: Place,
    /// Where its answer, or the news that there is none, came.
    pub(super) to: Option<Place>,
    pub(super) label: String,
    pub(super) class: &'static str,
    /// Whether it may take effect later than it ended.
    pub(super) fades: bool,
    /// Its number in the story, from 1.
    pub(super) witness: Option<usize>,
}

impl Shown {
    pub(super) fn new(timeline: &Timeline<'_>) -> Self {
        let history = timeline.history;
        let told: &[OperationId] = timeline.fallen.map_or(&[], |(_, w)| &w.operations);
        let told_from = told.len().saturating_sub(WITNESS_MAX);
        let keys: BTreeSet<KeyId> = told.iter().map(|&id| history.key_id(id)).collect();
        let ids = pick(history, &told[told_from..], &keys);
        let lanes = lanes(history, &ids);
        let is_one_key = ids
            .iter()
            .map(|&id| history.key_id(id))
            .collect::<BTreeSet<_>>();
        let bars: Vec<Bar> = ids
            .iter()
            .map(|&id| bar(history, id, &lanes, told, is_one_key.len() == 1))
            .collect();
        let ends = bars.iter().flat_map(|bar| [Some(bar.from), bar.to]);
        let places: BTreeSet<Place> = ends.flatten().collect();
        let places: Vec<Place> = places.into_iter().collect();
        let of_keys = |o: &&Operation| keys.is_empty() || keys.contains(&history.key_id(o.id));
        let count = history.operations().filter(of_keys).count();
        let processes: BTreeSet<ProcessId> = history.operations().map(|o| o.process).collect();
        Self {
            skipped: skipped(history, &ids, &places, &keys),
            processes_left_out: processes.len() - lanes.len(),
            left_out: count - ids.len(),
            of_other_keys: history.operation_count() - count,
            witness_left_out: told_from,
            bars,
            lanes,
            places,
        }
    }

    /// The widest name of a lane.
    pub(super) fn names_width(&self, size: f64) -> f64 {
        let names = self.lanes.iter().map(|lane| width(&lane.name, size));
        names.fold(60.0, f64::max)
    }
}

/// The operations to show, in order of invocation.
fn pick(history: &History, told: &[OperationId], keys: &BTreeSet<KeyId>) -> Vec<OperationId> {
    let mut chosen: BTreeSet<OperationId> = told.iter().copied().collect();
    let mut lanes: BTreeSet<ProcessId> = told
        .iter()
        .map(|&id| history.operation(id).process)
        .collect();
    let room = OPERATIONS_MAX.max(told.len() + OPERATIONS_MAX / 3);
    for id in neighbours(history, told.last().copied(), keys) {
        if chosen.len() >= room {
            break;
        }
        let process = history.operation(id).process;
        if lanes.contains(&process) || lanes.len() < LANES_MAX {
            lanes.insert(process);
            chosen.insert(id);
        }
    }
    chosen.into_iter().collect()
}

/// The operations of some keys (of all, if there are none), those whose events are nearest to the culprit's end first; from
/// the beginning where nothing fell.
fn neighbours(
    history: &History,
    culprit: Option<OperationId>,
    keys: &BTreeSet<KeyId>,
) -> impl Iterator<Item = OperationId> {
    let middle = culprit.map_or(0, |id| {
        history.completed(id).unwrap_or(history.invoked(id)).0
    });
    let reach = middle.saturating_sub(REACH)..middle.saturating_add(REACH);
    let mut near: Vec<(u32, OperationId)> = reach
        .map_while(|place| Some((place, history.event(Place(place))?)))
        .map(|(place, event)| match event {
            HistoryEvent::Invoke(id) | HistoryEvent::Complete(id) => (place.abs_diff(middle), id),
        })
        .filter(|(_, id)| keys.is_empty() || keys.contains(&history.key_id(*id)))
        .collect();
    // What began after the culprit's end matters least.
    near.sort_by_key(|&(apart, id)| {
        let is_later = culprit.is_some() && history.invoked(id).0 > middle;
        (apart * if is_later { 4 } else { 1 }, id)
    });
    near.into_iter().map(|(_, id)| id)
}

/// A lane for each process, in the order of their numbers.
fn lanes(history: &History, ids: &[OperationId]) -> Vec<Lane> {
    let mut users: BTreeMap<ProcessId, String> = BTreeMap::new();
    for &id in ids {
        let operation = history.operation(id);
        users
            .entry(operation.process)
            .or_insert_with(|| short(&operation.user));
    }
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    for name in users.values() {
        *names.entry(name.clone()).or_default() += 1;
    }
    let lanes = users.into_iter().map(|(process, user)| Lane {
        process,
        name: match names[&user] {
            _ if user.is_empty() => format!("process {}", process.0),
            1 => user,
            // After an operation of unknown outcome a user goes on as another process.
            _ => format!("{user} ({})", process.0),
        },
    });
    lanes.collect()
}

fn bar(
    history: &History,
    id: OperationId,
    lanes: &[Lane],
    told: &[OperationId],
    is_one_key: bool,
) -> Bar {
    let operation = history.operation(id);
    let lane = lanes.binary_search_by_key(&operation.process, |lane| lane.process);
    let (class, fades) = match operation.completion() {
        Some(Completion::Ok(_)) => ("ok", false),
        Some(Completion::Fail(_)) => ("fail", false),
        Some(Completion::Info(_)) => ("info", operation.is_update()),
        None => ("info", true),
    };
    Bar {
        id,
        lane: lane.expect("a lane for each process"),
        from: history.invoked(id),
        to: history.completed(id),
        label: label(operation, is_one_key),
        class,
        fades,
        witness: told.iter().position(|other| *other == id).map(|at| at + 1),
    }
}

/// How many operations of some keys began between the places that are shown.
fn skipped(
    history: &History,
    ids: &[OperationId],
    places: &[Place],
    keys: &BTreeSet<KeyId>,
) -> Vec<u32> {
    let mut counts = vec![0; places.len() + 1];
    for operation in history.operations() {
        let is_other = !keys.is_empty() && !keys.contains(&history.key_id(operation.id));
        if is_other || ids.binary_search(&operation.id).is_ok() {
            continue;
        }
        let began = history.invoked(operation.id);
        counts[places.partition_point(|place| *place < began)] += 1;
    }
    counts
}

/// `read → 2`, `x: write 1`.
fn label(operation: &Operation, is_one_key: bool) -> String {
    let key = match is_one_key || operation.key.is_empty() {
        true => String::new(),
        false => format!("{}: ", short(&operation.key)),
    };
    let name = operation.function.name();
    let asked = match &operation.function {
        Function::CompareAndSet { expected, new } => {
            let expected = expected.as_ref().map_or("nothing".to_owned(), quote);
            format!("{key}cas {expected} to {}", quote(new))
        }
        function => match function.argument() {
            Some(argument) => format!("{key}{name} {}", quote(&argument)),
            None => format!("{key}{name}"),
        },
    };
    let answers = !operation.is_update() || operation.function == Function::Dequeue;
    match operation.completion() {
        Some(Completion::Ok(_)) if answers => {
            let value = operation.returned().map_or("nothing".to_owned(), quote);
            format!("{asked} → {value}")
        }
        Some(Completion::Ok(_)) => asked,
        Some(Completion::Fail(_)) => format!("{asked}, refused"),
        Some(Completion::Info(_)) | None => format!("{asked} → ?"),
    }
}

fn quote(value: &Value) -> String {
    short(&value.to_string())
}

/// A name or value, cut where it is long.
fn short(text: &str) -> String {
    const CHARS_MAX: usize = 16;
    if text.chars().count() <= CHARS_MAX {
        return text.to_owned();
    }
    let start: String = text.chars().take(CHARS_MAX - 1).collect();
    format!("{}…", start.trim_end_matches('.'))
}

/// The words that the axis shows at a place.
pub(super) fn tick(timeline: &Timeline<'_>, place: Place) -> String {
    match timeline.clock {
        Clock::Times => super::time_of(timeline.history, place).to_string(),
        Clock::Lines(_) => timeline.clock.name(seedbed_sim::Instant::ZERO, place),
    }
}
