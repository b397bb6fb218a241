//! Random operations on every engine and every disk, compared with a map of the standard library.

use std::collections::BTreeMap;

use proptest::prelude::*;
use seedbed_sim::{DiskConfig, FileDisk, OpenMode, SimDisk};

use super::*;
use crate::storage::lsm::policy::{Levelled, Policy, Tiered};
use crate::storage::lsm::{Compression, LsmOptions};

#[derive(Clone, Debug)]
enum Op {
    Write(Vec<Change>),
    Get(usize, Option<usize>),
    Scan(Scan),
    Snapshot,
    Release(usize),
    Sync,
    SyncLater,
    Verify,
    /// A slice of background work.
    Maintain(u64),
    /// Ship the log to an empty engine of the same kind, in slices of about so many bytes.
    Ship(usize),
    /// Go on with a copy of the engine and the disk.
    Fork,
    /// Open the engine again on its disk, if its content is on the disk.
    Reopen,
}

#[derive(Clone, Debug)]
struct Scan {
    from: Option<usize>,
    to: Option<usize>,
    is_backward: bool,
    page: usize,
    at: Option<usize>,
}

/// Keys that differ where engines go wrong: empty, prefixes of each other, all ones, about as long as a head.
fn keys() -> Vec<Bytes> {
    let keys: [&[u8]; 14] = [
        b"",
        b"\0",
        b"\0\0",
        b"a",
        b"a\0",
        b"aa",
        b"ab",
        b"abcdefgh",
        b"abcdefgh\0",
        b"abcdefghi",
        b"\xff",
        b"\xff\xff",
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        &[b'x'; 300],
    ];
    keys.into_iter().map(Bytes::copy_from_slice).collect()
}

fn a_key() -> impl Strategy<Value = usize> {
    0..keys().len()
}

fn a_change() -> impl Strategy<Value = Change> {
    let key = || a_key().prop_map(|i| keys()[i].clone());
    prop_oneof![
        3 => (key(), 0..2000_usize, any::<u8>())
            .prop_map(|(key, length, byte)| Change::Put(key, vec![byte; length / 8].into())),
        1 => key().prop_map(Change::Delete),
        1 => (key(), proptest::option::of(key()))
            .prop_map(|(from, to)| Change::DeleteRange { from, to }),
    ]
}

fn an_op() -> impl Strategy<Value = Op> {
    let at = || proptest::option::of(0..4_usize);
    let scan = (
        proptest::option::of(a_key()),
        proptest::option::of(a_key()),
        any::<bool>(),
        1..6_usize,
        at(),
    )
        .prop_map(|(from, to, is_backward, page, at)| {
            Op::Scan(Scan {
                from,
                to,
                is_backward,
                page,
                at,
            })
        });
    prop_oneof![
        8 => proptest::collection::vec(a_change(), 0..4).prop_map(Op::Write),
        4 => (a_key(), at()).prop_map(|(key, at)| Op::Get(key, at)),
        4 => scan,
        1 => Just(Op::Snapshot),
        1 => (0..4_usize).prop_map(Op::Release),
        1 => Just(Op::Sync),
        1 => Just(Op::SyncLater),
        1 => Just(Op::Verify),
        1 => prop_oneof![Just(0), 1..4000_u64, Just(u64::MAX)].prop_map(Op::Maintain),
        1 => (0..3000_usize).prop_map(Op::Ship),
        1 => Just(Op::Fork),
        1 => Just(Op::Reopen),
    ]
}

/// Tiny options, the usual ones now and then, and every choice of durability.
fn some_options() -> impl Strategy<Value = EngineOptions> {
    let hash = (
        prop_oneof![
            Just(1),
            100..2000_u64,
            Just(HashOptions::default().segment_bytes)
        ],
        0..101_u8,
    )
        .prop_map(|(segment_bytes, merge_dead_percent)| HashOptions {
            segment_bytes,
            merge_dead_percent,
        });
    let btree = (1..12_usize, 1..20_000_u64, 0..8000_u64).prop_map(
        |(pool_pages, checkpoint_log_bytes, log_kept_bytes)| BTreeOptions {
            pool_pages,
            checkpoint_log_bytes,
            log_kept_bytes,
            ..BTreeOptions::default()
        },
    );
    let durability = prop_oneof![
        Just(Durability::EachWrite),
        Just(Durability::Group),
        Just(Durability::Never)
    ];
    let all = (hash, btree, some_lsm_options(), durability);
    all.prop_map(|(hash, btree, lsm, durability)| EngineOptions {
        hash,
        lsm,
        btree,
        cow: CowOptions {
            pool_pages: btree.pool_pages,
            ..CowOptions::default()
        },
        durability,
        ..EngineOptions::default()
    })
}

