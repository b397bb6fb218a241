//! Whatever a file holds, reading it ends in a scenario or in mistakes with places.

use proptest::prelude::*;

use crate::catalog::CATALOG;
use crate::file::parse;

/// A change of a file: at a place, so many bytes make way for others.
fn edits() -> impl Strategy<Value = Vec<(prop::sample::Index, usize, Vec<u8>)>> {
    let inserted = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..4),
        prop::sample::select(vec![
            "[[",
            "]]",
            "\"",
            "'''",
            "=",
            "\n",
            "0",
            "-",
            "99999999999999999999",
            "1e999",
            "nan",
            "true",
            "{",
            "}",
            "\\",
            "µs",
            "\u{0}",
            "[",
            ",",
            ".",
            "#",
            "2017-03-16",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
    ];
    prop::collection::vec((any::<prop::sample::Index>(), 0..6_usize, inserted), 1..6)
}

fn edited(text: &str, edits: &[(prop::sample::Index, usize, Vec<u8>)]) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for (at, removed, inserted) in edits {
        let at = at.index(bytes.len().max(1)).min(bytes.len());
        let end = (at + removed).min(bytes.len());
        bytes.splice(at..end, inserted.iter().copied());
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Reads it; whatever is told must have a place in the text.
fn check(text: &str) {
    let Err(errors) = parse("any.toml", text) else {
        return;
    };
    assert!(!errors.diagnostics().is_empty());
    for diagnostic in errors.diagnostics() {
        let line = text.split('\n').nth(diagnostic.line - 1);
        let line = line.expect("the line is one of the text");
        assert!(diagnostic.column >= 1);
        assert!(diagnostic.column <= line.chars().count() + 1);
        assert!(text.get(diagnostic.span.clone()).is_some());
        assert!(!diagnostic.message.is_empty());
        let place = format!(
            "any.toml:{}:{}: error: ",
            diagnostic.line, diagnostic.column
        );
        assert!(diagnostic.to_string().starts_with(&place));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn edited_files_are_read_or_told_what_is_wrong(
        entry in prop::sample::select(CATALOG),
        edits in edits(),
    ) {
        check(&edited(entry.text, &edits));
    }

    #[test]
    fn lines_in_any_order_are_read_or_told_what_is_wrong(
        lines in prop::sample::select(CATALOG).prop_flat_map(|entry| {
            let lines: Vec<&str> = entry.text.lines().collect();
            Just(lines).prop_shuffle()
        }),
        kept in 0..60_usize,
    ) {
        check(&lines[..kept.min(lines.len())].join("\n"));
    }

    #[test]
    fn anything_at_all_is_read_or_told_what_is_wrong(text in any::<String>()) {
        check(&text);
    }
}

#[test]
fn a_file_cut_off_anywhere_is_told_what_is_wrong() {
    for entry in CATALOG {
        for end in (0..entry.text.len()).step_by(7) {
            if let Some(text) = entry.text.get(..end) {
                check(text);
            }
        }
    }
}

#[test]
fn a_file_that_is_too_long_is_refused_unread() {
    let text = " ".repeat(crate::file::FILE_BYTES_MAX + 1);
    let errors = parse("long.toml", &text).expect_err("too long");
    assert_eq!(errors.diagnostics().len(), 1);
    assert_eq!(errors.diagnostics()[0].line, 1);
}

#[test]
fn of_a_very_long_line_only_the_neighbourhood_is_shown() {
    let fields: Vec<String> = (0..20_000).map(|i| format!("x{i} = 1")).collect();
    let text = format!("cluster = {{ {} }}", fields.join(", "));
    let wide = format!("teaches = \"{}\" 5", "é".repeat(50_000));
    for text in [text, wide] {
        check(&text);
        let errors = parse("wide.toml", &text).expect_err("no scenario");
        assert!(
            errors
                .diagnostics()
                .iter()
                .all(|it| it.to_string().len() < 1_000)
        );
    }
}
