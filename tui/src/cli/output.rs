//! Writing: to standard output, which may close at any time, and to files, which are whole or not there.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

/// Prints to standard output.
///
/// # Errors
/// When it can't be written; a closed pipe is told apart by [`is_closed_pipe`].
pub fn print(text: &str) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()?;
    Ok(())
}

/// Whether an error only means that the reader has seen enough.
pub fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let closed = |cause: &io::Error| cause.kind() == io::ErrorKind::BrokenPipe;
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref())
        .any(closed)
}

/// A file to be written.
#[derive(Debug)]
pub struct OutputFile {
    path: PathBuf,
    replace: bool,
    /// It is a device or a pipe, which nothing can be renamed over.
    special: bool,
}

impl OutputFile {
    /// Looks whether the file may be written, before any work is done for it.
    ///
    /// # Errors
    /// When it exists and `force` does not hold, or when its folder does not exist.
    pub fn new(path: &Path, force: bool) -> anyhow::Result<Self> {
        // What a symbolic link points at is what is meant.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let special = match fs::metadata(&path) {
            Ok(found) if found.is_dir() => {
                bail!("{} is a folder; name a file in it", path.display())
            }
            Ok(found) if found.is_file() && !force => {
                bail!("{} exists; --force replaces it", path.display())
            }
            Ok(found) => !found.is_file(),
            Err(_) => false,
        };
        let folder = folder(&path);
        if !folder.is_dir() {
            bail!(
                "can't write {}: there is no folder {}",
                path.display(),
                folder.display()
            );
        }
        Ok(Self {
            path,
            replace: force,
            special,
        })
    }

    /// Lets `write` write it. It goes to a temporary file in the same folder, which takes the name once it is whole.
    ///
    /// # Errors
    /// When it can't be written; then there is nothing new under its name.
    pub fn write(
        &self,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> anyhow::Result<()> {
        let told = || format!("can't write {}", self.path.display());
        if self.special {
            let mut out = BufWriter::new(
                File::options()
                    .write(true)
                    .open(&self.path)
                    .with_context(told)?,
            );
            return write(&mut out)
                .and_then(|()| out.flush())
                .with_context(told);
        }
        let mut builder = tempfile::Builder::new();
        builder.prefix(".seedbed-");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // As for any new file: what the umask leaves.
            builder.permissions(fs::Permissions::from_mode(0o666));
        }
        let file = builder.tempfile_in(folder(&self.path)).with_context(told)?;
        let mut out = BufWriter::new(file);
        write(&mut out).with_context(told)?;
        let file = out
            .into_inner()
            .map_err(io::IntoInnerError::into_error)
            .with_context(told)?;
        file.as_file().sync_all().with_context(told)?;
        let renamed = match self.replace {
            true => file.persist(&self.path),
            false => file.persist_noclobber(&self.path),
        };
        renamed.map_err(|e| e.error).with_context(told)?;
        Ok(())
    }
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_existing_file_stays_unless_it_may_be_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        let write = |force, text: &str| {
            let out = OutputFile::new(&path, force)?;
            out.write(|w| w.write_all(text.as_bytes()))
        };
        write(false, "one").unwrap();
        let why = write(false, "two").unwrap_err().to_string();
        assert!(why.contains("--force"), "{why}");
        write(true, "two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
    }

    #[test]
    fn what_fails_half_way_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        let fails = |w: &mut dyn Write| {
            w.write_all(&[0; 100_000])?;
            Err(io::Error::other("no"))
        };
        assert!(OutputFile::new(&path, false).unwrap().write(fails).is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_file_that_appears_meanwhile_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        let out = OutputFile::new(&path, false).unwrap();
        fs::write(&path, "mine").unwrap();
        assert!(out.write(|w| w.write_all(b"yours")).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"mine");
    }

    #[test]
    fn folders_are_no_files() {
        let folder = tempfile::tempdir().unwrap();
        assert!(OutputFile::new(folder.path(), true).is_err());
        assert!(OutputFile::new(&folder.path().join("no/such"), true).is_err());
    }
}
