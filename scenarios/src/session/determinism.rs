//! The determinism check: a run is made twice, at once, and compared event by event; in the end the reports are.
//!
//! What it proves is what a seed is worth. It is cheap (twice the time of a run, and the memory of two runs without
//! their traces), so it can be left on for whole sweeps.

use std::fmt;

use seedbed_sim::EventId;
use seedbed_sim::lockstep::{self, Branch, Divergence};

use super::Session;
use crate::report::Report;
use crate::view::LogLine;

/// How a run differed from itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// How many events were the same.
    pub same_events: u64,
    /// In the one run; in the other.
    pub branches: [TellingBranch; 2],
    /// Where all events are the same: the first line in which the reports differ.
    pub report_lines: Option<[String; 2]>,
}

/// The first event that differs, in words, and what led to it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TellingBranch {
    /// The event; `None` when this run was over.
    pub event: Option<LogLine>,
    /// What it was about, as a hash: where nothing else differs, a payload does.
    pub payload: u64,
    /// Its cause, the cause of that, and so on.
    pub causes: Vec<LogLine>,
    /// Where the chain breaks off because it is long or old.
    pub older: Option<EventId>,
}

/// Makes a run twice, in lockstep, and gives its report. Both sessions must stand at the beginning of the same run.
///
/// # Errors
/// When the two are not the same: how they differ.
pub fn check(
    mut one: Box<dyn Session>,
    mut other: Box<dyn Session>,
) -> Result<Report, Box<Difference>> {
    let compared = lockstep::compare(
        |heard| one.step_hearing(heard),
        |heard| other.step_hearing(heard),
    );
    let same_events = match compared {
        Ok(count) => count,
        Err(divergence) => return Err(Box::new(in_words(&divergence, one.as_ref()))),
    };
    let (report, again) = (one.outcome(), other.outcome());
    if report == again && one.digest() == other.digest() {
        return Ok(report);
    }
    Err(Box::new(Difference {
        same_events,
        branches: Default::default(),
        report_lines: Some(first_lines(&report, &again)),
    }))
}

fn in_words(divergence: &Divergence, session: &dyn Session) -> Difference {
    let branch = |branch: &Branch| TellingBranch {
        event: branch.event.map(|heard| session.tell(&heard)),
        payload: branch.event.map_or(0, |heard| heard.hash),
        causes: branch
            .causes
            .iter()
            .map(|heard| session.tell(heard))
            .collect(),
        older: branch.older,
    };
    Difference {
        same_events: divergence.same,
        branches: [branch(&divergence.one), branch(&divergence.other)],
        report_lines: None,
    }
}

/// The first line in which the reports differ as text; where only numbers that it leaves out do, the whole JSON.
fn first_lines(one: &Report, other: &Report) -> [String; 2] {
    let (a, b) = (one.to_text(), other.to_text());
    let ends = std::iter::once("");
    let mut pairs = a.lines().chain(ends.clone()).zip(b.lines().chain(ends));
    match pairs.find(|(a, b)| a != b) {
        Some((a, b)) => [a.to_owned(), b.to_owned()],
        None => [one.to_json(), other.to_json()],
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some([one, other]) = &self.report_lines {
            writeln!(
                f,
                "All {} events are the same, but the reports are not:",
                self.same_events
            )?;
            return writeln!(f, "  one run:    {one}\n  the other:  {other}");
        }
        writeln!(
            f,
            "The first {} events are the same. Then they part:",
            self.same_events
        )?;
        let [one, other] = &self.branches;
        // Where all that is told is the same, the data are not.
        let payloads = one.event == other.event;
        one.tell(f, "one run:", payloads)?;
        other.tell(f, "the other:", payloads)?;
        one.tell_causes(f)?;
        if one.causes == other.causes {
            return Ok(());
        }
        writeln!(f, "  and in the other run:")?;
        other.tell_causes(f)
    }
}

impl TellingBranch {
    fn tell(&self, f: &mut fmt::Formatter<'_>, name: &str, payload: bool) -> fmt::Result {
        match &self.event {
            None => writeln!(f, "  {name:<12}it was over")?,
            Some(event) => {
                writeln!(f, "  {name:<12}{}", line(event))?;
                if payload {
                    writeln!(
                        f,
                        "  {:<12}with data that hash to {:016x}",
                        "", self.payload
                    )?;
                }
            }
        }
        Ok(())
    }

    fn tell_causes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for cause in &self.causes {
            writeln!(f, "  because of  {}", line(cause))?;
        }
        match self.older {
            Some(event) => writeln!(f, "  because of  {event}, long before"),
            None if self.causes.is_empty() && self.event.is_some() => {
                writeln!(f, "  because of  what the scenario does")
            }
            None => Ok(()),
        }
    }
}

fn line(event: &LogLine) -> String {
    format!("{} at {}: {}", event.event, event.at, event.text)
}
