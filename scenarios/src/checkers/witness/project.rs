//! Sub-histories: some operations as they were, others as what may have been.

use crate::history::{
    History, HistoryEvent, Invocation, Operation, OperationId, Place, ProcessId, SessionId,
};

/// A history made of parts of another one.
#[derive(Debug)]
pub(super) struct SubHistory {
    pub(super) history: History,
    /// What each of its operations was in the other one.
    pub(super) origins: Vec<OperationId>,
}

/// How an operation stands in a sub-history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Kept,
    /// It may take effect at any time from its invocation on, or never, in a session of its own.
    Optional,
}

/// The operations `kept` as they were, and the updates `optional` as what may have been, in the order of `whole`. `changed` is how
/// one of those that are kept ended instead.
pub(super) fn project(
    whole: &History,
    kept: &[OperationId],
    optional: &[OperationId],
    changed: Option<&Operation>,
) -> SubHistory {
    let mut events: Vec<(Place, OperationId, Part)> = Vec::new();
    for &id in kept {
        events.push((whole.invoked(id), id, Part::Kept));
        events.extend(whole.completed(id).map(|place| (place, id, Part::Kept)));
    }
    events.extend(
        optional
            .iter()
            .map(|&id| (whole.invoked(id), id, Part::Optional)),
    );
    events.sort_unstable();
    let mut making = Making {
        whole,
        made: SubHistory {
            history: History::new(),
            origins: Vec::new(),
        },
        processes: Numbers::default(),
        sessions: Numbers::default(),
    };
    for (place, id, part) in events {
        match whole.event(place) {
            Some(HistoryEvent::Invoke(_)) => making.invoke(id, part),
            _ => making.complete(id, changed),
        }
    }
    making.made
}

/// New numbers for old ones, without gaps; some new ones stand for no old one.
#[derive(Debug, Default)]
struct Numbers {
    known: std::collections::BTreeMap<u32, u32>,
    next: u32,
}

impl Numbers {
    fn of(&mut self, old: u32) -> u32 {
        let next = &mut self.next;
        *self.known.entry(old).or_insert_with(|| {
            *next += 1;
            *next - 1
        })
    }

    fn fresh(&mut self) -> u32 {
        self.next += 1;
        self.next - 1
    }
}

struct Making<'a> {
    whole: &'a History,
    made: SubHistory,
    processes: Numbers,
    sessions: Numbers,
}

impl Making<'_> {
    fn invoke(&mut self, id: OperationId, part: Part) {
        let operation = self.whole.operation(id);
        let (process, session) = match part {
            Part::Kept => (
                self.processes.of(operation.process.0),
                self.sessions.of(operation.session.0),
            ),
            Part::Optional => (self.processes.fresh(), self.sessions.fresh()),
        };
        self.made.history.invoke(Invocation {
            process: ProcessId(process),
            session: SessionId(session),
            user: operation.user.clone(),
            load: operation.load.clone(),
            key: operation.key.clone(),
            function: operation.function.clone(),
            intended_at: operation.intended_at,
            invoked_at: operation.invoked_at,
            invoked_by: operation.invoked_by,
        });
        self.made.origins.push(id);
    }

    fn complete(&mut self, id: OperationId, changed: Option<&Operation>) {
        // Operations are begun in order, so that their numbers are sorted.
        let index = self.made.origins.binary_search(&id);
        let index = index.expect("it has begun") as u32;
        let changed = changed.filter(|operation| operation.id == id);
        let operation = changed.unwrap_or(self.whole.operation(id));
        let completed = operation.completed.clone();
        let completed = completed.expect("its end has a place");
        self.made.history.complete(OperationId(index), completed);
    }
}
