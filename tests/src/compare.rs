//! Saying how two runs that should be one differ.

use seedbed_scenarios::session::Session;
use seedbed_scenarios::view::{LogLine, View, Window};
use seedbed_sim::Instant;

use crate::runs;

/// The first event at which the traces of two runs part, in words; `None` when they do not. Both must have been opened
/// with [`Keep::Everything`](seedbed_scenarios::session::Keep).
pub fn first_difference(one: &dyn Session, other: &dyn Session) -> Option<String> {
    let (mut ones, mut others) = (one.trace(), other.trace());
    let tell = |line: Option<&LogLine>| match line {
        Some(line) => format!(
            "event {} at {}, caused by event {}: {}",
            line.event.0, line.at, line.cause.0, line.text
        ),
        None => "nothing more".to_owned(),
    };
    loop {
        let pair = (ones.next(), others.next());
        match &pair {
            (None, None) => return None,
            (a, b) if a == b => {}
            (a, b) => {
                return Some(format!(
                    "one run:   {}\nthe other: {}",
                    tell(a.as_ref()),
                    tell(b.as_ref())
                ));
            }
        }
    }
}

/// Demands that two runs of one scenario and seed, driven differently, are at the same place and look the same there:
/// digest, position, time, report, and views of several windows.
///
/// # Panics
/// When they differ; the message says in what, and shows the first event that differs where both kept their events.
pub fn assert_same(what: &str, one: &dyn Session, other: &dyn Session) {
    if one.digest() != other.digest() {
        let difference = first_difference(one, other);
        panic!(
            "{what}: digests {:016x} and {:016x} differ\n{}",
            one.digest(),
            other.digest(),
            difference.unwrap_or_else(|| "the events that were kept are the same".to_owned())
        );
    }
    assert_eq!(one.position(), other.position(), "{what}: position");
    assert_eq!(one.now(), other.now(), "{what}: time");
    assert_eq!(one.is_over(), other.is_over(), "{what}: over");
    for window in windows(one) {
        assert_same_view(what, one.view(window), other.view(window));
    }
}

/// Demands that the reports of two runs are the same, byte for byte.
///
/// # Panics
/// When they differ.
pub fn assert_same_report(what: &str, one: &dyn Session, other: &dyn Session) {
    let (one, other) = (one.report(), other.report());
    assert_eq!(one.to_text(), other.to_text(), "{what}: report as text");
    assert_eq!(one.to_json(), other.to_json(), "{what}: report as JSON");
}

/// The whole run; a narrow strip in its middle; its end, and what has not come yet.
fn windows(run: &dyn Session) -> [Window; 3] {
    let now = run.now().as_nanos();
    let at = |per_mille: u64| Instant::from_nanos(now / 1000 * per_mille);
    let window = |from, to, columns, rows| Window {
        from,
        to,
        columns,
        rows,
    };
    [
        runs::everything(run),
        window(at(480), at(520), 7, 5),
        window(at(900), at(1100), 100, 12),
    ]
}

fn assert_same_view(what: &str, mut one: View, mut other: View) {
    // A run that keeps only the digest has no events to show.
    if one.log.is_empty() || other.log.is_empty() {
        one.log.clear();
        other.log.clear();
    }
    assert_eq!(one, other, "{what}: view");
}

/// What a failing test prints: how to see this run again.
pub fn replay(name: &str, seed: u64) -> String {
    format!("cargo run -p seedbed -- explore {name} --seed {seed}")
}
