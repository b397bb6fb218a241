//! Stores of several replicas that keep one promise by construction and break another: the judges must pass the one and
//! catch the other, in histories of hundreds of operations.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::registers::Reads;
use super::{asked, setting_of};
use crate::checkers::{Finding, find};
use crate::history::History;

const SESSIONS: usize = 4;
const KEYS: usize = 6;
/// As many histories of each store.
pub(super) const HISTORIES: usize = 24;

/// How an update comes to the replica of another session.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Delivery {
    /// It is everywhere at once.
    AtOnce,
    /// In the order of one log. Who writes has caught up.
    InLogOrder,
    /// After all that its session knew of.
    Causally,
    /// After what its session wrote before.
    InSessionOrder,
    /// In any order.
    Anyhow,
}

/// Which of two updates is the later one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Settled {
    /// Which was written later.
    ByCommit,
    /// Whatever a replica got last.
    ByArrival,
    /// One order of all, which keeps only that of each session.
    AfterOnesOwn,
    /// One order of all, which puts an update after all that its session had read.
    AfterWhatWasRead,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
    pub(super) delivery: Delivery,
    pub(super) settled: Settled,
    /// Whether a session's updates are at its replica at once.
    pub(super) sees_own: bool,
    /// Whether a read finds only some of what others wrote, each time anew.
    pub(super) forgets: bool,
    /// Whether keys are lists that are appended to.
    pub(super) is_list: bool,
}

/// Each session has a replica of its own, which shows it its own updates and forgets nothing.
pub(super) const fn store(delivery: Delivery, settled: Settled) -> Kind {
    Kind {
        delivery,
        settled,
        sees_own: true,
        forgets: false,
        is_list: false,
    }
}

struct Update {
    session: usize,
    key: usize,
    /// Where it stands in the order of all.
    rank: usize,
    /// What its session knew of.
    after: BTreeSet<usize>,
}

struct Store {
    kind: Kind,
    reads: Reads,
    updates: Vec<Update>,
    /// What each replica has, in the order of its arrival.
    held: [Vec<usize>; SESSIONS],
    /// The highest rank that a session has written, or read.
    rank: [usize; SESSIONS],
}

type Draw = (u8, u8, u8);

impl Store {
    fn run(kind: Kind, draws: &[Draw]) -> History {
        let mut store = Self {
            kind,
            reads: Reads::new(),
            updates: Vec::new(),
            held: Default::default(),
            rank: [0; SESSIONS],
        };
        for &(what, session, which) in draws {
            let session = usize::from(session) % SESSIONS;
            match what % 8 {
                0..=2 => store.write(session, which),
                3..=5 => store.read(session, which),
                _ => store.deliver(session, which),
            }
        }
        store.reads.history()
    }

    fn write(&mut self, session: usize, which: u8) {
        if self.kind.delivery == Delivery::InLogOrder {
            self.held[session] = (0..self.updates.len()).collect();
        }
        let update = self.updates.len();
        let key = usize::from(which) % KEYS;
        let rank = match self.kind.settled {
            Settled::ByCommit | Settled::ByArrival => update,
            Settled::AfterOnesOwn | Settled::AfterWhatWasRead => {
                self.rank[session] + 1 + usize::from(which)
            }
        };
        if self.kind.settled == Settled::AfterOnesOwn {
            self.rank[session] = rank;
        }
        let own = (0..update).filter(|&it| self.updates[it].session == session);
        let after = own.chain(self.held[session].iter().copied()).collect();
        self.updates.push(Update {
            session,
            key,
            rank,
            after,
        });
        for (replica, held) in self.held.iter_mut().enumerate() {
            let is_own = replica == session && self.kind.sees_own;
            if is_own || self.kind.delivery == Delivery::AtOnce {
                held.push(update);
            }
        }
        let (name, value) = (format!("k{key}"), update.to_string());
        let reads = std::mem::take(&mut self.reads);
        self.reads = match self.kind.is_list {
            true => reads.append(session as u32, &name, &value),
            false => reads.write(session as u32, &name, &value),
        };
    }

