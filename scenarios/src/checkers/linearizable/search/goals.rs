//! What reads of a whole state say of the way there.

use crate::checkers::models::Machine;

use super::super::item::{Duty, Item};
use super::super::links::Links;
use super::Asked;

/// What reads of a whole state say of the way there.
#[derive(Debug, Default)]
pub(super) struct Goals {
    /// Items that return a whole state, by how much it is, for each object; heads after them.
    goals: Links,
    is_goal: Vec<bool>,
    /// Items that may make less of a state, in order of invocation, for each object; heads after them.
    resets: Links,
    is_reset: Vec<bool>,
}

impl Goals {
    pub(super) fn of(
        items: &[Item],
        machine: &dyn Machine,
        objects: usize,
        asked: Option<Asked<'_>>,
    ) -> Self {
        let is_asked = |n: usize| asked.is_some_and(|a| a.item == n);
        let goal = |n: usize| {
            let is_goal = items[n].duty == Duty::Must && !is_asked(n);
            is_goal.then(|| machine.goal(items[n].call)).flatten()
        };
        let mut goals: Vec<(u64, u32, usize)> = (0..items.len())
            .filter_map(|n| Some((goal(n)?, items[n].due, n)))
            .collect();
        if goals.is_empty() {
            return Self::default();
        }
        goals.sort_unstable();
        let count = items.len() + objects;
        let mut found = Self {
            goals: Links::new(count),
            is_goal: vec![false; items.len()],
            resets: Links::new(count),
            is_reset: vec![false; items.len()],
        };
        let head = |n: usize| items.len() as u32 + items[n].object;
        for (_, _, n) in goals {
            found.goals.append(head(n), n as u32);
            found.is_goal[n] = true;
        }
        for (n, item) in items.iter().enumerate() {
            if !machine.grows(item.call) && !machine.only_asks(item.call) {
                found.resets.append(head(n), n as u32);
                found.is_reset[n] = true;
            }
        }
        found
    }

    pub(super) fn any(&self) -> bool {
        !self.is_goal.is_empty()
    }

    pub(super) fn is_reset(&self, n: u32) -> bool {
        self.is_reset.get(n as usize).is_some_and(|&is| is)
    }

    pub(super) fn first_reset(&self, object: u32, items: usize) -> Option<usize> {
        let first = self.resets.after(items as u32 + object) as usize;
        (first < items).then_some(first)
    }

    pub(super) fn ahead(&self, object: u32, items: usize) -> impl Iterator<Item = usize> + '_ {
        let first = self.goals.after(items as u32 + object) as usize;
        std::iter::successors(Some(first), |&n| Some(self.goals.after(n as u32) as usize))
            .take_while(move |&n| n < items)
    }

    pub(super) fn take_out(&mut self, n: u32) {
        if !self.any() {
            return;
        }
        if self.is_goal[n as usize] {
            self.goals.take_out(n);
        }
        if self.is_reset[n as usize] {
            self.resets.take_out(n);
        }
    }

    pub(super) fn put_back(&mut self, n: u32) {
        if !self.any() {
            return;
        }
        if self.is_goal[n as usize] {
            self.goals.put_back(n);
        }
        if self.is_reset[n as usize] {
            self.resets.put_back(n);
        }
    }
}
