//! Taking away until nothing goes.

use super::lab::Goal;
use super::{messages, parts, settings, times};
use crate::file::model::Scenario;

/// No scenario is gone through more often than this, though each time it gets smaller.
const ROUNDS_MAX: usize = 20;

/// The least that is left of a scenario that violates the check.
pub(super) fn to_the_least(scenario: &Scenario, goal: &Goal<'_>) -> Scenario {
    let mut least = messages::named_by_time(scenario, goal);
    least = parts::fewer(least, goal, false);
    least = parts::without_idle_nodes(least, goal, false);
    least = messages::named_by_number(&least, goal);
    let mut sturdily = goal.is_sturdily_violated(&least);
    if !sturdily && !least.messages.is_empty() {
        let others = [
            Some(messages::named_by_time(&least, goal)),
            messages::as_slow_links(&least),
        ];
        let others: Vec<Scenario> = others.into_iter().flatten().collect();
        if let Some(sturdy) = goal.first(&others, true) {
            (least, sturdily) = (sturdy, true);
        }
    }
    for _ in 0..ROUNDS_MAX {
        let before = least.clone();
        least = parts::fewer(least, goal, sturdily);
        least = parts::fewer_nodes(least, goal, sturdily);
        least = settings::simpler(least, goal, sturdily);
        least = times::shorter(least, goal, sturdily);
        if least != before {
            continue;
        }
        if sturdily || !goal.is_sturdily_violated(&least) {
            break;
        }
        // What is left hangs on chance no more, and must not again.
        sturdily = true;
    }
    least
}

/// The fewest of some items that still make a scenario which violates the check, by ddmin: nothing of what is returned
/// can be left out by itself.
pub(super) fn fewest<T: Clone + Sync>(
    items: Vec<T>,
    goal: &Goal<'_>,
    sturdily: bool,
    make: &(dyn Fn(&[T]) -> Scenario + Sync),
) -> Vec<T> {
    if items.is_empty() || goal.first_of(1, &|_| make(&[]), sturdily).is_some() {
        return Vec::new();
    }
    let mut left = items;
    let mut pieces = 2;
    while left.len() > 1 {
        let pieces_now = pieces.min(left.len());
        let without = |piece: usize| {
            let edge = |piece: usize| piece * left.len() / pieces_now;
            // The last pieces first: what comes late is most often of no account.
            let piece = pieces_now - 1 - piece;
            let kept = left[..edge(piece)].iter().chain(&left[edge(piece + 1)..]);
            kept.cloned().collect::<Vec<T>>()
        };
        let made = |piece: usize| make(&without(piece));
        match goal.first_of(pieces_now, &made, sturdily) {
            Some((piece, _)) => {
                left = without(piece);
                pieces = (pieces_now - 1).max(2);
            }
            None if pieces_now == left.len() => break,
            None => pieces = pieces_now * 2,
        }
    }
    left
}
