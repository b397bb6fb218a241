//! The search for an order.
//!
//! It goes down: at each place it makes one of the operations that can come next, and goes on from there; where nothing
//! can, it goes back. The chapter says which operations can come next, and which places need not be entered.

mod choices;
mod goals;

use crate::checkers::Budget;
use crate::checkers::models::{Machine, StateId};
use crate::history::{Function, Value};

use super::item::{Cells, Duty, Item};
use super::links::{Links, NONE};
use super::memo::{Memo, push};
use super::product::Product;
use goals::Goals;

/// How a search ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::checkers) enum Outcome {
    /// There is an order.
    Found,
    /// There is none.
    Exhausted,
    /// The budget ran out first.
    OutOfBudget(&'static str),
}

/// An item whose answer is asked for rather than given.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    /// Which item. It must have happened, and its call says nothing of its answer.
    pub(super) item: usize,
    /// Its function.
    pub(super) function: &'a Function,
    /// As many answers are enough.
    pub(super) answers_max: usize,
}

/// As many goals are compared with a state, the nearest first.
const GOALS_COMPARED_MAX: usize = 3;
/// As many goals are looked at to find them.
const GOALS_LOOKED_AT_MAX: usize = 16;

/// One search. See the [module](self).
#[derive(Debug)]
pub(super) struct Search<'a> {
    items: Vec<Item>,
    machine: &'a mut dyn Machine,
    budget: Budget,
    pub(super) states: u64,

    /// Calls (even) and returns (odd) of each lane in order; heads after them. Items of
    /// [`Duty::AnyTimeOrNever`] are not in it.
    events: Links,
    lanes: u32,
    /// For each lane the items that need not happen and have no bound, in order of invocation.
    at_any_time: Vec<Vec<u32>>,
    /// Where such an item stands in `used`.
    use_of: Vec<u32>,
    /// The item before it that can't be told apart from it.
    twin: Vec<u32>,
    used: Vec<u64>,
    must_left: usize,

    held: Product,
    cells: Cells,
    /// The cell that each object is in.
    cell: Vec<u32>,
    /// How many items that must happen demand a cell, how many of any kind do, and how many leave it.
    needed: Vec<u32>,
    wanted: Vec<u32>,
    makers: Vec<u32>,

    goals: Goals,
    /// Items that must come later than others whatever their lanes say: how many of those are left, and, for each item,
    /// who waits for it.
    waits: Vec<u32>,
    waiters: Vec<Vec<u32>>,

    asked: Option<Asked<'a>>,
    /// The number of the answer that the asked item gave on the way here.
    answered: Option<usize>,
    pub(super) answers: Vec<Option<Value>>,
    /// Which of them were proven legal.
    pub(super) legal: Vec<bool>,

    memo: Memo,
    trail: Vec<Undo>,
    frames: Vec<Frame>,
    choices: Vec<Choice>,
    key: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
struct Undo {
    item: u32,
    before: StateId,
    cell_before: u32,
}

#[derive(Clone, Copy, Debug)]
struct Frame {
    trail: usize,
    choices: usize,
}

/// What can be done next: make the item, or let it go by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Choice {
    Make(u32),
    Skip(u32),
}

enum Entered {
    Done,
    Dead,
    Open,
}

impl<'a> Search<'a> {
    /// A search for an order of these items, which are in the order of their invocations. `earlier` names pairs of
    /// items that must come in this order, besides what lanes demand.
    pub(super) fn new(
        items: &[Item],
        earlier: &[(u32, u32)],
        machine: &'a mut dyn Machine,
        budget: Budget,
        asked: Option<Asked<'a>>,
    ) -> Self {
        let items = items.to_vec();
        let lanes = items.iter().map(|i| i.lane + 1).max().unwrap_or(1);
        let objects = items.iter().map(|i| i.object + 1).max().unwrap_or(1);
        let initial = machine.initial();
        let mut cells = Cells::of(&items, machine);
        if let Some(asked) = asked {
            cells.demands[asked.item] = NONE;
            cells.leaves[asked.item] = NONE;
        }
        let mut search = Self {
            held: Product::new(objects as usize, initial),
            cell: (0..objects).map(|o| cells.find(o, initial)).collect(),
            needed: vec![0; cells.len()],
            wanted: vec![0; cells.len()],
            makers: vec![0; cells.len()],
            cells,
            events: Links::default(),
            lanes,
            at_any_time: vec![Vec::new(); lanes as usize],
            use_of: vec![NONE; items.len()],
            twin: vec![NONE; items.len()],
            used: Vec::new(),
            must_left: 0,
            goals: Goals::default(),
            waits: vec![0; items.len()],
            waiters: vec![Vec::new(); if earlier.is_empty() { 0 } else { items.len() }],
            asked,
            answered: None,
            answers: Vec::new(),
            legal: Vec::new(),
            memo: Memo::default(),
            trail: Vec::new(),
            frames: Vec::new(),
            choices: Vec::new(),
            key: Vec::new(),
            items,
            machine,
            budget,
            states: 0,
        };
        for &(first, second) in earlier {
            search.waits[second as usize] += 1;
            search.waiters[first as usize].push(second);
        }
        search.prepare();
        search
    }

