//! Nemeses: faults that nobody planned, drawn from the seed.
//!
//! A person plans the faults he can think of. What breaks a protocol is mostly a coincidence that nobody thought of: a
//! crash in the middle of a catch-up, while another link is slow. A *nemesis* (the name is Jepsen's) draws such faults:
//! how often, how long, which, and where.
//!
//! ```text
//!   [[nemesis]] ── seed ──► on in this seed? how hard? ──► faults on the timeline ──► the run
//!     kinds, targets,           (swarm)                    the same type as those
//!     rate, durations                                      a file or a person makes
//! ```
//!
//! - **All is drawn before the run begins**, from a stream named by the nemesis, and is a part of the run's plan from then
//!   on: it can be looked at ahead of time, written into a file and taken away one by one. What the run does has no
//!   influence on it, so that two designs meet the same faults at one seed.
//! - **Swarm.** A nemesis that always does everything seldom does one thing for long enough: crashes hide what slow links
//!   would show. With `swarm` each seed draws which of its kinds are on, each with a chance of one half; and where rate or
//!   durations are ranges, the rate is drawn once for each seed. So some seeds only pause, some only partition, and many
//!   do both (Groce and others, *Swarm Testing*, ISSTA 2012).
//! - **Ranges span magnitudes**: a rate, or a duration, is drawn so that each doubling is as likely as any other.
//! - **Safety, then liveness.** Nemeses work within the scenario's duration, and what they did is lifted at its end, with
//!   all other faults; then the cluster has to come to rest, and to answer, within the scenario's bound.
//!
//! A protocol keeps its promises within a budget of faults only: `at_most` bounds how many of a nemesis' faults hold at a
//! time, its targets say where they strike.

mod kinds;
#[cfg(test)]
mod tests;

use std::ops::RangeInclusive;

use seedbed_sim::{Distribution, Fault, NodeId, Seed, Span, Stream};

pub use kinds::{Kind, all as all_kinds, find as find_kind};

use crate::file::FAULTS_MAX;
use crate::file::model::{Scenario, TimedFault};
use kinds::Ground;

/// A generator of faults, as a scenario asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nemesis {
    /// Its name, which its draws are named by.
    pub name: String,
    /// What it does; never empty.
    pub kinds: Vec<&'static Kind>,
    /// Where: the nodes that it strikes, and between which it strikes links; never empty.
    pub targets: Vec<NodeId>,
    /// From when on, since the beginning of the run.
    pub start: Span,
    /// None of its faults begins at or after this.
    pub end: Span,
    /// How many of its faults begin in a minute, on average; drawn once for a seed.
    pub per_minute: RangeInclusive<u32>,
    /// How long each lasts; drawn for each.
    pub lasts: RangeInclusive<Span>,
    /// How many of them hold at a time, at the most.
    pub at_most: u32,
    /// Whether each seed draws which of its kinds are on.
    pub swarm: bool,
}

/// What a nemesis does in one seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// The nemesis, by name.
    pub name: String,
    /// The kinds that are on.
    pub kinds: Vec<&'static Kind>,
    /// How many of its faults begin in a minute, on average.
    pub per_minute: u32,
    /// Its faults, in the order in which they begin.
    pub faults: Vec<TimedFault>,
}

/// What the nemeses of a scenario do at a seed.
pub fn draw(scenario: &Scenario, seed: Seed) -> Vec<Drawn> {
    let draw = |nemesis| draw_one(scenario, nemesis, seed);
    scenario.nemeses.iter().map(draw).collect()
}

/// The scenario with what its nemeses do on its timeline, and without the nemeses: it runs alike.
#[must_use]
pub fn made_explicit(mut scenario: Scenario, drawn: &[Drawn]) -> Scenario {
    scenario.nemeses.clear();
    let faults = drawn.iter().flat_map(|drawn| &drawn.faults);
    scenario.faults.extend(faults.cloned());
    scenario
}

