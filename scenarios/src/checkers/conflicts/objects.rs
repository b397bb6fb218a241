//! What kind of object each key names, and who looked at it.

use std::collections::{BTreeMap, BTreeSet};

use crate::checkers::{NullRead, Question};
use crate::history::{Function, History, KeyId, OperationId, Place, Value};

/// What kind of object a key names, by the functions that clients called on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::checkers) enum Kind {
    /// Only read.
    #[default]
    Untouched,
    /// Whole values, written, compared and deleted.
    Whole,
    /// A list or a text that is appended to.
    List,
    /// A set of elements.
    Set,
    /// A sum.
    Counter,
    /// A queue.
    Queue,
    /// Several of these: nobody can say what it is.
    Mixed,
}

impl Kind {
    fn of(function: &Function) -> Self {
        match function {
            Function::Read => Self::Untouched,
            Function::Write(_) | Function::Delete | Function::CompareAndSet { .. } => Self::Whole,
            Function::Append(_) => Self::List,
            Function::Insert(_) | Function::Remove(_) | Function::Contains(_) => Self::Set,
            Function::Add(_) => Self::Counter,
            Function::Enqueue(_) | Function::Dequeue => Self::Queue,
        }
    }

    fn and(self, other: Self) -> Self {
        match (self, other) {
            (one, Self::Untouched) => one,
            (Self::Untouched, other) => other,
            (one, other) if one == other => one,
            _ => Self::Mixed,
        }
    }
}

/// By key: its kind.
pub(in crate::checkers) fn kinds(history: &History) -> Vec<Kind> {
    let mut kinds = vec![Kind::default(); history.key_count()];
    for operation in history.operations() {
        let kind = &mut kinds[history.key_id(operation.id).0 as usize];
        *kind = kind.and(Kind::of(&operation.function));
    }
    kinds
}

/// Who looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::checkers) enum Eye<'a> {
    /// A read.
    Read(OperationId),
    /// Whoever asked what this replica holds in the end.
    End(&'a str),
}

/// What somebody saw of a key.
#[derive(Clone, Copy, Debug)]
pub(in crate::checkers) struct Look<'a> {
    pub(in crate::checkers) eye: Eye<'a>,
    /// Nothing, where the key was absent.
    pub(in crate::checkers) value: Option<&'a Value>,
    /// Where it began. What had surely taken effect before should be seen.
    pub(in crate::checkers) began: Place,
    /// Where it ended. Only what was invoked before can be seen.
    pub(in crate::checkers) ended: Place,
}

impl Look<'_> {
    /// The read, where it was one.
    pub(in crate::checkers) fn read(&self) -> Option<OperationId> {
        match self.eye {
            Eye::Read(read) => Some(read),
            Eye::End(_) => None,
        }
    }
}

/// By key: all looks at it, reads in order of invocation and then the end.
pub(in crate::checkers) fn looks<'a>(question: &Question<'a>) -> Vec<Vec<Look<'a>>> {
    let history = question.history;
    let mut looks: Vec<Vec<Look<'a>>> = vec![Vec::new(); history.key_count()];
    for read in history.operations() {
        if read.function != Function::Read || !read.is_ok() {
            continue;
        }
        let value = read.returned();
        if value.is_none() && question.setting.null_read == NullRead::Any {
            continue;
        }
        let ended = history.completed(read.id);
        looks[history.key_id(read.id).0 as usize].push(Look {
            eye: Eye::Read(read.id),
            value,
            began: history.invoked(read.id),
            ended: ended.expect("it was acknowledged"),
        });
    }
    let end = history.end();
    for replica in question.contents().iter().flat_map(|it| &it.replicas) {
        for (index, looks) in looks.iter_mut().enumerate() {
            let key = history.key_name(KeyId(index as u32));
            looks.push(Look {
                eye: Eye::End(&replica.name),
                value: replica.contents.get(key),
                began: end,
                ended: end,
            });
        }
    }
    looks
}

