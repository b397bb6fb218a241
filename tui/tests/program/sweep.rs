//! Sweeps and merges from outside: threads, shards, interruptions and files that are wrong.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::process::Stdio;

use serde_json::Value;

use crate::bench::{Bench, text};

/// A client writes and reads its write at a follower, which has got it by then, or has not: that hangs on the seed.
const COIN: &str = r#"
schema = 1
title = "A read that may come too early"
duration = "200ms"
settle = "5s"

[cluster]
protocol = "single-leader"
replicas = 2
engine = "memory"

[network]
delay = { distribution = "exponential", mean = "2ms", plus = "100us" }

[[client]]
name = "ann"

[[step]]
name = "write"
client = "ann"
do = "put"
key = "x"
value = "1"
at = "10ms"

[[step]]
client = "ann"
do = "get"
key = "x"
after = "write"
replica = "follower-1"

[[expect]]
check = "read-your-writes-in-real-time"
verdict = "holds"
"#;

impl Bench {
    /// With the scenario above in it.
    fn with_coin() -> Self {
        let bench = Self::new();
        bench.put("coin.toml", COIN);
        bench
    }

    /// What it prints. Nothing goes to standard error, since that is no terminal here.
    fn says(&self, arguments: &str, status: i32) -> String {
        let output = self.ends(arguments, status);
        assert_eq!(text(&output.stderr), "", "{arguments}");
        text(&output.stdout)
    }
}

/// The lines of a sweep's file, without its header.
fn lines(file: &str) -> Vec<Value> {
    let lines = file.lines().skip(1);
    lines
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect()
}

#[test]
fn shards_merged_are_the_whole_byte_by_byte_whatever_the_threads() {
    let bench = Bench::with_coin();
    for (scenario, status) in [("coin.toml", 1), ("ddia/5-4", 0)] {
        for until in ["all", "first"] {
            let sweep = format!("sweep {scenario} --seeds 5..72 --until {until} --force");
            let whole = bench.says(&format!("{sweep} --out whole.jsonl --jobs 1"), status);
            for (shard, jobs) in [(1, 3), (2, 1), (3, 2)] {
                let shard = format!("{sweep} --shard {shard}/3 --out {shard}.jsonl --jobs {jobs}");
                let output = bench.command(&shard).output().expect("it starts");
                assert_ne!(output.status.code(), Some(2), "{}", text(&output.stderr));
            }
            let merge = "merge 3.jsonl 1.jsonl 2.jsonl --force --out merged.jsonl";
            assert_eq!(bench.says(merge, status), whole, "{scenario} {until}");
            assert_eq!(bench.get("merged.jsonl"), bench.get("whole.jsonl"));
            let json = "--format json";
            assert_eq!(
                bench.says(&format!("merge 1.jsonl 2.jsonl 3.jsonl {json}"), status),
                bench.says(
                    &format!("{sweep} --out other.jsonl --jobs 2 {json}"),
                    status
                ),
            );
            assert_eq!(bench.get("other.jsonl"), bench.get("whole.jsonl"));
            assert_eq!(bench.says("merge whole.jsonl", status), whole);
        }
    }
}

#[test]
fn the_file_has_a_header_and_a_line_for_each_seed_that_says_what_run_says() {
    let bench = Bench::with_coin();
    bench.says("sweep ddia/5-3 --seeds 7..10 --out s.jsonl", 0);
    let file = bench.get("s.jsonl");
    let header: Value = serde_json::from_str(file.lines().next().unwrap()).expect("JSON");
    assert_eq!(header["schema"], 1);
    assert_eq!(header["scenario"], "ddia/5-3");
    assert_eq!(header["seeds"]["to"], 10);
    assert_eq!(header["program"], env!("CARGO_PKG_VERSION"));
    for (line, seed) in lines(&file).iter().zip(7..10) {
        assert_eq!(line["seed"], seed);
        let run = bench.says(&format!("run ddia/5-3 --seed {seed} --format json"), 0);
        let report: Value = serde_json::from_str(&run).expect("JSON");
        for key in ["digest", "events", "ended"] {
            assert_eq!(line[key], report[key], "{key} of seed {seed}");
        }
        assert_eq!(line["measures"]["ok"], report["operations"]["ok"]);
        assert_eq!(
            line["verdicts"]["read-your-writes-in-real-time"],
            "violated"
        );
    }
    assert_eq!(lines(&file).len(), 3);
}

