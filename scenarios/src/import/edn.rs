//! EDN, the notation of Clojure's data, as far as histories need it, with the place of everything in the text.
//!
//! Written here since the crates that read EDN keep no places, or only behind an unstable feature, and bring numbers of
//! any length with them. Understood: nil, truths, whole numbers, texts, characters, keywords, symbols, vectors, lists, sets,
//! maps, comments, discards (`#_`) and tags, which are passed over. Numbers that are no value (fractions, more than 64 bits)
//! are noted as such. See <https://github.com/edn-format/edn>.

use std::borrow::Cow;
use std::ops::Range;

use crate::file::diagnostic::Problem;
use crate::history::Value;

/// Data with its place in the text.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node<'a> {
    pub(super) span: Range<usize>,
    pub(super) data: Data<'a>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Data<'a> {
    Nil,
    Bool(bool),
    Int(i64),
    /// A number that is no [`Value`].
    Number,
    Text(Cow<'a, str>),
    /// Without its colon.
    Keyword(&'a str),
    Symbol(&'a str),
    /// A vector or a list.
    List(Vec<Node<'a>>),
    Set(Vec<Node<'a>>),
    Map(Vec<(Node<'a>, Node<'a>)>),
}

/// Brackets inside brackets, at the most.
const DEPTH_MAX: usize = 128;

/// Reads one piece of data, and nothing after it.
pub(super) fn parse(text: &str) -> Result<Node<'_>, Problem> {
    let mut parser = Parser { text, at: 0 };
    let node = parser.node(0)?;
    parser.skip_blank(0)?;
    if parser.at < text.len() {
        return Err(
            Problem::new(parser.at..parser.at + 1, "there is more after the end")
                .expected("nothing"),
        );
    }
    Ok(node)
}

impl Data<'_> {
    /// What it is, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Nil => "nil",
            Self::Bool(_) => "a truth",
            Self::Int(_) => "a number",
            Self::Number => "a number with a fraction or of more than 64 bits",
            Self::Text(_) => "a text",
            Self::Keyword(_) => "a keyword",
            Self::Symbol(_) => "a symbol",
            Self::List(_) => "a vector",
            Self::Set(_) => "a set",
            Self::Map(_) => "a map",
        }
    }

    /// As a value: keywords and symbols as their names, sets as sorted lists; `None` where something in it is none.
    pub(super) fn to_value(&self) -> Option<Value> {
        let list = |nodes: &[Node<'_>]| {
            nodes
                .iter()
                .map(|n| n.data.to_value())
                .collect::<Option<Vec<Value>>>()
        };
        Some(match self {
            Self::Nil => Value::Null,
            Self::Bool(truth) => Value::Bool(*truth),
            Self::Int(number) => Value::Int(*number),
            Self::Text(text) => Value::from(&**text),
            Self::Keyword(name) | Self::Symbol(name) => Value::from(*name),
            Self::List(nodes) => Value::List(list(nodes)?.into()),
            Self::Set(nodes) => {
                let mut elements = list(nodes)?;
                elements.sort_unstable();
                Value::List(elements.into())
            }
            Self::Number | Self::Map(_) => return None,
        })
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_blank(&mut self, depth: usize) -> Result<(), Problem> {
        while let Some(byte) = self.peek() {
            match byte {
                b',' | b' ' | b'\t' | b'\r' | b'\n' => self.at += 1,
                b';' => {
                    let rest = &self.text[self.at..];
                    self.at += rest.find('\n').unwrap_or(rest.len());
                }
                b'#' if self.text[self.at..].starts_with("#_") => {
                    self.at += 2;
                    self.node(depth + 1)?;
                }
                _ => break,
            }
        }
        Ok(())
    }

    fn node(&mut self, depth: usize) -> Result<Node<'a>, Problem> {
        if depth > DEPTH_MAX {
            return Err(Problem::new(
                self.at..self.at + 1,
                "this is nested too deeply",
            ));
        }
        self.skip_blank(depth)?;
        let start = self.at;
        let Some(first) = self.peek() else {
            return Err(self.cut_off());
        };
        let data = match first {
            b'{' => self.map(depth)?,
            b'[' => Data::List(self.list(b']', depth)?),
            b'(' => Data::List(self.list(b')', depth)?),
            b'"' => Data::Text(self.quoted()?),
            b'\\' => self.character(),
            b'#' if self.text[start..].starts_with("#{") => {
                self.at += 1;
                Data::Set(self.list(b'}', depth)?)
            }
            b'#' => {
                self.at += 1;
                self.token();
                return self.node(depth + 1);
            }
            _ => {
                let token = self.token();
                if token.is_empty() {
                    let wide = self.text[start..].chars().next().map_or(1, char::len_utf8);
                    return Err(
                        Problem::new(start..start + wide, "this is no EDN").expected("a value")
                    );
                }
                atom(token).ok_or_else(|| {
                    Problem::new(start..self.at, "this is no EDN").expected("a value")
                })?
            }
        };
        Ok(Node {
            span: start..self.at,
            data,
        })
    }

    /// What stands between brackets, of which the first comes next.
    fn list(&mut self, end: u8, depth: usize) -> Result<Vec<Node<'a>>, Problem> {
        self.at += 1;
        let mut nodes = Vec::new();
        loop {
            self.skip_blank(depth)?;
            match self.peek() {
                None => return Err(self.cut_off()),
                Some(byte) if byte == end => {
                    self.at += 1;
                    return Ok(nodes);
                }
                Some(b')' | b']' | b'}') => {
                    let problem = Problem::new(self.at..self.at + 1, "this bracket closes nothing");
                    return Err(problem.expected(format!("`{}`", char::from(end))));
                }
                Some(_) => nodes.push(self.node(depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Data<'a>, Problem> {
        let start = self.at;
        let nodes = self.list(b'}', depth)?;
        if !nodes.len().is_multiple_of(2) {
            let problem = Problem::new(start..self.at, "a key of this map has no value");
            return Err(problem.expected("keys and values in turn"));
        }
        let mut pairs = Vec::with_capacity(nodes.len() / 2);
        let mut nodes = nodes.into_iter();
        while let (Some(key), Some(value)) = (nodes.next(), nodes.next()) {
            pairs.push((key, value));
        }
        Ok(Data::Map(pairs))
    }

    fn quoted(&mut self) -> Result<Cow<'a, str>, Problem> {
        let start = self.at + 1;
        let mut decoded: Option<String> = None;
        let mut chars = self.text[start..].char_indices();
        while let Some((offset, char)) = chars.next() {
            match char {
                '"' => {
                    self.at = start + offset + 1;
                    let plain = &self.text[start..start + offset];
                    return Ok(decoded.map_or(Cow::Borrowed(plain), Cow::Owned));
                }
                '\\' => {
                    let so_far =
                        decoded.get_or_insert_with(|| self.text[start..start + offset].to_owned());
                    let escape = chars.next().map(|(_, escape)| escape);
                    so_far.push(match escape {
                        Some('n') => '\n',
                        Some('t') => '\t',
                        Some('r') => '\r',
                        Some('b') => '\u{8}',
                        Some('f') => '\u{c}',
                        Some('u') => {
                            let digits: String =
                                chars.by_ref().take(4).map(|(_, digit)| digit).collect();
                            let code = u32::from_str_radix(&digits, 16).ok();
                            // Half of a surrogate pair alone is no character; it is shown as such.
                            code.and_then(char::from_u32)
                                .unwrap_or(char::REPLACEMENT_CHARACTER)
                        }
                        Some(other) => other,
                        None => break,
                    });
                }
                other => {
                    if let Some(so_far) = &mut decoded {
                        so_far.push(other);
                    }
                }
            }
        }
        Err(self.cut_off())
    }

    /// `\a`, `\newline`, as a text.
    fn character(&mut self) -> Data<'a> {
        let start = self.at + 1;
        let first = self.text[start..].chars().next().map_or(0, char::len_utf8);
        self.at = start + first;
        self.token();
        let name = &self.text[start..self.at];
        Data::Text(Cow::Borrowed(match name {
            "newline" => "\n",
            "space" => " ",
            "tab" => "\t",
            "return" => "\r",
            other => other,
        }))
    }

    /// Up to what ends a number or a name.
    fn token(&mut self) -> &'a str {
        let rest = &self.text[self.at..];
        let ends = |c: char| c.is_whitespace() || ",;\"()[]{}\\".contains(c);
        let token = &rest[..rest.find(ends).unwrap_or(rest.len())];
        self.at += token.len();
        token
    }

    fn cut_off(&self) -> Problem {
        let end = self.text.len();
        Problem::new(end..end, "the text is cut off here").expected("the rest of it")
    }
}

fn atom(token: &str) -> Option<Data<'_>> {
    if let Some(name) = token.strip_prefix(':') {
        return (!name.is_empty()).then_some(Data::Keyword(name));
    }
    Some(match token {
        "nil" => Data::Nil,
        "true" => Data::Bool(true),
        "false" => Data::Bool(false),
        _ => {
            let unsigned = token.trim_start_matches(['+', '-']);
            if !unsigned.starts_with(|c: char| c.is_ascii_digit()) {
                return Some(Data::Symbol(token));
            }
            let digits = token.strip_suffix('N').unwrap_or(token);
            let digits = digits.strip_prefix('+').unwrap_or(digits);
            digits.parse().map_or(Data::Number, Data::Int)
        }
    })
}
