//! The answer as a person reads it.

use std::fmt::Write as _;

use crate::checkers::Order;

use super::judges::implications;
use super::{Answer, Asked, Rung, Verdict};

impl Answer {
    /// Some lines, each with its end.
    pub fn to_text(&self) -> String {
        let mut text = self.heading();
        match (self.asked, self.rungs.as_slice()) {
            (Asked::One(_), [rung]) => {
                let _ = writeln!(text, "{rung}: {}", in_words(rung));
                tell(&mut text, rung);
            }
            (_, rungs) => ladder(&mut text, rungs),
        }
        text
    }

    fn heading(&self) -> String {
        let order = match self.order {
            Order::RealTime => "in real time",
            Order::Session => "in the order of each session",
        };
        let (events, operations) = (
            counted(self.events, "event"),
            counted(self.operations, "operation"),
        );
        format!(
            "{}: {events}, {operations}, {order}; model {}\n\n",
            self.file, self.model
        )
    }
}

fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

/// `holds`, `falls at line 12`, `undecided: …`.
fn in_words(rung: &Rung) -> String {
    let reason = rung.reason.as_deref();
    match rung.verdict {
        Verdict::Holds => {
            let since = reason.map_or_else(String::new, |reason| format!(", since {reason}"));
            format!("holds{since}")
        }
        Verdict::Violated => {
            let at = rung
                .culprit
                .map_or_else(String::new, |line| format!(" at line {line}"));
            let since = reason.map_or_else(String::new, |reason| format!(", since {reason}"));
            format!("falls{at}{since}")
        }
        Verdict::Undecided => format!("undecided: {}", reason.unwrap_or("nobody knows why")),
    }
}

fn ladder(text: &mut String, rungs: &[Rung]) {
    let width = rungs
        .iter()
        .map(|rung| rung.guarantee.len())
        .max()
        .unwrap_or(0);
    for rung in rungs {
        let _ = writeln!(text, "{:width$}  {}", rung.guarantee, in_words(rung));
    }
    // Whatever falls by itself is a story of its own; the weakest says the most.
    let told = rungs
        .iter()
        .find(|rung| rung.verdict == Verdict::Violated && rung.reason.is_none());
    if let Some(rung) = told {
        let _ = writeln!(text, "\nHow {} falls:", rung.guarantee);
        tell(text, rung);
    }
    if implications().is_empty() {
        return;
    }
    let _ = writeln!(text, "\nWhat implies what:");
    for [stronger, weaker] in implications() {
        let _ = writeln!(text, "  {stronger} => {weaker}");
    }
}

fn tell(text: &mut String, rung: &Rung) {
    if rung.story.is_empty() {
        return;
    }
    text.push('\n');
    for line in &rung.story {
        let _ = writeln!(text, "  {line}");
    }
    if !rung.witness.is_empty() {
        let lines: Vec<String> = rung.witness.iter().map(u64::to_string).collect();
        let _ = writeln!(
            text,
            "\n  The proof stands on the lines {}.",
            lines.join(", ")
        );
    }
}
