//! Which names a file may have: the same on every disk, so that no process learns which disk it is on.

use super::DiskError;

/// The file that keeps a second process away from a real directory. No process may use its name, on any disk.
pub(crate) const LOCK_NAME: &str = ".seedbed-lock";

const NAME_BYTES_MAX: usize = 255;

/// Refuses what can't be, or must not be, a file's name.
pub(crate) fn check_name(name: &str) -> Result<(), DiskError> {
    let reserved = name == "." || name == ".." || name == LOCK_NAME;
    let fits = !name.is_empty() && name.len() <= NAME_BYTES_MAX;
    if fits && !reserved && !name.contains(['/', '\\', '\0']) {
        return Ok(());
    }
    Err(DiskError::BadName(name.to_owned()))
}
