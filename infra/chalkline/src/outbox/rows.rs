//! The table: taking rows, and marking what became of them.

use std::time::Duration;

use serde::Serialize;
use sqlx::postgres::{PgPool, Postgres};
use sqlx::types::Json;
use sqlx::{Row as _, Transaction};

use super::Counts;

/// Rows of one request.
const ROWS: i64 = 500;
/// Bytes of one request from which on no more rows are added: with the last one it is
/// still smaller than what the front door takes.
const BYTES: usize = 1 << 20;

/// A row that nobody has posted.
#[derive(Debug)]
pub(super) struct Row {
    /// Its key.
    pub(super) position: i64,
    /// The event, as JSON.
    pub(super) event: String,
}

/// What becomes of a row.
#[derive(Debug)]
pub(super) enum Verdict {
    /// The front door has it.
    Sent,
    /// The front door never takes it.
    Rejected(Reason),
}

/// Why an event was not taken, as the column `reason` has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// For programs.
    pub code: String,
    /// For people.
    pub detail: String,
}

/// The oldest rows that no other relay has, locked until the transaction ends.
pub(super) async fn take(transaction: &mut Transaction<'_, Postgres>) -> sqlx::Result<Vec<Row>> {
    const SQL: &str = "\
        SELECT position, event::text AS event FROM chalkline.outbox
         WHERE sent_at IS NULL AND rejected_at IS NULL
         ORDER BY position LIMIT $1 FOR UPDATE SKIP LOCKED";
    let found = sqlx::query(SQL).bind(ROWS).fetch_all(&mut **transaction);
    let mut rows = Vec::new();
    let mut bytes = 0;
    for row in found.await? {
        if bytes >= BYTES {
            break;
        }
        let row = Row {
            position: row.try_get("position")?,
            event: row.try_get("event")?,
        };
        bytes += row.event.len();
        rows.push(row);
    }
    Ok(rows)
}

/// Marks rows that were taken.
pub(super) async fn mark(
    transaction: &mut Transaction<'_, Postgres>,
    verdicts: &[(i64, Verdict)],
) -> sqlx::Result<Counts> {
    const SENT: &str = "\
        UPDATE chalkline.outbox SET sent_at = clock_timestamp() WHERE position = ANY ($1)";
    const REJECTED: &str = "\
        UPDATE chalkline.outbox o SET rejected_at = clock_timestamp(), reason = r.reason
          FROM unnest($1::bigint[], $2::jsonb[]) AS r (position, reason)
         WHERE o.position = r.position";
    let mut sent = Vec::new();
    let mut rejected = (Vec::new(), Vec::new());
    for (position, verdict) in verdicts {
        match verdict {
            Verdict::Sent => sent.push(*position),
            Verdict::Rejected(reason) => {
                rejected.0.push(*position);
                rejected.1.push(Json(reason));
            }
        }
    }
    let counts = Counts {
        sent: sent.len() as u64,
        rejected: rejected.0.len() as u64,
    };
    if counts.sent > 0 {
        let query = sqlx::query(SENT).bind(sent);
        query.execute(&mut **transaction).await?;
    }
    if counts.rejected > 0 {
        let query = sqlx::query(REJECTED).bind(rejected.0).bind(rejected.1);
        query.execute(&mut **transaction).await?;
    }
    Ok(counts)
}

/// Deletes rows that were sent longer ago than that.
pub(super) async fn forget(pool: &PgPool, older: Duration) -> sqlx::Result<u64> {
    let sql = "SELECT chalkline.forget_sent(make_interval(secs => $1))";
    let row = sqlx::query(sql).bind(older.as_secs_f64());
    let deleted: i64 = row.fetch_one(pool).await?.try_get(0)?;
    Ok(deleted.unsigned_abs())
}

/// Whether the same may succeed later: the server was away, is starting, full or busy.
pub(super) fn is_retryable(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| is_passing(&code)),
        _ => false,
    }
}

/// Classes of SQLSTATE: connection, rollback, resources, not in this state, operator.
fn is_passing(code: &str) -> bool {
    ["08", "40", "53", "55", "57"].contains(&code.get(..2).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::the_server_stops("57P01", true)]
    #[case::too_many_connections("53300", true)]
    #[case::deadlock("40P01", true)]
    #[case::no_such_table("42P01", false)]
    #[case::wrong_password("28P01", false)]
    #[case::none("", false)]
    fn what_passes_is_waited_for(#[case] code: &str, #[case] expected: bool) {
        assert_eq!(is_passing(code), expected);
    }
}
