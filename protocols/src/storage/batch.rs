//! A batch of changes as bytes: the payload of a frame in the logs of engines.
//!
//! ```text
//!   put           1u8 · length of the key u32 · length of the value u32 · key · value     (numbers little-endian)
//!   delete        0u8 · length of the key u32 · key
//!   delete range  2u8 · length of from u32 · length of to u32 · from · to                 from ≤ keys < to
//!   delete from   3u8 · length of from u32 · from                                         from ≤ keys
//! ```
//!
//! Changes stand one after the other, and the later one wins.

use bytes::Bytes;

use super::{Bounds, Change, KEY_BYTES_MAX, VALUE_BYTES_MAX};

const TAG_DELETE: u8 = 0;
const TAG_PUT: u8 = 1;
const TAG_DELETE_RANGE: u8 = 2;
const TAG_DELETE_FROM: u8 = 3;

/// A change as it stands in a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ChangeView<'a> {
    Put(&'a [u8], &'a [u8]),
    Delete(&'a [u8]),
    DeleteRange(&'a [u8], Option<&'a [u8]>),
}

impl<'a> ChangeView<'a> {
    /// What it leaves of `key`, if it says anything about it: its value, or `None` for a delete.
    pub(super) fn leaves(&self, key: &[u8]) -> Option<Option<&'a [u8]>> {
        match *self {
            Self::Put(put, value) => (put == key).then_some(Some(value)),
            Self::Delete(deleted) => (deleted == key).then_some(None),
            Self::DeleteRange(from, to) => {
                let bounds = Bounds {
                    from: Some(from),
                    to,
                };
                bounds.contains(key).then_some(None)
            }
        }
    }

    /// A copy that stands by itself.
    pub(super) fn to_change(self) -> Change {
        let copy = Bytes::copy_from_slice;
        match self {
            Self::Put(key, value) => Change::Put(copy(key), copy(value)),
            Self::Delete(key) => Change::Delete(copy(key)),
            Self::DeleteRange(from, to) => Change::DeleteRange {
                from: copy(from),
                to: to.map(copy),
            },
        }
    }
}

/// Pushes the payload of `batch` to `out`.
pub(super) fn encode(batch: &[Change], out: &mut Vec<u8>) {
    for change in batch {
        match change {
            Change::Put(key, value) => push(TAG_PUT, key, Some(value), out),
            Change::Delete(key) => push(TAG_DELETE, key, None, out),
            Change::DeleteRange { from, to: Some(to) } => {
                push(TAG_DELETE_RANGE, from, Some(to), out);
            }
            Change::DeleteRange { from, to: None } => push(TAG_DELETE_FROM, from, None, out),
        }
    }
}

/// How many changes there are, if all are well formed.
pub(super) fn check(payload: &[u8]) -> Result<u64, String> {
    let mut count = 0;
    for change in changes(payload) {
        change?;
        count += 1;
    }
    Ok(count)
}

/// The changes of a payload, as a batch that stands by itself.
pub(super) fn owned(payload: &[u8]) -> Result<Vec<Change>, String> {
    let changes = changes(payload);
    changes
        .map(|change| change.map(ChangeView::to_change))
        .collect()
}

/// The changes of a payload, in their order. After an error there is no more.
pub(super) fn changes(payload: &[u8]) -> impl Iterator<Item = Result<ChangeView<'_>, String>> {
    let mut rest = payload;
    std::iter::from_fn(move || {
        let change = next(&mut rest).transpose()?;
        if change.is_err() {
            rest = &[];
        }
        Some(change)
    })
}

/// Takes the next change off `rest`; `None` at the end.
fn next<'a>(rest: &mut &'a [u8]) -> Result<Option<ChangeView<'a>>, String> {
    let Some((&tag, after)) = rest.split_first() else {
        return Ok(None);
    };
    *rest = after;
    let key_bytes = take_len(rest, KEY_BYTES_MAX, "key")?;
    let second_bytes = match tag {
        TAG_PUT => Some(take_len(rest, VALUE_BYTES_MAX, "value")?),
        TAG_DELETE_RANGE => Some(take_len(rest, KEY_BYTES_MAX, "key")?),
        TAG_DELETE | TAG_DELETE_FROM => None,
        other => return Err(format!("a change has the unknown tag {other}")),
    };
    let key = take(rest, key_bytes)?;
    let second = second_bytes.map(|bytes| take(rest, bytes)).transpose()?;
    Ok(Some(match (tag, second) {
        (TAG_PUT, Some(value)) => ChangeView::Put(key, value),
        (TAG_DELETE, _) => ChangeView::Delete(key),
        _ => ChangeView::DeleteRange(key, second),
    }))
}

fn take<'a>(rest: &mut &'a [u8], bytes: usize) -> Result<&'a [u8], String> {
    let (taken, after) = rest
        .split_at_checked(bytes)
        .ok_or_else(|| "a change is longer than its batch".to_owned())?;
    *rest = after;
    Ok(taken)
}

fn take_len(rest: &mut &[u8], max: usize, what: &str) -> Result<usize, String> {
    let bytes = take(rest, 4)?.try_into().expect("four bytes");
    let len = u32::from_le_bytes(bytes) as usize;
    if len > max {
        return Err(format!(
            "a {what} of {len} bytes is longer than the most, {max}"
        ));
    }
    Ok(len)
}

fn push(tag: u8, key: &[u8], second: Option<&Bytes>, out: &mut Vec<u8>) {
    out.push(tag);
    // Keys and values were checked against their bounds, so that their lengths fit.
    out.extend_from_slice(&(key.len() as u32).to_le_bytes());
    if let Some(second) = second {
        out.extend_from_slice(&(second.len() as u32).to_le_bytes());
    }
    out.extend_from_slice(key);
    if let Some(second) = second {
        out.extend_from_slice(second);
    }
}
