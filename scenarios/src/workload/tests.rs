use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use seedbed_sim::{Seed, Stream};

use super::{Begins, CATALOG, Chooser, Generator, KEY_BYTES, Operation, Popularity, Sizes, find};

const SIZES: Sizes = Sizes {
    keys: 1000,
    value_bytes: 100,
};

fn generator(name: &str, seed: u64) -> Generator {
    let workload = find(name).expect("a workload of the catalog");
    Generator::new(workload, SIZES, Seed(seed)).expect("sizes that make sense")
}

#[test]
fn every_mix_adds_up_to_a_hundred_and_every_name_is_there_once() {
    let names: BTreeSet<&str> = CATALOG.iter().map(|it| it.name).collect();
    assert_eq!(names.len(), CATALOG.len());
    for workload in CATALOG {
        let percent: u32 = workload.mix.iter().map(|(_, percent)| percent).sum();
        assert_eq!(percent, 100, "{}", workload.name);
    }
}

/// What a generator says is there is there, what it says is not is not, and its parts are as large as its mix says.
#[test]
fn workloads_do_what_their_mix_says_and_know_what_is_there() {
    for workload in CATALOG {
        let mut generator = generator(workload.name, 5);
        let mut model: BTreeMap<Bytes, Bytes> = BTreeMap::new();
        if workload.begins == Begins::Loaded {
            model.extend((0..SIZES.keys).map(|number| generator.row(number)));
            assert_eq!(model.len(), 1000, "no two keys are spelt alike");
        }
        let (mut reads, mut writes, mut scans) = (0, 0, 0);
        for _ in 0..10_000 {
            match generator.next_operation() {
                Operation::Get { key, is_there } => {
                    assert_eq!(model.contains_key(&key), is_there, "{}", workload.name);
                    reads += 1;
                }
                Operation::Put { key, value } => {
                    assert_eq!((key.len(), value.len()), (KEY_BYTES, 100));
                    model.insert(key, value);
                    writes += 1;
                }
                Operation::ReadModifyWrite { key, value } => {
                    assert!(model.insert(key, value).is_some(), "{}", workload.name);
                    reads += 1;
                    writes += 1;
                }
                Operation::Scan { from, rows } => {
                    assert!(model.contains_key(&from) && (1..=100).contains(&rows));
                    scans += 1;
                }
            }
        }
        let near = |count: i32, percent: i32| (count - percent * 100).abs() <= 250;
        let (read, write, scan) = match workload.name {
            "fillseq" | "fillrandom" | "overwrite" => (0, 100, 0),
            "readrandom" | "readmissing" | "ycsb-c" => (100, 0, 0),
            "seek" => (0, 0, 100),
            "readwhilewriting" => (90, 10, 0),
            "ycsb-a" => (50, 50, 0),
            "ycsb-b" | "ycsb-d" => (95, 5, 0),
            "ycsb-e" => (0, 5, 95),
            "ycsb-f" => (100, 50, 0),
            other => panic!("what does {other} do?"),
        };
        let told = format!("{}: {reads} {writes} {scans}", workload.name);
        assert!(
            near(reads, read) && near(writes, write) && near(scans, scan),
            "{told}"
        );
    }
}

#[test]
fn the_same_seed_gives_the_same_operations_and_another_gives_others() {
    let operations = |seed| {
        let mut generator = generator("ycsb-a", seed);
        (0..200)
            .map(|_| generator.next_operation())
            .collect::<Vec<_>>()
    };
    assert_eq!(operations(1), operations(1));
    assert_ne!(operations(1), operations(2));
}

#[test]
fn filling_in_order_writes_every_key_once_and_in_order() {
    let mut generator = generator("fillseq", 1);
    let keys: Vec<Bytes> = (0..1000)
        .map(|_| match generator.next_operation() {
            Operation::Put { key, .. } => key,
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(keys.is_sorted_by(|a, b| a < b));
}

/// How often each of a hundred keys is chosen in ten thousand times.
fn counts(popularity: Popularity) -> Vec<u32> {
    let mut chooser = Chooser::new(popularity, 100).unwrap();
    let mut random = Stream::named(Seed(3), "choices");
    let mut counts = vec![0; 100];
    for _ in 0..10_000 {
        counts[chooser.pick(100, &mut random) as usize] += 1;
    }
    counts
}

#[test]
fn each_popularity_favours_its_own_keys() {
    let exponent = 0.99;
    let most = |counts: &[u32]| (0..100).max_by_key(|&key| counts[key]).unwrap();
    let uniform = counts(Popularity::Uniform);
    assert!(uniform.iter().all(|count| (50..150).contains(count)));
    assert_eq!(counts(Popularity::InTurn), vec![100; 100]);
    let zipf = counts(Popularity::Zipf { exponent });
    let latest = counts(Popularity::Latest { exponent });
    let scattered = counts(Popularity::Scattered { exponent });
    assert_eq!((most(&zipf), most(&latest)), (0, 99));
    // The first of a hundred ranks gets 19 % of the draws.
    assert!((1700..2200).contains(&zipf[0]), "{}", zipf[0]);
    let mirrored: Vec<u32> = latest.into_iter().rev().collect();
    assert_eq!(mirrored, zipf);
    // As skewed, elsewhere.
    assert!(most(&scattered) != 0 && scattered[most(&scattered)] >= zipf[0]);
}

#[test]
fn the_latest_key_is_the_favourite_also_when_there_are_more() {
    let mut chooser = Chooser::new(Popularity::Latest { exponent: 0.99 }, 10).unwrap();
    let mut random = Stream::named(Seed(3), "choices");
    let mut last = 0;
    for count in 10..1010 {
        last += u32::from(chooser.pick(count, &mut random) + 1 == count);
    }
    // Between one in three (of ten keys) and one in seven (of a thousand).
    assert!((130..330).contains(&last), "{last}");
    assert!(Chooser::new(Popularity::Zipf { exponent: -1.0 }, 10).is_err());
}
