//! `[cluster]`, `[[node]]` and `[[client]]`.

use seedbed_protocols::storage::{self, EngineKind};
use seedbed_sim::{ClockConfig, DiskConfig, NodeId, Span};

use super::super::cluster::{FAILED_SYNCS, SYNCS};
use super::super::model::{Client, Cluster, Protocol, Replica, Routing, SingleLeader};
use super::text::{Table, duration, names, quoted, signed};
use super::{Writer, inline};

impl Writer<'_> {
    /// Writes the cluster, its replicas and the scripted clients.
    pub(super) fn cluster(&self, out: &mut String) {
        let scenario = self.scenario;
        let template = self.template();
        let replicas: Vec<&Replica> = self.replicas().collect();
        let nodes: Vec<Table> = match are_numbered(&replicas, &template) {
            true => Vec::new(),
            false => replicas.iter().map(|it| node(it, &template)).collect(),
        };
        let Cluster {
            protocol,
            client_timeout,
        } = &scenario.cluster;
        let mut table = Table::single("cluster");
        table.text("protocol", protocol.name());
        if nodes.is_empty() {
            table.plain("replicas", replicas.len());
        }
        match protocol {
            Protocol::SingleLeader(SingleLeader { leader, heartbeat }) => {
                let name = |id: &NodeId| quoted(scenario.name(*id));
                let first = self.node_ids().next().unwrap_or_default();
                table.unless("leader", leader, &first, name);
                table.unless("heartbeat", heartbeat, &Span::from_millis(50), |it| {
                    duration(*it)
                });
            }
        }
        let timeout = Span::from_secs(1);
        table.unless("client_timeout", client_timeout, &timeout, |it| {
            duration(*it)
        });
        table.unless("routing", &self.routing(), &Routing::Leader, |it| {
            quoted(routing_name(*it))
        });
        let sites = self.sites();
        if !sites.is_empty() {
            table.plain("sites", names(sites));
        }
        qualities(&mut table, &template, &standard());
        table.push_to(out);
        nodes.into_iter().for_each(|node| node.push_to(out));
        let clients = self.node_ids().filter_map(|id| scenario.client(id));
        for client in clients.filter(|it| it.load.is_none()) {
            self.client(client).push_to(out);
        }
    }

    fn replicas(&self) -> impl Iterator<Item = &Replica> {
        self.node_ids().filter_map(|id| self.scenario.replica(id))
    }

    /// What all replicas are like, for those qualities that all of them share.
    fn template(&self) -> Replica {
        let mut template = standard();
        let Some(first) = self.replicas().next() else {
            return template;
        };
        macro_rules! shared {
            ($($field:ident),*) => {
                $(if self.replicas().all(|it| it.$field == first.$field) {
                    template.$field = first.$field;
                })*
            };
        }
        shared!(engine, disk, service_time, inbox);
        template
    }

    /// The sites, in the order in which nodes name them first.
    fn sites(&self) -> Vec<&str> {
        let mut sites = Vec::new();
        for id in self.node_ids() {
            let site = self.scenario.site(id);
            if !site.is_empty() && !sites.contains(&site) {
                sites.push(site);
            }
        }
        sites
    }

    /// What clients do who don't say otherwise: what all of them do, or else the default.
    pub(super) fn routing(&self) -> Routing {
        let mut routings = self.scenario.clients.iter().map(|client| client.routing);
        let first = routings.next().unwrap_or(Routing::Leader);
        match routings.all(|routing| routing == first) {
            true => first,
            false => Routing::Leader,
        }
    }

    fn client(&self, client: &Client) -> Table {
        let Client {
            name,
            user,
            site,
            routing,
            clock,
            load: _,
        } = client;
        let mut table = Table::item("client");
        table.text("name", name);
        table.unless("user", user, name, |it| quoted(it));
        table.unless("site", site, &String::new(), |it| quoted(it));
        table.unless("routing", routing, &self.routing(), |it| {
            quoted(routing_name(*it))
        });
        write_clock(&mut table, clock);
        table
    }
}

/// Whether `replicas = 3` says it all.
fn are_numbered(replicas: &[&Replica], template: &Replica) -> bool {
    let like = |(index, replica): (usize, &&Replica)| {
        let name = match index {
            0 => "leader".to_owned(),
            _ => format!("follower-{index}"),
        };
        let template = template.clone();
        **replica == Replica { name, ..template }
    };
    replicas.iter().enumerate().all(like)
}

