//! Mistakes of name, a test for each kind: what does not exist, is something else, or exists twice.

use super::{small_with, told};

#[test]
fn an_unknown_protocol() {
    let text = small_with("\"single-leader\"", "\"single_leadr\"");
    insta::assert_snapshot!(told(&text), @r#"
    small.toml:6:12: error: `protocol` is `single_leadr`, which is unknown
      |
    6 | protocol = "single_leadr"
      |            ^^^^^^^^^^^^^^ expected `single-leader`
      |
      = help: did you mean `single-leader`?
    "#);
}

#[test]
fn an_unknown_engine() {
    let text = small_with("leader = \"l\"", "engine = \"lgo\"");
    insta::assert_snapshot!(told(&text), @r#"
    small.toml:8:10: error: `engine` is `lgo`, which is unknown
      |
    8 | engine = "lgo"
      |          ^^^^^ expected `memory`, `log`, `hash`, `lsm`, `btree` or `cow`
      |
      = help: did you mean `log`?
    "#);
}

#[test]
fn an_unknown_node() {
    let text = small_with("node = \"f1\"", "node = \"f2\"");
    insta::assert_snapshot!(told(&text), @r#"
    small.toml:49:8: error: `node` is `f2`, and there is no such node
       |
    49 | node = "f2"
       |        ^^^^ expected a node: `f1`, `l`, `phone`, `readers-1` or `readers-2`
       |
       = help: did you mean `f1`?
    "#);
}

#[test]
fn an_unknown_site() {
    let text = small_with("site = \"us\"", "site = \"usa\"");
    insta::assert_snapshot!(told(&text), @r#"
    small.toml:17:8: error: `site` is `usa`, and there is no such site
       |
    17 | site = "usa"
       |        ^^^^^ expected a site: `eu` or `us`
       |
       = help: did you mean `us`?
    "#);
}

#[test]
fn an_unknown_client() {
    let text = small_with("client = \"phone\"", "client = \"fone\"");
    insta::assert_snapshot!(told(&text), @r#"
    small.toml:33:10: error: `client` is `fone`, and there is no such scripted client
       |
    33 | client = "fone"
       |          ^^^^^^ expected a scripted client: `phone`
       |
       = help: did you mean `phone`?
    "#);
}

#[test]
fn an_unknown_check() {
    let text = small_with("\"durability\"", "\"durabilty\"");
    insta::assert_snapshot!(told(&text), @r#"
    small.toml:52:9: error: `check` is `durabilty`, which is unknown
       |
    52 | check = "durabilty"
       |         ^^^^^^^^^^^ expected the name of a check
       |
       = help: did you mean `durability`?
    "#);
}

#[test]
fn an_unknown_distribution() {
    let text = small_with("\"normal\"", "\"lognormal\"");
    insta::assert_snapshot!(told(&text), @r#"
    small.toml:24:26: error: `distribution` is `lognormal`, which is unknown
       |
    24 | delay = { distribution = "lognormal", mean = "40ms", deviation = "2ms" }
       |                          ^^^^^^^^^^^ expected `fixed`, `uniform`, `normal`, `log-normal`, `exponential`, `pareto`, `mixture` or `table`
       |
       = help: did you mean `log-normal`?
    "#);
}

#[test]
fn an_unknown_fault() {
    let text = small_with("kind = \"crash\"", "kind = \"crush\"");
    // All of them are listed, in an order that tells what they strike; their number grows.
    let told = told(&text);
    assert!(told.starts_with("small.toml:48:8: error: `kind` is `crush`, which is unknown\n"));
    assert!(told.contains("expected `crash`, `crash-at-disk-operation`, "));
    assert!(told.contains("= help: did you mean `crash`?"), "{told}");
}

#[test]
fn a_client_for_a_replica() {
    let text = small_with("leader = \"l\"", "leader = \"phone\"");
    insta::assert_snapshot!(told(&text), @r#"
    small.toml:8:10: error: `leader` is `phone`, and there is no such replica
      |
    8 | leader = "phone"
      |          ^^^^^^^ expected a replica: `f1` or `l`
    "#);
}

#[test]
fn a_load_s_client_in_a_script() {
    let text = small_with("client = \"phone\"", "client = \"readers-1\"");
    insta::assert_snapshot!(told(&text), @r#"
    small.toml:33:10: error: `client` is `readers-1`, which is a client of a load
       |
    33 | client = "readers-1"
       |          ^^^^^^^^^^^ expected a scripted client: `phone`
    "#);
}

#[test]
fn a_site_for_a_node() {
    let text = small_with("node = \"f1\"", "node = \"us\"");
    insta::assert_snapshot!(told(&text), @r#"
    small.toml:49:8: error: `node` is `us`, which is a site
       |
    49 | node = "us"
       |        ^^^^ expected a node: `f1`, `l`, `phone`, `readers-1` or `readers-2`
    "#);
}

#[test]
fn two_leaders() {
    let text = small_with("leader = \"l\"", "leader = [\"l\", \"f1\"]");
    insta::assert_snapshot!(told(&text), @r#"
    small.toml:8:10: error: `leader` is an array
      |
    8 | leader = ["l", "f1"]
      |          ^^^^^^^^^^^ expected one replica: single-leader replication has one leader
    "#);
}

#[test]
fn a_name_given_twice() {
    let text = small_with("name = \"f1\"", "name = \"l\"");
    insta::assert_snapshot!(told(&text), @r#"
    small.toml:16:8: error: `name` is `l`, which is already the name of a replica
       |
    16 | name = "l"
       |        ^^^ expected a name that nothing else has
    "#);
}

#[test]
fn a_name_that_is_none() {
    let text = small_with("name = \"f1\"", "name = \"f 1\"");
    insta::assert_snapshot!(told(&text), @r#"
    small.toml:16:8: error: `name` is `f 1`
       |
    16 | name = "f 1"
       |        ^^^^^ expected a name of letters, digits, `-`, `_` and `.`
    "#);
}

#[test]
fn a_load_that_takes_a_name() {
    let text = small_with("name = \"phone\"", "name = \"readers-2\"");
    insta::assert_snapshot!(told(&text), @r#"
    small.toml:39:8: error: `name` would call one of its clients `readers-2`, which is the name of something else
       |
    39 | name = "readers"
       |        ^^^^^^^^^ expected another name
    "#);
}

#[test]
fn a_cluster_without_replicas() {
    let text =
        "schema = 1\ntitle = \"x\"\nduration = \"1s\"\n[cluster]\nprotocol = \"single-leader\"\n"
            .to_owned();
    insta::assert_snapshot!(told(&text), @"
    small.toml:4:1: error: the cluster has no replicas
      |
    4 | [cluster]
      | ^^^^^^^^^ expected `replicas = 3`, or a [[node]] for each replica
    ");
}

#[test]
fn no_cluster() {
    let text = "schema = 1\ntitle = \"x\"\nduration = \"1s\"\n".to_owned();
    insta::assert_snapshot!(told(&text), @"
    small.toml:1:1: error: the scenario lacks the field `cluster`
      |
    1 | schema = 1
      | ^ expected `cluster`, a table: the protocol and its settings
    ");
}

#[test]
fn replicas_said_twice() {
    let text = small_with("leader = \"l\"", "replicas = 3");
    insta::assert_snapshot!(told(&text), @"
    small.toml:8:1: error: `replicas` has no place here: the file has a [[node]] for each replica
      |
    8 | replicas = 3
      | ^^^^^^^^
    ");
}

#[test]
fn followers_where_there_are_none() {
    let text = small_with("[[node]]\nname = \"f1\"\nsite = \"us\"\n", "");
    insta::assert_snapshot!(told(&text), @r#"
    small.toml:9:11: error: `routing` sends reads to followers, and there are none
      |
    9 | routing = "any-follower"
      |           ^^^^^^^^^^^^^^ expected `leader`, or a second replica

    small.toml:20:18: error: `between` is `us`, a site without nodes
       |
    20 | between = ["eu", "us"]
       |                  ^^^^ expected a site where some node stands, or a node

    small.toml:46:8: error: `node` is `f1`, and there is no such node
       |
    46 | node = "f1"
       |        ^^^^ expected a node: `l`, `phone`, `readers-1` or `readers-2`
    "#);
}

#[test]
fn a_site_without_nodes() {
    let text = small_with("site = \"us\"\n", "");
    insta::assert_snapshot!(told(&text), @r#"
    small.toml:22:18: error: `between` is `us`, a site without nodes
       |
    22 | between = ["eu", "us"]
       |                  ^^^^ expected a site where some node stands, or a node
    "#);
}
