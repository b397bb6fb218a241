//! The native format.

use super::*;
use crate::history::sketch::{Sketch, write};
use crate::history::{Function, OperationId, Value};

#[test]
fn events_are_read_in_the_order_of_their_lines() {
    let text = r#"{"process": 7, "type": "invoke", "f": "put", "key": "x", "value": 1}

{"process": 3, "type": "invoke", "f": "get", "key": "x", "value": null}
{"process": 7, "type": "ok", "f": "put", "key": "x", "value": 1}
{"process": 3, "type": "ok", "value": [1, "a", null, true]}
{"process": 3, "type": "invoke", "f": "cas", "key": "x", "value": [null, 2]}
{"process": 3, "type": "fail", "f": "cas", "key": "x", "value": [null, 2], "error": "conflict"}
{"process": 7, "type": "invoke", "f": "dequeue", "key": "q"}
{"process": 7, "type": "info", "f": "dequeue", "error": ["timeout", 5]}
{"process": 3, "type": "invoke", "f": "contains", "key": "s", "value": "a"}
{"process": 3, "type": "ok", "f": "contains", "value": false}
{"process": 3, "type": "invoke", "f": "add", "key": "n", "value": -4}"#;
    let read = good(text);
    assert_eq!((read.format, read.has_times), (Format::Native, false));
    assert_eq!(
        told(&read),
        [
            "1: process 7 x ProcessId(0) Write(Int(1)) at 1000000",
            "3: process 3 x ProcessId(1) Read at 3000000",
            "4: process 7 ends ok None at 4000000",
            "5: process 3 ends ok Some(List([Int(1), Text(\"a\"), Null, Bool(true)])) at 5000000",
            "6: process 3 x ProcessId(1) CompareAndSet { expected: None, new: Int(2) } at 6000000",
            "7: process 3 ends fail conflict at 7000000",
            "8: process 7 q ProcessId(0) Dequeue at 8000000",
            "9: process 7 ends info [\"timeout\", 5] at 9000000",
            "10: process 3 s ProcessId(1) Contains(Text(\"a\")) at 10000000",
            "11: process 3 ends ok Some(Bool(false)) at 11000000",
            "12: process 3 n ProcessId(1) Add(-4) at 12000000",
        ]
    );
    assert_eq!(read.history.open_operations(), [OperationId(5)]);
}

#[test]
fn optional_fields_are_read_and_strange_ones_passed_over() {
    let text = r#"{"schema":1,"events":2,"made by":"a test"}
{"process":0,"type":"invoke","f":"read","time":5,"index":10,"session":"phone","user":"alice","zebra":{"a":[1,2.5]}}
{"process":0,"type":"ok","f":"read","value":"\u00e9","time":9,"index":12,"node":"n2","session":"phone","user":"alice"}
"#;
    let read = good(text);
    assert!(read.has_times);
    let operation = read.history.operation(OperationId(0));
    assert_eq!((&*operation.user, &*operation.key), ("alice", ""));
    let completed = operation.completed.as_ref().expect("an end");
    assert_eq!(completed.replica.as_deref(), Some("n2"));
    assert_eq!(
        (operation.invoked_at.as_nanos(), completed.at.as_nanos()),
        (5, 9)
    );
    assert_eq!(operation.returned(), Some(&Value::from("é")));
    assert_eq!(
        completed.by,
        seedbed_sim::EventId(3),
        "events are named by their lines"
    );
}

#[test]
fn processes_of_one_session_go_on_after_an_unknown_outcome() {
    let text = r#"{"process":0,"type":"invoke","f":"write","value":1,"session":5}
{"process":0,"type":"info","f":"write","session":5}
{"process":9,"type":"invoke","f":"read","session":5}
{"process":8,"type":"invoke","f":"read","session":6}
"#;
    let read = good(text);
    let sessions: Vec<u32> = read.history.operations().map(|o| o.session.0).collect();
    assert_eq!(sessions, [0, 0, 1]);
}

#[test]
fn line_ends_of_windows_and_a_byte_order_mark_do_no_harm() {
    let text = "\u{feff}{\"process\":0,\"type\":\"invoke\",\"f\":\"read\"}\r\n\r\n{\"process\":0,\"type\":\"ok\",\"f\":\"read\"}\r\n";
    assert_eq!(good(text).history.len(), 2);
}

#[test]
fn lines_of_a_nemesis_are_kept_beside_the_history() {
    let text = r#"{"process":"nemesis","type":"info","f":"start-partition","value":"n1"}
{"process":0,"type":"invoke","f":"read"}
{"process":"nemesis","type":"info","f":"stop-partition","value":null}"#;
    let read = good(text);
    assert_eq!(read.history.len(), 1);
    let marks: Vec<(usize, u32, &str)> = read
        .faults
        .iter()
        .map(|mark| (mark.line, mark.before.0, &*mark.what))
        .collect();
    assert_eq!(
        marks,
        [(1, 0, "start-partition n1"), (3, 1, "stop-partition")]
    );
}

#[test]
fn what_a_history_writes_is_read_again() {
    let mut sketch = Sketch::new();
    let open = sketch.invoke("y", 5, 2, Function::Append(Value::from("b")));
    sketch.does(0, write("1"));
    let read = sketch.begin(1, Function::Read);
    sketch.got(read, Some("1"));
    let refused = sketch.begin(1, Function::Delete);
    sketch.fail(refused);
    let other = sketch.begin(
        3,
        Function::CompareAndSet {
            expected: None,
            new: Value::Int(3),
        },
    );
    sketch.info(other);
    let original = sketch.history;
    let text: String = original.json_lines().map(|line| line + "\n").collect();
    let again = good(&text).history;
    assert_eq!(again.open_operations().len(), 1);
    assert_eq!(
        again.operation(open).function,
        original.operation(open).function
    );
    let lines: Vec<String> = again.json_lines().collect();
    // Processes and sessions are numbered by their first use.
    let unnumbered = |line: &str| {
        let mut event: serde_json::Value = serde_json::from_str(line).expect("JSON");
        event["process"] = 0.into();
        event["session"] = 0.into();
        event.to_string()
    };
    let original: Vec<String> = original
        .json_lines()
        .map(|line| unnumbered(&line))
        .collect();
    assert_eq!(
        lines
            .iter()
            .map(|line| unnumbered(line))
            .collect::<Vec<_>>(),
        original
    );
}

#[test]
fn add_means_a_number_or_an_element() {
    let text = r#"{"process":0,"type":"invoke","f":"add","value":1}
{"process":0,"type":"ok","f":"add","value":1}"#;
    let amount = good(text);
    let hints = Hints {
        add: Add::Element,
        ..Hints::default()
    };
    let element = imported("h", hints, text).expect("good");
    let function = |read: &Imported| read.history.operation(OperationId(0)).function.clone();
    assert_eq!(function(&amount), Function::Add(1));
    assert_eq!(function(&element), Function::Insert(Value::Int(1)));
}
