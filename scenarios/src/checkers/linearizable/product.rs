//! What many objects hold together, as one number.
//!
//! A binary tree whose nodes are numbered by what they hold: two states of all objects are equal exactly when their
//! roots have one number. A change touches one path.

use crate::checkers::models::StateId;
use crate::checkers::models::table::{Table, mix};

/// The states of all objects.
#[derive(Debug)]
pub(super) struct Product {
    states: Vec<StateId>,
    /// The tree: node 1 is the root, node n has the children 2n and 2n + 1, and the last half are the objects.
    tree: Vec<u32>,
    /// The pairs of children that there have been.
    pairs: Vec<(u32, u32)>,
    table: Table,
}

impl Product {
    /// So many objects, all in one state.
    pub(super) fn new(objects: usize, initial: StateId) -> Self {
        let leaves = objects.next_power_of_two();
        let mut product = Self {
            states: vec![initial; objects],
            tree: vec![initial.0; leaves * 2],
            pairs: Vec::new(),
            table: Table::default(),
        };
        for node in (1..leaves).rev() {
            product.renumber(node);
        }
        product
    }

    /// What an object holds.
    pub(super) fn get(&self, object: u32) -> StateId {
        self.states[object as usize]
    }

    /// An object changes.
    pub(super) fn set(&mut self, object: u32, state: StateId) {
        self.states[object as usize] = state;
        let mut node = self.tree.len() / 2 + object as usize;
        self.tree[node] = state.0;
        while node > 1 {
            node /= 2;
            self.renumber(node);
        }
    }

    /// A number for what all objects hold.
    pub(super) fn number(&self) -> u32 {
        self.tree[1]
    }

    /// How much memory it takes.
    pub(super) fn size_bytes(&self) -> u64 {
        self.table.size_bytes() + self.pairs.len() as u64 * 8
    }

    fn renumber(&mut self, node: usize) {
        let pair = (self.tree[node * 2], self.tree[node * 2 + 1]);
        let hash = mix(u64::from(pair.0) << 32 | u64::from(pair.1), 11);
        let pairs = &self.pairs;
        let known = self.table.find(hash, |n| pairs[n as usize] == pair);
        self.tree[node] = known.unwrap_or_else(|| {
            let number = u32::try_from(self.pairs.len()).expect("memory ends before 2^32 pairs");
            self.table.insert(hash, number);
            self.pairs.push(pair);
            number
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_states_have_equal_numbers_however_they_came_about() {
        for objects in 1..9 {
            let mut product = Product::new(objects as usize, StateId(0));
            let first = product.number();
            for object in 0..objects {
                product.set(object, StateId(object + 7));
            }
            let all = product.number();
            assert_ne!(first, all);
            for object in (0..objects).rev() {
                product.set(object, StateId(0));
            }
            assert_eq!(first, product.number());
            for object in (0..objects).rev() {
                product.set(object, StateId(object + 7));
            }
            assert_eq!(all, product.number());
        }
    }
}
