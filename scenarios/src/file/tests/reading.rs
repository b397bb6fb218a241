//! What right files become.

use std::collections::BTreeSet;

use seedbed_sim::{
    Barrier, Direction, Distribution, Fault, Impairments, InFlight, Instant, Kind, LinkKind,
    LinkRule, LinkTarget, MessageFate, MessageName, NodeId, PartitionShape, Rate, ScheduledMessage,
    Span,
};

use seedbed_sim::fault::Group;

use super::{SMALL, read, small_with};
use crate::file::model::{
    Action, Arrivals, KeyDistribution, Protocol, Routing, SingleLeader, Spacing, When,
};

const fn ms(millis: u64) -> Span {
    Span::from_millis(millis)
}

#[test]
fn nodes_are_numbered_replicas_first_then_clients_then_those_of_loads() {
    let scenario = read(SMALL);
    let names: Vec<&str> = scenario.node_ids().map(|id| scenario.name(id)).collect();
    assert_eq!(names, ["l", "f1", "phone", "readers-1", "readers-2"]);
    let sites: Vec<&str> = scenario.node_ids().map(|id| scenario.site(id)).collect();
    assert_eq!(sites, ["eu", "us", "", "", ""]);
    assert_eq!(scenario.client_id(0), NodeId(2));
    assert_eq!(scenario.loads[0].clients, 1..3);
    assert_eq!(scenario.clients[1].load, Some(0));
    assert_eq!(scenario.clients[0].user, "1234");
    assert_eq!(scenario.clients[1].user, "readers-1");
}

#[test]
fn what_a_file_leaves_out_has_a_default() {
    let scenario = read(
        "schema = 1\ntitle = \"x\"\nduration = \"1s\"\n\
         [cluster]\nprotocol = \"single-leader\"\nreplicas = 3\n",
    );
    let names: Vec<&str> = scenario.node_ids().map(|id| scenario.name(id)).collect();
    assert_eq!(names, ["leader", "follower-1", "follower-2"]);
    let protocol = Protocol::SingleLeader(SingleLeader {
        leader: NodeId(0),
        heartbeat: ms(50),
    });
    assert_eq!(scenario.cluster.protocol, protocol);
    assert_eq!(scenario.cluster.client_timeout, ms(1_000));
    assert_eq!(scenario.settle, ms(10_000));
    assert_eq!(scenario.replicas[0].inbox, 1_024);
    assert_eq!(scenario.replicas[0].service_time, Span::from_micros(20));
    assert_eq!(scenario.network.default.kind, LinkKind::Fifo);
    let delay = Distribution::fixed(ms(1)).expect("a distribution");
    assert_eq!(scenario.network.default.delay, delay);
}

#[test]
fn each_node_may_differ_from_the_cluster() {
    let text = small_with(
        "name = \"f1\"\n",
        "name = \"f1\"\nengine = \"memory\"\nservice_time = \"1ms\"\ndisk = { sync = \"9ms\" }\n\
         clock = { offset = \"-3ms\", drift_ppm = -50 }\n",
    );
    let text = text.replace("routing =", "disk = { read = \"7us\" }\nrouting =");
    let scenario = read(&text);
    let [leader, follower] = scenario.replicas.as_slice() else {
        panic!("two replicas");
    };
    assert_eq!(leader.engine.name(), "log");
    assert_eq!(follower.engine.name(), "memory");
    assert_eq!(leader.disk.read_latency, Span::from_micros(7));
    assert_eq!(follower.disk.read_latency, Span::from_micros(7));
    assert_eq!(follower.disk.sync_latency, ms(9));
    assert_eq!(leader.disk.sync_latency, Span::from_micros(200));
    assert_eq!(follower.service_time, ms(1));
    assert_eq!(follower.clock.offset_nanos, -3_000_000);
    assert_eq!(scenario.clock(NodeId(1)).drift_ppm, -50);
    assert_eq!(scenario.clients[0].routing, Routing::AnyFollower);
}

