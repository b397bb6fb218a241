//! What survives a crash of the simulated disk, rule by rule.

use seedbed_sim::{Disk, DiskConfig, DiskError, FileHandle, Instant, OpenMode, SimDisk, Span};

/// Latencies that are easy to add up, in nanoseconds: a write takes 10, a sync 100.
fn slow_disk() -> SimDisk {
    SimDisk::new(DiskConfig {
        write_latency: Span::from_nanos(10),
        sync_latency: Span::from_nanos(100),
        ..DiskConfig::instant()
    })
}

fn nanos(nanos: u64) -> Instant {
    Instant::from_nanos(nanos)
}

fn open(disk: &mut dyn Disk, name: &str) -> FileHandle {
    disk.open(name, OpenMode::OpenOrCreate)
        .expect("opening a file")
}

/// A disk with a durable, empty file, open.
fn disk_with_file(name: &str) -> (SimDisk, FileHandle) {
    let mut disk = slow_disk();
    let file = open(&mut disk, name);
    disk.sync_dir().expect("syncing the directory");
    (disk, file)
}

fn content(disk: &mut dyn Disk, name: &str) -> Option<String> {
    let file = disk.open(name, OpenMode::Existing).ok()?;
    let len = disk.len(file).expect("a length");
    let mut bytes = vec![0; usize::try_from(len).expect("a short file")];
    let count = disk.read_at(file, 0, &mut bytes).expect("reading");
    assert_eq!(count, bytes.len());
    disk.close(file).expect("closing");
    Some(String::from_utf8(bytes).expect("text"))
}

fn names(disk: &mut dyn Disk) -> Vec<String> {
    disk.list().expect("listing")
}

#[test]
fn what_was_not_synced_is_lost() {
    let (mut disk, file) = disk_with_file("log");
    disk.append(file, b"kept").unwrap();
    disk.sync(file).unwrap();
    disk.append(file, b" lost").unwrap();
    disk.write_at(file, 0, b"LOST").unwrap();
    disk.truncate(file, 2).unwrap();
    assert_eq!(content(&mut disk, "log").as_deref(), Some("LO"));
    disk.crash(disk.now());
    assert_eq!(content(&mut disk, "log").as_deref(), Some("kept"));
}

#[test]
fn a_sync_is_durable_at_its_completion_and_not_before() {
    let (mut disk, file) = disk_with_file("log");
    disk.begin_handler(nanos(1_000));
    disk.append(file, b"x").unwrap();
    disk.sync(file).unwrap();
    assert_eq!(disk.spent().time, Span::from_nanos(110));

    let mut early = disk.clone();
    early.crash(nanos(1_109));
    assert_eq!(content(&mut early, "log").as_deref(), Some(""));
    disk.crash(nanos(1_110));
    assert_eq!(content(&mut disk, "log").as_deref(), Some("x"));
}

#[test]
fn what_a_handler_writes_after_the_instant_of_the_crash_never_happened() {
    let (mut disk, file) = disk_with_file("log");
    disk.begin_handler(nanos(1_000));
    disk.append(file, b"a").unwrap();
    disk.sync(file).unwrap();
    disk.append(file, b"b").unwrap();
    disk.sync(file).unwrap();
    assert_eq!(disk.now(), nanos(1_220));
    disk.crash(nanos(1_150));
    assert_eq!(content(&mut disk, "log").as_deref(), Some("a"));
}

#[test]
fn of_two_crashes_the_earlier_one_counts() {
    let (mut disk, file) = disk_with_file("log");
    disk.begin_handler(nanos(1_000));
    disk.append(file, b"a").unwrap();
    disk.sync(file).unwrap();
    disk.arm_crash(3);
    assert_eq!(disk.append(file, b"b"), Err(DiskError::Killed));
    disk.crash(nanos(1_110));
    disk.crash(nanos(1_050));
    disk.crash(nanos(1_200));
    disk.begin_handler(nanos(1_060));
    assert_eq!(content(&mut disk, "log").as_deref(), Some(""));
}

#[test]
fn a_disk_can_be_armed_between_a_crash_and_the_next_life() {
    let (mut disk, _) = disk_with_file("log");
    disk.crash(disk.now());
    disk.arm_crash(1);
    disk.begin_handler(disk.now());
    assert_eq!(disk.list(), Err(DiskError::Killed));
}

