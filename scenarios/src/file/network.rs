//! Reads `[network]`, `[[link]]`, and the distributions of delays.

use seedbed_sim::{
    Distribution, DistributionError, Impairments, LinkKind, LinkRule, LinkSpec, NetworkSpec,
    NodeId, Rate, Span,
};

use super::LINKS_MAX;
use super::names::Names;
use super::reader::{Table, Value};
use super::sites;

const KINDS: &[(&str, LinkKind)] = &[("fifo", LinkKind::Fifo), ("datagram", LinkKind::Datagram)];

const SHAPES: &[(&str, ShapeName)] = &[
    ("fixed", ShapeName::Fixed),
    ("uniform", ShapeName::Uniform),
    ("normal", ShapeName::Normal),
    ("log-normal", ShapeName::LogNormal),
    ("exponential", ShapeName::Exponential),
    ("pareto", ShapeName::Pareto),
    ("mixture", ShapeName::Mixture),
    ("table", ShapeName::Table),
];

const MIXTURE_PARTS_MAX: usize = 100;
const TABLE_POINTS_MAX: usize = 1_000;

/// How many bytes may wait before a link of limited rate where a file does not say.
pub(super) const QUEUE_BYTES: u64 = 64 * 1024;
/// The greatest rate and the longest queue.
const BYTES_MAX: u64 = 1_000_000_000_000;
/// How long a message is held back where a file does not say.
pub(super) const REORDER_BY: Span = Span::from_millis(10);

#[derive(Clone, Copy)]
enum ShapeName {
    Fixed,
    Uniform,
    Normal,
    LogNormal,
    Exponential,
    Pareto,
    Mixture,
    Table,
}

/// Reads all links.
pub(super) fn read(root: &Table<'_>, names: &Names) -> NetworkSpec {
    let delay = Distribution::fixed(Span::from_millis(1)).expect("within what is allowed");
    let standard = LinkSpec::fifo(delay);
    let mut rules = Vec::new();
    let default = root.or("network", standard.clone(), |value| {
        let table = value.table("the network")?;
        let preset = sites::read_preset(&table);
        let standard = LinkSpec {
            delay: preset.map_or_else(|| standard.delay.clone(), sites::Preset::within),
            ..standard.clone()
        };
        let link = read_link(&table, &standard);
        if let Some(preset) = preset {
            rules.extend(preset.matrix().rules(&link, names));
        }
        if let Some(matrix) = sites::read_matrix(&table, names) {
            rules.extend(matrix.rules(&link, names));
        }
        table.finish();
        Some(link)
    });
    for table in root.tables("link", "a link", LINKS_MAX) {
        let spec = read_link(&table, &default);
        match read_ends(&table, names) {
            Some(Ends::Between(one, other)) => {
                rules.push(LinkRule {
                    from: one.clone(),
                    to: other.clone(),
                    spec: spec.clone(),
                });
                rules.push(LinkRule {
                    from: other,
                    to: one,
                    spec,
                });
            }
            Some(Ends::FromTo(from, to)) => rules.push(LinkRule { from, to, spec }),
            None => {}
        }
        table.finish();
    }
    NetworkSpec { default, rules }
}

/// Which links a table speaks of.
pub(super) enum Ends {
    /// `between`: both directions.
    Between(Vec<NodeId>, Vec<NodeId>),
    /// `from` and `to`: one direction.
    FromTo(Vec<NodeId>, Vec<NodeId>),
}

/// Reads `between`, or `from` and `to`.
pub(super) fn read_ends(table: &Table<'_>, names: &Names) -> Option<Ends> {
    let between = table.optional("between");
    let (from, to) = (table.optional("from"), table.optional("to"));
    match (between, from, to) {
        (Some(between), None, None) => read_between(&between, names),
        (None, Some(from), Some(to)) => {
            let (from_nodes, to_nodes) = (names.place(&from), names.place(&to));
            let (from_nodes, to_nodes) = (from_nodes?, to_nodes?);
            if is_one_node(&from_nodes, &to_nodes) {
                to.wrong("is the same node as `from`", |problem| {
                    problem.expected("another node")
                });
            }
            Some(Ends::FromTo(from_nodes, to_nodes))
        }
        (between, from, to) => {
            table.report(
                |problem| {
                    problem.expected(
                        "`between = [\"a\", \"b\"]` for both directions, or `from` and `to` for one",
                    )
                },
                match (between, from.or(to)) {
                    (None, None) => "this does not say which link is meant",
                    (Some(_), _) => "this says twice which link is meant",
                    (None, Some(_)) => "this names one end of a link",
                },
            );
            None
        }
    }
}

