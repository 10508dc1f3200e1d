//! What can be said of the catalogue.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::OfTenant;

/// `chalkline catalog`.
#[derive(Debug, Subcommand)]
pub enum Catalog {
    /// Import a catalogue: contents, course details, standards, programs, holidays
    ///
    /// PATH is a folder or a zip file of CSV files named by their tables (contents.csv,
    /// course_details.csv, section_details.csv, standards.csv, alignments.csv, programs.csv,
    /// program_enrollments.csv, awards.csv, calendar_days.csv), one of these files, a JSON file
    /// with an array of objects for each table, or contents.jsonl with a line for each row.
    ///
    /// A file says all of the courses that it names; contents of other courses stay.
    /// Everything becomes visible at once, or nothing. The same catalogue again changes
    /// nothing. Rows that cannot be taken are left out and told by `chalkline roster
    /// diagnostics`; what would end over a fifth of a table is refused as a whole.
    /// `chalkline roster` also lists these imports, and goes back: imports of rosters and
    /// of the catalogue have one row of numbers. Systems that send one every night post it
    /// to `/v1/catalog` of ingest.
    #[command(after_help = "Examples:
  chalkline catalog import catalog --tenant north-high --dry-run
  chalkline catalog import catalog.json --tenant north-high
  chalkline catalog import contents.csv --tenant north-high --delta

Example: chalkline catalog import catalog.zip --tenant north-high")]
    Import(CatalogImport),
}

/// `chalkline catalog import`.
#[derive(Debug, Args)]
pub struct CatalogImport {
    /// Folder, zip file, CSV file of a table, JSON file, or JSON lines of a table
    #[arg(value_name = "PATH")]
    pub path: PathBuf,
    /// Whose catalogue
    #[command(flatten)]
    pub of: OfTenant,
    /// Change only what is named: rows whose status is tobedeleted end, no others
    #[arg(long)]
    pub delta: bool,
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
