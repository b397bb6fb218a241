//! How far behind reads were, in versions and in time.
//!
//! ```text
//!   w1 ├───┤ ok      w2 ├───┤ ok      w3 ├───┤ ok
//!                           │
//!                           │◄── 1 version ──┐   the read returned w1, though w2 was surely newer and surely there:
//!                           │                │   w2 and w3, so 2 versions; and out of date since w2 took effect,
//!                           └──── time ──────┤   so long
//!                                            r ├───┤ = w1
//! ```
//!
//! Let `r` be an acknowledged read that returned what update `w` had left. An update `u` of the same key *passed it by*
//! when it [surely came after](History::surely_before) `w`, and had surely taken effect before `r` began.
//!
//! - **Versions behind**: how many updates passed `r` by. This is k-staleness (Bailis et al., *Probabilistically Bounded
//!   Staleness for Practical Partial Quorums*, VLDB 2012): a read that is k versions behind is k-atomic for no smaller
//!   k (counting from 0).
//! - **Time behind**: how long before the beginning of `r` the first of them had surely taken effect. This is
//!   t-staleness (t-visibility in the same paper): a store that shows every update after t has no read further behind.
//!
//! A read that nobody passed by is *fresh*: zero versions, no time. It may still be concurrent with a write that it
//! missed, which is nobody's fault.
//!
//! A read that found nothing names no delete. It is taken to have seen the delete that makes it the freshest: one that
//! had not failed and was invoked before the read ended; where there is none, the beginning of the run, when nothing
//! was there. Reads of values that nobody wrote are not measured, and nothing is where a value was written twice, since
//! reads then do not name their writes.

use hdrhistogram::Histogram;
use seedbed_sim::{Instant, Span};
use serde::{Deserialize, Serialize};

use crate::checkers::{NullRead, Setting};
use crate::history::{Function, History, HistoryEvent, OperationId, Place, Source};

/// Percentiles are kept to this many significant decimal digits.
const SIGNIFICANT_DIGITS: u8 = 3;

/// How far behind the reads of a run were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Staleness {
    /// How many reads were measured.
    pub reads: u64,
    /// How many of them were at least one version behind.
    pub stale: u64,
    /// How many versions they were behind.
    pub versions: StalenessSpread,
    /// How long they had been out of date when they began, in microseconds, rounded up.
    pub time_us: StalenessSpread,
}

/// How staleness is spread over all the reads that were measured, fresh ones too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StalenessSpread {
    /// Half were no further behind.
    pub p50: u64,
    /// Nine in ten.
    pub p90: u64,
    /// All but one in a hundred.
    pub p99: u64,
    /// The furthest.
    pub max: u64,
}

/// How far behind one read was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Behind {
    /// The read.
    pub(crate) read: OperationId,
    /// How many updates had passed it by.
    pub(crate) versions: u64,
    /// How long before its beginning the first of them had surely taken effect.
    pub(crate) time: Span,
    /// The first of them to take effect; `None` where the read is fresh.
    pub(crate) passed_by: Option<OperationId>,
}

/// Measures all reads of a history; `None` where reads do not name their writes. O(n log n).
pub fn staleness(history: &History) -> Option<Staleness> {
    let mut measured = Spread::default();
    each_read(history, &Setting::default(), |behind| {
        measured.add(behind.versions, behind.time);
    })?;
    Some(measured.summary())
}

/// Measures each read, key by key and in order of invocation; `None`, and nothing measured, where reads do not name their
/// writes. O(n log n).
pub(crate) fn each_read(
    history: &History,
    setting: &Setting,
    mut measured: impl FnMut(Behind),
) -> Option<()> {
    if history.first_repeated_write().is_some() {
        return None;
    }
    let mut keys: Vec<Key> = (0..history.key_count()).map(|_| Key::default()).collect();
    for operation in history.operations() {
        let key = &mut keys[history.key_id(operation.id).0 as usize];
        match operation.function {
            Function::Read => key.reads.extend(Read::new(history, setting, operation.id)),
            Function::Write(_) | Function::CompareAndSet { .. } => {
                key.updates.extend(Update::new(history, operation.id));
            }
            Function::Delete => {
                key.updates.extend(Update::new(history, operation.id));
                if !operation.is_fail() {
                    key.deletes.push(operation.id);
                }
            }
            // Neither reads nor writes of a whole value: no read names them.
            _ => return None,
        }
    }
    for key in keys {
        key.measure(history, &mut measured);
    }
    Some(())
}

