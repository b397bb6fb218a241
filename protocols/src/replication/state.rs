//! What the log's changes add up to: the applied state of one replica.
//!
//! Each batch of entries changes the users' keys **and** the *position*, the last entry that is applied, in one engine
//! write, which is whole after a crash or gone. So every entry is applied exactly once, whatever a crash cuts short:
//! recovery asks the engine for its position and applies what the log holds after it. An engine in memory starts empty,
//! at position zero, and gets the whole log again.
//!
//! With them goes the table of *sessions*: the last call of each client that changed anything, so that a retry is told from
//! a new call, before and after a restart. It is in memory, and the engine has it as of the last *checkpoint*; what came
//! after that is read from the log's entries, which say whose they are.
//!
//! ```text
//!   engine key        value                                    (numbers in values little-endian, in keys big-endian)
//!   u · user's key    user's value
//!   m p               position u64
//!   m c               checkpoint u64
//!   m s client u32    session u32 · call u64 · index u64       the client's last write, and where it stands in the log
//!
//!   log    1 … 1024 │ 1025 … 1400 │ 1401 … 1500
//!                   ▲ checkpoint  ▲ position  ▲ durable        recovery: sessions from the engine, then of 1025 … 1400
//!                                                              from the log; then 1401 … 1500 are applied
//! ```
//!
//! The engine is not synced with every batch: the log is durable already. A [checkpoint](State::checkpoint) now and then
//! writes the sessions that have changed, and begins a sync. It bounds what recovery has to read and to apply again; and
//! it is up to a checkpoint, not a position, that a log could be cut at its front.
//!
//! What real systems do and this does not: forget sessions that are long gone (MongoDB drops them after 30 minutes), and
//! drop what the log holds before a checkpoint.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use bytes::Bytes;
use seedbed_sim::{Disk, NodeId, SyncTicket};

use super::log::{Call, Entry, LogIndex, Origin, ReplicatedLog};
use crate::storage::{
    Bounds, Change, Engine, EngineError, EngineKind, EngineOptions, KEY_BYTES_MAX, ScanDirection,
    SnapshotId, open_engine,
};

/// The longest key that users may have, in bytes: one less than an engine takes.
pub const USER_KEY_BYTES_MAX: usize = KEY_BYTES_MAX - 1;

/// About how many bytes of the engine's background work are done with each checkpoint.
const MAINTAIN_BYTES: u64 = 256 * 1024;

/// Entries that recovery applies in one engine write, at the most.
const REPLAY_BATCH: usize = 256;

const USER: u8 = b'u';
const AFTER_USER: u8 = USER + 1;
const POSITION_KEY: &[u8] = b"mp";
const CHECKPOINT_KEY: &[u8] = b"mc";
const SESSION_PREFIX: &[u8] = b"ms";
/// The first key after all session keys.
const AFTER_SESSIONS: &[u8] = b"mt";

/// The key under which engines store a user's key. The client makes it once; messages, the log and the engines of all
/// replicas share its bytes.
pub fn engine_key(user: &[u8]) -> Bytes {
    let mut key = Vec::with_capacity(1 + user.len());
    key.push(USER);
    key.extend_from_slice(user);
    key.into()
}

/// What a write is, seen from what its client did before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It has not been seen.
    New,
    /// It is in the log already, at this place.
    Repeated(LogIndex),
    /// A later call of its client is in the log, so the client has given this one up: it must not take effect any more.
    Stale,
}

/// A write of a client, by its call and its place in the log.
#[derive(Clone, Copy, Debug, Default)]
struct LastWrite {
    call: Call,
    index: LogIndex,
}

/// What is known of a client.
#[derive(Clone, Copy, Debug, Default)]
struct Session {
    /// Its last write that is applied.
    applied: LastWrite,
    /// Its last write in the log. A leader knows it from the moment it takes the write in; it may not be durable yet, so
    /// it must not reach the engine.
    latest: LastWrite,
    /// Whether the engine has a row for it.
    has_row: bool,
}

