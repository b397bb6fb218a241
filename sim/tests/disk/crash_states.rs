//! The states that a crash may leave, one by one and at random.

use std::collections::BTreeSet;

use proptest::prelude::*;
use seedbed_sim::disk::images::SECTOR_BYTES;
use seedbed_sim::{
    CrashImages, CrashPolicy, Disk, DiskConfig, FileHandle, OpenMode, Seed, SimDisk, Span, Stream,
};

use crate::steps::{Driver, any_step, config, contents};

const SECTOR: usize = SECTOR_BYTES as usize;

fn slow_disk(crash: CrashPolicy) -> SimDisk {
    let config = DiskConfig {
        write_latency: Span::from_nanos(10),
        sync_latency: Span::from_nanos(100),
        crash,
        ..DiskConfig::instant()
    };
    SimDisk::named(config, Seed(1), "n1")
}

/// A disk with a durable file that holds `content`, open.
fn with_file(name: &str, content: &[u8]) -> (SimDisk, FileHandle) {
    let mut disk = slow_disk(CrashPolicy::Drop);
    let file = add_file(&mut disk, name, content);
    (disk, file)
}

fn add_file(disk: &mut SimDisk, name: &str, content: &[u8]) -> FileHandle {
    let file = disk.open(name, OpenMode::CreateNew).unwrap();
    disk.append(file, content).unwrap();
    disk.sync(file).unwrap();
    disk.sync_dir().unwrap();
    file
}

fn content_of(disk: &mut SimDisk, name: &str) -> Option<Vec<u8>> {
    let all = contents(disk);
    let found = all.into_iter().find(|(known, _)| known == name);
    found.map(|(_, bytes)| bytes)
}

/// What a file holds in each of the states that a crash now may leave.
fn all_contents(disk: &SimDisk, name: &str) -> BTreeSet<Option<Vec<u8>>> {
    let images = CrashImages::of(disk, disk.now());
    let mut random = Stream::named(Seed(1), "unused");
    let states: Vec<_> = images.states(100_000, &mut random).collect();
    assert_eq!(states.len() as u64, images.state_count().unwrap());
    assert_eq!(random.drawn(), 0, "all of them, and none drawn");
    let content = |state| content_of(&mut images.image(state), name);
    states.iter().map(content).collect()
}

/// What a file holds in states drawn by a policy.
fn drawn(disk: &SimDisk, policy: CrashPolicy, name: &str) -> BTreeSet<Option<Vec<u8>>> {
    let images = CrashImages::of(disk, disk.now());
    let mut random = Stream::named(Seed(1), policy.name());
    let mut draw = || content_of(&mut images.image(&images.draw(policy, &mut random)), name);
    (0..200).map(|_| draw()).collect()
}

fn texts(texts: &[&str]) -> BTreeSet<Option<Vec<u8>>> {
    texts
        .iter()
        .map(|it| Some(it.as_bytes().to_vec()))
        .collect()
}

#[test]
fn a_later_write_survives_while_an_earlier_one_does_not() {
    let (mut disk, file) = with_file("data", b"....");
    disk.write_at(file, 0, b"A").unwrap();
    disk.write_at(file, 2, b"B").unwrap();
    let expected = texts(&["....", "A...", "..B.", "A.B."]);
    assert_eq!(all_contents(&disk, "data"), expected);
    assert_eq!(drawn(&disk, CrashPolicy::Reorder, "data"), expected);
    // Both lie in one sector, which has no version with the later one alone.
    let versions = drawn(&disk, CrashPolicy::TornSectors, "data");
    assert_eq!(versions, texts(&["....", "A...", "A.B."]));
}

#[test]
fn a_write_is_torn_between_sectors_and_nowhere_else() {
    let (mut disk, file) = with_file("data", &[b'.'; 3 * SECTOR]);
    disk.write_at(file, 1, &[b'x'; 2 * SECTOR]).unwrap();
    let found = drawn(&disk, CrashPolicy::TornSectors, "data");
    assert_eq!(found.len(), 8, "each of three sectors by itself");
    for content in found.into_iter().flatten() {
        let runs = content.chunk_by(|a, b| a == b).map(<[u8]>::len);
        let mut at = 0;
        for run in runs {
            at += run;
            let is_edge = at % SECTOR == 0 || at == 1 || at == 1 + 2 * SECTOR;
            assert!(is_edge, "torn at {at}");
        }
    }
}

#[test]
fn a_byte_prefix_survives() {
    let (mut disk, file) = with_file("log", b"");
    disk.append(file, b"one ").unwrap();
    disk.append(file, b"two").unwrap();
    let all = "one two";
    let prefixes: Vec<&str> = (0..=all.len()).map(|len| &all[..len]).collect();
    assert_eq!(drawn(&disk, CrashPolicy::Prefix, "log"), texts(&prefixes));
}

