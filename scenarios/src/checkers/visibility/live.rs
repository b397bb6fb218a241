//! The same guarantees while a run goes on: at which event they fall.
//!
//! The judges of this folder look at a whole history. Here stands what can be said of each of its beginnings, event by
//! event, with the same forced edges in an [order](super::order) that is kept as they come:
//!
//! ```text
//!   event          r: session s reads x and gets w
//!   forced         everything of x that the formula makes visible to r  ──ar──►  w
//!   falls          when an edge closes a circle, or when nothing was returned though something was visible
//! ```
//!
//! Two questions had to be answered for that.
//!
//! **Is a verdict final?** These guarantees do not know real time, so that a later event may explain an earlier one: a read
//! that found nothing may have seen a delete that is issued only afterwards, and one that returned a value from nowhere
//! a write of it. What was said of the shorter history is then *withdrawn*. A circle stays, since
//! edges only come and never go. And what is not known yet can come to be a violation by another operation's end: a delete that
//! fails explains nothing any more, and neither does a write that fails.
//!
//! **What can be told event by event?** What a read returned, where that is one update: a history of registers in which
//! sessions do one thing at a time and no value is written twice. There the verdict on every beginning is exactly that
//! of the judge of the whole; a test compares them event by event. Where a key with deletes was found empty, nobody
//! knows which delete was seen, so that "falls" is still said and "holds" is not. Of everything else (lists,
//! compare-and-set, repeated values, sessions that do several things at once) nothing is said until the end, when the judge of the
//! whole says it in any case. So nothing is ever claimed that the verdict at the end contradicts.
//!
//! Of such histories `monotonic-writes` and `writes-follow-reads` can't be contradicted but by values from nowhere: see
//! [the folder](super).
//!
//! An event costs a look-up, and an edge for a read (with `pram` a look and an edge for each session). An edge
//! against the order costs a search between its ends, which is given up where it grows too long. The proof is looked for
//! once, when a guarantee falls, by the judge of the whole.

use crate::checkers::per_session::PerSession;
use crate::checkers::story::{object, user};
use crate::checkers::{
    Check, Finding, OnlineChecker, Question, Setting, Terms, Unclear, Witness, repeated,
};
use crate::history::pages::Pages;
use crate::history::{
    Function, History, HistoryEvent, KeyId, Operation, OperationId, Place, SessionId, Source,
};

use super::order::{Node, Order, Refused};
use super::writes_follow_reads as wfr;
use super::{monotonic_reads as mr, monotonic_writes as mw, pram as all, read_your_writes as ryw};

/// More often than this nobody wants to hear that all is well after all.
const WITHDRAWN_MAX: u32 = 8;

/// No node.
const NONE: Node = Node::MAX;

pub(crate) fn read_your_writes(terms: &Terms) -> Option<Box<dyn OnlineChecker>> {
    Live::on(terms, "read-your-writes", ryw::check, Rule::Own)
}

pub(crate) fn monotonic_reads(terms: &Terms) -> Option<Box<dyn OnlineChecker>> {
    Live::on(terms, "monotonic-reads", mr::check, Rule::Seen)
}

pub(crate) fn monotonic_writes(terms: &Terms) -> Option<Box<dyn OnlineChecker>> {
    Live::on(terms, "monotonic-writes", mw::check, Rule::Nothing)
}

pub(crate) fn writes_follow_reads(terms: &Terms) -> Option<Box<dyn OnlineChecker>> {
    Live::on(terms, "writes-follow-reads", wfr::check, Rule::Nothing)
}

pub(crate) fn pram(terms: &Terms) -> Option<Box<dyn OnlineChecker>> {
    Live::on(terms, "pram", all::check, Rule::Prefixes)
}

/// What is visible to a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    /// What the session wrote.
    Own,
    /// What the session read.
    Seen,
    /// Of each session a prefix of what it wrote: all of its own, and up to what was read.
    Prefixes,
    /// Nothing that matters to registers.
    Nothing,
}

