//! Small histories that nobody thought of.

use crate::checkers::Model;
use crate::history::sketch::Sketch;
use crate::history::{Completion, Function, History, OperationId, Value};

/// Draws, the same on every platform.
#[derive(Debug)]
pub(super) struct Draws(u64);

impl Draws {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A number below `count`.
    pub(super) fn below(&mut self, count: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % count
    }
}

/// So many operations of a few processes, most of which end, with answers out of the blue.
pub(super) fn random(seed: u64, model: Model, operations: u32) -> History {
    let mut draws = Draws::new(seed);
    let mut sketch = Sketch::new();
    let mut open: Vec<OperationId> = Vec::new();
    let mut begun = 0;
    while begun < operations || !open.is_empty() {
        let begins =
            begun < operations && (open.len() < 3 && draws.below(2) == 0 || open.is_empty());
        if begins {
            let busy = |session: &u32| {
                let of = |id: &OperationId| sketch.history.operation(*id).session.0;
                open.iter().any(|id| of(id) == *session)
            };
            let first = draws.below(3) as u32;
            let session = (0..3).map(|n| (first + n) % 3).find(|s| !busy(s));
            let session = session.expect("three sessions, fewer are busy");
            open.push(sketch.begin(session, function(&mut draws, model)));
            begun += 1;
            continue;
        }
        let id = open.remove(draws.below(open.len() as u64) as usize);
        let function = sketch.history.operation(id).function.clone();
        match draws.below(12) {
            0 => sketch.info(id),
            1 => sketch.fail(id),
            2 => {} // It stays open, and its session goes on.
            _ => sketch.complete(id, Completion::Ok(answer(&mut draws, model, &function))),
        }
    }
    sketch.history
}

fn value(draws: &mut Draws) -> Value {
    Value::Int(1 + draws.below(3) as i64)
}

fn function(draws: &mut Draws, model: Model) -> Function {
    let reads = draws.below(2) == 0;
    match (model, reads) {
        (Model::Queue, true) => Function::Dequeue,
        (Model::Set, true) if draws.below(2) == 0 => Function::Contains(value(draws)),
        (_, true) => Function::Read,
        (Model::Register, _) if draws.below(5) == 0 => Function::Delete,
        (Model::CasRegister, _) if draws.below(2) == 0 => Function::CompareAndSet {
            expected: Some(value(draws)),
            new: value(draws),
        },
        (Model::Register | Model::CasRegister, _) => Function::Write(value(draws)),
        (Model::AppendKv, _) => Function::Append(value(draws).to_string().into()),
        (Model::Set, _) if draws.below(3) == 0 => Function::Remove(value(draws)),
        (Model::Set, _) => Function::Insert(value(draws)),
        (Model::Queue, _) => Function::Enqueue(value(draws)),
        (Model::Counter, _) => Function::Add(1 + draws.below(3) as i64),
    }
}

fn answer(draws: &mut Draws, model: Model, function: &Function) -> Option<Value> {
    let some = |draws: &mut Draws| {
        let chosen: Vec<i64> = (1..4).filter(|_| draws.below(2) == 0).collect();
        chosen
    };
    match (function, model) {
        (Function::Contains(_), _) => Some(Value::Bool(draws.below(2) == 0)),
        (Function::Read, Model::Counter) => Some(Value::Int(draws.below(8) as i64)),
        (Function::Read, Model::Set) => {
            let set: Vec<Value> = some(draws).into_iter().map(Value::Int).collect();
            Some(Value::List(set.into()))
        }
        (Function::Read, Model::AppendKv) => {
            let text: String = some(draws).iter().map(i64::to_string).collect();
            Some(text.into())
        }
        (Function::Read | Function::Dequeue, _) => {
            let nothing = draws.below(4) == 0;
            (!nothing).then(|| value(draws))
        }
        _ => None,
    }
}
