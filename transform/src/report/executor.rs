//! The threads that compute reports, apart from those that publish events: a
//! query that never pauses keeps none of them waiting.

use std::any::Any;
use std::future::Future;
use std::io;
use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use tokio::runtime::{Builder, Runtime};
use tokio::task::AbortHandle;

/// Stack of a worker: planning recurses as deep as a report nests.
const STACK_BYTES: usize = 16 << 20;

/// Worker threads of their own.
#[derive(Debug)]
pub(crate) struct Executor(Option<Runtime>);

/// Work that has panicked, and what the panic says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Panicked(pub String);

/// How many threads compute reports: half of the machine's, one at least.
pub(crate) fn threads() -> usize {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    threads.div_ceil(2)
}

impl Executor {
    /// As many as [`threads`].
    pub fn new() -> io::Result<Self> {
        Self::with_threads("report", threads())
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
    ///
    /// # Errors
    /// [`Panicked`]; nobody else's work is harmed.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Panicked> {
        let runtime = self.0.as_ref().expect("there until dropped");
        let task = runtime.spawn(work);
        let _abort = AbortOnDrop(task.abort_handle());
        task.await.map_err(|error| match error.try_into_panic() {
            Ok(panic) => Panicked(message(&*panic)),
            Err(error) => Panicked(error.to_string()),
        })
    }
}

/// Works, and survives its panic. What the work had in hand must not be used
/// any more.
///
/// # Errors
/// [`Panicked`].
pub(crate) async fn surviving<T>(work: impl Future<Output = T>) -> Result<T, Panicked> {
    let done = AssertUnwindSafe(work).catch_unwind().await;
    done.map_err(|panic| Panicked(message(&*panic)))
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "no message".to_owned())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_error_and_the_next_work_is_done() {
        let executor = Executor::new().expect("threads");
        let panicked = executor.run(async { panic!("of {}", "old") }).await;
        assert_eq!(panicked, Err::<(), _>(Panicked("of old".to_owned())));
        assert_eq!(executor.run(async { 7 }).await, Ok(7));
        let panicked = surviving(async { panic!("again") }).await;
        assert_eq!(panicked, Err::<(), _>(Panicked("again".to_owned())));
    }
}
