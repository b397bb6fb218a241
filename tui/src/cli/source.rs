//! What a person means by a scenario: a name of the catalog, or a file.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use seedbed_scenarios::catalog;
use seedbed_scenarios::file::{self, FILE_BYTES_MAX, Scenario};

/// Where a scenario comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The catalog.
    Catalog(&'static catalog::Entry),
    /// A file.
    File(PathBuf),
}

impl Source {
    /// Finds out what is meant. The exact name of a scenario wins, since such names hold slashes too; then what ends in
    /// `.toml` or holds a path separator is a file.
    ///
    /// # Errors
    /// When it is neither; the error says what it was taken for, and which scenario's name comes near.
    pub fn find(argument: &str) -> anyhow::Result<Self> {
        if let Ok(entry) = catalog::find(argument) {
            return Ok(Self::Catalog(entry));
        }
        let path = Path::new(argument);
        let looks_like_a_file = argument.ends_with(".toml") || argument.contains(['/', '\\']);
        if looks_like_a_file && path.exists() {
            return Ok(Self::File(path.to_owned()));
        }
        let hint = match suggestion(argument) {
            Some(name) => format!("Did you mean {name}?"),
            None => "`seedbed list` shows the catalog.".to_owned(),
        };
        if looks_like_a_file {
            bail!(
                "there is no file {argument:?}, and no scenario of that name in the catalog. {hint}"
            );
        }
        if path.is_file() {
            bail!(
                "no scenario of the catalog is called {argument:?}. If you mean the file, write ./{argument}"
            );
        }
        bail!("no scenario of the catalog is called {argument:?}. {hint}");
    }

    /// What reports and replay commands call it.
    pub fn name(&self) -> String {
        match self {
            Self::Catalog(entry) => entry.name.to_owned(),
            Self::File(path) => path.display().to_string(),
        }
    }

    /// The file's text, as it was written.
    ///
    /// # Errors
    /// When it can't be read, is longer than a scenario may be, or is not text.
    pub fn text(&self) -> anyhow::Result<String> {
        let path = match self {
            Self::Catalog(entry) => return Ok(entry.text.to_owned()),
            Self::File(path) => path,
        };
        let told = || format!("can't read {}", path.display());
        let mut bytes = Vec::new();
        // One byte more than is allowed is enough to know; a device would give bytes for ever.
        let most = FILE_BYTES_MAX as u64 + 1;
        let file = File::open(path).with_context(told)?;
        file.take(most).read_to_end(&mut bytes).with_context(told)?;
        if bytes.len() > FILE_BYTES_MAX {
            bail!(
                "{} is longer than the {FILE_BYTES_MAX} bytes that a scenario may have",
                path.display()
            );
        }
        String::from_utf8(bytes).with_context(|| format!("{} is not UTF-8 text", path.display()))
    }

    /// The scenario.
    ///
    /// # Errors
    /// As [`text`](Self::text), and all that is wrong in the file, as a [`ScenarioErrors`](file::ScenarioErrors).
    pub fn load(&self) -> anyhow::Result<Scenario> {
        Ok(self.read()?.1)
    }

    /// The file's text and the scenario that it is, read once.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn read(&self) -> anyhow::Result<(String, Scenario)> {
        let text = self.text()?;
        let scenario = match self {
            Self::Catalog(entry) => entry.load(),
            Self::File(_) => file::parse(&self.name(), &text)?,
        };
        Ok((text, scenario))
    }
}

/// The scenario that a person may have meant.
fn suggestion(argument: &str) -> Option<&'static str> {
    let name = argument.strip_suffix(".toml").unwrap_or(argument);
    catalog::find(name).map_or_else(|unknown| unknown.suggestion, |entry| Some(entry.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(argument: &str) -> String {
        Source::find(argument).unwrap_err().to_string()
    }

    #[test]
    fn a_name_of_the_catalog_wins_over_a_file() {
        assert_eq!(Source::find("ddia/5-3").unwrap().name(), "ddia/5-3");
    }

    #[test]
    fn what_ends_in_toml_or_holds_a_separator_is_a_file_where_there_is_one() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["mine.toml", "plain"] {
            let path = folder.path().join(name);
            std::fs::write(&path, "").unwrap();
            let found = Source::find(path.to_str().unwrap()).unwrap();
            assert_eq!(found, Source::File(path));
        }
    }

    #[test]
    fn what_is_neither_is_refused_with_the_nearest_name() {
        assert!(refused("ddia/5-33").contains("no file \"ddia/5-33\""));
        for typed in ["ddia/5-33", "dida/5-3", "DDIA/5-3", "ddia/5-3.toml", "5-3"] {
            assert!(
                refused(typed).ends_with("Did you mean ddia/5-3?"),
                "{typed}: {}",
                refused(typed)
            );
        }
    }

    #[test]
    fn what_comes_near_nothing_points_at_the_list() {
        for argument in [
            "zebra",
            "",
            "no/such/file/at/all.toml",
            "x.toml",
            "\u{1b}[31m",
        ] {
            let why = refused(argument);
            assert!(
                why.contains("seedbed list") && !why.contains('\u{1b}'),
                "{why}"
            );
        }
    }

    #[test]
    fn a_file_that_is_no_text_or_has_no_end_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("binary.toml");
        std::fs::write(&path, [0xff, 0xfe, 0]).unwrap();
        assert!(
            Source::File(path)
                .load()
                .unwrap_err()
                .to_string()
                .contains("UTF-8")
        );
        assert!(Source::File(folder.path().to_owned()).load().is_err());
        #[cfg(unix)]
        assert!(Source::File("/dev/zero".into()).load().is_err());
    }
}