/// Memtables, blocks, tables and caches of a few bytes to a few kibibytes, and every policy.
fn some_lsm_options() -> impl Strategy<Value = LsmOptions> {
    let sizes = (
        1..3000_u64,
        1..600_usize,
        1..3000_u64,
        1..2000_usize,
        0..5000_usize,
    );
    let policy = prop_oneof![
        (1..5_usize, 1..8000_u64, 2..6_u64).prop_map(|(level0_runs, base_bytes, growth)| {
            Policy::Levelled(Levelled {
                level0_runs,
                base_bytes,
                growth,
            })
        }),
        (2..5_usize, 0..200_u64, 50..400_u64, 4..10_usize).prop_map(
            |(runs_min, ratio_percent, space_percent, runs_max)| {
                Policy::Tiered(Tiered {
                    runs_min,
                    ratio_percent,
                    space_percent,
                    runs_max,
                })
            }
        ),
        Just(Policy::Never),
    ];
    let others = (
        1..4_usize,
        1..6_usize,
        prop_oneof![Just(0), 1..20_u32],
        any::<bool>(),
        2..8_usize,
        prop_oneof![Just(0), 0..5000_u64],
    );
    (sizes, policy, others).prop_map(|(sizes, policy, others)| LsmOptions {
        memtable_bytes: sizes.0,
        block_bytes: sizes.1,
        table_bytes: sizes.2,
        transfer_bytes: sizes.3,
        cache_bytes: sizes.4,
        policy,
        frozen_max: others.0,
        restart_interval: others.1,
        bloom_bits_per_key: others.2,
        compression: if others.3 {
            Compression::Lz4
        } else {
            Compression::None
        },
        compression_from_level: u32::from(others.0 > 1),
        stall_runs: others.4,
        kept_log_bytes: others.5,
    })
}

type Map = BTreeMap<Bytes, Bytes>;

/// An engine and what it should hold.
struct Pair<'a> {
    kind: EngineKind,
    options: EngineOptions,
    engine: Box<dyn Engine>,
    disk: &'a mut dyn Disk,
    model: Map,
    /// What a copy-on-write tree has in its file: nothing that was not synced.
    committed: Map,
    /// Snapshots of both, newest last; a released one stays in the list.
    snapshots: Vec<(SnapshotId, Option<Map>)>,
}

impl<'a> Pair<'a> {
    fn new(kind: EngineKind, options: EngineOptions, disk: &'a mut dyn Disk) -> Self {
        let (engine, _) = open_engine(kind, disk, &options).unwrap();
        Self {
            kind,
            options,
            engine,
            disk,
            model: Map::new(),
            committed: Map::new(),
            snapshots: Vec::new(),
        }
    }

    /// The `back`-th newest snapshot, or now where there are not so many.
    fn view(&self, back: Option<usize>) -> (Option<SnapshotId>, Option<&Map>) {
        let now = (None, Some(&self.model));
        let Some(back) = back else { return now };
        let snapshot = self.snapshots.iter().rev().nth(back);
        snapshot.map_or(now, |(id, map)| (Some(*id), map.as_ref()))
    }

