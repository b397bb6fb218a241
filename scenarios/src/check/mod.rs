//! A history judged: what `seedbed check` says of anybody's history.
//!
//! ```text
//!   file ──► import ──► Imported ──┐
//!   --model, --initial … ► Setting ├──► judge ──► Answer ──► text, JSON, exit status
//!   --final ──► FinalState ────────┘
//! ```
//!
//! The judges are those of the [ladder](crate::checkers::guarantee); here is only what turns their rulings into an answer
//! for a person or a program: places become lines of the file, a violation is cut down to its witness, and the verdict of
//! a whole ladder is that it falls if anything in it does, and else is undecided if anything is.

mod answer;
mod judges;
mod picture;
#[cfg(test)]
mod tests;
mod text;

use seedbed_sim::Instant;

use crate::checkers::{Clock, FinalState, Model, Order, Question, Setting, Unsupported, models};
use crate::file::Diagnostic;
use crate::file::diagnostic::{Origin, Problem};
use crate::history::{History, HistoryEvent, Place};
use crate::import::Imported;

pub use answer::{Answer, Rung, Verdict};
pub use judges::{Judge, all as judges};
pub use picture::picture;

/// The version of the answer's JSON.
pub const SCHEMA: u32 = 1;

/// The name by which all guarantees are asked for.
pub const LADDER: &str = "ladder";

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub enum Asked {
    /// Whether one guarantee holds.
    One(Judge),
    /// Which of them all hold.
    Ladder,
}

impl Asked {
    /// By name.
    ///
    /// # Errors
    /// When there is no such guarantee; in words, with the nearest that there is.
    pub fn find(name: &str) -> Result<Self, String> {
        match name {
            LADDER => Ok(Self::Ladder),
            _ => judges::find(name).map(Self::One),
        }
    }

    /// What is asked unless it is said: the strongest that the order of the history can show.
    pub fn usual(order: Order) -> Self {
        let name = match order {
            Order::RealTime => "linearizable",
            Order::Session => "sequential",
        };
        Self::find(name).unwrap_or(Self::Ladder)
    }
}

/// A history and how it is to be judged.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// What the file is called.
    pub file: &'a str,
    /// What stands in it.
    pub imported: &'a Imported,
    /// How it is to be read.
    pub setting: &'a Setting,
    /// What the replicas held in the end, where that is known.
    pub finals: Option<&'a FinalState>,
}

impl<'a> Case<'a> {
    fn question(&self) -> Question<'a> {
        Question {
            history: &self.imported.history,
            setting: self.setting,
            finals: self.finals,
            at: end_of(&self.imported.history),
        }
    }

    /// A file without times is told by its lines.
    fn clock(&self) -> Clock<'a> {
        match self.imported.has_times {
            true => Clock::Times,
            false => Clock::Lines(self.imported.lines()),
        }
    }
}

/// The model that fits what clients do in a history: the first one whose functions are enough, or a register, whose judge
/// says what is strange.
pub fn model_of(history: &History) -> Model {
    let mut names: Vec<&str> = history.operations().map(|o| o.function.name()).collect();
    names.sort_unstable();
    names.dedup();
    let fits =
        |entry: &&models::ModelEntry| names.iter().all(|name| entry.functions.contains(name));
    let found = models::CATALOG.iter().find(fits);
    found.map_or(Model::Register, |entry| entry.model)
}

/// Judges a history.
///
/// # Errors
/// When it holds what its model does not know. That is bad input, and [`refusal`] tells it as such.
pub fn judge(case: &Case<'_>, asked: Asked) -> Result<Answer, Unsupported> {
    let question = case.question();
    let standings = match asked {
        Asked::One(judge) => vec![judges::ask(judge, &question)?],
        Asked::Ladder => judges::ladder(&question)?,
    };
    let rungs = standings
        .iter()
        .map(|standing| Rung::new(case, &question, standing));
    Ok(Answer::new(case, asked, rungs.collect()))
}

/// What a model does not know, as a mistake in the file. `line` is the text of its line, where it is at hand.
pub fn refusal(case: &Case<'_>, unsupported: &Unsupported, line: Option<&str>) -> Diagnostic {
    let text = line.unwrap_or_default().trim_end();
    let start = text.len() - text.trim_start().len();
    let origin = Origin {
        line: case.imported.line(unsupported.place),
        ..Origin::START
    };
    let model = case.setting.model.entry();
    let help = format!(
        "the model is {}, which knows {}; `--model` chooses another one",
        model.name,
        model.functions.join(", ")
    );
    let problem = Problem::new(start..text.len(), unsupported.what.clone());
    problem.help(help).locate_in(case.file, text, origin)
}

fn end_of(history: &History) -> Instant {
    let last = history.end().0.checked_sub(1);
    match last.and_then(|place| history.event(Place(place))) {
        Some(HistoryEvent::Invoke(id)) => history.operation(id).invoked_at,
        Some(HistoryEvent::Complete(id)) => {
            let operation = history.operation(id);
            let completed = operation.completed.as_ref();
            completed.map_or(operation.invoked_at, |completed| completed.at)
        }
        None => Instant::ZERO,
    }
}
