//! What is kept for a while and given back when its time is over, though nobody asks.

use std::sync::Weak;
use std::time::Duration;

use crate::server::Parts;

/// How long what is over may still take memory or disk.
const EVERY: Duration = Duration::from_secs(10);

/// Gives back what is kept for nobody any more, again and again, as long as the service is
/// there.
pub(crate) async fn keep_on(parts: Weak<Parts>) {
    let mut every = tokio::time::interval(EVERY);
    loop {
        every.tick().await;
        let Some(parts) = parts.upgrade() else {
            return;
        };
        parts.queries.sweep(parts.clock.now());
        parts.sessions.sweep().await;
    }
}
