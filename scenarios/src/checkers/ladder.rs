//! The live ladder: all online checkers, going along with one run.

use crate::history::{History, Place};

use super::{
    CATALOG, Finding, JudgeKind, Judgement, OnlineChecker, Ruling, Terms, Verdict, Witness,
};

/// All online checkers at one place of a history. Cloning it is cheap: it is part of a session's checkpoints.
#[derive(Debug)]
pub struct Ladder {
    rungs: Vec<Rung>,
    next: Place,
}

#[derive(Debug)]
struct Rung {
    checker: Box<dyn OnlineChecker>,
    first: Option<Box<Witness>>,
    count: u64,
}

/// A guarantee that fell, as the ladder finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anomaly {
    /// The checker, by its name in the catalog.
    pub check: &'static str,
    /// The place of the event that showed it.
    pub place: Place,
    /// The proof.
    pub witness: Witness,
}

impl Default for Ladder {
    fn default() -> Self {
        Self::new()
    }
}

impl Clone for Ladder {
    fn clone(&self) -> Self {
        let rungs = self.rungs.iter().map(|rung| Rung {
            checker: rung.checker.clone_box(),
            first: rung.first.clone(),
            count: rung.count,
        });
        Self {
            rungs: rungs.collect(),
            next: self.next,
        }
    }
}

impl Ladder {
    /// All online checkers of the catalog, before the first event.
    pub fn new() -> Self {
        let checkers = CATALOG.iter().filter_map(|entry| match entry.kind {
            JudgeKind::Online(make) => Some(make()),
            JudgeKind::Final(_) | JudgeKind::History(_) | JudgeKind::Contents(_) => None,
        });
        let rungs = checkers.map(|checker| Rung {
            checker,
            first: None,
            count: 0,
        });
        Self {
            rungs: rungs.collect(),
            next: Place(0),
        }
    }

    /// The first place that was not looked at yet.
    pub fn next(&self) -> Place {
        self.next
    }

    /// Looks at all events from [`next`](Self::next) to the history's end, and adds what they prove to `found`.
    ///
    /// # Panics
    /// When the history is shorter than what was looked at: a ladder goes back with its checkpoint, not by itself.
    pub fn observe(&mut self, history: &History, found: &mut Vec<Anomaly>) {
        assert!(
            self.next <= history.end(),
            "the history was cut behind the ladder"
        );
        let mut witnesses = Vec::new();
        while self.next < history.end() {
            for rung in &mut self.rungs {
                rung.checker.observe(history, self.next, &mut witnesses);
                for witness in witnesses.drain(..) {
                    rung.count += 1;
                    rung.first.get_or_insert_with(|| Box::new(witness.clone()));
                    found.push(Anomaly {
                        check: rung.checker.name(),
                        place: self.next,
                        witness,
                    });
                }
            }
            self.next.0 += 1;
        }
    }

    /// What the checkers say of the history up to here, which must be the one that was observed.
    pub fn verdicts(&self, history: &History) -> Vec<Verdict> {
        self.rungs
            .iter()
            .map(|rung| Verdict {
                check: rung.checker.name(),
                terms: Terms::default(),
                judgement: rung.judgement(history),
            })
            .collect()
    }
}

/// What one checker rules of a whole history.
pub(super) fn judge(checker: Box<dyn OnlineChecker>, history: &History) -> Ruling {
    let mut ladder = Ladder {
        rungs: vec![Rung {
            checker,
            first: None,
            count: 0,
        }],
        next: Place(0),
    };
    ladder.observe(history, &mut Vec::new());
    let finding = match ladder.rungs[0].judgement(history) {
        Judgement::Holds => Finding::Holds,
        Judgement::Violated { first, count } => Finding::Violated { first, count },
        Judgement::NotJudged(reason) | Judgement::Undecided(reason) => Finding::Undecided(reason),
    };
    Ruling { finding, states: 0 }
}

impl Rung {
    fn judgement(&self, history: &History) -> Judgement {
        if let Some(write) = history.first_repeated_write() {
            return Judgement::NotJudged(super::repeated(history, write));
        }
        if let Some(first) = &self.first {
            return Judgement::Violated {
                first: first.clone(),
                count: self.count,
            };
        }
        match history.first_unexplained_read() {
            Some(read) => Judgement::NotJudged(format!(
                "a read returned {}, which nobody had written",
                super::story::quote_or_nothing(history.operation(read).returned())
            )),
            None => Judgement::Holds,
        }
    }
}
