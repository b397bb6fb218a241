//! What is around every picture: its size, its words for those who can't see it, its style sheet, its paper.

use super::canvas::{Anchor, Canvas, Point, escape};
use super::picture::{MARGIN, WIDE};

/// An SVG document of these shapes.
pub(super) fn page(
    title: &str,
    description: &str,
    sheet: &str,
    height: f64,
    shapes: &str,
) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"sbd\" viewBox=\"0 0 {WIDE:.0} {height:.0}\" role=\"img\" \
         font-family=\"system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', 'DejaVu Sans', sans-serif\" font-size=\"12\">\n\
         <title>{}</title>\n<desc>{}</desc>\n<style>\n{sheet}\n</style>\n\
         <rect class=\"paper\" width=\"{WIDE:.0}\" height=\"{height:.0}\" rx=\"8\"/>\n{shapes}</svg>\n",
        escape(title),
        escape(description),
    )
}

/// A heading, and a line below it. What follows begins at about 80.
pub(super) fn heading(canvas: &mut Canvas, title: &str, words: &str) {
    let at = |y| Point { x: MARGIN, y };
    canvas.text("h1", at(32.0), Anchor::Start, title);
    canvas.text("quiet", at(53.0), Anchor::Start, words);
    canvas.raw("\n");
}
