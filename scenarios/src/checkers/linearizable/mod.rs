//! **Linearizability**: every operation seems to take effect at one moment between its beginning and its end.
//!
//! *Herlihy and Wing, Linearizability: A Correctness Condition for Concurrent Objects, ACM TOPLAS 12(3), 1990.* A history
//! is linearizable if its operations can be put in one order such that
//! - an operation that ended before another one began comes first, and
//! - each operation returned what the [model](super::models) returns in that order.
//!
//! Operations that failed are not in it. Those of unknown outcome (info, or open in the end) may stand anywhere after
//! their beginnings, or be left out: for ever, since nobody knows when a lost request takes effect.
//!
//! ```text
//!   write 1  ├─────┤
//!   write 2      ├───────────────┤            write 1, read 2? write 2 must come first, and then read 1
//!   read 2          ├────┤                    finds what was there before: no order explains the second read.
//!   read 1                   ├────┤  ✗        It is the culprit: without it there is an order.
//! ```
//!
//! # How it is decided
//!
//! Each key by itself: a history is linearizable if and only if the part about each object is (theorem 1, *locality*).
//!
//! **Registers whose values are written once** need no search: their [`zones`] decide in O(n log n), however many clients
//! there are. That is the case of all simulated workloads without deletes.
//!
//! **Queues whose elements are put in once** need none either: the beginnings and ends of an element's enqueue and dequeue
//! say all that there is to know, [first in, first out](fifo), in O(n log n) too.
//!
//! **Everything else** is [searched](search). To decide whether there is an order is NP-complete (Gibbons and Korach
//! 1997), so the search is exponential in how many operations overlap, and linear in how many there are as long as few
//! do. It is the algorithm of Wing and Gong (*Testing and Verifying Concurrent Objects*, Journal of Parallel and
//! Distributed Computing 17, 1993) with Lowe's memory (*Testing for Linearizability*, Concurrency and Computation 29(4),
//! 2017). The ends and beginnings of operations stand in one list, as they happened. Whatever begins before the first
//! end in the list can come next; what is made is taken out of the list; where the first end is reached and nothing can
//! be made, the search goes back and puts back. A *place* (what is left, and the state) that was entered before is not
//! entered again.
//!
//! To that it adds, each of them safe for a reason that the code states:
//! - operations that only ask and can be made now *are* made now, all at once, and never tried anywhere else;
//! - of operations that can't be told apart, only the most urgent one is tried;
//! - what need not have happened comes last, and only where something is left that asks for what it brings about; and of
//!   two places that differ only in how much of it was used up, the one with less makes the other superfluous;
//! - a register does not leave a value that is still asked for and that nothing can bring about again;
//! - a text, set or counter does not grow away from what a later read found, as long as nothing can cut it back before.
//!
//! The last two are what makes histories of many clients easy where they are legal, and decisions quick where they are
//! not.
//!
//! **The budget** counts the places that were entered and the bytes of what is remembered, never time. So a verdict does
//! not depend on the machine; past the budget it is *undecided*.
//!
//! # What is returned
//!
//! The culprit is the operation whose end was one too many: of what ended before it there is an order (and what had not
//! ended yet could have come out either way), with it there is none. It is found by halves, which is sound because each
//! end only adds a demand. Then the culprit's answer is taken away and the search runs once more, through all orders, to
//! find what it could have returned.
//!
//! [`judge`] is the way in for those who want to know about part of a history: each operation that is kept has happened,
//! or may have happened by its end or never, or may have happened at any time after it began. Making one optional
//! only takes demands away, so it can never invent a violation.

mod explain;
mod fifo;
mod item;
mod judge;
mod links;
mod memo;
mod product;
mod search;
#[cfg(test)]
mod tests;
mod zones;

pub(super) use explain::{explain, witness};
pub(super) use item::{Duty, Item, without_the_useless};
pub(super) use judge::{Decision, Judge, Kept, Precedence};

use crate::history::OperationId;

use super::{Finding, Order, Question, Ruling, Unsupported, Witness};

/// Its name among the guarantees.
pub const NAME: &str = "linearizable";

/// Whether the history is linearizable. See the [module](self).
///
/// # Errors
/// When the model does not know a function or the shape of a value.
pub fn check(question: &Question<'_>) -> Result<Ruling, Unsupported> {
    let mut judge = Judge::new(question.history, question.setting)?;
    if question.setting.order == Order::Session {
        let reason = "the history has only the order of its sessions, and this is about real time";
        return Ok(undecided(reason.to_owned(), 0));
    }
    let keys = by_key(&judge);
    let mut unclear = None;
    let mut fallen = Vec::new();
    for kept in &keys {
        match judge.judge(kept, Precedence::RealTime) {
            Decision::Holds => {}
            Decision::Violated => fallen.push(kept),
            Decision::Undecided(reason) => {
                unclear.get_or_insert(reason);
            }
        }
    }
    if fallen.is_empty()
        && let Some(reason) = unclear
    {
        return Ok(undecided(reason, judge.states));
    }
    let mut witnesses: Vec<Witness> = fallen
        .into_iter()
        .map(|kept| {
            let impossible = explain(&mut judge, kept, Precedence::RealTime);
            witness(question.history, &impossible, kept, Precedence::RealTime)
        })
        .collect();
    witnesses.sort_by_key(|witness| {
        let culprit = witness.operations.last();
        culprit.and_then(|&id| question.history.completed(id))
    });
    Ok(Ruling::from_witnesses(witnesses, judge.states))
}

/// A ruling that is none.
pub(super) fn undecided(reason: String, states: u64) -> Ruling {
    Ruling {
        finding: Finding::Undecided(reason),
        states,
    }
}

/// The operations of each key.
fn by_key(judge: &Judge<'_>) -> Vec<Vec<(OperationId, Duty)>> {
    let mut keys = vec![Vec::new(); judge.history.key_count()];
    for (id, duty) in judge.everything() {
        keys[judge.history.key_id(id).0 as usize].push((id, duty));
    }
    keys
}
