//! The checkers are judged: by hand-made histories, by an oracle that enumerates orders, and by stores that keep their
//! promises.

mod bounded_staleness;
mod final_checks;
mod legal_stores;
mod oracle;
mod session_guarantees;

use seedbed_sim::Instant;

use crate::history::History;

use super::{Anomaly, FinalState, Ladder, Question, Setting, Terms, Verdict, find};

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
