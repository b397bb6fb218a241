//! The screen as a function of the model. Nothing here reads a clock, a file or the run itself.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::actions::{self, Action, Context, Spec};
use crate::layout::{self, SMALLEST};
use crate::model::{Lab, Model, SPEEDS, Tone};
use crate::panels::{self, CATALOG, PanelId, catalog, overlays, put};
use crate::text;
use crate::theme::{self, Tint};

/// Draws the whole screen.
pub fn draw(model: &Model, frame: &mut Frame<'_>) {
    if !model.size.holds(SMALLEST) {
        draw_too_small(model, frame);
        return;
    }
    match &model.lab {
        Some(lab) => draw_lab(model, lab, frame),
        None => draw_catalog(model, frame),
    }
    if let Some(overlay) = &model.overlay {
        overlays::draw(model, overlay, frame);
    }
}

fn draw_too_small(model: &Model, frame: &mut Frame<'_>) {
    let size = model.size;
    let text = format!(
        "Seedbed needs at least {}x{}; this is {}x{}.",
        SMALLEST.width, SMALLEST.height, size.width, size.height
    );
    for (row, line) in text::wrap(&text, usize::from(size.width))
        .iter()
        .enumerate()
    {
        put(frame, size.area(), row as u16, &Line::from(line.as_str()));
    }
}

fn draw_catalog(model: &Model, frame: &mut Frame<'_>) {
    let [header, list, lesson, footer] = layout::catalog(model.size, model.catalog.entries.len());
    let first = Line::from(vec![
        Span::styled("Seedbed", model.theme.style(Tint::Accent)),
        Span::raw("  Plant a seed, grow the same failure every time."),
    ]);
    put(frame, header, 0, &first);
    let second = Line::styled(
        "Choose a scenario: enter opens it, / filters, ? shows all keys.",
        model.theme.style(Tint::Dim),
    );
    put(frame, header, 1, &second);
    catalog::draw_list(model, list, frame);
    catalog::draw_lesson(model, lesson, frame);
    draw_footer(model, footer, frame);
}

fn draw_lab(model: &Model, lab: &Lab, frame: &mut Frame<'_>) {
    let places = layout::lab(model.size, lab);
    draw_header(model, lab, places.header, frame);
    if let Some(tabs) = places.tabs {
        let shown = |id| places.find(id).is_some();
        put(frame, tabs, 0, &tab_line(model, lab, shown));
    }
    for (id, area) in &places.panels {
        panels::draw(*id, model, lab, *area, frame);
    }
    draw_footer(model, places.footer, frame);
}

fn draw_header(model: &Model, lab: &Lab, area: Rect, frame: &mut Frame<'_>) {
    let style = |tint| model.theme.style(tint);
    let view = &lab.view;
    let mut seed = format!("seed {}", view.seed);
    if area.width >= 100 {
        seed = format!("{seed}  digest {:016x}", lab.digest);
    }
    let room = usize::from(area.width).saturating_sub(text::width(&seed) + 11);
    let name = format!("{}  {}", view.scenario, view.title);
    let first = Line::from(vec![
        Span::styled("Seedbed  ", style(Tint::Accent)),
        Span::styled(text::left(&name, room), style(Tint::Strong)),
        Span::raw("  "),
        Span::styled(seed, style(Tint::Dim)),
    ]);
    put(frame, area, 0, &first);
    put(frame, area, 1, &status_line(model, lab));
}

/// Where we are in the run, and how its expectations stand.
fn status_line(model: &Model, lab: &Lab) -> Line<'static> {
    let style = |tint| model.theme.style(tint);
    let view = &lab.view;
    let (mark, tint) = match (lab.playing, &view.ended) {
        (true, _) => ("► playing", Tint::Good),
        (false, None) => ("■ paused", Tint::Doubtful),
        (false, Some(_)) => ("■ ended", Tint::Doubtful),
    };
    let duration = text::short(view.duration);
    let mut spans = vec![
        Span::styled(text::left(mark, 10), style(tint)),
        Span::raw(format!("at {}/s  ", SPEEDS[lab.speed])),
        Span::styled(view.now.to_string(), style(Tint::Strong)),
        Span::styled(
            format!(" of {duration}  step {} ", view.step),
            style(Tint::Dim),
        ),
    ];
    let room = usize::from(model.size.width).saturating_sub(Line::from(spans.clone()).width());
    spans.extend(expectations(model, lab, room));
    Line::from(spans)
}

