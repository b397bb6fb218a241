//! What a sweep found, counted while its lines come by.

use std::collections::BTreeMap;

use serde::Serialize;

use super::statistics::Spread;
use super::{Header, Line, Measures, Outcome, Rate, Seeds, Until, rate, text};

/// The version of the summary's JSON form.
const SCHEMA: u32 = 1;

/// Counts lines. It takes no more memory for a million lines than for a thousand.
#[derive(Clone, Debug)]
pub struct Tally {
    header: Header,
    runs: u64,
    failing: u64,
    first_failing: Option<u64>,
    shortest_failing: Option<Shortest>,
    /// In the order in which they were first met, which is the catalog's.
    verdicts: Vec<(String, Counted)>,
    /// Those of the scenario, then what else was not as it should be, in the order in which it was first met.
    unmet: Vec<(String, Counted)>,
    totals: Totals,
    spreads: BTreeMap<Quantity, Spread>,
}

/// How often something was found, and where it is seen best.
#[derive(Clone, Copy, Debug, Default)]
struct Counted {
    held: u64,
    violated: u64,
    not_judged: u64,
    shortest: Option<Shortest>,
}

/// The run with the fewest events, and among those the lowest seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Shortest {
    /// How many events it has.
    pub events: u64,
    /// Its seed.
    pub seed: u64,
}

/// Sums over all runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Events of all traces.
    pub events: u64,
    /// Virtual time, in nanoseconds.
    pub virtual_ns: u64,
    /// Acknowledged operations.
    pub ok: u64,
    /// Operations that surely had no effect.
    pub fail: u64,
    /// Operations of which nobody knows.
    pub info: u64,
    /// Reads whose staleness was measured.
    pub reads: u64,
    /// Those of them that were stale.
    pub stale_reads: u64,
    /// Acknowledged updates of runs in which losses could be measured.
    pub acknowledged: u64,
    /// Those of them that are gone.
    pub lost: u64,
    /// Outages.
    pub outages: u64,
    /// Their time together, in nanoseconds.
    pub unavailable_ns: u64,
}

/// What is spread over runs, in the order in which it is shown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Quantity {
    LagEntries,
    LagTime,
    StaleReads,
    StaleVersions,
    StaleTime,
    Latency(String, Percentile),
    Unavailable,
    LongestOutage,
    Lost,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Percentile {
    Half,
    NinetyNine,
    Most,
}

impl Quantity {
    /// Its name and its unit.
    fn words(&self) -> (String, &'static str) {
        match self {
            Self::LagEntries => ("lag at its worst".to_owned(), "entries"),
            Self::LagTime => ("lag at its worst".to_owned(), "ns"),
            Self::StaleReads => ("stale reads".to_owned(), "reads"),
            Self::StaleVersions => ("stalest read".to_owned(), "versions"),
            Self::StaleTime => ("stalest read".to_owned(), "us"),
            Self::Latency(f, percentile) => {
                let which = match percentile {
                    Percentile::Half => "p50",
                    Percentile::NinetyNine => "p99",
                    Percentile::Most => "max",
                };
                (format!("{f} latency, {which}"), "us")
            }
            Self::Unavailable => ("outages together".to_owned(), "ns"),
            Self::LongestOutage => ("longest outage".to_owned(), "ns"),
            Self::Lost => ("lost updates".to_owned(), "updates"),
        }
    }
}

impl Tally {
    /// Nothing has come yet. `header` is that of the whole sweep, or of the shard that is all there is.
    pub fn new(header: Header) -> Self {
        let expected = header.expectations.iter();
        Self {
            unmet: expected.map(|e| (e.clone(), Counted::default())).collect(),
            header,
            runs: 0,
            failing: 0,
            first_failing: None,
            shortest_failing: None,
            verdicts: Vec::new(),
            totals: Totals::default(),
            spreads: BTreeMap::new(),
        }
    }

