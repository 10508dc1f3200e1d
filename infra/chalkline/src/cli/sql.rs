//! What can be said of `chalkline sql`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use schemas::TenantId;

/// `chalkline sql`.
#[derive(Debug, Default, Args)]
pub struct Sql {
    /// Statements, separated by semicolons
    #[arg(value_name = "SQL", conflicts_with_all = ["commands", "files"])]
    pub statements: Option<String>,
    /// Statements, or a command such as \d; may be repeated
    #[arg(
        short = 'c',
        long = "command",
        value_name = "SQL",
        conflicts_with = "files"
    )]
    pub commands: Vec<String>,
    /// File of statements, - for standard input; may be repeated
    #[arg(short = 'f', long = "file", value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Value of $1, then of $2 and so on: JSON, or a text
    #[arg(
        short = 'p',
        long = "param",
        value_name = "VALUE",
        allow_hyphen_values = true
    )]
    pub params: Vec<String>,
    /// What answers become; table if absent
    #[arg(long, value_name = "FORMAT", value_enum)]
    pub format: Option<Format>,
    /// Show the rows of tables one below the other
    #[arg(short = 'x', long)]
    pub expanded: bool,
    /// Let tables be wider than the terminal
    #[arg(long)]
    pub wide: bool,
    /// Write answers to a file
    #[arg(short = 'o', long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Say nothing but the answers
    #[arg(short = 'q', long)]
    pub quiet: bool,
    /// Remember nothing of what is typed
    #[arg(long)]
    pub no_history: bool,
    /// Whose data is asked about; may be left out when the token says so, or there is one tenant
    #[arg(long)]
    pub tenant: Option<TenantId>,
    /// Query token; a steward's of 12 hours, made for the data folder, if absent
    #[arg(long, env = "CHALKLINE_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// Address of the query service; that of the `up` in the data folder if absent, or with a token that of the configuration
    #[arg(long, env = "CHALKLINE_URL")]
    pub url: Option<String>,
}

/// What an answer becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A table for people, or a record for each row
    Table,
    /// CSV with a header line
    Csv,
    /// One JSON document: columns, rows, data_as_of
    Json,
    /// A JSON object for each row
    Ndjson,
    /// An Arrow IPC stream
    Arrow,
    /// A table in Markdown
    Markdown,
}

impl Format {
    /// What it is called on the command line.
    pub fn name(self) -> String {
        let value = self.to_possible_value();
        value
            .map(|value| value.get_name().to_owned())
            .unwrap_or_default()
    }

    /// All names, for people.
    pub fn names() -> Vec<String> {
        Self::value_variants()
            .iter()
            .map(|format| format.name())
            .collect()
    }
}
