//! The latest operations of the clients; those that prove an anomaly are marked.

use ratatui::Frame;
use ratatui::layout::Rect;
use seedbed_scenarios::view::OperationView;

use super::put;
use super::table::{self, Align, Column};
use crate::model::{Lab, Model};
use crate::text;
use crate::theme::{self, Tint};

const fn column(
    title: &'static str,
    width: u16,
    align: Align,
    rank: u8,
    cell: fn(&Lab, &OperationView) -> (String, Tint),
) -> Column<Lab, OperationView> {
    Column {
        title,
        width,
        align,
        fills: false,
        rank,
        cell,
    }
}

const COLUMNS: &[Column<Lab, OperationView>] = &[
    column("", 1, Align::Left, 0, |_, o| match o.in_witness {
        true => ("!".to_owned(), Tint::Bad),
        false => (String::new(), Tint::Plain),
    }),
    column("at ms", 8, Align::Right, 1, |_, o| {
        (text::millis(o.invoked_at), Tint::Dim)
    }),
    column("user", 8, Align::Left, 2, |_, o| {
        (o.user.clone(), Tint::Plain)
    }),
    column("does", 6, Align::Left, 0, |_, o| {
        (o.function.clone(), Tint::Strong)
    }),
    column("key", 6, Align::Left, 2, |_, o| {
        (o.key.clone(), Tint::Plain)
    }),
    column("", 1, Align::Left, 0, |_, o| {
        let (glyph, _, tint) = theme::operation_state(o.state);
        (glyph.to_owned(), tint)
    }),
    Column {
        title: "result",
        width: 9,
        align: Align::Left,
        fills: true,
        rank: 0,
        cell: |_, o| (o.result.clone(), Tint::Plain),
    },
    column("from", 10, Align::Left, 3, |_, o| {
        (o.replica.clone(), Tint::Plain)
    }),
    column("took", 7, Align::Right, 4, |_, o| match o.latency {
        Some(latency) => (text::short(latency), Tint::Dim),
        None => (String::new(), Tint::Plain),
    }),
];

pub(super) fn aside(lab: &Lab) -> String {
    match lab.scroll.operations {
        0 => "latest, ! proves an anomaly".to_owned(),
        back => format!("{back} back from the latest"),
    }
}

pub(super) fn draw(model: &Model, lab: &Lab, area: Rect, frame: &mut Frame<'_>) {
    let columns = table::chosen(COLUMNS, area.width);
    put(frame, area, 0, &table::heading(model, &columns));
    let room = usize::from(area.height.saturating_sub(1));
    let shown = latest(&lab.view.operations, lab.scroll.operations, room);
    for (row, operation) in shown.iter().enumerate() {
        put(
            frame,
            area,
            row as u16 + 1,
            &table::line(model, lab, operation, &columns),
        );
    }
}

/// The last `room` of a list, but for `back` at its end.
pub(super) fn latest<T>(list: &[T], back: u16, room: usize) -> &[T] {
    let last_end = list.len().min(room);
    let end = list.len().saturating_sub(usize::from(back)).max(last_end);
    &list[end.saturating_sub(room)..end]
}
