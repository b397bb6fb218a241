//! Files of every version of the formats that there ever was are opened for ever. To add those of a new version:
//! `UPDATE_GOLDEN=1 cargo test -p seedbed-protocols released`, under another name.

use std::path::{Path, PathBuf};

use seedbed_sim::DiskConfig;

use super::*;

/// A tree with something in the log, in memory, in two levels, packed and not, and range deletes.
fn tree(disk: &mut SimDisk) -> LsmEngine {
    let (mut engine, _) = LsmEngine::open(disk, &tiny()).unwrap();
    for i in 0..60_u32 {
        let key = Bytes::from(format!("key{:02}", i * 7 % 50));
        engine
            .put(disk, key, format!("value {i} ").repeat(5).into())
            .unwrap();
        if i % 20 == 19 {
            engine.flush_all(disk).unwrap();
            engine.maintain(disk, u64::MAX).unwrap();
        }
    }
    let from = Bytes::from_static(b"key30");
    let to = Some(Bytes::from_static(b"key33"));
    engine
        .write(disk, &[Change::DeleteRange { from, to }])
        .unwrap();
    engine.delete(disk, "key01".into()).unwrap();
    engine.flush_all(disk).unwrap();
    engine
        .put(disk, "key02".into(), "in the log".into())
        .unwrap();
    engine.sync(disk).unwrap();
    engine
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/storage/lsm/tests/released/version1")
}

#[test]
#[allow(
    clippy::disallowed_methods,
    reason = "how a person asks a test to write its files"
)]
fn files_of_version_1_are_opened_and_written_alike() {
    let mut disk = SimDisk::new(DiskConfig::instant());
    let mut engine = tree(&mut disk);
    let expected = scan_all(&mut engine, &mut disk, None, 100).unwrap();
    assert_eq!(expected.len(), 50 - 4);
    let bytes = |disk: &mut SimDisk, name: &str| {
        let file = disk.open(name, OpenMode::Existing).unwrap();
        let mut bytes = vec![0; disk.len(file).unwrap() as usize];
        disk.read_at(file, 0, &mut bytes).unwrap();
        bytes
    };
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(folder()).unwrap();
        for name in disk.list().unwrap() {
            std::fs::write(folder().join(&name), bytes(&mut disk, &name)).unwrap();
        }
    }
    let mut old = SimDisk::new(DiskConfig::instant());
    let mut names = Vec::new();
    for file in std::fs::read_dir(folder()).unwrap() {
        let file = file.unwrap();
        let name = file.file_name().into_string().unwrap();
        let content = std::fs::read(file.path()).unwrap();
        let handle = old.open(&name, OpenMode::CreateNew).unwrap();
        old.append(handle, &content).unwrap();
        assert_eq!(
            content,
            bytes(&mut disk, &name),
            "{name} is written otherwise now"
        );
        names.push(name);
    }
    names.sort();
    assert_eq!(names, disk.list().unwrap());
    let (mut opened, recovery) = LsmEngine::open(&mut old, &tiny()).unwrap();
    assert_eq!((recovery.torn_bytes, recovery.corrupt_bytes), (0, 0));
    assert_eq!(
        scan_all(&mut opened, &mut old, None, 100).unwrap(),
        expected
    );
    opened.verify(&mut old).unwrap();
}
