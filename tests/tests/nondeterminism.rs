//! The determinism check has teeth: what lets hash order into a world is caught at the first event that it changes, and
//! every scenario of the catalog is the same run twice.

use std::collections::{BTreeSet, HashSet};

use seedbed_scenarios::catalog::CATALOG;
use seedbed_scenarios::session::{Keep, determinism};
use seedbed_sim::lockstep::{Divergence, compare_worlds};
use seedbed_sim::{
    ClockConfig, Context, Datum, DiskConfig, Distribution, Halt, Instant, Kind, LinkSpec,
    NetworkSpec, NodeId, NodeSpec, Payload, Process, RecordKind, RequestId, Seed, Span, SyncTicket,
    TraceLevel, World, WorldSpec,
};
use seedbed_tests::compare::replay;
use seedbed_tests::runs::open;

const NODES: u32 = 12;
const TICK: Span = Span::from_millis(10);
/// The tick at which a mistake is first made.
const SLIP: u32 = 50;
const END: Instant = Instant::from_millis(1_000);

/// Whether hash order may reach the world, and how.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Slip {
    Never,
    /// The peers are told in the order of a hash set.
    Receivers,
    /// They are told in their order; what they are told is a list in the order of a hash set.
    Payload,
}

#[derive(Clone, Debug, Hash)]
struct Rumour(Vec<u32>);

#[derive(Clone, Debug, Hash)]
struct Tick(u32);

impl Datum for Rumour {
    fn kind(&self) -> Kind {
        Kind("rumour")
    }
}

impl Payload for Rumour {
    fn size_bytes(&self) -> u32 {
        4 * self.0.len() as u32
    }
}

impl Datum for Tick {
    fn kind(&self) -> Kind {
        Kind("tick")
    }
}

/// A node that tells its peers something at each tick. That it can use a hash table that is keyed at random is the
/// mistake which every other crate's lints rule out.
#[derive(Clone, Debug)]
struct Gossip {
    slip: Slip,
    told: u64,
}

impl Gossip {
    /// The peers of a node, in order, or in no order at all.
    #[allow(clippy::disallowed_types)]
    fn peers(me: NodeId, hashed: bool) -> Vec<NodeId> {
        let peers = (0..NODES).map(NodeId).filter(|id| *id != me);
        if hashed {
            peers.collect::<HashSet<_>>().into_iter().collect()
        } else {
            peers.collect::<BTreeSet<_>>().into_iter().collect()
        }
    }
}

impl Process for Gossip {
    type Config = (NodeId, Slip);
    type Message = Rumour;
    type Timer = Tick;
    type Request = ();
    type Reply = ();
    type Note = ();

    fn boot((me, slip): &Self::Config, cx: &mut Context<'_, Self>) -> Result<Self, Halt> {
        // One of them talks.
        if *me == NodeId(0) {
            cx.set_timer(TICK, Tick(1));
        }
        Ok(Self {
            slip: *slip,
            told: 0,
        })
    }

    fn on_message(
        &mut self,
        _: NodeId,
        rumour: Rumour,
        _: &mut Context<'_, Self>,
    ) -> Result<(), Halt> {
        self.told += rumour.0.len() as u64;
        Ok(())
    }

    fn on_timer(&mut self, Tick(count): Tick, cx: &mut Context<'_, Self>) -> Result<(), Halt> {
        let slips = count >= SLIP;
        let me = NodeId(0);
        let receivers = Self::peers(me, slips && self.slip == Slip::Receivers);
        let said = Self::peers(me, slips && self.slip == Slip::Payload);
        let said: Vec<u32> = said.into_iter().map(|id| id.0).collect();
        for to in receivers {
            cx.send(to, Rumour(said.clone()));
        }
        cx.set_timer(TICK, Tick(count + 1));
        Ok(())
    }

    fn on_synced(&mut self, _: SyncTicket, _: &mut Context<'_, Self>) -> Result<(), Halt> {
        Ok(())
    }

