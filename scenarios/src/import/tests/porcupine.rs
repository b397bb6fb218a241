//! Porcupine's operations.

use super::*;

#[test]
fn operations_are_ordered_by_their_times() {
    let text = r#"[
  {"client": 0, "input": {"op": "put", "key": "x", "value": "1"}, "output": {"value": ""}, "call": 100, "return": 300},
  {"client": 1, "input": {"op": "get", "key": "x"}, "output": {"value": "1"}, "call": 150, "return": 200},
  {"ClientId": 2, "Input": {"op": "Append", "key": "x", "value": "2"}, "Call": 400}
]"#;
    let read = good(text);
    assert_eq!((read.format, read.has_times), (Format::Porcupine, true));
    assert_eq!(
        told(&read),
        [
            "2: process 0 x ProcessId(0) Write(Text(\"1\")) at 0",
            "3: process 1 x ProcessId(1) Read at 50",
            "3: process 1 ends ok Some(Text(\"1\")) at 100",
            "2: process 0 ends ok None at 200",
            "4: process 2 x ProcessId(2) Append(Text(\"2\")) at 300",
        ]
    );
}

#[test]
fn inputs_and_outputs_have_a_few_shapes() {
    let text = r#"{"client":0,"input":"read","output":null,"call":-5,"return":0}
{"client":0,"input":{"f":"cas","expected":null,"new":2},"output":true,"call":1,"return":2}
{"client":0,"input":{"f":"cas","value":[2,3]},"output":{"ok":false},"call":3,"return":4}
{"client":0,"input":{"op":"read"},"output":{"exists":false,"value":0},"call":5,"return":6}
{"client":0,"input":{"op":"read"},"output":7,"call":7,"return":8}
{"client":0,"input":{"op":"cas","value":[7,8]},"output":{"ok":false,"unknown":true},"call":9,"return":10}
"#;
    let ends: Vec<String> = told(&good(text))
        .into_iter()
        .filter(|line| line.contains("ends"))
        .collect();
    assert_eq!(
        ends,
        [
            "1: process 0 ends ok None at 5",
            "2: process 0 ends ok None at 7",
            "3: process 0 ends fail it failed at 9",
            "4: process 0 ends ok None at 11",
            "5: process 0 ends ok Some(Int(7)) at 13",
            "6: process 0 ends info nobody knows at 15",
        ]
    );
}

#[test]
fn at_one_instant_calls_come_before_returns_but_a_clients_own_call_comes_after() {
    let operation = |client: u32, call: u32, returns: u32| {
        format!(
            "{{\"client\":{client},\"input\":\"read\",\"output\":null,\"call\":{call},\"return\":{returns}}}\n"
        )
    };
    // Client 0 returns and calls again at 5, and takes no time at all then; client 1 only calls at 5.
    let text = operation(0, 1, 5) + &operation(0, 5, 5) + &operation(0, 5, 9) + &operation(1, 5, 6);
    let order: Vec<String> = told(&good(&text))
        .iter()
        .map(|event| {
            let (line, rest) = event.split_once(':').expect("a line");
            let mark = if rest.contains("ends") { ")" } else { "(" };
            format!("{line}{mark}")
        })
        .collect();
    assert_eq!(order.join(" "), "1( 4( 1) 2( 2) 3( 4) 3)");
}
