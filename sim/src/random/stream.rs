//! Named streams.
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// The root of everything random in a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seed(pub u64);

/// A stream of random numbers that belongs to one name; no other name's draws shift it.
#[derive(Clone, Debug)]
pub struct Stream {
    rng: ChaCha8Rng,
}

impl Stream {
    /// The stream called `name` under `seed`.
    pub fn named(seed: Seed, name: &str) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.0.to_le_bytes());
        key[8..24].copy_from_slice(&xxhash_rust::xxh3::xxh3_128(name.as_bytes()).to_le_bytes());
        Self {
            rng: ChaCha8Rng::from_seed(key),
        }
    }

    /// The next 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        self.rng.next_u64()
    }

    /// A number below `bound` (at least 1), every one as likely, from one draw by multiplication (the bias is below 2⁻⁶⁴ × bound).
    pub fn below(&mut self, bound: u64) -> u64 {
        assert!(bound > 0, "nothing is below 0");
        ((u128::from(self.next_u64()) * u128::from(bound)) >> 64) as u64
    }
}
