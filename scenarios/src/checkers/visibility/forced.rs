//! Forced edges: which update must have been arbitrated before which.

use std::collections::BTreeMap;

use crate::checkers::Witness;
use crate::checkers::acts::{ActId, Acts, Graph, Source, Why};
use crate::checkers::causal::order::{tell_cycle, tell_pattern, thin_air_read};
use crate::checkers::story::{object, quote, quote_or_nothing, the_update, user};
use crate::history::History;

use super::{shown, source};

/// What reads force, as it is collected.
pub(super) struct Forced<'a> {
    history: &'a History,
    acts: &'a Acts,
    guarantee: &'static str,
    graph: Graph,
    /// Proofs that need no circle.
    found: Vec<Witness>,
    /// How many edges were forced.
    edges: u64,
}

/// Updates of which all before any place can be named at once.
#[derive(Clone, Debug)]
pub(super) struct Prefix {
    of: Of,
    updates: Vec<ActId>,
    /// What makes each of them visible: itself, or the read that returned it.
    by: Vec<ActId>,
    /// For the first updates: the knot of all up to there.
    knots: Vec<ActId>,
    /// For an update of the prefix: up to where others were put before it.
    covered: BTreeMap<ActId, usize>,
}

/// What a prefix is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    /// What a session wrote, each update once, in the order of acts.
    Written,
    /// What a session read. Who reads an update, then another one, and then the first again has shown a circle.
    Read,
}

impl Prefix {
    /// A prefix of nothing yet.
    pub(super) const fn new(of: Of) -> Self {
        Self {
            of,
            updates: Vec::new(),
            by: Vec::new(),
            knots: Vec::new(),
            covered: BTreeMap::new(),
        }
    }

    /// Where an update stands among what the session wrote.
    fn place_of(&self, len: usize, update: ActId) -> Option<usize> {
        let place = self.updates[..len].partition_point(|&it| it < update);
        let is_there = self.of == Of::Written && self.updates[..len].get(place) == Some(&update);
        is_there.then_some(place)
    }

    /// Adds an update, which an act makes visible: its own, or a read that returned it.
    pub(super) fn push(&mut self, update: ActId, by: ActId) {
        if self.updates.last() != Some(&update) {
            self.updates.push(update);
            self.by.push(by);
        }
    }

    /// How many updates there are.
    pub(super) fn len(&self) -> usize {
        self.updates.len()
    }

    /// The update that came last before a place.
    pub(super) fn last(&self, len: usize) -> Option<ActId> {
        self.updates[..len].last().copied()
    }
}

/// A list's elements, for looking them up.
pub(super) fn in_order(list: &[ActId]) -> Vec<ActId> {
    let mut list = list.to_vec();
    list.sort_unstable();
    list
}

impl<'a> Forced<'a> {
    pub(super) fn new(history: &'a History, acts: &'a Acts, guarantee: &'static str) -> Self {
        let mut forced = Self {
            history,
            acts,
            guarantee,
            graph: Graph::new(&Acts::default(), |_| true),
            found: Vec::new(),
            edges: 0,
        };
        for _ in &acts.all {
            forced.graph.knot();
        }
        forced.found.extend(thin_air_read(history, acts, guarantee));
        forced
    }

    /// One update comes before another, and why.
    pub(super) fn edge(&mut self, earlier: ActId, later: ActId, why: Why) {
        self.graph.add(earlier, later, why);
        self.edges += 1;
    }

    /// What a read shows of the order by itself: the elements of a list, one after the other.
    pub(super) fn list(&mut self, read: ActId) {
        let acts = self.acts;
        if let Some(Source::List(list)) = source(&acts.all[read]) {
            for pair in acts.lists[list].windows(2) {
                self.edge(pair[0], pair[1], Why::Known(read));
            }
        }
    }

