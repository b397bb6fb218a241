//! Causal consistency: the figures of the paper that defines it, and all orders of small histories by definition.

use std::sync::OnceLock;

use proptest::prelude::*;

use super::registers::{repetitive_history, small, small_history};
use super::{asked, finding, holds};
use crate::checkers::causal::{cc, ccv, cm};
use crate::checkers::{Check, Finding, Setting};
use crate::history::sketch::{Sketch, write};
use crate::history::{Function, History, Operation};

/// The pattern that a judge names, or nothing where the guarantee holds.
fn pattern(check: Check, history: &History) -> Option<String> {
    match finding(check, history) {
        Finding::Holds => None,
        Finding::Violated { first, .. } => {
            let (pattern, _) = first.summary.split_once(':').expect("a pattern is named");
            Some(pattern.to_owned())
        }
        Finding::Undecided(reason) => panic!("undecided: {reason}"),
    }
}

fn patterns(history: &History) -> [Option<String>; 3] {
    [cc::check, cm::check, ccv::check].map(|check| pattern(check, history))
}

fn some(pattern: &str) -> Option<String> {
    Some(pattern.to_owned())
}

#[test]
fn figure_2a_is_causal_memory_and_not_causal_convergence() {
    let history = small("w0 x=1, r0 x=2, w1 x=2, r1 x=1");
    assert_eq!(patterns(&history), [None, None, some("CyclicCF")]);
}

#[test]
fn figure_2b_is_causal_convergence_and_not_causal_memory() {
    let history = small("w0 z=1, w0 x=1, w0 y=1, w1 x=2, r1 z, r1 y=1, r1 x=2");
    assert_eq!(patterns(&history), [None, some("WriteHBInitRead"), None]);
}

#[test]
fn figure_2c_is_causally_consistent_and_no_more() {
    let history = small("w0 x=1, w1 x=2, r1 x=1, r1 x=2");
    let expected = [None, some("CyclicHB"), some("CyclicCF")];
    assert_eq!(patterns(&history), expected);
}

#[test]
fn each_pattern_of_causal_consistency_is_named() {
    let stale = small("w0 x=1, w0 x=2, r1 x=2, r1 x=1");
    let effect_without_cause =
        small("w0 x=question, r1 x=question, w1 y=answer, r2 y=answer, r2 x");
    let circle = small("r0 x=2, w0 y=1, r1 y=1, w1 x=2");
    let thin_air = small("r0 x=1");
    for (history, expected, operations) in [
        (stale, "WriteCORead", 4_usize),
        (effect_without_cause, "WriteCOInitRead", 5),
        (circle, "CyclicCO", 4),
        (thin_air, "ThinAirRead", 1),
    ] {
        for check in [cc::check, cm::check, ccv::check] {
            assert_eq!(pattern(check, &history), some(expected));
        }
        let Finding::Violated { first, .. } = finding(cc::check, &history) else {
            panic!("{expected} is a violation");
        };
        assert_eq!(first.operations.len(), operations, "{}", first.summary);
    }
}

#[test]
fn a_failed_write_never_happened_and_an_unknown_one_may_have() {
    for (is_fail, expected) in [(true, some("ThinAirRead")), (false, None)] {
        let mut s = Sketch::new();
        let write = s.begin(0, write("a"));
        if is_fail {
            s.fail(write);
        } else {
            s.info(write);
        }
        s.reads(1, Some("a"));
        // What has an unknown outcome may take effect later than what its session does next.
        s.reads(0, None);
        assert_eq!(pattern(cc::check, &s.history), expected);
    }
}

#[test]
fn any_delete_may_be_why_a_read_finds_nothing() {
    let deleted = |by_whom: u32| small(&format!("w0 x=1, r1 x=1, d{by_whom} x, r1 x, r1 x=1"));
    // Another session's delete may be concurrent with the write: seen in between, gone again.
    assert_eq!(pattern(cc::check, &deleted(2)), None);
    assert_eq!(pattern(ccv::check, &deleted(2)), some("CyclicCF"));
    // One's own delete comes after what one has read.
    assert_eq!(pattern(cc::check, &deleted(1)), some("WriteCORead"));
}

