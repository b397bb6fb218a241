//! Who can be asked: the judges of all guarantees, and what those of the ladder make of each other.

use crate::checkers::{
    CATALOG, CatalogEntry, Finding, JudgeKind, Question, Unsupported, Witness, guarantee, witness,
};
use crate::file::{alternatives, nearest, quoted};

/// A judge, by the name of what it judges.
pub type Judge = &'static CatalogEntry;

/// What is known of one guarantee, once its judge was heard.
#[derive(Clone, Debug)]
pub(super) struct Standing {
    pub(super) judge: Judge,
    pub(super) finding: Finding,
    /// Which other guarantee settled it, and why, where its own judge could not tell.
    pub(super) by: Option<String>,
    pub(super) states: u64,
}

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
        format!(
            "there is no guarantee {}: expected {all}{near}",
            quoted(name)
        )
    })
}

/// What one judge rules.
pub(super) fn ask(judge: Judge, question: &Question<'_>) -> Result<Standing, Unsupported> {
    let ruling = judge.judge(question)?;
    Ok(Standing {
        judge,
        finding: ruling.finding,
        by: None,
        states: ruling.states,
    })
}

/// What all judges rule whom the question has something for, and what follows from it for the others.
pub(super) fn ladder(question: &Question<'_>) -> Result<Vec<Standing>, Unsupported> {
    let standings = guarantee::ladder(question)?.into_iter();
    let asked = standings.filter(|it| all().any(|judge| judge.name == it.guarantee.name));
    let told = asked.map(|it| Standing {
        judge: it.guarantee,
        by: it.by.map(|by| {
            format!(
                "by what is known of {}, since {} implies {}: {}",
                if by.stronger == it.guarantee.name {
                    by.weaker
                } else {
                    by.stronger
                },
                by.stronger,
                by.weaker,
                by.because
            )
        }),
        finding: it.finding,
        states: it.states,
    });
    Ok(told.collect())
}

/// What implies what: the stronger one first.
pub(super) fn implications() -> Vec<[&'static str; 2]> {
    let implications = guarantee::LATTICE.iter();
    implications.map(|it| [it.stronger, it.weaker]).collect()
}

/// A violation cut down to the operations that prove it, and told.
pub(super) fn explain(
    judge: Judge,
    question: &Question<'_>,
    found: &Witness,
    clock: crate::checkers::Clock<'_>,
) -> Witness {
    match judge.kind {
        JudgeKind::History(check) | JudgeKind::Contents(check) | JudgeKind::Final(check) => {
            witness::explain(question, judge.name, check, found, clock)
        }
        JudgeKind::Online(_) => found.clone(),
    }
}
