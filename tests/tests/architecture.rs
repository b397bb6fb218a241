//! The walls of the architecture page stand, and what is said to be absent is absent.

use std::collections::BTreeSet;
use std::fs;

use seedbed_tests::sources::{Source, all, production, read, root};

const KERNELS: [&str; 3] = ["sim", "protocols", "scenarios"];
const CRATES: [&str; 6] = ["sim", "protocols", "scenarios", "tui", "book", "tests"];
const NATIVE: &str = "sim/src/disk/file_disk";

/// Demands that the page still says what a test is about; whoever rewrites the sentence looks at the test too.
fn page_says(sentence: &str) {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let page = words(&read("book/src/contributing/architecture.md"));
    assert!(
        page.contains(&words(sentence)),
        "the architecture page does not say: {sentence}"
    );
}

fn sources(crate_name: &str) -> Vec<Source> {
    let folder = if crate_name == "book" {
        "book/preprocessor".to_owned()
    } else {
        format!("{crate_name}/src")
    };
    production(&folder)
}

/// Demands that of the crate `root` these sources name nothing but what is allowed.
fn name_only(sources: &[Source], root: &str, allowed: &[&str]) {
    for source in sources {
        for name in source.names_of(root) {
            assert!(
                allowed.contains(&name.as_str()),
                "{} uses {root}::{name}; allowed are {allowed:?}",
                source.path
            );
        }
    }
}

fn have_no_word(sources: &[Source], words: &[&str]) {
    for source in sources {
        for word in words {
            assert!(!source.has_word(word), "{} has {word}", source.path);
        }
    }
}

/// The lines of one table of a crate's manifest, as key and value.
fn table(crate_name: &str, header: &str) -> Vec<(String, String)> {
    let manifest = read(&format!("{crate_name}/Cargo.toml"));
    let table = manifest.lines().skip_while(|line| *line != header).skip(1);
    table
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()))
        .collect()
}

fn dependencies(crate_name: &str) -> Vec<String> {
    let table = table(crate_name, "[dependencies]");
    table.into_iter().map(|(name, _)| name).collect()
}

#[test]
fn imports_go_one_way_only() {
    page_says("Arrows are imports, and between the four crates there are no others.");
    let allowed: [(&str, &[&str]); 4] = [
        ("sim", &[]),
        ("protocols", &["seedbed-sim"]),
        ("scenarios", &["seedbed-protocols", "seedbed-sim"]),
        ("tui", &["seedbed-scenarios", "seedbed-sim"]),
    ];
    for (crate_name, allowed) in allowed {
        let own: Vec<String> = dependencies(crate_name)
            .into_iter()
            .filter(|name| name.starts_with("seedbed"))
            .collect();
        assert_eq!(own, allowed, "{crate_name}/Cargo.toml");
    }
}

#[test]
fn the_world_names_no_protocol() {
    page_says("`sim` names no protocol.");
    let words = [
        "leader",
        "follower",
        "replica",
        "replication",
        "quorum",
        "primary",
        "hint",
        "merkle",
        "raft",
        "sql",
    ];
    for source in sources("sim") {
        let code = source.code.to_lowercase();
        let found = words.iter().find(|word| {
            code.split(|c: char| !c.is_alphabetic())
                .any(|part| part == **word || part == format!("{word}s"))
        });
        assert_eq!(found, None, "{}", source.path);
    }
}

#[test]
fn protocols_know_the_contracts_and_not_the_world() {
    page_says(
        "`protocols` uses of `sim` the contracts (process, context, disk, time, randomness, identifiers) and never the world.",
    );
    page_says("`Instant` is the world's own and no process ever sees it");
    let contracts = [
        // The process and what it is lent.
        "Process",
        "Context",
        "Halt",
        "Outcome",
        "Reason",
        "TimerHandle",
        "Datum",
        "Payload",
        "Kind",
        // The disk.
        "Disk",
        "DiskError",
        "DiskCounters",
        "OpenMode",
        "Spent",
        // Time as a node knows it, and randomness.
        "Span",
        "LocalInstant",
        "WallTime",
        "Stream",
        // Identifiers.
        "NodeId",
        "RequestId",
        "FileHandle",
        "SyncTicket",
        // A vector that forks share.
        "ChunkedVec",
    ];
    name_only(&sources("protocols"), "seedbed_sim", &contracts);
}