fn read_between(between: &Value<'_>, names: &Names) -> Option<Ends> {
    let items = between.items("two names of nodes or sites", usize::MAX)?;
    let [one, other] = items.as_slice() else {
        between.wrong(&format!("names {} ends", items.len()), |problem| {
            problem.expected("two names of nodes or sites")
        });
        return None;
    };
    let (one, other) = (names.place(one), names.place(other));
    let (one, other) = (one?, other?);
    if is_one_node(&one, &other) {
        between.wrong("names one node twice", |problem| {
            problem.expected("two nodes; a node reaches itself without a link")
        });
    }
    Some(Ends::Between(one, other))
}

fn is_one_node(one: &[NodeId], other: &[NodeId]) -> bool {
    one.len() == 1 && one == other
}

fn read_link(table: &Table<'_>, standard: &LinkSpec) -> LinkSpec {
    let delay = table.optional("delay");
    let delay = delay.and_then(|value| read_distribution(&value));
    LinkSpec {
        delay: delay.unwrap_or_else(|| standard.delay.clone()),
        loss_per_million: table.or("loss_per_million", standard.loss_per_million, |value| {
            value.small(0..=1_000_000)
        }),
        kind: table.or("kind", standard.kind, |value| value.one_of(KINDS)),
        retransmit_after: table.or("retransmit_after", standard.retransmit_after, |value| {
            value.positive_duration()
        }),
        impairments: read_impairments(table, standard.impairments),
    }
}

fn read_impairments(table: &Table<'_>, standard: Impairments) -> Impairments {
    let chance = |field, standard| {
        table.or(field, standard, |value: &Value<'_>| {
            value.small(0..=1_000_000)
        })
    };
    let reorder_per_million = chance("reorder_per_million", standard.reorder_per_million);
    let usual_by = if standard.reorder_per_million > 0 {
        standard.reorder_by
    } else {
        REORDER_BY
    };
    let reorder_by = table.optional("reorder_by");
    if let (Some(value), 0) = (&reorder_by, reorder_per_million) {
        value.out_of_place("no message is held back: `reorder_per_million` is 0");
    }
    let reorder_by = reorder_by.and_then(|value| value.positive_duration());
    let rate = table.or("rate_bytes_per_second", standard.rate, |value| {
        if value.is_text() {
            return value.one_of(&[("unlimited", None)]);
        }
        let bytes_per_second = read_rate(value)?;
        let queue_bytes = standard.rate.map_or(QUEUE_BYTES, |rate| rate.queue_bytes);
        Some(Some(Rate {
            bytes_per_second,
            queue_bytes,
        }))
    });
    let queue = table.optional("queue_bytes");
    if let (Some(value), None) = (&queue, rate) {
        value.out_of_place("nothing waits: there is no `rate_bytes_per_second`");
    }
    let queue_bytes = queue.and_then(|value| value.integer(0..=BYTES_MAX));
    Impairments {
        duplicate_per_million: chance("duplicate_per_million", standard.duplicate_per_million),
        corrupt_per_million: chance("corrupt_per_million", standard.corrupt_per_million),
        reorder_per_million,
        reorder_by: match reorder_per_million {
            0 => Span::ZERO,
            _ => reorder_by.unwrap_or(usual_by),
        },
        correlation_per_million: chance(
            "correlation_per_million",
            standard.correlation_per_million,
        ),
        rate: rate.map(|rate| Rate {
            queue_bytes: queue_bytes.unwrap_or(rate.queue_bytes),
            ..rate
        }),
    }
}

/// Reads how many bytes pass in a second.
pub(super) fn read_rate(value: &Value<'_>) -> Option<u64> {
    value.integer(1..=BYTES_MAX)
}

/// Reads how many bytes may wait.
pub(super) fn read_queue_bytes(table: &Table<'_>) -> u64 {
    table.or("queue_bytes", QUEUE_BYTES, |value| {
        value.integer(0..=BYTES_MAX)
    })
}

/// Reads a distribution: a duration, which never varies, or a table.
pub(super) fn read_distribution(value: &Value<'_>) -> Option<Distribution> {
    if !value.is_table() {
        if !value.is_text() {
            value.wrong_type("a duration such as \"5ms\", or a table with a `distribution`");
            return None;
        }
        let fixed = Distribution::fixed(value.duration()?);
        return checked(value, fixed);
    }
    let table = value.table("a distribution")?;
    let distribution = read_shape(value, &table);
    let plus = table.or("plus", Span::ZERO, Value::duration);
    let distribution = distribution?;
    table.finish();
    checked(value, distribution.plus(plus))
}

