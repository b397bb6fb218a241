//! The report for people.

use std::fmt::Write as _;

use seedbed_sim::{Instant, Span};

use super::{Latency, Report, VerdictReport};

/// Lines are at most so wide.
pub(crate) const COLUMNS: usize = 100;

pub(super) fn render(report: &Report) -> String {
    let mut out = String::new();
    head(&mut out, report);
    summary(&mut out, report);
    nemeses(&mut out, report);
    faults(&mut out, report);
    verdicts(&mut out, report);
    latencies(&mut out, report);
    lag(&mut out, report);
    measures(&mut out, report);
    warnings(&mut out, report);
    expectations(&mut out, report);
    out
}

fn head(out: &mut String, report: &Report) {
    paragraph(out, "", &report.title);
    line(out, &"=".repeat(width(&report.title).min(COLUMNS)));
    if !report.chapter.is_empty() {
        paragraph(out, "", &report.chapter);
    }
    if !report.teaches.is_empty() {
        for text in report.teaches.trim().split("\n\n") {
            line(out, "");
            paragraph(out, "", text);
        }
    }
}

fn summary(out: &mut String, report: &Report) {
    let operations = report.operations;
    let rows = [
        ("scenario", report.scenario.clone()),
        ("seed", report.seed.to_string()),
        ("digest", report.digest.clone()),
        ("virtual time", millis(report.virtual_ms)),
        ("ended", report.ended.clone()),
        ("events", grouped(report.events)),
        (
            "operations",
            format!(
                "{} ok, {} failed, {} unknown",
                grouped(operations.ok),
                grouped(operations.fail),
                grouped(operations.info)
            ),
        ),
    ];
    line(out, "");
    for (name, value) in rows.iter().filter(|(_, value)| !value.is_empty()) {
        paragraph(out, &format!("{name:<14}"), value);
    }
}

fn nemeses(out: &mut String, report: &Report) {
    if report.nemeses.is_empty() {
        return;
    }
    section(out, "Nemeses, as this seed drew them");
    let names = report.nemeses.iter().map(|it| width(&it.name)).max();
    for nemesis in &report.nemeses {
        let name = pad(&nemesis.name, names.unwrap_or(0));
        let faults = match nemesis.faults {
            1 => "1 fault".to_owned(),
            count => format!("{count} faults"),
        };
        let kinds = nemesis.kinds.join(", ");
        let text = format!("{faults}, about {} a minute: {kinds}", nemesis.per_minute);
        paragraph(out, &format!("{name}  "), &text);
    }
}

fn faults(out: &mut String, report: &Report) {
    if report.faults.is_empty() {
        return;
    }
    section(out, "Faults");
    for fault in &report.faults {
        let to = fault
            .to_ms
            .map_or_else(|| "the end".to_owned(), |ms| clock(ms).trim().to_owned());
        let when = format!("{} to {to:>14}", clock(fault.from_ms));
        paragraph(out, &format!("{when}  "), &fault.fault);
    }
}

fn verdicts(out: &mut String, report: &Report) {
    if report.verdicts.is_empty() {
        return;
    }
    section(out, "Verdicts");
    let names = report.verdicts.iter().map(|v| width(&v.check)).max();
    for verdict in &report.verdicts {
        let name = pad(&verdict.check, names.unwrap_or(0));
        paragraph(out, &format!("{name}  "), &judgement(verdict));
    }
    for verdict in report.verdicts.iter().filter(|v| !v.story.is_empty()) {
        line(out, "");
        paragraph(out, "", &format!("{}: {}.", verdict.check, verdict.summary));
        for text in &verdict.story {
            story_line(out, text);
        }
    }
}