#[test]
fn a_sync_covers_what_was_written_before_it_and_no_more() {
    let (mut disk, file) = disk_with_file("log");
    disk.append(file, b"before").unwrap();
    disk.sync_later(file).unwrap();
    disk.write_at(file, 0, b"AFTER!!").unwrap();
    disk.crash(disk.now() + Span::from_nanos(100));
    assert_eq!(content(&mut disk, "log").as_deref(), Some("before"));
}

#[test]
fn a_crash_in_the_service_time_comes_before_a_sync_that_completes_in_it() {
    let (mut disk, file) = disk_with_file("log");
    disk.append(file, b"x").unwrap();
    disk.sync_later(file).unwrap();
    let mut out = Vec::new();
    disk.take_pending_syncs(&mut out);
    let (_, completes_at) = out[0];
    disk.begin_handler(completes_at + Span::from_nanos(50));
    disk.crash(completes_at - Span::from_nanos(1));
    assert_eq!(content(&mut disk, "log").as_deref(), Some(""));
}

#[test]
fn two_syncs_queue_at_the_device() {
    let mut disk = slow_disk();
    let one = open(&mut disk, "one");
    let two = open(&mut disk, "two");
    disk.sync_dir().unwrap();
    disk.begin_handler(nanos(1_000));
    disk.append(one, b"1").unwrap();
    disk.append(two, b"2").unwrap();
    let first = disk.sync_later(one).unwrap();
    let second = disk.sync_later(two).unwrap();
    assert_eq!(disk.spent().time, Span::from_nanos(20));
    let mut out = Vec::new();
    disk.take_pending_syncs(&mut out);
    assert_eq!(out, [(first, nanos(1_120)), (second, nanos(1_220))]);
    disk.take_pending_syncs(&mut out);
    assert_eq!(out.len(), 2, "each is told once");

    let mut waiting = disk.clone();
    waiting.sync(one).unwrap();
    assert_eq!(waiting.now(), nanos(1_320), "a sync waits for its turn too");

    disk.crash(nanos(1_219));
    assert_eq!(content(&mut disk, "one").as_deref(), Some("1"));
    assert_eq!(content(&mut disk, "two").as_deref(), Some(""));
}

#[test]
fn a_sync_has_to_bring_each_byte_to_the_device_once() {
    let mut disk = SimDisk::new(DiskConfig {
        sync_latency: Span::from_nanos(100),
        sync_per_kib: Span::from_nanos(8),
        ..DiskConfig::instant()
    });
    let file = open(&mut disk, "log");
    disk.append(file, &[0; 4096]).unwrap();
    disk.sync(file).unwrap();
    assert_eq!(disk.now(), nanos(132));
    disk.sync(file).unwrap();
    assert_eq!(disk.now(), nanos(232));
}

#[test]
fn a_created_file_without_a_sync_of_the_directory_vanishes() {
    let mut disk = slow_disk();
    let file = open(&mut disk, "log");
    disk.append(file, b"synced").unwrap();
    disk.sync(file).unwrap();
    disk.crash(disk.now());
    assert_eq!(names(&mut disk), [""; 0]);
    assert_eq!(disk.counters().stored_bytes, 0);
}

#[test]
fn a_removed_file_comes_back_unless_the_directory_is_synced() {
    let (mut disk, file) = disk_with_file("log");
    disk.append(file, b"x").unwrap();
    disk.sync(file).unwrap();
    disk.close(file).unwrap();
    disk.remove("log").unwrap();
    assert_eq!(names(&mut disk), [""; 0]);
    assert_eq!(disk.counters().stored_bytes, 0);

    let mut synced = disk.clone();
    synced.sync_dir().unwrap();
    synced.crash(synced.now());
    assert_eq!(content(&mut synced, "log"), None);

    disk.crash(disk.now());
    assert_eq!(content(&mut disk, "log").as_deref(), Some("x"));
    assert_eq!(disk.counters().stored_bytes, 1);
}

