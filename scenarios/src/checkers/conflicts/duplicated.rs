//! **No duplicated effect**: what was asked for once takes effect once.
//!
//! Clients retry what was not answered, and messages arrive twice. Where an effect adds to what is there, twice is one
//! too many, and it shows:
//! - an element stands more often in a list than it was appended, or more than once in a set;
//! - an element was dequeued (or is still in the queue in the end) more often than it was enqueued;
//! - a counter shows more than all additions that may have happened by then add up to (where they have one sign).
//!
//! Every look counts, at a lagging replica too: it may show less than there is, but not more. By the history, and by the
//! final contents where somebody looked. What may have happened counts in favour of the store: an operation without a
//! known outcome once, one that failed not at all. Writes of whole values have the same effect once or twice, and are not
//! judged. O(looks × elements).

use std::collections::{BTreeMap, BTreeSet};

use crate::history::{Function, History, Operation, OperationId, Value};

use super::super::story::{clock, holds, object, quote, shorten, tell, user};
use super::super::{Question, Ruling, Unsupported, Witness};
use super::lost_update::{Sum, updates};
use super::nothing_to_judge;
use super::objects::{Eye, Kind, Look, elements, kinds, looks};

/// See the [module](self).
pub(in crate::checkers) fn check(question: &Question<'_>) -> Result<Ruling, Unsupported> {
    let history = question.history;
    let kinds = kinds(history);
    let looks = looks(question);
    let updates = updates(history);
    let (mut judged, mut unjudged) = (false, None);
    let mut witnesses = Vec::new();
    for (index, kind) in kinds.iter().enumerate() {
        let key = Key {
            question,
            kind: *kind,
            updates: &updates[index],
            looks: &looks[index],
        };
        let ruled = match kind {
            Kind::List | Kind::Set => key.elements(&mut witnesses),
            Kind::Counter => key.counter(&mut witnesses),
            Kind::Queue => key.queue(&mut witnesses),
            Kind::Whole | Kind::Untouched | Kind::Mixed => continue,
        };
        match ruled {
            Ok(()) => judged = true,
            Err(reason) => unjudged = Some(reason),
        }
    }
    witnesses.sort_by_key(|witness| witness.at);
    match (witnesses.is_empty(), unjudged) {
        (true, Some(reason)) => Ok(Ruling::undecided(reason)),
        (true, None) if !judged => {
            let reason = nothing_to_judge(history, &kinds, "whether an effect came twice");
            Ok(Ruling::undecided(reason))
        }
        _ => Ok(Ruling::from_witnesses(witnesses, 0)),
    }
}

struct Key<'a> {
    question: &'a Question<'a>,
    kind: Kind,
    updates: &'a [&'a Operation],
    looks: &'a [Look<'a>],
}

