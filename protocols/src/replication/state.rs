//! The state of a replica: what comes of applying its log to a storage engine, exactly once.
//!
//! The engine's batch that holds an entry's change also holds how far the log has been applied, so the two can't come
//! apart in a crash. The engine is never synced: the log is the truth, and what the engine has lost is applied again
//! at the next boot, from the position that the engine itself remembers.
//!
//! In the engine, users' keys begin with `k` and the replica's own with `m`.

use bytes::Bytes;
use seedbed_sim::Disk;

use super::log::{Change, LogIndex, ReplicatedLog};
use crate::storage::{
    self, Bounds, Engine, EngineError, EngineKind, EngineOptions, KEY_BYTES_MAX, Row,
    ScanDirection, SnapshotId, open_engine,
};

/// The longest key of a user: the engine's, less the prefix.
pub const USER_KEY_BYTES_MAX: usize = KEY_BYTES_MAX - 1;

const APPLIED: &[u8] = b"m/applied";
const USER_PREFIX: u8 = b'k';
/// The first key behind all users' keys.
const USER_END: &[u8] = b"l";
/// How many rows are read at a time.
const SCAN_ROWS: usize = 1024;

/// A user's key as the engine knows it.
pub fn engine_key(user_key: &[u8]) -> Bytes {
    let mut key = Vec::with_capacity(user_key.len() + 1);
    key.push(USER_PREFIX);
    key.extend_from_slice(user_key);
    key.into()
}

/// A storage engine and how far the log was applied to it.
#[derive(Clone)]
pub struct State {
    engine: Box<dyn Engine>,
    applied: LogIndex,
    batch: Vec<storage::Change>,
    key: Vec<u8>,
}

impl State {
    /// Opens the engine. What it has not got of the log must be [applied](Self::apply) next.
    pub fn open(kind: EngineKind, disk: &mut dyn Disk) -> Result<Self, EngineError> {
        let options = EngineOptions {
            file_prefix: "engine-".to_owned(),
            ..EngineOptions::default()
        };
        let (mut engine, _) = open_engine(kind, disk, &options)?;
        let applied = engine.get(disk, APPLIED, None)?;
        let applied =
            applied.and_then(|bytes| Some(u64::from_le_bytes(bytes.as_ref().try_into().ok()?)));
        Ok(Self {
            engine,
            applied: LogIndex(applied.unwrap_or(0)),
            batch: Vec::new(),
            key: Vec::new(),
        })
    }

    /// The last entry applied.
    pub fn applied(&self) -> LogIndex {
        self.applied
    }

    /// Applies the log's durable entries that have not been, in one batch. `skipped` is left out of the state but
    /// counted: a planted bug.
    pub(super) fn apply(
        &mut self,
        disk: &mut dyn Disk,
        log: &ReplicatedLog,
        skipped: Option<LogIndex>,
    ) -> Result<(), EngineError> {
        let last = log.durable();
        if self.applied >= last {
            return Ok(());
        }
        for entry in log.after(self.applied, last) {
            if skipped == Some(entry.index) {
                continue;
            }
            self.batch.push(match &entry.change {
                Change::Put { key, value } => storage::Change::Put(key.clone(), value.clone()),
                Change::Delete { key } => storage::Change::Delete(key.clone()),
            });
        }
        let applied = Bytes::copy_from_slice(&last.0.to_le_bytes());
        self.batch
            .push(storage::Change::Put(Bytes::from_static(APPLIED), applied));
        let written = self.engine.write(disk, &self.batch);
        self.batch.clear();
        written?;
        self.applied = last;
        Ok(())
    }

    /// The value of a user's key now, or at a snapshot.
    pub fn get(
        &mut self,
        disk: &mut dyn Disk,
        user_key: &[u8],
        at: Option<SnapshotId>,
    ) -> Result<Option<Bytes>, EngineError> {
        self.key.clear();
        self.key.push(USER_PREFIX);
        self.key.extend_from_slice(user_key);
        self.engine.get(disk, &self.key, at)
    }

    /// Takes a snapshot of the engine and gives the last one back.
    pub(super) fn renew_snapshot(&mut self, last: Option<SnapshotId>) -> SnapshotId {
        if let Some(last) = last {
            self.engine.release(last);
        }
        self.engine.snapshot()
    }

    /// How many keys users have, where the engine knows without a scan.
    pub fn keys(&self) -> Option<u64> {
        let own = u64::from(self.applied > LogIndex(0));
        Some(self.engine.stats().keys?.saturating_sub(own))
    }

    /// All keys and values of users, in order.
    pub fn contents(&mut self, disk: &mut dyn Disk) -> Result<Vec<(Bytes, Bytes)>, EngineError> {
        let mut rows: Vec<Row> = Vec::new();
        let mut from = Bytes::from_static(&[USER_PREFIX]);
        loop {
            let bounds = Bounds {
                from: Some(&from),
                to: Some(USER_END),
            };
            let next = self.engine.scan(
                disk,
                None,
                bounds,
                ScanDirection::Forward,
                SCAN_ROWS,
                &mut rows,
            )?;
            match next {
                Some(next) => from = next,
                None => break,
            }
        }
        Ok(rows
            .into_iter()
            .map(|row| (row.key.slice(1..), row.value))
            .collect())
    }
}
