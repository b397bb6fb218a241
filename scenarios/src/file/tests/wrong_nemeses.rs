//! Mistakes in nemeses, a test for each kind.

use super::{SMALL, told};

const NEMESIS: &str = "
[[nemesis]]
faults = [\"crash\", \"pause\"]
rate_per_minute = { from = 6, to = 60 }
lasts = { from = \"10ms\", to = \"1s\" }
";

/// What a file is told whose nemesis has `new` instead of `old`.
fn told_with(old: &str, new: &str) -> String {
    assert!(NEMESIS.contains(old));
    told(&format!("{SMALL}{}", NEMESIS.replacen(old, new, 1)))
}

#[test]
fn a_kind_that_does_not_exist() {
    insta::assert_snapshot!(told_with("\"pause\"", "\"puase\""), @r#"
    small.toml:56:20: error: `faults` is `puase`, which is unknown
       |
    56 | faults = ["crash", "puase"]
       |                    ^^^^^^^ expected `cut`, `partition`, `delay`, `loss`, `jitter`, `duplicate`, `reorder`, `corrupt`, `rate-limit`, `bursts`, `partition-shape`, `unreachable`, `crash`, `crash-at-disk-operation`, `pause`, `crash-after-send`, `crash-after-note`, `site-down`, `slow`, `replace`, `leave`, `clock-offset`, `clock-drift`, `clock-jump` or 16 others
       |
       = help: did you mean `pause`?
    "#);
}

#[test]
fn a_kind_twice() {
    insta::assert_snapshot!(told_with("\"pause\"", "\"crash\""), @r#"
    small.toml:56:20: error: `faults` has `crash` twice
       |
    56 | faults = ["crash", "crash"]
       |                    ^^^^^^^ expected each kind once
    "#);
}

#[test]
fn no_kind() {
    insta::assert_snapshot!(told_with("[\"crash\", \"pause\"]", "[]"), @r#"
    small.toml:56:10: error: `faults` holds nothing
       |
    56 | faults = []
       |          ^^ expected at least one kind of fault, or "all"
    "#);
}

#[test]
fn a_word_that_is_not_all() {
    insta::assert_snapshot!(told_with("[\"crash\", \"pause\"]", "\"al\""), @r#"
    small.toml:56:10: error: `faults` is `al`, which is unknown
       |
    56 | faults = "al"
       |          ^^^^ expected `all`, `cut`, `partition`, `delay`, `loss`, `jitter`, `duplicate`, `reorder`, `corrupt`, `rate-limit`, `bursts`, `partition-shape`, `unreachable`, `crash`, `crash-at-disk-operation`, `pause`, `crash-after-send`, `crash-after-note`, `site-down`, `slow`, `replace`, `leave`, `clock-offset`, `clock-drift` or 17 others
       |
       = help: did you mean `all`?
    "#);
}

#[test]
fn a_range_that_ends_before_it_begins() {
    insta::assert_snapshot!(told_with("to = \"1s\"", "to = \"5ms\""), @r#"
    small.toml:58:31: error: `to` is 5 ms, and the range begins at 10 ms
       |
    58 | lasts = { from = "10ms", to = "5ms" }
       |                               ^^^^^ expected at least 10 ms
    "#);
}

#[test]
fn a_rate_of_nothing() {
    insta::assert_snapshot!(told_with("{ from = 6, to = 60 }", "0"), @r#"
    small.toml:57:19: error: `rate_per_minute` is 0
       |
    57 | rate_per_minute = 0
       |                   ^ expected a whole number from 1 to 60000
    "#);
}

#[test]
fn more_faults_than_a_run_may_have() {
    let text = SMALL.replace("duration = \"2s\"", "duration = \"20s\"") + NEMESIS;
    let text = text.replace("{ from = 6, to = 60 }", "60000");
    insta::assert_snapshot!(told(&text), @r#"
    small.toml:55:1: error: it would begin 20000 faults
       |
    55 | [[nemesis]]
       | ^^^^^^^^^^^ expected at most 10000: a lower rate, or an earlier end
    "#);
}

#[test]
fn a_target_that_does_not_exist() {
    let old = "lasts = ";
    insta::assert_snapshot!(told_with(old, "targets = [\"f2\"]\nlasts = "), @r#"
    small.toml:58:12: error: `targets` is `f2`, and there is no such node or site
       |
    58 | targets = ["f2"]
       |            ^^^^ expected a node or site: `eu`, `f1`, `l`, `phone`, `readers-1`, `readers-2` or `us`
       |
       = help: did you mean `f1`?
    "#);
}

#[test]
fn two_nemeses_of_one_name() {
    let second = NEMESIS.replace("faults", "name = \"nemesis-1\"\nfaults");
    insta::assert_snapshot!(told(&format!("{SMALL}{NEMESIS}{second}")), @r#"
    small.toml:61:8: error: `name` is `nemesis-1`, the name of a nemesis before it
       |
    61 | name = "nemesis-1"
       |        ^^^^^^^^^^^ expected another name
    "#);
}

#[test]
fn swarm_that_is_no_truth() {
    let old = "lasts = ";
    insta::assert_snapshot!(told_with(old, "swarm = 1\nlasts = "), @r#"
    small.toml:58:9: error: `swarm` is the integer 1
       |
    58 | swarm = 1
       |         ^ expected `true` or `false`
    "#);
}
