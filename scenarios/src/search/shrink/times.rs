//! Round and short times.

use seedbed_sim::{Instant, MessageFate, Span};

use super::lab::Goal;
use crate::file::model::{Scenario, Step, When};

/// When a step begins; steps of a written-down run all say so.
pub(super) fn moment_of(step: &Step) -> Span {
    match step.when {
        When::At(at) => at,
        When::After { .. } => Span::MAX,
    }
}

/// With as little time as may be between one thing and the next, in round numbers.
pub(super) fn shorter(scenario: Scenario, goal: &Goal<'_>, sturdily: bool) -> Scenario {
    let mut least = scenario;
    let mut index = 0;
    loop {
        let moments = moments(&least);
        let Some(moment) = moments.get(index) else {
            return least;
        };
        let before = index.checked_sub(1).map_or(Span::ZERO, |it| moments[it]);
        let gap = moment.saturating_sub(before);
        let gaps = rounder(gap);
        let with = |choice: usize| moved(&least, *moment, before + gaps[choice]);
        if let Some((_, shorter)) = goal.first_of(gaps.len(), &with, sturdily) {
            least = shorter;
        }
        index += 1;
    }
}

/// Spans to try in the place of one: rounder and, where it is round already, shorter.
pub(super) fn rounder(span: Span) -> Vec<Span> {
    const STEPS: [u64; 3] = [1, 2, 5];
    let nanos = span.as_nanos();
    let mut spans = Vec::new();
    let mut decade = 1_000_000;
    while decade <= 1_000_000_000_000 {
        for step in STEPS {
            let round = decade * step;
            if round < nanos {
                spans.push(round);
            }
            let is_round = STEPS.iter().any(|step| nanos == decade * step);
            if is_round {
                return spans.into_iter().map(Span::from_nanos).collect();
            }
        }
        decade *= 10;
    }
    // The next one above, and then the span itself with fewer digits.
    let mut decade = 1_000_000;
    'up: while decade <= 1_000_000_000_000 {
        for step in STEPS {
            if decade * step > nanos {
                spans.push(decade * step);
                break 'up;
            }
        }
        decade *= 10;
    }
    let digits = nanos.checked_ilog10().unwrap_or(0);
    for kept in 0..digits.min(4) {
        let grain = 10_u64.pow(digits - kept);
        for round in [nanos / grain * grain, nanos.div_ceil(grain) * grain] {
            if round != nanos && !spans.contains(&round) {
                spans.push(round);
            }
        }
    }
    // Once it is rounded it is done with, or it would be rounded for ever.
    let is_rounded = nanos.is_multiple_of(10_u64.pow(digits.saturating_sub(1)));
    spans.retain(|round| *round > 0 && (!is_rounded || *round < nanos));
    spans.into_iter().map(Span::from_nanos).collect()
}

/// All moments of which the scenario speaks, in order, its end the last.
fn moments(scenario: &Scenario) -> Vec<Span> {
    let mut all = Vec::new();
    let mut copy = scenario.clone();
    each_moment(&mut copy, |moment| {
        all.push(*moment);
    });
    all.retain(|moment| *moment > Span::ZERO);
    all.sort_unstable();
    all.dedup();
    all
}

/// The scenario in which what was to happen at `from` or later happens at `to` or as much later.
fn moved(scenario: &Scenario, from: Span, to: Span) -> Scenario {
    let mut moved = scenario.clone();
    each_moment(&mut moved, |moment| {
        if *moment >= from {
            *moment = to + moment.saturating_sub(from);
        }
    });
    moved
}

fn each_moment(scenario: &mut Scenario, mut change: impl FnMut(&mut Span)) {
    for step in &mut scenario.steps {
        if let When::At(at) = &mut step.when {
            change(at);
        }
    }
    for timed in &mut scenario.faults {
        change(&mut timed.at);
        if let Some(until) = &mut timed.until {
            change(until);
        }
    }
    let mut change_instant = |instant: &mut Instant| {
        let mut since = instant.since(Instant::ZERO);
        change(&mut since);
        *instant = Instant::ZERO + since;
    };
    for scheduled in &mut scenario.messages {
        change_instant(&mut scheduled.message.after);
        if let MessageFate::HoldUntil(at) = &mut scheduled.fate {
            change_instant(at);
        }
    }
    change(&mut scenario.duration);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_span_is_only_made_shorter() {
        let millis = |spans: Vec<Span>| -> Vec<u64> {
            spans.iter().map(|it| it.as_nanos() / 1_000_000).collect()
        };
        assert_eq!(millis(rounder(Span::from_millis(10))), [1, 2, 5]);
        assert_eq!(millis(rounder(Span::from_millis(1))), [0_u64; 0]);
        assert_eq!(millis(rounder(Span::from_millis(17))), [1, 2, 5, 10]);
    }

    #[test]
    fn rounding_comes_to_an_end_whatever_is_accepted() {
        for nanos in (1..3_000_000_000_u64).step_by(7_654_321) {
            // The worst case: only the last one offered is ever accepted.
            let mut span = Span::from_nanos(nanos);
            for round in 0.. {
                assert!(round < 20, "{nanos} is rounded again and again");
                match rounder(span).last() {
                    Some(next) => span = *next,
                    None => break,
                }
            }
        }
    }
}