#[test]
fn a_sweep_counts_what_fails_and_finds_the_first_and_the_shortest() {
    let bench = Bench::with_coin();
    let told = bench.says(
        "sweep coin.toml --seeds 1..301 --out s.jsonl --format json",
        1,
    );
    let summary: Value = serde_json::from_str(&told).expect("JSON");
    let lines = lines(&bench.get("s.jsonl"));
    let failing: Vec<&Value> = lines.iter().filter(|l| l["failing"] == true).collect();
    assert!(
        failing.len() > 20 && failing.len() < 280,
        "{}",
        failing.len()
    );
    assert_eq!(summary["failing"]["count"], failing.len());
    assert_eq!(summary["first_failing"], failing[0]["seed"]);
    let shortest = failing
        .iter()
        .min_by_key(|l| (l["events"].as_u64(), l["seed"].as_u64()));
    assert_eq!(
        summary["shortest_failing"]["seed"],
        shortest.unwrap()["seed"]
    );
    let first = failing[0]["seed"].as_u64().expect("a seed");

    let until = bench.says("sweep coin.toml --seeds 1..301 --until first", 1);
    assert!(
        until.contains(&format!("Seed {first} is the first that fails")),
        "{until}"
    );
    let paste = format!("seedbed explore coin.toml --seed {first}");
    assert!(until.contains(&paste), "{until}");
    bench.ends(&format!("run coin.toml --seed {first}"), 1);
    // Where no seed fails, the sweep ends well.
    let good = lines
        .iter()
        .find(|l| l["failing"] == false)
        .expect("some do not fail");
    let good = good["seed"].as_u64().expect("a seed");
    bench.says(
        &format!("sweep coin.toml --seeds {good}..{} --until first", good + 1),
        0,
    );
}

#[test]
fn checking_determinism_changes_nothing_that_is_said() {
    let bench = Bench::with_coin();
    let sweep = "sweep lag/generated-load --seeds 1..4";
    let checked = format!("{sweep} --check-determinism");
    assert_eq!(bench.says(sweep, 0), bench.says(&checked, 0));
    let run = "run ddia/5-3 --seed 4";
    let checked = format!("{run} --check-determinism");
    assert_eq!(bench.says(run, 0), bench.says(&checked, 0));
}

#[test]
fn a_sweep_that_was_cut_off_anywhere_goes_on_to_the_same_bytes() {
    let bench = Bench::with_coin();
    for until in ["all", "first"] {
        let sweep = format!("sweep coin.toml --seeds 1..9 --until {until} --jobs 2 --out s.jsonl");
        let told = bench.says(&format!("{sweep} --force"), 1);
        let whole = fs::read(bench.path("s.jsonl")).expect("a file");
        let ends = whole.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        let ends: Vec<usize> = ends.map(|(at, _)| at).collect();
        // Before, at and behind the ends of lines, in the middle of the header, and nothing at all.
        let cuts = ends
            .iter()
            .flat_map(|end| [end - 1, *end, end + 1, end + 2]);
        for cut in cuts.chain([0, 1, 40]).filter(|cut| *cut <= whole.len()) {
            fs::write(bench.path("s.jsonl"), &whole[..cut]).expect("a file");
            assert_eq!(
                bench.says(&format!("{sweep} --resume"), 1),
                told,
                "cut at {cut}"
            );
            assert_eq!(
                fs::read(bench.path("s.jsonl")).expect("a file"),
                whole,
                "cut at {cut}"
            );
        }
        // A file system that had given the room and not yet the bytes.
        let mut filled = whole[..ends[0] + 30].to_vec();
        filled.extend([0; 100]);
        fs::write(bench.path("s.jsonl"), filled).expect("a file");
        assert_eq!(bench.says(&format!("{sweep} --resume"), 1), told);
        assert_eq!(fs::read(bench.path("s.jsonl")).expect("a file"), whole);
        // One that does not exist is begun.
        fs::remove_file(bench.path("s.jsonl")).expect("it was there");
        assert_eq!(bench.says(&format!("{sweep} --resume"), 1), told);
    }
}

