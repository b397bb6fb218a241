//! The ladder of guarantees: what each of them promises, who judges it, and which of them imply which.
//!
//! Guarantees are not a list but a *lattice*: a store that keeps a stronger one keeps every weaker one below it. Judges
//! of different guarantees go different ways (one looks for cycles, another searches orders within a budget), so that
//! one of them may have a proof where another can't tell. [`ladder`] asks all of them and then *closes* what they found
//! under the [`LATTICE`]:
//!
//! ```text
//!   a stronger one holds      ──►  every weaker one that is undecided holds too
//!   a weaker one is violated  ──►  every stronger one that is undecided is violated too, by the same witness
//! ```
//!
//! The lattice holds only implications that the definitions prove, each with its reason; what is *not* in it matters as
//! much. Causal memory (`cm`), for one, does not imply read-your-writes: each process may have its own order of
//! concurrent writes there, while session guarantees speak of one order for all. A test compares every pair of verdicts
//! over thousands of small histories with it.
//!
//! To add a guarantee: its line in the [`CATALOG`], and its implications in the [`LATTICE`].

use std::fmt::Write as _;

use super::{CATALOG, CatalogEntry, Finding, Question, Ruling, Unsupported};

/// Whoever keeps one guarantee keeps another.
#[derive(Debug, PartialEq, Eq)]
pub struct Implication {
    /// The guarantee that is kept.
    pub stronger: &'static str,
    /// The one that is kept by it.
    pub weaker: &'static str,
    /// Why, in one sentence.
    pub because: &'static str,
}

/// What is known of one guarantee, once all judges were heard.
#[derive(Debug)]
pub struct Standing {
    /// Which.
    pub guarantee: &'static CatalogEntry,
    /// Whether it holds.
    pub finding: Finding,
    /// Where its own judge could not tell: the implication that did.
    pub by: Option<&'static Implication>,
    /// How many states its judge looked at.
    pub states: u64,
}

/// What implies what. Implications that follow from two others are left out.
pub static LATTICE: &[Implication] = &[
    Implication {
        stronger: "linearizable",
        weaker: "sequential",
        because: "The order of a linearizable history keeps the order of every session and explains every read, and real time besides.",
    },
    Implication {
        stronger: "sequential",
        weaker: "cm",
        because: "In the order of a sequential history each session finds one that explains all its reads, and which keeps causal order.",
    },
    Implication {
        stronger: "sequential",
        weaker: "ccv",
        because: "Arbitrate as in the order of a sequential history, and let all that comes before an operation there be its past.",
    },
    Implication {
        stronger: "cm",
        weaker: "cc",
        because: "Its bad patterns are those of causal consistency and two more.",
    },
    Implication {
        stronger: "ccv",
        weaker: "cc",
        because: "Its bad patterns are those of causal consistency and one more.",
    },
    Implication {
        stronger: "ccv",
        weaker: "pram",
        because: "Let causal order be what is visible: it holds session order, is closed, and lies within arbitration.",
    },
    Implication {
        stronger: "cm",
        weaker: "pram-per-process",
        because: "Causal order holds the order of every session, so that the one order of a session's reads keeps it, too.",
    },
    Implication {
        stronger: "pram",
        weaker: "read-your-writes",
        because: "It is one of the formulas that it is made of.",
    },
    Implication {
        stronger: "pram",
        weaker: "monotonic-reads",
        because: "It is one of the formulas that it is made of.",
    },
    Implication {
        stronger: "pram",
        weaker: "monotonic-writes",
        because: "It is one of the formulas that it is made of.",
    },
    Implication {
        stronger: "cc",
        weaker: "consistent-prefix",
        because: "What a session has been shown, and what that depends on, is in the causal past of its reads.",
    },
    Implication {
        stronger: "consistent-prefix",
        weaker: "writes-follow-reads",
        because: "Dependency runs in no circle: arbitrate in an order that extends it, and let a read see its source alone.",
    },
    Implication {
        stronger: "consistent-prefix",
        weaker: "monotonic-writes",
        because: "Dependency runs in no circle: arbitrate in an order that extends it, and let a read see its source alone.",
    },
    Implication {
        stronger: "linearizable",
        weaker: "read-your-writes-in-real-time",
        because: "The order of a linearizable history is one that real time allows, and a read finds the newest update in it.",
    },
    Implication {
        stronger: "linearizable",
        weaker: "monotonic-reads-in-real-time",
        because: "The order of a linearizable history is one that real time allows, and a later read finds no older update in it.",
    },
];

