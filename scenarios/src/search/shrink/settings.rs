//! Settings as they are by default, delays as round numbers, short names.

use std::collections::BTreeMap;

use seedbed_protocols::storage::EngineKind;
use seedbed_sim::{DiskConfig, Distribution, Fault, LinkKind, LinkSpec, MessageFate, NodeId, Span};

use super::lab::Goal;
use super::times::rounder;
use crate::file::model::{Action, Protocol, Replica, Routing, Scenario};

/// Something that can be changed about a scenario; `false` where there is nothing to change.
type Change = Box<dyn Fn(&mut Scenario) -> bool>;

/// With everything that is not needed as it is by default.
pub(super) fn simpler(scenario: Scenario, goal: &Goal<'_>, sturdily: bool) -> Scenario {
    let mut least = scenario;
    for change in changes(&least) {
        let mut candidate = least.clone();
        if change(&mut candidate)
            && candidate != least
            && goal
                .first(std::slice::from_ref(&candidate), sturdily)
                .is_some()
        {
            least = candidate;
        }
    }
    shorter_delays(least, goal, sturdily)
}

/// Sets a value, and says whether that changed it.
fn set<T: PartialEq>(place: &mut T, value: T) -> bool {
    let changes = *place != value;
    *place = value;
    changes
}

/// What can be tried, the greatest first.
fn changes(scenario: &Scenario) -> Vec<Change> {
    let mut all: Vec<Change> = vec![
        Box::new(|it| set(&mut it.settle, Span::from_secs(10))),
        Box::new(|it| set(&mut it.cluster.client_timeout, Span::from_secs(1))),
        Box::new(|it| match &mut it.cluster.protocol {
            Protocol::SingleLeader(settings) => set(&mut settings.heartbeat, Span::from_millis(50)),
        }),
        Box::new(|it| for_all(&mut it.clients, |it| set(&mut it.routing, Routing::Leader))),
        Box::new(|it| for_all(&mut it.clients, |it| set(&mut it.site, String::new()))),
        Box::new(|it| for_all(&mut it.clients, |it| set(&mut it.user, it.name.clone()))),
        Box::new(|it| for_all(&mut it.clients, |it| set(&mut it.clock, Default::default()))),
        Box::new(|it| for_all(&mut it.replicas, |it| set(&mut it.site, String::new()))),
    ];
    for quality in QUALITIES {
        all.push(Box::new(move |it| for_all(&mut it.replicas, quality)));
        for index in 0..scenario.replicas.len() {
            all.push(Box::new(move |it| {
                it.replicas.get_mut(index).is_some_and(quality)
            }));
        }
    }
    all.push(Box::new(|it| ordinary(&mut it.network.default)));
    for index in 0..scenario.network.rules.len() {
        all.push(Box::new(move |it| {
            let standard = it.network.default.clone();
            let rule = it.network.rules.get_mut(index);
            rule.is_some_and(|rule| {
                let delay = rule.spec.delay.clone();
                set(&mut rule.spec, LinkSpec { delay, ..standard })
            })
        }));
    }
    for index in 0..scenario.faults.len() {
        all.push(Box::new(move |it| {
            let timed = it.faults.get_mut(index);
            timed.is_some_and(|timed| set(&mut timed.until, None))
        }));
    }
    all.push(Box::new(leader_unsaid));
    all.push(Box::new(in_order));
    all.push(Box::new(short_keys));
    all.push(Box::new(short_values));
    all.push(Box::new(short_names));
    all
}

/// What replicas are like by default.
const QUALITIES: [fn(&mut Replica) -> bool; 11] = [
    |it| set(&mut it.disk, Default::default()),
    |it| {
        set(
            &mut it.disk.read_latency,
            DiskConfig::default().read_latency,
        )
    },
    |it| {
        set(
            &mut it.disk.read_per_kib,
            DiskConfig::default().read_per_kib,
        )
    },
    |it| {
        set(
            &mut it.disk.write_latency,
            DiskConfig::default().write_latency,
        )
    },
    |it| {
        set(
            &mut it.disk.write_per_kib,
            DiskConfig::default().write_per_kib,
        )
    },
    |it| {
        set(
            &mut it.disk.sync_latency,
            DiskConfig::default().sync_latency,
        )
    },
    |it| {
        set(
            &mut it.disk.sync_per_kib,
            DiskConfig::default().sync_per_kib,
        )
    },
    |it| set(&mut it.engine, EngineKind::Log),
    |it| set(&mut it.service_time, Span::from_micros(20)),
    |it| set(&mut it.inbox, 1_024),
    |it| set(&mut it.clock, Default::default()),
];

fn for_all<T>(items: &mut [T], change: impl Fn(&mut T) -> bool) -> bool {
    let mut changed = false;
    for item in items {
        changed |= change(item);
    }
    changed
}

/// A connection as by default, but for its delay.
fn ordinary(link: &mut LinkSpec) -> bool {
    let fifo = LinkSpec::fifo(link.delay.clone());
    let kind = set(&mut link.kind, LinkKind::Fifo);
    let again = set(&mut link.retransmit_after, fifo.retransmit_after);
    set(&mut link.loss_per_million, 0) || kind || again
}

