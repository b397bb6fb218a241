//! `seedbed store` from outside: good and bad input, whose directory it is, and processes that are killed.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::Value;

use crate::bench::{Bench, text};

/// Engines that keep a store.
fn engines() -> Vec<&'static str> {
    seedbed_scenarios::store::engines()
}

fn bench() -> Bench {
    Bench::of(&["store", "--dir", "s"])
}

fn bench_json(bench: &Bench, arguments: &[&str]) -> Value {
    let (answer, status) = bench.answer(arguments);
    assert_eq!(status, 0, "{answer}");
    assert_eq!(answer["schema"], 1);
    answer
}

#[test]
fn a_store_is_written_read_scanned_inspected_and_dumped() {
    for engine in engines() {
        let bench = bench();
        bench.prints(&["--engine", engine, "put", "b", "2"]);
        bench.prints(&["put", "a", "1"]);
        assert_eq!(bench.prints(&["get", "a"]), "1\n");
        let absent = bench.seedbed(&["get", "c"]);
        assert_eq!(absent.status.code(), Some(1));
        assert!(absent.stdout.is_empty());
        bench.put("rows.csv", "key,value\nc,3\n\"d,\",4\n");
        assert_eq!(bench.prints(&["load", "rows.csv"]), "loaded 2 rows\n");
        bench.prints(&["delete", "b"]);
        assert_eq!(bench.seedbed(&["delete", "b"]).status.code(), Some(1));
        let rows = "{\"key\":\"a\",\"value\":\"1\"}\n{\"key\":\"c\",\"value\":\"3\"}\n{\"key\":\"d,\",\"value\":\"4\"}\n";
        assert_eq!(bench.prints(&["scan"]), rows);
        assert_eq!(
            bench.prints(&["--hex", "scan", "--reverse", "--limit", "1"]),
            "{\"key\":\"642c\",\"value\":\"34\"}\n"
        );
        assert!(
            bench
                .prints(&["inspect"])
                .starts_with(&format!("engine {engine}\n"))
        );
        assert!(bench.prints(&["dump"]).contains("\"d,\""));
        bench.prints(&["compact"]);
        assert_eq!(bench.prints(&["verify"]), "the store is sound\n");
        assert!(bench.prints(&["stats"]).contains(engine));
    }
}

#[test]
fn answers_come_as_json_too() {
    let bench = bench();
    let put = bench_json(&bench, &["--engine", "lsm", "put", "a", "1"]);
    assert_eq!(
        (&put["key"], &put["is_durable"]),
        (&"a".into(), &true.into())
    );
    assert_eq!(bench_json(&bench, &["get", "a"])["value"], "1");
    bench.put("rows.jsonl", "{\"key\":\"b\",\"value\":\"2\"}\n");
    assert_eq!(bench_json(&bench, &["load", "rows.jsonl"])["rows"], 1);
    let acknowledged = ["load", "--acknowledge", "rows.jsonl", "--format", "json"];
    for line in bench.prints(&acknowledged).lines() {
        let answer: Value = serde_json::from_str(line).unwrap();
        assert_eq!(answer["rows"], 1, "{line}");
    }
    assert_eq!(bench_json(&bench, &["delete", "b"])["deleted"], true);
    assert_eq!(bench_json(&bench, &["verify"])["is_sound"], true);
    assert_eq!(bench_json(&bench, &["stats"])["engine"], "lsm");
    assert_eq!(bench_json(&bench, &["inspect"])["structure"]["kind"], "lsm");
    assert!(bench_json(&bench, &["compact"])["bytes"].is_u64());
    let absent = bench.seedbed(&["get", "b", "--format", "json"]);
    assert_eq!(absent.status.code(), Some(1));
    let answer: Value = serde_json::from_slice(&absent.stdout).unwrap();
    assert_eq!(answer["value"], Value::Null);
    for line in bench.prints(&["dump", "--format", "json"]).lines() {
        assert!(serde_json::from_str::<String>(line).is_ok(), "{line}");
    }
}

