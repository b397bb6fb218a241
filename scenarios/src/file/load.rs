//! Reads `[[load]]`: the operations that are generated.

use seedbed_sim::{ClockConfig, Span, Zipf};

use super::cluster::{self, ClientDefaults};
use super::diagnostic::Problem;
use super::model::{Arrivals, Client, KeyDistribution, Keys, Load, Spacing, node_id};
use super::names::{Named, Names};
use super::near::quoted;
use super::reader::{Table, Value};
use super::script::read_moment;
use super::{CLIENTS_MAX, LOAD_BYTES_MAX, LOAD_OPERATIONS_MAX, LOADS_MAX};

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
            names.lost_one();
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
    let end = table.or("end", duration, |value| read_end(value, start, duration));
    (start, end)
}

/// Reads when something ends that began at `start`.
pub(super) fn read_end(value: &Value<'_>, start: Span, duration: Span) -> Option<Span> {
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
            // Where nobody knows when it ends, nobody knows how many there are.
            if let (Some(rate), None) = (rate, stated)
                && end != Span::MAX
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