/// An update that surely took effect.
#[derive(Clone, Copy, Debug)]
struct Update {
    id: OperationId,
    invoked: Place,
    effective: Place,
    effective_at: Instant,
}

impl Update {
    fn new(history: &History, id: OperationId) -> Option<Self> {
        let effective = history.effective_by(id)?;
        Some(Self {
            id,
            invoked: history.invoked(id),
            effective,
            effective_at: instant_of(history, effective),
        })
    }
}

/// A read that can be measured.
#[derive(Clone, Copy, Debug)]
struct Read {
    id: OperationId,
    invoked: Place,
    invoked_at: Instant,
    shows: Shows,
}

/// What a read returned.
#[derive(Clone, Copy, Debug)]
enum Shows {
    /// What was there before anything was written.
    Initial,
    /// Nothing.
    Absent,
    /// What this update had written.
    Write(OperationId),
}

impl Read {
    fn new(history: &History, setting: &Setting, id: OperationId) -> Option<Self> {
        let operation = history.operation(id);
        let shows = match history.source(id)? {
            Source::Write(write) => Shows::Write(write),
            Source::Absent => (setting.null_read == NullRead::Initial).then_some(Shows::Absent)?,
            Source::Nobody => {
                let is_initial = setting.initial.as_ref() == operation.returned();
                is_initial.then_some(Shows::Initial)?
            }
        };
        Some(Self {
            id,
            invoked: history.invoked(id),
            invoked_at: operation.invoked_at,
            shows,
        })
    }
}

/// What happened to one key.
#[derive(Debug, Default)]
struct Key {
    /// In order of invocation.
    updates: Vec<Update>,
    /// Those that may have taken effect, in order of invocation.
    deletes: Vec<OperationId>,
    /// In order of invocation.
    reads: Vec<Read>,
}

impl Key {
    fn measure(self, history: &History, measured: &mut impl FnMut(Behind)) {
        let deletes = Deletes::new(history, &self.deletes);
        // The first of the updates from each one on to take effect.
        let mut soonest: Vec<Update> = self.updates.clone();
        for index in (1..soonest.len()).rev() {
            if soonest[index].effective < soonest[index - 1].effective {
                soonest[index - 1] = soonest[index];
            }
        }
        let mut by_effect: Vec<usize> = (0..self.updates.len()).collect();
        by_effect.sort_unstable_by_key(|index| self.updates[*index].effective);
        let mut by_effect = by_effect.into_iter().peekable();
        let mut there = Tally::new(self.updates.len());
        for read in &self.reads {
            while let Some(index) = by_effect.next_if(|i| self.updates[*i].effective < read.invoked)
            {
                there.add(index);
            }
            let first = match seen_by(history, read, &deletes) {
                Seen::Beginning => 0,
                Seen::Until(place) => self.updates.partition_point(|u| u.invoked <= place),
                Seen::Latest => self.updates.len(),
            };
            let versions = there.count_from(first);
            let since = soonest.get(first).filter(|_| versions > 0);
            let time = since.map_or(Span::ZERO, |u| read.invoked_at.since(u.effective_at));
            measured(Behind {
                read: read.id,
                versions,
                time,
                passed_by: since.map(|update| update.id),
            });
        }
    }
}

/// Which updates surely came after what a read returned.
enum Seen {
    /// All of them.
    Beginning,
    /// Those that were invoked after this place.
    Until(Place),
    /// None.
    Latest,
}

fn seen_by(history: &History, read: &Read, deletes: &Deletes) -> Seen {
    match read.shows {
        Shows::Initial => Seen::Beginning,
        Shows::Write(write) => history
            .effective_by(write)
            .map_or(Seen::Latest, Seen::Until),
        Shows::Absent => {
            let ended = history.completed(read.id);
            deletes.best_before(ended.expect("a read that returned something has ended"))
        }
    }
}

