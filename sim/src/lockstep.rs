//! Lockstep: two runs that should be one, compared event by event while they happen.
//!
//! The same seed must give the same run. If it does not, something outside the seed has come in: the order of a hash
//! table, an address, a clock. Digests at the end tell *that* two runs differ; the first event that differs tells
//! *where* it came in, and the chain of its causes leads from there to the culprit.
//!
//! ```text
//!   one    ──► #1 ─ #2 ─ #3 ─ #4 ─ …      each event: its record, the kind of its datum, the datum's hash
//!               =    =    =    ≠    ──►   a divergence: both events #4, and for each what led to it
//!   other  ──► #1 ─ #2 ─ #3 ─ #4 ─ …
//! ```
//!
//! Nothing is kept but the latest [`REMEMBERED`] events, for telling causes, so that runs of any length can be compared.
//! Since both runs go on at once in one program, what differs from *one process to another* (an address, the time of
//! day) is found only where it differs within one too. A randomly keyed hash table is keyed anew for each table, and so
//! is found.
//!
//! [`compare`] knows runs as functions that take a step and say what they heard. Anything that drives a world can be
//! compared, and [`compare_worlds`] does it for worlds that run by themselves.

use std::collections::VecDeque;

use crate::{ChunkedVec, EventId, Instant, Kind, Observer, Process, Record, World};

/// How many of the latest events are kept for telling what led to a difference, at least.
pub const REMEMBERED: usize = 65_536;

/// How many causes of an event are told.
const CAUSES_MAX: usize = 64;

/// An event, as an observer hears it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Its number.
    pub event: EventId,
    /// What it was.
    pub record: Record,
    /// The kind of the datum that it is about.
    pub kind: Kind,
    /// The datum, by its [`stable_hash`](crate::stable_hash).
    pub hash: u64,
}

/// An observer that writes down what it hears.
#[derive(Clone, Debug, Default)]
pub struct Listener {
    /// The events, in their order; whoever listens takes them out.
    pub heard: Vec<Heard>,
}

impl<P: Process> Observer<P> for Listener {
    fn on_record(&mut self, event: EventId, record: &Record, kind: Kind) {
        self.heard.push(Heard {
            event,
            record: *record,
            kind,
            hash: 0,
        });
    }

    fn on_hash(&mut self, _: EventId, hash: u64) {
        if let Some(last) = self.heard.last_mut() {
            last.hash = hash;
        }
    }
}

/// Where two runs part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// How many events were the same.
    pub same: u64,
    /// The first event that differs, in the one run.
    pub one: Branch,
    /// And in the other.
    pub other: Branch,
}

/// The first event that differs, in one of the runs, and what led to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branch {
    /// The event; `None` when this run was over.
    pub event: Option<Heard>,
    /// Its cause, the cause of that, and so on. All of them are the same in both runs.
    pub causes: Vec<Heard>,
    /// Where the chain breaks off because it is long or old: the next cause, by its number alone.
    pub older: Option<EventId>,
}

/// Takes both runs on until they differ or both are over. A run is a function that takes one step, adds what it heard to
/// the list, and says `false` when there was no step to take. Returns how many events there were.
///
/// # Errors
/// Where the runs part.
pub fn compare(
    one: impl FnMut(&mut Vec<Heard>) -> bool,
    other: impl FnMut(&mut Vec<Heard>) -> bool,
) -> Result<u64, Box<Divergence>> {
    let (mut one, mut other) = (Side::new(one), Side::new(other));
    let mut past = Past::default();
    loop {
        let pair = (one.next(), other.next());
        match pair {
            (None, None) => return Ok(past.count),
            (Some(a), Some(b)) if a == b => past.push(a),
            (a, b) => {
                return Err(Box::new(Divergence {
                    same: past.count,
                    one: past.branch(a),
                    other: past.branch(b),
                }));
            }
        }
    }
}

/// Compares two worlds up to `until`, without anything from outside. Returns how many events there were.
///
/// # Errors
/// Where they part.
///
/// # Panics
/// When a world makes no digest, since it does not tell its events then.
pub fn compare_worlds<P: Process>(
    one: &mut World<P>,
    other: &mut World<P>,
    until: Instant,
) -> Result<u64, Box<Divergence>> {
    compare(world_steps(one, until), world_steps(other, until))
}

/// The steps of a world up to `until`.
fn world_steps<P: Process>(
    world: &mut World<P>,
    until: Instant,
) -> impl FnMut(&mut Vec<Heard>) -> bool {
    assert!(
        world.trace().digest().is_some(),
        "a world with its trace off tells nothing"
    );
    move |heard| {
        let mut listener = Listener::default();
        let stepped = !world.time_stands_still() && world.step(until, &mut listener);
        heard.append(&mut listener.heard);
        stepped
    }
}

/// One run: its steps, and what it has said that was not yet compared.
struct Side<F> {
    step: F,
    heard: Vec<Heard>,
    queue: VecDeque<Heard>,
    over: bool,
}

