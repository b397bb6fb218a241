//! Partitions by hand and by the name of their shape.

use std::collections::BTreeSet;

use seedbed_sim::*;

use crate::lab::*;
use crate::probe::*;

fn ids(count: u32) -> Vec<NodeId> {
    (0..count).map(NodeId).collect()
}

fn cluster(count: u32, seed: u64) -> Lab {
    let spec = WorldSpec {
        nodes: (0..count).map(|n| node(&format!("n{n}"))).collect(),
        ..links(LinkSpec::fifo(five_ms()))
    };
    let mut lab = Lab {
        world: World::new(Seed(seed), spec),
        ear: Ear::default(),
        asked: 0,
    };
    lab.until(0);
    lab
}

fn shape(shape: PartitionShape, count: u32) -> Fault {
    Fault::PartitionShape {
        shape,
        nodes: ids(count),
        shuffled: false,
        in_flight: InFlight::Lost,
    }
}

/// Who reaches whom, by trying: the pairs that can't.
fn apart(lab: &mut Lab) -> BTreeSet<(u32, u32)> {
    let count = lab.world.node_count() as u32;
    lab.ear.notes.clear();
    for (from, to) in ids(count)
        .into_iter()
        .flat_map(|a| ids(count).into_iter().map(move |b| (a, b)))
    {
        lab.ask(from, Ask::Send { to, count: 1 });
    }
    let until = lab.world.now() + Span::from_millis(20);
    lab.world.run_until(until, &mut lab.ear);
    let mut apart: BTreeSet<(u32, u32)> = (0..count)
        .flat_map(|a| (0..count).map(move |b| (a, b)))
        .collect();
    for (_, at, note) in &lab.ear.notes {
        if let Heard::Message { from, .. } = note {
            apart.remove(&(from.0, at.0));
        }
    }
    apart
}

/// The pairs between two sets of nodes, both ways.
fn between(one: &[u32], other: &[u32]) -> BTreeSet<(u32, u32)> {
    let pairs = one
        .iter()
        .flat_map(|a| other.iter().map(|b| [(*a, *b), (*b, *a)]));
    pairs.flatten().collect()
}

#[test]
fn each_shape_of_a_partition_parts_whom_it_says() {
    let cases = [
        (PartitionShape::Halves, between(&[0, 1], &[2, 3, 4])),
        (PartitionShape::IsolatedNode, between(&[0], &[1, 2, 3, 4])),
        (
            PartitionShape::MajorityMinority,
            between(&[0, 1, 2], &[3, 4]),
        ),
        (PartitionShape::MinorityThird, between(&[0], &[1, 2, 3, 4])),
        (PartitionShape::Bridge, between(&[0, 1], &[2, 3])),
        (PartitionShape::NonTransitive, between(&[0], &[4])),
        // Each hears itself and its two neighbours in the ring, a majority of five.
        (
            PartitionShape::MajoritiesRing,
            [
                between(&[0], &[2, 3]),
                between(&[1], &[3, 4]),
                between(&[2], &[4]),
            ]
            .into_iter()
            .flatten()
            .collect(),
        ),
        (
            PartitionShape::OneWay,
            [0, 1]
                .into_iter()
                .flat_map(|a| [2, 3, 4].map(|b| (a, b)))
                .collect(),
        ),
    ];
    for (name, expected) in cases {
        let mut lab = cluster(5, 1);
        let fault = lab.inject(shape(name, 5));
        assert_eq!(apart(&mut lab), expected, "{name:?}");
        lab.lift(fault);
        assert_eq!(apart(&mut lab), BTreeSet::new(), "{name:?} is healed");
    }
}

/// In a ring of any size every node hears a majority, itself included, and no two the same one.
#[test]
fn in_a_ring_of_majorities_no_two_nodes_hear_the_same() {
    for count in 3..=9 {
        let mut lab = cluster(count, 1);
        lab.inject(shape(PartitionShape::MajoritiesRing, count));
        let apart = apart(&mut lab);
        let hears = |to: u32| -> BTreeSet<u32> {
            (0..count)
                .filter(|from| !apart.contains(&(*from, to)))
                .collect()
        };
        let all: BTreeSet<BTreeSet<u32>> = (0..count).map(hears).collect();
        assert_eq!(all.len(), count as usize, "{all:?}");
        for node in 0..count {
            assert!(hears(node).contains(&node));
            assert_eq!(hears(node).len(), count as usize / 2 + 1);
        }
    }
}

