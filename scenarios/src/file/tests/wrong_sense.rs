//! Mistakes of sense, a test for each kind: what reads well and can not be.

use super::{SMALL, small_with, told};
use crate::file::parse;

#[test]
fn an_end_before_the_beginning() {
    let text = small_with("until = \"600ms\"", "until = \"50ms\"");
    insta::assert_snapshot!(told(&text), @r#"
    small.toml:47:9: error: `until` is 50 ms, and the fault begins at 100 ms
       |
    47 | until = "50ms"
       |         ^^^^^^ expected a later time
    "#);
}

#[test]
fn an_end_after_the_end() {
    let text = small_with("until = \"600ms\"", "until = \"3s\"");
    insta::assert_snapshot!(told(&text), @r#"
    small.toml:47:9: error: `until` is 3 s, when the scenario is over already
       |
    47 | until = "3s"
       |         ^^^^ expected at most the scenario's duration, 2 s
       |
       = help: leave it out: what holds at the end is lifted for healing
    "#);
}

#[test]
fn a_step_after_the_end() {
    let text = small_with("at = \"10ms\"", "at = \"2s\"");
    insta::assert_snapshot!(told(&text), @r#"
    small.toml:32:6: error: `at` is 2 s, when the scenario is over already
       |
    32 | at = "2s"
       |      ^^^^ expected less than the scenario's duration, 2 s
    "#);
}

#[test]
fn a_step_at_no_time() {
    let text = small_with("at = \"10ms\"\n", "");
    insta::assert_snapshot!(told(&text), @r#"
    small.toml:30:1: error: the step does not say when it begins
       |
    30 | [[step]]
       | ^^^^^^^^ expected `at = "10ms"`, or `after = "previous"`
    "#);
}

#[test]
fn a_step_after_itself() {
    let text = small_with("at = \"10ms\"", "after = \"previous\"");
    insta::assert_snapshot!(told(&text), @r#"
    small.toml:32:9: error: `after` is `previous`, and this is the first step
       |
    32 | after = "previous"
       |         ^^^^^^^^^^ expected `at` for the first step
    "#);
}

#[test]
fn a_step_after_a_later_one() {
    let text = small_with("at = \"10ms\"", "after = \"writ\"");
    insta::assert_snapshot!(told(&text), @r#"
    small.toml:32:9: error: `after` is `writ`, and no earlier step has that name
       |
    32 | after = "writ"
       |         ^^^^^^ expected `previous`, or the `name` of a step above
    "#);
}

#[test]
fn a_step_after_an_unknown_one() {
    let text = format!(
        "{SMALL}[[step]]\nafter = \"wriet\"\nclient = \"phone\"\ndo = \"get\"\nkey = \"x\"\n"
    );
    insta::assert_snapshot!(told(&text), @r#"
    small.toml:55:9: error: `after` is `wriet`, and no earlier step has that name
       |
    55 | after = "wriet"
       |         ^^^^^^^ expected `previous`, or the `name` of a step above
       |
       = help: did you mean `write`?
    "#);
}

#[test]
fn a_step_after_and_at() {
    let text = small_with("at = \"10ms\"", "at = \"10ms\"\nafter = \"previous\"");
    insta::assert_snapshot!(told(&text), @r#"
    small.toml:30:1: error: the step says both `at` and `after`
       |
    30 | [[step]]
       | ^^^^^^^^ expected `at = "10ms"`, or `after = "previous"`
    "#);
}

#[test]
fn a_value_for_a_get() {
    let text = small_with("do = \"put\"", "do = \"get\"");
    insta::assert_snapshot!(told(&text), @r#"
    small.toml:36:1: error: `value` has no place here: only a put has a value
       |
    36 | value = "1"
       | ^^^^^
    "#);
}

#[test]
fn a_put_without_a_value() {
    let text = small_with("value = \"1\"\n", "");
    insta::assert_snapshot!(told(&text), @"
    small.toml:30:1: error: a step lacks the field `value`
       |
    30 | [[step]]
       | ^^^^^^^^ expected `value`, the text to write
    ");
}

#[test]
fn a_value_written_twice() {
    let text = format!(
        "{SMALL}[[step]]\nat = \"1s\"\nclient = \"phone\"\ndo = \"put\"\nkey = \"x\"\nvalue = \"1\"\n"
    );
    insta::assert_snapshot!(told(&text), @r#"
    small.toml:59:9: error: `value` is `1`, which another step writes to the same key
       |
    59 | value = "1"
       |         ^^^ expected another value, so that a read names the write it saw
    "#);
}

#[test]
fn a_value_that_a_load_may_write() {
    let text = small_with("value = \"1\"", "value = \"readers-17...\"");
    insta::assert_snapshot!(told(&text), @r#"
    small.toml:36:9: error: `value` is `readers-17...`, which the load `readers` may write
       |
    36 | value = "readers-17..."
       |         ^^^^^^^^^^^^^^^ expected a value that no load makes
    "#);
}

#[test]
fn a_repeated_put() {
    let text = small_with("value = \"1\"", "value = \"1\"\ntimes = 2\nevery = \"1ms\"");
    insta::assert_snapshot!(told(&text), @"
    small.toml:37:1: error: `times` has no place here: a repeated put would write one value twice
       |
    37 | times = 2
       | ^^^^^
    ");
}

#[test]
fn repetitions_after_the_end() {
    let text = small_with(
        "do = \"put\"\nkey = \"x\"\nvalue = \"1\"",
        "do = \"get\"\nkey = \"x\"\ntimes = 200\nevery = \"10ms\"",
    );
    insta::assert_snapshot!(told(&text), @"
    small.toml:36:9: error: `times` makes the last one begin at 2 s, after the end
       |
    36 | times = 200
       |         ^^^ expected all of them before 2 s
    ");
}

#[test]
fn shares_above_the_whole() {
    let text = small_with("clients = 2", "reads_percent = 80\ndeletes_percent = 30");
    insta::assert_snapshot!(told(&text), @"
    small.toml:42:19: error: `deletes_percent` is 30, and with 80 % reads that is above 100 %
       |
    42 | deletes_percent = 30
       |                   ^^ expected at most 20
    ");
}

#[test]
fn an_exponent_that_is_not_finite() {
    let text = small_with("0.99", "inf");
    insta::assert_snapshot!(told(&text), @r#"
    small.toml:43:44: error: `exponent` is inf
       |
    43 | keys = { distribution = "zipf", exponent = inf }
       |                                            ^^^ expected a finite number
    "#);
}

#[test]
fn an_exponent_below_zero() {
    let text = small_with("0.99", "-1");
    insta::assert_snapshot!(told(&text), @r#"
    small.toml:43:44: error: `exponent` makes no Zipf distribution: exponent is -1, expected 0 to 20
       |
    43 | keys = { distribution = "zipf", exponent = -1 }
       |                                            ^^ expected a number from 0 to 20
    "#);
}

#[test]
fn an_exponent_without_a_law() {
    let text = small_with("distribution = \"zipf\", ", "");
    insta::assert_snapshot!(told(&text), @"
    small.toml:43:10: error: `exponent` has no place here: uniform keys have none; it goes with `zipf`
       |
    43 | keys = { exponent = 0.99 }
       |          ^^^^^^^^
    ");
}

#[test]
fn more_operations_than_there_may_be() {
    let text = small_with("rate_per_second = 100", "rate_per_second = 1_000_000");
    insta::assert_snapshot!(told(&text), @"
    small.toml:42:19: error: `rate_per_second` makes 2000000 operations of 100 bytes
       |
    42 | rate_per_second = 1_000_000
       |                   ^^^^^^^^^ expected at most 1000000
       |
       = help: set `operations` to stop earlier, or `end`
    ");
}

#[test]
fn an_operation_number_zero() {
    let text = small_with(
        "kind = \"crash\"",
        "kind = \"crash-at-disk-operation\"\noperation = 0",
    );
    insta::assert_snapshot!(told(&text), @"
    small.toml:49:13: error: `operation` is 0
       |
    49 | operation = 0
       |             ^ expected a whole number from 1 to 4294967295
    ");
}

#[test]
fn a_link_to_itself() {
    let text = small_with("between = [\"eu\", \"us\"]", "between = [\"l\", \"l\"]");
    insta::assert_snapshot!(told(&text), @r#"
    small.toml:23:11: error: `between` names one node twice
       |
    23 | between = ["l", "l"]
       |           ^^^^^^^^^^ expected two nodes; a node reaches itself without a link
    "#);
}

#[test]
fn a_link_with_one_end() {
    let text = small_with("between = [\"eu\", \"us\"]", "from = \"eu\"");
    insta::assert_snapshot!(told(&text), @r#"
    small.toml:22:1: error: this names one end of a link
       |
    22 | [[link]]
       | ^^^^^^^^ expected `between = ["a", "b"]` for both directions, or `from` and `to` for one
    "#);
}

#[test]
fn a_link_with_three_ends() {
    let text = small_with(
        "between = [\"eu\", \"us\"]",
        "between = [\"eu\", \"us\", \"l\"]",
    );
    insta::assert_snapshot!(told(&text), @r#"
    small.toml:23:11: error: `between` names 3 ends
       |
    23 | between = ["eu", "us", "l"]
       |           ^^^^^^^^^^^^^^^^^ expected two names of nodes or sites
    "#);
}

#[test]
fn a_partition_of_one_side() {
    let text = small_with(
        "kind = \"crash\"\nnode = \"f1\"",
        "kind = \"partition\"\nsides = [[\"eu\"]]",
    );
    insta::assert_snapshot!(told(&text), @r#"
    small.toml:49:9: error: `sides` has one side only
       |
    49 | sides = [["eu"]]
       |         ^^^^^^^^ expected at least two
    "#);
}

#[test]
fn a_node_on_two_sides() {
    let text = small_with(
        "kind = \"crash\"\nnode = \"f1\"",
        "kind = \"partition\"\nsides = [[\"eu\"], [\"f1\", \"l\"]]",
    );
    insta::assert_snapshot!(told(&text), @r#"
    small.toml:49:25: error: `sides` has `l` on two sides
       |
    49 | sides = [["eu"], ["f1", "l"]]
       |                         ^^^ expected each node on one side at most
    "#);
}

#[test]
fn a_clock_that_runs_backwards() {
    let text = small_with(
        "kind = \"crash\"",
        "kind = \"clock-drift\"\nppm = -1_000_000",
    );
    insta::assert_snapshot!(told(&text), @"
    small.toml:49:7: error: `ppm` is -1000000
       |
    49 | ppm = -1_000_000
       |       ^^^^^^^^^^ expected a whole number from -999999 to 1000000
    ");
}

#[test]
fn a_distribution_the_wrong_way_round() {
    let text = small_with(
        "\"normal\", mean = \"40ms\", deviation = \"2ms\"",
        "\"uniform\", low = \"9ms\", high = \"3ms\"",
    );
    insta::assert_snapshot!(told(&text), @r#"
    small.toml:24:9: error: `delay` is no distribution: low is 9 ms, expected at most high, which is 3 ms
       |
    24 | delay = { distribution = "uniform", low = "9ms", high = "3ms" }
       |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    "#);
}

#[test]
fn a_mixture_of_nothing() {
    let text = small_with(
        "\"normal\", mean = \"40ms\", deviation = \"2ms\"",
        "\"mixture\", of = [{ weight = 0, distribution = \"fixed\", value = \"1ms\" }]",
    );
    insta::assert_snapshot!(told(&text), @r#"
    small.toml:24:9: error: `delay` is no distribution: the mixture has no part to choose, expected at least one with a weight above 0
       |
    24 | delay = { distribution = "mixture", of = [{ weight = 0, distribution = "fixed", value = "1ms" }] }
       |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    "#);
}

#[test]
fn a_check_expected_twice() {
    let text = format!("{SMALL}[[expect]]\ncheck = \"durability\"\nverdict = \"violated\"\n");
    insta::assert_snapshot!(told(&text), @r#"
    small.toml:55:9: error: `check` is `durability`, which is expected already
       |
    55 | check = "durability"
       |         ^^^^^^^^^^^^ expected each check once on the same terms
    "#);
}

#[test]
fn a_bound_that_the_check_does_not_know() {
    let text = small_with(
        "check = \"durability\"",
        "check = \"bounded-staleness\"\nversion = 2",
    );
    insta::assert_snapshot!(told(&text), @r#"
    small.toml:53:1: error: an expectation has no field `version`
       |
    53 | version = 2
       | ^^^^^^^ expected `check`, `verdict`, `versions` or `time`
       |
       = help: did you mean `versions`?
    "#);
}

#[test]
fn the_same_check_is_expected_on_several_terms() {
    let text = small_with(
        "check = \"durability\"\nverdict = \"holds\"",
        "check = \"bounded-staleness\"\nversions = 0\nverdict = \"violated\"\n\n[[expect]]\n\
         check = \"bounded-staleness\"\nversions = 1\ntime = \"5ms\"\nverdict = \"holds\"",
    );
    let scenario = parse("small.toml", &text).expect("it is sound");
    let told: Vec<String> = scenario
        .expectations
        .iter()
        .map(ToString::to_string)
        .collect();
    assert!(
        told.contains(&"bounded-staleness (versions 0) is violated".to_owned()),
        "{told:?}"
    );
    assert!(
        told.contains(&"bounded-staleness (versions 1, time 5 ms) holds".to_owned()),
        "{told:?}"
    );
}

/// The small file, where linearizability is expected under a model, and its step does something.
fn under(model: &str, step: &str) -> String {
    let expectation = format!("check = \"linearizable\"\nmodel = \"{model}\"");
    small_with("check = \"durability\"", &expectation).replace("do = \"put\"", step)
}

#[test]
fn a_check_is_asked_under_a_model_that_fits_what_clients_do() {
    let text = under("cas-register", "do = \"put\"");
    let scenario = parse("small.toml", &text).expect("it is sound");
    assert_eq!(
        scenario.expectations[0].to_string(),
        "linearizable (model cas-register) holds"
    );
}

#[test]
fn a_model_that_there_is_not_is_told_with_the_nearest() {
    let told = told(&under("cas-registre", "do = \"put\""));
    for part in [
        "small.toml:53:9: error: `model` is `cas-registre`, which is unknown",
        "did you mean `cas-register`?",
    ] {
        assert!(told.contains(part), "{told}");
    }
}

#[test]
fn a_model_that_does_not_know_what_clients_do_is_told_with_those_that_fit() {
    let text = under("append-kv", "do = \"delete\"").replace("value = \"1\"\n", "");
    let told_of_step = told(&text);
    for part in [
        "small.toml:52:9: error: `model` is `append-kv`, which has no delete, and a step does that",
        "expected a model that fits: `register` or `cas-register`",
    ] {
        assert!(told_of_step.contains(part), "{told_of_step}");
    }
    let told_of_load = told(&under("counter", "do = \"put\""));
    assert!(
        told_of_load.contains("`model` is `counter`, which has no write, and a step does that"),
        "{told_of_load}"
    );
    let told_of_queue = told(&under("queue", "do = \"put\""));
    assert!(
        told_of_queue.contains(
            "expected a model that fits: `register`, `cas-register`, `append-kv` or `set`"
        ),
        "{told_of_queue}"
    );
}

#[test]
fn only_checks_that_search_know_a_model() {
    let told = told(&small_with(
        "check = \"durability\"",
        "check = \"durability\"\nmodel = \"register\"",
    ));
    assert!(
        told.contains("an expectation has no field `model`"),
        "{told}"
    );
}
