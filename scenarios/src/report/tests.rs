use std::collections::BTreeSet;
use std::sync::Arc;

use seedbed_sim::{EventId, Instant, Span};
use serde_json::Value;

use super::*;
use crate::checkers::{FinalState, Ladder, ReplicaContents, Terms, judge_final};
use crate::history::{Completed, Function, Invocation, ProcessId, SessionId};

/// What a client does, in nanoseconds of virtual time.
struct Act<'a> {
    user: &'a str,
    load: &'a str,
    function: Function,
    from: u64,
    to: u64,
    replica: Option<&'a str>,
    completion: Completion,
}

fn act(history: &mut History, process: u32, act: Act<'_>) {
    let id = history.invoke(Invocation {
        process: ProcessId(process),
        session: SessionId(process),
        user: Arc::from(act.user),
        load: Arc::from(act.load),
        key: Arc::from("55555"),
        function: act.function,
        intended_at: Instant::from_nanos(act.from),
        invoked_at: Instant::from_nanos(act.from),
        invoked_by: EventId(act.from / 1_000_000),
    });
    let completed = Completed {
        completion: act.completion,
        at: Instant::from_nanos(act.to),
        by: EventId(act.to / 1_000_000),
        replica: act.replica.map(Arc::from),
        position: 1,
    };
    history.complete(id, completed);
}

/// Figure 5-3: a comment, read back too early at a follower, and somebody whose reads time out.
fn history() -> History {
    let mut history = History::new();
    let write = Act {
        user: "1234",
        load: "comment",
        function: Function::Write("Sounds good!".into()),
        from: 12_300_000,
        to: 13_100_000,
        replica: Some("leader"),
        completion: Completion::Ok(None),
    };
    act(&mut history, 0, write);
    for (from, value) in [
        (20_000_000, None),
        (90_000_000, Some("Sounds good!".into())),
    ] {
        let read = Act {
            user: "1234",
            load: "comment",
            function: Function::Read,
            from,
            to: from + 700_000,
            replica: Some("follower-2"),
            completion: Completion::Ok(value),
        };
        act(&mut history, 0, read);
    }
    let lost = Act {
        user: "an observer with a rather long name, who waits for long",
        load: "background",
        function: Function::Read,
        from: 30_000_000,
        to: 1_030_000_000,
        replica: None,
        completion: Completion::Info("timed out".into()),
    };
    act(&mut history, 1, lost);
    history
}

fn facts() -> RunFacts {
    let history = history();
    let mut ladder = Ladder::new();
    ladder.observe(&history, &mut Vec::new());
    let replica = |name: &str| ReplicaContents {
        name: Arc::from(name),
        contents: [(Arc::from("55555"), "Sounds good!".into())].into(),
    };
    let state = FinalState {
        unsettled: None,
        replicas: vec![replica("leader"), replica("follower-1")],
        probes: None,
    };
    let ended_at = Instant::from_millis(2_000);
    let mut verdicts = ladder.verdicts(&history);
    verdicts.extend(judge_final(&history, &state, ended_at));
    verdicts.push(Verdict {
        terms: Terms::default(),
        check: "linearizable",
        judgement: Judgement::NotJudged(
            "the search took more than its budget of states".to_owned(),
        ),
    });
    RunFacts {
        scenario: "ddia/5-3".to_owned(),
        title: "A user reads stale data after their own write".to_owned(),
        chapter: "Replication lag".to_owned(),
        teaches: "A user submits a comment to the leader and reads it back at a follower that has not got it yet. It \
                  looks to them as if the data that they submitted was lost.\n\nRouting the user's own reads to the leader helps."
            .to_owned(),
        seed: 42,
        digest: 0x00ab_cdef_0123_4567,
        events: 1_234_567,
        ended_at,
        ended: "the duration was over and the replicas settled".to_owned(),
        history,
        verdicts,
        expectations: vec![
            ExpectationFact {
                text: "read-your-writes-in-real-time is violated".to_owned(),
                met: Some(true),
                found: "it is".to_owned(),
            },
            ExpectationFact {
                text: "monotonic-reads-in-real-time is violated".to_owned(),
                met: Some(false),
                found: "it holds".to_owned(),
            },
            ExpectationFact {
                text: "linearizable holds".to_owned(),
                met: None,
                found: String::new(),
            },
        ],
        nemeses: Vec::new(),
        faults: vec![
            FaultFact {
                what: "delay leader ⇄ follower-2 by 60 ms".to_owned(),
                from: Instant::ZERO,
                to: Some(Instant::from_millis(1_500)),
            },
            FaultFact {
                what: "crash follower-1".to_owned(),
                from: Instant::from_millis(40),
                to: None,
            },
        ],
        lag: vec![
            LagFact {
                follower: "follower-1".to_owned(),
                entries_max: 1,
                time_max: Span::from_micros(1_250),
            },
            LagFact {
                follower: "follower-2".to_owned(),
                entries_max: 1_200,
                time_max: Span::from_millis(60),
            },
        ],
        loss: Some(Loss {
            acknowledged: 1,
            lost: 0,
        }),
        warnings: vec!["3 messages were dropped at full inboxes".to_owned()],
    }
}