#[test]
fn garbage_stands_where_a_file_became_longer_and_nothing_was_written() {
    let (mut disk, file) = with_file("log", b"old ");
    disk.append(file, b"lost").unwrap();
    disk.append(file, b" kept").unwrap();
    let with_hole = |content: &Option<Vec<u8>>| {
        let bytes = content.as_deref().unwrap();
        bytes.len() == 13 && &bytes[8..] == b" kept" && &bytes[4..8] != b"lost"
    };
    let found = all_contents(&disk, "log");
    let holes: Vec<_> = found.into_iter().filter(with_hole).flatten().collect();
    assert_eq!(holes.len(), 2, "{holes:?}");
    assert!(holes.iter().all(|bytes| bytes.starts_with(b"old ")));
    assert_eq!(holes[0][4..8], [0; 4]);
    assert_ne!(holes[1][4..8], [0; 4]);
}

#[test]
fn a_hole_that_was_left_on_purpose_reads_as_zeros() {
    let (mut disk, file) = with_file("data", b"a");
    disk.write_at(file, 5, b"b").unwrap();
    let mut holes = BTreeSet::new();
    for content in all_contents(&disk, "data").into_iter().flatten() {
        let hole: Vec<u8> = content.iter().skip(1).take(4).copied().collect();
        assert!(hole.iter().all(|byte| *byte == 0), "{content:?}");
        holes.insert(hole.len());
    }
    assert_eq!(holes, [0, 4].into());

    let (mut disk, file) = with_file("data", b"a");
    disk.truncate(file, 4).unwrap();
    assert_eq!(all_contents(&disk, "data"), texts(&["a", "a\0\0\0"]));
}

#[test]
fn a_cut_happens_or_does_not() {
    let (mut disk, file) = with_file("log", b"abcdef");
    disk.truncate(file, 2).unwrap();
    disk.append(file, b"X").unwrap();
    let whole = drawn(&disk, CrashPolicy::Reorder, "log");
    assert_eq!(whole, texts(&["abcdef", "ab", "abXdef", "abX"]));
}

#[test]
fn each_name_survives_by_itself() {
    let mut disk = slow_disk(CrashPolicy::Drop);
    add_file(&mut disk, "manifest", b"old");
    add_file(&mut disk, "new", b"new");
    add_file(&mut disk, "gone", b"gone");
    disk.rename("new", "manifest").unwrap();
    disk.remove("gone").unwrap();
    disk.open("made", OpenMode::CreateNew).unwrap();
    let images = CrashImages::of(&disk, disk.now());
    assert_eq!(images.change_count(), 3);
    let mut random = Stream::named(Seed(1), "unused");
    let mut found = BTreeSet::new();
    for state in images.states(100, &mut random) {
        let files = contents(&mut images.image(&state));
        let text = |(name, bytes): (String, Vec<u8>)| {
            format!("{name}={}", String::from_utf8(bytes).unwrap())
        };
        let files: Vec<String> = files.into_iter().map(text).collect();
        found.insert(files.join(" "));
    }
    let mut expected = BTreeSet::new();
    for renamed in ["manifest=new", "manifest=old new=new"] {
        for gone in ["gone=gone ", ""] {
            for made in ["made= ", ""] {
                expected.insert(format!("{gone}{made}{renamed}"));
            }
        }
    }
    assert_eq!(found, expected);
}

#[test]
fn a_file_has_one_name_though_its_first_rename_is_lost() {
    let mut disk = slow_disk(CrashPolicy::Drop);
    add_file(&mut disk, "a", b"x");
    disk.rename("a", "b").unwrap();
    disk.rename("b", "c").unwrap();
    let images = CrashImages::of(&disk, disk.now());
    let mut random = Stream::named(Seed(1), "unused");
    let names: BTreeSet<Vec<String>> = images
        .states(100, &mut random)
        .map(|state| images.image(&state).list().unwrap())
        .collect();
    let one = |name: &str| vec![name.to_owned()];
    assert_eq!(names, [one("a"), one("b"), one("c")].into());
}

#[test]
fn names_and_contents_survive_apart() {
    let mut disk = slow_disk(CrashPolicy::Drop);
    let file = disk.open("log", OpenMode::CreateNew).unwrap();
    disk.append(file, b"x").unwrap();
    let names_only = drawn(&disk, CrashPolicy::NamesOnly, "log");
    assert_eq!(names_only, texts(&[""]));
    let contents_only = drawn(&disk, CrashPolicy::ContentsOnly, "log");
    assert_eq!(contents_only, [None].into());
}

