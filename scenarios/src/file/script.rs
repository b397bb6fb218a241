//! Reads `[[step]]`: the operations that a scenario writes down one by one.

use std::collections::{BTreeMap, BTreeSet};

use seedbed_sim::Span;

use super::model::{Action, Load, Step, When};
use super::names::Names;
use super::near::{nearest, quoted};
use super::reader::{Table, Value};
use super::{KEY_BYTES_MAX, STEPS_MAX, TEXT_BYTES_MAX};

#[derive(Clone, Copy)]
enum ActionName {
    Get,
    Put,
    Delete,
}

const ACTIONS: &[(&str, ActionName)] = &[
    ("get", ActionName::Get),
    ("put", ActionName::Put),
    ("delete", ActionName::Delete),
];

/// The step before, in the file's order.
const PREVIOUS: &str = "previous";

/// Reads the scripted steps; one that is repeated becomes many.
pub(super) fn read_steps(
    root: &Table<'_>,
    duration: Span,
    names: &Names,
    loads: &[Load],
) -> Vec<Step> {
    let mut script = Script {
        duration,
        loads,
        labels: BTreeMap::new(),
        written: BTreeSet::new(),
        steps: Vec::new(),
    };
    for table in root.tables("step", "a step", STEPS_MAX) {
        if script.steps.len() >= STEPS_MAX {
            let expected = format!("at most {STEPS_MAX}, repetitions counted");
            table.report(|it| it.expected(expected), "there are too many steps");
            break;
        }
        script.read_step(&table, names);
        table.finish();
    }
    script.steps
}

/// What is known of the script while it is read.
struct Script<'a, 'b> {
    duration: Span,
    loads: &'b [Load],
    /// Which step a name means: of a repeated one, the last.
    labels: BTreeMap<String, usize>,
    /// Keys and the values that were written to them.
    written: BTreeSet<(&'a str, &'a str)>,
    steps: Vec<Step>,
}

