//! The live ladder: checkers that go along with one run.
//!
//! Every run has the standing ones, and those of its [expectations](crate::file::model::Expectation) that can go along. All of
//! them say what holds *so far*: a guarantee that holds may fall later, and one that fell may, with some checkers, be
//! [withdrawn](OnlineChecker::has_withdrawn) when a later event explains after all what was seen.

use crate::history::{History, Place};

use super::{
    CATALOG, CatalogEntry, Finding, Judgement, OnlineChecker, Order, Question, Ruling, Terms,
    Unclear, Verdict, Witness,
};

/// Checkers at one place of a history. Cloning it is cheap: it is part of a session's checkpoints.
#[derive(Debug)]
pub struct Ladder {
    rungs: Vec<Rung>,
    next: Place,
}

#[derive(Debug)]
struct Rung {
    checker: Box<dyn OnlineChecker>,
    /// On which terms.
    terms: Terms,
    /// Whether every run has it.
    is_standing: bool,
    first: Option<Box<Witness>>,
    count: u64,
}

/// What the ladder has to tell of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// A guarantee fell.
    Fell(Box<Anomaly>),
    /// What this checker had found until now is explained after all.
    Withdrawn(&'static str),
}

/// A guarantee that fell, as the ladder finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anomaly {
    /// The checker, by its name in the catalog.
    pub check: &'static str,
    /// On which terms.
    pub terms: Terms,
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
            terms: rung.terms,
            is_standing: rung.is_standing,
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
    /// The checkers that every run has, before the first event.
    pub fn new() -> Self {
        Self::asked(&[])
    }

    /// Those and the checkers of these names, on these terms, where they can go along with a run.
    pub fn asked(asked: &[(&str, Terms)]) -> Self {
        let standing = CATALOG.iter().filter(|entry| entry.is_standing());
        let standing = standing.map(|entry| (entry, Terms::default(), true));
        let others = CATALOG.iter().filter(|entry| !entry.is_standing());
        let others = others.flat_map(|entry| {
            let of_entry = asked.iter().filter(|(name, _)| *name == entry.name);
            of_entry.map(move |(_, terms)| (entry, *terms, false))
        });
        let rung = |(entry, terms, is_standing): (&CatalogEntry, Terms, bool)| {
            let checker = entry.live()?(&terms)?;
            Some(Rung::new(checker, terms, is_standing))
        };
        let rungs = standing.chain(others).filter_map(rung).collect();
        Self {
            rungs,
            next: Place(0),
        }
    }

    /// The first place that was not looked at yet.
    pub fn next(&self) -> Place {
        self.next
    }

    /// Looks at all events from [`next`](Self::next) to the history's end, and adds what there is to tell of them to `news`.
    ///
    /// # Panics
    /// When the history is shorter than what was looked at: a ladder goes back with its checkpoint, not by itself.
    pub fn observe(&mut self, history: &History, news: &mut Vec<News>) {
        assert!(
            self.next <= history.end(),
            "the history was cut behind the ladder"
        );
        let mut witnesses = Vec::new();
        while self.next < history.end() {
            for rung in &mut self.rungs {
                rung.checker.observe(history, self.next, &mut witnesses);
                if rung.checker.has_withdrawn() {
                    (rung.first, rung.count) = (None, 0);
                    news.push(News::Withdrawn(rung.checker.name()));
                }
                for witness in witnesses.drain(..) {
                    rung.count += 1;
                    rung.first.get_or_insert_with(|| Box::new(witness.clone()));
                    let anomaly = Anomaly {
                        check: rung.checker.name(),
                        terms: rung.terms,
                        place: self.next,
                        witness,
                    };
                    news.push(News::Fell(Box::new(anomaly)));
                }
            }
            self.next.0 += 1;
        }
    }

    /// What the checkers say of the history up to here, which must be the one that was observed.
    pub fn verdicts(&self, history: &History) -> Vec<Verdict> {
        self.rungs
            .iter()
            .map(|rung| rung.verdict(history))
            .collect()
    }

    /// What those say that every run has.
    pub fn standing_verdicts(&self, history: &History) -> Vec<Verdict> {
        let standing = self.rungs.iter().filter(|rung| rung.is_standing);
        standing.map(|rung| rung.verdict(history)).collect()
    }
}

/// What one checker rules of a whole history, by real time.
pub(super) fn judge(checker: Box<dyn OnlineChecker>, question: &Question<'_>) -> Ruling {
    if question.setting.order == Order::Session {
        return Ruling::undecided("the history has no order in real time to go by");
    }
    let history = question.history;
    let mut ladder = Ladder {
        rungs: vec![Rung::new(checker, Terms::default(), true)],
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
    fn new(checker: Box<dyn OnlineChecker>, terms: Terms, is_standing: bool) -> Self {
        Self {
            checker,
            terms,
            is_standing,
            first: None,
            count: 0,
        }
    }

    fn verdict(&self, history: &History) -> Verdict {
        Verdict {
            check: self.checker.name(),
            terms: self.terms,
            judgement: self.judgement(history),
        }
    }

    fn judgement(&self, history: &History) -> Judgement {
        let unclear = self.checker.unclear(history);
        if let Some(Unclear::Altogether(reason)) = unclear {
            return Judgement::NotJudged(reason);
        }
        if let Some(first) = &self.first {
            return Judgement::Violated {
                first: first.clone(),
                count: self.count,
            };
        }
        match unclear {
            Some(Unclear::WhetherItHolds(reason) | Unclear::Altogether(reason)) => {
                Judgement::NotJudged(reason)
            }
            None => Judgement::Holds,
        }
    }
}
