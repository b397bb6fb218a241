//! A disk for tests that can show every state a crash may leave: what is durable, and any part of the rest.
//!
//! [`SimDisk`](seedbed_sim::SimDisk) drops what is not durable, all of it. Real disks keep what they like. This one
//! keeps both contents of each file, and builds the images that an [`Surviving`] says.

use std::collections::BTreeMap;

use seedbed_sim::{Disk, DiskCounters, DiskError, FileHandle, OpenMode, Spent, Stream, SyncTicket};

const SECTOR_BYTES: usize = 512;

#[derive(Clone, Default)]
struct File {
    written: Vec<u8>,
    durable: Vec<u8>,
}

/// See the [module](self).
#[derive(Clone, Default)]
pub(crate) struct TearingDisk {
    files: Vec<File>,
    names: BTreeMap<String, usize>,
    names_durable: BTreeMap<String, usize>,
    syncs: Vec<(SyncTicket, usize, Vec<u8>)>,
    syncs_begun: u64,
    /// The disk as it was before each operation that changed it, if that is to be kept.
    pub(crate) boundaries: Option<Vec<TearingDisk>>,
}

/// What a crash leaves of what is not durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Surviving {
    /// Nothing.
    Nothing,
    /// Everything.
    All,
    /// A prefix of any length in bytes.
    Prefix,
    /// Any of the sectors; zeros where one is missing before another.
    SectorsElseZeros,
    /// Any of the sectors; random bytes where one is missing before another.
    SectorsElseGarbage,
    /// Any of the bytes, random ones instead of the others.
    BytesElseGarbage,
}

impl Surviving {
    pub(crate) const ALL: [Self; 6] = [
        Self::Nothing,
        Self::All,
        Self::Prefix,
        Self::SectorsElseZeros,
        Self::SectorsElseGarbage,
        Self::BytesElseGarbage,
    ];
}

impl TearingDisk {
    /// The bytes of a file as they are read.
    pub(crate) fn bytes_of(&mut self, name: &str) -> &mut Vec<u8> {
        &mut self.files[self.names[name]].written
    }

    /// The sync of this ticket is done.
    pub(crate) fn complete(&mut self, ticket: SyncTicket) {
        self.before_change();
        let at = self.syncs.iter().position(|(known, ..)| *known == ticket);
        let (_, id, covered) = self.syncs.remove(at.expect("a sync under way"));
        self.files[id].durable = covered;
    }

    /// A disk as a crash now may leave it. The names are those that are durable, or if `keeps_names` all of them.
    pub(crate) fn image(
        &self,
        surviving: Surviving,
        keeps_names: bool,
        random: &mut Stream,
    ) -> Self {
        let names = if keeps_names {
            &self.names
        } else {
            &self.names_durable
        };
        let mut image = Self::default();
        for (name, &id) in names {
            let content = torn(&self.files[id], surviving, random);
            image.names.insert(name.clone(), image.files.len());
            image.files.push(File {
                durable: content.clone(),
                written: content,
            });
        }
        image.names_durable = image.names.clone();
        image
    }

    fn before_change(&mut self) {
        if let Some(mut boundaries) = self.boundaries.take() {
            boundaries.push(self.clone());
            self.boundaries = Some(boundaries);
        }
    }
}

/// The content of a file after a crash.
fn torn(file: &File, surviving: Surviving, random: &mut Stream) -> Vec<u8> {
    let File { written, durable } = file;
    if !written.starts_with(durable) {
        // A cut that is not durable happened or did not.
        let keeps = matches!(surviving, Surviving::All) || random.chance_per_million(500_000);
        return if keeps { written } else { durable }.clone();
    }
    let grown = written.len() - durable.len();
    if grown == 0 || surviving == Surviving::Nothing {
        return durable.clone();
    }
    if surviving == Surviving::All {
        return written.clone();
    }
    let survived = durable.len() + random.below(grown as u64 + 1) as usize;
    let mut image = written[..survived].to_vec();
    let grain = match surviving {
        Surviving::BytesElseGarbage => 1,
        Surviving::Prefix => return image,
        _ => SECTOR_BYTES,
    };
    let mut at = durable.len();
    while at < image.len() {
        let end = ((at / grain + 1) * grain).min(image.len());
        if random.chance_per_million(400_000) {
            for byte in &mut image[at..end] {
                *byte = match surviving {
                    Surviving::SectorsElseZeros => 0,
                    _ => random.next_u64() as u8,
                };
            }
        }
        at = end;
    }
    image
}