#[test]
fn whatever_was_written_twice_is_tried_both_ways() {
    let twice = |last: &str| small(&format!("w0 x=1, w0 x=2, w1 x=1, r2 x=2, r2 x={last}"));
    assert_eq!(pattern(ccv::check, &twice("1")), None);
    let again = small("w0 x=1, w0 x=2, w0 x=1, r1 x=1, r1 x=2, r1 x=1");
    assert_eq!(pattern(ccv::check, &again), None);
    let never = small("w0 x=1, w0 x=1, w0 x=2, r1 x=2, r1 x=1");
    let Finding::Violated { first, .. } = finding(cc::check, &never) else {
        panic!("neither write explains the last read");
    };
    let last = first.story.last().expect("a story");
    assert!(last.starts_with("Whichever updates"), "{last}");
}

#[test]
fn past_the_budget_nothing_is_decided() {
    let history = small("w0 x=1, r1 x=1");
    let mut setting = Setting::default();
    setting.budget.bytes = 8;
    for check in [cc::check, cm::check, ccv::check] {
        let ruled = check(&asked(&history, &setting)).expect("registers are known");
        assert!(matches!(ruled.finding, Finding::Undecided(_)));
    }
}

#[test]
fn stories_tell_the_circle() {
    let history = small("w0 x=1, r0 x=2, w1 x=2, r1 x=1");
    let Finding::Violated { first, .. } = finding(ccv::check, &history) else {
        panic!("figure 2a is not convergent");
    };
    insta::assert_snapshot!(first.story.join("\n"));
}

/// For each element the set of those before it.
type Poset = Vec<u8>;

/// All strict partial orders of so many elements: the last one goes between any set that is closed downwards and any
/// that is closed upwards, where all of the former stand before all of the latter.
fn posets(len: usize) -> Vec<Poset> {
    if len == 0 {
        return vec![Vec::new()];
    }
    let last = len - 1;
    let mut all = Vec::new();
    for smaller in posets(last) {
        for below in 0..1_u8 << last {
            for above in 0..1_u8 << last {
                if let Some(poset) = between(&smaller, below, above) {
                    all.push(poset);
                }
            }
        }
    }
    all
}

fn between(smaller: &Poset, below: u8, above: u8) -> Option<Poset> {
    let is_in = |set: u8, n: usize| set & 1 << n != 0;
    let fits = smaller.iter().enumerate().all(|(n, &before)| {
        let down = !is_in(below, n) || before & !below == 0;
        let up =
            (0..smaller.len()).all(|m| !is_in(before, m) || !is_in(above, m) || is_in(above, n));
        let apart = !is_in(above, n) || (before & below == below && !is_in(below, n));
        down && up && apart
    });
    fits.then(|| {
        let last = smaller.len();
        let mut poset = smaller.clone();
        poset.push(below);
        for (n, before) in poset.iter_mut().enumerate().take(last) {
            if is_in(above, n) {
                *before |= 1 << last;
            }
        }
        poset
    })
}

fn all_posets(len: usize) -> &'static [Poset] {
    static ALL: OnceLock<Vec<Vec<Poset>>> = OnceLock::new();
    &ALL.get_or_init(|| (0..=6).map(posets).collect())[len]
}

#[test]
fn there_are_as_many_orders_as_there_should_be() {
    let counts: Vec<usize> = (0..=6).map(|len| all_posets(len).len()).collect();
    assert_eq!(counts, [1, 1, 3, 19, 219, 4_231, 130_023]);
}

/// The definitions, over all partial orders.
struct Oracle<'a> {
    operations: Vec<&'a Operation>,
    /// For each operation, those before it in its session.
    session: Vec<u8>,
}

impl<'a> Oracle<'a> {
    fn new(history: &'a History) -> Self {
        let operations: Vec<&Operation> = history.operations().collect();
        let session = operations.iter().enumerate().map(|(n, later)| {
            let earlier = operations[..n].iter().enumerate();
            let own = earlier.filter(|(_, earlier)| earlier.session == later.session);
            own.fold(0, |set, (m, _)| set | 1 << m)
        });
        Self {
            session: session.collect(),
            operations,
        }
    }

    fn orders(&self) -> impl Iterator<Item = &'static Poset> + '_ {
        let all = all_posets(self.operations.len()).iter();
        all.filter(|order| {
            let pairs = order.iter().zip(&self.session);
            let mut pairs = pairs.map(|(before, session)| before & session == *session);
            pairs.all(|keeps| keeps)
        })
    }

