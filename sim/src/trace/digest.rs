//! The digest: 64 bits that stand for everything that happened, in order.
//!
//! Two runs with one digest did the same. It is made from fixed-width words by folded multiplication (the mixing step
//! of wyhash), never from memory as a platform lays it out: `usize` and `isize` are widened to 64 bits and bytes are
//! read in little-endian order, so that a 32-bit host (wasm) gets the same number as a 64-bit one.

use std::hash::{Hash, Hasher};

const SECRET_A: u64 = 0xa076_1d64_78bd_642f;
const SECRET_B: u64 = 0xe703_7ed1_a0b4_28db;

#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product as u64) ^ ((product >> 64) as u64)
}

/// A running digest of words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest(u64);

impl Digest {
    /// The digest of nothing.
    pub const EMPTY: Self = Self(SECRET_B);

    /// Takes in two words.
    #[inline]
    pub fn absorb(&mut self, first: u64, second: u64) {
        self.0 =
            fold(self.0 ^ first ^ SECRET_A, second ^ SECRET_B).wrapping_add(self.0.rotate_left(23));
    }

    /// The digest so far.
    pub const fn value(self) -> u64 {
        self.0
    }
}

/// The hash of one datum, the same on every platform.
#[inline]
pub fn stable_hash<T: Hash>(datum: &T) -> u64 {
    let mut hasher = StableHasher(SECRET_A);
    datum.hash(&mut hasher);
    hasher.finish()
}

/// A [`Hasher`] whose result depends on the values alone: see the [module](self).
struct StableHasher(u64);

impl StableHasher {
    #[inline]
    fn word(&mut self, word: u64) {
        self.0 = fold(self.0 ^ word, SECRET_B);
    }
}

impl Hasher for StableHasher {
    fn finish(&self) -> u64 {
        fold(self.0, SECRET_A)
    }

    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        let (pairs, rest) = bytes.as_chunks::<16>();
        for pair in pairs {
            let (low, high) = pair.split_at(8);
            let low = u64::from_le_bytes(low.try_into().expect("8 of 16 bytes"));
            let high = u64::from_le_bytes(high.try_into().expect("8 of 16 bytes"));
            self.0 = fold(self.0 ^ low, high ^ SECRET_B);
        }
        if !rest.is_empty() {
            let mut last = [0; 16];
            last[..rest.len()].copy_from_slice(rest);
            let last = u128::from_le_bytes(last);
            self.0 = fold(
                self.0 ^ last as u64,
                (last >> 64) as u64 ^ SECRET_B ^ rest.len() as u64,
            );
        }
    }

    #[inline]
    fn write_u8(&mut self, value: u8) {
        self.word(u64::from(value));
    }
    #[inline]
    fn write_u16(&mut self, value: u16) {
        self.word(u64::from(value));
    }
    #[inline]
    fn write_u32(&mut self, value: u32) {
        self.word(u64::from(value));
    }
    #[inline]
    fn write_u64(&mut self, value: u64) {
        self.word(value);
    }
    #[inline]
    fn write_u128(&mut self, value: u128) {
        self.word(value as u64);
        self.word((value >> 64) as u64);
    }
    #[inline]
    fn write_usize(&mut self, value: usize) {
        self.word(value as u64);
    }
    #[inline]
    fn write_i8(&mut self, value: i8) {
        self.word(i64::from(value) as u64);
    }
    #[inline]
    fn write_i16(&mut self, value: i16) {
        self.word(i64::from(value) as u64);
    }
    #[inline]
    fn write_i32(&mut self, value: i32) {
        self.word(i64::from(value) as u64);
    }
    #[inline]
    fn write_i64(&mut self, value: i64) {
        self.word(value as u64);
    }
    #[inline]
    fn write_i128(&mut self, value: i128) {
        self.write_u128(value as u128);
    }
    #[inline]
    fn write_isize(&mut self, value: isize) {
        self.word(value as i64 as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_a_datum_is_pinned() {
        let datum = (
            7_usize,
            -1_isize,
            "abc",
            Some(3_u32),
            vec![1_u8; 40],
            [5_u64; 2],
        );
        assert_eq!(
            stable_hash(&datum),
            PINNED,
            "a changed hash changes every digest that people kept"
        );
    }
    const PINNED: u64 = 12_928_840_084_290_655_082;

    #[test]
    fn order_and_length_matter() {
        let of = |words: &[(u64, u64)]| {
            let mut digest = Digest::EMPTY;
            for (a, b) in words {
                digest.absorb(*a, *b);
            }
            digest.value()
        };
        assert_ne!(of(&[(1, 2), (3, 4)]), of(&[(3, 4), (1, 2)]));
        assert_ne!(of(&[(0, 0)]), of(&[(0, 0), (0, 0)]));
        assert_ne!(
            stable_hash(&[0_u8; 3].as_slice()),
            stable_hash(&[0_u8; 4].as_slice())
        );
    }
}