/// A read at the leader need not say so where its client reads there anyway. (Which replica a read asks is never changed:
/// it would be another story, of another user.)
fn leader_unsaid(scenario: &mut Scenario) -> bool {
    let leader = scenario.leader();
    let mut changed = false;
    for index in 0..scenario.steps.len() {
        let client = scenario.client(scenario.steps[index].client);
        let routing = client.map(|client| client.routing);
        let step = &mut scenario.steps[index];
        if routing == Some(Routing::Leader) && step.replica == Some(leader) {
            step.replica = None;
            changed = true;
        }
    }
    changed
}

/// Steps in the order in which they begin.
fn in_order(scenario: &mut Scenario) -> bool {
    let before = scenario.steps.clone();
    scenario.steps.sort_by_key(super::times::moment_of);
    scenario.faults.sort_by_key(|timed| timed.at);
    before != scenario.steps
}

fn short_keys(scenario: &mut Scenario) -> bool {
    const NAMES: [&str; 4] = ["x", "y", "z", "w"];
    let mut short: BTreeMap<String, &str> = BTreeMap::new();
    for step in &scenario.steps {
        let number = short.len();
        if !short.contains_key(&step.key) {
            let Some(name) = NAMES.get(number) else {
                return false;
            };
            short.insert(step.key.clone(), name);
        }
    }
    for_all(&mut scenario.steps, |step| {
        let name = short[&step.key].to_owned();
        set(&mut step.key, name)
    })
}

fn short_values(scenario: &mut Scenario) -> bool {
    let mut number = 0;
    let mut changed = false;
    for step in &mut scenario.steps {
        if let Action::Put(value) = &mut step.action {
            number += 1;
            changed |= set(value, format!("v{number}"));
        }
    }
    changed
}

fn short_names(scenario: &mut Scenario) -> bool {
    const NAMES: [&str; 6] = ["alice", "bob", "carol", "dave", "erin", "frank"];
    let replicas = scenario.replicas.iter().map(|it| it.name.as_str());
    if scenario.clients.len() > NAMES.len() || replicas.into_iter().any(|it| NAMES.contains(&it)) {
        return false;
    }
    let mut changed = false;
    for (client, name) in scenario.clients.iter_mut().zip(NAMES) {
        changed |= set(&mut client.name, name.to_owned());
        client.user = name.to_owned();
    }
    changed
}

/// A delay of a scenario, wherever it is said.
#[derive(Clone, Copy)]
enum Delay {
    Everywhere,
    Rule(usize),
    Message(usize),
    Fault(usize),
}

impl Delay {
    fn get(self, scenario: &Scenario) -> Option<Span> {
        match self {
            Self::Everywhere => Some(scenario.network.default.delay.quantile(0.5)),
            Self::Rule(index) => {
                let rule = scenario.network.rules.get(index)?;
                Some(rule.spec.delay.quantile(0.5))
            }
            Self::Message(index) => match scenario.messages.get(index)?.fate {
                MessageFate::Delay(by) | MessageFate::Duplicate(by) => Some(by),
                MessageFate::Lose | MessageFate::HoldUntil(_) => None,
            },
            Self::Fault(index) => match scenario.faults.get(index)?.faults.first()? {
                Fault::Delay { extra, .. } => Some(*extra),
                _ => None,
            },
        }
    }

    fn with(self, scenario: &Scenario, span: Span) -> Scenario {
        let mut with = scenario.clone();
        let fixed = Distribution::fixed(span.min(Distribution::MAX)).expect("it is short enough");
        match self {
            Self::Everywhere => with.network.default.delay = fixed,
            Self::Rule(index) => with.network.rules[index].spec.delay = fixed,
            Self::Message(index) => match &mut with.messages[index].fate {
                MessageFate::Delay(by) | MessageFate::Duplicate(by) => *by = span,
                MessageFate::Lose | MessageFate::HoldUntil(_) => {}
            },
            Self::Fault(index) => {
                for fault in &mut with.faults[index].faults {
                    if let Fault::Delay { extra, .. } = fault {
                        *extra = span;
                    }
                }
            }
        }
        with
    }
}

/// With every delay as short and as round as may be.
fn shorter_delays(scenario: Scenario, goal: &Goal<'_>, sturdily: bool) -> Scenario {
    let mut all = vec![Delay::Everywhere];
    all.extend((0..scenario.network.rules.len()).map(Delay::Rule));
    all.extend((0..scenario.messages.len()).map(Delay::Message));
    all.extend((0..scenario.faults.len()).map(Delay::Fault));
    let mut least = scenario;
    for delay in all {
        let Some(now) = delay.get(&least) else {
            continue;
        };
        let spans = rounder(now);
        let with = |index: usize| delay.with(&least, spans[index]);
        // What the standard network does need not be said at all, so that comes first.
        if let Some((_, shorter)) = goal.first_of(spans.len(), &with, sturdily) {
            least = shorter;
        }
    }
    least
}

/// For telling: what a replica is like that is not as by default.
pub(super) fn unusual(scenario: &Scenario) -> Vec<(NodeId, &'static str, Scenario)> {
    const NAMES: [&str; 5] = ["disk", "engine", "service time", "inbox", "clock"];
    let whole = QUALITIES[..1].iter().chain(&QUALITIES[7..]);
    let mut all = Vec::new();
    for id in scenario.node_ids().take(scenario.replicas.len()) {
        for (quality, name) in whole.clone().zip(NAMES) {
            let mut without = scenario.clone();
            if quality(&mut without.replicas[id.index()]) {
                all.push((id, name, without));
            }
        }
    }
    all
}
