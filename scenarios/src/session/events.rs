//! From the world's records, and what was heard beside them, to events as data.

use seedbed_sim::{
    ChunkedVec, DropReason, EventId, FaultId, Instant, NodeId, Record, RecordKind, ReplyKind,
    RequestId, Span,
};

use super::core::Core;
use super::protocol::Hosted;
use crate::trace::{Ending, TraceEvent, What};

/// All events that are kept, in order.
pub(super) fn events<P: Hosted>(core: &Core<P>) -> impl Iterator<Item = TraceEvent> + '_ {
    let trace = core.world.trace();
    trace.records(EventId(1)).map(|(event, record)| TraceEvent {
        event,
        at: record.at,
        cause: record.cause,
        node: record.node,
        about: trace.kind_of(record).0,
        what: what(core, event, record),
    })
}

fn what<P: Hosted>(core: &Core<P>, event: EventId, record: &Record) -> What {
    let detail = record.detail;
    let took = || of_event(&core.took, event).unwrap_or(Span::ZERO);
    let request = RequestId(detail);
    let dies_at = Instant::from_nanos(detail);
    let fault = FaultId(u32::try_from(detail).unwrap_or(u32::MAX));
    let from = record.peer;
    match record.kind {
        RecordKind::Boot => What::Boot {
            life: detail,
            took: took(),
        },
        RecordKind::Send => What::Send {
            to: record.peer,
            leaves_at: Instant::from_nanos(detail),
        },
        RecordKind::Deliver => What::Deliver {
            from,
            size_bytes: detail,
            arrived_at: of_event(&core.arrived, event).unwrap_or(record.at),
            took: took(),
        },
        RecordKind::Drop => What::Drop {
            from,
            reason: DropReason::from_detail(detail).expect("a drop is recorded with its reason"),
        },
        RecordKind::Hold => What::Hold { from },
        RecordKind::Damage => What::Damage { from },
        RecordKind::Timer => What::Timer {
            number: detail,
            took: took(),
        },
        RecordKind::Synced => What::Synced {
            ticket: detail,
            took: took(),
        },
        RecordKind::Invoke => What::Invoke { request },
        RecordKind::Request => What::Request {
            request,
            took: took(),
        },
        RecordKind::Reply => What::Reply {
            request,
            outcome: outcome(record.peer),
        },
        RecordKind::Note => What::Note,
        RecordKind::Crash => What::Crash { dies_at },
        RecordKind::Halt => What::Halt { dies_at },
        RecordKind::Resume => What::Resume,
        RecordKind::Fault => What::Fault { fault },
        RecordKind::Lift => What::Lift { fault },
    }
}

/// A reply's record holds its kind where others hold their peer.
fn outcome(peer: NodeId) -> Ending {
    const OK: u32 = ReplyKind::Ok as u32;
    const FAIL: u32 = ReplyKind::Fail as u32;
    match peer.0 {
        OK => Ending::Ok,
        FAIL => Ending::Fail,
        _ => Ending::Info,
    }
}

/// What is kept beside an event, in a list that is in the order of events.
fn of_event<T: Copy + Clone>(list: &ChunkedVec<(EventId, T)>, event: EventId) -> Option<T> {
    let index = list.partition_point(|(of, _)| *of < event);
    let (of, value) = list.get(index)?;
    (*of == event).then_some(*value)
}
