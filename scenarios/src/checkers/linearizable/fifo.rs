//! Queues whose elements are put in once each: no search at all.
//!
//! *Henzinger, Sezgin and Vafeiadis, Aspect-Oriented Linearizability Proofs, CONCUR 2013, theorem 1: a queue of unique
//! elements goes wrong in four ways only. Bouajjani, Emmi, Enea and Hamza, On Reducing Linearizability to State
//! Reachability, ICALP 2015.* They are an element that nobody put in, one that is taken twice, two that are taken in
//! another order than that in which they were put in, and a dequeue that found nothing although something was there.
//! What follows says so of intervals, and goes further than they do: dequeues may be of unknown outcome.
//!
//! # Elements are intervals
//!
//! Element `a` is put in at some moment from `a.put_from` to `a.put_by`, and taken out later, at some moment from
//! `a.taken_from` to `a.taken_by`. What was put in but never taken out is taken at infinity.
//!
//! ```text
//!   put a   ├──────┤by                                      surely in the queue from the end of its enqueue
//!   take a                         from├──────┤             to the beginning of its dequeue: the *hole* of a, in which
//!                   └──── hole ────┘                        nobody finds the queue empty
//! ```
//!
//! No dequeue may end before the enqueue of its element began. Else the enqueue can be thought to end by `taken_by` at
//! the latest, and the dequeue not to begin before `put_from`: intervals that are cut so are not empty. Cutting changes
//! neither holes nor the contradictions that follow (one that comes about by it needs another element whose dequeue
//! ended before its enqueue began), so that only the argument does it.
//!
//! **Order.** First in, first out means that one order of the elements is that of the enqueues and that of the
//! dequeues, what is never taken out coming last. It must put `a` before `b` where `a.put_by < b.put_from`, and where
//! `a.taken_by < b.taken_from`. If these demands run in no circle, then any order that keeps them does: put each
//! element in at the latest `put_from` of those up to it, and take it out at the latest `taken_from` of those up to it.
//! That lies within its intervals, since nobody before it began after it had ended, and puts it in before it takes it
//! out. And a shortest circle has two members: demands of one kind are transitive, so that in a shortest circle the
//! kinds take turns, `a ≺put b ≺take c ≺put d ≺take …`; of intervals with `a ≺ b` and `c ≺ d` it is always true that `a
//! ≺ d` or `c ≺ b`, so the circle has a shortcut from `a` to `d`, or `b` and `c` are a circle by themselves. So there
//! is an order if and only if no pair is put in one way and taken the other.
//!
//! **Emptiness.** A dequeue that found nothing did so at a moment outside all holes; and any such moment `t` of its own
//! interval will do. Let `F` be the elements with `put_by < t`. They are taken out by then, since `t` is in no hole, so
//! `taken_from < t`. Demand now that they are put in and taken out before `t`, and all others after it: no interval
//! becomes empty, and no new pair contradicts itself. (Of two members of `F`, and of two others, the demands are those
//! that there were; a member of `F` and another one are in the right order both ways.) So each of several such dequeues
//! may have a moment of its own, whatever the others have.
//!
//! # Dequeues of unknown outcome
//!
//! A *blind* dequeue took an element that nobody saw, at any time after it began, or did nothing. What it may have
//! taken are the elements that were surely put in and that no other dequeue took, the *left* ones. (Whether an enqueue
//! of unknown outcome happened whose element nobody took is nobody's business: without it, and the blind dequeue that
//! took it, the rest is in order too.) A left element *must go* by a moment `s` where it is surely put in before an
//! element that is taken by then, or before a moment up to `s` at which the queue is empty. That is, those must go by
//! `s` whose `put_by` is before some bound, the latest `put_from` of what is taken by `s`, or the last of the empty
//! moments. These sets grow with `s`, and so does the set of blind dequeues that began before `s`. So there are enough
//! of the one for the other (Hall 1935) if and only if at each `s` no more left elements must go than blind dequeues
//! have begun. As both only grow, it is enough to ask, for each element that was taken, whether no more left elements
//! were put in before it began to be put in than blind dequeues began before it had been taken; and a moment at which
//! the queue is to be empty has to have no more left elements behind it than blind dequeues. Again the moments do not
//! depend on each other. Whoever must go may go at any later time, so that no order of the dequeues is demanded; and
//! whoever was put in before one that must go must go as well, so that what stays comes last.
//!
//! # Where it can't tell
//!
//! A blind dequeue that surely happened, or by some bound or never, is taken for one that may have happened at any
//! time; that only takes demands away. So does leaving out all that was done with an element that was put in twice.
//! What is impossible then is impossible; if it is possible, the search has to find out.

use crate::checkers::models::{Exchange, Machine};
use crate::history::Value;

use super::item::{Duty, Item};

/// As many steps are taken to find what a dequeue could have returned.
const STEPS_MAX: usize = 20_000_000;

/// Moments: those before the history, one for each element that was there at first, and then its places.
type Moment = u64;

/// When something took place: not before the first, and not after the second.
type Span = (Moment, Moment);

