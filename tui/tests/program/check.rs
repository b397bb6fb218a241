//! `seedbed check` from outside: verdicts, exit statuses, and what it says of bad files.

use std::fs;
use std::io::Write;
use std::process::Stdio;

use serde_json::Value;

use crate::bench::{Bench, text};

/// Process 0 writes 1, then 2; then process 1 reads what is asked for.
fn register(read: &str) -> String {
    format!(
        r#"{{"process":0,"type":"invoke","f":"write","key":"x","value":1}}
{{"process":0,"type":"ok","f":"write","key":"x","value":1}}
{{"process":0,"type":"invoke","f":"write","key":"x","value":2}}
{{"process":0,"type":"ok","f":"write","key":"x","value":2}}
{{"process":1,"type":"invoke","f":"read","key":"x","value":null}}
{{"process":1,"type":"ok","f":"read","key":"x","value":{read}}}
"#
    )
}

const EDN: &str = "{:process 0, :type :invoke, :f :cas, :value [0 1], :time 1}
{:process :nemesis, :type :info, :f :start, :value nil, :time 2}
{:process 0, :type :ok, :f :cas, :value [0 1], :time 3}
{:process 1, :type :invoke, :f :read, :value nil, :time 4}
{:process 1, :type :ok, :f :read, :value 0, :time 5}
";

const OPERATIONS: &str = r#"[{"client":0,"input":{"op":"append","key":"x","value":"a"},"output":null,"call":1,"return":2},
{"client":1,"input":{"op":"get","key":"x"},"output":"b","call":3,"return":4}]
"#;

#[test]
fn a_history_that_keeps_its_guarantee_ends_with_0() {
    let bench = Bench::of(&["check"]);
    bench.put("good.jsonl", &register("2"));
    let (answer, status) = bench.answer(&["good.jsonl"]);
    assert_eq!(status, 0);
    assert_eq!(
        (&answer["schema"], &answer["verdict"]),
        (&1.into(), &"holds".into())
    );
    assert_eq!(answer["guarantee"], "linearizable");
    assert!(
        answer["states"].is_u64() && answer["culprit"].is_null(),
        "{answer}"
    );
    assert_eq!(answer["witness"], Value::Array(Vec::new()));
}

#[test]
fn a_violation_ends_with_1_and_names_the_lines_that_prove_it() {
    let bench = Bench::of(&["check"]);
    bench.put("bad.jsonl", &register("1"));
    let (answer, status) = bench.answer(&["bad.jsonl"]);
    assert_eq!(status, 1);
    assert_eq!(answer["verdict"], "violated");
    assert_eq!(answer["culprit"], 6, "{answer}");
    assert!(
        answer["witness"]
            .as_array()
            .is_some_and(|lines| lines.contains(&5.into())),
        "{answer}"
    );
    let told = bench.seedbed(&["bad.jsonl"]);
    assert_eq!(told.status.code(), Some(1));
    let told = text(&told.stdout);
    assert!(
        told.contains("linearizable: falls at line 6") && told.contains("process 1 reads x"),
        "{told}"
    );
}

#[test]
fn the_same_file_gives_the_same_bytes_and_times_go_to_standard_error() {
    let bench = Bench::of(&["check"]);
    bench.put("bad.jsonl", &register("1"));
    for format in ["text", "json"] {
        for guarantee in ["linearizable", "ladder"] {
            let arguments = ["bad.jsonl", "--guarantee", guarantee, "--format", format];
            let (one, other) = (bench.seedbed(&arguments), bench.seedbed(&arguments));
            assert_eq!(one.stdout, other.stdout, "{arguments:?}");
            assert!(
                text(&one.stderr).contains("judged them in"),
                "{}",
                text(&one.stderr)
            );
        }
    }
}

#[test]
fn too_small_a_budget_ends_with_3() {
    let bench = Bench::of(&["check"]);
    // Each write of the same value, so that no quick way is open, beside the others; then a read that needs them all.
    let mut history = String::new();
    for process in 0..12 {
        history += &format!(
            "{{\"process\":{process},\"type\":\"invoke\",\"f\":\"append\",\"key\":\"x\",\"value\":\"a\"}}\n"
        );
    }
    for process in 0..12 {
        history +=
            &format!("{{\"process\":{process},\"type\":\"ok\",\"f\":\"append\",\"key\":\"x\"}}\n");
    }
    history += "{\"process\":0,\"type\":\"invoke\",\"f\":\"read\",\"key\":\"x\"}\n";
    history +=
        "{\"process\":0,\"type\":\"ok\",\"f\":\"read\",\"key\":\"x\",\"value\":\"aaaaaaaaaaaa\"}\n";
    bench.put("wide.jsonl", &history);
    let (answer, status) = bench.answer(&["wide.jsonl", "--budget-states", "2"]);
    assert_eq!(
        (status, &answer["verdict"]),
        (3, &"undecided".into()),
        "{answer}"
    );
    assert!(
        answer["reason"]
            .as_str()
            .is_some_and(|reason| !reason.is_empty()),
        "{answer}"
    );
    let (answer, status) = bench.answer(&["wide.jsonl"]);
    assert_eq!(
        (status, &answer["verdict"]),
        (0, &"holds".into()),
        "{answer}"
    );
}

