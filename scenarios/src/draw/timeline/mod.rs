//! Timelines of histories: who asked what when, and got which answer.
//!
//! A space-time diagram shows why something happened; of somebody else's system nobody knows that. What there is, is the
//! history: each process is a lane, each operation a bar from its invocation to its completion. This is the picture that
//! Herlihy and Wing drew when they defined linearizability (TOPLAS 12(3), 1990, figure 1), and the one to look at when a
//! judge says that a history breaks a promise.
//!
//! ```text
//!               line 3      line 5   ≈    line 40     line 44       ≈: so much is left out here
//!   process 0   ①[ write 1 ]         ┊                              numbers: the witness, told below
//!   process 1            ②[ write 2 ]┊                              the last number is the culprit: a line marks where
//!   process 2                        ┊   ③[ read → 1 ]│             it became impossible
//!   process 3                        ┊ [ write 3 ░░░░░░░░░░░░       fades out: nobody knows when it took effect, or whether
//! ```
//!
//! # What is shown
//!
//! Of a history of 100,000 operations a picture of everything shows nothing. Shown are the operations of the witness, and
//! their neighbours: of the keys that the witness is about, those nearest to its culprit first, as many as there is
//! room for ([`choose`]). Where operations are left out between others, the picture says so, and how many they are. Without
//! a witness the beginning of the history is shown.
//!
//! # Time
//!
//! Order is what judges go by, and what one has to see. So the axis keeps the order of all beginnings and ends, gives
//! each its room, and is to scale only as far as that allows ([`axis`]): a pause of an hour is a little wider than one of a
//! second. Files without times are drawn by their lines.
//!
//! The colours, signs and promises are those of [space-time diagrams](super).

mod axis;
mod choose;
mod picture;
#[cfg(test)]
mod tests;

use seedbed_sim::Instant;

use super::{DrawError, Theme};
use crate::checkers::{Clock, Witness};
use crate::history::{History, Place};
use crate::session::Session;
use crate::view::Window;

/// What a timeline is of.
#[derive(Clone, Copy, Debug)]
pub struct Timeline<'a> {
    /// The history.
    pub history: &'a History,
    /// What it is called: a file, or a scenario and its seed.
    pub title: &'a str,
    /// The guarantee that fell, by its name, and what proves it.
    pub fallen: Option<(&'a str, &'a Witness)>,
    /// What the axis shows.
    pub clock: Clock<'a>,
    /// What was done to the system meanwhile.
    pub faults: &'a [FaultMark],
}

/// A moment of a history: the place that its next event takes, and the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// The place.
    pub place: Place,
    /// The time; zero where there is none.
    pub at: Instant,
}

/// Something that was done to the system, or that befell it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultMark {
    /// What, in a few words.
    pub what: String,
    /// From when.
    pub from: Moment,
    /// Until when; `None` to the end of the history.
    pub to: Option<Moment>,
}

/// The timeline of a history, as an SVG document.
pub fn svg(timeline: &Timeline<'_>, theme: Theme) -> String {
    let shown = choose::Shown::new(timeline);
    picture::draw(timeline, &shown, theme)
}

/// The timeline of a run's history, as an SVG document: around its anomaly of this number, from 1, or else around the first
/// one that has operations, if there is any.
///
/// # Errors
/// When there are not so many anomalies.
pub fn of_run(
    session: &dyn Session,
    title: &str,
    wanted: Option<usize>,
    theme: Theme,
) -> Result<String, DrawError> {
    let findings = session.findings();
    let found = match wanted {
        None => findings
            .iter()
            .find(|finding| !finding.operations.is_empty()),
        Some(wanted) => {
            let finding = wanted.checked_sub(1).and_then(|index| findings.get(index));
            let found = findings.len();
            Some(finding.ok_or(DrawError::NoSuchAnomaly { wanted, found })?)
        }
    };
    let witness = found.map(|finding| Witness {
        operations: finding.operations.clone(),
        events: Vec::new(),
        at: finding.at,
        summary: finding.summary.clone(),
        story: finding.story.clone(),
    });
    let guarantee = found.map(|finding| finding.guarantee.as_str());
    let timeline = Timeline {
        history: &session.history(),
        title,
        fallen: guarantee.zip(witness.as_ref()),
        clock: Clock::Times,
        faults: &faults_of_run(session),
    };
    Ok(svg(&timeline, theme))
}

/// The faults of a run as marks on its history.
fn faults_of_run(session: &dyn Session) -> Vec<FaultMark> {
    let window = Window {
        from: session.now(),
        to: session.now(),
        columns: 1,
        rows: 0,
    };
    let history = session.history();
    let moment = |at: Instant| Moment {
        place: first_at(&history, at),
        at,
    };
    let faults = session.view(window).faults.into_iter();
    faults
        .filter(|fault| fault.id.is_some())
        .map(|fault| FaultMark {
            what: fault.what.clone(),
            from: moment(fault.from),
            to: fault.to.filter(|_| !fault.active).map(moment),
        })
        .collect()
}

/// The place of the first event at an instant or later.
fn first_at(history: &History, at: Instant) -> Place {
    let (mut below, mut above) = (0, history.len() as u32);
    while below < above {
        let middle = below + (above - below) / 2;
        match time_of(history, Place(middle)) < at {
            true => below = middle + 1,
            false => above = middle,
        }
    }
    Place(below)
}

/// When the event at a place happened.
fn time_of(history: &History, place: Place) -> Instant {
    use crate::history::HistoryEvent::{Complete, Invoke};
    match history.event(place) {
        Some(Invoke(id)) => history.operation(id).invoked_at,
        Some(Complete(id)) => {
            let completed = history.operation(id).completed.as_ref();
            completed.map_or(Instant::ZERO, |completed| completed.at)
        }
        None => Instant::NEVER,
    }
}
