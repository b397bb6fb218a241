//! Sites and the delays between them: presets of real places, and matrices by hand.
//!
//! A site is a place with a name: a rack, a data centre, a region. Between sites messages take longer than within one, and
//! the way there need not be the way back. A **matrix** says how long each takes; a **preset** is a matrix with its sites, as
//! it was measured:
//!
//! | preset | sites | round trips |
//! |---|---|---|
//! | `one-rack` | `rack` | 0.55 ms |
//! | `three-zones` | `zone-b`, `zone-c`, `zone-d` | 0.55 ms in a zone, 1.08 to 3.57 ms between them |
//! | `five-regions` | `virginia`, `california`, `ireland`, `tokyo`, `sydney` | 0.55 ms in a region, 84.5 to 346.2 ms between them |
//!
//! The figures are the mean round trips between instances of Amazon EC2 that Bailis et al. published (*Highly Available
//! Transactions: Virtues and Limitations*, VLDB 2014, table 1: within the zone us-east-b, between zones of us-east, and
//! between regions). One way is half of a round trip here, which the network itself does not promise. The paper gives means
//! and no table of quantiles, so the spread is ours: 95 % of the way is fixed, and the rest is log-normal with a sigma of
//! 0.5. Such figures drift over the years by some per cent; what they teach does not.

use std::collections::BTreeSet;

use seedbed_sim::{Distribution, LinkRule, LinkSpec, Span};

use super::SITES_MAX;
use super::names::{Named, Names};
use super::network::read_distribution;
use super::reader::{Table, Value};

/// Places that were measured.
pub(super) struct Preset {
    name: &'static str,
    sites: &'static [&'static str],
    /// The mean round trip within a site, in microseconds.
    within_micros: u64,
    /// The mean round trips between sites, in microseconds: for each site those to the sites before it.
    between_micros: &'static [&'static [u64]],
}

const PRESETS: &[Preset] = &[
    Preset {
        name: "one-rack",
        sites: &["rack"],
        within_micros: 550,
        between_micros: &[&[]],
    },
    Preset {
        name: "three-zones",
        sites: &["zone-b", "zone-c", "zone-d"],
        within_micros: 550,
        between_micros: &[&[], &[1_080], &[3_120, 3_570]],
    },
    Preset {
        name: "five-regions",
        sites: &["virginia", "california", "ireland", "tokyo", "sydney"],
        within_micros: 550,
        between_micros: &[
            &[],
            &[84_500],
            &[107_900, 169_800],
            &[202_400, 143_700, 278_300],
            &[265_600, 179_100, 346_200, 144_200],
        ],
    },
];

/// One way of a mean round trip: mostly the way itself, and a little that varies.
fn one_way(round_trip_micros: u64) -> Distribution {
    let half_nanos = round_trip_micros * 500;
    let varying = Span::from_nanos(half_nanos / 20);
    let fixed = Span::from_nanos(half_nanos - half_nanos / 20);
    let varying = Distribution::log_normal(varying, 0.5).expect("within what is allowed");
    varying.plus(fixed).expect("within what is allowed")
}

impl Preset {
    fn round_trip(&self, one: usize, other: usize) -> u64 {
        match one.cmp(&other) {
            std::cmp::Ordering::Equal => self.within_micros,
            std::cmp::Ordering::Greater => self.between_micros[one][other],
            std::cmp::Ordering::Less => self.between_micros[other][one],
        }
    }

    /// How long messages take where nothing else is said.
    pub(super) fn within(&self) -> Distribution {
        one_way(self.within_micros)
    }

    pub(super) fn matrix(&self) -> Matrix {
        let places = 0..self.sites.len();
        let row = |from| {
            places
                .clone()
                .map(|to| one_way(self.round_trip(from, to)))
                .collect()
        };
        Matrix {
            sites: self.sites.iter().map(ToString::to_string).collect(),
            delays: places.clone().map(row).collect(),
        }
    }
}

/// How long messages take from each site (a row) to each site (a column).
pub(super) struct Matrix {
    sites: Vec<String>,
    delays: Vec<Vec<Distribution>>,
}

