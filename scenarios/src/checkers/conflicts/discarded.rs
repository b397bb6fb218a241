//! **No discarded conflict**: of two acknowledged writes at once, neither is gone without a trace.
//!
//! Two writes of one key are at once when neither is [surely before](crate::history::History::surely_before) the other.
//! One of them is *discarded* when a look after both acknowledgements (a read that began later, or a replica's final
//! contents) shows the other without it, and no look in the whole run ever shows it. A store that resolves conflicts by
//! last write wins discards by design, and tells both clients that all is well (Shapiro et al., A Comprehensive Study of
//! Convergent and Commutative Replicated Data Types, 2011; DDIA chapter 5, "Last write wins"). One that keeps both as
//! siblings, or that merges them, does not.
//!
//! Writes and compare-and-sets of whole values; deletes write nothing that could be seen. What was overwritten by a third
//! write, later than both, before anybody looked is not judged: nobody can say whether it had been there. Not judged
//! without the final contents, where what nobody read may still be. O(n log n + pairs at once).

use std::collections::BTreeSet;

use crate::history::{History, OperationId, Place};

use super::super::story::{capital, holds, object, tell, the_update, user};
use super::super::{Question, Ruling, Unsupported, Witness};
use super::objects::{Eye, Kind, Look, kinds, looks, shown};
use super::{nothing_to_judge, why_no_reads_name_writes};

/// See the [module](self).
pub(in crate::checkers) fn check(question: &Question<'_>) -> Result<Ruling, Unsupported> {
    let history = question.history;
    let reason = match question.contents() {
        Err(reason) => Some(reason),
        Ok(_) => why_no_reads_name_writes(question),
    };
    if let Some(reason) = reason {
        return Ok(Ruling::undecided(reason));
    }
    let kinds = kinds(history);
    if !kinds.contains(&Kind::Whole) {
        let reason = nothing_to_judge(history, &kinds, "which of two writes was kept");
        return Ok(Ruling::undecided(reason));
    }
    let looks = looks(question);
    let updates = super::lost_update::updates(history);
    let mut witnesses = Vec::new();
    for (index, kind) in kinds.iter().enumerate() {
        if *kind != Kind::Whole {
            continue;
        }
        let writes = updates[index].iter();
        let writes: Vec<OperationId> = writes
            .filter(|it| it.is_ok() && it.written().is_some())
            .map(|it| it.id)
            .collect();
        judge(question, &writes, &looks[index], &mut witnesses);
    }
    witnesses.sort_by_key(|witness| witness.at);
    Ok(Ruling::from_witnesses(witnesses, 0))
}

/// Judges one key, whose acknowledged writes are in order of invocation.
fn judge(
    question: &Question<'_>,
    writes: &[OperationId],
    looks: &[Look<'_>],
    witnesses: &mut Vec<Witness>,
) {
    let history = question.history;
    let Some(first) = writes.first() else {
        return;
    };
    let key = history.key_id(*first);
    // By look: what it shows; and all that any of them shows.
    let shows: Vec<Vec<OperationId>> = looks
        .iter()
        .map(|look| shown(history, key, look.value))
        .collect();
    let seen: BTreeSet<OperationId> = shows.iter().flatten().copied().collect();
    // By write that was seen: the last look that showed it.
    let mut last_look: Vec<(OperationId, usize)> = Vec::new();
    for (index, writes) in shows.iter().enumerate() {
        last_look.extend(writes.iter().map(|write| (*write, index)));
    }
    last_look.sort_unstable();
    let last_look_at = |write: OperationId| {
        let after = last_look.partition_point(|(it, _)| *it <= write);
        let (found, index) = last_look.get(after.checked_sub(1)?)?;
        (*found == write).then(|| looks[*index])
    };
    // The writes under way at once with the one that is looked at, of those that were invoked before it.
    let mut at_once: Vec<OperationId> = Vec::new();
    let mut pairs: Vec<(OperationId, OperationId)> = Vec::new();
    for &write in writes {
        at_once.retain(|other| !history.surely_before(*other, write));
        pairs.extend(at_once.iter().map(|other| (*other, write)));
        at_once.push(write);
    }
    let mut told = BTreeSet::new();
    for (one, other) in pairs {
        for (lost, kept) in [(one, other), (other, one)] {
            if seen.contains(&lost) || told.contains(&lost) {
                continue;
            }
            let both = acknowledged(history, lost).max(acknowledged(history, kept));
            let look = last_look_at(kept).filter(|look| look.began >= both);
            if let Some(look) = look {
                told.insert(lost);
                witnesses.push(discarded(question, lost, kept, &look));
            }
        }
    }
}

fn acknowledged(history: &History, write: OperationId) -> Place {
    let completed = history.completed(write);
    completed.expect("it was acknowledged")
}

fn discarded(
    question: &Question<'_>,
    lost: OperationId,
    kept: OperationId,
    look: &Look<'_>,
) -> Witness {
    let history = question.history;
    let (update, winner) = (history.operation(lost), history.operation(kept));
    let mut operations = vec![lost, kept];
    operations.sort_unstable();
    let mut story: Vec<String> = operations.iter().map(|&id| tell(history, id)).collect();
    let at = match look.eye {
        Eye::Read(read) => {
            story.push(tell(history, read));
            operations.push(read);
            let ended = history.operation(read).completed.as_ref();
            ended.expect("a look has ended").at
        }
        Eye::End(replica) => {
            story.push(holds(question.at, replica, &update.key, look.value));
            question.at
        }
    };
    story.push(format!(
        "{} and {} were made at once and both acknowledged; the first was never seen by anybody: no-discarded-conflict falls.",
        capital(&the_update(update)),
        the_update(winner)
    ));
    let summary = format!(
        "{}'s acknowledged {} to {} is gone without a trace: {}'s, made at once, was kept",
        user(update),
        update.function.name(),
        object(update),
        user(winner)
    );
    Witness::new(history, operations, at, summary, story)
}
