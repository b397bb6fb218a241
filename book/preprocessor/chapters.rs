//! From mdBook's book to mdBook's book.

use crate::expand::{Lab, expand};
use anyhow::bail;
use mdbook_preprocessor::PreprocessorContext;
use mdbook_preprocessor::book::Book;

/// Expands every chapter of `book`, or fails with every line that can't be: `book/src/replication-lag.md:12: …`.
pub fn expand_book(
    context: &PreprocessorContext,
    mut book: Book,
    lab: &impl Lab,
) -> anyhow::Result<Book> {
    let folder = context.root.join(&context.config.book.src);
    let mut problems = Vec::new();
    book.for_each_chapter_mut(|chapter| match expand(&chapter.content, lab) {
        Ok(expanded) => chapter.content = expanded,
        Err(wrong) => {
            let file = folder.join(chapter.source_path.clone().unwrap_or_default());
            problems.extend(
                wrong
                    .iter()
                    .map(|problem| format!("{}:{problem}", file.display())),
            );
        }
    });
    if !problems.is_empty() {
        bail!("the book can't be built:\n{}", problems.join("\n"));
    }
    Ok(book)
}
