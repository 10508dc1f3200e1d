//! Stopping in order, and naming whoever does not stop.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::telemetry;

/// Tells every component of a process to stop, and waits for them by name.
/// Clones are the same shutdown.
///
/// ```
/// # use std::time::Duration;
/// # use runtime::Shutdown;
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let shutdown = Shutdown::new();
/// let component = shutdown.component("writer");
/// let token = shutdown.token();
/// tokio::spawn(async move {
///     token.cancelled().await;
///     // flush, then
///     drop(component);
/// });
/// assert!(shutdown.finish(Duration::from_secs(8)).await.is_empty());
/// # });
/// ```
#[derive(Debug, Clone, Default)]
pub struct Shutdown(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    token: CancellationToken,
    running: Mutex<Running>,
    finished: Notify,
}

#[derive(Debug, Default)]
struct Running {
    next: u64,
    names: BTreeMap<u64, &'static str>,
}

/// A part of the process that still has work to finish; dropping it says that
/// the work is done.
#[derive(Debug)]
#[must_use = "dropping the guard says that the component has finished"]
pub struct Component {
    id: u64,
    inner: Arc<Inner>,
}

impl Shutdown {
    /// A shutdown that only [`trigger`](Self::trigger) begins.
    pub fn new() -> Self {
        Self::default()
    }

    /// A shutdown that SIGTERM or SIGINT begins. A second signal ends the
    /// process at once with status 130: like `kill -9`, that loses nothing
    /// which was acknowledged.
    ///
    /// Must be called inside a Tokio runtime.
    ///
    /// # Errors
    /// When the signal handlers cannot be installed.
    #[cfg(unix)]
    pub fn on_signals() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};

        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let shutdown = Self::new();
        let triggered = shutdown.clone();
        tokio::spawn(async move {
            for first in [true, false] {
                let signal = tokio::select! {
                    _ = terminate.recv() => "SIGTERM",
                    _ = interrupt.recv() => "SIGINT",
                };
                if first {
                    tracing::info!(signal, "stopping");
                    telemetry::stopping();
                    triggered.trigger();
                } else {
                    tracing::warn!(signal, "stopping at once, without finishing");
                    std::process::exit(130);
                }
            }
        });
        Ok(shutdown)
    }

    /// Cancelled when it is time to stop.
    pub fn token(&self) -> CancellationToken {
        self.0.token.clone()
    }

    /// Registers a part that [`finish`](Self::finish) waits for. The name is
    /// shown to people; several components may share one.
    pub fn component(&self, name: &'static str) -> Component {
        let mut running = self.0.running();
        let id = running.next;
        running.next += 1;
        running.names.insert(id, name);
        Component {
            id,
            inner: Arc::clone(&self.0),
        }
    }

    /// Begins the shutdown; doing so again changes nothing.
    pub fn trigger(&self) {
        self.0.token.cancel();
    }

    /// Begins the shutdown if nobody has, and waits until every component has
    /// finished, at most for `grace`. Answers the names of those that are late,
    /// which are also logged.
    pub async fn finish(&self, grace: Duration) -> Vec<&'static str> {
        self.trigger();
        let all_finished = async {
            loop {
                let finished = self.0.finished.notified();
                tokio::pin!(finished);
                // Listen before looking, or the last drop could go unheard.
                finished.as_mut().enable();
                if self.0.running().names.is_empty() {
                    break;
                }
                finished.await;
            }
        };
        if tokio::time::timeout(grace, all_finished).await.is_ok() {
            return Vec::new();
        }
        let late: Vec<_> = self.0.running().names.values().copied().collect();
        tracing::warn!(
            components = late.join(", "),
            "did not finish within the grace period"
        );
        late
    }
}

impl Inner {
    fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Component {
    fn drop(&mut self) {
        self.inner.running().names.remove(&self.id);
        self.inner.finished.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn late_components_are_named_in_the_order_they_came() {
        let shutdown = Shutdown::new();
        let slow = shutdown.component("transform");
        let quick = shutdown.component("ingest");
        let stuck = shutdown.component("query");
        let token = shutdown.token();
        let quick = tokio::spawn(async move {
            token.cancelled().await;
            drop(quick);
        });
        shutdown.trigger();
        quick.await.expect("it stops when told");

        let late = shutdown.finish(Duration::ZERO).await;
        assert_eq!(late, ["transform", "query"]);

        drop((slow, stuck));
        assert!(shutdown.finish(Duration::ZERO).await.is_empty());
    }

    #[tokio::test]
    async fn finish_begins_the_shutdown_and_returns_when_the_last_is_done() {
        let shutdown = Shutdown::new();
        for _ in 0..3 {
            let component = shutdown.component("writer");
            let token = shutdown.token();
            tokio::spawn(async move {
                token.cancelled().await;
                tokio::task::yield_now().await;
                drop(component);
            });
        }
        let late = shutdown.finish(Duration::from_secs(3600)).await;
        assert!(late.is_empty());
    }
}
