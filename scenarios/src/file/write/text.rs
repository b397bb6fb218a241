//! TOML as text: tables, strings, durations, comments.

use std::fmt::{Display, Write as _};

use seedbed_sim::{Instant, Span};

/// Lines of text and comments are broken here, where they can be.
const COLUMNS: usize = 118;

/// A table that is being written.
pub(super) struct Table {
    header: String,
    lines: String,
}

impl Table {
    /// What stands before all tables.
    pub(super) fn root() -> Self {
        Self {
            header: String::new(),
            lines: String::new(),
        }
    }

    /// `[name]`
    pub(super) fn single(name: &str) -> Self {
        Self {
            header: format!("[{name}]\n"),
            ..Self::root()
        }
    }

    /// `[[name]]`
    pub(super) fn item(name: &str) -> Self {
        Self {
            header: format!("[[{name}]]\n"),
            ..Self::root()
        }
    }

    /// A field whose value is TOML already.
    pub(super) fn plain(&mut self, field: &str, value: impl Display) {
        writeln!(self.lines, "{field} = {value}").expect("a string takes all");
    }

    /// A field that holds a text.
    pub(super) fn text(&mut self, field: &str, text: &str) {
        self.plain(field, quoted(text));
    }

    /// A field that holds a text which may be long.
    pub(super) fn long_text(&mut self, field: &str, text: &str) {
        let short = quoted(text);
        if field.len() + 3 + short.chars().count() <= COLUMNS {
            self.plain(field, short);
        } else {
            self.plain(field, folded(text));
        }
    }

    /// A field, unless it is as by default.
    pub(super) fn unless<T: PartialEq>(
        &mut self,
        field: &str,
        value: &T,
        default: &T,
        write: impl FnOnce(&T) -> String,
    ) {
        if value != default {
            self.plain(field, write(value));
        }
    }

    /// Whether nothing was written into it.
    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Adds it to the file, an empty line before it, or the comments that stand there already.
    pub(super) fn push_to(self, out: &mut String) {
        let last = out.lines().next_back();
        let has_its_comment = !self.header.is_empty() && last.is_some_and(|it| it.starts_with('#'));
        if !out.is_empty() && !has_its_comment {
            out.push('\n');
        }
        out.push_str(&self.header);
        out.push_str(&self.lines);
    }
}

/// A comment, on as many lines as it takes.
pub(super) fn comment(out: &mut String, text: &str) {
    for line in wrap(text, COLUMNS - 2) {
        out.push_str(if line.is_empty() { "#" } else { "# " });
        out.push_str(&line);
        out.push('\n');
    }
}

/// Breaks a text at spaces. What stands behind its first line is set in as far as that.
fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let clean: String = paragraph.chars().filter(|c| !c.is_control()).collect();
        let indent = clean.len() - clean.trim_start().len();
        let mut line = String::new();
        let mut length = 0;
        for word in clean.split_inclusive(' ') {
            let width = word.trim_end().chars().count();
            if length > indent && length + width > columns {
                lines.push(line.trim_end().to_owned());
                line = " ".repeat(indent);
                length = indent;
            }
            line.push_str(word);
            length += word.chars().count();
        }
        lines.push(line.trim_end().to_owned());
    }
    lines
}

/// A basic string of TOML.
pub(in crate::file) fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        push_escaped(&mut out, c);
    }
    out.push('"');
    out
}

fn push_escaped(out: &mut String, c: char) {
    match c {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\t' => out.push_str("\\t"),
        '\r' => out.push_str("\\r"),
        c if c.is_control() => write!(out, "\\u{:04X}", u32::from(c)).expect("a string"),
        c => out.push(c),
    }
}

/// A string on several lines, which reads as one line: a backslash at the end of a line takes away the line's end and
/// all white space after it. So a line may end at a space that no other white space follows.
fn folded(text: &str) -> String {
    let mut out = String::from("\"\"\"\n");
    let mut length = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(' ').map_or(rest.len(), |at| at + 1);
        let (word, after) = rest.split_at(end);
        word.chars().for_each(|c| push_escaped(&mut out, c));
        length += word.chars().count();
        let next = after.split(' ').next().unwrap_or_default().chars().count();
        let may_break = word.ends_with(' ') && !after.starts_with(char::is_whitespace);
        if may_break && !after.is_empty() && length + next > COLUMNS - 2 {
            out.push_str("\\\n");
            length = 0;
        }
        rest = after;
    }
    out + "\"\"\""
}

/// An array of names.
pub(super) fn names<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = names.into_iter().map(quoted).collect();
    format!("[{}]", quoted.join(", "))
}

/// A duration, exactly: `"1.5ms"`.
pub(super) fn duration(span: Span) -> String {
    format!("\"{}\"", bare(span.as_nanos()))
}

/// A duration that may be negative.
pub(super) fn signed(nanos: i64) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    format!("\"{sign}{}\"", bare(nanos.unsigned_abs()))
}

/// A moment, by the time since the beginning of the run.
pub(super) fn instant(at: Instant) -> String {
    duration(at.since(Instant::ZERO))
}

fn bare(nanos: u64) -> String {
    let (unit_nanos, unit) = match nanos {
        0 | 1_000_000_000.. => (1_000_000_000, "s"),
        1_000_000.. => (1_000_000, "ms"),
        1_000.. => (1_000, "us"),
        _ => (1, "ns"),
    };
    let (whole, rest) = (nanos / unit_nanos, nanos % unit_nanos);
    if rest == 0 {
        return format!("{whole}{unit}");
    }
    let decimals = format!("{unit_nanos}").len() - 1;
    let fraction = format!("{rest:0decimals$}");
    format!("{whole}.{}{unit}", fraction.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_exactly_and_shortly() {
        let cases = [
            (0, "0s"),
            (1, "1ns"),
            (999, "999ns"),
            (1_500, "1.5us"),
            (20_000, "20us"),
            (12_345_678, "12.345678ms"),
            (400_000_000, "400ms"),
            (1_000_000_000, "1s"),
            (2_500_000_001, "2.500000001s"),
            (90_000_000_000, "90s"),
        ];
        for (nanos, text) in cases {
            assert_eq!(bare(nanos), text);
            let read = crate::file::duration::parse_nanos(text);
            assert_eq!(read, Ok(nanos as i64), "{text}");
        }
    }

    #[test]
    fn comments_keep_to_their_columns_and_to_their_indent() {
        let mut out = String::new();
        comment(&mut out, &format!("  {}", "word ".repeat(60)));
        assert!(out.lines().all(|line| line.len() <= COLUMNS), "{out}");
        assert!(
            out.lines().all(|line| line.starts_with("#   word")),
            "{out}"
        );
    }

    #[test]
    fn a_comment_can_not_end_early() {
        let mut out = String::new();
        comment(&mut out, "one\ntwo\r\u{7f}three");
        assert_eq!(out, "# one\n# twothree\n");
    }
}
