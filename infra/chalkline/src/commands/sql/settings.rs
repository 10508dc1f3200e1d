//! How answers are shown.

use std::fmt;

pub use crate::cli::Format;

impl Format {
    /// The media type that is passed on as it comes; none of formats that are made here.
    pub fn passed_on(self) -> Option<&'static str> {
        match self {
            Self::Table | Self::Markdown => None,
            Self::Csv => Some("text/csv"),
            Self::Json => Some("application/json"),
            Self::Ndjson => Some("application/x-ndjson"),
            Self::Arrow => Some(ARROW),
        }
    }
}

/// The media type of Arrow's stream, of which tables are made as well.
pub const ARROW: &str = "application/vnd.apache.arrow.stream";

/// When the rows of a table stand one below the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expanded {
    /// Never.
    Off,
    /// Always.
    On,
    /// When a table would be wider than the terminal.
    Auto,
}

impl fmt::Display for Expanded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Off => "off",
            Self::On => "on",
            Self::Auto => "auto",
        })
    }
}

/// How answers are shown, until it is changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// What an answer becomes.
    pub format: Format,
    /// When rows stand one below the other.
    pub expanded: Expanded,
    /// Whether tables may be wider than the terminal.
    pub wide: bool,
    /// Whether it is said how long it took.
    pub timing: bool,
    /// Whether long answers go to a pager.
    pub pager: bool,
    /// Whether nothing but the answer is said.
    pub quiet: bool,
}
