//! Places to go back to: forks of a run, thinned as it grows.
//!
//! Going to a step means to take the last checkpoint before it and run forward from there. So the distance between
//! checkpoints is what a jump costs, and their number is what they cost in memory. Both have a bound:
//!
//! - At most [`COUNT_MAX`] are kept, whatever the length of the run. What a checkpoint owns (the rest it shares with its
//!   neighbours) was measured: 0.35 MB at the end of a run of a million events, and `cargo bench -p seedbed-tests --bench
//!   time_travel` prints it.
//! - When there would be one more, every other one goes, and the distance doubles. So at least half as many are left,
//!   and a jump runs through at most two parts in `COUNT_MAX` of a long run.

use std::sync::Arc;

/// How many are kept at most.
pub(super) const COUNT_MAX: usize = 96;
/// How many steps lie between them at first.
const STEPS_MIN: u64 = 512;

/// Forks of a run, in the order of their steps. The first is the beginning, and never goes.
#[derive(Debug)]
pub(super) struct Checkpoints<T> {
    list: Vec<(u64, Arc<T>)>,
    distance_steps: u64,
}

impl<T> Clone for Checkpoints<T> {
    fn clone(&self) -> Self {
        Self {
            list: self.list.clone(),
            distance_steps: self.distance_steps,
        }
    }
}

impl<T> Checkpoints<T> {
    /// The beginning, and more on the way.
    pub(super) fn new(beginning: T) -> Self {
        Self {
            list: vec![(0, Arc::new(beginning))],
            distance_steps: STEPS_MIN,
        }
    }

    /// The beginning alone.
    pub(super) fn only(beginning: T) -> Self {
        Self {
            distance_steps: u64::MAX,
            ..Self::new(beginning)
        }
    }

    /// The run has come to `step`: keeps a fork of it if one is due.
    #[inline]
    pub(super) fn pass(&mut self, step: u64, fork: impl FnOnce() -> T) {
        let last = self.list.last().map_or(0, |(step, _)| *step);
        if step.saturating_sub(last) < self.distance_steps {
            return;
        }
        self.list.push((step, Arc::new(fork())));
        if self.list.len() > COUNT_MAX {
            let mut index = 0;
            self.list.retain(|_| {
                index += 1;
                index % 2 == 1
            });
            self.distance_steps *= 2;
        }
    }

    /// The last one for which `is_before` holds, with its step; else the beginning.
    pub(super) fn last(&self, is_before: impl Fn(u64, &T) -> bool) -> (u64, &T) {
        let index = self
            .list
            .partition_point(|(step, one)| is_before(*step, one));
        let (step, one) = &self.list[index.saturating_sub(1)];
        (*step, one)
    }

    /// Forgets those from `step` on: that future will not be.
    pub(super) fn forget_from(&mut self, step: u64) {
        self.list.retain(|(one, _)| *one < step);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever the length of a run, the number of checkpoints and the way from one to any step keep to their bounds.
    #[test]
    fn thinning_stays_within_the_budget_and_leaves_no_wide_gap() {
        let mut checkpoints = Checkpoints::new(0);
        let mut most = 0;
        for step in 1..=3_000_000 {
            checkpoints.pass(step, || step);
            let count = checkpoints.list.len();
            most = most.max(count);
            assert!(count <= COUNT_MAX);
            if step % 100_003 == 0 {
                let steps: Vec<u64> = checkpoints.list.iter().map(|(step, _)| *step).collect();
                assert_eq!(steps[0], 0, "the beginning stays");
                let gaps = steps.windows(2).map(|pair| pair[1] - pair[0]);
                let widest = gaps.chain([step - steps[count - 1]]).max().unwrap();
                let bound = (2 * step / COUNT_MAX as u64 + 2).max(STEPS_MIN);
                assert!(widest <= bound, "{widest} of {step} steps");
            }
        }
        assert_eq!(most, COUNT_MAX, "the budget is used");
    }

    #[test]
    fn the_last_one_before_a_step_is_found() {
        let mut checkpoints = Checkpoints::new(0);
        (1..=10 * STEPS_MIN).for_each(|step| checkpoints.pass(step, || step));
        for step in [
            0,
            1,
            STEPS_MIN - 1,
            STEPS_MIN,
            STEPS_MIN + 1,
            99 * STEPS_MIN,
        ] {
            let (found, one) = checkpoints.last(|at, _| at <= step);
            assert_eq!(found, (step / STEPS_MIN).min(10) * STEPS_MIN);
            assert_eq!(found, *one);
        }
        checkpoints.forget_from(3 * STEPS_MIN);
        assert_eq!(checkpoints.last(|_, _| true).0, 2 * STEPS_MIN);
    }

    #[test]
    fn where_only_a_report_is_wanted_the_beginning_is_enough() {
        let mut checkpoints = Checkpoints::only(0);
        (1..=1_000_000).for_each(|step| checkpoints.pass(step, || step));
        assert_eq!(checkpoints.list.len(), 1);
    }
}