#[test]
fn random_halves_differ_from_seed_to_seed_and_not_from_run_to_run() {
    let sides = |seed: u64| {
        let mut lab = cluster(8, seed);
        lab.inject(Fault::PartitionShape {
            shape: PartitionShape::Halves,
            nodes: ids(8),
            shuffled: true,
            in_flight: InFlight::Held,
        });
        match &lab.world.faults()[0].fault {
            Fault::Partition { sides, in_flight } => {
                assert_eq!(*in_flight, InFlight::Held);
                assert_eq!([sides[0].len(), sides[1].len()], [4, 4]);
                sides
                    .iter()
                    .map(|side| side.iter().copied().collect())
                    .collect::<Vec<BTreeSet<NodeId>>>()
            }
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(sides(1), sides(1));
    let different: BTreeSet<_> = (0..20).map(sides).collect();
    assert!(different.len() > 10, "{}", different.len());
}

#[test]
fn those_who_are_chosen_stand_alone_and_somebody_must_choose_them() {
    let fault = shape(PartitionShape::Chosen, 5);
    let resolved = fault
        .clone()
        .resolve(Seed(1), 1, &[NodeId(2), NodeId(4)])
        .unwrap();
    let mut lab = cluster(5, 1);
    lab.inject(resolved);
    assert_eq!(apart(&mut lab), between(&[2, 4], &[0, 1, 3]));
    let refused = lab.world.inject(fault.clone(), &mut ()).unwrap_err();
    assert_eq!(refused, FaultError::ChosenNone(0, 5));
    let all = fault.resolve(Seed(1), 1, &ids(5)).unwrap_err();
    assert_eq!(all, FaultError::ChosenNone(5, 5));
}

#[test]
fn shapes_for_too_few_nodes_are_refused() {
    let mut lab = cluster(3, 1);
    for (name, few) in [(PartitionShape::Halves, 1), (PartitionShape::Bridge, 2)] {
        let refused = lab.world.inject(shape(name, few), &mut ()).unwrap_err();
        assert_eq!(
            refused,
            FaultError::TooFewNodes(few as usize + 1, few as usize)
        );
    }
    for (name, kind) in PartitionShape::ALL {
        assert_eq!(kind.name(), *name);
        if *kind != PartitionShape::Chosen {
            let fault = shape(*kind, kind.nodes_min() as u32);
            lab.world.inject(fault, &mut ()).unwrap();
        }
    }
}

/// a hears b and is not heard; messages on their way are held as the fault says.
#[test]
fn any_relation_can_be_cut_by_hand_and_holds_or_loses_what_is_on_its_way() {
    for (in_flight, expected) in [(InFlight::Lost, vec![]), (InFlight::Held, vec![1])] {
        let mut lab = Lab::fifo();
        lab.ask(A, Ask::Send { to: B, count: 1 });
        lab.until(2);
        let barriers = vec![Barrier {
            from: vec![A, B],
            to: vec![B],
        }];
        let fault = lab.inject(Fault::Unreachable {
            barriers,
            in_flight,
        });
        lab.ask(B, Ask::Send { to: A, count: 1 });
        lab.ask(B, Ask::Send { to: B, count: 1 });
        lab.until(50);
        assert_eq!(lab.ear.numbers_at(A), [1]);
        assert_eq!(lab.ear.numbers_at(B), [2], "a node always reaches itself");
        lab.lift(fault);
        lab.until(100);
        assert_eq!(lab.ear.numbers_at(B), [vec![2], expected].concat());
    }
}

#[test]
fn one_node_can_be_set_apart_from_chosen_others() {
    let mut lab = cluster(4, 1);
    lab.inject(Fault::isolate(NodeId(1), ids(3), InFlight::Lost));
    assert_eq!(apart(&mut lab), between(&[1], &[0, 2]));
}