    fn prepare(&mut self) {
        let count = self.items.len();
        let mut events: Vec<(u32, u32, u32)> = Vec::new();
        let mut free: Vec<(u32, u32, u32, u32)> = Vec::new();
        for (n, item) in (0u32..).zip(&self.items) {
            if item.duty == Duty::AnyTimeOrNever {
                self.use_of[n as usize] = free.len() as u32;
                self.at_any_time[item.lane as usize].push(n);
                free.push((item.lane, item.object, item.call.0, n));
            } else {
                events.push((item.lane, item.invoked, n * 2));
                events.push((item.lane, item.due, n * 2 + 1));
            }
            self.must_left += usize::from(item.duty == Duty::Must);
            let (demanded, left) = (
                self.cells.demands[n as usize],
                self.cells.leaves[n as usize],
            );
            if demanded != NONE {
                self.needed[demanded as usize] += u32::from(item.duty == Duty::Must);
                self.wanted[demanded as usize] += 1;
            }
            if left != NONE {
                self.makers[left as usize] += 1;
            }
        }
        free.sort_unstable();
        for pair in free.windows(2) {
            let (one, other) = (pair[0], pair[1]);
            if (one.0, one.1, one.2) == (other.0, other.1, other.2) {
                self.twin[other.3 as usize] = one.3;
            }
        }
        events.sort_unstable();
        self.events = Links::new(count * 2 + self.lanes as usize);
        for (lane, _, node) in events {
            self.events.append(self.head(lane), node);
        }
        self.used = vec![0; free.len().div_ceil(64)];
        self.memo = Memo::new(self.used.len());
        self.goals = Goals::of(&self.items, self.machine, self.cell.len(), self.asked);
    }

    /// Searches. In a search that asks for answers, `Exhausted` means that all of them were found.
    pub(super) fn run(&mut self) -> Outcome {
        if self.is_dead_from_the_start() {
            return Outcome::Exhausted;
        }
        match self.enter() {
            Entered::Done if !self.note_answer() => return Outcome::Found,
            Entered::Done | Entered::Dead => return Outcome::Exhausted,
            Entered::Open => {}
        }
        while let Some(&frame) = self.frames.last() {
            self.undo_to(frame.trail);
            if self.choices.len() == frame.choices {
                self.frames.pop();
                continue;
            }
            let choice = self.choices.pop().expect("a frame with choices");
            if !self.make(choice) {
                continue;
            }
            match self.enter() {
                Entered::Done if !self.note_answer() => return Outcome::Found,
                Entered::Done | Entered::Dead | Entered::Open => {}
            }
            if let Some(what) = self.exceeded() {
                return Outcome::OutOfBudget(what);
            }
        }
        Outcome::Exhausted
    }

    /// The answer that led here is legal. Returns whether to look for more.
    fn note_answer(&mut self) -> bool {
        let (Some(asked), Some(answer)) = (&self.asked, self.answered) else {
            return false;
        };
        self.legal[answer] = true;
        self.legal.iter().filter(|&&legal| legal).count() < asked.answers_max
    }

