//! Writes a [`Scenario`] as a file that a person would have written: what is as by default is left out.
//!
//! What is read again is the same scenario: `parse(write(s)) == s`, for everything that a file can say. (A model that was
//! put together by a program can say more: a link between a part of one site and a part of another, or several faults that
//! begin together and are not all the links between two places. That is written as several tables, which mean the same.)
//!
//! Each part is taken apart field by field, so that a new field, or a new fault, does not compile until it is written.

mod cluster;
mod faults;
mod nemesis;
mod network;
mod text;
mod work;

use std::fmt::Write as _;

use seedbed_sim::{MessageFate, NodeId, ScheduledMessage, Span};

use super::SCHEMA;
use super::model::{Expectation, ExpectedVerdict, Scenario};
use crate::checkers::{Term, Terms};
pub(super) use text::quoted as basic_string;
use text::{Table, comment, duration, instant};

/// What is said about the parts of a scenario, as comments of its file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comments {
    /// At its head, a line or an empty line each.
    pub head: Vec<String>,
    /// Before a step, a fault, a message or a link, by its index.
    pub parts: Vec<(Part, String)>,
}

/// A part of a scenario that a comment can be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// A scripted step, by its index.
    Step(usize),
    /// A fault on the timeline, by its index.
    Fault(usize),
    /// A message of the schedule, by its index.
    Message(usize),
    /// A rule for links, by its index.
    Link(usize),
}

/// The scenario as the text of a file.
pub fn write(scenario: &Scenario) -> String {
    write_with(scenario, &Comments::default())
}

/// The same, with comments. A part that is written together with others bears the comments of all of them.
pub fn write_with(scenario: &Scenario, comments: &Comments) -> String {
    let writer = Writer {
        scenario,
        comments,
        omitted: None,
    };
    writer.write()
}

/// The same without one of its nodes, which nothing else in it may be about.
pub(crate) fn write_without(scenario: &Scenario, node: NodeId) -> String {
    let writer = Writer {
        scenario,
        comments: &Comments::default(),
        omitted: Some(node),
    };
    writer.write()
}

/// What all parts of the writer look at.
#[derive(Clone, Copy)]
struct Writer<'a> {
    scenario: &'a Scenario,
    comments: &'a Comments,
    /// A node that is left out.
    omitted: Option<NodeId>,
}

impl Writer<'_> {
    fn write(&self) -> String {
        let Scenario {
            title,
            chapter,
            teaches,
            try_next,
            duration: runs_for,
            settle,
            cluster: _,
            replicas: _,
            clients: _,
            network: _,
            steps: _,
            loads: _,
            faults: _,
            nemeses: _,
            messages,
            expectations,
        } = self.scenario;
        let mut out = String::new();
        for line in &self.comments.head {
            comment(&mut out, line);
        }
        let mut root = Table::root();
        root.plain("schema", SCHEMA);
        root.long_text("title", title);
        for (field, said) in [
            ("chapter", chapter),
            ("teaches", teaches),
            ("try", try_next),
        ] {
            if !said.is_empty() {
                root.long_text(field, said);
            }
        }
        root.plain("duration", duration(*runs_for));
        root.unless("settle", settle, &Span::from_secs(10), |it| duration(*it));
        root.push_to(&mut out);

        self.cluster(&mut out);
        self.network(&mut out);
        self.steps(&mut out);
        self.loads(&mut out);
        self.faults(&mut out);
        self.nemeses(&mut out);
        for (index, message) in messages.iter().enumerate() {
            self.comment(&mut out, Part::Message(index));
            self.message(message).push_to(&mut out);
        }
        for expectation in expectations {
            expect(expectation).push_to(&mut out);
        }
        out
    }

    /// The nodes that are written.
    fn node_ids(&self) -> impl Iterator<Item = NodeId> + use<> {
        let omitted = self.omitted;
        let all = self.scenario.node_ids();
        all.filter(move |id| Some(*id) != omitted)
    }

    /// What is said about a part, before it. The empty line that sets tables apart comes before the comment.
    fn comment(&self, out: &mut String, part: Part) {
        let about = self.comments.parts.iter().filter(|(it, _)| *it == part);
        for (number, (_, text)) in about.enumerate() {
            if number == 0 {
                out.push('\n');
            }
            comment(out, text);
        }
    }

    fn message(&self, scheduled: &ScheduledMessage) -> Table {
        let ScheduledMessage { message, fate } = scheduled;
        let mut table = Table::item("message");
        table.text("from", self.scenario.name(message.from));
        table.text("to", self.scenario.name(message.to));
        table.text("kind", message.kind.0);
        table.unless("after", &message.after, &Default::default(), |it| {
            instant(*it)
        });
        table.unless("number", &message.number, &1, u32::to_string);
        let (name, field) = match fate {
            MessageFate::Delay(by) => ("delay", Some(("by", duration(*by)))),
            MessageFate::Lose => ("lose", None),
            MessageFate::HoldUntil(at) => ("hold", Some(("until", instant(*at)))),
            MessageFate::Duplicate(by) => ("duplicate", Some(("by", duration(*by)))),
        };
        table.text("fate", name);
        if let Some((field, value)) = field {
            table.plain(field, value);
        }
        table
    }
}

fn expect(expectation: &Expectation) -> Table {
    let Expectation {
        check,
        terms,
        verdict,
    } = expectation;
    let mut table = Table::item("expect");
    table.text("check", check);
    let Terms {
        versions,
        time,
        outage,
        recovery,
        failures,
        siblings,
        level,
        model,
        budget,
    } = terms;
    for (term, count) in [
        (Term::Versions, versions),
        (Term::Failures, failures),
        (Term::Siblings, siblings),
        (Term::Budget, budget),
    ] {
        if let Some(count) = count {
            table.plain(term.name(), count);
        }
    }
    for (term, span) in [
        (Term::Time, time),
        (Term::Outage, outage),
        (Term::Recovery, recovery),
    ] {
        if let Some(span) = span {
            table.plain(term.name(), duration(*span));
        }
    }
    if let Some(level) = level {
        table.text(Term::Level.name(), level.name());
    }
    if let Some(model) = model {
        table.text(Term::Model.name(), model.name());
    }
    table.text(
        "verdict",
        match verdict {
            ExpectedVerdict::Holds => "holds",
            ExpectedVerdict::Violated => "violated",
        },
    );
    table
}

/// `{ a = 1, b = 2 }`
fn inline(fields: &[(&str, String)]) -> String {
    let mut out = String::from("{ ");
    for (index, (field, value)) in fields.iter().enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        write!(out, "{comma}{field} = {value}").expect("a string takes all");
    }
    out + " }"
}