    fn read(&mut self, session: usize, which: u8) {
        let key = usize::from(which) % KEYS;
        let draw = usize::from(which) / KEYS;
        let is_shown = |update: &usize| {
            let it = &self.updates[*update];
            let is_own = it.session == session && self.kind.sees_own;
            let is_forgotten = self.kind.forgets && (update * 31 + draw) % 5 < 2;
            it.key == key && (is_own || !is_forgotten)
        };
        let mut shown: Vec<usize> = self.held[session]
            .iter()
            .copied()
            .filter(is_shown)
            .collect();
        if self.kind.settled != Settled::ByArrival {
            shown.sort_unstable_by_key(|&update| (self.updates[update].rank, update));
        }
        if self.kind.settled == Settled::AfterWhatWasRead {
            let highest = shown.last().map_or(0, |&update| self.updates[update].rank);
            self.rank[session] = self.rank[session].max(highest);
        }
        let reads = std::mem::take(&mut self.reads);
        let (name, session) = (&format!("k{key}"), session as u32);
        self.reads = match shown.last() {
            None => reads.reads_nothing(session, name),
            Some(last) if !self.kind.is_list => reads.read(session, name, &last.to_string()),
            Some(_) => {
                let elements: Vec<String> = shown.iter().map(usize::to_string).collect();
                reads.reads_list(session, name, &elements)
            }
        };
    }

    /// An update or two come to a replica. That is less than is written, so that replicas fall behind.
    fn deliver(&mut self, session: usize, which: u8) {
        for _ in 0..=which % 2 {
            let held: BTreeSet<usize> = self.held[session].iter().copied().collect();
            let may_come = |update: &usize| {
                let it = &self.updates[*update];
                let mut earlier = 0..*update;
                !held.contains(update)
                    && match self.kind.delivery {
                        Delivery::AtOnce | Delivery::Anyhow => true,
                        Delivery::InLogOrder => earlier.all(|it| held.contains(&it)),
                        Delivery::Causally => it.after.is_subset(&held),
                        Delivery::InSessionOrder => earlier.all(|other| {
                            self.updates[other].session != it.session || held.contains(&other)
                        }),
                    }
            };
            let next: Vec<usize> = (0..self.updates.len()).filter(may_come).collect();
            if next.is_empty() {
                return;
            }
            self.held[session].push(next[usize::from(which / 2) % next.len()]);
        }
    }
}

/// Histories of this store, each of some hundred operations.
pub(super) fn histories(kind: Kind) -> Vec<History> {
    let draws = prop::collection::vec(any::<Draw>(), 250..500);
    let mut runner = TestRunner::deterministic();
    let drawn = std::iter::repeat_with(|| {
        let draws = draws.new_tree(&mut runner).expect("nothing is filtered");
        Store::run(kind, &draws.current())
    });
    drawn.take(HISTORIES).collect()
}

/// Whether a guarantee holds, where its judge can tell.
pub(super) fn judged(guarantee: &str, history: &History) -> Option<bool> {
    let judge = find(guarantee).expect("a guarantee of the catalog");
    let ruling = judge.judge(&asked(history, &setting_of(history)));
    match ruling.expect("registers and lists are known").finding {
        Finding::Holds => Some(true),
        Finding::Violated { .. } => Some(false),
        Finding::Undecided(_) => None,
    }
}

/// The store keeps some guarantees in each history, and breaks others in one of them at least.
fn keeps_and_breaks(kind: Kind, keeps: &[&str], breaks: &[&str]) {
    let histories = histories(kind);
    for guarantee in keeps {
        for history in &histories {
            let lines = || history.json_lines().collect::<Vec<_>>().join("\n");
            let found = judged(guarantee, history);
            assert_eq!(found, Some(true), "{guarantee} of {kind:?}: {}", lines());
        }
    }
    for guarantee in breaks {
        let falls = |history: &History| judged(guarantee, history) == Some(false);
        assert!(histories.iter().any(falls), "{guarantee} of {kind:?}");
    }
}

const WEAKER_THAN_SEQUENTIAL: [&str; 10] = [
    "read-your-writes",
    "monotonic-reads",
    "monotonic-writes",
    "writes-follow-reads",
    "pram",
    "pram-per-process",
    "consistent-prefix",
    "cc",
    "cm",
    "ccv",
];

#[test]
fn one_copy_keeps_every_guarantee() {
    let kind = store(Delivery::AtOnce, Settled::ByCommit);
    keeps_and_breaks(kind, &WEAKER_THAN_SEQUENTIAL, &[]);
    let stronger = [
        "sequential",
        "linearizable",
        "read-your-writes-in-real-time",
        "monotonic-reads-in-real-time",
    ];
    keeps_and_breaks(kind, &stronger, &[]);
}

