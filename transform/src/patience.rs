//! Waiting for something that does not answer, without giving up and without
//! outliving the service.

use std::time::Duration;

use runtime::HealthCheck;
use tokio_util::sync::CancellationToken;

use crate::error::chain;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Tries again and again, with growing pauses, until it is time to stop.
/// Meanwhile the service is not ready, and says why.
#[derive(Debug, Clone)]
pub(crate) struct Patience {
    health: HealthCheck,
    stop: CancellationToken,
}

impl Patience {
    /// Patience until `stop` is cancelled.
    pub fn new(health: HealthCheck, stop: CancellationToken) -> Self {
        Self { health, stop }
    }

    /// The answer of `ask`, asked at least once and again after each failure
    /// that `is_transient`.
    ///
    /// # Errors
    /// The last failure, when it is lasting or when it is time to stop.
    pub async fn ask<T, E, F>(
        &self,
        mut ask: impl FnMut() -> F,
        is_transient: impl Fn(&E) -> bool,
    ) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>>,
        E: std::error::Error,
    {
        let mut pause = FIRST_PAUSE;
        loop {
            let error = match ask().await {
                Ok(answer) => {
                    if pause > FIRST_PAUSE {
                        self.health.ready();
                    }
                    return Ok(answer);
                }
                Err(error) => error,
            };
            if !is_transient(&error) || self.stop.is_cancelled() {
                return Err(error);
            }
            self.health.not_ready(error.to_string());
            tracing::warn!(error = chain(&error), "trying again");
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.stop.cancelled() => return Err(error),
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}
