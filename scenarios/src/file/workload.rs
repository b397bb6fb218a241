//! Reads `[[step]]` and `[[load]]`: what clients do.

use std::collections::{BTreeMap, BTreeSet};

use seedbed_sim::{ClockConfig, Span, Zipf};

use super::cluster::{self, ClientDefaults};
use super::diagnostic::Problem;
use super::model::{
    Action, Arrivals, Client, KeyDistribution, Keys, Load, Spacing, Step, When, node_id,
};
use super::names::{Named, Names};
use super::near::{nearest, quoted};
use super::reader::{Table, Value};
use super::{
    CLIENTS_MAX, KEY_BYTES_MAX, LOAD_BYTES_MAX, LOAD_OPERATIONS_MAX, LOADS_MAX, STEPS_MAX,
    TEXT_BYTES_MAX,
};

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

#[derive(Clone, Copy)]
enum LoadKind {
    Open,
    Closed,
}

const LOAD_KINDS: &[(&str, LoadKind)] = &[("open", LoadKind::Open), ("closed", LoadKind::Closed)];

const SPACINGS: &[(&str, Spacing)] = &[
    ("exponential", Spacing::Exponential),
    ("even", Spacing::Even),
];

#[derive(Clone, Copy)]
enum KeyDistributionName {
    Uniform,
    Zipf,
}

const KEY_DISTRIBUTIONS: &[(&str, KeyDistributionName)] = &[
    ("uniform", KeyDistributionName::Uniform),
    ("zipf", KeyDistributionName::Zipf),
];

const KEYS_MAX: u32 = 10_000_000;
const RATE_MAX: u32 = 1_000_000;
const VALUE_BYTES_MAX: u32 = 64 * 1024;
const PREFIX_BYTES_MAX: usize = 64;

/// The step before, in the file's order.
const PREVIOUS: &str = "previous";

