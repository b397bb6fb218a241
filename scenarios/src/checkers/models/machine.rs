//! A model as the search sees it: states and calls are numbers.

use std::fmt::Debug;

use crate::history::{Function, Value};

use super::table::{Table, mix};
use super::{Call, Ending, Exchange, Object};

/// A state of an object, numbered by first use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::checkers) struct StateId(pub(in crate::checkers) u32);

/// A call with its ending, numbered by first use: two calls of one number can't be told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::checkers) struct CallId(pub(in crate::checkers) u32);

/// The objects of one history: all keys share the numbers.
pub(in crate::checkers) trait Machine: Debug {
    /// Whether the model knows such a call; else what is wrong, as half a sentence.
    fn understands(&self, call: &Call) -> Result<(), String>;

    /// The number of a call that is understood.
    fn call(&mut self, call: Call) -> CallId;

    /// What every object holds at first.
    fn initial(&self) -> StateId;

    /// See [`Object::apply`].
    fn step(&mut self, state: StateId, call: CallId) -> Option<StateId>;

    /// See [`Object::answer`].
    fn answer(&self, state: StateId, function: &Function) -> Option<Value>;

    /// See [`Object::only_asks`].
    fn only_asks(&self, call: CallId) -> bool;

    /// See [`Object::demands`].
    fn demands(&self, call: CallId) -> Option<StateId>;

    /// See [`Object::leaves`].
    fn leaves(&self, call: CallId) -> Option<StateId>;

    /// See [`Object::exchange`].
    fn exchange(&self, call: CallId) -> Option<Exchange<'_>>;

    /// See [`Object::elements`].
    fn elements(&self) -> Vec<Value>;

    /// See [`Object::grows`].
    fn grows(&self, call: CallId) -> bool;

    /// See [`Object::goal`].
    fn goal(&self, call: CallId) -> Option<u64>;

    /// See [`Object::reaches`].
    fn reaches(&self, state: StateId, goal: CallId) -> bool;

    /// See [`Object::keeps_to`].
    fn keeps_to(&self, state: StateId, call: CallId, goal: CallId) -> bool;

    /// How many states there are so far.
    fn state_count(&self) -> usize;

    /// How much memory they take.
    fn size_bytes(&self) -> u64;
}

/// A [`Machine`] made of an [`Object`].
#[derive(Debug)]
pub(super) struct Interned<O: Object> {
    object: O,
    states: Vec<O::State>,
    state_table: Table,
    calls: Vec<Known>,
    call_table: Table,
    size_bytes: u64,
}

#[derive(Debug)]
struct Known {
    call: Call,
    demands: Option<StateId>,
    leaves: Option<StateId>,
    only_asks: bool,
    grows: bool,
    goal: Option<u64>,
}

impl<O: Object + 'static> Interned<O> {
    pub(super) fn boxed(object: O) -> Box<dyn Machine> {
        let initial = object.initial();
        let mut machine = Self {
            object,
            states: Vec::new(),
            state_table: Table::default(),
            calls: Vec::new(),
            call_table: Table::default(),
            size_bytes: 0,
        };
        machine.state(initial);
        Box::new(machine)
    }
}

impl<O: Object> Interned<O> {
    fn state(&mut self, state: O::State) -> StateId {
        let hash = mix(self.object.digest(&state), 1);
        let states = &self.states;
        let known = self.state_table.find(hash, |n| states[n as usize] == state);
        if let Some(number) = known {
            return StateId(number);
        }
        let number = u32::try_from(self.states.len()).expect("memory ends before 2^32 states");
        self.size_bytes += self.object.size_bytes(&state);
        self.state_table.insert(hash, number);
        self.states.push(state);
        StateId(number)
    }

    fn get(&self, state: StateId) -> &O::State {
        &self.states[state.0 as usize]
    }

    fn known(&self, call: CallId) -> &Known {
        &self.calls[call.0 as usize]
    }
}

