//! Blocks: runs of entries in key order, small enough to be read for one of them.
//!
//! An entry leaves out what its key has in common with the key before it, so neighbours like `user:1001` and `user:1002`
//! cost a few bytes each. At every so-many-th entry, a *restart point*, the whole key is written; the offsets of restart
//! points stand at the end, and a search goes by halves over them before it reads on entry by entry.
//!
//! ```text
//!   entry   shared · unshared · (length of the value << 1 | 1, or 0 for a tombstone) · sequence       (four varints)
//!           the unshared bytes of the key · the value
//!   block   entry … entry · offset of each restart point (u32) · how many there are (u32)
//! ```
//!
//! Entries are in the order of their keys, and versions of one key from the newest to the oldest.

use std::ops::Range;

use bytes::Bytes;

use super::{Sequence, varint};

/// Builds the content of a block.
#[derive(Clone, Debug, Default)]
pub(super) struct BlockBuilder {
    content: Vec<u8>,
    restarts: Vec<u32>,
    last_key: Vec<u8>,
    since_restart: usize,
    restart_interval: usize,
}

impl BlockBuilder {
    pub(super) fn new(restart_interval: usize) -> Self {
        Self {
            restart_interval: restart_interval.max(1),
            ..Self::default()
        }
    }

    /// Adds an entry, which must stand after the last one.
    pub(super) fn add(&mut self, key: &[u8], sequence: Sequence, value: Option<&[u8]>) {
        let is_restart = self.restarts.is_empty() || self.since_restart == self.restart_interval;
        let shared = if is_restart {
            self.restarts.push(self.content.len() as u32);
            self.since_restart = 0;
            0
        } else {
            common_prefix(&self.last_key, key)
        };
        self.since_restart += 1;
        let out = &mut self.content;
        varint::push(shared as u64, out);
        varint::push((key.len() - shared) as u64, out);
        varint::push(value.map_or(0, |value| (value.len() as u64) << 1 | 1), out);
        varint::push(sequence.0, out);
        out.extend_from_slice(&key[shared..]);
        out.extend_from_slice(value.unwrap_or_default());
        self.last_key.truncate(shared);
        self.last_key.extend_from_slice(&key[shared..]);
    }

    /// The key that was added last.
    pub(super) fn last_key(&self) -> &[u8] {
        &self.last_key
    }

    pub(super) fn is_empty(&self) -> bool {
        self.restarts.is_empty()
    }

    /// Bytes of the block if it were finished now.
    pub(super) fn content_bytes(&self) -> usize {
        self.content.len() + 4 * self.restarts.len() + 4
    }

    /// Finishes the block, hands its content to `take`, and begins the next one.
    pub(super) fn finish<T>(&mut self, take: impl FnOnce(&[u8]) -> T) -> T {
        for restart in &self.restarts {
            self.content.extend_from_slice(&restart.to_le_bytes());
        }
        let count = self.restarts.len() as u32;
        self.content.extend_from_slice(&count.to_le_bytes());
        let taken = take(&self.content);
        self.content.clear();
        self.restarts.clear();
        self.since_restart = 0;
        taken
    }
}

