//! What is wrong with a file, and where: scenario files, and histories that other programs wrote.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

/// No more problems than this are told of one file; the rest are counted.
pub const DIAGNOSTICS_MAX: usize = 100;

/// One mistake in a file.
///
/// Prints without colours, the place first, so that terminals and editors can make a link of it:
///
/// ```text
/// lag.toml:3:1: error: the scenario has no field `titel`
///   |
/// 3 | titel = "Reading your own writes"
///   | ^^^^^ expected one of `title`, `chapter`, …
///   |
///   = help: did you mean `title`?
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file, as the caller named it.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
    /// Where in the file's text, in bytes.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What would have been right.
    pub expected: Option<String>,
    /// What to do about it: a near miss, most of the time.
    pub help: Option<String>,
    /// The line itself, or the part of it around the place.
    excerpt: String,
    /// Where in the line, in bytes.
    excerpt_span: Range<usize>,
}

impl Diagnostic {
    /// The same as it prints, with ANSI colours.
    pub fn coloured(&self) -> String {
        self.render(&Renderer::styled())
    }

    fn render(&self, renderer: &Renderer) -> String {
        let place = format!("{}:{}:{}", self.file, self.line, self.column);
        if self.excerpt.is_empty() {
            return self.render_bare(&place);
        }
        let mark = AnnotationKind::Primary
            .span(self.excerpt_span.clone())
            .label(self.expected.as_ref().map(|it| format!("expected {it}")));
        let snippet = Snippet::source(self.excerpt.as_str())
            .line_start(self.line)
            .annotation(mark);
        let mut group = Group::with_level(Level::ERROR).element(snippet);
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        let picture = renderer.render(&[group]);
        format!("{place}: error: {}\n{picture}", self.message)
    }
}

impl Diagnostic {
    /// Where the text is not at hand any more, or there is none, there is nothing to show it in.
    fn render_bare(&self, place: &str) -> String {
        let expected = self
            .expected
            .as_ref()
            .map(|it| format!("\n  = expected {it}"));
        let help = self.help.as_ref().map(|it| format!("\n  = help: {it}"));
        let (expected, help) = (expected.unwrap_or_default(), help.unwrap_or_default());
        format!("{place}: error: {}{expected}{help}", self.message)
    }
}

impl std::error::Error for Diagnostic {}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(&Renderer::plain()))
    }
}

/// Everything that is wrong with a scenario file, in the order of the file; at least one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioErrors {
    diagnostics: Vec<Diagnostic>,
    untold: usize,
}

impl ScenarioErrors {
    /// The mistakes, at most [`DIAGNOSTICS_MAX`]; never empty.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// How many mistakes there are beyond those that are told.
    pub fn untold(&self) -> usize {
        self.untold
    }

    /// The same as it prints, with ANSI colours.
    pub fn coloured(&self) -> String {
        self.join(Diagnostic::coloured)
    }

    fn join(&self, render: impl Fn(&Diagnostic) -> String) -> String {
        let mut all: Vec<String> = self.diagnostics.iter().map(render).collect();
        if self.untold > 0 {
            all.push(format!("and {} more errors", self.untold));
        }
        all.join("\n\n")
    }
}

impl fmt::Display for ScenarioErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.join(Diagnostic::to_string))
    }
}

impl std::error::Error for ScenarioErrors {}

/// A mistake as the reader finds it; its place is worked out at the end.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    span: Range<usize>,
    message: String,
    expected: Option<String>,
    help: Option<String>,
}

impl Problem {
    pub(crate) fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            span,
            message,
            expected: None,
            help: None,
        }
    }

    pub(crate) fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = Some(expected.into());
        self
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same, in a text that has so many bytes more before it.
    pub(crate) fn moved(mut self, by: usize) -> Self {
        self.span = self.span.start + by..self.span.end + by;
        self
    }

    /// Help that names what is probably meant.
    pub(crate) fn did_you_mean(self, suggestion: Option<&str>) -> Self {
        match suggestion {
            Some(name) => self.help(format!("did you mean `{name}`?")),
            None => self,
        }
    }
}

/// Where a piece of a file begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The line, from 1.
    pub(crate) line: usize,
    /// The column, from 1, in characters.
    pub(crate) column: usize,
    /// The bytes before it.
    pub(crate) offset: usize,
}

impl Origin {
    /// The beginning of a file.
    pub(crate) const START: Self = Self {
        line: 1,
        column: 1,
        offset: 0,
    };
}

impl Problem {
    /// Its place in a file of which only a piece is at hand. Its span counts from the beginning of the piece.
    pub(crate) fn locate_in(self, file: &str, piece: &str, origin: Origin) -> Diagnostic {
        let mut found = locate(file, piece, self);
        if found.line == 1 {
            found.column += origin.column - 1;
        }
        found.line += origin.line - 1;
        found.span = found.span.start + origin.offset..found.span.end + origin.offset;
        found
    }
}

/// Gathers mistakes, so that a person sees all of them at once.
#[derive(Debug, Default)]
pub(super) struct Problems {
    list: RefCell<Vec<Problem>>,
    untold: Cell<usize>,
}

impl Problems {
    /// Notes a mistake. It is described only when there is room for it.
    pub(super) fn report(&self, describe: impl FnOnce() -> Problem) {
        if self.list.borrow().len() < DIAGNOSTICS_MAX {
            let problem = describe();
            self.list.borrow_mut().push(problem);
        } else {
            self.untold.set(self.untold.get() + 1);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.borrow().is_empty()
    }

    /// # Panics
    /// When there was no mistake.
    pub(super) fn into_errors(self, file: &str, text: &str) -> ScenarioErrors {
        let mut list = self.list.into_inner();
        assert!(!list.is_empty(), "errors are made of problems");
        list.sort_by_key(|problem| (problem.span.start, problem.span.end));
        let locate = |problem| locate(file, text, problem);
        ScenarioErrors {
            diagnostics: list.into_iter().map(locate).collect(),
            untold: self.untold.get(),
        }
    }
}

const EXCERPT_BYTES_BEFORE: usize = 1_000;
const EXCERPT_BYTES_AFTER: usize = 1_000;

fn locate(file: &str, text: &str, problem: Problem) -> Diagnostic {
    let start = floor_char(text, problem.span.start);
    let end = floor_char(text, problem.span.end).max(start);
    let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
    let line_end = text[start..]
        .find('\n')
        .map_or(text.len(), |length| start + length);
    // Of a very long line only the neighbourhood is kept.
    let shown_start = line_start.max(floor_char(text, start.saturating_sub(EXCERPT_BYTES_BEFORE)));
    let shown_end = line_end.min(floor_char(text, start + EXCERPT_BYTES_AFTER));
    let excerpt = text[shown_start..shown_end].trim_end_matches('\r');
    // A value over several lines is marked where it begins.
    let excerpt_end = (end - shown_start).min(excerpt.len());
    let excerpt_start = (start - shown_start).min(excerpt_end);
    Diagnostic {
        file: file.to_owned(),
        line: text[..line_start].matches('\n').count() + 1,
        column: text[line_start..start].chars().count() + 1,
        span: start..end,
        message: problem.message,
        expected: problem.expected,
        help: problem.help,
        excerpt: excerpt.to_owned(),
        excerpt_span: excerpt_start..excerpt_end,
    }
}

fn floor_char(text: &str, index: usize) -> usize {
    let index = index.min(text.len());
    (0..=index)
        .rev()
        .find(|&at| text.is_char_boundary(at))
        .unwrap_or(0)
}
