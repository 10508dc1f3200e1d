//! Entering records into the log again: those of the quarantine after what was
//! wrong is mended, and those whose rows are gone.
//!
//! A record that is entered again says so in its headers (`again.rs`): where it
//! stood first, and which try this is. Transform judges it as any other,
//! by what is known now. What is to be done is told by the tables alone, so a
//! replay that was stopped is begun again and does what is left; and first it waits
//! until all that is in the log is published, so that what an earlier one had
//! entered is seen.
//!
//! Even so a record may be entered twice, by two who do so at once, or by one who
//! died before the log's answer came. That changes nothing: its event is stored
//! once, as that of any repetition is, and what cannot be read is in the
//! quarantine once for each attempt (`failures.rs`).

mod again;
mod error;
mod failures;
mod missing;
mod quarantined;
mod request;
mod run;
mod stored;

use std::sync::Arc;

use eventlog::EventLog;
use lake::Lake;
use runtime::Registry;
use tokio::sync::mpsc;

pub(crate) use again::{Again, Cause, Origin};
pub use error::ReplayError;
pub(crate) use failures::Failures;
pub use request::{Found, Quarantined, Received, Records, Request, Step, Summary};
use run::Run;
pub(crate) use stored::{Stored, key};

/// Enters records into a log again. Clones share everything.
#[derive(Clone)]
pub struct Replay {
    log: Arc<dyn EventLog>,
    lake: Lake,
    registry: Registry,
}

impl Replay {
    /// Into that log, whose records become rows of that lake.
    pub fn new(log: Arc<dyn EventLog>, lake: Lake, registry: Registry) -> Self {
        Self {
            log,
            lake,
            registry,
        }
    }

    /// Does what is asked, tells how far it is, and waits until transform has
    /// judged what was entered, if it does so at all.
    ///
    /// It may be dropped at any moment and asked for again, also by another
    /// process.
    ///
    /// # Errors
    /// [`ReplayError`]; what was entered until then stays entered.
    pub async fn run(
        &self,
        request: &Request,
        steps: &mpsc::Sender<Step>,
    ) -> Result<Summary, ReplayError> {
        let mut run = Run::new(self, request, steps);
        run.wait_for_tables().await?;
        match &request.of {
            Records::Quarantined(of) => run.quarantined(of).await?,
            Records::Missing(received) => run.missing(*received).await?,
        }
        run.finish().await
    }
}
