//! Conflicts: what goes wrong when two clients update one thing, and the store has to make one outcome of it.
//!
//! ```text
//!   read x = v ──┐                       both based on v, both acknowledged: whatever order they are put in, one has
//!                ├─ write a, ok          overwritten the other without having seen it          → a lost update
//!   read x = v ──┴─ write b, ok
//!
//!   write a, ok  at once with            only b is ever seen again, a by nobody                 → a discarded conflict
//!   write b, ok
//! ```
//!
//! | check | it falls when | it sees |
//! |---|---|---|
//! | [`no-lost-update`](lost_update) | an update was overwritten by one that was made without having seen it | history, contents |
//! | [`no-discarded-conflict`](discarded) | of two acknowledged writes at once, one is gone without a trace | history, contents |
//! | [`no-resurrected-delete`](resurrected) | what was deleted is back in the end | history, contents |
//! | [`no-duplicated-effect`](duplicated) | an append, enqueue or addition took effect twice | history, contents |
//! | [`no-sibling-explosion`](siblings) | a key has more siblings than so many | history, contents |
//! | [`no-split-brain`](split_brain) | two replicas accept at once what can't both stand | history |
//! | [`no-divergent-handler`](divergent) | replicas that saw the same updates made different things of them | history, contents |
//!
//! All of them prove by [what the history proves](super). They are asked for by name, since whether they *should* hold
//! depends on what a store promises: last-write-wins discards conflicts by design.
//!
//! What a history can't show is not judged, with the reason, and never held to be well: writes of whole values show no
//! second effect, reads that return whole values show no siblings, histories without the names of replicas show no split
//! brain. Keys that mix objects (writes and appends to one key) are not judged either.

pub(super) mod discarded;
pub(super) mod divergent;
pub(super) mod duplicated;
pub(super) mod lost_update;
pub(super) mod objects;
pub(super) mod resurrected;
pub(super) mod siblings;
pub(super) mod split_brain;

use crate::history::History;

use super::Question;
use objects::Kind;

/// Why nothing of whole values can be judged, where that is so.
fn why_no_reads_name_writes(question: &Question<'_>) -> Option<String> {
    let history = question.history;
    let repeated = history.first_repeated_write();
    repeated.map(|write| super::repeated(history, write))
}

/// Why nothing was judged, where the objects are of kinds that do not show it.
fn nothing_to_judge(history: &History, kinds: &[Kind], shows: &str) -> String {
    if history.is_empty() {
        return "nothing happened".to_owned();
    }
    match kinds.iter().find(|kind| **kind == Kind::Mixed) {
        Some(_) => "keys mix objects of several kinds".to_owned(),
        None => format!("these objects do not show {shows}"),
    }
}
