use std::ops::ControlFlow;

use seedbed_sim::{CrashImages, Disk, DiskConfig, OpenMode, Seed, SimDisk, Stream};

use super::*;
use crate::storage::Planted;
use crate::storage::tests::poke::Poke;

const KIND: FileKind = FileKind {
    magic: *b"seedtest",
    version: 3,
    name: "test log",
};

type Opened = Result<(FrameLog, RecoveredLog, Vec<Vec<u8>>), EngineError>;

fn open_with(disk: &mut dyn Disk, options: impl Into<FrameOptions>) -> Opened {
    let mut payloads = Vec::new();
    let mut keep = |_, payload: &[u8]| {
        payloads.push(payload.to_vec());
        Ok(())
    };
    let (log, found) = FrameLog::open(disk, "log", &KIND, options, &mut keep)?;
    Ok((log, found, payloads))
}

fn open(disk: &mut dyn Disk) -> Opened {
    open_with(disk, OnCorruption::Refuse)
}

/// A log of payloads of 0x40 upwards, of the lengths given, with a sync after every one in `synced`.
fn written(lengths: &[usize], synced: &[usize]) -> (SimDisk, Vec<Vec<u8>>, Vec<u64>) {
    let mut disk = SimDisk::new(DiskConfig::instant());
    let (mut log, ..) = open(&mut disk).unwrap();
    let mut payloads = Vec::new();
    let mut offsets = Vec::new();
    for (i, &length) in lengths.iter().enumerate() {
        let payload = vec![0x40 + i as u8; length];
        offsets.push(log.append(&mut disk, &payload).unwrap());
        payloads.push(payload);
        if synced.contains(&i) {
            log.sync(&mut disk).unwrap();
        }
    }
    (disk, payloads, offsets)
}

#[test]
fn what_is_appended_is_read_forwards_backwards_and_after_opening() {
    let lengths = [1, 100, 5000, 70_000, 3, 200_000];
    let (mut disk, payloads, offsets) = written(&lengths, &[1, 3]);
    let (mut log, found, recovered) = open(&mut disk).unwrap();
    assert_eq!(recovered, payloads);
    assert_eq!(found.frames, lengths.len() as u64);
    assert_eq!(found.torn_bytes, 0);
    let mut forwards = Vec::new();
    log.walk(&mut disk, offsets[0], |at, payload| {
        forwards.push((at, payload.to_vec()));
        ControlFlow::<()>::Continue(())
    })
    .unwrap();
    let expected: Vec<_> = offsets.iter().copied().zip(payloads).collect();
    assert_eq!(forwards, expected);
    let mut backwards = Vec::new();
    let end = log.end();
    log.walk_back(&mut disk, end, |at, payload| {
        backwards.push((at, payload.to_vec()));
        ControlFlow::<()>::Continue(())
    })
    .unwrap();
    backwards.reverse();
    assert_eq!(backwards, expected);
    for (at, payload) in expected {
        assert_eq!(log.read(&mut disk, at).unwrap(), payload);
    }
    log.verify(&mut disk, &KIND, &mut |_, _| Ok(())).unwrap();
}

#[test]
fn a_tail_torn_at_any_byte_is_cut_off_and_the_log_goes_on() {
    let (disk, payloads, offsets) = written(&[10, 20, 30], &[0]);
    let full = disk.clone().bytes_of("log").clone();
    for cut in offsets[1] as usize..full.len() {
        for fill in [&[][..], &[0; 90], &[0xa5; 90]] {
            let mut disk = disk.clone();
            disk.bytes_of("log").truncate(cut);
            disk.bytes_of("log").extend_from_slice(fill);
            // The zeros that fill the tail may happen to be the very bytes that were lost.
            let ends = [offsets[1], offsets[2], full.len() as u64];
            let here = disk.bytes_of("log").clone();
            let is_there = |&&end: &&u64| here.get(..end as usize) == full.get(..end as usize);
            let whole = ends.iter().filter(is_there).count();
            let (mut log, found, recovered) = open(&mut disk).unwrap();
            assert_eq!(recovered, payloads[..whole], "cut at {cut}");
            let torn = (cut + fill.len()) as u64 - ends[whole - 1];
            assert_eq!(found.torn_bytes, torn, "cut at {cut}");
            log.append(&mut disk, b"more").unwrap();
            let (.., found, recovered) = open(&mut disk).unwrap();
            assert_eq!((found.torn_bytes, recovered.len()), (0, whole + 1));
        }
    }
}

