//! Small histories, judged by definition: all orders of the updates are tried.

use proptest::prelude::*;

use super::judge;
use crate::history::sketch::{Sketch, write};
use crate::history::{Function, History, Operation, OperationId, Place};

/// More would take the oracle too long, and show nothing new.
const OPERATIONS_MAX: usize = 8;
/// All orders of so many are tried.
const UPDATES_MAX: usize = 4;

/// Grows a history of one key by one event that the numbers choose: an operation begins in a session that is free (or
/// any, if sessions may do several things at once), or one ends.
fn grow(sketch: &mut Sketch, one_at_a_time: bool, (kind, session, which): (u8, u8, u8)) {
    let open = sketch.history.open_operations();
    let session = u32::from(session % 3);
    let is_busy = open
        .iter()
        .any(|&id| sketch.history.operation(id).session.0 == session);
    let may_begin = sketch.history.operation_count() < OPERATIONS_MAX;
    if kind % 2 == 0 && may_begin && !(is_busy && one_at_a_time) {
        let updates = sketch
            .history
            .operations()
            .filter(|o| o.is_update())
            .count();
        let function = match kind / 2 % 8 {
            0..=3 => Function::Read,
            _ if updates == UPDATES_MAX => Function::Read,
            4..=6 => write(&sketch.history.operation_count().to_string()),
            _ => Function::Delete,
        };
        sketch.begin(session, function);
    } else if let Some(&id) = open.get(usize::from(which) % open.len().max(1)) {
        end(sketch, id, kind, which);
    }
}

fn end(sketch: &mut Sketch, id: OperationId, kind: u8, which: u8) {
    let is_update = sketch.history.operation(id).is_update();
    match kind / 2 % 8 {
        0 => sketch.fail(id),
        1 => sketch.info(id),
        _ if is_update => sketch.ok(id),
        _ => {
            let mut values: Vec<Option<String>> = sketch
                .history
                .operations()
                .filter_map(Operation::written)
                .map(|v| Some(v.to_string()))
                .collect();
            values.push(None);
            let value = values.swap_remove(usize::from(which / 8) % values.len());
            sketch.got(id, value.as_deref());
        }
    }
}

fn history(one_at_a_time: bool) -> impl Strategy<Value = History> {
    prop::collection::vec(any::<(u8, u8, u8)>(), 4..40).prop_map(move |steps| {
        let mut sketch = Sketch::new();
        for step in steps {
            grow(&mut sketch, one_at_a_time, step);
        }
        sketch.history
    })
}

/// The definitions, on a history of one key, without any cleverness.
struct Oracle<'a> {
    history: &'a History,
    /// All orders of the updates that may have taken effect.
    orders: Vec<Vec<OperationId>>,
}

impl<'a> Oracle<'a> {
    fn new(history: &'a History) -> Self {
        let mut oracle = Self {
            history,
            orders: Vec::new(),
        };
        let updates: Vec<OperationId> = history
            .operations()
            .filter(|o| o.is_update() && (!o.is_fail() || oracle.first_read(o).is_some()))
            .map(|o| o.id)
            .collect();
        let mut orders = Vec::new();
        oracle.extend(&mut Vec::new(), &updates, &mut orders);
        oracle.orders = orders;
        oracle
    }

    fn extend(
        &self,
        order: &mut Vec<OperationId>,
        left: &[OperationId],
        orders: &mut Vec<Vec<OperationId>>,
    ) {
        if left.is_empty() {
            orders.push(order.clone());
        }
        for &next in left {
            if left.iter().any(|&other| self.surely_before(other, next)) {
                continue;
            }
            order.push(next);
            let rest: Vec<OperationId> = left.iter().copied().filter(|&id| id != next).collect();
            self.extend(order, &rest, orders);
            order.pop();
        }
    }

    fn first_read(&self, update: &Operation) -> Option<Place> {
        let value = update.written()?;
        self.history
            .operations()
            .filter(|o| o.returned() == Some(value))
            .filter_map(|o| self.history.completed(o.id))
            .min()
    }

    fn surely_before(&self, earlier: OperationId, later: OperationId) -> bool {
        let operation = self.history.operation(earlier);
        let acknowledged = operation
            .is_ok()
            .then(|| self.history.completed(earlier))
            .flatten();
        let effective = [acknowledged, self.first_read(operation)]
            .into_iter()
            .flatten()
            .min();
        effective.is_some_and(|place| place < self.history.invoked(later))
    }

    fn ended_before(&self, earlier: OperationId, later: OperationId) -> bool {
        self.history.completed(earlier) < Some(self.history.invoked(later))
    }

