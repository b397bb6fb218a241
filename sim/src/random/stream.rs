//! Named streams.

use super::{Distribution, happens};
use crate::Span;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use std::fmt;

/// The root of everything random in a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seed(pub u64);

/// Prints the number, as it is given to a program.
impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A stream of random numbers that belongs to one name; no other name's draws shift it.
///
/// It is the ChaCha8 stream whose 32-byte key is the seed (8 bytes), the XXH3 128-bit hash of the name (16 bytes),
/// both little-endian, and 8 zeros. What is kept is that key and how many draws were made; the generator with its
/// blocks is made at the first draw and not copied by `clone`, so a fork pays for those streams alone that it draws from.
pub struct Stream {
    seed: Seed,
    name_hash: u128,
    drawn: u64,
    generator: Option<Box<ChaCha8Rng>>,
}

impl Stream {
    /// The stream called `name` under `seed`.
    pub fn named(seed: Seed, name: &str) -> Self {
        Self {
            seed,
            name_hash: xxhash_rust::xxh3::xxh3_128(name.as_bytes()),
            drawn: 0,
            generator: None,
        }
    }

    /// How many 64-bit draws were made so far.
    pub fn drawn(&self) -> u64 {
        self.drawn
    }

    /// The next 64 random bits.
    #[inline]
    pub fn next_u64(&mut self) -> u64 {
        if self.generator.is_none() {
            self.make_generator();
        }
        let Some(generator) = &mut self.generator else {
            unreachable!("just made");
        };
        self.drawn += 1;
        generator.next_u64()
    }

    /// A number below `bound` (at least 1), every one as likely, from one draw by multiplication (the bias is below 2⁻⁶⁴ × bound).
    #[inline]
    pub fn below(&mut self, bound: u64) -> u64 {
        assert!(bound > 0, "nothing is below 0");
        ((u128::from(self.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// Whether something with a chance of `per_million` happens. Always one draw, also at 0 and at 1,000,000.
    #[inline]
    pub fn chance_per_million(&mut self, per_million: u32) -> bool {
        happens(per_million, self.next_u64())
    }

    /// A span from `low` to `high` (at least `low`), both included, every one as likely; one draw.
    pub fn uniform(&mut self, low: Span, high: Span) -> Span {
        assert!(low <= high, "no span lies between {low} and {high}");
        let width = u128::from(high.saturating_sub(low).as_nanos()) + 1;
        low + Span::from_nanos(((u128::from(self.next_u64()) * width) >> 64) as u64)
    }

    /// A span of `distribution`. Always two draws, whatever the distribution needs.
    pub fn sample(&mut self, distribution: &Distribution) -> Span {
        let draw = self.next_u64();
        distribution.sample(draw, self.next_u64())
    }

    /// One of `items`, every one as likely, by one draw; `None` where there are none, and no draw.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        if items.is_empty() {
            return None;
        }
        Some(&items[self.below(items.len() as u64) as usize])
    }

    /// Brings `items` into a random order, every one as likely (Fisher and Yates), by one draw fewer than there are items.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.below(last as u64 + 1) as usize;
            items.swap(last, other);
        }
    }

    #[cold]
    fn make_generator(&mut self) {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&self.seed.0.to_le_bytes());
        key[8..24].copy_from_slice(&self.name_hash.to_le_bytes());
        let mut generator = ChaCha8Rng::from_seed(key);
        // A position counts 32-bit words.
        generator.set_word_pos(u128::from(self.drawn) * 2);
        self.generator = Some(Box::new(generator));
    }
}

impl Clone for Stream {
    /// A stream at the same place: both go on with the same numbers.
    fn clone(&self) -> Self {
        Self {
            generator: None,
            ..*self
        }
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("seed", &self.seed)
            .field("name_hash", &self.name_hash)
            .field("drawn", &self.drawn)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first draws of a stream must never change: if they do, so does every pinned run of every user.
    #[test]
    fn streams_are_pinned() {
        let mut alice = Stream::named(Seed(1), "client/alice");
        assert_eq!(
            [0; 3].map(|_: u64| alice.next_u64()),
            [
                12_512_403_041_776_987_520,
                2_316_371_874_048_975_375,
                5_626_070_765_706_951_622
            ]
        );
        let mut node = Stream::named(Seed(1), "node/n2");
        assert_eq!(node.next_u64(), 13_256_396_349_524_266_487);
        let mut other = Stream::named(Seed(2), "node/n2");
        assert_eq!(other.next_u64(), 16_656_427_175_471_707_057);
    }

    #[test]
    fn a_clone_goes_on_where_its_original_stands() {
        for drawn_before in [0, 1, 7, 8, 31, 32, 33, 100] {
            let mut original = Stream::named(Seed(3), "node/n1");
            for _ in 0..drawn_before {
                original.next_u64();
            }
            let mut fork = original.clone();
            let ahead: Vec<u64> = (0..100).map(|_| fork.next_u64()).collect();
            let same: Vec<u64> = (0..100).map(|_| original.next_u64()).collect();
            assert_eq!(ahead, same, "after {drawn_before} draws");
            assert_eq!(fork.drawn(), drawn_before + 100);
        }
    }

    #[test]
    fn names_and_seeds_have_streams_of_their_own() {
        let first = |seed, name| Stream::named(Seed(seed), name).next_u64();
        let draws = std::collections::BTreeSet::from([
            first(1, "node/n1"),
            first(1, "node/n2"),
            first(2, "node/n1"),
            first(1, ""),
        ]);
        assert_eq!(draws.len(), 4);
    }

    #[test]
    fn a_shuffle_gives_every_order_as_often() {
        let mut stream = Stream::named(Seed(4), "workload");
        let mut counts = std::collections::BTreeMap::new();
        for _ in 0..24_000 {
            let mut items = [0, 1, 2, 3];
            stream.shuffle(&mut items);
            *counts.entry(items).or_insert(0_u32) += 1;
        }
        assert_eq!(counts.len(), 24);
        // Chi-square with 23 degrees of freedom exceeds 65 with a chance below 1 in 100,000.
        let chi_square: f64 = counts
            .values()
            .map(|&count| (f64::from(count) - 1_000.0) * (f64::from(count) - 1_000.0) / 1_000.0)
            .sum();
        assert!(chi_square < 65.0, "{chi_square}");
    }

    #[test]
    fn draws_stay_within_their_bounds_and_reach_them() {
        let mut stream = Stream::named(Seed(5), "workload");
        let (low, high) = (Span::from_nanos(10), Span::from_nanos(12));
        let spans: std::collections::BTreeSet<Span> =
            (0..100).map(|_| stream.uniform(low, high)).collect();
        assert_eq!(spans.first(), Some(&low));
        assert_eq!(spans.last(), Some(&high));
        assert_eq!(spans.len(), 3);
        assert_eq!(stream.uniform(low, low), low);
        let everything = stream.uniform(Span::ZERO, Span::MAX);
        assert!(everything > Span::from_secs(1), "{everything}");
        assert_eq!(stream.pick::<u8>(&[]), None);
        assert_eq!(stream.pick(&[7]), Some(&7));
    }
}
