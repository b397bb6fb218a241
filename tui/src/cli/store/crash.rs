//! `seedbed store crash`: crash images of what an engine asked of a real directory.

use std::collections::VecDeque;
use std::io::{self, IsTerminal};
use std::path::Path;

use anyhow::Context;
use indicatif::ProgressBar;
use seedbed_scenarios::store::crash::{Syncs, Trial};
use seedbed_sim::FileDisk;
use tempfile::TempDir;

use super::arguments::{CrashOptions, Options};
use super::{take_empty, tell};
use crate::cli::exit::Exit;

/// So many directories are kept at once: the one that is used, and the one before.
const DIRECTORIES_MAX: usize = 2;

/// Tries the engine in folders of the directory, which is empty before and afterwards.
pub(super) fn crash(options: &Options, dir: &Path, asked: &CrashOptions) -> anyhow::Result<Exit> {
    let mut trial = Trial::of(options.engine.as_deref())?;
    trial.images = asked.images;
    trial.steps = asked.steps;
    trial.seed = asked.seed.seed;
    trial.syncs = match asked.lying_syncs {
        true => Syncs::Lying,
        false => Syncs::Honest,
    };
    take_empty(dir).with_context(|| dir.display().to_string())?;
    let bar = if io::stderr().is_terminal() {
        ProgressBar::new(asked.images)
    } else {
        ProgressBar::hidden()
    };
    let mut directories: VecDeque<TempDir> = VecDeque::new();
    let mut make = || -> anyhow::Result<FileDisk> {
        let directory = tempfile::Builder::new().prefix("crash-").tempdir_in(dir)?;
        let disk = FileDisk::open(directory.path())?;
        if directories.len() == DIRECTORIES_MAX {
            directories.pop_front();
        }
        directories.push_back(directory);
        Ok(disk)
    };
    let report = trial.run(&mut make, |images| bar.set_position(images))?;
    bar.finish_and_clear();
    tell(asked.told, &report.to_text(), &report.to_json())?;
    Ok(match report.holds() {
        true => Exit::Done,
        false => Exit::NotAsExpected,
    })
}