#[test]
fn nothing_in_a_protocol_hangs_on_reference_counts_or_on_drop() {
    page_says("nothing in an engine may hang on reference counts or on `Drop`");
    let words = [
        "strong_count",
        "weak_count",
        "Weak",
        "Drop",
        "try_unwrap",
        "unwrap_or_clone",
        "into_inner",
        "get_mut",
        "is_unique",
        "ptr_eq",
    ];
    let on_arc: Vec<String> = words[3..]
        .iter()
        .map(|word| format!("Arc::{word}"))
        .collect();
    let mut forbidden: Vec<&str> = words[..3].to_vec();
    forbidden.extend(on_arc.iter().map(String::as_str));
    forbidden.push("Drop for");
    have_no_word(&sources("protocols"), &forbidden);
}

#[test]
fn nothing_outside_the_seed_reaches_a_world() {
    page_says(
        "`sim`, `protocols` and `scenarios` hold no thread, socket, real clock, OS randomness or file access, outside one clearly named native module each.",
    );
    let words = [
        "std::thread",
        "thread_local",
        "Mutex",
        "RwLock",
        "OnceLock",
        "LazyLock",
        "mpsc",
        "async",
        "std::net",
        "std::time",
        "SystemTime",
        "std::fs",
        "std::env",
        "std::process",
        "std::os",
        "HashMap",
        "HashSet",
        "RandomState",
        "DefaultHasher",
        "OsRng",
        "getrandom",
        "thread_rng",
        "println",
        "eprintln",
        "stdin",
        "stdout",
        "static mut",
    ];
    for crate_name in KERNELS {
        let (native, sources): (Vec<Source>, Vec<Source>) = sources(crate_name)
            .into_iter()
            .partition(|source| source.path.starts_with(NATIVE));
        have_no_word(&sources, &words);
        for source in &sources {
            let of_std = source.names_of("std");
            let outside = ["thread", "net", "time", "fs", "env", "process", "os", "io"];
            let found: Vec<_> = outside
                .iter()
                .filter(|name| of_std.contains(**name))
                .collect();
            assert!(found.is_empty(), "{} uses {found:?} of std", source.path);
        }
        name_only(&sources, "std::sync", &["Arc"]);
        let ordered = ["BTreeMap", "BTreeSet", "BinaryHeap", "VecDeque"];
        name_only(&sources, "std::collections", &ordered);
        let uses_files = |source: &Source| source.has_word("std::fs") || source.has_word("fs");
        assert_eq!(
            native.iter().any(uses_files),
            crate_name == "sim",
            "the one native module is {NATIVE}"
        );
    }
}

#[test]
fn no_dependency_brings_in_what_is_banned() {
    let banned = [
        "tokio",
        "async-std",
        "rayon",
        "crossbeam",
        "rand",
        "getrandom",
        "chrono",
        "time",
        "libc",
        "parking_lot",
        "petname",
        "uuid",
        "ahash",
        "hashbrown",
        "reqwest",
        "mio",
    ];
    for crate_name in KERNELS {
        for dependency in dependencies(crate_name) {
            assert!(
                !banned.contains(&dependency.as_str()),
                "{crate_name} depends on {dependency}"
            );
        }
        let bans = read(&format!("{crate_name}/clippy.toml"));
        for word in [
            "HashMap",
            "HashSet",
            "Instant::now",
            "thread::spawn",
            "UdpSocket",
        ] {
            assert!(bans.contains(word), "{crate_name}/clippy.toml bans {word}");
        }
    }
}

