//! Each planted bug does what it says, and the protocol without it does not.

use seedbed_sim::Outcome;

use super::super::{Planted, Routing, Settings, Timer};
use super::cluster::{Cluster, LEADER};
use crate::storage::EngineKind;

fn cluster(planted: Planted, routing: Routing) -> Cluster {
    let settings = Settings {
        planted,
        ..Settings::new(3)
    };
    Cluster::new(&settings, EngineKind::Log, &[routing])
}

/// Whether a write that was acknowledged is gone when the leader crashes before its sync is done.
fn loses_an_acknowledged_write(planted: Planted) -> bool {
    let mut cluster = cluster(planted, Routing::Leader);
    let client = cluster.client(0);
    let write = cluster.put(client, "k", "v");
    cluster.host.deliver(0);
    // The acknowledgement, if there is one.
    if !cluster.host.in_flight.is_empty() {
        cluster.host.deliver(0);
    }
    cluster.host.crash(LEADER);
    cluster.settle();
    let acknowledged = matches!(cluster.outcome(write), Some(Outcome::Ok(_)));
    acknowledged && cluster.contents(LEADER).is_empty()
}

#[test]
fn acknowledging_before_the_sync_loses_acknowledged_writes() {
    assert!(loses_an_acknowledged_write(Planted::AckBeforeSync));
    assert!(!loses_an_acknowledged_write(Planted::Nothing));
}

/// Whether a follower that was down holds something else than the leader in the end.
fn diverges(planted: Planted) -> bool {
    let mut cluster = cluster(planted, Routing::Leader);
    let client = cluster.client(0);
    let follower = cluster.followers().next().expect("a follower");
    cluster.put(client, "a", "1");
    cluster.host.drain();
    cluster.host.crash(follower);
    for (key, value) in [("b", "2"), ("c", "3")] {
        cluster.put(client, key, value);
        cluster.host.drain();
    }
    cluster.settle();
    assert_eq!(cluster.positions(follower), cluster.positions(LEADER));
    cluster.contents(follower) != cluster.contents(LEADER)
}

#[test]
fn skipping_an_entry_after_a_reconnect_makes_replicas_diverge() {
    assert!(diverges(Planted::SkipEntryAfterReconnect));
    assert!(!diverges(Planted::Nothing));
}

/// Whether a client that reads at the leader misses its own write.
fn misses_its_own_write(planted: Planted) -> bool {
    let mut cluster = cluster(planted, Routing::Leader);
    let client = cluster.client(0);
    assert!(
        cluster
            .host
            .fire(LEADER, |timer| *timer == Timer::Heartbeat)
    );
    cluster.put(client, "k", "v");
    cluster.host.drain();
    cluster.get(client, "k").is_none()
}

#[test]
fn reading_from_a_stale_snapshot_breaks_reading_your_writes() {
    assert!(misses_its_own_write(Planted::StaleLeaderReads));
    assert!(!misses_its_own_write(Planted::Nothing));
}

/// Whether a client that sticks to one follower sees a value, and later does not, since the follower has restarted.
fn goes_back_in_time(planted: Planted) -> bool {
    let mut cluster = cluster(planted, Routing::StickyFollower);
    let client = cluster.client(0);
    cluster.put(client, "k", "v");
    cluster.host.drain();
    assert_eq!(cluster.get(client, "k").as_deref(), Some(&b"v"[..]));
    for follower in cluster.followers() {
        cluster.host.crash(follower);
        cluster.host.boot(follower);
    }
    cluster.get(client, "k").is_none()
}

#[test]
fn serving_before_the_log_is_applied_goes_back_in_time() {
    assert!(goes_back_in_time(Planted::ServeBeforeReplay));
    assert!(!goes_back_in_time(Planted::Nothing));
}

#[test]
fn serving_before_the_log_is_applied_ends_after_a_while() {
    let mut cluster = cluster(Planted::ServeBeforeReplay, Routing::StickyFollower);
    let client = cluster.client(0);
    cluster.put(client, "k", "v");
    cluster.host.drain();
    let follower = cluster.followers().next().expect("a follower");
    cluster.host.crash(follower);
    cluster.settle();
    cluster.put(client, "l", "w");
    cluster.host.drain();
    assert_eq!(cluster.positions(follower).applied, 0);
    let is_late = |timer: &Timer| *timer == Timer::LateReplay;
    assert!(cluster.host.fire(follower, is_late));
    assert_eq!(cluster.contents(follower), cluster.contents(LEADER));
}
