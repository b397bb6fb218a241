//! How far each follower is behind, over time: one band of bars each, all to one scale.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use seedbed_scenarios::view::LagSeries;
use seedbed_sim::Instant;

use super::{bars, put};
use crate::layout::GUTTER;
use crate::model::{Lab, LagUnit, Model};
use crate::text;
use crate::theme::Tint;

pub(super) fn aside(lab: &Lab) -> String {
    let most = largest(lab);
    let (unit, most) = match lab.lag_unit {
        LagUnit::Entries => ("entries behind", most.to_string()),
        LagUnit::Time => (
            "time behind",
            text::short(seedbed_sim::Span::from_nanos(most)),
        ),
    };
    format!("{unit}, full height {most}, × down")
}

pub(super) fn draw(model: &Model, lab: &Lab, area: Rect, frame: &mut Frame<'_>) {
    let series = &lab.view.lag;
    if series.is_empty() {
        let line = Line::styled("no followers here", model.theme.style(Tint::Dim));
        put(frame, area, 0, &line);
        return;
    }
    let rows_for_bands = area.height.saturating_sub(1).max(1);
    let bands = (series.len() as u16).min(rows_for_bands);
    let height = rows_for_bands / bands;
    let most = largest(lab);
    for (index, one) in series.iter().take(usize::from(bands)).enumerate() {
        let band = Rect {
            y: area.y + index as u16 * height,
            height,
            ..area
        };
        draw_band(model, lab, one, most, band, frame);
    }
    let hidden = series.len() - usize::from(bands);
    draw_axis(model, lab, hidden, area, frame);
}

fn draw_band(
    model: &Model,
    lab: &Lab,
    series: &LagSeries,
    most: u64,
    band: Rect,
    frame: &mut Frame<'_>,
) {
    let style = |tint| model.theme.style(tint);
    // A gap of one line between bands, where there is room for it.
    let rows = if band.height > 2 {
        band.height - 1
    } else {
        band.height
    };
    let columns = usize::from(band.width.saturating_sub(GUTTER));
    let values = values(series, lab.lag_unit);
    let reached = reached(lab, values.len());
    let latest = latest(lab, series);
    for row in 0..rows {
        let bottom = row + 1 == rows;
        let label = match (rows, bottom) {
            (1, _) => {
                let room = usize::from(GUTTER).saturating_sub(text::width(&latest) + 2);
                format!("{} {latest}", text::left(&series.name, room))
            }
            (_, true) => text::right(&latest, usize::from(GUTTER) - 1),
            _ if row == 0 => series.name.clone(),
            _ => String::new(),
        };
        let mut spans = vec![Span::styled(
            text::left(&label, usize::from(GUTTER)),
            style(Tint::Plain),
        )];
        for (column, value) in values.iter().take(columns).enumerate() {
            spans.push(match value {
                Some(0) if bottom => Span::styled("·", style(Tint::Dim)),
                Some(value) => {
                    Span::styled(bars::cell(*value, most, row, rows), style(Tint::Accent))
                }
                None if bottom && column < reached => Span::styled("×", style(Tint::Bad)),
                None => Span::raw(" "),
            });
        }
        put(frame, band, row, &Line::from(spans));
    }
}

/// From when to when, with a mark for now.
fn draw_axis(model: &Model, lab: &Lab, hidden: usize, area: Rect, frame: &mut Frame<'_>) {
    let (from, to) = lab.stretch();
    let columns = area.width.saturating_sub(GUTTER);
    let now = bars::place(
        lab.view.now.since(from).as_nanos(),
        to.since(from).as_nanos(),
        columns,
    );
    let ends = [from, to].map(|at| text::short(at.since(Instant::ZERO)));
    let axis = bars::axis(columns, ' ', [Some(&ends[0]), None, Some(&ends[1])], now);
    let label = if hidden > 0 {
        format!("+{hidden} more")
    } else {
        String::new()
    };
    let line = Line::from(vec![
        Span::raw(text::left(&label, usize::from(GUTTER))),
        Span::styled(axis, model.theme.style(Tint::Dim)),
    ]);
    let row = area.height.saturating_sub(1);
    put(frame, area, row, &line);
    if columns > 0 && area.height > 1 {
        let style = model.theme.style(Tint::Accent);
        frame
            .buffer_mut()
            .set_string(area.x + GUTTER + now, area.y + row, "▲", style);
    }
}

/// One value a column, in the unit that was chosen.
fn values(series: &LagSeries, unit: LagUnit) -> Vec<Option<u64>> {
    match unit {
        LagUnit::Entries => series.entries.clone(),
        LagUnit::Time => series
            .time
            .iter()
            .map(|t| t.map(seedbed_sim::Span::as_nanos))
            .collect(),
    }
}

fn largest(lab: &Lab) -> u64 {
    let all = lab
        .view
        .lag
        .iter()
        .flat_map(|series| values(series, lab.lag_unit));
    all.flatten().max().unwrap_or(0)
}

/// How many columns of a chart the run has got to.
fn reached(lab: &Lab, columns: usize) -> usize {
    let (from, to) = (lab.view.window.from, lab.view.window.to);
    if lab.view.now < from {
        return 0;
    }
    let columns = u16::try_from(columns).unwrap_or(u16::MAX);
    usize::from(bars::place(
        lab.view.now.since(from).as_nanos(),
        to.since(from).as_nanos(),
        columns,
    )) + 1
}

/// How far the follower is behind now, in words.
fn latest(lab: &Lab, series: &LagSeries) -> String {
    let node = lab.view.nodes.iter().find(|n| n.id == series.node);
    match (lab.lag_unit, node) {
        (LagUnit::Entries, Some(n)) => {
            n.lag_entries.map_or("–".to_owned(), |lag| lag.to_string())
        }
        (LagUnit::Time, Some(n)) => n.lag_time.map_or("–".to_owned(), text::short),
        (_, None) => "–".to_owned(),
    }
}
