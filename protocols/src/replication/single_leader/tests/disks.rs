//! Disks that fail, rot and lie: a replica stops itself rather than acknowledge, or answer with, what it can't stand for.

use bytes::Bytes;
use seedbed_sim::{
    Chance, DiskFault, DiskFaultKind, FaultId, FilePattern, NodeId, Outcome, RequestId,
};

use super::super::{Routing, Settings};
use super::cluster::{Cluster, LEADER};
use crate::replication::log::FILE_NAME;
use crate::storage::EngineKind;

const FAULT: FaultId = FaultId(1);

fn cluster() -> Cluster {
    // The engine is made durable after every second write.
    let settings = Settings {
        checkpoint_every: 2,
        ..Settings::new(3)
    };
    Cluster::new(&settings, EngineKind::Log, &[Routing::Leader; 2])
}

fn begin(cluster: &mut Cluster, node: NodeId, files: &str, kind: DiskFaultKind) {
    let fault = DiskFault {
        node,
        files: FilePattern::new(files),
        kind,
    };
    let disk = &mut cluster.host.node_mut(node).disk;
    disk.begin_fault(FAULT, &fault, disk.now());
}

fn end(cluster: &mut Cluster, node: NodeId) {
    cluster.host.node_mut(node).disk.end_fault(FAULT);
}

/// Writes, and lets everything happen.
fn put(cluster: &mut Cluster, key: &str, value: &str) -> RequestId {
    let client = cluster.client(0);
    let write = cluster.put(client, key, value);
    cluster.host.drain();
    write
}

fn is_acknowledged(cluster: &Cluster, write: RequestId) -> bool {
    matches!(cluster.outcome(write), Some(Outcome::Ok(_)))
}

/// Why the replicas that stopped themselves did.
fn halts(cluster: &Cluster) -> Vec<String> {
    cluster.halts().map(ToString::to_string).collect()
}

#[test]
fn a_leader_whose_sync_fails_stops_and_does_not_acknowledge() {
    let mut cluster = cluster();
    let before = put(&mut cluster, "a", "1");
    begin(
        &mut cluster,
        LEADER,
        FILE_NAME,
        DiskFaultKind::SyncErrors(Chance::ONCE),
    );
    let write = put(&mut cluster, "b", "2");
    assert!(!cluster.host.is_up(LEADER));
    assert!(!is_acknowledged(&cluster, write));
    assert!(
        halts(&cluster)[0].contains("syncing \"replicated.log\" failed"),
        "{:?}",
        halts(&cluster)
    );
    // The sync would succeed now, and mean nothing. What is not acknowledged is nowhere.
    cluster.host.boot(LEADER);
    cluster.settle();
    assert!(is_acknowledged(&cluster, before));
    for id in cluster.replicas() {
        let expected = [(Bytes::from("a"), Bytes::from("1"))];
        assert_eq!(cluster.contents(id), expected, "{id}");
    }
}

/// What would happen if it tried again, which is why it must not: the second sync succeeds, and the write is gone.
#[test]
fn a_follower_whose_sync_fails_stops_and_its_leader_sends_again_what_is_gone() {
    let mut cluster = cluster();
    let follower = cluster.followers().next().expect("a follower");
    begin(
        &mut cluster,
        follower,
        FILE_NAME,
        DiskFaultKind::SyncErrors(Chance::ONCE),
    );
    let write = put(&mut cluster, "a", "1");
    assert!(is_acknowledged(&cluster, write), "the leader goes on");
    assert!(!cluster.host.is_up(follower));
    cluster.settle();
    assert_eq!(cluster.positions(follower), cluster.positions(LEADER));
    assert_eq!(cluster.contents(follower), cluster.contents(LEADER));
}

#[test]
fn a_leader_whose_engine_cannot_sync_stops_and_has_lost_nothing() {
    let mut cluster = cluster();
    begin(
        &mut cluster,
        LEADER,
        "engine.log",
        DiskFaultKind::SyncErrors(Chance::ONCE),
    );
    let writes = [put(&mut cluster, "a", "1"), put(&mut cluster, "b", "2")];
    assert!(!cluster.host.is_up(LEADER));
    let acknowledged = writes.map(|write| is_acknowledged(&cluster, write));
    assert!(acknowledged[0]);
    cluster.host.boot(LEADER);
    cluster.settle();
    // The log has them all, and the engine is made again from it.
    assert_eq!(cluster.contents(LEADER).len(), 2);
}

#[test]
fn a_leader_that_cannot_write_stops_and_does_not_acknowledge() {
    for kind in [
        DiskFaultKind::WriteErrors(Chance::ONCE),
        DiskFaultKind::Full { free_bytes: 10 },
    ] {
        let mut cluster = cluster();
        let before = put(&mut cluster, "a", "1");
        begin(&mut cluster, LEADER, FILE_NAME, kind);
        let write = put(&mut cluster, "b", "2");
        assert!(!cluster.host.is_up(LEADER), "{kind:?}");
        assert!(!is_acknowledged(&cluster, write), "{kind:?}");
        end(&mut cluster, LEADER);
        cluster.host.boot(LEADER);
        cluster.settle();
        assert!(is_acknowledged(&cluster, before));
        assert_eq!(cluster.contents(LEADER).len(), 1, "{kind:?}");
        assert_eq!(put_and_count(&mut cluster), 2, "{kind:?}: it goes on");
    }
}

