//! The program from outside: good and bad input, exit statuses, pipes and files.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::bench::{Bench, text};

impl Bench {
    /// Its report as JSON, and its exit status.
    fn report(&self, scenario: &str) -> (Value, i32) {
        self.answer(&["run", scenario])
    }

    /// A copy of a scenario of the catalog, with one thing changed.
    fn edited(&self, scenario: &str, from: &str, to: &str) -> &'static str {
        let original = self.prints(&["show", scenario]);
        assert!(original.contains(from), "{original}");
        fs::write(self.path("my.toml"), original.replace(from, to)).expect("a file");
        "my.toml"
    }
}

fn verdict(report: &Value, check: &str) -> Option<bool> {
    let verdicts = report["verdicts"].as_array().expect("verdicts");
    let found = verdicts
        .iter()
        .find(|v| v["check"] == check)
        .expect("a verdict");
    found["holds"].as_bool()
}

#[test]
fn the_list_names_scenarios_that_can_be_shown_and_run() {
    let bench = Bench::new();
    let listed: Value =
        serde_json::from_str(&bench.prints(&["list", "--format", "json"])).expect("JSON");
    assert_eq!(listed["schema"], 1);
    let plain = bench.prints(&["list"]);
    let scenarios = listed["scenarios"].as_array().expect("a list");
    assert!(scenarios.len() >= 5);
    for scenario in scenarios {
        let name = scenario["name"].as_str().expect("a name");
        assert!(plain.contains(name), "{name}");
        assert!(
            bench.prints(&["show", name]).contains("schema = 1"),
            "{name}"
        );
        assert!(
            scenario["teaches"].as_str().is_some_and(|t| !t.is_empty()),
            "{name}"
        );
        bench.prints(&["run", name]);
    }
}

#[test]
fn a_shown_scenario_runs_as_a_file_just_as_it_does_from_the_catalog() {
    let bench = Bench::new();
    fs::write(bench.path("my.toml"), bench.prints(&["show", "ddia/5-3"])).expect("a file");
    let (from_file, status) = bench.report("my.toml");
    let (from_catalog, _) = bench.report("ddia/5-3");
    assert_eq!(status, 0);
    assert_eq!(from_file["scenario"], "my.toml");
    assert_eq!(from_file["digest"], from_catalog["digest"]);
    assert_eq!(
        bench.report("./my.toml").0["digest"],
        from_catalog["digest"]
    );
}

#[test]
fn the_same_command_prints_the_same_bytes_and_another_seed_another_digest() {
    let bench = Bench::new();
    for arguments in [
        &["run", "lag/generated-load"][..],
        &["run", "lag/generated-load", "--format", "json"],
        &["picture", "ddia/5-3", "--at", "50ms"],
        &["list", "--format", "json"],
    ] {
        assert_eq!(
            bench.prints(arguments),
            bench.prints(arguments),
            "{arguments:?}"
        );
    }
    let mut digests: Vec<String> = (1..=11)
        .map(|seed| {
            let seed = seed.to_string();
            let arguments = [
                "run",
                "lag/generated-load",
                "--format",
                "json",
                "--seed",
                &seed,
            ];
            let report: Value = serde_json::from_str(&bench.prints(&arguments)).expect("JSON");
            report["digest"].as_str().expect("a digest").to_owned()
        })
        .collect();
    digests.sort();
    digests.dedup();
    assert_eq!(digests.len(), 11);
}

