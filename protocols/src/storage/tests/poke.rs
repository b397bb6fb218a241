//! Changing the bytes of a file behind the back of whoever wrote them.

use std::ops::{Deref, DerefMut};

use seedbed_sim::{Disk, OpenMode, SimDisk};

/// For the files of a simulated disk.
pub(crate) trait Poke {
    /// The bytes of a file. What is changed in them is in the file, and durable, when they are let go of.
    fn bytes_of(&mut self, name: &str) -> Poked<'_>;
}

impl Poke for SimDisk {
    fn bytes_of(&mut self, name: &str) -> Poked<'_> {
        let file = self.open(name, OpenMode::Existing).expect("a file");
        let len = self.len(file).expect("a length");
        let mut bytes = vec![0; usize::try_from(len).expect("a short file")];
        self.read_at(file, 0, &mut bytes).expect("its bytes");
        self.close(file).expect("it is open");
        Poked {
            disk: self,
            name: name.to_owned(),
            before: bytes.clone(),
            bytes,
        }
    }
}

/// See [`Poke::bytes_of`].
pub(crate) struct Poked<'a> {
    disk: &'a mut SimDisk,
    name: String,
    before: Vec<u8>,
    bytes: Vec<u8>,
}

impl Deref for Poked<'_> {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.bytes
    }
}

impl DerefMut for Poked<'_> {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }
}

impl Drop for Poked<'_> {
    fn drop(&mut self) {
        if self.bytes == self.before {
            return;
        }
        let disk = &mut *self.disk;
        let file = disk.open(&self.name, OpenMode::Existing).expect("a file");
        disk.truncate(file, 0).expect("it can be cut");
        disk.append(file, &self.bytes).expect("there is room");
        disk.sync(file).expect("a disk that works");
        disk.close(file).expect("it is open");
    }
}
