//! The disks of replicas and their faults, as files say them.

use seedbed_sim::{
    Chance, CrashPolicy, DiskFault, DiskFaultKind, FailedSync, Fault, FilePattern, NodeId,
    SlowOperations, Span, Syncs,
};

use super::{SMALL, read, small_with, told};
use crate::file::write;

fn with_faults(faults: &str) -> String {
    format!("{SMALL}\n{faults}")
}

/// The faults of a file, which is the same when it is written and read again.
fn faults_of(text: &str) -> Vec<DiskFault> {
    let scenario = read(text);
    let written = write(&scenario);
    assert_eq!(read(&written), scenario, "{written}");
    let faults = scenario.faults.iter().flat_map(|timed| &timed.faults);
    faults
        .filter_map(|fault| match fault {
            Fault::Disk(fault) => Some(fault.clone()),
            _ => None,
        })
        .collect()
}

#[test]
fn every_kind_of_fault_of_a_disk_is_read_and_written() {
    let mut text = String::new();
    let lines = [
        "kind = \"disk-crash-state\"\ncrash = \"torn-garbage\"",
        "kind = \"bit-rot\"\nfiles = \"*.log\"\nbits = 3\noffset = 100",
        "kind = \"bit-rot\"",
        "kind = \"truncated-file\"\nbytes = 7",
        "kind = \"misdirected-write\"",
        "kind = \"lost-write\"\ncount = 2",
        "kind = \"stale-read\"\nper_million = 1000",
        "kind = \"disk-full\"\nfree_bytes = 4096",
        "kind = \"read-error\"\nfiles = \"engine.log\"\nper_million = 5\ncount = 1",
        "kind = \"write-error\"",
        "kind = \"sync-error\"",
        "kind = \"lying-sync\"",
        "kind = \"slow-disk\"\npercent = 1000",
        "kind = \"slow-sync\"\npercent = 50",
        "kind = \"stalled-disk\"\nfor = \"5s\"",
    ];
    for line in lines {
        text += &format!("\n[[fault]]\nat = \"100ms\"\nnode = \"f1\"\n{line}\n");
    }
    let chance = |per_million, count_max| Chance {
        per_million,
        count_max,
    };
    let expected = [
        ("*", DiskFaultKind::Crashes(CrashPolicy::TornGarbage)),
        (
            "*.log",
            DiskFaultKind::BitRot {
                bits: 3,
                offset: Some(100),
            },
        ),
        (
            "*",
            DiskFaultKind::BitRot {
                bits: 1,
                offset: None,
            },
        ),
        ("*", DiskFaultKind::Truncation { bytes: 7 }),
        ("*", DiskFaultKind::MisdirectedWrites(Chance::ALWAYS)),
        ("*", DiskFaultKind::LostWrites(chance(1_000_000, Some(2)))),
        ("*", DiskFaultKind::StaleReads(chance(1_000, None))),
        ("*", DiskFaultKind::Full { free_bytes: 4_096 }),
        ("engine.log", DiskFaultKind::ReadErrors(chance(5, Some(1)))),
        ("*", DiskFaultKind::WriteErrors(Chance::ALWAYS)),
        ("*", DiskFaultKind::SyncErrors(Chance::ALWAYS)),
        ("*", DiskFaultKind::LyingSyncs(Chance::ALWAYS)),
        (
            "*",
            DiskFaultKind::Slow {
                operations: SlowOperations::All,
                percent: 1_000,
            },
        ),
        (
            "*",
            DiskFaultKind::Slow {
                operations: SlowOperations::Syncs,
                percent: 50,
            },
        ),
        (
            "*",
            DiskFaultKind::Stall {
                span: Span::from_secs(5),
            },
        ),
    ];
    let expected = expected.map(|(files, kind)| DiskFault {
        node: NodeId(1),
        files: FilePattern::new(files),
        kind,
    });
    assert_eq!(faults_of(&with_faults(&text)), expected);
}

#[test]
fn a_disk_says_what_it_is_like() {
    let text = small_with(
        "name = \"f1\"",
        "name = \"f1\"\ndisk = { sync = \"1ms\", capacity_bytes = 65536, crash = \"drawn\", \
         syncs = \"lying\", failed_sync = \"reverts\" }",
    );
    let scenario = read(&text);
    assert_eq!(read(&write(&scenario)), scenario);
    let disk = scenario.replicas[1].disk;
    assert_eq!(disk.sync_latency, Span::from_millis(1));
    assert_eq!(disk.capacity_bytes, Some(65_536));
    assert_eq!(disk.crash, CrashPolicy::Drawn);
    assert_eq!(disk.syncs, Syncs::Lying);
    assert_eq!(disk.failed_sync, FailedSync::Reverts);
    assert_eq!(scenario.replicas[0].disk.crash, CrashPolicy::Drop);
}

#[test]
fn mistakes_about_disks_are_told_in_their_places() {
    let text = with_faults(
        "\n[[fault]]\nat = \"1ms\"\nkind = \"bit-rot\"\nnode = \"phone\"\nbites = 3\n\
         \n[[fault]]\nat = \"1ms\"\nkind = \"slow-disk\"\nnode = \"f1\"\nfiles = \"*\"\n\
         \n[[fault]]\nat = \"1ms\"\nkind = \"disk-crash-state\"\nnode = \"f1\"\ncrash = \"torn\"\n\
         \n[[fault]]\nat = \"1ms\"\nkind = \"sync-error\"\nnode = \"f1\"\ncount = 0\n",
    );
    insta::assert_snapshot!(told(&text), @r#"
    small.toml:59:8: error: `node` is `phone`, which is a client
       |
    59 | node = "phone"
       |        ^^^^^^^ expected a replica: `f1` or `l`

    small.toml:60:1: error: a fault has no field `bites`
       |
    60 | bites = 3
       | ^^^^^ expected `at`, `until`, `kind`, `node`, `bits`, `offset` or `files`
       |
       = help: did you mean `bits`?

    small.toml:62:1: error: a fault lacks the field `percent`
       |
    62 | [[fault]]
       | ^^^^^^^^^ expected `percent`, how long it takes: 1000 is ten times as long

    small.toml:72:9: error: `crash` is `torn`, which is unknown
       |
    72 | crash = "torn"
       |         ^^^^^^ expected `drop`, `keep`, `prefix`, `reorder`, `torn-sectors`, `torn-garbage`, `torn-bytes`, `names-only`, `contents-only` or `drawn`

    small.toml:78:9: error: `count` is 0
       |
    78 | count = 0
       |         ^ expected a whole number from 1 to 4294967295
    "#);
}