/// The writes that a value of a key shows: the one that wrote it or, where nobody wrote it and it is a list, those of its
/// elements (siblings).
pub(in crate::checkers) fn shown(
    history: &History,
    key: KeyId,
    value: Option<&Value>,
) -> Vec<OperationId> {
    let Some(value) = value else {
        return Vec::new();
    };
    if let Some(write) = history.find_write(key, value) {
        return vec![write];
    }
    let siblings = value.as_list().unwrap_or_default().iter();
    siblings
        .filter_map(|one| history.find_write(key, one))
        .collect()
}

/// How often each element stands in a list, or in a text that was appended to. `Err` where a text can be taken apart in
/// several ways, or in none.
pub(in crate::checkers) fn elements(
    value: Option<&Value>,
    known: &BTreeSet<&Value>,
) -> Result<BTreeMap<Value, u64>, String> {
    let mut counts = BTreeMap::new();
    match value {
        None | Some(Value::Null) => {}
        Some(Value::List(list)) => {
            for element in list.iter() {
                *counts.entry(element.clone()).or_default() += 1;
            }
        }
        Some(Value::Text(text)) => {
            for part in take_apart(text, known)? {
                *counts.entry(Value::from(part)).or_default() += 1;
            }
        }
        Some(other) => return Err(format!("{other} is no list and no text")),
    }
    Ok(counts)
}

/// The parts that a text was put together from. O(bytes × different lengths of parts × log parts).
fn take_apart<'t>(text: &'t str, known: &BTreeSet<&Value>) -> Result<Vec<&'t str>, String> {
    let parts: BTreeSet<&str> = known.iter().filter_map(|it| it.as_text()).collect();
    let lengths: BTreeSet<usize> = parts
        .iter()
        .map(|it| it.len())
        .filter(|it| *it > 0)
        .collect();
    // By byte: in how many ways the text up to there can be taken apart (2: or more), and how long the last part is.
    let mut ways: Vec<(u8, usize)> = vec![(0, 0); text.len() + 1];
    ways[0] = (1, 0);
    for end in 1..=text.len() {
        for &length in lengths.iter().take_while(|it| **it <= end) {
            let (before, _) = ways[end - length];
            let part = text.get(end - length..end);
            if before > 0 && part.is_some_and(|part| parts.contains(part)) {
                ways[end] = (ways[end].0.saturating_add(before).min(2), length);
            }
        }
    }
    match ways[text.len()].0 {
        0 => return Err("a text holds what nobody appended".to_owned()),
        1 => {}
        _ => {
            return Err(
                "a text can be taken apart into what was appended in several ways".to_owned(),
            );
        }
    }
    let (mut found, mut end) = (Vec::new(), text.len());
    while end > 0 {
        let start = end - ways[end].1;
        found.push(&text[start..end]);
        end = start;
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apart(text: &str, parts: &[&str]) -> Result<Vec<String>, String> {
        let values: Vec<Value> = parts.iter().map(|it| Value::from(*it)).collect();
        let known = values.iter().collect();
        let mut found: Vec<String> = take_apart(text, &known)?
            .into_iter()
            .map(str::to_owned)
            .collect();
        found.reverse();
        Ok(found)
    }

    #[test]
    fn a_text_is_taken_apart_where_there_is_one_way_only() {
        let parts = ["x 1 y", "x 12 y"];
        let found = apart("x 1 yx 12 yx 1 y", &parts).expect("one way");
        assert_eq!(found, ["x 1 y", "x 12 y", "x 1 y"]);
        assert!(apart("x 1 yz", &parts).is_err());
        assert!(apart("aaa", &["a", "aa"]).is_err());
        assert_eq!(apart("", &["a"]), Ok(Vec::new()));
        assert_eq!(apart("éaé", &["é", "a"]).expect("one way").len(), 3);
    }
}
