//! Mistakes of shape, a test for each kind: fields, types, numbers, syntax.

use super::{small_with, told};

#[test]
fn an_unknown_field() {
    let text = small_with("title =", "titel =");
    insta::assert_snapshot!(told(&text), @r#"
    small.toml:2:1: error: the scenario has no field `titel`
      |
    2 | titel = "Small"
      | ^^^^^ expected `schema`, `title`, `chapter`, `teaches`, `try`, `duration`, `settle`, `network`, `cluster`, `node`, `client`, `load`, `link`, `step`, `fault`, `nemesis`, `message` or `expect`
      |
      = help: did you mean `title`?
    "#);
}

#[test]
fn an_unknown_field_of_an_optional_kind() {
    let text = small_with("rate_per_second = 100", "rate_per_second = 100\nratio = 3");
    insta::assert_snapshot!(told(&text), @"
    small.toml:43:1: error: a load has no field `ratio`
       |
    43 | ratio = 3
       | ^^^^^ expected `kind`, `name`, `site`, `routing`, `clients`, `start`, `end`, `reads_percent`, `deletes_percent`, `keys`, `value_bytes`, `operations`, `rate_per_second` or `arrivals`
    ");
}

#[test]
fn a_misspelt_optional_field() {
    let text = small_with("until =", "untill =");
    insta::assert_snapshot!(told(&text), @r#"
    small.toml:47:1: error: a fault has no field `untill`
       |
    47 | untill = "600ms"
       | ^^^^^^ expected `at`, `until`, `kind` or `node`
       |
       = help: did you mean `until`?
    "#);
}

#[test]
fn a_missing_field() {
    let text = small_with("name = \"f1\"\n", "");
    insta::assert_snapshot!(told(&text), @"
    small.toml:15:1: error: a node lacks the field `name`
       |
    15 | [[node]]
       | ^^^^^^^^ expected `name`, a name that nothing else has
    ");
}

#[test]
fn a_missing_field_of_the_file() {
    let text = small_with("duration = \"2s\"\n", "");
    insta::assert_snapshot!(told(&text), @r#"
    small.toml:1:1: error: the scenario lacks the field `duration`
      |
    1 | schema = 1
      | ^ expected `duration`, how long it runs, such as "2s"
    "#);
}

#[test]
fn a_number_for_a_duration() {
    let text = small_with("\"2s\"", "5");
    insta::assert_snapshot!(told(&text), @r#"
    small.toml:3:12: error: `duration` is the integer 5
      |
    3 | duration = 5
      |            ^ expected a duration such as "5ms", with one of the units ns, us, ms, s, m
    "#);
}

#[test]
fn a_duration_without_a_unit() {
    let text = small_with("\"2s\"", "\"2\"");
    insta::assert_snapshot!(told(&text), @r#"
    small.toml:3:12: error: `duration` is `2`, which has no unit
      |
    3 | duration = "2"
      |            ^^^ expected a duration such as "5ms", with one of the units ns, us, ms, s, m, at most 30 days
      |
      = help: did you mean `2ms`?
    "#);
}

#[test]
fn a_duration_in_another_unit() {
    let text = small_with("\"2s\"", "\"2 min\"");
    insta::assert_snapshot!(told(&text), @r#"
    small.toml:3:12: error: `duration` is `2 min`, which is no number with a unit
      |
    3 | duration = "2 min"
      |            ^^^^^^^ expected a duration such as "5ms", with one of the units ns, us, ms, s, m, at most 30 days
      |
      = help: did you mean `2m`?
    "#);
}

#[test]
fn a_negative_delay() {
    let text = small_with("delay = \"5ms\"", "delay = \"-5ms\"");
    insta::assert_snapshot!(told(&text), @r#"
    small.toml:20:9: error: `delay` is negative
       |
    20 | delay = "-5ms"
       |         ^^^^^^ expected a duration of zero or more, such as "5ms"
    "#);
}

#[test]
fn a_duration_of_nothing() {
    let text = small_with("\"2s\"", "\"0s\"");
    insta::assert_snapshot!(told(&text), @r#"
    small.toml:3:12: error: `duration` is zero
      |
    3 | duration = "0s"
      |            ^^^^ expected a duration above zero, such as "5ms"
    "#);
}

#[test]
fn a_duration_above_the_longest() {
    let text = small_with("\"2s\"", "\"99999999m\"");
    insta::assert_snapshot!(told(&text), @r#"
    small.toml:3:12: error: `duration` is `99999999m`, which is longer than 30 days
      |
    3 | duration = "99999999m"
      |            ^^^^^^^^^^^ expected a duration such as "5ms", with one of the units ns, us, ms, s, m, at most 30 days
    "#);
}

#[test]
fn a_delay_above_the_longest() {
    let text = small_with("delay = \"5ms\"", "delay = \"61m\"");
    insta::assert_snapshot!(told(&text), @r#"
    small.toml:20:9: error: `delay` is no distribution: the span is 3660 s, expected at most 3600 s
       |
    20 | delay = "61m"
       |         ^^^^^
    "#);
}

#[test]
fn a_text_for_a_table() {
    let text = small_with("leader = \"l\"", "disk = \"fast\"");
    insta::assert_snapshot!(told(&text), @r#"
    small.toml:8:8: error: `disk` is the text `fast`
      |
    8 | disk = "fast"
      |        ^^^^^^ expected a table
    "#);
}

#[test]
fn one_table_for_many() {
    let text = small_with("[[expect]]", "[expect]");
    insta::assert_snapshot!(told(&text), @"
    small.toml:51:1: error: `expect` is one table, and there may be many
       |
    51 | [expect]
       | ^^^^^^^^ expected `[[expect]]`, with two brackets
    ");
}

#[test]
fn a_number_for_a_text() {
    let text = small_with("\"Small\"", "17");
    insta::assert_snapshot!(told(&text), @"
    small.toml:2:9: error: `title` is the integer 17
      |
    2 | title = 17
      |         ^^ expected a text in quotes
    ");
}

#[test]
fn an_empty_title() {
    let text = small_with("\"Small\"", "\" \"");
    insta::assert_snapshot!(told(&text), @r#"
    small.toml:2:9: error: `title` is empty
      |
    2 | title = " "
      |         ^^^ expected some text
    "#);
}

#[test]
fn a_text_for_a_number() {
    let text = small_with("clients = 2", "clients = \"two\"");
    insta::assert_snapshot!(told(&text), @r#"
    small.toml:41:11: error: `clients` is the text `two`
       |
    41 | clients = "two"
       |           ^^^^^ expected a whole number from 1 to 1000
    "#);
}

#[test]
fn a_number_out_of_range() {
    let text = small_with("clients = 2", "clients = 0");
    insta::assert_snapshot!(told(&text), @"
    small.toml:41:11: error: `clients` is 0
       |
    41 | clients = 0
       |           ^ expected a whole number from 1 to 1000
    ");
}

#[test]
fn a_huge_number() {
    let text = small_with(
        "clients = 2",
        "clients = 99999999999999999999999999999999999999999999",
    );
    insta::assert_snapshot!(told(&text), @"
    small.toml:41:11: error: `clients` is 999999999999999999999999…
       |
    41 | clients = 99999999999999999999999999999999999999999999
       |           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ expected a whole number from 1 to 1000
    ");
}

#[test]
fn loss_above_a_million() {
    let text = small_with(
        "delay = \"5ms\"",
        "delay = \"5ms\"\nloss_per_million = 1_000_001",
    );
    insta::assert_snapshot!(told(&text), @"
    small.toml:21:20: error: `loss_per_million` is 1000001
       |
    21 | loss_per_million = 1_000_001
       |                    ^^^^^^^^^ expected a whole number from 0 to 1000000
    ");
}

#[test]
fn a_file_from_the_future() {
    let text = small_with("schema = 1", "schema = 2\nquorum = 3");
    insta::assert_snapshot!(told(&text), @"
    small.toml:1:10: error: `schema` is 2, and this program reads 1
      |
    1 | schema = 2
      |          ^ expected 1
      |
      = help: the file is for a later version of the program
    ");
}

#[test]
fn a_file_without_a_version() {
    let text = small_with("schema = 1\n", "");
    insta::assert_snapshot!(told(&text), @r#"
    small.toml:1:1: error: the scenario lacks the field `schema`
      |
    1 | title = "Small"
      | ^ expected `schema`, the version of the format: `schema = 1`
    "#);
}

#[test]
fn a_syntax_error() {
    let text = small_with("protocol = \"single-leader\"", "protocol = single-leader");
    insta::assert_snapshot!(told(&text), @"
    small.toml:6:12: error: string values must be quoted, expected literal string
      |
    6 | protocol = single-leader
      |            ^^^^^^^^^^^^^
    ");
}

#[test]
fn a_table_that_does_not_close() {
    let text = small_with("[network]", "[network");
    insta::assert_snapshot!(told(&text), @"
    small.toml:19:9: error: unclosed table, expected `]`
       |
    19 | [network
       |         ^
    ");
}

#[test]
fn a_key_given_twice() {
    let text = small_with("duration = \"2s\"", "duration = \"2s\"\nduration = \"3s\"");
    insta::assert_snapshot!(told(&text), @r#"
    small.toml:4:1: error: this is given twice
      |
    4 | duration = "3s"
      | ^^^^^^^^ expected each key once
    "#);
}

#[test]
fn an_empty_file() {
    let text = String::new();
    insta::assert_snapshot!(told(&text), @r#"
    small.toml:1:1: error: the scenario lacks the field `schema`
      = expected `schema`, the version of the format: `schema = 1`

    small.toml:1:1: error: the scenario lacks the field `title`
      = expected `title`, one line of text

    small.toml:1:1: error: the scenario lacks the field `duration`
      = expected `duration`, how long it runs, such as "2s"

    small.toml:1:1: error: the scenario lacks the field `cluster`
      = expected `cluster`, a table: the protocol and its settings
    "#);
}

#[test]
fn binary_junk() {
    let text = "\u{0}\u{1}PNG\u{fffd}\r\n\u{1b}[31m".to_owned();
    insta::assert_snapshot!(told(&text), @"
    small.toml:1:7: error: key with no value, expected `=`
      |
    1 | ␀␁PNG�
      |       ^
    ");
}

#[test]
fn arrays_nested_too_deep() {
    let text = small_with("delay = \"5ms\"", &format!("delay = {}", "[".repeat(300)));
    insta::assert_snapshot!(told(&text), @r#"
    small.toml:20:89: error: cannot recurse further; max recursion depth met
       |
    20 | delay = [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[...
       |                                                                                         ^
    "#);
}
