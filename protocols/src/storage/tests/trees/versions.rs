//! Files of every version ever released are opened for ever: they are in `tests/versions`, a folder for each.

use std::path::PathBuf;

use seedbed_sim::OpenMode;

use super::*;
use crate::storage::tests::poke::Poke;

fn folder(name: &str) -> PathBuf {
    let tests = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/storage/tests");
    tests.join("versions").join(name)
}

/// What was written to each of them.
fn written() -> Vec<Vec<Change>> {
    let put = |number: u64, len| Change::Put(key(number), bytes(len, number as u8 + b'a'));
    vec![
        (0..8).map(|number| put(number, 700)).collect(),
        vec![put(3, 5000), put(8, 0), Change::Delete(key(5))],
        vec![Change::Put(bytes(600, b'l'), bytes(20, b'v'))],
        vec![Change::DeleteRange {
            from: key(6),
            to: Some(key(8)),
        }],
    ]
}

/// Writes the files of the version of now, with a checkpoint or commit in the middle, to a simulated disk.
fn write_anew(kind: EngineKind) -> SimDisk {
    let mut disk = instant_disk();
    let options = options(20, 3000);
    let mut engine = open(kind, &mut disk, &options).unwrap();
    for batch in written() {
        engine.write(&mut disk, &batch).unwrap();
        engine.sync(&mut disk).unwrap();
        if batch.len() == 8 {
            engine.maintain(&mut disk, u64::MAX).unwrap();
        }
    }
    disk
}

fn check(kind: EngineKind, version: &str) {
    let folder = folder(version);
    if !folder.exists() {
        let mut disk = write_anew(kind);
        std::fs::create_dir_all(&folder).unwrap();
        for name in disk.list().unwrap() {
            std::fs::write(folder.join(&name), &disk.bytes_of(&name)[..]).unwrap();
        }
    }
    let mut disk = instant_disk();
    for file in std::fs::read_dir(&folder).unwrap() {
        let file = file.unwrap();
        let name = file.file_name().into_string().unwrap();
        let copy = disk.open(&name, OpenMode::CreateNew).unwrap();
        disk.append(copy, &std::fs::read(file.path()).unwrap())
            .unwrap();
        disk.close(copy).unwrap();
    }
    let mut model = Model::new();
    written().iter().for_each(|batch| apply(&mut model, batch));
    let mut engine = open(kind, &mut disk, &options(20, 3000)).unwrap();
    engine.verify(&mut disk).unwrap();
    assert_eq!(content(&mut *engine, &mut disk, None).unwrap(), model);
}

#[test]
fn files_of_version_1_are_opened() {
    check(EngineKind::BTree, "btree-1");
    check(EngineKind::Cow, "cow-1");
}
