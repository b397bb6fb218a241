//! Reading many sources as one: memtables and runs, both ways.
//!
//! Each source has its keys in order. The least key of all (or the greatest, going down) is the next; all sources that have
//! it are asked for the newest version that may be seen, and the newest of those is the answer, unless it deletes or a
//! range delete that may be seen is newer.
//!
//! Mostly one source has many keys before any other has its next: neighbours in order were merged long ago, and what is
//! above them is small. So the source that is first goes on by itself as long as it stands before the *fence*, where the
//! next one waits, and keys are compared once a row and not once a source.

use bytes::Bytes;

use super::Sequence;
use super::memtable::{Memtable, MemtableRange, Versions};
use super::table::{Reader, RunAscent, RunDescent, Stepping};
use super::tombstones::Tombstones;
use super::version::Version;
use crate::storage::{Bounds, EngineError, Row, ScanDirection};

/// The keys of so many rows share one allocation.
const KEYS_TOGETHER: usize = 256;

/// One of the things that are read.
enum Source<'a> {
    Memtable {
        range: MemtableRange<'a>,
        at: Option<(&'a Bytes, &'a Versions)>,
        direction: ScanDirection,
    },
    Up(RunAscent),
    Down(RunDescent),
}

impl<'a> Source<'a> {
    fn of_memtable(memtable: &'a Memtable, bounds: Bounds<'_>, direction: ScanDirection) -> Self {
        let mut range = memtable.range(bounds);
        let at = step(&mut range, direction);
        Self::Memtable {
            range,
            at,
            direction,
        }
    }

    /// The key it stands at.
    #[inline]
    fn key(&self) -> Option<&[u8]> {
        match self {
            Self::Memtable { at, .. } => at.map(|(key, _)| &key[..]),
            Self::Up(run) => run.key(),
            Self::Down(run) => run.key(),
        }
    }

    /// Goes past `key`, at which it stands. Its newest version that is no newer than `most` goes to `best`, unless what is
    /// there is newer.
    fn take(
        &mut self,
        key: &[u8],
        most: Sequence,
        best: &mut Option<(Sequence, Option<Bytes>)>,
        reader: &mut Reader<'_>,
    ) -> Result<(), EngineError> {
        let is_better = |sequence: Sequence, best: &Option<(Sequence, Option<Bytes>)>| {
            sequence <= most && best.as_ref().is_none_or(|(held, _)| *held < sequence)
        };
        match self {
            Self::Memtable {
                range,
                at,
                direction,
            } => {
                if let Some(version) = at.and_then(|(_, versions)| versions.visible(most))
                    && is_better(version.0, best)
                {
                    *best = Some(version.clone());
                }
                *at = step(range, *direction);
            }
            Self::Up(run) => loop {
                let sequence = run.sequence();
                if is_better(sequence, best) {
                    *best = Some((sequence, run.value()));
                }
                run.advance(reader)?;
                if run.key() != Some(key) {
                    break;
                }
            },
            Self::Down(run) => loop {
                let sequence = run.sequence();
                if is_better(sequence, best) {
                    *best = Some((sequence, run.value()));
                }
                run.advance(reader)?;
                if run.key() != Some(key) {
                    break;
                }
            },
        }
        Ok(())
    }
}

fn step<'a>(
    range: &mut MemtableRange<'a>,
    direction: ScanDirection,
) -> Option<(&'a Bytes, &'a Versions)> {
    match direction {
        ScanDirection::Forward => range.next(),
        ScanDirection::Backward => range.next_back(),
    }
}

/// What is read, how far, and as of when.
#[derive(Clone, Copy)]
pub(super) struct Plan<'a> {
    pub(super) bounds: Bounds<'a>,
    pub(super) direction: ScanDirection,
    pub(super) most: Sequence,
    pub(super) limit: usize,
}

/// A merge of all sources.
pub(super) struct Merge<'a> {
    plan: Plan<'a>,
    sources: Vec<Source<'a>>,
    tombstones: Vec<&'a Tombstones>,
    /// The key of the row that is looked at.
    key: Vec<u8>,
    /// The source that goes on by itself until it comes to `fence`, or to its end where no other has anything left.
    alone: Option<usize>,
    fence: Vec<u8>,
    is_fenced: bool,
}

impl<'a> Merge<'a> {
    /// Opens every source that has anything within bounds.
    pub(super) fn new<'m: 'a>(
        memtables: impl Iterator<Item = &'m Memtable>,
        version: &'a Version,
        plan: Plan<'a>,
        reader: &mut Reader<'_>,
    ) -> Result<Self, EngineError> {
        let mut merge = Self {
            plan,
            sources: Vec::with_capacity(version.runs.len() + 2),
            tombstones: Vec::new(),
            key: Vec::new(),
            alone: None,
            fence: Vec::new(),
            is_fenced: false,
        };
        for memtable in memtables {
            merge.add_tombstones(&memtable.tombstones);
            let source = Source::of_memtable(memtable, plan.bounds, plan.direction);
            merge.add(source);
        }
        for run in &version.runs {
            for table in run.tables.iter() {
                merge.add_tombstones(&table.tombstones);
            }
            let tables = run.tables.clone();
            let source = match plan.direction {
                ScanDirection::Forward => {
                    let from = plan.bounds.from;
                    Source::Up(RunAscent::new(tables, from, Stepping::Cached, reader)?)
                }
                ScanDirection::Backward => {
                    Source::Down(RunDescent::new(tables, plan.bounds.to, reader)?)
                }
            };
            merge.add(source);
        }
        Ok(merge)
    }

