//! The lines of a sweep's file. A changed key is a changed [`SCHEMA`].

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use xxhash_rust::xxh3::xxh3_128;

use super::{Seeds, Shard, Until};
use crate::file::Scenario;
use crate::measures::{Availability, Loss, Staleness};
use crate::report::Report;

/// The version of the file.
pub const SCHEMA: u32 = 1;

/// What tells a sweep's file from any other file of JSON lines.
const KIND: &str = "sweep";

/// The first line of the file: which sweep it is, and which part of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// `sweep`.
    pub kind: String,
    /// The version of the file: 1.
    pub schema: u32,
    /// The version of the program. Another one may give other runs.
    pub program: String,
    /// The scenario's name in the catalog, or its file.
    pub scenario: String,
    /// The hash (XXH3, 128 bits) of the scenario's text, as 32 hexadecimal digits: what the scenario *is*.
    pub scenario_hash: String,
    /// What the scenario expects, in its order.
    pub expectations: Vec<String>,
    /// The seeds of the whole sweep.
    pub seeds: Seeds,
    /// When it has seen enough.
    pub until: Until,
    /// Which part of it stands in this file.
    pub shard: Shard,
}

impl Header {
    /// The header of all of a sweep of `scenario`, which was read from `text`, by this version of the program.
    pub fn new(name: &str, text: &str, scenario: &Scenario, seeds: Seeds, until: Until) -> Self {
        let expectations = scenario.expectations.iter();
        Self {
            kind: KIND.to_owned(),
            schema: SCHEMA,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            scenario: name.to_owned(),
            scenario_hash: format!("{:032x}", xxh3_128(text.as_bytes())),
            expectations: expectations.map(ToString::to_string).collect(),
            seeds,
            until,
            shard: Shard::WHOLE,
        }
    }

    /// The seeds that belong into this file.
    pub fn own_seeds(&self) -> Seeds {
        self.seeds.of_shard(self.shard)
    }

    /// As one line of JSON, without a line end.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a header holds only numbers and strings")
    }

    /// Reads the first line of a file.
    ///
    /// # Errors
    /// When it is not the header of a sweep that this version can read; the error says what it is instead.
    pub fn from_json(text: &str) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Any {
            kind: String,
            schema: u32,
        }
        let no_sweep = "this is not the header of a sweep's file";
        let any: Any = serde_json::from_str(text).map_err(|_| no_sweep.to_owned())?;
        if any.kind != KIND {
            return Err(no_sweep.to_owned());
        }
        if any.schema != SCHEMA {
            return Err(format!(
                "the file has schema {}, and this program reads schema {SCHEMA}",
                any.schema
            ));
        }
        let header: Self =
            serde_json::from_str(text).map_err(|error| format!("the header is wrong: {error}"))?;
        if header.seeds.from >= header.seeds.to {
            return Err(format!(
                "the header is wrong: there is no seed in {}",
                header.seeds
            ));
        }
        if !header.shard.is_sound() {
            return Err(format!(
                "the header is wrong: there is no shard {}",
                header.shard
            ));
        }
        Ok(header)
    }
}

/// One seed's line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// The seed.
    pub seed: u64,
    /// Whether the run is not what the scenario expects.
    pub failing: bool,
    /// What it should have been and was not: expectations that are not met or could not be judged.
    pub unmet: Vec<String>,
    /// What the checkers say, in the catalog's order.
    #[serde(serialize_with = "as_map", deserialize_with = "from_map")]
    pub verdicts: Vec<(String, Outcome)>,
    /// Why the run ended.
    pub ended: String,
    /// How many events the trace has.
    pub events: u64,
    /// The digest of the trace, as 16 hexadecimal digits.
    pub digest: String,
    /// Virtual time at the end, in nanoseconds.
    pub virtual_ns: u64,
    /// What was measured.
    pub measures: Measures,
}

/// What a checker says of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The guarantee held.
    Holds,
    /// It fell.
    Violated,
    /// It could not be judged.
    NotJudged,
}

