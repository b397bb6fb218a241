//! Bounded staleness while a run goes on: each read is measured when it ends.
//!
//! All that [`measures`](crate::measures::staleness) goes by is known by then: what the read returned, which updates had
//! surely taken effect before it began, and which of those surely came after what it shows. So a read that was too far
//! behind stays so. Only who found nothing may have to wait: while a delete is open that may explain it, nobody knows by which
//! effect, and it is measured again when the delete has ended.
//!
//! From the newest update of the key the checker goes back to the one that was shown, so that an event costs as many steps
//! as the read is versions behind, and those under way at once. A reader that is very far behind would cost too much: then nothing is said
//! until the end, when the judge of the whole says it in any case.

use crate::checkers::{OnlineChecker, Terms, Unclear, Witness, repeated};
use crate::history::pages::Pages;
use crate::history::{
    Completion, Function, History, HistoryEvent, KeyId, Operation, OperationId, Place, Source,
};
use crate::measures::{Behind, instant_of};

use super::{NO_READS, NO_WHOLE_VALUES, is_too_far, stale};

/// No read is followed further back than this.
const STEPS_MAX: u32 = 10_000;

/// A checker on these terms. Without a bound there is nothing to find.
pub(crate) fn live(terms: &Terms) -> Option<Box<dyn OnlineChecker>> {
    let is_bounded = terms.versions.is_some() || terms.time.is_some();
    is_bounded.then(|| {
        Box::new(Live {
            terms: *terms,
            unclear: None,
            has_measured: false,
            has_found: false,
            has_withdrawn: false,
            keys: Pages::default(),
            before: Pages::default(),
        }) as Box<dyn OnlineChecker>
    })
}

#[derive(Clone, Debug)]
struct Live {
    terms: Terms,
    /// Why nothing can be said until the end.
    unclear: Option<String>,
    /// Whether any read showed how old it was.
    has_measured: bool,
    /// Whether any was too far behind.
    has_found: bool,
    has_withdrawn: bool,
    keys: Pages<Key>,
    /// For each update, by its number, the one of its key that was invoked before it.
    before: Pages<Option<OperationId>>,
}

#[derive(Clone, Debug, Default)]
struct Key {
    /// The update that was invoked last.
    newest: Option<OperationId>,
    /// In order of invocation.
    deletes: Vec<OperationId>,
    /// Reads that found nothing, and that an open delete may explain.
    waiting: Vec<OperationId>,
}

/// Which updates surely came after what a read shows: those that were invoked after a place; all; none so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    All,
    Place(Place),
    Nothing,
}

impl OnlineChecker for Live {
    fn name(&self) -> &'static str {
        "bounded-staleness"
    }

    fn observe(&mut self, history: &History, place: Place, found: &mut Vec<Witness>) {
        self.has_withdrawn = false;
        if self.unclear.is_some() {
            return;
        }
        match history.event(place) {
            Some(HistoryEvent::Invoke(id)) => self.on_invoke(history, history.operation(id)),
            Some(HistoryEvent::Complete(id)) => {
                self.on_complete(history, history.operation(id), place, found);
            }
            None => {}
        }
        if self.unclear.is_some() {
            found.clear();
            self.has_withdrawn = self.has_found;
        }
        self.has_found |= !found.is_empty();
    }

    fn has_withdrawn(&self) -> bool {
        self.has_withdrawn
    }

    fn unclear(&self, _: &History) -> Option<Unclear> {
        match &self.unclear {
            Some(reason) => Some(Unclear::Altogether(reason.clone())),
            None if !self.has_measured => Some(Unclear::WhetherItHolds(NO_READS.to_owned())),
            None => None,
        }
    }

    fn clone_box(&self) -> Box<dyn OnlineChecker> {
        Box::new(self.clone())
    }
}

impl Live {
    fn on_invoke(&mut self, history: &History, operation: &Operation) {
        let id = operation.id;
        match operation.function {
            Function::Read => return,
            Function::Write(_) | Function::CompareAndSet { .. } | Function::Delete => {}
            _ => {
                self.unclear = Some(NO_WHOLE_VALUES.to_owned());
                return;
            }
        }
        // The history may have gone on.
        let first = history.first_repeated_write();
        if let Some(write) = first.filter(|&write| write <= id) {
            self.unclear = Some(repeated(history, write));
            return;
        }
        let key = self.key(history.key_id(id));
        let before = key.newest.replace(id);
        if operation.function == Function::Delete {
            key.deletes.push(id);
        }
        self.before.grow_to(id.index(), &None);
        self.before.push(before);
    }

