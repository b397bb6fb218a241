//! One history under judgement: whatever part of it, as often as wanted.

use crate::checkers::models::{Call, CallId, Ending, Machine};
use crate::checkers::{Budget, NullRead, Setting, Unsupported, sequential};
use crate::history::{Completion, Function, History, Operation, OperationId, Place, SessionId};

use super::item::{Duty, Item, without_the_useless};
use super::search::{Outcome, Search};
use super::{fifo, zones};

/// A history and what its calls mean to the model. It judges sub-histories: operations that are left out never happened,
/// and those that are kept have a [`Duty`].
#[derive(Debug)]
pub(in crate::checkers) struct Judge<'a> {
    pub(in crate::checkers) history: &'a History,
    machine: Box<dyn Machine>,
    calls: Vec<Meaning>,
    /// What is left to spend. A caller may set it.
    pub(in crate::checkers) budget: Budget,
    /// What was spent.
    pub(in crate::checkers) states: u64,
}

/// What an operation means to the model.
#[derive(Clone, Copy, Debug, Default)]
struct Meaning {
    /// With what it returned; `None` where it did not end ok, or what it returned says nothing.
    certain: Option<CallId>,
    /// With any result; `None` where it would then have no effect.
    unknown: Option<CallId>,
}

/// Operations that are kept, in the order of their ids, and whether they have happened. Those that failed never have, and
/// those of unknown outcome need not have, whatever is said here.
pub(in crate::checkers) type Kept = [(OperationId, Duty)];

/// Which operations surely came before which others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::checkers) enum Precedence {
    /// Those that ended before the others began.
    RealTime,
    /// Of these only those of the same session.
    Session,
}

/// What can be said of a sub-history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::checkers) enum Decision {
    /// There is an order.
    Holds,
    /// There is none.
    Violated,
    /// The budget ran out; the reason, as half a sentence.
    Undecided(String),
}

impl<'a> Judge<'a> {
    /// A judge of this history.
    ///
    /// # Errors
    /// When the model does not know a function or the shape of a value.
    pub(in crate::checkers) fn new(
        history: &'a History,
        setting: &Setting,
    ) -> Result<Self, Unsupported> {
        let mut machine =
            (setting.model.entry().machine)(setting, history).map_err(|what| Unsupported {
                place: Place(0),
                what,
            })?;
        let calls = history
            .operations()
            .map(|operation| meaning(history, operation, setting.null_read, &mut *machine))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            history,
            machine,
            calls,
            budget: setting.budget,
            states: 0,
        })
    }

    /// All operations, as they happened.
    pub(in crate::checkers) fn everything(&self) -> Vec<(OperationId, Duty)> {
        let operations = self.history.operations();
        operations.map(|o| (o.id, Duty::Must)).collect()
    }

    /// Whether there is an order that explains what is kept.
    pub(in crate::checkers) fn judge(&mut self, kept: &Kept, by: Precedence) -> Decision {
        self.judge_until(kept, by, Place(u32::MAX))
    }

    /// Whether there is an order that explains what was returned before `until`. What ends later may have happened, at
    /// any time after it began; so the earlier `until`, the fewer demands there are, whatever the precedence.
    pub(in crate::checkers) fn judge_until(
        &mut self,
        kept: &Kept,
        by: Precedence,
        until: Place,
    ) -> Decision {
        match by {
            Precedence::RealTime => self.decide_each(self.items(kept, by, until)),
            Precedence::Session => sequential::decide(self, kept, until),
        }
    }

    /// Objects one by one: a history is linearizable if and only if each of its objects is (Herlihy and Wing 1990,
    /// theorem 1).
    fn decide_each(&mut self, mut items: Vec<Item>) -> Decision {
        items.sort_by_key(|item| item.object);
        let mut undecided = None;
        let mut rest = &mut items[..];
        while let Some(first) = rest.first() {
            let object = first.object;
            let count = rest.partition_point(|item| item.object == object);
            let (own, others) = rest.split_at_mut(count);
            rest = others;
            for item in own.iter_mut() {
                item.object = 0;
            }
            let decision = decide_at_once(own, &*self.machine);
            let decision = decision.unwrap_or_else(|| self.decide(own.to_vec()));
            match decision {
                Decision::Holds => {}
                Decision::Violated => return decision,
                Decision::Undecided(reason) => {
                    undecided.get_or_insert(reason);
                }
            }
        }
        undecided.map_or(Decision::Holds, Decision::Undecided)
    }

    /// One object.
    fn decide(&mut self, items: Vec<Item>) -> Decision {
        let items = without_the_useless(items, &*self.machine);
        decide_at_once(&items, &*self.machine).unwrap_or_else(|| self.search(&items, &[]))
    }

    /// Searches, within what is left of the budget.
    pub(in crate::checkers) fn search(
        &mut self,
        items: &[Item],
        earlier: &[(u32, u32)],
    ) -> Decision {
        let mut search = Search::new(items, earlier, &mut *self.machine, self.budget, None);
        let outcome = search.run();
        let states = search.states;
        drop(search);
        self.spend(states);
        match outcome {
            Outcome::Found => Decision::Holds,
            Outcome::Exhausted => Decision::Violated,
            Outcome::OutOfBudget(what) => Decision::Undecided(format!(
                "the search for an order ran out of its budget of {what}"
            )),
        }
    }

    pub(super) fn spend(&mut self, states: u64) {
        self.states += states;
        self.budget.states = self.budget.states.saturating_sub(states);
    }

    pub(in crate::checkers) fn machine(&mut self) -> &mut dyn Machine {
        &mut *self.machine
    }

    /// What is kept, as the search wants it.
    pub(in crate::checkers) fn items(
        &self,
        kept: &Kept,
        by: Precedence,
        until: Place,
    ) -> Vec<Item> {
        let mut sessions: Vec<SessionId> = Vec::new();
        if by == Precedence::Session {
            let session = |&(id, _): &(OperationId, Duty)| self.history.operation(id).session;
            sessions.extend(kept.iter().map(session));
            sessions.sort_unstable();
            sessions.dedup();
        }
        let mut items: Vec<Item> = kept
            .iter()
            .filter_map(|&(id, duty)| {
                let lane = match by {
                    Precedence::RealTime => 0,
                    Precedence::Session => {
                        let session = self.history.operation(id).session;
                        sessions.partition_point(|&other| other < session) as u32
                    }
                };
                let item = self.item(id, duty, until)?;
                // In real time what began after all that counts had ended can't have helped.
                (by == Precedence::Session || item.invoked < until.0)
                    .then_some(Item { lane, ..item })
            })
            .collect();
        number_objects(&mut items);
        items
    }

    fn item(&self, id: OperationId, duty: Duty, until: Place) -> Option<Item> {
        let meaning = self.calls[id.index()];
        let ended = self
            .history
            .completed(id)
            .filter(|&place| place <= until && meaning.certain.is_some());
        let (call, due, duty) = match (ended, duty) {
            (Some(due), Duty::Must) => (meaning.certain?, due.0, Duty::Must),
            (Some(due), Duty::InTimeOrNever) => (meaning.unknown?, due.0, duty),
            _ => (meaning.unknown?, u32::MAX, Duty::AnyTimeOrNever),
        };
        Some(Item {
            call,
            lane: 0,
            object: self.history.key_id(id).0,
            invoked: self.history.invoked(id).0,
            due,
            duty,
        })
    }

    /// The call of an operation whose result is asked for.
    pub(super) fn asked_call(&self, id: OperationId) -> Option<CallId> {
        let meaning = self.calls[id.index()];
        meaning.unknown.or(meaning.certain)
    }

    /// Whether what an operation returned says anything.
    pub(super) fn says_something(&self, id: OperationId) -> bool {
        self.calls[id.index()].certain.is_some()
    }
}

