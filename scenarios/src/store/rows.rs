//! Rows as text: JSON Lines of `{"key":…,"value":…}`, or CSV with the header `key,value`.
//!
//! Keys and values are text, or bytes in hexadecimal digits where that is asked for. A file is read to its end before
//! anything is made of it, and only its first mistake is told, with its line and column: a store that has half of a file
//! is worse than one that has nothing of it.
//!
//! CSV is as RFC 4180 has it, and no more: programs that read it mend what is not well formed, each in its own way (text
//! after a closing quote, a quote that is never closed and swallows the rest of the file). Here that is a mistake.

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;
use seedbed_protocols::storage::{KEY_BYTES_MAX, VALUE_BYTES_MAX};
use serde::{Deserialize, Serialize};

use crate::file::diagnostic::{Origin, Problem};
use crate::file::{Diagnostic, nearest, quoted};
use crate::import::json::{find_field, syntax_problem};

/// The mark of UTF-8, which some programs put first.
const MARK: &str = "\u{feff}";

/// What a line of JSON should be.
const OBJECT: &str = "`{\"key\": \"…\", \"value\": \"…\"}`";

/// A row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyValue {
    /// The key.
    pub key: Bytes,
    /// The value.
    pub value: Bytes,
}

/// How bytes are written as text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Spelling {
    /// As they are: they must be UTF-8.
    #[default]
    Text,
    /// As hexadecimal digits.
    Hex,
}

/// The form of a file of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A JSON object on each line.
    JsonLines,
    /// Comma-separated values under a header.
    Csv,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    #[serde(borrow)]
    key: Cow<'a, str>,
    #[serde(borrow)]
    value: Cow<'a, str>,
}

/// Reads all rows. `file` is what messages call it.
///
/// # Errors
/// What is wrong with the first row that is bad, and where.
pub fn read(
    file: &str,
    bytes: &[u8],
    form: Form,
    spelling: Spelling,
) -> Result<Vec<KeyValue>, Box<Diagnostic>> {
    let told =
        |problem: Problem, text: &str| Box::new(problem.locate_in(file, text, Origin::START));
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        let problem = Problem::new(at..at + 1, "this is not UTF-8 text")
            .help("with --hex, keys and values are written as hexadecimal digits");
        told(problem, &String::from_utf8_lossy(bytes))
    })?;
    let text = text.strip_prefix(MARK).unwrap_or(text);
    let rows = match form {
        Form::JsonLines => read_json_lines(text, spelling),
        Form::Csv => read_csv(text, spelling),
    };
    rows.map_err(|problem| told(problem, text))
}

/// A row as a line of JSON, without its end.
///
/// # Errors
/// The key or the value is no text: which, and what helps.
pub fn line(key: &[u8], value: &[u8], spelling: Spelling) -> Result<String, String> {
    let spelt = |bytes, what| {
        spell(bytes, spelling).ok_or_else(|| {
            let shown: String = key.escape_ascii().to_string();
            format!("the {what} of the row {shown:?} is no text; --hex prints bytes as digits")
        })
    };
    let line = Line {
        key: spelt(key, "key")?.into(),
        value: spelt(value, "value")?.into(),
    };
    Ok(serde_json::to_string(&line).expect("text is JSON"))
}

/// Bytes as text; `None` when they are none.
pub fn spell(bytes: &[u8], spelling: Spelling) -> Option<String> {
    match spelling {
        Spelling::Text => String::from_utf8(bytes.to_vec()).ok(),
        Spelling::Hex => Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect()),
    }
}

/// Text as bytes.
///
/// # Errors
/// What is wrong with it.
pub fn unspell(text: &str, spelling: Spelling) -> Result<Vec<u8>, String> {
    if spelling == Spelling::Text {
        return Ok(text.as_bytes().to_vec());
    }
    let digit = |byte: u8| (byte as char).to_digit(16);
    let byte = |pair: &[u8]| match pair {
        [high, low] => u8::try_from(digit(*high)? * 16 + digit(*low)?).ok(),
        _ => None,
    };
    let bytes: Option<Vec<u8>> = text.as_bytes().chunks(2).map(byte).collect();
    bytes.ok_or_else(|| {
        format!(
            "{} is not made of pairs of hexadecimal digits",
            quoted(text)
        )
    })
}

/// Makes a row, or says which of both is wrong: `false` for the key.
fn row(key: &str, value: &str, spelling: Spelling) -> Result<KeyValue, (bool, String)> {
    let bytes = |text, what: &str, max: usize| {
        let bytes = unspell(text, spelling)?;
        match bytes.len() {
            len if len > max => Err(format!("the {what} has {len} bytes, and the most is {max}")),
            _ => Ok(Bytes::from(bytes)),
        }
    };
    Ok(KeyValue {
        key: bytes(key, "key", KEY_BYTES_MAX).map_err(|what| (false, what))?,
        value: bytes(value, "value", VALUE_BYTES_MAX).map_err(|what| (true, what))?,
    })
}

fn read_json_lines(text: &str, spelling: Spelling) -> Result<Vec<KeyValue>, Problem> {
    let mut rows = Vec::new();
    let mut begin = 0;
    for whole in text.split_inclusive('\n') {
        if !whole.trim_ascii().is_empty() {
            let read = read_json_line(whole, spelling);
            rows.push(read.map_err(|problem| problem.moved(begin))?);
        }
        begin += whole.len();
    }
    Ok(rows)
}