#[test]
fn a_guarantee_that_falls_is_reported_with_its_witness_and_holds_under_other_routing() {
    let bench = Bench::new();
    for (scenario, check, routing) in [
        (
            "ddia/5-3",
            "read-your-writes-in-real-time",
            "routing = \"leader\"",
        ),
        (
            "ddia/5-4",
            "monotonic-reads-in-real-time",
            "routing = \"sticky-follower\"",
        ),
    ] {
        let (report, status) = bench.report(scenario);
        assert_eq!(
            (verdict(&report, check), status),
            (Some(false), 0),
            "{scenario}"
        );
        let verdicts = report["verdicts"].as_array().expect("verdicts");
        let witness = verdicts
            .iter()
            .find(|v| v["check"] == check)
            .map(|v| &v["witness"]);
        assert!(
            witness
                .and_then(Value::as_array)
                .is_some_and(|w| w.len() >= 2),
            "{report}"
        );
        let shown = bench.prints(&["show", scenario]);
        let line = shown
            .lines()
            .find(|line| line.starts_with("routing"))
            .expect("a routing");
        let file = bench.edited(scenario, line, routing);
        let (report, status) = bench.report(file);
        // It expects the fall that does not come any more.
        assert_eq!(
            (verdict(&report, check), status),
            (Some(true), 1),
            "{scenario}"
        );
    }
}

#[test]
fn a_name_that_does_not_exist_is_refused_with_the_nearest_that_does() {
    let bench = Bench::new();
    for command in ["run", "show", "picture"] {
        let told = bench.refuses(&[command, "ddia/5-33"]);
        assert!(told.contains("Did you mean ddia/5-3?"), "{told}");
    }
    assert!(
        bench
            .refuses(&["run", "nothing-like-it"])
            .contains("seedbed list")
    );
    assert!(bench.refuses(&["run", "missing.toml"]).contains("no file"));
    assert!(
        bench
            .refuses(&["run", "no/such/folder/my.toml"])
            .contains("no file")
    );
    assert!(bench.refuses(&["run", ""]).contains("seedbed list"));
}

#[test]
fn mistakes_in_a_file_are_told_with_file_line_column_and_suggestion() {
    let bench = Bench::new();
    let file = bench.edited("ddia/5-3", "duration = ", "duratoin = ");
    let told = bench.refuses(&["run", file]);
    assert!(
        told.contains("my.toml:") && told.contains("duration"),
        "{told}"
    );
    let place = told.split("my.toml:").nth(1).expect("a place");
    let numbers: Vec<&str> = place.splitn(3, ':').take(2).collect();
    assert!(numbers.iter().all(|n| n.parse::<u32>().is_ok()), "{told}");
    for (from, to) in [
        ("low = \"1ms\"", "low = \"-1ms\""),
        ("client = \"browser\"", "client = \"brwoser\""),
        ("schema = 1", "schema = 999"),
        ("schema = 1", "schema = = 1"),
    ] {
        let file = bench.edited("ddia/5-3", from, to);
        for command in [["run", file], ["picture", file]] {
            let told = bench.refuses(&command);
            assert!(told.contains("my.toml:"), "{to}: {told}");
        }
    }
}

#[test]
fn what_is_no_scenario_file_is_refused() {
    let bench = Bench::new();
    fs::create_dir(bench.path("folder.toml")).expect("a folder");
    bench.refuses(&["run", "folder.toml"]);
    fs::write(bench.path("binary.toml"), [0xff, 0xfe, 0x00]).expect("a file");
    assert!(bench.refuses(&["run", "binary.toml"]).contains("UTF-8"));
    fs::write(bench.path("empty.toml"), "").expect("a file");
    assert!(bench.refuses(&["run", "empty.toml"]).contains("schema"));
    fs::write(bench.path("plain"), "").expect("a file");
    assert!(bench.refuses(&["run", "plain"]).contains("./plain"));
}

#[test]
fn bad_arguments_are_refused_in_clear_words() {
    let bench = Bench::new();
    for seed in ["-1", "1.5", "18446744073709551616", "one"] {
        let argument = format!("--seed={seed}");
        let told = bench.refuses(&["run", "ddia/5-3", &argument]);
        assert!(told.contains("0 to 18446744073709551615"), "{told}");
    }
    bench.prints(&["run", "ddia/5-3", "--seed", "18446744073709551615"]);
    bench.refuses(&["run", "ddia/5-3", "--seed="]);
    bench.refuses(&["run"]);
    bench.refuses(&["rnu", "ddia/5-3"]);
    bench.refuses(&["run", "ddia/5-3", "--format", "yaml"]);
    bench.refuses(&["run", "ddia/5-3", "--sede", "1"]);
    bench.refuses(&["picture", "ddia/5-3", "--size", "10x10"]);
    bench.refuses(&["picture", "ddia/5-3", "--at", "soon"]);
    bench.refuses(&["completions", "tcl"]);
}