#[test]
fn many_changes_are_sampled_and_few_are_enumerated() {
    let (mut disk, file) = with_file("log", b"");
    for _ in 0..40 {
        disk.append(file, b"record ").unwrap();
    }
    let images = CrashImages::of(&disk, disk.now());
    assert!(images.state_count().is_none_or(|count| count > 1 << 60));
    let mut random = Stream::named(Seed(1), "sample");
    let states: BTreeSet<String> = images
        .states(300, &mut random)
        .map(|state| images.describe(&state))
        .collect();
    // Three of the ten policies have one state each; the others hardly ever repeat themselves.
    assert!(states.len() > 150, "{}", states.len());
    let (nothing, everything) = (
        &images.draw(CrashPolicy::Drop, &mut random),
        &images.draw(CrashPolicy::Keep, &mut random),
    );
    assert!(states.contains(&images.describe(nothing)));
    assert!(states.contains(&images.describe(everything)));
}

#[test]
fn what_the_handler_would_have_done_after_the_crash_survives_in_no_state() {
    let (mut disk, file) = with_file("log", b"");
    disk.begin_handler(disk.now());
    disk.append(file, b"before").unwrap();
    let at = disk.now();
    disk.append(file, b" after").unwrap();
    let images = CrashImages::of(&disk, at);
    let mut random = Stream::named(Seed(1), "unused");
    let mut image = images.image(&images.draw(CrashPolicy::Keep, &mut random));
    assert_eq!(content_of(&mut image, "log").unwrap(), b"before");
}

#[test]
fn a_crash_leaves_the_state_that_seed_name_and_instant_draw() {
    let crashed = |seed, name: &str, other_file: bool| {
        let config = DiskConfig {
            crash: CrashPolicy::TornGarbage,
            ..DiskConfig::instant()
        };
        let mut disk = SimDisk::named(config, Seed(seed), name);
        let file = add_file(&mut disk, "log", b"");
        if other_file {
            let other = add_file(&mut disk, "a", b"");
            disk.append(other, &[1; 10 * SECTOR]).unwrap();
        }
        disk.append(file, &[7; 20 * SECTOR]).unwrap();
        disk.crash(disk.now());
        content_of(&mut disk, "log").unwrap()
    };
    let once = crashed(1, "n1", false);
    assert_eq!(once, crashed(1, "n1", false));
    assert_eq!(once, crashed(1, "n1", true), "another file shifts no draw");
    assert_ne!(once, crashed(2, "n1", false));
    assert_ne!(once, crashed(1, "n2", false));
}

#[test]
fn an_earlier_crash_takes_the_place_of_a_later_one_with_its_own_policy() {
    let (mut disk, file) = with_file("log", b"");
    disk.append(file, b"x").unwrap();
    let mut fork = disk.clone();
    disk.crash(disk.now());
    assert_eq!(content_of(&mut disk, "log").unwrap(), b"");
    fork.crash(fork.now() + Span::from_nanos(5));
    fork.crash(fork.now());
    assert_eq!(content_of(&mut fork, "log").unwrap(), b"");
}

proptest! {
    #![proptest_config(config(300))]

    #[test]
    fn everything_kept_is_what_was_written_and_nothing_kept_what_was_durable(
        steps in prop::collection::vec(any_step(), 1..60),
    ) {
        let mut driver = Driver::new(slow_disk(CrashPolicy::Drop));
        for step in &steps {
            driver.apply(step);
        }
        let mut disk = driver.disk;
        let images = CrashImages::of(&disk, disk.now());
        let mut random = Stream::named(Seed(1), "crash");

        let mut all = images.image(&images.draw(CrashPolicy::Keep, &mut random));
        prop_assert_eq!(contents(&mut all), contents(&mut disk.clone()));

        let mut none = images.image(&images.draw(CrashPolicy::Drop, &mut random));
        disk.crash(disk.now());
        prop_assert_eq!(none.counters().stored_bytes, disk.counters().stored_bytes);
        prop_assert_eq!(contents(&mut none), contents(&mut disk));
    }

    #[test]
    fn every_image_is_a_disk_that_works_and_loses_nothing_more(
        steps in prop::collection::vec(any_step(), 1..40),
        more in prop::collection::vec(any_step(), 1..20),
    ) {
        let mut driver = Driver::new(slow_disk(CrashPolicy::Drop));
        for step in &steps {
            driver.apply(step);
        }
        let images = CrashImages::of(&driver.disk, driver.disk.now());
        let mut random = Stream::named(Seed(1), "crash");
        for state in images.states(12, &mut random.clone()) {
            let mut image = images.image(&state);
            let before = contents(&mut image);
            let stored: usize = before.iter().map(|(_, bytes)| bytes.len()).sum();
            prop_assert_eq!(image.counters().stored_bytes, stored as u64);
            let mut again = image.clone();
            again.crash(again.now());
            prop_assert_eq!(contents(&mut again), before);
            prop_assert_eq!(CrashImages::of(&image, image.now()).change_count(), 0);

            let mut driver = Driver::new(image);
            for step in &more {
                driver.apply(step);
            }
            let images = CrashImages::of(&driver.disk, driver.disk.now());
            let written = contents(&mut driver.disk);
            let mut kept = images.image(&images.draw(CrashPolicy::Keep, &mut random));
            prop_assert_eq!(contents(&mut kept), written);
        }
    }
}