#[test]
fn a_hole_between_frames_that_were_never_synced_is_a_torn_tail() {
    let (mut disk, payloads, offsets) = written(&[10, 20, 30, 40], &[0]);
    disk.bytes_of("log")[offsets[1] as usize + 5] ^= 1;
    let full = disk.bytes_of("log").len() as u64;
    let (_, found, recovered) = open(&mut disk).unwrap();
    assert_eq!(recovered, payloads[..1]);
    assert_eq!(found.torn_bytes, full - offsets[1]);
}

#[test]
fn a_flipped_bit_in_what_was_durable_is_refused_and_nothing_is_changed() {
    let (mut disk, payloads, offsets) = written(&[10, 20, 30, 40], &[1, 3]);
    let data_end = offsets[3] as usize + 40 + FRAME_OVERHEAD_BYTES;
    for at in 0..data_end * 8 {
        let mut damaged = disk.clone();
        damaged.bytes_of("log")[at / 8] ^= 1 << (at % 8);
        let before = damaged.bytes_of("log").clone();
        let refused = open(&mut damaged).map(|_| ()).unwrap_err();
        assert_eq!(*damaged.bytes_of("log"), before);
        match refused {
            EngineError::Format { .. } => assert!(at / 8 < 8, "at bit {at}"),
            EngineError::Corrupt { offset, .. } => assert!(offset as usize <= at / 8),
            other => panic!("{other}"),
        }
    }
    // The mark itself was not synced: without it the log is as it was.
    *disk.bytes_of("log").last_mut().unwrap() ^= 1;
    let (_, found, recovered) = open(&mut disk).unwrap();
    assert_eq!((recovered, found.torn_bytes), (payloads, 20));
}

#[test]
fn a_salvage_keeps_every_whole_frame_and_reports_the_rest() {
    let (mut disk, payloads, offsets) = written(&[10, 20, 30, 40], &[3]);
    disk.bytes_of("log")[offsets[1] as usize + 30] ^= 1;
    assert!(open(&mut disk).is_err());
    let (mut log, found, recovered) = open_with(&mut disk, OnCorruption::Salvage).unwrap();
    let kept = [&payloads[..1], &payloads[2..]].concat();
    assert_eq!(recovered, kept);
    assert_eq!((found.frames, found.corrupt_bytes), (3, 20 + 20));
    log.append(&mut disk, b"more").unwrap();
    log.verify(&mut disk, &KIND, &mut |_, _| Ok(())).unwrap();
    let (_, found, recovered) = open(&mut disk).unwrap();
    assert_eq!(recovered[..3], kept);
    assert_eq!((found.frames, found.corrupt_bytes), (4, 0));
}

#[test]
fn what_a_salvage_that_was_cut_short_has_left_is_in_nobodys_way() {
    let (mut disk, payloads, offsets) = written(&[10, 20, 30], &[2]);
    disk.bytes_of("log")[offsets[1] as usize + 30] ^= 1;
    let left = disk.open("log.new", OpenMode::CreateNew).unwrap();
    disk.append(left, b"half of a log").unwrap();
    let (.., recovered) = open_with(&mut disk, OnCorruption::Salvage).unwrap();
    assert_eq!(recovered, [payloads[0].clone(), payloads[2].clone()]);
    assert_eq!(disk.list().unwrap(), ["log"]);
}

#[test]
fn foreign_files_and_unknown_versions_are_refused_by_name() {
    let (disk, ..) = written(&[10], &[]);
    let mut unknown = disk.clone();
    let later = FileKind { version: 9, ..KIND };
    unknown.bytes_of("log")[..16].copy_from_slice(&file_header(&later));
    let refused = open(&mut unknown).map(|_| ()).unwrap_err().to_string();
    assert_eq!(
        refused,
        "\"log\" is test log version 9; this engine reads test log version 3"
    );
    for foreign in [&b""[..], b"GIF89a", b"#!/bin/sh\necho hello"] {
        let mut disk = disk.clone();
        *disk.bytes_of("log") = foreign.to_vec();
        let refused = open(&mut disk).map(|_| ()).unwrap_err();
        assert!(matches!(refused, EngineError::Format { .. }), "{refused}");
        assert_eq!(*disk.bytes_of("log"), foreign);
    }
}

