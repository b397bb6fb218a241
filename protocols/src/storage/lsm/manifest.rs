//! The manifest: which tables make up the tree. One small file, written anew at each change and put in the place of the
//! old one in one step, so that a crash leaves the tree as it was before the change or as it is after it.
//!
//! ```text
//!   header, 16 bytes: magic "seedbmft" · version u32 · CRC of the two
//!   length of the body u32 · CRC of the body u32
//!   body, varints: edition · next file number · oldest log · newest log · sequence flushed · position flushed ·
//!     number of runs · for each, the newest first: level · number of tables ·
//!       for each, in key order: number · bytes of its file · CRC of its footer
//! ```
//!
//! Everything written before *sequence flushed* is in tables; the logs from the oldest on have what came after. Order of
//! durability: the tables a manifest names are synced, and their directory too, before it is written; it is synced before it
//! is renamed, and the directory again after that; and only then may what it no longer names be removed.

use bytes::Bytes;
use seedbed_sim::{Disk, DiskError, OpenMode};

use super::{FileNumber, Sequence, TableId, varint};
use crate::storage::frame::{
    FILE_HEADER_BYTES, FileKind, check_file_header, file_header, remove_if_there,
};
use crate::storage::{EngineError, Lsn, Planted};

/// What the header of a manifest says.
pub const MANIFEST_KIND: FileKind = FileKind {
    magic: *b"seedbmft",
    version: 1,
    name: "the manifest of an LSM tree",
};

const BODY_AT: usize = FILE_HEADER_BYTES as usize + 8;
/// A longer manifest is none: a million tables take less.
const MANIFEST_BYTES_MAX: u64 = 64 << 20;

/// See the [module](self).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Manifest {
    /// How often it was written.
    pub(super) edition: u64,
    /// No file with this number or a greater one was there.
    pub(super) next_file: u64,
    /// The oldest log that has something which is not in a table.
    pub(super) oldest_log: FileNumber,
    /// The newest log there was.
    pub(super) newest_log: FileNumber,
    pub(super) flushed: Sequence,
    pub(super) flushed_lsn: Lsn,
    /// The newest first.
    pub(super) runs: Vec<RunRecord>,
}

/// A sorted run in the manifest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct RunRecord {
    pub(super) level: u32,
    pub(super) tables: Vec<TableRecord>,
}

/// A table in the manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TableRecord {
    pub(super) id: TableId,
    pub(super) file_bytes: u64,
    pub(super) footer_crc: u32,
}

