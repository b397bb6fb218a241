//! Values: what is written and read, in the shapes that JSON has.

use std::fmt;
use std::sync::Arc;

use serde::ser::{Serialize, Serializer};

use super::index::hash;

/// What is written and read. Cheap to copy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// Nothing, as an element of a list. A read that finds nothing returns no value at all.
    Null,
    /// A truth.
    Bool(bool),
    /// A number. JSON's fractions are no values: nobody can say which of two equal ones was read.
    Int(i64),
    /// A text. All values of simulated runs are texts.
    Text(Arc<str>),
    /// Several values in order.
    List(Arc<[Value]>),
}

impl Value {
    /// The text, where it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number, where it is one.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// The elements, where it is a list.
    pub fn as_list(&self) -> Option<&[Self]> {
        match self {
            Self::List(list) => Some(list),
            _ => None,
        }
    }

    /// A fixed hash: the same on every platform and in every run. Values that are equal have equal hashes.
    pub(crate) fn fixed_hash(&self, seed: u32) -> u64 {
        match self {
            Self::Null => hash("null", !seed),
            Self::Bool(truth) => hash(if *truth { "true" } else { "false" }, !seed),
            Self::Int(number) => xxhash_rust::xxh3::xxh3_64_with_seed(
                &number.to_le_bytes(),
                u64::from(seed) | 1 << 32,
            ),
            Self::Text(text) => hash(text, seed),
            Self::List(list) => list.iter().fold(hash("list", !seed), |before, value| {
                (before.rotate_left(5) ^ value.fixed_hash(seed)).wrapping_mul(0x9E37_79B9_7F4A_7C15)
            }),
        }
    }
}

/// A text as it is; everything else as JSON.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Null => f.write_str("null"),
            Self::Bool(truth) => truth.fmt(f),
            Self::Int(number) => number.fmt(f),
            Self::List(list) => {
                f.write_str("[")?;
                for (n, value) in list.iter().enumerate() {
                    f.write_str(if n == 0 { "" } else { ", " })?;
                    match value {
                        Self::Text(text) => write!(f, "{text:?}")?,
                        other => other.fmt(f)?,
                    }
                }
                f.write_str("]")
            }
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(truth) => serializer.serialize_bool(*truth),
            Self::Int(number) => serializer.serialize_i64(*number),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(list) => serializer.collect_seq(list.iter()),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(Arc::from(text))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(Arc::from(text))
    }
}

impl From<Arc<str>> for Value {
    fn from(text: Arc<str>) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}
