//! Which omitted updates can matter at all to some operations that are kept.
//!
//! An update that may have happened, and whose trace none of the kept operations shows, helps to explain none of them:
//! where an order has it, there is one without it. So only updates of what the kept ones saw stand in a sub-history, and
//! those that lead to them (a compare-and-set of what it expects). Of several that do the same, as many as there are
//! operations that could see it are enough, those first that could begin first. A search then meets some updates that
//! may have happened, not all that ever were.
//!
//! This is an economy, and a safe one: an update that is in doubt stands in.

use std::collections::{BTreeMap, BTreeSet};

use crate::checkers::{Model, Order, Setting};
use crate::history::{Function, History, KeyId, Operation, OperationId, Value};

/// The updates of a history, by what they leave behind.
#[derive(Debug)]
pub(super) struct Updates<'a> {
    history: &'a History,
    setting: &'a Setting,
    /// For each key and value the updates that speak of it, in order of invocation.
    by_value: BTreeMap<(KeyId, Option<&'a Value>), Vec<OperationId>>,
}

/// What the kept operations of a key can tell apart.
#[derive(Debug, Default)]
struct Sight<'a> {
    /// Values that were seen; `None`: nothing.
    values: BTreeSet<Option<&'a Value>>,
    /// Texts and lists of which an append may have made a part.
    wholes: Vec<&'a Value>,
    /// How many operations there are that could see something.
    observers: usize,
}

impl<'a> Updates<'a> {
    pub(super) fn new(history: &'a History, setting: &'a Setting) -> Self {
        let mut by_value: BTreeMap<_, Vec<OperationId>> = BTreeMap::new();
        for operation in history.operations() {
            if operation.is_update() && !operation.is_fail() {
                let key = (history.key_id(operation.id), subject(&operation.function));
                by_value.entry(key).or_default().push(operation.id);
            }
        }
        Self {
            history,
            setting,
            by_value,
        }
    }

    /// The updates of a key that leave `value` behind, or speak of it, in order of invocation.
    pub(super) fn of<'s>(&'s self, key: KeyId, value: Option<&'s Value>) -> &'s [OperationId] {
        self.by_value.get(&(key, value)).map_or(&[], Vec::as_slice)
    }

    /// All updates of a key, in no certain order.
    pub(super) fn of_key(&self, key: KeyId) -> impl Iterator<Item = OperationId> + '_ {
        let from = (key, None);
        let of_key = self.by_value.range(from..);
        of_key
            .take_while(move |((of, _), _)| *of == key)
            .flat_map(|(_, ids)| ids.iter().copied())
    }

    /// The omitted updates that can matter to `kept`, which is sorted; sorted. `changed` is how one of them is instead.
    pub(super) fn relevant(
        &self,
        kept: &[OperationId],
        changed: Option<&Operation>,
    ) -> Vec<OperationId> {
        let mut sights: BTreeMap<KeyId, Sight<'_>> = BTreeMap::new();
        for &id in kept {
            let sight = sights.entry(self.history.key_id(id)).or_default();
            let changed = changed.filter(|changed| changed.id == id);
            sight.look(changed.unwrap_or(self.history.operation(id)), self.setting);
        }
        let last = kept
            .iter()
            .filter_map(|&id| self.history.completed(id))
            .max();
        let in_time = |id: OperationId| match self.setting.order {
            Order::RealTime => Some(self.history.invoked(id)) < last,
            Order::Session => true,
        };
        let is_omitted = |id: &OperationId| kept.binary_search(id).is_err() && in_time(*id);
        let mut found = Vec::new();
        for (key, sight) in sights {
            let ids = self.seen(key, sight).into_iter().filter(is_omitted);
            found.extend(ids);
        }
        found.sort_unstable();
        found
    }

    /// The updates of a key that leave what is seen, as many of each kind as can be seen.
    fn seen<'s>(&'s self, key: KeyId, mut sight: Sight<'s>) -> Vec<OperationId> {
        let function = |id: OperationId| &self.history.operation(id).function;
        if !sight.wholes.is_empty() {
            let in_sight = |id: &OperationId| sight.may_show(function(*id));
            return self.of_key(key).filter(in_sight).collect();
        }
        let mut found = Vec::new();
        let mut todo: Vec<Option<&Value>> = sight.values.iter().copied().collect();
        while let Some(value) = todo.pop() {
            let mut kinds: BTreeMap<_, usize> = BTreeMap::new();
            for &id in self.of(key, value) {
                // What a compare-and-set expects tells it from others that leave the same.
                let expected = expectation(function(id));
                let count = kinds.entry((function(id).name(), expected)).or_default();
                *count += 1;
                // Between two kept operations each is of use once. The kept ones, of which there are no more than that,
                // are counted here too. What counts up or down is of use more often.
                let is_worth_one = !matches!(function(id), Function::Add(_) | Function::Dequeue);
                if is_worth_one && *count > 2 * sight.observers {
                    continue;
                }
                found.push(id);
                if let Some(expected) = expected
                    && sight.values.insert(expected)
                {
                    todo.push(expected);
                }
            }
        }
        found
    }
}

impl<'a> Sight<'a> {
    fn look(&mut self, operation: &'a Operation, setting: &'a Setting) {
        self.observers += 1;
        if let Some(expected) = expectation(&operation.function) {
            self.values.insert(expected);
        }
        let returned = operation.returned();
        match setting.model {
            Model::Register | Model::CasRegister => {}
            Model::AppendKv => self.wholes.extend(returned),
            // Each element is there or not, whatever the others are.
            Model::Set => {
                let whole = [returned, setting.initial.as_ref()];
                let lists = whole.into_iter().flatten().filter_map(Value::as_list);
                self.values.extend(lists.flatten().map(Some));
                self.values.insert(element(&operation.function));
            }
            // Dequeues, additions: they speak of no value, and change what every other one sees.
            Model::Queue | Model::Counter => {
                self.values.insert(None);
                self.values.insert(element(&operation.function));
            }
        }
        if operation.is_ok() && !operation.is_update() || operation.function == Function::Dequeue {
            self.values.insert(returned);
        }
        if self.values.contains(&None) {
            self.values.insert(Some(&Value::Null));
        }
    }

    /// Whether one of the texts or lists that were seen may hold what an update put there.
    fn may_show(&self, function: &Function) -> bool {
        let Some(part) = subject(function) else {
            return true;
        };
        self.wholes.iter().any(|whole| match (whole, part) {
            (Value::Text(text), Value::Text(part)) => text.contains(&**part),
            (Value::List(list), part) => {
                list.contains(part) || part.as_list().is_some_and(|part| list.starts_with(part))
            }
            (whole, part) => *whole == part,
        })
    }
}

/// What an update leaves behind, puts in or takes out; `None` where it names nothing.
fn subject(function: &Function) -> Option<&Value> {
    match function {
        Function::Write(value)
        | Function::CompareAndSet { new: value, .. }
        | Function::Append(value)
        | Function::Insert(value)
        | Function::Remove(value)
        | Function::Enqueue(value) => Some(value),
        Function::Read
        | Function::Delete
        | Function::Add(_)
        | Function::Contains(_)
        | Function::Dequeue => None,
    }
}

/// The element that an operation speaks of.
fn element(function: &Function) -> Option<&Value> {
    match function {
        Function::Contains(value) => Some(value),
        other => subject(other),
    }
}

/// What a compare-and-set expects.
fn expectation(function: &Function) -> Option<Option<&Value>> {
    match function {
        Function::CompareAndSet { expected, .. } => Some(expected.as_ref()),
        _ => None,
    }
}
