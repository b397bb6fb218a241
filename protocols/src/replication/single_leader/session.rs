//! What a client must not forget in a crash: how many lives it has had.

use seedbed_sim::Halt;

use super::Cx;
use crate::storage::frame::{FileKind, FrameLog, OnCorruption};

/// The file on a client's disk: for each life a frame with its session, a little-endian u32.
const FILE_NAME: &str = "client.log";

/// What the header of a client's file says.
const FILE_KIND: FileKind = FileKind {
    magic: *b"seedclnt",
    version: 1,
    name: "a client's sessions",
};

/// Begins a new session, and returns its number: how many-th life this is, from 1.
///
/// It is durable before the life's first call leaves. So no call of one life is ever taken for one of another: not by the
/// leader, which would pass over a new write as a retry, and not by the client itself, which would take an old answer for
/// a new one.
pub(super) fn begin_session(cx: &mut Cx<'_>) -> Result<u32, Halt> {
    let disk = cx.disk();
    let mut last = 0;
    let mut read = |_, payload: &[u8]| {
        let session = payload
            .try_into()
            .map_err(|_| format!("a session of {} bytes", payload.len()))?;
        last = u32::from_le_bytes(session);
        Ok(())
    };
    let (mut log, _) =
        FrameLog::open(disk, FILE_NAME, &FILE_KIND, OnCorruption::Refuse, &mut read)?;
    let session = last + 1;
    log.append(disk, &session.to_le_bytes())?;
    log.sync(disk)?;
    Ok(session)
}