impl<'a> Script<'a, '_> {
    fn read_step(&mut self, table: &Table<'a>, names: &Names) {
        let when = self.read_when(table);
        let client = table.required("client", "the name of a [[client]]");
        let client = client.and_then(|value| names.client(&value));
        let key = table.required("key", "a text in quotes");
        let key = key.and_then(|value| value.text(KEY_BYTES_MAX));
        let action = self.read_action(table, key);
        let replica = table.optional("replica");
        let replica = replica.and_then(|value| names.replica(&value));
        let (times, every) = self.read_repetition(table, when, action.as_ref());
        let name = self.read_name(table, times);
        // Where something is wrong, the step still counts, so that those after it are not blamed.
        let step = Step {
            name,
            when,
            client: client.unwrap_or_default(),
            action: action.unwrap_or(Action::Get),
            key: key.unwrap_or_default().to_owned(),
            replica,
        };
        for repetition in 0..times {
            let when = match (when, repetition) {
                (When::At(at), _) => When::At(at + every.saturating_mul(repetition as u64)),
                (after, 0) => after,
                (When::After { .. }, _) => When::After {
                    step: self.steps.len() - 1,
                    delay: every,
                },
            };
            let step = step.clone();
            self.steps.push(Step { when, ..step });
        }
    }

    fn read_name(&mut self, table: &Table<'_>, times: usize) -> String {
        let last = self.steps.len() + times - 1;
        table.or("name", String::new(), |value| {
            let name = value.name()?;
            if name == PREVIOUS || self.labels.insert(name.to_owned(), last).is_some() {
                let message = format!("is {}, which means another step already", quoted(name));
                value.wrong(&message, |problem| {
                    problem.expected("a name that no other step has")
                });
            }
            Some(name.to_owned())
        })
    }

    /// Reads how often a step is done, and at what distance.
    fn read_repetition(
        &self,
        table: &Table<'_>,
        when: When,
        action: Option<&Action>,
    ) -> (usize, Span) {
        let left = STEPS_MAX.saturating_sub(self.steps.len()).max(1);
        let Some(times_value) = table.optional("times") else {
            if let Some(every) = table.optional("every") {
                every.out_of_place("it goes with `times`, for a step that is repeated");
            }
            return (1, Span::ZERO);
        };
        let every = table.required("every", "a duration such as \"10ms\", to go with `times`");
        let every = every.and_then(|value| value.positive_duration());
        let every = every.unwrap_or_default();
        if matches!(action, Some(Action::Put(_))) {
            times_value.out_of_place("a repeated put would write one value twice");
        }
        let times = times_value.integer(1..=left as u64).unwrap_or(1);
        if let When::At(at) = when {
            let last = at + every.saturating_mul(times - 1);
            if last >= self.duration && at < self.duration {
                let message = format!("makes the last one begin at {last}, after the end");
                times_value.wrong(&message, |problem| {
                    problem.expected(format!("all of them before {}", self.duration))
                });
            }
        }
        (times as usize, every)
    }

    fn read_when(&self, table: &Table<'_>) -> When {
        let (at, after) = (table.optional("at"), table.optional("after"));
        let delay = table.optional("delay");
        match (at, after) {
            (Some(at), None) => {
                if let Some(delay) = delay {
                    delay.out_of_place("it goes with `after`; a step with `at` begins then");
                }
                When::At(read_moment(&at, self.duration).unwrap_or(Span::ZERO))
            }
            (None, Some(after)) => When::After {
                step: self.read_after(&after).unwrap_or(0),
                delay: delay.and_then(|it| it.duration()).unwrap_or(Span::ZERO),
            },
            (at, _) => {
                let message = match at {
                    Some(_) => "the step says both `at` and `after`",
                    None => "the step does not say when it begins",
                };
                let expected = "`at = \"10ms\"`, or `after = \"previous\"`";
                table.report(|problem| problem.expected(expected), message);
                When::At(Span::ZERO)
            }
        }
    }

    fn read_after(&self, value: &Value<'_>) -> Option<usize> {
        let name = value.name()?;
        if name == PREVIOUS {
            if self.steps.is_empty() {
                value.wrong("is `previous`, and this is the first step", |problem| {
                    problem.expected("`at` for the first step")
                });
            }
            return self.steps.len().checked_sub(1);
        }
        let found = self.labels.get(name).copied();
        if found.is_none() {
            let message = format!("is {}, and no earlier step has that name", quoted(name));
            value.wrong(&message, |problem| {
                let known = self.labels.keys().map(String::as_str).chain([PREVIOUS]);
                problem
                    .expected("`previous`, or the `name` of a step above")
                    .did_you_mean(nearest(name, known))
            });
        }
        found
    }

    fn read_action(&mut self, table: &Table<'a>, key: Option<&'a str>) -> Option<Action> {
        let action = table.required("do", "`get`, `put` or `delete`");
        let action = action.and_then(|value| value.one_of(ACTIONS));
        match action {
            Some(ActionName::Put) => {
                let value = table.required("value", "the text to write")?;
                let text = value.text(TEXT_BYTES_MAX)?;
                if let Some(load) = generator_of(text, self.loads) {
                    let message = format!(
                        "is {}, which the load {} may write",
                        quoted(text),
                        quoted(load)
                    );
                    value.wrong(&message, |problem| {
                        problem.expected("a value that no load makes")
                    });
                }
                if !self.written.insert((key?, text)) {
                    let message = format!(
                        "is {}, which another step writes to the same key",
                        quoted(text)
                    );
                    value.wrong(&message, |problem| {
                        problem.expected("another value, so that a read names the write it saw")
                    });
                }
                Some(Action::Put(text.to_owned()))
            }
            other => {
                if let Some(value) = table.optional("value")
                    && other.is_some()
                {
                    value.out_of_place("only a put has a value");
                }
                match other? {
                    ActionName::Get => Some(Action::Get),
                    ActionName::Delete => Some(Action::Delete),
                    ActionName::Put => unreachable!("matched above"),
                }
            }
        }
    }
}

/// Reads an instant of the run, which must come before its end.
pub(super) fn read_moment(value: &Value<'_>, duration: Span) -> Option<Span> {
    let moment = value.duration()?;
    if moment >= duration {
        let message = format!("is {moment}, when the scenario is over already");
        value.wrong(&message, |problem| {
            problem.expected(format!("less than the scenario's duration, {duration}"))
        });
    }
    Some(moment)
}

/// The load that may write this value: each makes `NAME-0`, `NAME-1` and so on, filled up with dots.
fn generator_of<'b>(value: &str, loads: &'b [Load]) -> Option<&'b str> {
    let is_made_by = |load: &&Load| {
        let number = value.strip_prefix(&load.name);
        let number = number.and_then(|rest| rest.strip_prefix('-'));
        let digits = number.map(|rest| rest.trim_end_matches('.'));
        digits.is_some_and(|it| !it.is_empty() && it.bytes().all(|byte| byte.is_ascii_digit()))
    };
    loads.iter().find(is_made_by).map(|load| load.name.as_str())
}
