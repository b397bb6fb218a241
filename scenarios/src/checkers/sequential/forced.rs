//! What must come first, in every order that explains the history.
//!
//! It is known of registers whose values are written once. There each read names its write, and the following holds in
//! every sequential order `<`, for two writes `w` and `v` of one key and a read `r` that returned `w`'s value:
//!
//! - an operation that ended before another one of its session began: the one `<` the other;
//! - `w < r`;
//! - if `v < r`, then `v < w`: otherwise `v` would have overwritten what `r` found;
//! - if `w < v`, then `r < v`: for the same reason.
//!
//! A read of the initial value comes before every write of its key. These rules are applied until nothing new follows.
//! Where something then comes before itself, there is no order. Gibbons and Korach (1997, section 4.3) call it the closure
//! of the constraints; Bouajjani, Enea, Guerraoui and Hamza (*On Verifying Causal Consistency*, POPL 2017) show that
//! *causal convergence* falls exactly when the first three rules, with the third one's premise taken from causality alone,
//! lead to a cycle; so whatever violates that is found here too, and more.
//!
//! No cycle does not prove that there is an order: two pairs of writes may exclude each other's orders. That is left to the
//! search, which goes by what must come first.
//!
//! *Complexity.* Operations are sets of bits, so that one round takes O(n · e / 64) for n operations with e pairs of
//! neighbours, and rounds are few. It is left out for histories of more than [`OPERATIONS_MAX`] operations, whose sets would
//! not fit into memory.

use crate::checkers::linearizable::{Duty, Item};
use crate::checkers::models::{Machine, StateId};

/// Sets of so many operations take 32 MB in each direction.
pub(super) const OPERATIONS_MAX: usize = 16_384;

/// What is known of the order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Forced {
    /// It contradicts itself: there is none.
    Contradiction,
    /// Pairs of items of which the first comes first.
    Pairs(Vec<(u32, u32)>),
    /// Values are not written once, or there are calls other than reads and writes, or too many.
    Unknown,
}

/// One key: its writes, and for each of them who read it. The initial value is written by nobody.
#[derive(Debug, Default)]
struct Register {
    /// The write, and the reads that returned its value.
    clusters: Vec<(u32, Vec<u32>)>,
    initial_reads: Vec<u32>,
}

/// Applies the rules. Items that need not have happened have no part in it, unless somebody read what they wrote.
pub(super) fn find(items: &[Item], machine: &dyn Machine) -> Forced {
    if items.len() > OPERATIONS_MAX {
        return Forced::Unknown;
    }
    let Some(registers) = registers(items, machine) else {
        return Forced::Unknown;
    };
    let mut order = Relation::new(items.len());
    add_sessions(items, &mut order);
    for register in &registers {
        for (write, reads) in &register.clusters {
            for &read in reads {
                order.add(*write, read);
            }
            for &read in &register.initial_reads {
                order.add(read, *write);
            }
        }
    }
    loop {
        if !order.close() {
            return Forced::Contradiction;
        }
        let before = order.count;
        for register in &registers {
            apply(register, &mut order);
        }
        if order.count == before {
            return Forced::Pairs(order.pairs());
        }
    }
}

/// The registers, or `None` where reads do not name writes. A value that nobody wrote is no matter of orders.
fn registers(items: &[Item], machine: &dyn Machine) -> Option<Vec<Register>> {
    let objects = items.iter().map(|i| i.object + 1).max().unwrap_or(0);
    let mut registers: Vec<Register> = (0..objects).map(|_| Register::default()).collect();
    let mut writes: Vec<((u32, StateId), u32)> = Vec::new();
    for (n, item) in (0u32..).zip(items) {
        match (machine.demands(item.call), machine.leaves(item.call)) {
            (None, Some(state)) => writes.push(((item.object, state), n)),
            (Some(_), None) if item.duty == Duty::Must => {}
            _ => return None,
        }
    }
    writes.sort_unstable();
    let is_repeated = writes.windows(2).any(|pair| pair[0].0 == pair[1].0);
    let is_initial = |&((_, state), _): &((u32, StateId), u32)| state == machine.initial();
    if is_repeated || writes.iter().any(is_initial) {
        return None;
    }
    let mut readers: Vec<Vec<u32>> = vec![Vec::new(); writes.len()];
    for (n, item) in (0u32..).zip(items) {
        let Some(state) = machine.demands(item.call) else {
            continue;
        };
        let wanted = (item.object, state);
        if let Ok(at) = writes.binary_search_by_key(&wanted, |&(cell, _)| cell) {
            readers[at].push(n);
        } else if state == machine.initial() {
            registers[item.object as usize].initial_reads.push(n);
        }
    }
    for (&((object, _), write), reads) in writes.iter().zip(readers) {
        let happened = items[write as usize].duty == Duty::Must || !reads.is_empty();
        if happened {
            registers[object as usize].clusters.push((write, reads));
        }
    }
    Some(registers)
}

