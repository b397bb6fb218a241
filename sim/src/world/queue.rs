//! What is to come: a heap of small keys over a slab.
//!
//! Order is (instant, sequence): what was scheduled first comes first, and nothing else decides.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use slab::Slab;

use crate::Instant;

/// How many bits of a key name the slot: 16 million things to come at a time.
const SLOT_BITS: u32 = 24;

/// Instant, sequence number (40 bits: a thousand billion), and slot, from the highest bits down: one comparison of
/// 128 bits orders by instant and then by sequence, and slots never decide, since no sequence number comes twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key(u128);

impl Key {
    #[inline]
    fn new(at: Instant, sequence: u64, slot: usize) -> Self {
        assert!(slot < 1 << SLOT_BITS, "more than 16 million things to come");
        let order = u128::from(sequence) << SLOT_BITS | slot as u128;
        Self(u128::from(at.as_nanos()) << 64 | order)
    }

    #[inline]
    fn at(self) -> Instant {
        Instant::from_nanos((self.0 >> 64) as u64)
    }

    #[inline]
    fn slot(self) -> usize {
        self.0 as usize & ((1 << SLOT_BITS) - 1)
    }
}

#[derive(Clone, Debug)]
pub(super) struct Queue<T> {
    keys: BinaryHeap<Reverse<Key>>,
    /// `None` for what was taken out before its time; its key is skipped when it comes up.
    items: Slab<Option<T>>,
    sequence: u64,
}

impl<T> Queue<T> {
    pub(super) fn new() -> Self {
        Self {
            keys: BinaryHeap::new(),
            items: Slab::new(),
            sequence: 0,
        }
    }

    #[inline]
    pub(super) fn push(&mut self, at: Instant, item: T) {
        self.sequence += 1;
        let slot = self.items.insert(Some(item));
        self.keys.push(Reverse(Key::new(at, self.sequence, slot)));
    }

    /// When the next item is due.
    #[inline]
    pub(super) fn next_at(&self) -> Option<Instant> {
        self.keys.peek().map(|Reverse(key)| key.at())
    }

    /// The next item, unless it is due after `until`. An item that was taken out leaves a gap: `Some((at, None))`.
    #[inline]
    pub(super) fn pop(&mut self, until: Instant) -> Option<(Instant, Option<T>)> {
        let Reverse(key) = *self.keys.peek()?;
        if key.at() > until {
            return None;
        }
        self.keys.pop();
        Some((key.at(), self.items.remove(key.slot())))
    }

    /// Takes out the items that `wanted` chooses, in their order, each with the instant it was due.
    pub(super) fn take(&mut self, wanted: impl Fn(&T) -> bool) -> Vec<(Instant, T)> {
        let mut keys: Vec<Key> = self.keys.iter().map(|Reverse(key)| *key).collect();
        keys.retain(|key| self.items[key.slot()].as_ref().is_some_and(&wanted));
        keys.sort_unstable();
        keys.into_iter()
            .filter_map(|key| Some((key.at(), self.items[key.slot()].take()?)))
            .collect()
    }

    /// All items with the instants they are due, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Instant, &T)> {
        self.keys
            .iter()
            .filter_map(|Reverse(key)| Some((key.at(), self.items[key.slot()].as_ref()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_instants_come_in_the_order_they_were_scheduled() {
        let mut queue = Queue::new();
        for (at, name) in [(5, 'c'), (1, 'a'), (5, 'd'), (1, 'b')] {
            queue.push(Instant::from_nanos(at), name);
        }
        let mut order = String::new();
        while let Some((_, item)) = queue.pop(Instant::NEVER) {
            order.extend(item);
        }
        assert_eq!(order, "abcd");
    }

    #[test]
    fn what_was_taken_out_does_not_come() {
        let mut queue = Queue::new();
        for n in 0..6_u64 {
            queue.push(Instant::from_nanos(6 - n), n);
        }
        let taken: Vec<u64> = queue
            .take(|n| n % 2 == 0)
            .into_iter()
            .map(|(_, n)| n)
            .collect();
        assert_eq!(taken, [4, 2, 0]);
        let mut left = Vec::new();
        while let Some((_, item)) = queue.pop(Instant::from_nanos(4)) {
            left.extend(item);
        }
        assert_eq!(left, [5, 3]);
        assert_eq!(queue.next_at(), Some(Instant::from_nanos(5)));
    }
}
