//! What lies over the screen: help, palette, the choice of a link, an anomaly's story.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Clear;

use super::{first_shown, framed, put};
use crate::actions::{self, Context, Key, Spec};
use crate::layout;
use crate::model::{DELAYS, FaultChooser, Lab, LinkChoice, Model, Overlay, Picker, Purpose};
use crate::text;
use crate::theme::Tint;
use crate::update;

/// Draws what lies over the screen.
pub fn draw(model: &Model, overlay: &Overlay, frame: &mut Frame<'_>) {
    match overlay {
        Overlay::Help { scroll } => draw_help(model, *scroll, frame),
        Overlay::Palette { query, selected } => draw_palette(model, query, *selected, frame),
        Overlay::Picker(picker) => draw_picker(model, picker, frame),
        Overlay::Faults(chooser) => draw_faults(model, chooser, frame),
        Overlay::Story { anomaly, scroll } => draw_story(model, *anomaly, *scroll, frame),
    }
}

/// A framed box in the middle; returns the space inside.
fn boxed(model: &Model, title: &str, width: u16, lines: usize, frame: &mut Frame<'_>) -> Rect {
    let height = u16::try_from(lines + 2).unwrap_or(u16::MAX);
    // The footer stays free, since its hints say how to go on.
    let most = model.size.height.saturating_sub(2);
    let area = layout::centred(model.size, width, height.min(most));
    let block = framed(model, title, true, area.width);
    let inner = block.inner(area);
    frame.render_widget(Clear, area);
    frame.render_widget(block, area);
    Rect {
        x: inner.x + 1,
        width: inner.width.saturating_sub(2),
        ..inner
    }
}

/// Every key of every context, that of the screen below first.
pub fn help_lines(model: &Model) -> Vec<Line<'static>> {
    let style = |tint| model.theme.style(tint);
    let mut contexts = Context::ALL.to_vec();
    contexts.sort_by_key(|context| *context != model.screen());
    let mut lines = Vec::new();
    for context in contexts {
        if !lines.is_empty() {
            lines.push(Line::default());
        }
        lines.push(Line::styled(context.title(), style(Tint::Accent)));
        for spec in actions::in_context(context) {
            lines.push(Line::from(vec![
                Span::styled(text::left(&keys(spec), 16), style(Tint::Strong)),
                Span::raw(spec.description),
            ]));
        }
    }
    lines
}

/// The keys of an action, as the help prints them.
pub fn keys(spec: &Spec) -> String {
    let keys: Vec<String> = spec.keys.iter().map(Key::to_string).collect();
    keys.join(" ")
}

fn draw_help(model: &Model, scroll: u16, frame: &mut Frame<'_>) {
    let lines = help_lines(model);
    let title = match help_scroll_most(model) {
        0 => " Keys ".to_owned(),
        most if scroll >= most => " Keys · ↑ for more ".to_owned(),
        _ => " Keys · ↓ for more ".to_owned(),
    };
    let inner = boxed(model, &title, 100, lines.len(), frame);
    for row in 0..inner.height {
        if let Some(line) = lines.get(usize::from(row + scroll)) {
            put(frame, inner, row, line);
        }
    }
}

/// How many lines the help can be scrolled by.
pub fn help_scroll_most(model: &Model) -> u16 {
    let shown = model.size.height.saturating_sub(4);
    let lines = u16::try_from(help_lines(model).len()).unwrap_or(u16::MAX);
    lines.saturating_sub(shown)
}

fn draw_palette(model: &Model, query: &str, selected: usize, frame: &mut Frame<'_>) {
    let found = actions::palette(model.screen(), query);
    let lines = found.len().clamp(1, 14) + 1;
    let inner = boxed(model, " Commands ", 76, lines, frame);
    let prompt = Line::from(vec![
        Span::styled(": ", model.theme.style(Tint::Accent)),
        Span::raw(format!("{query}_")),
    ]);
    put(frame, inner, 0, &prompt);
    if found.is_empty() {
        put(
            frame,
            inner,
            1,
            &Line::styled("nothing is called that", model.theme.style(Tint::Dim)),
        );
    }
    let room = usize::from(inner.height.saturating_sub(1));
    let first = first_shown(selected, found.len(), room);
    for (row, (index, spec)) in found.iter().enumerate().skip(first).take(room).enumerate() {
        let title = text::left(spec.title, usize::from(inner.width).saturating_sub(18));
        let line = Line::from(vec![
            Span::raw(if index == selected { "► " } else { "  " }),
            Span::raw(title),
            Span::styled(text::right(&keys(spec), 16), model.theme.style(Tint::Dim)),
        ]);
        put(frame, inner, row as u16 + 1, &line);
    }
}

