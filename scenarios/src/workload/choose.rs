//! Which key the next operation is about.

use seedbed_sim::{Stream, Zipf, ZipfError};
use xxhash_rust::xxh3::xxh3_64;

/// How often each key is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Popularity {
    /// All alike.
    Uniform,
    /// The i-th key (from 1) with a chance in proportion to `1 / i^exponent`.
    Zipf {
        /// The exponent, from 0 (all alike) to 20.
        exponent: f64,
    },
    /// By Zipf's law too, with the popular keys strewn over all of them: what is popular is not what is next to each other.
    Scattered {
        /// The exponent.
        exponent: f64,
    },
    /// By Zipf's law, the last key the most popular: news.
    Latest {
        /// The exponent.
        exponent: f64,
    },
    /// One after the other, and from the first again.
    InTurn,
}

/// Chooses keys by their numbers.
#[derive(Clone, Debug)]
pub struct Chooser {
    popularity: Popularity,
    /// The law for the count that was last asked about.
    zipf: Option<Zipf>,
    next: u64,
}

impl Popularity {
    fn exponent(self) -> Option<f64> {
        match self {
            Self::Zipf { exponent } | Self::Scattered { exponent } | Self::Latest { exponent } => {
                Some(exponent)
            }
            Self::Uniform | Self::InTurn => None,
        }
    }
}

impl Chooser {
    /// A chooser among `count` keys, at least one; there may be more later.
    ///
    /// # Errors
    /// When the count or the exponent makes no Zipf distribution.
    pub fn new(popularity: Popularity, count: u64) -> Result<Self, ZipfError> {
        let exponent = popularity.exponent();
        Ok(Self {
            popularity,
            zipf: exponent.map(|it| Zipf::new(count, it)).transpose()?,
            next: 0,
        })
    }

    /// The number of a key, from 0 to `count` - 1.
    ///
    /// # Panics
    /// When `count` is zero, or more than a Zipf distribution can have.
    pub fn pick(&mut self, count: u64, random: &mut Stream) -> u64 {
        assert!(count > 0, "there is a key to choose");
        match self.popularity {
            Popularity::Uniform => random.below(count),
            Popularity::Zipf { .. } => self.rank(count, random),
            Popularity::Scattered { .. } => {
                // As in YCSB two popular ranks may fall on one key.
                xxh3_64(&self.rank(count, random).to_le_bytes()) % count
            }
            Popularity::Latest { .. } => count - 1 - self.rank(count, random),
            Popularity::InTurn => {
                let number = self.next % count;
                self.next = number + 1;
                number
            }
        }
    }

    fn rank(&mut self, count: u64, random: &mut Stream) -> u64 {
        let zipf = self.zipf.as_mut().expect("a law for what follows one");
        if zipf.count() != count {
            let exponent = self.popularity.exponent().expect("it follows a law");
            *zipf =
                Zipf::new(count, exponent).expect("the exponent was checked, and so is the count");
        }
        zipf.sample(random)
    }
}