#[test]
fn a_link_is_as_the_last_rule_that_fits_says() {
    let scenario = read(SMALL);
    let normal = Distribution::normal(ms(40), ms(2)).expect("a distribution");
    let delay = |from, to| {
        let fits =
            |rule: &&LinkRule| rule.from.contains(&NodeId(from)) && rule.to.contains(&NodeId(to));
        let rule = scenario.network.rules.iter().rev().find(fits);
        rule.map_or(&scenario.network.default.delay, |rule| &rule.spec.delay)
    };
    assert_eq!(*delay(0, 1), normal);
    assert_eq!(*delay(1, 0), normal);
    assert_eq!(*delay(0, 2), Distribution::fixed(ms(5)).expect("fixed"));
}

#[test]
fn a_link_of_one_direction_says_nothing_of_the_other() {
    let text = small_with("between = [\"eu\", \"us\"]", "from = \"l\"\nto = \"us\"");
    let rules = read(&text).network.rules;
    assert_eq!(rules.len(), 1);
    assert_eq!(rules[0].from, [NodeId(0)]);
    assert_eq!(rules[0].to, [NodeId(1)]);
}

#[test]
fn every_distribution_can_be_written() {
    let ok = |made: Result<Distribution, _>| made.expect("a distribution");
    let cases = [
        ("\"3ms\"", ok(Distribution::fixed(ms(3)))),
        (
            "{ distribution = \"fixed\", value = \"3ms\", plus = \"1ms\" }",
            ok(ok(Distribution::fixed(ms(3))).plus(ms(1))),
        ),
        (
            "{ distribution = \"uniform\", low = \"1ms\", high = \"2ms\" }",
            ok(Distribution::uniform(ms(1), ms(2))),
        ),
        (
            "{ distribution = \"log-normal\", median = \"40ms\", sigma = 0.2 }",
            ok(Distribution::log_normal(ms(40), 0.2)),
        ),
        (
            "{ distribution = \"exponential\", mean = \"5ms\" }",
            ok(Distribution::exponential(ms(5))),
        ),
        (
            "{ distribution = \"pareto\", minimum = \"235us\", shape = 10 }",
            ok(Distribution::pareto(Span::from_micros(235), 10.0)),
        ),
        (
            "{ distribution = \"mixture\", of = [\n\
             { weight = 9, distribution = \"fixed\", value = \"1ms\" },\n\
             { weight = 1, distribution = \"exponential\", mean = \"5ms\" }] }",
            ok(Distribution::mixture(vec![
                (9, ok(Distribution::fixed(ms(1)))),
                (1, ok(Distribution::exponential(ms(5)))),
            ])),
        ),
    ];
    for (written, expected) in cases {
        let text = small_with("delay = \"5ms\"", &format!("delay = {written}"));
        assert_eq!(read(&text).network.default.delay, expected, "{written}");
    }
}

#[test]
fn steps_come_at_a_time_or_after_another() {
    let steps = "[[step]]\nafter = \"previous\"\ndelay = \"5ms\"\nclient = \"phone\"\n\
                 do = \"get\"\nkey = \"x\"\nreplica = \"f1\"\ntimes = 2\nevery = \"7ms\"\n\
                 [[step]]\nafter = \"write\"\nclient = \"phone\"\ndo = \"delete\"\nkey = \"x\"\n\
                 [[step]]\nat = \"1s\"\nclient = \"phone\"\ndo = \"get\"\nkey = \"y\"\n\
                 times = 2\nevery = \"7ms\"\n";
    let scenario = read(&format!("{SMALL}{steps}"));
    let after = |step, millis| When::After {
        step,
        delay: ms(millis),
    };
    let when: Vec<When> = scenario.steps.iter().map(|step| step.when).collect();
    let expected = [
        When::At(ms(10)),
        after(0, 5),
        after(1, 7),
        after(0, 0),
        When::At(ms(1_000)),
        When::At(ms(1_007)),
    ];
    assert_eq!(when, expected);
    assert_eq!(scenario.steps[0].action, Action::Put("1".to_owned()));
    assert_eq!(scenario.steps[1].replica, Some(NodeId(1)));
    assert_eq!(scenario.steps[3].action, Action::Delete);
    assert!(scenario.steps.iter().all(|step| step.client == NodeId(2)));
}

