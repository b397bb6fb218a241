//! The fate of an event, drawn from the path that led to it.

use super::Seed;
use super::philox::philox4x64;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The other half of Philox's key, so that these draws share nothing with any other use of the seed.
const DOMAIN: u64 = u64::from_be_bytes(*b"seedpath");

/// Where in the causal graph of a run something happened: a hash of its cause's path, of whom it concerns, and of
/// how many-th of its kind it was.
///
/// Two paths of one run collide with the chance of any 64-bit hash (about 1 in 40 million in a run of a million
/// events); then two events share a fate, which is no error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PathKey(pub u64);

impl PathKey {
    /// The path of something that comes from outside the run and has a name: the 17th request of `client/alice`, the
    /// second boot of `node/n2`. It does not hang on the seed; the [`fate`]s drawn from it do.
    #[inline]
    pub fn of_name(name: &str, ordinal: u64) -> Self {
        Self(xxh3_64_with_seed(name.as_bytes(), ordinal))
    }
}

/// What a fate is drawn for. Each purpose has draws of its own under one path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// A message on its way.
    Message,
    /// The n-th (from 1) transmission again of a message that the link lost.
    Retransmit(u32),
    /// A timer that was set.
    Timer,
    /// A sync that was ordered and not waited for.
    Sync,
    /// A request that a client was given.
    Request,
    /// A node that starts.
    Boot,
    /// The operation of a node on its disk.
    Disk,
    /// What else a link does to a message: whether it is doubled, damaged, held back.
    Line,
    /// How much longer a fault makes a message travel.
    Jitter,
    /// A copy of a message that the network makes.
    Copy,
    /// The bits by which the n-th (from 0) transmission of a message is damaged.
    Damage(u32),
}

impl Purpose {
    /// The purpose as a word of the counter. These numbers decide what every run does: they must not change.
    #[inline]
    const fn word(self) -> u64 {
        match self {
            Self::Message => 0,
            Self::Timer => 1,
            Self::Sync => 2,
            Self::Request => 3,
            Self::Boot => 4,
            Self::Disk => 5,
            Self::Line => 6,
            Self::Jitter => 7,
            Self::Copy => 8,
            Self::Retransmit(attempt) => (1 << 32) | attempt as u64,
            Self::Damage(attempt) => (2 << 32) | attempt as u64,
        }
    }
}

/// Four independent draws that decide what becomes of one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fate([u64; 4]);

impl Fate {
    /// The event's own path, from which the fates of what it causes are drawn.
    #[inline]
    pub const fn path(&self) -> PathKey {
        PathKey(self.0[0])
    }

    /// The draw for how long it takes: [`Distribution::sample`](super::Distribution::sample)'s first.
    #[inline]
    pub const fn delay(&self) -> u64 {
        self.0[1]
    }

    /// The draw for whether it is lost: see [`happens`].
    #[inline]
    pub const fn loss(&self) -> u64 {
        self.0[2]
    }

    /// One more draw: [`Distribution::sample`](super::Distribution::sample)'s second.
    #[inline]
    pub const fn spare(&self) -> u64 {
        self.0[3]
    }
}

/// The fate of the `ordinal`-th thing (from 0) that `cause` did to `receiver` for `purpose`.
///
/// It hangs on these values alone, so nothing else in the run can shift it.
#[inline]
pub fn fate(seed: Seed, cause: PathKey, receiver: u32, ordinal: u32, purpose: Purpose) -> Fate {
    let whom = (u64::from(receiver) << 32) | u64::from(ordinal);
    Fate(philox4x64(
        [cause.0, whom, purpose.word(), 0],
        [seed.0, DOMAIN],
    ))
}

