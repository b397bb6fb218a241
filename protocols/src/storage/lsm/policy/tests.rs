use bytes::Bytes;
use seedbed_sim::{Seed, Stream};

use super::*;

fn table(id: u64, bytes: u64, from: &'static str, to: &'static str) -> TableShape {
    TableShape {
        id: TableId(id),
        bytes,
        entries: 1,
        tombstones: 0,
        range: KeyRange {
            smallest: Bytes::from_static(from.as_bytes()),
            largest: Bytes::from_static(to.as_bytes()),
            end: RangeEnd::Inclusive,
        },
    }
}

fn shape(runs: Vec<(u32, Vec<TableShape>)>) -> Shape {
    let runs = runs
        .into_iter()
        .map(|(level, tables)| RunShape { level, tables });
    Shape {
        runs: runs.collect(),
    }
}

const LEVELLED: Levelled = Levelled {
    level0_runs: 2,
    base_bytes: 100,
    growth: 10,
};

fn picked(task: Option<Task>) -> (Vec<u64>, Target, TaskKind) {
    let task = task.expect("a task");
    let mut ids: Vec<u64> = task.inputs.iter().map(|id| id.0).collect();
    ids.sort_unstable();
    (ids, task.target, task.kind)
}

#[test]
fn level_0_goes_down_whole_with_all_that_lies_between_its_keys() {
    let shape = shape(vec![
        (0, vec![table(9, 10, "a", "c")]),
        (0, vec![table(8, 10, "m", "p")]),
        (
            1,
            vec![
                table(1, 30, "a", "b"),
                table(2, 30, "e", "f"),
                table(3, 30, "x", "z"),
            ],
        ),
    ]);
    // Table 2 overlaps neither, but what comes of the two may span it.
    assert_eq!(
        picked(LEVELLED.pick(&shape)),
        (vec![1, 2, 8, 9], Target::Level(1), TaskKind::Merge)
    );
}

#[test]
fn tables_that_overlap_nothing_move_as_they_are_unless_they_have_something_to_drop() {
    let mut fresh = vec![
        (0, vec![table(9, 10, "m", "p")]),
        (0, vec![table(8, 10, "g", "h")]),
        (1, vec![table(1, 50, "a", "b")]),
    ];
    assert_eq!(
        picked(LEVELLED.pick(&shape(fresh.clone()))),
        (vec![8, 9], Target::Level(1), TaskKind::Move)
    );
    fresh[0].1[0].tombstones = 1;
    assert_eq!(picked(LEVELLED.pick(&shape(fresh))).2, TaskKind::Merge);
}

#[test]
fn of_a_level_the_table_that_overlaps_least_goes_down() {
    let shape = shape(vec![
        (1, vec![table(1, 60, "a", "f"), table(2, 60, "g", "k")]),
        (
            2,
            vec![
                table(3, 90, "a", "c"),
                table(4, 90, "d", "f"),
                table(5, 90, "g", "k"),
            ],
        ),
    ]);
    assert_eq!(
        picked(LEVELLED.pick(&shape)),
        (vec![2, 5], Target::Level(2), TaskKind::Merge)
    );
}

#[test]
fn nothing_is_done_while_every_level_is_within_its_bound() {
    let within = vec![
        (0, vec![table(9, 10, "a", "z")]),
        (1, vec![table(1, 99, "a", "z")]),
        (2, vec![table(2, 999, "a", "z")]),
    ];
    assert_eq!(LEVELLED.pick(&shape(within)), None);
    assert_eq!(LEVELLED.pick(&Shape::default()), None);
}

#[test]
fn a_tree_that_another_policy_left_is_put_in_levels_first() {
    let tiers = vec![
        (1, vec![table(3, 1, "a", "z")]),
        (1, vec![table(2, 1, "a", "z")]),
        (3, vec![table(1, 1, "a", "z")]),
    ];
    assert_eq!(
        picked(LEVELLED.pick(&shape(tiers))),
        (vec![1, 2, 3], Target::Level(3), TaskKind::Merge)
    );
}

#[test]
fn neighbours_of_about_the_same_size_are_merged_in_the_place_of_the_oldest() {
    let tiered = Tiered::default();
    let run = |id, bytes| (0, vec![table(id, bytes, "a", "z")]);
    let alike = shape(vec![
        run(5, 10),
        run(4, 11),
        run(3, 9),
        run(2, 10),
        run(1, 1000),
    ]);
    assert_eq!(
        picked(tiered.pick(&alike)),
        (vec![2, 3, 4, 5], Target::Run(1), TaskKind::Merge)
    );
    let few = shape(vec![run(3, 10), run(2, 10), run(1, 10)]);
    assert_eq!(tiered.pick(&few), None);
    let steps = shape(vec![run(4, 1), run(3, 10), run(2, 100), run(1, 1000)]);
    assert_eq!(tiered.pick(&steps), None);
    let dead = shape(vec![run(4, 10), run(3, 100), run(2, 1900), run(1, 1000)]);
    assert_eq!(
        picked(tiered.pick(&dead)).0,
        [1, 2, 3, 4],
        "twice the oldest run is on top of it"
    );
}