fn judgement(verdict: &VerdictReport) -> String {
    match verdict.holds {
        Some(true) => "holds".to_owned(),
        None => format!(
            "{}: {}",
            if verdict.undecided {
                "undecided"
            } else {
                "not judged"
            },
            verdict.reason.as_deref().unwrap_or("no reason was given")
        ),
        Some(false) => {
            let times = match verdict.violations {
                1 => "once".to_owned(),
                2 => "twice".to_owned(),
                n => format!("{} times", grouped(n)),
            };
            let at = verdict.at_ms.map_or(0.0, |ms| ms);
            format!("VIOLATED {times}, first seen at {}", clock(at).trim())
        }
    }
}

/// A line of a story hangs below its clock, so that the times stand in a column of their own.
fn story_line(out: &mut String, text: &str) {
    let (first, rest) = match text.find(" ms  ") {
        Some(end)
            if text[..end]
                .trim()
                .bytes()
                .all(|b| b.is_ascii_digit() || b == b'.') =>
        {
            text.split_at(end + " ms  ".len())
        }
        _ => ("", text),
    };
    paragraph(out, &format!("  {first}"), rest);
}

fn latencies(out: &mut String, report: &Report) {
    if report.latencies.is_empty() {
        return;
    }
    section(
        out,
        "Latency of acknowledged operations, from when they were meant to begin",
    );
    let names: Vec<String> = report.latencies.iter().map(latency_name).collect();
    let column = names.iter().map(|n| width(n)).max().unwrap_or(0);
    line(
        out,
        &format!(
            "{}  {:>10}{:>12}{:>12}{:>12}{:>12}",
            pad("", column),
            "count",
            "p50",
            "p90",
            "p99",
            "max"
        ),
    );
    for (name, latency) in names.iter().zip(&report.latencies) {
        let mut row = format!("{}  {:>10}", pad(name, column), grouped(latency.count));
        for micros in [
            latency.p50_us,
            latency.p90_us,
            latency.p99_us,
            latency.max_us,
        ] {
            let _ = write!(row, "{:>12}", micros_in_millis(micros));
        }
        line(out, &row);
    }
}

fn latency_name(latency: &Latency) -> String {
    match &latency.load {
        None => latency.f.clone(),
        Some(load) => format!("{}, {}", shorten(load, 24), latency.f),
    }
}

fn lag(out: &mut String, report: &Report) {
    if report.lag.is_empty() {
        return;
    }
    section(out, "Follower lag at its worst");
    let names: Vec<String> = report.lag.iter().map(|l| shorten(&l.node, 32)).collect();
    let column = names.iter().map(|n| width(n)).max().unwrap_or(0);
    for (name, lag) in names.iter().zip(&report.lag) {
        let entries = match lag.entries_max {
            1 => "1 entry".to_owned(),
            n => format!("{} entries", grouped(n)),
        };
        let name = pad(name, column);
        line(
            out,
            &format!("{name}  {entries:>18}  {:>14}", millis(lag.ms_max)),
        );
    }
}

fn measures(out: &mut String, report: &Report) {
    section(out, "What clients saw of it");
    let stale = match report.staleness {
        None => "not measured: a value was written twice".to_owned(),
        Some(measured) if measured.stale == 0 => {
            format!("none of {} reads", grouped(measured.reads))
        }
        Some(measured) => format!(
            "{} of {} reads, at worst {} and {} behind",
            grouped(measured.stale),
            grouped(measured.reads),
            plural(measured.versions.max, "version"),
            Span::from_micros(measured.time_us.max)
        ),
    };
    let availability = report.availability;
    let outages = match availability.outages {
        0 => "none".to_owned(),
        1 => format!("one, {}", Span::from_nanos(availability.unavailable_ns)),
        n => format!(
            "{}, together {}, the longest {}",
            grouped(n),
            Span::from_nanos(availability.unavailable_ns),
            Span::from_nanos(availability.longest_outage_ns)
        ),
    };
    let lost = match report.loss {
        None => "not measured: the replicas did not settle".to_owned(),
        Some(loss) => format!(
            "{} of {}",
            if loss.lost == 0 {
                "none".to_owned()
            } else {
                grouped(loss.lost)
            },
            plural(loss.acknowledged, "acknowledged update")
        ),
    };
    for (name, text) in [("stale", stale), ("outages", outages), ("lost", lost)] {
        paragraph(out, &format!("{name:<9}"), &text);
    }
}

