//! Golden scripts: commands, `---`, and what came of them.
//!
//! All engines must give the same answers to the scripts in `scripts/shared`. Each engine has scripts of its own in the
//! folder of its name. To write the answers anew: `UPDATE_GOLDEN=1 cargo test -p seedbed-protocols golden`, then read
//! the difference.
//!
//! ```text
//! put KEY VALUE                     del KEY                    get KEY [at=ID]
//! batch KEY=VALUE KEY= -KEY …       snapshot                   release ID
//! delrange FROM [TO]                maintain BYTES
//! scan [from=KEY] [to=KEY] [limit=N] [at=ID] [back]            sync | verify | stats
//! reopen [salvage]                  crash: drops what is not durable, and opens again
//! dump: the bytes of the log, frame by frame                   flip OFFSET | cut LENGTH | append BYTES
//! ```
//! Keys, values and bytes may hold `\xNN`; `''` is empty and `x*300` is 300 times x.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use seedbed_sim::{DiskConfig, FileHandle, OpenMode, SimDisk};

use super::*;
use crate::storage::frame::OnCorruption;

const LOG: &str = "engine.log";

struct Runner {
    kind: EngineKind,
    disk: SimDisk,
    engine: Result<Box<dyn Engine>, EngineError>,
}

impl Runner {
    fn new(kind: EngineKind) -> Self {
        let mut disk = SimDisk::new(DiskConfig::instant());
        let engine = open_engine(kind, &mut disk, &EngineOptions::default());
        Self {
            kind,
            disk,
            engine: engine.map(|(engine, _)| engine),
        }
    }

    /// Runs one line and says what came of it.
    fn run(&mut self, line: &str) -> String {
        let mut words = line.split_whitespace();
        let command = words.next().expect("a command");
        let arguments: Vec<&str> = words.collect();
        let result = match command {
            "reopen" => Ok(self.reopen(&arguments)),
            "crash" => {
                self.disk.crash(self.disk.now());
                Ok(self.reopen(&arguments))
            }
            "dump" => Ok(self.dump()),
            "flip" | "cut" | "append" => self.damage(command, arguments[0]),
            _ => self.run_on_engine(command, &arguments),
        };
        result.unwrap_or_else(|error| format!("error: {error}"))
    }

    fn run_on_engine(&mut self, command: &str, words: &[&str]) -> Result<String, EngineError> {
        let engine = self.engine.as_mut().map_err(|error| error.clone())?;
        let disk = &mut self.disk;
        match command {
            "put" => {
                engine.put(disk, bytes(words[0]), bytes(words[1]))?;
            }
            "del" => {
                engine.delete(disk, bytes(words[0]))?;
            }
            "delrange" => {
                let (from, to) = (bytes(words[0]), words.get(1).copied().map(bytes));
                engine.write(disk, &[Change::DeleteRange { from, to }])?;
            }
            "maintain" => {
                engine.maintain(disk, number(words[0]))?;
            }
            "batch" => {
                let batch: Vec<_> = words.iter().copied().map(change).collect();
                engine.write(disk, &batch)?;
            }
            "get" => {
                let got = engine.get(disk, &bytes(words[0]), snapshot(words))?;
                return Ok(got.map_or("absent".to_owned(), |value| shown(&value)));
            }
            "scan" => return scan(&mut **engine, disk, words),
            "snapshot" => return Ok(format!("snapshot {}", engine.snapshot().0)),
            "release" => engine.release(SnapshotId(number(words[0]))),
            "sync" => engine.sync(disk)?,
            "verify" => engine.verify(disk)?,
            "stats" => return Ok(format!("{:?}", engine.stats())),
            other => panic!("no command {other:?}"),
        }
        Ok("ok".to_owned())
    }

    fn reopen(&mut self, words: &[&str]) -> String {
        let on_corruption = if words.contains(&"salvage") {
            OnCorruption::Salvage
        } else {
            OnCorruption::Refuse
        };
        let options = EngineOptions {
            on_corruption,
            ..EngineOptions::default()
        };
        match open_engine(self.kind, &mut self.disk, &options) {
            Ok((engine, recovery)) => {
                self.engine = Ok(engine);
                format!("{recovery:?}")
            }
            Err(error) => {
                let shown = format!("error: {error}");
                self.engine = Err(error);
                shown
            }
        }
    }

    fn log(&mut self) -> (FileHandle, Vec<u8>) {
        let file = self.disk.open(LOG, OpenMode::Existing).unwrap();
        let len = self.disk.len(file).unwrap();
        let mut content = vec![0; len as usize];
        self.disk.read_at(file, 0, &mut content).unwrap();
        (file, content)
    }

    fn damage(&mut self, command: &str, argument: &str) -> Result<String, EngineError> {
        let (file, content) = self.log();
        match command {
            "flip" => {
                let at = number(argument);
                self.disk.write_at(file, at, &[content[at as usize] ^ 1])?;
            }
            "cut" => {
                let len = content.len() as u64 - number(argument);
                self.disk.truncate(file, len)?;
            }
            _ => {
                self.disk.append(file, &bytes(argument))?;
            }
        }
        self.disk.sync(file)?;
        Ok("ok".to_owned())
    }

