//! Queues of unique elements: decided without a search, and as by searching.

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use super::oracle::Oracle;
use super::{Kind, Simulation, on_kinds, question, setting, show};
use crate::checkers::linearizable::{self, Decision, Duty, Judge, Precedence, fifo};
use crate::checkers::tests::with_answer;
use crate::checkers::{Finding, Model, Ruling, Setting};
use crate::history::sketch::Sketch;
use crate::history::{Completion, Function, History, OperationId, Place, Value};

/// One queue. Of 16 answers so many are wrong.
fn kind(wrong: u8, one_at_a_time: bool, unique: bool, operations_max: usize) -> Kind {
    Kind {
        model: Model::Queue,
        keys: 1,
        unique,
        wrong,
        one_at_a_time,
        sessions: 4,
        operations_max,
    }
}

fn kinds(operations_max: usize) -> impl Iterator<Item = Kind> {
    let kinds = [(0, true), (1, false), (3, false), (6, true), (8, false)];
    kinds
        .into_iter()
        .map(move |(wrong, one)| kind(wrong, one, true, operations_max))
}

/// What is kept of a history: everything, or a part in which operations may be optional.
fn parts(history: &History) -> impl Iterator<Item = Vec<(OperationId, Duty)>> + '_ {
    let masks = [None, Some(0b0110_1001_u64), Some(0b1101_0010)];
    masks.into_iter().map(move |mask| {
        let duty = |id: OperationId| match mask.map(|it| it.rotate_right(id.0 * 2) & 3) {
            Some(0) => Some(Duty::InTimeOrNever),
            Some(1) => Some(Duty::AnyTimeOrNever),
            Some(2) => None,
            _ => Some(Duty::Must),
        };
        let operations = history.operations();
        operations
            .filter_map(|operation| Some((operation.id, duty(operation.id)?)))
            .collect()
    })
}

/// How often the quick way could tell, and how often it could not.
#[derive(Debug, Default)]
struct Tally {
    held: u32,
    fell: u32,
    unclear: u32,
}

impl Tally {
    /// What the quick way says has to be what `expected` says, where it says anything.
    fn compare(
        &mut self,
        judge: &mut Judge<'_>,
        kept: &[(OperationId, Duty)],
        expected: impl FnOnce(&mut Judge<'_>) -> bool,
    ) -> Result<(), TestCaseError> {
        let items = judge.items(kept, Precedence::RealTime, Place(u32::MAX));
        let quick = fifo::decide(&items, judge.machine());
        let expected = expected(judge);
        let text = show(judge.history);
        prop_assert_eq!(quick.unwrap_or(expected), expected, "{:?} {}", kept, text);
        match quick {
            Some(true) => self.held += 1,
            Some(false) => self.fell += 1,
            None => self.unclear += 1,
        }
        Ok(())
    }
}

fn judge(history: &History) -> Judge<'_> {
    Judge::new(history, &setting(Model::Queue)).expect("enqueues and dequeues")
}

#[test]
fn queues_of_unique_elements_are_judged_as_by_trying_all_orders() {
    let mut tally = Tally::default();
    on_kinds(1_500, kinds(7), |_, history| {
        for kept in parts(history) {
            tally.compare(&mut judge(history), &kept, |_| {
                Oracle::new(history, Model::Queue, Precedence::RealTime).holds(&kept)
            })?;
        }
        Ok(())
    });
    assert!(tally.held > 10_000, "{tally:?}");
    assert!(tally.fell > 2_000, "{tally:?}");
    assert!(tally.unclear < 500, "{tally:?}");
}

/// The oracle can't go so far, but the search can, which is compared with it elsewhere.
#[test]
fn longer_queues_of_unique_elements_are_judged_as_by_searching() {
    let mut tally = Tally::default();
    let mut out_of_budget = 0;
    on_kinds(500, kinds(24), |_, history| {
        let mut judge = judge(history);
        judge.budget.states = 10_000;
        let kept = judge.everything();
        let items = judge.items(&kept, Precedence::RealTime, Place(u32::MAX));
        match judge.search(&items, &[]) {
            Decision::Undecided(_) => out_of_budget += 1,
            decision => tally.compare(&mut judge, &kept, |_| decision == Decision::Holds)?,
        }
        Ok(())
    });
    assert!(tally.held > 500, "{tally:?}");
    assert!(tally.fell > 500, "{tally:?}");
    assert_eq!(tally.unclear, 0);
    assert!(out_of_budget < 500, "{out_of_budget} were not compared");
}

/// An element that was put in twice leaves the rest to be judged.
#[test]
fn queues_of_repeated_elements_are_never_judged_wrongly() {
    let mut tally = Tally::default();
    let kinds = [0, 2, 4].map(|wrong| kind(wrong, false, false, 7));
    on_kinds(1_500, kinds, |_, history| {
        for kept in parts(history) {
            tally.compare(&mut judge(history), &kept, |_| {
                Oracle::new(history, Model::Queue, Precedence::RealTime).holds(&kept)
            })?;
        }
        Ok(())
    });
    assert!(tally.held > 2_000, "{tally:?}");
    assert!(tally.fell > 500, "{tally:?}");
}

/// A queue that is really atomic, kept busy by so many clients. One outcome in eight is unknown.
fn busy(clients: u8, operations_max: usize) -> History {
    let mut draw = 11_u64;
    let mut byte = || {
        draw = draw
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (draw >> 56) as u8
    };
    let kind = Kind {
        sessions: clients,
        ..kind(0, true, true, operations_max)
    };
    Simulation::run(
        kind,
        (0..operations_max * 6).map(|_| (byte(), byte(), byte())),
    )
}

fn ruling(history: &History, setting: &Setting) -> Ruling {
    linearizable::check(&question(history, setting)).expect("enqueues and dequeues")
}

