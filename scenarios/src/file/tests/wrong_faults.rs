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
