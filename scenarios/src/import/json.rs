//! JSON as a tree that borrows from its line, and where its fields stand in the text.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::file::diagnostic::Problem;
use crate::history::Value;

/// Events and operations have a dozen fields; what has more than this is something else.
const FIELDS_MAX: usize = 256;

/// Any JSON.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Json<'a> {
    Null,
    Bool(bool),
    Int(i64),
    /// A number that is no [`Value`]: it has a fraction, or more than 64 bits.
    Number,
    Text(Cow<'a, str>),
    List(Vec<Json<'a>>),
    Object(Vec<(Cow<'a, str>, Json<'a>)>),
}

impl<'a> Json<'a> {
    /// Reads it; what is wrong is told at its place.
    pub(super) fn parse(text: &'a str) -> Result<Self, Problem> {
        serde_json::from_str(text).map_err(|error| syntax_problem(&error, text))
    }

    /// What it is, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a truth",
            Self::Int(_) => "a number",
            Self::Number => "a number with a fraction or of more than 64 bits",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }

    /// As a value; `None` where there is something in it that is none.
    pub(super) fn into_value(self) -> Option<Value> {
        Some(match self {
            Self::Null => Value::Null,
            Self::Bool(truth) => Value::Bool(truth),
            Self::Int(number) => Value::Int(number),
            Self::Text(text) => Value::from(&*text),
            Self::List(list) => {
                let list: Option<Vec<Value>> = list.into_iter().map(Self::into_value).collect();
                Value::List(list?.into())
            }
            Self::Number | Self::Object(_) => return None,
        })
    }
}

/// What values are, for messages.
pub(super) const VALUES: &str =
    "a text, a whole number of 64 bits, a truth, null or a list of these";

/// Reads a value as the command line has it, in JSON: `0`, `"a"`, `[1,2]`; `null` is `None`: absent.
///
/// # Errors
/// When it is no JSON, or JSON that is no value, in words.
pub fn read_value(text: &str) -> Result<Option<Value>, String> {
    let json: Json<'_> = serde_json::from_str(text)
        .map_err(|error| format!("this is not JSON: {error}; a text stands in quotes: '\"a\"'"))?;
    let kind = json.kind();
    match json.into_value() {
        Some(Value::Null) => Ok(None),
        Some(value) => Ok(Some(value)),
        None => Err(format!("{kind} is no value: {VALUES} was expected")),
    }
}

/// What serde says is wrong, at its place.
pub(crate) fn syntax_problem(error: &serde_json::Error, text: &str) -> Problem {
    let message = error.to_string();
    let end = message.rfind(" at line ").unwrap_or(message.len());
    let lines_before = text.split_inclusive('\n').take(error.line().max(1) - 1);
    let line_start: usize = lines_before.map(str::len).sum();
    let at = (line_start + error.column().max(1) - 1).min(text.len());
    if error.is_eof() {
        let end = text.trim_end().len();
        return Problem::new(
            end..end,
            "the file is cut off here, in the middle of an object",
        )
        .expected("the rest of it");
    }
    Problem::new(at..at + 1, &message[..end])
}

/// Where a field of an object stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FieldSpan {
    pub(crate) name: Range<usize>,
    pub(crate) value: Range<usize>,
}

/// Where the field `name` of the object that begins at `from` stands in `text`, which is valid JSON. Only asked for when
/// something is wrong, so that nothing is noted while all is well.
pub(crate) fn find_field(
    text: &str,
    from: usize,
    is_it: impl Fn(&str) -> bool,
) -> Option<FieldSpan> {
    let bytes = text.as_bytes();
    let mut at = skip_blank(bytes, from);
    if bytes.get(at) != Some(&b'{') {
        return None;
    }
    at += 1;
    loop {
        at = skip_blank(bytes, at);
        if bytes.get(at) == Some(&b',') {
            at = skip_blank(bytes, at + 1);
        }
        if bytes.get(at) != Some(&b'"') {
            return None;
        }
        let name = at..skip_value(bytes, at);
        at = skip_blank(bytes, name.end);
        let start = skip_blank(bytes, at + 1);
        let end = skip_value(bytes, start);
        let decoded: Result<String, _> = serde_json::from_str(text.get(name.clone())?);
        if decoded.is_ok_and(|decoded| is_it(&decoded)) {
            return Some(FieldSpan {
                name,
                value: start..end,
            });
        }
        at = end;
    }
}

fn skip_blank(bytes: &[u8], from: usize) -> usize {
    let blank = bytes[from.min(bytes.len())..]
        .iter()
        .take_while(|byte| byte.is_ascii_whitespace());
    from + blank.count()
}

/// The end of the value that begins at `from`.
fn skip_value(bytes: &[u8], from: usize) -> usize {
    let (mut depth, mut in_text, mut at) = (0_usize, false, from);
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'\\' if in_text => at += 1,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => depth += 1,
            b'}' | b']' if !in_text && depth == 0 => return at - 1,
            b'}' | b']' if !in_text => depth -= 1,
            b',' if !in_text && depth == 0 => return at - 1,
            _ => {}
        }
        let is_whole = !in_text && depth == 0 && matches!(byte, b'"' | b'}' | b']');
        let before_blank = bytes.get(at).is_none_or(u8::is_ascii_whitespace);
        if is_whole || (!in_text && depth == 0 && before_blank) {
            return at;
        }
    }
    at.min(bytes.len())
}

impl<'de: 'a, 'a> Deserialize<'de> for Json<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<Self::Value, E> {
        Ok(Json::Bool(truth))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Json::Int(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(i64::try_from(number).map_or(Json::Number, Json::Int))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Json::Number)
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Json::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Json::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element()? {
            values.push(value);
        }
        Ok(Json::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields: Vec<(Cow<'de, str>, Json<'de>)> = Vec::new();
        while let Some(Text(name)) = map.next_key()? {
            if fields.len() == FIELDS_MAX {
                let told = format!("this has more than {FIELDS_MAX} fields");
                return Err(A::Error::custom(told));
            }
            if fields.iter().any(|(earlier, _)| *earlier == name) {
                return Err(A::Error::custom(format!("`{name}` is given twice")));
            }
            fields.push((name, map.next_value()?));
        }
        Ok(Json::Object(fields))
    }
}

/// A text, borrowed where it holds no escape.
pub(super) struct Text<'a>(pub(super) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(TextVisitor)
    }
}
