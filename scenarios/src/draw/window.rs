//! Which part of a run to draw.

use std::str::FromStr;
use std::sync::Arc;

use seedbed_sim::{EventId, Instant, Span};

use super::Chosen;
use crate::session::Session;
use crate::trace::What;
use crate::view::{AnomalyView, FaultView, Window};

/// Which part of a run is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Frame {
    /// Around the first anomaly, or the whole run where there is none.
    #[default]
    Telling,
    /// From one instant to another; the beginning and the end of the run where they are left out.
    Between {
        /// From here.
        from: Option<Instant>,
        /// To here.
        to: Option<Instant>,
    },
    /// Around something that happened.
    Around(Around),
}

/// What a window can be around, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Around {
    /// The n-th guarantee that fell.
    Anomaly(usize),
    /// The n-th fault.
    Fault(usize),
}

impl FromStr for Around {
    type Err = String;

    /// Reads `anomaly`, `anomaly:2`, `fault` or `fault:2`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || {
            "it is anomaly or fault, and a number from 1 after a colon for a later one".to_owned()
        };
        let (what, number) = text.split_once(':').unwrap_or((text, "1"));
        match (what, number.parse()) {
            (_, Err(_) | Ok(0)) => Err(wrong()),
            ("anomaly", Ok(number)) => Ok(Self::Anomaly(number)),
            ("fault", Ok(number)) => Ok(Self::Fault(number)),
            _ => Err(wrong()),
        }
    }
}

/// Why there is nothing to draw.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DrawError {
    /// The window ends before it begins, or is empty.
    #[error("the window ends at {to}, which is not after its begin at {from}")]
    Reversed {
        /// It would begin here.
        from: Instant,
        /// And end here.
        to: Instant,
    },
    /// The run is over by then.
    #[error("the window begins at {from}, and the run is over at {ended_at}")]
    AfterTheEnd {
        /// It would begin here.
        from: Instant,
        /// The end of the run.
        ended_at: Instant,
    },
    /// There are not so many anomalies.
    #[error("anomaly {wanted} is asked for, and {} in this run", count_of(*.found, "anomaly", "anomalies"))]
    NoSuchAnomaly {
        /// Which one was asked for.
        wanted: usize,
        /// How many there are.
        found: usize,
    },
    /// There are not so many faults.
    #[error("fault {wanted} is asked for, and {} in this run", count_of(*.found, "fault", "faults"))]
    NoSuchFault {
        /// Which one was asked for.
        wanted: usize,
        /// How many there are.
        found: usize,
    },
}

fn count_of(count: usize, one: &str, many: &str) -> String {
    match count {
        0 => format!("there is no {one}"),
        1 => format!("there is 1 {one}"),
        _ => format!("there are {count} {many}"),
    }
}

/// The part of a run that a frame means.
///
/// # Errors
/// When it does not fit the run.
pub fn choose(session: &dyn Session, frame: Frame) -> Result<Chosen, DrawError> {
    let findings = session.findings();
    let ended_at = session.now();
    let whole = |from: Option<Instant>, to: Option<Instant>| Chosen {
        from: from.unwrap_or(Instant::ZERO),
        to: to.unwrap_or(ended_at).min(ended_at),
        focus: None,
    };
    match frame {
        Frame::Telling => match findings.first() {
            Some(finding) => Ok(around_anomaly(session, finding)),
            None => checked(whole(None, None), ended_at),
        },
        Frame::Between { from, to } => {
            let (begin, end) = (from.unwrap_or(Instant::ZERO), to.unwrap_or(ended_at));
            if begin >= end && begin < ended_at {
                return Err(DrawError::Reversed {
                    from: begin,
                    to: end,
                });
            }
            checked(whole(from, to), ended_at)
        }
        Frame::Around(Around::Anomaly(wanted)) => {
            let found = wanted.checked_sub(1).and_then(|index| findings.get(index));
            match found {
                Some(finding) => Ok(around_anomaly(session, finding)),
                None => Err(DrawError::NoSuchAnomaly {
                    wanted,
                    found: findings.len(),
                }),
            }
        }
        Frame::Around(Around::Fault(wanted)) => {
            let faults = begun_faults(session);
            let found = wanted.checked_sub(1).and_then(|index| faults.get(index));
            match found {
                Some(fault) => Ok(around_fault(session, fault)),
                None => Err(DrawError::NoSuchFault {
                    wanted,
                    found: faults.len(),
                }),
            }
        }
    }
}