#[test]
fn the_text_tells_the_run() {
    insta::assert_snapshot!(Report::new(facts()).to_text());
}

#[test]
fn the_json_has_its_published_form() {
    let json: Value = serde_json::from_str(&Report::new(facts()).to_json()).expect("JSON");
    let pretty = serde_json::to_string_pretty(&json).expect("JSON");
    insta::assert_snapshot!(pretty);
}

/// Whoever adds a key changes this list and the documentation with it; whoever takes one away changes the schema.
#[test]
fn the_json_keys_are_a_closed_set() {
    fn collect(value: &Value, path: &str, keys: &mut BTreeSet<String>) {
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    let path = format!("{path}.{key}");
                    collect(value, &path, keys);
                    keys.insert(path);
                }
            }
            Value::Array(items) => {
                for item in items {
                    collect(item, &format!("{path}[]"), keys);
                }
            }
            _ => {}
        }
    }
    let json: Value = serde_json::from_str(&Report::new(facts()).to_json()).expect("JSON");
    let mut keys = BTreeSet::new();
    collect(&json, "", &mut keys);
    let keys: Vec<String> = keys.into_iter().collect();
    insta::assert_snapshot!(keys.join("\n"));
}

#[test]
fn the_text_keeps_to_its_columns_whatever_the_names() {
    let long = "an-unbroken-name-".repeat(12);
    let mut facts = facts();
    for text in [&mut facts.scenario, &mut facts.title, &mut facts.teaches] {
        text.push_str(&long);
    }
    facts.faults[0].what.push_str(&long);
    facts.lag[0].follower.push_str(&long);
    facts.expectations[1].found.push_str(&long);
    facts.warnings.push(long.clone());
    let mut report = Report::new(facts);
    report.verdicts[0].story.push(long.clone());
    report.latencies[0].load = Some(long);
    for line in report.to_text().lines() {
        assert!(line.chars().count() <= 100, "{line}");
        assert_eq!(line, line.trim_end());
    }
}

#[test]
fn the_exit_status_says_whether_all_expectations_are_met() {
    let mut met = facts();
    met.expectations.truncate(1);
    assert_eq!(Report::new(met).exit_status(), 0);
    for (from, to) in [(1, 2), (2, 3)] {
        let mut unmet = facts();
        unmet.expectations = unmet.expectations[from..to].to_vec();
        assert_eq!(Report::new(unmet).exit_status(), 1);
    }
}

#[test]
fn latency_counts_from_the_intended_arrival_and_from_acknowledgements_only() {
    let report = Report::new(facts());
    let reads: Vec<&Latency> = report.latencies.iter().filter(|l| l.f == "read").collect();
    assert_eq!(reads.len(), 1, "one workload alone was answered");
    assert_eq!(
        (reads[0].count, reads[0].p50_us, reads[0].max_us),
        (2, 700, 700)
    );

    let mut late = History::new();
    for n in 1..=1_000_u64 {
        let id = late.invoke(Invocation {
            process: ProcessId(0),
            session: SessionId(0),
            user: Arc::from("u"),
            load: Arc::from(if n % 2 == 0 { "even" } else { "odd" }),
            key: Arc::from("k"),
            function: Function::Read,
            intended_at: Instant::ZERO,
            invoked_at: Instant::from_millis(n - 1),
            invoked_by: EventId(n),
        });
        let completed = Completed {
            completion: Completion::Ok(None),
            at: Instant::from_millis(n),
            by: EventId(n),
            replica: None,
            position: 0,
        };
        late.complete(id, completed);
    }
    let measured = latency::measure(&late);
    let loads: Vec<Option<&str>> = measured.iter().map(|l| l.load.as_deref()).collect();
    assert_eq!(loads, [None, Some("even"), Some("odd")]);
    let all = &measured[0];
    assert_eq!(all.count, 1_000);
    assert!(
        (1_000_000..=1_001_000).contains(&all.max_us),
        "{}",
        all.max_us
    );
    assert!((500_000..=501_000).contains(&all.p50_us), "{}", all.p50_us);
    assert!((990_000..=991_500).contains(&all.p99_us), "{}", all.p99_us);
}
