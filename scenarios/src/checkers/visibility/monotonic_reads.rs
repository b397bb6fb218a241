//! **Monotonic reads**: `vis ; so|rd→rd ⊆ vis`. What was visible to a session's read stays visible to its later ones, so
//! that what it has read of a key was arbitrated before what it reads now. See the [folder](super).

use std::collections::BTreeMap;

use crate::checkers::acts::{ActId, Acts, Judged, Objects, Source, settle};
use crate::checkers::{Question, Ruling, Unsupported};
use crate::history::{History, KeyId};

use super::forced::{Forced, Of, Prefix};
use super::{shown, source};

/// See the [module](self).
///
/// # Errors
/// Never, as it is: what it does not know it leaves undecided.
pub(crate) fn check(question: &Question<'_>) -> Result<Ruling, Unsupported> {
    settle(question, Objects::RegistersAndLists, judge)
}

/// What a chain has read of a key: the updates, and how many there were after which act.
struct Seen {
    prefix: Prefix,
    after: Vec<(u32, usize)>,
    /// The last list, of which the beginning need not be noted again.
    list: Vec<ActId>,
}

fn judge(history: &History, acts: &Acts, _: u64) -> Judged {
    let mut forced = Forced::new(history, acts, "monotonic-reads");
    let mut seen: BTreeMap<(usize, KeyId), Seen> = BTreeMap::new();
    for (id, act) in acts.all.iter().enumerate().filter(|(_, act)| act.is_read()) {
        forced.list(id);
        for &before in &act.after {
            let before = &acts.all[before];
            if let Some(seen) = seen.get_mut(&(before.chain, act.key)) {
                let reads = seen
                    .after
                    .partition_point(|(number, _)| *number <= before.number);
                let len = reads.checked_sub(1).map_or(0, |last| seen.after[last].1);
                forced.visible(&mut seen.prefix, len, id);
            }
        }
        let seen = seen.entry((act.chain, act.key)).or_insert_with(|| Seen {
            prefix: Prefix::new(Of::Read),
            after: Vec::new(),
            list: Vec::new(),
        });
        let now = shown(acts, id);
        if matches!(source(act), Some(Source::List(_))) {
            let same = now
                .iter()
                .zip(&seen.list)
                .take_while(|(one, other)| one == other);
            for &update in &now[same.count()..] {
                seen.prefix.push(update, id);
            }
            seen.list = now.to_vec();
        } else if let Some(&update) = now.first() {
            seen.prefix.push(update, id);
        }
        seen.after.push((act.number, seen.prefix.len()));
    }
    let (found, states) = forced.judge();
    (Ok(found), states)
}
