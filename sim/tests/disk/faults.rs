//! Each fault of a disk, forced, with what programs see of it.

use proptest::prelude::*;
use seedbed_sim::{
    Chance, CrashImages, CrashPolicy, Disk, DiskConfig, DiskError, DiskFault, DiskFaultKind,
    FailedSync, FaultId, FileHandle, FilePattern, Instant, NodeId, OpenMode, Seed, SimDisk,
    SlowOperations, Span, Stream, Syncs,
};

use crate::steps::{Driver, Step, any_step, config, contents};

const BLOCK: usize = 4096;
const SECTOR: usize = 512;

fn config_with_latencies() -> DiskConfig {
    DiskConfig {
        read_latency: Span::from_nanos(7),
        write_latency: Span::from_nanos(10),
        sync_latency: Span::from_nanos(100),
        ..DiskConfig::instant()
    }
}

/// A disk with a durable file that holds `content`, open.
fn with_file(name: &str, content: &[u8]) -> (SimDisk, FileHandle) {
    with_file_on(config_with_latencies(), name, content)
}

fn with_file_on(config: DiskConfig, name: &str, content: &[u8]) -> (SimDisk, FileHandle) {
    let mut disk = SimDisk::named(config, Seed(1), "n1");
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

fn begin(disk: &mut SimDisk, number: u32, kind: DiskFaultKind, files: &str) -> FaultId {
    let fault = DiskFault {
        node: NodeId(0),
        files: FilePattern::new(files),
        kind,
    };
    let id = FaultId(number);
    disk.begin_fault(id, &fault, disk.now());
    id
}

fn content_of(disk: &mut SimDisk, name: &str) -> Vec<u8> {
    let found = contents(disk).into_iter().find(|(known, _)| known == name);
    found.expect("the file is there").1
}

fn after_crash(disk: &SimDisk, name: &str) -> Vec<u8> {
    let mut crashed = disk.clone();
    crashed.crash(crashed.now());
    content_of(&mut crashed, name)
}

fn flipped_bits(one: &[u8], other: &[u8]) -> u32 {
    assert_eq!(one.len(), other.len());
    one.iter()
        .zip(other)
        .map(|(a, b)| (a ^ b).count_ones())
        .sum()
}

#[test]
fn bits_rot_in_what_is_durable_and_stay_rotten() {
    let (mut disk, file) = with_file("data", &[7; 10_000]);
    let spared = add_file(&mut disk, "other", &[7; 10_000]);
    let rot = DiskFaultKind::BitRot {
        bits: 3,
        offset: None,
    };
    let id = begin(&mut disk, 1, rot, "data");
    disk.end_fault(id);
    let rotten = content_of(&mut disk, "data");
    assert_eq!(flipped_bits(&rotten, &[7; 10_000]), 3);
    assert_eq!(content_of(&mut disk, "other"), [7; 10_000]);
    disk.append(file, b"more").unwrap();
    disk.append(spared, b"more").unwrap();
    assert_eq!(after_crash(&disk, "data"), rotten);
    disk.write_at(file, 0, &[7; 10_000]).unwrap();
    assert_eq!(content_of(&mut disk, "data")[..10_000], [7; 10_000]);
}

#[test]
fn one_byte_rots_if_it_is_named_also_while_the_node_is_down() {
    let (mut disk, _) = with_file("data", b"abcdef");
    disk.crash(disk.now());
    let rot = DiskFaultKind::BitRot {
        bits: 1,
        offset: Some(2),
    };
    begin(&mut disk, 1, rot, "*");
    let rotten = content_of(&mut disk, "data");
    assert_eq!(flipped_bits(&rotten, b"abcdef"), 1);
    assert_eq!((&rotten[..2], &rotten[3..]), (&b"ab"[..], &b"def"[..]));
}

#[test]
fn two_faults_that_begin_together_flip_bits_of_their_own() {
    let (mut disk, _) = with_file("data", &[0; 10_000]);
    let rot = DiskFaultKind::BitRot {
        bits: 1,
        offset: None,
    };
    begin(&mut disk, 1, rot, "data");
    begin(&mut disk, 2, rot, "data");
    let rotten = content_of(&mut disk, "data");
    assert_eq!(flipped_bits(&rotten, &[0; 10_000]), 2);
}

#[test]
fn a_file_loses_its_end_for_good() {
    let (mut disk, file) = with_file("log", b"durable end");
    begin(&mut disk, 1, DiskFaultKind::Truncation { bytes: 4 }, "log");
    assert_eq!(disk.len(file), Ok(7));
    assert_eq!(disk.counters().stored_bytes, 7);
    disk.append(file, b"!").unwrap();
    assert_eq!(after_crash(&disk, "log"), b"durable");
    disk.sync(file).unwrap();
    assert_eq!(after_crash(&disk, "log"), b"durable!");
}

#[test]
fn damage_to_what_was_not_durable_does_not_make_it_durable() {
    let (mut disk, file) = with_file("log", b"old");
    disk.append(file, b" new").unwrap();
    begin(&mut disk, 1, DiskFaultKind::Truncation { bytes: 2 }, "log");
    assert_eq!(content_of(&mut disk, "log"), b"old n");
    assert_eq!(after_crash(&disk, "log"), b"old");
}

#[test]
fn a_misdirected_write_lands_elsewhere_and_is_reported_as_done() {
    let (mut disk, file) = with_file("data", &[b'.'; 3 * SECTOR]);
    let kind = DiskFaultKind::MisdirectedWrites(Chance::ONCE);
    let id = begin(&mut disk, 1, kind, "data");
    disk.write_at(file, 0, &[b'x'; SECTOR]).unwrap();
    assert_eq!(disk.fault_strikes(id), Some(1));
    let content = content_of(&mut disk, "data");
    assert_eq!(content[..SECTOR], [b'.'; SECTOR], "where it should be");
    let landed = content.iter().position(|byte| *byte == b'x').unwrap();
    assert_eq!(landed % SECTOR, 0);
    assert_eq!(content[landed..landed + SECTOR], [b'x'; SECTOR]);

    disk.write_at(file, 0, b"y").unwrap();
    assert_eq!(content_of(&mut disk, "data")[0], b'y', "it struck once");
}

#[test]
fn a_misdirected_write_may_hit_another_file() {
    let (mut disk, file) = with_file("log", b"");
    add_file(&mut disk, "innocent", &[b'.'; SECTOR]);
    let kind = DiskFaultKind::MisdirectedWrites(Chance::ALWAYS);
    begin(&mut disk, 1, kind, "log");
    assert_eq!(disk.append(file, b"astray"), Ok(0));
    assert_eq!(content_of(&mut disk, "log"), [0; 6]);
    assert_eq!(content_of(&mut disk, "innocent")[..6], *b"astray");
    assert_eq!(disk.counters().stored_bytes, 6 + SECTOR as u64);
}

#[test]
fn a_lost_write_is_reported_as_done_and_lands_nowhere() {
    let (mut disk, file) = with_file("log", b"abc");
    let kind = DiskFaultKind::LostWrites(Chance::ALWAYS);
    let id = begin(&mut disk, 1, kind, "*");
    disk.write_at(file, 1, b"XYZ").unwrap();
    disk.end_fault(id);
    assert_eq!(content_of(&mut disk, "log"), b"abc\0");
}

#[test]
fn a_stale_block_reads_as_it_was_until_the_fault_is_lifted() {
    let (mut disk, file) = with_file("data", &[1; 2 * BLOCK]);
    let kind = DiskFaultKind::StaleReads(Chance::ALWAYS);
    let id = begin(&mut disk, 1, kind, "data");
    disk.write_at(file, 0, &[2; 2 * BLOCK]).unwrap();
    disk.append(file, &[3; 10]).unwrap();
    let mut expected = vec![1; 2 * BLOCK];
    expected.extend([3; 10]);
    assert_eq!(content_of(&mut disk, "data"), expected);
    let mut part = [0; 4];
    disk.read_at(file, BLOCK as u64 - 2, &mut part).unwrap();
    assert_eq!(part, [1; 4]);
    disk.end_fault(id);
    expected[..2 * BLOCK].fill(2);
    assert_eq!(content_of(&mut disk, "data"), expected);
}

#[test]
fn one_chunk_is_stale_and_its_neighbours_are_not() {
    let (mut disk, file) = with_file("data", &[1; 8 * BLOCK]);
    let once = Chance {
        per_million: 300_000,
        count_max: Some(1),
    };
    begin(&mut disk, 1, DiskFaultKind::StaleReads(once), "data");
    disk.write_at(file, 0, &[2; 8 * BLOCK]).unwrap();
    let content = content_of(&mut disk, "data");
    let stale = content
        .chunks(BLOCK)
        .filter(|it| **it == [1; BLOCK])
        .count();
    let fresh = content
        .chunks(BLOCK)
        .filter(|it| **it == [2; BLOCK])
        .count();
    assert_eq!((stale, fresh), (1, 7));
}

#[test]
fn a_disk_that_fills_up_refuses_what_makes_a_file_longer_until_there_is_room() {
    let (mut disk, file) = with_file("log", b"12345");
    let id = begin(&mut disk, 1, DiskFaultKind::Full { free_bytes: 2 }, "*");
    disk.append(file, b"67").unwrap();
    let full = Err(DiskError::Full("log".to_owned()));
    assert_eq!(disk.append(file, b"8"), full);
    disk.write_at(file, 0, b"x").unwrap();
    let more = begin(&mut disk, 2, DiskFaultKind::Full { free_bytes: 9 }, "*");
    assert_eq!(disk.append(file, b"8"), full, "the tightest quota counts");
    disk.end_fault(id);
    assert_eq!(disk.append(file, b"8"), Ok(7));
    disk.end_fault(more);
    assert_eq!(disk.append(file, &[0; 100]), Ok(8));
}

#[test]
fn a_read_fails_as_often_as_the_fault_says() {
    let (mut disk, file) = with_file("data", b"abc");
    let other = add_file(&mut disk, "other", b"abc");
    let kind = DiskFaultKind::ReadErrors(Chance::ONCE);
    begin(&mut disk, 1, kind, "dat*");
    assert_eq!(disk.read_at(other, 0, &mut [0; 3]), Ok(3));
    let failed = disk.read_at(file, 0, &mut [0; 3]);
    assert!(matches!(&failed, Err(DiskError::Read { file, .. }) if file == "data"));
    assert_eq!(disk.read_at(file, 0, &mut [0; 3]), Ok(3));
}

#[test]
fn a_write_fails_and_may_leave_a_prefix() {
    let (mut disk, file) = with_file("log", b"");
    let kind = DiskFaultKind::WriteErrors(Chance::ALWAYS);
    begin(&mut disk, 1, kind, "log");
    let mut lens = std::collections::BTreeSet::new();
    for _ in 0..100 {
        let failed = disk.append(file, b"abc").map(|_| ());
        assert!(matches!(&failed, Err(DiskError::Write { file, .. }) if file == "log"));
        let content = content_of(&mut disk, "log");
        assert!(b"abc".starts_with(&content), "{content:?}");
        lens.insert(content.len());
        disk.truncate(file, 0).unwrap();
    }
    assert_eq!(lens, [0, 1, 2, 3].into());
}

#[test]
fn after_a_failed_sync_what_was_dirty_is_gone_though_a_later_sync_succeeds() {
    let (mut disk, file) = with_file("log", b"one ");
    disk.append(file, b"two ").unwrap();
    let kind = DiskFaultKind::SyncErrors(Chance::ONCE);
    begin(&mut disk, 1, kind, "log");
    let failed = disk.sync(file);
    assert!(matches!(&failed, Err(DiskError::Sync { file, .. }) if file == "log"));
    assert_eq!(
        content_of(&mut disk, "log"),
        b"one two ",
        "it is still read"
    );

    disk.append(file, b"three").unwrap();
    disk.sync(file).unwrap();
    disk.begin_handler(disk.now());
    assert_eq!(after_crash(&disk, "log"), b"one \0\0\0\0three");
    let images = CrashImages::of(&disk, disk.now());
    let mut random = Stream::named(Seed(1), "crash");
    let mut kept = images.image(&images.draw(CrashPolicy::Keep, &mut random));
    assert_eq!(content_of(&mut kept, "log"), b"one \0\0\0\0three");
}

#[test]
fn a_disk_may_stop_showing_what_a_failed_sync_has_lost() {
    let config = DiskConfig {
        failed_sync: FailedSync::Reverts,
        ..config_with_latencies()
    };
    let (mut disk, file) = with_file_on(config, "log", b"one ");
    disk.append(file, b"two ").unwrap();
    begin(&mut disk, 1, DiskFaultKind::SyncErrors(Chance::ONCE), "log");
    disk.sync_later(file).unwrap_err();
    assert_eq!(content_of(&mut disk, "log"), b"one ");
    assert_eq!(disk.counters().stored_bytes, 4);
    assert_eq!(disk.append(file, b"three"), Ok(4));
    disk.sync(file).unwrap();
    assert_eq!(after_crash(&disk, "log"), b"one three");
}

#[test]
fn a_sync_that_was_under_way_when_the_next_one_failed_still_counts() {
    for failed_sync in [FailedSync::StaysVisible, FailedSync::Reverts] {
        let config = DiskConfig {
            failed_sync,
            ..config_with_latencies()
        };
        let (mut disk, file) = with_file_on(config, "log", b"");
        disk.append(file, b"one ").unwrap();
        disk.sync_later(file).unwrap();
        disk.append(file, b"two ").unwrap();
        begin(&mut disk, 1, DiskFaultKind::SyncErrors(Chance::ONCE), "log");
        disk.sync(file).unwrap_err();
        disk.begin_handler(disk.now() + Span::from_nanos(1_000));
        disk.begin_handler(disk.now());
        assert_eq!(after_crash(&disk, "log"), b"one ", "{failed_sync:?}");
    }
}

#[test]
fn a_sync_that_fails_with_nothing_new_takes_nothing_back() {
    for failed_sync in [FailedSync::StaysVisible, FailedSync::Reverts] {
        let config = DiskConfig {
            failed_sync,
            ..config_with_latencies()
        };
        let (mut disk, file) = with_file_on(config, "log", b"one ");
        begin(&mut disk, 1, DiskFaultKind::SyncErrors(Chance::ONCE), "log");
        disk.sync(file).unwrap_err();
        disk.append(file, b"two ").unwrap();
        assert_eq!(after_crash(&disk, "log"), b"one ", "{failed_sync:?}");
        disk.sync(file).unwrap();
        disk.begin_handler(disk.now());
        assert_eq!(after_crash(&disk, "log"), b"one two ", "{failed_sync:?}");
    }
}

#[test]
fn a_failed_sync_of_the_directory_makes_no_name_durable() {
    let mut disk = SimDisk::new(config_with_latencies());
    disk.open("made", OpenMode::CreateNew).unwrap();
    begin(&mut disk, 1, DiskFaultKind::SyncErrors(Chance::ONCE), ".");
    let failed = disk.sync_dir();
    assert!(matches!(&failed, Err(DiskError::Sync { file, .. }) if file == "."));
    let mut crashed = disk.clone();
    crashed.crash(crashed.now());
    assert_eq!(crashed.list().unwrap(), [""; 0]);
}

#[test]
fn a_lying_sync_makes_nothing_durable_and_a_later_honest_one_does() {
    let (mut disk, file) = with_file("log", b"one ");
    disk.append(file, b"two ").unwrap();
    let kind = DiskFaultKind::LyingSyncs(Chance::ALWAYS);
    let id = begin(&mut disk, 1, kind, "*");
    let before = disk.now();
    disk.sync(file).unwrap();
    assert_eq!(
        disk.now(),
        before + Span::from_nanos(100),
        "it takes its time"
    );
    disk.sync_later(file).unwrap();
    disk.begin_handler(disk.now() + Span::from_nanos(1_000));
    disk.begin_handler(disk.now());
    assert_eq!(after_crash(&disk, "log"), b"one ");
    disk.end_fault(id);
    disk.sync(file).unwrap();
    assert_eq!(after_crash(&disk, "log"), b"one two ");
}

#[test]
fn a_disk_that_always_lies_loses_everything_and_the_names_too() {
    let config = DiskConfig {
        syncs: Syncs::Lying,
        ..config_with_latencies()
    };
    let (disk, _) = with_file_on(config, "log", b"acknowledged");
    let mut crashed = disk.clone();
    crashed.crash(crashed.now());
    assert_eq!(crashed.list().unwrap(), [""; 0]);
}

#[test]
fn a_slow_disk_takes_longer_and_slow_syncs_alone_take_longer() {
    let took = |operations: Option<SlowOperations>| {
        let (mut disk, file) = with_file("log", b"x");
        if let Some(operations) = operations {
            let kind = DiskFaultKind::Slow {
                operations,
                percent: 1_000,
            };
            let id = begin(&mut disk, 1, kind, "*");
            begin(&mut disk, 2, kind, "*");
            disk.end_fault(id);
        }
        disk.begin_handler(disk.now());
        disk.append(file, b"y").unwrap();
        let write = disk.spent().time;
        disk.read_at(file, 0, &mut [0]).unwrap();
        let read = disk.spent().time.saturating_sub(write);
        disk.sync(file).unwrap();
        let sync = disk.spent().time.saturating_sub(write + read);
        [write, read, sync].map(Span::as_nanos)
    };
    assert_eq!(took(None), [10, 7, 100]);
    assert_eq!(took(Some(SlowOperations::All)), [100, 70, 1_000]);
    assert_eq!(took(Some(SlowOperations::Syncs)), [10, 7, 1_000]);
}

#[test]
fn a_stalled_device_answers_when_the_stall_is_over() {
    let (mut disk, file) = with_file("log", b"x");
    let span = Span::from_nanos(50_000);
    let since = disk.now();
    let id = begin(&mut disk, 1, DiskFaultKind::Stall { span }, "*");
    let mut reads = disk.clone();
    let mut lifted = disk.clone();
    disk.append(file, b"y").unwrap();
    assert!(disk.now() < since + span, "memory takes writes meanwhile");
    let mut waits = disk.clone();
    disk.sync_later(file).unwrap();
    let mut out = Vec::new();
    disk.take_pending_syncs(&mut out);
    assert_eq!(out[0].1, since + span + Span::from_nanos(100));
    waits.sync(file).unwrap();
    assert_eq!(waits.now(), since + span + Span::from_nanos(100));
    reads.read_at(file, 0, &mut [0]).unwrap();
    assert_eq!(reads.now(), since + span + Span::from_nanos(7));
    lifted.end_fault(id);
    lifted.read_at(file, 0, &mut [0]).unwrap();
    assert_eq!(lifted.now(), since + Span::from_nanos(7));
}

#[test]
fn a_crash_leaves_what_the_fault_says_while_it_holds() {
    let (mut disk, file) = with_file("log", b"");
    disk.append(file, b"written").unwrap();
    let kind = DiskFaultKind::Crashes(CrashPolicy::Keep);
    let id = begin(&mut disk, 1, kind, "*");
    let mut crashed = disk.clone();
    crashed.crash(crashed.now());
    crashed.end_fault(id);
    assert_eq!(content_of(&mut crashed, "log"), b"written", "it held then");
    disk.end_fault(id);
    assert_eq!(after_crash(&disk, "log"), b"");
}

#[test]
fn a_chance_is_drawn_by_seed_node_fault_and_instant() {
    let failures = |seed, name: &str, at: u64, files: &str| {
        let mut disk = SimDisk::named(DiskConfig::instant(), Seed(seed), name);
        let file = add_file(&mut disk, "data", b"x");
        disk.begin_handler(Instant::from_nanos(at));
        let chance = Chance {
            per_million: 300_000,
            count_max: None,
        };
        begin(&mut disk, 1, DiskFaultKind::ReadErrors(chance), files);
        let mut fails = |_| disk.read_at(file, 0, &mut [0]).is_err();
        (0..100).map(&mut fails).collect::<Vec<bool>>()
    };
    let once = failures(1, "n1", 5, "data");
    assert_eq!(once, failures(1, "n1", 5, "data"));
    let count = once.iter().filter(|failed| **failed).count();
    // Five standard deviations of a binomial with 100 trials at 0.3 are 23.
    assert!(count.abs_diff(30) < 23, "{count}");
    assert_ne!(once, failures(2, "n1", 5, "data"));
    assert_ne!(once, failures(1, "n2", 5, "data"));
    assert_ne!(once, failures(1, "n1", 6, "data"));
    assert_ne!(once, failures(1, "n1", 5, "dat*"));
}

#[test]
fn faults_go_on_holding_on_an_empty_disk_that_takes_the_place_of_this_one() {
    let (mut disk, _) = with_file("data", b"x");
    let kind = DiskFaultKind::ReadErrors(Chance::ALWAYS);
    begin(&mut disk, 1, kind, "*");
    disk.wipe();
    let file = disk.open("data", OpenMode::CreateNew).unwrap();
    assert!(disk.read_at(file, 0, &mut [0]).is_err());
}

/// What happens to the disk in one step of the test.
#[derive(Clone, Debug)]
enum Event {
    Step(Step),
    Begin(DiskFaultKind),
    End(u32),
    NextHandler(u64),
    Crash,
}

fn any_kind() -> impl Strategy<Value = DiskFaultKind> {
    let chance = || {
        (0..=1_000_000_u32, prop::option::of(1..4_u32)).prop_map(|(per_million, count_max)| {
            Chance {
                per_million,
                count_max,
            }
        })
    };
    let policies: Vec<CrashPolicy> = CrashPolicy::CATALOG.iter().map(|it| it.1).collect();
    let of_chance = prop::sample::select(vec![
        DiskFaultKind::MisdirectedWrites as fn(Chance) -> DiskFaultKind,
        DiskFaultKind::LostWrites,
        DiskFaultKind::StaleReads,
        DiskFaultKind::ReadErrors,
        DiskFaultKind::WriteErrors,
        DiskFaultKind::SyncErrors,
        DiskFaultKind::LyingSyncs,
    ]);
    prop_oneof![
        7 => (of_chance, chance()).prop_map(|(kind, chance)| kind(chance)),
        1 => prop::sample::select(policies).prop_map(DiskFaultKind::Crashes),
        1 => (1..9_u32, prop::option::of(0..50_u64))
            .prop_map(|(bits, offset)| DiskFaultKind::BitRot { bits, offset }),
        1 => (0..6_000_u64).prop_map(|bytes| DiskFaultKind::Truncation { bytes }),
        1 => (0..9_000_u64).prop_map(|free_bytes| DiskFaultKind::Full { free_bytes }),
        1 => (0..300_u64).prop_map(|n| DiskFaultKind::Stall { span: Span::from_nanos(n) }),
    ]
}

fn any_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        12 => any_step().prop_map(Event::Step),
        2 => any_kind().prop_map(Event::Begin),
        1 => (0..8_u32).prop_map(Event::End),
        2 => (0..300_u64).prop_map(Event::NextHandler),
        1 => Just(Event::Crash),
    ]
}

