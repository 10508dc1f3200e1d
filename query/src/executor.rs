//! The threads that work on queries, apart from those that answer requests: a
//! query that never pauses keeps none of them from answering.

use std::future::Future;
use std::io;

use tokio::runtime::{Builder, Runtime};
use tokio::task::AbortHandle;

use crate::interrupt::{Interrupt, Reason};

/// Stack of a worker. Planning recurses as deep as the statement nests; only
/// what is used takes memory.
const STACK_BYTES: usize = 64 * 1024 * 1024;

/// Worker threads of their own.
pub(crate) struct Executor(Option<Runtime>);

/// A query's task, which ends when this is dropped.
#[must_use]
pub(crate) struct Task {
    task: AbortHandle,
    interrupt: Interrupt,
}

impl Executor {
    pub(crate) fn new(threads: usize) -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_name("query")
            .thread_stack_size(STACK_BYTES)
            .enable_all()
            .build()?;
        Ok(Self(Some(runtime)))
    }

    /// Begins the work of the query that this signal ends.
    pub(crate) fn spawn(
        &self,
        interrupt: Interrupt,
        work: impl Future<Output = ()> + Send + 'static,
    ) -> Task {
        let runtime = self.0.as_ref().expect("there until dropped");
        let task = runtime.spawn(work).abort_handle();
        Task { task, interrupt }
    }
}

impl Drop for Executor {
    fn drop(&mut self) {
        // Waiting for a query that never pauses would be waiting for ever.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        // The task pauses sooner for it: dropping alone waits for its next pause.
        self.interrupt.set(Reason::Cancelled);
        self.task.abort();
    }
}
