//! What can be said of rosters.

use std::path::PathBuf;

use chrono::TimeDelta;
use clap::{Args, Subcommand};
use schemas::{SourceName, TenantId};
use uuid::Uuid;

use super::values::period;

/// `chalkline roster`.
#[derive(Debug, Subcommand)]
pub enum Roster {
    /// Import a OneRoster bundle: a zip file, or a folder of CSV files
    ///
    /// All of it becomes visible at once, or nothing. The same bundle again changes
    /// nothing. Rows that cannot be taken are left out and told by `chalkline roster
    /// diagnostics`; a bundle that is no roster, or that would end over a fifth of a
    /// table's rows, is refused as a whole. If another import of the tenant is under way
    /// this one waits. It may be stopped at any moment and said again.
    #[command(after_help = "Examples:
  chalkline roster import roster.zip --tenant north-high --dry-run
  chalkline roster import roster.zip --tenant north-high

Example: chalkline roster import roster.zip --tenant north-high")]
    Import(RosterImport),
    /// Read rosters from a database, once or again and again
    #[command(
        subcommand,
        after_help = "Example: chalkline roster sync postgres --url postgresql://chalkline_reader@db/lms --tenant north-high"
    )]
    Sync(RosterSync),
    /// List the databases that rosters are read from: how it went, and when it last went well
    #[command(after_help = "Example: chalkline roster sources --tenant north-high")]
    Sources(OfTenant),
    /// List the imports of which something is seen, the newest first
    #[command(after_help = "Example: chalkline roster imports --tenant north-high")]
    Imports(OfTenant),
    /// Make rosters what they were before the newest import, or after an earlier one
    ///
    /// That is an import itself: what it undoes stays in the history, and comes back
    /// with one more rollback.
    #[command(after_help = "Examples:
  chalkline roster rollback --tenant north-high
  chalkline roster rollback 41 --tenant north-high

Example: chalkline roster rollback --tenant north-high")]
    Rollback {
        /// The import after which it was so, as `imports` lists it; 0 is before the first
        #[arg(value_name = "NUMBER")]
        to: Option<u64>,
        /// Whose rosters
        #[command(flatten)]
        of: OfTenant,
    },
    /// List who has imported, or tried to, and how it went, the newest first
    #[command(after_help = "Example: chalkline roster jobs --tenant north-high")]
    Jobs {
        /// How many at most
        #[arg(long, value_name = "N", default_value_t = 20)]
        last: usize,
        /// Whose jobs
        #[command(flatten)]
        of: OfTenant,
    },
    /// Show what is wrong with a bundle: file, line, column, and what to do
    #[command(
        after_help = "Example: chalkline roster diagnostics 0197c3b2-7f1e-7d3a-9a53-0a8f2a1d9c11 --csv > faults.csv"
    )]
    Diagnostics {
        /// The job that has read the bundle, as `import` and `jobs` tell it
        job: Uuid,
        /// Print CSV, for a spreadsheet
        #[arg(long)]
        csv: bool,
        /// Whose job
        #[command(flatten)]
        of: OfTenant,
    },
}

/// `chalkline roster import`.
#[derive(Debug, Args)]
pub struct RosterImport {
    /// Zip file or folder
    #[arg(value_name = "BUNDLE")]
    pub bundle: PathBuf,
    /// Whose rosters
    #[command(flatten)]
    pub of: OfTenant,
    /// Say what would change, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Rows of each table that a dry run shows
    #[arg(long, value_name = "N", default_value_t = 5, requires = "dry_run")]
    pub show: usize,
    /// Take it even if it ends over a fifth of a table's rows
    #[arg(long)]
    pub force: bool,
}

/// `chalkline roster sync`.
#[derive(Debug, Subcommand)]
pub enum RosterSync {
    /// Read the views of a PostgreSQL database, or the queries of a mapping
    ///
    /// The views are those of infra/postgres/views.sql. What has changed since the last time
    /// is read, in one transaction that reads only, and imported as a bundle is: all of it
    /// becomes visible at once, or nothing. Everything is read the first time, when something
    /// else was imported since, when the views or the database are others, and once a day,
    /// which finds what was deleted for good. It may be stopped at any moment and said again.
    #[command(after_help = "Examples:
  CHALKLINE_DATABASE_URL=postgresql://chalkline_reader@db/lms chalkline roster sync postgres --every 5m
  chalkline roster sync postgres --url postgresql://chalkline_reader@db/lms --dry-run
  chalkline roster sync postgres --url postgresql://reader@db/lms --mapping lms.toml

Example: chalkline roster sync postgres --url postgresql://chalkline_reader@db/lms")]
    Postgres(Box<SyncPostgres>),
}

/// `chalkline roster sync postgres`.
#[derive(Debug, Args)]
pub struct SyncPostgres {
    /// The database; a password is better in the variable, or in ~/.pgpass
    #[arg(
        long,
        env = "CHALKLINE_DATABASE_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    pub url: String,
    /// Whose rosters
    #[command(flatten)]
    pub of: OfTenant,
    /// What the database is called in imports and `sources`; its own name if absent
    #[arg(long)]
    pub name: Option<SourceName>,
    /// Queries in the place of views (TOML), where nothing may be made in the database
    #[arg(long, value_name = "FILE")]
    pub mapping: Option<PathBuf>,
    /// Read everything
    #[arg(long)]
    pub full: bool,
    /// After which time to read everything again
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = period)]
    pub full_every: TimeDelta,
    /// Go on, and read so often
    #[arg(long, value_name = "TIME", value_parser = period, conflicts_with_all = ["dry_run", "full", "force"])]
    pub every: Option<TimeDelta>,
    /// Say what would change, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Rows of each table that a dry run shows
    #[arg(long, value_name = "N", default_value_t = 5, requires = "dry_run")]
    pub show: usize,
    /// Take it even if it ends over a fifth of a table's rows
    #[arg(long)]
    pub force: bool,
    /// How long the database may take for one statement; each table takes many
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = period)]
    pub statement_timeout: TimeDelta,
    /// How long the database may wait for a lock
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = period)]
    pub lock_timeout: TimeDelta,
}

/// Whose rosters.
#[derive(Debug, Args)]
pub struct OfTenant {
    /// Whose rosters; need not be said where there is one tenant only
    #[arg(long)]
    pub tenant: Option<TenantId>,
}
