//! Where it became impossible, and what would have been possible there.

use crate::checkers::Witness;
use crate::checkers::story::{quote_or_nothing, shorten, tell, the_update, user};
use crate::history::{Function, History, Operation, OperationId, Place, Value};

use super::fifo;
use super::item::Duty;
use super::judge::{Decision, Judge, Kept, Precedence};
use super::search::{Asked, Search};

/// As many answers are told.
const ANSWERS_MAX: usize = 6;
/// As much is spent to find them.
const STATES_MAX: u64 = 100_000;
/// As many operations are told of besides the culprit.
const TOLD_MAX: usize = 10;

/// The operation at which there was no order any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::checkers) struct Impossible {
    /// Which one. All that ended before it has an order, and with what it returned there is none.
    pub(in crate::checkers) culprit: OperationId,
    /// What it could have returned instead. For a compare-and-set: what the key could have held. Empty where that was
    /// not found out.
    pub(in crate::checkers) legal: Vec<Option<Value>>,
    /// Whether that is all that it could have returned.
    pub(in crate::checkers) is_all: bool,
}

/// Explains why what is kept has no order. The sub-history must be violated.
pub(in crate::checkers) fn explain(
    judge: &mut Judge<'_>,
    kept: &Kept,
    by: Precedence,
) -> Impossible {
    let culprit = find_culprit(judge, kept, by);
    let (legal, is_all) = find_legal(judge, kept, by, culprit);
    Impossible {
        culprit,
        legal,
        is_all,
    }
}

/// The first end of an operation up to which there is no order, by halves: demands only grow. Where the budget runs out
/// on the way, it may be a later one.
fn find_culprit(judge: &mut Judge<'_>, kept: &Kept, by: Precedence) -> OperationId {
    let mut ends: Vec<(Place, OperationId)> = kept
        .iter()
        .filter(|&&(id, duty)| duty == Duty::Must && judge.says_something(id))
        .filter_map(|&(id, _)| Some((judge.history.completed(id)?, id)))
        .collect();
    ends.sort_unstable();
    let (mut from, mut to) = (0, ends.len().saturating_sub(1));
    while from < to {
        let middle = usize::midpoint(from, to);
        match judge.judge_until(kept, by, ends[middle].0) {
            Decision::Violated => to = middle,
            Decision::Holds | Decision::Undecided(_) => from = middle + 1,
        }
    }
    ends[to].1
}

/// What the culprit could have returned, and whether that is all.
fn find_legal(
    judge: &mut Judge<'_>,
    kept: &Kept,
    by: Precedence,
    culprit: OperationId,
) -> (Vec<Option<Value>>, bool) {
    let history = judge.history;
    let function = &history.operation(culprit).function;
    let until = history.completed(culprit).expect("a culprit that ended");
    let mut items = judge.items(kept, by, until);
    if by == Precedence::RealTime {
        let invoked = history.invoked(culprit).0;
        let object = items
            .iter()
            .find(|i| i.invoked == invoked)
            .map(|i| i.object);
        items.retain(|item| Some(item.object) == object);
        for item in &mut items {
            item.object = 0;
        }
    }
    let invoked = history.invoked(culprit).0;
    let place = items.iter().position(|item| item.invoked == invoked);
    let (Some(place), Some(call)) = (place, judge.asked_call(culprit)) else {
        return (Vec::new(), false);
    };
    items[place].call = call;
    let by_line = match by {
        Precedence::RealTime => fifo::answers(&items, judge.machine(), place, ANSWERS_MAX + 1),
        Precedence::Session => None,
    };
    if let Some((mut legal, is_all)) = by_line {
        let is_all = is_all && legal.len() <= ANSWERS_MAX;
        legal.truncate(ANSWERS_MAX);
        return (legal, is_all);
    }
    let mut budget = judge.budget;
    budget.states = budget.states.min(STATES_MAX);
    let asked = Asked {
        item: place,
        function,
        answers_max: ANSWERS_MAX + 1,
    };
    let mut search = Search::new(&items, &[], judge.machine(), budget, Some(asked));
    let outcome = search.run();
    let legal = search.answers.iter().zip(&search.legal);
    let mut legal: Vec<Option<Value>> = legal
        .filter(|&(_, &legal)| legal)
        .map(|(answer, _)| answer.clone())
        .collect();
    let states = search.states;
    drop(search);
    judge.spend(states);
    let is_all = outcome == super::search::Outcome::Exhausted && legal.len() <= ANSWERS_MAX;
    legal.truncate(ANSWERS_MAX);
    (legal, is_all)
}

