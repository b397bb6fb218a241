//! Mistakes in faults and in what is wrong with links: each is told in its place.

use super::{small_with, told};

/// Asserts that a file with this fault in the place of its own is told `place` and `expected`.
#[track_caller]
fn wrong_fault(written: &str, expected: &[&str]) {
    let text = small_with("kind = \"crash\"\nnode = \"f1\"", written);
    said(&text, expected);
}

#[track_caller]
fn wrong_network(written: &str, expected: &[&str]) {
    said(&small_with("delay = \"5ms\"", written), expected);
}

#[track_caller]
fn said(text: &str, expected: &[&str]) {
    let told = told(text);
    for part in expected {
        assert!(told.contains(part), "{part:?} is not in:\n{told}");
    }
}

#[test]
fn chances_rates_and_times_of_link_faults_have_their_bounds() {
    let link = "between = [\"l\", \"f1\"]";
    wrong_fault(
        &format!("kind = \"duplicate\"\n{link}\nper_million = 1_000_001"),
        &[
            "small.toml:50:15: error: `per_million` is 1000001",
            "from 1 to 1000000",
        ],
    );
    wrong_fault(
        &format!("kind = \"corrupt\"\n{link}"),
        &["small.toml:45:1: error: a fault lacks the field `per_million`"],
    );
    wrong_fault(
        &format!("kind = \"reorder\"\n{link}\nper_million = 1\nby = \"0s\""),
        &["small.toml:51:6: error: `by` is zero"],
    );
    wrong_fault(
        &format!("kind = \"rate-limit\"\n{link}\nbytes_per_second = 0"),
        &["`bytes_per_second` is 0", "from 1 to"],
    );
    wrong_fault(
        &format!("kind = \"bursts\"\n{link}\ncorelation_per_million = 1"),
        &[
            "a fault has no field `corelation_per_million`",
            "did you mean `correlation_per_million`?",
        ],
    );
    wrong_fault(
        &format!("kind = \"jiter\"\n{link}"),
        &[
            "`kind` is `jiter`, which is unknown",
            "did you mean `jitter`?",
        ],
    );
}

#[test]
fn settings_of_links_that_nothing_comes_of_are_told() {
    wrong_network(
        "queue_bytes = 5",
        &["`queue_bytes` has no place here: nothing waits: there is no `rate_bytes_per_second`"],
    );
    wrong_network(
        "reorder_by = \"5ms\"",
        &["`reorder_by` has no place here: no message is held back"],
    );
    wrong_network(
        "duplicate_per_million = -1",
        &["is -1", "from 0 to 1000000"],
    );
}

#[test]
fn points_that_make_no_table_are_told() {
    let table = |points: &str| format!("delay = {{ distribution = \"table\", points = {points} }}");
    wrong_network(
        &table("[[0, \"1ms\"], [99, \"2ms\"]]"),
        &["is no distribution: these points make no table: it must begin at 0"],
    );
    wrong_network(
        &table("[[0, \"1ms\"], [101, \"2ms\"]]"),
        &["`points` is 101", "a percentage from 0 to 100"],
    );
    wrong_network(
        &table("[[0, \"1ms\", 3]]"),
        &[
            "`points` has a point of 3 values",
            "a percentage and a duration",
        ],
    );
    wrong_network(
        &table("[[100, \"1ms\"], [0, \"1ms\"]]"),
        &["it must begin at 0 and end"],
    );
}

#[test]
fn partitions_say_once_who_is_parted_and_have_nodes_enough() {
    wrong_fault("kind = \"partition\"", &["a fault lacks the field `sides`"]);
    wrong_fault(
        "kind = \"partition\"\nshape = \"halves\"\nsite = \"us\"",
        &[
            "this says twice who can't reach whom",
            "one of `sides`, `shape`, `site` and `blocked`",
        ],
    );
    wrong_fault(
        "kind = \"partition\"\nshape = \"bridge\"",
        &["`shape` takes 3 nodes, and here are 2"],
    );
    wrong_fault(
        "kind = \"partition\"\nshape = \"halfs\"",
        &[
            "`shape` is `halfs`, which is unknown",
            "did you mean `halves`?",
        ],
    );
    wrong_fault(
        "kind = \"partition\"\nshape = \"halves\"\nnode = \"l\"",
        &["`node` has no place here: it goes with the shape `isolated-node`"],
    );
    wrong_fault(
        "kind = \"partition\"\nblocked = []",
        &["`blocked` blocks nothing"],
    );
    wrong_fault(
        "kind = \"partition\"\nblocked = [{ from = [\"l\"] }]",
        &["a barrier lacks the field `to`"],
    );
}

#[test]
fn faults_of_nodes_name_what_there_is() {
    wrong_fault(
        "kind = \"crash-after-send\"\nnode = \"l\"\nmessage = \"apend\"",
        &[
            "`message` is `apend`, which is unknown",
            "did you mean `append`?",
        ],
    );
    wrong_fault(
        "kind = \"crash-after-note\"\nnode = \"l\"\nnumber = 0",
        &["`number` is 0"],
    );
    wrong_fault(
        "kind = \"slow\"\nnode = \"l\"\nfactor = 0",
        &["`factor` is 0"],
    );
    wrong_fault(
        "kind = \"replace\"\nnode = \"phone\"",
        &["`node` is `phone`, which is a client"],
    );
    wrong_fault("kind = \"site-down\"\nsite = \"l\"", &["`site` is `l`"]);
    wrong_fault(
        "kind = \"join\"\nnode = \"f1\"",
        &["a node joins at one instant"],
    );
}

#[test]
fn presets_and_matrices_that_make_no_sense_are_told() {
    wrong_network(
        "preset = \"five-region\"",
        &[
            "`preset` is `five-region`, which is unknown",
            "did you mean `five-regions`?",
        ],
    );
    wrong_network(
        "matrix = { sites = [\"eu\", \"us\"], delays = [[\"1ms\", \"2ms\"]] }",
        &["`delays` has 1 rows", "2, one for each site"],
    );
    wrong_network(
        "matrix = { sites = [\"eu\"], delays = [[\"1ms\", \"2ms\"]] }",
        &["`delays` has a row of 2 delays"],
    );
    wrong_network(
        "matrix = { sites = [\"eu\", \"eu\"], delays = [] }",
        &["`sites` names a site twice"],
    );
}
