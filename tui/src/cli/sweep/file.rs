//! The file that a sweep writes, line by line, and goes on with when it was interrupted.
//!
//! Every line is added by one write at the end of the file, and nothing else is ever written. So a sweep needs no handler
//! for Ctrl-C: whatever ends it, be it a signal, the battery or the scheduler of a cluster, the file is whole up to its
//! last line, and that one is torn at worst. [`resume`] drops it.

use std::fs::{File, TryLockError};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use seedbed_scenarios::sweep::{Header, Line, Reader};

/// A line of a sweep has a few hundred bytes; a file with longer ones is something else.
const LINE_BYTES_MAX: u64 = 1 << 20;

/// A file that lines are added to.
pub(super) struct LineFile {
    file: File,
    path: PathBuf,
}

/// Begins a file with its header.
///
/// # Errors
/// When it exists and may not be replaced, or can't be written.
pub(super) fn create(path: &Path, header: &Header, replace: bool) -> anyhow::Result<LineFile> {
    if path.exists() && !path.is_file() {
        bail!("{} is no plain file", path.display());
    }
    let mut options = File::options();
    options.read(true).write(true);
    match replace {
        true => options.create(true),
        false => options.create_new(true),
    };
    let told = || format!("can't write {}", path.display());
    let file = match options.open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => bail!(
            "{} exists; --resume goes on with it, --force replaces it",
            path.display()
        ),
        opened => opened.with_context(told)?,
    };
    let mut file = LineFile::locked(file, path)?;
    file.begin(header)?;
    Ok(file)
}

/// What was found in a file that was interrupted.
pub(super) struct Resumed {
    pub(super) file: LineFile,
    pub(super) reader: Reader,
    /// The last whole line, and its number in the file.
    pub(super) last: Option<(u64, String)>,
}

/// Goes on with a file, or begins it where there is none. Every line that is whole goes to `each`.
///
/// # Errors
/// When it is the file of another sweep, a line is wrong, or another program writes to it; then nothing was changed.
pub(super) fn resume(
    path: &Path,
    header: &Header,
    mut each: impl FnMut(&Line),
) -> anyhow::Result<Resumed> {
    let begun = |file| Resumed {
        file,
        reader: Reader::new(header.clone()),
        last: None,
    };
    if !path.exists() {
        return Ok(begun(create(path, header, false)?));
    }
    if !path.is_file() {
        bail!("{} is no plain file", path.display());
    }
    let told = || format!("can't go on with {}", path.display());
    let file = File::options().read(true).write(true).open(path);
    let mut file = LineFile::locked(file.with_context(told)?, path)?;
    let mut lines = Lines::new(path, file.file.try_clone().with_context(told)?);
    let Some(first) = lines.next()?.filter(|first| first.is_whole) else {
        // The header itself is torn: nothing was done yet. Whoever named another file by mistake keeps it.
        let begins_so = std::fs::read(path).with_context(told)?;
        if !header.to_json().as_bytes().starts_with(&begins_so) {
            bail!(
                "{}:1: this is not the header of a sweep's file",
                path.display()
            );
        }
        file.begin(header)?;
        return Ok(begun(file));
    };
    same_sweep(&lines.told(&first.text)?, header)
        .map_err(|why| anyhow::anyhow!("{}:1: {why}", path.display()))?;
    let mut reader = Reader::new(header.clone());
    let (mut whole_bytes, mut last) = (lines.bytes, None);
    // A line without its end is torn, even where nothing but the end is missing.
    while let Some(line) = lines.next()?.filter(|line| line.is_whole) {
        match reader.take(&line.text) {
            Ok(read) => each(&read),
            // A torn line may have got its end from a file system that filled it up.
            Err(_) if lines.is_at_end()? && Line::from_json(&line.text).is_err() => break,
            Err(why) => bail!("{}:{}: {why}", path.display(), line.number),
        }
        (whole_bytes, last) = (lines.bytes, Some((line.number, line.text)));
    }
    file.file.set_len(whole_bytes).with_context(told)?;
    file.file.seek(SeekFrom::End(0)).with_context(told)?;
    Ok(Resumed { file, reader, last })
}

