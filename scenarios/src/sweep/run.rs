//! One seed of a sweep.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{Line, Measures, Outcome};
use crate::checkers::CATALOG;
use crate::report::Report;
use crate::session::Session;
use crate::session::determinism::{self, Difference};

/// What is expected of every run.
const ENDS: &str = "the run comes to its end";
/// What is expected where it is checked.
const SAME: &str = "the same seed gives the same run";

/// Opens a run at its beginning, by its seed.
pub trait Opener: Fn(u64) -> Box<dyn Session> + Sync {}
impl<F: Fn(u64) -> Box<dyn Session> + Sync> Opener for F {}

/// Whether each seed is run once, or twice to see that it is the same run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Repeat {
    /// Once.
    #[default]
    Once,
    /// Twice, and compared event by event.
    Compare,
}

/// What came of a seed.
#[derive(Clone, Debug)]
pub struct Ran {
    /// Its line.
    pub line: Line,
    /// How it differed from itself, where that was looked for and found.
    pub difference: Option<Box<Difference>>,
}

/// Runs a seed. A panic, be it of a program in the world or of Seedbed itself, is something that was found.
pub fn run(seed: u64, open: &impl Opener, repeat: Repeat) -> Ran {
    let ran = catch_unwind(AssertUnwindSafe(|| run_unguarded(seed, open, repeat)));
    ran.unwrap_or_else(|panic| {
        let words = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let words = words.or_else(|| panic.downcast_ref::<String>().cloned());
        Ran {
            line: broken_off(seed, &words.unwrap_or_else(|| "no words".to_owned())),
            difference: None,
        }
    })
}

fn run_unguarded(seed: u64, open: &impl Opener, repeat: Repeat) -> Ran {
    let report = || -> Report {
        let mut session = open(seed);
        session.run_to_end();
        session.outcome()
    };
    let compared = match repeat {
        Repeat::Once => Ok(report()),
        Repeat::Compare => determinism::check(open(seed), open(seed)),
    };
    match compared {
        Ok(report) => Ran {
            line: Line::new(&report),
            difference: None,
        },
        Err(difference) => {
            let mut line = Line::new(&report());
            line.failing = true;
            line.unmet.push(SAME.to_owned());
            Ran {
                line,
                difference: Some(difference),
            }
        }
    }
}

/// The line of a run that could not even be reported.
fn broken_off(seed: u64, words: &str) -> Line {
    let checks = CATALOG.iter().filter(|check| check.is_standing());
    Line {
        seed,
        failing: true,
        unmet: vec![ENDS.to_owned()],
        verdicts: checks
            .map(|check| (check.name.to_owned(), Outcome::NotJudged))
            .collect(),
        ended: format!("Seedbed has a bug; it panicked: {words}"),
        events: 0,
        digest: format!("{:016x}", 0),
        virtual_ns: 0,
        measures: Measures::default(),
    }
}