#[test]
fn a_frame_copied_to_another_place_is_no_frame() {
    let (mut disk, payloads, offsets) = written(&[10, 10], &[]);
    let mut log = disk.bytes_of("log");
    let second = log[offsets[1] as usize..].to_vec();
    log.extend_from_slice(&second);
    drop(log);
    let (_, found, recovered) = open(&mut disk).unwrap();
    assert_eq!(recovered, payloads);
    assert_eq!(found.torn_bytes, second.len() as u64);
}

#[test]
fn reopening_again_and_again_writes_nothing() {
    let (mut disk, ..) = written(&[10, 20], &[1]);
    let before = disk.bytes_of("log").clone();
    open(&mut disk).unwrap();
    open(&mut disk).unwrap();
    assert_eq!(*disk.bytes_of("log"), before);
}

#[test]
fn a_payload_past_the_bound_is_refused_and_leaves_the_log_as_it_was() {
    let (mut disk, ..) = written(&[10], &[]);
    let (mut log, ..) = open(&mut disk).unwrap();
    let end = log.end();
    let refused = log.append_with(&mut disk, |out| {
        out.resize(out.len() + PAYLOAD_BYTES_MAX + 1, 7);
    });
    assert_eq!(
        refused,
        Err(EngineError::BatchTooLong(PAYLOAD_BYTES_MAX + 1))
    );
    assert_eq!(log.end(), end);
    log.verify(&mut disk, &KIND, &mut |_, _| Ok(())).unwrap();
}

#[test]
fn truncating_cuts_frames_for_good() {
    let (mut disk, payloads, offsets) = written(&[10, 20, 30], &[1]);
    let (mut log, ..) = open(&mut disk).unwrap();
    log.truncate(&mut disk, offsets[1]).unwrap();
    assert_eq!((log.end(), log.durable()), (offsets[1], offsets[1]));
    assert_eq!(log.append(&mut disk, b"other").unwrap(), offsets[1]);
    let (.., recovered) = open(&mut disk).unwrap();
    assert_eq!(recovered, [payloads[0].clone(), b"other".to_vec()]);
}

#[test]
fn planted_bug_a_recovery_that_skips_checksums_is_caught() {
    let (mut disk, payloads, offsets) = written(&[10, 20, 30], &[2]);
    disk.bytes_of("log")[offsets[1] as usize + 20] ^= 1;
    let skipping = FrameOptions {
        planted: Planted::IgnoresChecksums,
        ..FrameOptions::default()
    };
    let (.., recovered) = open_with(&mut disk, skipping).unwrap();
    assert_ne!(recovered, payloads, "the bug invents a payload");
    assert!(matches!(open(&mut disk), Err(EngineError::Corrupt { .. })));
}

#[test]
fn what_an_opening_has_shown_is_durable_though_its_writer_died_before_the_sync() {
    let mut disk = SimDisk::new(DiskConfig::instant());
    let (mut log, ..) = open(&mut disk).unwrap();
    log.append(&mut disk, b"unsynced").unwrap();
    drop(log);
    // The process is started again, on a machine that ran on.
    let (_, _, shown) = open(&mut disk).unwrap();
    let mut after_power_loss = disk.clone();
    after_power_loss.crash(disk.now());
    let (.., recovered) = open(&mut after_power_loss).unwrap();
    assert_eq!(recovered, shown);
    assert_eq!(recovered, [b"unsynced"]);
}

#[test]
fn frames_that_were_cut_off_do_not_come_back_in_a_crash() {
    let mut random = Stream::named(Seed(1), "frame");
    let (mut disk, payloads, offsets) = written(&[10, 20, 30], &[2]);
    let (mut log, ..) = open(&mut disk).unwrap();
    log.truncate(&mut disk, offsets[1]).unwrap();
    log.append(&mut disk, b"other").unwrap();
    let images = CrashImages::of(&disk, disk.now());
    for state in images.states(1_000, &mut random) {
        let mut image = images.image(&state);
        let (.., recovered) = open(&mut image).unwrap();
        assert_eq!(recovered[0], payloads[0]);
        let rest: Vec<_> = recovered[1..].iter().map(Vec::as_slice).collect();
        assert!(
            rest.is_empty() || rest == [b"other"],
            "{}: {rest:?}",
            images.describe(&state)
        );
    }
}
