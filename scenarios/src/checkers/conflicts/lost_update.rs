//! **No lost update**: nobody overwrites an update that they have not seen.
//!
//! *P4 of Berenson et al., A Critique of ANSI SQL Isolation Levels, SIGMOD 1995: `r1[x] … w2[x] … w1[x]`.* A
//! *read-modify-write* is an update that was made from what was read: a compare-and-set, made from the value that it
//! expected; or the first update of a key by a session after it had read that key. (That a session computes what it
//! writes from what it has just read is taken for granted; ask for this check where it is so.) It falls when
//! - two acknowledged read-modify-writes were made from the same version: whichever comes second has overwritten the
//!   first without having seen it; or
//! - an acknowledged update surely came after the version that an acknowledged read-modify-write was made from, and
//!   surely before this itself.
//!
//! Both that are kept as siblings have not overwritten each other, and that is seen by whoever reads the two together.
//!
//! Objects that know their own read-modify-writes lose one when its effect is missing in the [final
//! contents](crate::checkers::FinalState) while a later or concurrent one is there: an acknowledged append that is not
//! in the list, or additions (all of one sign) that add up to more than the sum that is held.
//!
//! O(n log n) for whole values; for lists their length in the end.

use std::collections::{BTreeMap, BTreeSet};

use crate::history::{Function, History, KeyId, Operation, OperationId, Place, SessionId, Source};

use super::super::story::{capital, holds, object, quote, shorten, tell, the_update, user};
use super::super::{NullRead, Question, Ruling, Unsupported, Witness};
use super::objects::{Kind, Look, elements, kinds, looks, shown};
use super::{nothing_to_judge, why_no_reads_name_writes};

/// What a read-modify-write was made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Base {
    /// What was there before any update.
    Beginning,
    /// What this write had left.
    Write(OperationId),
}

/// An acknowledged update that was made from what was read.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReadModifyWrite {
    pub(super) base: Base,
    /// The read, where it was one of its own.
    pub(super) read: Option<OperationId>,
    pub(super) update: OperationId,
}

/// See the [module](self).
pub(in crate::checkers) fn check(question: &Question<'_>) -> Result<Ruling, Unsupported> {
    let history = question.history;
    let kinds = kinds(history);
    let looks = looks(question);
    let mut judged = false;
    let mut witnesses = Vec::new();
    let mut unjudged = None;
    if let Some(reason) = why_no_reads_name_writes(question) {
        unjudged = Some(reason);
    } else {
        let all = read_modify_writes(question, &kinds);
        judged |= !all.is_empty();
        witnesses.extend(of_whole_values(history, &all, &looks));
    }
    let updates = updates(history);
    for (index, kind) in kinds.iter().enumerate() {
        let (updates, looks) = (&updates[index], &looks[index]);
        let ruled = match kind {
            Kind::List => of_list(question, updates, looks, &mut witnesses),
            Kind::Counter => of_counter(question, updates, looks, &mut witnesses),
            _ => continue,
        };
        match ruled {
            Ok(()) => judged = true,
            Err(reason) => unjudged = Some(reason),
        }
    }
    witnesses.sort_by_key(|witness| witness.at);
    if witnesses.is_empty()
        && let Some(reason) = unjudged
    {
        return Ok(Ruling::undecided(reason));
    }
    if !judged {
        let reason = match kinds.contains(&Kind::Whole) {
            true => "nobody wrote what they had read before".to_owned(),
            false => nothing_to_judge(history, &kinds, "read-modify-writes"),
        };
        return Ok(Ruling::undecided(reason));
    }
    Ok(Ruling::from_witnesses(witnesses, 0))
}

