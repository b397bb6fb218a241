//! A list that only grows at its end, and that forks share.

use std::sync::Arc;

const CHUNK: usize = 1024;

/// A list that only grows at its end. Full chunks are frozen and shared, so that a clone costs a pointer for every
/// 1,024 items and a copy of less than one chunk.
#[derive(Clone, Debug)]
pub struct ChunkedVec<T> {
    frozen: Vec<Arc<Vec<T>>>,
    tail: Vec<T>,
    /// Items forgotten at the front.
    skipped: usize,
}

impl<T> Default for ChunkedVec<T> {
    fn default() -> Self {
        Self {
            frozen: Vec::new(),
            tail: Vec::new(),
            skipped: 0,
        }
    }
}

impl<T: Clone> ChunkedVec<T> {
    /// Adds an item at the end.
    #[inline]
    pub fn push(&mut self, item: T) {
        self.tail.push(item);
        if self.tail.len() == CHUNK {
            self.freeze();
        }
    }

    /// Freezes the tail where it stands: nothing is copied.
    #[cold]
    fn freeze(&mut self) {
        let full = std::mem::replace(&mut self.tail, Vec::with_capacity(CHUNK));
        self.frozen.push(Arc::new(full));
    }

    /// How many items were ever added.
    pub fn len(&self) -> usize {
        self.skipped + self.frozen.len() * CHUNK + self.tail.len()
    }

    /// Whether none was ever added.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The index of the first item that was not forgotten.
    pub fn first_kept(&self) -> usize {
        self.skipped
    }

    /// The item at `index` (from 0, forgotten ones counted), unless it was forgotten or is yet to come.
    #[inline]
    pub fn get(&self, index: usize) -> Option<&T> {
        let index = index.checked_sub(self.skipped)?;
        match self.frozen.get(index / CHUNK) {
            Some(chunk) => chunk.get(index % CHUNK),
            None => self.tail.get(index - self.frozen.len() * CHUNK),
        }
    }

    /// The latest item.
    pub fn last(&self) -> Option<&T> {
        self.tail.last().or_else(|| self.frozen.last()?.last())
    }

    /// The items from `index` on, forgotten ones left out.
    pub fn iter_from(&self, index: usize) -> impl DoubleEndedIterator<Item = &T> {
        let first = index.max(self.skipped).min(self.len());
        (first..self.len()).map(|index| self.get(index).expect("between first and last"))
    }

    /// The items, forgotten ones left out.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.iter_from(0)
    }

    /// The index of the first item for which `is_before` is false; the items must be ordered by it.
    pub fn partition_point(&self, is_before: impl Fn(&T) -> bool) -> usize {
        let chunk = self
            .frozen
            .partition_point(|chunk| chunk.last().is_some_and(&is_before));
        let within = match self.frozen.get(chunk) {
            Some(chunk) => chunk.partition_point(is_before),
            None => self.tail.partition_point(is_before),
        };
        self.skipped + chunk * CHUNK + within
    }

    /// Forgets items at the front, in whole chunks, as long as at least `keep` remain.
    pub fn forget_all_but(&mut self, keep: usize) {
        let kept = self.len() - self.skipped;
        let chunks = (kept.saturating_sub(keep) / CHUNK).min(self.frozen.len());
        self.frozen.drain(..chunks);
        self.skipped += chunks * CHUNK;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(len: usize) -> ChunkedVec<usize> {
        let mut list = ChunkedVec::default();
        (0..len).for_each(|n| list.push(n));
        list
    }

    #[test]
    fn every_item_comes_back_in_order_at_every_length() {
        for len in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 7] {
            let list = counted(len);
            assert_eq!(list.len(), len);
            assert!(list.iter().copied().eq(0..len));
            assert_eq!(list.last().copied(), len.checked_sub(1));
            assert_eq!(list.get(len), None);
            for target in [0, 1, CHUNK, len] {
                assert_eq!(list.partition_point(|n| *n < target), target.min(len));
            }
        }
    }

    #[test]
    fn a_fork_goes_its_own_way() {
        let mut list = counted(CHUNK + 5);
        let fork = list.clone();
        list.push(99);
        assert_eq!(fork.len(), CHUNK + 5);
        assert_eq!(list.get(CHUNK + 5), Some(&99));
    }

    #[test]
    fn forgetting_keeps_the_latest_under_their_numbers() {
        let mut list = counted(10 * CHUNK);
        list.forget_all_but(3 * CHUNK + 1);
        assert_eq!(list.first_kept(), 6 * CHUNK);
        assert_eq!(list.len(), 10 * CHUNK);
        assert_eq!(list.get(6 * CHUNK - 1), None);
        assert_eq!(list.get(6 * CHUNK), Some(&(6 * CHUNK)));
        assert!(list.iter().copied().eq(6 * CHUNK..10 * CHUNK));
        assert_eq!(list.partition_point(|n| *n < 7 * CHUNK + 3), 7 * CHUNK + 3);
    }
}
