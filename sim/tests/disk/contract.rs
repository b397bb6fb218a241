//! The contract that every disk meets, run on both.

use proptest::prelude::*;
use seedbed_sim::{
    Disk, DiskConfig, DiskCounters, DiskError, FileDisk, Instant, OpenMode, SimDisk, SyncTicket,
};

use crate::reference::Reference;
use crate::steps::{Driver, Step, any_step, config, contents};

/// Runs `check` on an empty disk of each kind.
fn on_both_disks(check: impl Fn(&mut dyn Disk)) {
    check(&mut SimDisk::new(DiskConfig::default()));
    let directory = tempfile::tempdir().expect("a directory");
    check(&mut FileDisk::open(directory.path()).expect("a disk"));
}

/// Runs `steps` on the disk and on the reference: every answer and every content must be the same.
fn meets_the_contract<D: Disk>(disk: D, steps: &[Step]) -> (D, Reference) {
    let mut driver = Driver::new(disk);
    let mut reference = Reference::default();
    for step in steps {
        let expected = reference.apply(step, Instant::ZERO);
        assert_eq!(driver.apply(step), expected, "{step:?}");
    }
    let counted = DiskCounters {
        stored_bytes: 0,
        ..driver.disk.counters()
    };
    assert_eq!(counted, reference.counters);
    let stored = driver.disk.counters().stored_bytes;
    assert!((reference.named_bytes()..=reference.named_or_open_bytes()).contains(&stored));
    assert_eq!(contents(&mut driver.disk), reference.contents());
    (driver.disk, reference)
}

proptest! {
    #![proptest_config(config(300))]
    #[test]
    fn the_simulated_disk_meets_the_contract(steps in prop::collection::vec(any_step(), 1..80)) {
        let (disk, reference) = meets_the_contract(SimDisk::new(DiskConfig::default()), &steps);
        prop_assert_eq!(disk.counters().stored_bytes, reference.named_or_open_bytes());
    }
}

proptest! {
    #![proptest_config(config(60))]
    #[test]
    fn the_real_directory_meets_the_contract(steps in prop::collection::vec(any_step(), 1..60)) {
        let directory = tempfile::tempdir().expect("a directory");
        let disk = FileDisk::open(directory.path()).expect("a disk");
        let (disk, reference) = meets_the_contract(disk, &steps);
        prop_assert_eq!(disk.counters().stored_bytes, reference.named_bytes());
        drop(disk);
        let mut again = FileDisk::open(directory.path()).expect("the disk again");
        prop_assert_eq!(contents(&mut again), reference.contents());
    }
}

#[test]
fn names_that_could_leave_the_directory_or_confuse_it_are_refused() {
    on_both_disks(|disk| {
        let too_long = "x".repeat(256);
        let bad = [
            "",
            ".",
            "..",
            "a/b",
            "/a",
            "a\\b",
            "a\0b",
            ".seedbed-lock",
            &too_long,
        ];
        disk.open("good", OpenMode::CreateNew).unwrap();
        for name in bad {
            let refused = || Err(DiskError::BadName(name.into()));
            assert_eq!(
                disk.open(name, OpenMode::OpenOrCreate).map(|_| ()),
                refused()
            );
            assert_eq!(disk.remove(name), refused());
            assert_eq!(disk.rename("good", name), refused());
            assert_eq!(disk.rename(name, "good"), refused());
        }
        let longest = "x".repeat(255);
        disk.open(&longest, OpenMode::CreateNew).unwrap();
        assert_eq!(disk.list().unwrap(), ["good", &longest]);
    });
}

#[test]
fn a_handle_outlives_the_name_of_its_file() {
    on_both_disks(|disk| {
        let file = disk.open("first", OpenMode::CreateNew).unwrap();
        disk.append(file, b"one").unwrap();
        disk.rename("first", "second").unwrap();
        disk.append(file, b" two").unwrap();
        disk.remove("second").unwrap();
        assert_eq!(disk.append(file, b" three"), Ok(7));
        disk.sync(file).unwrap();
        let mut bytes = [0; 13];
        assert_eq!(disk.read_at(file, 0, &mut bytes), Ok(13));
        assert_eq!(&bytes, b"one two three");
        assert_eq!(disk.list().unwrap(), [""; 0]);
    });
}

#[test]
fn every_call_is_counted_as_one_operation() {
    on_both_disks(|disk| {
        let file = disk.open("a", OpenMode::CreateNew).unwrap();
        disk.append(file, b"x").unwrap();
        disk.write_at(file, 0, b"y").unwrap();
        disk.read_at(file, 0, &mut [0]).unwrap();
        disk.len(file).unwrap();
        disk.truncate(file, 0).unwrap();
        disk.sync(file).unwrap();
        disk.sync_later(file).unwrap();
        disk.close(file).unwrap();
        disk.rename("a", "b").unwrap();
        disk.list().unwrap();
        disk.sync_dir().unwrap();
        disk.remove("b").unwrap();
        disk.remove("b").unwrap_err();
        assert_eq!(disk.spent().operations, 14);
    });
}

#[test]
fn a_second_disk_on_one_directory_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let first = FileDisk::open(directory.path()).unwrap();
    let second = FileDisk::open(directory.path());
    assert!(matches!(second, Err(DiskError::InUse(_))), "{second:?}");
    drop(first);
    FileDisk::open(directory.path()).unwrap();
}

#[test]
fn a_real_directory_is_made_with_those_above_it() {
    let directory = tempfile::tempdir().unwrap();
    let below = directory.path().join("a").join("b");
    let mut disk = FileDisk::open(&below).unwrap();
    disk.open("file", OpenMode::CreateNew).unwrap();
    std::fs::create_dir(below.join("not-a-file")).unwrap();
    assert_eq!(disk.list().unwrap(), ["file"]);
    let error = FileDisk::open(below.join("file")).unwrap_err();
    assert!(matches!(error, DiskError::Write { .. }), "{error}");
}

#[test]
fn a_real_directory_gives_tickets_back_as_done() {
    let directory = tempfile::tempdir().unwrap();
    let mut disk = FileDisk::open(directory.path()).unwrap();
    let file = disk.open("file", OpenMode::CreateNew).unwrap();
    let tickets = [(); 2].map(|()| disk.sync_later(file).unwrap());
    assert_eq!(tickets, [SyncTicket(1), SyncTicket(2)]);
    let mut done = Vec::new();
    disk.take_completed(&mut done);
    assert_eq!(done, tickets);
    disk.take_completed(&mut done);
    assert_eq!(done.len(), 2);
    assert_eq!(disk.spent().operations, 3);
    disk.begin_handler();
    assert_eq!(disk.spent().operations, 0);
}
