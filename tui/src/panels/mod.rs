//! The panels of the lab, a file each, and what they share.
//!
//! A panel is a function from the model to cells of a rectangle. It draws what the [`View`] says and works out nothing
//! about the run: no quorum, no leadership, no staleness. What it does work out is where things go on the screen.
//!
//! To add a panel: a file here, a variant of [`PanelId`], a line in [`CATALOG`], and its place in
//! [`layout`](crate::layout).
//!
//! [`View`]: seedbed_scenarios::view::View

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Block, BorderType};

use crate::model::{Lab, Model};
use crate::text;
use crate::theme::Tint;

mod anomalies;
pub mod bars;
pub mod catalog;
mod in_flight;
mod lag;
mod nodes;
mod operations;
pub mod overlays;
pub mod table;
mod timeline;
mod trace;

pub(crate) use timeline::instant_at;

/// A panel of the lab.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PanelId {
    /// The nodes, a line each.
    Nodes,
    /// How far each follower is behind, over time.
    Lag,
    /// The latest operations of the clients.
    Operations,
    /// The guarantees that fell.
    Anomalies,
    /// The whole run: faults, anomalies, and where we are.
    Timeline,
    /// The latest events in words.
    Trace,
    /// Messages on their way.
    InFlight,
}

/// What the program knows of a panel.
#[derive(Clone, Copy)]
pub struct Panel {
    /// Which one.
    pub id: PanelId,
    /// The number key that goes to it.
    pub number: u8,
    /// Its title.
    pub title: &'static str,
    /// Draws what stands inside its frame.
    draw: fn(&Model, &Lab, Rect, &mut Frame<'_>),
    /// What stands in the frame's title beside the panel's own; may be empty.
    aside: fn(&Lab) -> String,
}

/// Every panel, by its number.
#[rustfmt::skip]
pub const CATALOG: [Panel; 7] = [
    Panel { id: PanelId::Nodes,      number: 1, title: "Nodes",      draw: nodes::draw,      aside: |_| String::new() },
    Panel { id: PanelId::Lag,        number: 2, title: "Lag",        draw: lag::draw,        aside: lag::aside },
    Panel { id: PanelId::Operations, number: 3, title: "Operations", draw: operations::draw, aside: operations::aside },
    Panel { id: PanelId::Anomalies,  number: 4, title: "Anomalies",  draw: anomalies::draw,  aside: anomalies::aside },
    Panel { id: PanelId::Timeline,   number: 5, title: "Timeline",   draw: timeline::draw,   aside: timeline::aside },
    Panel { id: PanelId::Trace,      number: 6, title: "Trace",      draw: trace::draw,      aside: trace::aside },
    Panel { id: PanelId::InFlight,   number: 7, title: "In flight",  draw: in_flight::draw,  aside: in_flight::aside },
];

impl PanelId {
    /// What the program knows of it.
    pub fn panel(self) -> &'static Panel {
        let found = CATALOG.iter().find(|panel| panel.id == self);
        found.expect("every panel is in the catalog")
    }

    /// The panel that a number key goes to.
    pub fn numbered(number: u8) -> Option<Self> {
        let found = CATALOG.iter().find(|panel| panel.number == number);
        found.map(|panel| panel.id)
    }
}

/// Draws a panel with its frame.
pub fn draw(id: PanelId, model: &Model, lab: &Lab, area: Rect, frame: &mut Frame<'_>) {
    let panel = id.panel();
    let aside = (panel.aside)(lab);
    let title = match aside.is_empty() {
        true => format!(" {} {} ", panel.number, panel.title),
        false => format!(" {} {} · {aside} ", panel.number, panel.title),
    };
    let block = framed(model, &title, lab.focus == id, area.width);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    (panel.draw)(model, lab, inner, frame);
}

/// A frame with a title; what is in focus has heavy lines.
pub fn framed(model: &Model, title: &str, focus: bool, width: u16) -> Block<'static> {
    let (line, border, heading) = match focus {
        true => (BorderType::Thick, Tint::Accent, Tint::Accent),
        false => (BorderType::Plain, Tint::Dim, Tint::Strong),
    };
    let title = text::fit(title, usize::from(width.saturating_sub(2)));
    Block::bordered()
        .border_type(line)
        .border_style(model.theme.style(border))
        .title(Line::styled(title, model.theme.style(heading)))
}

/// Puts one line of text into an area's row, if there is such a row.
pub fn put(frame: &mut Frame<'_>, area: Rect, row: u16, line: &Line<'_>) {
    if row < area.height {
        frame
            .buffer_mut()
            .set_line(area.x, area.y + row, line, area.width);
    }
}

/// The first line to show so that the selected one can be seen among `room` lines.
pub fn first_shown(selected: usize, count: usize, room: usize) -> usize {
    let last_first = count.saturating_sub(room);
    selected
        .saturating_sub(room.saturating_sub(1) / 2)
        .min(last_first)
}
