//! Lines of columns, of which those that matter least go first where the width is small.

use ratatui::text::{Line, Span};

use crate::model::Model;
use crate::text;
use crate::theme::Tint;

/// Which side of its column a text stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// A column of lines about `T`.
pub struct Column<C, T> {
    /// Its heading.
    pub title: &'static str,
    /// Its width; the one that [`fills`](Self::fills) has at least this.
    pub width: u16,
    /// Which side its text stands on.
    pub align: Align,
    /// Whether it takes the width that is left. At most one column of a table does.
    pub fills: bool,
    /// Lower ranks are kept longer.
    pub rank: u8,
    /// The text and how it looks.
    pub cell: fn(&C, &T) -> (String, Tint),
}

/// The columns that fit, with their widths, in their order.
pub fn chosen<'a, C, T>(
    columns: impl IntoIterator<Item = &'a Column<C, T>>,
    width: u16,
) -> Vec<(&'a Column<C, T>, u16)>
where
    C: 'a,
    T: 'a,
{
    let columns: Vec<&Column<C, T>> = columns.into_iter().collect();
    let mut by_rank: Vec<usize> = (0..columns.len()).collect();
    by_rank.sort_by_key(|index| columns[*index].rank);
    let mut room = width + 1;
    let mut kept = Vec::new();
    for index in by_rank {
        let needed = columns[index].width + 1;
        if needed > room {
            break;
        }
        room -= needed;
        kept.push(index);
    }
    kept.sort_unstable();
    kept.into_iter()
        .map(|index| {
            let column = columns[index];
            let spare = if column.fills { room } else { 0 };
            (column, column.width + spare)
        })
        .collect()
}

/// The headings.
pub fn heading<C, T>(model: &Model, columns: &[(&Column<C, T>, u16)]) -> Line<'static> {
    let cells = columns
        .iter()
        .map(|(column, width)| aligned(column.title, column.align, *width));
    Line::styled(join(cells), model.theme.style(Tint::Dim))
}

/// One line.
pub fn line<C, T>(
    model: &Model,
    context: &C,
    item: &T,
    columns: &[(&Column<C, T>, u16)],
) -> Line<'static> {
    let mut spans = Vec::new();
    for (column, width) in columns {
        if !spans.is_empty() {
            spans.push(Span::raw(" "));
        }
        let (text, tint) = (column.cell)(context, item);
        spans.push(Span::styled(
            aligned(&text, column.align, *width),
            model.theme.style(tint),
        ));
    }
    Line::from(spans)
}

fn aligned(text: &str, align: Align, width: u16) -> String {
    match align {
        Align::Left => text::left(text, usize::from(width)),
        Align::Right => text::right(text, usize::from(width)),
    }
}

fn join(cells: impl Iterator<Item = String>) -> String {
    cells.collect::<Vec<_>>().join(" ")
}
