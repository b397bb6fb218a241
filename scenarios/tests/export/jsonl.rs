//! The trace as JSON Lines: it fits its schema, it is read back as it was, and a file with a mistake is refused by its place.

use std::collections::BTreeSet;

use seedbed_scenarios::export::jsonl::{self, Kind, Line};
use seedbed_scenarios::session::Session;
use serde_json::Value;

use crate::{finished, finished_file};

const SCHEMA: &str = include_str!("../../../book/src/trace.schema.json");

fn written(session: &dyn Session) -> String {
    jsonl::lines(session).map(|line| line + "\n").collect()
}

/// A run in which nearly everything happens: crashes, pauses, cuts of both sorts, and loss.
fn eventful() -> Box<dyn Session> {
    let text = seedbed_scenarios::catalog::find("lag/crash-catch-up")
        .expect("in the catalog")
        .text;
    let faults = r#"
[[fault]]
at = "100ms"
until = "150ms"
kind = "pause"
node = "follower-2"
[[fault]]
at = "200ms"
until = "260ms"
kind = "cut"
between = ["leader", "follower-2"]
in_flight = "held"
[[fault]]
at = "300ms"
until = "360ms"
kind = "cut"
between = ["leader", "follower-2"]
in_flight = "lost"
"#;
    finished_file("eventful.toml", &format!("{text}{faults}"), 1)
}

/// All kinds, in the order of the schema.
const KINDS: [Kind; 17] = [
    Kind::Boot,
    Kind::Send,
    Kind::Deliver,
    Kind::Drop,
    Kind::Hold,
    Kind::Damage,
    Kind::Timer,
    Kind::Synced,
    Kind::Invoke,
    Kind::Request,
    Kind::Reply,
    Kind::Note,
    Kind::Crash,
    Kind::Halt,
    Kind::Resume,
    Kind::Fault,
    Kind::Lift,
];

fn kind_name(kind: Kind) -> String {
    let name = serde_json::to_value(kind).expect("a kind is a string");
    name.as_str().expect("a kind is a string").to_owned()
}

/// The schema's definition of a line, which must allow what it requires and nothing else.
fn fields(schema: &Value, definition: &str) -> Vec<String> {
    let definition = &schema["$defs"][definition];
    assert_eq!(definition["additionalProperties"], false);
    let properties = definition["properties"].as_object().expect("properties");
    let required = definition["required"].as_array().expect("a list");
    let mut required: Vec<String> = required
        .iter()
        .map(|name| name.as_str().expect("a name").to_owned())
        .collect();
    required.sort();
    assert_eq!(
        properties.keys().cloned().collect::<BTreeSet<_>>(),
        required.iter().cloned().collect()
    );
    required
}

#[test]
fn the_schema_in_the_book_says_what_the_reader_wants() {
    let schema: Value = serde_json::from_str(SCHEMA).expect("JSON");
    let of_every_line = ["about", "at_ns", "cause", "event", "kind", "node", "text"];
    for kind in KINDS {
        let name = kind_name(kind);
        let mut expected = [&of_every_line[..], kind.fields()].concat();
        expected.sort_unstable();
        assert_eq!(fields(&schema, &name), expected, "{name}");
        let properties = &schema["$defs"][&name]["properties"];
        assert_eq!(properties["kind"]["const"], name.as_str());
        assert_eq!(
            properties["node"]["type"] == "null",
            kind.is_of_the_world(),
            "{name}"
        );
    }
    let listed = schema["oneOf"].as_array().expect("a list");
    let listed: Vec<&str> = listed
        .iter()
        .map(|one| one["$ref"].as_str().expect("a reference"))
        .collect();
    let lines = KINDS.map(|kind| format!("#/$defs/{}", kind_name(kind)));
    assert_eq!(listed[0], "#/$defs/header");
    assert_eq!(listed[1..], lines);
    let header = &schema["$defs"]["header"]["properties"];
    assert_eq!(header["schema"]["const"], jsonl::SCHEMA);
    assert_eq!(header["format"]["const"], jsonl::FORMAT);
    let text = written(finished("ddia/5-3", 1).as_ref());
    let first: Value = serde_json::from_str(text.lines().next().expect("a header")).expect("JSON");
    let written: Vec<&String> = first.as_object().expect("an object").keys().collect();
    assert_eq!(written.len(), fields(&schema, "header").len());
    assert!(
        written
            .iter()
            .all(|name| header.get(name.as_str()).is_some()),
        "{written:?}"
    );
}

