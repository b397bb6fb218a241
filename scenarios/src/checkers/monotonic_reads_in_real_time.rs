//! **Monotonic reads**: what a session has seen does not go away again.
//!
//! *Viotti and Vukolić 2016: what is visible to a read is visible to all later reads of its session.* The
//! rule, by [what the history proves](super): let the session's reads of a key, finished before its read `r` of the
//! same key began, have returned the values of the writes `w1, w2, …`. `r` violates the guarantee when it returns
//! - the value of a write that surely comes before one of them, or
//! - the value of one of them, after another read has returned something else in between: if `a` and then `b` were
//!   seen, `b` comes after `a`, so that seeing `a` again is going back even when nobody knows which was written first,
//!   or
//! - nothing, and no delete can come after all of them.
//!
//! A read that violates the guarantee adds nothing to what later reads must see.
//!
//! For each session and key the first and third rule need one number (the write seen that was invoked last), the second
//! a list of writes seen. Writes that surely come before the one invoked last leave the list, since the first rule
//! covers them (once no read is under way that began before that one was seen); what stays are the writes that were
//! under way at once, so that an event costs a look-up and a walk over these few.

use std::collections::BTreeMap;

use crate::history::{Function, History, HistoryEvent, OperationId, Place, Source};

use super::deletes::{AbsentRead, Deletes};
use super::per_session::PerSession;
use super::story::{capital, left_behind, object, quote, tell, user};
use super::{OnlineChecker, Question, Ruling, Unsupported, Witness, ladder};

/// See the [module](self).
///
/// # Errors
/// Never: what it does not know it leaves unjudged.
pub(super) fn check(question: &Question<'_>) -> Result<Ruling, Unsupported> {
    Ok(ladder::judge(Box::new(MonotonicReads::default()), question))
}

/// See the [module](self).
#[derive(Clone, Debug, Default)]
pub(super) struct MonotonicReads {
    seen: PerSession<Seen>,
    /// Reads under way in sessions that had seen something, with the floor as they began.
    open_reads: BTreeMap<OperationId, Sighting>,
    deletes: Deletes,
}

/// A write, and the session's first read that returned its value.
#[derive(Clone, Copy, Debug)]
struct Sighting {
    write: OperationId,
    read: OperationId,
}

/// What the reads of one session have seen of one key.
#[derive(Clone, Debug, Default)]
struct Seen {
    /// The write that was invoked last.
    floor: Option<Sighting>,
    /// The writes that do not surely come before it, itself among them.
    recent: Vec<SeenWrite>,
    /// Reads of the session under way that go by a floor, which may be an older one.
    open_reads: u32,
}

#[derive(Clone, Copy, Debug)]
struct SeenWrite {
    sighting: Sighting,
    /// The first read that began after the sighting and returned something else.
    left_by: Option<OperationId>,
}

impl OnlineChecker for MonotonicReads {
    fn name(&self) -> &'static str {
        "monotonic-reads-in-real-time"
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

impl MonotonicReads {
    fn on_invoke(&mut self, history: &History, id: OperationId) {
        let operation = history.operation(id);
        if operation.function != Function::Read {
            self.deletes.begin(history, id);
            return;
        }
        let seen = self.seen.get(operation.session, history.key_id(id));
        if let Some(floor) = seen.and_then(|seen| seen.floor) {
            self.open_reads.insert(id, floor);
            self.seen_by(history, id).open_reads += 1;
        }
    }

    fn on_complete(&mut self, history: &History, id: OperationId, found: &mut Vec<Witness>) {
        let operation = history.operation(id);
        if operation.is_update() {
            let unexplained = self.deletes.end(history, id);
            found.extend(unexplained.into_iter().map(|absent| {
                let shown_by = absent.shown_by.expect("monotonic reads go by reads");
                vanished(history, absent.floor, shown_by, absent.read)
            }));
            return;
        }
        let floor = self.open_reads.remove(&id);
        if floor.is_some() {
            self.seen_by(history, id).open_reads -= 1;
        }
        match (history.source(id), floor) {
            (Some(Source::Absent), Some(floor)) => self.on_absent(history, id, floor, found),
            (Some(Source::Write(write)), floor) => {
                let sighting = Sighting { write, read: id };
                self.on_value(history, sighting, floor, found);
            }
            _ => {}
        }
    }

    fn on_absent(
        &mut self,
        history: &History,
        read: OperationId,
        floor: Sighting,
        found: &mut Vec<Witness>,
    ) {
        let absent = AbsentRead {
            read,
            floor: floor.write,
            shown_by: Some(floor.read),
        };
        if self.deletes.refute(history, absent) {
            found.push(vanished(history, floor.write, floor.read, read));
        } else {
            self.seen_by(history, read).leave(history, read, None);
        }
    }

