//! The catalog: the scenarios, and what the selected one teaches.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{first_shown, framed, put};
use crate::model::{Entry, Model};
use crate::text;
use crate::theme::Tint;

/// The list, with the filter in its title.
pub fn draw_list(model: &Model, area: Rect, frame: &mut Frame<'_>) {
    let catalog = &model.catalog;
    let shown = catalog.shown();
    let title = match (catalog.typing, catalog.filter.is_empty()) {
        (true, _) => format!(" Scenarios · filter: {}_ ", catalog.filter),
        (false, true) => format!(" Scenarios · {} ", shown.len()),
        (false, false) => format!(
            " Scenarios · {} that hold “{}” ",
            shown.len(),
            catalog.filter
        ),
    };
    let block = framed(model, &title, true, area.width);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    if shown.is_empty() {
        let line = Line::styled(
            "No scenario holds that. Esc shows all again.",
            model.theme.style(Tint::Dim),
        );
        put(frame, inner, 0, &line);
        return;
    }
    let names = shown
        .iter()
        .map(|e| text::width(&e.name))
        .max()
        .unwrap_or(0)
        .min(28);
    let room = usize::from(inner.height);
    let first = first_shown(catalog.selected, shown.len(), room);
    for (row, (index, entry)) in shown.iter().enumerate().skip(first).take(room).enumerate() {
        let selected = index == catalog.selected;
        let line = Line::from(vec![
            Span::raw(if selected { "► " } else { "  " }),
            Span::styled(
                text::left(&entry.name, names),
                model.theme.style(Tint::Strong),
            ),
            Span::raw("  "),
            Span::raw(entry.title.clone()),
        ]);
        put(frame, inner, row as u16, &line);
        if selected {
            let whole = Rect {
                y: inner.y + row as u16,
                height: 1,
                ..inner
            };
            frame
                .buffer_mut()
                .set_style(whole, model.theme.style(Tint::Selected));
        }
    }
}

/// The list's line at a row of the screen, as an index into the scenarios that are shown.
pub fn line_at(model: &Model, list: Rect, row: u16) -> Option<usize> {
    let count = model.catalog.shown().len();
    let room = usize::from(list.height.saturating_sub(2));
    let line = usize::from(row.checked_sub(list.y + 1)?);
    let index = first_shown(model.catalog.selected, count, room) + line;
    (line < room && index < count).then_some(index)
}

/// What the selected scenario teaches and expects.
pub fn draw_lesson(model: &Model, area: Rect, frame: &mut Frame<'_>) {
    let title = match model.catalog.current() {
        Some(entry) => format!(" {} ", entry.name),
        None => String::new(),
    };
    let block = framed(model, &title, false, area.width);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let Some(entry) = model.catalog.current() else {
        return;
    };
    let margin = Rect {
        x: inner.x + 1,
        width: inner.width.saturating_sub(2),
        ..inner
    };
    for (row, line) in lesson(model, entry, usize::from(margin.width))
        .iter()
        .enumerate()
    {
        put(frame, margin, row as u16, line);
    }
}

fn lesson(model: &Model, entry: &Entry, width: usize) -> Vec<Line<'static>> {
    let style = |tint| model.theme.style(tint);
    let mut lines: Vec<Line<'static>> = text::wrap(&entry.title, width)
        .into_iter()
        .map(|line| Line::styled(line, style(Tint::Strong)))
        .collect();
    lines.push(Line::styled(entry.chapter.clone(), style(Tint::Dim)));
    lines.push(Line::default());
    lines.extend(
        text::wrap(&entry.teaches, width)
            .into_iter()
            .map(Line::from),
    );
    let parts = [
        ("It expects", entry.expectations.join(", ")),
        ("Try next", entry.try_next.clone()),
    ];
    for (heading, told) in parts.iter().filter(|(_, told)| !told.is_empty()) {
        lines.push(Line::default());
        lines.push(Line::styled(*heading, style(Tint::Strong)));
        lines.extend(text::wrap(told, width).into_iter().map(Line::from));
    }
    lines
}
