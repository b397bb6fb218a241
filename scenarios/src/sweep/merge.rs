//! Putting shards together: which files belong to one sweep, in which order, and whether they are all there.
//!
//! Whoever merges [plans](plan) by the headers of all files first, and then reads one after the other with a
//! [`Reader`](super::Reader). Shards need not have been cut by one number: what counts is that their seeds cover the
//! range once. Whatever is wrong is told with the place in the file.

use super::{Header, Shard, Until};

/// How files go together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The header of the whole.
    pub whole: Header,
    /// The files by their index, in the order of their seeds.
    pub order: Vec<usize>,
}

/// Why files do not go together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:1: {reason}")]
pub struct Refused {
    /// The file that does not go with the others.
    pub file: String,
    /// Why.
    pub reason: String,
}

/// Finds out how files go together, by their names and headers. There must be at least one.
///
/// # Errors
/// When one is of another sweep, when seeds are in two of them, or in none.
///
/// # Panics
/// When there are no files.
pub fn plan(files: &[(String, Header)]) -> Result<Plan, Refused> {
    let (first_name, first) = files.first().expect("at least one file");
    for (name, header) in &files[1..] {
        if let Some(reason) = foreign(header, first, first_name) {
            return Err(Refused {
                file: name.clone(),
                reason,
            });
        }
    }
    let mut order: Vec<usize> = (0..files.len()).collect();
    let seeds = |index: usize| files[index].1.own_seeds();
    order.sort_by_key(|index| (seeds(*index).from, seeds(*index).to));
    let mut next = first.seeds.from;
    let mut before: Option<usize> = None;
    for &index in &order {
        let (name, own) = (&files[index].0, seeds(index));
        let refused = |reason| {
            Err(Refused {
                file: name.clone(),
                reason,
            })
        };
        if own.from > next {
            return refused(gap(next, own.from, first, &files[index].1));
        }
        if own.from < next {
            let other = &files[before.expect("a file came before")].0;
            let twice = format!("{}..{}", own.from, own.to.min(next));
            return refused(format!("seeds {twice} are in {other} already"));
        }
        next = own.to;
        before = Some(index);
    }
    if next < first.seeds.to {
        let last = *order.last().expect("at least one file");
        return Err(Refused {
            file: files[last].0.clone(),
            reason: gap(next, first.seeds.to, first, &files[last].1),
        });
    }
    Ok(Plan {
        whole: Header {
            shard: Shard::WHOLE,
            ..first.clone()
        },
        order,
    })
}

/// Seeds that are nowhere. Where shards were cut by one number, the missing ones have names.
fn gap(from: u64, to: u64, whole: &Header, beside: &Header) -> String {
    let count = beside.shard.count;
    let shards = (1..=count).map(|index| Shard { index, count });
    let missing: Vec<String> = shards
        .filter(|shard| {
            let own = whole.seeds.of_shard(*shard);
            own.from >= from && own.to <= to && own.count() > 0
        })
        .take(4)
        .map(|shard| shard.to_string())
        .collect();
    let names = match missing.len() {
        0 => String::new(),
        1..=3 => format!(" (shard {})", missing.join(", ")),
        _ => format!(" (shard {} and more)", missing[..3].join(", ")),
    };
    format!("seeds {from}..{to} are in none of the files{names}")
}

/// Why a file can't be of the same sweep as the first, if so.
fn foreign(header: &Header, first: &Header, first_name: &str) -> Option<String> {
    if header.scenario_hash != first.scenario_hash {
        let (this, that) = (&header.scenario, &first.scenario);
        return Some(match this == that {
            true => format!("this is a sweep of another text of {this} than {first_name}"),
            false => format!("this is a sweep of {this}, and {first_name} is one of {that}"),
        });
    }
    // The same text under another name or path is the same scenario.
    let differences = [
        (
            "program version",
            header.program.clone(),
            first.program.clone(),
        ),
        ("seeds", header.seeds.to_string(), first.seeds.to_string()),
        ("until", header.until.to_string(), first.until.to_string()),
    ];
    let differs = differences.into_iter().find(|(_, this, that)| this != that);
    differs
        .map(|(what, this, that)| format!("{what} {this}, where {first_name} has {what} {that}"))
        .or_else(|| {
            let same = header.expectations == first.expectations;
            (!same).then(|| format!("other expectations than {first_name}, though the same text"))
        })
}

/// Why a file that has come to its end is not complete, where it is not.
pub fn missing(reader: &super::Reader) -> Option<String> {
    let own = reader.header().own_seeds();
    (!reader.is_complete()).then(|| {
        let until = match reader.header().until {
            Until::First => ", or up to the first that fails",
            Until::All => "",
        };
        format!(
            "the file ends here, and seeds {}..{}{until} are still to come: go on with it by --resume",
            reader.next_seed(),
            own.to
        )
    })
}
