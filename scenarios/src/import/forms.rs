//! A text cut into its operations: the maps at its top, each alone or in one list, in whatever pieces its bytes come.
//!
//! Each byte is looked at once, so that a list of any length costs no more memory than its longest operation. What stands
//! inside an operation is not understood here, only where it ends: brackets are counted outside of texts, comments and
//! EDN's characters (`\{`).

use crate::file::diagnostic::{Origin, Problem};
use crate::file::quoted;

use super::lines::as_text;
use super::{Mistake, PIECE_BYTES_MAX};

/// The language of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Json,
    Edn,
}

/// Gathers bytes until an operation is whole.
#[derive(Debug)]
pub(super) struct Forms {
    dialect: Dialect,
    at: Origin,
    partial: Vec<u8>,
    began: Origin,
    depth: usize,
    inside: Inside,
    list: List,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Inside {
    Plain,
    Text,
    /// After a backslash in a text.
    Escape,
    /// After EDN's backslash outside of a text.
    Character,
    /// Up to the line's end.
    Comment,
    /// The name before an operation: `#jepsen.history.Op`.
    Tag,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum List {
    None,
    Open(Origin),
    Closed,
}

impl Forms {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            at: Origin::START,
            partial: Vec::new(),
            began: Origin::START,
            depth: 0,
            inside: Inside::Plain,
            list: List::None,
        }
    }

    /// Hands each operation that becomes whole to `take`.
    pub(super) fn feed(
        &mut self,
        bytes: &[u8],
        mut take: impl FnMut(&str, Origin) -> Result<(), Problem>,
    ) -> Result<(), Box<Mistake>> {
        for &byte in bytes {
            if self.depth > 0 {
                self.within(byte, &mut take)?;
            } else {
                self.between(byte)?;
            }
            self.step(byte);
        }
        Ok(())
    }

    /// The text is at its end; returns where that is.
    pub(super) fn finish(self) -> Result<Origin, Box<Mistake>> {
        if self.depth > 0 {
            let text = String::from_utf8_lossy(&self.partial);
            let problem = Problem::new(
                0..1,
                "the file is cut off in the middle of the operation that begins here",
            )
            .expected("its end, `}`");
            return Err(Mistake::new(problem, &text, self.began));
        }
        if let List::Open(origin) = self.list {
            let problem = Problem::new(0..0, "the file is cut off in the list that begins here");
            return Err(Mistake::new(problem.expected("its end, `]`"), "", origin));
        }
        Ok(self.at)
    }

    fn step(&mut self, byte: u8) {
        self.at.offset += 1;
        if byte == b'\n' {
            self.at.line += 1;
            self.at.column = 1;
        } else if byte & 0xC0 != 0x80 {
            self.at.column += 1;
        }
    }

    /// A byte inside an operation.
    fn within(
        &mut self,
        byte: u8,
        take: &mut impl FnMut(&str, Origin) -> Result<(), Problem>,
    ) -> Result<(), Box<Mistake>> {
        self.partial.push(byte);
        if self.partial.len() > PIECE_BYTES_MAX {
            let problem = Problem::new(0..0, "the operation that begins here is too long");
            let problem = problem.expected(format!("at most {PIECE_BYTES_MAX} bytes"));
            return Err(Mistake::new(problem, "", self.began));
        }
        self.inside = match (self.inside, byte) {
            (Inside::Text, b'\\') => Inside::Escape,
            (Inside::Text, b'"') => Inside::Plain,
            (Inside::Escape, _) => Inside::Text,
            (Inside::Comment, b'\n') | (Inside::Character, _) => Inside::Plain,
            (Inside::Plain, b'"') => Inside::Text,
            (Inside::Plain, b'\\') if self.dialect == Dialect::Edn => Inside::Character,
            (Inside::Plain, b';') if self.dialect == Dialect::Edn => Inside::Comment,
            (Inside::Plain, b'{' | b'[' | b'(') => {
                self.depth += 1;
                Inside::Plain
            }
            (Inside::Plain, b'}' | b']' | b')') => {
                self.depth -= 1;
                Inside::Plain
            }
            (inside, _) => inside,
        };
        if self.depth > 0 {
            return Ok(());
        }
        let mut whole = std::mem::take(&mut self.partial);
        let origin = self.began;
        let text = as_text(&whole, origin)?;
        take(text, origin).map_err(|problem| Mistake::new(problem, text, origin))?;
        whole.clear();
        self.partial = whole;
        Ok(())
    }

    /// A byte between operations.
    fn between(&mut self, byte: u8) -> Result<(), Box<Mistake>> {
        let is_edn = self.dialect == Dialect::Edn;
        let ordinary = self.inside != Inside::Comment;
        match byte {
            b'\n' => self.inside = Inside::Plain,
            _ if !ordinary => {}
            b'{' if self.list != List::Closed => {
                self.inside = Inside::Plain;
                self.began = self.at;
                self.depth = 1;
                self.partial.push(byte);
            }
            b' ' | b'\t' | b'\r' | b',' => self.inside = Inside::Plain,
            b';' if is_edn => self.inside = Inside::Comment,
            b'#' if is_edn && self.list != List::Closed => self.inside = Inside::Tag,
            _ if self.inside == Inside::Tag
                && (byte.is_ascii_alphanumeric() || b"._-/".contains(&byte)) => {}
            b'[' | b'(' if self.list == List::None => self.list = List::Open(self.at),
            b']' | b')' if matches!(self.list, List::Open(_)) => self.list = List::Closed,
            _ => return Err(self.stranger(byte)),
        }
        Ok(())
    }

    fn stranger(&self, byte: u8) -> Box<Mistake> {
        let shown = match byte.is_ascii() {
            true => quoted(&char::from(byte).to_string()),
            false => "this".to_owned(),
        };
        let (message, expected) = match self.list {
            List::Closed => (
                format!("{shown} stands after the end of the list"),
                "the file's end",
            ),
            _ => (
                format!("{shown} stands where an operation is to begin"),
                "`{`",
            ),
        };
        Mistake::new(Problem::new(0..0, message).expected(expected), "", self.at)
    }
}
