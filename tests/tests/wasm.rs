//! One seed is one run on another platform too: a 32-bit one, with other hashing and another maths library, which a page
//! of the book could be. The catalog is built for WebAssembly, Node.js runs it, and the digests must be the native ones.
//!
//! Where there is no Node.js or no Rust target `wasm32-unknown-unknown`, the test says so and passes.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;

use seedbed_scenarios::catalog::CATALOG;
use seedbed_scenarios::session::Keep;
use seedbed_tests::runs::open;
use seedbed_tests::sources::root;

const TARGET: &str = "wasm32-unknown-unknown";
const SEEDS: [u64; 4] = [1, 2, 3, u64::MAX];

/// Prints a line `index seed digest` for each scenario of the catalog at each of the seeds.
const DRIVER: &str = r#"
const [file, ...seeds] = process.argv.slice(1);
const bytes = require("node:fs").readFileSync(file);
WebAssembly.instantiate(bytes, {}).then(({ instance }) => {
    const { scenario_count, digest_of } = instance.exports;
    for (let index = 0; index < scenario_count(); index++) {
        for (const seed of seeds) {
            const digest = BigInt.asUintN(64, digest_of(index, BigInt(seed)));
            console.log(`${index} ${seed} ${digest.toString(16).padStart(16, "0")}`);
        }
    }
});
"#;

/// What a command prints; `None` when it can't be run or fails.
fn output_of(command: &mut Command) -> Option<String> {
    let output = command
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Why WebAssembly can't be tested here, if it can't.
fn what_is_missing() -> Option<&'static str> {
    if output_of(Command::new("node").arg("--version")).is_none() {
        return Some("there is no Node.js");
    }
    let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or("rustc".into()));
    let libraries = output_of(rustc.args(["--print", "target-libdir", "--target", TARGET]));
    let is_there = libraries.is_some_and(|path| PathBuf::from(path.trim()).is_dir());
    (!is_there).then_some("Rust's target wasm32-unknown-unknown is not installed")
}

/// Builds the module, in a folder of its own, since the folder of this build is locked; returns its file.
fn build() -> PathBuf {
    let target_dir = root().join("target").join("wasm-tests");
    let output = Command::new(env!("CARGO"))
        .current_dir(root())
        .args([
            "build",
            "--release",
            "--locked",
            "--package",
            "seedbed-tests-wasm",
        ])
        .args(["--target", TARGET, "--target-dir"])
        .arg(&target_dir)
        // What was meant for the native build of a test under coverage or the like.
        .env_remove("RUSTFLAGS")
        .output()
        .expect("cargo can be run");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    target_dir
        .join(TARGET)
        .join("release")
        .join("seedbed_tests_wasm.wasm")
}

#[test]
fn one_seed_is_the_same_run_under_webassembly() {
    if let Some(missing) = what_is_missing() {
        // Not by a macro, whose words the harness would keep to itself when the test passes.
        writeln!(std::io::stderr(), "skipped: {missing}").expect("stderr takes a line");
        return;
    }
    let module = build();
    let mut node = Command::new("node");
    node.arg("--eval").arg(DRIVER).arg("--").arg(&module);
    node.args(SEEDS.map(|seed| seed.to_string()));
    let output = node.output().expect("node can be run");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let under_wasm = String::from_utf8_lossy(&output.stdout);
    let mut under_wasm = under_wasm.lines();
    for (index, entry) in CATALOG.iter().enumerate() {
        for seed in SEEDS {
            let mut run = open(entry.name, seed, Keep::Digest);
            run.run_to_end();
            let natively = format!("{index} {seed} {:016x}", run.digest());
            assert_eq!(
                under_wasm.next(),
                Some(natively.as_str()),
                "{}, seed {seed}: the other platform ran something else",
                entry.name
            );
        }
    }
    assert_eq!(under_wasm.next(), None);
}
