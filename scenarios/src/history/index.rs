//! A hash index from names to numbers, in shared pages, so that a history that holds a million values forks cheaply.
//!
//! It keeps numbers only: what they stand for is looked up where it is kept, through the closures. Nobody can walk it,
//! so no hash order can leak. Slots are probed in a line. Entries leave only in the reverse of the order in which they
//! came (a history is cut at its end), so that emptying a slot never breaks a chain that an older entry needs.

use super::pages::Pages;

const EMPTY: u32 = u32::MAX;
const SLOTS_MIN: usize = 256;

/// The index. Numbers below `u32::MAX` go in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    slots: Pages<u32>,
    used: usize,
}

/// A fixed hash: the same on every platform and in every run.
pub(crate) fn hash(text: &str, seed: u32) -> u64 {
    xxhash_rust::xxh3::xxh3_64_with_seed(text.as_bytes(), u64::from(seed))
}

impl Index {
    /// The number whose name hashes to `hash` and that `is_it`.
    pub(crate) fn find(&self, hash: u64, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        if self.used == 0 {
            return None;
        }
        let mut slot = self.first_slot(hash);
        loop {
            match self.slot(slot) {
                EMPTY => return None,
                number if is_it(number) => return Some(number),
                _ => slot = self.next_slot(slot),
            }
        }
    }

    /// Adds a number that is larger than all before it. `hash_of` says what a number in the index hashes to.
    pub(crate) fn insert(&mut self, hash: u64, number: u32, hash_of: impl Fn(u32) -> u64) {
        if (self.used + 1) * 2 > self.slots.len() {
            self.grow(hash_of);
        }
        self.place(hash, number);
        self.used += 1;
    }

    /// Takes out the number that went in last.
    pub(crate) fn remove_last(&mut self, hash: u64, number: u32) {
        let mut slot = self.first_slot(hash);
        while self.slot(slot) != number {
            assert_ne!(self.slot(slot), EMPTY, "{number} is not in the index");
            slot = self.next_slot(slot);
        }
        *self.slots.get_mut(slot).expect("a slot below the count") = EMPTY;
        self.used -= 1;
    }

    fn grow(&mut self, hash_of: impl Fn(u32) -> u64) {
        let mut numbers: Vec<u32> = self.slots.iter().copied().filter(|&n| n != EMPTY).collect();
        numbers.sort_unstable();
        let count = (self.slots.len() * 2).max(SLOTS_MIN);
        self.slots = Pages::default();
        self.slots.grow_to(count, &EMPTY);
        for number in numbers {
            self.place(hash_of(number), number);
        }
    }

    fn place(&mut self, hash: u64, number: u32) {
        let mut slot = self.first_slot(hash);
        while self.slot(slot) != EMPTY {
            slot = self.next_slot(slot);
        }
        *self.slots.get_mut(slot).expect("a slot below the count") = number;
    }

    fn slot(&self, slot: usize) -> u32 {
        *self.slots.get(slot).expect("a slot below the count")
    }

    /// The count of slots is a power of two, and fits what wasm32 can count.
    fn first_slot(&self, hash: u64) -> usize {
        (hash & (self.slots.len() as u64 - 1)) as usize
    }

    fn next_slot(&self, slot: usize) -> usize {
        (slot + 1) & (self.slots.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Few hashes, so that chains are long and cross the end of the table.
    fn crowded(number: u32) -> u64 {
        u64::from(number % 7) + 250
    }

    #[test]
    fn what_went_in_is_found_and_what_came_out_is_not() {
        let mut index = Index::default();
        for number in 0..1_000 {
            assert_eq!(index.find(crowded(number), |n| n == number), None);
            index.insert(crowded(number), number, crowded);
        }
        for number in (400..1_000).rev() {
            index.remove_last(crowded(number), number);
        }
        for number in 0..1_000 {
            let found = index.find(crowded(number), |n| n == number);
            assert_eq!(found, (number < 400).then_some(number));
        }
        index.insert(crowded(400), 400, crowded);
        assert_eq!(index.find(crowded(400), |n| n == 400), Some(400));
    }
}
