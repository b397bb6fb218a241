//! The latest events in words, each with the event that caused it.

use ratatui::Frame;
use ratatui::layout::Rect;
use seedbed_scenarios::view::LogLine;
use seedbed_sim::EventId;

use super::operations::latest;
use super::put;
use super::table::{self, Align, Column};
use crate::model::{Lab, Model};
use crate::text;
use crate::theme::Tint;

const fn column(
    title: &'static str,
    width: u16,
    rank: u8,
    fills: bool,
    cell: fn(&Lab, &LogLine) -> (String, Tint),
) -> Column<Lab, LogLine> {
    Column {
        title,
        width,
        align: Align::Left,
        fills,
        rank,
        cell,
    }
}

const COLUMNS: &[Column<Lab, LogLine>] = &[
    Column {
        title: "at ms",
        width: 8,
        align: Align::Right,
        fills: false,
        rank: 1,
        cell: |_, l| (text::millis(l.at), Tint::Dim),
    },
    column("event", 6, 3, false, |_, l| {
        (l.event.to_string(), Tint::Dim)
    }),
    column("after", 6, 3, false, |_, l| match l.cause {
        EventId::OUTSIDE => ("–".to_owned(), Tint::Dim),
        cause => (cause.to_string(), Tint::Dim),
    }),
    column("what", 14, 0, true, |_, l| (l.text.clone(), tint(&l.kind))),
];

/// How an event of a kind looks; the line's own words say the same.
fn tint(kind: &str) -> Tint {
    match kind {
        "drop" | "crash" | "halt" => Tint::Bad,
        "fault" | "lift" | "pause" => Tint::Doubtful,
        "restart" | "boot" | "resume" => Tint::Good,
        _ => Tint::Plain,
    }
}

pub(super) fn aside(lab: &Lab) -> String {
    match lab.scroll.trace {
        0 => "latest events".to_owned(),
        back => format!("{back} back from the latest"),
    }
}

pub(super) fn draw(model: &Model, lab: &Lab, area: Rect, frame: &mut Frame<'_>) {
    let columns = table::chosen(COLUMNS, area.width);
    put(frame, area, 0, &table::heading(model, &columns));
    let room = usize::from(area.height.saturating_sub(1));
    for (row, event) in latest(&lab.view.log, lab.scroll.trace, room)
        .iter()
        .enumerate()
    {
        put(
            frame,
            area,
            row as u16 + 1,
            &table::line(model, lab, event, &columns),
        );
    }
}
