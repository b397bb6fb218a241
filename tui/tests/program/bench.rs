//! The program in a folder of its own.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// A folder, and the program that runs in it.
pub(crate) struct Bench {
    folder: tempfile::TempDir,
    /// What all its arguments begin with.
    first: &'static [&'static str],
}

/// Arguments: a list of them, or a line that is split at its spaces.
pub(crate) trait Words {
    fn words(&self) -> Vec<&str>;
}

impl Words for [&str] {
    fn words(&self) -> Vec<&str> {
        self.to_vec()
    }
}

impl<const N: usize> Words for [&str; N] {
    fn words(&self) -> Vec<&str> {
        self.to_vec()
    }
}

impl Words for Vec<&str> {
    fn words(&self) -> Vec<&str> {
        self.clone()
    }
}

impl Words for str {
    fn words(&self) -> Vec<&str> {
        self.split_whitespace().collect()
    }
}

impl Words for String {
    fn words(&self) -> Vec<&str> {
        self.as_str().words()
    }
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::of(&[])
    }

    /// Of one of its commands.
    pub(crate) fn of(first: &'static [&'static str]) -> Self {
        Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
            first,
        }
    }

    pub(crate) fn command<W: Words + ?Sized>(&self, arguments: &W) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_seedbed"));
        command
            .args(self.first)
            .args(arguments.words())
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn seedbed<W: Words + ?Sized>(&self, arguments: &W) -> Output {
        let output = self
            .command(arguments)
            .output()
            .expect("the program starts");
        assert!(
            !text(&output.stderr).contains("has a bug"),
            "{}",
            text(&output.stderr)
        );
        for bytes in [&output.stdout, &output.stderr] {
            assert!(!bytes.contains(&0x1b), "no colours where no terminal is");
        }
        output
    }

    /// Runs it, and demands the exit status.
    pub(crate) fn ends<W: Words + ?Sized>(&self, arguments: &W, status: i32) -> Output {
        let output = self.seedbed(arguments);
        assert_eq!(
            output.status.code(),
            Some(status),
            "{:?}\n{}{}",
            arguments.words(),
            text(&output.stdout),
            text(&output.stderr)
        );
        output
    }

    /// What it prints, where that is done with status 0.
    pub(crate) fn prints<W: Words + ?Sized>(&self, arguments: &W) -> String {
        text(&self.ends(arguments, 0).stdout)
    }

    /// What it says to bad input: nothing on standard output, and status 2.
    pub(crate) fn refuses<W: Words + ?Sized>(&self, arguments: &W) -> String {
        let output = self.ends(arguments, 2);
        assert_eq!(text(&output.stdout), "", "{:?}", arguments.words());
        text(&output.stderr)
    }

    /// What it answers in JSON, and its exit status.
    pub(crate) fn answer(&self, arguments: &[&str]) -> (Value, i32) {
        let output = self.seedbed(&[arguments, &["--format", "json"]].concat()[..]);
        let answer = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|_| panic!("{arguments:?}: {}", text(&output.stderr)));
        (answer, output.status.code().expect("an exit status"))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn put(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("a file");
    }

    pub(crate) fn get(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect("a file of text")
    }

    pub(crate) fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).expect("a folder");
        let name = |entry: fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
        let mut names: Vec<String> = entries.map(|e| name(e.expect("an entry"))).collect();
        names.sort();
        names
    }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}
