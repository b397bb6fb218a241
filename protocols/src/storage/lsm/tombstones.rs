//! Range tombstones: "every key from here to there is gone", as one small record.
//!
//! They overlap as they please when they are written. Kept as *fragments*, pieces that do not overlap, each with the
//! sequence numbers that deleted it, newest first, one search answers which of them a snapshot sees over a key:
//!
//! ```text
//!   written     ├── 7 ──────────┤           fragments   ├── 7 ──┼─ 9 7 ─┼── 9 ──┤
//!                       ├── 9 ──────────┤
//! ```
//!
//! A value is gone where a fragment over its key has a number that is greater than its own and visible.

use std::sync::Arc;

use bytes::Bytes;

use super::{Sequence, varint};

/// A piece of the keys that one or more range deletes cover.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fragment {
    /// The smallest key, inclusive.
    pub(super) from: Bytes,
    /// The largest key, exclusive; `None`: past the last.
    pub(super) to: Option<Bytes>,
    /// The deletes over it, the newest first.
    pub(super) sequences: Vec<Sequence>,
}

/// Fragments in key order, without overlap.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tombstones {
    fragments: Arc<Vec<Fragment>>,
}

impl Tombstones {
    pub(super) fn is_empty(&self) -> bool {
        self.fragments.is_empty()
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &Fragment> {
        self.fragments.iter()
    }

    /// Adds a range delete. An empty range adds nothing.
    pub(super) fn insert(&mut self, from: &Bytes, to: Option<&Bytes>, sequence: Sequence) {
        if to.is_some_and(|to| to <= from) {
            return;
        }
        let fragments = Arc::make_mut(&mut self.fragments);
        split_at(fragments, from);
        if let Some(to) = to {
            split_at(fragments, to);
        }
        let mut at = fragments.partition_point(|fragment| fragment.from < *from);
        let mut begin = from.clone();
        loop {
            let next = fragments.get_mut(at);
            let within = next.filter(|next| to.is_none_or(|to| next.from < *to));
            let Some(next) = within else { break };
            let place = next.sequences.partition_point(|&other| other > sequence);
            if next.sequences.get(place) != Some(&sequence) {
                next.sequences.insert(place, sequence);
            }
            let (next_from, next_to) = (next.from.clone(), next.to.clone());
            if begin < next_from {
                fragments.insert(
                    at,
                    Fragment {
                        from: begin,
                        to: Some(next_from),
                        sequences: vec![sequence],
                    },
                );
                at += 1;
            }
            at += 1;
            let Some(next_to) = next_to else { return };
            begin = next_to;
        }
        if to.is_none_or(|to| begin < *to) {
            fragments.insert(
                at,
                Fragment {
                    from: begin,
                    to: to.cloned(),
                    sequences: vec![sequence],
                },
            );
        }
    }

    /// Adds all deletes of `other`.
    pub(super) fn insert_all(&mut self, other: &Self) {
        for fragment in other.iter() {
            for &sequence in &fragment.sequences {
                self.insert(&fragment.from, fragment.to.as_ref(), sequence);
            }
        }
    }

    /// The newest delete over `key` that is no newer than `most`; zero where there is none.
    #[inline]
    pub(super) fn newest_over(&self, key: &[u8], most: Sequence) -> Sequence {
        if self.fragments.is_empty() {
            return Sequence(0);
        }
        self.search(key, most)
    }

    fn search(&self, key: &[u8], most: Sequence) -> Sequence {
        let Some(fragment) = self.fragment_over(key) else {
            return Sequence(0);
        };
        let visible = fragment
            .sequences
            .iter()
            .find(|&&sequence| sequence <= most);
        visible.copied().unwrap_or(Sequence(0))
    }

    /// The oldest delete over `key` that is newer than `least`, as far as there is one.
    pub(super) fn oldest_over_after(&self, key: &[u8], least: Sequence) -> Option<Sequence> {
        let fragment = self.fragment_over(key)?;
        let newer = fragment.sequences.iter().rev();
        newer.copied().find(|&sequence| sequence > least)
    }

    fn fragment_over(&self, key: &[u8]) -> Option<&Fragment> {
        let after = self
            .fragments
            .partition_point(|fragment| fragment.from <= key);
        let fragment = self.fragments.get(after.checked_sub(1)?)?;
        let is_over = fragment.to.as_ref().is_none_or(|to| key < to);
        is_over.then_some(fragment)
    }

    /// What of them is over keys from `from` (inclusive; `None`: the first) to `to` (exclusive; `None`: past the last).
    pub(super) fn clipped(&self, from: Option<&Bytes>, to: Option<&Bytes>) -> Self {
        let within = self.iter().filter_map(|fragment| {
            let begin = from.map_or(&fragment.from, |from| from.max(&fragment.from));
            let end = match (&fragment.to, to) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.as_ref().or(b),
            };
            end.is_none_or(|end| begin < end).then(|| Fragment {
                from: begin.clone(),
                to: end.cloned(),
                sequences: fragment.sequences.clone(),
            })
        });
        Self {
            fragments: Arc::new(within.collect()),
        }
    }

    /// Keeps of the deletes those that `keep` wants, of each fragment.
    pub(super) fn retain(&self, mut keep: impl FnMut(&Fragment, Sequence) -> bool) -> Self {
        let kept = self.iter().filter_map(|fragment| {
            let mut sequences = fragment.sequences.clone();
            sequences.retain(|&sequence| keep(fragment, sequence));
            (!sequences.is_empty()).then(|| Fragment {
                sequences,
                ..fragment.clone()
            })
        });
        Self {
            fragments: Arc::new(kept.collect()),
        }
    }

