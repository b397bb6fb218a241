//! **Monotonic writes**: `so|wr→wr ⊆ ar`. Updates are arbitrated in the order in which their session issued them. Reads
//! of registers can't contradict that by themselves, reads of appended lists can. See the [folder](super).

use crate::checkers::acts::{ActId, Acts, Judged, Objects, Why, settle};
use crate::checkers::{Question, Ruling, Unsupported};
use crate::history::History;

use super::forced::Forced;

/// See the [module](self).
///
/// # Errors
/// Never, as it is: what it does not know it leaves undecided.
pub(crate) fn check(question: &Question<'_>) -> Result<Ruling, Unsupported> {
    settle(question, Objects::RegistersAndLists, judge)
}

fn judge(history: &History, acts: &Acts, _: u64) -> Judged {
    let mut forced = Forced::new(history, acts, "monotonic-writes");
    // The updates of each chain, in its order.
    let mut written: Vec<Vec<ActId>> = vec![Vec::new(); acts.chain_count];
    for (id, act) in acts.all.iter().enumerate() {
        if act.is_read() {
            forced.list(id);
            continue;
        }
        for &before in &act.after {
            let chain = &written[acts.all[before].chain];
            let place = chain.partition_point(|&it| it <= before);
            if let Some(last) = place.checked_sub(1) {
                forced.edge(chain[last], id, Why::Session);
            }
        }
        written[act.chain].push(id);
    }
    let (found, states) = forced.judge();
    (Ok(found), states)
}
