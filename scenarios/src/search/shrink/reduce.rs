//! Taking away until nothing goes.

use super::lab::Goal;
use super::{messages, parts, settings, times};
use crate::file::model::Scenario;
use crate::search::ddmin;

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
    ddmin::fewest(items, &mut |count, list| {
        let made = |index: usize| make(&list(index));
        let found = goal.first_of(count, &made, sturdily);
        found.map(|(index, _)| index)
    })
}
