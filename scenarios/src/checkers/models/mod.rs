//! Models: what the objects are that clients call.
//!
//! A judge that searches for an order of the operations has to know what each of them would have returned there. That
//! is a *sequential specification*: a state, and what becomes of it when one call after the other is made. A model is
//! one; it knows nothing of concurrency, of time, or of who calls.
//!
//! ```text
//!   cas-register      state      call                                   state after
//!                     absent     write 1, acknowledged                  1
//!                     1          cas [1, 2], acknowledged               2
//!                     2          read, returned 1                       none: it can't have ended so here
//!                     2          cas [2, 3], nobody knows how it ended  3
//! ```
//!
//! | model | functions | state |
//! |---|---|---|
//! | [`register`] | read, write, delete | the value, or nothing |
//! | [`cas-register`](cas_register) | those, and compare-and-set | the same |
//! | [`append-kv`](append_kv) | read, write, append | a text or a list |
//! | [`set`] | insert, remove, contains, read, write | its elements, each once |
//! | [`queue`] | enqueue, dequeue | its elements in order |
//! | [`counter`] | add, read | the sum |
//!
//! # What a model says
//!
//! - Which calls it [understands](Object::understands): a function that it lacks and a value of another shape are bad
//!   input. Nothing is guessed.
//! - The state [after](Object::apply) a call that ended in a known way, or `None` where it could not have; and after one
//!   whose end nobody knows, which is assumed to have had its effect (that it had none is not the model's business).
//! - What a call would have [answered](Object::answer): told to people when it answered something else.
//! - Three things that let a search give up early, each of them optional and none of them needed for the verdict: the
//!   only state in which a call [can happen](Object::demands), the state that it always
//!   [leaves](Object::leaves), and whether a state can still [grow](Object::grows) into what a later read returned.
//! - What it [puts in or takes out](Object::exchange), if the object is a queue: then there is often no need to search.
//!
//! A call that *failed* never happened, so no model ever sees one: a compare-and-set that was refused says nothing about
//! what the register held. (Some clients can tell a refusal from an error, and then more could be said; the published
//! histories of etcd come to the same verdicts without.)
//!
//! # How the search sees it
//!
//! The search never touches a state. A [`Machine`] gives each distinct state and each distinct call a number, in the
//! order of first use, and the search moves numbers about. That keeps what it remembers small, makes states comparable
//! at once, and leaves to a model nothing but its own rules: one small file, and one line in the [`CATALOG`].

mod append_kv;
mod cas_register;
mod counter;
mod machine;
mod queue;
mod register;
mod set;
pub(super) mod table;

use machine::Interned;
pub(super) use machine::{CallId, Machine, StateId};

use std::fmt::Debug;

use crate::history::{Function, History, Value};

use super::{Model, Setting};

/// Makes the machine for the objects of a history.
pub(super) type MakeMachine = fn(&Setting, &History) -> Result<Box<dyn Machine>, String>;

/// A model, by name.
#[derive(Debug)]
pub struct ModelEntry {
    /// Which one.
    pub model: Model,
    /// Its name, as commands and scenarios use it.
    pub name: &'static str,
    /// What its objects do, in one sentence.
    pub promise: &'static str,
    /// The functions that it knows, by their names in the native format.
    pub functions: &'static [&'static str],
    /// A machine for the objects of a history. The error says what is wrong with the initial value.
    pub(super) machine: MakeMachine,
}

/// All models.
pub static CATALOG: &[ModelEntry] = &[
    register::ENTRY,
    cas_register::ENTRY,
    append_kv::ENTRY,
    set::ENTRY,
    queue::ENTRY,
    counter::ENTRY,
];

/// The model of this name.
pub fn find(name: &str) -> Option<&'static ModelEntry> {
    CATALOG.iter().find(|entry| entry.name == name)
}

/// All of them, for tests that hold for each.
#[cfg(test)]
pub(super) fn all() -> impl Iterator<Item = Model> {
    CATALOG.iter().map(|entry| entry.model)
}

impl Model {
    /// Its entry in the [`CATALOG`].
    pub fn entry(self) -> &'static ModelEntry {
        CATALOG
            .iter()
            .find(|entry| entry.model == self)
            .expect("every model is in the catalog")
    }

    /// Its name in the [`CATALOG`].
    pub fn name(self) -> &'static str {
        self.entry().name
    }
}

/// A call, and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) function: Function,
    pub(super) ending: Ending,
}

