//! **register**: one value. *Herlihy and Wing, Linearizability: A Correctness Condition for Concurrent Objects, ACM
//! TOPLAS 12(3), 1990, section 2: a register is read and written.* Delete leaves it absent, as a read of nothing finds
//! it.
//!
//! A read can happen in one state only, and a write leaves the same state whatever was before. So a search knows at any
//! time whether what a later read must find can still come about.

use crate::history::{Function, History, Value};

use super::{Call, Ending, Interned, Machine, ModelEntry, Object, unknown_function};
use crate::checkers::{Model, Setting};

pub(super) const ENTRY: ModelEntry = ModelEntry {
    model: Model::Register,
    name: "register",
    promise: "A key holds what was written last.",
    functions: &["read", "write", "delete"],
    machine,
};

fn machine(setting: &Setting, _: &History) -> Result<Box<dyn Machine>, String> {
    Ok(Interned::boxed(Register {
        initial: setting.initial.clone(),
        entry: &ENTRY,
    }))
}

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Register {
    pub(super) initial: Option<Value>,
    /// This model's, or that of the one that has a compare-and-set too.
    pub(super) entry: &'static ModelEntry,
}

impl Object for Register {
    type State = Option<Value>;

    fn initial(&self) -> Self::State {
        self.initial.clone()
    }

    fn understands(&self, call: &Call) -> Result<(), String> {
        if self.entry.functions.contains(&call.function.name()) {
            Ok(())
        } else {
            Err(unknown_function(self.entry, &call.function))
        }
    }

    fn apply(&self, state: &Self::State, call: &Call) -> Option<Self::State> {
        let possible = self.demands(call).is_none_or(|demanded| demanded == *state);
        possible.then(|| self.leaves(call).unwrap_or_else(|| state.clone()))
    }

    fn answer(&self, state: &Self::State, _: &Function) -> Option<Value> {
        state.clone()
    }

    fn digest(&self, state: &Self::State) -> u64 {
        state.as_ref().map_or(0, |value| value.fixed_hash(0))
    }

    fn size_bytes(&self, _: &Self::State) -> u64 {
        size_of::<Self::State>() as u64
    }

    fn only_asks(&self, call: &Call) -> bool {
        self.leaves(call).is_none()
    }

    fn demands(&self, call: &Call) -> Option<Self::State> {
        match (&call.function, &call.ending) {
            (Function::Read, Ending::Returned(value)) => Some(value.clone()),
            (Function::CompareAndSet { expected, .. }, _) => Some(expected.clone()),
            _ => None,
        }
    }

    fn leaves(&self, call: &Call) -> Option<Self::State> {
        match &call.function {
            Function::Write(value) => Some(Some(value.clone())),
            Function::Delete => Some(None),
            // One that sets what it expects changes nothing.
            Function::CompareAndSet { expected, new } => {
                (expected.as_ref() != Some(new)).then(|| Some(new.clone()))
            }
            _ => None,
        }
    }
}
