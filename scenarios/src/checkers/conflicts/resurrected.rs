//! **No resurrected delete**: what was deleted does not come back.
//!
//! A value is *resurrected* when a replica holds it in the end although an acknowledged delete of its key surely came
//! after its write, and nothing wrote it again. The same for an element of a set, with inserts and removals. The usual
//! ways to it: a tombstone that was dropped before all replicas had it (Cassandra's grace period; Bitcask's and LSM
//! trees' merges), a merge that takes an absent key for one that is not known yet (DDIA chapter 5: siblings need
//! tombstones), a backup that was restored.
//!
//! While a run goes on, a read that finds a deleted value is only stale; it takes the final contents to tell. Where
//! somebody had found the key absent in between, the story says so. O(n + replicas × keys × deletes of the key).

use crate::history::{Function, History, Operation, OperationId, Value};

use super::super::story::{capital, holds, object, quote, shorten, tell, the_update, user};
use super::super::{Question, ReplicaContents, Ruling, Unsupported, Witness};
use super::objects::{Eye, Kind, Look, kinds, looks};
use super::{nothing_to_judge, why_no_reads_name_writes};

/// See the [module](self).
pub(in crate::checkers) fn check(question: &Question<'_>) -> Result<Ruling, Unsupported> {
    let history = question.history;
    let state = match question.contents() {
        Ok(state) => state,
        Err(reason) => return Ok(Ruling::undecided(reason)),
    };
    let kinds = kinds(history);
    let updates = super::lost_update::updates(history);
    let deletes = updates.iter().flatten().filter(|it| it.is_ok());
    let has_deletes = deletes
        .filter(|it| matches!(it.function, Function::Delete | Function::Remove(_)))
        .count()
        > 0;
    if !has_deletes {
        let reason = match kinds.contains(&Kind::Whole) || kinds.contains(&Kind::Set) {
            true => "nothing was deleted".to_owned(),
            false => nothing_to_judge(history, &kinds, "deletes"),
        };
        return Ok(Ruling::undecided(reason));
    }
    if let Some(reason) = why_no_reads_name_writes(question) {
        return Ok(Ruling::undecided(reason));
    }
    let looks = looks(question);
    let mut witnesses = Vec::new();
    for (index, kind) in kinds.iter().enumerate() {
        let (updates, looks) = (&updates[index], &looks[index]);
        let Some(first) = updates.first() else {
            continue;
        };
        for replica in &state.replicas {
            let Some(value) = replica.contents.get(&first.key) else {
                continue;
            };
            let back = match kind {
                Kind::Whole => of_whole_value(history, updates, value),
                Kind::Set => of_set(history, updates, value),
                _ => None,
            };
            witnesses
                .extend(back.map(|(write, delete)| told(question, replica, write, delete, looks)));
        }
    }
    Ok(Ruling::from_witnesses(witnesses, 0))
}

/// The last write of what is held (or of one of its siblings), and the delete that came after.
fn of_whole_value(
    history: &History,
    updates: &[&Operation],
    value: &Value,
) -> Option<(OperationId, OperationId)> {
    let key = history.key_id(updates.first()?.id);
    let writes = super::objects::shown(history, key, Some(value));
    let mut deletes = updates.iter().rev();
    let deletes = deletes
        .by_ref()
        .filter(|it| it.function == Function::Delete && it.is_ok());
    let deletes: Vec<OperationId> = deletes.map(|it| it.id).collect();
    let after = |write: OperationId| {
        let mut deletes = deletes.iter().copied();
        deletes.find(|delete| history.surely_before(write, *delete))
    };
    writes
        .into_iter()
        .find_map(|write| Some((write, after(write)?)))
}

/// An element that is held, its last insertion and the removal after it.
fn of_set(
    history: &History,
    updates: &[&Operation],
    value: &Value,
) -> Option<(OperationId, OperationId)> {
    let elements = value.as_list()?;
    let removals = updates.iter().filter(|it| it.is_ok());
    let removals = removals.filter_map(|it| match &it.function {
        Function::Remove(element) if elements.contains(element) => Some((it.id, element)),
        _ => None,
    });
    let back = |(removal, element): (OperationId, &Value)| {
        let inserts = updates.iter().filter(|it| {
            matches!(&it.function, Function::Insert(it) if it == element) && !it.is_fail()
        });
        let inserts: Vec<OperationId> = inserts.map(|it| it.id).collect();
        let all_before = inserts.iter().all(|it| history.surely_before(*it, removal));
        let last = inserts.last().filter(|_| all_before)?;
        Some((*last, removal))
    };
    removals.into_iter().find_map(back)
}

fn told(
    question: &Question<'_>,
    replica: &ReplicaContents,
    write: OperationId,
    delete: OperationId,
    looks: &[Look<'_>],
) -> Witness {
    let history = question.history;
    let (writer, deleter) = (history.operation(write), history.operation(delete));
    // Somebody who had seen it gone.
    let gone = looks.iter().find_map(|look| match look.eye {
        Eye::Read(read) if look.value.is_none() && look.began > history.invoked(delete) => {
            Some(read)
        }
        _ => None,
    });
    let mut operations: Vec<OperationId> = [Some(write), gone].into_iter().flatten().collect();
    let mut story = vec![tell(history, write), tell(history, delete)];
    story.extend(gone.map(|read| tell(history, read)));
    operations.push(delete);
    let value = replica.contents.get(&writer.key);
    story.push(holds(question.at, &replica.name, &writer.key, value));
    let what = match &deleter.function {
        Function::Remove(element) => quote(element),
        _ => writer.written().map_or_else(String::new, quote),
    };
    story.push(format!(
        "{} was acknowledged after {}, and nobody wrote {what} again: no-resurrected-delete falls.",
        capital(&the_update(deleter)),
        the_update(writer),
    ));
    let summary = format!(
        "{} holds {what} of {} again, which {} had deleted",
        shorten(&replica.name),
        object(writer),
        user(deleter)
    );
    Witness::new(history, operations, question.at, summary, story)
}
