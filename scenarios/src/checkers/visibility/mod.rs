//! **Session guarantees by visibility**, and PRAM.
//!
//! *Viotti and Vukolić, Consistency in Non-Transactional Distributed Storage Systems, ACM Computing Surveys 49(1), 2016,
//! section 3.* A history is explained by two relations that nobody sees: `vis`, which updates are visible to which
//! operations, and `ar`, one total order for the whole history that arbitrates between updates. A read returns the
//! arbitrated last of the updates of its key that are visible to it, or what was there at first when none is (a read of
//! an appended list: all of them, in their order). With `so` for the order of each session, `rd` and `wr` for reads and updates:
//!
//! | guarantee | formula |
//! |---|---|
//! | `read-your-writes` | `so\|wr→rd ⊆ vis` |
//! | `monotonic-reads` | `vis ; so\|rd→rd ⊆ vis` |
//! | `monotonic-writes` | `so\|wr→wr ⊆ ar` |
//! | `writes-follow-reads` | `vis ; so\|rd→wr ⊆ ar` |
//! | `pram` | `so ⊆ vis`, `so\|wr→wr ; vis ⊆ vis`, and with them the first three under one `vis` and one `ar` |
//!
//! A guarantee *holds* when some `vis` and `ar` satisfy it and explain every read. Values are unique, so a read shows one
//! update that was visible, and for every other one of its key that the formula makes visible to it, it *forces*
//! that the other one was arbitrated earlier:
//!
//! ```text
//!   s0   write x = 1 ──so──► read x = 2     its own write was visible, and lost:    1 ──ar──► 2
//!   s1   write x = 2 ──so──► read x = 1     and here the other one:                 2 ──ar──► 1     a circle: no ar
//! ```
//!
//! Nothing else is forced: the least `vis` that satisfies the formula forces least, and every order that extends the
//! forced edges will do as `ar`. So the judges are exact. They collect forced edges, and look for a circle (Kahn; linear
//! in edges). A read that returned the initial value though the formula makes an update visible to it needs no circle.
//!
//! # What each of them can see
//!
//! Formulas that stand alone say less than their names suggest, and the judges say no more than the formulas:
//!
//! - `monotonic-reads` does not mind that a reader sees a session's second write of a register and then its first:
//!   perhaps they were arbitrated so. `monotonic-writes` does not mind either: perhaps the reader merely forgot. Only
//!   together are they broken, and `pram` (or `cc`) says so.
//! - A read of a register shows one update and hides the order of all others. So no history of registers can contradict
//!   `monotonic-writes`, and only a circle of causes contradicts `writes-follow-reads`. Reads of appended lists
//!   show the order itself, and these two have their teeth there.
//! - None of them knows real time. Where the order of versions is known from it, the stricter variants named
//!   `…-in-real-time` apply.
//!
//! Two definitions of PRAM are in use, and neither implies the other. This `pram` has one arbitration for everybody, as
//! all of Viotti and Vukolić's predicates; `so ⊆ vis` alone would not imply monotonic reads, as the paper means it to, since it lets a
//! reader forget, so the formula is read with what the text says of it: everybody sees the writes of a session in their
//! order, without gaps. Lipton and Sandberg's, `pram-per-process`, lets every session have an order of its own.
//!
//! While a run goes on, [`live`] says at which event they fall.
//!
//! # Cost
//!
//! Time and memory O(n) for the session guarantees (prefixes are chained by *knots*, nodes that stand for all that comes
//! before them, in place of an edge from each), O(n · chains) for `pram`, whose clocks are counted against the budget.
//! Deletes, repeated values and unknown outcomes are read as [`acts`](super::acts) says.

mod forced;
pub(super) mod live;
pub(super) mod monotonic_reads;
pub(super) mod monotonic_writes;
mod order;
pub(super) mod pram;
pub(super) mod read_your_writes;
pub(super) mod writes_follow_reads;

use super::acts::{Act, ActId, Acts, Source};

/// A read's source, and the others of its kind.
fn source(act: &Act) -> Option<Source> {
    match act.role {
        super::acts::Role::Read(source) => Some(source),
        super::acts::Role::Write => None,
    }
}

/// The updates that a read shows: one, or a list.
fn shown(acts: &Acts, act: ActId) -> &[ActId] {
    match &acts.all[act].role {
        super::acts::Role::Read(Source::Write(write)) => std::slice::from_ref(write),
        super::acts::Role::Read(Source::List(list)) => &acts.lists[*list],
        _ => &[],
    }
}
