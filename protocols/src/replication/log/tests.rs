use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;
use seedbed_sim::{DiskConfig, NodeId, SimDisk, Span, SyncTicket};

use super::*;
use crate::storage::Change;

fn proposal(number: u64, value_bytes: usize) -> Arc<Proposal> {
    let call = Call { session: 1, number };
    let origin = Origin {
        client: NodeId(7),
        call,
    };
    let key = Bytes::from(format!("uk{number}"));
    let change = match number % 5 {
        0 => Change::Delete(key),
        3 => Change::DeleteRange {
            from: key,
            to: number.is_multiple_of(2).then(|| Bytes::from_static(b"v")),
        },
        _ => Change::Put(key, vec![b'v'; value_bytes].into()),
    };
    Arc::new(Proposal { origin, change })
}

fn entry(index: u64, epoch: u64) -> Entry {
    Entry {
        index: LogIndex(index),
        epoch: Epoch(epoch),
        proposal: proposal(index, 30),
    }
}

fn entries(range: std::ops::RangeInclusive<u64>) -> Entries {
    Entries::new(range.map(|index| entry(index, 1)).collect())
}

fn disk() -> SimDisk {
    SimDisk::new(DiskConfig {
        sync_latency: Span::from_millis(1),
        ..DiskConfig::instant()
    })
}

fn opened(disk: &mut SimDisk) -> ReplicatedLog {
    ReplicatedLog::open(disk).expect("a log that can be read").0
}

/// The ticket of the sync that was begun last.
fn ticket(disk: &mut SimDisk) -> SyncTicket {
    let mut syncs = Vec::new();
    disk.take_pending_syncs(&mut syncs);
    syncs.last().expect("a sync was begun").0
}

fn sync(log: &mut ReplicatedLog, disk: &mut SimDisk) {
    log.begin_sync(disk).unwrap();
    let ticket = ticket(disk);
    assert!(log.on_synced(ticket));
}

/// What the file holds.
fn all(log: &mut ReplicatedLog, disk: &mut SimDisk) -> Vec<Entry> {
    let mut found = Vec::new();
    log.walk(disk, LogIndex(1), |entry| {
        found.push(entry);
        ControlFlow::Continue(())
    })
    .unwrap();
    found
}

#[test]
fn what_comes_while_a_sync_is_under_way_goes_with_the_next() {
    let mut disk = disk();
    let mut log = opened(&mut disk);
    log.append(&mut disk, Epoch(1), proposal(1, 5)).unwrap();
    log.begin_sync(&mut disk).unwrap();
    let first = ticket(&mut disk);
    log.append(&mut disk, Epoch(1), proposal(2, 5)).unwrap();
    log.append(&mut disk, Epoch(1), proposal(3, 5)).unwrap();
    log.begin_sync(&mut disk).unwrap();
    let mut more = Vec::new();
    disk.take_pending_syncs(&mut more);
    assert_eq!(more, [], "a second sync beside the first");

    assert!(!log.on_synced(SyncTicket(99)), "a sync of another file");
    assert_eq!(log.durable(), LogIndex(0));
    assert!(log.on_synced(first));
    assert_eq!((log.durable(), log.written()), (LogIndex(1), LogIndex(3)));
    sync(&mut log, &mut disk);
    assert_eq!(log.durable(), LogIndex(3));
}

#[test]
fn what_is_no_longer_in_memory_is_read_from_the_file() {
    let mut disk = disk();
    let mut log = opened(&mut disk);
    let count = 3 * RECENT.entries;
    for index in 1..=count {
        log.append(&mut disk, Epoch(1), proposal(index, 30))
            .unwrap();
        if index.is_multiple_of(7) || index == count {
            sync(&mut log, &mut disk);
            log.forget_applied(log.durable());
        }
    }
    let in_memory = log.recent.read(LogIndex(count), Limit::NONE);
    assert!(in_memory.is_some(), "the last entry is in memory");
    let in_memory = log.recent.read(LogIndex(1), Limit::NONE);
    assert_eq!(in_memory, None, "the first is not");

    let model: Vec<Entry> = (1..=count).map(|index| entry(index, 1)).collect();
    for (first, limit) in [(1, 1), (1, 1000), (100, 5), (count - 3, 100), (count, 1)] {
        let limit = Limit {
            entries: limit,
            bytes: u64::MAX,
        };
        let read = log.read(&mut disk, LogIndex(first), limit).unwrap();
        let from = first as usize - 1;
        let to = (from + limit.entries as usize).min(model.len());
        assert_eq!(read.as_slice(), &model[from..to]);
    }
    let bytes = Limit {
        entries: 100,
        bytes: 200,
    };
    let read = log.read(&mut disk, LogIndex(1), bytes).unwrap();
    assert!(read.len() > 1 && read.size_bytes() <= 200, "{read:?}");
}

