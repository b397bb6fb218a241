//! **Read your writes**: `so|wr→rd ⊆ vis`. To each read its session's acknowledged updates of its key are visible, so
//! that each of them was arbitrated before the one that it returned. See the [folder](super).

use std::collections::BTreeMap;

use crate::checkers::acts::{Acts, Judged, Objects, settle};
use crate::checkers::{Question, Ruling, Unsupported};
use crate::history::{History, KeyId};

use super::forced::{Forced, Of, Prefix};

/// See the [module](self).
///
/// # Errors
/// Never, as it is: what it does not know it leaves undecided.
pub(crate) fn check(question: &Question<'_>) -> Result<Ruling, Unsupported> {
    settle(question, Objects::RegistersAndLists, judge)
}

fn judge(history: &History, acts: &Acts, _: u64) -> Judged {
    let mut forced = Forced::new(history, acts, "read-your-writes");
    // For each chain and key the updates, with their numbers in the chain.
    let mut written: BTreeMap<(usize, KeyId), (Prefix, Vec<u32>)> = BTreeMap::new();
    for (id, act) in acts.all.iter().enumerate() {
        if !act.is_read() {
            let empty = || (Prefix::new(Of::Written), Vec::new());
            let (prefix, numbers) = written.entry((act.chain, act.key)).or_insert_with(empty);
            prefix.push(id, id);
            numbers.push(act.number);
            continue;
        }
        forced.list(id);
        for &before in &act.after {
            let before = &acts.all[before];
            if let Some((prefix, numbers)) = written.get_mut(&(before.chain, act.key)) {
                let len = numbers.partition_point(|&number| number <= before.number);
                forced.visible(prefix, len, id);
            }
        }
    }
    let (found, states) = forced.judge();
    (Ok(found), states)
}
