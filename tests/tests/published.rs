//! The judges come to the verdicts that others have published.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use seedbed_scenarios::check::{self, Asked, Case, Verdict};
use seedbed_scenarios::checkers::{NullRead, Order, Setting, models};
use seedbed_scenarios::import::{self, Hints, Imported};
use seedbed_tests::sources::root;
use serde_json::Value;

/// What is said of a file in its folder's `verdicts.json`.
type Verdicts = BTreeMap<String, Value>;

fn verdicts(folder: &Path) -> Verdicts {
    let text = fs::read_to_string(folder.join("verdicts.json")).expect("verdicts");
    serde_json::from_str(&text).expect("JSON")
}

fn history(folder: &Path, name: &str) -> Imported {
    let bytes = fs::read(folder.join(name)).expect("a history");
    import::read(name, Hints::default(), &bytes).unwrap_or_else(|error| panic!("{error}"))
}

fn judged(name: &str, imported: &Imported, setting: &Setting, guarantee: &str) -> Verdict {
    let case = Case {
        file: name,
        imported,
        setting,
        finals: None,
    };
    let asked = Asked::find(guarantee).expect("a guarantee");
    let answer = check::judge(&case, asked).unwrap_or_else(|error| panic!("{name}: {error}"));
    answer.verdict()
}

/// `None` where nobody can say.
fn holds(verdict: Verdict) -> Option<bool> {
    match verdict {
        Verdict::Holds => Some(true),
        Verdict::Violated => Some(false),
        Verdict::Undecided => None,
    }
}

/// Every file of a folder is judged as its `verdicts.json` says; returns how many there were.
fn agree(folder: &Path) -> usize {
    let verdicts = verdicts(folder);
    let wrong: Vec<String> = verdicts
        .iter()
        .filter_map(|(name, said)| {
            let model = said["model"].as_str().expect("a model");
            let setting = Setting {
                model: models::find(model).expect("a known model").model,
                initial: import::read_value(&said["initial"].to_string()).expect("a value"),
                null_read: match said["null_read"].as_str() {
                    Some("any") => NullRead::Any,
                    _ => NullRead::Initial,
                },
                order: Order::RealTime,
                ..Setting::default()
            };
            let found = judged(name, &history(folder, name), &setting, "linearizable");
            (holds(found) != said["linearizable"].as_bool()).then(|| format!("{name}: {found:?}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:?} are not as published");
    verdicts.len()
}

#[test]
fn linearizability_of_the_histories_of_porcupine_is_as_published() {
    assert_eq!(agree(&root().join("tests/data/histories/porcupine")), 63);
}

/// Where a collection lies beside the repository; see the NOTICE of the test data for why it is not in it.
#[test]
fn linearizability_of_the_histories_beside_the_repository_is_as_published() {
    let root = fs::canonicalize(root()).expect("a folder");
    let neighbours = root
        .parent()
        .into_iter()
        .flat_map(|parent| fs::read_dir(parent).into_iter().flatten());
    let collections: Vec<PathBuf> = neighbours
        .filter_map(|entry| Some(entry.ok()?.path().join("data/linearizable")))
        .filter(|folder| folder.join("verdicts.json").is_file())
        .collect();
    for collection in collections {
        assert!(agree(&collection) > 0, "{} is empty", collection.display());
    }
}

#[test]
fn causality_of_the_figures_of_bouajjani_et_al_is_as_published() {
    let folder = root().join("tests/data/histories/causal");
    let verdicts = verdicts(&folder);
    assert_eq!(verdicts.len(), 3);
    for (name, said) in &verdicts {
        let setting = Setting {
            initial: import::read_value("0").expect("a value"),
            order: Order::Session,
            ..Setting::default()
        };
        let imported = history(&folder, name);
        for (column, guarantee) in [
            ("CC", "cc"),
            ("CM", "cm"),
            ("CCv", "ccv"),
            ("SC", "sequential"),
        ] {
            let found = judged(name, &imported, &setting, guarantee);
            assert_eq!(holds(found), said[column].as_bool(), "{name}: {guarantee}");
        }
    }
}