#[test]
fn loads_are_open_or_closed() {
    let load = &read(SMALL).loads[0];
    let open = Arrivals::Open {
        rate_per_second: 100,
        spacing: Spacing::Exponential,
    };
    assert_eq!(load.arrivals, open);
    assert_eq!((load.start, load.end), (Span::ZERO, ms(2_000)));
    assert_eq!(load.operations, crate::file::LOAD_OPERATIONS_MAX);
    let zipf = KeyDistribution::Zipf { exponent: 0.99 };
    assert_eq!(load.keys.distribution, zipf);
    let text = small_with(
        "kind = \"open\"\nclients = 2\nrate_per_second = 100",
        "kind = \"closed\"\nclients = 3\nthink = \"4ms\"\nend = \"1s\"\noperations = 9",
    );
    let load = &read(&text).loads[0];
    assert_eq!(load.arrivals, Arrivals::Closed { think: ms(4) });
    assert_eq!(
        (load.clients.len(), load.end, load.operations),
        (3, ms(1_000), 9)
    );
}

#[test]
fn every_fault_can_be_written() {
    let (l, f1) = (NodeId(0), NodeId(1));
    let link = |direction| LinkTarget {
        from: l,
        to: f1,
        direction,
    };
    let cases = [
        ("kind = \"crash\"\nnode = \"f1\"", Fault::Crash { node: f1 }),
        ("kind = \"pause\"\nnode = \"f1\"", Fault::Pause { node: f1 }),
        (
            "kind = \"crash-at-disk-operation\"\nnode = \"f1\"\noperation = 3",
            Fault::CrashAtDiskOperation {
                node: f1,
                operation: 3,
            },
        ),
        (
            "kind = \"cut\"\nbetween = [\"us\", \"eu\"]\nin_flight = \"held\"",
            Fault::Cut {
                link: link(Direction::Both),
                in_flight: InFlight::Held,
            },
        ),
        (
            "kind = \"partition\"\nsides = [[\"eu\"], [\"f1\", \"phone\"]]",
            Fault::Partition {
                sides: vec![vec![l], vec![f1, NodeId(2)]],
                in_flight: InFlight::Lost,
            },
        ),
        (
            "kind = \"delay\"\nfrom = \"l\"\nto = \"f1\"\nextra = \"1s\"",
            Fault::Delay {
                link: link(Direction::OneWay),
                extra: ms(1_000),
            },
        ),
        (
            "kind = \"loss\"\nbetween = [\"l\", \"f1\"]\nper_million = 1_000",
            Fault::Loss {
                link: link(Direction::Both),
                per_million: 1_000,
            },
        ),
        (
            "kind = \"jitter\"\nbetween = [\"l\", \"f1\"]\nextra = { distribution = \"exponential\", mean = \"3ms\" }",
            Fault::Jitter {
                link: link(Direction::Both),
                extra: Distribution::exponential(ms(3)).unwrap(),
            },
        ),
        (
            "kind = \"duplicate\"\nfrom = \"l\"\nto = \"f1\"\nper_million = 7",
            Fault::Duplicate {
                link: link(Direction::OneWay),
                per_million: 7,
            },
        ),
        (
            "kind = \"reorder\"\nbetween = [\"l\", \"f1\"]\nper_million = 7\nby = \"2ms\"",
            Fault::Reorder {
                link: link(Direction::Both),
                per_million: 7,
                by: ms(2),
            },
        ),
        (
            "kind = \"corrupt\"\nbetween = [\"l\", \"f1\"]\nper_million = 1_000_000",
            Fault::Corrupt {
                link: link(Direction::Both),
                per_million: 1_000_000,
            },
        ),
        (
            "kind = \"rate-limit\"\nbetween = [\"l\", \"f1\"]\nbytes_per_second = 9_600",
            Fault::RateLimit {
                link: link(Direction::Both),
                rate: Rate {
                    bytes_per_second: 9_600,
                    queue_bytes: 65_536,
                },
            },
        ),
        (
            "kind = \"bursts\"\nbetween = [\"l\", \"f1\"]\ncorrelation_per_million = 750_000",
            Fault::Bursts {
                link: link(Direction::Both),
                correlation_per_million: 750_000,
            },
        ),
        (
            "kind = \"clock-jump\"\nnode = \"l\"\nby = \"-3ms\"",
            Fault::ClockJump {
                node: l,
                nanos: -3_000_000,
            },
        ),
        (
            "kind = \"clock-strobe\"\nnode = \"l\"\nby = \"3ms\"\nevery = \"7ms\"",
            Fault::ClockStrobe {
                node: l,
                nanos: 3_000_000,
                every: ms(7),
            },
        ),
        (
            "kind = \"clock-freeze\"\nnode = \"l\"",
            Fault::ClockFreeze { node: l },
        ),
        (
            "kind = \"crash-after-send\"\nnode = \"l\"\nmessage = \"append\"\nnumber = 3",
            Fault::CrashAfterSend {
                node: l,
                message: Some(Kind("append")),
                number: 3,
            },
        ),
        (
            "kind = \"crash-after-note\"\nnode = \"f1\"\nnote = \"caught-up\"",
            Fault::CrashAfterNote {
                node: f1,
                note: Some(Kind("caught-up")),
                number: 1,
            },
        ),
        (
            "kind = \"site-down\"\nsite = \"us\"",
            Fault::SiteDown { nodes: vec![f1] },
        ),
        (
            "kind = \"slow\"\nnode = \"f1\"\nfactor = 10",
            Fault::Slow {
                node: f1,
                factor: 10,
            },
        ),
        (
            "kind = \"replace\"\nnode = \"f1\"",
            Fault::Replace { node: f1 },
        ),
        ("kind = \"leave\"\nnode = \"f1\"", Fault::Leave { node: f1 }),
        (
            "kind = \"partition\"\nshape = \"random-halves\"\nin_flight = \"held\"",
            Fault::PartitionShape {
                shape: PartitionShape::Halves,
                nodes: vec![l, f1],
                shuffled: true,
                in_flight: InFlight::Held,
            },
        ),
        (
            "kind = \"partition\"\nblocked = [{ from = [\"us\"], to = [\"l\", \"phone\"] }]",
            Fault::Unreachable {
                barriers: vec![Barrier {
                    from: vec![f1],
                    to: vec![l, NodeId(2)],
                }],
                in_flight: InFlight::Lost,
            },
        ),
        (
            "kind = \"partition\"\nsite = \"us\"",
            Fault::Partition {
                sides: vec![vec![f1], [0, 2, 3, 4].map(NodeId).to_vec()],
                in_flight: InFlight::Lost,
            },
        ),
        (
            "kind = \"partition\"\nshape = \"isolated-node\"\nnode = \"f1\"",
            Fault::isolate(f1, [l], InFlight::Lost),
        ),
        (
            "kind = \"clock-offset\"\nnode = \"phone\"\noffset = \"-3ms\"",
            Fault::ClockOffset {
                node: NodeId(2),
                nanos: -3_000_000,
            },
        ),
        (
            "kind = \"clock-drift\"\nnode = \"l\"\nppm = 200",
            Fault::ClockDrift { node: l, ppm: 200 },
        ),
    ];
    let names: BTreeSet<&str> = cases.iter().map(|(_, fault)| fault.name()).collect();
    let all = seedbed_sim::fault::CATALOG.iter();
    // Those of disks are tried by themselves.
    let all = all.filter(|about| about.group != Group::Disks);
    let all: BTreeSet<&str> = all.map(|about| about.name).collect();
    assert_eq!(names, all, "a fault is not tried here");
    for (written, fault) in cases {
        let text = small_with("kind = \"crash\"\nnode = \"f1\"", written);
        let faults = read(&text).faults;
        assert_eq!(faults[0].faults, [fault], "{written}");
        assert_eq!((faults[0].at, faults[0].until), (ms(100), Some(ms(600))));
    }
}

