//! **`cc`, causal consistency**: whoever sees an effect sees its causes. See the [folder](super).

use crate::checkers::{Question, Ruling, Unsupported, Witness};
use crate::history::History;

use super::order::{CausalOrder, NoOrder, links, tell_pattern};
use crate::checkers::acts::{Acts, Judged, Objects, Role, Source, settle, value_of};

/// See the [module](self).
///
/// # Errors
/// When an operation has a function that registers do not know.
pub(crate) fn check(question: &Question<'_>) -> Result<Ruling, Unsupported> {
    let bytes = question.setting.budget.bytes;
    settle(question, Objects::Registers, |history, acts, states| {
        judge(history, acts, states, bytes)
    })
}

fn judge(history: &History, acts: &Acts, _: u64, bytes: u64) -> Judged {
    let states = acts.all.len() as u64;
    match CausalOrder::new(history, acts, bytes, "causal consistency") {
        Ok(order) => (Ok(bad_reads(&order, "causal consistency")), states),
        Err(NoOrder::Violated(witness)) => (Ok(vec![*witness]), states),
        Err(NoOrder::TooBig(reason)) => (Err(reason), states),
    }
}

/// *WriteCOInitRead* and *WriteCORead*. The first proof tells by which operations the write is in the read's past.
pub(super) fn bad_reads(order: &CausalOrder<'_>, guarantee: &str) -> Vec<Witness> {
    let CausalOrder { history, acts, .. } = *order;
    let mut found = Vec::new();
    for (read, act) in acts.all.iter().enumerate() {
        let mut known = order.known_writes(read, order.clocks.of(read));
        match act.role {
            Role::Read(Source::Initial) => {
                if let Some(write) = known.next() {
                    let why = format!(
                        "WriteCOInitRead: {} was there before anything was written, though the write of {} is in \
                         the read's past",
                        value_of(history, act),
                        value_of(history, &acts.all[write]),
                    );
                    let mut shown = vec![write];
                    if found.is_empty() {
                        shown.extend(links(acts, write, read));
                    }
                    shown.push(read);
                    found.push(tell_pattern(history, acts, &shown, &why, guarantee));
                }
            }
            Role::Read(Source::Write(older)) => {
                let newer = known.find(|&it| it != older && order.has_behind(it, older));
                if let Some(newer) = newer {
                    let why = format!(
                        "WriteCORead: {} had been overwritten by {}, which is in the read's past",
                        value_of(history, act),
                        value_of(history, &acts.all[newer]),
                    );
                    let mut shown = vec![older, newer];
                    if found.is_empty() {
                        shown.extend(links(acts, older, newer));
                        shown.extend(links(acts, newer, read));
                    }
                    shown.push(read);
                    found.push(tell_pattern(history, acts, &shown, &why, guarantee));
                }
            }
            _ => {}
        }
    }
    found
}