#[test]
fn a_sweep_that_was_killed_goes_on_to_the_same_bytes() {
    let bench = Bench::with_coin();
    let sweep = "sweep lag/generated-load --seeds 1..121 --jobs 2";
    bench.says(&format!("{sweep} --out whole.jsonl"), 0);
    let mut child = bench
        .command(&format!("{sweep} --out killed.jsonl"))
        .stdout(Stdio::null())
        .spawn()
        .expect("it starts");
    let size = || fs::metadata(bench.path("killed.jsonl")).map_or(0, |found| found.len());
    while size() < 10_000 {
        std::thread::yield_now();
    }
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
    let whole = bench.get("whole.jsonl");
    let killed = bench.get("killed.jsonl");
    assert!(whole.starts_with(&killed), "what stands there is whole");
    bench.says(&format!("{sweep} --out killed.jsonl --resume"), 0);
    assert_eq!(bench.get("killed.jsonl"), whole);
}

#[test]
fn a_file_of_another_sweep_or_one_that_is_wrong_is_not_gone_on_with() {
    let bench = Bench::with_coin();
    let sweep = "sweep coin.toml --seeds 1..9 --out s.jsonl";
    bench.says(sweep, 1);
    let good = bench.get("s.jsonl");
    let refuses = |arguments: &str, file: &str, why: &str| {
        bench.put("s.jsonl", file);
        let said = bench.refuses(arguments);
        assert!(said.contains(why), "{said}");
        assert_eq!(bench.get("s.jsonl"), file, "the file is left alone");
    };
    let resume = &format!("{sweep} --resume");
    refuses(
        sweep,
        &good,
        "s.jsonl exists; --resume goes on with it, --force replaces it",
    );
    let out = "--out s.jsonl --resume";
    refuses(
        &format!("sweep coin.toml --seeds 1..10 {out}"),
        &good,
        "s.jsonl:1: this is a sweep with seeds 1..9, not 1..10",
    );
    refuses(
        &format!("sweep ddia/5-3 --seeds 1..9 {out}"),
        &good,
        "s.jsonl:1: this is a sweep of coin.toml, not of ddia/5-3",
    );
    refuses(
        &format!("sweep coin.toml --seeds 1..9 --shard 1/2 {out}"),
        &good,
        "s.jsonl:1: this is a sweep with shard 1/1, not 1/2",
    );
    refuses(
        &format!("sweep coin.toml --seeds 1..9 --until first {out}"),
        &good,
        "until all, not first",
    );
    refuses(
        resume,
        &good.replace("\"0.1.0\"", "\"0.0.1\""),
        "program version 0.0.1, not",
    );
    refuses(
        resume,
        "not a sweep\n",
        "s.jsonl:1: this is not the header of a sweep's file",
    );
    refuses(
        resume,
        "my diary",
        "s.jsonl:1: this is not the header of a sweep's file",
    );
    refuses(
        resume,
        &good.replace("\"schema\":1", "\"schema\":9"),
        "s.jsonl:1: the file has schema 9",
    );
    refuses(
        resume,
        &good.replace("{\"seed\":4,", "{\"seed\":5,"),
        "s.jsonl:5: seed 5 stands where seed 4 belongs",
    );
    refuses(
        resume,
        &good.replace("{\"seed\":4,", "{\"sead\":4,"),
        "s.jsonl:5: this is not a line of a sweep",
    );
    let twice = format!("{good}{}\n", good.lines().last().unwrap());
    refuses(
        resume,
        &twice,
        "s.jsonl:10: seed 8 does not belong into this file",
    );
    // The last line is run again: a program that has changed would spoil the sweep.
    let last = good.lines().last().unwrap();
    let other = last.replace("\"digest\":\"", "\"digest\":\"f");
    refuses(
        resume,
        &good.replace(last, &other),
        "s.jsonl:9: seed 8 gives another line now",
    );

    bench.put("coin.toml", &COIN.replace("2ms", "3ms"));
    refuses(
        resume,
        &good,
        "s.jsonl:1: this is a sweep of coin.toml as it was then, not of coin.toml",
    );
    assert!(
        bench
            .refuses("sweep coin.toml --seeds 1..9 --out .")
            .contains("no plain file")
    );
    assert!(
        bench
            .refuses("sweep coin.toml --seeds 1..9 --out no/s.jsonl")
            .contains("can't write")
    );
}

#[test]
fn two_sweeps_do_not_write_to_one_file() {
    let bench = Bench::with_coin();
    bench.says("sweep ddia/5-3 --seeds 1..3 --out s.jsonl", 0);
    let file = OpenOptions::new()
        .append(true)
        .open(bench.path("s.jsonl"))
        .expect("a file");
    file.lock().expect("nobody has it");
    let said = bench.refuses("sweep ddia/5-3 --seeds 1..3 --out s.jsonl --resume");
    assert!(
        said.contains("another sweep is writing to s.jsonl"),
        "{said}"
    );
}