fn checked(chosen: Chosen, ended_at: Instant) -> Result<Chosen, DrawError> {
    let Chosen { from, to, .. } = chosen;
    if from >= ended_at {
        return Err(DrawError::AfterTheEnd { from, ended_at });
    }
    if from >= to {
        return Err(DrawError::Reversed { from, to });
    }
    Ok(chosen)
}

fn begun_faults(session: &dyn Session) -> Vec<FaultView> {
    let window = Window {
        from: session.now(),
        to: session.now(),
        columns: 1,
        rows: 0,
    };
    let faults = session.view(window).faults.into_iter();
    faults.filter(|fault| fault.id.is_some()).collect()
}

/// The operations of the witness, a little around them, and what they set off as far as that is not much further.
fn around_anomaly(session: &dyn Session, finding: &Arc<AnomalyView>) -> Chosen {
    let operations = session.operations();
    let witness: Vec<_> = finding
        .operations
        .iter()
        .map(|id| &operations[id.index()])
        .collect();
    let begin = witness.iter().map(|operation| operation.invoked_at).min();
    let begin = begin.unwrap_or(finding.at);
    let ends = witness
        .iter()
        .filter_map(|operation| operation.completed.as_ref())
        .map(|completed| completed.at);
    let end = ends.max().unwrap_or(finding.at).max(begin);
    let hull = end.since(begin).as_nanos().max(1_000);
    let reach = end + Span::from_nanos(hull / 5 * 3);
    let invoked: Vec<EventId> = witness
        .iter()
        .map(|operation| operation.invoked_by)
        .collect();
    let end = last_arrival(session, &invoked, (end, reach)).unwrap_or(end);
    with_margins(session, (begin, end), Some(Arc::clone(finding)))
}

/// When the last message that goes back to one of these events arrives, of those that arrive between two instants.
fn last_arrival(
    session: &dyn Session,
    invoked: &[EventId],
    (after, reach): (Instant, Instant),
) -> Option<Instant> {
    let mut belongs = vec![false];
    let mut last = None;
    for event in session.events() {
        let starts = invoked.contains(&event.event);
        let is_timer = matches!(event.what, What::Timer { .. });
        let belongs_here = starts || (!is_timer && belongs[event.cause.0 as usize]);
        belongs.push(belongs_here);
        if event.at > reach {
            break;
        }
        if belongs_here && event.at > after && matches!(event.what, What::Deliver { .. }) {
            last = Some(event.at);
        }
    }
    last
}

/// A fault from its begin to its end, and what comes of it for a while after.
fn around_fault(session: &dyn Session, fault: &FaultView) -> Chosen {
    let until = fault.to.filter(|_| !fault.active).unwrap_or(session.now());
    let length = until.since(fault.from).as_nanos().max(1_000_000);
    let end = until + Span::from_nanos(length / 10);
    with_margins(session, (fault.from, end), None)
}

/// With a little around it, within the run.
fn with_margins(
    session: &dyn Session,
    (begin, end): (Instant, Instant),
    focus: Option<Arc<AnomalyView>>,
) -> Chosen {
    let margin = Span::from_nanos(end.since(begin).as_nanos() / 12 + 1_000);
    let from = Instant::from_nanos(begin.as_nanos().saturating_sub(margin.as_nanos()));
    let to = (end + margin)
        .min(session.now())
        .max(from + Span::from_nanos(1));
    Chosen { from, to, focus }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_around_the_first_or_a_later_one() {
        assert_eq!(Around::from_str("anomaly"), Ok(Around::Anomaly(1)));
        assert_eq!(Around::from_str("anomaly:12"), Ok(Around::Anomaly(12)));
        assert_eq!(Around::from_str("fault:2"), Ok(Around::Fault(2)));
        for text in [
            "",
            "anomaly:",
            "anomaly:0",
            "anomaly:-1",
            "crash",
            ":1",
            "fault:1:1",
        ] {
            assert!(Around::from_str(text).is_err(), "{text}");
        }
    }
}