/// Reads the scripted steps; one that is repeated becomes many.
pub(super) fn read_steps(root: &Table<'_>, duration: Span, names: &Names) -> Vec<Step> {
    let mut script = Script {
        duration,
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
struct Script<'a> {
    duration: Span,
    /// Which step a name means: of a repeated one, the last.
    labels: BTreeMap<String, usize>,
    /// Keys and the values that were written to them.
    written: BTreeSet<(&'a str, &'a str)>,
    steps: Vec<Step>,
}

impl<'a> Script<'a> {
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

/// Reads the loads, and puts their clients after those that are there.
pub(super) fn read_loads(
    root: &Table<'_>,
    duration: Span,
    replica_count: usize,
    defaults: &ClientDefaults,
    names: &mut Names,
    clients: &mut Vec<Client>,
) -> Vec<Load> {
    let mut loads = Vec::new();
    for table in root.tables("load", "a load", LOADS_MAX) {
        let kind = table.required("kind", "`open` or `closed`");
        let kind = kind.and_then(|value| value.one_of(LOAD_KINDS));
        let first = clients.len();
        let name = read_load_clients(&table, loads.len(), replica_count, defaults, names, clients);
        let (start, end) = read_stretch(&table, duration);
        let (reads_percent, deletes_percent) = read_mix(&table);
        let keys = table.or("keys", standard_keys(), read_keys);
        let value_bytes = table.or("value_bytes", 100, |value| value.small(0..=VALUE_BYTES_MAX));
        let Some(kind) = kind else {
            // Nobody knows which other fields there are.
            continue;
        };
        let (arrivals, operations) = read_arrivals(&table, kind, start, end, value_bytes);
        loads.push(Load {
            name,
            clients: first..clients.len(),
            arrivals,
            start,
            end,
            operations,
            keys,
            reads_percent,
            deletes_percent,
            value_bytes,
        });
        table.finish();
    }
    loads
}

/// Reads a load's name, and makes its clients.
fn read_load_clients(
    table: &Table<'_>,
    load: usize,
    replica_count: usize,
    defaults: &ClientDefaults,
    names: &mut Names,
    clients: &mut Vec<Client>,
) -> String {
    let name_value = table.required("name", "a name that its clients begin with");
    let name = name_value
        .as_ref()
        .and_then(Value::name)
        .unwrap_or_default();
    let site = cluster::read_site(table, names);
    let routing = defaults.routing(table);
    let clients_max = u64::try_from(CLIENTS_MAX).expect("a small number");
    let count = table.or("clients", 16, |value| value.integer(1..=clients_max));
    for number in 1..=count {
        let client_name = format!("{name}-{number}");
        let id = node_id(replica_count + clients.len());
        if clients.len() >= CLIENTS_MAX {
            let expected = format!("at most {CLIENTS_MAX} clients, those of all loads counted");
            table.report(
                |problem| problem.expected(expected),
                "there are too many clients",
            );
            names.lost_one();
            break;
        }
        if name.is_empty() {
            names.lost_one();
        } else if !names.declare_silently(&client_name, Named::LoadClient(id)) {
            if let Some(value) = &name_value {
                let message = format!(
                    "would call one of its clients {}, which is the name of something else",
                    quoted(&client_name)
                );
                value.wrong(&message, |problem| problem.expected("another name"));
            }
            break;
        }
        names.settle(id, &site);
        clients.push(Client {
            user: client_name.clone(),
            name: client_name,
            site: site.clone(),
            routing,
            clock: ClockConfig::default(),
            load: Some(load),
        });
    }
    name.to_owned()
}

fn read_stretch(table: &Table<'_>, duration: Span) -> (Span, Span) {
    let start = table.or("start", Span::ZERO, |value| read_moment(value, duration));
    let end = table.or("end", duration, |value| {
        let end = value.duration()?;
        if end <= start {
            value.wrong(
                &format!("is {end}, which is not after its start"),
                |problem| problem.expected(format!("more than {start}")),
            );
        } else if end > duration {
            let message = format!("is {end}, when the scenario is over already");
            value.wrong(&message, |problem| {
                problem.expected(format!("at most the scenario's duration, {duration}"))
            });
        }
        Some(end)
    });
    (start, end)
}

fn read_mix(table: &Table<'_>) -> (u32, u32) {
    let percent = |value: &Value<'_>| value.small(0..=100);
    let reads = table.or("reads_percent", 50, percent);
    let deletes = table.or("deletes_percent", 0, |value| {
        let deletes = percent(value)?;
        if reads + deletes > 100 {
            let message = format!("is {deletes}, and with {reads} % reads that is above 100 %");
            value.wrong(&message, |problem| {
                problem.expected(format!("at most {}", 100 - reads))
            });
        }
        Some(deletes)
    });
    (reads, deletes)
}

fn standard_keys() -> Keys {
    Keys {
        prefix: "k".to_owned(),
        count: 1_000,
        distribution: KeyDistribution::Uniform,
    }
}

fn read_keys(value: &Value<'_>) -> Option<Keys> {
    let table = value.table("a set of keys")?;
    let standard = standard_keys();
    let name = table.or("distribution", KeyDistributionName::Uniform, |value| {
        value.one_of(KEY_DISTRIBUTIONS)
    });
    let count = table.or("count", standard.count, |value| value.small(1..=KEYS_MAX));
    let exponent = table.optional("exponent");
    let distribution = match name {
        KeyDistributionName::Uniform => {
            if let Some(exponent) = exponent {
                exponent.out_of_place("uniform keys have none; it goes with `zipf`");
            }
            KeyDistribution::Uniform
        }
        KeyDistributionName::Zipf => KeyDistribution::Zipf {
            exponent: exponent
                .and_then(|value| read_exponent(&value, count))
                .unwrap_or(0.99),
        },
    };
    let prefix = table.or("prefix", standard.prefix, |value| {
        value.text(PREFIX_BYTES_MAX).map(str::to_owned)
    });
    table.finish();
    Some(Keys {
        prefix,
        count,
        distribution,
    })
}

fn read_exponent(value: &Value<'_>, count: u32) -> Option<f64> {
    let exponent = value.number()?;
    if let Err(error) = Zipf::new(u64::from(count), exponent) {
        value.wrong(&format!("makes no Zipf distribution: {error}"), |problem| {
            problem.expected(format!("a number from 0 to {}", Zipf::EXPONENT_MAX))
        });
    }
    Some(exponent)
}

/// Reads when operations begin, and how many there may be.
fn read_arrivals(
    table: &Table<'_>,
    kind: LoadKind,
    start: Span,
    end: Span,
    value_bytes: u32,
) -> (Arrivals, u64) {
    let operations_max = (LOAD_BYTES_MAX / u64::from(value_bytes.max(1))).min(LOAD_OPERATIONS_MAX);
    let stated = table.optional("operations");
    let operations = stated
        .as_ref()
        .and_then(|value| value.integer(1..=operations_max))
        .unwrap_or(operations_max);
    let arrivals = match kind {
        LoadKind::Closed => Arrivals::Closed {
            think: table.or("think", Span::ZERO, Value::duration),
        },
        LoadKind::Open => {
            let rate = table.required("rate_per_second", "how many operations begin each second");
            let rate_per_second = rate
                .as_ref()
                .and_then(|value| value.small(1..=RATE_MAX))
                .unwrap_or(1);
            let nanos = u128::from(end.saturating_sub(start).as_nanos());
            let planned = u128::from(rate_per_second) * nanos / 1_000_000_000;
            if let (Some(rate), None) = (rate, stated)
                && planned > u128::from(operations_max)
            {
                let message = format!("makes {planned} operations of {value_bytes} bytes");
                rate.wrong(&message, |problem: Problem| {
                    problem
                        .expected(format!("at most {operations_max}"))
                        .help("set `operations` to stop earlier, or `end`")
                });
            }
            let spacing = table.or("arrivals", Spacing::Exponential, |value| {
                value.one_of(SPACINGS)
            });
            Arrivals::Open {
                rate_per_second,
                spacing,
            }
        }
    };
    (arrivals, operations)
}