    fn exceeded(&self) -> Option<&'static str> {
        if self.states > self.budget.states {
            return Some("states");
        }
        let trail = self.trail.len() * size_of::<Undo>() + self.choices.len() * 8;
        let bytes = self.memo.size_bytes() + self.machine.size_bytes() + self.held.size_bytes();
        (bytes + trail as u64 > self.budget.bytes).then_some("bytes")
    }

    /// Whether something must have found a state that nothing brings about.
    fn is_dead_from_the_start(&self) -> bool {
        (0..self.cells.len()).any(|cell| {
            let is_first = self.cell[self.cells.object(cell) as usize] == cell as u32;
            self.needed[cell] > 0 && self.makers[cell] == 0 && !is_first
        })
    }

    /// A place: makes everything that can be made without harm, and then looks at what is left to choose.
    fn enter(&mut self) -> Entered {
        self.states += 1;
        self.absorb();
        if self.must_left == 0 {
            return Entered::Done;
        }
        if self.answered.is_some_and(|answer| self.legal[answer]) {
            return Entered::Dead;
        }
        let frame = Frame {
            trail: self.trail.len(),
            choices: self.choices.len(),
        };
        self.key.clear();
        push(&mut self.key, self.held.number());
        push(&mut self.key, self.answered.map_or(0, |n| n as u32 + 1));
        let mut last = 0;
        for lane in 0..self.lanes {
            self.look_at(lane, &mut last);
        }
        if !self.memo.enter(&self.key, &self.used) {
            self.choices.truncate(frame.choices);
            return Entered::Dead;
        }
        self.sort_choices(frame.choices);
        self.frames.push(frame);
        Entered::Open
    }

    /// Makes all operations that must happen, can happen now, and never change anything: whatever else happens, they do
    /// no harm here, and later they might not find what they found.
    fn absorb(&mut self) {
        loop {
            let before = self.trail.len();
            for lane in 0..self.lanes {
                let head = self.head(lane);
                let mut node = self.events.after(head);
                while node != head && node.is_multiple_of(2) {
                    let after = self.events.after(node);
                    let item = &self.items[(node / 2) as usize];
                    let is_asked = self.asked.is_some_and(|a| a.item == (node / 2) as usize);
                    if item.duty == Duty::Must
                        && !is_asked
                        && self.waits[(node / 2) as usize] == 0
                        && self.machine.only_asks(item.call)
                    {
                        let held = self.held.get(item.object);
                        if self.machine.step(held, item.call) == Some(held) {
                            self.resolve(node / 2, held);
                        }
                    }
                    node = after;
                }
            }
            if self.trail.len() == before {
                return;
            }
        }
    }

    /// Makes a choice, unless it leads nowhere.
    fn make(&mut self, choice: Choice) -> bool {
        let n = match choice {
            Choice::Make(n) => n,
            Choice::Skip(n) => {
                let held = self.held.get(self.items[n as usize].object);
                self.resolve(n, held);
                return true;
            }
        };
        if let Some(asked) = self.asked.filter(|a| a.item == n as usize) {
            return self.ask(asked);
        }
        let item = self.items[n as usize];
        let held = self.held.get(item.object);
        if self.goals.any() && self.strays(n, held) {
            return false;
        }
        let Some(after) = self.machine.step(held, item.call) else {
            return false;
        };
        if after == held && item.duty != Duty::Must {
            // It would be used up for nothing.
            return false;
        }
        let cell = self.cell[item.object as usize];
        self.resolve(n, after);
        let left_for_good = cell != NONE
            && self.needed[cell as usize] > 0
            && self.makers[cell as usize] == 0
            && self.cell[item.object as usize] != cell;
        let is_astray = self.goals.is_reset(n) && self.is_astray(item.object, after);
        !left_for_good && !is_astray
    }

    /// Makes the asked item here, whatever it returns here.
    fn ask(&mut self, asked: Asked<'_>) -> bool {
        let item = self.items[asked.item];
        let held = self.held.get(item.object);
        let answer = self.machine.answer(held, asked.function);
        let known = self.answers.iter().position(|known| *known == answer);
        let number = known.unwrap_or_else(|| {
            self.answers.push(answer);
            self.legal.push(false);
            self.answers.len() - 1
        });
        if self.legal[number] {
            return false;
        }
        let after = match asked.function {
            Function::Dequeue => self.machine.step(held, item.call).unwrap_or(held),
            _ => held,
        };
        self.answered = Some(number);
        self.resolve(asked.item as u32, after);
        true
    }

    /// Whether a growing call would lead away from what a later read returned.
    fn strays(&self, n: u32, held: StateId) -> bool {
        let item = &self.items[n as usize];
        self.machine.grows(item.call)
            && self.goals_ahead(item.object).any(|goal| {
                !self
                    .machine
                    .keeps_to(held, item.call, self.items[goal].call)
            })
    }

    /// Whether an object can no longer grow into what a later read returned.
    fn is_astray(&self, object: u32, state: StateId) -> bool {
        self.goals_ahead(object)
            .any(|goal| !self.machine.reaches(state, self.items[goal].call))
    }

    /// Reads of a whole state that will come before anything can make less of it.
    fn goals_ahead(&self, object: u32) -> impl Iterator<Item = usize> + '_ {
        let reset = self.goals.first_reset(object, self.items.len());
        let until = reset.map_or(NONE, |n| match self.lanes {
            1 => self.items[n].invoked,
            _ => 0,
        });
        self.goals
            .ahead(object, self.items.len())
            .take(GOALS_LOOKED_AT_MAX)
            .filter(move |&n| reset.is_none() || self.items[n].due < until)
            .take(GOALS_COMPARED_MAX)
    }

    /// An item is done with: made, or let go by.
    fn resolve(&mut self, n: u32, after: StateId) {
        let at = n as usize;
        let item = self.items[at];
        let before = self.held.get(item.object);
        let cell_before = self.cell[item.object as usize];
        self.trail.push(Undo {
            item: n,
            before,
            cell_before,
        });
        if item.duty == Duty::AnyTimeOrNever {
            let bit = self.use_of[at];
            self.used[(bit / 64) as usize] |= 1 << (bit % 64);
        } else {
            self.events.take_out(n * 2);
            self.events.take_out(n * 2 + 1);
        }
        self.count(at, u32::wrapping_sub);
        self.goals.take_out(n);
        if after != before {
            self.held.set(item.object, after);
            self.cell[item.object as usize] = self.cells.leaves[at];
        }
    }

    fn undo_to(&mut self, len: usize) {
        while self.trail.len() > len {
            let undo = self.trail.pop().expect("a trail longer than its start");
            let at = undo.item as usize;
            let item = self.items[at];
            if self.held.get(item.object) != undo.before {
                self.held.set(item.object, undo.before);
                self.cell[item.object as usize] = undo.cell_before;
            }
            self.goals.put_back(undo.item);
            self.count(at, u32::wrapping_add);
            if item.duty == Duty::AnyTimeOrNever {
                let bit = self.use_of[at];
                self.used[(bit / 64) as usize] &= !(1 << (bit % 64));
            } else {
                self.events.put_back(undo.item * 2 + 1);
                self.events.put_back(undo.item * 2);
            }
            if self.asked.is_some_and(|asked| asked.item == at) {
                self.answered = None;
            }
        }
    }

    /// Counts an item out, or in again.
    fn count(&mut self, at: usize, change: fn(u32, u32) -> u32) {
        let must = self.items[at].duty == Duty::Must;
        if must {
            self.must_left = change(self.must_left as u32, 1) as usize;
        }
        let (demanded, left) = (self.cells.demands[at], self.cells.leaves[at]);
        if demanded != NONE {
            let wanted = &mut self.wanted[demanded as usize];
            *wanted = change(*wanted, 1);
            let needed = &mut self.needed[demanded as usize];
            *needed = change(*needed, u32::from(must));
        }
        if left != NONE {
            let makers = &mut self.makers[left as usize];
            *makers = change(*makers, 1);
        }
        if let Some(waiters) = self.waiters.get(at) {
            for &waiter in waiters {
                let waits = &mut self.waits[waiter as usize];
                *waits = change(*waits, 1);
            }
        }
    }

    /// Whether anything that is left demands what the item would leave; `true` where nobody can say.
    fn is_wanted(&self, n: u32) -> bool {
        // What is asked for may be answered with anything.
        let is_asking = self.asked.is_some() && self.answered.is_none();
        let left = self.cells.leaves[n as usize];
        is_asking || left == NONE || self.wanted[left as usize] > 0
    }

    fn is_used(&self, n: u32) -> bool {
        let bit = self.use_of[n as usize];
        self.used[(bit / 64) as usize] >> (bit % 64) & 1 == 1
    }

    fn head(&self, lane: u32) -> u32 {
        self.items.len() as u32 * 2 + lane
    }
}
