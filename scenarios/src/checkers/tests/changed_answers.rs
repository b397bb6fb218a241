//! Changed answers: in a legal history of hundreds of operations one answer is replaced, such that a guarantee is broken
//! by definition, and its judge must catch it.

use std::collections::BTreeSet;

use super::replicated_stores::{Delivery, HISTORIES, Kind, Settled, histories, judged, store};
use super::with_answer;
use crate::history::{Function, History, Operation, OperationId, Value};

/// What a change of one read does: the session has written the key before, or has read it before, or has read what
/// depends on a write of it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Lost {
    Own,
    Seen,
    Cause,
}

/// The reads that would break a promise by finding nothing. Nothing is ever deleted.
fn would_lose(history: &History, lost: Lost) -> Vec<OperationId> {
    let all: Vec<&Operation> = history.operations().collect();
    // For each operation the keys that have surely been written for those who know of it.
    let mut known: Vec<BTreeSet<&str>> = Vec::new();
    let mut found = Vec::new();
    for (n, operation) in all.iter().enumerate() {
        let earlier = || {
            all[..n]
                .iter()
                .enumerate()
                .filter(|(_, it)| it.session == operation.session)
        };
        let of_key = |it: &Operation| it.key == operation.key;
        let is_lost = match lost {
            Lost::Own => earlier().any(|(_, it)| it.is_update() && of_key(it)),
            Lost::Seen => earlier().any(|(_, it)| it.returned().is_some() && of_key(it)),
            Lost::Cause => earlier().any(|(m, it)| {
                it.returned().is_some() && !of_key(it) && known[m].contains(&*operation.key)
            }),
        };
        if is_lost && !operation.is_update() && operation.returned().is_some() {
            found.push(operation.id);
        }
        let mut now: BTreeSet<&str> = earlier()
            .flat_map(|(m, _)| known[m].iter().copied())
            .collect();
        let source = operation.returned().and_then(|value| {
            let is_source = |it: &&Operation| it.is_update() && it.written() == Some(value);
            all.iter().position(is_source)
        });
        now.extend(source.into_iter().flat_map(|m| known[m].iter().copied()));
        if operation.is_update() {
            now.insert(&operation.key);
        }
        known.push(now);
    }
    found
}

/// In each history one of these reads finds nothing; then each of these guarantees falls.
fn a_lost_value_breaks(lost: Lost, guarantees: &[&str]) {
    let mut changed = 0;
    for kind in [
        store(Delivery::AtOnce, Settled::ByCommit),
        store(Delivery::InLogOrder, Settled::ByCommit),
    ] {
        for history in histories(kind) {
            let reads = would_lose(&history, lost);
            if let Some(&read) = reads.get(reads.len() / 2) {
                let broken = with_answer(&history, read, None);
                for guarantee in guarantees {
                    let found = judged(guarantee, &broken);
                    assert_eq!(
                        found,
                        Some(false),
                        "{guarantee} without {read:?} of {kind:?}"
                    );
                }
                changed += 1;
            }
        }
    }
    assert!(changed > HISTORIES, "{changed}");
}

#[test]
fn who_loses_ones_own_write_is_caught() {
    a_lost_value_breaks(
        Lost::Own,
        &[
            "read-your-writes",
            "read-your-writes-in-real-time",
            "pram",
            "pram-per-process",
            "cc",
            "cm",
            "ccv",
            "sequential",
            "linearizable",
        ],
    );
}

#[test]
fn who_loses_what_was_seen_is_caught() {
    a_lost_value_breaks(
        Lost::Seen,
        &[
            "monotonic-reads",
            "monotonic-reads-in-real-time",
            "pram",
            "pram-per-process",
            "consistent-prefix",
            "cc",
            "cm",
            "ccv",
            "sequential",
            "linearizable",
        ],
    );
}

#[test]
fn who_sees_an_effect_without_its_cause_is_caught() {
    a_lost_value_breaks(
        Lost::Cause,
        &[
            "consistent-prefix",
            "cc",
            "cm",
            "ccv",
            "sequential",
            "linearizable",
        ],
    );
}

/// Two appends that must stand in this order are shown in the other one.
fn swapped(history: &History, must_follow: impl Fn(&Value, &Value) -> bool) -> Option<History> {
    history.operations().find_map(|read| {
        let list = read.returned()?.as_list()?;
        let (first, second) = (0..list.len())
            .flat_map(|first| (first + 1..list.len()).map(move |second| (first, second)))
            .find(|&(first, second)| must_follow(&list[first], &list[second]))?;
        let mut other = list.to_vec();
        other.swap(first, second);
        Some(with_answer(
            history,
            read.id,
            Some(&Value::List(other.into())),
        ))
    })
}

#[test]
fn appends_that_are_shown_in_the_wrong_order_are_caught() {
    let kind = Kind {
        is_list: true,
        forgets: true,
        ..store(Delivery::Anyhow, Settled::ByCommit)
    };
    for history in histories(kind) {
        for guarantee in ["monotonic-writes", "writes-follow-reads"] {
            assert_eq!(judged(guarantee, &history), Some(true), "{guarantee}");
        }
        let appended = |value: &Value| {
            let is_it = |it: &&Operation| it.function == Function::Append(value.clone());
            history
                .operations()
                .find(is_it)
                .expect("somebody appended it")
        };
        let by_one_session = swapped(&history, |first, second| {
            appended(first).session == appended(second).session
        });
        let by_one_session = by_one_session.expect("two of one session");
        assert_eq!(judged("monotonic-writes", &by_one_session), Some(false));
        let after_a_read = swapped(&history, |first, second| {
            let answer = appended(second);
            history.operations().any(|read| {
                let found = read.returned().and_then(Value::as_list);
                read.session == answer.session
                    && read.id < answer.id
                    && found.is_some_and(|found| found.contains(first))
            })
        });
        let after_a_read = after_a_read.expect("an answer to what was read");
        assert_eq!(judged("writes-follow-reads", &after_a_read), Some(false));
    }
}
