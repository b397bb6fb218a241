//! The models by name.

use crate::checkers::Model;

/// A model, by name.
#[derive(Debug)]
pub struct ModelEntry {
    /// Which one.
    pub model: Model,
    /// Its name.
    pub name: &'static str,
    /// What its objects do, in one sentence.
    pub promise: &'static str,
    pub(super) functions: &'static [&'static str],
}

/// All models.
pub static MODELS: &[ModelEntry] = &[
    entry(
        Model::Register,
        "register",
        "A key holds the value that was written last.",
        &["read", "write", "delete"],
    ),
    entry(
        Model::CasRegister,
        "cas-register",
        "A register that can be set where it holds what was expected.",
        &["read", "write", "delete", "cas"],
    ),
    entry(
        Model::AppendKv,
        "append-kv",
        "A key holds a text or a list that can be appended to.",
        &["read", "write", "append"],
    ),
    entry(
        Model::Set,
        "set",
        "A key holds elements, each once.",
        &["read", "write", "insert", "remove", "contains"],
    ),
    entry(
        Model::Queue,
        "queue",
        "A key holds elements in the order in which they came.",
        &["enqueue", "dequeue"],
    ),
    entry(
        Model::Counter,
        "counter",
        "A key holds a sum.",
        &["add", "read"],
    ),
];

const fn entry(
    model: Model,
    name: &'static str,
    promise: &'static str,
    functions: &'static [&'static str],
) -> ModelEntry {
    ModelEntry {
        model,
        name,
        promise,
        functions,
    }
}

/// The entry of a model.
pub(super) fn entry_of(model: Model) -> &'static ModelEntry {
    let found = MODELS.iter().find(|entry| entry.model == model);
    found.expect("every model has an entry")
}
