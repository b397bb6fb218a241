//! **Availability**: whoever asks is served, within bounds.
//!
//! Three promises with numbers in them, each judged where its number is given:
//! - `outage`: no [outage](crate::measures::availability) takes longer, whatever goes wrong;
//! - `recovery`: so long after the last fault was lifted everything works again: what is meant to begin later, and before
//!   the next fault begins, succeeds. What operators call RTO;
//! - `failures`: no more operations are refused, or end without anybody knowing how, while a fault holds (in a history that
//!   does not say when faults held: at all).
//!
//! Judged by the history, and by [when faults held](super::Disturbance): that is decided from outside, like the
//! operations themselves, and no replica is asked. `recovery` is not judged where nobody wrote that down. O(n log n).

use seedbed_sim::{Instant, Span};

use crate::history::{Operation, OperationId};
use crate::measures::{Outage, outages};

use super::story::{clock, object, tell, user};
use super::{Disturbance, Question, Ruling, Unsupported, Witness};

/// No more operations of one outage are told than this.
const TOLD_MAX: usize = 4;

/// See the [module](self).
pub(super) fn check(question: &Question<'_>) -> Result<Ruling, Unsupported> {
    let terms = question.setting.terms;
    let mut failed: Vec<&Operation> = question
        .history
        .operations()
        .filter(|it| !it.is_ok() && it.completed.is_some())
        .collect();
    failed.sort_by_key(|it| (it.completed.as_ref().map(|it| it.at), it.id));
    let judge = Judge { question, failed };
    if question.history.is_empty() {
        return Ok(Ruling::undecided("nobody asked for anything"));
    }
    if terms.outage.is_none() && terms.recovery.is_none() && terms.failures.is_none() {
        let longest = outages(question.history)
            .iter()
            .map(Outage::length)
            .max()
            .unwrap_or_default();
        return Ok(Ruling::undecided(format!(
            "no bound was given; the longest outage took {longest}, and {} operations were not served",
            judge.failed.len()
        )));
    }
    let mut witnesses = Vec::new();
    witnesses.extend(
        terms
            .outage
            .into_iter()
            .flat_map(|most| judge.outages(most)),
    );
    witnesses.extend(terms.failures.and_then(|most| judge.failures(most)));
    if let Some(most) = terms.recovery {
        match judge.recovery(most) {
            Ok(found) => witnesses.extend(found),
            Err(reason) if witnesses.is_empty() => return Ok(Ruling::undecided(reason)),
            Err(_) => {}
        }
    }
    witnesses.sort_by_key(|witness| witness.at);
    Ok(Ruling::from_witnesses(witnesses, 0))
}

struct Judge<'a> {
    question: &'a Question<'a>,
    /// All that ended and was not served, in order of its end.
    failed: Vec<&'a Operation>,
}

