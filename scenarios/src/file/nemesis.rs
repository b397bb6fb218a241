//! Reads `[[nemesis]]`: faults that are drawn from the seed.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use seedbed_sim::{NodeId, Span};

use super::model::node_id;
use super::names::Names;
use super::near::quoted;
use super::reader::{Table, Value};
use super::script::read_moment;
use super::{FAULTS_MAX, NEMESES_MAX};
use crate::nemesis::{Kind, Nemesis, all_kinds};

const PER_MINUTE_MAX: u32 = 60_000;

/// What stands for all kinds of fault.
const ALL: &str = "all";

/// Reads the nemeses of a file whose first `replica_count` nodes are replicas.
pub(super) fn read_nemeses(
    root: &Table<'_>,
    duration: Span,
    replica_count: usize,
    names: &Names,
) -> Vec<Nemesis> {
    let mut all = Vec::new();
    let mut taken = BTreeSet::new();
    for (index, table) in root
        .tables("nemesis", "a nemesis", NEMESES_MAX)
        .into_iter()
        .enumerate()
    {
        let name = read_name(&table, index, &mut taken);
        let kinds = table.required(
            "faults",
            "kinds of fault, such as [\"crash\", \"cut\"], or \"all\"",
        );
        let kinds = kinds.and_then(|value| read_kinds(&value));
        let replicas: Vec<NodeId> = (0..replica_count).map(node_id).collect();
        let targets = table.or("targets", replicas, |value| read_targets(value, names));
        let start = table.or("start", Span::ZERO, |value| read_moment(value, duration));
        let end = table.or("end", duration, |value| {
            super::load::read_end(value, start, duration)
        });
        let per_minute = table.required("rate_per_minute", "how many begin in a minute");
        let per_minute = per_minute
            .and_then(|value| read_range(&value, |value| value.small(1..=PER_MINUTE_MAX)));
        let lasts = table.required("lasts", "how long each lasts, such as \"200ms\"");
        let lasts = lasts.and_then(|value| read_range(&value, read_span));
        let at_most = table.or("at_most", 1, |value| value.small(1..=1_000));
        let swarm = table.or("swarm", false, Value::boolean);
        if let (Some(kinds), Some(per_minute), Some(lasts)) = (kinds, per_minute, lasts) {
            check_count(&table, *per_minute.end(), end.saturating_sub(start));
            all.push(Nemesis {
                name,
                kinds,
                targets,
                start,
                end,
                per_minute,
                lasts,
                at_most,
                swarm,
            });
        }
        table.finish();
    }
    all
}

/// Refuses a nemesis that would do too much. Where nobody knows how long it works, it is another mistake that counts.
fn check_count(table: &Table<'_>, per_minute: u32, works_for: Span) {
    let minutes_in_nanos = u128::from(Span::from_secs(60).as_nanos());
    let count = u128::from(per_minute) * u128::from(works_for.as_nanos()) / minutes_in_nanos;
    if works_for < Span::MAX && count > FAULTS_MAX as u128 {
        let expected = format!("at most {FAULTS_MAX}: a lower rate, or an earlier end");
        table.report(
            |problem| problem.expected(expected),
            &format!("it would begin {count} faults"),
        );
    }
}

/// The name that nemesis number `index` has where its file gives it none.
pub(super) fn default_name(index: usize) -> String {
    format!("nemesis-{}", index + 1)
}

fn read_name(table: &Table<'_>, index: usize, taken: &mut BTreeSet<String>) -> String {
    let stated = table.optional("name");
    let name = match &stated {
        Some(value) => value.name().unwrap_or_default().to_owned(),
        None => default_name(index),
    };
    if !taken.insert(name.clone()) {
        let message = format!("is {}, the name of a nemesis before it", quoted(&name));
        match stated {
            Some(value) => value.wrong(&message, |problem| problem.expected("another name")),
            None => table.report(
                |problem| problem.expected("a name of its own"),
                &format!("without a name it {message}"),
            ),
        }
    }
    name
}

fn read_kinds(value: &Value<'_>) -> Option<Vec<&'static Kind>> {
    let catalog: Vec<(&'static str, &'static Kind)> =
        all_kinds().map(|kind| (kind.name, kind)).collect();
    if value.is_text() {
        let mut with_all: Vec<(&'static str, Option<&'static Kind>)> = vec![(ALL, None)];
        with_all.extend(catalog.iter().map(|(name, kind)| (*name, Some(*kind))));
        return Some(match value.one_of(&with_all)? {
            Some(kind) => vec![kind],
            None => all_kinds().collect(),
        });
    }
    let items = value.items("kinds of fault, by name", catalog.len())?;
    if items.is_empty() {
        value.wrong("holds nothing", |problem| {
            problem.expected("at least one kind of fault, or \"all\"")
        });
        return None;
    }
    let mut kinds: Vec<&'static Kind> = Vec::new();
    for item in items {
        let kind = item.one_of(&catalog)?;
        if kinds.contains(&kind) {
            let message = format!("has `{}` twice", kind.name);
            item.wrong(&message, |problem| problem.expected("each kind once"));
        } else {
            kinds.push(kind);
        }
    }
    Some(kinds)
}

fn read_targets(value: &Value<'_>, names: &Names) -> Option<Vec<NodeId>> {
    let items = value.items("nodes or sites", usize::MAX)?;
    if items.is_empty() {
        value.wrong("holds nothing", |problem| {
            problem.expected("at least one node or site")
        });
        return None;
    }
    let mut targets = BTreeSet::new();
    for item in items {
        targets.extend(names.place(&item)?);
    }
    Some(targets.into_iter().collect())
}

fn read_span(value: &Value<'_>) -> Option<Span> {
    value.positive_duration()
}

/// Reads a number, or a range of them: `{ from = 1, to = 10 }`.
fn read_range<T: PartialOrd + Copy + std::fmt::Display>(
    value: &Value<'_>,
    read: impl Fn(&Value<'_>) -> Option<T>,
) -> Option<RangeInclusive<T>> {
    if !value.is_table() {
        let only = read(value)?;
        return Some(only..=only);
    }
    let table = value.table("a range")?;
    let from = table
        .required("from", "the least")
        .and_then(|value| read(&value));
    let to = table.required("to", "the most");
    let most = to.as_ref().and_then(&read);
    table.finish();
    let (from, most) = (from?, most?);
    if most < from
        && let Some(to) = to
    {
        to.wrong(
            &format!("is {most}, and the range begins at {from}"),
            |problem| problem.expected(format!("at least {from}")),
        );
    }
    Some(from..=most)
}
