//! The block cache: data blocks that were read lately, up to a bound in bytes.
//!
//! Blocks leave by second chance (the CLOCK policy): a hand goes round; a block that was asked for since the hand last
//! passed stays once more, another one goes. So a scan over everything, which asks for each block once, can't drive out
//! what is asked for again and again. (Corbató, *A Paging Experiment with the Multics System*, 1968.)
//!
//! What is cached decides how long a read takes in virtual time, so it must be the same in a fork of the world: a clone
//! has the same content. It shares it until one side changes it.
//!
//! Each table has a row of slots, one for each of its blocks, so that a look costs a search among tables and one step.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::TableId;
use super::block::Block;

const NO_SLOT: u32 = u32::MAX;

/// See the [module](self).
#[derive(Clone, Debug)]
pub(super) struct BlockCache {
    state: Arc<State>,
    capacity_bytes: usize,
}

#[derive(Clone, Debug, Default)]
struct State {
    slots: Vec<Slot>,
    free: Vec<u32>,
    /// The slot of each block of each table.
    places: BTreeMap<TableId, Vec<u32>>,
    held_bytes: usize,
    hand: usize,
}

#[derive(Clone, Debug)]
struct Slot {
    table: TableId,
    index: u32,
    /// `None`: the slot is free.
    block: Option<Block>,
    was_asked_for: bool,
}

impl BlockCache {
    pub(super) fn new(capacity_bytes: usize) -> Self {
        Self {
            state: Arc::default(),
            capacity_bytes,
        }
    }

    /// Bytes that its blocks take.
    pub(super) fn held_bytes(&self) -> usize {
        self.state.held_bytes
    }

    /// Bytes it takes in memory.
    pub(super) fn memory_bytes(&self) -> usize {
        let places: usize = self
            .state
            .places
            .values()
            .map(|places| 4 * places.len())
            .sum();
        self.state.held_bytes + places + self.state.slots.len() * size_of::<Slot>()
    }

    /// A block, if it is there.
    #[inline]
    pub(super) fn get(&mut self, table: TableId, index: usize) -> Option<Block> {
        let slot = *self.state.places.get(&table)?.get(index)?;
        if slot == NO_SLOT {
            return None;
        }
        let slot = &self.state.slots[slot as usize];
        let block = slot.block.clone();
        if !slot.was_asked_for {
            self.mark(table, index);
        }
        block
    }

    fn mark(&mut self, table: TableId, index: usize) {
        let state = Arc::make_mut(&mut self.state);
        let slot = state.places[&table][index];
        state.slots[slot as usize].was_asked_for = true;
    }

    /// Takes a block in that is not there, and lets others go until there is room. A block as large as the cache is not
    /// taken in.
    pub(super) fn insert(
        &mut self,
        table: TableId,
        index: usize,
        blocks_of_table: usize,
        block: Block,
    ) {
        let bytes = block.memory_bytes();
        if bytes > self.capacity_bytes {
            return;
        }
        let capacity_bytes = self.capacity_bytes;
        let state = Arc::make_mut(&mut self.state);
        while state.held_bytes + bytes > capacity_bytes {
            state.evict();
        }
        let slot = Slot {
            table,
            index: index as u32,
            block: Some(block),
            was_asked_for: false,
        };
        let number = match state.free.pop() {
            Some(number) => {
                state.slots[number as usize] = slot;
                number
            }
            None => {
                state.slots.push(slot);
                (state.slots.len() - 1) as u32
            }
        };
        let places = state.places.entry(table).or_default();
        places.resize(blocks_of_table, NO_SLOT);
        places[index] = number;
        state.held_bytes += bytes;
    }

    /// Lets all blocks of a table go: the table is no more.
    pub(super) fn forget(&mut self, table: TableId) {
        if !self.state.places.contains_key(&table) {
            return;
        }
        let state = Arc::make_mut(&mut self.state);
        for slot in state.places.remove(&table).unwrap_or_default() {
            if slot != NO_SLOT {
                state.clear(slot);
            }
        }
    }
}

impl State {
    /// Lets one block go. There must be one.
    fn evict(&mut self) {
        loop {
            let number = self.hand;
            self.hand = (self.hand + 1) % self.slots.len();
            let slot = &mut self.slots[number];
            if slot.block.is_none() {
                continue;
            }
            if std::mem::take(&mut slot.was_asked_for) {
                continue;
            }
            let (table, index) = (slot.table, slot.index);
            if let Some(places) = self.places.get_mut(&table) {
                places[index as usize] = NO_SLOT;
            }
            self.clear(number as u32);
            return;
        }
    }

    fn clear(&mut self, number: u32) {
        if let Some(block) = self.slots[number as usize].block.take() {
            self.held_bytes -= block.memory_bytes();
            self.free.push(number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Sequence;
    use super::super::block::BlockBuilder;
    use super::*;

    fn block(byte: u8) -> Block {
        let mut builder = BlockBuilder::new(16);
        builder.add(&[byte], Sequence(1), Some(&[byte; 100]));
        Block::new(builder.finish(bytes::Bytes::copy_from_slice)).unwrap()
    }

    #[test]
    fn the_bound_holds_and_what_is_asked_for_stays() {
        let bytes = block(0).memory_bytes();
        let mut cache = BlockCache::new(4 * bytes + 1);
        for index in 0..100 {
            cache.insert(
                TableId(index / 10),
                index as usize % 10,
                10,
                block(index as u8),
            );
            assert!(cache.get(TableId(0), 0).is_some(), "asked for all the time");
            assert!(cache.held_bytes() <= 4 * bytes);
        }
        assert_eq!(cache.held_bytes(), 4 * bytes);
        assert!(cache.get(TableId(9), 9).is_some(), "the newest");
        assert!(cache.get(TableId(5), 5).is_none());
        assert!(cache.get(TableId(77), 0).is_none());
    }

    #[test]
    fn a_clone_does_not_see_the_others_changes() {
        let mut cache = BlockCache::new(1 << 20);
        cache.insert(TableId(1), 0, 2, block(1));
        let mut other = cache.clone();
        other.insert(TableId(1), 1, 2, block(2));
        other.forget(TableId(1));
        assert_eq!(other.held_bytes(), 0);
        assert!(cache.get(TableId(1), 0).is_some());
        assert!(cache.get(TableId(1), 1).is_none());
    }

    #[test]
    fn a_block_larger_than_the_cache_is_not_taken_in() {
        let mut cache = BlockCache::new(10);
        cache.insert(TableId(1), 0, 1, block(1));
        assert_eq!(cache.held_bytes(), 0);
        assert!(cache.get(TableId(1), 0).is_none());
    }
}
