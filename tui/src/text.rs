//! Words and numbers in the width there is.

use ratatui::text::Span as Piece;
use seedbed_sim::{Instant, Span};

/// How many columns a text takes.
pub fn width(text: &str) -> usize {
    Piece::raw(text).width()
}

/// The text in at most `most` columns; what is cut ends in `…`. Control characters become spaces, since keys and values
/// of a run may hold anything.
pub fn fit(text: &str, most: usize) -> String {
    let clean: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if width(&clean) <= most {
        return clean;
    }
    let mut kept = String::new();
    let mut taken = 0;
    for c in clean.chars() {
        let wide = width(c.encode_utf8(&mut [0; 4]));
        if taken + wide + 1 > most {
            break;
        }
        kept.push(c);
        taken += wide;
    }
    if most > 0 {
        kept.push('…');
    }
    kept
}

/// In rows of fewer columns than this the names of guarantees are abbreviated.
const ROOM_FOR_NAMES: usize = 90;

/// A text with names of guarantees, for a row of so many columns: what is said after them counts for more than the ends of
/// their names. The story tells them in full.
pub fn abbreviated(text: &str, columns: usize) -> String {
    match columns < ROOM_FOR_NAMES {
        true => text.replace("-in-real-time", " (rt)"),
        false => text.to_owned(),
    }
}

/// The text cut or filled with spaces to exactly `columns`.
pub fn left(text: &str, columns: usize) -> String {
    let mut text = fit(text, columns);
    text.push_str(&" ".repeat(columns.saturating_sub(width(&text))));
    text
}

/// The same, with the spaces before the text.
pub fn right(text: &str, columns: usize) -> String {
    let text = fit(text, columns);
    let spaces = columns.saturating_sub(width(&text));
    format!("{}{text}", " ".repeat(spaces))
}

/// The text in lines of at most `columns`, broken between words where that is possible.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(1);
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            let needed = width(&line) + usize::from(!line.is_empty()) + width(word);
            if needed > columns && !line.is_empty() {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(&fit(word, columns));
        }
        lines.push(line);
    }
    lines
}

/// Milliseconds with three decimals and no unit, for columns under a heading.
pub fn millis(at: Instant) -> String {
    let micros = at.as_nanos() / 1_000;
    format!("{}.{:03}", micros / 1_000, micros % 1_000)
}

/// A span with its unit, in three digits at the most: `3.25 ms` stays, `12.345678 ms` becomes `12.3 ms`.
pub fn short(span: Span) -> String {
    let nanos = span.as_nanos();
    let (unit_nanos, unit) = match nanos {
        0 => return "0".to_owned(),
        1..1_000 => return format!("{nanos} ns"),
        1_000..1_000_000 => (1_000, "µs"),
        1_000_000..1_000_000_000 => (1_000_000, "ms"),
        _ => (1_000_000_000, "s"),
    };
    let whole = nanos / unit_nanos;
    let decimals = match whole {
        0..10 => 2,
        10..100 => 1,
        _ => 0,
    };
    let fraction = format!("{:03}", nanos % unit_nanos * 1_000 / unit_nanos);
    let fraction = fraction[..decimals].trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{whole}{point}{fraction} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_by_columns_and_control_characters_are_blanked() {
        assert_eq!(fit("follower", 8), "follower");
        assert_eq!(fit("follower", 5), "foll…");
        assert_eq!(fit("日本語", 4), "日…");
        assert_eq!(fit("a\u{1b}[31mb\n", 20), "a [31mb ");
        assert_eq!(fit("x", 0), "");
        assert_eq!(left("ab", 4), "ab  ");
        assert_eq!(right("日", 4), "  日");
    }

    #[test]
    fn long_names_are_abbreviated_where_rows_are_narrow() {
        let text = "read-your-writes-in-real-time is violated";
        assert_eq!(abbreviated(text, 78), "read-your-writes (rt) is violated");
        assert_eq!(abbreviated(text, 120), text);
    }

    #[test]
    fn wrapping_breaks_between_words_and_cuts_words_that_are_too_long() {
        assert_eq!(
            wrap("a leader and two followers", 10),
            ["a leader", "and two", "followers"]
        );
        assert_eq!(wrap("incomprehensibilities", 6), ["incom…"]);
        assert_eq!(wrap("one\n\ntwo", 10), ["one", "", "two"]);
    }

    #[test]
    fn spans_are_short() {
        let spans = [
            (0, "0"),
            (999, "999 ns"),
            (1_500, "1.5 µs"),
            (3_250_000, "3.25 ms"),
            (3_009_999, "3 ms"),
            (12_345_678, "12.3 ms"),
            (250_900_000, "250 ms"),
            (2_500_000_000, "2.5 s"),
            (u64::MAX, "18446744073 s"),
        ];
        for (nanos, shown) in spans {
            assert_eq!(short(Span::from_nanos(nanos)), shown);
        }
    }
}
