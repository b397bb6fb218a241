//! The catalog and the code keep each other honest.

use std::collections::BTreeSet;

use seedbed_sim::fault::{About, CATALOG, Group};

const ENUM: &str = include_str!("../../src/fault/mod.rs");

/// Where each fault is forced: a test, and the file it is in.
const FORCED: &[(&str, &str, &str)] = &[
    (
        "cut",
        "a_cut_loses_or_holds_what_is_in_flight_and_what_is_sent_into_it",
        NETWORK,
    ),
    (
        "partition",
        "a_link_stays_cut_until_the_last_cut_is_lifted",
        NETWORK,
    ),
    ("delay", "a_delay_fault_adds_to_the_link", NETWORK),
    (
        "loss",
        "a_loss_fault_drops_datagrams_only_while_it_holds",
        NETWORK,
    ),
    (
        "jitter",
        "jitter_makes_each_message_late_by_a_time_of_its_own_in_one_direction",
        LINKS,
    ),
    (
        "duplicate",
        "a_duplicated_datagram_arrives_twice_and_a_connection_drops_the_copy",
        LINKS,
    ),
    (
        "reorder",
        "a_datagram_that_is_held_back_is_overtaken_and_a_connection_waits_for_it",
        LINKS,
    ),
    (
        "corrupt",
        "damage_that_a_checksum_sees_drops_a_datagram_and_delays_a_connection",
        LINKS,
    ),
    (
        "rate-limit",
        "a_rate_lets_messages_wait_for_each_other",
        LINKS,
    ),
    (
        "bursts",
        "correlated_losses_come_in_bursts_and_are_as_many",
        LINKS,
    ),
    (
        "crash",
        "a_crash_takes_what_is_not_durable_and_what_has_not_left",
        CRASHES,
    ),
    (
        "crash-at-disk-operation",
        "a_crash_at_the_kth_disk_operation_leaves_exactly_the_orders_before_it",
        CRASHES,
    ),
    (
        "pause",
        "a_paused_node_does_nothing_and_then_catches_up_in_order",
        NODES,
    ),
    (
        "clock-offset",
        "a_clock_offset_moves_the_wall_clock_and_not_the_timers",
        NODES,
    ),
    (
        "clock-drift",
        "a_drift_that_begins_later_moves_the_timers_that_are_set",
        NODES,
    ),
    (
        "crash-after-send",
        "a_crash_after_a_send_lets_that_message_out_and_nothing_behind_it",
        OF_NODES,
    ),
    (
        "crash-after-note",
        "a_crash_after_the_kth_note_waits_for_it_over_handlers_and_lives",
        OF_NODES,
    ),
    ("slow", "a_slow_node_takes_so_many_times_as_long", OF_NODES),
    (
        "site-down",
        "a_site_goes_down_and_comes_back_together",
        OF_NODES,
    ),
    (
        "replace",
        "a_node_that_is_replaced_boots_with_an_empty_disk",
        OF_NODES,
    ),
    (
        "leave",
        "a_node_that_joins_later_is_absent_until_then_and_one_that_left_brings_its_disk",
        OF_NODES,
    ),
    (
        "clock-jump",
        "a_clock_jumps_forward_and_back_and_stays_there",
        CLOCKS,
    ),
    ("clock-strobe", "a_strobing_clock_jumps_to_and_fro", CLOCKS),
    (
        "clock-freeze",
        "a_frozen_clock_stands_still_and_is_right_again_afterwards",
        CLOCKS,
    ),
    (
        "partition-shape",
        "each_shape_of_a_partition_parts_whom_it_says",
        PARTITIONS,
    ),
    (
        "unreachable",
        "any_relation_can_be_cut_by_hand_and_holds_or_loses_what_is_on_its_way",
        PARTITIONS,
    ),
];

const NETWORK: &str = include_str!("../world/network.rs");
const NODES: &str = include_str!("../world/nodes.rs");
const CRASHES: &str = include_str!("../world/crashes.rs");
const LINKS: &str = include_str!("links.rs");
const OF_NODES: &str = include_str!("nodes.rs");
const CLOCKS: &str = include_str!("clocks.rs");
const PARTITIONS: &str = include_str!("partitions.rs");

/// The variants of the enum, as its source has them: `CrashAtDiskOperation`.
fn variants() -> Vec<&'static str> {
    let (_, body) = ENUM.split_once("pub enum Fault {").expect("the enum");
    let (body, _) = body.split_once("\n}").expect("its end");
    let is_variant = |line: &&str| line.starts_with("    ") && !line.starts_with("     ");
    let names = body.lines().filter(is_variant).map(str::trim_start);
    let names = names.filter(|line| line.starts_with(char::is_uppercase));
    names
        .map(|line| line.trim_end_matches([' ', '{', ',']))
        .collect()
}

/// Those that have a variant of their own. The faults of disks share one, and their own catalog test.
fn own() -> impl Iterator<Item = &'static About> {
    CATALOG.iter().filter(|about| about.group != Group::Disks)
}

/// `CrashAtDiskOperation` as `crash-at-disk-operation`.
fn kebab(variant: &str) -> String {
    let mut name = String::new();
    for c in variant.chars() {
        if c.is_uppercase() && !name.is_empty() {
            name.push('-');
        }
        name.extend(c.to_lowercase());
    }
    name
}

#[test]
fn every_fault_has_a_line_in_the_catalog_under_its_own_name() {
    let names: BTreeSet<&str> = CATALOG.iter().map(|about| about.name).collect();
    assert_eq!(names.len(), CATALOG.len(), "two faults have one name");
    let lines: BTreeSet<&str> = own().map(|about| about.name).collect();
    let named = variants()
        .into_iter()
        .filter(|variant| *variant != "Disk(DiskFault)");
    let named: Vec<String> = named.map(kebab).collect();
    assert_eq!(
        named.iter().map(String::as_str).collect::<BTreeSet<_>>(),
        lines
    );
    for about in CATALOG {
        assert!(about.summary.ends_with('.'), "{about:?}");
    }
}

#[test]
fn every_fault_is_forced_by_a_test() {
    let forced: BTreeSet<&str> = FORCED.iter().map(|(name, ..)| *name).collect();
    let lines: BTreeSet<&str> = own().map(|about| about.name).collect();
    assert_eq!(forced, lines);
    for (name, test, file) in FORCED {
        assert!(
            file.contains(&format!("#[test]\nfn {test}()")),
            "{name}: there is no test {test}"
        );
    }
}
