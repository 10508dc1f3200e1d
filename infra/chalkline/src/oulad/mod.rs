//! The Open University tables (OULAD) as native events.
//!
//! | table | row | becomes |
//! |---|---|---|
//! | `studentVle` | a student's clicks on a site on a day | `content.opened` with `count` |
//! | `studentAssessment` | a submission | `assessment.submitted`, and `assessment.graded` where there is a score |
//!
//! The data has days, not times: day 0 is the stated first day of the
//! presentation and every event is put at 12:00 UTC of its day. Rows have no
//! key and hold real exact duplicates, so that an event's id is made from the
//! table, the SHA-256 of its contents and the row number.

mod course_start;
mod event;
mod lookup;
mod roster;
mod table;

use std::path::Path;

pub use course_start::{CourseStart, CourseStarts};
pub use lookup::Lookup;
pub use roster::write_roster;
pub use table::Table;

use crate::client::Dialect;
use crate::import::{self, Events, RowEvents, Source};
use event::{Click, Submission};

/// The table of clicks.
pub const CLICKS: &str = "studentVle";
/// The table of submissions and scores.
pub const SUBMISSIONS: &str = "studentAssessment";

/// Why the tables cannot be read as events.
#[derive(Debug, thiserror::Error)]
pub enum OuladError {
    /// Neither the table nor its compressed form is in the folder.
    #[error("{folder} has neither {table}.csv nor {table}.csv.gz")]
    Missing {
        /// The folder.
        folder: String,
        /// The table.
        table: &'static str,
    },
    /// A file cannot be read.
    #[error("{path} cannot be read")]
    Read {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A row has not the columns or the values it should have.
    #[error("{table}, row {row}, is not what the table should hold")]
    Row {
        /// The table.
        table: &'static str,
        /// The row, from 1, without the header.
        row: u64,
        /// Why.
        #[source]
        source: csv::Error,
    },
    /// A submission names an assessment that the assessments table has not.
    #[error("{table}, row {row}: assessments has no assessment {assessment}")]
    Assessment {
        /// The table.
        table: &'static str,
        /// The row, from 1, without the header.
        row: u64,
        /// The assessment.
        assessment: String,
    },
    /// The roster cannot be written.
    #[error("the roster cannot be written")]
    Roster(#[source] std::io::Error),
    /// The first day of a presentation is neither known nor given.
    #[error("presentation {0} has no known first day: give it with --course-start {0}=YYYY-MM-DD")]
    CourseStart(String),
    /// A day so far away that there is no date for it.
    #[error("{table}, row {row}: day {day} is beyond the calendar")]
    Day {
        /// The table.
        table: &'static str,
        /// The row, from 1, without the header.
        row: u64,
        /// The day, relative to the first day of the presentation.
        day: i64,
    },
}

/// A folder of OULAD tables, opened: digests and row counts are known.
#[derive(Debug)]
pub struct Oulad {
    tables: Vec<Table>,
    lookup: Lookup,
}

impl Oulad {
    /// Opens `folder`, reading every table that becomes events once.
    ///
    /// # Errors
    /// [`OuladError`] when a table is missing or cannot be read.
    pub fn open(folder: &Path, starts: CourseStarts) -> Result<Self, OuladError> {
        Ok(Self {
            tables: vec![
                Table::open(folder, CLICKS)?,
                Table::open(folder, SUBMISSIONS)?,
            ],
            lookup: Lookup::open(folder, starts)?,
        })
    }
}

impl Source for Oulad {
    fn dialect(&self) -> Dialect {
        Dialect::Native
    }

    fn tables(&self) -> Vec<&dyn import::Table> {
        let tables = self.tables.iter();
        tables.map(|table| table as &dyn import::Table).collect()
    }

    fn events<'a>(&'a self, table: usize, skip: u64) -> anyhow::Result<Events<'a>> {
        let table = &self.tables[table];
        if table.name() == CLICKS {
            let rows = table.rows::<Click>(skip)?;
            Ok(Box::new(rows.map(move |row| {
                let (row, click) = row?;
                let event = click.event(&self.lookup, table, row)?;
                let events = vec![event];
                Ok(RowEvents { row, events })
            })))
        } else {
            let rows = table.rows::<Submission>(skip)?;
            Ok(Box::new(rows.map(move |row| {
                let (row, submission) = row?;
                let events = submission.events(&self.lookup, table, row)?;
                Ok(RowEvents { row, events })
            })))
        }
    }
}

#[cfg(test)]
mod tests;
