//! `seedbed-book`, which mdBook calls with the book on standard input and reads it back from standard output.

use seedbed_book::{Catalog, expand_book};
use std::io;

fn main() -> anyhow::Result<()> {
    // mdBook first asks whether a renderer is supported, by the exit code: code blocks suit them all.
    if std::env::args().nth(1).as_deref() == Some("supports") {
        return Ok(());
    }
    let (context, book) = mdbook_preprocessor::parse_input(io::stdin())?;
    let book = expand_book(&context, book, &Catalog)?;
    serde_json::to_writer(io::stdout(), &book)?;
    Ok(())
}
