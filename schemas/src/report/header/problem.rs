//! What can be wrong with a header.

use std::fmt;

/// Why a header cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HeaderError {
    /// The line of the file, from 1.
    pub line: usize,
    pub problem: Problem,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Problem {
    NoDescription,
    NotAMember(String),
    Repeated(String),
    Missing(&'static str),
    NotOneOf(&'static str),
    NotAThreshold(String),
    NotAColumn(String),
    NoSuchColumn(String),
    NoSuchFile(String),
    NotASlot(String),
    NoColumns,
    NoTerm,
    SliceOfView,
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.line, self.problem)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoDescription => write!(f, "a report begins with a sentence that describes it"),
            Self::NotAMember(line) => write!(f, "{line:?} is not a member of a header"),
            Self::Repeated(what) => write!(f, "{what} is there twice"),
            Self::Missing(key) => write!(f, "the header says nothing of {key}"),
            Self::NotOneOf(allowed) => write!(f, "this must be one of: {allowed}"),
            Self::NotAThreshold(text) => write!(f, "{text:?} is not <name> = <number>"),
            Self::NotAColumn(text) => {
                write!(f, "{text:?} is not <name> <type> [not null] <description>")
            }
            Self::NoSuchColumn(name) => write!(f, "{name} is not a column of the report"),
            Self::NoSuchFile(name) => write!(f, "there is no file reports/shared/{name}"),
            Self::NotASlot(text) => {
                write!(f, "{text:?} is not <slot of the file> = <columns>")
            }
            Self::NoColumns => write!(f, "a report has columns"),
            Self::NoTerm => write!(f, "a table's slice begins with term, a `text not null`"),
            Self::SliceOfView => write!(f, "a view has no slices"),
        }
    }
}