#[test]
fn reading_stops_at_what_is_durable() {
    let mut disk = disk();
    let mut log = opened(&mut disk);
    log.append_all(&mut disk, entries(1..=4)).unwrap();
    log.begin_sync(&mut disk).unwrap();
    log.append_all(&mut disk, entries(5..=9)).unwrap();
    let ticket = ticket(&mut disk);
    assert!(log.on_synced(ticket));
    let read = log.read(&mut disk, LogIndex(2), Limit::NONE).unwrap();
    assert_eq!(read, entries(2..=4));
}

#[test]
#[should_panic(expected = "appended where the log ends")]
fn a_gap_is_never_written() {
    let mut disk = disk();
    let mut log = opened(&mut disk);
    log.append_all(&mut disk, entries(1..=2)).unwrap();
    log.append_all(&mut disk, entries(4..=5)).unwrap();
}

/// Opens a log whose file holds these entries, one frame each.
fn open_with(entries: &[Entry]) -> Result<ReplicatedLog, EngineError> {
    let mut disk = disk();
    let mut ignore = |_, _: &[u8]| Ok(());
    let (mut frames, _) = FrameLog::open(
        &mut disk,
        FILE_NAME,
        &FILE_KIND,
        OnCorruption::Refuse,
        &mut ignore,
    )?;
    for entry in entries {
        frames.append_with(&mut disk, |out| codec::encode(entry, out))?;
    }
    frames.sync(&mut disk)?;
    Ok(ReplicatedLog::open(&mut disk)?.0)
}

#[test]
fn a_file_whose_entries_are_out_of_order_is_refused() {
    assert!(open_with(&[entry(1, 1), entry(2, 2), entry(3, 2)]).is_ok());
    let gap = open_with(&[entry(1, 1), entry(3, 1)]).unwrap_err();
    assert!(matches!(gap, EngineError::Corrupt { .. }), "{gap}");
    let twice = open_with(&[entry(1, 1), entry(1, 1)]).unwrap_err();
    assert!(matches!(twice, EngineError::Corrupt { .. }), "{twice}");
    let back = open_with(&[entry(1, 2), entry(2, 1)]).unwrap_err();
    assert!(matches!(back, EngineError::Corrupt { .. }), "{back}");
}

#[test]
fn a_part_shares_the_entries_and_keeps_to_its_limit() {
    let batch = entries(11..=20);
    let limit = |entries, bytes| Limit { entries, bytes };
    let part = batch.part(LogIndex(13), limit(4, u64::MAX));
    assert_eq!(part, entries(13..=16));
    assert_eq!((part.first(), part.last()), (LogIndex(13), LogIndex(16)));
    let sum: u64 = part
        .as_slice()
        .iter()
        .map(|entry| u64::from(entry.size_bytes()))
        .sum();
    assert_eq!(part.size_bytes(), sum);
    // One entry goes through every limit.
    assert_eq!(batch.part(LogIndex(20), limit(0, 0)), entries(20..=20));
    assert_eq!(
        part.part(LogIndex(15), Limit::NONE),
        entries(15..=16),
        "a part of a part ends where that does"
    );
}

proptest! {
    /// Whatever is written, in whatever batches, is read back after a crash as far as it was durable.
    #[test]
    fn a_log_comes_back_as_far_as_it_was_durable(
        sizes in prop::collection::vec((1..6_u64, any::<bool>(), 0..40_usize), 1..30),
    ) {
        let mut disk = disk();
        let mut log = opened(&mut disk);
        let mut model: Vec<Entry> = Vec::new();
        for (size, syncs, value_bytes) in sizes {
            let first = model.len() as u64 + 1;
            let new = (first..first + size).map(|index| Entry {
                index: LogIndex(index),
                epoch: Epoch(1 + index / 50),
                proposal: proposal(index, value_bytes),
            });
            let new: Vec<Entry> = new.collect();
            for entry in &new {
                prop_assert!(entry.size_bytes() > 0);
            }
            model.extend(new.iter().cloned());
            log.append_all(&mut disk, Entries::new(new.into())).unwrap();
            if syncs {
                sync(&mut log, &mut disk);
            }
        }
        let durable = log.durable().0 as usize;
        prop_assert_eq!(&all(&mut log, &mut disk), &model);
        // Time stands still here, so a sync that was told of is over only after a while.
        disk.crash(seedbed_sim::Instant::from_millis(1_000));
        let mut log = opened(&mut disk);
        prop_assert_eq!(log.durable(), log.written());
        let found = all(&mut log, &mut disk);
        prop_assert!(found.len() >= durable);
        prop_assert_eq!(&found[..], &model[..found.len()]);
    }

    /// Bytes that are no entries are told from entries, and never panic.
    #[test]
    fn any_bytes_are_entries_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut rest = &bytes[..];
        while let Ok(Some(_)) = codec::next(&mut rest) {}
    }
}
