//! The two meta pages that a file of pages begins with: where everything else is found.
//!
//! ```text
//!   0..16     magic, version and checksum, as every framed file has them: an unknown version is refused by its name
//!   16..20    CRC of the slot (u32, not stored), bytes 0..16 and bytes 20..4096
//!   24..32    number: the greater one holds
//!   32..      the engine's own
//! ```
//!
//! They are written by turns, so that one of them is whole whenever the power goes.

use seedbed_sim::Disk;

use super::file::PageFile;
use super::{PAGE_BYTES, PageNo};
use crate::storage::EngineError;
use crate::storage::frame::{FILE_HEADER_BYTES, FileKind, check_file_header, file_header};

/// Pages of a file before the first of the tree.
pub(in crate::storage) const META_PAGES: u32 = 2;
/// Bytes of a meta page before the engine's own.
const OWN: usize = 32;

/// The slot where the meta page with this number goes.
fn slot_of(number: u64) -> PageNo {
    PageNo((number % u64::from(META_PAGES)) as u32)
}

/// The meta page with this number.
pub(in crate::storage) fn encode(kind: &FileKind, number: u64, own: &[u8]) -> [u8; PAGE_BYTES] {
    let mut bytes = [0; PAGE_BYTES];
    bytes[..FILE_HEADER_BYTES as usize].copy_from_slice(&file_header(kind));
    bytes[24..32].copy_from_slice(&number.to_le_bytes());
    bytes[OWN..OWN + own.len()].copy_from_slice(own);
    let crc = crc(&bytes, slot_of(number));
    bytes[16..20].copy_from_slice(&crc.to_le_bytes());
    bytes
}

fn crc(bytes: &[u8], slot: PageNo) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&slot.0.to_le_bytes());
    hasher.update(&bytes[..16]);
    hasher.update(&bytes[20..]);
    hasher.finalize()
}

/// Writes the meta page with this number. It is not durable yet.
pub(in crate::storage) fn write(
    disk: &mut dyn Disk,
    file: &mut PageFile,
    kind: &FileKind,
    number: u64,
    own: &[u8],
) -> Result<(), EngineError> {
    file.write_raw(disk, slot_of(number), &encode(kind, number, own))
}

/// The number and content of a slot.
fn read_slot(
    disk: &mut dyn Disk,
    file: &mut PageFile,
    kind: &FileKind,
    slot: PageNo,
) -> Result<(u64, Vec<u8>), EngineError> {
    let bytes = file.read_raw(disk, slot)?;
    let header = &bytes[..bytes.len().min(FILE_HEADER_BYTES as usize)];
    check_file_header(kind, file.name(), header)?;
    if bytes.len() < PAGE_BYTES || bytes[16..20] != crc(&bytes, slot).to_le_bytes() {
        return Err(file.corrupt(slot, "the meta page fails its checksum"));
    }
    let number = u64::from_le_bytes(bytes[24..32].try_into().expect("eight bytes"));
    if slot_of(number) != slot {
        return Err(file.corrupt(slot, "the meta page of another slot"));
    }
    Ok((number, bytes[OWN..].to_vec()))
}

/// The meta page that holds: the one with the greater number of those that are whole.
///
/// # Errors
/// [`EngineError::Format`] for a file of another kind or version; [`EngineError::Corrupt`] if neither is whole.
pub(in crate::storage) fn read(
    disk: &mut dyn Disk,
    file: &mut PageFile,
    kind: &FileKind,
) -> Result<(u64, Vec<u8>), EngineError> {
    let first = read_slot(disk, file, kind, PageNo(0));
    let second = read_slot(disk, file, kind, PageNo(1));
    match (first, second) {
        (Ok(first), Ok(second)) => Ok(if first.0 > second.0 { first } else { second }),
        (Err(error @ EngineError::Disk(_)), _) | (_, Err(error @ EngineError::Disk(_))) => {
            Err(error)
        }
        (Ok(_), Err(error @ EngineError::Format { .. })) => Err(error),
        (Ok(found), Err(_)) => Ok(found),
        (Err(error @ EngineError::Format { .. }), _) => Err(error),
        (Err(_), Ok(found)) => Ok(found),
        (Err(error), Err(_)) => Err(error),
    }
}

/// Whether the meta page before the one with this number is whole.
pub(in crate::storage) fn is_whole_before(
    disk: &mut dyn Disk,
    file: &mut PageFile,
    kind: &FileKind,
    number: u64,
) -> Result<bool, EngineError> {
    let Some(before) = number.checked_sub(1) else {
        return Ok(false);
    };
    match read_slot(disk, file, kind, slot_of(before)) {
        Ok((found, _)) => Ok(found == before),
        Err(error @ EngineError::Disk(_)) => Err(error),
        Err(_) => Ok(false),
    }
}

/// Checks that the newest is the one with this number, and that the other is whole too, unless a crash has torn it.
pub(in crate::storage) fn verify(
    disk: &mut dyn Disk,
    file: &mut PageFile,
    kind: &FileKind,
    number: u64,
    is_other_torn: bool,
) -> Result<(), EngineError> {
    let (found, _) = read_slot(disk, file, kind, slot_of(number))?;
    if found != number {
        let what = format!("meta page {found} is where {number} was written");
        return Err(file.corrupt(slot_of(number), &what));
    }
    if !is_other_torn && !is_whole_before(disk, file, kind, number)? {
        return Err(file.corrupt(slot_of(number + 1), "the meta page before is damaged"));
    }
    Ok(())
}
