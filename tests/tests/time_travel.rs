//! Going to any place of a run of a million events, forwards and backwards, is going there step by step.

use seedbed_sim::Instant;
use seedbed_tests::long;
use seedbed_tests::runs::everything;

const EVENTS: u64 = 1_000_000;

/// What a place looks like.
#[derive(Debug, PartialEq)]
struct Place {
    step: u64,
    now: Instant,
    digest: u64,
    events: u64,
    operations: usize,
}

#[test]
fn every_place_of_a_million_events_is_the_same_however_one_gets_there() {
    let mut run = long::open(1);
    let here = |run: &dyn seedbed_scenarios::session::Session| {
        let mut window = everything(run);
        (window.from, window.rows) = (run.now(), 1);
        Place {
            step: run.position(),
            now: run.now(),
            digest: run.digest(),
            events: run.view(window).events,
            operations: run.operations().len(),
        }
    };
    let mut places = Vec::new();
    // A prime apart, so that they stand anywhere between checkpoints.
    while run.step() {
        if run.position().is_multiple_of(60_013) {
            places.push(here(run.as_ref()));
        }
    }
    let end = here(run.as_ref());
    assert!(end.events >= EVENTS, "{} events", end.events);
    assert!(places.len() > 10);
    let back: Vec<usize> = (0..places.len()).rev().collect();
    let across: Vec<usize> = (0..places.len()).map(|n| n * 7 % places.len()).collect();
    for index in back.into_iter().chain(across) {
        let place = &places[index];
        run.seek(place.step);
        assert_eq!(&here(run.as_ref()), place);
    }
    run.seek(u64::MAX);
    assert_eq!(here(run.as_ref()), end);
}
