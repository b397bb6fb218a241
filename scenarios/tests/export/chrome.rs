//! The trace for Perfetto keeps the rules of the Trace Event Format.

use std::collections::{BTreeMap, BTreeSet};

use seedbed_scenarios::export::chrome;
use seedbed_scenarios::session::Session;
use seedbed_scenarios::trace::What;
use serde_json::Value;

use crate::finished;

fn document(session: &dyn Session) -> Value {
    let text: String = chrome::lines(session).map(|line| line + "\n").collect();
    serde_json::from_str(&text).expect("one JSON document")
}

fn events(document: &Value) -> &[Value] {
    document["traceEvents"].as_array().expect("a list")
}

fn phase<'a>(document: &'a Value, phase: &'a str) -> impl Iterator<Item = &'a Value> {
    events(document)
        .iter()
        .filter(move |event| event["ph"] == phase)
}

/// Microseconds as the nanoseconds they were made of.
fn nanos(value: &Value) -> u64 {
    let micros = value.as_f64().expect("a number");
    assert!(micros >= 0.0, "{micros}");
    (micros * 1_000.0).round() as u64
}

/// Where an event stands: its process and its thread.
fn track(event: &Value) -> (u64, u64) {
    let number = |field: &str| event[field].as_u64().expect("a number");
    (number("pid"), number("tid"))
}

const RUNS: [(&str, u64); 4] = [
    ("ddia/5-2", 1),
    ("ddia/5-4", 7),
    ("lag/crash-catch-up", 1),
    ("lag/generated-load", 2),
];

#[test]
fn events_have_the_fields_of_their_phase_and_come_in_order() {
    for (name, seed) in RUNS {
        let document = document(finished(name, seed).as_ref());
        assert_eq!(document["displayTimeUnit"], "ns");
        let mut last = 0;
        for event in events(&document) {
            let at = nanos(&event["ts"]);
            assert!(at >= last, "{event} comes after {last} ns");
            last = at;
            assert!(
                event["name"].as_str().is_some_and(|name| !name.is_empty()),
                "{event}"
            );
            track(event);
            let phase = event["ph"].as_str().expect("a phase");
            assert!(
                ["M", "X", "i", "s", "f", "b", "e"].contains(&phase),
                "{event}"
            );
            assert_eq!(event.get("dur").is_some(), phase == "X", "{event}");
            assert_eq!(
                event.get("id").is_some(),
                ["s", "f", "b", "e"].contains(&phase),
                "{event}"
            );
            assert_eq!(event.get("s").is_some(), phase == "i", "{event}");
            assert_eq!(event.get("bp").is_some(), phase == "f", "{event}");
        }
    }
}

#[test]
fn slices_have_durations_and_nest_on_their_threads() {
    for (name, seed) in RUNS {
        let document = document(finished(name, seed).as_ref());
        let mut open: BTreeMap<(u64, u64), Vec<u64>> = BTreeMap::new();
        for slice in phase(&document, "X") {
            let (begin, took) = (nanos(&slice["ts"]), nanos(&slice["dur"]));
            let stack = open.entry(track(slice)).or_default();
            stack.retain(|end| *end > begin);
            if let Some(around) = stack.last() {
                assert!(
                    begin + took <= *around,
                    "{slice} ends after what it lies in"
                );
            }
            stack.push(begin + took);
        }
        assert!(open.len() >= 4, "replicas and clients have slices");
    }
}

