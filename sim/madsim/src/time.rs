//! Virtual time: madsim's, counted in the kernel's instants from when all nodes have their sockets.

use std::future::pending;
use std::pin::pin;
use std::sync::OnceLock;
use std::time::Duration;

use madsim::time::TimeHandle;
use seedbed_sim::Instant;

/// The time of one run.
pub(crate) struct Time {
    handle: TimeHandle,
    origin: OnceLock<Duration>,
}

impl Time {
    /// Must be called within madsim's runtime.
    pub(crate) fn new() -> Self {
        Self {
            handle: TimeHandle::current(),
            origin: OnceLock::new(),
        }
    }

    /// From here on it counts.
    pub(crate) fn begin(&self) {
        self.origin.get_or_init(|| self.handle.elapsed());
    }

    pub(crate) fn now(&self) -> Instant {
        let passed = self.handle.elapsed().saturating_sub(self.origin());
        Instant::from_nanos(u64::try_from(passed.as_nanos()).unwrap_or(u64::MAX))
    }

    /// Waits for an instant, which may have passed. madsim's own sleep takes a millisecond at least; one whose deadline
    /// is set afterwards does not.
    pub(crate) async fn sleep_until(&self, at: Instant) {
        if at == Instant::NEVER {
            return pending().await;
        }
        if at <= self.now() {
            return;
        }
        let left = (self.origin() + Duration::from_nanos(at.as_nanos())) - self.handle.elapsed();
        let deadline = self.handle.now_instant() + left;
        let mut sleep = pin!(self.handle.sleep_until(deadline));
        sleep.as_mut().reset(deadline);
        sleep.await;
    }

    fn origin(&self) -> Duration {
        self.origin.get().copied().unwrap_or(Duration::MAX)
    }
}
