//! A screen as an SVG: cells on a grid, on a dark panel that reads on light and dark pages.
//!
//! Box lines, blocks, shades and braille are drawn as shapes, since fonts lack some of them and leave gaps between the
//! others; only words are text, and each run of them is stretched to the grid, whatever font the reader has.

use std::fmt::Write;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};

mod shapes;

/// A cell's width in the SVG's units.
const WIDE: f64 = 8.4;
/// A cell's height.
const HIGH: f64 = 17.0;
/// Around the screen.
const MARGIN: f64 = 12.0;
/// Above a cell's baseline.
const ASCENT: f64 = 13.0;

const GROUND: &str = "#16191f";
const TEXT: &str = "#d8dee9";

/// The screen as an SVG document.
pub fn svg(buffer: &Buffer, title: &str) -> String {
    let area = buffer.area;
    let width = f64::from(area.width) * WIDE + 2.0 * MARGIN;
    let height = f64::from(area.height) * HIGH + 2.0 * MARGIN;
    let mut out = String::new();
    let title = escape(title);
    // Writing to a string can't fail.
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.1} {height:.1}\" role=\"img\" \
         font-family=\"ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace\" font-size=\"14\">\n\
         <title>{title}</title>\n<rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{GROUND}\"/>\n"
    );
    for row in 0..area.height {
        let cells: Vec<&Cell> = (0..area.width)
            .map(|column| &buffer[(area.x + column, area.y + row)])
            .collect();
        draw_row(&mut out, &cells, MARGIN + f64::from(row) * HIGH);
    }
    out.push_str("</svg>\n");
    out
}

/// How a cell looks.
#[derive(Clone, Copy, PartialEq)]
struct Look {
    fill: &'static str,
    ground: Option<&'static str>,
    bold: bool,
    dim: bool,
}

fn look(cell: &Cell) -> Look {
    let fill = colour(cell.fg).unwrap_or(TEXT);
    let ground = colour(cell.bg);
    let (fill, ground) = if cell.modifier.contains(Modifier::REVERSED) {
        (ground.unwrap_or(GROUND), Some(fill))
    } else {
        (fill, ground)
    };
    Look {
        fill,
        ground,
        bold: cell.modifier.contains(Modifier::BOLD),
        dim: cell.modifier.contains(Modifier::DIM),
    }
}

/// The terminal's sixteen colours, as they look on the dark panel; others are the terminal's own affair.
fn colour(colour: Color) -> Option<&'static str> {
    Some(match colour {
        Color::Black => "#2b303b",
        Color::Red => "#ff6b6b",
        Color::Green => "#8fd17f",
        Color::Yellow => "#ebcb6b",
        Color::Blue => "#7aa7ff",
        Color::Magenta => "#d59bf6",
        Color::Cyan => "#62d0e3",
        Color::Gray => "#c0c5ce",
        Color::DarkGray => "#767d8c",
        Color::LightRed => "#ff8f8f",
        Color::LightGreen => "#b2e5a5",
        Color::LightYellow => "#f5dd9d",
        Color::LightBlue => "#a5c4ff",
        Color::LightMagenta => "#e6c2fb",
        Color::LightCyan => "#9be4ef",
        Color::White => "#ffffff",
        _ => return None,
    })
}

/// Draws one line: runs of equal look, each as ground, shapes and text.
fn draw_row(out: &mut String, cells: &[&Cell], top: f64) {
    let mut start = 0;
    while start < cells.len() {
        let this = look(cells[start]);
        let same = cells[start..]
            .iter()
            .take_while(|cell| look(cell) == this)
            .count();
        draw_run(
            out,
            &cells[start..start + same],
            this,
            MARGIN + start as f64 * WIDE,
            top,
        );
        start += same;
    }
}

fn draw_run(out: &mut String, cells: &[&Cell], look: Look, left: f64, top: f64) {
    if let Some(ground) = look.ground {
        let width = cells.len() as f64 * WIDE;
        let _ = writeln!(
            out,
            "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{HIGH}\" fill=\"{ground}\"/>"
        );
    }
    let mut path = String::new();
    let mut words = String::new();
    let mut words_at = 0;
    for (index, cell) in cells.iter().enumerate() {
        let symbol = cell.symbol();
        let drawn = shapes::path(&mut path, symbol, left + index as f64 * WIDE, top);
        if symbol == " " || drawn {
            draw_words(out, &mut words, look, left + words_at as f64 * WIDE, top);
        } else {
            if words.is_empty() {
                words_at = index;
            }
            words.push_str(symbol);
        }
    }
    draw_words(out, &mut words, look, left + words_at as f64 * WIDE, top);
    if !path.is_empty() {
        let _ = writeln!(
            out,
            "<path fill=\"{}\"{} d=\"{path}\"/>",
            look.fill,
            opacity(look)
        );
    }
}

fn draw_words(out: &mut String, words: &mut String, look: Look, x: f64, top: f64) {
    if words.is_empty() {
        return;
    }
    let length = crate::text::width(words) as f64 * WIDE;
    let y = top + ASCENT;
    let bold = if look.bold {
        " font-weight=\"bold\""
    } else {
        ""
    };
    let _ = writeln!(
        out,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" textLength=\"{length:.1}\" lengthAdjust=\"spacingAndGlyphs\" fill=\"{}\"{bold}{}>{}</text>",
        look.fill,
        opacity(look),
        escape(words)
    );
    words.clear();
}

fn opacity(look: Look) -> &'static str {
    if look.dim { " opacity=\"0.65\"" } else { "" }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    fn drawn(text: &str, style: Style) -> String {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 8, 1));
        buffer.set_string(0, 0, text, style);
        svg(&buffer, "a <title>")
    }

    #[test]
    fn words_are_escaped_and_placed_on_the_grid() {
        let svg = drawn("a<b cd", Style::new());
        assert!(svg.contains("<title>a &lt;title&gt;</title>"));
        assert!(svg.contains(">a&lt;b</text>"), "{svg}");
        assert!(
            svg.contains("x=\"45.6\" y=\"25.0\" textLength=\"16.8\""),
            "{svg}"
        );
    }

    #[test]
    fn colours_and_modifiers_show() {
        let style = Style::new().fg(Color::Red).add_modifier(Modifier::BOLD);
        assert!(drawn("x", style).contains("fill=\"#ff6b6b\" font-weight=\"bold\""));
        let reversed = drawn("x", Style::new().add_modifier(Modifier::REVERSED));
        assert!(
            reversed.contains("height=\"17\" fill=\"#d8dee9\"/>"),
            "{reversed}"
        );
        assert!(drawn("x", Style::new().add_modifier(Modifier::DIM)).contains("opacity"));
    }

    #[test]
    fn lines_blocks_and_braille_are_shapes() {
        for symbol in ["─", "┏", "▃", "░", "⣿", "►", "●"] {
            let svg = drawn(symbol, Style::new());
            assert!(svg.contains("<path"), "{symbol}");
            assert!(!svg.contains("<text"), "{symbol}");
        }
    }
}