    /// Counts a line.
    pub fn add(&mut self, line: &Line) {
        let here = Shortest {
            events: line.events,
            seed: line.seed,
        };
        self.runs += 1;
        if line.failing {
            self.failing += 1;
            let first = self.first_failing.get_or_insert(line.seed);
            *first = line.seed.min(*first);
            shorten(&mut self.shortest_failing, here);
        }
        for (check, outcome) in &line.verdicts {
            let counted = entry(&mut self.verdicts, check);
            match outcome {
                Outcome::Holds => counted.held += 1,
                Outcome::NotJudged => counted.not_judged += 1,
                Outcome::Violated => {
                    counted.violated += 1;
                    shorten(&mut counted.shortest, here);
                }
            }
        }
        for expectation in &line.unmet {
            let counted = entry(&mut self.unmet, expectation);
            counted.violated += 1;
            shorten(&mut counted.shortest, here);
        }
        self.totals.add(line);
        self.measure(&line.measures);
    }

    fn measure(&mut self, measures: &Measures) {
        let mut add = |quantity, value| self.spreads.entry(quantity).or_default().add(value);
        if let Some(lag) = measures.lag {
            add(Quantity::LagEntries, lag.entries_max);
            add(Quantity::LagTime, lag.ns_max);
        }
        if let Some(staleness) = measures.staleness {
            add(Quantity::StaleReads, staleness.stale);
            add(Quantity::StaleVersions, staleness.versions.max);
            add(Quantity::StaleTime, staleness.time_us.max);
        }
        for (f, latency) in &measures.latency {
            for (percentile, micros) in [
                (Percentile::Half, latency.p50_us),
                (Percentile::NinetyNine, latency.p99_us),
                (Percentile::Most, latency.max_us),
            ] {
                add(Quantity::Latency(f.clone(), percentile), micros);
            }
        }
        let availability = measures.availability;
        add(Quantity::Unavailable, availability.unavailable_ns);
        add(Quantity::LongestOutage, availability.longest_outage_ns);
        if let Some(loss) = measures.loss {
            add(Quantity::Lost, loss.lost);
        }
    }

    /// Whether a seed failed.
    pub fn has_failed(&self) -> bool {
        self.failing > 0
    }

    /// How many lines were counted, and how many of them failed.
    pub fn counts(&self) -> (u64, u64) {
        (self.runs, self.failing)
    }

    /// What was found so far.
    pub fn summary(&self) -> Summary {
        let header = &self.header;
        let verdicts = self.verdicts.iter().map(|(check, counted)| VerdictRow {
            check: check.clone(),
            held: counted.held,
            not_judged: counted.not_judged,
            violated: rate(counted.violated, counted.held + counted.violated),
            shortest: counted.shortest,
        });
        let expectations = self.unmet.iter().map(|(expect, counted)| ExpectationRow {
            expect: expect.clone(),
            unmet: rate(counted.violated, self.runs),
            shortest: counted.shortest,
        });
        let spreads = self.spreads.iter().map(|(quantity, spread)| {
            let (measure, unit) = quantity.words();
            SpreadRow {
                measure,
                unit,
                runs: spread.count(),
                p50: spread.quantile(0.5),
                p90: spread.quantile(0.9),
                p99: spread.quantile(0.99),
                max: spread.max(),
            }
        });
        Summary {
            schema: SCHEMA,
            scenario: header.scenario.clone(),
            scenario_hash: header.scenario_hash.clone(),
            seeds: header.own_seeds(),
            until: header.until,
            runs: self.runs,
            failing: rate(self.failing, self.runs),
            first_failing: self.first_failing,
            shortest_failing: self.shortest_failing,
            verdicts: verdicts.collect(),
            expectations: expectations.collect(),
            spreads: spreads.collect(),
            totals: self.totals,
        }
    }
}

