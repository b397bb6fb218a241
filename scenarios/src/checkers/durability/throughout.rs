//! **Durability throughout**: what was acknowledged is there at every look from then on, not only in the end.
//!
//! An acknowledged update that some read misses and that is there in the end was not lost, but *stale*: absent for a
//! while, and back. Durability forgives that; whoever promises that an acknowledged update can be read (Jepsen's
//! `set-full` checker calls it stale when it is not) does not.
//!
//! Of whole values, a read is accused that was passed by an update which had surely taken effect before it began: what
//! [staleness](crate::measures::staleness) measures, with no version and no time allowed. Of lists and sets, a read that
//! began after an acknowledged append or insertion and does not show it, though nothing can have undone it. What a read
//! shows whose write was refused is a phantom, here as in the end. Queues are not read, and counters show no updates.
//!
//! By the history alone. O(n log n) for whole values, for lists and sets reads × updates of the key.

use std::collections::BTreeSet;

use crate::checkers::conflicts::lost_update::updates;
use crate::checkers::conflicts::objects::{Kind, Look, elements, kinds, looks};
use crate::checkers::story::{
    between, capital, left_behind, object, quote, quote_or_nothing, tell, the_update, user,
};
use crate::checkers::{Order, Question, Ruling, Unsupported, Witness};
use crate::history::{Function, Operation, Source, Value};
use crate::measures::{Behind, each_read};

/// See the [module](self).
pub(in crate::checkers) fn check(question: &Question<'_>) -> Result<Ruling, Unsupported> {
    let (history, setting) = (question.history, question.setting);
    if setting.order == Order::Session {
        let reason = "the history has no real time, so nobody knows what should have been there";
        return Ok(Ruling::undecided(reason));
    }
    if let Some(repeated) = history.first_repeated_write() {
        return Ok(Ruling::undecided(super::super::repeated(history, repeated)));
    }
    let kinds = kinds(history);
    let (mut judged, mut unjudged) = (false, None);
    let mut witnesses = phantoms(question);
    let only_whole = kinds
        .iter()
        .all(|kind| matches!(kind, Kind::Whole | Kind::Untouched));
    if only_whole {
        let measured = each_read(history, setting, |behind| {
            judged = true;
            witnesses.extend(stale(question, &behind));
        });
        measured.expect("reads of whole values name their writes");
    }
    let (looks, updates) = (looks(question), updates(history));
    for (index, kind) in kinds.iter().enumerate() {
        match kind {
            Kind::List | Kind::Set => {
                let found = of_elements(question, *kind, &updates[index], &looks[index]);
                match found {
                    Ok(found) => {
                        judged |= looks[index].iter().any(|it| it.read().is_some());
                        witnesses.extend(found);
                    }
                    Err(reason) => unjudged = Some(reason),
                }
            }
            Kind::Mixed => unjudged = Some("keys mix objects of several kinds".to_owned()),
            Kind::Whole | Kind::Untouched if !only_whole => {
                unjudged = Some("some keys hold whole values, and others do not".to_owned());
            }
            _ => {}
        }
    }
    witnesses.sort_by_key(|witness| witness.at);
    match (witnesses.is_empty(), unjudged) {
        (true, Some(reason)) => Ok(Ruling::undecided(reason)),
        (true, None) if !judged => Ok(Ruling::undecided("no read shows what was there")),
        _ => Ok(Ruling::from_witnesses(witnesses, 0)),
    }
}

/// Reads of whole values whose write was refused.
fn phantoms(question: &Question<'_>) -> Vec<Witness> {
    let history = question.history;
    let reads = history
        .operations()
        .filter_map(|it| match history.source(it.id) {
            Some(Source::Write(write)) if history.operation(write).is_fail() => Some((it, write)),
            _ => None,
        });
    let told = reads.map(|(read, write)| {
        let value = left_behind(history.operation(write));
        let mut operations = vec![write, read.id];
        operations.sort_unstable();
        let mut story: Vec<String> = operations.iter().map(|&id| tell(history, id)).collect();
        story.push(format!(
            "{value} is a phantom, whose write was refused: durability-throughout falls."
        ));
        let summary = format!("{} read {value}, whose write was refused", user(read));
        let at = read.completed.as_ref().expect("the read has ended").at;
        Witness::new(history, operations, at, summary, story)
    });
    told.collect()
}

fn stale(question: &Question<'_>, behind: &Behind) -> Option<Witness> {
    let history = question.history;
    let missed = history.operation(behind.passed_by?);
    Some(absent(question, missed, history.operation(behind.read)))
}

fn absent(question: &Question<'_>, missed: &Operation, read: &Operation) -> Witness {
    let history = question.history;
    let operations = vec![missed.id, read.id];
    let mut story: Vec<String> = operations.iter().map(|&id| tell(history, id)).collect();
    let there = missed.completed.as_ref().filter(|_| missed.is_ok());
    let since = match there {
        Some(done) if done.at <= read.invoked_at => {
            format!("acknowledged {} before", between(done.at, read.invoked_at))
        }
        _ => "seen by others before".to_owned(),
    };
    story.push(format!(
        "{} was {since} the read began, which does not show it or anything newer: durability-throughout falls.",
        capital(&the_update(missed))
    ));
    let summary = format!(
        "{} read {} and got {}, without {}",
        user(read),
        object(read),
        quote_or_nothing(read.returned()),
        the_update(missed)
    );
    let at = read.completed.as_ref().expect("the read has ended").at;
    Witness::new(history, operations, at, summary, story)
}

/// Reads of a list or a set that lack what must be in it.
fn of_elements(
    question: &Question<'_>,
    kind: Kind,
    updates: &[&Operation],
    looks: &[Look<'_>],
) -> Result<Vec<Witness>, String> {
    let history = question.history;
    let added = |it: &Operation| match &it.function {
        Function::Append(element) | Function::Insert(element) => Some(element.clone()),
        _ => None,
    };
    let all: Vec<Value> = updates.iter().filter_map(|it| added(it)).collect();
    let known: BTreeSet<&Value> = all.iter().collect();
    let mut found = Vec::new();
    for look in looks {
        let Some(read) = look.read() else {
            continue;
        };
        let there = elements(look.value, &known)?;
        if let Some(strange) = there.keys().find(|it| !known.contains(it)) {
            return Err(format!("{} was never added", quote(strange)));
        }
        // What may have taken it away again: a removal that began before the read ended.
        let may_be_gone = |update: &Operation, element: &Value| {
            kind == Kind::Set
                && updates.iter().any(|it| {
                    it.function == Function::Remove(element.clone())
                        && !it.is_fail()
                        && history.invoked(it.id) < look.ended
                        && !history.surely_before(it.id, update.id)
                })
        };
        let missed = updates.iter().find(|it| {
            let is_due = history.effective_by(it.id).is_some_and(|e| e < look.began);
            let element = added(it).filter(|_| is_due);
            element.is_some_and(|e| !there.contains_key(&e) && !may_be_gone(it, &e))
        });
        found.extend(missed.map(|it| absent(question, it, history.operation(read))));
    }
    Ok(found)
}
