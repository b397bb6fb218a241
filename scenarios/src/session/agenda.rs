//! What is planned, in order.
//!
//! A script may have a hundred thousand steps, and a session keeps dozens of checkpoints: so what is planned before the run
//! begins is one list that all of them share, each with its place in it. Only what is planned on the way, a few entries
//! for each client, is copied into a checkpoint.

use std::collections::BTreeMap;
use std::sync::Arc;

use seedbed_sim::Instant;

/// Things to come, by instant, and within one in the order in which they were planned.
#[derive(Clone, Debug)]
pub(super) struct Agenda<T> {
    /// Planned before the run began.
    first: Arc<[((Instant, u64), T)]>,
    /// How many of those are past.
    past: usize,
    /// Planned on the way.
    later: BTreeMap<(Instant, u64), T>,
    sequence: u64,
}

impl<T: Copy> Agenda<T> {
    pub(super) fn new() -> Self {
        Self {
            first: Arc::default(),
            past: 0,
            later: BTreeMap::new(),
            sequence: 0,
        }
    }

    pub(super) fn plan(&mut self, at: Instant, planned: T) {
        self.sequence += 1;
        self.later.insert((at, self.sequence), planned);
    }

    /// Makes what is planned so far the list that clones share. For the beginning of a run.
    pub(super) fn share(&mut self) {
        let rest = self.first[self.past..].iter().copied();
        let mut all: Vec<_> = rest.chain(std::mem::take(&mut self.later)).collect();
        all.sort_by_key(|(key, _)| *key);
        (self.first, self.past) = (all.into(), 0);
    }

    fn next(&self) -> Option<(Instant, u64)> {
        let first = self.first.get(self.past).map(|(key, _)| *key);
        let later = self.later.first_key_value().map(|(key, _)| *key);
        [first, later].into_iter().flatten().min()
    }

    /// When the next thing is planned.
    pub(super) fn next_at(&self) -> Option<Instant> {
        self.next().map(|(at, _)| at)
    }

    pub(super) fn pop(&mut self) -> Option<(Instant, T)> {
        let next = self.next()?;
        if let Some(planned) = self.later.remove(&next) {
            return Some((next.0, planned));
        }
        let (_, planned) = self.first[self.past];
        self.past += 1;
        Some((next.0, planned))
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.past = self.first.len();
        self.later.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    fn drain(mut agenda: Agenda<u32>) -> Vec<u32> {
        std::iter::from_fn(|| agenda.pop().map(|(_, what)| what)).collect()
    }

    #[test]
    fn what_was_planned_first_comes_first_within_an_instant_shared_or_not() {
        let plans = [(30, 1), (10, 2), (20, 3), (10, 4), (30, 5), (5, 6), (20, 7)];
        for shared_after in 0..=plans.len() {
            let mut agenda = Agenda::new();
            for (index, (millis, what)) in plans.iter().enumerate() {
                if index == shared_after {
                    agenda.share();
                }
                agenda.plan(at(*millis), *what);
            }
            assert_eq!(drain(agenda), [6, 2, 4, 3, 7, 1, 5], "{shared_after}");
        }
    }

    #[test]
    fn clones_go_their_own_ways_and_share_the_script() {
        let mut agenda = Agenda::new();
        (0..1_000).for_each(|n| agenda.plan(at(n), n as u32));
        agenda.share();
        (0..500).for_each(|n| assert_eq!(agenda.pop(), Some((at(n), n as u32))));
        let mut clone = agenda.clone();
        assert!(Arc::ptr_eq(&agenda.first, &clone.first));
        agenda.plan(at(0), 7_777);
        assert_eq!(agenda.next_at(), Some(at(0)));
        assert_eq!(clone.pop(), Some((at(500), 500)));
        clone.clear();
        assert_eq!(clone.pop(), None);
        assert_eq!(drain(agenda).len(), 501);
    }
}