/// The proof: the culprit, and what happened around it.
pub(in crate::checkers) fn witness(
    history: &History,
    impossible: &Impossible,
    kept: &Kept,
    by: Precedence,
) -> Witness {
    let culprit = history.operation(impossible.culprit);
    let mut operations = around(history, impossible.culprit, kept, by);
    operations.push(impossible.culprit);
    let mut story: Vec<String> = operations.iter().map(|&id| tell(history, id)).collect();
    story.push(why(culprit, impossible, by));
    let at = culprit
        .completed
        .as_ref()
        .map_or(culprit.invoked_at, |completed| completed.at);
    let summary = summary(culprit, impossible, by);
    Witness::new(history, operations, at, summary, story)
}

/// What is told besides the culprit: the update that wrote what it returned, and the updates of its key that were the
/// last to begin before it ended; in the order of their invocations.
fn around(
    history: &History,
    culprit: OperationId,
    kept: &Kept,
    by: Precedence,
) -> Vec<OperationId> {
    let key = history.key_id(culprit);
    let until = history.completed(culprit).unwrap_or(history.end());
    let is_told = |id: OperationId| {
        let operation = history.operation(id);
        id != culprit
            && operation.is_update()
            && !operation.is_fail()
            && history.key_id(id) == key
            && (by == Precedence::Session || history.invoked(id) < until)
    };
    let returned = history.operation(culprit).returned();
    let source = returned.and_then(|value| history.find_write(key, value));
    let mut told: Vec<OperationId> = kept
        .iter()
        .rev()
        .map(|&(id, _)| id)
        .filter(|&id| is_told(id))
        .take(TOLD_MAX)
        .collect();
    if let Some(source) = source.filter(|&id| is_told(id) && !told.contains(&id)) {
        told.push(source);
    }
    told.sort_unstable();
    told
}

fn summary(culprit: &Operation, impossible: &Impossible, by: Precedence) -> String {
    format!("{}, {}", did(culprit), instead(impossible, culprit, by))
}

fn why(culprit: &Operation, impossible: &Impossible, by: Precedence) -> String {
    let order = match by {
        Precedence::RealTime => {
            "in which every operation takes effect between its beginning and its end"
        }
        Precedence::Session => "that keeps the order of every session",
    };
    let all = match by {
        Precedence::RealTime => "Up to here",
        Precedence::Session => "With what ended before",
    };
    format!(
        "{all} there was an order of all operations {order}; with this one there is none: {}.",
        instead(impossible, culprit, by)
    )
}

/// `user a reads x and gets "1"`.
fn did(operation: &Operation) -> String {
    let who = user(operation);
    let key = match &*operation.key {
        "" => "the object".to_owned(),
        key => shorten(key),
    };
    let got = quote_or_nothing(operation.returned());
    match &operation.function {
        Function::Read => format!("{who} reads {key} and gets {got}"),
        Function::Dequeue => format!("{who} dequeues from {key} and gets {got}"),
        Function::Contains(element) => format!(
            "{who} asks whether {key} contains {} and gets {got}",
            quote_or_nothing(Some(element))
        ),
        Function::CompareAndSet { expected, .. } => format!(
            "{who} finds {} in {key} with {}",
            quote_or_nothing(expected.as_ref()),
            the_update(operation)
        ),
        _ => format!("{who} was acknowledged {}", the_update(operation)),
    }
}

/// `where only "1" or nothing was possible`.
fn instead(impossible: &Impossible, culprit: &Operation, by: Precedence) -> String {
    let mut possible: Vec<String> = impossible
        .legal
        .iter()
        .map(|value| quote_or_nothing(value.as_ref()))
        .collect();
    possible.sort();
    possible.dedup();
    // Long answers may look alike.
    let returned = quote_or_nothing(culprit.returned());
    let asks = !matches!(culprit.function, Function::CompareAndSet { .. });
    if asks && possible.contains(&returned) {
        possible.clear();
    }
    let Some(last) = possible.pop() else {
        return match by {
            Precedence::RealTime => "which no order of the operations explains".to_owned(),
            Precedence::Session => {
                "which no order of the operations explains that all sessions share".to_owned()
            }
        };
    };
    let listed = if possible.is_empty() {
        last
    } else {
        format!("{} or {last}", possible.join(", "))
    };
    let held = matches!(culprit.function, Function::CompareAndSet { .. });
    match (impossible.is_all, held) {
        (true, false) => format!("where only {listed} was possible"),
        (true, true) => format!("which could hold only {listed}"),
        (false, false) => format!("where {listed}, for example, was possible"),
        (false, true) => format!("which could hold {listed}, for example"),
    }
}