    fn add(&mut self, source: Source<'a>) {
        if source.key().is_some() {
            self.sources.push(source);
        }
    }

    fn add_tombstones(&mut self, tombstones: &'a Tombstones) {
        if !tombstones.is_empty() {
            self.tombstones.push(tombstones);
        }
    }

    /// Pushes the rows to `out`, up to the limit; the key of the first that is left out because of it.
    pub(super) fn read(
        mut self,
        reader: &mut Reader<'_>,
        out: &mut Vec<Row>,
    ) -> Result<Option<Bytes>, EngineError> {
        let mut keys = Keys::new(out.len());
        let mut left = self.plan.limit;
        let mut resume = None;
        while self.next_key() {
            let mut best = None;
            let (key, most) = (&self.key, self.plan.most);
            match self.alone {
                Some(alone) => self.sources[alone].take(key, most, &mut best, reader)?,
                None => {
                    for source in &mut self.sources {
                        if source.key() == Some(key) {
                            source.take(key, most, &mut best, reader)?;
                        }
                    }
                }
            }
            let Some((sequence, Some(value))) = best else {
                continue;
            };
            if self.is_deleted(sequence) {
                continue;
            }
            if left == 0 {
                resume = Some(Bytes::copy_from_slice(&self.key));
                break;
            }
            left -= 1;
            out.push(Row {
                key: Bytes::new(),
                value,
            });
            keys.add(&self.key, out);
        }
        keys.hand_out(out);
        Ok(resume)
    }

    /// Finds the next key within bounds, and whether one source alone has it; false at the end.
    #[inline]
    fn next_key(&mut self) -> bool {
        if self.alone.is_some_and(|alone| !self.is_before_fence(alone)) {
            self.alone = None;
        }
        let Some(next) = self.alone.or_else(|| self.first()) else {
            return false;
        };
        let bounds = self.plan.bounds;
        let Some(key) = self.sources[next].key() else {
            return false;
        };
        let is_within = match self.plan.direction {
            ScanDirection::Forward => bounds.to.is_none_or(|to| key < to),
            ScanDirection::Backward => bounds.from.is_none_or(|from| from <= key),
        };
        if is_within {
            self.key.clear();
            self.key.extend_from_slice(key);
        }
        is_within
    }

    /// Whether a source that goes on by itself still has anything, and that before all others.
    #[inline]
    fn is_before_fence(&self, source: usize) -> bool {
        match self.sources[source].key() {
            Some(key) => !self.is_fenced || self.goes_first(key, &self.fence),
            None => false,
        }
    }

    #[inline]
    fn goes_first(&self, key: &[u8], other: &[u8]) -> bool {
        match self.plan.direction {
            ScanDirection::Forward => key < other,
            ScanDirection::Backward => key > other,
        }
    }

    /// Looks at all sources: which one is first, whether it is so alone, and where the next one waits.
    fn first(&mut self) -> Option<usize> {
        let mut first: Option<(usize, &[u8])> = None;
        let mut fence: Option<&[u8]> = None;
        for (number, source) in self.sources.iter().enumerate() {
            let Some(key) = source.key() else {
                continue;
            };
            match first {
                Some((_, held)) if !self.goes_first(key, held) => {
                    if fence.is_none_or(|fence| self.goes_first(key, fence)) {
                        fence = Some(key);
                    }
                }
                _ => {
                    fence = first.map(|(_, held)| held);
                    first = Some((number, key));
                }
            }
        }
        let (number, key) = first?;
        let is_alone = fence != Some(key);
        self.is_fenced = fence.is_some();
        if let (true, Some(key)) = (is_alone, fence) {
            let mut kept = std::mem::take(&mut self.fence);
            kept.clear();
            kept.extend_from_slice(key);
            self.fence = kept;
        }
        self.alone = is_alone.then_some(number);
        Some(number)
    }

    fn is_deleted(&self, sequence: Sequence) -> bool {
        let over =
            |tombstones: &&Tombstones| tombstones.newest_over(&self.key, self.plan.most) > sequence;
        self.tombstones.iter().any(over)
    }
}

/// Keys of rows on their way: many share one allocation, which costs less than one each.
struct Keys {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    /// The first row whose key is not handed out.
    first: usize,
}

impl Keys {
    fn new(first: usize) -> Self {
        Self {
            bytes: Vec::new(),
            ends: Vec::new(),
            first,
        }
    }

    /// The key of the row that was pushed last.
    #[inline]
    fn add(&mut self, key: &[u8], out: &mut [Row]) {
        self.bytes.extend_from_slice(key);
        self.ends.push(self.bytes.len());
        if self.ends.len() == KEYS_TOGETHER {
            self.hand_out(out);
        }
    }

    fn hand_out(&mut self, out: &mut [Row]) {
        let bytes = Bytes::from(std::mem::take(&mut self.bytes));
        let mut begin = 0;
        for (row, &end) in out[self.first..].iter_mut().zip(&self.ends) {
            row.key = bytes.slice(begin..end);
            begin = end;
        }
        self.first = out.len();
        self.ends.clear();
    }
}