    fn run(&mut self, op: &Op) {
        match op {
            Op::Write(batch) => self.write(batch),
            Op::Get(key, at) => {
                let key = &keys()[*key];
                let (id, map) = self.view(*at);
                let expected = map.map(|map| map.get(key).cloned());
                let got = self.engine.get(self.disk, key, id);
                match expected {
                    Some(expected) => assert_eq!(got.unwrap(), expected, "{key:?} at {id:?}"),
                    None => assert_eq!(got, Err(EngineError::NoSnapshot(id.unwrap()))),
                }
            }
            Op::Scan(scan) => self.scan(scan),
            Op::Snapshot => {
                let id = self.engine.snapshot();
                self.snapshots.push((id, Some(self.model.clone())));
            }
            Op::Release(back) => {
                if let Some((id, map)) = self.snapshots.iter_mut().rev().nth(*back) {
                    self.engine.release(*id);
                    *map = None;
                }
            }
            Op::Sync => {
                self.engine.sync(self.disk).unwrap();
                self.committed = self.model.clone();
            }
            Op::SyncLater => {
                if let Some(ticket) = self.engine.sync_later(self.disk).unwrap() {
                    self.engine.on_synced(ticket);
                }
                self.committed = self.model.clone();
            }
            Op::Verify => self.engine.verify(self.disk).unwrap(),
            Op::Maintain(budget) => self.maintain(*budget),
            Op::Ship(max_bytes) => self.ship(*max_bytes),
            Op::Fork => {
                let mut other = self.engine.clone();
                std::mem::swap(&mut self.engine, &mut other);
            }
            Op::Reopen if self.kind == EngineKind::Memory => {}
            Op::Reopen => {
                self.engine = open_engine(self.kind, self.disk, &self.options).unwrap().0;
                self.snapshots.clear();
                if self.kind == EngineKind::Cow {
                    self.model = self.committed.clone();
                }
            }
        }
        if let Some(keys) = self.engine.stats().keys {
            assert_eq!(keys, self.model.len() as u64);
        }
    }

    fn write(&mut self, batch: &[Change]) {
        self.engine.write(self.disk, batch).unwrap();
        for change in batch {
            match change {
                Change::Put(key, value) => {
                    self.model.insert(key.clone(), value.clone());
                }
                Change::Delete(_) | Change::DeleteRange { .. } => {
                    self.model.retain(|key, _| !change.touches(key));
                }
            }
        }
        if self.options.durability == Durability::EachWrite && !batch.is_empty() {
            self.committed = self.model.clone();
        }
    }

    /// Background work comes to an end, and says so.
    fn maintain(&mut self, budget: u64) {
        let slices = if budget == u64::MAX { 100 } else { 1 };
        let idle = (0..slices)
            .map(|_| self.engine.maintain(self.disk, budget).unwrap())
            .any(|progress| progress.is_idle);
        assert!(idle || slices == 1, "background work without end");
    }

    /// A copy that is made from the log alone holds the same, at the same position.
    fn ship(&mut self, max_bytes: usize) {
        let mut disk = SimDisk::new(DiskConfig::instant());
        let (mut copy, _) = open_engine(self.kind, &mut disk, &self.options).unwrap();
        let mut at = Lsn(0);
        loop {
            let slice = match self.engine.log_since(self.disk, at, max_bytes) {
                Ok(slice) => slice,
                Err(EngineError::NoLog | EngineError::LogGone { .. }) => return,
                Err(other) => panic!("{other}"),
            };
            assert_eq!(slice.from, at);
            assert_eq!(copy.apply_log(&mut disk, &slice).unwrap(), slice.to);
            // A slice that comes twice changes nothing.
            assert_eq!(copy.apply_log(&mut disk, &slice).unwrap(), slice.to);
            if slice.is_empty() {
                break;
            }
            at = slice.to;
        }
        assert_eq!(at, self.engine.stats().written);
        let rows = scan_all(&mut *copy, &mut disk, None, 7).unwrap();
        let rows = rows.into_iter().map(|row| (row.key, row.value));
        assert!(rows.eq(self.model.clone()), "a copy made from the log");
    }