#[test]
fn a_rename_without_a_sync_of_the_directory_is_undone() {
    let (mut disk, old) = disk_with_file("manifest");
    disk.append(old, b"old").unwrap();
    disk.sync(old).unwrap();
    let new = open(&mut disk, "manifest.new");
    disk.append(new, b"new").unwrap();
    disk.sync(new).unwrap();
    disk.sync_dir().unwrap();
    disk.rename("manifest.new", "manifest").unwrap();
    assert_eq!(content(&mut disk, "manifest").as_deref(), Some("new"));

    let mut synced = disk.clone();
    synced.sync_dir().unwrap();
    synced.crash(synced.now());
    assert_eq!(names(&mut synced), ["manifest"]);
    assert_eq!(content(&mut synced, "manifest").as_deref(), Some("new"));

    disk.crash(disk.now());
    assert_eq!(names(&mut disk), ["manifest", "manifest.new"]);
    assert_eq!(content(&mut disk, "manifest").as_deref(), Some("old"));
    assert_eq!(content(&mut disk, "manifest.new").as_deref(), Some("new"));
}

#[test]
fn a_durable_rename_does_not_make_the_content_durable() {
    let (mut disk, file) = disk_with_file("new");
    disk.append(file, b"never synced").unwrap();
    disk.rename("new", "current").unwrap();
    disk.sync_dir().unwrap();
    disk.crash(disk.now());
    assert_eq!(content(&mut disk, "current").as_deref(), Some(""));
}

#[test]
fn a_sync_of_the_directory_in_progress_at_the_crash_does_not_count() {
    let mut disk = slow_disk();
    open(&mut disk, "log");
    disk.sync_dir().unwrap();
    disk.crash(disk.now() - Span::from_nanos(1));
    assert_eq!(names(&mut disk), [""; 0]);
}

#[test]
fn a_node_is_killed_in_the_operation_it_was_armed_for() {
    let (mut disk, file) = disk_with_file("log");
    disk.append(file, b"1").unwrap();
    disk.sync(file).unwrap();
    disk.arm_crash(3);
    disk.begin_handler(disk.now());
    disk.append(file, b"2").unwrap();
    disk.sync(file).unwrap();
    assert_eq!(disk.killed_at(), None);
    assert_eq!(disk.append(file, b"3"), Err(DiskError::Killed));
    assert_eq!(disk.killed_at(), Some(3));
    assert_eq!(disk.spent().operations, 3);
    assert_eq!(disk.sync(file), Err(DiskError::Killed));
    assert_eq!(disk.killed_at(), Some(3));
    disk.crash(disk.now());
    assert_eq!(disk.killed_at(), None);
    assert_eq!(content(&mut disk, "log").as_deref(), Some("12"));
}

#[test]
fn a_node_stays_armed_until_a_handler_gets_that_far() {
    let (mut disk, file) = disk_with_file("log");
    disk.arm_crash(2);
    for _ in 0..3 {
        disk.begin_handler(disk.now());
        disk.append(file, b"1").unwrap();
    }
    let mut spared = disk.clone();
    spared.disarm_crash();
    spared.append(file, b"2").unwrap();
    assert_eq!(disk.append(file, b"2"), Err(DiskError::Killed));
}

#[test]
fn a_crash_closes_every_handle_and_forgets_tickets() {
    let (mut disk, file) = disk_with_file("log");
    disk.sync_later(file).unwrap();
    disk.crash(disk.now());
    assert!(matches!(disk.len(file), Err(DiskError::NotFound(_))));
    let again = open(&mut disk, "log");
    assert_ne!(
        file, again,
        "a handle of the last life is not good in this one"
    );
    let mut out = Vec::new();
    disk.take_pending_syncs(&mut out);
    assert_eq!(out, []);
}

#[test]
fn forks_do_not_see_each_other() {
    let (mut disk, file) = disk_with_file("log");
    disk.append(file, &[b'a'; 10_000]).unwrap();
    disk.sync(file).unwrap();
    let mut fork = disk.clone();
    disk.write_at(file, 5_000, b"left").unwrap();
    fork.append(file, b"right").unwrap();
    fork.remove("log").unwrap();
    let left = content(&mut disk, "log").unwrap();
    assert_eq!((left.len(), &left[5_000..5_004]), (10_000, "left"));
    assert_eq!(names(&mut fork), [""; 0]);
    let mut right = [0; 5];
    fork.read_at(file, 10_000, &mut right).unwrap();
    assert_eq!(&right, b"right");
    fork.crash(fork.now());
    assert_eq!(content(&mut fork, "log"), Some("a".repeat(10_000)));
}