#[test]
fn a_node_that_joins_is_absent_until_then() {
    let text = small_with(
        "at = \"100ms\"\nuntil = \"600ms\"\nkind = \"crash\"",
        "at = \"100ms\"\nkind = \"join\"",
    );
    let fault = &read(&text).faults[0];
    assert_eq!((fault.at, fault.until), (Span::ZERO, Some(ms(100))));
    assert_eq!(fault.faults, [Fault::Leave { node: NodeId(1) }]);
}

/// The delay from each node to each other, in the middle, in microseconds; by the last rule that fits.
fn median_micros(scenario: &crate::file::Scenario, from: usize, to: usize) -> u64 {
    let (from, to) = (NodeId(from as u32), NodeId(to as u32));
    let network = &scenario.network;
    let fits = |rule: &&LinkRule| rule.from.contains(&from) && rule.to.contains(&to);
    let rule = network.rules.iter().rev().find(fits);
    let spec = rule.map_or(&network.default, |rule| &rule.spec);
    spec.delay.quantile(0.5).as_nanos() / 1_000
}

#[test]
fn a_preset_puts_sites_and_the_measured_delays_between_them() {
    let file = |preset: &str, sites: &[&str]| {
        let node = |(index, site)| format!("[[node]]\nname = \"n{index}\"\nsite = \"{site}\"\n");
        let nodes: String = sites.iter().enumerate().map(node).collect();
        read(&format!(
            "schema = 1\ntitle = \"x\"\nduration = \"1s\"\n[cluster]\nprotocol = \"single-leader\"\n{nodes}\
             [network]\npreset = \"{preset}\"\nloss_per_million = 7\n"
        ))
    };
    let regions = [
        "virginia",
        "california",
        "ireland",
        "tokyo",
        "sydney",
        "tokyo",
    ];
    let world = file("five-regions", &regions);
    for (from, to, micros) in [
        (0, 1, 42_250),
        (1, 0, 42_250),
        (2, 0, 53_950),
        (4, 2, 173_100),
        (3, 5, 275),
        (5, 4, 72_100),
    ] {
        assert_eq!(median_micros(&world, from, to), micros, "{from} to {to}");
    }
    let loss = world
        .network
        .rules
        .iter()
        .map(|rule| rule.spec.loss_per_million);
    assert!(loss.into_iter().all(|loss| loss == 7));
    let zones = file("three-zones", &["zone-b", "zone-c", "zone-d"]);
    assert_eq!(median_micros(&zones, 0, 1), 540);
    assert_eq!(median_micros(&zones, 2, 1), 1_785);
    let rack = file("one-rack", &["rack", "rack"]);
    assert_eq!(median_micros(&rack, 0, 1), 275);
    for scenario in [world, zones, rack] {
        let written = crate::file::write(&scenario);
        assert_eq!(read(&written), scenario, "{written}");
    }
}

