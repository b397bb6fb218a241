//! Registers whose values are written once each: no search at all.
//!
//! *Gibbons and Korach, Testing Shared Memories, SIAM Journal on Computing 26(4), 1997, section 4.* A value's *cluster* is
//! its write and the reads that returned it; they take effect next to each other, with no other write between. Its
//! *zone* lies between the first end of one of them, `f`, and the last beginning of one of them, `s`:
//!
//! ```text
//!   f < s, a forward zone: the key holds the value from f to s        s < f, a backward zone: there is one moment
//!                                                                     in it at which all of them can take effect
//!   w1 ├───┤f                                                         w2   ├──────────┤
//!   r1         ├──┤                                                   r2      s├────────┤
//!   r1                s├──┤                                                    └──────┘f (the end of w2)
//!          └──────────┘
//! ```
//!
//! There is an order if and only if every read returned a value that was written, and did not end before that write
//! began; no two forward zones overlap; and no backward zone lies within a forward one. That takes sorting, and no more:
//! O(n log n).
//!
//! The initial value's write ended before everything. A write of unknown outcome whose value was read has happened, at
//! no known time; one that was not read is left out.

use crate::checkers::models::{Machine, StateId};

use super::item::{Duty, Item};

/// The cluster of a value.
#[derive(Clone, Copy, Debug)]
struct Cluster {
    written: bool,
    read: bool,
    /// The write's beginning; places count from 1 here, and the initial write has 0.
    write_invoked: u64,
    write_due: u64,
    /// Whether the write is known to have happened whether or not anybody read it.
    certain: bool,
    first_read_due: u64,
    last_invoked: u64,
}

const EMPTY: Cluster = Cluster {
    written: false,
    read: false,
    write_invoked: 0,
    write_due: 0,
    certain: false,
    first_read_due: u64::MAX,
    last_invoked: 0,
};

/// Whether items of one object have an order. `None` where they are not of this kind: there are other calls than reads
/// and writes, or two writes of one value.
pub(super) fn decide(items: &[Item], machine: &dyn Machine) -> Option<bool> {
    let mut clusters = vec![EMPTY; machine.state_count()];
    clusters[machine.initial().0 as usize].written = true;

    for item in items {
        match (machine.demands(item.call), machine.leaves(item.call)) {
            (None, Some(StateId(state))) => write(&mut clusters[state as usize], item)?,
            (Some(StateId(state)), None) if item.duty == Duty::Must => {
                read(&mut clusters[state as usize], item);
            }
            _ => return None,
        }
    }
    Some(have_order(&clusters))
}

fn write(cluster: &mut Cluster, item: &Item) -> Option<()> {
    if cluster.written {
        return None;
    }
    cluster.written = true;
    cluster.certain = item.duty == Duty::Must;
    cluster.write_invoked = u64::from(item.invoked) + 1;
    cluster.write_due = match item.due {
        u32::MAX => u64::MAX,
        due => u64::from(due) + 1,
    };
    Some(())
}

fn read(cluster: &mut Cluster, item: &Item) {
    cluster.read = true;
    cluster.first_read_due = cluster.first_read_due.min(u64::from(item.due) + 1);
    cluster.last_invoked = cluster.last_invoked.max(u64::from(item.invoked) + 1);
}

fn have_order(clusters: &[Cluster]) -> bool {
    let mut forward: Vec<(u64, u64)> = Vec::new();
    let mut backward: Vec<(u64, u64)> = Vec::new();
    for cluster in clusters {
        if !cluster.read && !cluster.certain {
            continue;
        }
        if !cluster.written || cluster.first_read_due < cluster.write_invoked {
            return false;
        }
        let first_due = cluster.write_due.min(cluster.first_read_due);
        let last_invoked = cluster.write_invoked.max(cluster.last_invoked);
        if first_due < last_invoked {
            forward.push((first_due, last_invoked));
        } else {
            backward.push((last_invoked, first_due));
        }
    }
    forward.sort_unstable();
    if forward.windows(2).any(|pair| pair[1].0 < pair[0].1) {
        return false;
    }
    !backward.iter().any(|&(start, end)| {
        let before = forward.partition_point(|&(from, _)| from < start);
        before > 0 && end < forward[before - 1].1
    })
}