#[test]
fn a_full_disk_refuses_and_leaves_the_file_as_it_was() {
    let mut disk = SimDisk::new(DiskConfig {
        capacity_bytes: Some(10),
        ..DiskConfig::instant()
    });
    let file = open(&mut disk, "log");
    disk.append(file, b"12345678").unwrap();
    let full = Err(DiskError::Full("log".into()));
    assert_eq!(disk.append(file, b"abc").map(|_| ()), full);
    assert_eq!(disk.write_at(file, 7, b"abcd"), full);
    assert_eq!(disk.truncate(file, 11), full);
    assert_eq!(content(&mut disk, "log").as_deref(), Some("12345678"));
    disk.write_at(file, 6, b"abcd").unwrap();
    assert_eq!(content(&mut disk, "log").as_deref(), Some("123456abcd"));
    assert_eq!(disk.counters().stored_bytes, 10);
}

#[test]
fn a_removed_file_takes_space_until_its_last_handle_is_closed() {
    let mut disk = SimDisk::new(DiskConfig {
        capacity_bytes: Some(10),
        ..DiskConfig::instant()
    });
    let old = open(&mut disk, "old");
    disk.append(old, b"12345678").unwrap();
    disk.remove("old").unwrap();
    let new = open(&mut disk, "new");
    assert_eq!(disk.append(new, b"abc"), Err(DiskError::Full("new".into())));
    disk.close(old).unwrap();
    assert_eq!(disk.append(new, b"abc"), Ok(0));
    assert_eq!(disk.counters().stored_bytes, 3);
}

#[test]
fn a_file_that_is_too_long_is_refused_before_memory_is_taken() {
    let (mut disk, file) = disk_with_file("log");
    for offset in [1 << 40, u64::MAX - 1, u64::MAX] {
        let refused = disk.write_at(file, offset, b"xyz");
        assert!(
            matches!(refused, Err(DiskError::Write { .. })),
            "{refused:?}"
        );
    }
    assert_eq!(disk.len(file), Ok(0));
}

#[test]
fn a_file_nobody_syncs_is_written_back_in_the_end() {
    let mut disk = SimDisk::new(DiskConfig {
        sync_latency: Span::from_nanos(100),
        writeback_bytes: 4,
        ..DiskConfig::instant()
    });
    let file = open(&mut disk, "log");
    disk.sync_dir().unwrap();
    disk.begin_handler(nanos(1_000));
    for byte in [b"1", b"2", b"3", b"4", b"5"] {
        disk.append(file, byte).unwrap();
    }
    let mut early = disk.clone();
    early.crash(nanos(1_099));
    assert_eq!(content(&mut early, "log").as_deref(), Some(""));
    disk.crash(nanos(1_100));
    assert_eq!(content(&mut disk, "log").as_deref(), Some("1234"));
    assert_eq!(disk.counters().syncs, 0, "nobody asked for a sync");
}

#[test]
fn a_wiped_disk_is_empty_and_does_not_reuse_tickets() {
    let (mut disk, file) = disk_with_file("log");
    disk.append(file, b"x").unwrap();
    disk.sync(file).unwrap();
    let before = disk.sync_later(file).unwrap();
    disk.wipe();
    assert_eq!(names(&mut disk), [""; 0]);
    assert_eq!(disk.counters().written_bytes, 0);
    let file = open(&mut disk, "log");
    assert!(disk.sync_later(file).unwrap() > before);
}

#[test]
#[should_panic(expected = "before the last one is done")]
fn a_handler_that_begins_inside_another_is_a_bug_of_the_host() {
    let (mut disk, file) = disk_with_file("log");
    disk.begin_handler(nanos(1_000));
    disk.append(file, b"x").unwrap();
    disk.begin_handler(nanos(1_009));
}

#[test]
#[should_panic(expected = "were settled")]
fn a_crash_before_what_is_settled_is_a_bug_of_the_host() {
    let (mut disk, _) = disk_with_file("log");
    disk.begin_handler(nanos(1_000));
    disk.begin_handler(nanos(2_000));
    disk.crash(nanos(999));
}
