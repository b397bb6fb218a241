//! **`ccv`, causal convergence**: causal consistency, and one order in which everybody settles concurrent writes.
//!
//! The bad pattern is a circle in `co ∪ cf`, where `a cf b` when a read that had write `a` in its causal past returned
//! write `b` of the same key. Of each chain only the last such `a` is looked at: those before it come before it by `co`.
//! See the [folder](super).

use crate::checkers::{Question, Ruling, Unsupported};
use crate::history::History;

use super::cc::bad_reads;
use super::order::{CausalOrder, NoOrder, tell_cycle};
use crate::checkers::acts::{Acts, Graph, Judged, Objects, Why, settle};

const GUARANTEE: &str = "causal convergence";

/// See the [module](self).
///
/// # Errors
/// When an operation has a function that registers do not know.
pub(crate) fn check(question: &Question<'_>) -> Result<Ruling, Unsupported> {
    let budget = question.setting.budget;
    settle(question, Objects::Registers, |history, acts, states| {
        judge(history, acts, states, budget.bytes)
    })
}

fn judge(history: &History, acts: &Acts, budget_states: u64, bytes: u64) -> Judged {
    let mut states = acts.all.len() as u64;
    let order = match CausalOrder::new(history, acts, bytes, GUARANTEE) {
        Ok(order) => order,
        Err(NoOrder::Violated(witness)) => return (Ok(vec![*witness]), states),
        Err(NoOrder::TooBig(reason)) => return (Err(reason), states),
    };
    let bad = bad_reads(&order, GUARANTEE);
    if !bad.is_empty() {
        return (Ok(bad), states);
    }
    let mut graph = Graph::new(acts, |_| true);
    for (read, act) in acts.all.iter().enumerate() {
        let Some(returned) = act.source() else {
            continue;
        };
        for known in order.known_writes(read, order.clocks.of(read)) {
            if known != returned && !order.has_behind(returned, known) {
                graph.add(known, returned, Why::Known(read));
                states += 1;
            }
        }
        if states > budget_states {
            return (Err("the budget of states ran out".to_owned()), states);
        }
    }
    match graph.order() {
        Ok(_) => (Ok(Vec::new()), states),
        Err(cycle) => {
            let witness = tell_cycle(history, acts, &cycle, "CyclicCF", GUARANTEE);
            (Ok(vec![witness]), states)
        }
    }
}