#[test]
fn what_comes_of_a_task_stands_where_its_age_says() {
    let runs = || {
        vec![
            (0, vec![table(9, 1, "a", "z")]),
            (0, vec![table(8, 1, "a", "z")]),
            (0, vec![table(7, 1, "a", "z")]),
            (2, vec![table(1, 1, "a", "c"), table(2, 1, "d", "f")]),
        ]
    };
    let ids = |runs: Vec<(u32, Vec<TableShape>)>| -> Vec<(u32, Vec<u64>)> {
        let ids = |tables: Vec<TableShape>| tables.iter().map(|table| table.id.0).collect();
        runs.into_iter()
            .map(|(level, tables)| (level, ids(tables)))
            .collect()
    };
    let task = |inputs: &[u64], target| Task {
        inputs: inputs.iter().map(|&id| TableId(id)).collect(),
        target,
        kind: TaskKind::Merge,
    };
    let new = || vec![table(20, 1, "a", "z")];
    let after = replace(runs(), &task(&[8, 7], Target::Level(1)), new());
    assert_eq!(ids(after), [(0, vec![9]), (1, vec![20]), (2, vec![1, 2])]);
    let after = replace(runs(), &task(&[9, 8], Target::Run(1)), new());
    assert_eq!(ids(after), [(1, vec![20]), (0, vec![7]), (2, vec![1, 2])]);
    let after = replace(
        runs(),
        &task(&[9, 8, 7, 2], Target::Level(2)),
        vec![table(30, 1, "d", "e")],
    );
    assert_eq!(ids(after), [(2, vec![1, 30])]);
    let after = replace(runs(), &task(&[1, 2], Target::Level(3)), new());
    assert_eq!(
        ids(after),
        [(0, vec![9]), (0, vec![8]), (0, vec![7]), (3, vec![20])]
    );
    let after = replace(runs(), &task(&[9, 8, 7, 1, 2], Target::Run(3)), Vec::new());
    assert_eq!(ids(after), []);
}

fn run(options: &SimulationOptions) -> Simulation {
    simulate(options, &mut Stream::named(Seed(1), "simulate"))
}

fn amplification(simulation: &Simulation) -> (u64, u64) {
    let end = simulation.samples.last().expect("a sample");
    (
        end.write_amplification_per_mille,
        end.space_amplification_per_mille,
    )
}

fn small(policy: Policy) -> SimulationOptions {
    SimulationOptions {
        policy,
        writes: 300_000,
        keys: 50_000,
        memtable_bytes: 64 << 10,
        table_bytes: 64 << 10,
        ..SimulationOptions::default()
    }
}

/// Levels of 256 KiB, 2.5 MiB and so on under 5.8 MB of live data.
fn levelled() -> Policy {
    Policy::Levelled(Levelled {
        base_bytes: 256 << 10,
        ..Levelled::default()
    })
}

#[test]
fn a_simulation_shows_that_levels_write_more_and_tiers_take_more_space() {
    let levels = run(&small(levelled()));
    let tiers = run(&small(Policy::Tiered(Tiered::default())));
    let none = run(&SimulationOptions {
        stall_runs: usize::MAX,
        ..small(Policy::Never)
    });
    let (levels_write, levels_space) = amplification(&levels);
    let (tiers_write, tiers_space) = amplification(&tiers);
    let (none_write, none_space) = amplification(&none);
    assert!(
        levels_write > tiers_write + 1000,
        "{levels_write} {tiers_write}"
    );
    assert!((950..=1000).contains(&none_write), "{none_write}");
    assert!(levels_space < 1700, "{levels_space}");
    assert!(tiers_space > levels_space, "{tiers_space}");
    assert!(none_space > 4000, "{none_space}");
    assert!(levels.runs_max <= 12 && none.runs_max > 400);
    assert_eq!(levels.samples.len(), 100);
}

#[test]
fn a_simulation_of_sequential_writes_moves_tables_and_merges_nothing() {
    let options = SimulationOptions {
        pattern: Pattern::Sequential,
        keys: 300_000,
        ..small(levelled())
    };
    let sequential = run(&options);
    assert_eq!(sequential.merges, 0);
    assert!(sequential.moves > 0);
    assert!(amplification(&sequential).0 <= 1000);
}

#[test]
fn a_simulation_with_too_little_background_work_stalls() {
    let slow = SimulationOptions {
        background_percent: 300,
        ..small(levelled())
    };
    let stalled = run(&slow);
    assert!(stalled.samples.last().unwrap().stalled_writes > 0);
    assert!(stalled.longest_stall_bytes > 0);
    assert_eq!(
        run(&small(levelled()))
            .samples
            .last()
            .unwrap()
            .stalled_writes,
        0
    );
}

#[test]
fn a_simulation_drops_deletes_at_the_bottom() {
    let options = SimulationOptions {
        deletes_per_mille: 500,
        ..small(levelled())
    };
    let (_, space) = amplification(&run(&options));
    assert!(space < 2500, "{space}");
    assert_eq!(
        run(&options),
        run(&options),
        "the same seed gives the same numbers"
    );
}
