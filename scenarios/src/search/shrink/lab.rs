//! Running candidates.

use std::cell::Cell;

use seedbed_sim::{NodeId, Seed, Span};

use super::verdict_of;
use crate::checkers::{self, JudgeKind, Terms};
use crate::file::model::{Action, Client, Routing, Scenario, Step, When};
use crate::report::Report;
use crate::session::{Keep, Session};
use crate::view::Window;

/// Opens a run of a scenario.
pub type Open<'a> = &'a (dyn Fn(Scenario, Seed, Keep) -> Box<dyn Session> + Sync);

/// Who runs candidates. All give the same answer; some give it sooner.
pub trait Hands {
    /// The first of the numbers below `count` that passes the test.
    fn first(&self, count: usize, test: &(dyn Fn(usize) -> bool + Sync)) -> Option<usize>;
}

/// Runs one candidate after the other.
#[derive(Clone, Copy, Debug)]
pub struct OneByOne;

impl Hands for OneByOne {
    fn first(&self, count: usize, test: &(dyn Fn(usize) -> bool + Sync)) -> Option<usize> {
        (0..count).find(|index| test(*index))
    }
}

/// Where candidates are run.
pub struct Lab<'a> {
    open: Open<'a>,
    hands: &'a dyn Hands,
    runs: Cell<u64>,
}

impl<'a> Lab<'a> {
    /// A lab in which runs are opened by `open`.
    pub fn new(open: Open<'a>, hands: &'a dyn Hands) -> Self {
        let runs = Cell::new(0);
        Self { open, hands, runs }
    }

    /// How many candidates were looked at.
    pub(super) fn runs(&self) -> u64 {
        self.runs.get()
    }

    fn count(&self, more: usize) {
        self.runs.set(self.runs.get() + more as u64);
    }

    /// A run at its end.
    pub(super) fn run(&self, scenario: &Scenario, seed: Seed, keep: Keep) -> Box<dyn Session> {
        self.count(1);
        let mut run = (self.open)(scenario.clone(), seed, keep);
        run.run_to_end();
        run
    }

    pub(super) fn report(&self, scenario: &Scenario, seed: Seed) -> Report {
        self.run(scenario, seed, Keep::Digest).outcome()
    }
}

/// What every candidate has to do: violate a check.
#[derive(Clone, Copy)]
pub(super) struct Goal<'a> {
    pub(super) lab: &'a Lab<'a>,
    pub(super) seed: Seed,
    pub(super) asked: Asked,
}

/// A check, on the terms on which it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) check: &'static str,
    pub(super) terms: Terms,
}

impl Asked {
    /// As reports call it.
    pub(super) fn label(&self) -> String {
        self.terms.label(self.check)
    }

    /// Whether it goes along with a run.
    pub(super) fn is_online(&self) -> bool {
        checkers::find(self.check).is_some_and(|it| matches!(it.kind, JudgeKind::Online(..)))
    }
}

impl Goal<'_> {
    /// Whether a candidate violates the check.
    pub(super) fn is_violated(&self, scenario: &Scenario) -> bool {
        self.lab.count(1);
        violates(self.lab.open, scenario, self.seed, self.asked)
    }

    /// Whether it does so whatever the seed, and beside a client that does something else.
    pub(super) fn is_sturdily_violated(&self, scenario: &Scenario) -> bool {
        self.lab.count(1);
        violates_sturdily(self.lab.open, scenario, self.seed, self.asked)
    }

    /// Whether it does so whatever the seed.
    pub(super) fn is_violated_by_all_seeds(&self, scenario: &Scenario) -> bool {
        self.lab.count(1);
        violates_by_all_seeds(self.lab.open, scenario, self.seed, self.asked)
    }

    /// The first of some candidates that violates the check, as `sturdily` as that.
    pub(super) fn first(&self, candidates: &[Scenario], sturdily: bool) -> Option<Scenario> {
        let found = self.first_of(
            candidates.len(),
            &|index| candidates[index].clone(),
            sturdily,
        );
        found.map(|(_, scenario)| scenario)
    }

    /// The same, of candidates that are made when it is their turn.
    pub(super) fn first_of(
        &self,
        count: usize,
        make: &(dyn Fn(usize) -> Scenario + Sync),
        sturdily: bool,
    ) -> Option<(usize, Scenario)> {
        let (open, seed, asked) = (self.lab.open, self.seed, self.asked);
        let judge = if sturdily {
            violates_sturdily
        } else {
            violates
        };
        let test = move |index: usize| judge(open, &make(index), seed, asked);
        let found = self.lab.hands.first(count, &test);
        self.lab.count(found.map_or(count, |index| index + 1));
        found.map(|index| (index, make(index)))
    }
}

fn violates(open: Open<'_>, scenario: &Scenario, seed: Seed, asked: Asked) -> bool {
    let mut run = open(scenario.clone(), seed, Keep::Digest);
    if !asked.is_online() {
        run.run_to_end();
        return verdict_of(&run.outcome(), &asked.label()).holds == Some(false);
    }
    // What such a check has seen it does not take back.
    while run.run_to_anomaly() {
        let nothing = Window {
            from: run.now(),
            to: run.now(),
            columns: 1,
            rows: 1,
        };
        let anomalies = run.view(nothing).anomalies;
        if anomalies
            .iter()
            .any(|anomaly| anomaly.guarantee == asked.check)
        {
            return true;
        }
    }
    false
}

fn violates_by_all_seeds(open: Open<'_>, scenario: &Scenario, seed: Seed, asked: Asked) -> bool {
    let seeds = [0, 1, 2].map(|by| Seed(seed.0.wrapping_add(by)));
    seeds
        .iter()
        .all(|seed| violates(open, scenario, *seed, asked))
}

fn violates_sturdily(open: Open<'_>, scenario: &Scenario, seed: Seed, asked: Asked) -> bool {
    let other = Seed(seed.0.wrapping_add(3));
    violates_by_all_seeds(open, scenario, seed, asked)
        && violates(open, &with_a_bystander(scenario), other, asked)
}

/// The scenario, and a client that writes and reads a key of its own now and then.
fn with_a_bystander(scenario: &Scenario) -> Scenario {
    const TIMES: u64 = 8;
    let mut scenario = scenario.clone();
    let name = "bystander".to_owned();
    let client = NodeId(scenario.node_count() as u32);
    scenario.clients.push(Client {
        user: name.clone(),
        name: name.clone(),
        site: String::new(),
        routing: Routing::Leader,
        clock: Default::default(),
        load: None,
    });
    let apart = scenario.duration.as_nanos() / (TIMES + 1);
    for number in 0..TIMES {
        let action = match number % 2 {
            0 => Action::Put(format!("bystander-{number}")),
            _ => Action::Get,
        };
        scenario.steps.push(Step {
            name: String::new(),
            when: When::At(Span::from_nanos(apart * (number + 1))),
            client,
            action,
            key: name.clone(),
            replica: None,
        });
    }
    scenario
}
