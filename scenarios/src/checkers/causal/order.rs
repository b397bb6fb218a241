//! Causal order, and how its bad patterns are told.

use std::collections::BTreeSet;

use crate::checkers::Witness;
use crate::checkers::story::tell;
use crate::history::{History, OperationId};

use crate::checkers::acts::{
    ActId, Acts, Clocks, Graph, Role, Source, Step, Why, acts_on, shortened, value_of,
};

/// Causal order: session order, and every write before the reads of its value.
pub(crate) struct CausalOrder<'a> {
    pub(crate) history: &'a History,
    pub(crate) acts: &'a Acts,
    /// What each act has in its causal past.
    pub(crate) clocks: Clocks,
}

/// Why there is no causal order to go by.
pub(crate) enum NoOrder {
    /// A bad pattern: a value out of thin air, or a circle.
    Violated(Box<Witness>),
    /// The clocks would be too big.
    TooBig(String),
}

impl<'a> CausalOrder<'a> {
    /// The causal order of acts.
    pub(crate) fn new(
        history: &'a History,
        acts: &'a Acts,
        bytes: u64,
        guarantee: &str,
    ) -> Result<Self, NoOrder> {
        if let Some(witness) = thin_air_read(history, acts, guarantee) {
            return Err(NoOrder::Violated(Box::new(witness)));
        }
        let mut clocks = Clocks::new(acts, bytes).map_err(NoOrder::TooBig)?;
        if acts.before_in_order() {
            for act in 0..acts.all.len() {
                for earlier in acts.before(act) {
                    clocks.join(act, earlier);
                }
            }
        } else {
            let order = Graph::new(acts, |_| true).order().map_err(|cycle| {
                let witness = tell_cycle(history, acts, &cycle, "CyclicCO", guarantee);
                NoOrder::Violated(Box::new(witness))
            })?;
            for act in order {
                for earlier in acts.before(act) {
                    clocks.join(act, earlier);
                }
            }
        }
        Ok(Self {
            history,
            acts,
            clocks,
        })
    }

    /// Whether one act is in the causal past of another, or is the same.
    pub(crate) fn has_behind(&self, later: ActId, earlier: ActId) -> bool {
        self.clocks.has_behind(self.acts, later, earlier)
    }

    /// For each chain, the last write of a read's key in what a clock counts.
    pub(crate) fn known_writes<'b>(
        &'b self,
        read: ActId,
        clock: &'b [u32],
    ) -> impl Iterator<Item = ActId> + 'b {
        let chains = &self.acts.writes[self.acts.all[read].key.0 as usize];
        chains
            .iter()
            .filter_map(|writes| writes.last_within(clock[writes.chain]))
    }
}

impl Acts {
    /// Whether every act stands after what comes before it.
    fn before_in_order(&self) -> bool {
        (0..self.all.len()).all(|act| self.before(act).all(|earlier| earlier < act))
    }
}

/// *ThinAirRead*.
pub(crate) fn thin_air_read(history: &History, acts: &Acts, guarantee: &str) -> Option<Witness> {
    let is_thin = |act: &ActId| acts.all[*act].role == Role::Read(Source::Nobody);
    let read = (0..acts.all.len()).find(is_thin)?;
    let why = format!(
        "ThinAirRead: nobody wrote {}",
        value_of(history, &acts.all[read])
    );
    Some(tell_pattern(history, acts, &[read], &why, guarantee))
}

/// A witness of a pattern: its acts, the culprit last.
pub(crate) fn tell_pattern(
    history: &History,
    acts: &Acts,
    shown: &[ActId],
    why: &str,
    guarantee: &str,
) -> Witness {
    let culprit = acts.all[*shown.last().expect("a pattern has acts")].operation;
    let others: BTreeSet<OperationId> = shown
        .iter()
        .map(|&act| acts.all[act].operation)
        .filter(|&id| id != culprit)
        .collect();
    let operations: Vec<OperationId> = others.into_iter().chain([culprit]).collect();
    let mut story: Vec<String> = operations.iter().map(|&id| tell(history, id)).collect();
    story.push(format!("{}: {guarantee} falls.", capital(why)));
    let reader = history.operation(culprit);
    let at = reader
        .completed
        .as_ref()
        .map_or(reader.invoked_at, |completed| completed.at);
    Witness::new(history, operations, at, why.to_owned(), story)
}

/// A witness of a circle: what lies on it and the reads that show its steps; the one that ended last is the culprit.
pub(crate) fn tell_cycle(
    history: &History,
    acts: &Acts,
    cycle: &[Step],
    pattern: &str,
    guarantee: &str,
) -> Witness {
    let cycle = shortened(cycle);
    let mut shown: Vec<ActId> = acts_on(&cycle).into_iter().collect();
    shown.sort_by_key(|&act| {
        let id = acts.all[act].operation;
        (acts.all[act].is_read(), history.completed(id), id)
    });
    let mut steps: Vec<String> = Vec::new();
    for (index, &(act, why)) in cycle.iter().enumerate() {
        let (later, _) = cycle[(index + 1) % cycle.len()];
        steps.push(tell_step(history, acts, act, later, why));
    }
    let why = format!("{pattern}: {}", steps.join("; "));
    tell_pattern(history, acts, &shown, &why, guarantee)
}

/// The acts by which one act comes before another: what begins and ends each stretch within a session.
pub(crate) fn links(acts: &Acts, from: ActId, to: ActId) -> Vec<ActId> {
    let way = Graph::new(acts, |_| true).path(from, to);
    let way = way.unwrap_or_default();
    let is_link = |index: &usize| {
        let before = index.checked_sub(1).map(|before| way[before].1);
        way[*index].1 != Why::Session || before != Some(Why::Session)
    };
    let links = (0..way.len()).filter(is_link);
    links.map(|index| way[index].0).collect()
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().into_iter().flat_map(char::to_uppercase);
    first.chain(chars).collect()
}

fn tell_step(history: &History, acts: &Acts, earlier: ActId, later: ActId, why: Why) -> String {
    let told = |act: ActId| {
        let verb = if acts.all[act].is_read() {
            "read"
        } else {
            "write"
        };
        format!("the {verb} of {}", value_of(history, &acts.all[act]))
    };
    let (one, other) = (told(earlier), told(later));
    match why {
        Why::Session => format!("{one} comes before {other} in their session"),
        Why::Read => format!("{one} comes before {other}, which found its value"),
        Why::Knot => format!("{one} comes before {other}"),
        Why::Known(read) => {
            let user = crate::checkers::story::user(history.operation(acts.all[read].operation));
            format!("{one} comes before {other}, since {user} knew of both and found the latter")
        }
    }
}