/// What all judges rule of a history, closed under the [`LATTICE`], in the order of the [`CATALOG`]. Judges of final
/// contents are heard where somebody looked at them.
///
/// # Errors
/// When the history holds what the model does not know.
pub fn ladder(question: &Question<'_>) -> Result<Vec<Standing>, Unsupported> {
    let heard = CATALOG
        .iter()
        .filter(|entry| question.finals.is_some() || !entry.sees_contents());
    let mut standings = Vec::new();
    for guarantee in heard {
        let Ruling { finding, states } = guarantee.judge(question)?;
        standings.push(Standing {
            guarantee,
            finding,
            by: None,
            states,
        });
    }
    close(&mut standings, LATTICE);
    Ok(standings)
}

/// Whether one guarantee implies another, in one step or several, or is the same.
pub fn implies(stronger: &str, weaker: &str) -> bool {
    let mut steps = LATTICE.iter().filter(|it| it.stronger == stronger);
    stronger == weaker || steps.any(|it| implies(it.weaker, weaker))
}

/// Whether a guarantee implies another, or is implied. What violates one of these violates it whatever else is known, as
/// [`witness`](super::witness) needs it.
pub(crate) fn is_in_lattice(guarantee: &str) -> bool {
    let mut implications = LATTICE.iter();
    implications.any(|it| it.stronger == guarantee || it.weaker == guarantee)
}

/// Closes findings under implications: each pass carries what is known one step further.
fn close(standings: &mut [Standing], lattice: &'static [Implication]) {
    let place = |standings: &[Standing], name| {
        standings
            .iter()
            .position(|standing| standing.guarantee.name == name)
    };
    let mut is_changed = true;
    while is_changed {
        is_changed = false;
        for implication in lattice {
            let stronger = place(standings, implication.stronger);
            let weaker = place(standings, implication.weaker);
            if let (Some(stronger), Some(weaker)) = (stronger, weaker) {
                is_changed |= carry(standings, stronger, weaker, implication);
            }
        }
    }
}

fn carry(
    standings: &mut [Standing],
    stronger: usize,
    weaker: usize,
    by: &'static Implication,
) -> bool {
    let (to, finding) = match (&standings[stronger].finding, &standings[weaker].finding) {
        (Finding::Holds, Finding::Undecided(_)) => (weaker, Finding::Holds),
        (Finding::Undecided(_), violated @ Finding::Violated { .. }) => {
            (stronger, violated.clone())
        }
        // Two judges can't both be right. A violation shows its proof, so it stands.
        (Finding::Holds, Finding::Violated { .. }) => {
            debug_assert!(false, "{} holds and {} falls", by.stronger, by.weaker);
            (stronger, standings[weaker].finding.clone())
        }
        _ => return false,
    };
    standings[to].finding = finding;
    standings[to].by = Some(by);
    true
}

/// The lattice as a text: each guarantee with what it promises, and what it implies and why.
pub fn print_lattice() -> String {
    let mut text = String::new();
    for guarantee in CATALOG {
        let _ = writeln!(text, "{}: {}", guarantee.name, guarantee.promise);
        for it in LATTICE.iter().filter(|it| it.stronger == guarantee.name) {
            let _ = writeln!(text, "  implies {}: {}", it.weaker, it.because);
        }
    }
    text
}