    /// All updates of a prefix were visible to a read of their key: each of them comes before the one that the read
    /// returned, or is that one; or stands in the list that it returned.
    pub(super) fn visible(&mut self, prefix: &mut Prefix, len: usize, read: ActId) {
        let Some(last) = prefix.last(len) else {
            return;
        };
        match source(&self.acts.all[read]) {
            Some(Source::Initial) => self.missed(last, prefix.by[len - 1], read),
            Some(Source::Write(returned)) if last == returned => {
                self.tie(prefix, len - 1, returned, read);
            }
            Some(Source::Write(returned)) => self.raise(prefix, len, returned, read),
            Some(Source::List(_)) => {
                let list = in_order(shown(self.acts, read));
                let is_missing = |it: &ActId| list.binary_search(it).is_err();
                let missing = prefix.updates[..len].iter().position(is_missing);
                if let Some(missing) = missing {
                    self.missed(prefix.updates[missing], prefix.by[missing], read);
                }
            }
            Some(Source::Nobody | Source::Open) | None => {}
        }
    }

    /// All updates of a prefix come before another one.
    pub(super) fn all_before(&mut self, prefix: &mut Prefix, len: usize, later: ActId, why: Why) {
        if len > 0 {
            let knot = self.knot(prefix, len - 1);
            self.edge(knot, later, why);
        }
    }

    /// The proofs: those that need no circle, or else the circle.
    pub(super) fn judge(self) -> (Vec<Witness>, u64) {
        let Self {
            history,
            acts,
            guarantee,
            graph,
            mut found,
            edges,
        } = self;
        if let Err(cycle) = graph.order() {
            let circle = "no one order of the updates fits";
            found.push(tell_cycle(history, acts, &cycle, circle, guarantee));
        }
        found.sort_by_key(|witness| witness.operations.last().copied());
        (found, acts.all.len() as u64 + edges)
    }

    /// All before a place come before an update that stands later in the prefix, or right there.
    fn tie(&mut self, prefix: &mut Prefix, len: usize, returned: ActId, read: ActId) {
        let covered = prefix.covered.entry(returned).or_insert(0);
        if len > *covered {
            *covered = len;
            self.all_before(prefix, len, returned, Why::Known(read));
        }
    }

    fn raise(&mut self, prefix: &mut Prefix, len: usize, returned: ActId, read: ActId) {
        let place = prefix.place_of(len, returned);
        let Some(place) = place else {
            self.tie(prefix, len, returned, read);
            return;
        };
        self.tie(prefix, place, returned, read);
        let covered = prefix.covered.get(&returned).copied().unwrap_or(0);
        for index in covered.max(place + 1)..len {
            self.edge(prefix.updates[index], returned, Why::Known(read));
        }
        prefix.covered.insert(returned, covered.max(len));
    }

    /// An update had to be visible to a read, since an act of its session had made it so, and was not.
    pub(super) fn missed(&mut self, update: ActId, by: ActId, read: ActId) {
        let (history, acts) = (self.history, self.acts);
        let operation = |act: ActId| history.operation(acts.all[act].operation);
        let (reader, writer, knower) = (operation(read), operation(update), operation(by));
        let what = match writer.written() {
            _ if matches!(source(&acts.all[read]), Some(Source::List(_))) => the_update(writer),
            Some(value) => quote(value),
            None => the_update(writer),
        };
        let (summary, reason) = if by != update {
            (
                format!("after {what} was seen"),
                format!(
                    "{} had seen {what} before, so that it was visible from then on",
                    user(knower)
                ),
            )
        } else if writer.session == reader.session {
            (
                format!("without {what}, which was their own"),
                format!(
                    "{} is the session's own and had ended before the read began, so that it was visible",
                    the_update(writer)
                ),
            )
        } else {
            (
                format!("without {what}, which had to be visible"),
                format!("{} had to be visible by then", the_update(writer)),
            )
        };
        let got = format!(
            "{} read {} and got {}",
            user(reader),
            object(reader),
            quote_or_nothing(reader.returned())
        );
        let why = format!("{reason}; yet the read shows neither that nor anything newer");
        let mut witness = tell_pattern(history, acts, &[update, by, read], &why, self.guarantee);
        witness.summary = format!("{got}, {summary}");
        self.found.push(witness);
    }

    /// The knot of all updates up to one, made where it is missing.
    fn knot(&mut self, prefix: &mut Prefix, index: usize) -> ActId {
        for next in prefix.knots.len()..=index {
            let knot = self.graph.knot();
            self.graph.add(prefix.updates[next], knot, Why::Knot);
            if let Some(&before) = prefix.knots.last() {
                self.graph.add(before, knot, Why::Knot);
            }
            prefix.knots.push(knot);
        }
        prefix.knots[index]
    }
}
