//! What is answered, for people and for programs.

use std::fmt;

use serde::Serialize;

use crate::checkers::guarantee::Standing;
use crate::checkers::{Finding, Order, Question, Witness};

use super::judges;
use super::{Asked, Case, LADDER, SCHEMA};

/// Whether it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It holds.
    Holds,
    /// Nobody can say.
    Undecided,
    /// It falls.
    Violated,
}

/// What is known of one guarantee.
#[derive(Clone, Debug, Serialize)]
pub struct Rung {
    /// Its name.
    pub guarantee: &'static str,
    /// On which terms it was judged, where it has any: `versions 2, time 50 ms`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terms: Option<String>,
    /// Whether it holds.
    pub verdict: Verdict,
    /// The lines of the operations that prove that it falls, in order; else none.
    pub witness: Vec<u64>,
    /// The line at which it fell: where the last of these operations returned what it must not, or where it began if it
    /// never returned.
    pub culprit: Option<u64>,
    /// How many states its judge looked at.
    pub states: u64,
    /// Why nobody can say; or which other guarantee settled this one, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What happened, a sentence a line, where it falls.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub story: Vec<String>,
    /// The proof.
    #[serde(skip)]
    pub proof: Option<Box<Witness>>,
}

impl Rung {
    pub(super) fn new(case: &Case<'_>, question: &Question<'_>, standing: &Standing) -> Self {
        let (judge, terms) = (standing.guarantee, question.setting.terms);
        let mut rung = Self {
            guarantee: judge.name,
            terms: (!terms.are_plain()).then(|| terms.to_string()),
            verdict: Verdict::Holds,
            witness: Vec::new(),
            culprit: None,
            states: standing.states,
            reason: settled_by(standing),
            story: Vec::new(),
            proof: None,
        };
        match &standing.finding {
            Finding::Holds => {}
            Finding::Undecided(reason) => {
                rung.verdict = Verdict::Undecided;
                rung.reason = Some(reason.clone());
            }
            Finding::Violated { first, .. } => {
                let proof = judge.explain(question, first, case.clock());
                rung.verdict = Verdict::Violated;
                (rung.witness, rung.culprit) = lines(case, &proof);
                rung.story = proof.story.clone();
                rung.proof = Some(Box::new(proof));
            }
        }
        rung
    }
}

impl fmt::Display for Rung {
    /// `bounded-staleness (versions 2)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.terms {
            Some(terms) => write!(f, "{} ({terms})", self.guarantee),
            None => f.write_str(self.guarantee),
        }
    }
}

/// Which other guarantee settled one whose own judge could not tell.
fn settled_by(standing: &Standing) -> Option<String> {
    let by = standing.by?;
    Some(match &standing.finding {
        Finding::Violated { .. } => format!("{} falls, which it implies", by.weaker),
        _ => format!("{} holds, which implies it", by.stronger),
    })
}

/// The lines of a witness, and that of its culprit.
fn lines(case: &Case<'_>, proof: &Witness) -> (Vec<u64>, Option<u64>) {
    let history = &case.imported.history;
    let ends = |&id| [Some(history.invoked(id)), history.completed(id)];
    let places = proof.operations.iter().flat_map(ends).flatten();
    let mut witness: Vec<u64> = places
        .map(|place| case.imported.line(place) as u64)
        .collect();
    witness.sort_unstable();
    witness.dedup();
    let culprit = proof.operations.last();
    let culprit = culprit.map(|&id| history.completed(id).unwrap_or_else(|| history.invoked(id)));
    (
        witness,
        culprit.map(|place| case.imported.line(place) as u64),
    )
}

/// What is answered.
#[derive(Clone, Debug)]
pub struct Answer {
    pub(super) file: String,
    pub(super) asked: Asked,
    pub(super) rungs: Vec<Rung>,
    pub(super) events: usize,
    pub(super) operations: usize,
    pub(super) model: &'static str,
    pub(super) order: Order,
}

/// The answer to a ladder, as JSON.
#[derive(Serialize)]
struct Ladder<'a> {
    schema: u32,
    guarantee: &'static str,
    verdict: Verdict,
    states: u64,
    ladder: &'a [Rung],
    implications: Vec<[&'static str; 2]>,
}

/// The answer to one guarantee, as JSON.
#[derive(Serialize)]
struct One<'a> {
    schema: u32,
    #[serde(flatten)]
    rung: &'a Rung,
}

impl Answer {
    pub(super) fn new(case: &Case<'_>, asked: Asked, rungs: Vec<Rung>) -> Self {
        let history = &case.imported.history;
        Self {
            file: case.file.to_owned(),
            asked,
            rungs,
            events: history.len(),
            operations: history.operation_count(),
            model: case.setting.model.name(),
            order: case.setting.order,
        }
    }

    /// Of a ladder: that it falls if anything in it does, and else that it is undecided if anything is.
    pub fn verdict(&self) -> Verdict {
        self.rungs
            .iter()
            .map(|rung| rung.verdict)
            .max()
            .unwrap_or(Verdict::Holds)
    }

    /// What is known of each guarantee that was asked for, weaker ones first.
    pub fn rungs(&self) -> &[Rung] {
        &self.rungs
    }

    /// One line of JSON, without its end; the book's page on checking says what stands in it.
    pub fn to_json(&self) -> String {
        let text = match (self.asked, self.rungs.as_slice()) {
            (Asked::One(_), [rung]) => serde_json::to_string(&One {
                schema: SCHEMA,
                rung,
            }),
            (_, rungs) => serde_json::to_string(&Ladder {
                schema: SCHEMA,
                guarantee: LADDER,
                verdict: self.verdict(),
                states: rungs.iter().map(|rung| rung.states).sum(),
                ladder: rungs,
                implications: judges::implications(),
            }),
        };
        text.expect("an answer holds only numbers and texts")
    }
}
