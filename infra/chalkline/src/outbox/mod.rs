//! Hands the events of a transactional database on: from its table `chalkline.outbox` to
//! the front door.
//!
//! Rows are locked, posted, and marked by what was answered, in one transaction of the
//! database: whoever dies in between leaves them unmarked, and they are posted again. So
//! each event arrives at least once, and is stored once, since the row's id is its own.

mod rows;

use std::time::Duration;

use reqwest::StatusCode;
use serde::Serialize;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPool, PgPoolOptions};

pub use self::rows::Reason;
use self::rows::{Row, Verdict};
use crate::client::{Client, ClientError, Dialect, Outcome};

/// What PostgreSQL notifies when events are there.
const CHANNEL: &str = "chalkline_outbox";
/// How long a connection may take; also of a database that is starting.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// Between one database and one front door; clones share the connections.
#[derive(Debug, Clone)]
pub struct Relay {
    pool: PgPool,
    client: Client,
}

/// What became of events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Taken by the front door.
    pub sent: u64,
    /// Set aside, since it never takes them.
    pub rejected: u64,
}

/// One look into the table.
#[derive(Debug, Default)]
pub struct Round {
    /// What became of the events that were there; none when nothing was.
    pub counts: Counts,
    /// Why some are still there, if that is so.
    pub failure: Option<RelayError>,
}

/// Why events could not be handed on.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    /// The database does not answer, or has no such table.
    #[error(
        "cannot read the outbox: is the database there, and set up by infra/postgres/setup.sh?"
    )]
    Database(#[from] sqlx::Error),
    /// The front door takes nothing.
    #[error("the front door does not take the events")]
    Door(#[from] ClientError),
}

impl RelayError {
    /// Whether it may be otherwise later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Door(error) => error.is_retryable(),
            Self::Database(error) => rows::is_retryable(error),
        }
    }

    /// How long to wait before the `failures`-th next try.
    pub fn wait(&self, failures: u32) -> Duration {
        const LONGEST: Duration = Duration::from_secs(30);
        match self {
            Self::Door(error) => error.wait(failures),
            Self::Database(_) => Duration::from_millis(200 << failures.min(10)).min(LONGEST),
        }
    }
}

impl Relay {
    /// Connects to the database.
    ///
    /// # Errors
    /// When nobody answers there, or we may not log in.
    pub async fn connect(database: PgConnectOptions, client: Client) -> sqlx::Result<Self> {
        let database = database.application_name("chalkline outbox relay");
        let pool = PgPoolOptions::new()
            // One posts, one listens.
            .max_connections(2)
            .acquire_timeout(CONNECT_WITHIN)
            .connect_with(database)
            .await?;
        Ok(Self { pool, client })
    }

    /// Posts the oldest events, as many as one request holds.
    ///
    /// # Errors
    /// When the database does not answer. Then nothing is marked.
    pub async fn round(&self) -> sqlx::Result<Round> {
        let mut transaction = self.pool.begin().await?;
        let rows = rows::take(&mut transaction).await?;
        if rows.is_empty() {
            return Ok(Round::default());
        }
        let (verdicts, failure) = self.post(&rows).await;
        let counts = rows::mark(&mut transaction, &verdicts).await?;
        transaction.commit().await?;
        Ok(Round {
            counts,
            failure: failure.map(RelayError::Door),
        })
    }

    /// What the front door says of each; where a request as a whole is at fault, of its
    /// halves. Rows without a verdict are for another time, for which there is a reason.
    async fn post(&self, rows: &[Row]) -> (Vec<(i64, Verdict)>, Option<ClientError>) {
        let mut verdicts = Vec::with_capacity(rows.len());
        let mut open = vec![rows];
        while let Some(part) = open.pop() {
            let events = part.iter().map(|row| row.event.as_str());
            match self.client.post(Dialect::Native, events).await {
                Ok(receipt) => {
                    let results = receipt.results.into_iter().map(Some);
                    let results = results.chain(std::iter::repeat(None));
                    let mut unanswered = false;
                    for (row, result) in part.iter().zip(results) {
                        match result.map(|result| (result.outcome, result)) {
                            None | Some((Outcome::Retry, _)) => unanswered = true,
                            Some((Outcome::Rejected, result)) => {
                                let reason = Reason {
                                    code: result.code,
                                    detail: result.detail,
                                };
                                verdicts.push((row.position, Verdict::Rejected(reason)));
                            }
                            Some(_) => verdicts.push((row.position, Verdict::Sent)),
                        }
                    }
                    if unanswered {
                        return (verdicts, Some(come_back()));
                    }
                }
                Err(ClientError::Refused {
                    status,
                    code,
                    detail,
                    ..
                }) if is_of_the_events(status) => match part {
                    [row] => {
                        let reason = Reason { code, detail };
                        verdicts.push((row.position, Verdict::Rejected(reason)));
                    }
                    _ => {
                        let (first, second) = part.split_at(part.len() / 2);
                        open.extend([second, first]);
                    }
                },
                Err(error) => return (verdicts, Some(error)),
            }
        }
        (verdicts, None)
    }

    /// Hears of events that are committed from now on.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn listen(&self) -> sqlx::Result<Listener> {
        let mut listener = PgListener::connect_with(&self.pool).await?;
        listener.listen(CHANNEL).await?;
        Ok(Listener(listener))
    }

    /// Deletes events that were sent longer ago than that.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn forget(&self, older: Duration) -> sqlx::Result<u64> {
        rows::forget(&self.pool, older).await
    }
}

/// Hears of new events.
#[derive(Debug)]
pub struct Listener(PgListener);

impl Listener {
    /// Returns when events were committed, or when the connection broke and some may have
    /// been without our hearing of it.
    ///
    /// # Errors
    /// When the database does not answer; then a new listener is needed.
    pub async fn heard(&mut self) -> sqlx::Result<()> {
        self.0.try_recv().await.map(drop)
    }
}

/// Answers that say something of what was posted, not of who posts.
fn is_of_the_events(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY
    )
}

fn come_back() -> ClientError {
    ClientError::Busy {
        status: StatusCode::OK,
        detail: "some events are to be sent again".to_owned(),
        retry_after: None,
    }
}
