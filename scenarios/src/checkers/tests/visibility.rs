//! Session guarantees by visibility: their formulas, over all visibilities and arbitrations of small histories.

use proptest::prelude::*;

use super::registers::{Reads, repetitive_history, small, small_history};
use super::{finding, holds};
use crate::checkers::visibility::{
    monotonic_reads, monotonic_writes, pram, read_your_writes, writes_follow_reads,
};
use crate::checkers::{Check, Finding, consistent_prefix};
use crate::history::{Function, History, Operation, Value};

/// Which formula has to be satisfied.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Formula {
    ReadYourWrites,
    MonotonicReads,
    MonotonicWrites,
    WritesFollowReads,
    Pram,
}

const FORMULAS: [(Formula, Check); 5] = [
    (Formula::ReadYourWrites, read_your_writes::check),
    (Formula::MonotonicReads, monotonic_reads::check),
    (Formula::MonotonicWrites, monotonic_writes::check),
    (Formula::WritesFollowReads, writes_follow_reads::check),
    (Formula::Pram, pram::check),
];

/// The formulas, over all visibilities and arbitrations. Visibility is a set of updates for each read.
struct Oracle<'a> {
    operations: Vec<&'a Operation>,
    updates: Vec<usize>,
    reads: Vec<usize>,
}

impl<'a> Oracle<'a> {
    fn new(history: &'a History) -> Self {
        let operations: Vec<&Operation> = history.operations().collect();
        let (updates, reads) = (0..operations.len()).partition(|&n| operations[n].is_update());
        Self {
            operations,
            updates,
            reads,
        }
    }

    fn satisfies(&self, formula: Formula) -> bool {
        self.arbitrations(formula, &mut Vec::new())
    }

    fn so(&self, earlier: usize, later: usize) -> bool {
        earlier < later && self.operations[earlier].session == self.operations[later].session
    }

    /// Tries all total orders of the updates.
    fn arbitrations(&self, formula: Formula, order: &mut Vec<usize>) -> bool {
        if order.len() == self.updates.len() {
            return self.visibilities(formula, order, &mut Vec::new());
        }
        for &next in &self.updates {
            let monotonic = matches!(formula, Formula::MonotonicWrites | Formula::Pram);
            let too_early = |other: &usize| self.so(*other, next) && !order.contains(other);
            if order.contains(&next) || (monotonic && self.updates.iter().any(too_early)) {
                continue;
            }
            order.push(next);
            if self.arbitrations(formula, order) {
                return true;
            }
            order.pop();
        }
        false
    }

    /// Tries all sets of visible updates for one read after another.
    fn visibilities(&self, formula: Formula, order: &[usize], visible: &mut Vec<u8>) -> bool {
        let Some(&read) = self.reads.get(visible.len()) else {
            return formula != Formula::Pram || self.is_acyclic(visible);
        };
        for set in 0..1_u8 << self.updates.len() {
            if !self.explains(read, order, set) || !self.admits(formula, read, order, set, visible)
            {
                continue;
            }
            visible.push(set);
            if self.visibilities(formula, order, visible) {
                return true;
            }
            visible.pop();
        }
        false
    }

    fn is_in(&self, set: u8, update: usize) -> bool {
        let place = self.updates.iter().position(|&it| it == update);
        place.is_some_and(|place| set & 1 << place != 0)
    }

    /// Whether a read returns what it should when these updates are visible to it.
    fn explains(&self, read: usize, order: &[usize], set: u8) -> bool {
        let reader = self.operations[read];
        let mut seen = order
            .iter()
            .filter(|&&it| self.operations[it].key == reader.key && self.is_in(set, it))
            .map(|&it| &self.operations[it].function);
        if let Some(Value::List(list)) = reader.returned() {
            let elements: Vec<Value> = seen.filter_map(Function::argument).collect();
            return elements == **list;
        }
        seen.next_back().and_then(Function::written) == reader.returned()
    }

    fn admits(
        &self,
        formula: Formula,
        read: usize,
        order: &[usize],
        set: u8,
        visible: &[u8],
    ) -> bool {
        let own = || self.updates.iter().filter(|&&it| self.so(it, read));
        let reads_own = || own().all(|&it| self.is_in(set, it));
        let keeps = || {
            let earlier = self.reads.iter().zip(visible);
            let mut earlier = earlier.filter(|(it, _)| self.so(**it, read));
            earlier.all(|(_, before)| before & set == *before)
        };
        let place = |update: usize| order.iter().position(|&it| it == update);
        match formula {
            Formula::ReadYourWrites => reads_own(),
            Formula::MonotonicReads => keeps(),
            Formula::MonotonicWrites => true,
            Formula::WritesFollowReads => self.updates.iter().all(|&later| {
                let mut seen = self.updates.iter().filter(|&&it| self.is_in(set, it));
                !self.so(read, later) || seen.all(|&it| place(it) < place(later))
            }),
            Formula::Pram => {
                let no_gaps = self.updates.iter().all(|&later| {
                    let before = self.updates.iter().filter(|&&it| self.so(it, later));
                    let mut before = before.filter(|_| self.is_in(set, later));
                    before.all(|&it| self.is_in(set, it))
                });
                reads_own() && keeps() && no_gaps
            }
        }
    }