impl Disk for TearingDisk {
    fn open(&mut self, name: &str, mode: OpenMode) -> Result<FileHandle, DiskError> {
        let known = self.names.get(name).copied();
        let id = match (known, mode) {
            (None, OpenMode::Existing) => return Err(DiskError::NotFound(name.to_owned())),
            (Some(_), OpenMode::CreateNew) => {
                return Err(DiskError::AlreadyExists(name.to_owned()));
            }
            (Some(id), _) => id,
            (None, _) => {
                self.before_change();
                self.files.push(File::default());
                self.files.len() - 1
            }
        };
        self.names.insert(name.to_owned(), id);
        Ok(FileHandle(id as u32))
    }

    fn close(&mut self, _: FileHandle) -> Result<(), DiskError> {
        Ok(())
    }

    fn append(&mut self, file: FileHandle, bytes: &[u8]) -> Result<u64, DiskError> {
        self.before_change();
        let written = &mut self.files[file.0 as usize].written;
        written.extend_from_slice(bytes);
        Ok((written.len() - bytes.len()) as u64)
    }

    fn write_at(&mut self, _: FileHandle, _: u64, _: &[u8]) -> Result<(), DiskError> {
        unreachable!("logs are appended to")
    }

    fn read_at(
        &mut self,
        file: FileHandle,
        offset: u64,
        buffer: &mut [u8],
    ) -> Result<usize, DiskError> {
        let written = &self.files[file.0 as usize].written;
        let rest = &written[(offset as usize).min(written.len())..];
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn len(&mut self, file: FileHandle) -> Result<u64, DiskError> {
        Ok(self.files[file.0 as usize].written.len() as u64)
    }

    fn truncate(&mut self, file: FileHandle, len: u64) -> Result<(), DiskError> {
        self.before_change();
        self.files[file.0 as usize].written.resize(len as usize, 0);
        Ok(())
    }

    fn sync(&mut self, file: FileHandle) -> Result<(), DiskError> {
        self.before_change();
        let id = file.0 as usize;
        let written = self.files[id].written.clone();
        // Syncs that began earlier and end later add nothing.
        let under_way = self.syncs.iter_mut().filter(|(_, of, _)| *of == id);
        for (.., covered) in under_way {
            covered.clone_from(&written);
        }
        self.files[id].durable = written;
        Ok(())
    }

    fn sync_later(&mut self, file: FileHandle) -> Result<SyncTicket, DiskError> {
        self.syncs_begun += 1;
        let ticket = SyncTicket(self.syncs_begun);
        let id = file.0 as usize;
        self.syncs
            .push((ticket, id, self.files[id].written.clone()));
        Ok(ticket)
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<(), DiskError> {
        self.before_change();
        let id = self.names.remove(from);
        let id = id.ok_or_else(|| DiskError::NotFound(from.to_owned()))?;
        self.names.insert(to.to_owned(), id);
        Ok(())
    }

    fn remove(&mut self, name: &str) -> Result<(), DiskError> {
        if !self.names.contains_key(name) {
            return Err(DiskError::NotFound(name.to_owned()));
        }
        self.before_change();
        self.names.remove(name);
        Ok(())
    }

    fn list(&mut self) -> Result<Vec<String>, DiskError> {
        Ok(self.names.keys().cloned().collect())
    }

    fn sync_dir(&mut self) -> Result<(), DiskError> {
        self.before_change();
        self.names_durable = self.names.clone();
        Ok(())
    }

    fn spent(&self) -> Spent {
        Spent::default()
    }

    fn counters(&self) -> DiskCounters {
        DiskCounters::default()
    }
}
