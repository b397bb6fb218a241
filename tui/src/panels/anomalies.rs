//! The guarantees that fell, as they are found, and what the scenario expects.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{first_shown, put};
use crate::model::{Lab, Model};
use crate::text;
use crate::theme::{self, Tint};

pub(super) fn aside(lab: &Lab) -> String {
    let ahead = lab.known.len() - lab.view.anomalies.len().min(lab.known.len());
    match (lab.view.anomalies.len(), ahead) {
        (0, 0) => "none so far".to_owned(),
        (now, 0) => format!("{now} so far, enter tells the story"),
        (now, ahead) => format!("{now} so far, {ahead} ahead"),
    }
}

pub(super) fn draw(model: &Model, lab: &Lab, area: Rect, frame: &mut Frame<'_>) {
    let room = usize::from(area.height);
    let shown = lab.known.len().min(room);
    let first = first_shown(lab.anomaly, lab.known.len(), shown);
    for (row, (index, anomaly)) in lab
        .known
        .iter()
        .enumerate()
        .skip(first)
        .take(shown)
        .enumerate()
    {
        let ahead = anomaly.step > lab.view.step;
        let selected = index == lab.anomaly;
        let summary = if ahead { Tint::Dim } else { Tint::Plain };
        let line = Line::from(vec![
            Span::styled(
                if selected { "► " } else { "  " },
                model.theme.style(Tint::Accent),
            ),
            Span::styled(
                format!("{} ", text::right(&text::millis(anomaly.at), 8)),
                model.theme.style(Tint::Dim),
            ),
            Span::styled(
                format!(
                    "{} {} ",
                    if ahead { "ahead:" } else { "!" },
                    text::abbreviated(&anomaly.guarantee, usize::from(area.width))
                ),
                model.theme.style(if ahead { Tint::Dim } else { Tint::Bad }),
            ),
            Span::styled(anomaly.summary.clone(), model.theme.style(summary)),
        ]);
        put(frame, area, row as u16, &line);
    }
    draw_expectations(model, lab, shown, area, frame);
}

/// What the scenario expects, at the foot, as far as there is room.
fn draw_expectations(model: &Model, lab: &Lab, taken: usize, area: Rect, frame: &mut Frame<'_>) {
    let room = usize::from(area.height) - taken;
    let count = lab.view.expectations.len().min(room);
    let first = usize::from(area.height) - count;
    for (row, expectation) in lab.view.expectations.iter().take(count).enumerate() {
        let (glyph, tint) = theme::expectation(expectation.met);
        let line = Line::from(vec![
            Span::styled(format!("{glyph} "), model.theme.style(tint)),
            Span::styled(
                format!(
                    "expected: {}",
                    text::abbreviated(&expectation.text, usize::from(area.width))
                ),
                model.theme.style(Tint::Dim),
            ),
        ]);
        put(frame, area, (first + row) as u16, &line);
    }
}