/// How many bytes two keys have in common at their beginning.
#[inline]
pub(super) fn common_prefix(a: &[u8], b: &[u8]) -> usize {
    let most = a.len().min(b.len());
    let mut at = 0;
    while at + 8 <= most {
        let left = u64::from_le_bytes(a[at..at + 8].try_into().expect("eight bytes"));
        let right = u64::from_le_bytes(b[at..at + 8].try_into().expect("eight bytes"));
        if left != right {
            return at + ((left ^ right).trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while at < most && a[at] == b[at] {
        at += 1;
    }
    at
}

/// The content of a block, whose checksum was found right.
#[derive(Clone, Debug)]
pub(super) struct Block {
    content: Bytes,
    /// Where the entries end and the restart points begin.
    entries_end: u32,
    restart_count: u32,
}

/// One entry as it stands in a block, all but its key.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    shared: usize,
    unshared: Range<usize>,
    pub(super) sequence: Sequence,
    /// Where its value stands; `None` for a tombstone.
    pub(super) value: Option<Range<usize>>,
    end: usize,
}

/// What a block says of a key.
#[derive(Debug)]
pub(super) enum Found {
    /// The version that was asked for.
    Version(Sequence, Option<Bytes>),
    /// There is none here; and none in the next block, if this is the first whose separator is not less than the key.
    Nothing,
    /// The block ends among the key's versions, all newer than what was asked for: the next block may go on with them.
    ReadOn,
}

/// A block is not of the form it should be, though its checksum was right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

impl Block {
    /// Takes `content` for a block.
    pub(super) fn new(content: Bytes) -> Result<Self, Malformed> {
        let (rest, count) = content.split_last_chunk::<4>().ok_or(Malformed)?;
        let restart_count = u32::from_le_bytes(*count);
        let restart_bytes = (restart_count as usize).checked_mul(4).ok_or(Malformed)?;
        let entries_end = rest.len().checked_sub(restart_bytes).ok_or(Malformed)?;
        let entries_end = u32::try_from(entries_end).map_err(|_| Malformed)?;
        if restart_count == 0 {
            return Err(Malformed);
        }
        Ok(Self {
            content,
            entries_end,
            restart_count,
        })
    }

    /// Bytes it takes in memory.
    pub(super) fn memory_bytes(&self) -> usize {
        self.content.len() + size_of::<Self>()
    }

    fn entries(&self) -> &[u8] {
        &self.content[..self.entries_end as usize]
    }

    fn restart(&self, index: u32) -> usize {
        let at = self.entries_end as usize + 4 * index as usize;
        let offset = &self.content[at..at + 4];
        u32::from_le_bytes(offset.try_into().expect("four bytes")) as usize
    }

    /// The entry at `at`; `None` at the end.
    #[inline]
    fn entry(&self, at: usize) -> Result<Option<Entry>, Malformed> {
        let entries = self.entries();
        if at == entries.len() {
            return Ok(None);
        }
        Self::decode(entries, at).map(Some).ok_or(Malformed)
    }

    #[inline]
    fn decode(entries: &[u8], at: usize) -> Option<Entry> {
        let (shared, at) = varint::read_len(entries, at)?;
        let (unshared, at) = varint::read_len(entries, at)?;
        let (tag, at) = varint::read_len(entries, at)?;
        let (sequence, at) = varint::read(entries, at)?;
        let key_end = at.checked_add(unshared)?;
        let end = key_end.checked_add(tag >> 1)?;
        if end > entries.len() {
            return None;
        }
        Some(Entry {
            shared,
            unshared: at..key_end,
            sequence: Sequence(sequence),
            value: (tag & 1 == 1).then_some(key_end..end),
            end,
        })
    }

    /// The whole key at a restart point.
    fn restart_key(&self, index: u32) -> Result<&[u8], Malformed> {
        let entry = self.entry(self.restart(index))?.ok_or(Malformed)?;
        if entry.shared != 0 {
            return Err(Malformed);
        }
        Ok(&self.content[entry.unshared])
    }

    /// The last restart point whose key is less than `key`, or the first.
    fn restart_before(&self, key: &[u8]) -> Result<u32, Malformed> {
        let (mut low, mut high) = (0, self.restart_count);
        while high - low > 1 {
            let middle = low.midpoint(high);
            if self.restart_key(middle)? < key {
                low = middle;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    /// The newest version of `key` that is no newer than `most`. No key is put together on the way: as long as an entry
    /// shares more with the entry before it than that one shared with `key`, it stands before `key` too.
    pub(super) fn find(&self, key: &[u8], most: Sequence) -> Result<Found, Malformed> {
        let mut at = self.restart(self.restart_before(key)?);
        let mut matched = 0;
        while let Some(entry) = self.entry(at)? {
            at = entry.end;
            if entry.shared > matched {
                continue;
            }
            if entry.shared < matched {
                if entry.shared > 0 {
                    return Ok(Found::Nothing);
                }
                // A restart point: its key is whole, and says nothing of the entry before it.
                matched = 0;
            }
            let unshared = &self.content[entry.unshared.clone()];
            let rest = &key[matched..];
            let common = common_prefix(unshared, rest);
            match (unshared.get(common), rest.get(common)) {
                (None, None) => return self.version(key, entry, most),
                (Some(theirs), Some(ours)) if theirs > ours => return Ok(Found::Nothing),
                (Some(_), None) => return Ok(Found::Nothing),
                _ => matched += common,
            }
        }
        Ok(Found::Nothing)
    }

    /// `entry` is the newest version of `key` here: the newest that is no newer than `most`.
    fn version(&self, key: &[u8], mut entry: Entry, most: Sequence) -> Result<Found, Malformed> {
        while entry.sequence > most {
            let Some(next) = self.entry(entry.end)? else {
                return Ok(Found::ReadOn);
            };
            let is_same = if next.shared == 0 {
                self.content[next.unshared.clone()] == *key
            } else {
                next.shared == key.len() && next.unshared.is_empty()
            };
            if !is_same {
                return Ok(Found::Nothing);
            }
            entry = next;
        }
        let value = entry.value.map(|range| self.content.slice(range));
        Ok(Found::Version(entry.sequence, value))
    }

    /// The bytes of a value.
    pub(super) fn slice(&self, range: Range<usize>) -> Bytes {
        self.content.slice(range)
    }

    /// The bytes of a value, borrowed.
    pub(super) fn bytes(&self, range: Range<usize>) -> &[u8] {
        &self.content[range]
    }
}

/// Walks the entries of a block upwards.
#[derive(Clone, Debug)]
pub(super) struct Ascent {
    pub(super) block: Block,
    /// The key it stands at.
    pub(super) key: Vec<u8>,
    /// The entry it stands at.
    entry: Option<Entry>,
}

impl Ascent {
    /// At the first entry.
    pub(super) fn new(block: Block, mut key: Vec<u8>) -> Result<Self, Malformed> {
        key.clear();
        let mut ascent = Self {
            block,
            key,
            entry: None,
        };
        ascent.go_to(0)?;
        Ok(ascent)
    }

    /// At the first entry whose key is not less than `from`.
    pub(super) fn seek(&mut self, from: &[u8]) -> Result<(), Malformed> {
        let restart = self.block.restart(self.block.restart_before(from)?);
        self.go_to(restart)?;
        while self.entry.is_some() && *self.key < *from {
            self.advance()?;
        }
        Ok(())
    }

    /// The entry it stands at; `None` past the last.
    #[inline]
    pub(super) fn entry(&self) -> Option<&Entry> {
        self.entry.as_ref()
    }

    /// On to the next entry.
    #[inline]
    pub(super) fn advance(&mut self) -> Result<(), Malformed> {
        match &self.entry {
            Some(entry) => self.go_to(entry.end),
            None => Ok(()),
        }
    }

    #[inline]
    fn go_to(&mut self, at: usize) -> Result<(), Malformed> {
        self.entry = self.block.entry(at)?;
        if let Some(entry) = &self.entry {
            if entry.shared > self.key.len() {
                return Err(Malformed);
            }
            self.key.truncate(entry.shared);
            let unshared = &self.block.content[entry.unshared.clone()];
            self.key.extend_from_slice(unshared);
        }
        Ok(())
    }
}

/// Walks the entries of a block downwards: it reads a stretch between two restart points upwards, and gives it back from
/// its end.
#[derive(Clone, Debug)]
pub(super) struct Descent {
    pub(super) block: Block,
    /// The restart point where the stretch begins.
    restart: u32,
    /// The entries of the stretch up to the one it stands at, each with where its key begins in `keys`.
    stretch: Vec<(Entry, usize)>,
    keys: Vec<u8>,
}

impl Descent {
    /// At the last entry whose key is less than `to`; at the last of all for `None`.
    pub(super) fn new(block: Block, to: Option<&[u8]>) -> Result<Self, Malformed> {
        let restart = match to {
            Some(to) => block.restart_before(to)?,
            None => block.restart_count - 1,
        };
        let mut descent = Self {
            block,
            restart,
            stretch: Vec::new(),
            keys: Vec::new(),
        };
        descent.read_stretch(to)?;
        Ok(descent)
    }

    /// The entry it stands at and its key; `None` before the first.
    pub(super) fn entry(&self) -> Option<(&[u8], &Entry)> {
        let (entry, begin) = self.stretch.last()?;
        Some((&self.keys[*begin..], entry))
    }

    /// On to the entry before.
    pub(super) fn advance(&mut self) -> Result<(), Malformed> {
        if let Some((_, begin)) = self.stretch.pop() {
            self.keys.truncate(begin);
        }
        if self.stretch.is_empty() && self.restart > 0 {
            self.restart -= 1;
            self.read_stretch(None)?;
        }
        Ok(())
    }

    fn read_stretch(&mut self, to: Option<&[u8]>) -> Result<(), Malformed> {
        self.stretch.clear();
        self.keys.clear();
        let mut at = self.block.restart(self.restart);
        let end = if self.restart + 1 < self.block.restart_count {
            self.block.restart(self.restart + 1)
        } else {
            self.block.entries_end as usize
        };
        let mut last = 0..0;
        while at < end {
            let entry = self.block.entry(at)?.ok_or(Malformed)?;
            at = entry.end;
            if entry.shared > last.len() {
                return Err(Malformed);
            }
            let begin = self.keys.len();
            self.keys
                .extend_from_within(last.start..last.start + entry.shared);
            let unshared = &self.block.content[entry.unshared.clone()];
            self.keys.extend_from_slice(unshared);
            last = begin..self.keys.len();
            if to.is_some_and(|to| &self.keys[begin..] >= to) {
                self.keys.truncate(begin);
                break;
            }
            self.stretch.push((entry, begin));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Version = (Vec<u8>, u64, Option<Vec<u8>>);

    fn build(entries: &[Version], restart_interval: usize) -> Block {
        let mut builder = BlockBuilder::new(restart_interval);
        for (key, sequence, value) in entries {
            builder.add(key, Sequence(*sequence), value.as_deref());
        }
        let content = builder.finish(Bytes::copy_from_slice);
        Block::new(content).unwrap()
    }

    fn upwards(block: &Block) -> Vec<Version> {
        let mut ascent = Ascent::new(block.clone(), Vec::new()).unwrap();
        let mut out = Vec::new();
        while let Some(entry) = ascent.entry() {
            let value = entry.value.clone().map(|range| block.bytes(range).to_vec());
            out.push((ascent.key.clone(), entry.sequence.0, value));
            ascent.advance().unwrap();
        }
        out
    }

    fn downwards(block: &Block, to: Option<&[u8]>) -> Vec<Version> {
        let mut descent = Descent::new(block.clone(), to).unwrap();
        let mut out = Vec::new();
        while let Some((key, entry)) = descent.entry() {
            let value = entry.value.clone().map(|range| block.bytes(range).to_vec());
            out.push((key.to_vec(), entry.sequence.0, value));
            descent.advance().unwrap();
        }
        out
    }

    /// Versions in the order of a block.
    fn some_versions() -> impl Strategy<Value = Vec<Version>> {
        let key = proptest::collection::vec(prop_oneof![Just(0_u8), Just(b'a'), Just(0xff)], 0..6);
        let value = proptest::option::of(proptest::collection::vec(any::<u8>(), 0..40));
        proptest::collection::btree_map((key, 0..8_u64), value, 1..60).prop_map(|versions| {
            let mut list: Vec<_> = versions
                .into_iter()
                .map(|((key, sequence), value)| (key, sequence, value))
                .collect();
            list.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)));
            list
        })
    }

    proptest! {
        #[test]
        fn a_block_gives_back_what_was_put_in_both_ways_and_by_search(
            versions in some_versions(),
            restart_interval in 1..8_usize,
            probe in proptest::collection::vec(prop_oneof![Just(0_u8), Just(b'a'), Just(b'b'), Just(0xff)], 0..6),
            most in 0..9_u64,
        ) {
            let block = build(&versions, restart_interval);
            prop_assert_eq!(upwards(&block), versions.clone());
            let mut reversed = versions.clone();
            reversed.reverse();
            prop_assert_eq!(downwards(&block, None), reversed.clone());
            reversed.retain(|(key, ..)| *key < probe);
            prop_assert_eq!(downwards(&block, Some(&probe)), reversed);

            let mut ascent = Ascent::new(block.clone(), Vec::new()).unwrap();
            ascent.seek(&probe).unwrap();
            let first = versions.iter().find(|(key, ..)| *key >= probe);
            let at = ascent.entry().map(|entry| (ascent.key.clone(), entry.sequence.0));
            prop_assert_eq!(at, first.map(|(key, sequence, _)| (key.clone(), *sequence)));

            let expected = versions.iter().find(|(key, sequence, _)| *key == probe && *sequence <= most);
            let ends_in_key = versions.last().is_some_and(|(key, ..)| *key == probe);
            match (block.find(&probe, Sequence(most)).unwrap(), expected) {
                (Found::Version(sequence, value), Some((_, expected, expected_value))) => {
                    prop_assert_eq!(sequence.0, *expected);
                    prop_assert_eq!(value.as_deref(), expected_value.as_deref());
                }
                (Found::Nothing, None) => prop_assert!(!ends_in_key),
                (Found::ReadOn, None) => prop_assert!(ends_in_key),
                (found, expected) => panic!("{found:?} instead of {expected:?}"),
            }
        }

        #[test]
        fn any_bytes_are_a_block_or_malformed_and_never_a_panic(
            content in proptest::collection::vec(any::<u8>(), 0..80),
            restarts in 1..4_u32,
            probe in proptest::collection::vec(any::<u8>(), 0..4),
        ) {
            let mut content = content;
            content.extend_from_slice(&restarts.to_le_bytes());
            let Ok(block) = Block::new(content.into()) else { return Ok(()) };
            let _ = block.find(&probe, Sequence(3));
            if let Ok(mut ascent) = Ascent::new(block.clone(), Vec::new()) {
                let _ = ascent.seek(&probe);
                while ascent.entry().is_some() && ascent.advance().is_ok() {}
            }
            if let Ok(mut descent) = Descent::new(block, Some(&probe)) {
                while descent.entry().is_some() && descent.advance().is_ok() {}
            }
        }
    }

    #[test]
    fn neighbours_share_their_beginning_and_restart_points_do_not() {
        let versions: Vec<Version> = (0..32_u64)
            .map(|i| {
                (
                    format!("a-long-common-beginning-{i:04}").into_bytes(),
                    1,
                    Some(vec![]),
                )
            })
            .collect();
        let plain = build(&versions, 1).content.len();
        let shared = build(&versions, 16).content.len();
        assert!(shared * 3 < plain, "{shared} bytes of {plain}");
    }
}
