//! Stories, read.

use seedbed_sim::Instant;

use crate::checkers::witness::{WitnessLines, explain};
use crate::checkers::{Clock, Model, Order, Question, Setting, Witness};
use crate::history::sketch::{Sketch, write};
use crate::history::{Completion, Function, History, OperationId, Value};

use super::oracle::{judge, setting};

fn told(history: &History, setting: &Setting, clock: Clock<'_>) -> Witness {
    let question = Question {
        history,
        setting,
        finals: None,
        at: Instant::ZERO,
    };
    let all: Vec<OperationId> = history.operations().map(|o| o.id).collect();
    let found = Witness::new(history, all, Instant::ZERO, "wrong".into(), Vec::new());
    explain(&question, "linearizable", judge, &found, clock)
}

fn story(history: &History, model: Model) -> String {
    let witness = told(history, &setting(model, Order::RealTime), Clock::Times);
    format!("{}\n{}", witness.summary, witness.story.join("\n"))
}

#[test]
fn a_stale_read() {
    let mut s = Sketch::new();
    for value in ["1", "2", "3", "4"] {
        s.does(0, write(value));
        s.reads(1, Some(value));
    }
    let open = s.begin(2, write("5"));
    s.reads(1, Some("2"));
    s.ok(open);
    insta::assert_snapshot!("stale_read", story(&s.history, Model::Register));
}

#[test]
fn a_value_from_nowhere_and_one_from_the_future() {
    let mut s = Sketch::new();
    s.does(0, write("1"));
    s.reads(1, Some("7"));
    insta::assert_snapshot!("value_from_nowhere", story(&s.history, Model::Register));
    let mut s = Sketch::new();
    s.does(0, write("1"));
    s.reads(1, Some("2"));
    s.does(0, write("2"));
    insta::assert_snapshot!("value_from_the_future", story(&s.history, Model::Register));
}

#[test]
fn a_new_value_then_an_old_one() {
    let mut s = Sketch::new();
    s.does(0, write("1"));
    let two = s.begin(0, write("2"));
    s.reads(1, Some("2"));
    s.reads(2, Some("1"));
    s.ok(two);
    insta::assert_snapshot!("new_value_then_old_one", story(&s.history, Model::Register));
}

#[test]
fn a_compare_and_set_that_should_have_failed() {
    let mut s = Sketch::new();
    let cas = |from: &str, to: &str| Function::CompareAndSet {
        expected: Some(from.into()),
        new: to.into(),
    };
    s.does(0, write("1"));
    s.does(1, cas("1", "2"));
    s.does(2, cas("1", "3"));
    insta::assert_snapshot!("compare_and_set", story(&s.history, Model::CasRegister));
}

#[test]
fn a_counter_that_lost_an_addition_and_a_queue_that_gave_twice() {
    let mut s = Sketch::new();
    for session in 0..3 {
        s.does(session, Function::Add(1));
    }
    let read = s.begin(3, Function::Read);
    s.complete(read, Completion::Ok(Some(Value::Int(2))));
    insta::assert_snapshot!("counter", story(&s.history, Model::Counter));
    let mut s = Sketch::new();
    s.does(0, Function::Enqueue("a".into()));
    s.does(0, Function::Enqueue("b".into()));
    for session in [1, 2] {
        let take = s.begin(session, Function::Dequeue);
        s.got(take, Some("a"));
    }
    insta::assert_snapshot!("queue", story(&s.history, Model::Queue));
}

#[test]
fn by_lines_in_the_order_of_sessions() {
    let mut s = Sketch::new();
    s.does(0, write("1"));
    s.does(1, write("2"));
    s.reads(2, Some("1"));
    s.reads(2, Some("2"));
    s.reads(3, Some("2"));
    s.reads(3, Some("1"));
    let lines: Vec<u64> = (0..s.history.len() as u64)
        .map(|place| 2 * place + 3)
        .collect();
    let setting = setting(Model::Register, Order::Session);
    let witness = told(&s.history, &setting, Clock::Lines(&lines));
    let story = format!("{}\n{}", witness.summary, witness.story.join("\n"));
    insta::assert_snapshot!("sessions_by_lines", story);
    let lines = WitnessLines::new(&s.history, &witness, &lines);
    assert_eq!(lines.culprit, Some(25));
    assert_eq!(lines.witness.last(), Some(&25));
}
