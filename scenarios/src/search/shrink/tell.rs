//! A shrunk run for people, for programs, and as a file.

use std::fmt::Write as _;

use serde::Serialize;

use super::{Reason, Shrunk, Size};
use crate::file::{Comments, write_with};

/// The version of the JSON form.
const SCHEMA: u32 = 1;

/// A shrunk run as JSON.
#[derive(Clone, Debug, Serialize)]
pub struct ShrunkJson<'a> {
    /// The version of this form: 1.
    pub schema: u32,
    /// What was shrunk: a name of the catalog, or a file.
    pub scenario: &'a str,
    /// Its seed.
    pub seed: u64,
    /// The check that falls.
    pub check: String,
    /// The size of the run at first.
    pub before: Size,
    /// And of the shrunk one.
    pub after: Size,
    /// How many runs it took.
    pub runs: u64,
    /// Whether it falls under other seeds too.
    pub any_seed: bool,
    /// And beside a client that does something else.
    pub sturdy: bool,
    /// What happens, in one line.
    pub summary: &'a str,
    /// And as a story, a line each.
    pub story: &'a [String],
    /// What is necessary for it.
    pub reasons: &'a [Reason],
    /// The shrunk scenario's file.
    pub toml: String,
}

impl Shrunk {
    /// The scenario as a file: at its head the story and how to see it again, and beside each part why it is necessary.
    pub fn to_toml(&self) -> String {
        let mut head = vec![format!("{}.", self.verdict.summary), String::new()];
        head.extend(self.verdict.story.iter().map(|line| format!("  {line}")));
        head.push(String::new());
        head.push(format!(
            "Shrunk by `seedbed shrink {} --seed {} --keep {}`: {}.",
            self.name,
            self.seed.0,
            self.check,
            self.in_numbers()
        ));
        head.push(match self.falls_under_any_seed {
            true => "It falls under any seed.".to_owned(),
            false => format!("It hangs on chance: run it with --seed {}.", self.seed.0),
        });
        let about_nodes = self.reasons.iter().filter(|it| it.part.is_none());
        head.extend(about_nodes.map(|it| it.text.clone()));
        let parts = self.reasons.iter();
        let parts = parts.filter_map(|it| Some((it.part?, it.text.clone())));
        let parts = parts.collect();
        write_with(&self.scenario, &Comments { head, parts })
    }

    /// What happens and why, for people.
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        let mut line = |text: &str| writeln!(out, "{text}").expect("a string takes all");
        line(&format!(
            "{} falls: {}.",
            self.label(),
            self.verdict.summary
        ));
        line("");
        for told in &self.verdict.story {
            line(&format!("  {told}"));
        }
        line("");
        line("Why (each sentence was seen to be true in a run of its own):");
        for reason in &self.reasons {
            line(&format!("  {}: {}", reason.about, reason.text));
        }
        line("");
        line(&format!(
            "Shrunk in {} runs: {}.",
            self.runs,
            self.in_numbers()
        ));
        if !self.falls_under_any_seed {
            let seed = self.seed.0;
            line(&format!(
                "What is left hangs on chance: run it with --seed {seed}."
            ));
        }
        out
    }

    /// The same for programs, on one line.
    pub fn to_json(&self) -> String {
        let json = ShrunkJson {
            schema: SCHEMA,
            scenario: &self.name,
            seed: self.seed.0,
            check: self.label(),
            before: self.before,
            after: self.after,
            runs: self.runs,
            any_seed: self.falls_under_any_seed,
            sturdy: self.is_sturdy,
            summary: &self.verdict.summary,
            story: &self.verdict.story,
            reasons: &self.reasons,
            toml: self.to_toml(),
        };
        serde_json::to_string(&json).expect("numbers, strings and lists")
    }

    fn in_numbers(&self) -> String {
        let (before, after) = (&self.before, &self.after);
        let mut told = format!(
            "{} operations became {}",
            before.operations, after.operations
        );
        if before.faults > 0 {
            write!(told, ", {} faults {}", before.faults, after.faults).expect("a string");
        }
        write!(told, ", {} nodes {}", before.nodes, after.nodes).expect("a string");
        if after.messages > 0 {
            write!(told, "; {} messages are told apart", after.messages).expect("a string");
        }
        told
    }
}