#[test]
fn shards_that_do_not_go_together_are_refused_by_file_and_line_and_nothing_is_written() {
    let bench = Bench::with_coin();
    let shard = |scenario: &str, seeds: &str, shard: &str, more: &str, name: &str| {
        let sweep = format!("sweep {scenario} --seeds {seeds} --shard {shard} {more} --out {name}");
        let output = bench.command(&sweep).output().expect("it starts");
        assert_ne!(output.status.code(), Some(2), "{}", text(&output.stderr));
    };
    shard("coin.toml", "1..13", "1/3", "", "1.jsonl");
    shard("coin.toml", "1..13", "2/3", "", "2.jsonl");
    shard("coin.toml", "1..13", "3/3", "", "3.jsonl");
    shard("coin.toml", "1..13", "2/2", "", "half.jsonl");
    shard("coin.toml", "1..14", "2/3", "", "longer.jsonl");
    shard("coin.toml", "1..13", "2/3", "--until first", "first.jsonl");
    shard("ddia/5-3", "1..13", "2/3", "", "foreign.jsonl");
    bench.put("coin.toml", &COIN.replace("2ms", "3ms"));
    shard("coin.toml", "1..13", "2/3", "", "edited.jsonl");
    let two = bench.get("2.jsonl");
    let change = |name: &str, text: String| bench.put(name, &text);
    change(
        "version.jsonl",
        two.replace("\"program\":\"", "\"program\":\"9."),
    );
    change("torn.jsonl", two[..two.len() - 5].to_owned());
    change(
        "short.jsonl",
        two.lines().take(3).map(|l| format!("{l}\n")).collect(),
    );
    change(
        "garbled.jsonl",
        two.replace("\"events\":", "\"elephants\":"),
    );
    change("twisted.jsonl", two.replace("{\"seed\":6,", "{\"seed\":7,"));
    change("longest.jsonl", format!("{two}{}", "x".repeat(2_000_000)));
    change("empty.jsonl", String::new());

    let cases = [
        (
            "1.jsonl 3.jsonl",
            "3.jsonl:1: seeds 5..9 are in none of the files (shard 2/3)",
        ),
        (
            "1.jsonl 2.jsonl",
            "2.jsonl:1: seeds 9..13 are in none of the files (shard 3/3)",
        ),
        (
            "1.jsonl 2.jsonl 3.jsonl half.jsonl",
            "half.jsonl:1: seeds 7..9 are in 2.jsonl already",
        ),
        (
            "1.jsonl 2.jsonl 2.jsonl 3.jsonl",
            "2.jsonl:1: seeds 5..9 are in 2.jsonl already",
        ),
        (
            "1.jsonl longer.jsonl 3.jsonl",
            "longer.jsonl:1: seeds 1..14, where 1.jsonl has seeds 1..13",
        ),
        (
            "1.jsonl first.jsonl 3.jsonl",
            "first.jsonl:1: until first, where 1.jsonl has until all",
        ),
        (
            "1.jsonl foreign.jsonl 3.jsonl",
            "foreign.jsonl:1: this is a sweep of ddia/5-3, and 1.jsonl is one of coin.toml",
        ),
        (
            "1.jsonl edited.jsonl 3.jsonl",
            "edited.jsonl:1: this is a sweep of another text of coin.toml than 1.jsonl",
        ),
        (
            "1.jsonl version.jsonl 3.jsonl",
            "version.jsonl:1: program version 9.0.1.0, where 1.jsonl has program version 0.1.0",
        ),
        (
            "1.jsonl torn.jsonl 3.jsonl",
            "torn.jsonl:5: the file ends in the middle of a line",
        ),
        (
            "1.jsonl short.jsonl 3.jsonl",
            "short.jsonl:3: the file ends here, and seeds 7..9 are still to come",
        ),
        (
            "1.jsonl garbled.jsonl 3.jsonl",
            "garbled.jsonl:2: this is not a line of a sweep: unknown field `elephants`",
        ),
        (
            "1.jsonl twisted.jsonl 3.jsonl",
            "twisted.jsonl:3: seed 7 stands where seed 6 belongs",
        ),
        (
            "1.jsonl longest.jsonl 3.jsonl",
            "longest.jsonl:6: this line is too long",
        ),
        (
            "empty.jsonl",
            "empty.jsonl:1: this is not the header of a sweep's file",
        ),
        (
            "coin.toml",
            "coin.toml:1: this is not the header of a sweep's file",
        ),
        ("missing.jsonl", "can't read missing.jsonl"),
    ];
    for (files, why) in cases {
        for out in ["", " --out out.jsonl"] {
            let said = bench.refuses(&format!("merge {files}{out}"));
            assert!(said.contains(why), "{files}: {said}");
            assert!(!bench.path("out.jsonl").exists(), "{files}");
        }
    }
    // All that is left after this is a file that was there before.
    bench.put("out.jsonl", "mine");
    let said = bench.refuses("merge 1.jsonl 2.jsonl 3.jsonl --out out.jsonl");
    assert!(said.contains("out.jsonl exists"), "{said}");
    assert_eq!(bench.get("out.jsonl"), "mine");
}

