//! What can be said of imports.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use schemas::TenantId;

use crate::oulad::CourseStart;

/// `chalkline import`.
#[derive(Debug, Subcommand)]
pub enum Import {
    /// Bring in the tables of the Open University Learning Analytics Dataset
    ///
    /// Clicks become content.opened with their count, submissions
    /// assessment.submitted and, where there is a score, assessment.graded.
    /// The dataset has days relative to the first day of a presentation: day n
    /// becomes 12:00 UTC of that date plus n days. A presentation begins on 1
    /// February (B) or 1 October (J) of its year unless --course-start says
    /// otherwise. An import that was stopped goes on where it was.
    #[command(
        after_help = "Example: chalkline import oulad data/oulad --key ck_demo_… --course-start 2013J=2013-10-05"
    )]
    Oulad(Oulad),
    /// Bring in files of xAPI statements, one statement a line
    ///
    /// A statement without an id gets one made of the file's contents and its
    /// line, so that importing the file again stores nothing twice. An import
    /// that was stopped goes on where it was.
    #[command(after_help = "Example: chalkline import xapi statements.jsonl.gz --key ck_demo_…")]
    Xapi(Xapi),
    /// Bring in tracking logs of Open edX, one event a line
    ///
    /// Lines are JSON, with or without what the logger wrote before it. Each event
    /// gets an id made of the file's contents and its line, so that importing the
    /// file again stores nothing twice. Lines that cannot be taken, broken ones and
    /// those of visitors who are not logged in, are counted and stop nothing. An
    /// import that was stopped goes on where it was.
    #[command(after_help = "Example: chalkline import edx tracking.log-*.gz --key ck_demo_…")]
    Edx(Edx),
    /// Bring in history from CSV or Parquet files, by a mapping file
    ///
    /// The mapping says which events a row becomes and of which columns their members
    /// are made. An event without an id gets one made of the file's contents and its
    /// row, so that importing the file again stores nothing twice. Rows that cannot be
    /// taken are counted and stop nothing. An import that was stopped goes on where it
    /// was.
    #[command(after_help = "A mapping (TOML, or JSON by its ending):

  time_zone = \"America/Chicago\"          # of times without an offset
  null = [\"\", \"NULL\"]                  # texts that mean nothing
  [[events]]                             # a row becomes one of each whose `when` holds
  type = \"video.played\"
  when = [{ column = \"action\", is = [\"play\", \"resume\"] }]
  time = \"at\"                            # a column; or { column = \"at\", format = \"%d.%m.%Y %H:%M\" }
                                         # or { column = \"at\", unit = \"s\" }: seconds since 1970, or ms, us
  actor = { template = \"mailto:{email}\" }
  course = { value = \"bio-101\" }
  content = \"video\"
  data.position = { column = \"ms\", scale = 0.001 }
  data.correct = { column = \"right\", words = { richtig = true, falsch = false } }

Examples:
  chalkline import events --mapping log.toml log.csv.gz --key ck_demo_… --dry-run
  chalkline import events --mapping log.toml 2024.csv.gz 2025.parquet --key ck_demo_…

Example: chalkline import events --mapping log.toml log.csv.gz --key ck_demo_…")]
    Events(Events),
}

/// `chalkline import edx`.
#[derive(Debug, Args)]
pub struct Edx {
    /// Tracking logs, as they are or .gz
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Where they go.
    #[command(flatten)]
    pub target: Target,
}

/// `chalkline import events`.
#[derive(Debug, Args)]
pub struct Events {
    /// What the rows become (TOML or JSON)
    #[arg(long, value_name = "FILE")]
    pub mapping: PathBuf,
    /// Files of rows: .csv, .tsv, both also .gz, or .parquet
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Print the events of the first 10 rows of each file and send nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Where they go.
    #[command(flatten)]
    pub target: Target,
}

/// `chalkline import xapi`.
#[derive(Debug, Args)]
pub struct Xapi {
    /// Files of statements, .jsonl or .jsonl.gz
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Where they go.
    #[command(flatten)]
    pub target: Target,
}

/// `chalkline import oulad`.
#[derive(Debug, Args)]
pub struct Oulad {
    /// Folder with studentVle, studentAssessment, assessments and vle as .csv or .csv.gz
    pub dir: PathBuf,
    /// Before that, import its courses and studentRegistration as the tenant's roster
    #[arg(long)]
    pub roster: bool,
    /// First day of a presentation, e.g. 2013J=2013-10-05; may be repeated
    #[arg(long, value_name = "PRESENTATION=DATE")]
    pub course_start: Vec<CourseStart>,
    /// Where they go.
    #[command(flatten)]
    pub target: Target,
}

/// Where an import goes, and what remembers it.
#[derive(Debug, Args)]
pub struct Target {
    /// Write key of the tenant
    #[arg(long)]
    pub key: String,
    /// The tenant, to be sure that the key is the right one
    #[arg(long)]
    pub tenant: Option<TenantId>,
    /// Address of the front door; that of the `up` in the data folder, else http://127.0.0.1:8080
    #[arg(long, env = "CHALKLINE_URL")]
    pub url: Option<String>,
    /// File that remembers how far the import is
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
}