/// The first client may be waiting for its answer still.
fn put_and_count(cluster: &mut Cluster) -> usize {
    let client = cluster.client(1);
    let write = cluster.put(client, "afterwards", "3");
    cluster.host.drain();
    assert!(is_acknowledged(cluster, write));
    cluster.contents(LEADER).len()
}

/// What its engine lacks has no room either. It stays down, and loses nothing.
#[test]
fn a_replica_on_a_full_disk_comes_back_when_there_is_room() {
    let mut cluster = cluster();
    put(&mut cluster, "a", "1");
    let full = DiskFaultKind::Full { free_bytes: 0 };
    begin(&mut cluster, LEADER, "*", full);
    put(&mut cluster, "b", "2");
    assert!(!cluster.host.is_up(LEADER));
    cluster.host.boot(LEADER);
    assert!(!cluster.host.is_up(LEADER));
    let halts = halts(&cluster);
    assert!(
        halts.iter().all(|it| it.contains("no space left")),
        "{halts:?}"
    );
    end(&mut cluster, LEADER);
    cluster.host.boot(LEADER);
    cluster.settle();
    assert_eq!(cluster.contents(LEADER).len(), 1);
    assert_eq!(put_and_count(&mut cluster), 2);
}

#[test]
fn a_replica_that_cannot_read_stops_instead_of_answering() {
    let mut cluster = cluster();
    put(&mut cluster, "a", "1");
    begin(
        &mut cluster,
        LEADER,
        "engine.log",
        DiskFaultKind::ReadErrors(Chance::ONCE),
    );
    let client = cluster.client(0);
    let key = Bytes::from("a");
    let read = cluster.ask(client, crate::kv::Operation::Get { key }, None);
    cluster.host.drain();
    assert_eq!(cluster.outcome(read), None);
    assert!(!cluster.host.is_up(LEADER));
    assert!(
        halts(&cluster)[0].contains("reading"),
        "{:?}",
        halts(&cluster)
    );
}

/// Wherever a bit rots in the engine's file, a read is right or the replica stops: never a wrong answer.
#[test]
fn rot_is_found_and_never_read() {
    let mut writes = cluster();
    for (key, value) in [("a", "1"), ("b", "2"), ("a", "3"), ("c", "4")] {
        put(&mut writes, key, value);
    }
    let mut stopped = 0;
    let bytes = 400;
    for offset in 0..bytes {
        for file in ["engine.log", FILE_NAME] {
            let mut cluster = writes.clone();
            let kind = DiskFaultKind::BitRot {
                bits: 1,
                offset: Some(offset),
            };
            begin(&mut cluster, LEADER, file, kind);
            let client = cluster.client(0);
            let key = Bytes::from("a");
            let read = cluster.ask(client, crate::kv::Operation::Get { key }, None);
            cluster.host.drain();
            match cluster.outcome(read) {
                Some(Outcome::Ok(reply)) => assert_eq!(reply.value, Some("3".into())),
                Some(other) => panic!("{other:?}"),
                None => stopped += 1,
            }
        }
    }
    assert!(
        stopped > 50,
        "{stopped} of {bytes} bytes are passed by the read"
    );
}

/// Rot is met again at the next start: the replica refuses to come up on a log that is not the one it wrote.
#[test]
fn a_replica_does_not_come_up_on_a_rotten_log() {
    let mut cluster = cluster();
    for value in ["1", "2", "3", "4"] {
        put(&mut cluster, "a", value);
    }
    cluster.host.crash(LEADER);
    let kind = DiskFaultKind::BitRot {
        bits: 1,
        offset: Some(40),
    };
    begin(&mut cluster, LEADER, FILE_NAME, kind);
    cluster.host.boot(LEADER);
    assert!(!cluster.host.is_up(LEADER));
    assert!(
        halts(&cluster)[0].contains("corrupt"),
        "{:?}",
        halts(&cluster)
    );
}

/// Nobody can defend against it alone: this is what the durability check is for.
#[test]
fn a_lying_disk_loses_what_was_acknowledged() {
    let mut cluster = cluster();
    put(&mut cluster, "a", "1");
    begin(
        &mut cluster,
        LEADER,
        "*",
        DiskFaultKind::LyingSyncs(Chance::ALWAYS),
    );
    let client = cluster.client(0);
    let write = cluster.put(client, "b", "2");
    cluster.host.deliver(0);
    assert!(cluster.host.complete_sync(LEADER));
    cluster.host.in_flight.retain(|it| it.to == client);
    cluster.host.drain();
    assert!(is_acknowledged(&cluster, write));
    cluster.host.crash(LEADER);
    cluster.settle();
    assert_eq!(cluster.contents(LEADER).len(), 1, "the write is gone");
}
