//! **Sequential consistency**: there is one order of all operations that keeps the order of every session and explains
//! what was returned.
//!
//! *Lamport, How to Make a Multiprocessor Computer That Correctly Executes Multiprocess Programs, IEEE Transactions on
//! Computers 28(9), 1979.* It asks what [linearizability](super::linearizable) asks, with the order of each session in the
//! place of real time: what one session does is in order, but another one may see it as late as it likes. An operation
//! comes before another one of its session that began after it had ended. One of unknown outcome comes after those that
//! ended before it began, and before nobody: its effect may come late.
//!
//! ```text
//!   alice   write x = 1  ├───┤
//!   bob                         read x, nothing  ├───┤      legal: bob's read comes first, although it began later
//!   bob                                                read x, 1  ├───┤    read x, nothing  ├───┤  ✗ nobody unsees
//! ```
//!
//! # How it is decided
//!
//! Keys can't be judged one by one: each of them may have an order of its own, and the orders may contradict each other
//! through the sessions (Herlihy and Wing 1990, section 3.3). To decide it is NP-complete even where it is known which
//! write every read returned (Gibbons and Korach 1997, theorem 4.9). So there are three steps, and only the last one is
//! a search:
//!
//! 1. **An order that is there.** A linearizable history is sequentially consistent, by the same order; to look for it
//!    costs little, key by key.
//! 2. **What must come first.** Where values are written once, each read tells which write it comes after, and what
//!    follows from that [must hold in every order](forced): a cycle proves that there is none. This finds what is causally
//!    impossible, and more: it subsumes the patterns of causal consistency with convergence.
//! 3. **The search** of linearizability, with a list for each session instead of one for all, and with what must come
//!    first. It does not enter a place twice, and a key does not leave a value that is still asked for.
//!
//! The steps share the budget, past which the verdict is *undecided*. Where that happens: in histories of many sessions
//! that write and read the same few keys, whose values do not tell which write was read (repeated values, deletes,
//! counters, sets), and that are not linearizable. Where values are written once, the second step mostly leaves little
//! to choose.
//!
//! # What is returned
//!
//! A read may return what is written later in the file: nothing says that the sessions' clocks agree. So the culprit is
//! found thus: what ended up to some line has to be explained, and everything else may have happened, at any time that its
//! session allows. That demands more with every line. The culprit is the operation whose end was one demand too many.

mod forced;

use crate::history::Place;

use super::linearizable::{
    Decision, Item, Judge, Kept, Precedence, explain, undecided, without_the_useless, witness,
};
use super::{Question, Ruling, Unsupported};

use forced::Forced;

/// Its name among the guarantees.
pub const NAME: &str = "sequential";

/// Whether the history is sequentially consistent. See the [module](self).
///
/// # Errors
/// When the model does not know a function or the shape of a value.
pub fn check(question: &Question<'_>) -> Result<Ruling, Unsupported> {
    let mut judge = Judge::new(question.history, question.setting)?;
    let kept = judge.everything();
    match judge.judge(&kept, Precedence::Session) {
        Decision::Holds => Ok(Ruling::from_witnesses(Vec::new(), judge.states)),
        Decision::Undecided(reason) => Ok(undecided(reason, judge.states)),
        Decision::Violated => {
            let impossible = explain(&mut judge, &kept, Precedence::Session);
            let proof = witness(question.history, &impossible, &kept, Precedence::Session);
            Ok(Ruling::from_witnesses(vec![proof], judge.states))
        }
    }
}

/// Whether there is an order of what is kept that explains what was returned by `until`: the three steps.
pub(super) fn decide(judge: &mut Judge<'_>, kept: &Kept, until: Place) -> Decision {
    if is_linearizable(judge, kept, until) {
        return Decision::Holds;
    }
    let items: Vec<Item> = judge.items(kept, Precedence::Session, until);
    let items = without_the_useless(items, judge.machine());
    match forced::find(&items, judge.machine()) {
        Forced::Contradiction => Decision::Violated,
        Forced::Pairs(pairs) => judge.search(&items, &pairs),
        Forced::Unknown => judge.search(&items, &[]),
    }
}

/// Looks for an order that is there, with a part of the budget.
fn is_linearizable(judge: &mut Judge<'_>, kept: &Kept, until: Place) -> bool {
    let all = judge.budget.states;
    let part = all / 10;
    judge.budget.states = part;
    let decision = judge.judge_until(kept, Precedence::RealTime, until);
    let spent = part - judge.budget.states;
    judge.budget.states = all - spent;
    decision == Decision::Holds
}
