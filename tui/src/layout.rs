//! Where things stand on the screen: pure functions of its size, so that drawing, mouse clicks and the width asked of a
//! view agree.
//!
//! ```text
//!  at least 100 × 30: everything             smaller: what fits
//! ┌─────────────────────────────────────┐   ┌───────────────────────┐
//! │ header (2 lines)                    │   │ header                │
//! ├─────────────────────────────────────┤   │ tabs                  │
//! │ 1 nodes                             │   ├───────────────────────┤
//! ├──────────────────┬──────────────────┤   │ 1 nodes               │
//! │ 2 lag            │ 3 operations     │   ├───────────────────────┤
//! ├──────────────────┤                  │   │ the panel in focus    │
//! │ 5 timeline       ├──────────────────┤   │ (with nodes in focus: │
//! ├──────────────────┤ 6 trace          │   │  2 lag)               │
//! │ 4 anomalies      ├──────────────────┤   ├───────────────────────┤
//! │                  │ 7 in flight      │   │ 5 timeline            │
//! ├──────────────────┴──────────────────┤   ├───────────────────────┤
//! │ notice and hints                    │   │ hints                 │
//! └─────────────────────────────────────┘   └───────────────────────┘
//! ```
//!
//! Below 100 × 30, panels get room in this order while there is some: nodes, the panel in focus, lag, timeline,
//! anomalies, operations, trace, in flight. Below 60 × 16 nothing is drawn but a request for more room.

use ratatui::layout::{Constraint, Layout, Rect};

use crate::model::Lab;
use crate::panels::PanelId;

/// A screen's size in cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Columns.
    pub width: u16,
    /// Lines.
    pub height: u16,
}

/// The smallest screen that anything is drawn on.
pub const SMALLEST: Size = Size {
    width: 60,
    height: 16,
};

/// From this size on there is room for every panel.
const ROOMY: Size = Size {
    width: 100,
    height: 30,
};

/// Charts keep so many columns for names at their left, the lag chart and the timeline alike, so that one stands exactly
/// over the other.
pub const GUTTER: u16 = 17;

/// Where the parts of the lab stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabLayout {
    /// Scenario, seed, time, expectations.
    pub header: Rect,
    /// The names of all panels, where not all are shown.
    pub tabs: Option<Rect>,
    /// The panels that are shown.
    pub panels: Vec<(PanelId, Rect)>,
    /// Notice and hints.
    pub footer: Rect,
}

impl LabLayout {
    /// Where a panel stands, if it is shown.
    pub fn find(&self, panel: PanelId) -> Option<Rect> {
        let found = self.panels.iter().find(|(id, _)| *id == panel);
        found.map(|(_, rect)| *rect)
    }

    /// The panel at a cell.
    pub fn at(&self, column: u16, row: u16) -> Option<(PanelId, Rect)> {
        let inside = |rect: &Rect| rect.contains((column, row).into());
        self.panels.iter().copied().find(|(_, rect)| inside(rect))
    }
}

impl Size {
    /// The whole screen.
    pub const fn area(self) -> Rect {
        Rect::new(0, 0, self.width, self.height)
    }

    /// Whether both sides are at least those of `other`.
    pub const fn holds(self, other: Self) -> bool {
        self.width >= other.width && self.height >= other.height
    }
}

/// The parts of the catalog, which holds so many scenarios: header, list, what the selected one teaches, footer.
pub fn catalog(size: Size, scenarios: usize) -> [Rect; 4] {
    let [header, body, footer] = Layout::vertical([
        Constraint::Length(2),
        Constraint::Fill(1),
        Constraint::Length(footer_lines(size)),
    ])
    .areas(size.area());
    let [list, lesson] = if size.holds(ROOMY) {
        Layout::horizontal([Constraint::Percentage(45), Constraint::Fill(1)]).areas(body)
    } else {
        let list = lines(scenarios, 4, (body.height * 9 / 20).max(4));
        Layout::vertical([Constraint::Length(list), Constraint::Fill(1)]).areas(body)
    };
    [header, list, lesson, footer]
}

/// The parts of the lab.
pub fn lab(size: Size, lab: &Lab) -> LabLayout {
    let roomy = size.holds(ROOMY);
    let [header, tabs, body, footer] = Layout::vertical([
        Constraint::Length(2),
        Constraint::Length(u16::from(!roomy || lab.zoomed)),
        Constraint::Fill(1),
        Constraint::Length(footer_lines(size)),
    ])
    .areas(size.area());
    let panels = match (lab.zoomed, roomy) {
        (true, _) => vec![(lab.focus, body)],
        (false, true) => everything(body, lab),
        (false, false) => what_fits(body, lab),
    };
    LabLayout {
        header,
        tabs: (tabs.height > 0).then_some(tabs),
        panels,
        footer,
    }
}

/// How many points the lag chart has room for.
pub fn chart_columns(size: Size, lab: &Lab) -> u16 {
    let chart = self::lab(size, lab).find(PanelId::Lag);
    chart.map_or(1, |rect| plot(rect).width.max(1))
}

