//! Mistakes in what becomes of single messages.

use super::{SMALL, read, told};

/// The small file with a message, one line of which is replaced.
fn with(old: &str, new: &str) -> String {
    let message = "\n[[message]]\nfrom = \"l\"\nto = \"f1\"\nkind = \"append\"\nnumber = 3\nfate = \"delay\"\nby = \"2s\"\n";
    assert_eq!(message.matches(old).count(), 1, "{old:?}");
    let text = format!("{SMALL}{message}");
    read(&text);
    format!("{SMALL}{}", message.replace(old, new))
}

#[test]
fn a_kind_that_the_protocol_does_not_have() {
    insta::assert_snapshot!(told(&with("\"append\"", "\"apend\"")), @r#"
    small.toml:58:8: error: `kind` is `apend`, which is unknown
       |
    58 | kind = "apend"
       |        ^^^^^^^ expected `put`, `delete`, `get`, `write-ok`, `get-ok`, `refused`, `append`, `heartbeat`, `append-ok` or `want`
       |
       = help: did you mean `append`?
    "#);
}

#[test]
fn a_link_from_a_node_to_itself() {
    insta::assert_snapshot!(told(&with("\"f1\"", "\"l\"")), @r#"
    small.toml:57:6: error: `to` is the same node as `from`
       |
    57 | to = "l"
       |      ^^^ expected another node
    "#);
}

#[test]
fn a_message_number_0() {
    insta::assert_snapshot!(told(&with("= 3", "= 0")), @r#"
    small.toml:59:10: error: `number` is 0
       |
    59 | number = 0
       |          ^ expected a whole number from 1 to 4294967295
    "#);
}

#[test]
fn a_delay_that_does_not_say_how_long() {
    insta::assert_snapshot!(told(&with("by = \"2s\"\n", "")), @r#"
    small.toml:55:1: error: the message lacks the field `by`
       |
    55 | [[message]]
       | ^^^^^^^^^^^ expected `by`, a duration such as "5ms"
    "#);
}

#[test]
fn a_field_that_goes_with_another_fate() {
    insta::assert_snapshot!(told(&with("\"delay\"", "\"lose\"")), @r#"
    small.toml:61:1: error: `by` has no place here: it goes with `delay` and `duplicate`
       |
    61 | by = "2s"
       | ^^
    "#);
}

#[test]
fn a_message_whose_fate_is_said_twice() {
    let twice = with(
        "by = \"2s\"\n",
        "by = \"2s\"\n[[message]]\nfrom = \"l\"\nto = \"f1\"\nkind = \"append\"\nnumber = 3\nfate = \"lose\"\n",
    );
    insta::assert_snapshot!(told(&twice), @r#"
    small.toml:62:1: error: what becomes of this message is said already
       |
    62 | [[message]]
       | ^^^^^^^^^^^ expected each message once
    "#);
}

#[test]
fn a_message_that_says_nothing() {
    insta::assert_snapshot!(told(&format!("{SMALL}\n[[message]]\nfat = \"lose\"\n")), @r#"
    small.toml:55:1: error: a message lacks the field `from`
       |
    55 | [[message]]
       | ^^^^^^^^^^^ expected `from`, the node that sends it

    small.toml:55:1: error: a message lacks the field `to`
       |
    55 | [[message]]
       | ^^^^^^^^^^^ expected `to`, the node that is to get it

    small.toml:55:1: error: a message lacks the field `kind`
       |
    55 | [[message]]
       | ^^^^^^^^^^^ expected `kind`, the kind of message, by name

    small.toml:56:1: error: a message has no field `fat`
       |
    56 | fat = "lose"
       | ^^^ expected `from`, `to`, `kind`, `number`, `after`, `by`, `until` or `fate`
       |
       = help: did you mean `fate`?
    "#);
}
