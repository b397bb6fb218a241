//! A history that was judged, as a picture.

use crate::draw::Theme;
use crate::draw::timeline::{self, FaultMark, Moment, Timeline};
use crate::import;

use super::{Answer, Case, Verdict};

/// The timeline of the history, as an SVG document: around what proves that the strongest guarantee that fell did, if any
/// fell, or else from the beginning.
pub fn picture(case: &Case<'_>, answer: &Answer, theme: Theme) -> String {
    let fell = |rung: &&super::Rung| rung.verdict == Verdict::Violated && rung.proof.is_some();
    let rung = answer.rungs().iter().rfind(fell);
    let faults = marks(&case.imported.faults);
    timeline::svg(
        &Timeline {
            history: &case.imported.history,
            title: case.file,
            fallen: rung.and_then(|rung| Some((rung.guarantee, rung.proof.as_deref()?))),
            clock: case.clock(),
            faults: &faults,
        },
        theme,
    )
}

/// What began with a line that says `start…` holds until the next line that says `stop…` of the same; all else is a mark
/// of a moment.
fn marks(lines: &[import::FaultMark]) -> Vec<FaultMark> {
    let moment = |mark: &import::FaultMark| Moment {
        place: mark.before,
        at: mark.at,
    };
    let mut marks = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let word = line.what.split_whitespace().next().unwrap_or_default();
        let to = match word.strip_prefix("start") {
            None => Some(moment(line)),
            Some(what) => {
                let end = format!("stop{what}");
                let mut later = lines[index + 1..].iter();
                later
                    .find(|later| later.what.split_whitespace().next() == Some(&end))
                    .map(moment)
            }
        };
        marks.push(FaultMark {
            what: line.what.clone(),
            from: moment(line),
            to,
        });
    }
    marks
}

#[cfg(test)]
mod tests {
    use seedbed_sim::Instant;

    use super::*;
    use crate::history::Place;

    fn line(number: u32, what: &str) -> import::FaultMark {
        import::FaultMark {
            line: number as usize,
            before: Place(number),
            at: Instant::from_millis(u64::from(number)),
            what: what.to_owned(),
        }
    }

    #[test]
    fn what_starts_holds_until_it_stops() {
        let lines = [
            line(1, "start-partition {\"n1\" #{\"n2\"}}"),
            line(2, "kill n3"),
            line(3, "start-skew n1"),
            line(4, "stop-partition"),
        ];
        let marks = marks(&lines);
        let ends: Vec<Option<u32>> = marks
            .iter()
            .map(|mark| mark.to.as_ref().map(|to| to.place.0))
            .collect();
        assert_eq!(ends, [Some(4), Some(2), None, Some(4)]);
    }
}
