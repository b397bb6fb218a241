use proptest::prelude::*;

use super::sketch::{Sketch, write};
use super::*;

/// All that can be asked of a history, for comparing two.
fn fingerprint(history: &History) -> Vec<String> {
    let mut lines: Vec<String> = history.json_lines().collect();
    for operation in history.operations() {
        let id = operation.id;
        let found = operation
            .written()
            .map(|value| history.find_write(history.key_id(id), value));
        lines.push(format!(
            "{operation:?} {:?} {:?} {:?} {:?} {found:?} {}",
            history.invoked(id),
            history.completed(id),
            history.source(id),
            history.effective_by(id),
            history.may_invoke(operation.process),
        ));
        assert_eq!(history.find_key(&operation.key), Some(history.key_id(id)));
    }
    lines.push(format!(
        "{:?} {:?} {:?} {:?} {}",
        history.first_repeated_write(),
        history.first_unexplained_read(),
        history.open_operations(),
        history.find_key("k9"),
        history.key_count(),
    ));
    lines
}

/// Grows a history by one event that the numbers choose. Few values, so that many reads find their write.
fn grow(sketch: &mut Sketch, (kind, which, value): (u8, u8, u8)) {
    let value = value % 9;
    let open = sketch.history.open_operations();
    let process = u32::from(which % 5);
    if kind % 2 == 0 && sketch.history.may_invoke(ProcessId(process)) {
        let key = format!("k{}", value % 3);
        let function = match kind % 8 {
            0 | 2 => Function::Read,
            4 => Function::Delete,
            _ => write(&value.to_string()),
        };
        sketch.invoke(&key, process, process, function);
    } else if let Some(&id) = open.get(usize::from(which) % open.len().max(1)) {
        let is_read = !sketch.history.operation(id).is_update();
        match kind % 16 {
            1 => sketch.fail(id),
            3 => sketch.info(id),
            _ if is_read => sketch.got(id, Some(&value.to_string())),
            _ => sketch.ok(id),
        }
    }
}

proptest! {
    #[test]
    fn a_history_that_was_cut_is_as_if_the_rest_had_never_been(
        steps in prop::collection::vec(any::<(u8, u8, u8)>(), 0..60),
        keep in 0_usize..60,
        other in prop::collection::vec(any::<(u8, u8, u8)>(), 0..20),
    ) {
        let mut sketch = Sketch::new();
        let mut at = vec![fingerprint(&sketch.history)];
        for &step in &steps {
            let len = sketch.history.len();
            grow(&mut sketch, step);
            if sketch.history.len() > len {
                at.push(fingerprint(&sketch.history));
            }
        }
        let keep = keep.min(sketch.history.len());
        let whole = sketch.clone();
        sketch.history.cut(keep);
        prop_assert_eq!(fingerprint(&sketch.history), at[keep].clone());
        for &step in &other {
            grow(&mut sketch, step);
        }
        sketch.history.cut(keep);
        prop_assert_eq!(fingerprint(&sketch.history), at[keep].clone());
        prop_assert_eq!(fingerprint(&whole.history), at[whole.history.len()].clone());
    }
}

#[test]
fn a_read_names_its_write_and_bounds_when_it_took_effect() {
    let mut s = Sketch::new();
    let unacknowledged = s.begin(0, write("a"));
    assert_eq!(s.history.effective_by(unacknowledged), None);
    let first = s.reads(1, Some("a"));
    s.reads(1, Some("a"));
    assert_eq!(s.history.source(first), Some(Source::Write(unacknowledged)));
    assert_eq!(
        s.history.effective_by(unacknowledged),
        s.history.completed(first)
    );
    s.ok(unacknowledged);
    assert_eq!(
        s.history.effective_by(unacknowledged),
        s.history.completed(first)
    );

    let later = s.does(0, write("b"));
    assert!(s.history.surely_before(unacknowledged, later));
    assert!(!s.history.surely_before(later, unacknowledged));
    let absent = s.reads(1, None);
    assert_eq!(s.history.source(absent), Some(Source::Absent));
}

#[test]
fn a_failed_operation_never_takes_effect_and_an_unknown_one_may_at_any_time() {
    let mut s = Sketch::new();
    let failed = s.begin(0, write("a"));
    s.fail(failed);
    let unknown = s.begin(0, write("b"));
    s.info(unknown);
    assert_eq!(s.history.effective_by(failed), None);
    assert_eq!(s.history.effective_by(unknown), None);
}

#[test]
fn values_of_nobody_and_repeated_writes_are_noticed() {
    let mut s = Sketch::new();
    s.does(0, write("a"));
    let elsewhere = s.begin_at("y", 0, write("a"));
    s.ok(elsewhere);
    assert_eq!(s.history.first_repeated_write(), None);
    let again = s.does(1, write("a"));
    assert_eq!(s.history.first_repeated_write(), Some(again));
    let future = s.reads(1, Some("b"));
    s.does(0, write("b"));
    assert_eq!(s.history.first_unexplained_read(), Some(future));
}

#[test]
fn what_is_open_at_the_end_becomes_info_and_its_process_does_not_go_on() {
    let mut s = Sketch::new();
    let open = s.invoke("x", 3, 0, write("a"));
    let done = s.invoke("x", 1, 0, Function::Read);
    s.got(done, None);
    assert!(!s.history.may_invoke(ProcessId(3)));
    assert_eq!(
        s.history
            .close(s.now(), EventId::OUTSIDE, "the run is over"),
        1
    );
    assert_eq!(
        s.history.operation(open).completion(),
        Some(&Completion::Info("the run is over".into()))
    );
    assert!(!s.history.may_invoke(ProcessId(3)));
    assert!(s.history.may_invoke(ProcessId(1)));
    assert_eq!(
        s.history
            .close(s.now(), EventId::OUTSIDE, "the run is over"),
        0
    );
}

#[test]
#[should_panic(expected = "process 3 may not begin operation 1")]
fn a_process_has_one_operation_open_at_a_time() {
    let mut s = Sketch::new();
    s.invoke("x", 3, 0, Function::Read);
    s.invoke("x", 3, 0, Function::Read);
}

#[test]
fn json_lines_follow_the_published_format() {
    let mut s = Sketch::new();
    let write = s.begin(0, write("a \"b\""));
    let read = s.begin(1, Function::Read);
    s.ok(write);
    s.got(read, None);
    let delete = s.begin(0, Function::Delete);
    s.fail(delete);
    let lines: Vec<String> = s.history.json_lines().collect();
    insta::assert_snapshot!(lines.join("\n"));
}
