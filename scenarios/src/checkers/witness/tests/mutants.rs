//! Mutated histories: one answer is made wrong, and it has to be the culprit.

use seedbed_sim::Instant;

use crate::checkers::witness::minimise;
use crate::checkers::{Check, Model, Order, Question, Ruling, Unsupported, Witness};
use crate::history::sketch::Sketch;
use crate::history::{Completion, Function, History, OperationId, Source, Value};

use super::histories::Draws;
use super::oracle::{judge, setting};

/// A history of a register that works: what is open takes effect at some moment before it ends. Each value is written
/// once.
fn legal(seed: u64, operations: u32, processes: u32) -> Sketch {
    let mut draws = Draws::new(seed);
    let mut sketch = Sketch::new();
    let mut value = None;
    // What is open: whether it has taken effect, and what it then returns.
    let mut open: Vec<(OperationId, Option<Option<Value>>)> = Vec::new();
    let mut begun = 0;
    while begun < operations || !open.is_empty() {
        let choice = draws.below(3);
        if choice == 0 && begun < operations && (open.len() as u32) < processes {
            let function = match draws.below(2) {
                0 => Function::Write(Value::Int(i64::from(begun))),
                _ => Function::Read,
            };
            let busy = |p: &u32| {
                open.iter()
                    .any(|(id, _)| sketch.history.operation(*id).process.0 == *p)
            };
            let process = (0..processes).find(|p| !busy(p)).expect("fewer are open");
            open.push((sketch.invoke("x", process, process, function), None));
            begun += 1;
        } else if !open.is_empty() {
            let index = draws.below(open.len() as u64) as usize;
            let (id, effect) = open[index].clone();
            let function = sketch.history.operation(id).function.clone();
            match effect {
                None => {
                    if let Some(written) = function.written() {
                        value = Some(written.clone());
                    }
                    let returned = (function == Function::Read).then(|| value.clone());
                    open[index].1 = Some(returned.flatten());
                }
                Some(returned) => {
                    sketch.complete(id, Completion::Ok(returned));
                    open.remove(index);
                }
            }
        }
    }
    sketch
}

/// The history with another answer of one read.
fn with_answer(history: &History, read: OperationId, value: &Value) -> History {
    let mut other = history.clone();
    let end = history.completed(read).expect("it ended");
    other.cut(end.0 as usize);
    // What came later is played again.
    for place in end.0..history.len() as u32 {
        match history
            .event(crate::history::Place(place))
            .expect("an event")
        {
            crate::history::HistoryEvent::Invoke(id) => {
                let o = history.operation(id);
                other.invoke(crate::history::Invocation {
                    process: o.process,
                    session: o.session,
                    user: o.user.clone(),
                    load: o.load.clone(),
                    key: o.key.clone(),
                    function: o.function.clone(),
                    intended_at: o.intended_at,
                    invoked_at: o.invoked_at,
                    invoked_by: o.invoked_by,
                });
            }
            crate::history::HistoryEvent::Complete(id) => {
                let mut completed = history.operation(id).completed.clone().expect("it ended");
                if id == read {
                    completed.completion = Completion::Ok(Some(value.clone()));
                }
                other.complete(id, completed);
            }
        }
    }
    other
}

/// A read that began after two writes had followed each other, and the value of the first of them.
fn stale(history: &History, reads_from: usize) -> Option<(OperationId, Value)> {
    let ok_writes = || history.operations().filter(|o| o.is_ok() && o.is_update());
    let reads = history.operations().filter(|o| o.is_ok() && !o.is_update());
    let ended_before = |one: OperationId, other: OperationId| {
        history.completed(one) < Some(history.invoked(other))
    };
    reads.skip(reads_from).find_map(|read| {
        let newer = ok_writes().rfind(|w| ended_before(w.id, read.id))?;
        let older = ok_writes().rfind(|w| ended_before(w.id, newer.id))?;
        Some((read.id, older.written().expect("a write").clone()))
    })
}

fn culprit(
    history: &History,
    check: Check,
    hint: &[OperationId],
) -> Option<(OperationId, usize, u64)> {
    let setting = setting(Model::Register, Order::RealTime);
    let question = Question {
        history,
        setting: &setting,
        finals: None,
        at: Instant::ZERO,
    };
    let core = minimise(&question, check, hint)?;
    Some((core.culprit(), core.operations.len(), core.cost))
}

