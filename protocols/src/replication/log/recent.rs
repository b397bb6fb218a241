//! The latest entries, in memory.

use std::collections::VecDeque;

use super::{Entries, Entry, Limit, LogIndex};

/// The latest entries: batches that are durable or came as batches, and behind them single ones that are neither.
#[derive(Clone, Debug)]
pub(super) struct Recent {
    /// Consecutive batches, oldest first.
    batches: VecDeque<Entries>,
    /// What the batches hold.
    held: Limit,
    /// The entries after the batches, one by one.
    single: Vec<Entry>,
    /// The entry before the first that is held.
    before: LogIndex,
}

impl Recent {
    /// Nothing, in a log that ends with `written`.
    pub(super) fn after(written: LogIndex) -> Self {
        Self {
            batches: VecDeque::new(),
            held: Limit {
                entries: 0,
                bytes: 0,
            },
            single: Vec::new(),
            before: written,
        }
    }

    pub(super) fn push(&mut self, entry: Entry) {
        self.single.push(entry);
    }

    pub(super) fn push_all(&mut self, entries: Entries) {
        self.seal(LogIndex(u64::MAX));
        self.held.entries += entries.len() as u64;
        self.held.bytes += entries.size_bytes();
        self.batches.push_back(entries);
    }

    /// Makes a batch of the single entries up to `to`: one allocation, shared by whoever it is shipped to.
    pub(super) fn seal(&mut self, to: LogIndex) {
        let count = self.single.partition_point(|entry| entry.index <= to);
        if count == 0 {
            return;
        }
        let entries = Entries::new(self.single.drain(..count).collect());
        self.held.entries += entries.len() as u64;
        self.held.bytes += entries.size_bytes();
        self.batches.push_back(entries);
    }

    /// Lets go of the oldest batches beyond `limit`, as far as they lie at or before `to`.
    #[inline]
    pub(super) fn shrink(&mut self, limit: Limit, to: LogIndex) {
        while self.held.entries > limit.entries || self.held.bytes > limit.bytes {
            match self.batches.front() {
                Some(oldest) if oldest.last() <= to => {}
                _ => return,
            }
            let oldest = self.batches.pop_front().expect("it was just looked at");
            self.held.entries -= oldest.len() as u64;
            self.held.bytes -= oldest.size_bytes();
            self.before = oldest.last();
        }
    }

    /// The first batch that reaches the entry `index`, or comes after it. It is mostly the last one.
    #[inline]
    fn batch_of(&self, index: LogIndex) -> usize {
        match self.batches.back() {
            Some(last) if last.last() < index => self.batches.len(),
            Some(last) if last.first() <= index => self.batches.len() - 1,
            _ => self.batches.partition_point(|batch| batch.last() < index),
        }
    }

    /// The entries after `after` up to `to`, which are in batches that are held.
    pub(super) fn range(&self, after: LogIndex, to: LogIndex) -> impl Iterator<Item = &Entry> {
        assert!(
            after >= to || after >= self.before,
            "entries after {after} are asked of a memory that begins after {}",
            self.before
        );
        let first = self.batch_of(after.next());
        let batches = self.batches.range(first..);
        let batches = batches.take_while(move |batch| batch.first() <= to);
        batches.flat_map(move |batch| {
            let skipped = after.next().since(batch.first()) as usize;
            let kept = to.next().since(batch.first()) as usize;
            let entries = batch.as_slice();
            entries[..kept.min(entries.len())]
                .get(skipped..)
                .unwrap_or_default()
        })
    }

    /// Entries from `first` on, of the batches, as far as `limit` allows; `None` where `first` is not in a batch.
    pub(super) fn read(&self, first: LogIndex, limit: Limit) -> Option<Entries> {
        if first <= self.before {
            return None;
        }
        let index = self.batch_of(first);
        let batch = self.batches.get(index)?;
        let part = batch.part(first, limit);
        let is_last = index + 1 == self.batches.len();
        let is_full = part.last() < batch.last()
            || part.len() as u64 >= limit.entries
            || part.size_bytes() >= limit.bytes;
        if is_last || is_full {
            return Some(part);
        }
        let from_here = self.batches.range(index..).flat_map(Entries::as_slice);
        let entries = from_here.skip(first.since(batch.first()) as usize);
        let (count, _) = limit.fitting(entries.clone());
        Some(Entries::new(entries.take(count).cloned().collect()))
    }
}
