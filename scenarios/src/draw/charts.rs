//! Line charts, one below the other, over one axis: how several measures of several things change together.
//!
//! ```text
//!   write amplification                    ── levelled  ╌╌ size-tiered
//!   12 ┤            ____-----‾‾‾‾
//!    0 ┼──────────────────────────
//!   runs to look into
//!    …
//! ```
//!
//! Lines differ by their dashes as well as by their colours.

use super::Theme;
use super::canvas::{Anchor, Canvas, Point, width};
use super::page::{heading, page};
use super::picture::{MARGIN, WIDE};
use super::style::sheet;

/// The charts of one page.
pub(crate) struct Charts<'a> {
    /// What they are about.
    pub(crate) title: &'a str,
    /// A line on it.
    pub(crate) words: &'a str,
    /// What the horizontal axis counts.
    pub(crate) axis: &'a str,
    /// What the lines stand for, the same in every panel; four at most.
    pub(crate) lines: Vec<&'a str>,
    /// The panels from top to bottom.
    pub(crate) panels: Vec<Panel<'a>>,
}

/// One chart.
pub(crate) struct Panel<'a> {
    /// What it shows, with its unit.
    pub(crate) title: &'a str,
    /// The points of each line, in the order of [`Charts::lines`], from left to right. None is below zero.
    pub(crate) lines: Vec<Vec<(f64, f64)>>,
}

/// How lines look, in turn.
const LOOKS: [&str; 4] = [
    "set-off",
    "fault-line dashed",
    "message dotted",
    "anomaly dashed",
];
const TOP: f64 = 84.0;
const PANEL_HEIGHT: f64 = 110.0;
/// From one panel to the next.
const PITCH: f64 = PANEL_HEIGHT + 46.0;
/// Left of the axis stand its numbers.
const LEFT: f64 = MARGIN + 64.0;
const RIGHT: f64 = WIDE - MARGIN - 10.0;

impl Charts<'_> {
    /// The page as an SVG document.
    pub(crate) fn svg(&self, theme: Theme) -> String {
        let mut canvas = Canvas::default();
        heading(&mut canvas, self.title, self.words);
        self.legend(&mut canvas);
        let xs = self
            .panels
            .iter()
            .flat_map(|panel| panel.lines.iter().flatten());
        let furthest = xs.map(|(x, _)| *x).fold(0.0, f64::max);
        for (index, panel) in self.panels.iter().enumerate() {
            let top = TOP + 30.0 + index as f64 * PITCH;
            panel.draw(&mut canvas, top, furthest);
        }
        let bottom = TOP + self.panels.len() as f64 * PITCH + 20.0;
        let at = Point {
            x: RIGHT,
            y: bottom,
        };
        let axis = format!("{} (0 to {})", self.axis, short(furthest));
        canvas.text("quiet", at, Anchor::End, &axis);
        canvas.raw("\n");
        page(
            self.title,
            &self.description(),
            &sheet(theme),
            bottom + 20.0,
            &canvas.finish(),
        )
    }

    fn legend(&self, canvas: &mut Canvas) {
        let mut x = MARGIN;
        for (name, look) in self.lines.iter().zip(LOOKS) {
            let y = TOP - 4.0;
            canvas.line(look, Point { x, y }, Point { x: x + 28.0, y });
            let at = Point {
                x: x + 34.0,
                y: y + 4.0,
            };
            canvas.text("", at, Anchor::Start, name);
            x += 34.0 + width(name, 12.0) + 24.0;
        }
        canvas.raw("\n");
    }

    /// The last value of every line, for those who can't see the picture.
    fn description(&self) -> String {
        let mut words = format!("{}. {}.", self.title, self.words);
        for panel in &self.panels {
            let lasts = panel.lines.iter().zip(&self.lines);
            let lasts = lasts.filter_map(|(points, name)| {
                let (_, last) = points.last()?;
                Some(format!("{name} {}", short(*last)))
            });
            let lasts: Vec<String> = lasts.collect();
            words.push_str(&format!(
                " {}, at the end: {}.",
                panel.title,
                lasts.join(", ")
            ));
        }
        words
    }
}

impl Panel<'_> {
    fn draw(&self, canvas: &mut Canvas, top: f64, furthest: f64) {
        let bottom = top + PANEL_HEIGHT;
        let points = self.lines.iter().flatten();
        let highest = nice(points.map(|(_, y)| *y).fold(0.0, f64::max));
        let title = Point {
            x: LEFT,
            y: top - 8.0,
        };
        canvas.text("strong", title, Anchor::Start, self.title);
        for part in 0..=2 {
            let value = highest * f64::from(part) / 2.0;
            let y = bottom - PANEL_HEIGHT * f64::from(part) / 2.0;
            let class = if part == 0 { "lane" } else { "grid" };
            canvas.line(class, Point { x: LEFT, y }, Point { x: RIGHT, y });
            let at = Point {
                x: LEFT - 8.0,
                y: y + 4.0,
            };
            canvas.text("quiet small", at, Anchor::End, &short(value));
        }
        canvas.raw("\n");
        for (points, look) in self.lines.iter().zip(LOOKS) {
            let place = |(x, y): &(f64, f64)| Point {
                x: LEFT + (RIGHT - LEFT) * x / furthest.max(1.0),
                y: bottom - PANEL_HEIGHT * y / highest,
            };
            let places: Vec<Point> = points.iter().map(place).collect();
            canvas.path(look, &places);
            canvas.raw("\n");
        }
    }
}

/// The least of 1, 2, 5, 10, 20 … that is no smaller.
fn nice(highest: f64) -> f64 {
    let mut bound = 1.0;
    loop {
        for step in [1.0, 2.0, 5.0] {
            if bound * step >= highest {
                return bound * step;
            }
        }
        bound *= 10.0;
    }
}

/// A number as an axis has it.
fn short(value: f64) -> String {
    let (scaled, unit) = match value {
        _ if value >= 1e9 => (value / 1e9, " G"),
        _ if value >= 1e6 => (value / 1e6, " M"),
        _ if value >= 1e4 => (value / 1e3, " k"),
        _ => (value, ""),
    };
    let text = format!("{scaled:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{text}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_end_at_round_numbers() {
        assert_eq!(
            [0.0, 1.0, 1.1, 4.0, 70.0].map(nice),
            [1.0, 1.0, 2.0, 5.0, 100.0]
        );
        assert_eq!(
            [0.0, 2.5, 12_000.0, 1e6].map(short),
            ["0", "2.5", "12 k", "1 M"]
        );
    }

    #[test]
    fn a_page_of_charts_is_well_formed_and_tells_its_ends_in_words() {
        let charts = Charts {
            title: "a < b",
            words: "words",
            axis: "writes",
            lines: vec!["one", "two"],
            panels: vec![Panel {
                title: "height",
                lines: vec![vec![(0.0, 0.0), (10.0, 4.0)], vec![(10.0, 3.0)]],
            }],
        };
        let svg = charts.svg(Theme::Auto);
        let document = roxmltree::Document::parse(&svg).unwrap();
        let desc = document.descendants().find(|it| it.has_tag_name("desc"));
        assert_eq!(
            desc.unwrap().text(),
            Some("a < b. words. height, at the end: one 4, two 3.")
        );
        // The first line goes from the lower left corner to four fifths of the height, as the axis ends at 5.
        let line = document
            .descendants()
            .filter(|it| it.attribute("class") == Some("set-off"))
            .nth(1);
        assert_eq!(line.unwrap().attribute("d"), Some("M84 224L1170 136"));
    }
}
