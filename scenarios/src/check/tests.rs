//! Answers, for people and for programs.

use super::*;
use crate::import::{Hints, read};

/// One session reads 2 and then 1 again, which the other had written before.
const BACKWARDS: &str = r#"{"process":0,"type":"invoke","f":"write","key":"x","value":1}
{"process":0,"type":"ok","f":"write","key":"x","value":1}
{"process":0,"type":"invoke","f":"write","key":"x","value":2}
{"process":0,"type":"ok","f":"write","key":"x","value":2}
{"process":1,"type":"invoke","f":"read","key":"x"}
{"process":1,"type":"ok","f":"read","key":"x","value":2}
{"process":1,"type":"invoke","f":"read","key":"x"}
{"process":1,"type":"ok","f":"read","key":"x","value":1}
"#;

fn answer(text: &str, finals: Option<&FinalState>, asked: &str) -> Answer {
    let imported = read("h.jsonl", Hints::default(), text.as_bytes()).expect("a history");
    let setting = Setting {
        model: model_of(&imported.history),
        ..Setting::default()
    };
    let case = Case {
        file: "h.jsonl",
        imported: &imported,
        setting: &setting,
        finals,
    };
    let asked = Asked::find(asked).expect("a guarantee");
    judge(&case, asked).expect("the model knows it")
}

fn json(answer: &Answer) -> serde_json::Value {
    serde_json::from_str(&answer.to_json()).expect("JSON")
}

#[test]
fn a_violation_names_its_lines_and_its_culprit() {
    let answer = answer(BACKWARDS, None, "monotonic-reads-in-real-time");
    assert_eq!(answer.verdict(), Verdict::Violated);
    let json = json(&answer);
    assert_eq!(
        (&json["schema"], &json["verdict"]),
        (&1.into(), &"violated".into())
    );
    assert_eq!(json["culprit"], 8, "{json}");
    assert!(
        json["witness"]
            .as_array()
            .is_some_and(|lines| lines.len() >= 4),
        "{json}"
    );
    let text = answer.to_text();
    assert!(
        text.contains("monotonic-reads-in-real-time: falls at line 8"),
        "{text}"
    );
    assert!(
        text.contains("4 operations") && text.contains("model register"),
        "{text}"
    );
}

#[test]
fn what_holds_has_no_witness_and_no_culprit() {
    let good: String = BACKWARDS
        .lines()
        .take(6)
        .map(|line| format!("{line}\n"))
        .collect();
    let answer = answer(&good, None, "monotonic-reads-in-real-time");
    assert_eq!(answer.verdict(), Verdict::Holds);
    let json = json(&answer);
    assert!(
        json["culprit"].is_null() && json["witness"] == serde_json::json!([]),
        "{json}"
    );
    assert!(
        json.get("reason").is_none() && json.get("story").is_none(),
        "{json}"
    );
}

#[test]
fn a_ladder_falls_if_anything_in_it_does() {
    let answer = answer(BACKWARDS, None, LADDER);
    assert_eq!(answer.verdict(), Verdict::Violated);
    let json = json(&answer);
    let rungs = json["ladder"].as_array().expect("rungs");
    let verdict = |name: &str| {
        let rung = rungs.iter().find(|rung| rung["guarantee"] == name);
        rung.map(|rung| rung["verdict"].clone())
    };
    assert_eq!(
        verdict("monotonic-reads-in-real-time"),
        Some("violated".into())
    );
    assert_eq!(verdict("read-your-writes"), Some("holds".into()));
    assert_eq!(
        verdict("convergence"),
        None,
        "nobody looked at the replicas"
    );
    let text = answer.to_text();
    assert!(text.contains("falls at line 8"), "{text}");
}

#[test]
fn final_contents_are_judged_where_they_are_given_and_undecided_else() {
    let finals = crate::import::read_finals(
        "f.json",
        br#"{"replicas":[{"name":"n1","contents":{"x":2}},{"name":"n2","contents":{"x":1}}]}"#,
    );
    let finals = finals.expect("final contents");
    let verdict = |finals| answer(BACKWARDS, finals, "convergence").verdict();
    assert_eq!(verdict(Some(&finals)), Verdict::Violated);
    assert_eq!(verdict(None), Verdict::Undecided);
}

#[test]
fn the_model_is_the_first_that_knows_all_functions() {
    let model = |functions: &[&str]| {
        let lines = functions.iter().enumerate().map(|(process, f)| {
            let value = if *f == "cas" { "[1,2]" } else { "1" };
            format!(
                "{{\"process\":{process},\"type\":\"invoke\",\"f\":\"{f}\",\"value\":{value}}}\n"
            )
        });
        let text: String = lines.collect();
        model_of(
            &read("h", Hints::default(), text.as_bytes())
                .expect("a history")
                .history,
        )
    };
    assert_eq!(model(&["get", "put", "delete"]), Model::Register);
    assert_eq!(model(&["read", "cas"]), Model::CasRegister);
    assert_eq!(model(&["read", "append"]), Model::AppendKv);
    assert_eq!(model(&["read", "insert"]), Model::Set);
    assert_eq!(model(&["enqueue", "dequeue"]), Model::Queue);
    assert_eq!(model(&["add", "read"]), Model::Counter);
    assert_eq!(
        model(&["add", "enqueue"]),
        Model::Register,
        "its judge says what is strange"
    );
}

#[test]
fn what_a_model_does_not_know_is_told_at_its_line() {
    let imported = read("h.jsonl", Hints::default(), BACKWARDS.as_bytes()).expect("a history");
    let setting = Setting {
        model: Model::Queue,
        ..Setting::default()
    };
    let case = Case {
        file: "h.jsonl",
        imported: &imported,
        setting: &setting,
        finals: None,
    };
    let unsupported = Unsupported {
        place: Place(2),
        what: "a queue has no write".to_owned(),
    };
    let line = BACKWARDS.lines().nth(2);
    let told = refusal(&case, &unsupported, line).to_string();
    assert!(
        told.starts_with("h.jsonl:3:1: error: a queue has no write") && told.contains("enqueue"),
        "{told}"
    );
    let told = refusal(&case, &unsupported, None).to_string();
    assert!(
        told.contains("h.jsonl:3:1") && told.contains("--model"),
        "{told}"
    );
}

#[test]
fn a_guarantee_that_does_not_exist_is_told_with_the_nearest() {
    let told = Asked::find("monotonic-raeds").expect_err("there is none");
    assert!(told.contains("did you mean `monotonic-reads`"), "{told}");
    assert!(
        Asked::find("liveness").is_err(),
        "a history does not answer again"
    );
}
