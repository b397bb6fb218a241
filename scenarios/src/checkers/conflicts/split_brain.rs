//! **No split brain**: at no time do two replicas accept what can't both stand.
//!
//! In a store with one leader at a time, whoever acknowledges an update rules over it. Two replicas that both do are no
//! harm by themselves (one may have handed over to the other). They are two brains when
//! - both acknowledged a [read-modify-write](super::lost_update) made from the same version, and neither surely came
//!   first: a leader that knew of the one would have refused the other; or
//! - one acknowledged an update, the other afterwards acknowledged an update of its own, and then answered a read of the
//!   first update's key with something that was surely there before it: it goes on ruling, without what the other had
//!   accepted.
//!
//! By the history alone, by the names of the replicas that answered. It is taken that who acknowledges is who accepted:
//! don't ask it of a store whose replicas forward updates, or accept them together (multi-leader, leaderless). Not judged
//! where the history names no replicas. O(n log n × replicas).

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::history::{Function, History, HistoryEvent, KeyId, OperationId, Place, Source};

use super::super::story::{between, capital, object, shorten, tell, the_update, user};
use super::super::{NullRead, Question, Ruling, Unsupported, Witness};
use super::lost_update::{Base, ReadModifyWrite, from_one_version, read_modify_writes};
use super::objects::kinds;
use super::why_no_reads_name_writes;

/// See the [module](self).
pub(in crate::checkers) fn check(question: &Question<'_>) -> Result<Ruling, Unsupported> {
    let history = question.history;
    let acknowledged = history
        .operations()
        .filter(|it| it.is_update() && it.is_ok());
    let mut names: Vec<&Arc<str>> = acknowledged
        .clone()
        .filter_map(|it| it.completed.as_ref()?.replica.as_ref())
        .collect();
    names.sort_unstable();
    names.dedup();
    let reason = match acknowledged.count() {
        0 => Some("no update was acknowledged".to_owned()),
        _ if names.is_empty() => {
            Some("the history does not say which replicas answered".to_owned())
        }
        _ => why_no_reads_name_writes(question),
    };
    if let Some(reason) = reason {
        return Ok(Ruling::undecided(reason));
    }
    let mut witnesses = both_accepted(question);
    witnesses.extend(goes_on_ruling(question, &names));
    witnesses.sort_by_key(|witness| witness.at);
    Ok(Ruling::from_witnesses(witnesses, 0))
}

fn replica_of(history: &History, id: OperationId) -> Option<&Arc<str>> {
    history.operation(id).completed.as_ref()?.replica.as_ref()
}

/// Read-modify-writes from one version that two replicas accepted.
fn both_accepted(question: &Question<'_>) -> Vec<Witness> {
    let history = question.history;
    let mut firsts: BTreeMap<(KeyId, Base), Vec<ReadModifyWrite>> = BTreeMap::new();
    let mut witnesses = Vec::new();
    for one in read_modify_writes(question, &kinds(history)) {
        let from = firsts
            .entry((history.key_id(one.update), one.base))
            .or_default();
        let other = from.iter().find(|other| {
            let replicas = replica_of(history, one.update).zip(replica_of(history, other.update));
            replicas.is_some_and(|(a, b)| a != b)
                && !history.surely_before(other.update, one.update)
        });
        witnesses.extend(other.map(|other| two_accepted(history, *other, one)));
        from.push(one);
    }
    witnesses
}

fn two_accepted(history: &History, one: ReadModifyWrite, other: ReadModifyWrite) -> Witness {
    let operations = from_one_version(one, other);
    let mut story: Vec<String> = operations.iter().map(|&id| tell(history, id)).collect();
    let name = |it: ReadModifyWrite| {
        shorten(replica_of(history, it.update).expect("only those with a name are compared"))
    };
    story.push(format!(
        "{} and {} accepted two updates that were made from the same version, at once: a leader that knew of both would \
         have refused one: no-split-brain falls.",
        name(one),
        name(other)
    ));
    let update = history.operation(other.update);
    let summary = format!(
        "{} and {} both accepted an update of {} from the same version",
        name(one),
        name(other),
        object(update)
    );
    let at = update.completed.as_ref().expect("it was acknowledged").at;
    Witness::new(history, operations, at, summary, story)
}

/// An update that one replica acknowledged.
#[derive(Clone, Copy, Debug)]
struct Accepted {
    effective: Place,
    /// Of those of this replica and key up to this one, the one that was invoked last.
    newest: OperationId,
}