#[test]
fn the_kernels_state_holds_no_float_and_its_hot_path_no_trait_object() {
    page_says("Time is integer nanoseconds");
    page_says("nothing is boxed or encoded on the hot path");
    let world: Vec<Source> = sources("sim")
        .into_iter()
        .filter(|source| !source.path.contains("/random/"))
        .collect();
    for source in world
        .iter()
        .filter(|source| !source.path.ends_with("/time.rs"))
    {
        assert!(!source.has_word("f64"), "{} has a float", source.path);
        assert!(!source.has_word("f32"), "{} has a float", source.path);
    }
    // Times can be shown in milliseconds; that is all.
    let time = world
        .iter()
        .find(|source| source.path.ends_with("/time.rs"));
    let floats = time.expect("sim/src/time.rs").after_word("f64");
    assert!(
        floats.count() <= 4,
        "times are shown as floats and never made from them"
    );
    for source in world
        .iter()
        .filter(|source| source.path.contains("/world/"))
    {
        assert!(
            !source.has_word("dyn"),
            "{} has a trait object",
            source.path
        );
    }
}

#[test]
fn checkers_see_the_history_alone() {
    page_says("Nothing else: no replica, no log, no trace.");
    let checkers = production("scenarios/src/checkers");
    have_no_word(&checkers, &["seedbed_protocols"]);
    name_only(&checkers, "seedbed_sim", &["EventId", "Instant", "Span"]);
    // Measures see what checkers see, and no more: the next test but one. A search by halves sees nothing at all.
    name_only(
        &checkers,
        "crate",
        &["checkers", "history", "measures", "search"],
    );
    for source in &checkers {
        assert!(
            !source.has_word("shrink"),
            "{} looks at runs while it shrinks them",
            source.path
        );
    }
    let history = production("scenarios/src/history");
    have_no_word(&history, &["seedbed_protocols"]);
    name_only(&history, "seedbed_sim", &["EventId", "Instant", "Span"]);
    name_only(&history, "crate", &["history"]);
}

#[test]
fn reports_are_made_of_facts_and_not_of_runs() {
    let reports = production("scenarios/src/report");
    have_no_word(&reports, &["seedbed_protocols"]);
    name_only(&reports, "seedbed_sim", &["EventId", "Instant", "Span"]);
    name_only(&reports, "crate", &["checkers", "history", "measures"]);
}

#[test]
fn measures_see_what_checkers_see() {
    page_says("**Measures** see what checkers see, and say how far instead of whether");
    let measures = production("scenarios/src/measures");
    have_no_word(&measures, &["seedbed_protocols"]);
    name_only(&measures, "seedbed_sim", &["EventId", "Instant", "Span"]);
    name_only(&measures, "crate", &["checkers", "history"]);
}

#[test]
fn one_place_runs_many_worlds_at_once() {
    page_says("the one place where many worlds run at once");
    let threads = [
        "rayon",
        "std::thread::spawn",
        "thread::spawn",
        "thread::Builder",
    ];
    let workers = "tui/src/cli/workers.rs";
    for crate_name in CRATES {
        let (found, others): (Vec<Source>, Vec<Source>) = sources(crate_name)
            .into_iter()
            .partition(|source| source.path == workers);
        have_no_word(&others, &threads);
        assert_eq!(
            found.iter().any(|s| s.has_word("rayon")),
            crate_name == "tui"
        );
    }
}

#[test]
fn only_sessions_know_both_the_world_and_the_protocols() {
    page_says("Of `scenarios`, only sessions know the world and the protocols.");
    for source in sources("scenarios") {
        let is_session = source.path.contains("/session/");
        let protocols = source.names_of("seedbed_protocols");
        // A scenario file names a storage engine; that is all that it knows of protocols.
        let foreign: Vec<_> = protocols.iter().filter(|name| *name != "storage").collect();
        assert!(
            is_session || foreign.is_empty(),
            "{}: {foreign:?}",
            source.path
        );
        assert!(is_session || !source.has_word("World"), "{}", source.path);
    }
}

#[test]
fn only_sessions_make_views() {
    page_says("Panels and pictures draw it; only `scenarios` makes it.");
    let views = [
        "View",
        "NodeView",
        "LagSeries",
        "OperationView",
        "AnomalyView",
        "FaultView",
        "MessageView",
        "LogLine",
        "ExpectationView",
    ];
    let mut makers = BTreeSet::new();
    for crate_name in ["scenarios", "tui", "book"] {
        for source in sources(crate_name) {
            if views.iter().any(|view| source.makes(view)) {
                makers.insert(source.path);
            }
        }
    }
    let strangers: Vec<_> = makers
        .iter()
        .filter(|path| !path.starts_with("scenarios/src/session/"))
        .collect();
    assert!(!makers.is_empty(), "sessions make views");
    assert!(strangers.is_empty(), "{strangers:?} make views");
}

