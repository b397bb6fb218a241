//! **Causal consistency**, in its three published strengths, and **PRAM** process by process.
//!
//! *Bouajjani, Enea, Guerraoui and Hamza, On Verifying Causal Consistency, POPL 2017.* Operations are causally ordered by
//! `co`: the order of each session, and every write before the reads of its value. Histories are differentiated (no two
//! writes of one key use the same value), so that each read names its write, and the smallest `co` is the only one that
//! matters. Each strength is then the absence of a few *bad patterns* (table 2 and 3 of the paper):
//!
//! | | what every operation sees | bad patterns |
//! |---|---|---|
//! | `cc`, causal consistency | its causal past, in an order of its own | CyclicCO, ThinAirRead, WriteCOInitRead, WriteCORead |
//! | `cm`, causal memory | the same, in one order for all reads of its session | those, WriteHBInitRead, CyclicHB |
//! | `ccv`, causal convergence | the same, in one order for everybody | those of `cc`, CyclicCF |
//!
//! - *CyclicCO*: causality runs in a circle.
//! - *ThinAirRead*: a read returns what nobody wrote.
//! - *WriteCOInitRead*: a read returns the initial value though a write of its key is in its past.
//! - *WriteCORead*: a read returns a value though a later write of its key is in its past, later by `co`.
//! - *CyclicCF*: a read that knew of write `a` and returned write `b` of the same key shows that `a` was arbitrated before
//!   `b`; that and `co` run in a circle.
//! - *WriteHBInitRead*, *CyclicHB*: the same two for what one session has shown. `hb` is `co` and, for each read of the
//!   session in turn, all other writes of its key that it knew of before the one that it returned.
//!
//! Between `cm` and `ccv` there is no implication: a session of `cm` may order concurrent writes as nobody else does, and
//! `ccv` lets a session change its mind about what it saw of others as long as arbitration explains it.
//!
//! ```text
//!   figure 2a           s0  write x = 1   read x = 2        cm, not ccv: each session saw its own write first
//!                       s1  write x = 2   read x = 1
//! ```
//!
//! *Lipton and Sandberg, PRAM: A scalable shared memory, 1988.* `pram-per-process` is causal memory with less causality:
//! each session sees all writes in one order of its own, in which the writes of every other session stand as that session
//! issued them. The same saturation decides it, grown from session order and the session's own reads. It is exact: put
//! the writes before each read of the session in turn, those that it needs and that are not placed yet, in any order that
//! extends `hb`; the one it returned is then the last of its key, since saturation has put all others before it.
//!
//! No strength knows real time: a read may return a value whose write begins later. Deletes, values that repeat and
//! unknown outcomes are read as [`acts`](super::acts) says.
//!
//! # Cost
//!
//! With *n* operations in *c* chains (sessions, as a rule), *w* sessions that write a key: time O(n·c) for `cc`, the same
//! and one walk through at most n·w edges for `ccv`, and O(c · passes · n·c) for `cm` and `pram-per-process`, where passes are the
//! rounds until a session's `hb` no longer grows: two or three as a rule, n at the worst. Clocks take 4·n·c bytes, twice for `cm`. Both are counted
//! against the budget. No closure of n² pairs is ever held.
//!
//! # What real tools do
//!
//! Bouajjani's group has the patterns checked by Datalog and by AWDIT; Plume and DBCop do the same for transactions. They
//! print that a history is wrong; here the pattern is named and its operations are told.

pub(super) mod cc;
pub(super) mod ccv;
pub(super) mod cm;
pub(super) mod order;
mod saturation;
