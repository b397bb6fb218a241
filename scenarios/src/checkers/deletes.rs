//! What may have made a key absent.
//!
//! A read that finds nothing names no operation: any delete may be behind it. For each key this keeps just what decides
//! whether there is one that can stand after a given update in some legal order.

use std::sync::Arc;

use crate::history::pages::Pages;
use crate::history::{Completion, Function, History, KeyId, OperationId, Place};

/// The deletes of all keys so far, by key.
#[derive(Clone, Debug, Default)]
pub(super) struct Deletes {
    keys: Pages<Arc<KeyDeletes>>,
}

#[derive(Clone, Debug, Default)]
struct KeyDeletes {
    /// A delete whose outcome stays unknown may take effect at any time from its invocation on.
    any_unknown: bool,
    /// The latest place at which an acknowledged delete may have taken effect.
    last_acknowledged: Option<Place>,
    /// Deletes that have not ended.
    open: Vec<OperationId>,
    /// Reads that only open deletes explain.
    suspended: Vec<AbsentRead>,
}

/// A read that found nothing after an update that it had to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AbsentRead {
    pub(super) read: OperationId,
    /// The update that it had to see.
    pub(super) floor: OperationId,
    /// The earlier read that had shown it, where that is why.
    pub(super) shown_by: Option<OperationId>,
}

impl Deletes {
    /// Takes note of an update that begins.
    pub(super) fn begin(&mut self, history: &History, id: OperationId) {
        if history.operation(id).function == Function::Delete {
            self.of_key(history.key_id(id)).open.push(id);
        }
    }

    /// Takes note of an update that has ended. Returns the reads that nothing explains any more, because it was a
    /// delete and failed.
    pub(super) fn end(&mut self, history: &History, id: OperationId) -> Vec<AbsentRead> {
        let operation = history.operation(id);
        if operation.function != Function::Delete {
            return Vec::new();
        }
        let deletes = self.of_key(history.key_id(id));
        deletes.open.retain(|&open| open != id);
        match operation.completion() {
            Some(Completion::Ok(_)) => deletes.last_acknowledged = history.completed(id),
            Some(Completion::Info(_)) => deletes.any_unknown = true,
            Some(Completion::Fail(_)) => return deletes.take_unexplained(history),
            None => unreachable!("{id:?} has not ended"),
        }
        // It happened, or may have: whoever read before it began is not helped, everybody else is.
        deletes
            .suspended
            .retain(|absent| history.completed(absent.read) < Some(history.invoked(id)));
        Vec::new()
    }

    /// Whether no delete explains that a read found nothing. A read that only open deletes explain is held back until
    /// they end.
    pub(super) fn refute(&mut self, history: &History, absent: AbsentRead) -> bool {
        let deletes = self.of_key(history.key_id(absent.read));
        if deletes.any_unknown || deletes.last_acknowledged > Some(history.invoked(absent.floor)) {
            return false;
        }
        let refuted = deletes.open.is_empty();
        if !refuted {
            deletes.suspended.push(absent);
        }
        refuted
    }

    fn of_key(&mut self, key: KeyId) -> &mut KeyDeletes {
        let index = key.0 as usize;
        self.keys.grow_to(index + 1, &Arc::default());
        Arc::make_mut(self.keys.get_mut(index).expect("just grown to it"))
    }
}

impl KeyDeletes {
    fn take_unexplained(&mut self, history: &History) -> Vec<AbsentRead> {
        let open = &self.open;
        let (explained, unexplained) = self.suspended.drain(..).partition(|absent| {
            open.iter()
                .any(|&delete| Some(history.invoked(delete)) < history.completed(absent.read))
        });
        self.suspended = explained;
        unexplained
    }
}