    /// The reads of a session that returned something, in order of their ends.
    fn reads(&self, session: u32) -> Vec<OperationId> {
        let mut reads: Vec<OperationId> = self
            .history
            .operations()
            .filter(|o| o.session.0 == session && !o.is_update() && o.is_ok())
            .map(|o| o.id)
            .collect();
        reads.sort_by_key(|&id| self.history.completed(id));
        reads
    }

    fn write_of(&self, read: OperationId) -> Option<OperationId> {
        let value = self.history.operation(read).returned()?;
        self.history
            .operations()
            .find(|o| o.written() == Some(value))
            .map(|o| o.id)
    }

    /// Whether a delete that is visible to `read` stands in `order` after all of `before`.
    fn deleted_after(
        &self,
        order: &[OperationId],
        before: &[OperationId],
        read: OperationId,
    ) -> bool {
        let tail = order.iter().rev().take_while(|id| !before.contains(id));
        let mut visible =
            tail.filter(|&&id| Some(self.history.invoked(id)) < self.history.completed(read));
        visible.any(|&id| self.history.operation(id).function == Function::Delete)
    }

    fn read_your_writes(&self) -> bool {
        (0..3)
            .flat_map(|session| self.reads(session))
            .all(|read| self.sees_own(read))
    }

    fn sees_own(&self, read: OperationId) -> bool {
        let session = self.history.operation(read).session;
        let own: Vec<OperationId> = self
            .history
            .operations()
            .filter(|o| o.is_update() && o.is_ok() && o.session == session)
            .map(|o| o.id)
            .filter(|&id| self.ended_before(id, read))
            .collect();
        self.orders.iter().any(|order| match self.write_of(read) {
            Some(write) => own
                .iter()
                .all(|&id| place(order, id) <= place(order, write)),
            None => {
                let last = order.iter().rev().find(|id| own.contains(id));
                last.is_none_or(|&id| self.history.operation(id).function == Function::Delete)
                    || self.deleted_after(order, &own, read)
            }
        })
    }

    fn monotonic_reads(&self) -> bool {
        (0..3).all(|session| {
            let mut legal: Vec<OperationId> = Vec::new();
            for read in self.reads(session) {
                let mut chain: Vec<OperationId> = legal
                    .iter()
                    .copied()
                    .filter(|&earlier| self.ended_before(earlier, read))
                    .collect();
                chain.push(read);
                if !self
                    .orders
                    .iter()
                    .any(|order| self.goes_forward(order, &chain))
                {
                    return false;
                }
                legal.push(read);
            }
            true
        })
    }

    fn goes_forward(&self, order: &[OperationId], chain: &[OperationId]) -> bool {
        let values_go_forward = chain.iter().enumerate().all(|(index, &later)| {
            chain[..index]
                .iter()
                .all(|&earlier| self.steps_forward(order, chain, earlier, later))
        });
        let (&read, earlier) = chain.split_last().expect("at least the read itself");
        let seen: Vec<OperationId> = earlier.iter().filter_map(|&r| self.write_of(r)).collect();
        let is_explained = self.write_of(read).is_some()
            || seen.is_empty()
            || self.deleted_after(order, &seen, read);
        values_go_forward && is_explained
    }

    fn steps_forward(
        &self,
        order: &[OperationId],
        chain: &[OperationId],
        earlier: OperationId,
        later: OperationId,
    ) -> bool {
        let (Some(from), Some(to)) = (self.write_of(earlier), self.write_of(later)) else {
            return true;
        };
        if !self.ended_before(earlier, later) {
            return true;
        }
        let gap = chain.iter().any(|&between| {
            self.write_of(between).is_none()
                && self.ended_before(earlier, between)
                && self.ended_before(between, later)
        });
        place(order, from) < place(order, to) || (from == to && !gap)
    }
}

fn place(order: &[OperationId], id: OperationId) -> usize {
    order
        .iter()
        .position(|&other| other == id)
        .expect("it is in the order")
}

/// What a checker says: whether the guarantee held.
fn holds(check: &str, history: &History) -> bool {
    judge(check, history)
        .0
        .holds()
        .expect("values are unique and explained")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn checkers_agree_with_the_definition(history in history(true)) {
        let oracle = Oracle::new(&history);
        prop_assert_eq!(holds("read-your-writes-in-real-time", &history), oracle.read_your_writes());
        prop_assert_eq!(holds("monotonic-reads-in-real-time", &history), oracle.monotonic_reads());
    }

    #[test]
    fn checkers_agree_in_sessions_that_do_several_things_at_once(history in history(false)) {
        let oracle = Oracle::new(&history);
        prop_assert_eq!(holds("read-your-writes-in-real-time", &history), oracle.read_your_writes());
        prop_assert_eq!(holds("monotonic-reads-in-real-time", &history), oracle.monotonic_reads());
    }
}