/// Which delete explains best that a key is absent: by how many of them were invoked, the latest effect so far.
#[derive(Debug, Default)]
struct Deletes {
    /// Where each was invoked, and the latest place by which one up to it took effect; `None` when one may do so at any
    /// time.
    latest: Vec<(Place, Option<Place>)>,
}

impl Deletes {
    fn new(history: &History, ids: &[OperationId]) -> Self {
        let mut latest: Vec<(Place, Option<Place>)> = Vec::new();
        for id in ids {
            let effective = history.effective_by(*id);
            let latest_so_far = match latest.last() {
                None => effective,
                Some((_, before)) => before.zip(effective).map(|(a, b)| a.max(b)),
            };
            latest.push((history.invoked(*id), latest_so_far));
        }
        Self { latest }
    }

    fn best_before(&self, end: Place) -> Seen {
        let count = self.latest.partition_point(|(invoked, _)| *invoked < end);
        match count.checked_sub(1).map(|index| self.latest[index].1) {
            None => Seen::Beginning,
            Some(None) => Seen::Latest,
            Some(Some(place)) => Seen::Until(place),
        }
    }
}

/// When something that took effect by a place had done so.
pub(crate) fn instant_of(history: &History, place: Place) -> Instant {
    let (Some(HistoryEvent::Complete(id)) | Some(HistoryEvent::Invoke(id))) = history.event(place)
    else {
        unreachable!("an effect is seen at an event of the history")
    };
    let completed = history.operation(id).completed.as_ref();
    completed.expect("effects are seen at ends").at
}

/// Counts of marked indexes, by prefix: a Fenwick tree.
struct Tally {
    tree: Vec<u64>,
    count: u64,
}

impl Tally {
    fn new(len: usize) -> Self {
        Self {
            tree: vec![0; len + 1],
            count: 0,
        }
    }

    fn add(&mut self, index: usize) {
        self.count += 1;
        let mut node = index + 1;
        while node < self.tree.len() {
            self.tree[node] += 1;
            node += node & node.wrapping_neg();
        }
    }

    /// How many marked indexes are at or after `first`.
    fn count_from(&self, first: usize) -> u64 {
        let (mut node, mut before) = (first, 0);
        while node > 0 {
            before += self.tree[node];
            node &= node - 1;
        }
        self.count - before
    }
}

/// How one quantity is spread. The histogram rounds up, so the largest is kept beside it.
struct Counts {
    histogram: Histogram<u64>,
    max: u64,
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            histogram: Histogram::new(SIGNIFICANT_DIGITS).expect("three digits are in range"),
            max: 0,
        }
    }
}

impl Counts {
    fn add(&mut self, value: u64) {
        let grows = "the histogram grows as far as numbers go";
        self.histogram.record(value).expect(grows);
        self.max = self.max.max(value);
    }

    fn spread(&self) -> StalenessSpread {
        let quantile = |q| self.histogram.value_at_quantile(q).min(self.max);
        StalenessSpread {
            p50: quantile(0.5),
            p90: quantile(0.9),
            p99: quantile(0.99),
            max: self.max,
        }
    }
}

#[derive(Default)]
struct Spread {
    stale: u64,
    versions: Counts,
    time_us: Counts,
}

impl Spread {
    fn add(&mut self, versions: u64, time: Span) {
        self.stale += u64::from(versions > 0);
        self.versions.add(versions);
        self.time_us.add(time.as_nanos().div_ceil(1_000));
    }

