//! What is written is what is read, and is what a person would have written.

use proptest::prelude::*;
use seedbed_protocols::storage::EngineKind;
use seedbed_sim::{
    Barrier, ClockConfig, Direction, DiskConfig, Distribution, Fault, Impairments, InFlight,
    Instant, Kind, LinkKind, LinkRule, LinkSpec, LinkTarget, MessageFate, MessageName, NetworkSpec,
    NodeId, PartitionShape, Rate, ScheduledMessage, Seed, Span, Stream,
};

use super::{SMALL, read};
use crate::catalog::CATALOG;
use crate::checkers::{self, Level, Model, Term, Terms};
use crate::file::model::*;
use crate::file::{Comments, Part, parse, write, write_with};
use crate::nemesis::{Nemesis, all_kinds};

fn check(scenario: &Scenario) -> String {
    let text = write(scenario);
    match parse("written.toml", &text) {
        Ok(again) => assert_eq!(again, *scenario, "{text}"),
        Err(errors) => panic!("{errors}\n{text}"),
    }
    text
}

#[test]
fn every_scenario_of_the_catalog_is_the_same_when_it_is_written_and_read_again() {
    for entry in CATALOG {
        let text = check(&entry.load());
        let tables = |text: &str| text.lines().filter(|line| line.starts_with('[')).count();
        assert!(tables(&text) <= tables(entry.text), "{text}");
    }
}

