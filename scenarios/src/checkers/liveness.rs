//! **Liveness**: once all faults are lifted the cluster comes to rest within the scenario's bound, and answers again.
//!
//! Safety says that nothing bad happens, and a store that does nothing keeps it. So after a run has healed, two things are
//! asked: that replication came to rest in the time that the scenario gives it, and that each client (of many, the first
//! [`PROBES_MAX`]) gets a write and a read of a key of its own acknowledged within that time again, however often it has to ask. The probes run on a
//! fork, after everything else was judged: they are no part of the history.
//!
//! Judged by what the [final state](super::FinalState) says of it: O(clients). Not judged on a host that can't ask again.

use super::story::clock;
use super::{Question, Ruling, Unsupported, Witness};

/// How many clients are asked, at the most.
pub const PROBES_MAX: usize = 64;

/// See the [module](self).
pub(super) fn check(question: &Question<'_>) -> Result<Ruling, Unsupported> {
    let at = question.at;
    let witness = |summary: String, last: &str| {
        let story = vec![format!("{}  {summary}", clock(at)), last.to_owned()];
        Witness::new(question.history, Vec::new(), at, summary, story)
    };
    let Some(state) = question.finals else {
        return Ok(Ruling::undecided("nobody looked whether it came to rest"));
    };
    if let Some(reason) = &state.unsettled {
        let summary = format!("the cluster did not come to rest: {reason}");
        let last = "All faults were to be over, and the time to settle is: liveness falls.";
        return Ok(Ruling::from_witnesses(vec![witness(summary, last)], 0));
    }
    let Some(probes) = &state.probes else {
        let reason = "this host can't ask again after the end of a run";
        return Ok(Ruling::undecided(reason));
    };
    let unanswered = probes.iter().filter_map(|probe| {
        let failure = probe.failure.as_ref()?;
        let summary = format!(
            "{} asked for {} and got {failure}",
            probe.client, probe.asked
        );
        let last = "All faults are lifted and replication has come to rest: liveness falls.";
        Some(witness(summary, last))
    });
    Ok(Ruling::from_witnesses(unanswered.collect(), 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use seedbed_sim::Instant;

    use crate::checkers::{FinalState, Probe, Setting, Terms, Verdict};
    use crate::history::History;

    fn judged(state: &FinalState) -> Verdict {
        let ruled = check(&Question {
            history: &History::new(),
            setting: &Setting::default(),
            finals: Some(state),
            at: Instant::from_millis(7),
        });
        Verdict::new("liveness", Terms::default(), ruled)
    }

    fn probe(failure: Option<&str>) -> Probe {
        Probe {
            client: "phone".into(),
            asked: "a write".to_owned(),
            failure: failure.map(str::to_owned),
        }
    }

    #[test]
    fn a_cluster_that_rests_and_answers_lives() {
        let probes = Some(vec![probe(None), probe(None)]);
        let state = FinalState {
            probes,
            ..FinalState::default()
        };
        assert_eq!(judged(&state).holds(), Some(true));
    }

    #[test]
    fn one_client_without_an_answer_is_enough() {
        let probes = Some(vec![probe(None), probe(Some("no answer"))]);
        let state = FinalState {
            probes,
            ..FinalState::default()
        };
        let verdict = judged(&state);
        let witness = verdict.witness().expect("it falls");
        assert_eq!(witness.summary, "phone asked for a write and got no answer");
        assert_eq!(witness.at, Instant::from_millis(7));
    }

    #[test]
    fn a_cluster_that_does_not_come_to_rest_does_not_live() {
        let unsettled = Some("f1 is not up after 10 s: down".to_owned());
        let state = FinalState {
            unsettled,
            ..FinalState::default()
        };
        let verdict = judged(&state);
        assert!(
            verdict
                .witness()
                .expect("it falls")
                .summary
                .ends_with("10 s: down")
        );
    }

    #[test]
    fn nobody_can_tell_where_nobody_can_ask() {
        assert_eq!(judged(&FinalState::default()).holds(), None);
    }
}
