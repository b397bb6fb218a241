//! Moving through lists, and typing into filters.

use super::*;
use crate::panels::first_shown;

/// Adds a character to what is being typed.
pub(super) fn type_text(model: &mut Model, c: char) {
    if let Some(Overlay::Palette { query, selected }) = &mut model.overlay {
        query.push(c);
        *selected = 0;
    } else if let Some(Overlay::Faults(chooser)) = &mut model.overlay {
        chooser.query.push(c);
        (chooser.selected, chooser.number) = (0, 0);
    } else {
        model.catalog.filter.push(c);
        model.catalog.selected = 0;
    }
}

/// Takes away its last character.
pub(super) fn erase(model: &mut Model) {
    if let Some(Overlay::Palette { query, selected }) = &mut model.overlay {
        query.pop();
        *selected = 0;
    } else if let Some(Overlay::Faults(chooser)) = &mut model.overlay {
        chooser.query.pop();
        (chooser.selected, chooser.number) = (0, 0);
    } else {
        model.catalog.filter.pop();
        model.catalog.selected = 0;
    }
}

fn moved(index: usize, by: isize, count: usize) -> usize {
    index.saturating_add_signed(by).min(count.saturating_sub(1))
}

fn scrolled(scroll: u16, by: isize, most: usize) -> u16 {
    let to = usize::from(scroll).saturating_add_signed(by).min(most);
    u16::try_from(to).unwrap_or(u16::MAX)
}

/// Moves by so many lines in whatever is in focus: down for positive numbers.
pub(super) fn shift(model: &mut Model, by: isize) {
    let help_most = usize::from(overlays::help_scroll_most(model));
    let screen = model.screen();
    match &mut model.overlay {
        Some(Overlay::Help { scroll }) => *scroll = scrolled(*scroll, by, help_most),
        Some(Overlay::Palette { query, selected }) => {
            *selected = moved(*selected, by, actions::palette(screen, query).len());
        }
        Some(Overlay::Picker(picker)) => {
            picker.selected = moved(picker.selected, by, picker.links.len());
        }
        Some(Overlay::Faults(chooser)) => {
            chooser.selected = moved(chooser.selected, by, chooser.found().len());
            chooser.number = 0;
        }
        Some(Overlay::Story { scroll, .. }) => *scroll = scrolled(*scroll, by, 200),
        None => match &mut model.lab {
            Some(lab) => shift_in_lab(model.size, lab, by),
            None => {
                let count = model.catalog.shown().len();
                model.catalog.selected = moved(model.catalog.selected, by, count);
            }
        },
    }
}

/// Lists that end in the latest are scrolled back by going up.
fn shift_in_lab(size: Size, lab: &mut Lab, by: isize) {
    let rect = layout::lab(size, lab).find(lab.focus);
    // A frame takes two lines, a heading one.
    let room = rect.map_or(0, |rect| usize::from(rect.height.saturating_sub(3)));
    let view = &lab.view;
    match lab.focus {
        PanelId::Nodes => lab.node = moved(lab.node, by, view.nodes.len()),
        PanelId::Anomalies => lab.anomaly = moved(lab.anomaly, by, lab.known.len()),
        PanelId::Operations => {
            let most = view.operations.len().saturating_sub(room);
            lab.scroll.operations = scrolled(lab.scroll.operations, -by, most);
        }
        PanelId::Trace => {
            let most = view.log.len().saturating_sub(room);
            lab.scroll.trace = scrolled(lab.scroll.trace, -by, most);
        }
        PanelId::InFlight => {
            let most = view.in_flight.len().saturating_sub(room);
            lab.scroll.in_flight = scrolled(lab.scroll.in_flight, by, most);
        }
        PanelId::Timeline => {
            let most = view.faults.len().saturating_sub(room);
            lab.scroll.timeline = scrolled(lab.scroll.timeline, by, most);
        }
        PanelId::Lag => {}
    }
}

/// Selects the node on a line of its panel, whose first line is a heading.
pub(super) fn select_node(lab: &mut Lab, line: usize, room: usize) {
    let count = lab.view.nodes.len();
    let room = room.saturating_sub(1);
    let index = line
        .checked_sub(1)
        .map(|line| first_shown(lab.node, count, room) + line);
    if let Some(index) = index.filter(|index| *index < count) {
        lab.node = index;
    }
}

/// Selects the anomaly on a line of its panel.
pub(super) fn select_anomaly(lab: &mut Lab, line: usize, room: usize) {
    let count = lab.known.len();
    let index = first_shown(lab.anomaly, count, room.min(count)) + line;
    if index < count {
        lab.anomaly = index;
    }
}
