//! The scenarios that are compiled into the program.
//!
//! A new one is a file under `scenarios/catalog/` and one line in [`CATALOG`].

use std::fmt;

use crate::file::{self, Scenario};

/// A scenario of the catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name: `ddia/5-3`.
    pub name: &'static str,
    /// Its file, as it was written.
    pub text: &'static str,
}

macro_rules! catalog {
    ($($name:literal),* $(,)?) => {
        &[$(Entry {
            name: $name,
            text: include_str!(concat!("../catalog/", $name, ".toml")),
        }),*]
    };
}

/// All scenarios, in the order in which a reader should meet them.
pub static CATALOG: &[Entry] = catalog![
    "ddia/5-2",
    "ddia/5-3",
    "ddia/5-4",
    "ddia/9-1",
    "lag/crash-catch-up",
    "lag/generated-load",
    "lag/lost-write",
    "disk/torn-tail",
    "disk/failed-sync",
    "disk/lying-disk",
    "disk/undone-delete",
    "race/lost-update",
    "crash/leader-down",
    "nemesis/storm",
];

impl Entry {
    /// Reads the file.
    ///
    /// # Panics
    /// When it is wrong, which a test of this crate rules out.
    pub fn load(&self) -> Scenario {
        match file::parse(&format!("{}.toml", self.name), self.text) {
            Ok(scenario) => scenario,
            Err(errors) => panic!("a scenario of the catalog is wrong:\n{errors}"),
        }
    }
}

/// The catalog has no scenario of this name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// The name that was asked for.
    pub name: String,
    /// What was probably meant.
    pub suggestion: Option<&'static str>,
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "there is no scenario {} in the catalog",
            file::quoted(&self.name)
        )?;
        match self.suggestion {
            Some(suggestion) => write!(f, "; did you mean `{suggestion}`?"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Unknown {}

/// The scenario of this name.
///
/// # Errors
/// When there is none; the error suggests one with a similar name, or with the same last part.
pub fn find(name: &str) -> Result<&'static Entry, Unknown> {
    let found = CATALOG.iter().find(|entry| entry.name == name);
    found.ok_or_else(|| Unknown {
        name: name.to_owned(),
        suggestion: suggest(name),
    })
}

/// The scenario of this name, read.
///
/// # Errors
/// As [`find`].
pub fn load(name: &str) -> Result<Scenario, Unknown> {
    find(name).map(Entry::load)
}

fn suggest(name: &str) -> Option<&'static str> {
    let last_part = |entry: &&Entry| entry.name.rsplit('/').next() == Some(name);
    let names = CATALOG.iter().map(|entry| entry.name);
    file::nearest(name, names).or_else(|| {
        let mut same = CATALOG.iter().filter(last_part);
        same.next().map(|entry| entry.name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_of_the_catalog_reads_and_says_what_it_is_for() {
        for entry in CATALOG {
            let scenario = entry.load();
            let said = [&scenario.title, &scenario.teaches, &scenario.try_next];
            assert!(said.iter().all(|text| !text.is_empty()), "{}", entry.name);
            assert!(!scenario.expectations.is_empty(), "{}", entry.name);
        }
    }

    #[test]
    fn names_are_found_and_near_misses_suggested() {
        assert_eq!(find("ddia/5-3").map(|entry| entry.name), Ok("ddia/5-3"));
        let suggestion = |name| find(name).expect_err(name).suggestion;
        assert_eq!(suggestion("lag/crash-catchup"), Some("lag/crash-catch-up"));
        assert_eq!(suggestion("generated-load"), Some("lag/generated-load"));
        assert_eq!(suggestion("5-4"), Some("ddia/5-4"));
        assert_eq!(suggestion("quorums"), None);
        let unknown = find("ddia/5-33").expect_err("no such figure");
        assert_eq!(
            unknown.to_string(),
            "there is no scenario `ddia/5-33` in the catalog; did you mean `ddia/5-3`?"
        );
    }
}
