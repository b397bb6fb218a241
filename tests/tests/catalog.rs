//! The scenarios of the catalog come out as they did before. (That they meet their expectations at 200 seeds is held in
//! `scenarios/tests/catalog.rs`; here it is held that none is forgotten there.)
//!
//! The digests are pinned: a change in one says that this version of Seedbed gives another run for the same seed, which
//! breaks every seed that somebody wrote down. That can be right, but never by the way.

use std::fmt::Write as _;

use seedbed_scenarios::catalog::CATALOG;
use seedbed_scenarios::session::Keep;
use seedbed_tests::runs::open;
use seedbed_tests::sources::root;

#[test]
fn every_scenario_of_the_catalog_comes_out_as_before() {
    let mut told = String::new();
    for entry in CATALOG {
        let report = open(entry.name, 1, Keep::Digest).report();
        assert!(report.expectations_hold(), "{}", report.to_text());
        let operations = report.operations;
        writeln!(
            told,
            "{}\n  digest {}, {} events, {} ms\n  {} ok, {} failed, {} unknown",
            entry.name,
            report.digest,
            report.events,
            report.virtual_ms,
            operations.ok,
            operations.fail,
            operations.info
        )
        .unwrap();
        for verdict in &report.verdicts {
            let says = match verdict.holds {
                Some(true) => "holds".to_owned(),
                Some(false) => format!("violated {} times", verdict.violations),
                None => "not judged".to_owned(),
            };
            writeln!(told, "  {} {says}", verdict.check).unwrap();
        }
    }
    insta::assert_snapshot!("verdicts_at_seed_1", told);
}

#[test]
fn every_scenario_of_the_catalog_is_held_to_its_expectations_at_many_seeds() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios/tests/catalog.rs");
    let tests = std::fs::read_to_string(path).expect("the tests of the catalog");
    for entry in CATALOG {
        let test = format!("meets_its_expectations(\"{}\");", entry.name);
        assert!(tests.contains(&test), "no test in {path} says {test}");
    }
}

#[test]
fn no_file_in_the_folder_of_the_catalog_is_forgotten() {
    let folder = root().join("scenarios/catalog");
    let mut files = Vec::new();
    for chapter in std::fs::read_dir(&folder).expect("the catalog's folder") {
        let chapter = chapter.expect("an entry").path();
        for file in std::fs::read_dir(&chapter).expect("a chapter's folder") {
            let file = file.expect("an entry").path().with_extension("");
            let name = file.strip_prefix(&folder).expect("it is in the folder");
            files.push(name.to_string_lossy().replace('\\', "/"));
        }
    }
    files.sort();
    let mut names: Vec<&str> = CATALOG.iter().map(|entry| entry.name).collect();
    names.sort_unstable();
    assert_eq!(files, names);
}
