//! The checkers are judged: by hand-made histories, by an oracle that enumerates orders, and by stores that keep their
//! promises.

mod availability;
mod bounded_staleness;
mod causal;
mod changed_answers;
mod conflicts;
mod consistent_prefix;
mod durability;
mod final_checks;
mod guarantee;
mod legal_stores;
mod live;
mod oracle;
mod registers;
mod replicated_stores;
mod session_guarantees;
mod visibility;

use seedbed_sim::Instant;

use crate::history::sketch::{Sketch, write};
use crate::history::{
    Completion, Function, History, HistoryEvent, Operation, OperationId, Place, Value,
};

use super::{
    Anomaly, Check, FinalState, Finding, Judgement, Ladder, Model, News, Question, ReplicaContents,
    Setting, Terms, Verdict, find,
};

/// The verdict and all anomalies of one online checker.
fn judge(check: &str, history: &History) -> (Verdict, Vec<Anomaly>) {
    let mut ladder = Ladder::new();
    let mut found = Vec::new();
    ladder.observe(history, &mut found);
    let fell = found.into_iter().filter_map(|news| match news {
        News::Fell(anomaly) if anomaly.check == check => Some(*anomaly),
        _ => None,
    });
    let found = fell.collect();
    let verdict = ladder
        .verdicts(history)
        .into_iter()
        .find(|verdict| verdict.check == check)
        .expect("an online checker");
    (verdict, found)
}

/// What a judge of the catalog says of a history that is over, on some terms.
fn ask(check: &str, history: &History, finals: Option<&FinalState>, setting: &Setting) -> Verdict {
    let entry = find(check).expect("a checker of the catalog");
    let question = Question {
        finals,
        ..asked(history, setting)
    };
    entry.verdict(&question, setting.terms)
}

/// A history that is over, and how to read it.
fn asked<'a>(history: &'a History, setting: &'a Setting) -> Question<'a> {
    Question {
        history,
        setting,
        finals: None,
        at: Instant::from_millis(60_000),
    }
}

/// Keys are registers, unless something is appended or a list is shown.
fn setting_of(history: &History) -> Setting {
    let appends = |operation: &Operation| matches!(operation.function, Function::Append(_));
    let shows_list = |operation: &Operation| matches!(operation.returned(), Some(Value::List(_)));
    let is_list = history.operations().any(|it| appends(it) || shows_list(it));
    Setting {
        model: if is_list {
            Model::AppendKv
        } else {
            Model::Register
        },
        ..Setting::default()
    }
}

/// What a judge of registers or lists finds.
fn finding(check: Check, history: &History) -> Finding {
    let ruled = check(&asked(history, &setting_of(history)));
    ruled.expect("registers and lists are known").finding
}

/// Whether it holds. It must be possible to tell.
fn holds(check: Check, history: &History) -> bool {
    match finding(check, history) {
        Finding::Holds => true,
        Finding::Violated { .. } => false,
        Finding::Undecided(reason) => panic!("undecided: {reason}"),
    }
}

/// A history of one key: a session writes, another one reads, and answers come at any time and may be anything that was
/// written by then. Zero begins a write, one and two a read, and all else ends what is open.
fn at_any_time(moves: Vec<(u32, usize)>) -> Sketch {
    let mut s = Sketch::new();
    let (mut open, mut written) = (Vec::new(), Vec::<String>::new());
    for (what, which) in moves {
        match what {
            0 => {
                let value = format!("v{}", written.len());
                open.push(s.begin(0, write(&value)));
                written.push(value);
            }
            1 | 2 => open.push(s.begin(1, Function::Read)),
            _ if open.is_empty() => {}
            _ => {
                let id = open.remove(which % open.len());
                if s.history.operation(id).is_update() {
                    s.ok(id);
                } else {
                    let value = written.get(which % (written.len() + 1));
                    s.got(id, value.map(String::as_str));
                }
            }
        }
    }
    s
}

/// The setting with these terms.
fn on(terms: Terms) -> Setting {
    Setting {
        terms,
        ..Setting::default()
    }
}

/// What replicas called `r1`, `r2` and so on hold under `x` in the end.
fn holding(values: &[Option<Value>]) -> FinalState {
    let replica = |(index, value): (usize, &Option<Value>)| ReplicaContents {
        name: format!("r{}", index + 1).into(),
        contents: value.iter().map(|v| ("x".into(), v.clone())).collect(),
    };
    FinalState {
        unsettled: None,
        replicas: values.iter().enumerate().map(replica).collect(),
        probes: None,
    }
}

/// The same history, in which one operation returned something else.
pub(super) fn with_answer(
    history: &History,
    which: OperationId,
    answer: Option<&Value>,
) -> History {
    let mut sketch = Sketch::new();
    for n in 0..history.len() {
        let place = Place(u32::try_from(n).expect("small"));
        match history.event(place).expect("a place of the history") {
            HistoryEvent::Invoke(id) => {
                let operation = history.operation(id);
                let function = operation.function.clone();
                sketch.begin_at(&operation.key, operation.session.0, function);
            }
            HistoryEvent::Complete(id) if id == which => {
                sketch.complete(id, Completion::Ok(answer.cloned()));
            }
            HistoryEvent::Complete(id) => {
                let completion = history.operation(id).completion().expect("it ended");
                sketch.complete(id, completion.clone());
            }
        }
    }
    sketch.history
}

/// A list of texts.
fn list(elements: &[&str]) -> Value {
    let elements: Vec<Value> = elements.iter().map(|it| Value::from(*it)).collect();
    Value::List(elements.into())
}

/// Why a verdict was not given.
fn why(verdict: &Verdict) -> &str {
    match &verdict.judgement {
        Judgement::NotJudged(reason) => reason,
        other => panic!("it was judged: {other:?}"),
    }
}
