//! Rows of boxes to scale: what something is made of, and how large each part is.
//!
//! ```text
//!   level 0   [▒▒▒][▒▒▒]                    2 runs, 2 tables, 2 MiB
//!   level 1   [▒▒▒▒▒▒▒][▒▒▒▒▒▒▒▒▒][▒▒▒▒]    1 run, 3 tables, 20 MiB
//! ```
//!
//! All rows have one scale. A box that would be too narrow to see is drawn narrow all the same; what it is shows when one
//! points at it, and boxes beyond what a row has room for are counted.

use super::Theme;
use super::canvas::{Anchor, Area, Canvas, Point, width};
use super::page::{heading, page};
use super::picture::{MARGIN, TEXT_SIZE, WIDE};
use super::style::sheet;

/// A page of rows.
pub(crate) struct Boxes {
    /// What it is about.
    pub(crate) title: String,
    /// A line on it.
    pub(crate) words: String,
    /// What the kinds of boxes in it mean.
    pub(crate) legend: Vec<(Kind, &'static str)>,
    /// The rows from top to bottom.
    pub(crate) rows: Vec<Row>,
}

/// One row.
pub(crate) struct Row {
    /// What it is called.
    pub(crate) name: String,
    /// A line on it.
    pub(crate) note: String,
    /// Its boxes from left to right.
    pub(crate) parts: Vec<Part>,
}

/// One box.
pub(crate) struct Part {
    /// What it is.
    pub(crate) kind: Kind,
    /// How wide it is, in whatever all rows are counted in.
    pub(crate) size: u64,
    /// Words that appear when a reader points at it.
    pub(crate) words: String,
}

/// What a box stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// What is in use.
    Live,
    /// What is no more needed.
    Dead,
    /// What says that something is gone, or is on its way.
    Mark,
}

impl Kind {
    fn class(self) -> &'static str {
        match self {
            Self::Live => "ok",
            Self::Dead => "fail",
            Self::Mark => "info",
        }
    }
}

const TOP: f64 = 100.0;
const PITCH: f64 = 44.0;
const HEIGHT: f64 = 20.0;
const RIGHT: f64 = WIDE - MARGIN - 10.0;
const NARROWEST: f64 = 3.0;
/// More boxes than this have no room in a row.
const PARTS_MAX: usize = 250;

impl Boxes {
    /// The page as an SVG document.
    pub(crate) fn svg(&self, theme: Theme) -> String {
        let mut canvas = Canvas::default();
        heading(&mut canvas, &self.title, &self.words);
        self.draw_legend(&mut canvas);
        let names = self.rows.iter().map(|row| width(&row.name, TEXT_SIZE));
        let left = MARGIN + names.fold(60.0, f64::max) + 16.0;
        let sizes = self.rows.iter().map(Row::size);
        let scale = (RIGHT - left) / (sizes.max().unwrap_or(0).max(1) as f64);
        for (index, row) in self.rows.iter().enumerate() {
            row.draw(&mut canvas, TOP + index as f64 * PITCH, left, scale);
        }
        let height = TOP + self.rows.len() as f64 * PITCH + 10.0;
        let description = self.description();
        page(
            &self.title,
            &description,
            &sheet(theme),
            height,
            &canvas.finish(),
        )
    }

    fn draw_legend(&self, canvas: &mut Canvas) {
        let mut x = MARGIN;
        for (kind, words) in &self.legend {
            let area = Area {
                x,
                y: 66.0,
                width: 18.0,
                height: 12.0,
            };
            canvas.area(kind.class(), area, 2.0);
            let at = Point {
                x: x + 24.0,
                y: 76.0,
            };
            canvas.text("", at, Anchor::Start, words);
            x += 24.0 + width(words, TEXT_SIZE) + 24.0;
        }
        canvas.raw("\n");
    }

    fn description(&self) -> String {
        let mut words = format!("{}. {}.", self.title, self.words);
        for row in &self.rows {
            words.push_str(&format!(" {}: {}.", row.name, row.note));
        }
        words
    }
}

impl Row {
    fn size(&self) -> u64 {
        self.parts.iter().map(|part| part.size).sum()
    }

    fn draw(&self, canvas: &mut Canvas, top: f64, left: f64, scale: f64) {
        let name = Point {
            x: MARGIN,
            y: top + HEIGHT - 6.0,
        };
        canvas.text("strong", name, Anchor::Start, &self.name);
        let mut x = left;
        for part in self.parts.iter().take(PARTS_MAX) {
            let wide = (part.size as f64 * scale).max(NARROWEST).min(RIGHT - x);
            if wide < NARROWEST {
                break;
            }
            let area = Area {
                x,
                y: top,
                width: (wide - 1.0).max(1.0),
                height: HEIGHT,
            };
            canvas.group(&part.words, |canvas| {
                canvas.area(part.kind.class(), area, 2.0);
            });
            x += wide;
        }
        let note = match self.parts.len().saturating_sub(PARTS_MAX) {
            0 => self.note.clone(),
            more => format!("{}; {more} more have no room here", self.note),
        };
        let at = Point {
            x: left,
            y: top + HEIGHT + 13.0,
        };
        canvas.text("quiet small", at, Anchor::Start, &note);
        canvas.raw("\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_are_to_scale_and_told_in_words() {
        let part = |size| Part {
            kind: Kind::Live,
            size,
            words: format!("{size} bytes"),
        };
        let row = |name: &str, sizes: &[u64]| Row {
            name: name.to_owned(),
            note: format!("{} parts", sizes.len()),
            parts: sizes.iter().map(|size| part(*size)).collect(),
        };
        let boxes = Boxes {
            title: "a <store>".to_owned(),
            words: "two rows".to_owned(),
            legend: vec![(Kind::Live, "live"), (Kind::Dead, "dead")],
            rows: vec![row("one", &[100, 300]), row("two", &[0; 300])],
        };
        let svg = boxes.svg(Theme::Light);
        let document = roxmltree::Document::parse(&svg).unwrap();
        let wide: Vec<f64> = document
            .descendants()
            .filter(|it| it.attribute("class") == Some("ok"))
            .map(|it| it.attribute("width").unwrap().parse().unwrap())
            .collect();
        // The first is that of the legend.
        assert!((wide[1] * 3.0 - wide[2]).abs() < 4.0, "{:?}", &wide[..3]);
        assert_eq!(wide.len(), 1 + 2 + PARTS_MAX);
        assert!(svg.contains("50 more have no room here"));
        assert!(svg.contains("a &lt;store&gt;. two rows. one: 2 parts. two: 300 parts."));
    }
}