fn read_json_line(text: &str, spelling: Spelling) -> Result<KeyValue, Problem> {
    let line: Line<'_> = serde_json::from_str(text).map_err(|error| shape_problem(&error, text))?;
    row(&line.key, &line.value, spelling).map_err(|(is_value, what)| {
        let name = if is_value { "value" } else { "key" };
        let field = find_field(text, 0, |found| found == name);
        Problem::new(field.map_or(0..0, |field| field.value), what)
    })
}

/// What serde says, with what was expected and the field that is probably meant.
fn shape_problem(error: &serde_json::Error, text: &str) -> Problem {
    let message = error.to_string();
    let mut names = message.split('`').skip(1).step_by(2);
    let given = names.next().unwrap_or_default();
    if message.starts_with("unknown field") {
        let field = find_field(text, 0, |name| name == given);
        let near = nearest(given, ["key", "value"]);
        let what = format!("a row has no field {}", quoted(given));
        return Problem::new(field.map_or(0..0, |field| field.name), what)
            .expected(OBJECT)
            .did_you_mean(near);
    }
    if error.is_eof() {
        let end = text.trim_ascii_end().len();
        return Problem::new(end..end, "the line ends in the middle of a row").expected(OBJECT);
    }
    syntax_problem(error, text).expected(OBJECT)
}

fn read_csv(text: &str, spelling: Spelling) -> Result<Vec<KeyValue>, Problem> {
    let mut records = Records { text, at: 0 };
    let header = records.next_record()?;
    let Some(header) = header else {
        return Err(Problem::new(0..0, "the file is empty").expected("the header `key,value`"));
    };
    let names: Vec<&str> = header.iter().map(|field| field.text.trim()).collect();
    if names != ["key", "value"] {
        let span = header[0].span.start..header[header.len() - 1].span.end;
        let what = format!("the header is {}", quoted(&names.join(",")));
        return Err(Problem::new(span, what).expected("the header `key,value`"));
    }
    let mut rows = Vec::new();
    while let Some(record) = records.next_record()? {
        let [key, value] = &record[..] else {
            let span = record[0].span.start..record[record.len() - 1].span.end;
            let what = match record.len() {
                1 => "there is one value in this row".to_owned(),
                many => format!("there are {many} values in this row"),
            };
            return Err(Problem::new(span, what).expected("two, a key and a value"));
        };
        let row = row(&key.text, &value.text, spelling).map_err(|(is_value, what)| {
            let field = if is_value { value } else { key };
            Problem::new(field.span.clone(), what)
        });
        rows.push(row?);
    }
    Ok(rows)
}

/// The records of a CSV file, one after the other.
struct Records<'a> {
    text: &'a str,
    at: usize,
}

/// A field, and where it stands.
struct Field<'a> {
    text: Cow<'a, str>,
    span: Range<usize>,
}

impl<'a> Records<'a> {
    /// The fields of the next record, at least one; `None` at the end. Blank lines are left out.
    fn next_record(&mut self) -> Result<Option<Vec<Field<'a>>>, Problem> {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start_matches(['\r', '\n']).len();
        if self.at == self.text.len() {
            return Ok(None);
        }
        let mut fields = Vec::new();
        loop {
            fields.push(self.field()?);
            let rest = &self.text.as_bytes()[self.at..];
            self.at += match rest {
                [b',', ..] | [b'\n', ..] => 1,
                [b'\r', b'\n', ..] => 2,
                _ => 0,
            };
            if rest.first() != Some(&b',') {
                return Ok(Some(fields));
            }
        }
    }

    /// The next field, up to the comma or the end of the line after it.
    fn field(&mut self) -> Result<Field<'a>, Problem> {
        let begin = self.at;
        let rest = &self.text[begin..];
        if !rest.starts_with('"') {
            let end = rest.find([',', '\n']).unwrap_or(rest.len());
            let text = match rest.as_bytes().get(end) {
                Some(b',') => &rest[..end],
                _ => rest[..end].strip_suffix('\r').unwrap_or(&rest[..end]),
            };
            if let Some(quote) = text.find('"') {
                let at = begin + quote;
                let problem =
                    Problem::new(at..at + 1, "a quote within a value that has none around it");
                return Err(problem.expected("quotes around the value, and each one in it doubled"));
            }
            self.at += text.len();
            return Ok(self.took(begin, Cow::Borrowed(text)));
        }
        let mut closing = begin + 1;
        loop {
            let Some(quote) = self.text[closing..].find('"') else {
                let problem = Problem::new(begin..begin + 1, "this quote is never closed");
                return Err(problem.expected("a closing quote"));
            };
            closing += quote;
            if !self.text[closing + 1..].starts_with('"') {
                break;
            }
            closing += 2;
        }
        self.at = closing + 1;
        let rest = &self.text[self.at..];
        let ends = rest.is_empty() || [",", "\n", "\r\n"].iter().any(|end| rest.starts_with(end));
        if !ends {
            let problem = Problem::new(self.at..self.at + 1, "text after a closing quote");
            return Err(problem.expected("a comma or the end of the line"));
        }
        let inner = &self.text[begin + 1..closing];
        let inner = match inner.contains('"') {
            true => Cow::Owned(inner.replace("\"\"", "\"")),
            false => Cow::Borrowed(inner),
        };
        Ok(self.took(begin, inner))
    }

    fn took(&self, begin: usize, text: Cow<'a, str>) -> Field<'a> {
        Field {
            text,
            span: begin..self.at,
        }
    }
}