/// Why a file that begins with `found` is not of the sweep that is `wanted`, where it is not.
fn same_sweep(found: &Header, wanted: &Header) -> Result<(), String> {
    let text = |header: &Header| match header.scenario == wanted.scenario {
        true => format!("{} as it was then", header.scenario),
        false => header.scenario.clone(),
    };
    let pairs = [
        ("program version", &found.program, &wanted.program),
        ("seeds", &found.seeds.to_string(), &wanted.seeds.to_string()),
        ("until", &found.until.to_string(), &wanted.until.to_string()),
        ("shard", &found.shard.to_string(), &wanted.shard.to_string()),
    ]
    .map(|(what, found, wanted)| (what, found.clone(), wanted.clone()));
    if found.scenario_hash != wanted.scenario_hash || found.scenario != wanted.scenario {
        return Err(format!(
            "this is a sweep of {}, not of {}",
            text(found),
            wanted.scenario
        ));
    }
    match pairs.into_iter().find(|(_, found, wanted)| found != wanted) {
        Some((what, found, wanted)) => {
            Err(format!("this is a sweep with {what} {found}, not {wanted}"))
        }
        None => Ok(()),
    }
}

impl LineFile {
    /// Two sweeps that write to one file would spoil it.
    fn locked(file: File, path: &Path) -> anyhow::Result<Self> {
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                bail!("another sweep is writing to {}", path.display())
            }
            // A file system without locks can't tell.
            Err(TryLockError::Error(_)) => {}
        }
        Ok(Self {
            file,
            path: path.to_owned(),
        })
    }

    /// Empties it, and writes the header.
    fn begin(&mut self, header: &Header) -> anyhow::Result<()> {
        let told = || format!("can't write {}", self.path.display());
        self.file.set_len(0).with_context(told)?;
        self.file.rewind().with_context(told)?;
        self.add(&header.to_json())
    }

    /// Adds a line, by one write.
    pub(super) fn add(&mut self, line: &str) -> anyhow::Result<()> {
        let bytes = format!("{line}\n");
        self.file
            .write_all(bytes.as_bytes())
            .with_context(|| format!("can't write {}", self.path.display()))
    }

    /// Waits until it is on the disk.
    pub(super) fn sync(&self) -> anyhow::Result<()> {
        self.file
            .sync_all()
            .with_context(|| format!("can't write {}", self.path.display()))
    }
}

/// The lines of a file, from its beginning.
pub(super) struct Lines {
    path: PathBuf,
    file: BufReader<File>,
    number: u64,
    /// How many bytes were read.
    bytes: u64,
}

/// A line of a file.
pub(super) struct RawLine {
    /// Without its end.
    pub(super) text: String,
    /// From 1.
    pub(super) number: u64,
    /// Whether it has its end, or the file ended in the middle of it.
    pub(super) is_whole: bool,
}

impl Lines {
    fn new(path: &Path, file: File) -> Self {
        Self {
            path: path.to_owned(),
            file: BufReader::with_capacity(1 << 16, file),
            number: 0,
            bytes: 0,
        }
    }

    /// Opens a file.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let file = File::open(path).with_context(|| format!("can't read {}", path.display()))?;
        Ok(Self::new(path, file))
    }

    /// The next line. One that is no UTF-8 comes with what could be read of it, which is no line of a sweep.
    pub(super) fn next(&mut self) -> anyhow::Result<Option<RawLine>> {
        let mut bytes = Vec::new();
        let told = || format!("can't read {}", self.path.display());
        let read = (&mut self.file)
            .take(LINE_BYTES_MAX)
            .read_until(b'\n', &mut bytes);
        let read = read.with_context(told)? as u64;
        if read == 0 {
            return Ok(None);
        }
        self.number += 1;
        self.bytes += read;
        let is_whole = bytes.pop_if(|last| *last == b'\n').is_some();
        if read == LINE_BYTES_MAX && !is_whole {
            bail!(
                "{}:{}: this line is too long for a sweep's file",
                self.path.display(),
                self.number
            );
        }
        Ok(Some(RawLine {
            text: String::from_utf8_lossy(&bytes).into_owned(),
            number: self.number,
            is_whole,
        }))
    }

    /// Whether nothing follows.
    fn is_at_end(&mut self) -> anyhow::Result<bool> {
        let rest = self.file.fill_buf();
        Ok(rest
            .with_context(|| format!("can't read {}", self.path.display()))?
            .is_empty())
    }

    /// A first line as a header.
    fn told(&self, text: &str) -> anyhow::Result<Header> {
        Header::from_json(text).map_err(|why| anyhow::anyhow!("{}:1: {why}", self.path.display()))
    }

    /// Reads the first line as a header.
    pub(super) fn header(&mut self) -> anyhow::Result<Header> {
        let first = self.next()?.map_or(String::new(), |line| line.text);
        self.told(&first)
    }
}