#[test]
fn the_interface_asks_for_a_terminal_where_there_is_none() {
    let bench = Bench::new();
    for arguments in [&[][..], &["explore", "ddia/5-3"]] {
        assert!(bench.refuses(arguments).contains("terminal"));
    }
}

#[test]
fn help_is_no_mistake_and_holds_examples() {
    let bench = Bench::new();
    for command in [
        "list",
        "show",
        "run",
        "explore",
        "picture",
        "draw",
        "completions",
    ] {
        let help = bench.prints(&[command, "--help"]);
        assert!(help.contains(&format!("seedbed {command}")), "{help}");
        assert!(help.contains("Examples:"), "{help}");
    }
    assert!(bench.prints(&["--help"]).contains("Exit status"));
    assert!(bench.prints(&["--version"]).starts_with("seedbed "));
    for shell in ["bash", "zsh", "fish"] {
        assert!(bench.prints(&["completions", shell]).contains("seedbed"));
    }
}

#[test]
fn a_trace_is_written_whole_and_an_existing_file_wants_force() {
    let bench = Bench::new();
    let run = ["run", "ddia/5-3", "--trace", "run.jsonl"];
    bench.prints(&run);
    let trace = fs::read_to_string(bench.path("run.jsonl")).expect("a trace");
    let lines: Vec<Value> = trace
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let (report, _) = bench.report("ddia/5-3");
    assert_eq!(lines[0]["schema"], 2);
    assert_eq!(
        lines[0]["digest"], report["digest"],
        "looking closer changes nothing"
    );
    assert_eq!(
        lines.len() as u64 - 1,
        report["events"].as_u64().expect("a count")
    );
    for pair in lines[1..].windows(2) {
        assert!(pair[0]["event"].as_u64() < pair[1]["event"].as_u64());
        assert!(pair[1]["cause"].as_u64() < pair[1]["event"].as_u64());
    }
    fs::write(bench.path("run.jsonl"), "mine").expect("a file");
    assert!(bench.refuses(&run).contains("--force"));
    assert_eq!(
        fs::read_to_string(bench.path("run.jsonl")).expect("a file"),
        "mine"
    );
    bench.prints(&["run", "ddia/5-3", "--trace", "run.jsonl", "--force"]);
    assert_eq!(
        fs::read_to_string(bench.path("run.jsonl")).expect("a file"),
        trace
    );
    let told = bench.refuses(&["run", "ddia/5-3", "--trace", "no/such/run.jsonl"]);
    assert!(told.contains("no folder"), "{told}");
    assert_eq!(bench.files(), ["run.jsonl"], "nothing half-written is left");
}

#[test]
fn a_history_is_written_for_check_and_judged_there_as_in_the_run() {
    let bench = Bench::new();
    let run = ["run", "ddia/9-1", "--history", "h.jsonl"];
    bench.prints(&run);
    let history = fs::read_to_string(bench.path("h.jsonl")).expect("a history");
    let header: Value =
        serde_json::from_str(history.lines().next().expect("a header")).expect("JSON");
    assert_eq!(header["schema"], 1);
    assert_eq!(header["events"], history.lines().count() - 1);
    let (report, _) = bench.report("ddia/9-1");
    for check in ["linearizable", "monotonic-reads-in-real-time"] {
        let check_it = ["check", "h.jsonl", "--guarantee", check, "--format", "json"];
        let answer = bench.seedbed(&check_it);
        let answer: Value = serde_json::from_slice(&answer.stdout).expect("JSON");
        let holds = Some(answer["verdict"] == "holds");
        assert_eq!(holds, verdict(&report, check), "{answer}");
    }
    // Both tell one story.
    let told = bench.seedbed(&["check", "h.jsonl", "--format", "json"]);
    let told: Value = serde_json::from_slice(&told.stdout).expect("JSON");
    let verdicts = report["verdicts"].as_array().expect("verdicts");
    let reported = verdicts.iter().find(|it| it["check"] == "linearizable");
    assert_eq!(told["story"], reported.expect("it was judged")["story"]);

    fs::write(bench.path("h.jsonl"), "mine").expect("a file");
    assert!(bench.refuses(&run).contains("--force"));
    assert_eq!(
        fs::read_to_string(bench.path("h.jsonl")).expect("a file"),
        "mine"
    );
    bench.prints(&["run", "ddia/9-1", "--history", "h.jsonl", "--force"]);
    assert_eq!(
        fs::read_to_string(bench.path("h.jsonl")).expect("a file"),
        history
    );
    let both = ["run", "ddia/9-1", "--history", "t", "--trace", "t"];
    assert!(bench.refuses(&both).contains("a file each"));
    assert_eq!(bench.files(), ["h.jsonl"], "nothing half-written is left");
}

