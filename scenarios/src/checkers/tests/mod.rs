//! The checkers are judged: by hand-made histories, by an oracle that enumerates orders, and by stores that keep their
//! promises.

mod availability;
mod bounded_staleness;
mod causal;
mod conflicts;
mod durability;
mod final_checks;
mod guarantee;
mod legal_stores;
mod oracle;
mod registers;
mod session_guarantees;
mod visibility;

use seedbed_sim::Instant;

use crate::history::{History, Value};

use super::{
    Anomaly, FinalState, Judgement, Ladder, Question, ReplicaContents, Setting, Terms, Verdict,
    find,
};

/// The verdict and all anomalies of one online checker.
fn judge(check: &str, history: &History) -> (Verdict, Vec<Anomaly>) {
    let mut ladder = Ladder::new();
    let mut found = Vec::new();
    ladder.observe(history, &mut found);
    found.retain(|anomaly| anomaly.check == check);
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
        history,
        setting,
        finals,
        at: Instant::from_millis(60_000),
    };
    entry.verdict(&question, setting.terms)
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
