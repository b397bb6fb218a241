//! How mistakes are told.

use super::{SMALL, small_with};

#[test]
fn all_mistakes_are_told_at_once_in_the_order_of_the_file() {
    let text = SMALL
        .replace("title", "titel")
        .replace("kind = \"open\"", "kind = \"opened\"")
        .replace("node = \"f1\"", "node = \"f9\"")
        .replace("delay = \"5ms\"", "delay = 5");
    let errors = crate::file::parse("small.toml", &text).expect_err("four mistakes");
    let places: Vec<(usize, usize)> = errors
        .diagnostics()
        .iter()
        .map(|it| (it.line, it.column))
        .collect();
    assert_eq!(places, [(2, 1), (20, 9), (40, 8), (49, 8)]);
}

#[test]
fn more_mistakes_than_anybody_reads_are_counted() {
    let steps = "[[step]]\nat = 5\n".repeat(150);
    let errors = crate::file::parse("small.toml", &format!("{SMALL}{steps}"));
    let errors = errors.expect_err("many mistakes");
    assert_eq!(errors.diagnostics().len(), crate::file::DIAGNOSTICS_MAX);
    // Each step has a wrong `at`, and lacks a client, an action and a key.
    assert_eq!(errors.untold(), 150 * 4 - crate::file::DIAGNOSTICS_MAX);
}

#[test]
fn columns_count_characters_and_lines_end_as_they_like() {
    let text = small_with(
        "title = \"Small\"",
        "title = \"Überspät\"\r\nteaches = \"é\" 5\r",
    );
    let errors = crate::file::parse("ü.toml", &text).expect_err("a stray 5");
    let first = &errors.diagnostics()[0];
    assert_eq!((first.line, first.column), (3, 15));
    assert!(first.to_string().starts_with("ü.toml:3:15: error: "));
}

#[test]
fn colours_are_given_on_request_only() {
    let text = small_with("title", "titel");
    let errors = crate::file::parse("small.toml", &text).expect_err("a mistake");
    assert!(!errors.to_string().contains('\u{1b}'));
    assert!(errors.coloured().contains('\u{1b}'));
}