    fn on_complete(
        &mut self,
        history: &History,
        operation: &Operation,
        place: Place,
        found: &mut Vec<Witness>,
    ) {
        let key = history.key_id(operation.id);
        match operation.function {
            Function::Read => self.measure(history, operation.id, place, found),
            Function::Delete => {
                for read in std::mem::take(&mut self.key(key).waiting) {
                    self.measure(history, read, place, found);
                }
            }
            _ => {}
        }
    }

    /// Measures a read that has ended, by what is known at a place.
    fn measure(
        &mut self,
        history: &History,
        read: OperationId,
        now: Place,
        found: &mut Vec<Witness>,
    ) {
        let key = history.key_id(read);
        let after = match history.source(read) {
            Some(Source::Write(write)) => history
                .effective_by(write)
                .map_or(After::Nothing, After::Place),
            Some(Source::Absent) => {
                let (after, may_change) = self.deleted(history, read, now);
                if may_change {
                    self.key(key).waiting.push(read);
                }
                after
            }
            Some(Source::Nobody) | None => return,
        };
        self.has_measured = true;
        let Some(behind) = self.behind(history, read, after) else {
            self.unclear = Some("a read is very far behind; the end will tell".to_owned());
            return;
        };
        if is_too_far(&self.terms, &behind) {
            found.push(stale(history, &self.terms, &behind));
        }
    }

    /// Which delete explains best that a read found nothing, and whether that may change.
    fn deleted(&mut self, history: &History, read: OperationId, now: Place) -> (After, bool) {
        let end = history.completed(read);
        let deletes = &self.key(history.key_id(read)).deletes;
        let mut after = After::All;
        let (mut is_unknown, mut may_change) = (false, false);
        for &id in deletes
            .iter()
            .filter(|&&id| Some(history.invoked(id)) < end)
        {
            let ended = history.completed(id).filter(|&place| place <= now);
            match (ended, history.operation(id).completion()) {
                (Some(_), Some(Completion::Fail(_))) => {}
                (Some(place), Some(Completion::Ok(_))) => {
                    after = match after {
                        After::Place(before) => After::Place(before.max(place)),
                        _ => After::Place(place),
                    };
                }
                (Some(_), _) => is_unknown = true,
                (None, _) => may_change = true,
            }
        }
        match is_unknown || may_change {
            true => (After::Nothing, may_change && !is_unknown),
            false => (after, false),
        }
    }

    /// How far behind a read is; `None` where to tell would cost too much.
    fn behind(&self, history: &History, read: OperationId, after: After) -> Option<Behind> {
        let began = history.invoked(read);
        let mut versions = 0;
        let mut first: Option<(Place, OperationId)> = None;
        let mut next = match after {
            After::Nothing => None,
            _ => self.keys.get(history.key_id(read).0 as usize)?.newest,
        };
        let mut steps = 0;
        while let Some(id) = next {
            if matches!(after, After::Place(place) if history.invoked(id) <= place) {
                break;
            }
            steps += 1;
            if steps > STEPS_MAX {
                return None;
            }
            if let Some(effective) = history.effective_by(id).filter(|&place| place < began) {
                versions += 1;
                first = Some(first.map_or((effective, id), |it| it.min((effective, id))));
            }
            next = *self.before.get(id.index()).expect("an update of this key");
        }
        let time = first.map_or(seedbed_sim::Span::ZERO, |(effective, _)| {
            let began_at = history.operation(read).invoked_at;
            began_at.since(instant_of(history, effective))
        });
        Some(Behind {
            read,
            versions,
            time,
            passed_by: first.map(|(_, id)| id),
        })
    }

    fn key(&mut self, key: KeyId) -> &mut Key {
        let index = key.0 as usize;
        self.keys.grow_to(index + 1, &Key::default());
        self.keys.get_mut(index).expect("just grown to it")
    }
}