/// A fault of this kind for a person who has chosen a node; a single node or a link's end that is struck is that one,
/// and how hard is drawn. The same `number` proposes the same fault again. `None` where the kind can't strike there.
pub fn propose(
    scenario: &Scenario,
    seed: Seed,
    kind: &Kind,
    node: NodeId,
    number: u64,
) -> Option<Fault> {
    let path = format!("proposal/{}/{}/{number}", kind.name, scenario.name(node));
    let targets: Vec<NodeId> = scenario.node_ids().collect();
    let ground = Ground::new(scenario, &targets).at(node);
    kind.draw(&ground, &mut Stream::named(seed, &path))
}

fn draw_one(scenario: &Scenario, nemesis: &Nemesis, seed: Seed) -> Drawn {
    let mut stream = Stream::named(seed, &format!("nemesis/{}", nemesis.name));
    let kinds = kinds_of_this_seed(nemesis, &mut stream);
    let low = u64::from(*nemesis.per_minute.start());
    let high = u64::from(*nemesis.per_minute.end());
    let per_minute = by_magnitude(&mut stream, low, high) as u32;
    let mut drawn = Drawn {
        name: nemesis.name.clone(),
        kinds,
        per_minute,
        faults: Vec::new(),
    };
    let between = Span::from_secs(60).as_nanos() / u64::from(per_minute.max(1));
    let gaps = Distribution::exponential(Span::from_nanos(between)).expect("at most a minute");
    let ground = Ground::new(scenario, &nemesis.targets);
    let mut holding: Vec<Span> = Vec::new();
    let mut occurrences = 0_u64;
    let mut at = nemesis.start + stream.sample(&gaps);
    while at < nemesis.end && drawn.faults.len() < FAULTS_MAX {
        // Each has a stream of its own, so that what one draws does not shift what others do.
        occurrences += 1;
        let mut of_this = Stream::named(seed, &format!("nemesis/{}/{occurrences}", nemesis.name));
        holding.retain(|until| *until > at);
        if holding.len() < nemesis.at_most as usize
            && let Some(kind) = of_this.pick(&drawn.kinds).copied()
            && let Some(fault) = kind.draw(&ground, &mut of_this)
        {
            let (low, high) = (
                nemesis.lasts.start().as_nanos(),
                nemesis.lasts.end().as_nanos(),
            );
            let until = at + Span::from_nanos(by_magnitude(&mut of_this, low, high));
            holding.push(until);
            drawn.faults.push(TimedFault {
                at,
                until: Some(until).filter(|until| *until < scenario.duration),
                faults: vec![fault],
            });
        }
        at += stream.sample(&gaps).max(Span::from_nanos(1));
    }
    drawn
}

/// The kinds that are on in this seed: with swarm each with a chance of one half, and one of them at least.
fn kinds_of_this_seed(nemesis: &Nemesis, stream: &mut Stream) -> Vec<&'static Kind> {
    if !nemesis.swarm {
        return nemesis.kinds.clone();
    }
    let sure = stream.below(nemesis.kinds.len() as u64) as usize;
    let mut kinds = Vec::new();
    for (index, kind) in nemesis.kinds.iter().enumerate() {
        if stream.chance_per_million(500_000) || index == sure {
            kinds.push(*kind);
        }
    }
    kinds
}

/// A number from `low` to `high`, both included, so that each doubling is as likely as any other; two draws. A `low` of
/// zero counts as one for that.
fn by_magnitude(stream: &mut Stream, low: u64, high: u64) -> u64 {
    let base = low.max(1);
    let doublings = (high.max(base) / base).ilog2();
    let from = base << stream.below(u64::from(doublings) + 1);
    // The last doubling may reach beyond, and is cut.
    let to = from.saturating_mul(2).saturating_sub(1).min(high.max(from));
    let draw = u128::from(stream.next_u64());
    let width = u128::from(to - from) + 1;
    let drawn = from + ((draw * width) >> 64) as u64;
    drawn.clamp(low, high.max(low))
}