/// The applied state of one replica. See the [module](self).
///
/// The disk is an argument of every call that needs it, and must be the same each time.
#[derive(Clone)]
pub struct State {
    engine: Box<dyn Engine>,
    applied: LogIndex,
    sessions: BTreeMap<NodeId, Session>,
    /// The engine has the sessions as they were after this entry.
    checkpoint: LogIndex,
    // What one call uses and leaves empty, kept for its memory.
    batch: Vec<Change>,
    key: Vec<u8>,
}

impl State {
    /// Opens the engine, and recovers its position and the sessions up to there. What the log holds after it is not
    /// applied yet: see [`replay`](Self::replay).
    pub fn open(
        kind: EngineKind,
        disk: &mut dyn Disk,
        log: &mut ReplicatedLog,
    ) -> Result<Self, EngineError> {
        let (engine, _) = open_engine(kind, disk, &EngineOptions::default())?;
        let mut state = Self {
            engine,
            applied: LogIndex::ZERO,
            sessions: BTreeMap::new(),
            checkpoint: LogIndex::ZERO,
            batch: Vec::new(),
            key: Vec::new(),
        };
        state.applied = state.read_index(disk, POSITION_KEY)?;
        if state.applied > log.durable() {
            return Err(log.lacks(state.applied));
        }
        if state.applied > LogIndex::ZERO {
            state.checkpoint = state.read_index(disk, CHECKPOINT_KEY)?;
            state.read_sessions(disk)?;
            let applied = state.applied;
            log.walk(disk, state.checkpoint.next(), |entry| {
                if entry.index > applied {
                    return ControlFlow::Break(());
                }
                state.note_applied(&entry);
                ControlFlow::Continue(())
            })?;
        }
        Ok(state)
    }

    fn read_index(&mut self, disk: &mut dyn Disk, key: &[u8]) -> Result<LogIndex, EngineError> {
        let value = self.engine.get(disk, key, None)?;
        Ok(LogIndex(value.map_or(0, |value| u64_at(&value, 0))))
    }

    fn read_sessions(&mut self, disk: &mut dyn Disk) -> Result<(), EngineError> {
        let bounds = Bounds {
            from: Some(SESSION_PREFIX),
            to: Some(AFTER_SESSIONS),
        };
        let mut rows = Vec::new();
        let forward = ScanDirection::Forward;
        self.engine
            .scan(disk, None, bounds, forward, usize::MAX, &mut rows)?;
        for row in rows {
            let client = row.key[SESSION_PREFIX.len()..].try_into();
            let client = NodeId(u32::from_be_bytes(client.expect("four bytes")));
            let applied = LastWrite {
                call: Call {
                    session: u32::from_le_bytes(row.value[..4].try_into().expect("four bytes")),
                    number: u64_at(&row.value, 4),
                },
                index: LogIndex(u64_at(&row.value, 12)),
            };
            let session = Session {
                applied,
                latest: applied,
                has_row: true,
            };
            self.sessions.insert(client, session);
        }
        Ok(())
    }

    /// The last entry that is applied.
    #[inline]
    pub fn applied(&self) -> LogIndex {
        self.applied
    }

    /// What a write is, seen from what its client did before.
    pub fn standing(&self, origin: Origin) -> Standing {
        match self.sessions.get(&origin.client) {
            Some(Session { latest, .. }) if latest.call == origin.call => {
                Standing::Repeated(latest.index)
            }
            Some(Session { latest, .. }) if latest.call > origin.call => Standing::Stale,
            _ => Standing::New,
        }
    }

    /// A leader has taken a write into its log. From here on it is known, though it is applied later.
    pub fn accept(&mut self, origin: Origin, index: LogIndex) {
        let call = origin.call;
        self.sessions.entry(origin.client).or_default().latest = LastWrite { call, index };
    }