/// How each expectation stands, or how many stand how, where there is no room for their words.
fn expectations(model: &Model, lab: &Lab, room: usize) -> Vec<Span<'static>> {
    let mut told = Vec::new();
    for expectation in &lab.view.expectations {
        let (glyph, tint) = theme::expectation(expectation.met);
        told.push(Span::styled(format!(" {glyph} "), model.theme.style(tint)));
        told.push(Span::raw(expectation.text.clone()));
    }
    if Line::from(told.clone()).width() <= room {
        return told;
    }
    let mut counted = vec![Span::styled(" expectations:", model.theme.style(Tint::Dim))];
    for (met, word) in [
        (Some(true), "met"),
        (Some(false), "not met"),
        (None, "open"),
    ] {
        let count = lab
            .view
            .expectations
            .iter()
            .filter(|e| e.met == met)
            .count();
        if count > 0 {
            let (glyph, tint) = theme::expectation(met);
            counted.push(Span::styled(format!(" {glyph} "), model.theme.style(tint)));
            counted.push(Span::raw(format!("{count} {word}")));
        }
    }
    counted
}

/// The names of all panels: reversed the one in focus, plain those shown, dim those that wait, of which only the number is
/// left where the width is small.
fn tab_line(model: &Model, lab: &Lab, shown: impl Fn(PanelId) -> bool) -> Line<'static> {
    let roomy = model.size.width >= 80;
    let mut spans = Vec::new();
    for panel in &CATALOG {
        let (focus, shown) = (panel.id == lab.focus, shown(panel.id));
        let mut name = panel.number.to_string();
        if roomy || focus || shown {
            name = format!("{name} {}", panel.title);
        }
        if panel.id == PanelId::Anomalies && !lab.view.anomalies.is_empty() {
            name = format!("{name} !{}", lab.view.anomalies.len());
        }
        let tint = match (focus, shown) {
            (true, _) => Tint::Selected,
            (false, true) => Tint::Plain,
            (false, false) => Tint::Dim,
        };
        spans.push(Span::styled(name, model.theme.style(tint)));
        spans.push(Span::raw("  "));
    }
    Line::from(spans)
}

fn draw_footer(model: &Model, area: Rect, frame: &mut Frame<'_>) {
    let notice = model.notice.as_ref().map(|notice| {
        let (glyph, tint) = match notice.tone {
            Tone::Plain => ("", Tint::Strong),
            Tone::Bad => ("! ", Tint::Bad),
        };
        let text = text::fit(&format!("{glyph}{}", notice.text), usize::from(area.width));
        Line::styled(text, model.theme.style(tint))
    });
    let last = area.height.saturating_sub(1);
    if let Some(line) = &notice {
        put(frame, area, 0, line);
    }
    if notice.is_none() || last > 0 {
        put(
            frame,
            area,
            last,
            &hint_line(model, model.context(), area.width),
        );
    }
}

/// The hints of a context, as many as there is room for; how to get help and how to leave always have room.
fn hint_line(model: &Model, context: Context, width: u16) -> Line<'static> {
    let lasting = |spec: &&Spec| matches!(spec.action, Action::Help | Action::Back);
    let hinted: Vec<&Spec> = actions::in_context(context)
        .filter(|s| s.hint.is_some())
        .collect();
    let needed = |spec: &Spec| text::width(&hint(spec).join(" ")) + 2;
    let mut room = usize::from(width);
    for spec in hinted.iter().filter(|s| lasting(s)) {
        room = room.saturating_sub(needed(spec));
    }
    let mut spans = Vec::new();
    for spec in hinted {
        if !lasting(&spec) {
            if needed(spec) > room {
                continue;
            }
            room -= needed(spec);
        }
        let [key, word] = hint(spec);
        spans.push(Span::styled(key, model.theme.style(Tint::Strong)));
        spans.push(Span::raw(" "));
        spans.push(Span::styled(word, model.theme.style(Tint::Dim)));
        spans.push(Span::raw("  "));
    }
    Line::from(spans)
}

fn hint(spec: &Spec) -> [String; 2] {
    [
        spec.keys[0].to_string(),
        spec.hint.unwrap_or_default().to_owned(),
    ]
}