proptest! {
    #![proptest_config(config(300))]

    /// Nothing panics, the books of space are right, and the same again is the same.
    #[test]
    fn a_disk_in_any_trouble_keeps_its_books(
        reverts in any::<bool>(),
        events in prop::collection::vec(any_event(), 1..80),
    ) {
        let failed_sync = if reverts { FailedSync::Reverts } else { FailedSync::StaysVisible };
        let config = DiskConfig { failed_sync, ..config_with_latencies() };
        let run = || {
            let mut driver = Driver::new(SimDisk::named(config, Seed(1), "n1"));
            let mut answers = Vec::new();
            for (number, event) in (0..).zip(&events) {
                let disk = &mut driver.disk;
                match event {
                    Event::Step(step) => answers.push(driver.apply(step)),
                    Event::Begin(kind) => {
                        begin(disk, number % 8, *kind, "*");
                    }
                    Event::End(number) => disk.end_fault(FaultId(*number)),
                    Event::NextHandler(gap) => {
                        disk.begin_handler(disk.now() + Span::from_nanos(*gap));
                    }
                    Event::Crash => disk.crash(disk.now()),
                }
            }
            let mut disk = driver.disk;
            disk.crash(disk.now());
            for number in 0..8 {
                disk.end_fault(FaultId(number));
            }
            // Damage that is due is done first.
            disk.list().unwrap();
            let stored = disk.counters().stored_bytes;
            (contents(&mut disk), stored, answers)
        };
        let (files, stored, answers) = run();
        let bytes: usize = files.iter().map(|(_, bytes)| bytes.len()).sum();
        prop_assert_eq!(stored, bytes as u64);
        prop_assert_eq!((files, stored, answers), run());
    }
}