impl<F: FnMut(&mut Vec<Heard>) -> bool> Side<F> {
    fn new(step: F) -> Self {
        Self {
            step,
            heard: Vec::new(),
            queue: VecDeque::new(),
            over: false,
        }
    }

    fn next(&mut self) -> Option<Heard> {
        while self.queue.is_empty() && !self.over {
            self.over = !(self.step)(&mut self.heard);
            self.queue.extend(self.heard.drain(..));
        }
        self.queue.pop_front()
    }
}

/// The events that were the same.
#[derive(Default)]
struct Past {
    count: u64,
    events: ChunkedVec<Heard>,
}

impl Past {
    fn push(&mut self, heard: Heard) {
        self.count += 1;
        self.events.push(heard);
        self.events.forget_all_but(REMEMBERED);
    }

    fn branch(&self, event: Option<Heard>) -> Branch {
        let mut branch = Branch {
            event,
            causes: Vec::new(),
            older: None,
        };
        let mut next = event.map_or(EventId::OUTSIDE, |heard| heard.record.cause);
        while next != EventId::OUTSIDE {
            // Events are numbered from 1, in the order in which they are heard.
            let index = usize::try_from(next.0 - 1).ok();
            let known = index.and_then(|index| self.events.get(index));
            match known.filter(|_| branch.causes.len() < CAUSES_MAX) {
                Some(cause) => {
                    branch.causes.push(*cause);
                    next = cause.record.cause;
                }
                None => {
                    branch.older = Some(next);
                    break;
                }
            }
        }
        branch
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{NodeId, RecordKind};

    /// Event `number`, caused by the one before it unless it is the first.
    fn event(number: u64, hash: u64) -> Heard {
        let at = Instant::from_nanos(number);
        let record = Record::new(RecordKind::Note, at, NodeId(0), EventId(number - 1));
        Heard {
            event: EventId(number),
            record,
            kind: Kind("tick"),
            hash,
        }
    }

    /// A run of `count` events, `at_once` a step; the data of event `odd` differ.
    fn run(count: u64, at_once: u64, odd: u64) -> impl FnMut(&mut Vec<Heard>) -> bool {
        let mut next = 1;
        move |heard| {
            let from = next;
            while next <= count && next < from + at_once {
                heard.push(event(next, u64::from(next == odd)));
                next += 1;
            }
            next > from
        }
    }

    #[test]
    fn runs_that_are_one_are_compared_to_their_end_however_they_are_stepped() {
        assert_eq!(compare(run(1000, 1, 0), run(1000, 1, 0)), Ok(1000));
        assert_eq!(compare(run(1000, 3, 0), run(1000, 7, 0)), Ok(1000));
        assert_eq!(compare(run(0, 1, 0), run(0, 1, 0)), Ok(0));
    }

    #[test]
    fn a_datum_that_differs_is_found_where_the_records_are_the_same() {
        let found = compare(run(1000, 5, 0), run(1000, 2, 412)).expect_err("event 412 differs");
        assert_eq!(found.same, 411);
        assert_eq!(found.one.event, Some(event(412, 0)));
        assert_eq!(found.other.event, Some(event(412, 1)));
        assert_eq!(found.one.causes.len(), CAUSES_MAX);
        assert_eq!(found.one.causes[0], event(411, 0));
        assert_eq!(found.one.older, Some(EventId(411 - CAUSES_MAX as u64)));
    }

    #[test]
    fn a_short_chain_is_told_to_its_beginning() {
        let found = compare(run(9, 1, 0), run(9, 1, 4)).expect_err("event 4 differs");
        let numbers: Vec<u64> = found.other.causes.iter().map(|c| c.event.0).collect();
        assert_eq!(numbers, [3, 2, 1]);
        assert_eq!(found.other.older, None);
    }

    #[test]
    fn a_run_that_ends_sooner_differs_by_what_the_other_does_then() {
        let found = compare(run(10, 1, 0), run(12, 1, 0)).expect_err("one is shorter");
        assert_eq!((found.same, found.one.event), (10, None));
        assert_eq!(found.other.event, Some(event(11, 0)));
        assert_eq!(found.one.causes, []);
    }

    #[test]
    fn what_is_long_past_is_forgotten_and_causes_break_off_there() {
        let count = 4 * REMEMBERED as u64;
        // The last event is caused by the first.
        let far = |hash| {
            let mut events = run(count - 1, 100, 0);
            let mut told = false;
            move |heard: &mut Vec<Heard>| {
                if events(heard) {
                    return true;
                }
                let mut last = event(count, hash);
                last.record.cause = EventId(1);
                if !told {
                    heard.push(last);
                }
                !std::mem::replace(&mut told, true)
            }
        };
        let found = compare(far(1), far(2)).expect_err("the last event differs");
        assert_eq!(found.same, count - 1);
        assert_eq!(found.one.causes, []);
        assert_eq!(found.one.older, Some(EventId(1)));
    }
}