/// One guarantee, at one place of a history.
#[derive(Clone, Debug)]
struct Live {
    name: &'static str,
    check: Check,
    rule: Rule,
    /// Why nothing can be said until the end.
    unclear: Option<String>,
    has_circle: bool,
    /// Reads of values from nowhere.
    from_nowhere: Vec<OperationId>,
    /// Whether a read returned what was refused.
    from_refused: bool,
    keys: Pages<Key>,
    /// How many keys were found empty, with no delete, by a read that had to see something.
    missed: u32,
    /// How many keys with deletes were found empty.
    ambiguous: u32,
    sessions: Pages<Session>,
    seen: PerSession<Seen>,
    /// Of operations, by their numbers; those that are no updates have none.
    updates: Pages<Update>,
    order: Order,
    /// Whether it has fallen, as far as was told.
    is_told: bool,
    has_withdrawn: bool,
    withdrawn: u32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Key {
    /// Deletes that have not failed.
    deletes: u32,
    /// Whether a read found nothing.
    is_absent: bool,
    /// Whether one that did had to see something.
    is_missed: bool,
}

#[derive(Clone, Debug)]
struct Session {
    is_busy: bool,
    /// The last update that was acknowledged, and how many there were.
    last: Node,
    acknowledged: u32,
    /// With prefixes: how many of the updates of each session are visible.
    clock: std::sync::Arc<Vec<u32>>,
}

/// An update as a node.
#[derive(Clone, Copy, Debug)]
struct Update {
    node: Node,
    /// How many updates of its session, and the last of them, were acknowledged before it.
    before: u32,
    last: Node,
    /// Its number among them, from 1; 0 while it is not acknowledged.
    number: u32,
    /// Its session's update of the key before it.
    earlier: Option<OperationId>,
    /// A node that stands for all of its session's updates of the key before it.
    knot: Node,
}

/// What a session did with a key.
#[derive(Clone, Debug)]
struct Seen {
    /// Its last own update of it that was acknowledged, and a node that stands for all of them.
    own: Option<OperationId>,
    knot: Node,
    /// What its last read of it returned.
    read: Option<OperationId>,
    /// What it read before that was acknowledged.
    early: Vec<OperationId>,
}

impl Default for Seen {
    fn default() -> Self {
        Self {
            own: None,
            knot: NONE,
            read: None,
            early: Vec::new(),
        }
    }
}

impl OnlineChecker for Live {
    fn name(&self) -> &'static str {
        self.name
    }

    fn observe(&mut self, history: &History, place: Place, found: &mut Vec<Witness>) {
        self.has_withdrawn = false;
        if self.unclear.is_none() {
            self.look(history, place);
        }
        let has_fallen = self.unclear.is_none() && self.has_fallen();
        if has_fallen == self.is_told {
            return;
        }
        self.is_told = has_fallen;
        if has_fallen {
            match self.proof(history, place) {
                Some(witness) => found.push(witness),
                None => {
                    self.is_told = false;
                    self.give_up("only the whole history shows it");
                }
            }
            return;
        }
        self.has_withdrawn = true;
        self.withdrawn += 1;
        if self.withdrawn >= WITHDRAWN_MAX {
            self.give_up("what seems to fall is explained again and again");
        }
    }

    fn has_withdrawn(&self) -> bool {
        self.has_withdrawn
    }

    fn unclear(&self, _: &History) -> Option<Unclear> {
        if let Some(reason) = &self.unclear {
            return Some(Unclear::Altogether(format!("{reason}; the end will tell")));
        }
        (self.ambiguous > 0).then(|| {
            let reason = "a read that found nothing may have seen any delete; the end will tell";
            Unclear::WhetherItHolds(reason.to_owned())
        })
    }

    fn clone_box(&self) -> Box<dyn OnlineChecker> {
        Box::new(self.clone())
    }
}

impl Live {
    /// Budgets are those of the judge of the whole.
    fn on(
        terms: &Terms,
        name: &'static str,
        check: Check,
        rule: Rule,
    ) -> Option<Box<dyn OnlineChecker>> {
        let new = Self {
            name,
            check,
            rule,
            unclear: None,
            has_circle: false,
            from_nowhere: Vec::new(),
            from_refused: false,
            keys: Pages::default(),
            missed: 0,
            ambiguous: 0,
            sessions: Pages::default(),
            seen: PerSession::default(),
            updates: Pages::default(),
            order: Order::default(),
            is_told: false,
            has_withdrawn: false,
            withdrawn: 0,
        };
        terms
            .are_plain()
            .then(|| Box::new(new) as Box<dyn OnlineChecker>)
    }

    fn has_fallen(&self) -> bool {
        self.has_circle || self.from_refused || !self.from_nowhere.is_empty() || self.missed > 0
    }

    fn give_up(&mut self, reason: impl Into<String>) {
        self.unclear = Some(reason.into());
    }

    /// What the judge of the whole says of the history up to a place.
    fn proof(&self, history: &History, place: Place) -> Option<Witness> {
        let mut until = history.clone();
        until.cut(place.0 as usize + 1);
        let setting = Setting::default();
        let question = Question {
            history: &until,
            setting: &setting,
            finals: None,
            at: seedbed_sim::Instant::ZERO,
        };
        match (self.check)(&question).ok()?.finding {
            Finding::Violated { first, .. } => Some(*first),
            Finding::Holds | Finding::Undecided(_) => None,
        }
    }

    fn look(&mut self, history: &History, place: Place) {
        match history.event(place) {
            Some(HistoryEvent::Invoke(id)) => self.on_invoke(history, history.operation(id)),
            Some(HistoryEvent::Complete(id)) => self.on_complete(history, history.operation(id)),
            None => {}
        }
    }