/// `1 version`, `2 versions`.
fn plural(count: u64, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        n => format!("{} {what}s", grouped(n)),
    }
}

fn warnings(out: &mut String, report: &Report) {
    if report.warnings.is_empty() {
        return;
    }
    section(out, "Warnings");
    for warning in &report.warnings {
        paragraph(out, "- ", warning);
    }
}

fn expectations(out: &mut String, report: &Report) {
    if report.expectations.is_empty() {
        return;
    }
    section(out, "Expectations");
    for expectation in &report.expectations {
        let mark = match expectation.met {
            Some(true) => "met         ",
            Some(false) => "NOT MET     ",
            None => "NOT JUDGED  ",
        };
        let text = if expectation.found.is_empty() || expectation.met == Some(true) {
            expectation.expect.clone()
        } else {
            format!("{}; found: {}", expectation.expect, expectation.found)
        };
        paragraph(out, mark, &text);
    }
    line(out, "");
    let status = report.exit_status();
    let words = if report.expectations_hold() {
        "The run did what the scenario expects"
    } else {
        "The run did not do what the scenario expects"
    };
    line(out, &format!("{words} (exit status {status})."));
}

pub(crate) fn section(out: &mut String, title: &str) {
    line(out, "");
    line(out, title);
    line(out, &"-".repeat(width(title)));
}

pub(crate) fn line(out: &mut String, text: &str) {
    out.push_str(text.trim_end());
    out.push('\n');
}

/// Words, broken at the last column; later lines hang below the first word.
pub(crate) fn paragraph(out: &mut String, first: &str, text: &str) {
    let indent = width(first);
    let mut current = first.to_owned();
    let mut is_fresh = true;
    for word in text
        .split_whitespace()
        .flat_map(|w| pieces(w, COLUMNS - indent))
    {
        let gap = usize::from(!is_fresh);
        if !is_fresh && width(&current) + gap + width(&word) > COLUMNS {
            line(out, &current);
            current = " ".repeat(indent);
            is_fresh = true;
        }
        if !is_fresh {
            current.push(' ');
        }
        current.push_str(&word);
        is_fresh = false;
    }
    line(out, &current);
}

/// A word longer than a line is cut into lines.
fn pieces(word: &str, room: usize) -> Vec<String> {
    let chars: Vec<char> = word.chars().collect();
    chars
        .chunks(room.max(1))
        .map(|chunk| chunk.iter().collect())
        .collect()
}

pub(crate) fn width(text: &str) -> usize {
    text.chars().count()
}

pub(crate) fn pad(text: &str, columns: usize) -> String {
    format!("{text:<columns$}")
}

pub(crate) fn shorten(text: &str, chars_max: usize) -> String {
    if width(text) <= chars_max {
        return text.to_owned();
    }
    let cut: String = text.chars().take(chars_max - 1).collect();
    format!("{cut}…")
}

/// `1,234,567`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// An instant, in a column: `     12.300 ms`.
fn clock(ms: f64) -> String {
    format!("{:>14}", Instant::from_nanos(nanos(ms)).to_string())
}

/// A length of time: `1.25 s`.
fn millis(ms: f64) -> String {
    Span::from_nanos(nanos(ms)).to_string()
}

fn micros_in_millis(micros: u64) -> String {
    format!("{}.{:03} ms", micros / 1_000, micros % 1_000)
}

/// Milliseconds carry nanoseconds up to a few weeks of virtual time exactly enough to be rounded back.
fn nanos(ms: f64) -> u64 {
    (ms * 1e6).round() as u64
}
