//! The judges are judged: the table on the page about testing names, for each judge of the catalog, tests in which it must
//! catch something and tests in which it must pass something.

use std::collections::BTreeSet;

use seedbed_scenarios::checkers::CATALOG;
use seedbed_tests::sources::{all, read};

/// What stands between backticks.
fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// The names of all tests of the workspace: functions that follow `#[test]`.
fn tests() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for source in all("scenarios/src").into_iter().chain(all("tests/tests")) {
        let after_attribute = source.text.split("#[test]").skip(1);
        found.extend(after_attribute.filter_map(|rest| {
            let (_, rest) = rest.split_once("fn ")?;
            Some(rest.split_once('(')?.0.to_owned())
        }));
    }
    found
}

#[test]
fn every_judge_has_something_to_catch_and_something_to_pass() {
    let page = read("book/src/contributing/testing.md");
    let (_, section) = page
        .split_once("## The judges are judged")
        .expect("the section");
    let rows: Vec<Vec<&str>> = section
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| line.split('|').map(str::trim).collect())
        .collect();
    let tests = tests();
    let mut judged = BTreeSet::new();
    for row in &rows {
        let [_, judge, catches, passes, as_defined, _] = row[..] else {
            panic!("a row of four cells: {row:?}");
        };
        let judge = quoted(judge).next().expect("a judge");
        assert!(judged.insert(judge), "{judge} stands there twice");
        assert!(quoted(catches).count() > 0, "{judge} has nothing to catch");
        assert!(quoted(passes).count() > 0, "{judge} has nothing to pass");
        for name in [catches, passes, as_defined].into_iter().flat_map(quoted) {
            assert!(tests.contains(name), "{judge}: there is no test {name}");
        }
    }
    let catalog: BTreeSet<&str> = CATALOG.iter().map(|entry| entry.name).collect();
    assert_eq!(judged, catalog);
}
