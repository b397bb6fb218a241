//! **Durability of acknowledged updates**: what was acknowledged is there in the end, unless something newer took its
//! place; and what was refused is not.
//!
//! Judged by the history and the [final contents](super::FinalState), by [what the history proves](super). For each key
//! that was used or is held:
//! - an acknowledged update that is not there, and that nothing newer can have replaced, is *lost*;
//! - what is there and nobody wrote, or only somebody whose update was refused, is a *phantom*.
//!
//! | object | lost | phantom |
//! |---|---|---|
//! | a whole value | it is absent, and no delete can come after an acknowledged update; or its write (those of all siblings) surely comes before one | nobody wrote it, or its write failed |
//! | a list | an acknowledged append is not in it | an element that nobody appended |
//! | a set | an acknowledged insertion is not in it, and no removal can come after; an acknowledged removal is undone | an element that nobody inserted |
//! | a queue | more acknowledged elements are neither there nor handed out than dequeues have an unknown outcome | an element that nobody enqueued |
//! | a counter | the sum is out of what was acknowledged and what may have happened, on either side | the same |
//!
//! **The level.** An acknowledgement is worth what it promises. By default an update must be on `all` live replicas once
//! replication has come to rest; on the [terms](super::Level) `majority` or `any` it is lost only where more of them lack
//! it. A phantom is one wherever it is.
//!
//! Not judged while replication goes on. O(operations + replicas × keys × log). The contents show one state only: an
//! update that was lost and then overwritten leaves no mark in them. That it was absent for a while and came back is no
//! loss; [`durability-throughout`](throughout) forbids it.

mod elements;
pub(super) mod throughout;
mod whole;

use seedbed_sim::Instant;

use crate::history::{History, Operation, OperationId, Value};

use super::conflicts::objects::{Kind, kinds};
use super::story::{
    capital, holds, left_behind, quote, quote_or_nothing, shorten, tell, the_update, user,
};
use super::{FinalState, Level, Question, Ruling, Unsupported, Witness};

/// What one replica holds for one key.
#[derive(Clone, Copy)]
struct Held<'a> {
    replica: &'a str,
    key: &'a str,
    value: Option<&'a Value>,
    at: Instant,
}

/// What is wrong with it.
enum Wrong {
    /// An update is missing.
    Lost(Witness),
    /// Something is there that should not be.
    Phantom(Witness),
}

/// See the [module](self).
pub(super) fn check(question: &Question<'_>) -> Result<Ruling, Unsupported> {
    let history = question.history;
    let state = match question.contents() {
        Ok(state) => state,
        Err(reason) => return Ok(Ruling::undecided(reason)),
    };
    if let Some(repeated) = history.first_repeated_write() {
        return Ok(Ruling::undecided(super::repeated(history, repeated)));
    }
    let kinds = kinds(history);
    let kind = |key: &str| {
        let key = history.find_key(key);
        key.map_or(Kind::Untouched, |key| kinds[key.0 as usize])
    };
    let whole = whole::gather(history, state);
    let updates = super::conflicts::lost_update::updates(history);
    let level = question.setting.terms.level.unwrap_or_default();
    let allowed = state.replicas.len() - level.needed(state.replicas.len());
    let (mut witnesses, mut unjudged) = (Vec::new(), None);
    for (key, facts) in &whole {
        let updates = history
            .find_key(key)
            .map_or(&[][..], |it| &updates[it.0 as usize]);
        let judge = |held: &Held<'_>| match kind(key) {
            Kind::Untouched | Kind::Whole => {
                let is_initial =
                    held.value.is_some() && held.value == question.setting.initial.as_ref();
                // What was there at first is older than any update.
                Ok(whole::judge(history, *facts, held, is_initial))
            }
            Kind::Mixed => Err(format!("{} mixes objects of several kinds", shorten(key))),
            kind => elements::judge(question, kind, updates, held),
        };
        let mut lost = Vec::new();
        for replica in &state.replicas {
            let held = Held {
                replica: &replica.name,
                key,
                value: replica.contents.get(*key),
                at: question.at,
            };
            match judge(&held) {
                Ok(None) => {}
                Ok(Some(Wrong::Phantom(witness))) => witnesses.push(witness),
                Ok(Some(Wrong::Lost(witness))) => lost.push(promised(witness, level)),
                Err(reason) => unjudged = Some(reason),
            }
        }
        if lost.len() > allowed {
            witnesses.extend(lost);
        }
    }
    match unjudged {
        Some(reason) if witnesses.is_empty() => Ok(Ruling::undecided(reason)),
        _ => Ok(Ruling::from_witnesses(witnesses, 0)),
    }
}

/// The witness of a loss, with the level that was promised where it is not the usual one.
fn promised(mut witness: Witness, level: Level) -> Witness {
    let on = match level {
        Level::All => return witness,
        Level::Majority => "a majority of the replicas",
        Level::Any => "at least one replica",
    };
    let last = witness.story.len() - 1;
    let told = format!("It was promised to be on {on}, and too few have it.");
    witness.story.insert(last, told);
    witness
}

fn lost_update(
    history: &History,
    lost: OperationId,
    older: Option<OperationId>,
    held: &Held<'_>,
) -> Wrong {
    let update = history.operation(lost);
    let operations: Vec<OperationId> = older.into_iter().chain([lost]).collect();
    let mut story: Vec<String> = operations.iter().map(|&id| tell(history, id)).collect();
    story.push(holds(held.at, held.replica, held.key, held.value));
    story.push(format!(
        "{} was acknowledged, and nothing newer took its place: durability falls.",
        capital(&the_update(update)),
    ));
    let summary = format!(
        "{} lost {}'s acknowledged update of {}: it holds {}, not {}",
        shorten(held.replica),
        user(update),
        shorten(held.key),
        quote_or_nothing(held.value),
        left_behind(update),
    );
    Wrong::Lost(Witness::new(history, operations, held.at, summary, story))
}

fn phantom(
    history: &History,
    value: &Value,
    failed: Option<OperationId>,
    held: &Held<'_>,
) -> Wrong {
    let operations: Vec<OperationId> = failed.into_iter().collect();
    let mut story: Vec<String> = operations.iter().map(|&id| tell(history, id)).collect();
    story.push(holds(held.at, held.replica, held.key, held.value));
    let value = quote(value);
    let whence = match failed {
        Some(_) => "whose write was refused",
        None => "which nobody wrote",
    };
    story.push(format!("{value} is a phantom, {whence}: durability falls."));
    let summary = format!(
        "{} holds {} = {value}, {whence}",
        shorten(held.replica),
        shorten(held.key)
    );
    Wrong::Phantom(Witness::new(history, operations, held.at, summary, story))
}

/// All acknowledged updates of some, in order of invocation.
fn acknowledged<'a>(updates: &'a [&'a Operation]) -> impl Iterator<Item = &'a Operation> {
    updates.iter().copied().filter(|it| it.is_ok())
}
