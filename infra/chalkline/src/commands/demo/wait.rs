//! Waits until what was sent can be seen.

use std::time::Duration;

use anyhow::Context as _;
use chrono::{DateTime, Utc};

use crate::client::{Client, ClientError};
use crate::import::Progress;

/// How often is asked whether everything is there.
const POLL: Duration = Duration::from_millis(500);
/// How many times in a row the answer may be the same: two minutes.
const PATIENCE: u32 = 240;

/// The imported events that SQL shows.
const EVENTS: &str = "SELECT sum(events) AS events FROM (
    SELECT course_id, count(*) AS events FROM clickstream GROUP BY course_id
    UNION ALL SELECT course_id, count(*) FROM video GROUP BY course_id
    UNION ALL SELECT course_id, count(*) FROM assessment GROUP BY course_id
) WHERE course_id IN ('aaa', 'course-v1:FUN-MOOC+00001+session01')";

/// Waits until SQL shows `expected` imported events. There may be more: who
/// tries the demo posts to its courses.
pub async fn for_events(query: &Client, expected: u64, progress: &Progress) -> anyhow::Result<()> {
    progress.begin("tables", "events", expected, 0);
    let count = async || {
        let answer = query.sql(EVENTS).await?;
        let events = answer.rows.first().and_then(|row| row.get("events"));
        // The sum of no rows is null.
        Ok(events.and_then(serde_json::Value::as_u64).unwrap_or(0))
    };
    until(expected, count, progress)
        .await
        .context("not every event is in its table")
}

/// Waits until every report holds all that was answered before `moment`.
pub async fn for_reports(
    query: &Client,
    moment: DateTime<Utc>,
    progress: &Progress,
) -> anyhow::Result<()> {
    let expected = query.reports().await?.len() as u64;
    progress.begin("reports", "reports", expected, 0);
    let count = async || {
        let reports = query.reports().await?;
        let current = reports
            .iter()
            .filter(|report| report.data_as_of.is_some_and(|as_of| as_of >= moment));
        Ok(current.count() as u64)
    };
    until(expected, count, progress)
        .await
        .context("not every report is up to date")
}

/// Counts again and again until there are `expected`, or nothing moves.
async fn until(
    expected: u64,
    count: impl AsyncFn() -> Result<u64, ClientError>,
    progress: &Progress,
) -> anyhow::Result<()> {
    let (mut seen, mut unchanged, mut trouble) = (0, 0, None);
    while unchanged < PATIENCE {
        match count().await {
            Ok(counted) => {
                progress.set(counted.min(expected));
                if counted >= expected {
                    progress.end();
                    return Ok(());
                }
                unchanged = if counted == seen { unchanged + 1 } else { 0 };
                seen = counted;
            }
            Err(error) if error.is_retryable() => {
                unchanged += 1;
                trouble = Some(error);
            }
            Err(error) => return Err(error.into()),
        }
        tokio::time::sleep(POLL).await;
    }
    let error = anyhow::anyhow!("it stays at {seen} of {expected}");
    Err(match trouble {
        Some(trouble) => anyhow::Error::from(trouble).context(error),
        None => error,
    })
}
