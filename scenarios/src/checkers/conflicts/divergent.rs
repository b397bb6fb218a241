//! **No divergent handler**: replicas that saw the same updates make the same of them.
//!
//! A handler that resolves conflicts must be a function of the updates alone. One that goes by the clock of its machine,
//! by the order in which updates happened to arrive, or by chance leaves replicas apart that have nothing left to tell
//! each other (DDIA chapter 5, "Custom conflict resolution logic").
//!
//! It falls when two replicas, healed and at rest, hold different values of a key of which some updates were made at
//! once, and neither is merely behind: no value that one holds was [surely
//! before](crate::history::History::surely_before) what the other holds. Whoever lacks an update fails convergence and
//! durability; who has them all and decided otherwise fails this, too. Not judged where no updates were made at once.
//! O(n + replicas × keys).

use crate::history::{History, KeyId, Operation, OperationId, Value};

use super::super::story::{holds, shorten, tell};
use super::super::{Question, ReplicaContents, Ruling, Unsupported, Witness};
use super::lost_update::updates;
use super::objects::{Kind, kinds, shown};
use super::{nothing_to_judge, why_no_reads_name_writes};

/// See the [module](self).
pub(in crate::checkers) fn check(question: &Question<'_>) -> Result<Ruling, Unsupported> {
    let history = question.history;
    let state = match question.contents() {
        Ok(state) => state,
        Err(reason) => return Ok(Ruling::undecided(reason)),
    };
    if let Some(reason) = why_no_reads_name_writes(question) {
        return Ok(Ruling::undecided(reason));
    }
    let kinds = kinds(history);
    let updates = updates(history);
    let mut conflicts = false;
    let mut witnesses = Vec::new();
    for (index, kind) in kinds.iter().enumerate() {
        let Some(conflict) = at_once(history, &updates[index]) else {
            continue;
        };
        if *kind != Kind::Whole {
            continue;
        }
        conflicts = true;
        let key = KeyId(index as u32);
        let name = history.key_name(key);
        let held = state
            .replicas
            .iter()
            .filter_map(|it| Some((it, it.contents.get(name)?)));
        let held: Vec<(&ReplicaContents, &Value)> = held.collect();
        let Some((one, others)) = held.split_first() else {
            continue;
        };
        for other in others {
            if one.1 != other.1 && !is_behind(history, key, one.1, other.1) {
                witnesses.push(told(question, key, conflict, [*one, *other]));
            }
        }
    }
    if !conflicts {
        let reason = match kinds.contains(&Kind::Whole) {
            true => "no updates of one key were made at once".to_owned(),
            false => nothing_to_judge(history, &kinds, "what a handler made of a conflict"),
        };
        return Ok(Ruling::undecided(reason));
    }
    Ok(Ruling::from_witnesses(witnesses, 0))
}

/// Two acknowledged updates of a key that were made at once.
fn at_once(history: &History, updates: &[&Operation]) -> Option<(OperationId, OperationId)> {
    let mut newest: Option<OperationId> = None;
    for update in updates.iter().filter(|it| it.is_ok()) {
        // The one that took effect last of those before is at once with it, if any is.
        if let Some(before) = newest
            && !history.surely_before(before, update.id)
        {
            return Some((before, update.id));
        }
        let is_newer =
            newest.is_none_or(|it| history.effective_by(it) < history.effective_by(update.id));
        if is_newer {
            newest = Some(update.id);
        }
    }
    None
}

/// Whether one of two values was surely there before the other.
fn is_behind(history: &History, key: KeyId, one: &Value, other: &Value) -> bool {
    let (one, other) = (
        shown(history, key, Some(one)),
        shown(history, key, Some(other)),
    );
    let older = |a: &[OperationId], b: &[OperationId]| {
        let mut pairs = a.iter().flat_map(|a| b.iter().map(move |b| (*a, *b)));
        pairs.any(|(a, b)| history.surely_before(a, b))
    };
    older(&one, &other) || older(&other, &one)
}

fn told(
    question: &Question<'_>,
    key: KeyId,
    (first, second): (OperationId, OperationId),
    held: [(&ReplicaContents, &Value); 2],
) -> Witness {
    let history = question.history;
    let name = history.key_name(key);
    let mut operations: Vec<OperationId> = held
        .iter()
        .flat_map(|(_, value)| shown(history, key, Some(value)))
        .collect();
    operations.extend([first, second]);
    operations.sort_unstable();
    operations.dedup();
    let mut story: Vec<String> = operations.iter().map(|&id| tell(history, id)).collect();
    for (replica, value) in held {
        story.push(holds(question.at, &replica.name, name, Some(value)));
    }
    story.push(
        "Updates were made at once, replication has come to rest, and neither replica is behind the other: they made \
         different things of the same updates: no-divergent-handler falls."
            .to_owned(),
    );
    let summary = format!(
        "{} and {} made different things of the same updates of {}",
        shorten(&held[0].0.name),
        shorten(&held[1].0.name),
        shorten(name)
    );
    Witness::new(history, operations, question.at, summary, story)
}
