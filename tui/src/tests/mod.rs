//! Tests of the interface: with views written by hand, with a session that only keeps its contract, and with real runs.

mod driven;
mod real;
mod screens;
mod updates;

use std::sync::Arc;

use seedbed_scenarios::history::OperationId;
use seedbed_scenarios::view::*;
use seedbed_sim::{
    Direction, EventId, Fault, FaultId, InFlight, Instant, LinkTarget, NodeId, Span,
};

use crate::layout::Size;
use crate::model::{Entry, Lab, Model};
use crate::theme::Theme;
use crate::update::{Effect, Input, update};

pub(crate) const LARGE: Size = Size {
    width: 120,
    height: 40,
};
pub(crate) const SMALL: Size = Size {
    width: 80,
    height: 24,
};

fn ms(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

fn node(id: u32, name: &str, role: &str) -> NodeView {
    NodeView {
        id: NodeId(id),
        name: name.into(),
        site: if id == 2 {
            "oslo".into()
        } else {
            "bonn".into()
        },
        role: role.into(),
        is_replica: role != "client",
        state: NodeState::Up,
        written: 12,
        durable: 12,
        applied: 12,
        keys: Some(3),
        lag_entries: (role == "follower").then_some(0),
        lag_time: (role == "follower").then_some(Span::ZERO),
        queued: 0,
        restarts: 0,
        clock_error_nanos: 0,
        doing: "waits".into(),
    }
}

fn operation(at: u64, user: &str, function: &str, result: &str, in_witness: bool) -> OperationView {
    OperationView {
        invoked_at: ms(at),
        completed_at: Some(ms(at + 4)),
        user: user.into(),
        function: function.into(),
        key: "comment".into(),
        result: result.into(),
        replica: if function == "read" {
            "f2".into()
        } else {
            "l1".into()
        },
        state: OperationState::Ok,
        latency: Some(Span::from_micros(4_250)),
        in_witness,
        event: EventId(at * 3),
    }
}

fn fault(
    id: Option<u32>,
    from: u64,
    to: Option<u64>,
    what: &str,
    fault: Fault,
    active: bool,
) -> FaultView {
    FaultView {
        id: id.map(FaultId),
        from: ms(from),
        to: to.map(ms),
        what: what.into(),
        fault,
        active,
    }
}

fn cut(from: u32, to: u32) -> Fault {
    Fault::Cut {
        link: LinkTarget {
            from: NodeId(from),
            to: NodeId(to),
            direction: Direction::Both,
        },
        in_flight: InFlight::Lost,
    }
}

fn anomaly(at: u64, step: u64) -> Arc<AnomalyView> {
    Arc::new(AnomalyView {
        at: ms(at),
        step,
        guarantee: "read-your-writes".into(),
        summary: "user1234 read ∅ for comment, having written “Sounds good!”".into(),
        story: vec![
            "20.000 ms: user1234 writes “Sounds good!” to comment at l1".into(),
            "24.250 ms: l1 answers: done".into(),
            "40.000 ms: user1234 reads comment at f2 and gets ∅".into(),
        ],
        operations: vec![OperationId(0), OperationId(2)],
    })
}

fn lag(node: u32, name: &str, from: u64, to: u64, columns: u16) -> LagSeries {
    let entries: Vec<Option<u64>> = (0..u64::from(columns))
        .map(|column| column * 250 / u64::from(columns))
        .map(|at| match at {
            at if at > 100 => None,
            at if at < from => Some(0),
            at if at < to => Some((at - from) / 4),
            at if node == 2 && at < to + 20 => None,
            _ => Some(0),
        })
        .collect();
    LagSeries {
        node: NodeId(node),
        name: name.into(),
        time: entries.iter().map(|e| e.map(Span::from_millis)).collect(),
        entries,
    }
}

/// A run at 100 ms of 250: one follower crashed and is back, one is cut off, one guarantee fell.
pub(crate) fn view(columns: u16) -> View {
    let mut nodes = vec![
        node(0, "l1", "leader"),
        node(1, "f1", "follower"),
        node(2, "f2", "follower"),
        node(3, "user1234", "client"),
        node(4, "observer", "client"),
    ];
    nodes[0].doing = "sends #13..#20 to f2".into();
    nodes[1].state = NodeState::Paused;
    nodes[1].queued = 3;
    nodes[2].state = NodeState::Down;
    nodes[2].applied = 9;
    nodes[2].restarts = 1;
    nodes[2].lag_entries = Some(3);
    nodes[2].lag_time = Some(Span::from_micros(57_250));
    View {
        scenario: "ddia/5-3".into(),
        title: "A comment that its author can't see".into(),
        seed: 7,
        window: Window {
            from: Instant::ZERO,
            to: ms(250),
            columns,
            rows: 40,
        },
        now: ms(100),
        duration: Span::from_millis(250),
        step: 120,
        events: 110,
        ended: None,
        nodes,
        lag: vec![lag(1, "f1", 20, 60, columns), lag(2, "f2", 30, 80, columns)],
        operations: vec![
            operation(20, "user1234", "write", "Sounds good!", true),
            operation(30, "observer", "read", "∅", false),
            operation(40, "user1234", "read", "∅", true),
        ],
        anomalies: vec![anomaly(44, 50)],
        faults: vec![
            fault(
                Some(1),
                20,
                Some(60),
                "pause f1",
                Fault::Pause { node: NodeId(1) },
                false,
            ),
            fault(
                Some(2),
                80,
                None,
                "crash f2",
                Fault::Crash { node: NodeId(2) },
                true,
            ),
            fault(Some(3), 90, None, "cut l1 ⇄ f1", cut(1, 0), true),
            fault(None, 150, Some(200), "cut l1 ⇄ f2", cut(0, 2), false),
        ],
        in_flight: vec![MessageView {
            from: NodeId(0),
            to: NodeId(1),
            kind: "append".into(),
            left_at: ms(98),
            arrives_at: ms(103),
        }],
        log: (80..100)
            .map(|at| LogLine {
                event: EventId(at),
                at: ms(at),
                cause: if at == 80 {
                    EventId::OUTSIDE
                } else {
                    EventId(at - 2)
                },
                node: (at % 4 > 0).then_some(NodeId(at as u32 % 3)),
                kind: if at % 7 == 0 { "drop" } else { "deliver" }.into(),
                text: format!("append of entries {}..{} arrives from l1", at - 20, at - 18),
            })
            .collect(),
        expectations: vec![
            ExpectationView {
                text: "read-your-writes is violated".into(),
                met: Some(true),
            },
            ExpectationView {
                text: "convergence holds".into(),
                met: None,
            },
        ],
    }
}

fn entries() -> Vec<Entry> {
    let entry = |name: &str, title: &str, teaches: &str| Entry {
        name: name.into(),
        title: title.into(),
        chapter: "DDIA chapter 5".into(),
        teaches: teaches.into(),
        try_next: "Route the reads to the leader.".into(),
        expectations: vec![
            "read-your-writes is violated".into(),
            "convergence holds".into(),
        ],
    };
    vec![
        entry(
            "ddia/5-2",
            "One synchronous follower, one that lags",
            "An acknowledged write can be read at one follower and not yet at the other.",
        ),
        entry(
            "ddia/5-3",
            "A comment that its author can't see",
            "Asynchronous followers lag; who reads from one may miss their own write. Reading one's own data from the leader prevents it.",
        ),
        entry(
            "ddia/5-4",
            "Time that runs backwards",
            "Two followers lag by different amounts, so a user who reads first one and then the other sees data disappear.",
        ),
    ]
}

/// The catalog.
pub(crate) fn catalog(size: Size) -> Model {
    Model::new(entries(), size, Theme::PLAIN)
}

/// The lab, with the run that [`view`] describes.
pub(crate) fn lab(size: Size) -> Model {
    let mut model = catalog(size);
    model.lab = Some(Lab::new("ddia/5-3".into(), view(1), 0x1234_5678_9abc_def0));
    look_again(&mut model);
    model
}

/// What a session does after each input: it answers with the part of the run that there is room for.
pub(crate) fn look_again(model: &mut Model) {
    let columns = model.window().columns;
    let input = Input::Viewed {
        view: Box::new(view(columns)),
        digest: 0x1234_5678_9abc_def0,
    };
    assert_eq!(update(model, input), Vec::<Effect>::new());
    model.notice = None;
}
