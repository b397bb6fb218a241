//! SVG, piece by piece: shapes by class, text that knows how wide it is, and where labels still have room.

use std::fmt::Write;

/// A place in the picture, in its units: to the right and down.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    pub(super) x: f64,
    pub(super) y: f64,
}

/// A rectangle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Area {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Area {
    pub(super) fn meets(&self, other: &Self) -> bool {
        self.x < other.x + other.width
            && other.x < self.x + self.width
            && self.y < other.y + other.height
            && other.y < self.y + self.height
    }
}

/// The shapes so far.
#[derive(Debug, Default)]
pub(super) struct Canvas {
    out: String,
}

// Writing to a string can't fail.
impl Canvas {
    pub(super) fn finish(self) -> String {
        self.out
    }

    pub(super) fn raw(&mut self, text: &str) {
        self.out.push_str(text);
    }

    /// Shapes that belong together, with words that appear when a reader points at them.
    pub(super) fn group(&mut self, words: &str, draw: impl FnOnce(&mut Self)) {
        let _ = write!(self.out, "<g><title>{}</title>", escape(words));
        draw(self);
        self.out.push_str("</g>\n");
    }

    pub(super) fn line(&mut self, class: &str, from: Point, to: Point) {
        let _ = write!(
            self.out,
            "<path class=\"{class}\" d=\"M{} {}L{} {}\"/>",
            number(from.x),
            number(from.y),
            number(to.x),
            number(to.y)
        );
    }

    pub(super) fn area(&mut self, class: &str, area: Area, radius: f64) {
        let rounded = if radius > 0.0 {
            format!(" rx=\"{}\"", number(radius))
        } else {
            String::new()
        };
        let _ = write!(
            self.out,
            "<rect class=\"{class}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"{rounded}/>",
            number(area.x),
            number(area.y),
            number(area.width),
            number(area.height)
        );
    }

    /// An area that a gradient fills.
    pub(super) fn tail(&mut self, gradient: &str, area: Area) {
        let _ = write!(
            self.out,
            "<rect class=\"tail\" fill=\"url(#{gradient})\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>",
            number(area.x),
            number(area.y),
            number(area.width),
            number(area.height)
        );
    }

    pub(super) fn disc(&mut self, class: &str, at: Point, radius: f64) {
        let _ = write!(
            self.out,
            "<circle class=\"{class}\" cx=\"{}\" cy=\"{}\" r=\"{}\"/>",
            number(at.x),
            number(at.y),
            number(radius)
        );
    }

    pub(super) fn polygon(&mut self, class: &str, points: &[Point]) {
        let path = path_of(points);
        let _ = write!(self.out, "<path class=\"{class}\" d=\"{path}z\"/>");
    }

    /// A line through all the points; nothing where there is none.
    pub(super) fn path(&mut self, class: &str, points: &[Point]) {
        if !points.is_empty() {
            let path = path_of(points);
            let _ = write!(self.out, "<path class=\"{class}\" d=\"{path}\"/>");
        }
    }

    /// The head of an arrow that comes from `from` and ends at `to`.
    pub(super) fn head(&mut self, class: &str, from: Point, to: Point, size: f64) {
        let (dx, dy) = (to.x - from.x, to.y - from.y);
        let length = (dx * dx + dy * dy).sqrt();
        if length < size {
            return;
        }
        let (ux, uy) = (dx / length, dy / length);
        let base = Point {
            x: to.x - ux * size,
            y: to.y - uy * size,
        };
        let side = size * 0.42;
        let corner = |sign: f64| Point {
            x: base.x - uy * side * sign,
            y: base.y + ux * side * sign,
        };
        self.polygon(class, &[to, corner(1.0), corner(-1.0)]);
    }

    pub(super) fn cross(&mut self, class: &str, at: Point) {
        const ARM: f64 = 5.0;
        for (from, to) in [((-ARM, -ARM), (ARM, ARM)), ((-ARM, ARM), (ARM, -ARM))] {
            let corner = |(x, y): (f64, f64)| Point {
                x: at.x + x,
                y: at.y + y,
            };
            self.line(class, corner(from), corner(to));
        }
    }

