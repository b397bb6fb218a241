//! Which seeds a sweep runs.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The seeds from `from` up to but without `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seeds {
    /// The first.
    pub from: u64,
    /// The one after the last.
    pub to: u64,
}

impl Seeds {
    /// How many there are.
    pub fn count(self) -> u64 {
        self.to - self.from
    }

    /// The part of them that is a shard's.
    pub fn of_shard(self, shard: Shard) -> Self {
        let edge = |index: u32| {
            let way = u128::from(self.count()) * u128::from(index) / u128::from(shard.count);
            // No further than the range is long.
            self.from + way as u64
        };
        Self {
            from: edge(shard.index - 1),
            to: edge(shard.index),
        }
    }
}

impl fmt::Display for Seeds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.from, self.to)
    }
}

impl FromStr for Seeds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "seeds are written A..B, such as 1..1001, for the whole numbers from A up to but without B, at most {}",
                u64::MAX
            )
        };
        let (from, to) = text.split_once("..").ok_or_else(wrong)?;
        let number = |text: &str| match text.bytes().all(|b| b.is_ascii_digit()) {
            true => text.parse().map_err(|_| wrong()),
            false => Err(wrong()),
        };
        let seeds = Self {
            from: number(from)?,
            to: number(to)?,
        };
        if seeds.from >= seeds.to {
            return Err(format!(
                "there is no seed in {seeds}: the end does not belong to it, so that 1..2 is seed 1 alone"
            ));
        }
        Ok(seeds)
    }
}

/// One of the parts that a sweep was divided into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shard {
    /// Which one, from 1.
    pub index: u32,
    /// Of how many.
    pub count: u32,
}

impl Shard {
    /// All of it.
    pub const WHOLE: Self = Self { index: 1, count: 1 };

    /// Whether there can be such a shard.
    pub fn is_sound(self) -> bool {
        (1..=self.count).contains(&self.index)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            "a shard is written i/n, such as 2/3: the i-th of n parts, from 1/n to n/n".to_owned()
        };
        let (index, count) = text.split_once('/').ok_or_else(wrong)?;
        let shard = Self {
            index: index.parse().map_err(|_| wrong())?,
            count: count.parse().map_err(|_| wrong())?,
        };
        shard.is_sound().then_some(shard).ok_or_else(wrong)
    }
}

/// When a sweep has seen enough.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Until {
    /// At the lowest seed that fails.
    First,
    /// At the end of the range.
    #[default]
    All,
}

impl fmt::Display for Until {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::First => "first",
            Self::All => "all",
        })
    }
}
