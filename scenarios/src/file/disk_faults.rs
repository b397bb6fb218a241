//! Reads a `[[fault]]` of a disk.

use seedbed_sim::{
    Chance, CrashPolicy, DiskFault, DiskFaultKind, Fault, FilePattern, SlowOperations,
};

use super::names::Names;
use super::reader::{Table, Value};

/// The longest pattern of file names: no file's name is longer.
const PATTERN_BYTES_MAX: usize = 255;
const ROTTEN_BITS_MAX: u32 = 10_000;
const PERCENT_MAX: u32 = 10_000_000;

/// A kind of fault, by what else must be read of it.
#[derive(Clone, Copy)]
pub(super) enum DiskFaultName {
    CrashState,
    BitRot,
    TruncatedFile,
    DiskFull,
    Slow(SlowOperations),
    Stalled,
    /// A kind that strikes by chance.
    Striking(fn(Chance) -> DiskFaultKind),
}

/// The kinds, by their names in files.
pub(super) const DISK_FAULTS: &[(&str, DiskFaultName)] = &[
    ("disk-crash-state", DiskFaultName::CrashState),
    ("bit-rot", DiskFaultName::BitRot),
    ("truncated-file", DiskFaultName::TruncatedFile),
    (
        "misdirected-write",
        DiskFaultName::Striking(DiskFaultKind::MisdirectedWrites),
    ),
    (
        "lost-write",
        DiskFaultName::Striking(DiskFaultKind::LostWrites),
    ),
    (
        "stale-read",
        DiskFaultName::Striking(DiskFaultKind::StaleReads),
    ),
    ("disk-full", DiskFaultName::DiskFull),
    (
        "read-error",
        DiskFaultName::Striking(DiskFaultKind::ReadErrors),
    ),
    (
        "write-error",
        DiskFaultName::Striking(DiskFaultKind::WriteErrors),
    ),
    (
        "sync-error",
        DiskFaultName::Striking(DiskFaultKind::SyncErrors),
    ),
    (
        "lying-sync",
        DiskFaultName::Striking(DiskFaultKind::LyingSyncs),
    ),
    ("slow-disk", DiskFaultName::Slow(SlowOperations::All)),
    ("slow-sync", DiskFaultName::Slow(SlowOperations::Syncs)),
    ("stalled-disk", DiskFaultName::Stalled),
];

/// Reads what there is to read of this kind.
pub(super) fn read_disk_fault(
    table: &Table<'_>,
    name: DiskFaultName,
    names: &Names,
) -> Option<Fault> {
    // Clients have nothing on a disk.
    let node = table.required("node", "the name of a replica");
    let node = node.and_then(|value| names.replica(&value));
    let kind = read_kind(table, name);
    let files = if kind.is_none_or(|kind| kind.is_about_files()) {
        table.or("files", FilePattern::any(), read_pattern)
    } else {
        FilePattern::any()
    };
    Some(Fault::Disk(DiskFault {
        node: node?,
        files,
        kind: kind?,
    }))
}

fn read_kind(table: &Table<'_>, name: DiskFaultName) -> Option<DiskFaultKind> {
    Some(match name {
        DiskFaultName::CrashState => {
            let policy = table.required("crash", "what a crash leaves, such as \"torn-sectors\"");
            DiskFaultKind::Crashes(policy?.one_of(CrashPolicy::CATALOG)?)
        }
        DiskFaultName::BitRot => DiskFaultKind::BitRot {
            bits: table.or("bits", 1, |value| value.small(1..=ROTTEN_BITS_MAX)),
            offset: table.or("offset", None, |value| {
                value.integer(0..=u64::MAX).map(Some)
            }),
        },
        DiskFaultName::TruncatedFile => {
            let bytes = table.required("bytes", "how many bytes are gone from the end");
            DiskFaultKind::Truncation {
                bytes: bytes?.integer(1..=u64::MAX)?,
            }
        }
        DiskFaultName::DiskFull => DiskFaultKind::Full {
            free_bytes: table.or("free_bytes", 0, |value| value.integer(0..=u64::MAX)),
        },
        DiskFaultName::Slow(operations) => {
            let percent = table.required("percent", "how long it takes: 1000 is ten times as long");
            DiskFaultKind::Slow {
                operations,
                percent: percent?.small(1..=PERCENT_MAX)?,
            }
        }
        DiskFaultName::Stalled => {
            let span = table.required("for", "how long the device answers nothing");
            DiskFaultKind::Stall {
                span: span?.positive_duration()?,
            }
        }
        DiskFaultName::Striking(kind) => kind(Chance {
            per_million: table.or("per_million", 1_000_000, |value| value.small(1..=1_000_000)),
            count_max: table.or("count", None, |value| value.small(1..=u32::MAX).map(Some)),
        }),
    })
}

fn read_pattern(value: &Value<'_>) -> Option<FilePattern> {
    value.sentence(PATTERN_BYTES_MAX).map(FilePattern::new)
}

#[cfg(test)]
mod tests {
    use seedbed_sim::fault::{CATALOG, Group};

    use super::*;

    #[test]
    fn every_fault_of_a_disk_can_be_written_in_a_file() {
        let of_disks = CATALOG.iter().filter(|about| about.group == Group::Disks);
        let known: Vec<&str> = of_disks.map(|about| about.name).collect();
        let here: Vec<&str> = DISK_FAULTS.iter().map(|(name, _)| *name).collect();
        assert_eq!(known, here);
    }
}