#[test]
fn long_queues_of_many_clients_are_judged_without_a_search() {
    let history = busy(20, 4_000);
    let took = |history: &History, n: usize| {
        let mut took = history
            .operations()
            .filter(|o| o.function == Function::Dequeue && o.returned().is_some());
        took.nth(n).map(|o| o.id)
    };
    assert_eq!(history.operation_count(), 4_000);
    let ended = |id: OperationId| history.completed(id).expect("it returned");
    let open = |o: &crate::history::Operation| !o.is_ok() && !o.is_fail();
    assert!(history.operations().filter(|o| open(o)).count() > 300);
    let setting = setting(Model::Queue);
    let holds = Ruling {
        finding: Finding::Holds,
        states: 0,
    };
    assert_eq!(ruling(&history, &setting), holds);

    let culprit = took(&history, 700).expect("many were taken");
    let other = took(&history, 900).expect("many were taken");
    assert!(ended(culprit) < history.invoked(other));
    let early = history.operation(other).returned().cloned();
    let again = history
        .operation(took(&history, 100).expect("many"))
        .returned()
        .cloned();
    for answer in [early, again, Some(Value::Int(-1))] {
        let wrong = with_answer(&history, culprit, answer.as_ref());
        let Ruling {
            finding: Finding::Violated { first, .. },
            states,
        } = ruling(&wrong, &setting)
        else {
            panic!("a wrong answer");
        };
        assert_eq!(first.operations.last(), Some(&culprit));
        assert_eq!(states, 0);
        assert!(first.summary.contains("possible"), "{}", first.summary);
    }
}

#[test]
fn what_was_in_the_queue_at_first_is_taken_out_first() {
    let take = |values: &[Option<i64>]| {
        let mut sketch = Sketch::new();
        let three = sketch.begin(1, Function::Enqueue(Value::Int(3)));
        sketch.ok(three);
        for value in values {
            let id = sketch.begin(0, Function::Dequeue);
            sketch.complete(id, Completion::Ok(value.map(Value::Int)));
        }
        let setting = Setting {
            initial: Some(Value::List([Value::Int(1), Value::Int(2)].into())),
            ..setting(Model::Queue)
        };
        let ruling = ruling(&sketch.history, &setting);
        assert_eq!(ruling.states, 0);
        ruling.finding == Finding::Holds
    };
    assert!(take(&[Some(1), Some(2), Some(3), None]));
    assert!(take(&[Some(1)]));
    assert!(!take(&[Some(2)]));
    assert!(!take(&[Some(3)]));
    assert!(!take(&[Some(1), Some(3)]));
    assert!(!take(&[Some(1), Some(2), None]));
    assert!(!take(&[Some(1), Some(1)]));
    assert!(!take(&[Some(1), Some(2), Some(3), Some(4)]));
}

/// Two elements lie in front of the one that was taken: two dequeues that nobody knows of must have taken them.
#[test]
fn dequeues_of_unknown_outcome_are_counted() {
    let history = |blind: usize, last: Option<i64>| {
        let mut sketch = Sketch::new();
        for n in 1..=3 {
            let id = sketch.begin(0, Function::Enqueue(Value::Int(n)));
            sketch.ok(id);
        }
        for _ in 0..blind {
            sketch.begin(1, Function::Dequeue);
        }
        let id = sketch.begin(2, Function::Dequeue);
        sketch.complete(id, Completion::Ok(last.map(Value::Int)));
        ruling(&sketch.history, &setting(Model::Queue))
    };
    let legal = |blind: usize| {
        let answers = [Some(1), Some(2), Some(3), None];
        answers.map(|last| history(blind, last).finding == Finding::Holds)
    };
    assert_eq!(legal(0), [true, false, false, false]);
    assert_eq!(legal(1), [true, true, false, false]);
    assert_eq!(legal(2), [true, true, true, false]);
    assert_eq!(legal(3), [true, true, true, true]);
    let Finding::Violated { first, .. } = history(1, None).finding else {
        panic!("one element is left");
    };
    assert!(
        first.summary.ends_with("where only 1 or 2 was possible"),
        "{}",
        first.summary
    );
}

/// A dequeue that has to be over in time can't have come between two that began after it had ended.
#[test]
fn a_blind_dequeue_with_a_bound_is_left_to_the_search() {
    let mut sketch = Sketch::new();
    for n in 1..=3 {
        let id = sketch.begin(0, Function::Enqueue(Value::Int(n)));
        sketch.ok(id);
    }
    let blind = sketch.begin(1, Function::Dequeue);
    sketch.complete(blind, Completion::Ok(Some(Value::Int(2))));
    let others = [1, 3].map(|n| (sketch.begin(n, Function::Dequeue), i64::from(n)));
    for (id, n) in others {
        sketch.complete(id, Completion::Ok(Some(Value::Int(n))));
    }
    let mut judge = judge(&sketch.history);
    for (duty, at_once, expected) in [
        (Duty::InTimeOrNever, None, Decision::Violated),
        (Duty::AnyTimeOrNever, Some(true), Decision::Holds),
        (Duty::Must, Some(false), Decision::Violated),
    ] {
        let mut kept = judge.everything();
        kept[blind.index()].1 = duty;
        let items = judge.items(&kept, Precedence::RealTime, Place(u32::MAX));
        assert_eq!(fifo::decide(&items, judge.machine()), at_once, "{duty:?}");
        assert_eq!(
            judge.judge(&kept, Precedence::RealTime),
            expected,
            "{duty:?}"
        );
        let holds = Oracle::new(&sketch.history, Model::Queue, Precedence::RealTime).holds(&kept);
        assert_eq!(holds, expected == Decision::Holds, "{duty:?}");
    }
}