/// All acknowledged read-modify-writes of whole values, in order of invocation.
pub(super) fn read_modify_writes(question: &Question<'_>, kinds: &[Kind]) -> Vec<ReadModifyWrite> {
    let history = question.history;
    let deleted: BTreeSet<KeyId> = history
        .operations()
        .filter(|it| it.function == Function::Delete && !it.is_fail())
        .map(|it| history.key_id(it.id))
        .collect();
    let mut last_reads: BTreeMap<(SessionId, KeyId), OperationId> = BTreeMap::new();
    let mut found = Vec::new();
    for operation in history.operations() {
        let key = history.key_id(operation.id);
        if kinds[key.0 as usize] != Kind::Whole {
            continue;
        }
        let at = (operation.session, key);
        if operation.function == Function::Read {
            last_reads.remove(&at);
            if operation.is_ok() {
                last_reads.insert(at, operation.id);
            }
            continue;
        }
        // A read that had not ended yet is no base.
        let began = history.invoked(operation.id);
        let has_ended = |read: &OperationId| history.completed(*read) < Some(began);
        let read = last_reads.remove(&at).filter(has_ended);
        if !operation.is_ok() {
            continue;
        }
        let is_deleted = deleted.contains(&key);
        let base = match &operation.function {
            Function::CompareAndSet { expected, .. } => match expected {
                Some(value) => history.find_write(key, value).map(Base::Write).or_else(|| {
                    let is_initial = question.setting.initial.as_ref() == Some(value);
                    is_initial.then_some(Base::Beginning)
                }),
                None => (!is_deleted).then_some(Base::Beginning),
            },
            _ => read.and_then(|read| base_of(question, read, is_deleted)),
        };
        let read = read.filter(|_| !matches!(operation.function, Function::CompareAndSet { .. }));
        found.extend(base.map(|base| ReadModifyWrite {
            base,
            read,
            update: operation.id,
        }));
    }
    found
}

/// What a read showed, where it can be the base of an update.
fn base_of(question: &Question<'_>, read: OperationId, is_deleted: bool) -> Option<Base> {
    let (history, setting) = (question.history, question.setting);
    match history.source(read)? {
        Source::Write(write) => Some(Base::Write(write)),
        Source::Absent => {
            let is_beginning = setting.null_read == NullRead::Initial && !is_deleted;
            is_beginning.then_some(Base::Beginning)
        }
        Source::Nobody => {
            let returned = history.operation(read).returned();
            (setting.initial.as_ref() == returned).then_some(Base::Beginning)
        }
    }
}