    /// Whether what is visible and the order of sessions run in no circle.
    fn is_acyclic(&self, visible: &[u8]) -> bool {
        let comes_before = |earlier: usize, later: usize| {
            let read = self.reads.iter().position(|&it| it == later);
            self.so(earlier, later) || read.is_some_and(|read| self.is_in(visible[read], earlier))
        };
        let mut left: Vec<usize> = (0..self.operations.len()).collect();
        while !left.is_empty() {
            let is_first = |n: &usize| !left.iter().any(|&other| comes_before(other, *n));
            let Some(place) = left.iter().position(is_first) else {
                return false;
            };
            left.remove(place);
        }
        true
    }
}

fn agrees(history: &History) -> Result<(), TestCaseError> {
    let oracle = Oracle::new(history);
    for (formula, check) in FORMULAS {
        let (found, expected) = (holds(check, history), oracle.satisfies(formula));
        prop_assert_eq!(found, expected, "{:?}", formula);
    }
    Ok(())
}

/// Histories of lists: reads show some of the elements, in some order.
fn small_lists() -> impl Strategy<Value = History> {
    let operation = (0..2_u32, any::<bool>(), any::<bool>(), any::<u64>());
    prop::collection::vec(operation, 3..=6).prop_map(|drawn| {
        let key = |other: bool| if other { "y" } else { "x" };
        let mut reads = Reads::new();
        for (n, &(session, other, is_append, draw)) in drawn.iter().enumerate() {
            if is_append {
                reads = reads.append(session, key(other), &n.to_string());
                continue;
            }
            let mut elements: Vec<String> = drawn
                .iter()
                .enumerate()
                .filter(|(m, it)| it.2 && it.1 == other && draw >> m & 3 != 0)
                .map(|(m, _)| m.to_string())
                .collect();
            if draw >> 20 & 1 == 0 {
                elements.reverse();
            }
            reads = reads.reads_list(session, key(other), &elements);
        }
        reads.history()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn judges_agree_with_the_formulas(history in small_history(6)) {
        agrees(&history)?;
    }

    #[test]
    fn judges_agree_where_reads_do_not_name_one_write(history in repetitive_history(5)) {
        agrees(&history)?;
    }

    #[test]
    fn judges_agree_with_the_formulas_on_lists(history in small_lists()) {
        agrees(&history)?;
    }
}

#[test]
fn each_guarantee_falls_by_itself() {
    let falls = |said: &str| {
        let history = small(said);
        let fallen = FORMULAS
            .iter()
            .filter(|(_, check)| !holds(*check, &history));
        fallen.map(|(formula, _)| *formula).collect::<Vec<_>>()
    };
    let own_missed = "w0 x=1, r0 x";
    let seen_and_gone = "w0 x=1, r1 x=1, r1 x";
    let written_and_shown_the_other_way = "a0 x=a, a0 x=b, r1 x=[b a]";
    let answer_before_question =
        "a0 x=question, r1 x=[question], a1 x=answer, r2 x=[answer question]";
    use Formula::*;
    assert_eq!(falls(own_missed), [ReadYourWrites, Pram]);
    assert_eq!(falls(seen_and_gone), [MonotonicReads, Pram]);
    assert_eq!(
        falls(written_and_shown_the_other_way),
        [MonotonicWrites, Pram]
    );
    assert_eq!(falls(answer_before_question), [WritesFollowReads]);
}

#[test]
fn a_session_seen_backwards_breaks_pram_and_no_part_of_it() {
    let backwards = small("w0 x=1, w0 x=2, r1 x=2, r1 x=1");
    for (formula, check) in FORMULAS {
        let expected = formula != Formula::Pram;
        assert_eq!(holds(check, &backwards), expected, "{formula:?}");
    }
    let with_a_gap = small("w0 x=1, w0 y=2, r1 y=2, r1 x");
    assert!(!holds(pram::check, &with_a_gap));
}

#[test]
fn the_observer_of_figure_5_5_breaks_consistent_prefix_and_no_session_guarantee() {
    let history = small(
        "w0 question=How far?, r1 question=How far?, w1 answer=Ten seconds., \
         r2 answer=Ten seconds., r2 question",
    );
    for (formula, check) in FORMULAS {
        assert!(holds(check, &history), "{formula:?}");
    }
    let Finding::Violated { first, .. } = finding(consistent_prefix::check, &history) else {
        panic!("who sees the answer sees the question");
    };
    insta::assert_snapshot!(first.story.join("\n"));
    let own = small("w0 x=1, r0 x");
    assert!(holds(consistent_prefix::check, &own));
}

#[test]
fn texts_are_read_as_what_was_appended_to_them() {
    let texts = |found: &str| small(&format!("a0 x=x 0 1 y, a0 x=x 0 2 y, r1 x={found}"));
    assert!(holds(monotonic_writes::check, &texts("x 0 1 yx 0 2 y")));
    assert!(!holds(monotonic_writes::check, &texts("x 0 2 yx 0 1 y")));
    // Nobody appended that.
    assert!(!holds(monotonic_writes::check, &texts("x 0 3 y")));
    let unclear = small("a0 x=a, a0 x=aa, r1 x=aa");
    let found = finding(monotonic_writes::check, &unclear);
    assert!(matches!(found, Finding::Undecided(_)));
}

#[test]
fn stories_say_which_reads_contradict_each_other() {
    let history = small("w0 x=1, r0 x=2, w1 x=2, r1 x=1");
    let Finding::Violated { first, .. } = finding(read_your_writes::check, &history) else {
        panic!("both lost their own write to the other");
    };
    insta::assert_snapshot!(first.story.join("\n"));
}
