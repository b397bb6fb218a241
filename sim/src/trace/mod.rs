//! The trace: everything that happened, each event with the one that caused it.
//!
//! Every send, delivery, drop, timer, sync, crash, fault, request, reply and note is one [`Record`] of 40 bytes. The
//! records form a causal graph, and all pictures and stories are drawn from it. Payloads are not kept: who wants them
//! runs the same seed and schedule again with an [`Observer`](crate::Observer) that listens.
//!
//! Records are numbered from 1 in the order in which they happened and are kept in frozen chunks, which forks share.
//! How much is kept is the [`TraceLevel`]; the digest is the same at every level that makes one.

mod digest;
mod record;

pub use digest::{Digest, stable_hash};
pub use record::{DropReason, Record, RecordKind, ReplyKind};

use crate::{ChunkedVec, EventId, Instant, Kind};

/// How much of a run is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TraceLevel {
    /// Nothing, not even the digest. For measuring.
    Off,
    /// The digest alone.
    #[default]
    Digest,
    /// The digest, and at least so many of the latest records.
    Ring(u32),
    /// The digest and every record.
    Full,
}

/// The records of one run.
#[derive(Clone, Debug)]
pub struct Trace {
    level: TraceLevel,
    digest: Digest,
    count: u64,
    /// The record of event n stands at n - 1.
    records: ChunkedVec<Record>,
    kinds: Vec<Kind>,
}

impl Trace {
    pub(crate) fn new(level: TraceLevel) -> Self {
        Self {
            level,
            digest: Digest::EMPTY,
            count: 0,
            records: ChunkedVec::default(),
            kinds: Vec::new(),
        }
    }

    /// Whether data must be hashed for the digest.
    #[inline]
    pub(crate) fn wants_hashes(&self) -> bool {
        self.level != TraceLevel::Off
    }

    /// Adds a record. `hash` stands for the datum it is about, `kind` is the datum's.
    #[inline]
    pub(crate) fn push(&mut self, mut record: Record, kind: Kind, hash: u64) -> EventId {
        self.count += 1;
        if self.level != TraceLevel::Off {
            let place = u64::from(record.node.0) | u64::from(record.peer.0) << 32;
            self.digest
                .absorb(record.at.as_nanos() ^ (record.kind as u64) << 56, place);
            self.digest
                .absorb(record.cause.0 ^ record.detail.rotate_left(32), hash);
            if self.level != TraceLevel::Digest {
                record.label = self.intern(kind);
                self.store(record);
            }
        }
        EventId(self.count)
    }

    /// The number of a kind in this trace's table. A protocol has a dozen or two, so a linear search is best; nearly
    /// always it finds the very same words, and need not read them.
    #[inline]
    fn intern(&mut self, kind: Kind) -> u16 {
        match self.kinds.iter().position(|k| std::ptr::eq(k.0, kind.0)) {
            Some(index) => index as u16,
            None => self.intern_by_name(kind),
        }
    }

    #[cold]
    fn intern_by_name(&mut self, kind: Kind) -> u16 {
        let known = self.kinds.iter().position(|k| *k == kind);
        let index = known.unwrap_or_else(|| {
            self.kinds.push(kind);
            self.kinds.len() - 1
        });
        u16::try_from(index).expect("a protocol has fewer than 65,536 kinds of datum")
    }

    #[inline]
    fn store(&mut self, record: Record) {
        self.records.push(record);
        if let TraceLevel::Ring(at_least) = self.level {
            self.records.forget_all_but(at_least as usize);
        }
    }

    /// How much is kept.
    pub fn level(&self) -> TraceLevel {
        self.level
    }

    /// How many events there were, kept or not.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The digest of all events; `None` when the level is [`TraceLevel::Off`].
    pub fn digest(&self) -> Option<u64> {
        (self.level != TraceLevel::Off).then_some(self.digest.value())
    }

    /// The record of an event, where it is kept.
    pub fn get(&self, event: EventId) -> Option<&Record> {
        self.records
            .get(usize::try_from(event.0.checked_sub(1)?).ok()?)
    }

    /// The records that are kept, from event `from` on, with their numbers.
    pub fn records(&self, from: EventId) -> impl DoubleEndedIterator<Item = (EventId, &Record)> {
        let first = (from.0.saturating_sub(1) as usize).max(self.records.first_kept());
        let numbers = first..self.records.len();
        numbers.filter_map(|index| Some((EventId(index as u64 + 1), self.records.get(index)?)))
    }

    /// The first event at or after `at` among those that are kept.
    pub fn first_at(&self, at: Instant) -> EventId {
        EventId(self.records.partition_point(|record| record.at < at) as u64 + 1)
    }

    /// The kind of the datum that a record is about: a message's for sends, deliveries and drops, and so on.
    pub fn kind_of(&self, record: &Record) -> Kind {
        self.kinds
            .get(usize::from(record.label))
            .copied()
            .unwrap_or(Kind("none"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NodeId;

    fn filled(level: TraceLevel, count: u64) -> Trace {
        let mut trace = Trace::new(level);
        for n in 1..=count {
            let record = Record::new(
                RecordKind::Note,
                Instant::from_nanos(n),
                NodeId(0),
                EventId(n - 1),
            );
            trace.push(record, Kind("tick"), n);
        }
        trace
    }

    #[test]
    fn the_digest_is_the_same_at_every_level_that_makes_one() {
        let digests: Vec<_> = [
            TraceLevel::Off,
            TraceLevel::Digest,
            TraceLevel::Ring(10),
            TraceLevel::Full,
        ]
        .map(|level| filled(level, 10_000).digest())
        .into();
        assert_eq!(digests[0], None);
        assert!(digests[1].is_some());
        assert_eq!(digests[1], digests[2]);
        assert_eq!(digests[1], digests[3]);
    }

    #[test]
    fn a_full_trace_gives_every_record_back_by_number() {
        let trace = filled(TraceLevel::Full, 10_000);
        assert_eq!(trace.records(EventId(1)).count(), 10_000);
        for n in [1, 4096, 4097, 8192, 10_000] {
            assert_eq!(trace.get(EventId(n)).unwrap().at, Instant::from_nanos(n));
        }
        assert_eq!(trace.get(EventId(0)), None);
        assert_eq!(trace.get(EventId(10_001)), None);
        assert_eq!(trace.kind_of(trace.get(EventId(7)).unwrap()), Kind("tick"));
    }

    #[test]
    fn a_ring_keeps_the_latest_and_forgets_the_rest() {
        let trace = filled(TraceLevel::Ring(5_000), 50_000);
        let kept: Vec<u64> = trace.records(EventId(1)).map(|(id, _)| id.0).collect();
        assert!(kept.len() >= 5_000, "kept only {}", kept.len());
        assert!(kept.len() <= 5_000 + 2 * 1024, "kept {}", kept.len());
        assert_eq!(*kept.last().unwrap(), 50_000);
        assert_eq!(trace.get(EventId(1)), None);
    }

    #[test]
    fn a_record_takes_40_bytes() {
        assert_eq!(size_of::<Record>(), 40);
    }
}