impl<O: Object> Machine for Interned<O> {
    fn understands(&self, call: &Call) -> Result<(), String> {
        self.object.understands(call)
    }

    fn call(&mut self, call: Call) -> CallId {
        let hash = hash_call(&call);
        let calls = &self.calls;
        let known = self
            .call_table
            .find(hash, |n| calls[n as usize].call == call);
        if let Some(number) = known {
            return CallId(number);
        }
        let number = u32::try_from(self.calls.len()).expect("fewer calls than operations");
        self.call_table.insert(hash, number);
        let demands = self.object.demands(&call).map(|state| self.state(state));
        let leaves = self.object.leaves(&call).map(|state| self.state(state));
        self.calls.push(Known {
            demands,
            leaves,
            only_asks: self.object.only_asks(&call),
            grows: self.object.grows(&call),
            goal: self.object.goal(&call),
            call,
        });
        CallId(number)
    }

    fn initial(&self) -> StateId {
        StateId(0)
    }

    fn step(&mut self, state: StateId, call: CallId) -> Option<StateId> {
        let known = &self.calls[call.0 as usize];
        // What the model says of the call for all states needs no state to be looked at.
        if known.demands.is_some() || known.leaves.is_some() {
            let possible = known.demands.is_none_or(|demanded| demanded == state);
            return possible.then_some(known.leaves.unwrap_or(state));
        }
        let after = self
            .object
            .apply(&self.states[state.0 as usize], &known.call)?;
        if after == self.states[state.0 as usize] {
            return Some(state);
        }
        Some(self.state(after))
    }

    fn answer(&self, state: StateId, function: &Function) -> Option<Value> {
        self.object.answer(self.get(state), function)
    }

    fn only_asks(&self, call: CallId) -> bool {
        self.known(call).only_asks
    }

    fn demands(&self, call: CallId) -> Option<StateId> {
        self.known(call).demands
    }

    fn leaves(&self, call: CallId) -> Option<StateId> {
        self.known(call).leaves
    }

    fn exchange(&self, call: CallId) -> Option<Exchange<'_>> {
        self.object.exchange(&self.known(call).call)
    }

    fn elements(&self) -> Vec<Value> {
        self.object.elements()
    }

    fn grows(&self, call: CallId) -> bool {
        self.known(call).grows
    }

    fn goal(&self, call: CallId) -> Option<u64> {
        self.known(call).goal
    }

    fn reaches(&self, state: StateId, goal: CallId) -> bool {
        self.object.reaches(self.get(state), &self.known(goal).call)
    }

    fn keeps_to(&self, state: StateId, call: CallId, goal: CallId) -> bool {
        let (call, goal) = (&self.known(call).call, &self.known(goal).call);
        self.object.keeps_to(self.get(state), call, goal)
    }

    fn state_count(&self) -> usize {
        self.states.len()
    }

    fn size_bytes(&self) -> u64 {
        self.size_bytes + self.state_table.size_bytes()
    }
}

fn hash_call(call: &Call) -> u64 {
    let name = call.function.name();
    // The first two letters tell functions apart; what does not is compared anyway.
    let name = u64::from(name.as_bytes()[0]) << 8 | u64::from(name.as_bytes()[1]);
    let argument = match &call.function {
        Function::CompareAndSet { expected, new } => {
            mix(hash_value(expected.as_ref()), hash_value(Some(new)))
        }
        Function::Write(value)
        | Function::Append(value)
        | Function::Insert(value)
        | Function::Remove(value)
        | Function::Contains(value)
        | Function::Enqueue(value) => hash_value(Some(value)),
        Function::Add(amount) => amount.cast_unsigned(),
        Function::Read | Function::Delete | Function::Dequeue => 2,
    };
    let ending = match &call.ending {
        Ending::Returned(value) => hash_value(value.as_ref()),
        Ending::Unknown => 3,
    };
    mix(mix(name, argument), ending)
}

fn hash_value(value: Option<&Value>) -> u64 {
    value.map_or(1, |value| value.fixed_hash(0))
}
