//! The worker threads of sweeps and of shrinking: the one place where many worlds run at once.
//!
//! Each world runs on one thread from its beginning to its end, and shares nothing with the others, so threads can't
//! change what comes of it. What they do change is the order in which runs are finished; an [`Order`] takes that away
//! again. Workers begin at most so many seeds ahead of the one that is waited for, so that one long run does not make
//! the others pile up in memory.

use std::sync::mpsc::{Receiver, channel};
use std::sync::{Condvar, Mutex, PoisonError};

use anyhow::Context;
use rayon::prelude::*;
use seedbed_scenarios::search::shrink::Hands;
use seedbed_scenarios::sweep::{Order, Ran, Seeds, Until};

/// Runs candidates for a shorter run on all processors. Which of them is taken does not hang on how many these are.
pub(super) struct Many;

impl Hands for Many {
    fn first(&self, count: usize, test: &(dyn Fn(usize) -> bool + Sync)) -> Option<usize> {
        (0..count)
            .into_par_iter()
            .by_exponential_blocks()
            .find_first(|index| test(*index))
    }
}

/// How many seeds a worker may be ahead.
const AHEAD: u64 = 64;

/// Runs the seeds on `jobs` threads, and hands what comes of them to `take` in the order of seeds, on this thread. It ends
/// after the last seed, or after the lowest that fails where that is enough.
///
/// # Errors
/// When threads can't be had, or when `take` fails; then workers finish the runs that they are at, and no more.
pub(super) fn run_all(
    (seeds, until): (Seeds, Until),
    jobs: usize,
    run: impl Fn(u64) -> Ran + Sync,
    take: impl FnMut(Ran) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(jobs)
        .build()
        .with_context(|| format!("can't start {jobs} worker threads"))?;
    let course = Course::new(seeds, AHEAD * jobs as u64);
    let (sender, receiver) = channel();
    pool.in_place_scope(|scope| {
        let (course, run) = (&course, &run);
        scope.spawn_broadcast(move |_, _| {
            while let Some(seed) = course.next_seed() {
                if sender.send(run(seed)).is_err() {
                    return;
                }
            }
        });
        collect(Order::new(seeds, until), course, &receiver, take)
    })
}

/// Takes what workers send until all of it has come.
fn collect(
    mut order: Order,
    course: &Course,
    receiver: &Receiver<Ran>,
    mut take: impl FnMut(Ran) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    for ran in receiver {
        order.put(ran);
        while let Some(ran) = order.take_next() {
            if let Err(error) = take(ran) {
                course.stop();
                return Err(error);
            }
        }
        course.go_on(order.awaited(), order.end());
    }
    Ok(())
}

/// Which seed is next for whoever asks.
struct Course {
    state: Mutex<State>,
    moved: Condvar,
    ahead: u64,
}

struct State {
    next: u64,
    end: u64,
    /// The lowest seed that has not been handed out in order.
    awaited: u64,
}

impl Course {
    fn new(seeds: Seeds, ahead: u64) -> Self {
        Self {
            state: Mutex::new(State {
                next: seeds.from,
                end: seeds.to,
                awaited: seeds.from,
            }),
            moved: Condvar::new(),
            ahead,
        }
    }

    /// Waits while the next seed is too far ahead. The worker that has the awaited seed never waits here.
    fn next_seed(&self) -> Option<u64> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let too_far =
            |state: &mut State| state.next < state.end && state.next - state.awaited >= self.ahead;
        let waited = self.moved.wait_while(state, too_far);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        if state.next >= state.end {
            return None;
        }
        state.next += 1;
        Some(state.next - 1)
    }

    fn go_on(&self, awaited: u64, end: u64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.awaited = awaited;
        state.end = state.end.min(end);
        self.moved.notify_all();
    }

    fn stop(&self) {
        self.go_on(u64::MAX, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use seedbed_scenarios::sweep::{Line, Measures};
    use std::sync::atomic::{AtomicU64, Ordering};

    fn ran(seed: u64, failing: bool) -> Ran {
        // Every seventh takes long, so that others overtake it.
        if seed % 7 == 1 {
            (0..20_000_u64).fold(seed, |a, b| std::hint::black_box(a ^ b));
        }
        let line = Line {
            seed,
            failing,
            unmet: Vec::new(),
            verdicts: Vec::new(),
            ended: String::new(),
            events: 0,
            digest: String::new(),
            virtual_ns: 0,
            measures: Measures::default(),
        };
        Ran {
            line,
            difference: None,
        }
    }

    fn swept(seeds: &str, until: Until, jobs: usize, failing: &[u64]) -> Vec<u64> {
        let mut lines = Vec::new();
        let seeds = seeds.parse().expect("seeds");
        let run = |seed| ran(seed, failing.contains(&seed));
        let take = |ran: Ran| {
            lines.push(ran.line.seed);
            Ok(())
        };
        run_all((seeds, until), jobs, run, take).expect("it can be swept");
        lines
    }

    #[test]
    fn seeds_come_in_order_and_once_on_any_number_of_threads() {
        for jobs in [1, 2, 3, 16] {
            let all: Vec<u64> = (5..2_000).collect();
            assert_eq!(swept("5..2000", Until::All, jobs, &[9]), all);
        }
    }

    #[test]
    fn the_first_that_fails_is_the_lowest_whatever_the_threads_do() {
        for jobs in [1, 2, 3, 16] {
            let up_to: Vec<u64> = (1..=700).collect();
            assert_eq!(
                swept("1..2000", Until::First, jobs, &[701, 700, 1_500]),
                up_to
            );
        }
    }

    #[test]
    fn workers_do_not_run_away_from_a_seed_that_takes_long() {
        let (begun, jobs) = (AtomicU64::new(0), 3);
        let run = |seed| {
            let count = begun.fetch_add(1, Ordering::SeqCst) + 1;
            if seed == 1 {
                // The others go on meanwhile, as far as they may.
                let limit = AHEAD * jobs as u64;
                while begun.load(Ordering::SeqCst) < limit {
                    std::thread::yield_now();
                }
                (0..1_000).for_each(|_| std::thread::yield_now());
                assert_eq!(begun.load(Ordering::SeqCst), limit);
            }
            assert!(count >= 1);
            ran(seed, false)
        };
        let seeds = "1..2000".parse().expect("seeds");
        run_all((seeds, Until::All), jobs, run, |_| Ok(())).expect("it can be swept");
        assert_eq!(begun.load(Ordering::SeqCst), 1_999);
    }

    #[test]
    fn a_full_disk_ends_the_sweep() {
        let begun = AtomicU64::new(0);
        let run = |seed| {
            begun.fetch_add(1, Ordering::SeqCst);
            ran(seed, false)
        };
        let take = |ran: Ran| match ran.line.seed {
            10 => anyhow::bail!("the disk is full"),
            _ => Ok(()),
        };
        let seeds = "1..1000000".parse().expect("seeds");
        let why = run_all((seeds, Until::All), 2, run, take).expect_err("it is full");
        assert_eq!(why.to_string(), "the disk is full");
        assert!(begun.load(Ordering::SeqCst) < 1_000);
    }
}