#[test]
fn a_planted_stale_read_is_the_culprit() {
    let mut planted = 0;
    for seed in 0..40 {
        let sketch = legal(seed, 24, 3);
        let all: Vec<OperationId> = sketch.history.operations().map(|o| o.id).collect();
        assert_eq!(culprit(&sketch.history, judge, &all), None, "{seed}");
        if let Some((read, old)) = stale(&sketch.history, 4) {
            let history = with_answer(&sketch.history, read, &old);
            let (found, operations, _) = culprit(&history, judge, &all).expect("it is wrong");
            assert_eq!(found, read, "{seed}");
            assert!(operations <= 3, "{seed}: {operations}");
            planted += 1;
        }
    }
    assert!(planted > 20, "{planted}");
}

#[test]
fn a_planted_value_from_nowhere_is_the_culprit() {
    for seed in 0..40 {
        let sketch = legal(seed, 24, 3);
        let reads = || {
            sketch
                .history
                .operations()
                .filter(|o| o.is_ok() && !o.is_update())
        };
        let Some(read) = reads().nth(5) else { continue };
        let history = with_answer(&sketch.history, read.id, &Value::Int(-1));
        let found = culprit(&history, judge, &[]).expect("it is wrong");
        assert_eq!((found.0, found.1), (read.id, 1), "{seed}");
    }
}

/// A judge that sees only values that were surely replaced, in one pass: for histories that no oracle can judge.
fn stale_judge(question: &Question<'_>) -> Result<Ruling, Unsupported> {
    let history = question.history;
    // Of the writes that have ended by a place: the one that began last, by the order of their ends.
    let mut newest: Vec<(crate::history::Place, OperationId)> = Vec::new();
    let mut writes: Vec<OperationId> = history
        .operations()
        .filter(|o| o.is_ok() && o.is_update())
        .map(|o| o.id)
        .collect();
    writes.sort_by_key(|&id| history.completed(id));
    for id in writes {
        let end = history.completed(id).expect("it ended");
        let best = newest.last().map_or(id, |&(_, best)| best.max(id));
        newest.push((end, best));
    }
    let mut witnesses = Vec::new();
    for read in history.operations().filter(|o| o.is_ok() && !o.is_update()) {
        let Some(Source::Write(source)) = history.source(read.id) else {
            continue;
        };
        let before = newest.partition_point(|&(end, _)| end < history.invoked(read.id));
        let Some(&(_, newer)) = before.checked_sub(1).and_then(|index| newest.get(index)) else {
            continue;
        };
        let done = history.operation(source).is_ok()
            && history.completed(source) < Some(history.invoked(newer));
        if done {
            let operations = vec![source, newer, read.id];
            witnesses.push(Witness::new(
                history,
                operations,
                question.at,
                String::new(),
                Vec::new(),
            ));
        }
    }
    Ok(Ruling::from_witnesses(witnesses, history.len() as u64))
}

#[test]
fn a_hundred_thousand_operations_cost_some_looks_at_them() {
    let sketch = legal(7, 100_000, 20);
    let (read, old) = stale(&sketch.history, 40_000).expect("a late read");
    let history = with_answer(&sketch.history, read, &old);
    let events = history.len() as u64;
    // The judge names the culprit: one look at all before it, and one for what it could have returned.
    let setting = setting(Model::Register, Order::RealTime);
    let question = Question {
        history: &history,
        setting: &setting,
        finals: None,
        at: Instant::ZERO,
    };
    let ruling = stale_judge(&question).expect("it knows everything");
    let crate::checkers::Finding::Violated { first, .. } = ruling.finding else {
        panic!("it is wrong");
    };
    let (found, operations, cost) =
        culprit(&history, stale_judge, &first.operations).expect("it is wrong");
    assert_eq!((found, operations), (read, 3));
    assert!(cost < 12 * events, "{cost} for {events}");
}

#[test]
fn without_a_hint_the_culprit_is_found_by_halves() {
    let sketch = legal(8, 6_000, 20);
    let (read, old) = stale(&sketch.history, 1_000).expect("a late read");
    let history = with_answer(&sketch.history, read, &old);
    let (found, operations, cost) = culprit(&history, stale_judge, &[]).expect("it is wrong");
    assert_eq!((found, operations), (read, 3));
    assert!(cost < 60 * history.len() as u64, "{cost}");
}