#[test]
fn bad_input_is_refused_and_changes_nothing() {
    let bench = bench();
    assert!(
        bench
            .refuses(&["get", "a"])
            .contains("s: there is no such directory")
    );
    assert!(
        bench
            .refuses(&["put", "a", "1"])
            .contains("a new store needs --engine, one of `log`")
    );
    let refused = bench.refuses(&["--engine", "hsah", "put", "a", "1"]);
    assert!(refused.contains("did you mean `hash`?"), "{refused}");
    bench.put(
        "bad.jsonl",
        "{\"key\":\"x\",\"value\":\"1\"}\n{\"key\":2}\n",
    );
    let load = ["--engine", "hash", "load", "bad.jsonl"];
    let refused = bench.refuses(&load);
    assert!(refused.starts_with("bad.jsonl:2:8: error: "), "{refused}");
    assert!(
        refused.contains("expected `{\"key\": \"…\", \"value\": \"…\"}`"),
        "{refused}"
    );
    assert!(
        bench
            .refuses(&["--hex", "--engine", "log", "put", "0x", ""])
            .contains("hexadecimal")
    );
    assert!(
        !bench.path("s").exists(),
        "nothing was made for what was refused"
    );

    bench.prints(&["--engine", "hash", "put", "a", "1"]);
    bench.refuses(&load);
    assert_eq!(bench.prints(&["scan"]), "{\"key\":\"a\",\"value\":\"1\"}\n");
}

#[test]
fn a_directory_of_another_engine_version_or_program_is_refused_by_name() {
    let bench = bench();
    bench.prints(&["--engine", "hash", "put", "a", "1"]);
    assert!(
        bench
            .refuses(&["--engine", "log", "get", "a"])
            .contains("of the engine hash, not log")
    );
    let marker = bench.path("s/STORE");
    let said = fs::read_to_string(&marker).unwrap();
    fs::write(&marker, said.replace("format 1", "format 7")).unwrap();
    let refused = bench.refuses(&["get", "a"]);
    assert!(
        refused.contains("format 7") && refused.contains("format 1"),
        "{refused}"
    );
    fs::write(&marker, said.replace("hash", "abacus")).unwrap();
    assert!(bench.refuses(&["get", "a"]).contains("abacus"));

    let foreign = bench.path("home");
    fs::create_dir_all(foreign.join("pictures")).unwrap();
    let _ = fs::remove_dir_all(bench.path("s"));
    fs::rename(&foreign, bench.path("s")).unwrap();
    let refused = bench.refuses(&["--engine", "log", "put", "a", "1"]);
    assert!(refused.contains("\"pictures\""), "{refused}");
    assert_eq!(
        fs::read_dir(bench.path("s")).unwrap().count(),
        1,
        "nothing was put there"
    );
}

#[test]
fn damage_is_refused_with_its_place_and_told_by_verify() {
    let bench = bench();
    for (key, value) in [("a", "1"), ("b", "2"), ("c", "3")] {
        bench.prints(&["--engine", "hash", "put", key, value]);
    }
    let segment = bench.path("s/hash-00000001-00000001.seg");
    let mut bytes = fs::read(&segment).unwrap();
    let middle = bytes.windows(2).position(|pair| pair == b"b2").unwrap();
    bytes[middle] ^= 1;
    fs::write(&segment, bytes).unwrap();
    let refused = bench.refuses(&["get", "a"]);
    assert!(
        refused.contains("hash-00000001-00000001.seg") && refused.contains("corrupt at byte"),
        "{refused}"
    );
    let verified = bench.seedbed(&["verify"]);
    assert_eq!(verified.status.code(), Some(1));
    assert!(text(&verified.stdout).starts_with("the store is damaged: "));
    assert_eq!(bench.prints(&["--salvage", "get", "c"]), "3\n");
    // What was salvaged is sound from then on.
    assert_eq!(bench.prints(&["verify"]), "the store is sound\n");
}

#[cfg(unix)]
#[test]
fn a_reader_who_has_seen_enough_ends_a_scan_quietly() {
    let bench = bench();
    bench.put("rows.jsonl", &rows(20_000));
    bench.prints(&["--engine", "hash", "load", "rows.jsonl"]);
    for what in ["scan", "dump"] {
        let mut child = bench
            .command(&[what])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        drop(out);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{what}");
        assert_eq!(text(&output.stderr), "", "{what}");
    }
}

/// So many rows as JSON Lines, in order of keys.
fn rows(count: usize) -> String {
    let value = "v".repeat(100);
    let row = |i| format!("{{\"key\":\"k{i:07}\",\"value\":\"{value}\"}}\n");
    (0..count).map(row).collect()
}

#[test]
fn one_process_has_a_store_at_a_time() {
    let bench = bench();
    bench.prints(&["--engine", "log", "put", "a", "1"]);
    let held = seedbed_sim::FileDisk::open(bench.path("s")).unwrap();
    for command in [&["get", "a"][..], &["put", "a", "2"], &["verify"]] {
        let refused = bench.refuses(command);
        assert!(refused.contains("in use"), "{refused}");
    }
    drop(held);
    assert_eq!(bench.prints(&["get", "a"]), "1\n");
}

