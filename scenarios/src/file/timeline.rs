//! Reads when faults begin and end, and `[[expect]]`: what should come of them.

use seedbed_sim::Span;
use toml::de::DeTable;

use super::diagnostic::Problems;
use super::fault::{FaultName, kinds, read_fault};
use super::model::{Action, Expectation, ExpectedVerdict, Load, Protocol, Step, TimedFault};
use super::names::Names;
use super::near::{alternatives, nearest, quoted};
use super::reader::{Table, Value};
use super::script::read_moment;
use super::write::basic_string;
use super::{FAULT_LINKS_MAX, FAULTS_MAX, ScenarioErrors, syntax_problem};
use crate::checkers::models::{self, ModelEntry};
use crate::checkers::{self, CatalogEntry, Level, Model, Term, Terms};

/// No more expectations than this.
const EXPECTATIONS_MAX: usize = 1_000;

/// Counts that checks are asked about are at most so large, as TOML's numbers allow and readers can tell apart.
const COUNTS_MAX: u64 = 1_000_000_000_000;

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
pub(super) fn read_expectations(root: &Table<'_>, doings: &[Doing]) -> Vec<Expectation> {
    let mut all: Vec<Expectation> = Vec::new();
    for table in root.tables("expect", "an expectation", EXPECTATIONS_MAX) {
        let check = table.required("check", "the name of a check");
        let entry = check.as_ref().and_then(read_check);
        let verdict = table.required("verdict", "`holds` or `violated`");
        let verdict = verdict.and_then(|value| value.one_of(VERDICTS));
        let (Some(check), Some(entry)) = (check, entry) else {
            // Nobody knows which other fields there are.
            continue;
        };
        let terms = read_terms(&table, entry, doings);
        table.finish();
        let is_same = |other: &&Expectation| other.check == entry.name && other.terms == terms;
        if all.iter().any(|other| is_same(&other)) {
            let label = terms.label(entry.name);
            check.wrong(
                &format!("is `{label}`, which is expected already"),
                |problem| problem.expected("each check once on the same terms"),
            );
        }
        if let Some(verdict) = verdict {
            all.push(Expectation {
                check: entry.name,
                terms,
                verdict,
            });
        }
    }
    all
}

/// The check of this name. There are too many to list them all, unless nothing comes near.
fn read_check(value: &Value<'_>) -> Option<&'static CatalogEntry> {
    let name = value.name()?;
    let found = checkers::find(name);
    if found.is_none() {
        let names = || checkers::CATALOG.iter().map(|entry| entry.name);
        let message = format!("is {}, which is unknown", quoted(name));
        value.wrong(&message, |problem| match nearest(name, names()) {
            Some(near) => problem
                .expected("the name of a check")
                .did_you_mean(Some(near)),
            None => problem.expected(format!("a check: {}", alternatives(names()))),
        });
    }
    found
}

/// Reads the terms of a check from elsewhere than a scenario: pairs of a name and a value, a number or a text.
pub(super) fn terms_of(
    entry: &CatalogEntry,
    given: &[(String, String)],
) -> Result<Terms, ScenarioErrors> {
    let lines = given
        .iter()
        .map(|(name, value)| match value.parse::<i64>() {
            Ok(number) => format!("{} = {number}\n", key(name)),
            Err(_) => format!("{} = {}\n", key(name), basic_string(value)),
        });
    let text: String = lines.collect();
    let problems = Problems::default();
    let mut terms = Terms::default();
    match DeTable::parse(&text) {
        Ok(tree) => {
            let table = Table::new("the guarantee", 0..0, tree.get_ref(), &problems);
            terms = read_terms(&table, entry, &[]);
            table.finish();
        }
        Err(error) => problems.report(|| syntax_problem(&error)),
    }
    match problems.is_empty() {
        true => Ok(terms),
        false => Err(problems.into_errors("the terms", &text)),
    }
}

/// A name as a key of a table: bare where it can be.
fn key(name: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    match !name.is_empty() && name.chars().all(is_bare) {
        true => name.to_owned(),
        false => basic_string(name),
    }
}

/// The terms that a check knows.
fn read_terms(table: &Table<'_>, entry: &CatalogEntry, doings: &[Doing]) -> Terms {
    let mut terms = Terms::default();
    for term in entry.terms {
        let Some(value) = table.optional(term.name()) else {
            continue;
        };
        match term {
            Term::Versions => terms.versions = value.integer(0..=COUNTS_MAX),
            Term::Failures => terms.failures = value.integer(0..=COUNTS_MAX),
            Term::Siblings => terms.siblings = value.integer(1..=COUNTS_MAX),
            Term::Budget => terms.budget = value.integer(1..=COUNTS_MAX),
            Term::Time => terms.time = value.duration(),
            Term::Outage => terms.outage = value.duration(),
            Term::Recovery => terms.recovery = value.duration(),
            Term::Level => terms.level = value.one_of(Level::CATALOG),
            Term::Model => terms.model = read_model(&value, doings),
        }
    }
    terms
}

/// Something that the scenario's clients do, and who does it first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Doing {
    /// By its name in histories: `read`, `write` or `delete`.
    pub(super) function: &'static str,
    /// `a step`, ``the load `shoppers` ``.
    pub(super) who: String,
}

/// All that clients do in scripts and loads, each once.
pub(super) fn doings(steps: &[Step], loads: &[Load]) -> Vec<Doing> {
    let mut all: Vec<Doing> = Vec::new();
    let mut add = |function: &'static str, who: &dyn Fn() -> String| {
        if !all.iter().any(|doing| doing.function == function) {
            let who = who();
            all.push(Doing { function, who });
        }
    };
    for step in steps {
        let function = match step.action {
            Action::Get => "read",
            Action::Put(_) => "write",
            Action::Delete => "delete",
        };
        add(function, &|| "a step".to_owned());
    }
    for load in loads {
        let writes = 100_u32.saturating_sub(load.reads_percent + load.deletes_percent);
        for (function, share) in [
            ("read", load.reads_percent),
            ("write", writes),
            ("delete", load.deletes_percent),
        ] {
            if share > 0 {
                add(function, &|| format!("the load {}", quoted(&load.name)));
            }
        }
    }
    all
}

/// A model that knows everything that clients do.
fn read_model(value: &Value<'_>, doings: &[Doing]) -> Option<Model> {
    let catalog: Vec<(&'static str, &ModelEntry)> = models::CATALOG
        .iter()
        .map(|entry| (entry.name, entry))
        .collect();
    let entry = value.one_of(&catalog)?;
    let knows = |entry: &ModelEntry, doing: &Doing| entry.functions.contains(&doing.function);
    if let Some(doing) = doings.iter().find(|doing| !knows(entry, doing)) {
        let fits = |entry: &&ModelEntry| doings.iter().all(|doing| knows(entry, doing));
        let fitting = models::CATALOG.iter().filter(fits).map(|entry| entry.name);
        let message = format!(
            "is {}, which has no {}, and {} does that",
            quoted(entry.name),
            doing.function,
            doing.who
        );
        value.wrong(&message, |problem| {
            problem.expected(format!("a model that fits: {}", alternatives(fitting)))
        });
        return None;
    }
    Some(entry.model)
}