/// Whether something with a chance of `per_million` happens, by `draw`. At 0 it never does, from 1,000,000 on always.
#[inline]
pub const fn happens(per_million: u32, draw: u64) -> bool {
    // The draw as a number below a million, by multiplication.
    ((draw as u128 * 1_000_000) >> 64) < per_million as u128
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    /// Seeds promise the same run for ever: if these numbers change, every pinned run of every user does.
    #[test]
    fn fates_are_pinned() {
        let request = PathKey::of_name("client/alice", 17);
        assert_eq!(request, PathKey(3_459_265_901_529_425_856));
        let sent = fate(Seed(1), request, 2, 0, Purpose::Message);
        assert_eq!(
            sent,
            Fate([
                1_848_677_593_026_635_203,
                1_779_015_350_992_869_572,
                14_310_927_444_873_667_400,
                8_706_442_860_414_193_118
            ])
        );
        let again = fate(Seed(1), request, 2, 0, Purpose::Retransmit(1));
        assert_eq!(again.path(), PathKey(2_457_300_929_205_349_946));
    }

    #[test]
    fn everything_that_goes_in_changes_the_draws() {
        let cause = PathKey::of_name("node/n2", 0);
        let fates = [
            fate(Seed(1), cause, 2, 3, Purpose::Message),
            fate(Seed(2), cause, 2, 3, Purpose::Message),
            fate(
                Seed(1),
                PathKey::of_name("node/n2", 1),
                2,
                3,
                Purpose::Message,
            ),
            fate(
                Seed(1),
                PathKey::of_name("node/n3", 0),
                2,
                3,
                Purpose::Message,
            ),
            fate(Seed(1), cause, 3, 2, Purpose::Message),
            fate(Seed(1), cause, 2, 4, Purpose::Message),
            fate(Seed(1), cause, 2, 3, Purpose::Timer),
            fate(Seed(1), cause, 2, 3, Purpose::Sync),
            fate(Seed(1), cause, 2, 3, Purpose::Request),
            fate(Seed(1), cause, 2, 3, Purpose::Boot),
            fate(Seed(1), cause, 2, 3, Purpose::Disk),
            fate(Seed(1), cause, 2, 3, Purpose::Retransmit(0)),
            fate(Seed(1), cause, 2, 3, Purpose::Retransmit(1)),
            fate(Seed(1), cause, 2, 3, Purpose::Line),
            fate(Seed(1), cause, 2, 3, Purpose::Jitter),
            fate(Seed(1), cause, 2, 3, Purpose::Copy),
            fate(Seed(1), cause, 2, 3, Purpose::Damage(0)),
            fate(Seed(1), cause, 2, 3, Purpose::Damage(1)),
        ];
        let draws: BTreeSet<u64> = fates.iter().flat_map(|fate| fate.0).collect();
        assert_eq!(draws.len(), fates.len() * 4);
    }

    /// Requests that spread through a cluster: each is forwarded to every node, which forwards it once more.
    fn fates_of(seed: Seed, requests: &[(&str, u64)]) -> BTreeMap<(String, u64, u32, u32), Fate> {
        let mut fates = BTreeMap::new();
        for &(client, number) in requests {
            let cause = PathKey::of_name(client, number);
            for first in 0..5 {
                let hop = fate(seed, cause, first, 0, Purpose::Message);
                for second in 0..5 {
                    let next = fate(seed, hop.path(), second, 0, Purpose::Message);
                    fates.insert((client.to_owned(), number, first, second), next);
                }
            }
        }
        fates
    }

    proptest::proptest! {
        #[test]
        fn removing_an_operation_shifts_no_other_draw(seed: u64, removed in 0_usize..40) {
            let requests: Vec<(&str, u64)> = (0..20)
                .flat_map(|number| [("client/alice", number), ("client/bob", number)])
                .collect();
            let mut fewer = requests.clone();
            let (client, number) = fewer.remove(removed);
            let mut expected = fates_of(Seed(seed), &requests);
            expected.retain(|path, _| (path.0.as_str(), path.1) != (client, number));
            proptest::prop_assert_eq!(fates_of(Seed(seed), &fewer), expected);
        }
    }

    #[test]
    fn a_chance_per_million_holds_at_its_ends_and_between() {
        assert!(!happens(0, 0));
        assert!(happens(1_000_000, u64::MAX));
        assert!(!happens(999_999, u64::MAX));
        assert!(happens(1, 0));
        let draws = (0..100_000).map(|n| fate(Seed(9), PathKey(n), 0, 0, Purpose::Message).loss());
        let count = draws.filter(|&draw| happens(250_000, draw)).count();
        // Five standard deviations of a binomial with 100,000 trials at one quarter are 685.
        assert!(count.abs_diff(25_000) < 685, "{count} of 100,000");
    }
}