#[test]
fn what_a_store_is_made_of_is_drawn() {
    let bench = bench();
    bench.prints(&["--engine", "lsm", "put", "a", "1"]);
    bench.prints(&["inspect", "--svg", "store.svg"]);
    let drawn = bench.get("store.svg");
    assert!(
        drawn.starts_with("<svg") && drawn.contains("memtable"),
        "{drawn}"
    );
    let refused = bench.refuses(&["inspect", "--svg", "store.svg"]);
    assert!(refused.contains("--force"), "{refused}");
    bench.prints(&["inspect", "--svg", "store.svg", "--force"]);
}

#[test]
fn policies_are_compared_without_a_store() {
    let bench = bench();
    let free = Bench::of(&["store", "simulate"]);
    let simulate = |arguments: &[&str]| {
        let output = free.seedbed(arguments);
        (
            output.status.code(),
            text(&output.stdout),
            text(&output.stderr),
        )
    };
    let small = [
        "--writes",
        "20000",
        "--keys",
        "5000",
        "--memtable-bytes",
        "4096",
    ];
    let with = |more: &[&'static str]| simulate(&[&small[..], more].concat());
    let (status, told, _) = with(&["--svg", "costs.svg"]);
    assert_eq!(status, Some(0));
    assert!(
        told.contains("levelled") && told.contains("size-tiered"),
        "{told}"
    );
    assert!(free.get("costs.svg").starts_with("<svg"));
    let (_, json, _) = with(&["--policy", "never", "--format", "json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["policies"][0]["policy"], "never");
    // The same seed gives the same numbers.
    assert_eq!(with(&["--seed", "3"]), with(&["--seed", "3"]));
    for bad in [
        &["--policy", "lazy"][..],
        &["--writes", "0"],
        &["--runs", "1"],
    ] {
        let (status, told, why) = simulate(bad);
        assert_eq!((status, &told[..]), (Some(2), ""), "{bad:?}");
        assert!(!why.is_empty());
    }
    assert!(bench.refuses(&["simulate"]).contains("leave --dir out"));
}

#[test]
fn crash_images_of_a_real_directory_are_opened_and_a_lying_disk_is_found_out() {
    let bench = bench();
    for engine in engines() {
        let arguments = [
            "--engine", engine, "crash", "--images", "200", "--steps", "20",
        ];
        let answer = bench_json(&bench, &arguments);
        assert_eq!(
            (&answer["engine"], &answer["violation"]),
            (&engine.into(), &Value::Null)
        );
        assert!(answer["images"].as_u64().unwrap() >= 200, "{answer}");
        assert!(answer["real_images"].as_u64().unwrap() > 0, "{answer}");
        assert_eq!(fs::read_dir(bench.path("s")).unwrap().count(), 0);
    }
    let lying = ["--engine", "log", "crash", "--lying-syncs"];
    let found = text(&bench.ends(&lying, 1).stdout);
    assert!(found.contains("is violated: "), "{found}");
    assert!(bench.refuses(&["crash"]).contains("--engine"));
    bench.put("s/letter", "");
    assert!(
        bench
            .refuses(&["--engine", "log", "crash"])
            .contains("\"letter\"")
    );
}

#[test]
fn workloads_are_measured_in_an_empty_directory_that_stays_empty() {
    let bench = bench();
    let small = [
        "--keys",
        "200",
        "--operations",
        "300",
        "--workload",
        "fillrandom,ycsb-d",
    ];
    for engine in engines() {
        let arguments = [&["--engine", engine, "bench"][..], &small].concat();
        let answer = bench_json(&bench, &arguments);
        let workloads = answer["workloads"].as_array().unwrap();
        assert_eq!(workloads.len(), 2);
        assert_eq!(workloads[1]["workload"], "ycsb-d");
        assert_eq!(workloads[1]["operations"], 300);
        assert!(workloads[0]["operations_per_second"].as_f64().unwrap() > 0.0);
        let table = bench.prints(&arguments[..]);
        assert!(
            table.lines().nth(2).unwrap().starts_with("ycsb-d "),
            "{table}"
        );
        assert_eq!(fs::read_dir(bench.path("s")).unwrap().count(), 0);
    }
    assert!(bench.refuses(&["bench"]).contains("--engine"));
    let refused = bench.refuses(&["--engine", "log", "bench", "--workload", "ycsb-z"]);
    assert!(refused.contains("ycsb-a"), "{refused}");
    bench.put("s/letter", "");
    assert!(
        bench
            .refuses(&["--engine", "log", "bench"])
            .contains("\"letter\"")
    );
}