/// Whether items of one object have an order. `None` where they are no enqueues and dequeues, or where this way can't
/// tell.
pub(super) fn decide(items: &[Item], machine: &dyn Machine) -> Option<bool> {
    let initial = machine.elements();
    Calls::of(items, machine, &initial, None)?.decide()
}

/// What a dequeue could have returned, so many answers at most, and whether these are all. `None` where this way can't
/// tell.
pub(super) fn answers(
    items: &[Item],
    machine: &dyn Machine,
    asked: usize,
    answers_max: usize,
) -> Option<(Vec<Option<Value>>, bool)> {
    let initial = machine.elements();
    let calls = Calls::of(items, machine, &initial, Some(asked))?;
    if matches!(machine.exchange(items[asked].call)?, Exchange::Put(_)) {
        return None;
    }
    let found_nothing = std::iter::once(None);
    let candidates: Vec<Option<&Value>> = found_nothing
        .chain(calls.candidates().into_iter().map(Some))
        .collect();
    if candidates.len() * items.len() > STEPS_MAX {
        return None;
    }
    let mut legal = Vec::new();
    for answer in candidates {
        if legal.len() == answers_max {
            return Some((legal, false));
        }
        if calls.with(answer, &items[asked]).decide()? {
            legal.push(answer.cloned());
        }
    }
    Some((legal, true))
}

/// What was done to one queue.
#[derive(Clone, Debug, Default)]
struct Calls<'a> {
    /// How many elements there were at first.
    initial: u64,
    /// Elements that were put in, when, and whether they surely were.
    puts: Vec<(&'a Value, Span, bool)>,
    /// Elements that were taken out, and when.
    takes: Vec<(&'a Value, Span)>,
    /// The beginnings of blind dequeues, and what is known of each.
    blind: Vec<(Moment, Duty)>,
    /// Dequeues that found nothing.
    empty: Vec<Span>,
}

impl<'a> Calls<'a> {
    fn of(
        items: &[Item],
        machine: &'a dyn Machine,
        initial: &'a [Value],
        asked: Option<usize>,
    ) -> Option<Self> {
        let mut calls = Self {
            initial: initial.len() as u64,
            ..Self::default()
        };
        let numbered = (0..).zip(initial);
        calls
            .puts
            .extend(numbered.map(|(n, element)| (element, (n, n), true)));
        for (n, item) in items.iter().enumerate() {
            let exchange = machine.exchange(item.call)?;
            if asked == Some(n) {
                continue;
            }
            let span = calls.span(item);
            let is_sure = item.duty == Duty::Must;
            match exchange {
                Exchange::Put(element) => calls.puts.push((element, span, is_sure)),
                Exchange::Took(element) if is_sure => calls.takes.push((element, span)),
                Exchange::FoundNothing if is_sure => calls.empty.push(span),
                _ => calls.blind.push((span.0, item.duty)),
            }
        }
        calls.puts.sort_unstable();
        Some(calls)
    }

    /// The same, and a dequeue that returned this.
    fn with(&self, answer: Option<&'a Value>, item: &Item) -> Self {
        let mut calls = self.clone();
        let span = self.span(item);
        match answer {
            None => calls.empty.push(span),
            Some(element) => calls.takes.push((element, span)),
        }
        calls
    }

    fn span(&self, item: &Item) -> Span {
        let by = match item.due {
            u32::MAX => Moment::MAX,
            due => u64::from(due) + self.initial,
        };
        (u64::from(item.invoked) + self.initial, by)
    }

    /// What was perhaps left to be taken: what was put in more often than it was taken, as far as what lies in front of it
    /// could have been taken too.
    fn candidates(&self) -> Vec<&'a Value> {
        let Some(line) = self.line() else {
            return Vec::new();
        };
        let is_in_reach = |from: Moment| {
            let in_front = line.left.partition_point(|&by| by < from);
            in_front <= self.blind.len()
        };
        let mut taken: Vec<&Value> = self.takes.iter().map(|&(element, _)| element).collect();
        taken.sort_unstable();
        let groups = self.puts.chunk_by(|one, other| one.0 == other.0);
        let left = groups.filter(|group| {
            let element = group[0].0;
            let start = taken.partition_point(|&other| other < element);
            let count = taken[start..].partition_point(|&other| other == element);
            count < group.len() && is_in_reach(group[0].1.0)
        });
        let mut left: Vec<&[(&Value, Span, bool)]> = left.collect();
        left.sort_unstable_by_key(|group| group[0].1);
        left.into_iter().map(|group| group[0].0).collect()
    }

    fn decide(&self) -> Option<bool> {
        let Some(line) = self.line() else {
            return Some(false);
        };
        let mut blind: Vec<Moment> = self.blind.iter().map(|&(from, _)| from).collect();
        blind.sort_unstable();
        if !line.is_in_order() || !line.can_be_emptied(&blind, &self.empty) {
            return Some(false);
        }
        let is_free = |&&(_, duty): &&(Moment, Duty)| duty == Duty::AnyTimeOrNever;
        if !line.is_whole || self.blind.iter().any(|(_, duty)| *duty == Duty::Must) {
            return None;
        }
        let mut free: Vec<Moment> = self.blind.iter().filter(is_free).map(|it| it.0).collect();
        free.sort_unstable();
        let is_enough = free.len() == blind.len() || line.can_be_emptied(&free, &self.empty);
        is_enough.then_some(true)
    }

    /// The elements; `None` where one was taken that nobody had put in.
    fn line(&self) -> Option<Line> {
        let mut takes = self.takes.clone();
        takes.sort_unstable();
        let mut takes = takes.chunk_by(|one, other| one.0 == other.0).peekable();
        let mut line = Line {
            is_whole: true,
            ..Line::default()
        };
        for puts in self.puts.chunk_by(|one, other| one.0 == other.0) {
            let element = puts[0].0;
            match takes.next_if(|taken| taken[0].0 <= element) {
                Some(taken) if taken[0].0 != element || taken.len() > puts.len() => return None,
                Some(&[(_, taken)]) if puts.len() == 1 => {
                    line.taken.push(Taken::of(puts[0].1, taken)?);
                }
                Some(_) => line.is_whole = false,
                None => {
                    let sure = puts.iter().filter(|(_, _, is_sure)| *is_sure);
                    line.left.extend(sure.map(|(_, (_, by), _)| *by));
                }
            }
        }
        line.left.sort_unstable();
        takes.next().is_none().then_some(line)
    }
}