impl Manifest {
    /// Reads it; `None` if there is none.
    pub(super) fn read(
        disk: &mut dyn Disk,
        name: &str,
        planted: Planted,
    ) -> Result<Option<(Self, u64)>, EngineError> {
        let file = match disk.open(name, OpenMode::Existing) {
            Ok(file) => file,
            Err(DiskError::NotFound(_)) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let len = disk.len(file)?;
        if len > MANIFEST_BYTES_MAX {
            return Err(corrupt(name, 0, "a manifest is never so long"));
        }
        let mut bytes = vec![0; len as usize];
        let got = disk.read_at(file, 0, &mut bytes)?;
        bytes.truncate(got);
        let header = bytes.get(..FILE_HEADER_BYTES as usize).unwrap_or(&bytes);
        check_file_header(&MANIFEST_KIND, name, header)?;
        let bytes = Bytes::from(bytes);
        let manifest = Self::decode(&bytes, planted)
            .ok_or_else(|| corrupt(name, FILE_HEADER_BYTES, "the body is not what was written"))?;
        // A process may have died and left it in the memory of the operating system only.
        disk.sync(file)?;
        disk.close(file)?;
        disk.sync_dir()?;
        Ok(Some((manifest, len)))
    }

    /// Puts this one in the place of the one before. Returns how many bytes it has.
    pub(super) fn write(
        &self,
        disk: &mut dyn Disk,
        name: &str,
        planted: Planted,
    ) -> Result<u64, ManifestError> {
        let bytes = self.encode();
        if planted == Planted::LsmManifestInPlace {
            return self.write_in_place(disk, name, &bytes);
        }
        let new_name = format!("{name}.new");
        if let Err(error) = make(disk, &new_name, &bytes) {
            return Err(match error {
                DiskError::Sync { .. } => ManifestError::Unknown(error),
                DiskError::Killed => ManifestError::Unchanged(error),
                // It takes space until it is gone. If it can't be removed, the next one replaces it.
                other => match remove_if_there(disk, &new_name) {
                    Err(DiskError::Killed) => ManifestError::Unchanged(DiskError::Killed),
                    _ => ManifestError::Unchanged(other),
                },
            });
        }
        disk.rename(&new_name, name)
            .map_err(ManifestError::Unchanged)?;
        disk.sync_dir().map_err(ManifestError::Unknown)?;
        Ok(bytes.len() as u64)
    }

    /// The bug: not in one step.
    fn write_in_place(
        &self,
        disk: &mut dyn Disk,
        name: &str,
        bytes: &[u8],
    ) -> Result<u64, ManifestError> {
        let unknown = ManifestError::Unknown;
        let file = disk.open(name, OpenMode::OpenOrCreate).map_err(unknown)?;
        disk.truncate(file, 0).map_err(unknown)?;
        disk.append(file, bytes).map_err(unknown)?;
        disk.sync(file).map_err(unknown)?;
        disk.close(file).map_err(unknown)?;
        disk.sync_dir().map_err(unknown)?;
        Ok(bytes.len() as u64)
    }

    fn encode(&self) -> Vec<u8> {
        let mut body = Vec::new();
        for number in [
            self.edition,
            self.next_file,
            self.oldest_log.0,
            self.newest_log.0,
            self.flushed.0,
            self.flushed_lsn.0,
            self.runs.len() as u64,
        ] {
            varint::push(number, &mut body);
        }
        for run in &self.runs {
            varint::push(u64::from(run.level), &mut body);
            varint::push(run.tables.len() as u64, &mut body);
            for table in &run.tables {
                varint::push(table.id.0, &mut body);
                varint::push(table.file_bytes, &mut body);
                varint::push(u64::from(table.footer_crc), &mut body);
            }
        }
        let mut out = file_header(&MANIFEST_KIND).to_vec();
        out.extend_from_slice(&(body.len() as u32).to_le_bytes());
        out.extend_from_slice(&crc32fast::hash(&body).to_le_bytes());
        out.extend_from_slice(&body);
        out
    }

    fn decode(bytes: &[u8], planted: Planted) -> Option<Self> {
        let (lengths, body) = bytes.split_at_checked(BODY_AT)?;
        let number =
            |at: usize| u32::from_le_bytes(lengths[at..at + 4].try_into().expect("four bytes"));
        let is_whole = number(BODY_AT - 8) as usize == body.len()
            && (planted == Planted::IgnoresChecksums
                || number(BODY_AT - 4) == crc32fast::hash(body));
        if !is_whole {
            return None;
        }
        let mut at = 0;
        let mut number = || {
            let (number, after) = varint::read(body, at)?;
            at = after;
            Some(number)
        };
        let mut manifest = Self {
            edition: number()?,
            next_file: number()?,
            oldest_log: FileNumber(number()?),
            newest_log: FileNumber(number()?),
            flushed: Sequence(number()?),
            flushed_lsn: Lsn(number()?),
            runs: Vec::new(),
        };
        for _ in 0..number()? {
            let mut run = RunRecord {
                level: u32::try_from(number()?).ok()?,
                tables: Vec::new(),
            };
            for _ in 0..number()? {
                run.tables.push(TableRecord {
                    id: TableId(number()?),
                    file_bytes: number()?,
                    footer_crc: u32::try_from(number()?).ok()?,
                });
            }
            manifest.runs.push(run);
        }
        (at == body.len()).then_some(manifest)
    }
}

/// Why a manifest could not be written.
#[derive(Debug)]
pub(super) enum ManifestError {
    /// The old one is in its place.
    Unchanged(DiskError),
    /// Nobody knows which of the two would be found after a crash.
    Unknown(DiskError),
}

/// Makes a synced file of these bytes.
fn make(disk: &mut dyn Disk, name: &str, bytes: &[u8]) -> Result<(), DiskError> {
    remove_if_there(disk, name)?;
    let file = disk.open(name, OpenMode::CreateNew)?;
    let written = disk.append(file, bytes).and_then(|_| disk.sync(file));
    let closed = disk.close(file);
    // A failed sync must be told from everything else.
    written.and(closed)
}

fn corrupt(file: &str, offset: u64, what: &str) -> EngineError {
    EngineError::Corrupt {
        file: file.to_owned(),
        offset,
        what: what.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_comes_back_and_no_flipped_bit_does() {
        let table = |id| TableRecord {
            id: TableId(id),
            file_bytes: id * 1000,
            footer_crc: 0xffff_fff0 + id as u32,
        };
        let manifest = Manifest {
            edition: 300,
            next_file: 12,
            oldest_log: FileNumber(7),
            newest_log: FileNumber(9),
            flushed: Sequence(1 << 40),
            flushed_lsn: Lsn(77),
            runs: vec![
                RunRecord {
                    level: 0,
                    tables: vec![table(3)],
                },
                RunRecord {
                    level: 2,
                    tables: vec![table(1), table(2)],
                },
            ],
        };
        let bytes = manifest.encode();
        assert_eq!(Manifest::decode(&bytes, Planted::Nothing), Some(manifest));
        for bit in BODY_AT * 8 - 64..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(
                Manifest::decode(&flipped, Planted::Nothing),
                None,
                "bit {bit}"
            );
        }
    }
}
