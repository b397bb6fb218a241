//! Entries as bytes. The [chapter](super) has the form.

use std::sync::Arc;

use bytes::Bytes;
use seedbed_sim::NodeId;

use super::{Call, Entry, Epoch, LogIndex, Origin, Proposal};
use crate::storage::{Change, KEY_BYTES_MAX, VALUE_BYTES_MAX};

/// Bytes of an entry before its key, but for the length of the value.
pub(super) const ENTRY_HEADER_BYTES: usize = 8 + 8 + 4 + 4 + 8 + 1 + 4;

const TAG_DELETE: u8 = 0;
const TAG_PUT: u8 = 1;
const TAG_DELETE_RANGE: u8 = 2;
const TAG_DELETE_FROM: u8 = 3;

/// Pushes `entry` to `out`.
pub(super) fn encode(entry: &Entry, out: &mut Vec<u8>) {
    let Proposal { origin, change } = &*entry.proposal;
    let (tag, key, second) = match change {
        Change::Put(key, value) => (TAG_PUT, key, Some(value)),
        Change::Delete(key) => (TAG_DELETE, key, None),
        Change::DeleteRange { from, to: Some(to) } => (TAG_DELETE_RANGE, from, Some(to)),
        Change::DeleteRange { from, to: None } => (TAG_DELETE_FROM, from, None),
    };
    let mut header = [0; ENTRY_HEADER_BYTES];
    header[..8].copy_from_slice(&entry.index.0.to_le_bytes());
    header[8..16].copy_from_slice(&entry.epoch.0.to_le_bytes());
    header[16..20].copy_from_slice(&origin.client.0.to_le_bytes());
    header[20..24].copy_from_slice(&origin.call.session.to_le_bytes());
    header[24..32].copy_from_slice(&origin.call.number.to_le_bytes());
    header[32] = tag;
    header[33..].copy_from_slice(&(key.len() as u32).to_le_bytes());
    out.extend_from_slice(&header);
    if let Some(second) = second {
        out.extend_from_slice(&(second.len() as u32).to_le_bytes());
    }
    out.extend_from_slice(key);
    if let Some(second) = second {
        out.extend_from_slice(second);
    }
}

/// An entry as it stands in a payload.
pub(super) struct View<'a> {
    pub(super) index: LogIndex,
    pub(super) epoch: Epoch,
    origin: Origin,
    tag: u8,
    key: &'a [u8],
    /// The value of a put, the end of a range.
    second: Option<&'a [u8]>,
}

impl View<'_> {
    /// A copy that stands by itself.
    pub(super) fn to_entry(&self) -> Entry {
        let key = Bytes::copy_from_slice(self.key);
        let second = self.second.map(Bytes::copy_from_slice);
        let change = match (self.tag, second) {
            (TAG_PUT, Some(value)) => Change::Put(key, value),
            (TAG_DELETE, _) => Change::Delete(key),
            (_, to) => Change::DeleteRange { from: key, to },
        };
        let proposal = Arc::new(Proposal {
            origin: self.origin,
            change,
        });
        Entry {
            index: self.index,
            epoch: self.epoch,
            proposal,
        }
    }
}

/// Takes the next entry off `rest`; `None` at the end. The error says what is wrong with the bytes.
pub(super) fn next<'a>(rest: &mut &'a [u8]) -> Result<Option<View<'a>>, String> {
    if rest.is_empty() {
        return Ok(None);
    }
    let header = take(rest, ENTRY_HEADER_BYTES)?;
    let index = LogIndex(u64_at(header, 0));
    let key_bytes = checked_len(u32_at(header, 33), KEY_BYTES_MAX, "key")?;
    let mut second_len = |max, what| checked_len(u32_at(take(rest, 4)?, 0), max, what).map(Some);
    let tag = header[32];
    let second_bytes = match tag {
        TAG_PUT => second_len(VALUE_BYTES_MAX, "value")?,
        TAG_DELETE_RANGE => second_len(KEY_BYTES_MAX, "key")?,
        TAG_DELETE | TAG_DELETE_FROM => None,
        other => return Err(format!("entry {index} has the unknown tag {other}")),
    };
    let key = take(rest, key_bytes)?;
    let second = second_bytes.map(|bytes| take(rest, bytes)).transpose()?;
    Ok(Some(View {
        index,
        epoch: Epoch(u64_at(header, 8)),
        origin: Origin {
            client: NodeId(u32_at(header, 16)),
            call: Call {
                session: u32_at(header, 20),
                number: u64_at(header, 24),
            },
        },
        tag,
        key,
        second,
    }))
}

fn take<'a>(rest: &mut &'a [u8], bytes: usize) -> Result<&'a [u8], String> {
    let (taken, after) = rest
        .split_at_checked(bytes)
        .ok_or_else(|| "an entry is longer than its frame".to_owned())?;
    *rest = after;
    Ok(taken)
}

fn checked_len(len: u32, max: usize, what: &str) -> Result<usize, String> {
    let len = len as usize;
    if len > max {
        return Err(format!(
            "a {what} of {len} bytes is longer than the most, {max}"
        ));
    }
    Ok(len)
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}