    fn on_invoke(&mut self, history: &History, operation: &Operation) {
        let has_circle = self.has_circle;
        let session = self.session(operation.session);
        // A circle stays, whatever becomes of the session.
        if session.is_busy && !has_circle {
            self.give_up(format!("{} does several things at once", user(operation)));
            return;
        }
        session.is_busy = true;
        let (before, last) = (session.acknowledged, session.last);
        match &operation.function {
            Function::Read => return,
            Function::Write(value) => {
                let is_late = |read: &OperationId| {
                    history.key_id(*read) == history.key_id(operation.id)
                        && history.operation(*read).returned() == Some(value)
                };
                // Of a whole history that has gone on nobody knows here which of its repeated values came first.
                let repeated_write = history.first_repeated_write();
                if let Some(write) = repeated_write.filter(|&write| write <= operation.id) {
                    self.give_up(repeated(history, write));
                } else if self.from_nowhere.iter().any(is_late) {
                    self.give_up(format!(
                        "{} was read before anybody wrote it",
                        object(operation)
                    ));
                }
            }
            Function::Delete => self.on_key(history.key_id(operation.id), |key| key.deletes += 1),
            other => self.give_up(format!("{} is no function of a register", other.name())),
        }
        *self.update(operation.id) = Update {
            before,
            last,
            ..Update::NEW
        };
    }

    fn on_complete(&mut self, history: &History, operation: &Operation) {
        self.session(operation.session).is_busy = false;
        let key = history.key_id(operation.id);
        match (&operation.function, operation.is_ok()) {
            (Function::Read, true) => self.on_read(history, operation, key),
            (Function::Read, false) => {}
            (_, true) => self.on_acknowledged(operation, key),
            (Function::Delete, false) if operation.is_fail() => {
                self.on_key(key, |key| key.deletes -= 1);
            }
            (_, false) if operation.is_fail() => {
                self.from_refused |= self.update(operation.id).node != NONE;
            }
            (_, false) => {}
        }
    }

    fn on_read(&mut self, history: &History, operation: &Operation, key: KeyId) {
        match history.source(operation.id) {
            Some(Source::Absent) => {
                let is_missed = self.sees_something(operation.session, key);
                self.on_key(key, |key| {
                    key.is_absent = true;
                    key.is_missed |= is_missed;
                });
            }
            Some(Source::Write(write)) => {
                let had_ended = history.completed(write) < history.completed(operation.id);
                self.from_refused |= had_ended && history.operation(write).is_fail();
                self.make_node(write);
                self.force(operation.session, key, history.operation(write));
            }
            Some(Source::Nobody) => self.from_nowhere.push(operation.id),
            None => {}
        }
    }

    /// An update that counts becomes a node: it was acknowledged, or read.
    fn make_node(&mut self, id: OperationId) -> Node {
        let Update { node, last, .. } = *self.update(id);
        if node != NONE {
            return node;
        }
        let node = self.order.node();
        self.update(id).node = node;
        if self.rule == Rule::Prefixes && last != NONE {
            self.edge(last, node);
        }
        node
    }

    fn on_acknowledged(&mut self, operation: &Operation, key: KeyId) {
        let node = self.make_node(operation.id);
        let session = self.session(operation.session);
        session.last = node;
        session.acknowledged += 1;
        let number = session.acknowledged;
        if !matches!(self.rule, Rule::Own | Rule::Prefixes) {
            return;
        }
        let seen = self.seen.entry(operation.session, key);
        let (earlier, before) = (seen.own.replace(operation.id), seen.knot);
        let update = self.update(operation.id);
        (update.number, update.earlier, update.knot) = (number, earlier, before);
        if self.rule == Rule::Own {
            let knot = self.order.node();
            self.edge(node, knot);
            if before != NONE {
                self.edge(before, knot);
            }
            self.seen.entry(operation.session, key).knot = knot;
        }
    }

    /// Whether anything of a key is visible to a read.
    fn sees_something(&mut self, session: SessionId, key: KeyId) -> bool {
        match self.rule {
            Rule::Own => self
                .seen
                .get(session, key)
                .is_some_and(|it| it.own.is_some()),
            Rule::Seen => self
                .seen
                .get(session, key)
                .is_some_and(|it| it.read.is_some()),
            Rule::Prefixes => !self.visible(session, key).is_empty(),
            Rule::Nothing => false,
        }
    }