#[test]
fn a_file_is_written_as_a_person_would() {
    let text = check(&read(SMALL));
    insta::assert_snapshot!(text, @r#"
    schema = 1
    title = "Small"
    duration = "2s"

    [cluster]
    protocol = "single-leader"
    routing = "any-follower"
    sites = ["eu", "us"]

    [[node]]
    name = "l"
    site = "eu"

    [[node]]
    name = "f1"
    site = "us"

    [[client]]
    name = "phone"
    user = "1234"

    [network]
    delay = "5ms"

    [[link]]
    between = ["l", "f1"]
    delay = { distribution = "normal", mean = "40ms", deviation = "2ms" }

    [[step]]
    name = "write"
    at = "10ms"
    client = "phone"
    do = "put"
    key = "x"
    value = "1"

    [[load]]
    name = "readers"
    kind = "open"
    clients = 2
    rate_per_second = 100
    keys = { distribution = "zipf" }

    [[fault]]
    at = "100ms"
    until = "600ms"
    kind = "crash"
    node = "f1"

    [[expect]]
    check = "durability"
    verdict = "holds"
    "#);
}

#[test]
fn comments_stand_before_what_they_are_about_and_change_nothing() {
    let scenario = read(SMALL);
    let comments = Comments {
        head: vec!["One line.".to_owned(), String::new(), "Another.".to_owned()],
        parts: vec![
            (Part::Step(0), "the write".to_owned()),
            (Part::Fault(0), "the crash".to_owned()),
            (Part::Link(1), "the sea".to_owned()),
        ],
    };
    let text = write_with(&scenario, &comments);
    assert!(
        text.starts_with("# One line.\n#\n# Another.\n\nschema = 1\n"),
        "{text}"
    );
    for (said, table) in [
        ("the write", "step"),
        ("the crash", "fault"),
        ("the sea", "link"),
    ] {
        assert!(
            text.contains(&format!("\n\n# {said}\n[[{table}]]\n")),
            "{text}"
        );
    }
    assert_eq!(read(&text), scenario);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn what_is_written_is_read_as_the_same(seed: u64) {
        check(&Draw(Stream::named(Seed(seed), "scenario")).scenario());
    }
}

/// Draws scenarios of every kind that a file can describe.
struct Draw(Stream);

impl Draw {
    fn below(&mut self, bound: u64) -> u64 {
        self.0.below(bound)
    }

    fn chance(&mut self) -> bool {
        self.below(2) == 0
    }

    fn one_of<T: Clone>(&mut self, of: &[T]) -> T {
        self.0.pick(of).expect("something to draw from").clone()
    }

    fn span(&mut self) -> Span {
        let nanos = [
            self.below(1_000),
            self.below(1_000_000),
            self.below(1_000) * 1_000_000,
            self.below(20) * 1_000_000_000,
            self.below(2_000_000_000),
        ];
        Span::from_nanos(self.one_of(&nanos))
    }

    fn positive(&mut self) -> Span {
        self.span() + Span::from_nanos(1)
    }

    fn before(&mut self, end: Span) -> Span {
        Span::from_nanos(self.below(end.as_nanos()))
    }

    fn text(&mut self) -> String {
        let pieces = [
            "plain words ",
            "\"quoted\" ",
            "back\\slash ",
            "tab\tand\nline ",
            "  two spaces",
            "é✓ ",
            "\u{7f}\u{1}",
            "# no comment ",
            "'''",
            "\"\"\" ",
            "long long long long long long long ",
        ];
        let count = 1 + self.below(12);
        (0..count).map(|_| self.one_of(&pieces)).collect()
    }

    /// A text that says something, without white space around it.
    fn sentence(&mut self) -> String {
        format!("A{}z", self.text())
    }

    fn distribution(&mut self, nested: bool) -> Distribution {
        let (a, b) = (self.positive(), self.positive());
        let number = (1 + self.below(9_999)) as f64 / 1_234.0;
        let shape = self.below(if nested { 7 } else { 8 });
        let made = match shape {
            0 => Distribution::fixed(a),
            1 => Distribution::uniform(a.min(b), a.max(b)),
            2 => Distribution::normal(a, b),
            3 => Distribution::log_normal(a, number),
            4 => Distribution::exponential(a),
            5 => Distribution::pareto(a, number),
            6 => {
                let share = 1 + self.below(999_998) as u32;
                let points = [(0, a.min(b)), (share, a.min(b)), (1_000_000, a.max(b))];
                Distribution::table(points.to_vec())
            }
            _ => {
                let part = |draw: &mut Self| (1 + draw.below(9) as u32, draw.distribution(true));
                Distribution::mixture(vec![part(self), part(self)])
            }
        };
        let plus = if self.chance() {
            Span::ZERO
        } else {
            self.span()
        };
        made.and_then(|it| it.plus(plus)).expect("a distribution")
    }

    fn link(&mut self) -> LinkSpec {
        LinkSpec {
            delay: self.distribution(false),
            loss_per_million: self.one_of(&[0, 0, 1_000, 1_000_000]),
            kind: self.one_of(&[LinkKind::Fifo, LinkKind::Datagram]),
            retransmit_after: self.positive(),
            impairments: self.impairments(),
        }
    }

    fn impairments(&mut self) -> Impairments {
        let mut chance = || self.one_of(&[0, 0, 0, 250_000, 1_000_000]);
        let (duplicate_per_million, corrupt_per_million) = (chance(), chance());
        let (reorder_per_million, correlation_per_million) = (chance(), chance());
        let rate = self.chance().then(|| self.rate());
        Impairments {
            duplicate_per_million,
            corrupt_per_million,
            reorder_per_million,
            reorder_by: match reorder_per_million {
                0 => Span::ZERO,
                _ => self.positive(),
            },
            correlation_per_million,
            rate,
        }
    }

    fn rate(&mut self) -> Rate {
        Rate {
            bytes_per_second: self.one_of(&[1, 125_000, 1_000_000_000_000]),
            queue_bytes: self.one_of(&[0, 64 * 1024, 7]),
        }
    }

    fn clock(&mut self) -> ClockConfig {
        ClockConfig {
            offset_nanos: self.one_of(&[0, -3_000_000, 1, 5_000_000_000]),
            drift_ppm: self.one_of(&[0, -999_999, 50]),
        }
    }

    fn disk(&mut self) -> DiskConfig {
        let mut disk = DiskConfig::default();
        if self.chance() {
            disk.sync_latency = self.span();
            disk.read_per_kib = self.span();
        }
        disk
    }

    fn scenario(&mut self) -> Scenario {
        let duration = self.span() + Span::from_millis(1);
        let replicas = self.replicas();
        let (count, routings) = (replicas.len(), [Routing::Leader, Routing::AnyFollower]);
        let routings = &routings[..if count == 1 { 1 } else { 2 }];
        let mut clients: Vec<Client> = Vec::new();
        for index in 0..1 + self.below(3) {
            let name = format!("client-{index}");
            clients.push(Client {
                user: if self.chance() {
                    name.clone()
                } else {
                    self.sentence()
                },
                name,
                site: self.one_of(&["", "eu", "us"]).to_owned(),
                routing: self.one_of(routings),
                clock: self.clock(),
                load: None,
            });
        }
        let scripted = clients.len();
        let loads = self.loads(duration, routings, &mut clients);
        let mut scenario = Scenario {
            title: self.sentence(),
            chapter: self.one_of(&["", "DDIA chapter 5"]).to_owned(),
            teaches: if self.chance() {
                String::new()
            } else {
                self.sentence()
            },
            try_next: if self.chance() {
                String::new()
            } else {
                self.sentence()
            },
            duration,
            settle: self.one_of(&[Span::from_secs(10), Span::ZERO, Span::from_millis(7)]),
            cluster: Cluster {
                protocol: Protocol::SingleLeader(SingleLeader {
                    leader: NodeId(self.below(count as u64) as u32),
                    heartbeat: self.one_of(&[Span::from_millis(50), Span::from_nanos(1)]),
                }),
                client_timeout: self.one_of(&[Span::from_secs(1), Span::from_millis(80)]),
            },
            replicas,
            clients,
            network: NetworkSpec::uniform(self.link()),
            steps: Vec::new(),
            loads,
            faults: Vec::new(),
            nemeses: Vec::new(),
            messages: Vec::new(),
            expectations: Vec::new(),
        };
        self.rules(&mut scenario);
        self.steps(&mut scenario, scripted);
        self.faults(&mut scenario);
        self.nemeses(&mut scenario);
        self.messages(&mut scenario);
        for entry in checkers::CATALOG {
            let verdict = match self.below(3) {
                0 => ExpectedVerdict::Holds,
                1 => ExpectedVerdict::Violated,
                _ => continue,
            };
            let check = entry.name;
            let terms = self.terms(entry.terms);
            scenario.expectations.push(Expectation {
                check,
                terms,
                verdict,
            });
        }
        scenario
    }

    fn terms(&mut self, known: &[Term]) -> Terms {
        let mut terms = Terms::default();
        for term in known {
            if self.chance() {
                continue;
            }
            let count = Some(1 + self.below(5));
            let span = Some(Span::from_micros(self.below(10_000)));
            match term {
                Term::Versions => terms.versions = count,
                Term::Failures => terms.failures = count,
                Term::Siblings => terms.siblings = count,
                Term::Budget => terms.budget = count,
                Term::Time => terms.time = span,
                Term::Outage => terms.outage = span,
                Term::Recovery => terms.recovery = span,
                Term::Model => terms.model = Some(Model::CasRegister),
                Term::Level => terms.level = Some(self.one_of(Level::CATALOG).1),
            }
        }
        terms
    }

    fn replicas(&mut self) -> Vec<Replica> {
        let alike = self.chance();
        let first = self.replica();
        let count = 1 + self.below(4) as usize;
        let plain = alike && self.chance();
        let replica = |(index, draw): (usize, &mut Self)| {
            let mut replica = if alike { first.clone() } else { draw.replica() };
            replica.name = match (plain, index) {
                (true, 0) => "leader".to_owned(),
                (true, index) => format!("follower-{index}"),
                (false, index) => format!("n{index}"),
            };
            if !plain {
                replica.site = draw.one_of(&["", "eu", "us"]).to_owned();
                replica.clock = draw.clock();
            }
            replica
        };
        let mut all = Vec::new();
        for index in 0..count {
            all.push(replica((index, self)));
        }
        all
    }

    fn replica(&mut self) -> Replica {
        Replica {
            name: String::new(),
            site: String::new(),
            engine: self.one_of(&[EngineKind::Log, EngineKind::Memory]),
            clock: ClockConfig::default(),
            disk: self.disk(),
            service_time: self.one_of(&[Span::from_micros(20), Span::ZERO]),
            inbox: self.one_of(&[1_024, 1, 1_000_000]),
        }
    }

    fn loads(
        &mut self,
        duration: Span,
        routings: &[Routing],
        clients: &mut Vec<Client>,
    ) -> Vec<Load> {
        let mut loads = Vec::new();
        for index in 0..self.below(3) as usize {
            let name = format!("load{index}");
            let first = clients.len();
            let site = self.one_of(&["", "eu"]).to_owned();
            let routing = self.one_of(routings);
            for number in 1..=self.one_of(&[1, 2, 16]) {
                let name = format!("{name}-{number}");
                clients.push(Client {
                    user: name.clone(),
                    name,
                    site: site.clone(),
                    routing,
                    clock: ClockConfig::default(),
                    load: Some(index),
                });
            }
            let end = if self.chance() {
                duration
            } else {
                self.before(duration) + Span::from_nanos(1)
            };
            let reads_percent = self.below(101) as u32;
            loads.push(Load {
                name,
                clients: first..clients.len(),
                arrivals: match self.below(3) {
                    0 => Arrivals::Closed { think: self.span() },
                    kind => Arrivals::Open {
                        rate_per_second: self.one_of(&[1, 400, 1_000_000]),
                        spacing: if kind == 1 {
                            Spacing::Even
                        } else {
                            Spacing::Exponential
                        },
                    },
                },
                start: if self.chance() {
                    Span::ZERO
                } else {
                    self.before(end)
                },
                end,
                operations: self.one_of(&[1, 500, 1_000_000]),
                keys: Keys {
                    prefix: self.one_of(&["k", "", "a \"b\""]).to_owned(),
                    count: self.one_of(&[1_000, 1, 50]),
                    distribution: match self.below(3) {
                        0 => KeyDistribution::Uniform,
                        1 => KeyDistribution::Zipf { exponent: 0.99 },
                        _ => KeyDistribution::Zipf {
                            exponent: self.below(20_000) as f64 / 1_003.0,
                        },
                    },
                },
                reads_percent,
                deletes_percent: self.below(101 - u64::from(reads_percent)) as u32,
                value_bytes: self.one_of(&[100, 0, 7]),
            });
        }
        loads
    }

    /// The nodes of a node or a site.
    fn place(&mut self, scenario: &Scenario) -> Vec<NodeId> {
        let nodes: Vec<NodeId> = scenario.node_ids().collect();
        let node = self.one_of(&nodes);
        let site = scenario.site(node);
        if site.is_empty() || self.chance() {
            return vec![node];
        }
        let there = nodes.into_iter().filter(|id| scenario.site(*id) == site);
        there.collect()
    }

    /// Two places that some link joins.
    fn ends(&mut self, scenario: &Scenario) -> Option<(Vec<NodeId>, Vec<NodeId>)> {
        let (from, to) = (self.place(scenario), self.place(scenario));
        (from.len() > 1 || from != to).then_some((from, to))
    }

    fn rules(&mut self, scenario: &mut Scenario) {
        for _ in 0..self.below(4) {
            let Some((from, to)) = self.ends(scenario) else {
                continue;
            };
            let mut spec = scenario.network.default.clone();
            if self.chance() {
                spec = self.link();
            }
            let rule = |from: &Vec<NodeId>, to: &Vec<NodeId>| LinkRule {
                from: from.clone(),
                to: to.clone(),
                spec: spec.clone(),
            };
            scenario.network.rules.push(rule(&from, &to));
            if self.chance() {
                scenario.network.rules.push(rule(&to, &from));
            }
        }
    }

    fn steps(&mut self, scenario: &mut Scenario, scripted: usize) {
        for index in 0..self.below(6) {
            let previous = scenario.steps.len().checked_sub(1);
            let at = self.before(scenario.duration);
            let named = scenario
                .steps
                .iter()
                .rposition(|step| !step.name.is_empty());
            let delay = self.one_of(&[Span::ZERO, Span::from_millis(5)]);
            let when = match (self.below(3), previous, named) {
                (1, Some(step), _) | (2, _, Some(step)) => When::After { step, delay },
                _ => When::At(at),
            };
            let action = match self.below(3) {
                0 => Action::Put(format!("{index}{}", self.text())),
                1 => Action::Get,
                _ => Action::Delete,
            };
            let replicas: Vec<NodeId> = scenario.node_ids().take(scenario.replicas.len()).collect();
            let step = Step {
                name: if self.chance() {
                    String::new()
                } else {
                    format!("step{index}")
                },
                when,
                client: scenario.client_id(self.below(scripted as u64) as usize),
                action,
                key: self.text(),
                replica: if self.chance() {
                    None
                } else {
                    Some(self.one_of(&replicas))
                },
            };
            let times = if matches!(step.action, Action::Put(_)) {
                1
            } else {
                1 + self.below(4)
            };
            let every = self.positive();
            for repetition in 0..times {
                let again = match when {
                    _ if repetition == 0 => when,
                    When::At(at) => When::At(at + every.saturating_mul(repetition)),
                    When::After { .. } => {
                        let step = scenario.steps.len() - 1;
                        When::After { step, delay: every }
                    }
                };
                if matches!(again, When::At(at) if at >= scenario.duration) {
                    break;
                }
                let step = step.clone();
                scenario.steps.push(Step {
                    when: again,
                    ..step
                });
            }
        }
    }

    fn nemeses(&mut self, scenario: &mut Scenario) {
        let nodes: Vec<NodeId> = scenario.node_ids().collect();
        let duration = scenario.duration;
        for index in 0..self.below(3) {
            let start = self.before(duration);
            let left = duration.saturating_sub(start).as_nanos();
            let first = self.below(all_kinds().count() as u64) as usize;
            let kinds = match self.chance() {
                true => all_kinds().collect(),
                false => all_kinds().skip(first).take(3).collect(),
            };
            let shortest = self.positive();
            let most = self.one_of(&[1, 7]);
            scenario.nemeses.push(Nemesis {
                name: self.one_of(&[format!("nemesis-{}", index + 1), format!("storm-{index}")]),
                kinds,
                targets: match self.chance() {
                    true => nodes[..scenario.replicas.len()].to_vec(),
                    false => vec![self.one_of(&nodes)],
                },
                start,
                end: match self.chance() && left > 0 {
                    true => start + Span::from_nanos(1 + self.below(left)),
                    false => duration,
                },
                per_minute: 1..=most,
                lasts: shortest..=self.one_of(&[shortest, shortest + Span::from_millis(3)]),
                at_most: self.one_of(&[1, 2]),
                swarm: self.chance(),
            });
        }
    }

    fn faults(&mut self, scenario: &mut Scenario) {
        let nodes: Vec<NodeId> = scenario.node_ids().collect();
        for kind in 0..27 {
            if self.chance() {
                continue;
            }
            let at = self.before(scenario.duration);
            let left = scenario.duration.saturating_sub(at).as_nanos();
            let until =
                (self.chance() && left > 0).then(|| at + Span::from_nanos(1 + self.below(left)));
            let (node, in_flight) = (
                self.one_of(&nodes),
                self.one_of(&[InFlight::Lost, InFlight::Held]),
            );
            let extra = self.positive();
            let faults = match kind {
                0 => vec![Fault::Crash { node }],
                1 => vec![Fault::Pause { node }],
                2 => vec![Fault::CrashAtDiskOperation {
                    node: NodeId(0),
                    operation: 3,
                }],
                3 => vec![Fault::ClockOffset {
                    node,
                    nanos: -1_500,
                }],
                4 => vec![Fault::ClockDrift { node, ppm: -7 }],
                5 => {
                    let half = nodes.len() / 2;
                    let sides = vec![nodes[..half].to_vec(), nodes[half..].to_vec()];
                    if half == 0 {
                        continue;
                    }
                    vec![Fault::Partition { sides, in_flight }]
                }
                15.. => {
                    let replicas = scenario.node_ids().take(scenario.replicas.len());
                    let mut replicas: Vec<NodeId> = replicas.collect();
                    self.0.shuffle(&mut replicas);
                    let shape = self.one_of(PartitionShape::ALL).1;
                    if kind == 26 && replicas.len() < shape.nodes_min() {
                        continue;
                    }
                    let drawn = (self.below(2) == 0, self.below(2) == 0);
                    vec![other_fault(
                        kind,
                        (node, replicas),
                        (extra, in_flight),
                        (shape, drawn),
                    )]
                }
                kind => {
                    let links = self.fault_links(scenario);
                    let per_million = self.one_of(&[1, 5, 1_000_000]);
                    let (jitter, rate) = (self.distribution(false), self.rate());
                    let fault = |link| {
                        link_fault(kind, link, (in_flight, extra, per_million), (&jitter, rate))
                    };
                    links.into_iter().map(fault).collect()
                }
            };
            if !faults.is_empty() {
                scenario.faults.push(TimedFault { at, until, faults });
            }
        }
    }

    fn fault_links(&mut self, scenario: &Scenario) -> Vec<LinkTarget> {
        let Some((from, to)) = self.ends(scenario) else {
            return Vec::new();
        };
        let direction = self.one_of(&[Direction::Both, Direction::OneWay]);
        let mut pairs: Vec<(NodeId, NodeId)> = Vec::new();
        for a in &from {
            for b in to.iter().filter(|b| *b != a) {
                let swap = direction == Direction::Both && b < a;
                pairs.push(if swap { (*b, *a) } else { (*a, *b) });
            }
        }
        pairs.sort_unstable();
        pairs.dedup();
        let target = |(from, to)| LinkTarget {
            from,
            to,
            direction,
        };
        pairs.into_iter().map(target).collect()
    }

    fn messages(&mut self, scenario: &mut Scenario) {
        let nodes: Vec<NodeId> = scenario.node_ids().collect();
        let kinds = scenario.cluster.protocol.message_kinds();
        for number in 1..=self.below(5) as u32 {
            let (from, to) = (self.one_of(&nodes), self.one_of(&nodes));
            if from == to {
                continue;
            }
            let message = MessageName {
                from,
                to,
                kind: Kind(self.one_of(kinds)),
                after: Instant::ZERO + self.one_of(&[Span::ZERO, Span::from_millis(350)]),
                number,
            };
            let fate = match self.below(4) {
                0 => MessageFate::Delay(self.span()),
                1 => MessageFate::Lose,
                2 => MessageFate::HoldUntil(Instant::ZERO + self.span()),
                _ => MessageFate::Duplicate(self.span()),
            };
            scenario.messages.push(ScheduledMessage { message, fate });
        }
    }
}

/// One of the faults of links.
fn link_fault(
    kind: u64,
    link: LinkTarget,
    (in_flight, extra, per_million): (InFlight, Span, u32),
    (jitter, rate): (&Distribution, Rate),
) -> Fault {
    match kind {
        6 => Fault::Cut { link, in_flight },
        7 => Fault::Delay { link, extra },
        8 => Fault::Jitter {
            link,
            extra: jitter.clone(),
        },
        9 => Fault::Duplicate { link, per_million },
        10 => Fault::Reorder {
            link,
            per_million,
            by: extra,
        },
        11 => Fault::Corrupt { link, per_million },
        12 => Fault::RateLimit { link, rate },
        13 => Fault::Bursts {
            link,
            correlation_per_million: per_million,
        },
        _ => Fault::Loss { link, per_million },
    }
}

/// One of the faults of nodes and clocks, or a partition that is more than sides.
fn other_fault(
    kind: u64,
    (node, replicas): (NodeId, Vec<NodeId>),
    (every, in_flight): (Span, InFlight),
    (shape, (shuffled, any)): (PartitionShape, (bool, bool)),
) -> Fault {
    let number = if any { 1 } else { 3 };
    match kind {
        15 => Fault::CrashAfterSend {
            node,
            message: (!any).then_some(Kind("append")),
            number,
        },
        16 => Fault::CrashAfterNote {
            node,
            note: (!any).then_some(Kind("caught-up")),
            number,
        },
        17 => Fault::SiteDown { nodes: replicas },
        18 => Fault::Slow { node, factor: 7 },
        19 => Fault::Replace { node: replicas[0] },
        20 => Fault::Leave { node },
        21 => Fault::ClockJump { node, nanos: -7 },
        22 => Fault::ClockStrobe {
            node,
            nanos: 7,
            every,
        },
        23 => Fault::ClockFreeze { node },
        24 | 25 => Fault::Unreachable {
            barriers: vec![Barrier {
                from: replicas,
                to: vec![node],
            }],
            in_flight,
        },
        _ => Fault::PartitionShape {
            shape,
            nodes: replicas,
            shuffled,
            in_flight,
        },
    }
}
