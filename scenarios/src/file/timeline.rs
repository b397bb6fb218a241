//! Reads when faults begin and end, and `[[expect]]`: what should come of them.

use std::collections::BTreeSet;

use seedbed_sim::Span;

use super::fault::{FaultName, kinds, read_fault};
use super::model::{Expectation, ExpectedVerdict, Protocol, TimedFault};
use super::names::Names;
use super::reader::{Table, Value};
use super::script::read_moment;
use super::{FAULT_LINKS_MAX, FAULTS_MAX};
use crate::checkers;

const VERDICTS: &[(&str, ExpectedVerdict)] = &[
    ("holds", ExpectedVerdict::Holds),
    ("violated", ExpectedVerdict::Violated),
];

/// Reads the faults.
pub(super) fn read_faults(
    root: &Table<'_>,
    duration: Span,
    names: &Names,
    protocol: Option<&Protocol>,
) -> Vec<TimedFault> {
    let mut all = Vec::new();
    let mut links_left = FAULT_LINKS_MAX;
    let kinds = kinds();
    for table in root.tables("fault", "a fault", FAULTS_MAX) {
        let at = table.required("at", "when it begins, such as \"100ms\"");
        let at = at.and_then(|value| read_moment(&value, duration));
        let at = at.unwrap_or(Span::ZERO);
        let until = table.optional("until");
        let until = until.and_then(|value| read_until(&value, at, duration));
        let kind = table.required("kind", "the kind of fault, by name");
        let Some(kind) = kind.and_then(|value| value.one_of(&kinds)) else {
            // Nobody knows which other fields there are.
            continue;
        };
        let faults = read_fault(&table, kind, (names, protocol), &mut links_left);
        let whole = faults.map(|faults| (faults, joins_at(&table, kind, at, until)));
        table.finish();
        if let Some((faults, (at, until))) = whole {
            all.push(TimedFault { at, until, faults });
        }
    }
    all
}

/// When a fault holds. One that lets a node join is that node's absence until then.
fn joins_at(
    table: &Table<'_>,
    kind: FaultName,
    at: Span,
    until: Option<Span>,
) -> (Span, Option<Span>) {
    if !matches!(kind, FaultName::Join) {
        return (at, until);
    }
    if until.is_some() {
        table.report(
            |problem| problem.expected("`at` alone, and another fault to `leave`"),
            "a node joins at one instant",
        );
    }
    if at == Span::ZERO {
        table.report(
            |problem| problem.expected("`at`, later than the beginning"),
            "all nodes are there from the beginning, but for those that join later",
        );
    }
    (Span::ZERO, Some(at))
}

fn read_until(value: &Value<'_>, at: Span, duration: Span) -> Option<Span> {
    let until = value.duration()?;
    if until <= at {
        value.wrong(
            &format!("is {until}, and the fault begins at {at}"),
            |problem| problem.expected("a later time"),
        );
    } else if until > duration {
        let message = format!("is {until}, when the scenario is over already");
        value.wrong(&message, |problem| {
            problem
                .expected(format!("at most the scenario's duration, {duration}"))
                .help("leave it out: what holds at the end is lifted for healing")
        });
    }
    Some(until)
}

/// Reads what the scenario expects.
pub(super) fn read_expectations(root: &Table<'_>) -> Vec<Expectation> {
    let catalog: Vec<(&'static str, &'static str)> = checkers::CATALOG
        .iter()
        .map(|entry| (entry.name, entry.name))
        .collect();
    let mut seen = BTreeSet::new();
    let mut all = Vec::new();
    // No check is expected twice, so that the catalog bounds the count; leave room to say so.
    for table in root.tables("expect", "an expectation", FAULTS_MAX) {
        let check = table.required("check", "the name of a check");
        let check = check.and_then(|value| {
            let check = value.one_of(&catalog)?;
            if !seen.insert(check) {
                value.wrong(
                    &format!("is `{check}`, which is expected already"),
                    |problem| problem.expected("each check once"),
                );
            }
            Some(check)
        });
        let verdict = table.required("verdict", "`holds` or `violated`");
        let verdict = verdict.and_then(|value| value.one_of(VERDICTS));
        table.finish();
        if let (Some(check), Some(verdict)) = (check, verdict) {
            all.push(Expectation { check, verdict });
        }
    }
    all
}