    /// Whether the members of a set have an order that keeps another one and explains what some of them returned.
    fn explains(&self, set: u8, order: &[u8], shown: u8) -> bool {
        self.place(0, set, order, shown, &mut Vec::new())
    }

    fn place(&self, placed: u8, set: u8, order: &[u8], shown: u8, line: &mut Vec<usize>) -> bool {
        if placed == set {
            return true;
        }
        for n in 0..self.operations.len() {
            let is_next = set & !placed & 1 << n != 0 && order[n] & set & !placed == 0;
            if !is_next || (shown & 1 << n != 0 && !self.is_legal(n, line)) {
                continue;
            }
            line.push(n);
            if self.place(placed | 1 << n, set, order, shown, line) {
                return true;
            }
            line.pop();
        }
        false
    }

    fn is_legal(&self, read: usize, before: &[usize]) -> bool {
        let reader = self.operations[read];
        if reader.is_update() {
            return true;
        }
        let of_key = |n: &&usize| self.operations[**n].key == reader.key;
        let mut writes = before.iter().rev().filter(of_key);
        let last = writes.find(|n| self.operations[**n].is_update());
        last.and_then(|&n| self.operations[n].written()) == reader.returned()
    }

    fn past(&self, order: &[u8], n: usize) -> u8 {
        order[n] | 1 << n
    }

    fn cc(&self) -> bool {
        let mut orders = self.orders();
        orders.any(|order| {
            (0..order.len()).all(|n| self.explains(self.past(order, n), order, 1 << n))
        })
    }

    fn cm(&self) -> bool {
        let mut orders = self.orders();
        orders.any(|order| {
            let shown = |n: usize| self.session[n] | 1 << n;
            (0..order.len()).all(|n| self.explains(self.past(order, n), order, shown(n)))
        })
    }

    fn ccv(&self) -> bool {
        let mut orders = self.orders();
        orders.any(|order| self.converges(order, &mut Vec::new()))
    }

    /// Whether some line of all operations extends the order and explains everybody by what is in their past.
    fn converges(&self, order: &[u8], line: &mut Vec<usize>) -> bool {
        let placed = line.iter().fold(0_u8, |set, &n| set | 1 << n);
        if line.len() == order.len() {
            return true;
        }
        for n in 0..order.len() {
            if placed & 1 << n != 0 || order[n] & !placed != 0 {
                continue;
            }
            let known: Vec<usize> = line
                .iter()
                .copied()
                .filter(|&it| order[n] & 1 << it != 0)
                .collect();
            if !self.is_legal(n, &known) {
                continue;
            }
            line.push(n);
            if self.converges(order, line) {
                return true;
            }
            line.pop();
        }
        false
    }

    fn pram_per_process(&self) -> bool {
        (0..self.operations.len()).all(|last| {
            let own = self.session[last] | 1 << last;
            let all = (0..self.operations.len())
                .filter(|&n| own & 1 << n != 0 || self.operations[n].is_update())
                .fold(0_u8, |set, n| set | 1 << n);
            self.explains(all, &self.session, own)
        })
    }
}

fn agrees(history: &History) -> Result<(), TestCaseError> {
    let oracle = Oracle::new(history);
    prop_assert_eq!(holds(cc::check, history), oracle.cc(), "cc");
    prop_assert_eq!(holds(cm::check, history), oracle.cm(), "cm");
    prop_assert_eq!(holds(ccv::check, history), oracle.ccv(), "ccv");
    let pram = holds(cm::check_pram, history);
    prop_assert_eq!(pram, oracle.pram_per_process(), "pram-per-process");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn judges_agree_with_the_definition(history in small_history(5)) {
        agrees(&history)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(250))]

    #[test]
    fn judges_agree_with_the_definition_on_larger_histories(history in small_history(6)) {
        agrees(&history)?;
    }

    #[test]
    fn judges_agree_where_reads_do_not_name_one_write(history in repetitive_history(5)) {
        agrees(&history)?;
    }
}

#[test]
fn functions_of_other_objects_are_left_undecided() {
    let mut s = Sketch::new();
    let insert = s.begin(0, Function::Insert("a".into()));
    s.ok(insert);
    assert!(matches!(
        finding(cc::check, &s.history),
        Finding::Undecided(_)
    ));
}
