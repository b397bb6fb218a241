//! Shrinking: from a run in which something fell to the shortest scenario in which it falls still, and why.
//!
//! A run that a seed found is a bad story. It has thousands of operations, most of the faults do not matter, and it hangs on
//! random draws, which are others as soon as somebody adds a client. Shrinking makes of it a scenario of a few explicit
//! steps:
//!
//! ```text
//!   a scenario and a seed
//!        │  write down      generated operations become steps at the instants at which they were invoked, a read asks the
//!        │                  replica that it asked; faults become what they were; drawn delays the middle of what is drawn,
//!        │                  and where that is not enough, the fates of single messages, named by what they are
//!        ▼
//!   a scenario without chance in which the same check falls
//!        │  jump            to the operations of the witness alone, of its keys, of its clients
//!        │  reduce          ddmin over steps, faults and messages; nodes, links, settings one by one; times to round and
//!        │                  short ones: again and again until nothing goes
//!        ▼
//!   the shortest that was found
//!        │  explain         for each thing that is left: does the check hold without it?
//!        ▼
//!   a file with an expectation, a story and its reasons
//! ```
//!
//! # Invariants
//!
//! 1. Every candidate is judged by running it. What is returned violates the check that was asked for, and every reason that
//!    is given was seen in a run of its own.
//! 2. The result is *1-minimal*: no single step, fault, message, link, replica or client can be left out of it.
//! 3. No drawn number is left in it that matters: it violates the check under other seeds too, and with a client more that
//!    does something else. (Where no such scenario is found, what is returned says so: [`Shrunk::is_sturdy`].)
//! 4. The result is the same whatever runs the candidates, and however many at once: of those that are tried, the first in
//!    their order that keeps the verdict is taken.
//!
//! Delta debugging is Zeller and Hildebrandt's *ddmin* (Simplifying and Isolating Failure-Inducing Input, IEEE TSE 28(2),
//! 2002). What hypothesis and QuickCheck shrink is the input of a generator; here it is a timeline, in which the fate of a
//! message must not change its owner when an operation before it goes: while operations are being removed, messages are
//! counted from an instant shortly before each of them was sent, and only in the end by their number.
//!
//! # What this does not do
//!
//! It does not search for a *smallest* scenario, only for one from which nothing can be taken away. And it keeps a check
//! violated, not a certain witness: a story may turn into a shorter one of the same kind on the way.

mod explain;
mod explicit;
mod lab;
mod messages;
mod parts;
mod reduce;
mod settings;
mod tell;
mod times;

use seedbed_sim::Seed;

use crate::checkers::{self, Terms};
use crate::file::model::{Expectation, ExpectedVerdict, Scenario};
use crate::report::{Report, VerdictReport};

pub use explain::Reason;
pub use lab::{Hands, Lab, OneByOne, Open};
pub use tell::ShrunkJson;

use lab::Asked;

/// What a scenario has of everything, for saying how much smaller it has become.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Size {
    /// Operations that began.
    pub operations: u64,
    /// Faults.
    pub faults: u64,
    /// Replicas and clients.
    pub nodes: u64,
    /// Messages whose fate is decided one by one.
    pub messages: u64,
}

/// A shrunk run.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// The scenario of explicit steps, with the one expectation that the check is violated.
    pub scenario: Scenario,
    /// The check that falls in it.
    pub check: &'static str,
    /// The terms on which it was asked for.
    pub terms: Terms,
    /// What that check says of it: the story.
    pub verdict: VerdictReport,
    /// What is necessary in it, and what would have made the check hold.
    pub reasons: Vec<Reason>,
    /// The size of the run at first.
    pub before: Size,
    /// And of the shrunk one.
    pub after: Size,
    /// How many runs it took.
    pub runs: u64,
    /// Whether it violates the check under other seeds too.
    pub falls_under_any_seed: bool,
    /// Whether it does so beside a client that does something else, too.
    pub is_sturdy: bool,
    name: String,
    seed: Seed,
}

/// Why a run can't be shrunk.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShrinkError {
    /// No check of this name exists.
    #[error("there is no check {given:?}; expected one of {}{}", names(), did_you_mean(.given))]
    NoSuchCheck {
        /// What was asked for.
        given: String,
    },
    /// The run violates nothing, or not what was asked for.
    #[error("nothing to shrink: {0}")]
    Holds(String),
    /// Written down step by step, the run does not violate the check: it hangs on something that no file can say.
    #[error(
        "the run violates {0}, but not when it is written down step by step: it hangs on something that a scenario file can't say"
    )]
    NotWrittenDown(String),
}

fn names() -> String {
    let names: Vec<&str> = checkers::CATALOG.iter().map(|entry| entry.name).collect();
    names.join(", ")
}

