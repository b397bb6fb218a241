//! Bloom filters: a table says "surely not here" about most keys it does not have, without a read.
//!
//! A filter is a row of bits. A key sets k of them, chosen by its hash; a key whose k bits are not all set was never added.
//! With b bits for each key, all k bits of an absent key are set by chance with a probability of
//!
//! ```text
//!   p = (1 − e^(−k/b))^k          least at k = b · ln 2: 10 bits and 7 probes give 0.82 %
//! ```
//!
//! (Bloom, *Space/Time Trade-offs in Hash Coding with Allowable Errors*, CACM 1970.) The k places are `h1 + i · h2` of one
//! 128-bit hash, which is as good as k hashes (Kirsch and Mitzenmacher, *Less Hashing, Same Performance*, ESA 2006).
//!
//! ```text
//!   filter   number of probes (u8) · bits, the lowest of the first byte first
//! ```
//!
//! What real systems do besides: keep the bits of a key within one line of the processor's cache, which costs a few more
//! false positives and saves most of the probes' time; and ribbon filters, which take a third less space.

use bytes::Bytes;

/// More probes than this gain nothing that could be measured.
const PROBES_MAX: u32 = 16;

/// A key's hash, computed once however many filters are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct KeyHash(u64);

impl KeyHash {
    #[inline]
    pub(super) fn of(key: &[u8]) -> Self {
        Self(xxhash_rust::xxh3::xxh3_64(key))
    }

    /// The place of each probe in a row of `bits`.
    #[inline]
    fn places(self, probes: u32, bits: u64) -> impl Iterator<Item = u64> {
        // Both halves of one more round of mixing; an odd step meets every place of a row whose length is a power of two.
        let step = (self.0 ^ self.0 >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) | 1;
        (0..probes).map(move |probe| {
            let mixed = self.0.wrapping_add(step.wrapping_mul(u64::from(probe)));
            // The high half of a product maps a hash to a place without a division.
            ((u128::from(mixed) * u128::from(bits)) >> 64) as u64
        })
    }
}

/// A filter over the keys of one table.
#[derive(Clone, Debug)]
pub(super) struct Filter {
    probes: u32,
    bits: Bytes,
}

impl Filter {
    /// A filter of the keys with these hashes, as it stands in a table.
    pub(super) fn build(hashes: &[KeyHash], bits_per_key: u32) -> Vec<u8> {
        // The logarithm of two, in thousandths.
        let probes = (bits_per_key * 693 / 1000).clamp(1, PROBES_MAX);
        let bits = (hashes.len() as u64 * u64::from(bits_per_key)).max(64);
        let byte_count = bits.div_ceil(8);
        let mut out = vec![0; 1 + byte_count as usize];
        out[0] = probes as u8;
        for hash in hashes {
            for place in hash.places(probes, byte_count * 8) {
                out[1 + (place / 8) as usize] |= 1 << (place % 8);
            }
        }
        out
    }

    /// Takes the bytes of a filter; `None` if they are none.
    pub(super) fn new(bytes: &Bytes) -> Option<Self> {
        let probes = u32::from(*bytes.first()?);
        if probes == 0 || probes > PROBES_MAX || bytes.len() < 2 {
            return None;
        }
        Some(Self {
            probes,
            bits: bytes.slice(1..),
        })
    }

    /// Whether a key may have been added. "No" is certain.
    #[inline]
    pub(super) fn may_contain(&self, hash: KeyHash) -> bool {
        let bits = self.bits.len() as u64 * 8;
        hash.places(self.probes, bits)
            .all(|place| self.bits[(place / 8) as usize] & 1 << (place % 8) != 0)
    }

    /// Bytes it takes in memory.
    pub(super) fn memory_bytes(&self) -> usize {
        self.bits.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(kind: &str, i: u32) -> KeyHash {
        KeyHash::of(format!("{kind}{i}").as_bytes())
    }

    fn filter(count: u32, bits_per_key: u32) -> Filter {
        let hashes: Vec<_> = (0..count).map(|i| hash("in", i)).collect();
        Filter::new(&Filter::build(&hashes, bits_per_key).into()).unwrap()
    }

    #[test]
    fn what_was_added_is_always_found() {
        for count in [0, 1, 2, 10, 1000] {
            for bits_per_key in [1, 2, 10, 40] {
                let filter = filter(count, bits_per_key);
                assert!((0..count).all(|i| filter.may_contain(hash("in", i))));
            }
        }
    }

    /// Bound: ten standard deviations of the count at the rate that theory gives, and a tenth of that rate, since probes of
    /// one key are not quite independent.
    #[test]
    fn false_positives_are_as_many_as_theory_says() {
        let asked = 200_000;
        for bits_per_key in [2, 5, 8, 10, 14, 20] {
            let filter = filter(20_000, bits_per_key);
            let found = (0..asked)
                .filter(|&i| filter.may_contain(hash("out", i)))
                .count() as f64;
            let probes = f64::from(filter.probes);
            let rate = (1.0 - (-probes / f64::from(bits_per_key)).exp()).powf(probes);
            let expected = rate * f64::from(asked);
            let slack = 10.0 * expected.sqrt() + expected / 10.0;
            assert!(
                (found - expected).abs() < slack,
                "{bits_per_key} bits a key: {found} false positives of {asked}, expected {expected:.0}"
            );
        }
    }

    #[test]
    fn bytes_that_are_no_filter_are_refused() {
        assert!(Filter::new(&Bytes::new()).is_none());
        assert!(Filter::new(&Bytes::from_static(&[0, 1])).is_none());
        assert!(Filter::new(&Bytes::from_static(&[200, 1])).is_none());
        assert!(Filter::new(&Bytes::from_static(&[7])).is_none());
    }
}
