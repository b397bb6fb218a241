//! The checkers are judged: by hand-made histories, by an oracle that enumerates orders, and by stores that keep their
//! promises.

mod final_checks;
mod legal_stores;
mod oracle;
mod session_guarantees;

use crate::history::History;

use super::{Anomaly, Ladder, Verdict};

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
