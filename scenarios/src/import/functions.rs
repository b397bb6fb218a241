//! The functions of all formats, by name, and the shapes of what they carry and return.

use crate::file::{alternatives, nearest, quoted};
use crate::history::{Function, Value};

use super::Add;
use super::builder::{Part, Wrong};
use super::json::VALUES;

/// The names of functions. `get` and `put` are synonyms of `read` and `write`.
const NAMES: [&str; 13] = [
    "read", "get", "write", "put", "delete", "cas", "append", "add", "insert", "remove",
    "contains", "enqueue", "dequeue",
];

/// The function of this name, with what its invocation carries; null is `None`.
pub(super) fn invoked(name: &str, value: Option<&Value>, add: Add) -> Result<Function, Wrong> {
    let argument = |what: &str| {
        value.cloned().ok_or_else(|| {
            Wrong::new(Part::Value, format!("this {name} has no value"))
                .expected(format!("{what}: {VALUES}"))
        })
    };
    Ok(match name {
        // Its value stands on its end. Some tools fill it in at the beginning too.
        "read" | "get" => Function::Read,
        "write" | "put" => Function::Write(argument("what is written")?),
        "delete" => Function::Delete,
        "cas" => compare_and_set(value)?,
        "append" => Function::Append(argument("what is appended")?),
        "add" if add == Add::Element => Function::Insert(argument("the element")?),
        "add" => match value {
            Some(Value::Int(amount)) => Function::Add(*amount),
            _ => {
                let wrong = Wrong::new(Part::Value, "an add carries the number that it adds");
                return Err(wrong
                    .expected("a whole number of 64 bits")
                    .help("where `add` puts an element into a set, say `--model set`"));
            }
        },
        "insert" => Function::Insert(argument("the element")?),
        "remove" => Function::Remove(argument("the element")?),
        "contains" => Function::Contains(argument("the element")?),
        "enqueue" => Function::Enqueue(argument("the element")?),
        "dequeue" => Function::Dequeue,
        _ => return Err(unknown(name)),
    })
}

/// Whether two names are those of one function.
pub(super) fn are_one(name: &str, function: &Function, add: Add) -> bool {
    match name {
        "get" => matches!(function, Function::Read),
        "put" => matches!(function, Function::Write(_)),
        "add" if add == Add::Element => matches!(function, Function::Insert(_)),
        _ => function.name() == name,
    }
}

fn unknown(name: &str) -> Wrong {
    let wrong = Wrong::new(
        Part::Function,
        format!("no model knows the function {}", quoted(name)),
    );
    let wrong = wrong.expected(alternatives(NAMES));
    match nearest(name, NAMES) {
        Some(near) => wrong.help(format!("did you mean `{near}`?")),
        None => wrong,
    }
}

fn compare_and_set(value: Option<&Value>) -> Result<Function, Wrong> {
    let pair = value.and_then(Value::as_list);
    match pair {
        Some([expected, new]) if *new != Value::Null => Ok(Function::CompareAndSet {
            expected: (*expected != Value::Null).then(|| expected.clone()),
            new: new.clone(),
        }),
        _ => Err(Wrong::new(
            Part::Value,
            "a cas carries what it expects and what it sets",
        )
        .expected("a list of two, `[expected, new]`, of which the first may be null: absent")),
    }
}

/// What an operation returned, from the value on its `ok`.
pub(super) fn returned(function: &Function, value: Option<Value>) -> Result<Option<Value>, Wrong> {
    match function {
        Function::Read | Function::Dequeue => Ok(value),
        Function::Contains(_) => match value {
            Some(Value::Bool(_)) => Ok(value),
            _ => Err(Wrong::new(
                Part::Value,
                "a contains returns whether the element is there",
            )
            .expected("`true` or `false`")),
        },
        _ => Ok(None),
    }
}
