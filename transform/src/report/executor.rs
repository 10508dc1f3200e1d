//! The threads that compute reports, apart from those that publish events: a
//! query that never pauses keeps none of them waiting.

use std::future::Future;
use std::io;

use tokio::runtime::{Builder, Runtime};
use tokio::task::AbortHandle;

/// Stack of a worker: planning recurses as deep as a report nests.
const STACK_BYTES: usize = 16 << 20;

/// Worker threads of their own.
#[derive(Debug)]
pub(crate) struct Executor(Option<Runtime>);

impl Executor {
    /// Half of the machine's threads, one at least.
    pub fn new() -> io::Result<Self> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Self::with_threads("report", threads.div_ceil(2))
    }

    /// So many threads of that name.
    pub fn with_threads(name: &str, threads: usize) -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_name(name)
            .thread_stack_size(STACK_BYTES)
            .enable_all()
            .build()?;
        Ok(Self(Some(runtime)))
    }

    /// Works on these threads; given up at its next pause when the returned
    /// future is dropped.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> T {
        let runtime = self.0.as_ref().expect("there until dropped");
        let task = runtime.spawn(work);
        let _abort = AbortOnDrop(task.abort_handle());
        task.await.expect("the work does not panic")
    }
}

impl Drop for Executor {
    fn drop(&mut self) {
        // A runtime must not be waited for where others run.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

struct AbortOnDrop(AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
