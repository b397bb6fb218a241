//! The nodes, a line each: what they are, whether they run, how far they have got, what they are doing.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use seedbed_scenarios::view::{NodeState, NodeView};

use super::table::{self, Align, Column};
use super::{first_shown, put};
use crate::model::{Lab, Model};
use crate::text;
use crate::theme::{self, Tint};

const fn column(
    title: &'static str,
    width: u16,
    align: Align,
    rank: u8,
    cell: fn(&Lab, &NodeView) -> (String, Tint),
) -> Column<Lab, NodeView> {
    Column {
        title,
        width,
        align,
        fills: false,
        rank,
        cell,
    }
}

const SITE: &str = "site";

const COLUMNS: &[Column<Lab, NodeView>] = &[
    column("node", 11, Align::Left, 0, |_, n| {
        (n.name.clone(), Tint::Strong)
    }),
    column("role", 8, Align::Left, 1, |_, n| {
        (n.role.clone(), Tint::Plain)
    }),
    column(SITE, 8, Align::Left, 8, |_, n| {
        (n.site.clone(), Tint::Plain)
    }),
    column("state", 8, Align::Left, 0, |_, n| {
        let (glyph, word, tint) = theme::node_state(n.state);
        (format!("{glyph} {word}"), tint)
    }),
    column("written", 7, Align::Right, 3, |_, n| position(n, n.written)),
    column("durable", 7, Align::Right, 5, |_, n| position(n, n.durable)),
    column("applied", 7, Align::Right, 3, |_, n| position(n, n.applied)),
    column("behind", 6, Align::Right, 2, |_, n| match n.lag_entries {
        Some(0) => ("0".to_owned(), Tint::Plain),
        Some(lag) => (lag.to_string(), Tint::Doubtful),
        None => blank(),
    }),
    column("for", 8, Align::Right, 4, |_, n| match n.lag_time {
        Some(lag) if lag.as_nanos() > 0 => (text::short(lag), Tint::Doubtful),
        Some(_) => ("0".to_owned(), Tint::Plain),
        None => blank(),
    }),
    column("queue", 5, Align::Right, 6, |_, n| {
        (n.queued.to_string(), Tint::Plain)
    }),
    column("keys", 5, Align::Right, 9, |_, n| {
        n.keys.map_or_else(blank, |keys| position(n, keys))
    }),
    column("boots", 5, Align::Right, 10, |_, n| {
        (format!("{}", u64::from(n.restarts) + 1), Tint::Plain)
    }),
    Column {
        title: "doing",
        width: 10,
        align: Align::Left,
        fills: true,
        rank: 2,
        cell: |_, n| (n.doing.clone(), Tint::Dim),
    },
];

fn blank() -> (String, Tint) {
    ("–".to_owned(), Tint::Dim)
}

/// A position in the log; clients have none, and a node that is down can't be asked.
fn position(node: &NodeView, value: u64) -> (String, Tint) {
    match node.is_replica && !matches!(node.state, NodeState::Down | NodeState::Starting) {
        true => (value.to_string(), Tint::Plain),
        false => blank(),
    }
}

pub(super) fn draw(model: &Model, lab: &Lab, area: Rect, frame: &mut Frame<'_>) {
    let has_sites = lab.view.nodes.iter().any(|n| !n.site.is_empty());
    let columns = COLUMNS.iter().filter(|c| has_sites || c.title != SITE);
    let columns = table::chosen(columns, area.width.saturating_sub(2));
    let mut heading = table::heading(model, &columns);
    heading.spans.insert(0, Span::raw("  "));
    put(frame, area, 0, &heading);
    let room = usize::from(area.height.saturating_sub(1));
    let first = first_shown(lab.node, lab.view.nodes.len(), room);
    for (row, (index, node)) in lab
        .view
        .nodes
        .iter()
        .enumerate()
        .skip(first)
        .take(room)
        .enumerate()
    {
        let selected = index == lab.node;
        let marker = if selected { "► " } else { "  " };
        let mut line: Line<'_> = table::line(model, lab, node, &columns);
        line.spans
            .insert(0, Span::styled(marker, model.theme.style(Tint::Accent)));
        put(frame, area, row as u16 + 1, &line);
    }
}
