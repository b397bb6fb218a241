//! How the program ends: one table for all commands.

use std::process::ExitCode;

/// | status | meaning |
/// |--:|---|
/// | 0 | it was done; where a scenario was run, its expectations hold, at every seed of a sweep; where a history was checked, what was asked holds |
/// | 1 | a scenario was run, and its expectations do not hold, or one seed gave two different runs; or there is nothing to shrink, since no check falls; or a history violates what was asked; or a store has no such key, is found damaged by `verify`, or its engine fails `crash` |
/// | 2 | bad input: arguments, the file of a scenario, a history or rows, a directory that is no store or a damaged one, a file to write that exists or can't be written |
/// | 3 | a history was checked, and nobody can say within the budget, or by what it shows |
/// | 101 | a bug in Seedbed, with a message that says how to replay it |
///
/// A reader who closes the pipe has seen enough: that ends the program with status 0 and without a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It was done, and expectations hold.
    Done,
    /// Expectations do not hold, or a run is not the same twice.
    NotAsExpected,
    /// Bad input.
    BadInput,
    /// Nobody can say.
    Undecided,
}

/// The table as the help prints it.
pub const TABLE: &str = "Exit status:
  0  done; where a scenario was run, its expectations hold, at every seed of a sweep;
     where a history was checked, what was asked holds
  1  a scenario was run, and its expectations do not hold, or one seed gave two different runs;
     or there is nothing to shrink, since no check falls (or not the one to keep);
     or a history violates what was asked; or a store has no such key, or verify finds it damaged,
     or its engine fails crash
  2  bad input: arguments, the file of a scenario, a history or rows, a directory that is no store or
     a damaged one, a file to write that exists or can't be written
  3  a history was checked, and nobody can say: the budget ran out, or the history does not show it";

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::NotAsExpected => 1,
            Exit::BadInput => 2,
            Exit::Undecided => 3,
        })
    }
}