fn of_whole_values(
    history: &History,
    all: &[ReadModifyWrite],
    looks: &[Vec<Look<'_>>],
) -> Vec<Witness> {
    let kept = Kept::new(history, looks);
    let newest = Newest::new(history);
    let mut first_from: BTreeMap<(KeyId, Base), ReadModifyWrite> = BTreeMap::new();
    let mut witnesses = Vec::new();
    for one in all {
        let key = history.key_id(one.update);
        let other = first_from.get(&(key, one.base)).copied();
        first_from.entry((key, one.base)).or_insert(*one);
        if let Some(other) = other {
            if !kept.are_together(other.update, one.update) {
                witnesses.push(same_base(history, other, *one));
            }
            continue;
        }
        let passed = newest.between(history, one);
        if let Some(passed) = passed.filter(|it| !kept.are_together(*it, one.update)) {
            witnesses.push(overwritten(history, passed, *one));
        }
    }
    witnesses
}

/// Which writes were seen together, as siblings.
struct Kept {
    seen_in: BTreeMap<OperationId, BTreeSet<(u32, u32)>>,
}

impl Kept {
    fn new(history: &History, looks: &[Vec<Look<'_>>]) -> Self {
        let mut seen_in: BTreeMap<OperationId, BTreeSet<(u32, u32)>> = BTreeMap::new();
        for (key, looks) in looks.iter().enumerate() {
            for (index, look) in looks.iter().enumerate() {
                let writes = shown(history, KeyId(key as u32), look.value);
                if writes.len() < 2 {
                    continue;
                }
                for write in writes {
                    seen_in
                        .entry(write)
                        .or_default()
                        .insert((key as u32, index as u32));
                }
            }
        }
        Self { seen_in }
    }

    fn are_together(&self, one: OperationId, other: OperationId) -> bool {
        match (self.seen_in.get(&one), self.seen_in.get(&other)) {
            (Some(one), Some(other)) => !one.is_disjoint(other),
            _ => false,
        }
    }
}

/// By key: the acknowledged updates in order of effect, each with that of those up to it which was invoked last.
struct Newest {
    keys: Vec<Vec<(Place, OperationId)>>,
}

impl Newest {
    fn new(history: &History) -> Self {
        let mut keys: Vec<Vec<(Place, OperationId)>> = vec![Vec::new(); history.key_count()];
        for update in history.operations().filter(|o| o.is_update() && o.is_ok()) {
            let effective = history
                .effective_by(update.id)
                .expect("it was acknowledged");
            keys[history.key_id(update.id).0 as usize].push((effective, update.id));
        }
        for key in &mut keys {
            key.sort_unstable();
            for index in 1..key.len() {
                // Ids are in order of invocation.
                key[index].1 = key[index].1.max(key[index - 1].1);
            }
        }
        Self { keys }
    }

    /// An acknowledged update that surely came after the base and before the update.
    fn between(&self, history: &History, one: &ReadModifyWrite) -> Option<OperationId> {
        let key = &self.keys[history.key_id(one.update).0 as usize];
        let began = history.invoked(one.update);
        let before = key.partition_point(|(effective, _)| *effective < began);
        let newest = key[before.checked_sub(1)?].1;
        let is_after = match one.base {
            Base::Beginning => true,
            Base::Write(base) => history.surely_before(base, newest),
        };
        is_after.then_some(newest)
    }
}

/// The operations of two updates that were made from one version: the version's, both reads, and the updates, the other
/// one's last.
pub(super) fn from_one_version(one: ReadModifyWrite, other: ReadModifyWrite) -> Vec<OperationId> {
    let base = match one.base {
        Base::Beginning => None,
        Base::Write(write) => Some(write),
    };
    let before = [base, one.read, other.read, Some(one.update)];
    let mut operations: Vec<OperationId> = before.into_iter().flatten().collect();
    operations.sort_unstable();
    operations.dedup();
    operations.push(other.update);
    operations
}

fn same_base(history: &History, one: ReadModifyWrite, other: ReadModifyWrite) -> Witness {
    let base = match one.base {
        Base::Beginning => "what was there at first".to_owned(),
        Base::Write(write) => the_update(history.operation(write)),
    };
    let (first, second) = (
        history.operation(one.update),
        history.operation(other.update),
    );
    let reason = format!(
        "Both updates were made from the same version ({base}) and both were acknowledged, so one has overwritten the \
         other without having seen it: no-lost-update falls."
    );
    let summary = format!(
        "{} and {} both updated {} from the same version, and one update is lost",
        user(first),
        user(second),
        object(first)
    );
    let operations = from_one_version(one, other);
    told(history, operations, other.update, summary, reason)
}

fn overwritten(history: &History, lost: OperationId, by: ReadModifyWrite) -> Witness {
    let (update, writer) = (history.operation(lost), history.operation(by.update));
    let reason = format!(
        "{} came after what {} was made from, and before it: it was overwritten by somebody who had not seen it: \
         no-lost-update falls.",
        capital(&the_update(update)),
        the_update(writer),
    );
    let summary = format!(
        "{} overwrote {}'s update of {} without having seen it",
        user(writer),
        user(update),
        object(writer)
    );
    let base = match by.base {
        Base::Beginning => None,
        Base::Write(write) => Some(write),
    };
    let mut operations: Vec<OperationId> =
        [base, by.read, Some(lost)].into_iter().flatten().collect();
    operations.sort_unstable();
    operations.dedup();
    operations.push(by.update);
    told(history, operations, by.update, summary, reason)
}

fn told(
    history: &History,
    operations: Vec<OperationId>,
    culprit: OperationId,
    summary: String,
    reason: String,
) -> Witness {
    let mut story: Vec<String> = operations.iter().map(|&id| tell(history, id)).collect();
    story.push(reason);
    let ended = history.operation(culprit).completed.as_ref();
    let at = ended.expect("it was acknowledged").at;
    Witness::new(history, operations, at, summary, story)
}

/// Acknowledged appends that are in no list in the end.
fn of_list(
    question: &Question<'_>,
    appends: &[&Operation],
    looks: &[Look<'_>],
    witnesses: &mut Vec<Witness>,
) -> Result<(), String> {
    let history = question.history;
    let known = appends.iter().filter_map(|it| appended(it)).collect();
    let state = question.contents()?;
    for (replica, look) in state.replicas.iter().zip(looks.iter().filter(at_the_end)) {
        let held = elements(look.value, &known)?;
        let is_there = |it: &&Operation| appended(it).is_some_and(|e| held.contains_key(e));
        let missing = appends
            .iter()
            .copied()
            .filter(|it| it.is_ok() && !is_there(it));
        for lost in missing {
            // What stands there although it did not come before is what took its place.
            let other = appends.iter().copied().filter(is_there);
            let other = other
                .filter(|it| !history.surely_before(it.id, lost.id))
                .map(|it| it.id)
                .next();
            let Some(other) = other else {
                continue;
            };
            let mut story = vec![tell(history, lost.id), tell(history, other)];
            story.push(holds(question.at, &replica.name, &lost.key, look.value));
            story.push(format!(
                "{} was acknowledged and is not there, though {} is: no-lost-update falls.",
                capital(&the_update(lost)),
                the_update(history.operation(other)),
            ));
            let summary = format!(
                "{}'s append to {} is lost: {} is there without it",
                user(lost),
                object(lost),
                quote(appended(history.operation(other)).expect("an append")),
            );
            let operations = vec![other, lost.id];
            witnesses.push(Witness::new(
                history,
                operations,
                question.at,
                summary,
                story,
            ));
        }
    }
    Ok(())
}

/// Additions that are missing from the sum in the end.
fn of_counter(
    question: &Question<'_>,
    additions: &[&Operation],
    looks: &[Look<'_>],
    witnesses: &mut Vec<Witness>,
) -> Result<(), String> {
    let history = question.history;
    let sum = Sum::new(question, additions)?;
    let state = question.contents()?;
    for (replica, look) in state.replicas.iter().zip(looks.iter().filter(at_the_end)) {
        let held = sum.held(look)?;
        if !sum.is_short(held) {
            continue;
        }
        let acknowledged: Vec<OperationId> = additions
            .iter()
            .filter(|it| it.is_ok())
            .map(|it| it.id)
            .collect();
        let told = acknowledged.len().saturating_sub(Sum::TOLD_MAX);
        let mut story: Vec<String> = Vec::new();
        if told > 0 {
            story.push(format!(
                "{told} additions come before these, all acknowledged."
            ));
        }
        story.extend(acknowledged[told..].iter().map(|&id| tell(history, id)));
        let name = &additions[0].key;
        story.push(holds(question.at, &replica.name, name, look.value));
        story.push(format!(
            "The acknowledged additions add up to {}, and {held} is there: at least one was overwritten: no-lost-update \
             falls.",
            sum.acknowledged
        ));
        let summary = format!(
            "{} holds {} = {held}, though acknowledged additions add up to {}",
            shorten(&replica.name),
            shorten(name),
            sum.acknowledged
        );
        let operations = acknowledged[told..].to_vec();
        witnesses.push(Witness::new(
            history,
            operations,
            question.at,
            summary,
            story,
        ));
    }
    Ok(())
}

/// What additions to a key add up to.
pub(super) struct Sum {
    /// The initial value and all that was acknowledged.
    pub(super) acknowledged: i128,
    /// The same and all that may have happened.
    pub(super) possible: i128,
    is_negative: bool,
}

impl Sum {
    const TOLD_MAX: usize = 6;

    /// `Err` where they have both signs, so that one that is missing can't be told from one too many.
    pub(super) fn new(question: &Question<'_>, additions: &[&Operation]) -> Result<Self, String> {
        let initial = match &question.setting.initial {
            None => 0,
            Some(value) => value.as_int().ok_or("the initial value is no number")?,
        };
        let mut sum = Self {
            acknowledged: i128::from(initial),
            possible: i128::from(initial),
            is_negative: false,
        };
        let (mut up, mut down) = (false, false);
        for addition in additions.iter().filter(|it| !it.is_fail()) {
            let Function::Add(amount) = addition.function else {
                continue;
            };
            (up, down) = (up || amount > 0, down || amount < 0);
            sum.possible += i128::from(amount);
            if addition.is_ok() {
                sum.acknowledged += i128::from(amount);
            }
        }
        sum.is_negative = down;
        if up && down {
            return Err(
                "additions have both signs, so that one missing looks like one too many".to_owned(),
            );
        }
        Ok(sum)
    }

    /// What a look at the counter shows.
    pub(super) fn held(&self, look: &Look<'_>) -> Result<i128, String> {
        match look.value {
            None => Ok(0),
            Some(value) => {
                let number = value.as_int().map(i128::from);
                number.ok_or_else(|| format!("{value} is no number"))
            }
        }
    }

    /// Whether less is held than was acknowledged.
    pub(super) fn is_short(&self, held: i128) -> bool {
        match self.is_negative {
            false => held < self.acknowledged,
            true => held > self.acknowledged,
        }
    }
}

pub(super) fn at_the_end(look: &&Look<'_>) -> bool {
    look.read().is_none()
}

/// By key: all updates, in order of invocation.
pub(in crate::checkers) fn updates(history: &History) -> Vec<Vec<&Operation>> {
    let mut updates = vec![Vec::new(); history.key_count()];
    for update in history.operations().filter(|it| it.is_update()) {
        updates[history.key_id(update.id).0 as usize].push(update);
    }
    updates
}

fn appended(operation: &Operation) -> Option<&crate::history::Value> {
    match &operation.function {
        Function::Append(element) => Some(element),
        _ => None,
    }
}