    fn on_value(
        &mut self,
        history: &History,
        now: Sighting,
        floor: Option<Sighting>,
        found: &mut Vec<Witness>,
    ) {
        if let Some(floor) = floor.filter(|f| history.surely_before(now.write, f.write)) {
            found.push(went_back(history, floor, now));
            return;
        }
        let seen = self.seen_by(history, now.read);
        if let Some((first, left_by)) = seen.left_before(history, now) {
            found.push(came_back(history, first, left_by, now));
            return;
        }
        seen.leave(history, now.read, Some(now.write));
        seen.see(history, now);
    }

    fn seen_by(&mut self, history: &History, read: OperationId) -> &mut Seen {
        let session = history.operation(read).session;
        self.seen.entry(session, history.key_id(read))
    }
}

impl Seen {
    /// The first sighting of the write that is seen now, and the read that left it before this one began.
    fn left_before(&self, history: &History, now: Sighting) -> Option<(Sighting, OperationId)> {
        let seen = self.recent.iter().find(|s| s.sighting.write == now.write)?;
        let left_by = seen.left_by?;
        let left = history.completed(left_by) < Some(history.invoked(now.read));
        left.then_some((seen.sighting, left_by))
    }

    /// `read` returned what is given: all other writes seen before it began are behind it.
    fn leave(&mut self, history: &History, read: OperationId, returned: Option<OperationId>) {
        let began = Some(history.invoked(read));
        for seen in &mut self.recent {
            let other = Some(seen.sighting.write) != returned;
            if other && history.completed(seen.sighting.read) < began {
                seen.left_by.get_or_insert(read);
            }
        }
    }

    fn see(&mut self, history: &History, now: Sighting) {
        if self.recent.iter().any(|s| s.sighting.write == now.write) {
            return;
        }
        self.recent.push(SeenWrite {
            sighting: now,
            left_by: None,
        });
        let floor = self.floor.filter(|f| f.write > now.write).unwrap_or(now);
        self.floor = Some(floor);
        if self.open_reads == 0 {
            self.recent
                .retain(|s| !history.surely_before(s.sighting.write, floor.write));
        }
    }
}

/// A session that had seen `floor` saw nothing.
fn vanished(
    history: &History,
    floor: OperationId,
    shown_by: OperationId,
    read: OperationId,
) -> Witness {
    let value = left_behind(history.operation(floor));
    let reason =
        format!("{value} was there for the first read, and no delete explains that it is gone");
    let summary = format!("nothing, after {value} was seen");
    witness(history, vec![floor, shown_by, read], &summary, &reason)
}

/// A session that had seen `floor` saw a write that surely comes before it.
fn went_back(history: &History, floor: Sighting, now: Sighting) -> Witness {
    let newer = left_behind(history.operation(floor.write));
    let older = left_behind(history.operation(now.write));
    let reason =
        format!("{older} was in place before {newer} was written, and {newer} was seen first");
    let summary = format!("{older}, after {newer} was seen, which is newer");
    let operations = vec![now.write, floor.write, floor.read, now.read];
    witness(history, operations, &summary, &reason)
}

/// A session saw a write again after something else.
fn came_back(history: &History, first: Sighting, left_by: OperationId, now: Sighting) -> Witness {
    let value = left_behind(history.operation(now.write));
    let (reason, summary) = match history.operation(left_by).returned() {
        Some(other) => {
            let other = quote(other);
            (
                format!(
                    "{value} was written once; {other}, seen after it, must be newer; yet {value} came back"
                ),
                format!("{value} again, after {other} was seen in between"),
            )
        }
        None => (
            format!("{value} was written once, and was seen, and then was gone; yet it came back"),
            format!("{value} again, after it was gone in between"),
        ),
    };
    let operations = vec![now.write, first.read, left_by, now.read];
    witness(history, operations, &summary, &reason)
}

fn witness(
    history: &History,
    mut operations: Vec<OperationId>,
    got: &str,
    reason: &str,
) -> Witness {
    operations.sort_unstable();
    let culprit = *operations.last().expect("a witness has operations");
    let reader = history.operation(culprit);
    let summary = format!("{} read {} and got {got}", user(reader), object(reader));
    let mut story: Vec<String> = operations.iter().map(|&id| tell(history, id)).collect();
    story.push(format!(
        "{}; what a session has seen must not go away again: monotonic-reads-in-real-time falls.",
        capital(reason)
    ));
    let at = reader.completed.as_ref().expect("the read has ended").at;
    Witness::new(history, operations, at, summary, story)
}
