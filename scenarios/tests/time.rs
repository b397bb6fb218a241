//! A session goes no further than it is asked to.

use seedbed_scenarios::catalog;
use seedbed_scenarios::session::{self, Injection, Keep};
use seedbed_sim::{Fault, Instant, NodeId, Seed};

/// A crash leaves timers and messages behind that come to nothing when they are due. What comes after them is not due yet.
#[test]
fn what_comes_to_nothing_draws_nothing_later_forward() {
    let scenario = catalog::load("lag/generated-load").expect("a scenario of the catalog");
    let mut session = session::open("lag/generated-load", scenario, Seed(1), Keep::Digest);
    session.run_until(Instant::from_millis(500));
    session
        .inject(Injection::Inject(Fault::Crash { node: NodeId(2) }))
        .expect("a replica can crash");
    for millis in 501..1_500 {
        let asked = Instant::from_millis(millis);
        session.run_until(asked);
        assert_eq!(session.now(), asked);
    }
    for millis in (400..1_500).rev().step_by(7) {
        let asked = Instant::from_millis(millis);
        session.seek_time(asked);
        assert_eq!(session.now(), asked);
    }
}
