//! The wall clock, handed to whoever needs it so that tests can hold it still.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};

/// Tells the time of day. Clones tell the same time.
///
/// ```
/// use runtime::Clock;
///
/// let clock = Clock::fixed("2026-09-14T10:00:00Z".parse()?);
/// clock.set("2026-09-15T10:00:00Z".parse()?);
/// assert_eq!(clock.now().to_rfc3339(), "2026-09-15T10:00:00+00:00");
/// # Ok::<(), chrono::ParseError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Clock(Source);

#[derive(Debug, Clone)]
enum Source {
    System,
    Fixed(Arc<Mutex<DateTime<Utc>>>),
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands still at `time` until it is [`set`](Self::set).
    pub fn fixed(time: DateTime<Utc>) -> Self {
        Self(Source::Fixed(Arc::new(Mutex::new(time))))
    }

    /// The time now, in UTC. It may go backwards when the machine's clock is
    /// corrected: measure durations with [`std::time::Instant`].
    pub fn now(&self) -> DateTime<Utc> {
        match &self.0 {
            Source::System => Utc::now(),
            Source::Fixed(time) => *time.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// Moves a fixed clock and all its clones; the machine's clock stays as it is.
    pub fn set(&self, time: DateTime<Utc>) {
        if let Source::Fixed(fixed) = &self.0 {
            *fixed.lock().unwrap_or_else(PoisonError::into_inner) = time;
        }
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}