/// The kinds that the query finds, and at the bottom what the selected one does and what would be injected.
fn draw_faults(model: &Model, chooser: &FaultChooser, frame: &mut Frame<'_>) {
    const BELOW: usize = 5;
    let Some(lab) = &model.lab else {
        return;
    };
    let style = |tint| model.theme.style(tint);
    let found = chooser.found();
    let title = format!(" A fault for {} ", lab.name(chooser.node));
    let lines = found.len().clamp(1, 12) + 1 + BELOW;
    let inner = boxed(model, &title, 76, lines, frame);
    let prompt = Line::from(vec![
        Span::styled("/ ", style(Tint::Accent)),
        Span::raw(format!("{}_", chooser.query)),
    ]);
    put(frame, inner, 0, &prompt);
    let room = usize::from(inner.height).saturating_sub(1 + BELOW);
    let first = first_shown(chooser.selected, found.len(), room);
    let name_width = usize::from(inner.width).saturating_sub(2);
    for (row, (index, kind)) in found.iter().enumerate().skip(first).take(room).enumerate() {
        let mark = if index == chooser.selected {
            "► "
        } else {
            "  "
        };
        let line = Line::from(vec![
            Span::styled(mark, style(Tint::Accent)),
            Span::raw(text::left(kind.name, name_width)),
        ]);
        put(frame, inner, row as u16 + 1, &line);
    }
    let below = match (chooser.kind(), &chooser.proposal) {
        (None, _) => vec![Line::styled("no fault is called that", style(Tint::Dim))],
        (Some(kind), proposal) => {
            let width = usize::from(inner.width);
            let summary = text::wrap(kind.summary(), width).into_iter().take(2);
            let mut below = vec![Line::default()];
            below.extend(summary.map(|line| Line::styled(line, style(Tint::Dim))));
            let what = match proposal {
                Some((_, what)) => format!("→ {what}"),
                None => "it can't strike here".to_owned(),
            };
            let what = text::wrap(&what, width).into_iter().take(2);
            below.extend(what.map(|line| Line::styled(line, style(Tint::Strong))));
            below
        }
    };
    for (row, line) in below.iter().enumerate() {
        let row = room.min(found.len().max(1)) + 1 + row;
        if row < usize::from(inner.height) {
            put(frame, inner, row as u16, line);
        }
    }
}

fn draw_picker(model: &Model, picker: &Picker, frame: &mut Frame<'_>) {
    let Some(lab) = &model.lab else {
        return;
    };
    let name = lab.name(picker.node);
    let title = match picker.purpose {
        Purpose::Cut => format!(" Cut or heal a link of {name} "),
        Purpose::Delay(step) => format!(" ← Add {} to a link of {name} → ", DELAYS[step]),
    };
    let inner = boxed(model, &title, 56, picker.links.len(), frame);
    let room = usize::from(inner.height);
    let first = first_shown(picker.selected, picker.links.len(), room);
    for (row, (index, choice)) in picker
        .links
        .iter()
        .enumerate()
        .skip(first)
        .take(room)
        .enumerate()
    {
        let link = match choice {
            LinkChoice::To(node) => format!("{name} ⇄ {}", lab.name(*node)),
            LinkChoice::All => format!("{name} ⇄ everyone"),
        };
        let line = Line::from(vec![
            Span::styled(
                if index == picker.selected {
                    "► "
                } else {
                    "  "
                },
                model.theme.style(Tint::Accent),
            ),
            Span::raw(text::left(&link, 24)),
            Span::styled(state_of(lab, picker, *choice), model.theme.style(Tint::Dim)),
        ]);
        put(frame, inner, row as u16, &line);
    }
}

/// What is wrong with a link already.
fn state_of(lab: &Lab, picker: &Picker, choice: LinkChoice) -> String {
    let faults = update::link_faults(lab, picker.node, choice);
    let cuts = faults.iter().filter(|f| update::is_cut(f)).count();
    let delays = faults.len() - cuts;
    match (cuts, delays) {
        (0, 0) => String::new(),
        (0, delays) => format!("delayed ({delays})"),
        (_, 0) if picker.purpose == Purpose::Cut => "× cut, enter heals".to_owned(),
        (_, 0) => "× cut".to_owned(),
        (_, delays) => format!("× cut, delayed ({delays})"),
    }
}

/// The lines of an anomaly's story, wrapped to a width.
fn story_lines(model: &Model, anomaly: usize, width: usize) -> Vec<Line<'static>> {
    let style = |tint| model.theme.style(tint);
    let Some(anomaly) = model.lab.as_ref().and_then(|lab| lab.known.get(anomaly)) else {
        return Vec::new();
    };
    let when = format!("seen at {}, step {}", anomaly.at, anomaly.step);
    let mut lines = vec![
        Line::styled(format!("! {}", anomaly.guarantee), style(Tint::Bad)),
        Line::styled(when, style(Tint::Dim)),
        Line::default(),
    ];
    lines.extend(
        text::wrap(&anomaly.summary, width)
            .into_iter()
            .map(Line::from),
    );
    if !anomaly.story.is_empty() {
        lines.push(Line::default());
        lines.push(Line::styled("How it came about", style(Tint::Strong)));
    }
    for step in &anomaly.story {
        for (index, line) in text::wrap(step, width.saturating_sub(2))
            .into_iter()
            .enumerate()
        {
            let bullet = if index == 0 { "· " } else { "  " };
            lines.push(Line::from(format!("{bullet}{line}")));
        }
    }
    lines
}

fn draw_story(model: &Model, anomaly: usize, scroll: u16, frame: &mut Frame<'_>) {
    let width = 76.min(model.size.width);
    let lines = story_lines(model, anomaly, usize::from(width.saturating_sub(4)));
    let inner = boxed(model, " Anomaly ", width, lines.len(), frame);
    let most = lines.len().saturating_sub(usize::from(inner.height));
    let first = usize::from(scroll).min(most);
    for (row, line) in lines.iter().skip(first).enumerate() {
        put(frame, inner, u16::try_from(row).unwrap_or(u16::MAX), line);
    }
}
