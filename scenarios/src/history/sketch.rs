//! Hand-made histories for tests. One key unless said otherwise; every event is a millisecond after the one before.

use std::sync::Arc;

use seedbed_sim::{EventId, Instant};

use super::{
    Completed, Completion, Function, History, Invocation, OperationId, ProcessId, SessionId, Value,
};

/// A history in the making.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sketch {
    pub(crate) history: History,
}

pub(crate) fn write(value: &str) -> Function {
    Function::Write(value.into())
}

impl Sketch {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn begin(&mut self, session: u32, function: Function) -> OperationId {
        self.begin_at("x", session, function)
    }

    /// Every operation has a process of its own.
    pub(crate) fn begin_at(&mut self, key: &str, session: u32, function: Function) -> OperationId {
        let process = u32::try_from(self.history.operation_count()).expect("small");
        self.invoke(key, process, session, function)
    }

    pub(crate) fn invoke(
        &mut self,
        key: &str,
        process: u32,
        session: u32,
        function: Function,
    ) -> OperationId {
        let at = self.now();
        self.history.invoke(Invocation {
            process: ProcessId(process),
            session: SessionId(session),
            user: Arc::from(format!("u{session}")),
            load: Arc::from("steps"),
            key: Arc::from(key),
            function,
            intended_at: at,
            invoked_at: at,
            invoked_by: self.event(),
        })
    }

    /// Acknowledges a write or delete.
    pub(crate) fn ok(&mut self, id: OperationId) {
        self.complete(id, Completion::Ok(None));
    }

    /// Ends a read.
    pub(crate) fn got(&mut self, id: OperationId, value: Option<&str>) {
        self.complete(id, Completion::Ok(value.map(Value::from)));
    }

    pub(crate) fn fail(&mut self, id: OperationId) {
        self.complete(id, Completion::Fail("overloaded".into()));
    }

    pub(crate) fn info(&mut self, id: OperationId) {
        self.complete(id, Completion::Info("timed out".into()));
    }

    /// A write or delete from its beginning to its acknowledgement.
    pub(crate) fn does(&mut self, session: u32, function: Function) -> OperationId {
        let id = self.begin(session, function);
        self.ok(id);
        id
    }

    /// A read from its beginning to its end.
    pub(crate) fn reads(&mut self, session: u32, value: Option<&str>) -> OperationId {
        let id = self.begin(session, Function::Read);
        self.got(id, value);
        id
    }

    pub(crate) fn complete(&mut self, id: OperationId, completion: Completion) {
        let replica = matches!(completion, Completion::Ok(_)).then_some("f1");
        self.complete_at(replica, id, completion);
    }

    /// Ends an operation by the answer of a replica.
    pub(crate) fn complete_at(
        &mut self,
        replica: Option<&str>,
        id: OperationId,
        completion: Completion,
    ) {
        let completed = Completed {
            at: self.now(),
            by: self.event(),
            replica: replica.map(Arc::from),
            completion,
            position: 0,
        };
        self.history.complete(id, completed);
    }

    pub(crate) fn now(&self) -> Instant {
        Instant::from_millis(10 + self.history.len() as u64)
    }

    fn event(&self) -> EventId {
        EventId(100 + self.history.len() as u64)
    }
}