    /// Slanting lines over an area.
    pub(super) fn hatch(&mut self, class: &str, area: Area) {
        const STEP: f64 = 9.0;
        let mut path = String::new();
        let mut x = area.x - area.height;
        while x < area.x + area.width {
            // From the bottom up to the right, cut off at both sides of the area.
            let left = x.max(area.x);
            let right = (x + area.height).min(area.x + area.width);
            if right > left {
                let bottom = area.y + area.height;
                let _ = write!(
                    path,
                    "M{} {}L{} {}",
                    number(left),
                    number(bottom - (left - x)),
                    number(right),
                    number(bottom - (right - x))
                );
            }
            x += STEP;
        }
        if !path.is_empty() {
            let _ = write!(self.out, "<path class=\"{class}\" d=\"{path}\"/>");
        }
    }

    pub(super) fn text(&mut self, class: &str, at: Point, anchor: Anchor, words: &str) {
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let _ = write!(
            self.out,
            "<text class=\"{class}\" x=\"{}\" y=\"{}\"{anchor}>{}</text>",
            number(at.x),
            number(at.y),
            escape(words)
        );
    }
}

fn path_of(points: &[Point]) -> String {
    let mut path = String::new();
    for (index, point) in points.iter().enumerate() {
        let letter = if index == 0 { 'M' } else { 'L' };
        let _ = write!(path, "{letter}{} {}", number(point.x), number(point.y));
    }
    path
}

/// Which part of a text stands at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A coordinate with one decimal, and none where it is whole.
fn number(value: f64) -> String {
    let text = format!("{value:.1}");
    let text = text.strip_suffix(".0").unwrap_or(&text);
    if text == "-0" {
        "0".to_owned()
    } else {
        text.to_owned()
    }
}

/// Text as XML holds it. Control characters, which XML can't hold, become blanks.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// About how wide a text is at a size, whatever sans-serif font the reader has: rather too wide than too narrow.
pub(super) fn width(text: &str, size: f64) -> f64 {
    let ems: f64 = text
        .chars()
        .map(|c| match c {
            'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' | ' ' => 0.34,
            'f' | 't' | 'r' | '(' | ')' | '-' | '"' => 0.43,
            'm' | 'w' | 'M' | 'W' | '→' | '…' | '⇄' | '=' => 0.9,
            c if c.is_ascii_uppercase() => 0.72,
            c if c.is_ascii() => 0.63,
            _ => 1.0,
        })
        .sum();
    ems * size
}

/// Breaks a text into lines of at most `width_max`, at blanks.
pub(super) fn wrap(text: &str, size: f64, width_max: f64) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is a line");
        if line.is_empty() {
            line.push_str(word);
        } else if width(line, size) + width(word, size) + 0.34 * size <= width_max {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

/// What labels and marks have taken, and how many labels found no room.
#[derive(Debug, Default)]
pub(super) struct Room {
    taken: Vec<Area>,
    pub(super) left_out: usize,
}

impl Room {
    /// Keeps an area free of labels.
    pub(super) fn keep(&mut self, area: Area) {
        self.taken.push(area);
    }

    /// Takes the first of some areas that is free; counts a label as left out where none is.
    pub(super) fn take(&mut self, areas: impl IntoIterator<Item = Area>) -> Option<Area> {
        let free = |area: &Area| !self.taken.iter().any(|taken| taken.meets(area));
        let found = areas.into_iter().find(free);
        match found {
            Some(area) => self.taken.push(area),
            None => self.left_out += 1,
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_are_short_and_text_is_escaped() {
        assert_eq!(
            [number(1.0), number(-0.04), number(2.25), number(-3.96)],
            ["1", "0", "2.2", "-4"]
        );
        assert_eq!(escape("a<b & \"c\"\u{1}\n"), "a&lt;b &amp; &quot;c&quot;  ");
    }

    #[test]
    fn lines_are_broken_at_blanks_and_a_long_word_stays_whole() {
        let text = "one two three";
        assert_eq!(wrap(text, 10.0, 1_000.0), [text]);
        assert_eq!(wrap(text, 10.0, 1.0), ["one", "two", "three"]);
        assert_eq!(wrap("", 10.0, 1.0), [""]);
    }

    #[test]
    fn labels_take_the_first_free_place_or_are_counted() {
        let at = |x: f64| Area {
            x,
            y: 0.0,
            width: 10.0,
            height: 10.0,
        };
        let mut room = Room::default();
        room.keep(at(0.0));
        assert_eq!(room.take([at(5.0), at(10.0)]), Some(at(10.0)));
        assert_eq!(room.take([at(5.0), at(15.0)]), None);
        assert_eq!(room.left_out, 1);
    }
}
