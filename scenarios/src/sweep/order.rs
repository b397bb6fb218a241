//! From lines in any order to lines in the order of seeds.

use std::collections::BTreeMap;

use super::{Ran, Seeds, Until};

/// Puts what workers bring into the order of seeds, and knows when there is enough.
#[derive(Debug)]
pub struct Order {
    next: u64,
    end: u64,
    until: Until,
    waiting: BTreeMap<u64, Ran>,
}

impl Order {
    /// Nothing has come yet of these seeds.
    pub fn new(seeds: Seeds, until: Until) -> Self {
        Self {
            next: seeds.from,
            end: seeds.to,
            until,
            waiting: BTreeMap::new(),
        }
    }

    /// Takes what has come of a seed.
    pub fn put(&mut self, ran: Ran) {
        let is_enough = self.until == Until::First && ran.line.failing;
        // Whatever comes after a failing seed is not wanted any more; a lower one may still fail.
        if is_enough {
            self.end = self.end.min(ran.line.seed + 1);
        }
        self.waiting.insert(ran.line.seed, ran);
    }

    /// The next line in the order of seeds, where it has come.
    pub fn take_next(&mut self) -> Option<Ran> {
        if self.is_complete() {
            return None;
        }
        let ran = self.waiting.remove(&self.next)?;
        self.next += 1;
        Some(ran)
    }

    /// The seed that is waited for.
    pub fn awaited(&self) -> u64 {
        self.next
    }

    /// The seed from which on nothing is wanted any more.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Whether every line that is wanted has been given out.
    pub fn is_complete(&self) -> bool {
        self.next >= self.end
    }
}