/// What was measured in a run; see [`measures`](crate::measures).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measures {
    /// Acknowledged operations.
    pub ok: u64,
    /// Operations that surely had no effect.
    pub fail: u64,
    /// Operations of which nobody knows.
    pub info: u64,
    /// Latencies of acknowledged operations, by function.
    pub latency: BTreeMap<String, LatencyMeasure>,
    /// The follower that fell the furthest behind; null where none follows.
    pub lag: Option<LagMeasure>,
    /// How far behind reads were; null where that could not be measured.
    pub staleness: Option<Staleness>,
    /// For how long nothing worked.
    pub availability: Availability,
    /// How many acknowledged updates are gone; null where that could not be measured.
    pub loss: Option<Loss>,
}

/// Latencies of one function, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LatencyMeasure {
    /// How many operations.
    pub count: u64,
    /// Half took no longer.
    pub p50_us: u64,
    /// All but one in a hundred took no longer.
    pub p99_us: u64,
    /// The longest.
    pub max_us: u64,
}

/// How far a follower fell behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LagMeasure {
    /// The most log entries that one lacked.
    pub entries_max: u64,
    /// The longest time for which one lacked an entry, in nanoseconds.
    pub ns_max: u64,
}

impl Line {
    /// The line of a run.
    pub fn new(report: &Report) -> Self {
        let unmet = report.expectations.iter().filter(|e| e.met != Some(true));
        let outcome = |holds| match holds {
            Some(true) => Outcome::Holds,
            Some(false) => Outcome::Violated,
            None => Outcome::NotJudged,
        };
        let verdicts = report.verdicts.iter();
        Self {
            seed: report.seed,
            failing: !report.expectations_hold(),
            unmet: unmet.map(|e| e.expect.clone()).collect(),
            verdicts: verdicts
                .map(|v| (v.check.clone(), outcome(v.holds)))
                .collect(),
            ended: report.ended.clone(),
            events: report.events,
            digest: report.digest.clone(),
            virtual_ns: nanos(report.virtual_ms),
            measures: Measures::new(report),
        }
    }

    /// As one line of JSON, without a line end.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a line holds only numbers and strings")
    }

    /// Reads a line.
    ///
    /// # Errors
    /// When it is none.
    pub fn from_json(text: &str) -> Result<Self, String> {
        serde_json::from_str(text)
            .map_err(|error| format!("this is not a line of a sweep: {error}"))
    }
}

impl Measures {
    fn new(report: &Report) -> Self {
        // Of all workloads together.
        let latencies = report.latencies.iter().filter(|l| l.load.is_none());
        let latency = latencies.map(|l| {
            let measure = LatencyMeasure {
                count: l.count,
                p50_us: l.p50_us,
                p99_us: l.p99_us,
                max_us: l.max_us,
            };
            (l.f.clone(), measure)
        });
        let lags = report.lag.iter().map(|lag| LagMeasure {
            entries_max: lag.entries_max,
            ns_max: nanos(lag.ms_max),
        });
        Self {
            ok: report.operations.ok,
            fail: report.operations.fail,
            info: report.operations.info,
            latency: latency.collect(),
            lag: lags.reduce(|a, b| LagMeasure {
                entries_max: a.entries_max.max(b.entries_max),
                ns_max: a.ns_max.max(b.ns_max),
            }),
            staleness: report.staleness,
            availability: report.availability,
            loss: report.loss,
        }
    }
}

/// Milliseconds carry nanoseconds up to a few weeks of virtual time exactly enough to be rounded back.
fn nanos(ms: f64) -> u64 {
    (ms * 1e6).round() as u64
}

fn as_map<S: Serializer>(list: &[(String, Outcome)], out: S) -> Result<S::Ok, S::Error> {
    out.collect_map(list.iter().map(|(check, outcome)| (check, outcome)))
}

fn from_map<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<(String, Outcome)>, D::Error> {
    struct InOrder;
    impl<'de> Visitor<'de> for InOrder {
        type Value = Vec<(String, Outcome)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("what each check says")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut list = Vec::new();
            while let Some(entry) = map.next_entry()? {
                list.push(entry);
            }
            Ok(list)
        }
    }
    from.deserialize_map(InOrder)
}