    fn summary(&self) -> Staleness {
        Staleness {
            reads: self.versions.histogram.len(),
            stale: self.stale,
            versions: self.versions.spread(),
            time_us: self.time_us.spread(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::sketch::{Sketch, write};

    /// The versions and the time, in microseconds, that the only read of a history was behind.
    fn behind(sketch: &Sketch) -> (u64, u64) {
        let measured = staleness(&sketch.history).expect("reads name their writes");
        assert_eq!(measured.reads, 1);
        assert_eq!(measured.stale, u64::from(measured.versions.max > 0));
        (measured.versions.max, measured.time_us.max)
    }

    /// Each event of a sketch is a millisecond after the one before.
    #[test]
    fn a_read_is_behind_by_the_updates_that_passed_what_it_returned() {
        let mut sketch = Sketch::new();
        sketch.does(0, write("a"));
        sketch.does(0, write("b"));
        sketch.does(0, write("c"));
        sketch.reads(1, Some("a"));
        // b was acknowledged by the event at 13 ms, and the read began at 16 ms.
        assert_eq!(behind(&sketch), (2, 3_000));
    }

    #[test]
    fn the_newest_value_is_fresh_and_so_is_one_that_was_written_at_the_same_time_as_the_newest() {
        let mut sketch = Sketch::new();
        sketch.does(0, write("a"));
        let b = sketch.begin(0, write("b"));
        let c = sketch.begin(1, write("c"));
        sketch.ok(c);
        sketch.ok(b);
        let mut newest = sketch.clone();
        newest.reads(2, Some("c"));
        assert_eq!(behind(&newest), (0, 0));
        sketch.reads(2, Some("b"));
        assert_eq!(behind(&sketch), (0, 0));
    }

    #[test]
    fn an_update_that_had_not_surely_taken_effect_when_the_read_began_does_not_count() {
        let mut sketch = Sketch::new();
        sketch.does(0, write("a"));
        let b = sketch.begin(0, write("b"));
        let read = sketch.begin(1, Function::Read);
        sketch.ok(b);
        sketch.got(read, Some("a"));
        assert_eq!(behind(&sketch), (0, 0));
    }

    #[test]
    fn an_unknown_write_counts_from_the_first_read_that_returned_it() {
        let mut sketch = Sketch::new();
        sketch.does(0, write("a"));
        let b = sketch.begin(0, write("b"));
        sketch.reads(1, Some("b"));
        sketch.info(b);
        sketch.reads(2, Some("a"));
        let measured = staleness(&sketch.history).expect("reads name their writes");
        assert_eq!((measured.reads, measured.stale), (2, 1));
        // The first read ended at 14 ms, the second began at 16 ms.
        assert_eq!(measured.time_us.max, 2_000);
    }

    #[test]
    fn a_read_that_found_nothing_before_any_delete_is_behind_by_all_that_was_there() {
        let mut sketch = Sketch::new();
        sketch.does(0, write("a"));
        sketch.does(0, write("b"));
        sketch.reads(1, None);
        assert_eq!(behind(&sketch), (2, 3_000));
    }

    #[test]
    fn a_delete_explains_an_absent_key_and_what_came_after_it_counts() {
        let mut sketch = Sketch::new();
        sketch.does(0, write("a"));
        sketch.does(0, Function::Delete);
        let mut fresh = sketch.clone();
        fresh.reads(1, None);
        assert_eq!(behind(&fresh), (0, 0));
        sketch.does(0, write("b"));
        let mut stale = sketch.clone();
        stale.reads(1, None);
        assert_eq!(behind(&stale), (1, 1_000));
        // One whose outcome nobody knows may come at any time.
        let open = sketch.begin(2, Function::Delete);
        sketch.info(open);
        sketch.reads(1, None);
        assert_eq!(behind(&sketch), (0, 0));
    }

    #[test]
    fn a_refused_delete_explains_nothing() {
        let mut sketch = Sketch::new();
        sketch.does(0, write("a"));
        let refused = sketch.begin(0, Function::Delete);
        sketch.fail(refused);
        sketch.reads(1, None);
        assert_eq!(behind(&sketch).0, 1);
    }

    #[test]
    fn keys_do_not_mix_and_strange_values_are_left_out() {
        let mut sketch = Sketch::new();
        sketch.does(0, write("a"));
        let other = sketch.begin_at("y", 0, Function::Read);
        sketch.got(other, None);
        sketch.reads(1, Some("never written"));
        assert_eq!(behind(&sketch), (0, 0));
    }

    #[test]
    fn where_a_value_is_written_twice_nothing_is_measured() {
        let mut sketch = Sketch::new();
        sketch.does(0, write("a"));
        sketch.does(0, write("a"));
        sketch.reads(1, Some("a"));
        assert_eq!(staleness(&sketch.history), None);
    }

    #[test]
    fn the_spread_is_over_all_reads() {
        let mut sketch = Sketch::new();
        sketch.does(0, write("a"));
        for _ in 0..9 {
            sketch.reads(1, Some("a"));
        }
        sketch.does(0, write("b"));
        sketch.reads(1, Some("a"));
        let measured = staleness(&sketch.history).expect("reads name their writes");
        assert_eq!((measured.reads, measured.stale), (10, 1));
        let versions = measured.versions;
        assert_eq!(
            (versions.p50, versions.p90, versions.p99, versions.max),
            (0, 0, 1, 1)
        );
    }

    /// The definition, word by word, over all pairs.
    fn by_definition(history: &History) -> (u64, u64, u64) {
        let (mut stale, mut most, mut longest) = (0, 0, 0);
        for read in history.operations().filter(|o| o.is_ok() && !o.is_update()) {
            let passed = |after: Option<OperationId>| {
                let newer = history.operations().filter(|u| {
                    u.is_update()
                        && u.key == read.key
                        && history
                            .effective_by(u.id)
                            .is_some_and(|e| e < history.invoked(read.id))
                        && after.is_none_or(|w| history.surely_before(w, u.id))
                });
                let effects: Vec<Place> =
                    newer.filter_map(|u| history.effective_by(u.id)).collect();
                let first = effects.iter().min();
                let time = first.map_or(0, |first| {
                    let at = instant_of(history, *first);
                    read.invoked_at.since(at).as_nanos() / 1_000
                });
                (effects.len() as u64, time)
            };
            let (versions, time) = match history.source(read.id) {
                Some(Source::Write(write)) => passed(Some(write)),
                Some(Source::Absent) => {
                    let deletes = history.operations().filter(|d| {
                        d.function == Function::Delete
                            && d.key == read.key
                            && !d.is_fail()
                            && Some(history.invoked(d.id)) < history.completed(read.id)
                    });
                    let behind = deletes.map(|d| passed(Some(d.id)));
                    behind.min().unwrap_or_else(|| passed(None))
                }
                _ => continue,
            };
            stale += u64::from(versions > 0);
            most = most.max(versions);
            longest = longest.max(time);
        }
        (stale, most, longest)
    }

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config {
            cases: 400,
            failure_persistence: None,
            rng_seed: proptest::test_runner::RngSeed::Fixed(3),
            ..Default::default()
        })]

        #[test]
        fn random_histories_are_measured_as_defined(
            moves in proptest::collection::vec((0..7_u32, 0..8_usize), 1..40)
        ) {
            let mut sketch = Sketch::new();
            let (mut open, mut written) = (Vec::new(), Vec::<String>::new());
            for (what, which) in moves {
                match what {
                    0 => {
                        let value = format!("v{}", written.len());
                        open.push(sketch.begin(0, write(&value)));
                        written.push(value);
                    }
                    1 => open.push(sketch.begin(1, Function::Delete)),
                    2 | 3 => open.push(sketch.begin(2, Function::Read)),
                    _ if open.is_empty() => {}
                    end => {
                        let id = open.remove(which % open.len());
                        let is_read = sketch.history.operation(id).function == Function::Read;
                        match end {
                            4 | 5 if is_read => {
                                let value = written.get(which % (written.len() + 1));
                                let value = value.map(String::as_str);
                                sketch.got(id, value);
                            }
                            4 | 5 => sketch.ok(id),
                            _ if which % 2 == 0 => sketch.info(id),
                            _ => sketch.fail(id),
                        }
                    }
                }
            }
            let measured = staleness(&sketch.history).expect("no value is written twice");
            let of = (measured.stale, measured.versions.max, measured.time_us.max);
            proptest::prop_assert_eq!(of, by_definition(&sketch.history));
        }
    }
}
