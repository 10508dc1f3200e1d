//! What can be said of rosters.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use schemas::TenantId;
use uuid::Uuid;

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

/// Whose rosters.
#[derive(Debug, Args)]
pub struct OfTenant {
    /// Whose rosters; need not be said where there is one tenant only
    #[arg(long)]
    pub tenant: Option<TenantId>,
}