/// Reads what the table of a distribution says, all but `plus`.
fn read_shape(value: &Value<'_>, table: &Table<'_>) -> Option<Distribution> {
    const SPAN: &str = "a duration such as \"5ms\"";
    const NUMBER: &str = "a number";
    let span = |field| table.required(field, SPAN).and_then(|it| it.duration());
    let number = |field| table.required(field, NUMBER).and_then(|it| it.number());
    let shape = table.required("distribution", "the name of a distribution")?;
    // A parameter that is missing or wrong is reported by its own reader; any value that makes a distribution will do
    // in its place.
    let made = match shape.one_of(SHAPES)? {
        ShapeName::Fixed => span("value").map(Distribution::fixed),
        ShapeName::Uniform => {
            both(span("low"), span("high")).map(|(low, high)| Distribution::uniform(low, high))
        }
        ShapeName::Normal => both(span("mean"), span("deviation"))
            .map(|(mean, deviation)| Distribution::normal(mean, deviation)),
        ShapeName::LogNormal => both(span("median"), number("sigma"))
            .map(|(median, sigma)| Distribution::log_normal(median, sigma)),
        ShapeName::Exponential => span("mean").map(Distribution::exponential),
        ShapeName::Pareto => both(span("minimum"), number("shape"))
            .map(|(minimum, shape)| Distribution::pareto(minimum, shape)),
        ShapeName::Mixture => read_parts(table).map(Distribution::mixture),
        ShapeName::Table => read_points(table).map(Distribution::table),
    };
    match made {
        Some(made) => checked(value, made),
        None => Distribution::fixed(Span::ZERO).ok(),
    }
}

/// Reads the parts of a mixture: distributions, each with a weight.
fn read_parts(table: &Table<'_>) -> Option<Vec<(u32, Distribution)>> {
    let of = table.required("of", "an array of distributions, each with a `weight`")?;
    let items = of.items("distributions, each with a `weight`", MIXTURE_PARTS_MAX)?;
    let parts: Vec<_> = items.iter().map(read_part).collect();
    parts.into_iter().collect()
}

/// Reads the points of a table: `[99.9, "80ms"]`.
fn read_points(table: &Table<'_>) -> Option<Vec<(u32, Span)>> {
    const SHAPE: &str = "pairs such as [99.9, \"80ms\"]";
    let points = table.required("points", SHAPE)?;
    let items = points.items(SHAPE, TABLE_POINTS_MAX)?;
    let points: Vec<_> = items.iter().map(read_point).collect();
    points.into_iter().collect()
}

fn read_point(value: &Value<'_>) -> Option<(u32, Span)> {
    let pair = value.items("a percentage and a duration", usize::MAX)?;
    let [percent, span] = pair.as_slice() else {
        value.wrong(
            &format!("has a point of {} values", pair.len()),
            |problem| problem.expected("a percentage and a duration, such as [99.9, \"80ms\"]"),
        );
        return None;
    };
    let (share, span) = (percent.number(), span.duration());
    let share = share?;
    if !(0.0..=100.0).contains(&share) {
        percent.wrong(&format!("is {share}"), |problem| {
            problem.expected("a percentage from 0 to 100")
        });
        return None;
    }
    // Rounded to a millionth; the cast is of a number between 0 and a million.
    Some(((share * 10_000.0 + 0.5) as u32, span?))
}

fn read_part(value: &Value<'_>) -> Option<(u32, Distribution)> {
    let table = value.table("a part of a mixture")?;
    let weight = table.required("weight", "a whole number");
    let weight = weight.and_then(|weight| weight.small(0..=1_000_000_000));
    let distribution = read_shape(value, &table);
    let plus = table.or("plus", Span::ZERO, Value::duration);
    let distribution = distribution?;
    table.finish();
    Some((weight?, checked(value, distribution.plus(plus))?))
}

fn both<A, B>(a: Option<A>, b: Option<B>) -> Option<(A, B)> {
    a.zip(b)
}

fn checked(
    value: &Value<'_>,
    made: Result<Distribution, DistributionError>,
) -> Option<Distribution> {
    match made {
        Ok(distribution) => Some(distribution),
        Err(error) => {
            value.wrong(&format!("is no distribution: {error}"), |problem| problem);
            None
        }
    }
}
