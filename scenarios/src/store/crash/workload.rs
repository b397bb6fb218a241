//! What is asked of engines: random batches, and random tiny options.

use bytes::Bytes;
use seedbed_protocols::storage::lsm::LsmOptions;
use seedbed_protocols::storage::lsm::policy::{Levelled, Policy, Tiered};
use seedbed_protocols::storage::{
    BTreeOptions, Change, CowOptions, Durability, EngineOptions, HashOptions,
};
use seedbed_sim::Stream;

use super::Model;

/// Options under which a few dozen writes reach every part of an engine, drawn anew for each run. An engine with settings
/// of its own adds them here.
pub fn tiny_options(random: &mut Stream) -> EngineOptions {
    let durability = match random.below(8) {
        0 => Durability::EachWrite,
        1 => Durability::Never,
        _ => Durability::Group,
    };
    let hash = HashOptions {
        segment_bytes: pick(random, &[300, 1000, 4000]),
        merge_dead_percent: pick(random, &[1, 30, 60]),
    };
    // By what was drawn already, so that no other draw is shifted.
    let pool_pages = match hash.segment_bytes {
        300 => 2,
        1000 => 6,
        _ => 40,
    };
    EngineOptions {
        durability,
        hash,
        btree: BTreeOptions {
            pool_pages,
            checkpoint_log_bytes: 200 * u64::from(hash.merge_dead_percent),
            log_kept_bytes: hash.segment_bytes,
            ..BTreeOptions::default()
        },
        cow: CowOptions {
            pool_pages,
            ..CowOptions::default()
        },
        lsm: tiny_lsm_options(&mut random.clone()),
        ..EngineOptions::default()
    }
}

/// Memtables, blocks and tables of some hundred bytes, and every policy. Draws from a copy of the stream, so that the other
/// engines' runs do not hang on it.
fn tiny_lsm_options(random: &mut Stream) -> LsmOptions {
    let levelled = |base_bytes| {
        Policy::Levelled(Levelled {
            level0_runs: 2,
            base_bytes,
            growth: 2,
        })
    };
    let tiered = Policy::Tiered(Tiered {
        runs_min: 2,
        ..Tiered::default()
    });
    LsmOptions {
        memtable_bytes: pick(random, &[200, 600, 2000]),
        frozen_max: pick(random, &[1, 2, 3]),
        block_bytes: pick(random, &[64, 200, 1000]),
        restart_interval: pick(random, &[1, 4, 16]),
        bloom_bits_per_key: pick(random, &[0, 3, 10]),
        table_bytes: pick(random, &[300, 1000, 4000]),
        policy: pick(random, &[levelled(500), levelled(4000), tiered]),
        stall_runs: pick(random, &[3, 6]),
        kept_log_bytes: pick(random, &[0, 0, 3000]),
        ..LsmOptions::tiny()
    }
}

/// One of some values.
pub fn pick<T: Copy>(random: &mut Stream, from: &[T]) -> T {
    *random.pick(from).expect("something to pick from")
}

/// Which keys and values are written.
#[derive(Clone, Copy, Debug)]
pub struct Mix {
    /// How many keys there are.
    pub keys: u64,
    /// The longest value is about so long.
    pub value_bytes_max: usize,
}

impl Mix {
    /// A mix, drawn.
    pub fn drawn(random: &mut Stream) -> Self {
        Self {
            keys: pick(random, &[3, 6, 30, 200]),
            value_bytes_max: pick(random, &[20, 150, 700, 5000]),
        }
    }

    /// A key: most are short and alike, a few are empty, long, or of bytes at the ends of the order.
    pub fn key(&self, random: &mut Stream) -> Bytes {
        let number = random.below(self.keys);
        match number {
            1 => Bytes::new(),
            2 => Bytes::from_static(b"\xff\xff"),
            4 => Bytes::from(vec![b'k'; 300]),
            _ => Bytes::from(format!("k{number}")),
        }
    }

    /// A value that says when it was written.
    pub fn value(&self, random: &mut Stream, step: usize) -> Bytes {
        let length = match random.below(8) {
            0 => 0,
            1 => return Bytes::new(),
            2 => self.value_bytes_max,
            _ => random.below(self.value_bytes_max as u64 / 4 + 1) as usize,
        };
        let mut value = format!("step {step}, {} ", random.below(1000)).into_bytes();
        value.resize(value.len() + length, b'.');
        Bytes::from(value)
    }

    /// One to three changes, or, now and then, many.
    pub fn batch(&self, random: &mut Stream, step: usize) -> Vec<Change> {
        let count = if random.below(24) == 0 {
            20
        } else {
            1 + random.below(3)
        };
        (0..count).map(|_| self.change(random, step)).collect()
    }

    fn change(&self, random: &mut Stream, step: usize) -> Change {
        match random.below(20) {
            0..=4 => Change::Delete(self.key(random)),
            5 => Change::DeleteRange {
                from: self.key(random),
                to: (random.below(3) > 0).then(|| self.key(random)),
            },
            _ => Change::Put(self.key(random), self.value(random, step)),
        }
    }
}

/// Makes the changes in the model.
pub fn apply(model: &mut Model, batch: &[Change]) {
    for change in batch {
        match change {
            Change::Put(key, value) => {
                model.insert(key.clone(), value.clone());
            }
            Change::Delete(key) => {
                model.remove(key);
            }
            Change::DeleteRange { .. } => model.retain(|key, _| !change.touches(key)),
        }
    }
}