#[test]
fn every_flow_begins_once_and_ends_once_after_that_on_slices() {
    for (name, seed) in RUNS {
        let session = finished(name, seed);
        let document = document(session.as_ref());
        let slices: Vec<_> = phase(&document, "X")
            .map(|slice| {
                (
                    track(slice),
                    nanos(&slice["ts"]),
                    nanos(&slice["ts"]) + nanos(&slice["dur"]),
                )
            })
            .collect();
        let mut by_track: BTreeMap<_, Vec<(u64, u64)>> = BTreeMap::new();
        for (track, begin, end) in slices {
            by_track.entry(track).or_default().push((begin, end));
        }
        let on_slice = |event: &Value| {
            let at = nanos(&event["ts"]);
            by_track[&track(event)]
                .iter()
                .any(|(begin, end)| (*begin..=*end).contains(&at))
        };
        let mut begun = BTreeMap::new();
        for start in phase(&document, "s") {
            assert!(on_slice(start), "{start} begins in no handler");
            let before = begun.insert(start["id"].as_u64(), nanos(&start["ts"]));
            assert_eq!(before, None, "{start} begins twice");
        }
        for end in phase(&document, "f") {
            assert!(on_slice(end), "{end} ends in no handler");
            let began = begun.remove(&end["id"].as_u64());
            assert!(began.is_some_and(|at| at <= nanos(&end["ts"])), "{end}");
        }
        assert!(begun.is_empty(), "flows without an end: {begun:?}");
        let delivered = session
            .events()
            .filter(|event| matches!(event.what, What::Deliver { .. }));
        assert_eq!(
            phase(&document, "f").count(),
            delivered.count(),
            "an arrow for each message"
        );
    }
}

#[test]
fn every_process_and_thread_has_a_name() {
    let document = document(finished("lag/crash-catch-up", 1).as_ref());
    let named = |what: &str| -> BTreeMap<(u64, u64), String> {
        let names = phase(&document, "M").filter(|event| event["name"] == what);
        names
            .map(|event| {
                (
                    track(event),
                    event["args"]["name"].as_str().expect("a name").to_owned(),
                )
            })
            .collect()
    };
    let (processes, threads) = (named("process_name"), named("thread_name"));
    let pids: BTreeSet<u64> = processes.keys().map(|(pid, _)| *pid).collect();
    let tids: BTreeSet<u64> = threads.keys().map(|(_, tid)| *tid).collect();
    assert_eq!(
        tids.len(),
        threads.len(),
        "thread numbers are unique among all processes"
    );
    for event in events(&document) {
        let (pid, tid) = track(event);
        assert!(pids.contains(&pid), "{event}");
        assert!(event["ph"] == "M" || tids.contains(&tid), "{event}");
    }
    let names: Vec<&str> = processes.values().map(String::as_str).collect();
    assert!(
        names.contains(&"world") && names.contains(&"follower-1 (follower)"),
        "{names:?}"
    );
    assert!(threads.values().any(|name| name == "operations"));
}

#[test]
fn faults_crashes_notes_and_anomalies_are_marked() {
    let document_of = |name| document(finished(name, 1).as_ref());
    let crash = document_of("lag/crash-catch-up");
    let fault = |end: &str| {
        let mut ends = phase(&crash, end).filter(|event| event["cat"] == "fault");
        ends.next()
            .map(|event| (event["name"].clone(), nanos(&event["ts"])))
    };
    assert_eq!(fault("b"), Some(("crash follower-1".into(), 500_000_000)));
    assert_eq!(fault("e"), Some(("crash follower-1".into(), 1_200_000_000)));
    let down = phase(&crash, "X")
        .find(|event| event["name"] == "down")
        .expect("a slice");
    assert_eq!(
        (nanos(&down["ts"]), nanos(&down["dur"])),
        (500_000_000, 700_000_000)
    );
    for cat in ["crash", "note", "lost"] {
        assert!(phase(&crash, "i").any(|event| event["cat"] == cat), "{cat}");
    }
    let stale = document_of("ddia/5-3");
    let anomalies: Vec<&Value> = phase(&stale, "i")
        .filter(|event| event["cat"] == "anomaly")
        .collect();
    assert_eq!(anomalies.len(), 2, "by real time, and by visibility");
    assert_eq!(
        anomalies[0]["name"],
        "read-your-writes-in-real-time violated"
    );
    assert_eq!(anomalies[0]["s"], "g", "it is about the whole run");
    let proves = |event: &&Value| {
        let of = event["args"]["witness_of"].as_array();
        of.is_some_and(|of| of.contains(&Value::from("read-your-writes-in-real-time")))
    };
    assert_eq!(
        phase(&stale, "X").filter(proves).count(),
        2,
        "the write and the read"
    );
}
