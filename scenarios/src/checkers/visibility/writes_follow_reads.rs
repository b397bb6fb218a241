//! **Writes follow reads**: `vis ; so|rd→wr ⊆ ar`. What was visible to a session's read is arbitrated before what the
//! session writes later. See the [folder](super).

use crate::checkers::acts::{Acts, Judged, Objects, Why, settle};
use crate::checkers::{Question, Ruling, Unsupported};
use crate::history::History;

use super::forced::{Forced, Of, Prefix};
use super::shown;

/// See the [module](self).
///
/// # Errors
/// Never, as it is: what it does not know it leaves undecided.
pub(crate) fn check(question: &Question<'_>) -> Result<Ruling, Unsupported> {
    settle(question, Objects::RegistersAndLists, judge)
}

fn judge(history: &History, acts: &Acts, _: u64) -> Judged {
    let mut forced = Forced::new(history, acts, "writes-follow-reads");
    // What each chain has read, of any key, and how much of it after which act.
    let empty = || (Prefix::new(Of::Read), Vec::new());
    let mut read: Vec<(Prefix, Vec<(u32, usize)>)> = Vec::new();
    read.resize_with(acts.chain_count, empty);
    for (id, act) in acts.all.iter().enumerate() {
        if act.is_read() {
            forced.list(id);
            let (prefix, after) = &mut read[act.chain];
            // Of a list the last element stands for all: the others come before it.
            if let Some(&update) = shown(acts, id).last() {
                prefix.push(update, id);
            }
            after.push((act.number, prefix.len()));
            continue;
        }
        for &before in &act.after {
            let before = &acts.all[before];
            let (prefix, after) = &mut read[before.chain];
            let reads = after.partition_point(|(number, _)| *number <= before.number);
            let len = reads.checked_sub(1).map_or(0, |last| after[last].1);
            forced.all_before(prefix, len, id, Why::Session);
        }
    }
    let (found, states) = forced.judge();
    (Ok(found), states)
}
