//! Reads `[cluster]`, `[[node]]` and `[[client]]`.

use seedbed_protocols::storage::{self, EngineKind};
use seedbed_sim::{ClockConfig, CrashPolicy, DiskConfig, FailedSync, Span, Syncs};

use super::model::{Client, Cluster, Protocol, Replica, Routing, SingleLeader, node_id};
use super::names::{Named, Names};
use super::reader::{Table, Value};
use super::{CLIENTS_MAX, REPLICAS_MAX, SITES_MAX, TEXT_BYTES_MAX};

/// The replication protocols, by the names that files use.
const PROTOCOLS: &[(&str, ProtocolName)] = &[("single-leader", ProtocolName::SingleLeader)];

const ROUTINGS: &[(&str, Routing)] = &[
    ("leader", Routing::Leader),
    ("any-follower", Routing::AnyFollower),
    ("sticky-follower", Routing::StickyFollower),
];

pub(super) const SYNCS: &[(&str, Syncs)] = &[("honest", Syncs::Honest), ("lying", Syncs::Lying)];

pub(super) const FAILED_SYNCS: &[(&str, FailedSync)] = &[
    ("stays-visible", FailedSync::StaysVisible),
    ("reverts", FailedSync::Reverts),
];

const INBOX_MAX: u32 = 1_000_000;

/// The smallest disk: on a smaller one no replica can make its files.
const DISK_BYTES_MIN: u64 = 4_096;

#[derive(Clone, Copy)]
enum ProtocolName {
    SingleLeader,
}

/// What `[[client]]` and `[[load]]` take over where they don't say otherwise.
pub(super) struct ClientDefaults {
    pub(super) routing: Routing,
    replica_count: usize,
}

impl ClientDefaults {
    /// Reads a `routing` field.
    pub(super) fn routing(&self, table: &Table<'_>) -> Routing {
        table.or("routing", self.routing, |value| {
            read_routing(value, self.replica_count)
        })
    }
}

/// Reads the cluster and its replicas. The cluster is `None` where its protocol can't be read.
pub(super) fn read(
    root: &Table<'_>,
    names: &mut Names,
) -> (Option<Cluster>, Vec<Replica>, ClientDefaults) {
    let header = "a table: the protocol and its settings";
    let table = root.required("cluster", header);
    let table = table.and_then(|value| value.table("the cluster"));
    let nodes = root.tables("node", "a node", REPLICAS_MAX);
    let Some(table) = table else {
        names.lost_one();
        let defaults = ClientDefaults {
            routing: Routing::Leader,
            replica_count: 0,
        };
        return (None, Vec::new(), defaults);
    };
    read_sites(&table, names);
    let replicas = read_replicas(&table, nodes, names);
    let client_timeout = table.or("client_timeout", Span::from_secs(1), |value| {
        value.positive_duration()
    });
    let routing = table.or("routing", Routing::Leader, |value| {
        read_routing(value, replicas.len())
    });
    let protocol = table.required("protocol", "the replication protocol, by name");
    let protocol = protocol.and_then(|value| value.one_of(PROTOCOLS));
    let protocol = protocol.map(|name| match name {
        ProtocolName::SingleLeader => Protocol::SingleLeader(read_single_leader(&table, names)),
    });
    if protocol.is_some() || table.is_missing("protocol") {
        // With an unknown protocol nobody knows which settings there are.
        table.finish();
    }
    let cluster = protocol.map(|protocol| Cluster {
        protocol,
        client_timeout,
    });
    let defaults = ClientDefaults {
        routing,
        replica_count: replicas.len(),
    };
    (cluster, replicas, defaults)
}

fn read_replicas(table: &Table<'_>, nodes: Vec<Table<'_>>, names: &mut Names) -> Vec<Replica> {
    let template = read_template(table);
    match table.optional("replicas") {
        Some(count) if nodes.is_empty() => numbered_replicas(&count, &template, names),
        None if nodes.is_empty() => {
            let expected = "`replicas = 3`, or a [[node]] for each replica";
            table.report(|it| it.expected(expected), "the cluster has no replicas");
            names.lost_one();
            Vec::new()
        }
        count => {
            if let Some(count) = count {
                count.out_of_place("the file has a [[node]] for each replica");
            }
            read_nodes(nodes, &template, names)
        }
    }
}

fn read_sites(table: &Table<'_>, names: &mut Names) {
    let sites = table.optional("sites");
    let items = sites.and_then(|sites| sites.items("site names", SITES_MAX));
    for item in items.unwrap_or_default() {
        match item.name() {
            Some(name) => names.declare(name, Named::Site, &item),
            None => names.lost_one(),
        }
    }
}

/// What every replica is like, but for what its own table says.
fn read_template(table: &Table<'_>) -> Replica {
    let standard = Replica {
        name: String::new(),
        site: String::new(),
        engine: EngineKind::Log,
        clock: ClockConfig::default(),
        disk: DiskConfig::default(),
        service_time: Span::from_micros(20),
        inbox: 1_024,
    };
    refined(table, &standard)
}

/// A replica as its table says, or as `template` where it does not.
fn refined(table: &Table<'_>, template: &Replica) -> Replica {
    Replica {
        engine: table.or("engine", template.engine, |value| read_engine(value)),
        disk: table.or("disk", template.disk, |value| {
            read_disk(value, template.disk)
        }),
        service_time: table.or("service_time", template.service_time, Value::duration),
        inbox: table.or("inbox", template.inbox, |value| value.small(1..=INBOX_MAX)),
        ..template.clone()
    }
}

