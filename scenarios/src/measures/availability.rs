//! For how long nothing worked.
//!
//! ```text
//!   ok     ├──┤  ├───┤                                ├──┤
//!   fail          ├┤      ├┤ ├┤            ├┤             ├┤
//!   info              ├──────────────────┤
//!                     │◄─── one outage ───►│              one failure more, while nothing succeeds after it
//!                     (a failure while something succeeds is none)
//! ```
//!
//! Take away from the time of the run all instants at which an operation was under way that succeeded. In each of the
//! stretches that are left, look at the operations that ended there and did not succeed (refused, or nobody knows). If
//! there are any, they make one **outage**: from when the first of them was meant to begin, but not before the stretch
//! does, until the last of them ended.
//!
//! So an outage is a time in which clients tried and got nothing. That one client fails while others are served is no
//! outage, and neither is a time in which nobody asks. An operation that times out makes an outage as long as its
//! timeout, since its client was served nothing meanwhile. What is open when the run ends counts up to there.
//!
//! What operators call RTO (recovery time objective) is a bound on the longest outage, as clients see it.

use seedbed_sim::{Instant, Span};
use serde::{Deserialize, Serialize};

use crate::history::History;

/// For how long nothing worked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Availability {
    /// How many outages there were.
    pub outages: u64,
    /// How long they took together, in nanoseconds.
    pub unavailable_ns: u64,
    /// How long the longest took, in nanoseconds.
    pub longest_outage_ns: u64,
}

/// From when an operation was meant to begin until it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Try {
    from: Instant,
    to: Instant,
}

/// A time in which clients tried and got nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outage {
    /// When it began.
    pub(crate) from: Instant,
    /// When the last operation that got nothing ended.
    pub(crate) to: Instant,
}

impl Outage {
    /// How long it took.
    pub(crate) fn length(&self) -> Span {
        self.to.since(self.from)
    }
}

/// Measures a history that is closed; what is open counts for nothing. O(n log n).
pub fn availability(history: &History) -> Availability {
    let mut measured = Availability::default();
    for outage in outages(history) {
        measured.add(outage.length());
    }
    measured
}

/// All outages of a history that is closed, in order. O(n log n).
pub(crate) fn outages(history: &History) -> Vec<Outage> {
    let (mut served, mut failed) = (Vec::new(), Vec::new());
    for operation in history.operations() {
        let Some(completed) = &operation.completed else {
            continue;
        };
        let list = if operation.is_ok() {
            &mut served
        } else {
            &mut failed
        };
        list.push(Try {
            from: operation.intended_at,
            to: completed.at,
        });
    }
    served.sort_unstable();
    failed.sort_unstable_by_key(|one: &Try| (one.to, one.from));
    measure(&served, &failed)
}

/// `served` in order of beginnings, `failed` in order of ends.
fn measure(served: &[Try], failed: &[Try]) -> Vec<Outage> {
    let mut measured = Vec::new();
    let mut failed = failed.iter().peekable();
    // The stretch without success begins where all that was served so far had ended.
    let mut free_from = Instant::ZERO;
    let ends = served.iter().map(|one| (one.from, one.to));
    for (free_to, next_free) in ends.chain([(Instant::NEVER, Instant::NEVER)]) {
        // What ends while something that succeeds is under way is no outage.
        while failed.next_if(|one| one.to < free_from).is_some() {}
        let mut outage: Option<Try> = None;
        while let Some(one) = failed.next_if(|one| one.to <= free_to) {
            let from = one.from.max(free_from);
            let outage = outage.get_or_insert(Try { from, to: one.to });
            outage.from = outage.from.min(from);
            outage.to = one.to;
        }
        if let Some(outage) = outage {
            measured.push(Outage {
                from: outage.from,
                to: outage.to,
            });
        }
        free_from = free_from.max(next_free);
    }
    measured
}

impl Availability {
    /// An outage of no time at all (one refusal, and success at once) is none.
    fn add(&mut self, length: Span) {
        let nanos = length.as_nanos();
        self.outages += u64::from(nanos > 0);
        self.unavailable_ns += nanos;
        self.longest_outage_ns = self.longest_outage_ns.max(nanos);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Function;
    use crate::history::sketch::{Sketch, write};

    fn tries(list: &[(u64, u64)]) -> Vec<Try> {
        let one = |(from, to): &(u64, u64)| Try {
            from: Instant::from_nanos(*from),
            to: Instant::from_nanos(*to),
        };
        list.iter().map(one).collect()
    }

    /// Outages, together, the longest.
    fn measured(served: &[(u64, u64)], failed: &[(u64, u64)]) -> (u64, u64, u64) {
        let (mut served, mut failed) = (tries(served), tries(failed));
        served.sort_unstable();
        failed.sort_unstable_by_key(|one| (one.to, one.from));
        let mut found = Availability::default();
        for outage in measure(&served, &failed) {
            found.add(outage.length());
        }
        (found.outages, found.unavailable_ns, found.longest_outage_ns)
    }

    #[test]
    fn where_all_succeed_or_nobody_asks_there_is_no_outage() {
        assert_eq!(measured(&[], &[]), (0, 0, 0));
        assert_eq!(measured(&[(0, 10), (500, 510)], &[]), (0, 0, 0));
    }

    #[test]
    fn failures_one_after_the_other_are_one_outage_from_the_first_try_to_the_last_failure() {
        let served = [(0, 10), (90, 95)];
        let failed = [(12, 13), (20, 40), (50, 50), (60, 70)];
        assert_eq!(measured(&served, &failed), (1, 58, 58));
    }

    #[test]
    fn who_is_served_ends_an_outage_when_they_begin_and_lets_the_next_begin_when_they_end() {
        let served = [(0, 10), (40, 50)];
        // The first began while something succeeded, the second ends after the outage was over.
        let failed = [(5, 30), (35, 70), (80, 100)];
        assert_eq!(measured(&served, &failed), (2, 20 + 50, 50));
    }

    #[test]
    fn one_that_fails_while_others_are_served_is_no_outage() {
        let served = [(0, 50), (40, 120)];
        assert_eq!(measured(&served, &[(10, 110)]), (0, 0, 0));
    }

    #[test]
    fn a_short_success_within_a_long_one_changes_nothing() {
        let served = [(0, 100), (10, 20)];
        assert_eq!(measured(&served, &[(50, 60), (110, 130)]), (1, 20, 20));
    }

    #[test]
    fn an_outage_at_the_beginning_or_the_end_counts() {
        assert_eq!(measured(&[(50, 60)], &[(5, 40), (70, 100)]), (2, 65, 35));
        assert_eq!(measured(&[], &[(5, 40), (30, 90)]), (1, 85, 85));
    }

    #[test]
    fn a_refusal_at_once_takes_no_time() {
        assert_eq!(measured(&[(10, 20)], &[(5, 5)]), (0, 0, 0));
    }

    #[test]
    fn both_refused_and_unknown_operations_are_failures() {
        let mut sketch = Sketch::new();
        sketch.does(0, write("a"));
        let refused = sketch.begin(0, write("b"));
        sketch.fail(refused);
        let unknown = sketch.begin(0, write("c"));
        sketch.info(unknown);
        sketch.reads(0, Some("a"));
        sketch.begin(1, Function::Read);
        let found = availability(&sketch.history);
        assert_eq!((found.outages, found.unavailable_ns), (1, 3_000_000));
    }
}
