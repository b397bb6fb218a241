//! A hash table of numbers, for what a search remembers.
//!
//! What the numbers stand for is kept by the owner; the table is asked with a hash and a closure that compares. Nobody
//! can walk it, so no hash order can leak, and hashes are fixed, so a search takes the same course everywhere.

const EMPTY: u32 = u32::MAX;
const SLOTS_MIN: usize = 64;

/// The table. Numbers below `u32::MAX` go in, and never out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    /// Beside each number the lower half of its hash, which spares most comparisons and all hashing on growth.
    slots: Vec<(u32, u32)>,
    used: usize,
}

impl Table {
    /// The number whose entry hashes to `hash` and that `is_it`.
    pub(crate) fn find(&self, hash: u64, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        if self.slots.is_empty() {
            return None;
        }
        let short = shorten(hash);
        let mut at = self.first(short);
        loop {
            match self.slots[at] {
                (EMPTY, _) => return None,
                (number, other) if other == short && is_it(number) => return Some(number),
                _ => at = self.after(at),
            }
        }
    }

    /// Adds a number that is not there.
    pub(crate) fn insert(&mut self, hash: u64, number: u32) {
        if (self.used + 1) * 2 > self.slots.len() {
            let count = (self.slots.len() * 2).max(SLOTS_MIN);
            let old = std::mem::replace(&mut self.slots, vec![(EMPTY, 0); count]);
            for (number, short) in old {
                if number != EMPTY {
                    self.place(short, number);
                }
            }
        }
        self.place(shorten(hash), number);
        self.used += 1;
    }

    /// How much memory it takes.
    pub(crate) fn size_bytes(&self) -> u64 {
        self.slots.len() as u64 * 8
    }

    fn place(&mut self, short: u32, number: u32) {
        let mut at = self.first(short);
        while self.slots[at].0 != EMPTY {
            at = self.after(at);
        }
        self.slots[at] = (number, short);
    }

    /// The count of slots is a power of two.
    fn first(&self, short: u32) -> usize {
        short as usize & (self.slots.len() - 1)
    }

    fn after(&self, at: usize) -> usize {
        (at + 1) & (self.slots.len() - 1)
    }
}

/// Mixes two numbers into one hash: the finalizer of SplitMix64.
pub(crate) fn mix(one: u64, other: u64) -> u64 {
    let mut z = one ^ other.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The upper half: what multiplication has mixed best.
fn shorten(hash: u64) -> u32 {
    (hash >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_went_in_is_found_even_where_hashes_collide() {
        let crowded = |n: u32| u64::from(n % 7) << 32;
        let mut table = Table::default();
        for n in 0..1_000 {
            assert_eq!(table.find(crowded(n), |m| m == n), None);
            table.insert(crowded(n), n);
        }
        for n in 0..1_100 {
            assert_eq!(table.find(crowded(n), |m| m == n), (n < 1_000).then_some(n));
        }
    }
}
