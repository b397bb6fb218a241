//! Reading the project's own sources, to test the sentences that say what is absent.
//!
//! This is no parser of Rust. It drops comments and tests and looks at words and paths, which rustfmt keeps regular; it
//! would rather find too much than too little.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// One source file.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its path from the root of the repository, with `/`.
    pub path: String,
    /// What it holds.
    pub text: String,
    /// The same without comments and without `#[cfg(test)]` modules.
    pub code: String,
}

/// The root of the repository.
pub fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("a parent folder").to_path_buf()
}

/// A file of the repository.
///
/// # Panics
/// When it can't be read.
pub fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The Rust files under a folder, tests and benches too, in order.
///
/// # Panics
/// When the folder can't be read.
pub fn all(folder: &str) -> Vec<Source> {
    let mut paths = Vec::new();
    collect(&root().join(folder), &mut paths);
    paths.sort();
    paths.iter().map(|path| source(path)).collect()
}

/// The Rust files under a folder that are part of the program: no files of tests.
///
/// # Panics
/// When the folder can't be read, or holds nothing.
pub fn production(folder: &str) -> Vec<Source> {
    let all = all(folder);
    let test_modules: Vec<String> = all.iter().flat_map(test_modules).collect();
    let is_test = |path: &str| {
        test_modules
            .iter()
            .any(|module| path == format!("{module}.rs") || path.starts_with(&format!("{module}/")))
    };
    let found: Vec<Source> = all
        .into_iter()
        .filter(|source| !is_test(&source.path))
        .collect();
    assert!(!found.is_empty(), "{folder} holds no sources");
    found
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    for entry in entries {
        let path = entry.expect("an entry of the folder").path();
        if path.is_dir() && path.file_name().is_none_or(|name| name != "target") {
            collect(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
}

fn source(path: &Path) -> Source {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    let relative = path.strip_prefix(root()).expect("it is under the root");
    Source {
        path: relative.to_string_lossy().replace('\\', "/"),
        code: without_tests(&without_comments(&text)),
        text,
    }
}

fn without_comments(text: &str) -> String {
    let code = |line: &str| {
        let end = line.find("//").unwrap_or(line.len());
        line[..end].trim_end().to_owned()
    };
    text.lines().map(code).collect::<Vec<_>>().join("\n")
}

/// Cuts off the module of tests at the end of a file.
fn without_tests(code: &str) -> String {
    let end = code.find("#[cfg(test)]\nmod tests {");
    code[..end.unwrap_or(code.len())].to_owned()
}

/// The modules that a file declares for tests, as paths without `.rs`.
fn test_modules(source: &Source) -> Vec<String> {
    let (folder, name) = source.path.rsplit_once('/').expect("it is in a folder");
    let home = match name {
        "mod.rs" | "lib.rs" | "main.rs" => folder.to_owned(),
        _ => source.path.trim_end_matches(".rs").to_owned(),
    };
    let mut modules = Vec::new();
    let mut lines = source.code.lines().map(str::trim);
    while let Some(line) = lines.next() {
        if line != "#[cfg(test)]" {
            continue;
        }
        let declared = lines.next().and_then(|line| line.strip_suffix(';'));
        let declared = declared.and_then(|line| line.rsplit_once("mod "));
        modules.extend(declared.map(|(_, name)| format!("{home}/{name}")));
    }
    modules
}

impl Source {
    /// The first names after `root::` in every path of the code: of `seedbed_sim::{disk::X, Span}` it is `disk` and
    /// `Span`. What is imported as a whole gives `*`.
    pub fn names_of(&self, root: &str) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        for after in self.after_word(root) {
            match after.strip_prefix("::") {
                Some(path) => first_names(path, &mut names),
                // Of `pub(crate)`.
                None if after.starts_with(')') => {}
                None => {
                    names.insert("*".to_owned());
                }
            }
        }
        names
    }

    /// Whether a word is in the code; `std::fs` is one word.
    pub fn has_word(&self, word: &str) -> bool {
        self.after_word(word).next().is_some()
    }

    /// What stands behind each occurrence of a word.
    pub fn after_word<'a>(&'a self, word: &'a str) -> impl Iterator<Item = &'a str> {
        self.code.match_indices(word).filter_map(move |(at, _)| {
            let (before, after) = (&self.code[..at], &self.code[at + word.len()..]);
            let is_part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
            let whole = !is_part(before.chars().next_back()) && !is_part(after.chars().next());
            whole.then_some(after)
        })
    }

    /// Whether the code makes a value of a struct by naming its fields.
    pub fn makes(&self, name: &str) -> bool {
        self.code.match_indices(name).any(|(at, _)| {
            let (before, after) = (&self.code[..at], &self.code[at + name.len()..]);
            let is_type = ["->", "struct", "impl", "for", "&", "<"];
            let before = before.trim_end();
            let whole = self.code[..at].ends_with(|c: char| c.is_whitespace() || "(:".contains(c));
            whole && after.starts_with(" {") && !is_type.iter().any(|end| before.ends_with(end))
        })
    }
}

/// The first name of a path, or those of a group of paths.
fn first_names(path: &str, names: &mut BTreeSet<String>) {
    let first = |path: &str| -> String {
        let is_name = |c: &char| c.is_alphanumeric() || *c == '_' || *c == '*';
        path.trim().chars().take_while(is_name).collect()
    };
    let Some(group) = path.strip_prefix('{') else {
        names.insert(first(path));
        return;
    };
    let (mut depth, mut start) = (0, 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                names.extend(Some(first(&group[start..at])).filter(|name| !name.is_empty()));
                start = at + 1;
                if c == '}' {
                    return;
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(code: &str) -> Source {
        Source {
            path: "x/src/y.rs".to_owned(),
            text: code.to_owned(),
            code: without_tests(&without_comments(code)),
        }
    }

    #[test]
    fn names_are_found_in_groups_and_in_plain_paths_and_not_in_comments_or_tests() {
        let source = code(
            "use sim::{\n    a::{B, C}, D,\n    e,\n};\n/// sim::hidden\nlet x = sim::f::g(); mysim::h;\n\
             #[cfg(test)]\nmod tests {\n use sim::t;\n}\n",
        );
        let names: Vec<String> = source.names_of("sim").into_iter().collect();
        assert_eq!(names, ["D", "a", "e", "f"]);
        assert_eq!(code("use sim;").names_of("sim").first().unwrap(), "*");
    }

    #[test]
    fn making_a_struct_is_told_from_naming_it() {
        assert!(code("let v = View { a: 1 };").makes("View"));
        assert!(!code("fn view() -> View { todo }").makes("View"));
        assert!(!code("impl View { }").makes("View"));
        assert!(!code("let v = NodeView { a: 1 };").makes("View"));
    }

    #[test]
    fn modules_for_tests_are_known_by_their_declaration() {
        let source =
            code("#[cfg(test)]\nmod tests;\n#[cfg(test)]\npub(crate) mod planted;\nmod real;");
        assert_eq!(test_modules(&source), ["x/src/y/tests", "x/src/y/planted"]);
    }
}
