//! Reads `[[message]]`: what becomes of single messages, named by what they are.

use std::collections::BTreeSet;

use seedbed_sim::{Instant, Kind, MessageFate, MessageName, ScheduledMessage};

use super::MESSAGES_MAX;
use super::model::Protocol;
use super::names::Names;
use super::reader::{Table, Value};

#[derive(Clone, Copy)]
enum FateName {
    Delay,
    Lose,
    Hold,
    Duplicate,
}

const FATES: &[(&str, FateName)] = &[
    ("delay", FateName::Delay),
    ("lose", FateName::Lose),
    ("hold", FateName::Hold),
    ("duplicate", FateName::Duplicate),
];

/// Reads the schedule. `protocol` says which kinds of messages there are; where it could not be read, nobody knows.
pub(super) fn read_messages(
    root: &Table<'_>,
    protocol: Option<&Protocol>,
    names: &Names,
) -> Vec<ScheduledMessage> {
    let mut named = BTreeSet::new();
    let mut all = Vec::new();
    for table in root.tables("message", "a message", MESSAGES_MAX) {
        let name = read_name(&table, protocol, names);
        let fate = read_fate(&table);
        if let Some(name) = name
            && !named.insert(name)
        {
            table.report(
                |problem| problem.expected("each message once"),
                "what becomes of this message is said already",
            );
        }
        table.finish();
        if let (Some(message), Some(fate)) = (name, fate) {
            all.push(ScheduledMessage { message, fate });
        }
    }
    all
}

fn read_name(table: &Table<'_>, protocol: Option<&Protocol>, names: &Names) -> Option<MessageName> {
    let from = table.required("from", "the node that sends it");
    let from = from.and_then(|value| names.node(&value));
    let to_value = table.required("to", "the node that is to get it");
    let to = to_value.as_ref().and_then(|value| names.node(value));
    if let (Some(value), true) = (&to_value, from.is_some() && from == to) {
        value.wrong("is the same node as `from`", |problem| {
            problem.expected("another node")
        });
    }
    let kind = table.required("kind", "the kind of message, by name");
    let kind = kind.and_then(|value| {
        let kinds = protocol?.message_kinds().iter();
        let kinds: Vec<(&str, Kind)> = kinds.map(|kind| (*kind, Kind(kind))).collect();
        value.one_of(&kinds)
    });
    let number = table.or("number", 1, |value| value.small(1..=u32::MAX));
    let after = table.or("after", Instant::ZERO, read_instant);
    Some(MessageName {
        from: from?,
        to: to?,
        kind: kind?,
        after,
        number,
    })
}

fn read_instant(value: &Value<'_>) -> Option<Instant> {
    value.duration().map(|after| Instant::ZERO + after)
}

fn read_fate(table: &Table<'_>) -> Option<MessageFate> {
    let (by, until) = (table.optional("by"), table.optional("until"));
    let fate = table.required("fate", "`delay`, `lose`, `hold` or `duplicate`");
    let fate = fate.and_then(|value| value.one_of(FATES))?;
    let wants_by = matches!(fate, FateName::Delay | FateName::Duplicate);
    if let Some(by) = by.as_ref().filter(|_| !wants_by) {
        by.out_of_place("it goes with `delay` and `duplicate`");
    }
    let wants_until = matches!(fate, FateName::Hold);
    if let Some(until) = until.as_ref().filter(|_| !wants_until) {
        until.out_of_place("it goes with `hold`");
    }
    let lacks = |field: &str| {
        let message = format!("the message lacks the field `{field}`");
        let expected = format!("`{field}`, a duration such as \"5ms\"");
        table.report(|problem| problem.expected(expected), &message);
    };
    if wants_by && by.is_none() {
        lacks("by");
    }
    if wants_until && until.is_none() {
        lacks("until");
    }
    Some(match fate {
        FateName::Delay => MessageFate::Delay(by?.duration()?),
        FateName::Lose => MessageFate::Lose,
        FateName::Hold => MessageFate::HoldUntil(read_instant(&until?)?),
        FateName::Duplicate => MessageFate::Duplicate(by?.duration()?),
    })
}
