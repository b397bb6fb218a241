//! The payloads of frames in segments. The [chapter](super) has the bytes.

use std::ops::Range;

use bytes::Bytes;

use crate::storage::{Change, KEY_BYTES_MAX, Lsn, Planted, VALUE_BYTES_MAX, text};

/// Bytes of a record before its key.
pub(super) const RECORD_HEADER_BYTES: usize = 4 + 1 + 4 + 4;

const PREAMBLE: u8 = 1;
/// What the payload of a batch begins with.
pub(super) const BATCH: u8 = 2;
const FOOTER: u8 = 3;

const TOMBSTONE: u8 = 0;
const PUT: u8 = 1;

/// What a segment says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Preamble {
    pub(super) is_merged: bool,
    pub(super) id: u64,
    pub(super) from: Lsn,
    pub(super) to: Lsn,
}

impl Preamble {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = vec![PREAMBLE, u8::from(self.is_merged)];
        out.extend_from_slice(&self.id.to_le_bytes());
        out.extend_from_slice(&self.from.0.to_le_bytes());
        out.extend_from_slice(&self.to.0.to_le_bytes());
        out
    }
}

/// The payload that ends a frozen segment.
pub(super) fn footer(to: Lsn) -> Vec<u8> {
    let mut out = vec![FOOTER];
    out.extend_from_slice(&to.0.to_le_bytes());
    out
}

/// A payload.
#[derive(Debug)]
pub(super) enum Frame<'a> {
    Preamble(Preamble),
    /// The records of a batch.
    Batch(&'a [u8]),
    Footer(Lsn),
}

/// Takes a payload apart, but for its records.
pub(super) fn parse(payload: &[u8]) -> Result<Frame<'_>, String> {
    let number = |at: usize| {
        let bytes = payload
            .get(at..at + 8)
            .and_then(|bytes| bytes.try_into().ok());
        bytes.map(u64::from_le_bytes)
    };
    let frame = match (payload.first(), payload.len()) {
        (Some(&BATCH), _) => Some(Frame::Batch(&payload[1..])),
        (Some(&FOOTER), 9) => number(1).map(|to| Frame::Footer(Lsn(to))),
        (Some(&PREAMBLE), 26) if payload[1] <= 1 => {
            let numbers = (number(2), number(10), number(18));
            let (Some(id), Some(from), Some(to)) = numbers else {
                return Err("a preamble that is too short".to_owned());
            };
            Some(Frame::Preamble(Preamble {
                is_merged: payload[1] == 1,
                id,
                from: Lsn(from),
                to: Lsn(to),
            }))
        }
        _ => None,
    };
    frame.ok_or_else(|| "a frame that is no part of a segment".to_owned())
}

/// Pushes a record to `out`; without a value it is a tombstone.
pub(super) fn push(out: &mut Vec<u8>, key: &[u8], value: Option<&[u8]>) {
    let begin = out.len();
    let mut header = [0; RECORD_HEADER_BYTES];
    header[4] = if value.is_some() { PUT } else { TOMBSTONE };
    // Keys and values were checked against their bounds, so that their lengths fit.
    header[5..9].copy_from_slice(&(key.len() as u32).to_le_bytes());
    header[9..].copy_from_slice(&(value.map_or(0, <[u8]>::len) as u32).to_le_bytes());
    out.extend_from_slice(&header);
    out.extend_from_slice(key);
    out.extend_from_slice(value.unwrap_or_default());
    let crc = crc32fast::hash(&out[begin + 4..]);
    out[begin..begin + 4].copy_from_slice(&crc.to_le_bytes());
}

/// A record as it stands in a batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct RecordView<'a> {
    /// Where it begins among the records.
    pub(super) at: u64,
    /// Its length.
    pub(super) bytes: u32,
    pub(super) key: &'a [u8],
    /// `None`: a tombstone.
    pub(super) value: Option<&'a [u8]>,
}

/// The records of a batch, in order. After an error there is no more.
pub(super) fn records(
    records: &[u8],
    planted: Planted,
) -> impl Iterator<Item = Result<RecordView<'_>, String>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        if at == records.len() {
            return None;
        }
        let record = record_at(records, at, planted);
        at = record
            .as_ref()
            .map_or(records.len(), |it| at + it.bytes as usize);
        Some(record)
    })
}

fn record_at(records: &[u8], at: usize, planted: Planted) -> Result<RecordView<'_>, String> {
    let rest = &records[at..];
    let too_long = || "a record is longer than its batch".to_owned();
    let header = rest.get(..RECORD_HEADER_BYTES).ok_or_else(too_long)?;
    let number = |at: usize| u32::from_le_bytes(header[at..at + 4].try_into().expect("four bytes"));
    let (key_bytes, value_bytes) = (number(5) as usize, number(9) as usize);
    if key_bytes > KEY_BYTES_MAX || value_bytes > VALUE_BYTES_MAX {
        return Err(format!(
            "a record of a key of {key_bytes} and a value of {value_bytes} bytes is longer than any"
        ));
    }
    let bytes = RECORD_HEADER_BYTES + key_bytes + value_bytes;
    let record = rest.get(..bytes).ok_or_else(too_long)?;
    if crc32fast::hash(&record[4..]) != number(0) && planted != Planted::IgnoresChecksums {
        return Err("the record fails its checksum".to_owned());
    }
    let (key, value) = record[RECORD_HEADER_BYTES..].split_at(key_bytes);
    let value = match (header[4], value_bytes) {
        (PUT, _) => Some(value),
        (TOMBSTONE, 0) => None,
        (other, _) => return Err(format!("a record has the unknown tag {other}")),
    };
    Ok(RecordView {
        at: at as u64,
        bytes: bytes as u32,
        key,
        value,
    })
}

/// Where the value is in `record`, which must be the put record of `key` and nothing else.
pub(super) fn value_in(
    record: &[u8],
    key: &[u8],
    planted: Planted,
) -> Result<Range<usize>, String> {
    let view = record_at(record, 0, planted)?;
    if view.bytes as usize != record.len() || view.key != key || view.value.is_none() {
        return Err("another record is where the key's was written".to_owned());
    }
    Ok(RECORD_HEADER_BYTES + key.len()..record.len())
}

/// The records of a batch as changes.
pub(super) fn to_changes(records_bytes: &[u8], planted: Planted) -> Result<Vec<Change>, String> {
    let changes = records(records_bytes, planted).map(|record| {
        let RecordView { key, value, .. } = record?;
        let key = Bytes::copy_from_slice(key);
        Ok(match value {
            Some(value) => Change::Put(key, Bytes::copy_from_slice(value)),
            None => Change::Delete(key),
        })
    });
    changes.collect()
}

/// A payload as lines for people, the first after `head`.
pub(super) fn dump(
    payload: &[u8],
    planted: Planted,
    head: &str,
    line: &mut dyn FnMut(&str),
) -> Result<(), String> {
    match parse(payload)? {
        Frame::Preamble(it) => {
            let flavour = if it.is_merged { "merged" } else { "written" };
            let (id, from, to) = (it.id, it.from.0, it.to.0);
            line(&format!("{head}, {flavour}, id {id}, from {from}, to {to}"));
        }
        Frame::Footer(to) => line(&format!("{head}, the end at {}", to.0)),
        Frame::Batch(batch) => {
            line(head);
            for record in records(batch, planted) {
                let record = record?;
                line(&match record.value {
                    Some(value) => format!("  put {} = {}", text(record.key), text(value)),
                    None => format!("  delete {}", text(record.key)),
                });
            }
        }
    }
    Ok(())
}