#[test]
fn every_kind_of_event_is_written_with_its_own_fields() {
    let mut seen = BTreeSet::new();
    for line in written(eventful().as_ref()).lines().skip(1) {
        let value: Value = serde_json::from_str(line).expect("JSON");
        let kind: Kind = serde_json::from_value(value["kind"].clone()).expect("a kind");
        assert_eq!(
            value.as_object().expect("an object").len(),
            7 + kind.fields().len(),
            "{line}"
        );
        seen.insert(kind);
    }
    // No process of the catalog stops itself, and all of its messages have checksums.
    let unseen: Vec<Kind> = KINDS
        .into_iter()
        .filter(|kind| !seen.contains(kind))
        .collect();
    assert_eq!(unseen, [Kind::Damage, Kind::Halt]);
}

#[test]
fn what_was_written_is_read_back() {
    let session = eventful();
    let text = written(session.as_ref());
    let file = jsonl::read("run.jsonl", &text).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(file.header.events, file.events.len() as u64);
    assert_eq!(file.header.digest, format!("{:016x}", session.digest()));
    let json = |line: &Line| serde_json::to_string(line).expect("JSON") + "\n";
    let header = serde_json::to_string(&file.header).expect("JSON") + "\n";
    let again: String = std::iter::once(header)
        .chain(file.events.iter().map(json))
        .collect();
    assert_eq!(again, text);
    let crash = file
        .events
        .iter()
        .find(|line| line.kind == Kind::Crash)
        .expect("a crash");
    assert_eq!(
        (crash.node.as_deref(), crash.at_ns),
        (Some("follower-1"), 500_000_000)
    );
    let cause = &file.events[crash.cause as usize - 1];
    assert_eq!(
        cause.kind,
        Kind::Fault,
        "what a cause names is the event before it"
    );
}

/// The file with the first `from` of a line replaced, and what the reader says to it.
fn told(line: usize, from: &str, to: &str) -> String {
    let text = written(finished("ddia/5-3", 1).as_ref());
    let old = text.lines().nth(line - 1).expect("a line");
    assert!(old.contains(from), "{old}");
    let edited = text.replacen(old, &old.replacen(from, to, 1), 1);
    jsonl::read("run.jsonl", &edited)
        .expect_err("a mistake")
        .to_string()
}

#[test]
fn mistakes_are_told_with_line_column_and_what_was_expected() {
    let all = [
        told(1, "\"schema\":2", "\"schema\":7"),
        told(1, "seedbed-trace", "seedbed-trance"),
        told(1, "\"seed\":1", "\"seed\":-1"),
        told(3, "\"kind\":\"send\"", "\"kind\":\"sned\""),
        told(3, "\"peer\"", "\"pear\""),
        told(3, "\"event\":2", "\"event\":4"),
        told(3, "\"cause\":1", "\"cause\":2"),
        told(3, "\"peer\":\"follower-1\"", "\"peer\":\"folower-1\""),
        told(3, "\"peer\":\"follower-1\",", ""),
        told(12, "\"at_ns\":10000000", "\"at_ns\":0"),
        told(12, "\"request\":1", "\"request\":1,\"fault\":1"),
        told(3, "\"node\":\"leader\"", "\"node\":null"),
        told(3, "\"at_ns\":0", "\"at_ns\":-1"),
        told(20, "}", ""),
    ];
    insta::assert_snapshot!(all.join("\n"));
    let text = written(finished("ddia/5-3", 1).as_ref());
    let cut = text.lines().take(50).collect::<Vec<_>>().join("\n");
    let error = jsonl::read("run.jsonl", &cut).expect_err("half of the file");
    assert!(
        error.to_string().contains("ends after 49 events"),
        "{error}"
    );
    for nothing in [
        "",
        "\n",
        "[]",
        "null",
        "{}",
        "x",
        "{\"schema\":1,\"scenario\":\"ddia/5-3\"}",
    ] {
        let error = jsonl::read("run.jsonl", nothing).expect_err("no trace");
        assert_eq!(error.line, 1, "{error}");
    }
}