/// An element that was put in and taken out.
#[derive(Clone, Copy, Debug)]
struct Taken {
    put_from: Moment,
    put_by: Moment,
    taken_from: Moment,
    taken_by: Moment,
}

impl Taken {
    /// `None` where it was taken out before it was put in.
    fn of((put_from, put_by): Span, (taken_from, taken_by): Span) -> Option<Self> {
        (put_from < taken_by).then_some(Self {
            put_from,
            put_by,
            taken_from,
            taken_by,
        })
    }
}

/// The elements of one queue.
#[derive(Debug, Default)]
struct Line {
    taken: Vec<Taken>,
    /// By when those were put in that nobody is known to have taken, in order.
    left: Vec<Moment>,
    /// Whether that is all of them.
    is_whole: bool,
}

/// What happens at a moment to those who want to find the queue empty.
#[derive(Clone, Copy, Debug)]
enum Mark {
    HoleOpens,
    HoleCloses,
    LeftIsIn,
    BlindBegins,
    EmptyBegins,
    /// And it had begun at this moment.
    EmptyEnds(Moment),
}

impl Line {
    /// Whether no two elements were put in one way and taken out the other.
    fn is_in_order(&self) -> bool {
        let mut by_end = self.taken.clone();
        by_end.sort_unstable_by_key(|it| it.put_by);
        let mut latest = 0;
        let latest_taken: Vec<Moment> = by_end
            .iter()
            .map(|it| {
                latest = it.taken_from.max(latest);
                latest
            })
            .collect();
        self.taken.iter().all(|second| {
            let firsts = by_end.partition_point(|first| first.put_by < second.put_from);
            firsts == 0 || latest_taken[firsts - 1] < second.taken_by
        })
    }

    /// Whether blind dequeues, which begin at these moments, can have taken what had to go.
    fn can_be_emptied(&self, blind: &[Moment], empty: &[Span]) -> bool {
        let is_enough = self.taken.iter().all(|it| {
            let must_go = self.left.partition_point(|&by| by < it.put_from);
            must_go <= blind.partition_point(|&from| from < it.taken_by)
        });
        is_enough && self.is_empty_in_each(blind, empty)
    }

    fn is_empty_in_each(&self, blind: &[Moment], empty: &[Span]) -> bool {
        let holes = self.taken.iter().filter(|it| it.put_by < it.taken_from);
        let mut marks: Vec<(Moment, Mark)> =
            holes
                .flat_map(|it| {
                    [
                        (it.put_by, Mark::HoleOpens),
                        (it.taken_from, Mark::HoleCloses),
                    ]
                })
                .chain(self.left.iter().map(|&by| (by, Mark::LeftIsIn)))
                .chain(blind.iter().map(|&from| (from, Mark::BlindBegins)))
                .chain(empty.iter().flat_map(|&(from, by)| {
                    [(from, Mark::EmptyBegins), (by, Mark::EmptyEnds(from))]
                }))
                .collect();
        marks.sort_unstable_by_key(|&(at, _)| at);
        let (mut holes, mut left, mut takers) = (0_usize, 0_usize, 0_usize);
        // The last moment after which the queue could be empty for a while.
        let mut could_be_empty = None;
        for (at, mark) in marks {
            match mark {
                Mark::HoleOpens => holes += 1,
                Mark::HoleCloses => holes -= 1,
                Mark::LeftIsIn => left += 1,
                Mark::BlindBegins => takers += 1,
                Mark::EmptyBegins => {}
                Mark::EmptyEnds(from) if could_be_empty < Some(from) => return false,
                Mark::EmptyEnds(_) => {}
            }
            if holes == 0 && left <= takers {
                could_be_empty = Some(at);
            }
        }
        true
    }
}