#[test]
fn a_trace_is_written_for_perfetto_where_that_is_asked_for() {
    let bench = Bench::new();
    let chrome = ["--trace-format", "chrome"];
    bench.prints(&[&["run", "ddia/5-3", "--trace", "run.json"], &chrome[..]].concat());
    let trace = fs::read_to_string(bench.path("run.json")).expect("a trace");
    let document: Value = serde_json::from_str(&trace).expect("one JSON document");
    assert_eq!(document["otherData"]["scenario"], "ddia/5-3");
    assert!(
        document["traceEvents"]
            .as_array()
            .is_some_and(|all| all.len() > 200)
    );
    let alone = bench.refuses(&[&["run", "ddia/5-3"], &chrome[..]].concat());
    assert!(alone.contains("--trace"), "{alone}");
    let unknown = bench.refuses(&[
        "run",
        "ddia/5-3",
        "--trace",
        "x",
        "--trace-format",
        "perfetto",
    ]);
    assert!(unknown.contains("jsonl, chrome"), "{unknown}");
    assert_eq!(bench.files(), ["run.json"]);
}

#[test]
fn a_shrunk_run_is_a_file_that_shows_it_again() {
    let bench = Bench::new();
    let shrink = ["shrink", "lag/generated-load", "--seed", "1"];
    let told = bench.prints(&[&shrink[..], &["--out", "small.toml"]].concat());
    assert!(told.contains("and it vanishes."), "{told}");
    let (report, status) = bench.report("small.toml");
    assert_eq!(status, 0);
    assert_eq!(
        verdict(&report, "read-your-writes-in-real-time"),
        Some(false)
    );
    let file = fs::read_to_string(bench.path("small.toml")).expect("a file");
    assert_eq!(bench.prints(&shrink), format!("{told}\n{file}"));
    let json = bench.prints(&[&shrink[..], &["--format", "json"]].concat());
    let json: Value = serde_json::from_str(&json).expect("a line of JSON");
    assert_eq!(json["schema"], 1);
    assert_eq!(json["check"], "read-your-writes-in-real-time");
    assert_eq!(json["toml"], file.as_str());
    let reasons = json["reasons"].as_array().expect("reasons");
    for reason in reasons {
        assert!(told.contains(reason["text"].as_str().expect("a sentence")));
    }
    assert!(json["after"]["operations"].as_u64() <= Some(10));
    let again = bench.refuses(&[&shrink[..], &["--out", "small.toml"]].concat());
    assert!(again.contains("--force"), "{again}");
    bench.prints(&[&shrink[..], &["--out", "small.toml", "--force"]].concat());
    assert_eq!(bench.files(), ["small.toml"]);
}

#[test]
fn the_page_on_shrinking_shows_what_the_program_prints() {
    let bench = Bench::new();
    let shrink = ["shrink", "lag/generated-load", "--seed", "1"];
    let told = bench.prints(&[&shrink[..], &["--out", "small.toml"]].concat());
    let file = fs::read_to_string(bench.path("small.toml")).expect("a file");
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../book/src/shrinking.md");
    let page = fs::read_to_string(page).expect("the page");
    let shows = |language: &str, text: &str| page.contains(&format!("```{language}\n{text}```\n"));
    assert!(
        shows("text", &told),
        "put this on book/src/shrinking.md:\n{told}"
    );
    assert!(
        shows("toml", &file),
        "put this on book/src/shrinking.md:\n{file}"
    );
}

