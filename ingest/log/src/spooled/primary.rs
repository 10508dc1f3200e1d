//! The log that records are meant for: opened when it can be, and believed to be
//! away from its first failure until the spool got something through.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use futures::future::BoxFuture;

use crate::{Cause, EventLog, OpenError, ReadError};

/// Opens the primary; asked again when it failed.
pub(super) type Opener<P> = Box<dyn Fn() -> BoxFuture<'static, Result<P, OpenError>> + Send + Sync>;

pub(super) struct Primary<P> {
    opener: Opener<P>,
    log: OnceLock<Arc<P>>,
    /// Why it could not be opened.
    not_opened: Mutex<String>,
    /// It failed, and has taken nothing since.
    is_away: AtomicBool,
    /// Appends of live traffic that wait for it.
    waiting: AtomicUsize,
}

/// The primary is away since before this process began.
#[derive(Debug, thiserror::Error)]
#[error("the log was not reached yet")]
pub(super) struct NotReached;

impl<P: EventLog> Primary<P> {
    pub(super) fn new(opener: Opener<P>) -> Self {
        Self {
            opener,
            log: OnceLock::new(),
            not_opened: Mutex::new("it is being opened".to_owned()),
            is_away: AtomicBool::new(false),
            waiting: AtomicUsize::new(0),
        }
    }

    /// Opens it, unless it is open.
    pub(super) async fn open(&self) -> Result<Arc<P>, OpenError> {
        if let Some(log) = self.log() {
            return Ok(Arc::clone(log));
        }
        match (self.opener)().await {
            Ok(log) => Ok(Arc::clone(self.log.get_or_init(|| Arc::new(log)))),
            Err(error) => {
                let mut why = self
                    .not_opened
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                *why = error.to_string();
                Err(error)
            }
        }
    }

    /// The log, once it was opened.
    pub(super) fn log(&self) -> Option<&Arc<P>> {
        self.log.get()
    }

    /// The log, which has to be open.
    pub(super) fn opened(&self) -> Result<&Arc<P>, NotReached> {
        self.log().ok_or(NotReached)
    }

    /// The log, if it is not known to take nothing.
    pub(super) fn reachable(&self) -> Option<&Arc<P>> {
        self.log().filter(|log| log.trouble().is_none())
    }

    /// Why it takes nothing, as far as is known.
    pub(super) fn trouble(&self) -> Option<String> {
        let Some(log) = self.log() else {
            let why = self
                .not_opened
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            return Some(why.clone());
        };
        let away = || self.is_away().then(|| "the log does not answer".to_owned());
        log.trouble().or_else(away)
    }

    pub(super) fn is_away(&self) -> bool {
        self.is_away.load(Ordering::Relaxed)
    }

    /// It failed: nobody should wait for it until it has taken something.
    pub(super) fn failed(&self) {
        self.is_away.store(true, Ordering::Relaxed);
    }

    /// It has taken something.
    pub(super) fn answered(&self) {
        self.is_away.store(false, Ordering::Relaxed);
    }

    /// Counts somebody who waits for it, until the guard is dropped.
    pub(super) fn wait(&self) -> Waiting<'_> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        Waiting(&self.waiting)
    }

    /// Whether live traffic waits for it.
    pub(super) fn is_waited_for(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }
}

/// Somebody who waits for the primary.
pub(super) struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl From<NotReached> for ReadError {
    fn from(error: NotReached) -> Self {
        Self::Unavailable(Cause::from(error))
    }
}