fn read_engine(value: &Value<'_>) -> Option<EngineKind> {
    let engines: Vec<(&str, EngineKind)> = storage::CATALOG
        .iter()
        .map(|entry| (entry.name, entry.kind))
        .collect();
    value.one_of(&engines)
}

fn read_disk(value: &Value<'_>, standard: DiskConfig) -> Option<DiskConfig> {
    let table = value.table("a disk")?;
    let disk = DiskConfig {
        read_latency: table.or("read", standard.read_latency, Value::duration),
        read_per_kib: table.or("read_per_kib", standard.read_per_kib, Value::duration),
        write_latency: table.or("write", standard.write_latency, Value::duration),
        write_per_kib: table.or("write_per_kib", standard.write_per_kib, Value::duration),
        sync_latency: table.or("sync", standard.sync_latency, Value::duration),
        sync_per_kib: table.or("sync_per_kib", standard.sync_per_kib, Value::duration),
        crash: table.or("crash", standard.crash, |value| {
            value.one_of(CrashPolicy::CATALOG)
        }),
        syncs: table.or("syncs", standard.syncs, |value| value.one_of(SYNCS)),
        failed_sync: table.or("failed_sync", standard.failed_sync, |value| {
            value.one_of(FAILED_SYNCS)
        }),
        capacity_bytes: table.or("capacity_bytes", standard.capacity_bytes, |value| {
            value.integer(DISK_BYTES_MIN..=u64::MAX).map(Some)
        }),
        ..standard
    };
    table.finish();
    Some(disk)
}

fn read_nodes(tables: Vec<Table<'_>>, template: &Replica, names: &mut Names) -> Vec<Replica> {
    let read = |(index, table): (usize, Table<'_>)| {
        let named = Named::Replica(node_id(index));
        let replica = Replica {
            name: read_name(&table, named, names),
            site: read_site(&table, names),
            clock: read_clock(&table),
            ..refined(&table, template)
        };
        names.settle(node_id(index), &replica.site);
        table.finish();
        replica
    };
    tables.into_iter().enumerate().map(read).collect()
}

/// `replicas = 3`: a leader and followers without further qualities.
fn numbered_replicas(value: &Value<'_>, template: &Replica, names: &mut Names) -> Vec<Replica> {
    let replicas_max = u64::try_from(REPLICAS_MAX).expect("a small number");
    let Some(count) = value.integer(1..=replicas_max) else {
        names.lost_one();
        return Vec::new();
    };
    let mut replicas = Vec::new();
    for index in 0..usize::try_from(count).expect("at most the greatest number of replicas") {
        let name = match index {
            0 => "leader".to_owned(),
            _ => format!("follower-{index}"),
        };
        names.declare(&name, Named::Replica(node_id(index)), value);
        let template = template.clone();
        replicas.push(Replica { name, ..template });
    }
    replicas
}

fn read_single_leader(table: &Table<'_>, names: &Names) -> SingleLeader {
    let leader = table.or("leader", node_id(0), |value| {
        if value.is_array() {
            value.wrong_type("one replica: single-leader replication has one leader");
            return None;
        }
        names.replica(value)
    });
    let heartbeat = table.or("heartbeat", Span::from_millis(50), |value| {
        value.positive_duration()
    });
    SingleLeader { leader, heartbeat }
}

/// Reads the scripted clients, which come right after the replicas.
pub(super) fn read_clients(
    root: &Table<'_>,
    replica_count: usize,
    defaults: &ClientDefaults,
    names: &mut Names,
) -> Vec<Client> {
    let tables = root.tables("client", "a client", CLIENTS_MAX);
    let read = |(index, table): (usize, Table<'_>)| {
        let id = node_id(replica_count + index);
        let name = read_name(&table, Named::Client(id), names);
        let user = table.or("user", name.clone(), |value| {
            value.sentence(TEXT_BYTES_MAX).map(str::to_owned)
        });
        let client = Client {
            name,
            user,
            site: read_site(&table, names),
            routing: defaults.routing(&table),
            clock: read_clock(&table),
            load: None,
        };
        names.settle(id, &client.site);
        table.finish();
        client
    };
    tables.into_iter().enumerate().map(read).collect()
}

fn read_name(table: &Table<'_>, named: Named, names: &mut Names) -> String {
    let value = table.required("name", "a name that nothing else has");
    let name = value.as_ref().and_then(Value::name);
    if let (Some(value), Some(name)) = (value, name) {
        names.declare(name, named, &value);
        name.to_owned()
    } else {
        names.lost_one();
        String::new()
    }
}

/// Reads the site of a node or a load; empty where it has none.
pub(super) fn read_site(table: &Table<'_>, names: &Names) -> String {
    table.or("site", String::new(), |value| names.site(value))
}

fn read_clock(table: &Table<'_>) -> ClockConfig {
    table.or("clock", ClockConfig::default(), |value| {
        let table = value.table("a clock")?;
        let clock = ClockConfig {
            offset_nanos: table.or("offset", 0, Value::signed_duration_nanos),
            drift_ppm: table.or("drift_ppm", 0, read_drift_ppm),
        };
        table.finish();
        Some(clock)
    })
}

/// Reads how much faster a clock runs: it may neither stand still nor run backwards.
pub(super) fn read_drift_ppm(value: &Value<'_>) -> Option<i32> {
    value.signed_small(-999_999..=1_000_000)
}

fn read_routing(value: &Value<'_>, replica_count: usize) -> Option<Routing> {
    let routing = value.one_of(ROUTINGS)?;
    if routing != Routing::Leader && replica_count == 1 {
        value.wrong("sends reads to followers, and there are none", |problem| {
            problem.expected("`leader`, or a second replica")
        });
    }
    Some(routing)
}