fn did_you_mean(given: &str) -> String {
    let names = checkers::CATALOG.iter().map(|entry| entry.name);
    let nearest = crate::file::nearest(given, names);
    nearest.map_or_else(String::new, |name| format!("; did you mean {name}?"))
}

/// Shrinks the run of `scenario` from `seed`. What is kept violated is the check `keep`, or else that of the first
/// expectation which is not met, or else the first that is violated.
///
/// # Errors
/// When there is no such check, the run does not violate it, or it can't be written down.
pub fn shrink(
    name: &str,
    scenario: &Scenario,
    seed: Seed,
    keep: Option<&str>,
    lab: &Lab<'_>,
) -> Result<Shrunk, ShrinkError> {
    if let Some(given) = keep.filter(|name| checkers::find(name).is_none()) {
        let given = given.to_owned();
        return Err(ShrinkError::NoSuchCheck { given });
    }
    let mut scenario = scenario.clone();
    if let Some(entry) = keep.and_then(checkers::find) {
        // What is to be kept must be judged, whether the scenario speaks of it or not.
        if scenario
            .expectations
            .iter()
            .all(|it| it.check != entry.name)
        {
            scenario.expectations.push(Expectation {
                check: entry.name,
                terms: Terms::default(),
                verdict: ExpectedVerdict::Holds,
            });
        }
    }
    let report = lab.report(&scenario, seed);
    let asked = choose(&scenario, &report, keep)?;
    // Nothing else needs to be judged from here on.
    scenario.expectations = vec![Expectation {
        check: asked.check,
        terms: asked.terms,
        verdict: ExpectedVerdict::Violated,
    }];
    let goal = lab::Goal { lab, seed, asked };
    let (written, before) = explicit::write_down(&scenario, &goal)?;
    let mut smallest = reduce::to_the_least(&written, &goal);
    retitle(&mut smallest, name, seed, asked);
    let falls_under_any_seed = goal.is_violated_by_all_seeds(&smallest);
    let is_sturdy = goal.is_sturdily_violated(&smallest);
    let report = lab.report(&smallest, seed);
    let verdict = verdict_of(&report, &asked.label()).clone();
    let reasons = explain::explain(&smallest, &goal, &verdict);
    Ok(Shrunk {
        after: size(&smallest),
        scenario: smallest,
        check: asked.check,
        terms: asked.terms,
        verdict,
        reasons,
        before,
        runs: lab.runs(),
        falls_under_any_seed,
        is_sturdy,
        name: name.to_owned(),
        seed,
    })
}

/// What a report says of a check, by its label.
fn verdict_of<'a>(report: &'a Report, label: &str) -> &'a VerdictReport {
    let mut verdicts = report.verdicts.iter();
    let verdict = verdicts.find(|verdict| verdict.check == label);
    verdict.expect("a report has a verdict of each check that was asked for")
}

/// What is to be kept violated.
fn choose(scenario: &Scenario, report: &Report, keep: Option<&str>) -> Result<Asked, ShrinkError> {
    let standing = checkers::CATALOG.iter().filter(|entry| entry.is_standing());
    let standing = standing.map(|entry| Asked {
        check: entry.name,
        terms: Terms::default(),
    });
    let expected = scenario.expectations.iter().map(|it| Asked {
        check: it.check,
        terms: it.terms,
    });
    let all = standing.chain(expected);
    let violated = |asked: &Asked| verdict_of(report, &asked.label()).holds == Some(false);
    let is_wanted = |asked: &Asked| keep.is_none_or(|name| name == asked.check);
    let mut violated: Vec<Asked> = all.filter(|it| is_wanted(it) && violated(it)).collect();
    // A stable sort: those that the scenario expected to hold come first.
    violated.sort_by_key(|asked| {
        let expected = format!("{} holds", asked.label());
        let mut expectations = report.expectations.iter();
        !expectations.any(|it| it.met == Some(false) && it.expect == expected)
    });
    let first = violated.first().copied();
    first.ok_or_else(|| {
        ShrinkError::Holds(match keep {
            Some(name) => format!("{name} is not violated in this run"),
            None => "no check is violated in this run".to_owned(),
        })
    })
}

fn size(scenario: &Scenario) -> Size {
    Size {
        operations: scenario.steps.len() as u64,
        faults: scenario.faults.len() as u64,
        nodes: scenario.node_count() as u64,
        messages: scenario.messages.len() as u64,
    }
}

/// What the shrunk scenario is called. What it expects stands in it already.
fn retitle(scenario: &mut Scenario, name: &str, seed: Seed, asked: Asked) {
    let label = asked.label();
    scenario.title = format!("{label} falls: shrunk from {name}, seed {}", seed.0);
    scenario.chapter.clear();
    scenario.teaches.clear();
    scenario.try_next.clear();
}

impl Shrunk {
    /// The check that falls, as reports call it.
    pub fn label(&self) -> String {
        self.terms.label(self.check)
    }
}
