//! The book as it lies on the disk: every page is in the summary, and every link leads somewhere.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// All files below `folder` whose names end in `.md`, with their text.
fn pages(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut pages = Vec::new();
    for entry in fs::read_dir(folder).expect("the book's source is a folder") {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() {
            pages.extend(self::pages(&path));
        } else if path.extension().is_some_and(|extension| extension == "md") {
            let text = fs::read_to_string(&path).expect("a readable page");
            pages.push((path, text));
        }
    }
    pages
}

/// The targets of a page's links and images, outside blocks of code: what stands in `](…)`.
fn targets(text: &str) -> Vec<String> {
    let mut in_code = false;
    let prose: String = text
        .lines()
        .filter(|line| {
            let fence = line.trim_start().starts_with("```");
            in_code ^= fence;
            !fence && !in_code
        })
        .collect::<Vec<_>>()
        .join("\n");
    prose
        .split("](")
        .skip(1)
        .filter_map(|rest| Some(rest.split_once(')')?.0.to_owned()))
        .collect()
}

/// The anchors that a renderer makes of a page's headings.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let title = line.trim_start_matches('#').trim().to_lowercase();
            let kept = title
                .chars()
                .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        })
        .collect()
}

/// What is wrong with the link from `page` to `target`, if anything is.
fn broken(page: &Path, text: &str, target: &str) -> Option<String> {
    if target.starts_with("https://") {
        return None;
    }
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let (path, linked) = if file.is_empty() {
        (page.to_owned(), Some(text.to_owned()))
    } else {
        let path = page.parent().expect("a page lies in a folder").join(file);
        let linked = fs::read_to_string(&path).ok();
        (path, linked)
    };
    if !path.exists() {
        return Some(format!("{}: no file {target}", page.display()));
    }
    let missing = !anchor.is_empty() && !linked.is_some_and(|text| anchors(&text).contains(anchor));
    missing.then(|| format!("{}: no heading {target}", page.display()))
}

#[test]
fn every_link_of_the_book_and_the_readme_leads_somewhere() {
    let mut pages = pages(&source());
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let text = fs::read_to_string(&readme).expect("a readable README");
    pages.push((readme, text));
    let wrong: Vec<String> = pages
        .iter()
        .flat_map(|(page, text)| {
            let targets = targets(text);
            targets
                .into_iter()
                .filter_map(|target| broken(page, text, &target))
        })
        .collect();
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn every_page_is_in_the_summary() {
    let summary = source().join("SUMMARY.md");
    let listed: BTreeSet<PathBuf> = targets(&fs::read_to_string(&summary).expect("a summary"))
        .into_iter()
        .map(|target| source().join(target))
        .collect();
    let found: BTreeSet<PathBuf> = pages(&source())
        .into_iter()
        .map(|(path, _)| path)
        .filter(|path| *path != summary)
        .collect();
    assert_eq!(found, listed);
}

#[test]
fn every_whole_scenario_in_a_page_is_one_that_the_program_reads() {
    let mut count = 0;
    for (page, text) in pages(&source()) {
        for block in text.split("```toml\n").skip(1) {
            let file = block.split("```").next().unwrap_or_default();
            if file.starts_with("schema = ") {
                count += 1;
                let name = page.display().to_string();
                if let Err(errors) = seedbed_scenarios::file::parse(&name, file) {
                    panic!("{errors}");
                }
            }
        }
    }
    assert!(count > 0, "no page holds a scenario any more");
}

#[test]
fn every_directive_of_the_book_can_be_expanded() {
    let mut wrong = Vec::new();
    for (page, text) in pages(&source()) {
        if let Err(problems) = seedbed_book::expand(&text, &seedbed_book::Catalog) {
            wrong.extend(
                problems
                    .iter()
                    .map(|problem| format!("{}:{problem}", page.display())),
            );
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn links_and_headings_are_found_where_they_are() {
    let text =
        "# A *b* c-d: e\n\nSee [x](y.md#z), ![p](q.svg).\n```toml\nno = \"[a](b)\"\n```\n## Two\n";
    assert_eq!(targets(text), ["y.md#z", "q.svg"]);
    assert_eq!(
        anchors(text),
        BTreeSet::from(["a-b-c-d-e".into(), "two".into()])
    );
    let page = source().join("faults.md");
    assert_eq!(broken(&page, text, "#two"), None);
    assert!(broken(&page, text, "#three").is_some());
    assert!(broken(&page, text, "nowhere.md").is_some());
}
