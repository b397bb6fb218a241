//! The book's preprocessor: chapters ask for scenarios, and get what the program prints today.
//!
//! A course that shows output must not show last year's. A chapter holds a line `{{#run ddia/5-3}}`,
//! `{{#show ddia/5-3}}`, `{{#screen ddia/5-3 at_ms=25}}` or `{{#draw ddia/5-3}}`, and each time the book is built the
//! scenario runs and its report, its file, a picture of the lab or a space-time diagram is put there. A scenario that is
//! gone, or an edit that no longer fits its file, fails the build with the chapter's file and line.

mod chapters;
mod directive;
mod expand;
mod lab;

pub use chapters::expand_book;
pub use directive::{Change, Directive, Draw, Lines, Run, Screen, Show};
pub use expand::{Lab, Problem, expand};
pub use lab::Catalog;
