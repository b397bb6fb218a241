//! What a search has seen, so that it never goes the same way twice.
//!
//! A *place* in the search is which operations are left, and what the objects hold. Operations that need not have
//! happened make it more than that: of two places that differ only in which of those were used up, the one that used a
//! subset can do whatever the other can. So for each place the sets are kept apart, and a place is not entered where one
//! is known that used no more.

use crate::checkers::models::table::Table;

const NONE: u32 = u32::MAX;

/// The memory of one search.
#[derive(Debug, Default)]
pub(super) struct Memo {
    keys: Vec<u8>,
    entries: Vec<Entry>,
    table: Table,
    /// Sets of used operations, `words` for each, and the next one of the same place.
    sets: Vec<u64>,
    next: Vec<u32>,
    words: usize,
}

#[derive(Debug)]
struct Entry {
    start: usize,
    len: u32,
    /// The newest set.
    set: u32,
}

impl Memo {
    /// A memory for sets of so many 64-bit words.
    pub(super) fn new(words: usize) -> Self {
        Self {
            words,
            ..Self::default()
        }
    }

    /// Whether the place is worth entering; if so, it is remembered.
    pub(super) fn enter(&mut self, key: &[u8], used: &[u64]) -> bool {
        assert_eq!(used.len(), self.words, "sets are of one size");
        let hash = xxhash_rust::xxh3::xxh3_64(key);
        let (keys, entries) = (&self.keys, &self.entries);
        let found = self.table.find(hash, |n| {
            let entry = &entries[n as usize];
            keys[entry.start..][..entry.len as usize] == *key
        });
        let Some(number) = found else {
            let number = count(self.entries.len());
            self.table.insert(hash, number);
            self.entries.push(Entry {
                start: self.keys.len(),
                len: count(key.len()),
                set: NONE,
            });
            self.keys.extend_from_slice(key);
            self.remember(number, used);
            return true;
        };
        if self.words == 0 || self.knows_subset(number, used) {
            return false;
        }
        self.remember(number, used);
        true
    }

    /// How much memory it takes.
    pub(super) fn size_bytes(&self) -> u64 {
        let entries = self.entries.len() * size_of::<Entry>();
        let sets = self.sets.len() * 8 + self.next.len() * 4;
        self.table.size_bytes() + (self.keys.len() + entries + sets) as u64
    }

    fn knows_subset(&self, number: u32, used: &[u64]) -> bool {
        let mut at = self.entries[number as usize].set;
        while at != NONE {
            let set = &self.sets[at as usize * self.words..][..self.words];
            if set.iter().zip(used).all(|(known, new)| known & !new == 0) {
                return true;
            }
            at = self.next[at as usize];
        }
        false
    }

    fn remember(&mut self, number: u32, used: &[u64]) {
        if self.words == 0 {
            return;
        }
        let set = count(self.next.len());
        self.sets.extend_from_slice(used);
        let entry = &mut self.entries[number as usize];
        self.next.push(entry.set);
        entry.set = set;
    }
}

fn count(count: usize) -> u32 {
    u32::try_from(count)
        .ok()
        .filter(|&n| n < NONE)
        .expect("memory ends before 2^32 places")
}

/// Numbers in ascending order, as differences of seven bits a byte: neighbours take one byte.
pub(super) fn push_ascending(key: &mut Vec<u8>, last: &mut u32, number: u32) {
    push(key, number - *last);
    *last = number;
}

/// A number, seven bits a byte.
pub(super) fn push(key: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        key.push(number as u8 | 0x80);
        number >>= 7;
    }
    key.push(number as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_entered_again_only_with_less_used_up() {
        let mut memo = Memo::new(1);
        assert!(memo.enter(b"a", &[0b0110]));
        assert!(!memo.enter(b"a", &[0b0110]), "the same");
        assert!(!memo.enter(b"a", &[0b1110]), "more used up");
        assert!(memo.enter(b"a", &[0b1001]), "neither more nor less");
        assert!(memo.enter(b"b", &[0b1110]), "another place");
        assert!(memo.enter(b"a", &[0b0010]), "less used up");
        assert!(!memo.enter(b"a", &[0b0011]));
    }
}
