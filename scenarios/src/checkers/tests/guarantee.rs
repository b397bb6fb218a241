//! The lattice: verdicts of all judges never contradict it, and it holds no more than is true.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::registers::{small, small_history};
use super::{asked, setting_of};
use crate::checkers::guarantee::{self, LATTICE, Standing, implies};
use crate::checkers::{CATALOG, Finding, Order, Setting, find};
use crate::history::History;

/// What each judge says by itself: whether the guarantee holds, where it can tell.
fn verdicts(history: &History) -> Vec<(&'static str, Option<bool>)> {
    let setting = setting_of(history);
    let question = asked(history, &setting);
    let judges = CATALOG.iter().filter(|entry| !entry.sees_contents());
    let ruled = judges.map(|entry| {
        let ruling = entry.judge(&question).expect("registers are known");
        (entry.name, holds(&ruling.finding))
    });
    ruled.collect()
}

const fn holds(finding: &Finding) -> Option<bool> {
    match finding {
        Finding::Holds => Some(true),
        Finding::Violated { .. } => Some(false),
        Finding::Undecided(_) => None,
    }
}

fn standings(history: &History, setting: &Setting) -> Vec<Standing> {
    guarantee::ladder(&asked(history, setting)).expect("registers are known")
}

#[test]
fn the_lattice_names_guarantees_of_the_catalog_and_has_no_circle() {
    for implication in LATTICE {
        for name in [implication.stronger, implication.weaker] {
            assert!(find(name).is_some(), "{name}");
        }
        assert!(!implies(implication.weaker, implication.stronger));
        let around = LATTICE.iter().any(|first| {
            first.stronger == implication.stronger
                && first.weaker != implication.weaker
                && implies(first.weaker, implication.weaker)
        });
        assert!(!around, "{implication:?} follows from others");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn no_verdict_contradicts_the_lattice(history in small_history(7)) {
        let found = verdicts(&history);
        for (stronger, above) in &found {
            for (weaker, below) in &found {
                let contradicts = *above == Some(true) && *below == Some(false);
                let message = format!("{stronger} holds and {weaker} falls");
                prop_assert!(!(contradicts && implies(stronger, weaker)), "{}", message);
            }
        }
    }

    #[test]
    fn the_ladder_says_what_its_judges_say(history in small_history(6)) {
        let alone = verdicts(&history);
        for standing in standings(&history, &Setting::default()) {
            let mut own = alone.iter().filter(|(name, _)| *name == standing.guarantee.name);
            let own = own.next().expect("the same judges").1;
            prop_assert!(own.is_none() || own == holds(&standing.finding));
            prop_assert_eq!(standing.by.is_some(), own.is_none() && holds(&standing.finding).is_some());
        }
    }
}

/// Histories that tell guarantees apart.
fn examples() -> Vec<History> {
    let all = [
        // Figures 2a to 2c of Bouajjani et al.
        small("w0 x=1, r0 x=2, w1 x=2, r1 x=1"),
        small("w0 z=1, w0 x=1, w0 y=1, w1 x=2, r1 z, r1 y=1, r1 x=2"),
        small("w0 x=1, w1 x=2, r1 x=1, r1 x=2"),
        // Both read what the other has not written yet.
        small("r0 x=2, w0 y=1, r1 y=1, w1 x=2"),
        small("w0 x=1, r0 x"),
        small("w0 x=1, r1 x=1, r1 x"),
        // The question after the answer.
        small("w0 x=1, r1 x=1, w1 y=2, r2 y=2, r2 x"),
        small("w0 x=1, w0 y=2, r1 y=2, r1 x"),
        // Each has written and sees only that: not sequential.
        small("w0 x=1, r0 y, w1 y=1, r1 x"),
        // Legal in some order, but not in that of real time.
        small("w0 x=1, r1 x"),
        small("r0 x=1, w1 x=1"),
        small("w0 x=1, r1 x=1"),
        // One's own write, hidden by an older one of somebody else.
        small("w1 x=1, w0 x=2, r0 x=1"),
        small("w0 x=1, w1 x=2, r2 x=2, r2 x=1"),
        // A session sees the other's second write of x, its write of y and then, in its own order, the first.
        small("w0 x=w, r2 x=w, r2 z, w1 z=u, w1 x=v, w1 y=t, r2 z=u, r2 y=t, r2 x=w"),
        // Two readers see two concurrent writes in different orders.
        small("w0 x=1, w1 x=2, r2 x=1, r2 x=2, r3 x=2, r3 x=1"),
        // A list shows the answer before the question, and only `writes-follow-reads` minds.
        small("a0 x=question, r1 x=[question], a1 x=answer, r2 x=[answer question]"),
    ];
    all.into()
}

/// The ladder. What goes by real time alone, and staleness, stands beside it.
const APART: [&str; 12] = [
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
    "sequential",
    "linearizable",
];

#[test]
fn whatever_the_lattice_leaves_out_is_false_of_some_history() {
    let mut told_apart: BTreeSet<(&str, &str)> = BTreeSet::new();
    let mut runner = TestRunner::deterministic();
    let drawn = (0..4_000).map(|_| {
        let tree = small_history(7).new_tree(&mut runner);
        tree.expect("nothing is filtered").current()
    });
    for history in examples().into_iter().chain(drawn) {
        let found = verdicts(&history);
        let held = found.iter().filter(|(_, held)| *held == Some(true));
        for (stronger, _) in held {
            let fell = found.iter().filter(|(_, held)| *held == Some(false));
            told_apart.extend(fell.map(|(weaker, _)| (*stronger, *weaker)));
        }
    }
    let mut missing = Vec::new();
    for stronger in APART {
        // No history of registers contradicts it, as its chapter says.
        for weaker in APART.into_iter().filter(|it| *it != "monotonic-writes") {
            if !implies(stronger, weaker) && !told_apart.contains(&(stronger, weaker)) {
                missing.push((stronger, weaker));
            }
        }
    }
    assert_eq!(missing, []);
}

#[test]
fn what_one_judge_proves_decides_for_another_that_ran_out_of_budget() {
    let own_write_lost = small("w0 x=1, r0 x");
    let mut setting = Setting {
        order: Order::Session,
        ..Setting::default()
    };
    setting.budget.bytes = 4;
    let ccv = standings(&own_write_lost, &setting)
        .into_iter()
        .find(|it| it.guarantee.name == "ccv")
        .expect("it is in the catalog");
    assert_eq!(holds(&ccv.finding), Some(false));
    let by = ccv.by.expect("its own judge had no room");
    assert_eq!((by.stronger, by.weaker), ("ccv", "pram"));
}

#[test]
fn the_lattice_is_printed_with_its_reasons() {
    let text = guarantee::print_lattice();
    for implication in LATTICE.iter().filter(|it| find(it.stronger).is_some()) {
        assert!(text.contains(implication.because), "{implication:?}");
    }
}