#[test]
fn every_format_is_found_out_and_can_be_named() {
    let bench = Bench::of(&["check"]);
    bench.put("h.jsonl", &register("2"));
    bench.put("h.edn", EDN);
    bench.put("h.json", OPERATIONS);
    for (file, format, options, expected) in [
        ("h.jsonl", "native", &[][..], 0),
        ("h.edn", "jepsen", &["--initial", "0"][..], 1),
        ("h.json", "porcupine", &["--initial", "\"\""][..], 1),
    ] {
        let found = [&[file], options].concat();
        assert_eq!(bench.answer(&found).1, expected, "{file}");
        let named = [&found[..], &["--input-format", format]].concat();
        assert_eq!(bench.answer(&named), bench.answer(&found), "{file}");
    }
    let told = bench.refuses(&["h.jsonl", "--input-format", "jepsen"]);
    assert!(told.contains("h.jsonl:1:"), "{told}");
}

#[test]
fn standard_input_is_read_where_a_dash_stands() {
    let bench = Bench::of(&["check"]);
    let mut child = bench
        .command(&["-", "--format", "json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin
        .write_all(register("1").as_bytes())
        .expect("it listens");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(1));
    let answer: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(answer["culprit"], 6);
}

#[test]
fn the_initial_value_and_what_null_says_decide() {
    let bench = Bench::of(&["check"]);
    let read = |value: &str| {
        format!(
            "{{\"process\":0,\"type\":\"invoke\",\"f\":\"read\"}}\n{{\"process\":0,\"type\":\"ok\",\"f\":\"read\",\"value\":{value}}}\n"
        )
    };
    bench.put("null.jsonl", &read("null"));
    bench.put("seven.jsonl", &read("7"));
    for (arguments, expected) in [
        (&["null.jsonl"][..], 0),
        (&["null.jsonl", "--initial", "7"], 1),
        (&["null.jsonl", "--initial", "7", "--null-read", "any"], 0),
        (&["seven.jsonl"], 1),
        (&["seven.jsonl", "--initial", "7"], 0),
        (&["seven.jsonl", "--initial", "\"7\""], 1),
        (&["seven.jsonl", "--initial", "-7"], 1),
    ] {
        assert_eq!(bench.answer(arguments).1, expected, "{arguments:?}");
    }
    for wrong in ["seven", "1.5", "{}", ""] {
        let told = bench.refuses(&["seven.jsonl", "--initial", wrong]);
        assert!(told.contains("--initial"), "{told}");
    }
}

#[test]
fn session_order_forgets_real_time() {
    let bench = Bench::of(&["check"]);
    bench.put("stale.jsonl", &register("1"));
    let (answer, status) = bench.answer(&["stale.jsonl", "--order", "session"]);
    assert_eq!(
        (status, &answer["guarantee"]),
        (0, &"sequential".into()),
        "{answer}"
    );
    assert_eq!(bench.answer(&["stale.jsonl"]).1, 1);
}

#[test]
fn the_ladder_tells_of_each_guarantee_and_of_the_lattice() {
    let bench = Bench::of(&["check"]);
    bench.put("bad.jsonl", &register("1"));
    let (answer, status) = bench.answer(&["bad.jsonl", "--guarantee", "ladder"]);
    assert_eq!(
        (status, &answer["guarantee"], &answer["verdict"]),
        (1, &"ladder".into(), &"violated".into())
    );
    let rungs = answer["ladder"].as_array().expect("rungs");
    let rung = |name: &str| {
        rungs
            .iter()
            .find(|rung| rung["guarantee"] == name)
            .unwrap_or_else(|| panic!("{name}"))
    };
    assert_eq!(rung("linearizable")["verdict"], "violated");
    assert_eq!(rung("linearizable")["culprit"], 6);
    assert_eq!(rung("sequential")["verdict"], "holds");
    let told = bench.seedbed(&["bad.jsonl", "--guarantee", "ladder"]);
    let told = text(&told.stdout);
    for rung in rungs {
        let name = rung["guarantee"].as_str().expect("a name");
        let line = told
            .lines()
            .find(|line| line.split_whitespace().next() == Some(name));
        let word = match rung["verdict"].as_str() {
            Some("holds") => "holds",
            Some("violated") => "falls at line",
            _ => "undecided",
        };
        assert!(
            line.is_some_and(|line| line.contains(word)),
            "{name}: {told}"
        );
    }
    // What is implied never holds less than what implies it.
    for pair in answer["implications"].as_array().expect("pairs") {
        let [stronger, weaker] =
            [0, 1].map(|n| &rung(pair[n].as_str().expect("a name"))["verdict"]);
        assert!(stronger != "holds" || weaker == "holds", "{pair}");
        assert!(weaker != "violated" || stronger == "violated", "{pair}");
    }
}

#[test]
fn final_contents_show_what_was_lost() {
    let bench = Bench::of(&["check"]);
    bench.put("h.jsonl", &register("2"));
    bench.put("kept.json", r#"{"schema":1,"replicas":[{"name":"n1","contents":{"x":2}},{"name":"n2","contents":{"x":2}}]}"#);
    bench.put(
        "lost.json",
        r#"{"replicas":[{"name":"n1","contents":{"x":2}},{"name":"n2","contents":{"x":1}}]}"#,
    );
    for guarantee in ["convergence", "durability"] {
        let asked = |file: &str| {
            bench
                .answer(&["h.jsonl", "--guarantee", guarantee, "--final", file])
                .1
        };
        assert_eq!(asked("kept.json"), 0, "{guarantee}");
        assert_eq!(asked("lost.json"), 1, "{guarantee}");
        let (answer, status) = bench.answer(&["h.jsonl", "--guarantee", guarantee]);
        assert_eq!(status, 3, "{answer}");
    }
    bench.put("wrong.json", "{\"replica\":[]}");
    let told = bench.refuses(&[
        "h.jsonl",
        "--guarantee",
        "convergence",
        "--final",
        "wrong.json",
    ]);
    assert!(
        told.contains("wrong.json:1:") && told.contains("did you mean `replicas`"),
        "{told}"
    );
    assert!(
        bench
            .refuses(&["h.jsonl", "--final", "missing.json"])
            .contains("missing.json")
    );
}

// What is no history, or not one that can be judged.

#[test]
fn a_truncated_file_is_refused_with_its_line() {
    let bench = Bench::of(&["check"]);
    let whole = register("2");
    bench.put("cut.jsonl", &whole[..whole.len() - 20]);
    let told = bench.refuses(&["cut.jsonl"]);
    assert!(
        told.contains("cut.jsonl:6:") && told.contains("cut off"),
        "{told}"
    );
    bench.put(
        "short.jsonl",
        &format!("{{\"schema\":1,\"events\":7}}\n{whole}"),
    );
    let told = bench.refuses(&["short.jsonl"]);
    assert!(told.contains("promises 7"), "{told}");
    bench.put("cut.edn", &EDN[..EDN.len() - 10]);
    assert!(bench.refuses(&["cut.edn"]).contains("cut.edn:5:1"));
    bench.put("cut.json", &OPERATIONS[..OPERATIONS.len() - 2]);
    assert!(bench.refuses(&["cut.json"]).contains("cut.json:1:1"));
}

#[test]
fn a_duplicate_invocation_is_refused_with_its_line() {
    let bench = Bench::of(&["check"]);
    let whole = register("2");
    let first = whole.lines().next().expect("a line");
    bench.put("twice.jsonl", &format!("{first}\n{whole}"));
    let told = bench.refuses(&["twice.jsonl"]);
    assert!(
        told.contains("twice.jsonl:2:12") && told.contains("line 1 has not ended"),
        "{told}"
    );
}

#[test]
fn a_wrong_model_is_refused_with_the_line_of_what_it_does_not_know() {
    let bench = Bench::of(&["check"]);
    bench.put("h.jsonl", &register("2"));
    let told = bench.refuses(&["h.jsonl", "--model", "queue"]);
    assert!(
        told.contains("h.jsonl:1:1") && told.contains("enqueue"),
        "{told}"
    );
    let told = bench.refuses(&["h.jsonl", "--model", "regsiter"]);
    assert!(told.contains("register"), "{told}");
    bench.put("h.edn", EDN);
    assert!(
        bench
            .refuses(&["h.edn", "--model", "register"])
            .contains("h.edn:1:1")
    );
}

#[test]
fn an_empty_file_is_refused() {
    let bench = Bench::of(&["check"]);
    for (name, content) in [
        ("empty.jsonl", ""),
        ("blank.jsonl", "\n\n"),
        ("empty.edn", ""),
        ("list.json", "[]"),
    ] {
        bench.put(name, content);
        let told = bench.refuses(&[name]);
        assert!(
            told.contains(name) && told.contains("holds no operation"),
            "{told}"
        );
    }
    assert!(bench.refuses(&["-"]).contains("standard input"));
}

#[test]
fn an_end_without_a_beginning_and_a_process_that_goes_on_are_refused() {
    let bench = Bench::of(&["check"]);
    let whole = register("2");
    let rest: Vec<&str> = whole.lines().skip(1).collect();
    bench.put("end.jsonl", &rest.join("\n"));
    assert!(bench.refuses(&["end.jsonl"]).contains("end.jsonl:1:12"));
    bench.put("on.jsonl", &whole.replacen("\"ok\"", "\"info\"", 1));
    let told = bench.refuses(&["on.jsonl"]);
    assert!(
        told.contains("on.jsonl:3:12") && told.contains("goes on after line 2"),
        "{told}"
    );
}

#[test]
fn what_can_not_be_read_is_refused() {
    let bench = Bench::of(&["check"]);
    fs::create_dir(bench.path("folder")).expect("a folder");
    assert!(bench.refuses(&["missing.jsonl"]).contains("missing.jsonl"));
    assert!(bench.refuses(&["folder"]).contains("folder"));
    bench.put("words.txt", "hello\n");
    assert!(bench.refuses(&["words.txt"]).contains("this is no history"));
    #[cfg(unix)]
    assert!(bench.refuses(&["/dev/zero"]).contains("this is no history"));
    bench.refuses(&[]);
}

#[test]
fn a_guarantee_that_does_not_exist_is_refused_with_the_nearest() {
    let bench = Bench::of(&["check"]);
    bench.put("h.jsonl", &register("2"));
    let told = bench.refuses(&["h.jsonl", "--guarantee", "linearisable"]);
    assert!(told.contains("did you mean `linearizable`"), "{told}");
    bench.refuses(&["h.jsonl", "--order", "random"]);
    bench.refuses(&["h.jsonl", "--null-read", "never"]);
    bench.refuses(&["h.jsonl", "--budget-states", "-1"]);
    bench.refuses(&["h.jsonl", "--input-format", "csv"]);
}

#[test]
fn terms_say_how_far_a_guarantee_may_be_missed() {
    let bench = Bench::of(&["check"]);
    bench.put("stale.jsonl", &register("1"));
    let asked = ["stale.jsonl", "--guarantee", "bounded-staleness"];
    let on = |terms: &[&'static str]| {
        let terms = terms.iter().flat_map(|term| ["--term", term]);
        asked.into_iter().chain(terms).collect::<Vec<&str>>()
    };
    let (answer, status) = bench.answer(&on(&["versions=0"]));
    assert_eq!((status, &answer["terms"]), (1, &Value::from("versions 0")));
    assert_eq!(bench.answer(&on(&["versions=1"])).1, 0);
    let (answer, status) = bench.answer(&on(&["versions=1", "time=500ms"]));
    assert_eq!(
        (status, &answer["terms"]),
        (0, &Value::from("versions 1, time 500 ms"))
    );
    for (term, said) in [
        ("version=1", "did you mean `versions`"),
        ("versions=-1", "versions"),
        ("versions=many", "versions"),
        ("time=1", "time"),
        ("time=soon", "time"),
        ("budget=3", "no field `budget`"),
        ("a b=\u{7f}", "no field"),
        ("versions", "an equals sign"),
    ] {
        let told = bench.refuses(&on(&[term]));
        assert!(told.contains(said), "{term}: {told}");
    }
    let told = bench.refuses(&on(&["versions=1", "versions=2"]));
    assert!(told.contains("given twice"), "{told}");
    let told = bench.refuses(&["stale.jsonl", "--guarantee", "convergence", "--term", "x=1"]);
    assert!(told.contains("has no terms"), "{told}");
    bench.refuses(&[
        "stale.jsonl",
        "--guarantee",
        "ladder",
        "--term",
        "versions=1",
    ]);
    bench.refuses(&["stale.jsonl", "--term", "versions=1"]);
}

#[test]
fn a_picture_is_drawn_of_what_proves_a_violation() {
    let bench = Bench::of(&["check"]);
    bench.put("bad.jsonl", &register("1"));
    assert_eq!(bench.answer(&["bad.jsonl", "--svg", "why.svg"]).1, 1);
    let picture = fs::read_to_string(bench.path("why.svg")).expect("a picture");
    assert!(
        picture.starts_with("<svg") && picture.contains("process 1"),
        "{picture}"
    );
    assert!(
        bench
            .refuses(&["bad.jsonl", "--svg", "why.svg"])
            .contains("--force")
    );
    assert_eq!(
        bench
            .answer(&["bad.jsonl", "--svg", "why.svg", "--force"])
            .1,
        1
    );
}

#[test]
fn nothing_is_drawn_of_bad_input() {
    let bench = Bench::of(&["check"]);
    bench.put("empty.jsonl", "");
    bench.refuses(&["empty.jsonl", "--svg", "why.svg"]);
    assert!(!bench.path("why.svg").exists());
}