    /// Applies entries, the next ones in the log's order.
    ///
    /// # Panics
    /// When they are not the next ones.
    pub fn apply<'a>(
        &mut self,
        disk: &mut dyn Disk,
        entries: impl Iterator<Item = &'a Entry>,
    ) -> Result<(), EngineError> {
        let mut applied = self.applied;
        for entry in entries {
            assert_eq!(entry.index, applied.next(), "entries are applied in order");
            applied = entry.index;
            self.note_applied(entry);
            self.batch.push(entry.proposal.change.clone());
        }
        self.put_index(POSITION_KEY, applied);
        self.write_batch(disk)?;
        self.applied = applied;
        Ok(())
    }

    fn note_applied(&mut self, entry: &Entry) {
        let Origin { client, call } = entry.proposal.origin;
        let session = self.sessions.entry(client).or_default();
        let index = entry.index;
        session.applied = LastWrite { call, index };
        if session.latest.index < index {
            session.latest = session.applied;
        }
    }

    fn put_index(&mut self, key: &'static [u8], index: LogIndex) {
        let value = Bytes::copy_from_slice(&index.0.to_le_bytes());
        self.batch.push(Change::Put(Bytes::from_static(key), value));
    }

    fn write_batch(&mut self, disk: &mut dyn Disk) -> Result<(), EngineError> {
        let written = self.engine.write(disk, &self.batch);
        self.batch.clear();
        written?;
        Ok(())
    }

    /// Counts the next entry as applied, and does not apply it: a planted bug.
    pub(super) fn skip_next(&mut self, disk: &mut dyn Disk) -> Result<(), EngineError> {
        self.applied = self.applied.next();
        self.apply(disk, std::iter::empty())
    }

    /// Applies what the log holds after the position: recovery.
    ///
    /// # Panics
    /// When the log is not durable to its end: what is applied could be lost from it.
    pub fn replay(
        &mut self,
        disk: &mut dyn Disk,
        log: &mut ReplicatedLog,
    ) -> Result<(), EngineError> {
        while self.applied < log.durable() {
            let mut entries = Vec::new();
            let durable = log.durable();
            log.walk(disk, self.applied.next(), |entry| {
                if entry.index > durable || entries.len() == REPLAY_BATCH {
                    return ControlFlow::Break(());
                }
                entries.push(entry);
                ControlFlow::Continue(())
            })?;
            self.apply(disk, entries.iter())?;
        }
        Ok(())
    }

    /// Writes the sessions that have changed, and begins to make the engine durable, if `every` entries or more were
    /// applied since the last time.
    #[inline]
    pub fn checkpoint(&mut self, disk: &mut dyn Disk, every: u64) -> Result<(), EngineError> {
        if self.applied.since(self.checkpoint) < every {
            return Ok(());
        }
        self.write_checkpoint(disk)
    }

    #[cold]
    fn write_checkpoint(&mut self, disk: &mut dyn Disk) -> Result<(), EngineError> {
        let (before, applied) = (self.checkpoint, self.applied);
        for (client, session) in &mut self.sessions {
            if session.applied.index > before {
                self.batch.push(session_row(*client, session.applied));
                session.has_row = true;
            }
        }
        self.put_index(CHECKPOINT_KEY, applied);
        self.write_batch(disk)?;
        self.checkpoint = applied;
        self.engine.sync_later(disk)?;
        // A slice of the engine's own work with each checkpoint: so it keeps up with the writes that make it.
        self.engine.maintain(disk, MAINTAIN_BYTES)?;
        Ok(())
    }

    /// A sync is done; one that is not the engine's changes nothing.
    pub fn on_synced(&mut self, ticket: SyncTicket) {
        self.engine.on_synced(ticket);
    }

    /// The value of a user's key now, or as it was at a snapshot.
    pub fn get(
        &mut self,
        disk: &mut dyn Disk,
        user_key: &[u8],
        at: Option<SnapshotId>,
    ) -> Result<Option<Bytes>, EngineError> {
        self.key.clear();
        self.key.push(USER);
        self.key.extend_from_slice(user_key);
        self.engine.get(disk, &self.key, at)
    }

    /// A view of the content as it is now, in place of an older one.
    pub fn renew_snapshot(&mut self, old: Option<SnapshotId>) -> SnapshotId {
        if let Some(old) = old {
            self.engine.release(old);
        }
        self.engine.snapshot()
    }

    /// How many user keys there are, where the engine knows without a scan.
    pub fn key_count(&self) -> Option<u64> {
        let rows = self.sessions.values().filter(|session| session.has_row);
        let indexes = [self.applied, self.checkpoint];
        let indexes = indexes.iter().filter(|index| **index > LogIndex::ZERO);
        let own = (rows.count() + indexes.count()) as u64;
        self.engine
            .stats()
            .keys
            .map(|keys| keys.saturating_sub(own))
    }

    /// All of the users' keys and values, in key order.
    pub fn contents(&mut self, disk: &mut dyn Disk) -> Result<Vec<(Bytes, Bytes)>, EngineError> {
        let bounds = Bounds {
            from: Some(&[USER]),
            to: Some(&[AFTER_USER]),
        };
        let mut rows = Vec::new();
        let forward = ScanDirection::Forward;
        self.engine
            .scan(disk, None, bounds, forward, usize::MAX, &mut rows)?;
        let user_rows = rows.into_iter().map(|row| (row.key.slice(1..), row.value));
        Ok(user_rows.collect())
    }
}

