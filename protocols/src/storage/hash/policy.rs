//! Which segments to merge: a pure function of what they hold.

use std::ops::Range;

use super::HashOptions;

/// What a frozen segment holds, in bytes of records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) live: u64,
    pub(super) tombstones: u64,
    pub(super) dead: u64,
}

impl Held {
    fn total(self) -> u64 {
        self.live + self.tombstones + self.dead
    }

    fn plus(self, other: Self) -> Self {
        Self {
            live: self.live + other.live,
            tombstones: self.tombstones + other.tombstones,
            dead: self.dead + other.dead,
        }
    }
}

/// The run of frozen segments to merge next, the oldest being number 0; `None`: none is worth it.
///
/// - Dead records go in any merge. Tombstones go only in one that begins with the oldest segment, so there they count as
///   dead, and elsewhere as live.
/// - A run is worth its work when so many percent of it are dead. It grows from its most wasteful segment to both sides as
///   long as that holds and what is left of it fills one segment.
/// - Where no run is, and tombstones make up that much of all segments together, everything is merged.
pub(super) fn pick(segments: &[Held], options: &HashOptions) -> Option<Range<usize>> {
    let percent = u64::from(options.merge_dead_percent.clamp(1, 100));
    let waste = |run: &Range<usize>| {
        let held = sum(&segments[run.clone()]);
        let tombstones = if run.start == 0 { held.tombstones } else { 0 };
        (held.dead + tombstones, held.total())
    };
    let is_worth_it = |run: &Range<usize>| {
        let (waste, total) = waste(run);
        waste > 0 && waste * 100 >= total * percent
    };
    let fits = |run: &Range<usize>| {
        let (waste, total) = waste(run);
        total - waste <= options.segment_bytes
    };
    let worst = (0..segments.len())
        .map(|at| at..at + 1)
        .filter(is_worth_it)
        .max_by_key(|run| (waste(run).0, usize::MAX - run.start));
    let Some(mut run) = worst else {
        let all = 0..segments.len();
        return is_worth_it(&all).then_some(all).filter(|_| {
            let held = sum(segments);
            held.tombstones * 100 >= held.total() * percent
        });
    };
    loop {
        let older = run.start.checked_sub(1).map(|start| start..run.end);
        let newer = (run.end < segments.len()).then(|| run.start..run.end + 1);
        let grown = older
            .into_iter()
            .chain(newer)
            .find(|grown| is_worth_it(grown) && fits(grown));
        match grown {
            Some(grown) => run = grown,
            None => return Some(run),
        }
    }
}

fn sum(segments: &[Held]) -> Held {
    segments
        .iter()
        .fold(Held::default(), |sum, it| sum.plus(*it))
}
