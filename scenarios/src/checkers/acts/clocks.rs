//! Vector clocks over acts: how much of each chain an act has behind it.
//!
//! A clock counts, for each chain, how many of its first acts come before an act (itself included), by whatever relation
//! it was grown over. That is as good as the transitive closure, in a table of acts × chains instead of acts × acts.

use super::{ActId, Acts};

/// A clock for each act.
#[derive(Clone, Debug)]
pub(crate) struct Clocks {
    counts: Vec<u32>,
    width: usize,
}

impl Clocks {
    /// The clocks of acts that know of themselves alone; the reason where they would not fit into so many bytes.
    pub(crate) fn new(acts: &Acts, bytes: u64) -> Result<Self, String> {
        let cells = acts.all.len() as u64 * acts.chain_count as u64;
        if cells * 4 > bytes {
            return Err(format!(
                "the clocks of {} operations in {} chains would take {} MiB, which is more than the budget",
                acts.all.len(),
                acts.chain_count,
                (cells * 4) >> 20
            ));
        }
        let mut clocks = Self {
            counts: vec![0; usize::try_from(cells).expect("it fits the budget")],
            width: acts.chain_count,
        };
        for (id, act) in acts.all.iter().enumerate() {
            clocks.counts[id * clocks.width + act.chain] = act.number;
        }
        Ok(clocks)
    }

    /// The clocks of acts that know of nothing, of the same size.
    pub(crate) fn forgetting(&self) -> Self {
        Self {
            counts: vec![0; self.counts.len()],
            width: self.width,
        }
    }

    /// How many acts of each chain an act has behind it.
    pub(crate) fn of(&self, act: ActId) -> &[u32] {
        &self.counts[act * self.width..][..self.width]
    }

    /// Whether one act comes before another, or is the same.
    pub(crate) fn has_behind(&self, acts: &Acts, later: ActId, earlier: ActId) -> bool {
        let earlier = &acts.all[earlier];
        self.of(later)[earlier.chain] >= earlier.number
    }

    /// What other clocks have behind one act is behind another, too.
    pub(crate) fn join_from(&mut self, later: ActId, other: &Self, earlier: ActId) {
        let clock = &mut self.counts[later * self.width..][..self.width];
        for (to, from) in clock.iter_mut().zip(other.of(earlier)) {
            *to = (*to).max(*from);
        }
    }

    /// An act itself is behind another.
    pub(crate) fn see(&mut self, acts: &Acts, later: ActId, earlier: ActId) {
        let act = &acts.all[earlier];
        let count = &mut self.counts[later * self.width + act.chain];
        *count = (*count).max(act.number);
    }

    /// What is behind one act is behind another, too. Whether that was news.
    pub(crate) fn join(&mut self, later: ActId, earlier: ActId) -> bool {
        if later == earlier {
            return false;
        }
        let (from, to) = (earlier * self.width, later * self.width);
        let (low, high) = self.counts.split_at_mut(from.max(to));
        let (from, to) = if from < to {
            (&low[from..][..self.width], &mut high[..self.width])
        } else {
            (&high[..self.width], &mut low[to..][..self.width])
        };
        let mut is_news = false;
        for (to, from) in to.iter_mut().zip(from) {
            is_news |= *from > *to;
            *to = (*to).max(*from);
        }
        is_news
    }
}