impl<'a> Judge<'a> {
    fn faults(&self) -> &'a [Disturbance] {
        &self.question.setting.faults
    }

    fn outages(&self, most: Span) -> Vec<Witness> {
        let all = outages(self.question.history);
        let long = all.into_iter().filter(|it| it.length() > most);
        long.map(|outage| self.too_long(outage, most)).collect()
    }

    fn too_long(&self, outage: Outage, most: Span) -> Witness {
        let within = self.failed.iter().filter(|it| {
            let ended = ended(it);
            ended >= outage.from && ended <= outage.to
        });
        let within: Vec<OperationId> = within.map(|it| it.id).collect();
        let reason = format!(
            "From {} to {} nobody who asked was served, {} long; at most {most} was promised: availability falls.",
            outage.from,
            outage.to,
            outage.length()
        );
        let summary = format!(
            "nobody was served for {}, with {} operations tried",
            outage.length(),
            within.len()
        );
        self.told(&within, outage.from, outage.to, summary, reason)
    }

    fn failures(&self, most: u64) -> Option<Witness> {
        let under_faults = |it: &&&Operation| {
            let overlaps = |fault: &Disturbance| {
                fault.from <= ended(it) && fault.to.is_none_or(|to| it.invoked_at < to)
            };
            self.faults().is_empty() || self.faults().iter().any(overlaps)
        };
        let failed: Vec<OperationId> = self
            .failed
            .iter()
            .filter(under_faults)
            .map(|it| it.id)
            .collect();
        let count = failed.len() as u64;
        if count <= most {
            return None;
        }
        let one_too_many = &failed[..=usize::try_from(most).expect("it is below the count")];
        let when = match self.faults().is_empty() {
            true => "",
            false => " while a fault held",
        };
        let reason = format!(
            "{count} operations were not served{when}; at most {most} were promised: availability falls."
        );
        let summary = format!("{count} operations were not served{when}");
        let operation = self.question.history.operation(*one_too_many.last()?);
        let (from, to) = (operation.invoked_at, ended(operation));
        Some(self.told(one_too_many, from, to, summary, reason))
    }

    /// What failed although it began later than it should take to recover from all faults.
    fn recovery(&self, most: Span) -> Result<Vec<Witness>, String> {
        if self.faults().is_empty() {
            return Err("no fault was lifted that we know of".to_owned());
        }
        let clear = clear_stretches(self.faults());
        let unserved = self.failed.iter().filter_map(|it| {
            let stretch = clear.iter().rev().find(|(from, _)| *from <= it.intended_at);
            let (from, to) = *stretch?;
            let late = it.intended_at >= from + most && to.is_none_or(|to| ended(it) < to);
            late.then_some((*it, from))
        });
        let told = unserved.map(|(it, from)| {
            let reason = format!(
                "The last fault had been lifted at {from}, {} before it was asked for; {most} to recover was promised: \
                 availability falls.",
                it.intended_at.since(from)
            );
            let summary = format!(
                "{} asked for {} and was not served, {} after the last fault was lifted",
                user(it),
                object(it),
                it.intended_at.since(from)
            );
            self.told(&[it.id], from, ended(it), summary, reason)
        });
        Ok(told.collect())
    }

    /// The first and the last of some operations, and the faults that held meanwhile.
    fn told(
        &self,
        operations: &[OperationId],
        from: Instant,
        to: Instant,
        summary: String,
        reason: String,
    ) -> Witness {
        let history = self.question.history;
        let split = operations.len().saturating_sub(TOLD_MAX / 2);
        let first = &operations[..split.min(TOLD_MAX / 2)];
        let last = &operations[split..];
        let held = self
            .faults()
            .iter()
            .filter(|it| it.from <= to && it.to.is_none_or(|lifted| lifted >= from));
        let mut story: Vec<String> = held
            .map(|it| {
                let until = it.to.map_or_else(
                    || "to the end".to_owned(),
                    |lifted| format!("until {lifted}"),
                );
                format!("{}  fault, {until}: {}", clock(it.from), it.what)
            })
            .collect();
        story.extend(first.iter().map(|&id| tell(history, id)));
        let between = operations.len() - first.len() - last.len();
        if between > 0 {
            story.push(format!("And {between} more."));
        }
        story.extend(last.iter().map(|&id| tell(history, id)));
        story.push(reason);
        let operations = [first, last].concat();
        Witness::new(history, operations, to, summary, story)
    }
}

fn ended(operation: &Operation) -> Instant {
    let completed = operation.completed.as_ref();
    completed.expect("only what has ended is looked at").at
}

/// From when to when no fault held, after the first of them; `None`: to the end.
fn clear_stretches(faults: &[Disturbance]) -> Vec<(Instant, Option<Instant>)> {
    let mut faults: Vec<&Disturbance> = faults.iter().collect();
    faults.sort_by_key(|it| it.from);
    let mut clear = Vec::new();
    // Until when those that have begun so far hold.
    let mut held_to = Some(Instant::ZERO);
    for (index, fault) in faults.iter().enumerate() {
        if index > 0 && held_to.is_some_and(|to| to < fault.from) {
            clear.extend(held_to.map(|to| (to, Some(fault.from))));
        }
        held_to = held_to.zip(fault.to).map(|(a, b)| a.max(b));
    }
    clear.extend(held_to.map(|to| (to, None)));
    clear
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn between_faults_and_after_the_last_it_is_clear() {
        let fault = |from, to: Option<u64>| Disturbance {
            what: "crash l".to_owned(),
            from: Instant::from_millis(from),
            to: to.map(Instant::from_millis),
        };
        let told = |faults: &[Disturbance]| -> Vec<(u64, Option<u64>)> {
            let ms = |at: Instant| at.as_nanos() / 1_000_000;
            clear_stretches(faults)
                .into_iter()
                .map(|(from, to)| (ms(from), to.map(ms)))
                .collect()
        };
        let two = [fault(10, Some(20)), fault(30, Some(40))];
        assert_eq!(told(&two), [(20, Some(30)), (40, None)]);
        let nested = [fault(30, Some(35)), fault(10, Some(50))];
        assert_eq!(told(&nested), [(50, None)]);
        assert_eq!(told(&[fault(10, None), fault(20, Some(30))]), []);
    }
}