#[test]
fn a_matrix_says_how_long_the_way_from_each_site_to_each_is() {
    let text = small_with(
        "delay = \"5ms\"",
        "delay = \"5ms\"\nmatrix = { sites = [\"us\", \"eu\"], delays = [[\"1ms\", \"2ms\"], [\"3ms\", \"4ms\"]] }",
    );
    // The file's own link between the two comes later and holds.
    let link = "[[link]]\nbetween = [\"eu\", \"us\"]\ndelay = { distribution = \"normal\", mean = \"40ms\", deviation = \"2ms\" }\n";
    assert_eq!(median_micros(&read(&text), 0, 1), 40_000);
    let scenario = read(&text.replace(link, ""));
    assert_eq!(median_micros(&scenario, 1, 0), 2_000);
    assert_eq!(median_micros(&scenario, 0, 1), 3_000);
    assert_eq!(
        median_micros(&scenario, 0, 2),
        5_000,
        "the phone stands nowhere"
    );
}

#[test]
fn a_link_can_be_bad_in_many_ways_and_others_take_over_what_they_leave_out() {
    let text = small_with(
        "[network]\ndelay = \"5ms\"",
        "[network]\nduplicate_per_million = 1\ncorrupt_per_million = 2\nreorder_per_million = 3\n\
         correlation_per_million = 250_000\nrate_bytes_per_second = 9_600\nqueue_bytes = 4_096\n\
         delay = { distribution = \"table\", points = [[0, \"1ms\"], [99.9, \"8ms\"], [100, \"90ms\"]] }",
    );
    let text = text.replace(
        "between = [\"eu\", \"us\"]",
        "between = [\"eu\", \"us\"]\nreorder_by = \"7ms\"\nqueue_bytes = 0",
    );
    let network = read(&text).network;
    let standard = Impairments {
        duplicate_per_million: 1,
        corrupt_per_million: 2,
        reorder_per_million: 3,
        reorder_by: ms(10),
        correlation_per_million: 250_000,
        rate: Some(Rate {
            bytes_per_second: 9_600,
            queue_bytes: 4_096,
        }),
    };
    assert_eq!(network.default.impairments, standard);
    let points = vec![(0, ms(1)), (999_000, ms(8)), (1_000_000, ms(90))];
    assert_eq!(network.default.delay, Distribution::table(points).unwrap());
    let own = Impairments {
        reorder_by: ms(7),
        rate: Some(Rate {
            bytes_per_second: 9_600,
            queue_bytes: 0,
        }),
        ..standard
    };
    assert_eq!(network.rules[0].spec.impairments, own);
}

