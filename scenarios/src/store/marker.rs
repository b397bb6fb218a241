//! The file that says whose directory it is.

use seedbed_protocols::storage::EngineKind;
use seedbed_sim::{Disk, DiskError, OpenMode};

use super::StoreError;

const NAME: &str = "STORE";
const NAME_IN_THE_MAKING: &str = "STORE.new";
const HEAD: &str = "seedbed store, format 1, engine ";
/// What is read of it at most, in bytes.
const READ_BYTES_MAX: usize = 200;

/// Whether a directory with these names in it has a store. `false`: it is empty, or the making of one was cut short.
pub(super) fn find<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<bool, StoreError> {
    let mut foreign = None;
    for name in names {
        match name {
            NAME => return Ok(true),
            NAME_IN_THE_MAKING => {}
            other => foreign = foreign.or(Some(other)),
        }
    }
    foreign.map_or(Ok(false), |name| Err(StoreError::Foreign(name.to_owned())))
}

/// The engine whose store it is; `None`: there is none.
pub(super) fn read(disk: &mut dyn Disk) -> Result<Option<EngineKind>, StoreError> {
    let file = match disk.open(NAME, OpenMode::Existing) {
        Ok(file) => file,
        Err(DiskError::NotFound(_)) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let mut bytes = [0; READ_BYTES_MAX];
    let got = disk.read_at(file, 0, &mut bytes)?;
    disk.close(file)?;
    let found = String::from_utf8_lossy(&bytes[..got]).into_owned();
    let name = found
        .strip_prefix(HEAD)
        .and_then(|rest| rest.strip_suffix('\n'));
    let kind = name.and_then(EngineKind::from_name);
    kind.map(Some).ok_or_else(|| StoreError::Marker {
        file: NAME,
        found: found.trim_end().to_owned(),
        expected: HEAD,
    })
}

/// Says that the directory is this engine's. It is durable when this returns, and before anything else is written.
pub(super) fn write(disk: &mut dyn Disk, kind: EngineKind) -> Result<(), StoreError> {
    match disk.remove(NAME_IN_THE_MAKING) {
        Ok(()) | Err(DiskError::NotFound(_)) => {}
        Err(error) => return Err(error.into()),
    }
    let file = disk.open(NAME_IN_THE_MAKING, OpenMode::CreateNew)?;
    disk.append(file, format!("{HEAD}{kind}\n").as_bytes())?;
    disk.sync(file)?;
    disk.close(file)?;
    disk.rename(NAME_IN_THE_MAKING, NAME)?;
    disk.sync_dir()?;
    Ok(())
}
