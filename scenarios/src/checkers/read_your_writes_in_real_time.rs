//! **Read your writes**: a session sees its own acknowledged updates.
//!
//! *Viotti and Vukolić 2016: session order from writes to reads lies within visibility.* The rule, by
//! [what the history proves](super): let `u` be an update of the session, acknowledged before the session's read `r` of
//! the same key began. `r` violates the guarantee when it returns
//! - the value of a write that surely comes before `u`, or
//! - nothing, and no delete can come after `u`.
//!
//! For each session and key only the update that was invoked last counts: whatever surely comes before another one
//! surely comes before this one, since it took effect before the other was invoked. So the state is one number for each
//! session and key, and an event costs one look-up in it.

use std::collections::BTreeMap;

use crate::history::{Function, History, HistoryEvent, OperationId, Place, Source};

use super::deletes::{AbsentRead, Deletes};
use super::per_session::PerSession;
use super::story::{between, left_behind, object, quote_or_nothing, tell, the_update, user};
use super::{OnlineChecker, Question, Ruling, Unsupported, Witness, ladder};

/// See the [module](self).
///
/// # Errors
/// Never: what it does not know it leaves unjudged.
pub(super) fn check(question: &Question<'_>) -> Result<Ruling, Unsupported> {
    Ok(ladder::judge(Box::new(ReadYourWrites::default()), question))
}

/// See the [module](self).
#[derive(Clone, Debug, Default)]
pub(super) struct ReadYourWrites {
    /// The session's acknowledged update of the key that was invoked last.
    floors: PerSession<Option<OperationId>>,
    /// Reads under way, with the update that they must see.
    open_reads: BTreeMap<OperationId, OperationId>,
    deletes: Deletes,
}

impl OnlineChecker for ReadYourWrites {
    fn name(&self) -> &'static str {
        "read-your-writes-in-real-time"
    }

    fn observe(&mut self, history: &History, place: Place, found: &mut Vec<Witness>) {
        match history.event(place) {
            Some(HistoryEvent::Invoke(id)) => self.on_invoke(history, id),
            Some(HistoryEvent::Complete(id)) => self.on_complete(history, id, found),
            None => {}
        }
    }

    fn clone_box(&self) -> Box<dyn OnlineChecker> {
        Box::new(self.clone())
    }
}

impl ReadYourWrites {
    fn on_invoke(&mut self, history: &History, id: OperationId) {
        let operation = history.operation(id);
        if operation.function != Function::Read {
            self.deletes.begin(history, id);
            return;
        }
        let floor = self.floors.get(operation.session, history.key_id(id));
        if let Some(&Some(floor)) = floor {
            self.open_reads.insert(id, floor);
        }
    }

    fn on_complete(&mut self, history: &History, id: OperationId, found: &mut Vec<Witness>) {
        let operation = history.operation(id);
        if operation.is_update() {
            for absent in self.deletes.end(history, id) {
                found.push(missed(history, absent.read, absent.floor, None));
            }
            if operation.is_ok() {
                let key = history.key_id(id);
                let floor = self.floors.entry(operation.session, key);
                *floor = (*floor).max(Some(id));
            }
            return;
        }
        let Some(floor) = self.open_reads.remove(&id) else {
            return;
        };
        match history.source(id) {
            Some(Source::Absent) => {
                let absent = AbsentRead {
                    read: id,
                    floor,
                    shown_by: None,
                };
                if self.deletes.refute(history, absent) {
                    found.push(missed(history, id, floor, None));
                }
            }
            Some(Source::Write(older)) if history.surely_before(older, floor) => {
                found.push(missed(history, id, floor, Some(older)));
            }
            Some(Source::Write(_) | Source::Nobody) | None => {}
        }
    }
}

/// The session's `read` missed its update `floor`, and found what the `older` write had left, or nothing.
fn missed(
    history: &History,
    read: OperationId,
    floor: OperationId,
    older: Option<OperationId>,
) -> Witness {
    let (reader, update) = (history.operation(read), history.operation(floor));
    let got = quote_or_nothing(reader.returned());
    let acknowledged_at = update
        .completed
        .as_ref()
        .expect("a floor is acknowledged")
        .at;
    let read_at = reader.completed.as_ref().expect("the read has ended").at;
    let summary = format!(
        "{} read {} and got {got}, not {} as they had left it",
        user(reader),
        object(reader),
        left_behind(update),
    );

    let mut operations: Vec<OperationId> = older.into_iter().chain([floor, read]).collect();
    operations.sort_unstable();
    let mut story: Vec<String> = operations.iter().map(|&id| tell(history, id)).collect();
    story.push(format!(
        "The read began {} after {} was acknowledged to the same session, so it had to see that or something newer: \
         read-your-writes-in-real-time falls.",
        between(acknowledged_at, reader.invoked_at),
        the_update(update),
    ));
    Witness::new(history, operations, read_at, summary, story)
}