fn session_row(client: NodeId, last: LastWrite) -> Change {
    let key = [SESSION_PREFIX, &client.0.to_be_bytes()].concat();
    let LastWrite { call, index } = last;
    let mut value = Vec::with_capacity(4 + 8 + 8);
    value.extend_from_slice(&call.session.to_le_bytes());
    value.extend_from_slice(&call.number.to_le_bytes());
    value.extend_from_slice(&index.0.to_le_bytes());
    Change::Put(key.into(), value.into())
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use seedbed_sim::{DiskConfig, Instant, SimDisk};

    use super::*;
    use crate::replication::log::{Epoch, Proposal};

    const EVERY: u64 = 4;

    fn origin(client: u32, number: u64) -> Origin {
        let call = Call { session: 1, number };
        Origin {
            client: NodeId(client),
            call,
        }
    }

    /// A log and its state on a disk whose syncs take no time.
    struct Replica {
        disk: SimDisk,
        log: ReplicatedLog,
        state: State,
        kind: EngineKind,
    }

    impl Replica {
        fn new(kind: EngineKind) -> Self {
            Self::open(kind, SimDisk::new(DiskConfig::instant())).expect("an empty disk")
        }

        fn open(kind: EngineKind, mut disk: SimDisk) -> Result<Self, EngineError> {
            let (mut log, _) = ReplicatedLog::open(&mut disk)?;
            let state = State::open(kind, &mut disk, &mut log)?;
            Ok(Self {
                disk,
                log,
                state,
                kind,
            })
        }

        /// Takes a write in, makes it durable, and applies it.
        fn write(&mut self, client: u32, number: u64) {
            let origin = origin(client, number);
            let key = engine_key(format!("k{client}").as_bytes());
            let value = Bytes::from(format!("v{number}"));
            let change = Change::Put(key, value);
            let proposal = Arc::new(Proposal { origin, change });
            let disk = &mut self.disk;
            let index = self.log.append(disk, Epoch(1), proposal).unwrap();
            self.state.accept(origin, index);
            self.log.begin_sync(disk).unwrap();
            let mut syncs = Vec::new();
            disk.take_pending_syncs(&mut syncs);
            assert!(self.log.on_synced(syncs[0].0));
            let entries = self.log.recent(self.state.applied(), self.log.durable());
            self.state.apply(disk, entries).unwrap();
            self.state.checkpoint(disk, EVERY).unwrap();
            disk.take_pending_syncs(&mut syncs);
        }

        fn restarted(mut self) -> Result<Self, EngineError> {
            self.disk.crash(Instant::ZERO);
            Self::open(self.kind, self.disk)
        }
    }

    #[test]
    fn what_a_client_did_last_is_known_after_a_restart_wherever_the_checkpoint_stands() {
        for kind in [EngineKind::Memory, EngineKind::Log, EngineKind::Hash] {
            for writes in 1..=3 * EVERY {
                let mut replica = Replica::new(kind);
                for number in 1..=writes {
                    replica.write(number as u32 % 3, number);
                }
                let mut replica = replica.restarted().unwrap();
                assert_eq!(replica.log.durable(), LogIndex(writes));
                if kind != EngineKind::Memory {
                    // Each checkpoint was synced, with the position.
                    assert_eq!(replica.state.applied().0, writes / EVERY * EVERY);
                }
                let (disk, log) = (&mut replica.disk, &mut replica.log);
                replica.state.replay(disk, log).unwrap();
                assert_eq!(replica.state.applied(), LogIndex(writes));
                for number in 1..=writes {
                    let standing = replica.state.standing(origin(number as u32 % 3, number));
                    let expected = if number + 3 > writes {
                        Standing::Repeated(LogIndex(number))
                    } else {
                        Standing::Stale
                    };
                    assert_eq!(standing, expected, "write {number} of {writes} on {kind}");
                }
                let next = replica.state.standing(origin(0, writes + 1));
                assert_eq!(next, Standing::New);
                let contents = replica.state.contents(&mut replica.disk).unwrap();
                assert_eq!(contents.len() as u64, writes.min(3), "{contents:?}");
            }
        }
    }

    /// A write that was taken in and not made durable is gone after a crash. Were it in a checkpoint, a retry of it would
    /// be taken for done, and acknowledged; were the write before it forgotten for it, a late copy of that would be done
    /// again.
    #[test]
    fn a_checkpoint_knows_of_nothing_that_is_not_applied() {
        let mut replica = Replica::new(EngineKind::Log);
        replica.write(1, 1);
        // Client 1 goes on before the checkpoint is written, and its next write is never durable.
        for number in 2..EVERY {
            replica.write(2, number);
        }
        let lost = origin(1, 2);
        replica.state.accept(lost, LogIndex(EVERY + 1));
        replica.write(2, EVERY);
        let replica = replica.restarted().unwrap();
        assert_eq!(replica.state.applied(), LogIndex(EVERY));
        assert_eq!(replica.state.standing(lost), Standing::New);
        assert_eq!(
            replica.state.standing(origin(1, 1)),
            Standing::Repeated(LogIndex(1))
        );
    }

    #[test]
    fn an_engine_that_is_ahead_of_its_log_is_refused() {
        let mut replica = Replica::new(EngineKind::Log);
        for number in 1..=EVERY {
            replica.write(1, number);
        }
        let disk = &mut replica.disk;
        disk.remove(crate::replication::log::FILE_NAME).unwrap();
        disk.sync_dir().unwrap();
        let error = replica.restarted().err().expect("the log is gone");
        assert!(matches!(error, EngineError::Corrupt { .. }), "{error}");
    }

    #[test]
    fn keys_of_our_own_are_not_counted_and_not_shown() {
        let mut replica = Replica::new(EngineKind::Memory);
        assert_eq!(replica.state.key_count(), Some(0));
        for number in 1..=3 * EVERY {
            replica.write(number as u32 % 2, number);
        }
        assert_eq!(replica.state.key_count(), Some(2));
        let contents = replica.state.contents(&mut replica.disk).unwrap();
        let keys: Vec<&[u8]> = contents.iter().map(|(key, _)| &key[..]).collect();
        assert_eq!(keys, [b"k0", b"k1"]);
    }
}
