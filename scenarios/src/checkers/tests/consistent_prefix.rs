//! Consistent prefix: its definition, over all that could have been visible in small histories.

use proptest::prelude::*;

use super::registers::{repetitive_history, small, small_history};
use super::{finding, holds};
use crate::checkers::{Finding, consistent_prefix};
use crate::history::{History, Operation};

/// The definition, without any cleverness: all choices of what reads name are tried, and for each of them all sets of updates that
/// may have been visible to each read. Sets have a bit for each operation.
struct Oracle<'a> {
    operations: Vec<&'a Operation>,
    /// For each operation, what it depends on.
    before: Vec<u8>,
    /// For each read, the update that it names, if it is not the initial value.
    sources: Vec<Option<usize>>,
}

impl<'a> Oracle<'a> {
    fn new(history: &'a History) -> Self {
        Self {
            operations: history.operations().collect(),
            before: Vec::new(),
            sources: Vec::new(),
        }
    }

    /// Tries what each operation names, one after the other.
    fn holds(&mut self) -> bool {
        let Some(next) = self.operations.get(self.sources.len()) else {
            return self.depends() && self.shows(&mut Vec::new());
        };
        let is_named = |(_, it): &(usize, &&Operation)| {
            it.is_update() && it.key == next.key && it.written() == next.returned()
        };
        let mut named: Vec<Option<usize>> = Vec::new();
        if next.is_update() || next.returned().is_none() {
            named.push(None);
        }
        if !next.is_update() {
            let updates = self.operations.iter().enumerate().filter(is_named);
            named.extend(updates.map(|(n, _)| Some(n)));
        }
        named.into_iter().any(|source| {
            self.sources.push(source);
            let holds = self.holds();
            self.sources.pop();
            holds
        })
    }

    fn so(&self, earlier: usize, later: usize) -> bool {
        earlier < later && self.operations[earlier].session == self.operations[later].session
    }

    /// Finds out what depends on what; whether that runs in no circle.
    fn depends(&mut self) -> bool {
        let count = self.operations.len();
        let directly = |later: usize| {
            (0..count)
                .filter(|&n| self.so(n, later) || self.sources[later] == Some(n))
                .fold(0, |set, n| set | 1 << n)
        };
        self.before = (0..count).map(directly).collect();
        for between in 0..count {
            for later in 0..count {
                if self.before[later] & 1 << between != 0 {
                    self.before[later] |= self.before[between];
                }
            }
        }
        (0..count).all(|n| self.before[n] & 1 << n == 0)
    }

    /// Tries what is visible to each operation, one after the other.
    fn shows(&self, visible: &mut Vec<u8>) -> bool {
        let next = visible.len();
        if next == self.operations.len() {
            return true;
        }
        if self.operations[next].is_update() {
            visible.push(0);
            let holds = self.shows(visible);
            visible.pop();
            return holds;
        }
        let updates = (0..self.operations.len())
            .filter(|&n| self.operations[n].is_update())
            .fold(0_u8, |set, n| set | 1 << n);
        (0..=updates).any(|set| {
            let fits = set & !updates == 0 && self.fits(next, set, updates, visible);
            fits && {
                visible.push(set);
                let holds = self.shows(visible);
                visible.pop();
                holds
            }
        })
    }

    /// Whether a read may see these updates, and returned what it has to return then.
    fn fits(&self, read: usize, set: u8, updates: u8, visible: &[u8]) -> bool {
        let members = || (0..self.operations.len()).filter(move |&n| set & 1 << n != 0);
        let is_closed = members().all(|n| self.before[n] & updates & !set == 0);
        let keeps = (0..read).all(|n| !self.so(n, read) || visible[n] & !set == 0);
        let mut of_key = members().filter(|&n| self.operations[n].key == self.operations[read].key);
        let is_shown = match self.sources[read] {
            None => of_key.next().is_none(),
            Some(source) => {
                set & 1 << source != 0 && of_key.all(|n| self.before[n] & 1 << source == 0)
            }
        };
        is_closed && keeps && is_shown
    }
}

fn agrees(history: &History) -> Result<(), TestCaseError> {
    let found = holds(consistent_prefix::check, history);
    prop_assert_eq!(found, Oracle::new(history).holds());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6_000))]

    #[test]
    fn the_judge_agrees_with_the_definition(history in small_history(7)) {
        agrees(&history)?;
    }

    #[test]
    fn the_judge_agrees_where_reads_do_not_name_one_write(history in repetitive_history(6)) {
        agrees(&history)?;
    }
}

#[test]
fn whoever_saw_an_effect_sees_its_causes_then_and_later() {
    for (said, expected) in [
        // The question was not visible, and so the answer must not be.
        ("w0 x=1, r1 x=1, w1 y=2, r2 y=2, r2 x", false),
        ("w0 x=1, r1 x=1, w1 y=2, r2 x, r2 y=2", true),
        // Another session may be behind.
        ("w0 x=1, r1 x=1, w1 y=2, r2 y=2, r3 x", true),
        // What one session wrote comes in its order.
        ("w0 x=1, w0 x=2, r1 x=2, r1 x=1", false),
        ("w0 x=1, w0 x=2, r1 x=1, r1 x=2", true),
        ("w0 x=1, w1 x=2, r2 x=2, r2 x=1, r2 x=2", true),
        // It speaks of what was shown, and one's own writes need not be.
        ("w0 x=1, r0 x", true),
        // Dependency in a circle explains nothing.
        ("r0 x=1, w0 y=2, r1 y=2, w1 x=1", false),
    ] {
        let history = small(said);
        assert_eq!(
            holds(consistent_prefix::check, &history),
            expected,
            "{said}"
        );
        assert_eq!(Oracle::new(&history).holds(), expected, "{said}");
    }
}

#[test]
fn the_witness_ends_with_the_read_that_missed_a_cause() {
    let history = small("w0 x=1, r1 x=1, w1 y=2, r2 y=2, r2 z, r2 x");
    let Finding::Violated { first, count } = finding(consistent_prefix::check, &history) else {
        panic!("the last read misses x = 1");
    };
    assert_eq!(count, 1);
    let told: Vec<u32> = first.operations.iter().map(|id| id.0).collect();
    assert_eq!(told, [0, 1, 2, 3, 5]);
}
