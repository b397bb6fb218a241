//! Events as data agree with the events in words, and tell what stands beside the records.

use seedbed_scenarios::trace::{Ending, TraceEvent, What};
use seedbed_sim::{Instant, Span};

use crate::{finished, finished_file};

#[test]
fn every_event_is_there_as_data_and_in_words() {
    let run = finished("lag/crash-catch-up", 1);
    let (words, data): (Vec<_>, Vec<_>) = (run.trace().collect(), run.events().collect());
    assert_eq!(words.len(), data.len());
    for (word, datum) in words.iter().zip(&data) {
        assert_eq!(
            (word.event, word.at, word.cause),
            (datum.event, datum.at, datum.cause)
        );
        if let Some(node) = word.node {
            assert_eq!(node, datum.node);
        }
    }
    let ends =
        |event: &&TraceEvent| matches!(event.what, What::Crash { .. } | What::Boot { life: 1, .. });
    let ends: Vec<Instant> = data.iter().filter(ends).map(|event| event.at).collect();
    assert_eq!(ends, [500, 1_200].map(Instant::from_millis));
}

#[test]
fn handlers_take_time_one_after_the_other_and_deliveries_come_after_arrivals() {
    let run = finished("lag/generated-load", 3);
    let mut free_at = std::collections::BTreeMap::new();
    let mut worked = 0;
    for event in run.events() {
        let Some(took) = event.took() else { continue };
        let free = free_at.entry(event.node).or_insert(Instant::ZERO);
        assert!(
            *free <= event.at,
            "a node does one thing at a time: {event:?}"
        );
        *free = event.at + took;
        worked += u64::from(took > Span::ZERO);
        if let What::Deliver { arrived_at, .. } = event.what {
            assert!(arrived_at <= event.at);
        }
    }
    assert!(worked > 1_000, "replicas take time for what they do");
}

#[test]
fn a_message_that_comes_to_a_paused_node_is_told_with_its_arrival() {
    let text = seedbed_scenarios::catalog::find("ddia/5-3")
        .expect("in the catalog")
        .text;
    let paused = format!(
        "{text}\n[[fault]]\nat = \"21ms\"\nuntil = \"30ms\"\nkind = \"pause\"\nnode = \"follower-1\"\n"
    );
    let run = finished_file("paused.toml", &paused, 1);
    let waited = |event: TraceEvent| match event.what {
        What::Deliver { arrived_at, .. } if arrived_at < event.at => Some((arrived_at, event.at)),
        _ => None,
    };
    let waited: Vec<_> = run.events().filter_map(waited).collect();
    let [(arrived_at, handled_at)] = waited[..] else {
        panic!("one message, the read, waits: {waited:?}");
    };
    assert_eq!(handled_at, Instant::from_millis(30));
    assert!((21..25).contains(&(arrived_at.as_nanos() / 1_000_000)));
}

#[test]
fn findings_are_the_anomalies_and_what_the_final_checks_found() {
    let run = finished("ddia/5-4", 1);
    let findings = run.findings();
    assert_eq!(findings.len(), 20);
    let first = &findings[0];
    assert_eq!(first.guarantee, "monotonic-reads-in-real-time");
    assert_eq!(
        first.story.len(),
        first.operations.len() + 1,
        "a line for each operation, and one that says why"
    );
    let replies = run.events().filter(|event| {
        matches!(
            event.what,
            What::Reply {
                outcome: Ending::Ok,
                ..
            }
        )
    });
    assert_eq!(replies.count(), 34);
}