/// Each item comes after those of its session that had ended when it began. Those before which another one of them had
/// begun and ended come before that one, and need not be named.
fn add_sessions(items: &[Item], order: &mut Relation) {
    let lanes = items.iter().map(|i| i.lane + 1).max().unwrap_or(0);
    let mut ended: Vec<Vec<u32>> = vec![Vec::new(); lanes as usize];
    for (n, item) in (0u32..).zip(items) {
        let ended = &mut ended[item.lane as usize];
        let had_ended = |&&before: &&u32| items[before as usize].due < item.invoked;
        let last_begun = ended
            .iter()
            .filter(had_ended)
            .map(|&before| items[before as usize].invoked)
            .max()
            .unwrap_or(0);
        ended.retain(|&before| items[before as usize].due >= last_begun);
        for &before in ended.iter().filter(had_ended) {
            order.add(before, n);
        }
        if item.due != u32::MAX {
            ended.push(n);
        }
    }
}

/// The last two rules, for all pairs of writes of a key.
fn apply(register: &Register, order: &mut Relation) {
    for (at, (write, reads)) in register.clusters.iter().enumerate() {
        for (other_at, (other, _)) in register.clusters.iter().enumerate() {
            if at == other_at {
                continue;
            }
            if !order.has(*other, *write) && reads.iter().any(|&r| order.has(*other, r)) {
                order.add(*other, *write);
            }
            if order.has(*write, *other) {
                for &read in reads {
                    order.add(read, *other);
                }
            }
        }
    }
}

/// A relation of items, and what follows from it by transitivity.
#[derive(Debug)]
struct Relation {
    words: usize,
    /// What was added, in order of the first item.
    next: Vec<Vec<u32>>,
    /// For each item what comes after it, as bits.
    after: Vec<u64>,
    /// How many pairs were added.
    count: usize,
}

impl Relation {
    fn new(items: usize) -> Self {
        let words = items.div_ceil(64);
        Self {
            words,
            next: vec![Vec::new(); items],
            after: vec![0; items * words],
            count: 0,
        }
    }

    fn has(&self, one: u32, other: u32) -> bool {
        let word = self.after[one as usize * self.words + other as usize / 64];
        word >> (other % 64) & 1 == 1
    }

    /// Adds a pair, unless it follows already. What follows from it is worked out when the relation is closed.
    fn add(&mut self, one: u32, other: u32) {
        if self.has(one, other) {
            return;
        }
        self.after[one as usize * self.words + other as usize / 64] |= 1 << (other % 64);
        self.next[one as usize].push(other);
        self.count += 1;
    }

    /// Works out what follows. Returns whether it has no cycle.
    fn close(&mut self) -> bool {
        let Some(order) = self.topological() else {
            return false;
        };
        let words = self.words;
        for &n in order.iter().rev() {
            let n = n as usize;
            for at in 0..self.next[n].len() {
                let other = self.next[n][at] as usize;
                for word in 0..words {
                    self.after[n * words + word] |= self.after[other * words + word];
                }
            }
        }
        true
    }

    /// The items in an order that keeps the relation; `None` where it has a cycle (Kahn).
    fn topological(&self) -> Option<Vec<u32>> {
        let mut waits = vec![0u32; self.next.len()];
        for &other in self.next.iter().flatten() {
            waits[other as usize] += 1;
        }
        let mut order: Vec<u32> = (0..self.next.len() as u32)
            .filter(|&n| waits[n as usize] == 0)
            .collect();
        let mut at = 0;
        while let Some(&n) = order.get(at) {
            at += 1;
            for &other in &self.next[n as usize] {
                waits[other as usize] -= 1;
                if waits[other as usize] == 0 {
                    order.push(other);
                }
            }
        }
        (order.len() == self.next.len()).then_some(order)
    }

    fn pairs(&self) -> Vec<(u32, u32)> {
        let pairs = (0u32..).zip(&self.next);
        pairs
            .flat_map(|(one, others)| others.iter().map(move |&other| (one, other)))
            .collect()
    }
}
