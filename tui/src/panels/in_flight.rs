//! Messages on their way, the soonest first: what will happen next.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use seedbed_scenarios::view::MessageView;

use super::put;
use super::table::{self, Align, Column};
use crate::model::{Lab, Model};
use crate::text;
use crate::theme::Tint;

const COLUMNS: &[Column<Lab, MessageView>] = &[
    Column {
        title: "arrives in",
        width: 10,
        align: Align::Right,
        fills: false,
        rank: 0,
        cell: |lab, m| (text::short(m.arrives_at.since(lab.view.now)), Tint::Plain),
    },
    Column {
        title: "link",
        width: 24,
        align: Align::Left,
        fills: false,
        rank: 0,
        cell: |lab, m| {
            let link = format!("{} → {}", lab.name(m.from), lab.name(m.to));
            (link, Tint::Strong)
        },
    },
    Column {
        title: "message",
        width: 10,
        align: Align::Left,
        fills: true,
        rank: 0,
        cell: |_, m| (m.kind.clone(), Tint::Plain),
    },
    Column {
        title: "left at ms",
        width: 10,
        align: Align::Right,
        fills: false,
        rank: 1,
        cell: |_, m| (text::millis(m.left_at), Tint::Dim),
    },
];

pub(super) fn aside(lab: &Lab) -> String {
    match lab.view.in_flight.len() {
        0 => String::new(),
        count => format!("{count}, soonest first"),
    }
}

pub(super) fn draw(model: &Model, lab: &Lab, area: Rect, frame: &mut Frame<'_>) {
    if lab.view.in_flight.is_empty() {
        let line = Line::styled("no message is on its way", model.theme.style(Tint::Dim));
        put(frame, area, 0, &line);
        return;
    }
    let columns = table::chosen(COLUMNS, area.width);
    put(frame, area, 0, &table::heading(model, &columns));
    let room = usize::from(area.height.saturating_sub(1));
    let first =
        usize::from(lab.scroll.in_flight).min(lab.view.in_flight.len().saturating_sub(room));
    for (row, message) in lab.view.in_flight.iter().skip(first).take(room).enumerate() {
        put(
            frame,
            area,
            row as u16 + 1,
            &table::line(model, lab, message, &columns),
        );
    }
}