#[test]
fn the_program_draws_views_and_computes_no_meaning() {
    page_says("Draws views, computes no meaning.");
    page_says(
        "Of `sim` the program uses the words that views and commands speak in (identifiers, times, faults, the seed), and the real directory that `seedbed store` lends to an engine, and no more.",
    );
    let program = sources("tui");
    have_no_word(&program, &["seedbed_protocols"]);
    let words = [
        "Instant",
        "Span",
        "NodeId",
        "EventId",
        "FaultId",
        "Fault",
        "Direction",
        "InFlight",
        "LinkTarget",
        "Seed",
        "FileDisk",
    ];
    name_only(&program, "seedbed_sim", &words);
    let panels = production("tui/src/panels");
    name_only(&panels, "seedbed_scenarios", &["view"]);
}

#[test]
fn what_is_drawn_and_updated_does_no_input_or_output() {
    let pure = |source: &Source| {
        let parts = [
            "panels/",
            "update",
            "model.rs",
            "draw.rs",
            "layout.rs",
            "text.rs",
            "theme.rs",
        ];
        parts
            .iter()
            .any(|part| source.path.starts_with(&format!("tui/src/{part}")))
    };
    let pure: Vec<Source> = sources("tui").into_iter().filter(pure).collect();
    assert!(
        pure.len() > 10,
        "the interface has moved; tell this test where to"
    );
    let words = [
        "std::fs",
        "std::io",
        "std::env",
        "std::thread",
        "stdout",
        "println",
    ];
    have_no_word(&pure, &words);
    name_only(&pure, "std::time", &["Duration"]);
}

#[test]
fn the_root_holds_what_the_page_lists_and_nothing_else() {
    let listed = [
        "Cargo.toml",
        "Cargo.lock",
        "README.md",
        "LICENSE",
        "mdbook.toml",
        ".gitignore",
        ".git",
        ".ci",
        ".cargo",
        "target",
    ];
    for entry in fs::read_dir(root()).expect("the root can be read") {
        let name = entry.expect("an entry").file_name();
        let name = name.to_string_lossy().into_owned();
        assert!(
            listed.contains(&name.as_str()) || CRATES.contains(&name.as_str()),
            "{name} does not belong in the root"
        );
    }
    for crate_name in CRATES {
        page_says(&format!("{crate_name}/ "));
    }
}

#[test]
fn every_crate_keeps_the_workspaces_lints_and_no_code_is_unsafe() {
    for crate_name in CRATES {
        let lints = table(crate_name, "[lints]");
        assert_eq!(
            lints,
            [("workspace".to_owned(), "true".to_owned())],
            "{crate_name}"
        );
        for source in sources(crate_name) {
            assert!(!source.has_word("unsafe"), "{} is unsafe", source.path);
        }
    }
}

/// Files are mostly under 500 lines. An exception gets a line here that says why.
#[test]
fn files_are_short_enough_to_be_read_at_a_sitting() {
    const LONGEST: usize = 800;
    let exceptions: [(&str, &str); 0] = [];
    let sources: Vec<Source> = CRATES.iter().flat_map(|name| all(name)).collect();
    let length = |source: &Source| source.text.lines().count();
    for source in &sources {
        let is_excused = exceptions.iter().any(|(path, _)| *path == source.path);
        assert!(
            is_excused || length(source) <= LONGEST,
            "{} has {} lines",
            source.path,
            length(source)
        );
    }
    let long = sources.iter().filter(|source| length(source) > 500).count();
    assert!(
        long * 10 <= sources.len(),
        "{long} of {} files are long",
        sources.len()
    );
}

#[test]
fn every_folder_of_modules_begins_with_its_chapter() {
    for crate_name in CRATES {
        for source in sources(crate_name) {
            let is_chapter = ["mod.rs", "lib.rs", "main.rs"]
                .iter()
                .any(|name| source.path.ends_with(&format!("/{name}")));
            assert!(
                !is_chapter || source.text.starts_with("//!"),
                "{} says nothing about itself",
                source.path
            );
        }
    }
}