impl Key<'_> {
    fn history(&self) -> &History {
        self.question.history
    }

    /// The updates that may have brought each element.
    fn brought(&self) -> BTreeMap<&Value, Vec<OperationId>> {
        let mut brought: BTreeMap<&Value, Vec<OperationId>> = BTreeMap::new();
        for update in self.updates.iter().filter(|it| !it.is_fail()) {
            if let Function::Append(element)
            | Function::Insert(element)
            | Function::Enqueue(element) = &update.function
            {
                brought.entry(element).or_default().push(update.id);
            }
        }
        brought
    }

    fn elements(&self, witnesses: &mut Vec<Witness>) -> Result<(), String> {
        let brought = self.brought();
        let known: BTreeSet<&Value> = brought.keys().copied().collect();
        let mut told: BTreeSet<Value> = BTreeSet::new();
        for look in self.looks {
            for (element, times) in elements(look.value, &known)? {
                let by = brought.get(&element).map_or(&[][..], Vec::as_slice);
                let began = by
                    .iter()
                    .filter(|it| self.history().invoked(**it) < look.ended);
                let allowed = match self.kind {
                    // Inserted twice is there once.
                    Kind::Set => 1,
                    _ => began.count() as u64,
                };
                // What nobody brought is a phantom, of which durability speaks.
                if by.is_empty() || times <= allowed || told.contains(&element) {
                    continue;
                }
                let reason = format!(
                    "{} stands there {times} times, and {}: no-duplicated-effect falls.",
                    quote(&element),
                    match self.kind {
                        Kind::Set => "a set holds an element once".to_owned(),
                        _ => format!("was appended {}", so_often(allowed)),
                    }
                );
                let summary = format!("{} is there {times} times", quote(&element));
                witnesses.push(self.told(by, look, &summary, reason));
                told.insert(element);
            }
        }
        Ok(())
    }

    fn counter(&self, witnesses: &mut Vec<Witness>) -> Result<(), String> {
        let initial = &Sum::new(self.question, &[])?.possible;
        // By look: what may have happened by then. Both go by places.
        Sum::new(self.question, self.updates)?;
        let additions: Vec<(OperationId, i128)> = self
            .updates
            .iter()
            .filter(|it| !it.is_fail())
            .filter_map(|it| match it.function {
                Function::Add(amount) => Some((it.id, i128::from(amount))),
                _ => None,
            })
            .collect();
        let mut sums = vec![*initial];
        sums.extend(additions.iter().scan(*initial, |sum, (_, amount)| {
            *sum += amount;
            Some(*sum)
        }));
        for look in self.looks {
            let Some(value) = look.value else {
                continue;
            };
            let held = value
                .as_int()
                .ok_or_else(|| format!("{value} is no number"))?;
            let began =
                additions.partition_point(|(it, _)| self.history().invoked(*it) < look.ended);
            let (possible, held) = (sums[began], i128::from(held));
            let is_too_much = match possible >= *initial {
                true => held > possible,
                false => held < possible,
            };
            if !is_too_much {
                continue;
            }
            let told = began.saturating_sub(TOLD_MAX);
            let by: Vec<OperationId> = additions[told..began].iter().map(|(it, _)| *it).collect();
            let reason = format!(
                "All additions that had begun add up to {possible}, and {held} is there: one took effect twice: \
                 no-duplicated-effect falls."
            );
            let summary = format!("{held} is there, of additions of {possible} in all");
            witnesses.push(self.told(&by, look, &summary, reason));
        }
        Ok(())
    }

    fn queue(&self, witnesses: &mut Vec<Witness>) -> Result<(), String> {
        let brought = self.brought();
        let known: BTreeSet<&Value> = brought.keys().copied().collect();
        let mut taken: BTreeMap<&Value, Vec<OperationId>> = BTreeMap::new();
        let mut told: BTreeSet<&Value> = BTreeSet::new();
        for dequeue in self.updates {
            let Some(element) = dequeue.returned() else {
                continue;
            };
            let taken = taken.entry(element).or_default();
            taken.push(dequeue.id);
            let by = brought.get(element).map_or(&[][..], Vec::as_slice);
            if by.is_empty() || taken.len() <= by.len() || !told.insert(element) {
                continue;
            }
            let operations: Vec<OperationId> = by.iter().chain(taken.iter()).copied().collect();
            let mut story: Vec<String> = operations
                .iter()
                .map(|&id| tell(self.history(), id))
                .collect();
            story.push(format!(
                "{} was enqueued {}, and dequeued {}: no-duplicated-effect falls.",
                quote(element),
                so_often(by.len() as u64),
                so_often(taken.len() as u64)
            ));
            let summary = format!(
                "{} was handed out again, to {}",
                quote(element),
                user(dequeue)
            );
            let at = dequeue.completed.as_ref().expect("it was acknowledged").at;
            witnesses.push(Witness::new(self.history(), operations, at, summary, story));
        }
        for look in self.looks.iter().filter(super::lost_update::at_the_end) {
            for (element, times) in elements(look.value, &known)? {
                let by = brought.get(&element).map_or(&[][..], Vec::as_slice);
                let before = taken.get(&element).map_or(0, Vec::len) as u64;
                if by.is_empty() || before + times <= by.len() as u64 || told.contains(&element) {
                    continue;
                }
                let dequeues = taken.get(&element).into_iter().flatten();
                let operations: Vec<OperationId> = by.iter().chain(dequeues).copied().collect();
                let reason = format!(
                    "{} was enqueued {}, dequeued {}, and is there still: no-duplicated-effect falls.",
                    quote(&element),
                    so_often(by.len() as u64),
                    so_often(before)
                );
                let summary = format!("{} is queued again", quote(&element));
                witnesses.push(self.told(&operations, look, &summary, reason));
            }
        }
        Ok(())
    }

    fn told(&self, by: &[OperationId], look: &Look<'_>, what: &str, reason: String) -> Witness {
        let (history, at) = (self.history(), self.question.at);
        let mut operations = by.to_vec();
        let mut story: Vec<String> = operations.iter().map(|&id| tell(history, id)).collect();
        let key = by
            .first()
            .map_or_else(String::new, |it| object(history.operation(*it)));
        let (at, who) = match look.eye {
            Eye::Read(read) => {
                story.push(tell(history, read));
                operations.push(read);
                let reader = history.operation(read);
                let at = reader.completed.as_ref().map_or(at, |it| it.at);
                (at, format!("{} read {key}", user(reader)))
            }
            Eye::End(replica) => {
                story.push(match look.value {
                    Some(value) if value.as_list().is_some_and(|it| it.len() > LIST_TOLD_MAX) => {
                        let replica = shorten(replica);
                        format!("{}  {replica} holds {key} in the end", clock(at))
                    }
                    value => holds(at, replica, &key, value),
                });
                (at, format!("{} holds {key}", shorten(replica)))
            }
        };
        story.push(reason);
        Witness::new(history, operations, at, format!("{who}: {what}"), story)
    }
}

/// No more additions are told than this.
const TOLD_MAX: usize = 6;

/// Longer lists are not told.
const LIST_TOLD_MAX: usize = 32;

fn so_often(times: u64) -> String {
    match times {
        0 => "never".to_owned(),
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        n => format!("{n} times"),
    }
}
