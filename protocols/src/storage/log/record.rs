//! The payload of a frame: one batch of changes. The [chapter](super) has the bytes.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::storage::{Bounds, Change, KEY_BYTES_MAX, VALUE_BYTES_MAX};

const TAG_DELETE: u8 = 0;
const TAG_PUT: u8 = 1;

/// A change as it stands in a payload: the key, and the value unless it is a delete.
type Record<'a> = (&'a [u8], Option<&'a [u8]>);

/// Pushes the payload of `batch` to `out`.
pub(super) fn encode(batch: &[Change], out: &mut Vec<u8>) {
    for change in batch {
        match change {
            Change::Put(key, value) => {
                out.push(TAG_PUT);
                push_len(key.len(), out);
                push_len(value.len(), out);
                out.extend_from_slice(key);
                out.extend_from_slice(value);
            }
            Change::Delete(key) => {
                out.push(TAG_DELETE);
                push_len(key.len(), out);
                out.extend_from_slice(key);
            }
        }
    }
}

/// How many changes there are, if all are well formed.
pub(super) fn check(payload: &[u8]) -> Result<u64, String> {
    let mut count = 0;
    let mut rest = payload;
    while next(&mut rest)?.is_some() {
        count += 1;
    }
    Ok(count)
}

/// What the last change of `key` leaves, if there is one: its value, or `None` for a delete.
pub(super) fn newest_of<'a>(
    payload: &'a [u8],
    key: &[u8],
) -> Result<Option<Option<&'a [u8]>>, String> {
    let mut newest = None;
    let mut rest = payload;
    while let Some((found, value)) = next(&mut rest)? {
        if found == key {
            newest = Some(value);
        }
    }
    Ok(newest)
}

/// Makes the changes whose keys are within `bounds` in `rows`.
pub(super) fn apply(
    payload: &[u8],
    bounds: Bounds<'_>,
    rows: &mut BTreeMap<Bytes, Bytes>,
) -> Result<(), String> {
    let mut rest = payload;
    while let Some((key, value)) = next(&mut rest)? {
        if !bounds.contains(key) {
            continue;
        }
        match value {
            Some(value) => {
                rows.insert(Bytes::copy_from_slice(key), Bytes::copy_from_slice(value));
            }
            None => {
                rows.remove(key);
            }
        }
    }
    Ok(())
}

/// Takes the next change off `rest`; `None` at the end.
fn next<'a>(rest: &mut &'a [u8]) -> Result<Option<Record<'a>>, String> {
    let Some((&tag, after)) = rest.split_first() else {
        return Ok(None);
    };
    *rest = after;
    let key_bytes = take_len(rest, KEY_BYTES_MAX, "key")?;
    let value_bytes = match tag {
        TAG_PUT => Some(take_len(rest, VALUE_BYTES_MAX, "value")?),
        TAG_DELETE => None,
        other => return Err(format!("a change has the unknown tag {other}")),
    };
    let key = take(rest, key_bytes)?;
    let value = value_bytes.map(|bytes| take(rest, bytes)).transpose()?;
    Ok(Some((key, value)))
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

fn push_len(len: usize, out: &mut Vec<u8>) {
    // Keys and values were checked against their bounds, which fit.
    out.extend_from_slice(&(len as u32).to_le_bytes());
}
