//! How far each replica has got, over time: the source of lag charts and lag summaries.

use seedbed_protocols::inspect::Positions;
use seedbed_sim::{ChunkedVec, Instant, Span};

/// From this instant on, a replica was so far. `None`: it was down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Point {
    at: Instant,
    applied: Option<u64>,
}

/// From this instant on, the end of the replicated log was here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Tip {
    at: Instant,
    written: u64,
    /// The first tip since the log last lost its end: from there to here the end only grows.
    grows_from: usize,
}

/// How far one replica was behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Lag {
    /// Entries that it lacked.
    pub(super) entries: u64,
    /// How long the oldest of them had been in the log.
    pub(super) time: Span,
}

/// Whether replicas that are so far (`None`: it is down) are all up and have the same log, written, durable and applied.
pub(super) fn are_at_rest(replicas: impl IntoIterator<Item = Option<Positions>>) -> bool {
    let at_rest = |positions: Option<Positions>| {
        positions.filter(|at| at.written == at.durable && at.durable == at.applied)
    };
    let mut replicas = replicas.into_iter().map(at_rest);
    match replicas.next() {
        Some(None) => false,
        Some(first) => replicas.all(|positions| positions == first),
        None => true,
    }
}

/// The positions of all replicas, over time. The end of the log is the furthest that any replica has written; of one
/// that is down only what was durable counts, since the rest is lost. So the end falls back when the one replica that
/// had written further crashes.
#[derive(Clone, Debug)]
pub(super) struct LagLog {
    tips: ChunkedVec<Tip>,
    replicas: Vec<ChunkedVec<Point>>,
    /// How far each replica has written, or what it keeps while it is down.
    keeps: Vec<Positions>,
}

impl LagLog {
    pub(super) fn new(replicas: usize) -> Self {
        // Nothing is written yet, so nobody is behind.
        let mut beginning = ChunkedVec::default();
        beginning.push(Point {
            at: Instant::ZERO,
            applied: Some(0),
        });
        Self {
            tips: ChunkedVec::default(),
            replicas: vec![beginning; replicas],
            keeps: vec![Positions::default(); replicas],
        }
    }

    /// How many replicas there are.
    pub(super) fn replica_count(&self) -> usize {
        self.replicas.len()
    }

    /// A replica may have moved.
    pub(super) fn observe(&mut self, replica: usize, at: Instant, positions: Option<Positions>) {
        let keeps = &mut self.keeps[replica];
        *keeps = positions.unwrap_or(Positions {
            written: keeps.durable,
            ..*keeps
        });
        let written = self
            .keeps
            .iter()
            .map(|keeps| keeps.written)
            .max()
            .unwrap_or(0);
        let last = self.tips.last().copied();
        if written != last.map_or(0, |tip| tip.written) {
            let grows = last.is_some_and(|tip| tip.written < written);
            let here = self.tips.len();
            let grows_from = last.filter(|_| grows).map_or(here, |tip| tip.grows_from);
            self.tips.push(Tip {
                at,
                written,
                grows_from,
            });
        }
        let applied = positions.map(|positions| positions.applied);
        let points = &mut self.replicas[replica];
        if points.last().is_none_or(|point| point.applied != applied) {
            points.push(Point { at, applied });
        }
    }

    /// The end of the log at `at`.
    fn tip_at(&self, at: Instant) -> u64 {
        let index = self.tips.partition_point(|tip| tip.at <= at);
        index
            .checked_sub(1)
            .and_then(|index| self.tips.get(index))
            .map_or(0, |tip| tip.written)
    }

    /// When the log came to hold entry number `index` that it still holds at `at`.
    fn written_at(&self, index: u64, at: Instant) -> Option<Instant> {
        let mut end = self.tips.partition_point(|tip| tip.at <= at);
        let mut found = None;
        // An entry that was there when the log lost its end is older than that: look further back.
        while let Some(last) = end.checked_sub(1).and_then(|last| self.tips.get(last)) {
            if last.written < index {
                break;
            }
            let first = self.first_tip_with(index, last.grows_from, end);
            found = self.tips.get(first).map(|tip| tip.at);
            if first > last.grows_from {
                break;
            }
            end = last.grows_from;
        }
        found
    }