/// How a call ended that took effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// It was acknowledged, and returned this.
    Returned(Option<Value>),
    /// Nobody knows what it returned.
    Unknown,
}

impl Call {
    /// What it returned, where that is known.
    pub(super) fn returned(&self) -> Option<&Option<Value>> {
        match &self.ending {
            Ending::Returned(value) => Some(value),
            Ending::Unknown => None,
        }
    }
}

/// What a call does to a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exchange<'a> {
    /// It puts an element in.
    Put(&'a Value),
    /// It took this element out.
    Took(&'a Value),
    /// It found nothing to take.
    FoundNothing,
    /// It took an element out, or found nothing, and nobody knows which.
    Unknown,
}

/// The rules of one object: a sequential specification.
pub(super) trait Object: Debug {
    /// What an object holds.
    type State: Clone + Eq + Debug;

    /// What it holds before the first call.
    fn initial(&self) -> Self::State;

    /// Whether it knows the function and the shape of its values; else what is wrong, as half a sentence.
    fn understands(&self, call: &Call) -> Result<(), String>;

    /// What it holds after the call, or `None` where the call could not have ended so (or, where nobody knows how it
    /// ended, could not have had an effect). Calls are understood.
    fn apply(&self, state: &Self::State, call: &Call) -> Option<Self::State>;

    /// What a call of this function returns in this state. For a compare-and-set: what the register holds.
    fn answer(&self, state: &Self::State, function: &Function) -> Option<Value>;

    /// A hash of the state: fixed, and equal for equal states.
    fn digest(&self, state: &Self::State) -> u64;

    /// About how much memory one more state takes.
    fn size_bytes(&self, state: &Self::State) -> u64;

    /// Whether the call never changes anything, wherever it can happen.
    fn only_asks(&self, call: &Call) -> bool {
        !call.function.is_update()
    }

    /// The one state in which the call can happen, where there is only one. A model that says so for any call says for
    /// every call what it [leaves](Self::leaves).
    fn demands(&self, _call: &Call) -> Option<Self::State> {
        None
    }

    /// The state that the call leaves behind whatever was before, where there is one and the call changes anything.
    fn leaves(&self, _call: &Call) -> Option<Self::State> {
        None
    }

    /// For objects that hand out their elements in the order in which they came, each once: what the call does. An object
    /// that says so of one call says so of all.
    fn exchange<'a>(&self, _call: &'a Call) -> Option<Exchange<'a>> {
        None
    }

    /// For such objects: what is in them at first, in order.
    fn elements(&self) -> Vec<Value> {
        Vec::new()
    }

    /// Whether the call only ever adds to a state, so that what has grown past a read's result never comes back to it.
    fn grows(&self, _call: &Call) -> bool {
        false
    }

    /// For calls that return the whole of a state to which others [add](Self::grows): how much it is. States that grow
    /// meet reads in the order of this number.
    fn goal(&self, _call: &Call) -> Option<u64> {
        None
    }

    /// Whether a state can grow, by calls that only add, into one in which `goal` is answered as it was. `true` where
    /// nobody can say.
    fn reaches(&self, _state: &Self::State, _goal: &Call) -> bool {
        true
    }

    /// Whether the state that `call` leaves could still grow into the goal, where `state` can: asked before the call is
    /// made, and cheap. `true` where nobody can say.
    fn keeps_to(&self, _state: &Self::State, _call: &Call, _goal: &Call) -> bool {
        true
    }
}

/// `the model queue has no read; it knows enqueue, dequeue`.
fn unknown_function(entry: &ModelEntry, function: &Function) -> String {
    format!(
        "the model {} has no {}; it knows {}",
        entry.name,
        function.name(),
        entry.functions.join(", ")
    )
}

/// What an object (`a queue`) holds at first: as the setting says, if that has the right shape.
fn initial_of<'a, T: Default>(
    setting: &'a Setting,
    object: &str,
    shape: &str,
    read: impl Fn(&'a Value) -> Option<T>,
) -> Result<T, String> {
    let Some(value) = &setting.initial else {
        return Ok(T::default());
    };
    let what = format!("the initial value of {object}");
    read(value).ok_or_else(|| wrong_shape(&what, shape, Some(value)))
}

/// Half a sentence about a value of the wrong shape: `a counter's read returns a number, and not "a"`.
fn wrong_shape(what: &str, expected: &str, value: Option<&Value>) -> String {
    let found = super::story::quote_or_nothing(value);
    format!("{what} {expected}, and not {found}")
}