impl Matrix {
    /// The links between the nodes of the sites, which are as `standard` but for the delay.
    pub(super) fn rules(&self, standard: &LinkSpec, names: &Names) -> Vec<LinkRule> {
        let mut rules = Vec::new();
        let mut add = |from: usize, to: usize| {
            let (from_nodes, to_nodes) = (
                names.members(&self.sites[from]),
                names.members(&self.sites[to]),
            );
            // A node reaches itself without a link.
            let is_nothing = from_nodes.is_empty()
                || to_nodes.is_empty()
                || (from == to && from_nodes.len() == 1);
            if !is_nothing {
                rules.push(LinkRule {
                    from: from_nodes.to_vec(),
                    to: to_nodes.to_vec(),
                    spec: LinkSpec {
                        delay: self.delays[from][to].clone(),
                        ..standard.clone()
                    },
                });
            }
        };
        for one in 0..self.sites.len() {
            add(one, one);
            for other in 0..one {
                add(one, other);
                add(other, one);
            }
        }
        rules
    }
}

fn preset_of<'a>(root: &Table<'a>) -> Option<Value<'a>> {
    let network = root.optional("network").filter(Value::is_table)?;
    network.table("the network")?.optional("preset")
}

/// Gives the sites of a preset their names, so that nodes can stand there.
pub(super) fn declare(root: &Table<'_>, names: &mut Names) {
    let presets: Vec<(&'static str, &Preset)> = PRESETS.iter().map(|it| (it.name, it)).collect();
    let preset = preset_of(root);
    let Some(preset) = preset.and_then(|value| value.one_of(&presets)) else {
        return;
    };
    for site in preset.sites {
        // They are the first names of all.
        names.declare_silently(site, Named::Site);
    }
}

/// Reads `preset`; that it is unknown has been said by [`declare`].
pub(super) fn read_preset(table: &Table<'_>) -> Option<&'static Preset> {
    let preset = table.optional("preset")?;
    let name = preset.is_text().then(|| preset.text(usize::MAX))??;
    PRESETS.iter().find(|preset| preset.name == name)
}

/// Reads a matrix: sites that the file has named, and a row for each with the way to each.
pub(super) fn read_matrix(table: &Table<'_>, names: &Names) -> Option<Matrix> {
    let value = table.optional("matrix")?;
    let table = value.table("a matrix of delays")?;
    let sites = table.required("sites", "an array of sites");
    let sites = sites.and_then(|value| read_sites(&value, names));
    let rows = table.required("delays", "a row for each site, with the way to each site");
    let rows = rows
        .zip(sites.as_ref())
        .and_then(|(rows, sites)| read_rows(&rows, sites.len()));
    table.finish();
    Some(Matrix {
        sites: sites?,
        delays: rows?,
    })
}

fn read_sites(value: &Value<'_>, names: &Names) -> Option<Vec<String>> {
    let mut seen = BTreeSet::new();
    let mut sites = Vec::new();
    for item in value.items("sites", SITES_MAX)? {
        let site = names.site(&item)?;
        if !seen.insert(site.clone()) {
            item.wrong("names a site twice", |problem| {
                problem.expected("each site once")
            });
            return None;
        }
        sites.push(site);
    }
    Some(sites)
}

fn read_rows(value: &Value<'_>, count: usize) -> Option<Vec<Vec<Distribution>>> {
    let expected = || format!("{count}, one for each site");
    let rows = value.items("rows", SITES_MAX)?;
    if rows.len() != count {
        value.wrong(&format!("has {} rows", rows.len()), |problem| {
            problem.expected(expected())
        });
        return None;
    }
    let read_row = |row: &Value<'_>| {
        let delays = row.items("delays", SITES_MAX)?;
        if delays.len() != count {
            row.wrong(
                &format!("has a row of {} delays", delays.len()),
                |problem| problem.expected(expected()),
            );
            return None;
        }
        let delays: Vec<Option<Distribution>> = delays.iter().map(read_distribution).collect();
        delays.into_iter().collect()
    };
    let rows: Vec<Option<Vec<Distribution>>> = rows.iter().map(read_row).collect();
    rows.into_iter().collect()
}
