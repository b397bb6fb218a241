//! Histories that other programs wrote, as [`History`]: what `seedbed check` reads.
//!
//! ```text
//!  bytes ──► Reader::feed ──► lines ──► native   ─┐
//!                    │                            ├─► Builder ──► Imported: the history, and the line of each event
//!                    └──────► forms ──► jepsen   ─┤
//!                             {…}  {…}  porcupine ┘   (all operations first: they are ordered by their times)
//! ```
//!
//! Three [formats](Format) are read: the native one, JSON Lines with an event each; the operations of Jepsen, in EDN; and
//! those of Porcupine, in JSON. Which one it is shows in how the file begins. The book's page on histories is the
//! specification; what is decided there and enforced here:
//!
//! - **Nothing is guessed.** Two open operations of one process, an end without a beginning, a process that goes on after
//!   an outcome that nobody knows, a function that no model knows, a value of the wrong shape, a file that ends half-way:
//!   each is a [`Diagnostic`] with line, column and what was expected, and never a verdict. Only the first mistake is told:
//!   what follows a missing line is mostly its echo.
//! - **Unknown outcomes stay possible.** What never ends stays open in the history.
//! - **Order is that of the lines**, not of times, except in Porcupine's format, which has no other order.
//! - **Streaming.** The reader takes bytes in pieces of any length and holds one line or one operation at a time, besides
//!   the history itself; it never sees a file. A line or operation is at most [`PIECE_BYTES_MAX`] long.
//!
//! What real tools do and this does not: Jepsen's transactions (`:txn`) and Knossos's tagged logs are not read.

mod builder;
mod detect;
mod edn;
mod finals;
mod forms;
mod functions;
mod jepsen;
pub(crate) mod json;
mod lines;
mod native;
mod porcupine;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use seedbed_sim::Instant;

use crate::file::Diagnostic;
use crate::file::diagnostic::{Origin, Problem};
use crate::history::{History, Place};

pub use finals::read_finals;
pub use json::read_value;

use forms::{Dialect, Forms};
use lines::Lines;

/// The version of the native format that this program reads.
pub const SCHEMA: u64 = crate::history::SCHEMA;

/// The longest line or operation, in bytes.
pub const PIECE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The mark of UTF-8.
const MARK: &[u8] = "\u{feff}".as_bytes();

/// What is wrong with a file, and where. Boxed, since it is large and rare.
pub type ImportError = Box<Diagnostic>;

/// The format of a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// JSON Lines, an event each: the native one.
    Native,
    /// The operations of Jepsen, in EDN.
    Jepsen,
    /// Operations as Porcupine has them, in JSON: `{client, input, output, call, return}`.
    Porcupine,
}

impl Format {
    /// Its name, as the command line has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Jepsen => "jepsen",
            Self::Porcupine => "porcupine",
        }
    }
}

/// What `add` means: other systems say it of numbers and of sets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Add {
    /// Adding to a number, as `add` of the native format does.
    #[default]
    Amount,
    /// Inserting into a set, as `:add` of Jepsen's set tests does.
    Element,
}

/// What is known of a file besides its content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    /// Its format; found out unless given.
    pub format: Option<Format>,
    /// What `add` means in it.
    pub add: Add,
}

/// A line about the system's faults and not about a client: Jepsen's nemesis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultMark {
    /// Its line, from 1.
    pub line: usize,
    /// The place of the event that comes next in the history.
    pub before: Place,
    /// When.
    pub at: Instant,
    /// What the line says: `start-partition {"n1" #{"n2"}}`.
    pub what: String,
}

/// A history that was read.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The history. An event's [`EventId`](seedbed_sim::EventId) is the number of its line. Where the file has no times,
    /// the line of an event is its time, in milliseconds.
    pub history: History,
    /// The format that it had.
    pub format: Format,
    /// Whether the file says when things happened, and not only in which order.
    pub has_times: bool,
    /// The faults that it tells of, in order.
    pub faults: Vec<FaultMark>,
    lines: Vec<u64>,
}

impl Imported {
    /// The line of the event at a place, from 1. Both ends of an operation of Porcupine's stand on one line.
    ///
    /// # Panics
    /// When there is no such event.
    pub fn line(&self, place: Place) -> usize {
        self.lines[place.0 as usize] as usize
    }

    /// The line of each event, by its place.
    pub fn lines(&self) -> &[u64] {
        &self.lines
    }
}

/// Reads a history from pieces of a file.
#[derive(Debug)]
pub struct Reader {
    file: Arc<str>,
    hints: Hints,
    /// The first bytes, as long as they may be the mark of UTF-8, which some systems put there.
    mark: Option<Vec<u8>>,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// Nobody knows the format yet: what came so far.
    Detecting(Vec<u8>),
    Native(Lines, Box<native::Reader>),
    Jepsen(Forms, Box<jepsen::Reader>),
    Porcupine(Forms, Box<porcupine::Reader>),
}

