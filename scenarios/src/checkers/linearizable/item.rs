//! Operations as the search sees them.

use crate::checkers::models::{CallId, Machine, StateId};

use super::links::NONE;

/// One operation that took effect, or may have.
#[derive(Clone, Copy, Debug)]
pub(in crate::checkers) struct Item {
    /// What it does and how it ended.
    pub(in crate::checkers) call: CallId,
    /// Operations of one lane take effect in the order in which they did not overlap.
    pub(in crate::checkers) lane: u32,
    /// What it is done to.
    pub(in crate::checkers) object: u32,
    /// Where it began.
    pub(in crate::checkers) invoked: u32,
    /// By where it has taken effect, if it has; `u32::MAX` where there is no bound.
    pub(in crate::checkers) due: u32,
    /// Whether it has.
    pub(in crate::checkers) duty: Duty,
}

/// Whether an operation has taken effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::checkers) enum Duty {
    /// It has.
    Must,
    /// By its due place, or never.
    InTimeOrNever,
    /// At any time from its invocation on, or never.
    AnyTimeOrNever,
}

/// What is known of states before the search: which ones each item demands and leaves.
///
/// It is known of models in which every call that changes anything says what it leaves. Pairs of an object and a state
/// are *cells*. While an item demands a cell, and nothing that is left can bring it about again, the object must not
/// leave it: every order that does so is a dead end, and a search that only goes on until it meets the item would try
/// them all.
#[derive(Debug, Default)]
pub(super) struct Cells {
    pairs: Vec<(u32, u32)>,
    /// For each item the cell that it demands, if there is one.
    pub(super) demands: Vec<u32>,
    /// For each item the cell that it leaves, if there is one.
    pub(super) leaves: Vec<u32>,
}

impl Cells {
    pub(super) fn of(items: &[Item], machine: &dyn Machine) -> Self {
        let pair = |item: &Item, state: Option<StateId>| state.map(|s| (item.object, s.0));
        let demanded = |item: &Item| pair(item, machine.demands(item.call));
        let left = |item: &Item| pair(item, machine.leaves(item.call));
        let mut pairs: Vec<(u32, u32)> = items
            .iter()
            .flat_map(|item| [demanded(item), left(item)])
            .flatten()
            .collect();
        pairs.sort_unstable();
        pairs.dedup();
        let cell = |pair: Option<(u32, u32)>| {
            pair.and_then(|pair| pairs.binary_search(&pair).ok())
                .map_or(NONE, |n| n as u32)
        };
        Self {
            demands: items.iter().map(|item| cell(demanded(item))).collect(),
            leaves: items.iter().map(|item| cell(left(item))).collect(),
            pairs,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.pairs.len()
    }

    pub(super) fn object(&self, cell: usize) -> u32 {
        self.pairs[cell].0
    }

    pub(super) fn find(&self, object: u32, state: StateId) -> u32 {
        self.pairs
            .binary_search(&(object, state.0))
            .map_or(NONE, |n| n as u32)
    }
}

/// Leaves out what need not have happened and would help nobody: an update whose state no other item demands. If it is
/// part of an order that explains the rest, then the next one that takes effect on its object does not look at what it
/// left, and the order explains the rest without it too.
pub(in crate::checkers) fn without_the_useless(
    items: Vec<Item>,
    machine: &dyn Machine,
) -> Vec<Item> {
    if items.iter().all(|item| item.duty == Duty::Must) {
        return items;
    }
    let cells = Cells::of(&items, machine);
    let mut wanted = vec![0u32; cells.len()];
    for &cell in cells.demands.iter().filter(|&&cell| cell != NONE) {
        wanted[cell as usize] += 1;
    }
    let mut makers: Vec<(u32, usize)> = (0..items.len())
        .filter(|&n| items[n].duty != Duty::Must && cells.leaves[n] != NONE)
        .map(|n| (cells.leaves[n], n))
        .collect();
    makers.sort_unstable();
    let mut gone = vec![false; items.len()];
    let mut unwanted: Vec<u32> = (0..cells.len() as u32)
        .filter(|&cell| wanted[cell as usize] == 0)
        .collect();
    while let Some(cell) = unwanted.pop() {
        let from = makers.partition_point(|&(made, _)| made < cell);
        for &(_, n) in makers[from..].iter().take_while(|&&(made, _)| made == cell) {
            gone[n] = true;
            let demanded = cells.demands[n];
            if demanded != NONE {
                wanted[demanded as usize] -= 1;
                if wanted[demanded as usize] == 0 {
                    unwanted.push(demanded);
                }
            }
        }
    }
    let changes_nothing = |n: usize| {
        items[n].duty != Duty::Must && cells.demands[n] != NONE && cells.leaves[n] == NONE
    };
    (0..items.len())
        .filter(|&n| !gone[n] && !changes_nothing(n))
        .map(|n| items[n])
        .collect()
}