    /// How many deletes of fragments there are.
    pub(super) fn count(&self) -> u64 {
        self.iter()
            .map(|fragment| fragment.sequences.len() as u64)
            .sum()
    }

    /// Bytes they take in memory.
    pub(super) fn memory_bytes(&self) -> usize {
        let bytes = |fragment: &Fragment| {
            size_of::<Fragment>()
                + fragment.from.len()
                + fragment.to.as_ref().map_or(0, Bytes::len)
                + 8 * fragment.sequences.len()
        };
        self.iter().map(bytes).sum()
    }

    /// Pushes them as they stand in a table:
    ///
    /// ```text
    ///   number of fragments · for each: length of from · from · 0, or length of to + 1 · to · count · sequences  (varints)
    /// ```
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        varint::push(self.fragments.len() as u64, out);
        for fragment in self.iter() {
            varint::push(fragment.from.len() as u64, out);
            out.extend_from_slice(&fragment.from);
            varint::push(
                fragment.to.as_ref().map_or(0, |to| to.len() as u64 + 1),
                out,
            );
            out.extend_from_slice(fragment.to.as_deref().unwrap_or_default());
            varint::push(fragment.sequences.len() as u64, out);
            for sequence in &fragment.sequences {
                varint::push(sequence.0, out);
            }
        }
    }

    /// Reads them back; `None` if they are not well formed.
    pub(super) fn decode(bytes: &Bytes) -> Option<Self> {
        let (count, mut at) = varint::read_len(bytes, 0)?;
        let mut fragments: Vec<Fragment> = Vec::new();
        for _ in 0..count {
            let from = take(bytes, &mut at)?;
            let (marked, after) = varint::read_len(bytes, at)?;
            at = after;
            let to = match marked.checked_sub(1) {
                None => None,
                Some(len) => Some(take_len(bytes, &mut at, len)?),
            };
            let (sequence_count, after) = varint::read_len(bytes, at)?;
            at = after;
            let mut sequences: Vec<Sequence> = Vec::new();
            for _ in 0..sequence_count {
                let (sequence, after) = varint::read(bytes, at)?;
                at = after;
                if sequences.last().is_some_and(|last| last.0 <= sequence) {
                    return None;
                }
                sequences.push(Sequence(sequence));
            }
            let follows = fragments
                .last()
                .is_none_or(|last| last.to.as_ref().is_some_and(|to| *to <= from));
            if !follows || sequences.is_empty() || to.as_ref().is_some_and(|to| *to <= from) {
                return None;
            }
            fragments.push(Fragment {
                from,
                to,
                sequences,
            });
        }
        (at == bytes.len()).then(|| Self {
            fragments: Arc::new(fragments),
        })
    }
}

fn take(bytes: &Bytes, at: &mut usize) -> Option<Bytes> {
    let (len, after) = varint::read_len(bytes, *at)?;
    *at = after;
    take_len(bytes, at, len)
}

fn take_len(bytes: &Bytes, at: &mut usize, len: usize) -> Option<Bytes> {
    let end = at.checked_add(len).filter(|&end| end <= bytes.len())?;
    let taken = bytes.slice(*at..end);
    *at = end;
    Some(taken)
}

/// Cuts the fragment that `key` is within, if there is one, in two.
fn split_at(fragments: &mut Vec<Fragment>, key: &Bytes) {
    let after = fragments.partition_point(|fragment| fragment.from < *key);
    let Some(index) = after.checked_sub(1) else {
        return;
    };
    let fragment = &mut fragments[index];
    if fragment.to.as_ref().is_none_or(|to| key < to) {
        let rest = Fragment {
            from: key.clone(),
            ..fragment.clone()
        };
        fragment.to = Some(key.clone());
        fragments.insert(after, rest);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(i: u8) -> Bytes {
        Bytes::copy_from_slice(&[i])
    }

    proptest! {
        #[test]
        fn fragments_say_of_every_key_what_the_deletes_say(
            deletes in proptest::collection::vec((0..12_u8, proptest::option::of(0..12_u8)), 0..12),
            most in 0..13_u64,
            clip in (proptest::option::of(0..12_u8), proptest::option::of(0..12_u8)),
        ) {
            let mut tombstones = Tombstones::default();
            // In another order than they were written in, as when tables are merged.
            for turn in 0..deletes.len() {
                let i = turn * 5 % deletes.len();
                let i = if deletes.len() % 5 == 0 { turn } else { i };
                let (from, to) = deletes[i];
                tombstones.insert(&key(from), to.map(key).as_ref(), Sequence(i as u64 + 1));
            }
            let mut encoded = Vec::new();
            tombstones.encode(&mut encoded);
            let back = Tombstones::decode(&encoded.into());
            prop_assert_eq!(back.as_ref(), Some(&tombstones), "also: they are in order and do not overlap");
            let clipped = tombstones.clipped(clip.0.map(key).as_ref(), clip.1.map(key).as_ref());
            for probe in 0..13_u8 {
                let over = |within: bool| {
                    let newest = (1..).zip(&deletes).filter(|(sequence, (from, to))| {
                        within && *sequence <= most && *from <= probe && to.is_none_or(|to| probe < to)
                    });
                    Sequence(newest.map(|(sequence, _)| sequence).max().unwrap_or(0))
                };
                prop_assert_eq!(tombstones.newest_over(&key(probe), Sequence(most)), over(true));
                let within = clip.0.is_none_or(|from| from <= probe) && clip.1.is_none_or(|to| probe < to);
                prop_assert_eq!(clipped.newest_over(&key(probe), Sequence(most)), over(within));
            }
        }
    }
}
