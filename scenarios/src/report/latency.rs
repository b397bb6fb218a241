//! Latencies by percentile.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::history::History;

/// Values are kept to this many significant decimal digits.
const SIGNIFICANT_DIGITS: u8 = 3;

/// How long acknowledged operations of one kind took, from when they were meant to begin, in microseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Latency {
    /// The workload; null for all of them together.
    pub load: Option<String>,
    /// `read`, `write` or `delete`.
    pub f: String,
    /// How many there were.
    pub count: u64,
    /// Half took no longer.
    pub p50_us: u64,
    /// Nine in ten took no longer.
    pub p90_us: u64,
    /// All but one in a hundred took no longer.
    pub p99_us: u64,
    /// The longest.
    pub max_us: u64,
}

/// For each function, then, where there are several workloads, for each workload and function.
pub(super) fn measure(history: &History) -> Vec<Latency> {
    let mut groups: BTreeMap<(Option<&str>, &'static str), Histogram<u64>> = BTreeMap::new();
    for operation in history.operations().filter(|o| o.is_ok()) {
        let latency = operation
            .latency()
            .expect("an acknowledged operation has ended");
        let micros = latency.as_nanos().div_ceil(1_000);
        for load in [None, Some(&*operation.load)] {
            groups
                .entry((load, operation.function.name()))
                .or_insert_with(empty)
                .record(micros)
                .expect("the histogram grows as far as microseconds go");
        }
    }
    let mut loads: Vec<&str> = groups.keys().filter_map(|(load, _)| *load).collect();
    loads.dedup();
    let several = loads.len() > 1;
    groups
        .iter()
        .filter(|((load, _), _)| load.is_none() || several)
        .map(|((load, f), histogram)| Latency::new(*load, f, histogram))
        .collect()
}

fn empty() -> Histogram<u64> {
    Histogram::new(SIGNIFICANT_DIGITS).expect("three digits are in range")
}

impl Latency {
    fn new(load: Option<&str>, f: &str, histogram: &Histogram<u64>) -> Self {
        let max_us = histogram.max();
        let quantile = |q| histogram.value_at_quantile(q).min(max_us);
        Self {
            load: load.map(str::to_owned),
            f: f.to_owned(),
            count: histogram.len(),
            p50_us: quantile(0.5),
            p90_us: quantile(0.9),
            p99_us: quantile(0.99),
            max_us,
        }
    }
}
