//! Whether the log takes events: what it says of itself, and what it answered to the
//! last appends.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use eventlog::{AppendError, EventLog, Receipt, Record};
use runtime::{Condition, HealthCheck, Shutdown};

/// How often the log is asked whether it takes events.
const LOOK: Duration = Duration::from_millis(500);

/// So long after the last refusal the next append may try: who is not ready is sent
/// nothing, and could never show that it is.
const PARDON: Duration = Duration::from_secs(10);

/// A log, and whether it took what it was given last.
pub struct Watched {
    log: Arc<dyn EventLog>,
    refusal: Mutex<Option<Refusal>>,
}

/// Nothing was taken since.
#[derive(Debug, Clone)]
struct Refusal {
    at: Instant,
    why: String,
}

impl Watched {
    /// This log, which has refused nothing yet.
    pub fn new(log: Arc<dyn EventLog>) -> Self {
        Self {
            log,
            refusal: Mutex::default(),
        }
    }

    /// As [`EventLog::append`].
    pub async fn append(&self, records: Vec<Record>) -> Vec<Result<Receipt, AppendError>> {
        let answers = self.log.append(records).await;
        note(&mut self.refusal(), &answers, Instant::now());
        answers
    }

    fn condition(&self, now: Instant) -> Condition {
        let refusal = self.refusal().clone();
        condition(
            self.log.trouble(),
            refusal.map(|refusal| (now.saturating_duration_since(refusal.at), refusal.why)),
            self.log.backlog(),
        )
    }

    fn refusal(&self) -> MutexGuard<'_, Option<Refusal>> {
        self.refusal.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Passes on, until the shutdown, whether the log takes events.
pub async fn watch(log: Arc<Watched>, health: HealthCheck, shutdown: Shutdown) {
    let stop = shutdown.token();
    loop {
        match log.condition(Instant::now()) {
            Condition::Ready => health.ready(),
            Condition::Degraded(reason) => health.degraded(reason),
            Condition::NotReady(reason) => health.not_ready(reason),
        }
        let rest = stop.run_until_cancelled(tokio::time::sleep(LOOK));
        if rest.await.is_none() {
            return;
        }
    }
}

/// What is known of a refusal after these answers.
fn note(refusal: &mut Option<Refusal>, answers: &[Result<Receipt, AppendError>], now: Instant) {
    if answers.iter().any(Result::is_ok) {
        *refusal = None;
        return;
    }
    let mut errors = answers.iter().filter_map(|answer| answer.as_ref().err());
    if let Some(error) = errors.find(|error| is_failure(error)) {
        *refusal = Some(Refusal {
            at: now,
            why: chain(error),
        });
    }
}

/// How the log is by its own words, by how long ago and why it refused what it was given
/// last, and by what it has taken that is not in it yet.
fn condition(
    trouble: Option<String>,
    refusal: Option<(Duration, String)>,
    backlog: Option<String>,
) -> Condition {
    let refused = refusal.filter(|(ago, _)| *ago < PARDON);
    if let Some(reason) = trouble {
        Condition::NotReady(reason)
    } else if let Some((_, why)) = refused {
        Condition::NotReady(format!("the log took none of the last events: {why}"))
    } else {
        backlog.map_or(Condition::Ready, Condition::Degraded)
    }
}

/// Whether the error says that the log does not work, and not only that it is asked too
/// much or for the impossible.
fn is_failure(error: &AppendError) -> bool {
    matches!(error, AppendError::Refused(_) | AppendError::Unknown(_))
}

/// The error and what lies beneath it.
fn chain(error: &AppendError) -> String {
    let first: &dyn std::error::Error = error;
    let errors = std::iter::successors(Some(first), |error| error.source());
    let texts: Vec<_> = errors.map(ToString::to_string).collect();
    texts.join(": ")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const TROUBLE: &str = "the disk is full";
    const REFUSED: &str = "the log took none of the last events: no leader";
    const BACKLOG: &str = "7 events wait in the spool";

    #[rstest]
    #[case::nothing_is_wrong(None, None, None, Condition::Ready)]
    #[case::it_says_so(Some(TROUBLE), None, None, Condition::NotReady(TROUBLE.into()))]
    #[case::it_refused(None, Some(0), None, Condition::NotReady(REFUSED.into()))]
    #[case::a_while_ago(None, Some(9_999), None, Condition::NotReady(REFUSED.into()))]
    #[case::long_ago(None, Some(10_000), None, Condition::Ready)]
    #[case::they_wait(None, None, Some(BACKLOG), Condition::Degraded(BACKLOG.into()))]
    #[case::its_own_word_first(
        Some(TROUBLE),
        Some(0),
        Some(BACKLOG),
        Condition::NotReady(TROUBLE.into())
    )]
    #[case::refused_long_ago_and_spooled_since(
        None,
        Some(10_000),
        Some(BACKLOG),
        Condition::Degraded(BACKLOG.into())
    )]
    fn the_log_is_as_the_evidence_says(
        #[case] trouble: Option<&str>,
        #[case] refused_ms_ago: Option<u64>,
        #[case] backlog: Option<&str>,
        #[case] expected: Condition,
    ) {
        let refusal = refused_ms_ago.map(|ms| (Duration::from_millis(ms), "no leader".to_owned()));
        let found = condition(trouble.map(Into::into), refusal, backlog.map(Into::into));
        assert_eq!(found, expected);
    }

    fn refused() -> Result<Receipt, AppendError> {
        Err(AppendError::Refused("no leader".into()))
    }

    fn unknown() -> Result<Receipt, AppendError> {
        Err(AppendError::Unknown("no answer".into()))
    }

    fn too_much() -> Result<Receipt, AppendError> {
        Err(AppendError::Full)
    }

    fn spooled() -> Result<Receipt, AppendError> {
        Ok(Receipt::Spooled)
    }

    const NOT_STORED: &str = "the log did not store the record: no leader";
    const NO_ANSWER: &str = "the log did not answer in time: no answer";

    #[rstest]
    #[case::nothing_was_appended(&[], None, None)]
    #[case::nothing_is_known(&[], Some("before"), Some("before"))]
    #[case::refused(&[refused(), unknown()], None, Some(NOT_STORED))]
    #[case::of_unknown_outcome(&[too_much(), unknown()], None, Some(NO_ANSWER))]
    #[case::too_much_says_nothing(&[too_much()], None, None)]
    #[case::too_much_ends_nothing(&[too_much()], Some("before"), Some("before"))]
    #[case::one_is_enough(&[refused(), spooled(), unknown()], Some("before"), None)]
    fn a_refusal_lasts_until_something_is_taken(
        #[case] answers: &[Result<Receipt, AppendError>],
        #[case] before: Option<&str>,
        #[case] after: Option<&str>,
    ) {
        let at = Instant::now();
        let mut refusal = before.map(|why| Refusal {
            at,
            why: why.to_owned(),
        });
        note(&mut refusal, answers, at);
        let found = refusal.map(|refusal| refusal.why);
        assert_eq!(found.as_deref(), after);
    }
}