    /// Scans in pages to the end, and compares with the model.
    fn scan(&mut self, scan: &Scan) {
        let keys = keys();
        let (id, map) = self.view(scan.at);
        let Some(map) = map else { return };
        let mut from = scan.from.map(|i| keys[i].clone());
        let mut to = scan.to.map(|i| keys[i].clone());
        let bounds = Bounds {
            from: from.as_deref(),
            to: to.as_deref(),
        };
        let within = map.iter().filter(|(key, _)| bounds.contains(key));
        let mut expected: Vec<_> = within
            .map(|(key, value)| Row {
                key: key.clone(),
                value: value.clone(),
            })
            .collect();
        let direction = if scan.is_backward {
            expected.reverse();
            ScanDirection::Backward
        } else {
            ScanDirection::Forward
        };
        let mut rows = Vec::new();
        loop {
            let before = rows.len();
            let bounds = Bounds {
                from: from.as_deref(),
                to: to.as_deref(),
            };
            let resume = self
                .engine
                .scan(self.disk, id, bounds, direction, scan.page, &mut rows)
                .unwrap();
            let Some(resume) = resume else { break };
            assert_eq!(rows.len(), before + scan.page, "a full page before more");
            match direction {
                ScanDirection::Forward => from = Some(resume),
                ScanDirection::Backward => to = Some([&resume[..], b"\0"].concat().into()),
            }
        }
        assert_eq!(rows, expected, "{scan:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn every_engine_does_what_a_map_does(
        options in some_options(),
        ops in proptest::collection::vec(an_op(), 1..80)
    ) {
        for entry in CATALOG {
            let mut disk = SimDisk::new(DiskConfig::instant());
            let mut pair = Pair::new(entry.kind, options.clone(), &mut disk);
            for op in &ops {
                pair.run(op);
            }
            pair.run(&Op::Verify);
        }
    }
}

proptest! {
    // A sync of a real directory takes its time.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(10) })]

    #[test]
    fn every_engine_does_what_a_map_does_in_a_real_directory(
        ops in proptest::collection::vec(an_op(), 1..40)
    ) {
        for entry in CATALOG {
            let folder = tempfile::tempdir().unwrap();
            let mut disk = FileDisk::open(folder.path()).unwrap();
            let mut pair = Pair::new(entry.kind, tiny(), &mut disk);
            for op in &ops {
                pair.run(op);
            }
            pair.run(&Op::Verify);
        }
    }
}

#[test]
fn an_engine_writes_the_same_bytes_to_either_disk() {
    let run = |kind, disk: &mut dyn Disk| {
        let (mut engine, _) = open_engine(kind, disk, &tiny()).unwrap();
        for i in 0..50_u32 {
            let key = Bytes::from(format!("key{}", i % 9));
            engine
                .put(disk, key, vec![b'v'; i as usize * 40].into())
                .unwrap();
            if i % 10 == 0 {
                engine.sync(disk).unwrap();
                engine.maintain(disk, 2000).unwrap();
            }
        }
        let names = disk.list().unwrap();
        let content = |name: String| {
            let file = disk.open(&name, OpenMode::Existing).unwrap();
            let mut bytes = vec![0; disk.len(file).unwrap() as usize];
            disk.read_at(file, 0, &mut bytes).unwrap();
            (name, bytes)
        };
        names.into_iter().map(content).collect::<Vec<_>>()
    };
    for entry in CATALOG {
        let folder = tempfile::tempdir().unwrap();
        let simulated = run(entry.kind, &mut SimDisk::new(DiskConfig::instant()));
        let real = run(entry.kind, &mut FileDisk::open(folder.path()).unwrap());
        assert_eq!(real, simulated, "{} differs", entry.name);
    }
}

#[test]
fn a_fork_and_its_origin_do_not_see_each_others_writes() {
    for entry in CATALOG {
        let mut disk = SimDisk::new(DiskConfig::instant());
        let (mut engine, _) =
            open_engine(entry.kind, &mut disk, &EngineOptions::default()).unwrap();
        let key = |i: u32| Bytes::from(format!("key{i:05}"));
        for i in 0..500 {
            engine.put(&mut disk, key(i), key(i)).unwrap();
        }
        let id = engine.snapshot();
        let before = scan_all(&mut *engine, &mut disk, None, 1000).unwrap();
        let mut fork = engine.clone();
        let mut fork_disk = disk.clone();
        for i in 0..500 {
            fork.put(&mut fork_disk, key(i), Bytes::new()).unwrap();
            engine.delete(&mut disk, key(i)).unwrap();
        }
        let content = |engine: &mut dyn Engine, disk: &mut SimDisk, at| {
            scan_all(engine, disk, at, 1000).unwrap()
        };
        assert_eq!(content(&mut *engine, &mut disk, None), []);
        assert_eq!(content(&mut *engine, &mut disk, Some(id)), before);
        assert_eq!(content(&mut *fork, &mut fork_disk, Some(id)), before);
        let in_fork = content(&mut *fork, &mut fork_disk, None);
        assert_eq!(in_fork.len(), 500);
        assert!(in_fork.iter().all(|row| row.value.is_empty()));
    }
}