/// Reads a whole file that is in memory. `file` is what messages call it; its ending helps to find the format.
///
/// # Errors
/// With the first thing that is wrong with it.
pub fn read(file: &str, hints: Hints, bytes: &[u8]) -> Result<Imported, ImportError> {
    let mut reader = Reader::new(file, hints);
    reader.feed(bytes)?;
    reader.finish()
}

impl Reader {
    /// Begins with a file. `file` is what messages call it; its ending helps to find the format.
    pub fn new(file: &str, hints: Hints) -> Self {
        let ending = || file.ends_with(".edn").then_some(Format::Jepsen);
        let stage = match hints.format.or_else(ending) {
            Some(format) => Stage::new(format, hints),
            None => Stage::Detecting(Vec::new()),
        };
        Self {
            file: file.into(),
            hints,
            mark: Some(Vec::new()),
            stage,
        }
    }

    /// Takes the next bytes, however many.
    ///
    /// # Errors
    /// With the first thing that is wrong. There is no going on after it.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), ImportError> {
        let Some(mut first) = self.mark.take() else {
            return self.feed_marked(bytes);
        };
        first.extend_from_slice(bytes);
        if first.len() < MARK.len() && MARK.starts_with(&first) {
            self.mark = Some(first);
            return Ok(());
        }
        let text = first.strip_prefix(MARK).unwrap_or(&first);
        self.feed_marked(text)
    }

    fn feed_marked(&mut self, bytes: &[u8]) -> Result<(), ImportError> {
        let fed = match &mut self.stage {
            Stage::Detecting(seen) => {
                seen.extend_from_slice(bytes);
                match detect::format(seen, detect::End::NotYet) {
                    Ok(None) => return Ok(()),
                    Ok(Some(format)) => {
                        let seen = std::mem::take(seen);
                        self.stage = Stage::new(format, self.hints);
                        return self.feed_marked(&seen);
                    }
                    Err(mistake) => Err(mistake),
                }
            }
            Stage::Native(lines, reader) => {
                lines.feed(bytes, |line, origin| reader.take(line, origin.line))
            }
            Stage::Jepsen(forms, reader) => {
                forms.feed(bytes, |form, origin| reader.take(form, origin.line))
            }
            Stage::Porcupine(forms, reader) => {
                forms.feed(bytes, |form, origin| reader.take(form, origin))
            }
        };
        fed.map_err(|mistake| mistake.told(&self.file))
    }

    /// The file is at its end.
    ///
    /// # Errors
    /// When it ends too early, holds nothing, or its operations do not fit each other.
    pub fn finish(mut self) -> Result<Imported, ImportError> {
        if let Some(first) = self.mark.take() {
            self.feed_marked(&first)?;
        }
        if let Stage::Detecting(seen) = &mut self.stage {
            let found = detect::format(seen, detect::End::Here);
            let format = found.map_err(|mistake| mistake.told(&self.file))?;
            let seen = std::mem::take(seen);
            self.stage = Stage::new(format.unwrap_or(Format::Native), self.hints);
            self.feed_marked(&seen)?;
        }
        let (format, finished) = match self.stage {
            Stage::Detecting(_) => unreachable!("the format was just decided"),
            Stage::Native(lines, mut reader) => (
                Format::Native,
                lines
                    .finish(|line, origin| reader.take(line, origin.line))
                    .and_then(|end| reader.finish(end)),
            ),
            Stage::Jepsen(forms, reader) => (
                Format::Jepsen,
                forms.finish().and_then(|end| reader.finish(end)),
            ),
            Stage::Porcupine(forms, reader) => (
                Format::Porcupine,
                forms.finish().and_then(|end| reader.finish(end)),
            ),
        };
        let builder = finished.map_err(|mistake| mistake.told(&self.file))?;
        Ok(builder.into_imported(format))
    }
}

impl Stage {
    fn new(format: Format, hints: Hints) -> Self {
        match format {
            Format::Native => Self::Native(Lines::default(), Box::new(native::Reader::new(hints))),
            Format::Jepsen => Self::Jepsen(
                Forms::new(Dialect::Edn),
                Box::new(jepsen::Reader::new(hints)),
            ),
            Format::Porcupine => Self::Porcupine(
                Forms::new(Dialect::Json),
                Box::new(porcupine::Reader::new(hints)),
            ),
        }
    }
}

/// A problem with the piece of the file that it is in.
#[derive(Debug)]
struct Mistake {
    problem: Problem,
    piece: String,
    origin: Origin,
}

impl Mistake {
    fn new(problem: Problem, piece: &str, origin: Origin) -> Box<Self> {
        Box::new(Self {
            problem,
            piece: piece.to_owned(),
            origin,
        })
    }

    fn told(self, file: &str) -> ImportError {
        Box::new(self.problem.locate_in(file, &self.piece, self.origin))
    }
}
