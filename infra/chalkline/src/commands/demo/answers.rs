use std::fmt;

use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;
use serde_json::Value;

use crate::client::{Answer, Client, ClientError};

/// Rows of an answer shown to people.
const ROWS_SHOWN: usize = 10;

/// Five answers about the two courses.
#[derive(Debug, Serialize)]
pub struct Answers {
    enrolled_per_week: Answer,
    clicks_per_week: Answer,
    active_students_per_week: Answer,
    mean_score_per_assessment: Answer,
    most_watched_videos: Answer,
}

impl Answers {
    /// Asks all five questions.
    pub async fn ask(query: &Client) -> Result<Self, ClientError> {
        Ok(Self {
            enrolled_per_week: query
                .sql(include_str!("../../../demo/answers/enrolled_per_week.sql"))
                .await?,
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
            most_watched_videos: query
                .sql(include_str!(
                    "../../../demo/answers/most_watched_videos.sql"
                ))
                .await?,
        })
    }
}

impl fmt::Display for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (title, answer) in [
            ("Students enrolled, by week", &self.enrolled_per_week),
            ("Clicks per week", &self.clicks_per_week),
            ("Active students per week", &self.active_students_per_week),
            ("Mean score per assessment", &self.mean_score_per_assessment),
            ("Most watched videos", &self.most_watched_videos),
        ] {
            writeln!(f, "{title}\n{}\n", table(answer))?;
        }
        Ok(())
    }
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