#[test]
fn what_holds_is_not_shrunk_and_what_can_not_be_kept_is_refused() {
    let bench = Bench::new();
    for extra in [&[][..], &["--keep", "durability"]] {
        let arguments = [&["shrink", "lag/crash-catch-up", "--out", "s.toml"], extra].concat();
        let output = bench.seedbed(&arguments);
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output.stdout).starts_with("nothing to shrink: "));
    }
    let json = bench.seedbed(&["shrink", "lag/crash-catch-up", "--format", "json"]);
    let json: Value = serde_json::from_slice(&json.stdout).expect("a line of JSON");
    assert_eq!(json["schema"], 1);
    let told = bench.refuses(&["shrink", "ddia/5-4", "--keep", "durablity"]);
    assert!(told.contains("did you mean durability?"), "{told}");
    let told = bench.refuses(&["shrink", "ddia/5-44"]);
    assert!(told.contains("ddia/5-4"), "{told}");
    let told = bench.refuses(&["shrink", "ddia/5-4", "--out", "no/such/s.toml"]);
    assert!(told.contains("no folder"), "{told}");
    assert!(bench.files().is_empty(), "nothing is left");
}

#[test]
fn a_picture_is_an_svg_of_the_screen() {
    let bench = Bench::new();
    bench.prints(&["picture", "ddia/5-3", "--at", "100ms", "--out", "lab.svg"]);
    let svg = fs::read_to_string(bench.path("lab.svg")).expect("a picture");
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
    assert!(svg.contains("ddia/5-3, seed 1, at ") && svg.contains(">follower-1</text>"));
    assert!(
        bench
            .refuses(&["picture", "ddia/5-3", "--out", "lab.svg"])
            .contains("--force")
    );
    let zoomed = bench.prints(&["picture", "ddia/5-3", "--size", "80x24", "--keys", "55"]);
    assert!(
        !zoomed.contains(">follower-2</text>"),
        "only the timeline is left"
    );
    assert!(
        bench
            .refuses(&["picture", "ddia/5-3", "--keys", "q"])
            .contains("leaves")
    );
}

#[test]
fn a_diagram_is_drawn_to_a_file_or_to_standard_output() {
    let bench = Bench::new();
    let printed = bench.prints(&["draw", "ddia/5-3"]);
    assert!(printed.starts_with("<svg ") && printed.ends_with("</svg>\n"));
    assert!(
        printed.contains("read-your-writes-in-real-time is violated") && printed.contains("@media")
    );
    bench.prints(&[
        "draw",
        "ddia/5-3",
        "--around",
        "anomaly",
        "--out",
        "stale.svg",
    ]);
    let written = fs::read_to_string(bench.path("stale.svg")).expect("a diagram");
    assert_eq!(
        written, printed,
        "the first anomaly is what it draws by itself"
    );
    let other = bench.prints(&["draw", "ddia/5-3", "--from", "5ms", "--to", "30ms"]);
    assert!(other.contains("5.000 ms to 30.000 ms of virtual time"));
    let history = bench.prints(&["draw", "ddia/5-3", "--timeline"]);
    assert!(history.contains("<title>Timeline of ddia/5-3, seed 1</title>"));
    let dark = bench.prints(&["draw", "ddia/5-3", "--theme", "dark"]);
    assert!(dark.contains(".paper{fill:#14171d}") && !dark.contains("@media"));
    fs::write(bench.path("my.toml"), bench.prints(&["show", "ddia/5-3"])).expect("a file");
    assert!(
        bench
            .prints(&["draw", "my.toml", "--seed", "2"])
            .contains("my.toml, seed 2")
    );
}

