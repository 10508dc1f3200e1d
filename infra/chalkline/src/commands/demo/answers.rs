use std::fmt;
use std::time::Duration;

use anyhow::{Context as _, bail};
use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;
use serde_json::Value;

use crate::client::{Answer, Client, ClientError};
use crate::import::Progress;

/// How often SQL is asked whether everything is there.
const POLL: Duration = Duration::from_millis(500);
/// How many times in a row the answer may be the same: two minutes.
const PATIENCE: u32 = 240;
/// Rows of an answer shown to people.
const ROWS_SHOWN: usize = 10;

/// The imported events that SQL shows.
const EVENTS: &str = "SELECT \
    (SELECT count(*) FROM clickstream WHERE course_id = 'aaa') + \
    (SELECT count(*) FROM assessment WHERE course_id = 'aaa') AS events";

/// Three answers about the course.
#[derive(Debug, Serialize)]
pub struct Answers {
    clicks_per_week: Answer,
    active_students_per_week: Answer,
    mean_score_per_assessment: Answer,
}

impl Answers {
    /// Asks all three questions.
    pub async fn ask(query: &Client) -> Result<Self, ClientError> {
        Ok(Self {
            clicks_per_week: query
                .sql(include_str!("../../../demo/answers/clicks_per_week.sql"))
                .await?,
            active_students_per_week: query
                .sql(include_str!(
                    "../../../demo/answers/active_students_per_week.sql"
                ))
                .await?,
            mean_score_per_assessment: query
                .sql(include_str!(
                    "../../../demo/answers/mean_score_per_assessment.sql"
                ))
                .await?,
        })
    }
}

impl fmt::Display for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (title, answer) in [
            ("Clicks per week", &self.clicks_per_week),
            ("Active students per week", &self.active_students_per_week),
            ("Mean score per assessment", &self.mean_score_per_assessment),
        ] {
            writeln!(f, "{title}\n{}\n", table(answer))?;
        }
        Ok(())
    }
}

/// Waits until SQL shows `expected` imported events.
pub async fn wait_for(query: &Client, expected: u64, progress: &Progress) -> anyhow::Result<()> {
    progress.begin("tables", expected, 0);
    let (mut seen, mut unchanged, mut trouble) = (0, 0, None);
    while unchanged < PATIENCE {
        match query.sql(EVENTS).await {
            Ok(answer) => {
                let rows = answer.rows.first();
                let events = rows.and_then(|row| row.get("events")?.as_u64());
                let events = events.context("SQL answered no number of events")?;
                progress.set(events);
                if events == expected {
                    progress.end();
                    return Ok(());
                }
                if events > expected {
                    bail!("SQL shows {events} events where {expected} were sent");
                }
                unchanged = if events == seen { unchanged + 1 } else { 0 };
                seen = events;
            }
            Err(error) if error.is_retryable() => {
                unchanged += 1;
                trouble = Some(error);
            }
            Err(error) => return Err(error.into()),
        }
        tokio::time::sleep(POLL).await;
    }
    let error = anyhow::anyhow!("SQL still shows {seen} of {expected} events");
    Err(match trouble {
        Some(trouble) => anyhow::Error::from(trouble).context(error),
        None => error,
    })
}

/// An answer as a table, its first rows at least.
fn table(answer: &Answer) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_header(answer.columns.iter().map(|column| &column.name));
    for row in answer.rows.iter().take(ROWS_SHOWN) {
        let cells = answer
            .columns
            .iter()
            .map(|column| match &row[&column.name] {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            });
        table.add_row(cells);
    }
    for (index, column) in answer.columns.iter().enumerate() {
        let first = answer.rows.first().map(|row| &row[&column.name]);
        if let (Some(Value::Number(_)), Some(column)) = (first, table.column_mut(index)) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let more = answer.rows.len().saturating_sub(ROWS_SHOWN);
    match more {
        0 => table.to_string(),
        _ => format!("{table}\n … and {more} more"),
    }
}
