//! What the reads of one session say of the order of all writes.
//!
//! Grows `hb` for the last read of a chain: from causal order (or, for PRAM, session order and the session's own reads),
//! and then for each read of the session up to there: every other write of its key that it has behind it comes before
//! the one that it returned. Clocks are swept until they no longer change, then the reads are looked at again, until they
//! have nothing to add, or a write would have to come before itself.

use crate::checkers::acts::{
    ActId, Acts, Clocks, Graph, Role, Source, Why, acts_on, shortened, value_of,
};
use crate::checkers::{Budget, Witness};
use crate::history::History;

use super::order::{tell_cycle, tell_pattern};

/// What `hb` grows from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Base {
    /// Causal order.
    Causal,
    /// Session order, and what the session itself read.
    Sessions,
}

/// One write comes before another, as a read shows.
#[derive(Clone, Copy)]
struct Shown {
    earlier: ActId,
    later: ActId,
    by: ActId,
}

/// The `hb` of one read.
pub(super) struct Saturation<'a> {
    history: &'a History,
    acts: &'a Acts,
    base: Base,
    session: u32,
    /// The reads of the session up to the one in question.
    reads: Vec<ActId>,
    clocks: Clocks,
    shown: Vec<Shown>,
    budget: Budget,
}

impl<'a> Saturation<'a> {
    pub(super) fn new(
        history: &'a History,
        acts: &'a Acts,
        base: Base,
        last: ActId,
        budget: Budget,
    ) -> Result<Self, String> {
        // What the session did before: its own acts are all that count here, and they are few.
        let mut is_before = vec![false; last + 1];
        let mut left = vec![last];
        while let Some(act) = left.pop() {
            if !std::mem::replace(&mut is_before[act], true) {
                left.extend(&acts.all[act].after);
            }
        }
        let reads = (0..=last).filter(|&act| is_before[act] && acts.all[act].is_read());
        Ok(Self {
            history,
            acts,
            base,
            session: acts.all[last].session,
            reads: reads.collect(),
            clocks: Clocks::new(acts, budget.bytes / 2)?,
            shown: Vec::new(),
            budget,
        })
    }

    /// The first proof against the session, if there is one; the reason where the budget ran out.
    pub(super) fn run(
        &mut self,
        guarantee: &str,
        spent: &mut u64,
    ) -> Result<Option<Witness>, String> {
        loop {
            while self.sweep() {
                *spent += self.acts.all.len() as u64;
                if *spent > self.budget.states {
                    return Err("the budget of states ran out".to_owned());
                }
            }
            *spent += self.acts.all.len() as u64;
            let known = self.shown.len();
            for index in 0..self.reads.len() {
                if let Some(witness) = self.look_at(self.reads[index], guarantee) {
                    return Ok(Some(witness));
                }
            }
            if self.shown.len() == known {
                return Ok(None);
            }
        }
    }

    /// Carries what is behind each act one round further. Whether anything changed.
    fn sweep(&mut self) -> bool {
        let mut is_changed = false;
        let mut shown = self.shown.iter().peekable();
        for (id, act) in self.acts.all.iter().enumerate() {
            for &earlier in &act.after {
                is_changed |= self.clocks.join(id, earlier);
            }
            let counts = self.base == Base::Causal || act.session == self.session;
            if let Some(write) = act.source().filter(|_| counts) {
                is_changed |= self.clocks.join(id, write);
            }
            while let Some(it) = shown.next_if(|it| it.later == id) {
                is_changed |= self.clocks.join(id, it.earlier);
            }
        }
        is_changed
    }

    /// Notes what a read says of the order of writes; the proof that it can't be.
    fn look_at(&mut self, read: ActId, guarantee: &str) -> Option<Witness> {
        let acts = self.acts;
        let act = &acts.all[read];
        let clock = self.clocks.of(read);
        let chains = &acts.writes[act.key.0 as usize];
        let mut known = chains
            .iter()
            .filter_map(|writes| writes.last_within(clock[writes.chain]));
        let returned = match act.role {
            Role::Read(Source::Write(returned)) => returned,
            Role::Read(Source::Initial) => {
                let write = known.next()?;
                return Some(self.tell_initial(write, read, guarantee));
            }
            _ => return None,
        };
        // Only without causal order: it has read what it was to cause itself.
        if self.clocks.has_behind(acts, returned, read) {
            let cycle = self.graph().path(read, returned)?;
            let cycle: Vec<_> = cycle.into_iter().chain([(returned, Why::Read)]).collect();
            return Some(tell_cycle(
                self.history,
                acts,
                &cycle,
                "CyclicHB",
                guarantee,
            ));
        }
        let others: Vec<ActId> = known.filter(|&it| it != returned).collect();
        for earlier in others {
            if self.clocks.has_behind(acts, earlier, returned) {
                let way = self.graph().path(returned, earlier)?;
                let last = (earlier, Why::Known(read));
                let cycle: Vec<_> = way.into_iter().chain([last]).collect();
                return Some(tell_cycle(
                    self.history,
                    acts,
                    &cycle,
                    "CyclicHB",
                    guarantee,
                ));
            }
            if self.clocks.has_behind(acts, returned, earlier) {
                continue;
            }
            let shown = Shown {
                earlier,
                later: returned,
                by: read,
            };
            let place = self.shown.partition_point(|it| it.later <= returned);
            self.shown.insert(place, shown);
        }
        None
    }

    fn tell_initial(&self, write: ActId, read: ActId, guarantee: &str) -> Witness {
        let (history, acts) = (self.history, self.acts);
        let why = format!(
            "WriteHBInitRead: {} was there before anything was written, though by what the session had read the write \
             of {} came before",
            value_of(history, &acts.all[read]),
            value_of(history, &acts.all[write]),
        );
        let way = self.graph().path(write, read).unwrap_or_default();
        let mut shown: Vec<ActId> = acts_on(&shortened(&way))
            .into_iter()
            .filter(|&act| act != read && act != write)
            .collect();
        shown.extend([write, read]);
        tell_pattern(history, acts, &shown, &why, guarantee)
    }

    /// What has been found so far, for telling it.
    fn graph(&self) -> Graph {
        let counts =
            |act: ActId| self.base == Base::Causal || self.acts.all[act].session == self.session;
        let mut graph = Graph::new(self.acts, counts);
        for it in &self.shown {
            graph.add(it.earlier, it.later, Why::Known(it.by));
        }
        graph
    }
}