#[test]
fn a_fault_between_sites_is_one_for_each_link() {
    let text = small_with(
        "site = \"us\"",
        "site = \"us\"\n[[node]]\nname = \"f2\"\nsite = \"us\"",
    );
    let cut = |between: &str| {
        let fault = format!("kind = \"cut\"\nbetween = {between}");
        let text = text.replace("kind = \"crash\"\nnode = \"f1\"", &fault);
        read(&text).faults[0].faults.len()
    };
    assert_eq!(cut("[\"eu\", \"us\"]"), 2);
    assert_eq!(cut("[\"us\", \"us\"]"), 1);
}

#[test]
fn the_example_of_the_documentation_is_right() {
    let chapter = include_str!("../mod.rs");
    let example: Vec<&str> = chapter
        .lines()
        .map(|line| line.trim_start_matches("//!"))
        .skip_while(|line| line.trim() != "```toml")
        .skip(1)
        .take_while(|line| line.trim() != "```")
        .collect();
    let scenario = read(&example.join("\n"));
    assert_eq!(scenario.steps.len(), 25);
    assert_eq!(scenario.loads.len(), 1);
}

#[test]
fn messages_are_named_by_kind_link_and_number() {
    let scenario = read(&format!(
        "{SMALL}\n[[message]]\nfrom = \"l\"\nto = \"f1\"\nkind = \"append\"\nnumber = 3\nfate = \"delay\"\nby = \"2s\"\n\
         [[message]]\nfrom = \"f1\"\nto = \"l\"\nkind = \"append-ok\"\nafter = \"350ms\"\nfate = \"hold\"\nuntil = \"1s\"\n\
         [[message]]\nfrom = \"l\"\nto = \"f1\"\nkind = \"heartbeat\"\nfate = \"lose\"\n\
         [[message]]\nfrom = \"phone\"\nto = \"l\"\nkind = \"put\"\nfate = \"duplicate\"\nby = \"1ms\"\n"
    ));
    let (leader, follower) = (NodeId(0), NodeId(1));
    let name = |from, to, kind, number| MessageName {
        from,
        to,
        kind: Kind(kind),
        after: Instant::ZERO,
        number,
    };
    let later = MessageName {
        after: Instant::from_millis(350),
        ..name(follower, leader, "append-ok", 1)
    };
    let expected = [
        (
            name(leader, follower, "append", 3),
            MessageFate::Delay(ms(2_000)),
        ),
        (later, MessageFate::HoldUntil(Instant::from_millis(1_000))),
        (name(leader, follower, "heartbeat", 1), MessageFate::Lose),
        (
            name(NodeId(2), leader, "put", 1),
            MessageFate::Duplicate(ms(1)),
        ),
    ];
    let expected = expected.map(|(message, fate)| ScheduledMessage { message, fate });
    assert_eq!(scenario.messages, expected);
}
