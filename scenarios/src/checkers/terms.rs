//! The terms on which a guarantee is asked for: how far it may be missed, and how hard to look.
//!
//! Most guarantees hold or fall. Some are promises with a number in them: reads at most *2 versions* behind, outages of at
//! most *100 ms*. The number is no part of the guarantee's name, and one scenario may expect the same guarantee on several
//! terms: within 150 ms it holds, within 50 ms it falls.

use std::fmt;

use seedbed_sim::{Instant, Span};

use super::Model;

/// On what terms a guarantee is asked for. `None` everywhere: on no special ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// How many versions behind reads may be.
    pub versions: Option<u64>,
    /// How long out of date reads may be.
    pub time: Option<Span>,
    /// How long an outage may take.
    pub outage: Option<Span>,
    /// How long after the last fault was lifted nothing may fail any more.
    pub recovery: Option<Span>,
    /// How many operations may be refused, or end without anybody knowing how.
    pub failures: Option<u64>,
    /// How many siblings a key may have.
    pub siblings: Option<u64>,
    /// Where an acknowledged update has to stand in the end.
    pub level: Option<Level>,
    /// What kind of object the keys name; the setting's own unless given.
    pub model: Option<Model>,
    /// How many states a search may look at.
    pub budget: Option<u64>,
}

/// A field of [`Terms`], by the name that scenario files use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Term {
    /// `versions`, a count.
    Versions,
    /// `time`, a length of time.
    Time,
    /// `outage`, a length of time.
    Outage,
    /// `recovery`, a length of time.
    Recovery,
    /// `failures`, a count.
    Failures,
    /// `siblings`, a count.
    Siblings,
    /// `level`, by name.
    Level,
    /// `model`, by name.
    Model,
    /// `budget`, a count of states.
    Budget,
}

impl Term {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Versions,
        Self::Time,
        Self::Outage,
        Self::Recovery,
        Self::Failures,
        Self::Siblings,
        Self::Level,
        Self::Model,
        Self::Budget,
    ];

    /// Its name in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Versions => "versions",
            Self::Time => "time",
            Self::Outage => "outage",
            Self::Recovery => "recovery",
            Self::Failures => "failures",
            Self::Siblings => "siblings",
            Self::Level => "level",
            Self::Model => "model",
            Self::Budget => "budget",
        }
    }
}

/// On which replicas an acknowledged update has to stand in the end, for it to count as durable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// `any`: on one of them. Whoever asks all of them finds it.
    Any,
    /// `majority`: on more than half.
    Majority,
    /// `all`: on every one, which is what replication promises once it has come to rest.
    #[default]
    All,
}

impl Level {
    /// All of them, by their names in files.
    pub const CATALOG: &'static [(&'static str, Self)] = &[
        ("any", Self::Any),
        ("majority", Self::Majority),
        ("all", Self::All),
    ];

    /// Its name in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Majority => "majority",
            Self::All => "all",
        }
    }

    /// Of `count` replicas, how many must have it.
    pub const fn needed(self, count: usize) -> usize {
        match self {
            Self::Any => 1,
            Self::Majority => count / 2 + 1,
            Self::All => count,
        }
    }
}

/// A fault that held for a while, where anybody wrote down when: from outside, like everything that a judge sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disturbance {
    /// `crash f2`.
    pub what: String,
    /// When it began.
    pub from: Instant,
    /// When it was lifted; `None` when it held to the end.
    pub to: Option<Instant>,
}

impl Terms {
    /// Whether they are no special ones.
    pub fn are_plain(&self) -> bool {
        *self == Self::default()
    }

    /// The name of a check on these terms: `bounded-staleness (versions 2, time 50 ms)`.
    pub fn label(&self, check: &str) -> String {
        if self.are_plain() {
            check.to_owned()
        } else {
            format!("{check} ({self})")
        }
    }
}

/// `versions 2, time 50 ms`.
impl fmt::Display for Terms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |it: Option<u64>| it.map(|it| it.to_string());
        let time = |it: Option<Span>| it.map(|it| it.to_string());
        let mut is_first = true;
        for term in Term::ALL {
            let said = match term {
                Term::Versions => count(self.versions),
                Term::Time => time(self.time),
                Term::Outage => time(self.outage),
                Term::Recovery => time(self.recovery),
                Term::Failures => count(self.failures),
                Term::Siblings => count(self.siblings),
                Term::Level => self.level.map(|it| it.name().to_owned()),
                Term::Model => self.model.map(|it| it.name().to_owned()),
                Term::Budget => count(self.budget),
            };
            if let Some(said) = said {
                let comma = if is_first { "" } else { ", " };
                write!(f, "{comma}{} {said}", term.name())?;
                is_first = false;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_part_of_a_checks_label() {
        assert_eq!(Terms::default().label("durability"), "durability");
        let terms = Terms {
            versions: Some(2),
            time: Some(Span::from_millis(50)),
            ..Terms::default()
        };
        assert_eq!(
            terms.label("bounded-staleness"),
            "bounded-staleness (versions 2, time 50 ms)"
        );
    }

    #[test]
    fn a_level_says_how_many_replicas_must_have_an_update() {
        let needed = |level: Level| [1, 2, 3, 5].map(|count| level.needed(count));
        assert_eq!(needed(Level::Any), [1, 1, 1, 1]);
        assert_eq!(needed(Level::Majority), [1, 2, 2, 3]);
        assert_eq!(needed(Level::All), [1, 2, 3, 5]);
    }
}
