//! Who can be asked: the judges of all guarantees, and what those of the ladder make of each other.

use crate::checkers::guarantee::{self, LATTICE, Standing};
use crate::checkers::{CATALOG, CatalogEntry, JudgeKind, Question, Unsupported};
use crate::file::{alternatives, nearest, quoted};

/// A judge, by the name of what it judges.
pub type Judge = &'static CatalogEntry;

/// All that can be asked for, weaker ones first.
pub fn all() -> impl Iterator<Item = Judge> {
    // Whether the system answers again is asked of a run, which a history is not.
    CATALOG.iter().filter(|entry| entry.name != "liveness")
}

/// The judge of this name.
pub(super) fn find(name: &str) -> Result<Judge, String> {
    let names = || all().map(|judge| judge.name).chain([super::LADDER]);
    all().find(|judge| judge.name == name).ok_or_else(|| {
        let near = nearest(name, names());
        let near = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        let all = alternatives(names());
        let given = quoted(name);
        format!("there is no guarantee {given}: expected {all}{near}")
    })
}

/// What one judge rules.
pub(super) fn ask(judge: Judge, question: &Question<'_>) -> Result<Standing, Unsupported> {
    let ruling = judge.judge(question)?;
    Ok(Standing {
        guarantee: judge,
        finding: ruling.finding,
        by: None,
        states: ruling.states,
    })
}

/// What the judges of the ladder rule, closed under what implies what.
pub(super) fn ladder(question: &Question<'_>) -> Result<Vec<Standing>, Unsupported> {
    let mut standings = guarantee::ladder(question)?;
    standings.retain(|standing| is_rung(standing.guarantee));
    Ok(standings)
}

/// On the ladder are those that imply or are implied, and what is asked of every run's end. The rest is asked for on terms
/// of its own.
fn is_rung(entry: Judge) -> bool {
    let is_final = matches!(entry.kind, JudgeKind::Final(_)) && entry.name != "liveness";
    guarantee::is_in_lattice(entry.name) || is_final
}

/// What implies what: the stronger one first.
pub(super) fn implications() -> Vec<[&'static str; 2]> {
    LATTICE.iter().map(|it| [it.stronger, it.weaker]).collect()
}
