//! What the replicas hold in the end, as a file: `{"schema":1,"replicas":[{"name":"n1","contents":{"x":1}}]}`.
//!
//! A key that a replica does not hold is left out; a value of null says the same. The history's empty key, of a file that
//! names no keys, is `""` here too.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use crate::checkers::{FinalState, ReplicaContents};
use crate::file::diagnostic::{Origin, Problem};
use crate::file::{nearest, quoted};
use crate::history::Value;

use super::json::{Json, Text, VALUES, syntax_problem};
use super::{ImportError, SCHEMA};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Finals {
    schema: Option<u64>,
    replicas: Vec<Replica>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Replica {
    name: String,
    contents: Contents,
}

#[derive(Debug)]
struct Contents(BTreeMap<Arc<str>, Value>);

/// Reads what the replicas hold in the end. `file` is what messages call it.
///
/// # Errors
/// With the first thing that is wrong with it.
pub fn read_finals(file: &str, bytes: &[u8]) -> Result<FinalState, ImportError> {
    let text = String::from_utf8_lossy(bytes);
    let told = |problem: Problem| Box::new(problem.locate_in(file, &text, Origin::START));
    if let Err(error) = std::str::from_utf8(bytes) {
        let at = error.valid_up_to();
        return Err(told(Problem::new(at..at + 1, "this is not UTF-8 text")));
    }
    if text.trim_ascii().is_empty() {
        let problem = Problem::new(0..0, "the file is empty");
        return Err(told(problem.expected("`{\"replicas\":[…]}`")));
    }
    let finals: Finals = serde_json::from_str(&text).map_err(|error| told(wrong(&error, &text)))?;
    if let Some(version) = finals.schema.filter(|&version| version != SCHEMA) {
        let message =
            format!("this is version {version} of the format, and this program reads {SCHEMA}");
        return Err(told(
            Problem::new(0..0, message).expected(SCHEMA.to_string()),
        ));
    }
    if finals.replicas.is_empty() {
        let problem = Problem::new(0..0, "the file names no replica");
        return Err(told(
            problem.expected("at least one, with its name and contents"),
        ));
    }
    let mut replicas: Vec<ReplicaContents> = Vec::with_capacity(finals.replicas.len());
    for replica in finals.replicas {
        if replicas
            .iter()
            .any(|earlier| *earlier.name == *replica.name)
        {
            let message = format!("the replica {} is there twice", quoted(&replica.name));
            let at = text.rfind(&replica.name).unwrap_or(0);
            let problem = Problem::new(at..at + replica.name.len(), message);
            return Err(told(problem.expected("each replica once")));
        }
        replicas.push(ReplicaContents {
            name: replica.name.into(),
            contents: replica.contents.0,
        });
    }
    Ok(FinalState {
        unsettled: None,
        replicas,
        probes: None,
    })
}

/// What serde says, with the nearest of the names that it expected.
fn wrong(error: &serde_json::Error, text: &str) -> Problem {
    let problem = syntax_problem(error, text);
    let message = error.to_string();
    let mut names = message.split('`').skip(1).step_by(2);
    let given = names.next().unwrap_or_default();
    let near = if message.starts_with("unknown field") {
        nearest(given, names)
    } else {
        None
    };
    problem.did_you_mean(near)
}

impl<'de> Deserialize<'de> for Contents {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ContentsVisitor;
        impl<'de> Visitor<'de> for ContentsVisitor {
            type Value = Contents;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("keys with their values")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut contents = BTreeMap::new();
                while let Some(Text(key)) = map.next_key()? {
                    let json: Json<'de> = map.next_value()?;
                    let kind = json.kind();
                    let value = json.into_value();
                    let value = value.ok_or_else(|| {
                        A::Error::custom(format!("{kind} is no value: {VALUES} was expected"))
                    })?;
                    if contents.insert(Arc::from(&*key), value).is_some() {
                        return Err(A::Error::custom(format!(
                            "the key {} is there twice",
                            quoted(&key)
                        )));
                    }
                }
                contents.retain(|_, value| *value != Value::Null);
                Ok(Contents(contents))
            }
        }
        deserializer.deserialize_map(ContentsVisitor)
    }
}