/// The width and height that a PNG says it has, and its bytes.
fn png(path: &Path) -> (u32, u32, Vec<u8>) {
    let bytes = fs::read(path).expect("a PNG");
    assert_eq!(&bytes[..8], b"\x89PNG\r\n\x1a\n");
    let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().expect("4 bytes"));
    (number(16), number(20), bytes)
}

#[test]
#[cfg(feature = "png")]
fn a_diagram_is_a_png_where_its_name_says_so_or_it_is_asked_for() {
    let bench = Bench::new();
    bench.prints(&["draw", "ddia/5-3", "--out", "light.png"]);
    bench.prints(&["draw", "ddia/5-3", "--out", "again.PNG", "--theme", "light"]);
    bench.prints(&[
        "draw", "ddia/5-3", "--out", "dark", "--theme", "dark", "--format", "png",
    ]);
    let (width, height, light) = png(&bench.path("light.png"));
    assert!(width == 2_400 && height > 1_000, "{width} x {height}");
    assert_eq!(light, png(&bench.path("again.PNG")).2, "the same bytes");
    assert_ne!(light, png(&bench.path("dark")).2);
    bench.prints(&["draw", "ddia/5-3", "--out", "named.png", "--format", "svg"]);
    let named = fs::read_to_string(bench.path("named.png")).expect("text");
    assert!(
        named.starts_with("<svg "),
        "what is asked for counts for more than a name"
    );
}

#[test]
fn windows_and_files_that_make_no_sense_are_refused_before_anything_is_drawn() {
    let bench = Bench::new();
    let refuses = |arguments: &[&str]| bench.refuses(&[&["draw", "ddia/5-3"], arguments].concat());
    let told = refuses(&["--from", "30ms", "--to", "20ms", "--out", "x.svg"]);
    assert!(told.contains("not after its begin at 30.000 ms"), "{told}");
    let told = refuses(&["--from", "5s"]);
    assert!(told.contains("the run is over at 1000.930 ms"), "{told}");
    let told = refuses(&["--around", "anomaly:3"]);
    assert!(told.contains("there are 2 anomalies in this run"), "{told}");
    let told = refuses(&["--around", "fault"]);
    assert!(told.contains("there is no fault in this run"), "{told}");
    let told = refuses(&["--around", "crash"]);
    assert!(told.contains("anomaly or fault"), "{told}");
    assert!(refuses(&["--around", "anomaly", "--from", "1ms"]).contains("--from"));
    assert!(refuses(&["--format", "gif"]).contains("svg, png"));
    assert!(refuses(&["--theme", "blue"]).contains("auto, light or dark"));
    assert!(refuses(&["--from", "soon"]).contains("120ms"));
    assert!(refuses(&["--out", "no/such/x.svg"]).contains("no folder"));
    fs::write(bench.path("mine.svg"), "mine").expect("a file");
    assert!(refuses(&["--out", "mine.svg"]).contains("--force"));
    let kept = fs::read_to_string(bench.path("mine.svg")).expect("a file");
    assert_eq!(kept, "mine");
    bench.prints(&["draw", "ddia/5-3", "--out", "mine.svg", "--force"]);
    assert_eq!(bench.files(), ["mine.svg"], "nothing half-written is left");
    let told = bench.refuses(&["draw", "ddia/5-33"]);
    assert!(told.contains("Did you mean ddia/5-3?"), "{told}");
}

#[test]
fn a_closed_pipe_ends_the_program_quietly() {
    let bench = Bench::new();
    for arguments in [
        &["run", "lag/generated-load"][..],
        &["show", "ddia/5-3"],
        &["list", "--format", "json"],
        &["picture", "ddia/5-3"],
        &["draw", "ddia/5-3"],
        &["completions", "zsh"],
        &["--help"],
    ] {
        let mut child = bench
            .command(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("the program ends");
        assert_eq!(text(&output.stderr), "", "{arguments:?}");
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
    }
}

#[test]
#[cfg(unix)]
fn what_is_written_may_be_a_device() {
    let bench = Bench::new();
    bench.prints(&["run", "ddia/5-3", "--trace", "/dev/null"]);
    assert!(!Path::new("/dev/null").is_file());
}
