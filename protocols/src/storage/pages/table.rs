//! Which frame of the pool holds a page: a hash table from one small number to another.
//!
//! Every page that is looked at is looked up here, three or four for each lookup of a key, so it must be quick; and it is
//! never walked, so that no order of hashing can be seen.

/// An open-addressing table with linear probing, at most half full.
#[derive(Clone, Debug, Default)]
pub(super) struct PageTable {
    /// Page and frame, each as number + 1; 0 is an empty place. The length is 0 or a power of two.
    places: Vec<(u32, u32)>,
    len: usize,
}

impl PageTable {
    fn home(&self, page: u32) -> usize {
        // Fibonacci hashing: the high bits of the product are well mixed.
        let shift = 64 - self.places.len().trailing_zeros();
        (u64::from(page).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> shift) as usize
    }

    /// The place of the page, or the empty one where it would stand.
    fn place(&self, page: u32) -> usize {
        let mask = self.places.len() - 1;
        let mut at = self.home(page);
        while self.places[at].1 != 0 && self.places[at].0 != page {
            at = (at + 1) & mask;
        }
        at
    }

    /// The frame of a page.
    #[inline]
    pub(super) fn get(&self, page: u32) -> Option<usize> {
        if self.places.is_empty() {
            return None;
        }
        let frame = self.places[self.place(page)].1;
        frame.checked_sub(1).map(|frame| frame as usize)
    }

    /// The page is in this frame now.
    pub(super) fn set(&mut self, page: u32, frame: usize) {
        if (self.len + 1) * 2 > self.places.len() {
            self.grow();
        }
        let at = self.place(page);
        if self.places[at].1 == 0 {
            self.len += 1;
        }
        self.places[at] = (page, frame as u32 + 1);
    }

    /// The page is in no frame now.
    pub(super) fn remove(&mut self, page: u32) {
        if self.get(page).is_none() {
            return;
        }
        let mask = self.places.len() - 1;
        let mut hole = self.place(page);
        self.len -= 1;
        // What stands behind the hole moves into it unless that would be before its home.
        let mut at = (hole + 1) & mask;
        while self.places[at].1 != 0 {
            let home = self.home(self.places[at].0);
            if (at.wrapping_sub(home) & mask) >= (at.wrapping_sub(hole) & mask) {
                self.places[hole] = self.places[at];
                hole = at;
            }
            at = (at + 1) & mask;
        }
        self.places[hole] = (0, 0);
    }

    fn grow(&mut self) {
        let len = (self.places.len() * 2).max(16);
        let old = std::mem::replace(&mut self.places, vec![(0, 0); len]);
        for (page, frame) in old {
            if frame != 0 {
                let at = self.place(page);
                self.places[at] = (page, frame);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn the_table_is_a_map() {
        let mut table = PageTable::default();
        let mut model = BTreeMap::new();
        let mut random = seedbed_sim::Stream::named(seedbed_sim::Seed(1), "table");
        for step in 0..20_000 {
            let page = random.below(300) as u32;
            if random.below(2) == 0 {
                table.remove(page);
                model.remove(&page);
            } else {
                table.set(page, step);
                model.insert(page, step);
            }
            let probe = random.below(300) as u32;
            assert_eq!(table.get(probe), model.get(&probe).copied());
        }
        for page in 0..300 {
            assert_eq!(table.get(page), model.get(&page).copied());
        }
    }
}