impl Totals {
    fn add(&mut self, line: &Line) {
        let measures = &line.measures;
        let staleness = measures.staleness.unwrap_or_default();
        let loss = measures.loss.unwrap_or_default();
        let sums = [
            (&mut self.events, line.events),
            (&mut self.virtual_ns, line.virtual_ns),
            (&mut self.ok, measures.ok),
            (&mut self.fail, measures.fail),
            (&mut self.info, measures.info),
            (&mut self.reads, staleness.reads),
            (&mut self.stale_reads, staleness.stale),
            (&mut self.acknowledged, loss.acknowledged),
            (&mut self.lost, loss.lost),
            (&mut self.outages, measures.availability.outages),
            (
                &mut self.unavailable_ns,
                measures.availability.unavailable_ns,
            ),
        ];
        // Files may hold anything; 500 years of virtual time are a sum that nobody needs.
        for (sum, value) in sums {
            *sum = sum.saturating_add(value);
        }
    }
}

fn entry<'a>(list: &'a mut Vec<(String, Counted)>, name: &str) -> &'a mut Counted {
    let index = list.iter().position(|(known, _)| known == name);
    let index = index.unwrap_or_else(|| {
        list.push((name.to_owned(), Counted::default()));
        list.len() - 1
    });
    &mut list[index].1
}

fn shorten(shortest: &mut Option<Shortest>, here: Shortest) {
    *shortest = Some(shortest.map_or(here, |known| known.min(here)));
}

/// What a sweep found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// The version of this form: 1.
    pub schema: u32,
    /// The scenario's name in the catalog, or its file.
    pub scenario: String,
    /// The hash of its text.
    pub scenario_hash: String,
    /// The seeds that it is about.
    pub seeds: Seeds,
    /// When the sweep has seen enough.
    pub until: Until,
    /// How many runs there were.
    pub runs: u64,
    /// How many of them failed.
    pub failing: Rate,
    /// The lowest seed that failed.
    pub first_failing: Option<u64>,
    /// The failing run with the fewest events.
    pub shortest_failing: Option<Shortest>,
    /// What each check said.
    pub verdicts: Vec<VerdictRow>,
    /// How often each expectation was not met.
    pub expectations: Vec<ExpectationRow>,
    /// How measures are spread over runs.
    pub spreads: Vec<SpreadRow>,
    /// Sums over all runs.
    pub totals: Totals,
}

/// What a check said.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VerdictRow {
    /// Its name.
    pub check: String,
    /// In how many runs the guarantee held.
    pub held: u64,
    /// How many could not be judged.
    pub not_judged: u64,
    /// In how many of those that were judged it fell.
    pub violated: Rate,
    /// Where it fell in the fewest events.
    pub shortest: Option<Shortest>,
}

/// How often an expectation was not met, or could not be judged.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExpectationRow {
    /// `read-your-writes-in-real-time is violated`.
    pub expect: String,
    /// In how many runs it was not.
    pub unmet: Rate,
    /// The shortest of those.
    pub shortest: Option<Shortest>,
}

/// How a measure is spread over runs: in half of them it was at most `p50`, and so on. Percentiles have three significant
/// digits; `max` is exact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SpreadRow {
    /// What is measured, in a run.
    pub measure: String,
    /// In what: `ns`, `us`, or what is counted.
    pub unit: &'static str,
    /// In how many runs it was measured.
    pub runs: u64,
    /// In half of them it was no more.
    pub p50: u64,
    /// In nine of ten.
    pub p90: u64,
    /// In all but one of a hundred.
    pub p99: u64,
    /// In all of them.
    pub max: u64,
}

impl Summary {
    /// As one line of JSON, without a line end.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a summary holds only numbers, strings and lists")
    }

    /// For people: at most 100 columns, no colours, ends with a line end.
    pub fn to_text(&self) -> String {
        text::render(self)
    }
}

/// The command that shows a seed of a scenario, ready to paste into a shell.
pub fn replay_command(scenario: &str, seed: u64) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+=:@%,".contains(c);
    let scenario = match !scenario.is_empty() && scenario.chars().all(is_plain) {
        true => scenario.to_owned(),
        false => format!("'{}'", scenario.replace('\'', "'\\''")),
    };
    format!("seedbed explore {scenario} --seed {seed}")
}