#[test]
fn replicas_that_apply_one_log_and_catch_up_to_write_are_sequential_and_late() {
    let kind = store(Delivery::InLogOrder, Settled::ByCommit);
    keeps_and_breaks(kind, &WEAKER_THAN_SEQUENTIAL, &["linearizable"]);
    let own_in_order = [
        "sequential",
        "read-your-writes-in-real-time",
        "monotonic-reads-in-real-time",
    ];
    keeps_and_breaks(kind, &own_in_order, &[]);
}

#[test]
fn causal_delivery_and_one_order_keep_causal_convergence_and_no_causal_memory() {
    let keeps = [
        "ccv",
        "cc",
        "consistent-prefix",
        "pram",
        "read-your-writes",
        "monotonic-reads",
        "monotonic-writes",
        "writes-follow-reads",
    ];
    let kind = store(Delivery::Causally, Settled::ByCommit);
    keeps_and_breaks(kind, &keeps, &["cm", "sequential", "linearizable"]);
}

#[test]
fn causal_delivery_and_the_order_of_arrival_keep_causal_memory_and_do_not_converge() {
    let keeps = [
        "cm",
        "cc",
        "pram-per-process",
        "consistent-prefix",
        "monotonic-writes",
        "writes-follow-reads",
    ];
    let kind = store(Delivery::Causally, Settled::ByArrival);
    keeps_and_breaks(kind, &keeps, &["ccv", "sequential", "linearizable"]);
}

#[test]
fn delivery_in_session_order_and_one_order_keep_pram_and_show_effects_without_causes() {
    let keeps = [
        "pram",
        "read-your-writes",
        "monotonic-reads",
        "monotonic-writes",
    ];
    let kind = store(Delivery::InSessionOrder, Settled::ByCommit);
    keeps_and_breaks(kind, &keeps, &["consistent-prefix", "cc", "cm", "ccv"]);
}

#[test]
fn delivery_in_session_order_and_the_order_of_arrival_keep_pram_per_process() {
    let kind = store(Delivery::InSessionOrder, Settled::ByArrival);
    keeps_and_breaks(kind, &["pram-per-process"], &["pram", "cc"]);
}

#[test]
fn delivery_in_any_order_breaks_pram_of_both_kinds() {
    let one_order = store(Delivery::Anyhow, Settled::ByCommit);
    keeps_and_breaks(
        one_order,
        &["read-your-writes", "monotonic-reads"],
        &["pram", "consistent-prefix"],
    );
    let by_arrival = store(Delivery::Anyhow, Settled::ByArrival);
    keeps_and_breaks(by_arrival, &[], &["pram-per-process", "pram", "cc"]);
}

#[test]
fn a_store_that_forgets_what_others_wrote_keeps_read_your_writes_and_no_monotonic_reads() {
    let kind = Kind {
        forgets: true,
        ..store(Delivery::AtOnce, Settled::ByCommit)
    };
    let breaks = ["monotonic-reads", "monotonic-reads-in-real-time", "pram"];
    keeps_and_breaks(kind, &["read-your-writes"], &breaks);
}

#[test]
fn a_store_that_shows_ones_own_writes_late_keeps_monotonic_reads_and_no_read_your_writes() {
    let kind = Kind {
        sees_own: false,
        ..store(Delivery::Anyhow, Settled::ByCommit)
    };
    let breaks = ["read-your-writes", "read-your-writes-in-real-time", "pram"];
    keeps_and_breaks(kind, &["monotonic-reads"], &breaks);
    let causal = Kind {
        delivery: Delivery::Causally,
        ..kind
    };
    keeps_and_breaks(causal, &["consistent-prefix", "monotonic-reads"], &breaks);
}

#[test]
fn lists_in_an_order_that_keeps_sessions_keep_monotonic_writes_and_no_writes_follow_reads() {
    let kind = Kind {
        is_list: true,
        forgets: true,
        ..store(Delivery::Anyhow, Settled::AfterOnesOwn)
    };
    keeps_and_breaks(kind, &["monotonic-writes"], &["writes-follow-reads"]);
}

#[test]
fn lists_in_an_order_that_keeps_what_was_read_keep_writes_follow_reads_and_no_monotonic_writes() {
    let kind = Kind {
        is_list: true,
        forgets: true,
        sees_own: false,
        ..store(Delivery::Anyhow, Settled::AfterWhatWasRead)
    };
    keeps_and_breaks(kind, &["writes-follow-reads"], &["monotonic-writes"]);
}
