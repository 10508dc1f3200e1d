//! One connection, and one snapshot of the database for as long as it is read.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgRow};
use sqlx::{Connection as _, Executor as _};

use super::error::words;
use super::{SourceError, SyncRequest};

/// How long a connection may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// How long whoever is told to come back waits.
const AGAIN_AFTER: Duration = Duration::from_millis(200);

/// Rows that are asked for at once.
const ROWS: usize = 2_000;

/// A connection in a transaction that reads only, and sees one moment.
pub(super) struct Database {
    connection: PgConnection,
    role: String,
}

/// Which database it is, and from where on to read the next time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Moment {
    pub source: String,
    pub watermark: i64,
}

/// Connects, as soon as the database is started and has a connection left.
async fn connect(
    options: PgConnectOptions,
    busy: &mut Option<sqlx::Error>,
) -> sqlx::Result<PgConnection> {
    loop {
        match PgConnection::connect_with(&options).await {
            Err(sqlx::Error::Database(error)) if error.is_transient_in_connect_phase() => {
                *busy = Some(sqlx::Error::Database(error));
                tokio::time::sleep(AGAIN_AFTER).await;
            }
            connected => return connected,
        }
    }
}

impl Database {
    /// Connects, and begins.
    pub async fn open(request: &SyncRequest) -> Result<Self, SourceError> {
        let address = &request.address;
        let failed = |error: sqlx::Error| SourceError::Connect {
            address: address.to_string(),
            why: words(&error),
        };
        let mut busy = None;
        let connecting = connect(address.options(), &mut busy);
        let connected = tokio::time::timeout(CONNECT_WITHIN, connecting).await;
        let connected = match (connected, busy) {
            (Ok(connected), _) => connected.map_err(failed),
            (Err(_), Some(busy)) => Err(failed(busy)),
            (Err(_), None) => {
                let seconds = CONNECT_WITHIN.as_secs();
                Err(SourceError::Silent(address.to_string(), seconds))
            }
        };
        let mut database = Self {
            connection: connected?,
            role: address.user().to_owned(),
        };
        let begin = format!(
            "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY;
             SET LOCAL statement_timeout = {};
             SET LOCAL lock_timeout = {};
             SET LOCAL cursor_tuple_fraction = 1",
            request.statement_timeout.as_millis(),
            request.lock_timeout.as_millis(),
        );
        let begun = database.connection.execute(sqlx::raw_sql(&begin)).await;
        begun.map_err(failed)?;
        Ok(database)
    }

    /// The moment that is seen. Where nothing was set up in the database, it is asked
    /// what the functions of `watermark.sql` would say.
    pub async fn moment(&mut self, is_set_up: bool) -> Result<Moment, SourceError> {
        const SET_UP: &str = "SELECT chalkline.source(), chalkline.watermark()";
        const NOT_SET_UP: &str = "\
            SELECT c.system_identifier::text || '/' || d.oid::text,
                   pg_snapshot_xmin(pg_current_snapshot())::text::bigint
              FROM pg_control_system() c, pg_database d WHERE d.datname = current_database()";
        let sql = if is_set_up { SET_UP } else { NOT_SET_UP };
        let asked = sqlx::query_as(sql).fetch_one(&mut self.connection).await;
        let (source, watermark) = asked.map_err(|error| match &error {
            sqlx::Error::Database(found) if found.code().as_deref() == Some("42501") => {
                let functions = "FUNCTION chalkline.watermark(), chalkline.source()";
                SourceError::Denied {
                    role: self.role.clone(),
                    what: functions.to_owned(),
                    grant: format!("GRANT EXECUTE ON {functions} TO {}", self.role),
                }
            }
            sqlx::Error::Database(found) if found.code().as_deref() == Some("42883") => {
                SourceError::NotSetUp
            }
            _ => self.error("chalkline.watermark()", error),
        })?;
        Ok(Moment { source, watermark })
    }

    /// Begins to read a query's rows.
    pub async fn declare(
        &mut self,
        table: &str,
        cursor: &str,
        sql: &str,
    ) -> Result<(), SourceError> {
        let sql = format!("DECLARE {cursor} NO SCROLL CURSOR FOR {sql}");
        let declared = self.connection.execute(sqlx::raw_sql(&sql)).await;
        declared.map(drop).map_err(|error| self.error(table, error))
    }

    /// The next rows; none behind the last.
    pub async fn fetch(&mut self, table: &str, cursor: &str) -> Result<Vec<PgRow>, SourceError> {
        let sql = format!("FETCH {ROWS} FROM {cursor}");
        // Prepared anew each time: of a FETCH that is run again `pg_stat_statements`
        // counts the first run alone.
        let fetched = sqlx::query(&sql).persistent(false);
        let rows = fetched.fetch_all(&mut self.connection).await;
        let rows = rows.map_err(|error| self.error(table, error))?;
        if rows.is_empty() {
            let close = format!("CLOSE {cursor}");
            let closed = self.connection.execute(sqlx::raw_sql(&close)).await;
            closed.map_err(|error| self.error(table, error))?;
        }
        Ok(rows)
    }

    /// Ends the transaction, and says goodbye.
    pub async fn close(mut self) {
        // All was read; whoever does not hear of it only waits a moment longer.
        let ended = self.connection.execute(sqlx::raw_sql("COMMIT")).await;
        if ended.is_ok() {
            let _ = self.connection.close().await;
        }
    }

    pub fn connection(&mut self) -> &mut PgConnection {
        &mut self.connection
    }

    pub fn role(&self) -> &str {
        &self.role
    }

    pub fn error(&self, table: &str, error: sqlx::Error) -> SourceError {
        SourceError::of(table, &self.role, error)
    }
}