pub(super) const fn routing_name(routing: Routing) -> &'static str {
    match routing {
        Routing::Leader => "leader",
        Routing::AnyFollower => "any-follower",
        Routing::StickyFollower => "sticky-follower",
    }
}

/// A replica of a file that says nothing about it.
fn standard() -> Replica {
    Replica {
        name: String::new(),
        site: String::new(),
        engine: EngineKind::Log,
        clock: ClockConfig::default(),
        disk: DiskConfig::default(),
        service_time: Span::from_micros(20),
        inbox: 1_024,
    }
}

fn node(replica: &Replica, template: &Replica) -> Table {
    let mut table = Table::item("node");
    table.text("name", &replica.name);
    table.unless("site", &replica.site, &String::new(), |it| quoted(it));
    write_clock(&mut table, &replica.clock);
    qualities(&mut table, replica, template);
    table
}

/// What a replica is like, where `template` is not.
fn qualities(table: &mut Table, replica: &Replica, template: &Replica) {
    let Replica {
        name: _,
        site: _,
        engine,
        clock: _,
        disk,
        service_time,
        inbox,
    } = replica;
    table.unless("engine", engine, &template.engine, |it| {
        quoted(engine_name(*it))
    });
    table.unless("service_time", service_time, &template.service_time, |it| {
        duration(*it)
    });
    table.unless("inbox", inbox, &template.inbox, u32::to_string);
    table.unless("disk", disk, &template.disk, |it| {
        write_disk(it, &template.disk)
    });
}

fn engine_name(engine: EngineKind) -> &'static str {
    let mut entries = storage::CATALOG.iter();
    let entry = entries.find(|entry| entry.kind == engine);
    entry.expect("the catalog has all engines").name
}

fn write_disk(disk: &DiskConfig, standard: &DiskConfig) -> String {
    let DiskConfig {
        read_latency,
        read_per_kib,
        write_latency,
        write_per_kib,
        sync_latency,
        sync_per_kib,
        capacity_bytes,
        // No file can say this.
        writeback_bytes: _,
        crash,
        syncs,
        failed_sync,
    } = disk;
    let fields = [
        ("read", read_latency, standard.read_latency),
        ("read_per_kib", read_per_kib, standard.read_per_kib),
        ("write", write_latency, standard.write_latency),
        ("write_per_kib", write_per_kib, standard.write_per_kib),
        ("sync", sync_latency, standard.sync_latency),
        ("sync_per_kib", sync_per_kib, standard.sync_per_kib),
    ];
    let differing = fields
        .iter()
        .filter(|(_, value, standard)| *value != standard);
    let mut written: Vec<_> = differing
        .map(|(field, value, _)| (*field, duration(**value)))
        .collect();
    if let Some(capacity) = capacity_bytes
        && *capacity_bytes != standard.capacity_bytes
    {
        written.push(("capacity_bytes", capacity.to_string()));
    }
    if *crash != standard.crash {
        written.push(("crash", quoted(crash.name())));
    }
    if *syncs != standard.syncs {
        written.push(("syncs", quoted(word_for(SYNCS, *syncs))));
    }
    if *failed_sync != standard.failed_sync {
        written.push(("failed_sync", quoted(word_for(FAILED_SYNCS, *failed_sync))));
    }
    inline(&written)
}

/// The word of a catalog of words for this value.
fn word_for<T: Copy + PartialEq>(catalog: &[(&'static str, T)], value: T) -> &'static str {
    let mut entries = catalog.iter();
    let entry = entries.find(|(_, known)| *known == value);
    entry.expect("the catalog has all values").0
}

fn write_clock(table: &mut Table, clock: &ClockConfig) {
    let ClockConfig {
        offset_nanos,
        drift_ppm,
    } = clock;
    let mut fields = Vec::new();
    if *offset_nanos != 0 {
        fields.push(("offset", signed(*offset_nanos)));
    }
    if *drift_ppm != 0 {
        fields.push(("drift_ppm", drift_ppm.to_string()));
    }
    if !fields.is_empty() {
        table.plain("clock", inline(&fields));
    }
}