#[test]
fn arguments_that_make_no_sense_are_refused_in_words() {
    let bench = Bench::with_coin();
    let cases = [
        ("sweep coin.toml", "--seeds"),
        ("sweep coin.toml --seeds 5", "seeds are written A..B"),
        ("sweep coin.toml --seeds 5..5", "there is no seed in 5..5"),
        (
            "sweep coin.toml --seeds 1..99999999999999999999",
            "seeds are written A..B",
        ),
        (
            "sweep coin.toml --seeds 1..9 --shard 0/3",
            "a shard is written i/n",
        ),
        (
            "sweep coin.toml --seeds 1..9 --shard 4/3",
            "a shard is written i/n",
        ),
        ("sweep coin.toml --seeds 1..9 --jobs 0", "--jobs"),
        ("sweep coin.toml --seeds 1..9 --until last", "first"),
        ("sweep coin.toml --seeds 1..9 --resume", "--out"),
        ("sweep coin.toml --seeds 1..9 --force", "--out"),
        (
            "sweep coin.toml --seeds 1..9 --out s.jsonl --force --resume",
            "--resume",
        ),
        ("sweep coin.tom --seeds 1..9", "coin.tom"),
        ("sweep ddia/5-33 --seeds 1..9", "Did you mean ddia/5-3?"),
        ("merge", "FILE.jsonl"),
    ];
    for (arguments, why) in cases {
        let said = bench.refuses(arguments);
        assert!(said.contains(why), "{arguments}: {said}");
    }
    bench.put("wrong.toml", &COIN.replace("replicas = 2", "replicaz = 2"));
    let said = bench.refuses("sweep wrong.toml --seeds 1..9 --out s.jsonl");
    assert!(said.contains("replicaz"), "{said}");
    assert!(!bench.path("s.jsonl").exists(), "nothing was begun");
}

#[test]
fn a_shard_may_be_empty_and_merges_all_the_same() {
    let bench = Bench::with_coin();
    bench.says("sweep ddia/5-3 --seeds 1..3 --out whole.jsonl", 0);
    for shard in 1..=4 {
        bench.says(
            &format!("sweep ddia/5-3 --seeds 1..3 --shard {shard}/4 --out {shard}.jsonl"),
            0,
        );
    }
    bench.says(
        "merge 1.jsonl 2.jsonl 3.jsonl 4.jsonl --out merged.jsonl",
        0,
    );
    assert_eq!(bench.get("merged.jsonl"), bench.get("whole.jsonl"));
}

#[test]
fn who_closes_the_pipe_has_seen_enough() {
    let bench = Bench::with_coin();
    let mut child = bench
        .command("sweep ddia/5-3 --seeds 1..3")
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    drop(child.stdout.take());
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
    std::io::stdout().flush().expect("nothing");
}

/// The book shows a scenario and what a sweep of it prints.
#[test]
fn the_books_page_shows_what_the_program_prints() {
    let bench = Bench::with_coin();
    let page = include_str!("../../../book/src/sweeps.md");
    let block = |begins: &str| {
        let rest = page.split_once(begins).expect("the page has it").1;
        rest.split_once("```").expect("the block ends").0
    };
    bench.put("early-read.toml", block("```toml\n"));
    let (command, shown) = block("```console\n$ seedbed ")
        .split_once('\n')
        .expect("its output");
    assert_eq!(bench.says(command, 1), shown);
}