/// One object of a kind that needs no search.
fn decide_at_once(items: &[Item], machine: &dyn Machine) -> Option<Decision> {
    let holds = fifo::decide(items, machine).or_else(|| zones::decide(items, machine))?;
    Some(if holds {
        Decision::Holds
    } else {
        Decision::Violated
    })
}

/// Objects are numbered from 0, without gaps.
fn number_objects(items: &mut [Item]) {
    let mut objects: Vec<u32> = items.iter().map(|item| item.object).collect();
    objects.sort_unstable();
    objects.dedup();
    for item in items {
        item.object = objects.partition_point(|&other| other < item.object) as u32;
    }
}

fn meaning(
    history: &History,
    operation: &Operation,
    null_read: NullRead,
    machine: &mut dyn Machine,
) -> Result<Meaning, Unsupported> {
    let call = |ending| Call {
        function: operation.function.clone(),
        ending,
    };
    let with_any_result = call(Ending::Unknown);
    machine
        .understands(&with_any_result)
        .map_err(|what| Unsupported {
            place: history.invoked(operation.id),
            what,
        })?;
    if operation.is_fail() {
        return Ok(Meaning::default());
    }
    let is_update = operation.function.is_update();
    let unknown = is_update.then(|| machine.call(with_any_result));
    let Some(Completion::Ok(returned)) = operation.completion() else {
        return Ok(Meaning {
            certain: None,
            unknown,
        });
    };
    let asks = !is_update || operation.function == Function::Dequeue;
    if asks && returned.is_none() && null_read == NullRead::Any {
        // A read says nothing; a dequeue has taken something, or nothing.
        return Ok(Meaning {
            certain: unknown,
            unknown,
        });
    }
    let with_result = call(Ending::Returned(returned.clone().filter(|_| asks)));
    machine
        .understands(&with_result)
        .map_err(|what| Unsupported {
            place: history
                .completed(operation.id)
                .expect("an operation that ended"),
            what,
        })?;
    Ok(Meaning {
        certain: Some(machine.call(with_result)),
        unknown,
    })
}
