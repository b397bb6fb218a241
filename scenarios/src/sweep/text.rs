//! A sweep's summary for people.

use seedbed_sim::Span;

use super::{Rate, Shortest, SpreadRow, Summary, Until, replay_command};
use crate::report::text::{COLUMNS, grouped, line, pad, paragraph, section, shorten, width};

pub(super) fn render(summary: &Summary) -> String {
    let mut out = String::new();
    head(&mut out, summary);
    verdicts(&mut out, summary);
    expectations(&mut out, summary);
    spreads(&mut out, summary);
    replays(&mut out, summary);
    out
}

fn head(out: &mut String, summary: &Summary) {
    let totals = summary.totals;
    let title = format!(
        "{}, seeds {}: {}",
        summary.scenario,
        summary.seeds,
        match summary.failing.count {
            0 => format!("none of {} runs fails", grouped(summary.runs)),
            count => format!("{} of {} runs fail", grouped(count), grouped(summary.runs)),
        }
    );
    paragraph(out, "", &title);
    line(out, &"=".repeat(width(&title).min(COLUMNS)));
    if summary.until == Until::First
        && let Some(first) = summary.first_failing
    {
        let words = format!("Seed {first} is the first that fails; the sweep ends there.");
        paragraph(out, "", &words);
    }
    let count = |ok, fail, info| {
        format!(
            "{} ok, {} failed, {} unknown",
            grouped(ok),
            grouped(fail),
            grouped(info)
        )
    };
    let rows = [
        (
            "failing",
            format!(
                "{} ({})",
                percent(summary.failing.share),
                interval(&summary.failing)
            ),
        ),
        ("events", grouped(totals.events)),
        (
            "virtual time",
            Span::from_nanos(totals.virtual_ns).to_string(),
        ),
        ("operations", count(totals.ok, totals.fail, totals.info)),
        (
            "stale reads",
            part(totals.stale_reads, totals.reads, "reads"),
        ),
        (
            "lost",
            part(totals.lost, totals.acknowledged, "acknowledged updates"),
        ),
        (
            "outages",
            match totals.outages {
                0 => "none".to_owned(),
                n => format!(
                    "{}, together {}",
                    grouped(n),
                    Span::from_nanos(totals.unavailable_ns)
                ),
            },
        ),
    ];
    line(out, "");
    for (name, value) in &rows {
        paragraph(out, &format!("{name:<14}"), value);
    }
}

fn part(count: u64, of: u64, what: &str) -> String {
    if of == 0 {
        return format!("no {what} to judge by");
    }
    let share = percent(count as f64 / of as f64);
    format!("{} of {} {what} ({share})", grouped(count), grouped(of))
}

fn verdicts(out: &mut String, summary: &Summary) {
    section(out, "Verdicts");
    let column = names(summary.verdicts.iter().map(|v| v.check.as_str()));
    line(
        out,
        &format!(
            "{}{:>10}{:>10}{:>12}   {:>8}  {}",
            pad("", column),
            "held",
            "violated",
            "not judged",
            "violated",
            "95 % interval"
        ),
    );
    for row in &summary.verdicts {
        line(
            out,
            &format!(
                "{}{:>10}{:>10}{:>12}   {:>8}  {}",
                pad(&row.check, column),
                grouped(row.held),
                grouped(row.violated.count),
                grouped(row.not_judged),
                match row.violated.of {
                    0 => String::new(),
                    _ => percent(row.violated.share),
                },
                interval(&row.violated)
            ),
        );
    }
}

fn expectations(out: &mut String, summary: &Summary) {
    if summary.expectations.is_empty() {
        return;
    }
    section(out, "Expectations");
    for row in &summary.expectations {
        let unmet = match row.unmet.count {
            0 => format!(
                "met in all {} runs; unmet in {}",
                grouped(row.unmet.of),
                interval(&row.unmet)
            ),
            count => format!(
                "NOT MET in {} of {} runs, {} ({})",
                grouped(count),
                grouped(row.unmet.of),
                percent(row.unmet.share),
                interval(&row.unmet)
            ),
        };
        paragraph(out, "", &format!("{}: {unmet}", row.expect));
    }
}

fn spreads(out: &mut String, summary: &Summary) {
    section(
        out,
        "Spread over runs: in half of them at most p50, and so on",
    );
    let column = names(summary.spreads.iter().map(|row| row.measure.as_str()));
    line(
        out,
        &format!(
            "{}{:>10}{:>15}{:>15}{:>15}{:>15}",
            pad("", column),
            "runs",
            "p50",
            "p90",
            "p99",
            "max"
        ),
    );
    for row in &summary.spreads {
        let mut text = format!("{}{:>10}", pad(&row.measure, column), grouped(row.runs));
        for value in [row.p50, row.p90, row.p99, row.max] {
            text.push_str(&format!("{:>15}", quantity(row, value)));
        }
        line(out, &text);
    }
}

fn quantity(row: &SpreadRow, value: u64) -> String {
    match row.unit {
        // Percentiles are known to three digits: more would be noise.
        "ns" => millis(value),
        "us" => millis(value.saturating_mul(1_000)),
        unit => {
            let unit = match value {
                1 => singular(unit),
                _ => unit,
            };
            format!("{} {unit}", grouped(value))
        }
    }
}

fn singular(unit: &str) -> &str {
    match unit {
        "entries" => "entry",
        plural => plural.strip_suffix('s').unwrap_or(plural),
    }
}

fn millis(nanos: u64) -> String {
    let micros = nanos.div_ceil(1_000);
    format!("{}.{:03} ms", grouped(micros / 1_000), micros % 1_000)
}

/// What to paste to see each thing that was found, in its shortest run.
fn replays(out: &mut String, summary: &Summary) {
    let mut lines: Vec<(String, Shortest)> = Vec::new();
    let failing = summary.shortest_failing.into_iter();
    lines.extend(failing.map(|run| ("a run that fails".to_owned(), run)));
    for row in &summary.expectations {
        lines.extend(
            row.shortest
                .map(|run| (format!("not met: {}", row.expect), run)),
        );
    }
    for row in &summary.verdicts {
        lines.extend(
            row.shortest
                .map(|run| (format!("violated: {}", row.check), run)),
        );
    }
    if lines.is_empty() {
        return;
    }
    section(out, "The shortest run of each kind, to paste");
    for (what, run) in lines {
        let events = grouped(run.events);
        line(
            out,
            &format!(
                "{}  # {what}, {events} events",
                replay_command(&summary.scenario, run.seed)
            ),
        );
    }
}

fn names<'a>(names: impl Iterator<Item = &'a str>) -> usize {
    names
        .map(|name| width(&shorten(name, 32)))
        .max()
        .unwrap_or(0)
}

/// A share in percent, with at least two significant digits.
fn percent(share: f64) -> String {
    let percent = share * 100.0;
    let digits = match percent {
        p if p == 0.0 || p == 100.0 => 0,
        p if p >= 10.0 => 1,
        p if p >= 1.0 => 2,
        p if p >= 0.01 => 3,
        _ => 6,
    };
    format!("{percent:.digits$} %")
}

fn interval(rate: &Rate) -> String {
    if rate.of == 0 {
        "none was judged".to_owned()
    } else if rate.count == 0 {
        format!("at most {}", percent(rate.high))
    } else if rate.count == rate.of {
        format!("at least {}", percent(rate.low))
    } else {
        format!("{} to {}", percent(rate.low), percent(rate.high))
    }
}