/// Reads at a replica that goes on accepting updates without what another had accepted.
fn goes_on_ruling(question: &Question<'_>, names: &[&Arc<str>]) -> Vec<Witness> {
    let history = question.history;
    let number = |id| replica_of(history, id).and_then(|it| names.binary_search(&it).ok());
    let mut accepted: BTreeMap<(KeyId, usize), Vec<Accepted>> = BTreeMap::new();
    let mut deleted = vec![false; history.key_count()];
    // By replica: of its updates that had been acknowledged so far, the one that was invoked last.
    let mut own: Vec<Option<OperationId>> = vec![None; names.len()];
    // By read under way: the same, as it began.
    let mut open: BTreeMap<OperationId, Vec<Option<OperationId>>> = BTreeMap::new();
    let mut witnesses = Vec::new();
    for place in (0..history.len() as u32).map(Place) {
        match history.event(place) {
            Some(HistoryEvent::Invoke(id)) => {
                let operation = history.operation(id);
                deleted[history.key_id(id).0 as usize] |= operation.function == Function::Delete;
                if operation.function == Function::Read {
                    open.insert(id, own.clone());
                }
            }
            Some(HistoryEvent::Complete(id)) => {
                let operation = history.operation(id);
                let by_now = open.remove(&id);
                let Some(replica) = number(id).filter(|_| operation.is_ok()) else {
                    continue;
                };
                let key = history.key_id(id);
                if operation.is_update() {
                    own[replica] = own[replica].max(Some(id));
                    let list = accepted.entry((key, replica)).or_default();
                    let newest = list.last().map_or(id, |last| last.newest.max(id));
                    list.push(Accepted {
                        effective: place,
                        newest,
                    });
                } else if let Some(ruled) = by_now.and_then(|own| own[replica]) {
                    let read = Read {
                        read: id,
                        shows: match history.source(id) {
                            Some(Source::Write(write)) => Some(write),
                            Some(Source::Absent)
                                if !deleted[key.0 as usize]
                                    && question.setting.null_read == NullRead::Initial =>
                            {
                                None
                            }
                            _ => continue,
                        },
                        ruled,
                    };
                    let others = (0..names.len()).filter(|other| *other != replica);
                    let missed = others
                        .filter_map(|other| accepted.get(&(key, other)))
                        .find_map(|list| read.missed(history, list));
                    witnesses.extend(missed.map(|missed| rules_on(history, &read, missed)));
                }
            }
            None => {}
        }
    }
    witnesses
}

/// A read at a replica that rules.
struct Read {
    read: OperationId,
    /// What it showed; `None`: what was there at first.
    shows: Option<OperationId>,
    /// The replica's own update, acknowledged before the read began.
    ruled: OperationId,
}

impl Read {
    /// What another replica had accepted before this one's own update was invoked, and what was surely newer than what
    /// the read showed.
    fn missed(&self, history: &History, accepted: &[Accepted]) -> Option<OperationId> {
        let began = history.invoked(self.ruled);
        let before = accepted.partition_point(|it| it.effective < began);
        let newest = accepted[before.checked_sub(1)?].newest;
        let is_newer = self
            .shows
            .is_none_or(|shows| history.surely_before(shows, newest));
        is_newer.then_some(newest)
    }
}

fn rules_on(history: &History, read: &Read, missed: OperationId) -> Witness {
    let mut operations: Vec<OperationId> = [read.shows, Some(missed), Some(read.ruled)]
        .into_iter()
        .flatten()
        .collect();
    operations.sort_unstable();
    operations.dedup();
    operations.push(read.read);
    let mut story: Vec<String> = operations.iter().map(|&id| tell(history, id)).collect();
    let (update, own) = (history.operation(missed), history.operation(read.ruled));
    let name = |id| shorten(replica_of(history, id).expect("only those with a name are compared"));
    let (here, there) = (name(read.read), name(missed));
    let acknowledged = update.completed.as_ref().expect("it was acknowledged").at;
    story.push(format!(
        "{} was acknowledged by {there}. {} later {here} accepted {} and then answered without it: both rule: \
         no-split-brain falls.",
        capital(&the_update(update)),
        capital(&between(acknowledged, own.invoked_at)),
        the_update(own),
    ));
    let reader = history.operation(read.read);
    let summary = format!(
        "{here} accepts updates and does not know of {}'s update of {}, which {there} accepted",
        user(update),
        object(update)
    );
    let at = reader.completed.as_ref().expect("the read has ended").at;
    Witness::new(history, operations, at, summary, story)
}
