use std::io;

/// Why nothing can be simulated.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There are none, or too many.
    #[error("a district has 1 to {most} schools: ask for so many")]
    Schools {
        /// The most there can be.
        most: u32,
    },
    /// There are too few for so many schools, or too many.
    #[error("there must be {least} to {most} students: ask for so many, or for other schools")]
    Students {
        /// The fewest there can be.
        least: u32,
        /// The most there can be.
        most: u32,
    },
    /// What was made cannot be written.
    #[error("cannot write what was simulated: see that there is room, and the right to write")]
    Write(#[from] io::Error),
}

impl From<csv::Error> for Error {
    fn from(error: csv::Error) -> Self {
        Self::Write(error.into())
    }
}

impl From<zip::result::ZipError> for Error {
    fn from(error: zip::result::ZipError) -> Self {
        Self::Write(error.into())
    }
}
