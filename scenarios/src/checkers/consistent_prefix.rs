//! **Consistent prefix**: who sees a write sees all that it depends on, then and later.
//!
//! *DDIA, chapter 5: if a sequence of writes happens in a certain order, then anyone reading those writes sees them appear
//! in the same order. Terry, Replicated Data Consistency Explained Through Baseball, 2013: a reader sees an ordered
//! sequence of writes, starting with the first.* Of a store with one log that would be a prefix of the log. With several
//! partitions, or several leaders, there is no one log, and the order that readers can tell is that of dependency: a write
//! depends on what its session had read and written before it, and on what that depends on (`co` of
//! [causal consistency](super::causal)). So, with Viotti and Vukolić's `vis`: whatever `co` puts before a write that was
//! visible to a read is visible to it and to all later reads of its session:
//!
//! ```text
//!   Mr Poons     writes question                 vis ; so|rd→rd ⊆ vis     co|wr→wr ; vis ⊆ vis
//!   Mrs Cake     reads question, writes answer
//!   the observer reads answer, reads question: nothing        (DDIA, figure 5-5)
//! ```
//!
//! A read breaks it when it returns the initial value of a key of which a write had to be visible, or a write that
//! depends-before another one of its key that had to be. It is what causal consistency says of *others'* writes: a session need
//! not see its own. Time O(n · chains), memory two clocks an operation, counted against the budget.

use super::acts::{Acts, Judged, Objects, Role, Source, settle, value_of};
use super::causal::order::{CausalOrder, NoOrder, links, tell_pattern};
use super::{Question, Ruling, Unsupported};
use crate::history::History;

const GUARANTEE: &str = "consistent-prefix";

/// See the [module](self).
///
/// # Errors
/// Never, as it is: what it does not know it leaves undecided.
pub(crate) fn check(question: &Question<'_>) -> Result<Ruling, Unsupported> {
    let bytes = question.setting.budget.bytes;
    settle(question, Objects::Registers, |history, acts, _| {
        judge(history, acts, bytes)
    })
}

fn judge(history: &History, acts: &Acts, bytes: u64) -> Judged {
    let states = acts.all.len() as u64;
    let order = match CausalOrder::new(history, acts, bytes / 2, GUARANTEE) {
        Ok(order) => order,
        Err(NoOrder::Violated(witness)) => return (Ok(vec![*witness]), states),
        Err(NoOrder::TooBig(reason)) => return (Err(reason), states),
    };
    // What each read has been shown: its sources, and all that they depend on.
    let mut seen = order.clocks.forgetting();
    let mut found = Vec::new();
    for (read, act) in acts.all.iter().enumerate() {
        for &before in &act.after {
            seen.join(read, before);
        }
        if let Some(write) = act.source() {
            seen.join_from(read, &order.clocks, write);
        }
        let mut known = order.known_writes(read, seen.of(read));
        let (newer, older) = match act.role {
            Role::Read(Source::Initial) => (known.next(), None),
            Role::Read(Source::Write(older)) => {
                let newer = known.find(|&it| it != older && order.has_behind(it, older));
                (newer, Some(older))
            }
            _ => continue,
        };
        let Some(newer) = newer else {
            continue;
        };
        // The first of the session's reads to which it was visible. Who has a thousand proofs needs it for one.
        let is_before = |earlier: &usize| {
            let other = &acts.all[*earlier];
            let mut source = other.source().into_iter();
            other.session == act.session && source.any(|it| order.has_behind(it, newer))
        };
        let earlier = if found.is_empty() { 0..read } else { 0..0 };
        let shown_by = earlier.into_iter().find(is_before);
        let why = format!(
            "the session had seen what depends on the write of {}, and then found {}",
            value_of(history, &acts.all[newer]),
            value_of(history, act),
        );
        let effect = shown_by.and_then(|shown| acts.all[shown].source());
        let causes = effect.map_or_else(Vec::new, |effect| links(acts, newer, effect));
        let shown: Vec<usize> = older
            .into_iter()
            .chain([newer])
            .chain(causes)
            .chain(effect)
            .chain(shown_by)
            .chain([read])
            .collect();
        found.push(tell_pattern(history, acts, &shown, &why, GUARANTEE));
    }
    (Ok(found), states)
}