    /// What a read that returned `found` forces.
    fn force(&mut self, session: SessionId, key: KeyId, found: &Operation) {
        let node = self.update(found.id).node;
        match self.rule {
            Rule::Own => self.force_own(session, key, found),
            Rule::Seen => {
                let before = self.seen.entry(session, key).read.replace(found.id);
                if let Some(before) = before.filter(|&before| before != found.id) {
                    let before = self.update(before).node;
                    self.edge(before, node);
                }
            }
            Rule::Prefixes => {
                self.take_into_view(session, key, found);
                for visible in self.visible(session, key) {
                    if visible != node {
                        self.edge(visible, node);
                    }
                }
            }
            Rule::Nothing => {}
        }
    }

    /// All of a session's updates of a key come before the one that was found, or are that one.
    fn force_own(&mut self, session: SessionId, key: KeyId, found: &Operation) {
        let Some(Seen { own, knot, .. }) = self.seen.get(session, key).cloned() else {
            return;
        };
        let Update { node, number, .. } = *self.update(found.id);
        if found.session != session || number == 0 {
            if knot != NONE {
                self.edge(knot, node);
            }
            return;
        }
        // Its own: what comes before it, then what comes after it.
        let before = self.update(found.id).knot;
        if before != NONE {
            self.edge(before, node);
        }
        let mut next = own;
        while let Some(id) = next.filter(|&id| id != found.id && !self.has_circle) {
            let Update {
                node: later,
                earlier,
                ..
            } = *self.update(id);
            self.edge(later, node);
            next = earlier;
        }
    }

    /// With what was found everything is visible that its session wrote before.
    fn take_into_view(&mut self, session: SessionId, key: KeyId, found: &Operation) {
        let Update { before, number, .. } = *self.update(found.id);
        let of = found.session.0 as usize;
        let clock = std::sync::Arc::make_mut(&mut self.session(session).clock);
        if clock.len() <= of {
            clock.resize(of + 1, 0);
        }
        clock[of] = clock[of].max(before).max(number);
        if number == 0 {
            let early = &mut self.seen.entry(session, key).early;
            if !early.contains(&found.id) {
                early.push(found.id);
            }
        }
    }

    /// The last update of a key that is visible of each session, and those that were read before they were acknowledged.
    fn visible(&mut self, session: SessionId, key: KeyId) -> Vec<Node> {
        let clock = std::sync::Arc::clone(&self.session(session).clock);
        let mut visible: Vec<Node> = Vec::new();
        let sessions = self
            .sessions
            .len()
            .min(clock.len().max(session.0 as usize + 1));
        for of in 0..sessions {
            let count = match of == session.0 as usize {
                true => u32::MAX,
                false => clock.get(of).copied().unwrap_or(0),
            };
            if count == 0 {
                continue;
            }
            let own = self.seen.get(SessionId(of as u32), key);
            let mut next = own.and_then(|seen| seen.own);
            while let Some(id) = next {
                let Update {
                    node,
                    number,
                    earlier,
                    ..
                } = *self.update(id);
                if number <= count {
                    visible.push(node);
                    break;
                }
                next = earlier;
            }
        }
        let early = self.seen.get(session, key).map(|seen| seen.early.clone());
        for id in early.unwrap_or_default() {
            visible.push(self.update(id).node);
        }
        visible
    }

    fn edge(&mut self, from: Node, to: Node) {
        if self.has_circle || self.unclear.is_some() {
            return;
        }
        match self.order.add(from, to) {
            Ok(()) => {}
            Err(Refused::Circle) => self.has_circle = true,
            Err(Refused::TooFar) => self.give_up("to go along would cost too much"),
        }
    }

    /// Changes what is known of a key.
    fn on_key(&mut self, key: KeyId, change: impl FnOnce(&mut Key)) {
        let index = key.0 as usize;
        self.keys.grow_to(index + 1, &Key::default());
        let key = self.keys.get_mut(index).expect("just grown to it");
        let before = *key;
        change(key);
        let now = *key;
        let count = |key: Key| {
            (
                u32::from(key.deletes == 0 && key.is_missed),
                u32::from(key.deletes > 0 && key.is_absent),
            )
        };
        let ((missed, ambiguous), (was_missed, was_ambiguous)) = (count(now), count(before));
        self.missed = self.missed + missed - was_missed;
        self.ambiguous = self.ambiguous + ambiguous - was_ambiguous;
    }

    fn session(&mut self, session: SessionId) -> &mut Session {
        let index = session.0 as usize;
        let new = Session {
            is_busy: false,
            last: NONE,
            acknowledged: 0,
            clock: std::sync::Arc::default(),
        };
        self.sessions.grow_to(index + 1, &new);
        self.sessions.get_mut(index).expect("just grown to it")
    }

    fn update(&mut self, id: OperationId) -> &mut Update {
        self.updates.grow_to(id.index() + 1, &Update::NEW);
        self.updates.get_mut(id.index()).expect("just grown to it")
    }
}

impl Update {
    const NEW: Self = Self {
        node: NONE,
        before: 0,
        last: NONE,
        number: 0,
        earlier: None,
        knot: NONE,
    };
}
