//! Tables that are made when a query names them, of documents or of what is known
//! anyway: each in memory, and bounded.

mod admin;
mod arrays;
mod classes;
mod diagnostics;
mod jobs;
mod outcome;
mod sources;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use datafusion::arrow::array::{ArrayRef, RecordBatch};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::catalog::{MemTable, TableProvider};
use lake::Lake;
use lake::imports::{Job, Jobs};
use runtime::Registry;
use schemas::TenantId;
use schemas::roster::Class;

use crate::error::Error;
use crate::session::{ours, unavailable};

/// A job that goes on and was not renewed for so long has no process: four times as long
/// as a lease usually lasts.
const ALIVE: Duration = Duration::from_secs(60);

/// A table that is made when it is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Listing {
    /// Who has imported rosters, or tried to.
    ImportJobs,
    /// What was wrong with what they imported.
    ImportDiagnostics,
    /// The databases that rosters are read from, and how it went.
    ImportSources,
    /// Who may do what, as it was changed.
    AdminAudit,
    /// What each column tells about people.
    ColumnClasses,
}

/// A column of a listing.
pub(crate) struct Column {
    pub(crate) name: &'static str,
    kind: Kind,
    pub(crate) class: Class,
    /// What it tells, for people.
    pub(crate) description: &'static str,
}

#[derive(Clone, Copy)]
enum Kind {
    Text,
    Whole,
    Number,
    Boolean,
    Time,
}

const fn column(name: &'static str, kind: Kind, description: &'static str) -> Column {
    Column {
        name,
        kind,
        class: Class::Plain,
        description,
    }
}

impl Listing {
    /// All of them, in the order in which they are listed.
    pub(crate) const ALL: [Self; 5] = [
        Self::ImportJobs,
        Self::ImportDiagnostics,
        Self::ImportSources,
        Self::AdminAudit,
        Self::ColumnClasses,
    ];

    /// Its name in SQL.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ImportJobs => "import_jobs",
            Self::ImportDiagnostics => "import_diagnostics",
            Self::ImportSources => "import_sources",
            Self::AdminAudit => "admin_audit",
            Self::ColumnClasses => "column_classes",
        }
    }

    /// The one of that name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|listing| listing.name() == name)
    }

    /// What its rows are, for people.
    pub(crate) fn description(self) -> &'static str {
        match self {
            Self::ImportJobs => {
                "Every import of a roster, whether it came to its end or not; the newest 500."
            }
            Self::ImportDiagnostics => {
                "What was wrong with what was imported; of the newest 100 jobs, and of less \
                 if that is over 16 MiB."
            }
            Self::ImportSources => {
                "Every database that rosters are read from: how it went the last time, and when \
                 it last went well."
            }
            Self::AdminAudit => {
                "Every change of the tenant's document: keys, tokens, policies, identity providers \
                 and settings; of its newest 500 versions."
            }
            Self::ColumnClasses => "What each column of each table tells about people.",
        }
    }

    /// Its columns, in order.
    pub(crate) fn columns(self) -> &'static [Column] {
        match self {
            Self::ImportJobs => jobs::COLUMNS,
            Self::ImportDiagnostics => diagnostics::COLUMNS,
            Self::ImportSources => sources::COLUMNS,
            Self::AdminAudit => admin::COLUMNS,
            Self::ColumnClasses => classes::COLUMNS,
        }
    }

    /// They as Arrow types.
    pub(crate) fn schema(self) -> SchemaRef {
        let columns = self.columns().iter().map(|column| {
            let data_type = match column.kind {
                Kind::Text => DataType::Utf8,
                Kind::Whole => DataType::Int64,
                Kind::Number => DataType::Float64,
                Kind::Boolean => DataType::Boolean,
                Kind::Time => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            };
            Field::new(column.name, data_type, true)
        });
        Arc::new(Schema::new(columns.collect::<Vec<_>>()))
    }

    /// What a column tells about people.
    pub(crate) fn class(self, column: &str) -> Class {
        let found = self.columns().iter().find(|known| known.name == column);
        found.map_or(Class::Plain, |column| column.class)
    }
}

/// The rows of a listing, as they are now.
pub(crate) async fn rows(
    listing: Listing,
    asked: &Asked<'_>,
) -> Result<Arc<dyn TableProvider>, Error> {
    let rows = match listing {
        Listing::ImportJobs => jobs::rows(asked).await,
        Listing::ImportDiagnostics => diagnostics::rows(asked).await,
        Listing::ImportSources => sources::rows(asked).await,
        Listing::AdminAudit => admin::rows(asked).await,
        Listing::ColumnClasses => classes::rows(),
    };
    let rows = MemTable::try_new(listing.schema(), vec![vec![rows?]]);
    Ok(Arc::new(rows.map_err(ours)?))
}

/// Whose documents are asked for, and when.
pub(crate) struct Asked<'a> {
    pub(crate) lake: &'a Lake,
    pub(crate) registry: &'a Registry,
    pub(crate) tenant: &'a TenantId,
    pub(crate) now: DateTime<Utc>,
}

impl Asked<'_> {
    fn jobs(&self) -> Jobs {
        Jobs::new(self.lake.clone(), self.tenant.clone(), ALIVE)
    }

    /// The newest jobs, the newest first.
    async fn newest_jobs(&self, most: usize) -> Result<Vec<Job>, Error> {
        let newest = self.jobs().list_at(most, self.now).await;
        newest.map_err(unavailable)
    }
}

/// A listing's columns as rows.
fn batch(listing: Listing, columns: Vec<ArrayRef>) -> Result<RecordBatch, Error> {
    let rows = RecordBatch::try_new(listing.schema(), columns);
    rows.map_err(|error| ours(error.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listing_is_found_by_its_name_and_its_columns_have_names_of_their_own() {
        for listing in Listing::ALL {
            assert_eq!(Listing::from_name(listing.name()), Some(listing));
            let mut names: Vec<_> = listing.columns().iter().map(|column| column.name).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), listing.columns().len(), "{}", listing.name());
        }
        assert_eq!(Listing::ImportJobs.class("imported_by"), Class::Personal);
    }
}
