//! How far a log goes and how far it is durable, in an engine's own positions.

use std::collections::VecDeque;

use seedbed_sim::SyncTicket;

use super::{EngineError, Lsn};

/// Syncs under way whose extent is remembered. Of more than that the oldest are forgotten, which is safe: less is known
/// to be durable than is.
const PENDING_SYNCS_MAX: usize = 256;

/// Where a log ends, and what of it is durable.
#[derive(Clone, Debug, Default)]
pub(super) struct Positions {
    end: Lsn,
    durable: Lsn,
    /// Syncs under way, oldest first, each with what it covers.
    pending: VecDeque<(SyncTicket, Lsn)>,
}

impl Positions {
    /// A log that ends at `end`, all of it durable.
    pub(super) fn durable_to(end: Lsn) -> Self {
        Self {
            end,
            durable: end,
            pending: VecDeque::new(),
        }
    }

    pub(super) fn end(&self) -> Lsn {
        self.end
    }

    pub(super) fn durable(&self) -> Lsn {
        self.durable
    }

    /// Whether a log that begins at `oldest` can be read from `from` on.
    ///
    /// # Errors
    /// [`EngineError::LogGap`], [`EngineError::LogGone`].
    pub(super) fn check_from(&self, from: Lsn, oldest: Lsn) -> Result<(), EngineError> {
        if from > self.end {
            let end = self.end;
            return Err(EngineError::LogGap { end, from });
        }
        if from < oldest {
            return Err(EngineError::LogGone { from, oldest });
        }
        Ok(())
    }

    /// So many positions were written.
    pub(super) fn advance(&mut self, count: u64) {
        self.end.0 += count;
    }

    /// So many positions were not written after all, and no sync of them was begun.
    pub(super) fn take_back(&mut self, count: u64) {
        self.end.0 -= count;
    }

    /// All that was written is durable.
    pub(super) fn synced(&mut self) {
        self.durable = self.end;
        self.pending.clear();
    }

    /// What comes before `lsn` is durable.
    pub(super) fn durable_at_least(&mut self, lsn: Lsn) {
        self.durable = self.durable.max(lsn);
    }

    /// A sync of all that was written has begun.
    pub(super) fn sync_begun(&mut self, ticket: SyncTicket) {
        if self.pending.len() == PENDING_SYNCS_MAX {
            self.pending.pop_front();
        }
        self.pending.push_back((ticket, self.end));
    }

    /// A sync is done. One that is not of this log changes nothing.
    pub(super) fn on_synced(&mut self, ticket: SyncTicket) {
        let covered = self.pending.iter().find(|(known, _)| *known == ticket);
        if let Some(&(_, covered)) = covered {
            self.durable = self.durable.max(covered);
            let durable = self.durable;
            self.pending.retain(|&(_, covered)| covered > durable);
        }
    }
}
