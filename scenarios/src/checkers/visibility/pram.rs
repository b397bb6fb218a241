//! **PRAM**, with one arbitration: everybody sees the writes of each session in their order and without gaps, keeps what
//! they have seen, and sees their own; and updates are arbitrated in the order of their sessions. See the [folder](super).
//!
//! The least visibility that satisfies this is a prefix of each chain, so a clock for each read holds it: what its
//! session's earlier acts had, its session's own acts, and what the update that it returned has before it in its session.
//! Of each chain it forces that the last visible update of the key was arbitrated before the one that was returned; those before
//! that one in the chain precede it by session order. `vis` holds `so` and what reads return, and is acyclic, so a circle of those two breaks it as well.

use crate::checkers::acts::{ActId, Acts, Clocks, Graph, Judged, Objects, Source, Why, settle};
use crate::checkers::causal::order::tell_cycle;
use crate::checkers::{Question, Ruling, Unsupported};
use crate::history::History;

use super::forced::{Forced, in_order};
use super::{shown, source};

const GUARANTEE: &str = "pram";

/// See the [module](self).
///
/// # Errors
/// Never, as it is: what it does not know it leaves undecided.
pub(crate) fn check(question: &Question<'_>) -> Result<Ruling, Unsupported> {
    let bytes = question.setting.budget.bytes;
    settle(question, Objects::RegistersAndLists, |history, acts, _| {
        judge(history, acts, bytes)
    })
}

fn judge(history: &History, acts: &Acts, bytes: u64) -> Judged {
    let states = acts.all.len() as u64;
    let mut clocks = match Clocks::new(acts, bytes) {
        Ok(clocks) => clocks,
        Err(reason) => return (Err(reason), states),
    };
    let mut causes = Graph::new(acts, |_| true);
    let mut forced = Forced::new(history, acts, GUARANTEE);
    for (id, act) in acts.all.iter().enumerate() {
        for &before in &act.after {
            clocks.join(id, before);
            forced.edge(before, id, Why::Session);
        }
        for &update in shown(acts, id) {
            clocks.see(acts, id, update);
            for &before in &acts.all[update].after {
                clocks.see(acts, id, before);
            }
            if matches!(source(act), Some(Source::List(_))) {
                causes.add(update, id, Why::Read);
            }
        }
        forced.list(id);
        look_at(acts, id, clocks.of(id), &mut forced);
    }
    if let Err(cycle) = causes.order() {
        let circle = "a circle of causes";
        let witness = tell_cycle(history, acts, &cycle, circle, GUARANTEE);
        return (Ok(vec![witness]), states);
    }
    let (found, edges) = forced.judge();
    (Ok(found), states + edges)
}

/// What a read forces.
fn look_at(acts: &Acts, read: ActId, clock: &[u32], forced: &mut Forced<'_>) {
    let act = &acts.all[read];
    if !act.is_read() {
        return;
    }
    let list = in_order(shown(acts, read));
    for chain in &acts.writes[act.key.0 as usize] {
        let Some(last) = chain.last_within(clock[chain.chain]) else {
            continue;
        };
        match source(act) {
            Some(Source::Initial) => forced.missed(last, last, read),
            Some(Source::Write(returned)) if last != returned => {
                forced.edge(last, returned, Why::Known(read));
            }
            Some(Source::List(_)) => {
                let visible = chain.writes.iter();
                let mut visible = visible.take_while(|(number, _)| *number <= clock[chain.chain]);
                if let Some((_, missing)) = visible.find(|(_, it)| list.binary_search(it).is_err())
                {
                    forced.missed(*missing, *missing, read);
                }
            }
            _ => {}
        }
    }
}