    /// The first of the tips from `from` to before `to`, which only grow and the last of which suffices, to reach `index`.
    fn first_tip_with(&self, index: u64, from: usize, to: usize) -> usize {
        let (mut low, mut high) = (from, to);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.tips.get(middle) {
                Some(tip) if tip.written < index => low = middle + 1,
                _ => high = middle,
            }
        }
        low
    }

    /// How far behind a replica that has applied so much is at `at`.
    fn lag(&self, applied: u64, tip: u64, at: Instant) -> Lag {
        if applied >= tip {
            return Lag::default();
        }
        let since = self.written_at(applied + 1, at).unwrap_or(at);
        Lag {
            entries: tip - applied,
            time: at.since(since),
        }
    }

    /// How far a replica is behind at `at`; `None` while it is down.
    pub(super) fn at(&self, replica: usize, at: Instant) -> Option<Lag> {
        let points = &self.replicas[replica];
        let index = points.partition_point(|point| point.at <= at);
        let applied = points.get(index.checked_sub(1)?)?.applied?;
        Some(self.lag(applied, self.tip_at(at), at))
    }

    /// The furthest that a replica was behind from `from` to `to`; `None` when it was down all the time.
    pub(super) fn worst(&self, replica: usize, from: Instant, to: Instant) -> Option<Lag> {
        let points = &self.replicas[replica];
        let mut next_point = points.partition_point(|point| point.at <= from);
        let mut next_tip = self.tips.partition_point(|tip| tip.at <= from);
        let mut applied = next_point
            .checked_sub(1)
            .and_then(|index| points.get(index)?.applied);
        let mut tip = self.tip_at(from);
        let mut worst: Option<Lag> = None;
        loop {
            let point = points.get(next_point).filter(|point| point.at <= to);
            let grown = self.tips.get(next_tip).filter(|tip| tip.at <= to);
            let until = [point.map(|point| point.at), grown.map(|tip| tip.at)]
                .into_iter()
                .flatten()
                .min()
                .unwrap_or(to);
            // Time behind grows until something changes, so it is at its worst right then.
            if let Some(applied) = applied {
                let lag = self.lag(applied, tip, until);
                let worst = worst.get_or_insert(lag);
                worst.entries = worst.entries.max(lag.entries);
                worst.time = worst.time.max(lag.time);
            }
            match (point, grown) {
                (Some(point), _) if point.at == until => {
                    applied = point.applied;
                    next_point += 1;
                }
                (_, Some(grown)) => {
                    tip = grown.written;
                    next_tip += 1;
                }
                _ => return worst,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    fn at(written: u64, applied: u64) -> Option<Positions> {
        Some(Positions {
            written,
            durable: applied,
            applied,
        })
    }

    /// A leader writes entries at 10, 20 and 30 ms; a follower applies the first at 25 and all at 50, and is down from
    /// 60 to 70.
    fn log() -> LagLog {
        let mut log = LagLog::new(2);
        log.observe(0, ms(0), at(0, 0));
        log.observe(1, ms(0), at(0, 0));
        for (n, millis) in [(1, 10), (2, 20), (3, 30)] {
            log.observe(0, ms(millis), at(n, n));
        }
        log.observe(1, ms(25), at(1, 1));
        log.observe(1, ms(50), at(3, 3));
        log.observe(1, ms(60), None);
        log.observe(1, ms(70), at(3, 3));
        log
    }

    #[test]
    fn lag_counts_entries_and_how_long_the_oldest_is_missing() {
        let log = log();
        let lag = |millis| {
            log.at(1, ms(millis))
                .map(|lag| (lag.entries, lag.time.as_nanos() / 1_000_000))
        };
        assert_eq!(lag(5), Some((0, 0)));
        assert_eq!(lag(24), Some((2, 14)));
        assert_eq!(lag(40), Some((2, 20)), "entry 2 was written at 20");
        assert_eq!(lag(55), Some((0, 0)));
        assert_eq!(lag(65), None);
        assert_eq!(log.at(0, ms(40)).map(|lag| lag.entries), Some(0));
    }

    /// A leader that crashes loses what it had not synced: nobody lacks that any more.
    #[test]
    fn what_the_leader_has_lost_is_no_lag() {
        let mut log = LagLog::new(2);
        let positions = |written, durable| {
            Some(Positions {
                written,
                durable,
                applied: durable,
            })
        };
        log.observe(0, ms(10), positions(1, 1));
        log.observe(1, ms(15), positions(1, 1));
        log.observe(0, ms(20), positions(3, 1));
        log.observe(0, ms(30), None);
        log.observe(0, ms(40), positions(1, 1));
        log.observe(0, ms(50), positions(2, 2));
        let lag = |millis| {
            log.at(1, ms(millis))
                .map(|lag| (lag.entries, lag.time.as_nanos() / 1_000_000))
        };
        assert_eq!(lag(25), Some((2, 5)));
        assert_eq!(lag(35), Some((0, 0)));
        assert_eq!(
            lag(60),
            Some((1, 10)),
            "the entry 2 of 50 ms, not that of 20 ms"
        );
        assert_eq!(log.worst(1, ms(0), ms(60)).unwrap().entries, 2);
    }

    #[test]
    fn the_worst_of_a_stretch_is_found_between_its_ends() {
        let log = log();
        let worst = log.worst(1, ms(0), ms(100)).unwrap();
        assert_eq!(
            worst,
            Lag {
                entries: 2,
                time: Span::from_millis(30)
            },
            "entry 2 from 20 to 50"
        );
        assert_eq!(log.worst(1, ms(61), ms(69)), None);
        assert_eq!(log.worst(1, ms(71), ms(80)), Some(Lag::default()));
        assert_eq!(
            log.worst(1, ms(11), ms(15)).unwrap(),
            Lag {
                entries: 1,
                time: Span::from_millis(5)
            }
        );
    }
}