/// The part of a chart panel in which time runs from left to right.
pub fn plot(panel: Rect) -> Rect {
    Rect {
        x: panel.x.saturating_add(1 + GUTTER),
        y: panel.y.saturating_add(1),
        width: panel.width.saturating_sub(2 + GUTTER),
        height: panel.height.saturating_sub(2),
    }
}

/// A box of this size in the middle of the screen, or as much of it as there is.
pub fn centred(size: Size, width: u16, height: u16) -> Rect {
    let width = width.min(size.width);
    let height = height.min(size.height);
    Rect::new(
        (size.width - width) / 2,
        (size.height - height) / 2,
        width,
        height,
    )
}

fn footer_lines(size: Size) -> u16 {
    if size.holds(ROOMY) { 2 } else { 1 }
}

/// Lines that a list of so many takes with its frame, kept between two bounds.
fn lines(content: usize, least: u16, most: u16) -> u16 {
    let content = u16::try_from(content).unwrap_or(u16::MAX);
    content.saturating_add(2).clamp(least, most)
}

/// All replicas and a few clients, of which a scenario may have a thousand; the heading too.
fn node_lines(lab: &Lab) -> usize {
    let replicas = lab.view.nodes.iter().filter(|n| n.is_replica).count();
    (replicas + 3).min(lab.view.nodes.len()) + 1
}

fn everything(body: Rect, lab: &Lab) -> Vec<(PanelId, Rect)> {
    let third = body.height / 3;
    let told = lab.known.len().min(4) + lab.view.expectations.len();
    let [nodes, rest] = Layout::vertical([
        Constraint::Length(lines(node_lines(lab), 4, third)),
        Constraint::Fill(1),
    ])
    .areas(body);
    let [left, right] =
        Layout::horizontal([Constraint::Percentage(45), Constraint::Fill(1)]).areas(rest);
    let [lag, timeline, anomalies] = Layout::vertical([
        Constraint::Fill(1),
        Constraint::Length(lines(lab.view.faults.len() + 2, 5, 9)),
        Constraint::Length(lines(told, 5, 10)),
    ])
    .areas(left);
    let [operations, trace, in_flight] = Layout::vertical([
        Constraint::Fill(4),
        Constraint::Fill(3),
        Constraint::Length(6),
    ])
    .areas(right);
    vec![
        (PanelId::Nodes, nodes),
        (PanelId::Lag, lag),
        (PanelId::Operations, operations),
        (PanelId::Anomalies, anomalies),
        (PanelId::Timeline, timeline),
        (PanelId::Trace, trace),
        (PanelId::InFlight, in_flight),
    ]
}

/// The order in which panels get room on a small screen; the panel in focus comes second.
const BY_NEED: [PanelId; 7] = [
    PanelId::Nodes,
    PanelId::Lag,
    PanelId::Timeline,
    PanelId::Anomalies,
    PanelId::Operations,
    PanelId::Trace,
    PanelId::InFlight,
];

/// The order in which they then stand, from the top.
const BY_PLACE: [PanelId; 7] = [
    PanelId::Nodes,
    PanelId::Operations,
    PanelId::Lag,
    PanelId::Timeline,
    PanelId::Anomalies,
    PanelId::Trace,
    PanelId::InFlight,
];

fn what_fits(body: Rect, lab: &Lab) -> Vec<(PanelId, Rect)> {
    let least = |panel: PanelId| match panel {
        PanelId::Nodes => lines(node_lines(lab), 4, (body.height / 2).max(4)),
        PanelId::Lag => lines(lab.view.lag.len() * 2 + 1, 5, 7),
        PanelId::Timeline => lines(lab.view.faults.len() + 2, 4, 5),
        PanelId::Anomalies | PanelId::InFlight => 5,
        PanelId::Operations | PanelId::Trace => 6,
    };
    let mut order = BY_NEED.to_vec();
    if let Some(index) = order
        .iter()
        .position(|p| *p == lab.focus && *p != PanelId::Nodes)
    {
        let focus = order.remove(index);
        order.insert(1, focus);
    }
    let mut room = body.height;
    let mut chosen: Vec<(PanelId, u16)> = Vec::new();
    for panel in order {
        let height = least(panel);
        if height <= room {
            room -= height;
            chosen.push((panel, height));
        }
    }
    share(&mut chosen, room, lab.focus);
    chosen.sort_by_key(|(panel, _)| BY_PLACE.iter().position(|p| p == panel));
    let mut y = body.y;
    chosen
        .into_iter()
        .map(|(panel, height)| {
            let rect = Rect { y, height, ..body };
            y += height;
            (panel, rect)
        })
        .collect()
}

/// Gives the room that is left to the panel that uses it best.
fn share(chosen: &mut [(PanelId, u16)], room: u16, focus: PanelId) {
    let wishes = [
        focus,
        PanelId::Lag,
        PanelId::Operations,
        PanelId::Trace,
        PanelId::Anomalies,
        PanelId::Timeline,
    ];
    let winner = wishes
        .into_iter()
        .filter(|p| *p != PanelId::Nodes)
        .find_map(|wish| chosen.iter().position(|(panel, _)| *panel == wish));
    if let Some((_, height)) = chosen.get_mut(winner.unwrap_or(0)) {
        *height += room;
    }
}
