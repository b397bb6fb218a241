//! What can come next, and what of it is tried first.

use super::super::item::Duty;
use super::super::links::NONE;
use super::super::memo::push_ascending;
use super::{Choice, Search};

impl Search<'_> {
    /// Writes down which items of a lane could come next, as part of the place, and chooses among them.
    pub(super) fn look_at(&mut self, lane: u32, last: &mut u32) {
        let head = self.head(lane);
        let mut node = self.events.after(head);
        let from = self.choices.len();
        while node != head && node.is_multiple_of(2) {
            let n = node / 2;
            // Items of different lanes are not in order. No difference is 0.
            if n < *last {
                self.key.push(0);
                *last = 0;
            }
            push_ascending(&mut self.key, last, n + 1);
            if self.waits[n as usize] == 0 {
                self.offer(n, from);
            }
            node = self.events.after(node);
        }
        let first_return = (node != head).then_some(node / 2);
        if let Some(n) = first_return
            && self.items[n as usize].duty == Duty::InTimeOrNever
        {
            self.choices.push(Choice::Skip(n));
        }
        let until = first_return.map_or(NONE, |n| self.items[n as usize].due);
        for at in 0..self.at_any_time[lane as usize].len() {
            let n = self.at_any_time[lane as usize][at];
            if self.items[n as usize].invoked > until {
                break;
            }
            let twin = self.twin[n as usize];
            let is_first = twin == NONE || self.is_used(twin);
            if is_first && self.waits[n as usize] == 0 && !self.is_used(n) && self.is_wanted(n) {
                self.choices.push(Choice::Make(n));
            }
        }
    }

    /// An item that could come next. Of those that can't be told apart only the most urgent one is tried: whoever has
    /// more time can wait.
    fn offer(&mut self, n: u32, from: usize) {
        let item = self.items[n as usize];
        if item.duty != Duty::Must {
            if self.is_wanted(n) {
                self.choices.push(Choice::Make(n));
            }
            return;
        }
        let is_asked = |n: u32| self.asked.is_some_and(|a| a.item == n as usize);
        if self.waiters.is_empty() && !is_asked(n) {
            for at in from..self.choices.len() {
                let Choice::Make(m) = self.choices[at] else {
                    continue;
                };
                let other = self.items[m as usize];
                let alike =
                    (other.call, other.object, other.duty) == (item.call, item.object, item.duty);
                if alike && !is_asked(m) {
                    if item.due < other.due {
                        self.choices[at] = Choice::Make(n);
                    }
                    return;
                }
            }
        }
        self.choices.push(Choice::Make(n));
    }

    /// The best choice comes last: letting go by, then what brings about what the most urgent item demands, then the
    /// others by urgency, and last what need not have happened.
    pub(super) fn sort_choices(&mut self, from: usize) {
        let (items, cells) = (&self.items, &self.cells);
        let urgent = self.choices[from..]
            .iter()
            .filter_map(|choice| match choice {
                Choice::Make(n) if items[*n as usize].duty == Duty::Must => Some(*n),
                _ => None,
            })
            .min_by_key(|&n| items[n as usize].due);
        let demanded = urgent.map_or(NONE, |n| cells.demands[n as usize]);
        self.choices[from..].sort_unstable_by_key(|choice| {
            let (rank, n) = match *choice {
                Choice::Skip(n) => (0, n),
                Choice::Make(n) => {
                    let leaves = cells.leaves[n as usize];
                    let helps = demanded != NONE && leaves == demanded;
                    match items[n as usize].duty {
                        Duty::Must => (if helps { 1 } else { 2 }, n),
                        _ => (if helps { 3 } else { 4 }, n),
                    }
                }
            };
            std::cmp::Reverse((rank, items[n as usize].due, n))
        });
    }
}
