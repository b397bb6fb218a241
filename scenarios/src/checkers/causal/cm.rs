//! **`cm`, causal memory**: causal consistency, and one order of writes for all that a session reads
//! (*Ahamad, Neiger, Burns, Kohli and Hutto, Causal Memory, 1995*); and **`pram-per-process`**, which knows the order of
//! sessions alone. See the [folder](super).

use crate::checkers::{Budget, Question, Ruling, Unsupported, Witness};
use crate::history::History;

use super::cc::bad_reads;
use super::order::{CausalOrder, NoOrder, thin_air_read};
use super::saturation::{Base, Saturation};
use crate::checkers::acts::{Acts, Objects, settle};

const GUARANTEE: &str = "causal memory";
const PRAM: &str = "PRAM";

/// See the [module](self).
///
/// # Errors
/// When an operation has a function that registers do not know.
pub(crate) fn check(question: &Question<'_>) -> Result<Ruling, Unsupported> {
    let budget = question.setting.budget;
    settle(question, Objects::Registers, |history, acts, states| {
        let mut spent = acts.all.len() as u64;
        let order = match CausalOrder::new(history, acts, budget.bytes, GUARANTEE) {
            Ok(order) => order,
            Err(NoOrder::Violated(witness)) => return (Ok(vec![*witness]), spent),
            Err(NoOrder::TooBig(reason)) => return (Err(reason), spent),
        };
        let bad = bad_reads(&order, GUARANTEE);
        if !bad.is_empty() {
            return (Ok(bad), spent);
        }
        let budget = Budget { states, ..budget };
        let judged = judge_sessions(history, acts, Base::Causal, budget, &mut spent);
        (judged, spent)
    })
}

/// `pram-per-process`; see the [module](self).
///
/// # Errors
/// When an operation has a function that registers do not know.
pub(crate) fn check_pram(question: &Question<'_>) -> Result<Ruling, Unsupported> {
    let budget = question.setting.budget;
    settle(question, Objects::Registers, |history, acts, states| {
        let mut spent = acts.all.len() as u64;
        if let Some(witness) = thin_air_read(history, acts, PRAM) {
            return (Ok(vec![witness]), spent);
        }
        let budget = Budget { states, ..budget };
        let judged = judge_sessions(history, acts, Base::Sessions, budget, &mut spent);
        (judged, spent)
    })
}

/// Judges each session by the last read of each of its chains.
fn judge_sessions(
    history: &History,
    acts: &Acts,
    base: Base,
    budget: Budget,
    spent: &mut u64,
) -> Result<Vec<Witness>, String> {
    let guarantee = match base {
        Base::Causal => GUARANTEE,
        Base::Sessions => PRAM,
    };
    let mut last_reads = vec![None; acts.chain_count];
    for (id, act) in acts.all.iter().enumerate().filter(|(_, act)| act.is_read()) {
        last_reads[act.chain] = Some(id);
    }
    let mut found = Vec::new();
    for last in last_reads.into_iter().flatten() {
        let mut saturation = Saturation::new(history, acts, base, last, budget)?;
        found.extend(saturation.run(guarantee, spent)?);
    }
    found.sort_by_key(|witness| witness.operations.last().copied());
    Ok(found)
}