    fn dump(&mut self) -> String {
        let (_, log) = self.log();
        let mut out = format!("0: {}", shown(&log[..16]));
        let mut at = 16;
        while at < log.len() {
            let number = |from: usize| u32::from_le_bytes(log[from..from + 4].try_into().unwrap());
            let payload = number(at + 4) as usize;
            let end = at + 16 + payload;
            let _ = write!(
                out,
                "\n{at}: crc {:08x}, length {payload}, synced {}, payload {}, length {}",
                number(at),
                number(at + 8),
                shown(&log[at + 16..end]),
                number(end)
            );
            at = end + 4;
        }
        out
    }
}

fn scan(
    engine: &mut dyn Engine,
    disk: &mut dyn Disk,
    words: &[&str],
) -> Result<String, EngineError> {
    let from = option(words, "from=").map(bytes);
    let to = option(words, "to=").map(bytes);
    let bounds = Bounds {
        from: from.as_deref(),
        to: to.as_deref(),
    };
    let direction = if words.contains(&"back") {
        ScanDirection::Backward
    } else {
        ScanDirection::Forward
    };
    let limit = option(words, "limit=").map_or(usize::MAX, |n| number(n) as usize);
    let mut rows = Vec::new();
    let resume = engine.scan(disk, snapshot(words), bounds, direction, limit, &mut rows)?;
    let mut out: Vec<_> = rows
        .iter()
        .map(|row| format!("{}={}", shown(&row.key), shown(&row.value)))
        .collect();
    if let Some(key) = resume {
        out.push(format!("(more from {})", shown(&key)));
    }
    if out.is_empty() {
        out.push("nothing".to_owned());
    }
    Ok(out.join(" "))
}

fn option<'a>(words: &[&'a str], name: &str) -> Option<&'a str> {
    words.iter().find_map(|word| word.strip_prefix(name))
}

fn snapshot(words: &[&str]) -> Option<SnapshotId> {
    option(words, "at=").map(|id| SnapshotId(number(id)))
}

fn number(word: &str) -> u64 {
    word.parse().expect("a number")
}

fn change(word: &str) -> Change {
    match (word.strip_prefix('-'), word.split_once('=')) {
        (Some(key), _) => Change::Delete(bytes(key)),
        (None, Some((key, value))) => Change::Put(bytes(key), bytes(value)),
        (None, None) => panic!("{word:?} is no change"),
    }
}

fn bytes(word: &str) -> Bytes {
    if word == "''" {
        return Bytes::new();
    }
    if let Some((repeated, count)) = word.split_once('*') {
        return bytes(repeated).repeat(number(count) as usize).into();
    }
    let mut out = Vec::new();
    let mut rest = word;
    while let Some((before, after)) = rest.split_once("\\x") {
        out.extend_from_slice(before.as_bytes());
        out.push(u8::from_str_radix(&after[..2], 16).expect("two hexadecimal digits"));
        rest = &after[2..];
    }
    out.extend_from_slice(rest.as_bytes());
    out.into()
}

/// Bytes for people: long runs are shortened.
fn shown(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "''".to_owned();
    }
    if bytes.len() > 40 && bytes.iter().all(|byte| byte == &bytes[0]) {
        return format!("{}*{}", [bytes[0]].escape_ascii(), bytes.len());
    }
    bytes.escape_ascii().to_string()
}

/// Runs a script: the same text with the answers as they are now.
fn answered(script: &str, kind: EngineKind) -> String {
    let mut runner = Runner::new(kind);
    let mut out = String::new();
    let mut is_answer = false;
    let mut answers = String::new();
    for line in script.lines().chain([""]) {
        match line {
            "---" => {
                let _ = write!(out, "---\n{answers}");
                answers.clear();
                is_answer = true;
            }
            "" => {
                is_answer = false;
                out.push('\n');
            }
            _ if is_answer => {}
            command => {
                let _ = writeln!(out, "{command}");
                if !command.starts_with('#') {
                    let _ = writeln!(answers, "{}", runner.run(command));
                }
            }
        }
    }
    assert_eq!(answers, "", "a block lacks its ---");
    format!("{}\n", out.trim_end())
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("src/storage/tests/scripts")
        .join(name)
}

#[allow(
    clippy::disallowed_methods,
    reason = "how a person asks a test to write its file"
)]
fn check_folder(name: &str, kind: EngineKind) {
    let mut count = 0;
    for file in std::fs::read_dir(folder(name)).unwrap() {
        let path = file.unwrap().path();
        let script = std::fs::read_to_string(&path).unwrap();
        let now = answered(&script, kind);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&path, now).unwrap();
        } else {
            assert_eq!(now, script, "{} on {kind}", path.display());
        }
        count += 1;
    }
    assert!(count > 0, "no scripts in {name}");
}

#[test]
fn every_engine_gives_the_same_answers() {
    for entry in CATALOG {
        check_folder("shared", entry.kind);
    }
}

#[test]
fn the_log_answers_its_own_scripts() {
    check_folder("log", EngineKind::Log);
}

#[test]
fn the_memory_engine_answers_its_own_scripts() {
    check_folder("memory", EngineKind::Memory);
}

#[test]
fn the_page_tree_answers_its_own_scripts() {
    check_folder("btree", EngineKind::BTree);
}

#[test]
fn the_copy_on_write_tree_answers_its_own_scripts() {
    check_folder("cow", EngineKind::Cow);
}
