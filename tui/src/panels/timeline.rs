//! The whole run from left to right: anomalies as marks, faults as bars, and where we are.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use seedbed_scenarios::view::FaultView;
use seedbed_sim::Instant;

use super::{bars, put};
use crate::layout::GUTTER;
use crate::model::{Lab, Model};
use crate::text;
use crate::theme::Tint;

pub(super) fn aside(lab: &Lab) -> String {
    match lab.view.faults.len() {
        0 => "no faults".to_owned(),
        _ => "█ fault holds, ▒ over, ░ to come".to_owned(),
    }
}

pub(super) fn draw(model: &Model, lab: &Lab, area: Rect, frame: &mut Frame<'_>) {
    put(frame, area, 0, &anomaly_line(model, lab, area.width));
    let room = usize::from(area.height.saturating_sub(2));
    for (row, (name, faults)) in lanes(lab, room).iter().enumerate() {
        let line = lane_line(model, lab, name, faults, area.width);
        put(frame, area, row as u16 + 1, &line);
    }
    if area.height > 1 {
        put(frame, area, area.height - 1, &ruler(model, lab, area.width));
    }
    draw_play_head(model, lab, area, frame);
}

/// The instant that a column of the plot stands for: its left edge.
pub(crate) fn instant_at(lab: &Lab, column: u16, columns: u16) -> Instant {
    let end = u128::from(lab.end().as_nanos());
    let nanos = end * u128::from(column) / u128::from(columns.max(1));
    Instant::from_nanos(nanos as u64)
}

fn place(lab: &Lab, at: Instant, columns: u16) -> usize {
    usize::from(bars::place(at.as_nanos(), lab.end().as_nanos(), columns))
}

fn anomaly_line(model: &Model, lab: &Lab, width: u16) -> Line<'static> {
    let columns = width.saturating_sub(GUTTER);
    // How many are found in each column, and whether one of them is behind us.
    let mut found = vec![(0_usize, false); usize::from(columns)];
    for anomaly in &lab.known {
        if let Some((count, behind)) = found.get_mut(place(lab, anomaly.at, columns)) {
            *count += 1;
            *behind |= anomaly.step <= lab.view.step;
        }
    }
    let mut spans = vec![label(model, "anomalies")];
    for (count, behind) in found {
        let mark = match count {
            0 => " ".to_owned(),
            1 => "!".to_owned(),
            2..=9 => count.to_string(),
            _ => "#".to_owned(),
        };
        let tint = if behind { Tint::Bad } else { Tint::Dim };
        spans.push(Span::styled(mark, model.theme.style(tint)));
    }
    Line::from(spans)
}

/// The faults in as many lanes as there is room for: one each where that is possible, else the last lane takes the rest,
/// so that no fault is without a trace.
fn lanes(lab: &Lab, room: usize) -> Vec<(String, Vec<&FaultView>)> {
    let faults = &lab.view.faults;
    let alone = if faults.len() > room {
        room.saturating_sub(1)
    } else {
        faults.len()
    };
    let first = usize::from(lab.scroll.timeline).min(faults.len() - alone);
    let shown = first..first + alone;
    let mut lanes: Vec<(String, Vec<&FaultView>)> = faults[shown.clone()]
        .iter()
        .map(|fault| (fault.what.clone(), vec![fault]))
        .collect();
    let others = faults
        .iter()
        .enumerate()
        .filter(|(index, _)| !shown.contains(index));
    let others: Vec<&FaultView> = others.map(|(_, fault)| fault).collect();
    match others.len() {
        0 => {}
        count if alone == 0 => lanes.push((format!("{count} faults"), others)),
        count => lanes.push((format!("+{count} faults"), others)),
    }
    lanes
}

fn lane_line(
    model: &Model,
    lab: &Lab,
    name: &str,
    faults: &[&FaultView],
    width: u16,
) -> Line<'static> {
    let columns = width.saturating_sub(GUTTER);
    let mut spans = vec![label(model, name)];
    for column in 0..usize::from(columns) {
        let strongest = faults
            .iter()
            .filter_map(|fault| mark(lab, fault, column, columns))
            .max();
        let (glyph, tint) = match strongest {
            None => (" ", Tint::Plain),
            Some(Mark::ToCome) => ("░", Tint::Dim),
            Some(Mark::Over) => ("▒", Tint::Doubtful),
            Some(Mark::Holds) => ("█", Tint::Bad),
        };
        spans.push(Span::styled(glyph, model.theme.style(tint)));
    }
    Line::from(spans)
}

/// How a fault shows in a column; where several do, the greatest wins.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Mark {
    ToCome,
    Over,
    Holds,
}

fn mark(lab: &Lab, fault: &FaultView, column: usize, columns: u16) -> Option<Mark> {
    let until = place(lab, fault.to.unwrap_or(lab.end()), columns);
    if column < place(lab, fault.from, columns) || column > until {
        return None;
    }
    let behind = column <= place(lab, lab.view.now, columns);
    Some(match (fault.active, fault.from <= lab.view.now) {
        (true, _) if behind => Mark::Holds,
        (false, true) => Mark::Over,
        _ => Mark::ToCome,
    })
}

fn ruler(model: &Model, lab: &Lab, width: u16) -> Line<'static> {
    let columns = width.saturating_sub(GUTTER);
    let since = |at: Instant| text::short(at.since(Instant::ZERO));
    let (half, end) = (since(instant_at(lab, 1, 2)), since(lab.end()));
    let head = place(lab, lab.view.now, columns) as u16;
    let line = bars::axis(columns, '─', [Some("0"), Some(&half), Some(&end)], head);
    Line::from(vec![
        label(model, ""),
        Span::styled(line, model.theme.style(Tint::Dim)),
    ])
}

/// A line down through all rows where there is nothing else, and a mark on the ruler.
fn draw_play_head(model: &Model, lab: &Lab, area: Rect, frame: &mut Frame<'_>) {
    let columns = area.width.saturating_sub(GUTTER);
    if columns == 0 {
        return;
    }
    let x = area.x + GUTTER + place(lab, lab.view.now, columns) as u16;
    let style = model.theme.style(Tint::Accent);
    for row in 0..area.height {
        let y = area.y + row;
        let last = row + 1 == area.height;
        let buffer = frame.buffer_mut();
        if last {
            buffer.set_string(x, y, "▲", style);
        } else if buffer[(x, y)].symbol() == " " {
            buffer.set_string(x, y, "│", style);
        }
    }
}

fn label(model: &Model, name: &str) -> Span<'static> {
    let name = text::left(
        &text::fit(name, usize::from(GUTTER) - 1),
        usize::from(GUTTER),
    );
    Span::styled(name, model.theme.style(Tint::Plain))
}