    fn on_request(&mut self, _: RequestId, (): (), _: &mut Context<'_, Self>) -> Result<(), Halt> {
        Ok(())
    }
}

fn world(slip: Slip) -> World<Gossip> {
    let node = |id: u32| NodeSpec {
        name: format!("node-{id}"),
        config: (NodeId(id), slip),
        service_time: Span::ZERO,
        inbox_capacity: 64,
        clock: ClockConfig::default(),
        disk: DiskConfig::instant(),
    };
    let delay = Distribution::uniform(Span::from_millis(1), Span::from_millis(5));
    World::new(
        Seed(1),
        WorldSpec {
            nodes: (0..NODES).map(node).collect(),
            network: NetworkSpec::uniform(LinkSpec::fifo(delay.expect("1 is below 5"))),
            trace: TraceLevel::Digest,
        },
    )
}

fn compared(slip: Slip) -> Result<u64, Box<Divergence>> {
    compare_worlds(&mut world(slip), &mut world(slip), END)
}

/// The event at which two worlds part, and the tick that led to it.
fn first_difference(slip: Slip) -> Divergence {
    let found = *compared(slip).expect_err("hash order is in it");
    let (one, other) = (found.one.event, found.other.event);
    let (one, other) = (one.expect("it goes on"), other.expect("it goes on"));
    for event in [one, other] {
        assert_eq!(event.record.kind, RecordKind::Send, "{found:?}");
        assert_eq!(event.record.node, NodeId(0));
        // Handlers take no time, so that ticks come at the whole tens.
        let tick = TICK.as_nanos() * u64::from(SLIP);
        assert_eq!(event.record.at, Instant::from_nanos(tick));
        assert_eq!(event.kind, Kind("rumour"));
    }
    // What led to it is the tick, before that the one before, and so on to the boot.
    let causes = &found.one.causes;
    assert!(
        causes[..SLIP as usize]
            .iter()
            .all(|c| c.kind == Kind("tick")),
        "{causes:?}"
    );
    assert_eq!(causes.last().map(|c| c.record.kind), Some(RecordKind::Boot));
    assert_eq!(found.one.older, None);
    found
}

#[test]
fn a_world_without_hash_order_is_the_same_twice() {
    let count = compared(Slip::Never).expect("it is the same");
    assert!(count > 2_000, "{count} events prove little");
}

#[test]
fn receivers_in_hash_order_are_caught_at_the_first_message_that_goes_elsewhere() {
    let found = first_difference(Slip::Receivers);
    let peer = |event: &Option<_>| event.map(|e: seedbed_sim::lockstep::Heard| e.record.peer);
    assert_ne!(peer(&found.one.event), peer(&found.other.event));
}

#[test]
fn a_payload_in_hash_order_is_caught_though_the_records_are_the_same() {
    let found = first_difference(Slip::Payload);
    let (one, other) = (found.one.event.unwrap(), found.other.event.unwrap());
    assert_eq!(one.record, other.record);
    assert_ne!(one.hash, other.hash);
}

/// What `--check-determinism` does, for the whole catalog.
#[test]
fn every_scenario_of_the_catalog_is_the_same_run_twice() {
    for entry in CATALOG {
        for seed in [1, 2, 3, 77, 1_000_003] {
            let run = || open(entry.name, seed, Keep::Digest);
            if let Err(difference) = determinism::check(run(), run()) {
                panic!("{}\n{difference}", replay(entry.name, seed));
            }
        }
    }
}

#[test]
fn two_seeds_are_not_one_run_and_the_check_says_where_they_part() {
    let run = |seed| open("lag/generated-load", seed, Keep::Digest);
    let difference = determinism::check(run(1), run(2)).expect_err("two seeds");
    let told = difference.to_string();
    assert!(difference.same_events > 0, "{told}");
    assert!(told.contains("Then they part:"), "{told}");
    assert!(told.contains("because of"), "{told}");
}
